/* base_num: strict text to number.
 * Input: hostile. The whole span must be the number; the output is untouched on failure. Syntax is judged before size, so
 * that a malformed number is never reported as one out of range. Never skips spaces, never accepts a plus sign or a fraction.
 */
#include "base_num.h"

/* Splits s into its leading digits and the rest; false when it does not start with a digit. */
static bool
num_split(struct base_span s, struct base_span *digits_r, struct base_span *rest_r)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (n == 0)
		return false;
	*digits_r = base_span(s.p, n);
	*rest_r = base_span(s.p + n, s.n - n);
	return true;
}

/* The value of digits; false when it passes UINT64_MAX. */
static bool
num_value(struct base_span digits, uint64_t *out_r)
{
	uint64_t v = 0;

	for (size_t i = 0; i < digits.n; i++)
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)(digits.p[i] - '0'), &v))
			return false;
	*out_r = v;
	return true;
}

int
base_num_u64(struct base_span s, uint64_t min, uint64_t max, uint64_t *out_r)
{
	struct base_span digits, rest;
	uint64_t v;

	if (!num_split(s, &digits, &rest) || rest.n != 0)
		return GH_E_PARSE;
	if (!num_value(digits, &v) || v < min || v > max)
		return GH_E_LIMIT;
	*out_r = v;
	return GH_OK;
}

int
base_num_i64(struct base_span s, int64_t min, int64_t max, int64_t *out_r)
{
	struct base_span digits, rest;
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t size;
	int64_t v;

	if (minus)
		s = base_span(s.p + 1, s.n - 1);
	if (!num_split(s, &digits, &rest) || rest.n != 0)
		return GH_E_PARSE;
	if (!num_value(digits, &size) || size > (uint64_t)INT64_MAX + (minus ? 1 : 0))
		return GH_E_LIMIT;
	/* -size in unsigned arithmetic, so that INT64_MIN needs no special case */
	v = minus ? (int64_t)(0 - size) : (int64_t)size;
	if (v < min || v > max)
		return GH_E_LIMIT;
	*out_r = v;
	return GH_OK;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int
num_with_unit(struct base_span s, const struct unit *units, size_t count, uint64_t max, uint64_t *out_r)
{
	struct base_span digits, rest;
	const struct unit *unit = NULL;
	bool zero;
	uint64_t v;

	if (!num_split(s, &digits, &rest))
		return GH_E_PARSE;
	zero = base_span_is(s, "0"); /* nothing is nothing in every unit */
	for (size_t i = 0; i < count; i++)
		if (base_span_is(rest, units[i].name))
			unit = &units[i];
	if (unit == NULL && !zero)
		return GH_E_PARSE;
	if (!num_value(digits, &v) || (unit != NULL && __builtin_mul_overflow(v, unit->factor, &v)) || v > max)
		return GH_E_LIMIT;
	*out_r = v;
	return GH_OK;
}

int
base_num_size(struct base_span s, uint64_t max, uint64_t *out_r)
{
	static const struct unit units[] = {
		{"", 1}, {"KiB", UINT64_C(1) << 10}, {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30},
	};

	return num_with_unit(s, units, BASE_COUNT(units), max, out_r);
}

int
base_num_duration(struct base_span s, uint64_t max_us, uint64_t *out_r)
{
	static const struct unit units[] = {
		{"ms", 1000}, {"s", 1000000}, {"min", 60000000}, {"h", UINT64_C(3600000000)}, {"d", UINT64_C(86400000000)},
	};

	return num_with_unit(s, units, BASE_COUNT(units), max_us, out_r);
}
