/* fuzz_wire_frame: both sides' headers and the first packet, walked as a receiver walks them. */
#include "wire_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_first_packet first;
	struct wire_header h;
	struct base_fail fail;

	if (wire_frame_first(base_span(data, size), &first, &fail) == 1 && first.size > size)
		__builtin_trap(); /* "whole packet is in avail" */
	for (int side = WIRE_F; side <= WIRE_B; side++)
		for (size_t at = 0; wire_frame_header((enum wire_side)side, base_span(data + at, size - at), &h, &fail) == 1
		    && h.len <= size - at - WIRE_HEADER; at += WIRE_HEADER + h.len)
			(void)wire_frame_name((enum wire_side)side, h.type);
	return 0;
}
