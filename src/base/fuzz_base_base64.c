/* Fuzz: strict base64. What decodes must encode to the very same text; what fails must leave the buffer as it was. */
#include <stdlib.h>

#include "base_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_buf bytes, text;
	int rc;

	base_buf_init(&bytes, 4096);
	base_buf_init(&text, SIZE_MAX);
	rc = base_text_unbase64(base_span(data, size), &bytes);
	base_text_base64(&text, base_buf_span(&bytes));
	if (rc == GH_OK ? !base_span_eq(base_buf_span(&text), base_span(data, size)) : base_buf_len(&bytes) != 0)
		abort();
	base_buf_done(&bytes);
	base_buf_done(&text);
	return 0;
}
