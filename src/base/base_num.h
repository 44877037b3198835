/* base_num: checked arithmetic on external numbers; strict text to number. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base_span.h"

static inline bool
base_num_add(size_t a, size_t b, size_t *out_r)
{
	return !__builtin_add_overflow(a, b, out_r);
}
static inline bool
base_num_mul(size_t a, size_t b, size_t *out_r)
{
	return !__builtin_mul_overflow(a, b, out_r);
}
/* Whole span, decimal digits only (i64: optional '-'), inside [min, max]; untouched on failure. GH_E_PARSE, GH_E_LIMIT. */
BASE_CHECK int base_num_u64(struct base_span s, uint64_t min, uint64_t max, uint64_t *out_r);
BASE_CHECK int base_num_i64(struct base_span s, int64_t min, int64_t max, int64_t *out_r);
/* "64KiB", "1MiB", "2GiB", "4096" -> bytes. "500ms", "5s", "10min", "2h", "1d" -> microseconds. "0" is allowed in both. */
BASE_CHECK int base_num_size(struct base_span s, uint64_t max, uint64_t *out_r);
BASE_CHECK int base_num_duration(struct base_span s, uint64_t max_us, uint64_t *out_r);

#endif
