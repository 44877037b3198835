/* Fuzz: numbers. Whatever is accepted lies in its range, and both signs agree on what both accept. */
#include <stdlib.h>

#include "base_num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_span s = base_span(data, size);
	uint64_t u, v;
	int64_t i;

	if (base_num_u64(s, 5, UINT64_MAX - 5, &u) == GH_OK && (u < 5 || u > UINT64_MAX - 5))
		abort();
	if (base_num_i64(s, 0, INT64_MAX, &i) == GH_OK && data[0] != '-' && (base_num_u64(s, 0, INT64_MAX, &u) != GH_OK || u != (uint64_t)i))
		abort();
	if (base_num_i64(s, -9, 9, &i) == GH_OK && (i < -9 || i > 9))
		abort();
	if (base_num_u64(s, 0, 1 << 20, &u) == GH_OK && (base_num_size(s, 1 << 20, &v) != GH_OK || u != v))
		abort();
	return 0;
}
