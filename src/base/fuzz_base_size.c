/* Fuzz: sizes and durations. Whatever is accepted lies in its range, and no text but zero is both. */
#include <stdlib.h>

#include "base_num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_span s = base_span(data, size);
	uint64_t bytes = 0, us = 0;
	bool is_size = base_num_size(s, UINT64_C(1) << 40, &bytes) == GH_OK;
	bool is_duration = base_num_duration(s, UINT64_C(1) << 50, &us) == GH_OK;

	if (bytes > UINT64_C(1) << 40 || us > UINT64_C(1) << 50 || (is_size && is_duration && !base_span_is(s, "0")))
		abort();
	return 0;
}
