/* Fuzz: hex. What decodes must encode to the same text, but for the case of its letters. */
#include <stdlib.h>
#include <strings.h>

#include "base_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_buf text;
	uint8_t bytes[64];

	base_buf_init(&text, 2 * sizeof(bytes));
	if (size / 2 <= sizeof(bytes) && base_text_unhex(base_span(data, size), bytes, size / 2) == GH_OK) {
		base_text_hex(&text, base_span(bytes, size / 2));
		if (base_buf_len(&text) != size || strncasecmp((const char *)base_buf_span(&text).p, (const char *)data, size) != 0)
			abort();
	}
	base_buf_done(&text);
	return 0;
}
