/* fuzz_event_decode: any line; what decodes is canonical (checked inside) and can be printed. */
#include "event_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_decoded *d = NULL;
	struct base_buf out;

	base_buf_init(&out, 1u << 20);
	if (event_decode(base_span(data, size), &d, NULL) == GH_OK)
		event_print_line(event_decoded_entry(d), 200, &out);
	event_decoded_free(&d);
	base_buf_done(&out);
	return 0;
}
