/* Fuzz: values through every mask that suits a type. First byte: mask and format; second: type. What comes out is one whole field. */
#include <stdlib.h>

#include "base_text.h"
#include "mask_apply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t types[] = {25, 1042, 1082, 1114, 1184, 23, 16};
	struct mask_secret *secret = NULL;
	struct mask_column *c = NULL;
	struct base_buf out;
	if (size < 2 || mask_secret_parse(base_span_str("mask 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), "", &secret, NULL) != 0)
		return 0;
	struct policy_mask m = {.kind = (enum policy_mask_kind)(data[0] % 8), .n = 1u + (data[0] >> 6), .fixed = base_span_str("1")};
	base_buf_init(&out, 1u << 20);
	if (mask_column_new(&m, types[data[1] % BASE_COUNT(types)], data[0] >> 3 & 1, secret, base_span_str("e"), base_span_str("k"),
	                    (enum policy_norm)(data[1] >> 5) % 3, base_span_str("86"), &c) == 0) {
		mask_apply(c, base_span(data + 2, size - 2), &out);
		struct base_cursor cur = base_cursor(base_buf_span(&out));
		uint32_t n = base_cursor_u32(&cur);
		if (out.bad || (n == UINT32_MAX ? cur.left != 0 : cur.left != n) ||
		    (n != UINT32_MAX && (data[0] >> 3 & 1) == 0 && !base_text_utf8(base_span(cur.p, cur.left))))
			abort();
	}
	mask_column_free(&c);
	mask_secret_unref(&secret);
	base_buf_done(&out);
	return 0;
}
