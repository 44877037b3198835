/* mask_year: a date or time to the first of January of its year. Input: hostile server's bytes; forms other than those of PostgreSQL's ISO
 * date style and of its binary protocol are refused.
 *
 * The year of a text value is the one written (timestamptz: in the session's time zone), that of a binary timestamptz the year in UTC.
 * timestamptz comes out at 00:00 UTC: the offset that was written would tell summer from winter.
 */
#include "mask_apply_int.h"

#define DAY_US 86400000000LL
/* The first of January must be a value of the type too: from 4713 BC (year 0 is 1 BC) to datetime.h's ends. */
#define YEAR_FIRST (-4712)
#define YEAR_LAST_DATE 5874897
#define YEAR_LAST_TIMESTAMP 294276

/* Days since 2000-01-01 of the first of January of a year of the proleptic Gregorian calendar; within PostgreSQL's range of years. */
static int64_t
year_days(int64_t year)
{
	int64_t y = year + 4800 - 1; /* whole years before, none negative; 4800 is a multiple of 400 */
	/* y * 365 + leap days up to the end of year y (counted from -4800, a leap year itself), less the same for 2000-01-01 */
	int64_t days = y * 365 + y / 4 - y / 100 + y / 400;
	return days - ((int64_t)(2000 + 4800 - 1) * 365 + 6799 / 4 - 6799 / 100 + 6799 / 400);
}

/* The year that the day lies in. */
static int64_t
year_of(int64_t days)
{
	int64_t year = 2000 + days * 400 / 146097; /* off by one at most */
	while (year_days(year) > days)
		year--;
	while (year_days(year + 1) <= days)
		year++;
	return year;
}

static bool
year_binary(uint32_t type, struct base_span raw, struct base_buf *out)
{
	struct base_cursor c = base_cursor(raw);
	if (type == OID_DATE) {
		int32_t days = base_cursor_i32(&c);
		if (!base_cursor_done(&c) || days == INT32_MAX || days == INT32_MIN)
			return false;
		int64_t year = year_of(days);
		if (year < YEAR_FIRST || year > YEAR_LAST_DATE)
			return false;
		base_buf_u32(out, 4);
		base_buf_u32(out, (uint32_t)(int32_t)year_days(year));
		return true;
	}
	int64_t us = (int64_t)base_cursor_u64(&c);
	if (!base_cursor_done(&c) || us == INT64_MAX || us == INT64_MIN)
		return false;
	int64_t year = year_of(us / DAY_US - (us % DAY_US < 0));
	if (year < YEAR_FIRST || year > YEAR_LAST_TIMESTAMP)
		return false;
	base_buf_u32(out, 8);
	base_buf_u64(out, (uint64_t)(year_days(year) * DAY_US));
	return true;
}

/* -- text -- */

/* Digits, at least min and at most max of them (max <= 9); false when there are others. */
static bool
year_digits(struct base_cursor *c, unsigned min, unsigned max, uint32_t *v_r)
{
	uint32_t v = 0;
	unsigned n = 0;
	for (; n < max && c->left > 0 && *c->p >= '0' && *c->p <= '9'; n++)
		v = v * 10 + (uint32_t)(base_cursor_u8(c) - '0');
	*v_r = v;
	return n >= min;
}

static bool
year_skip(struct base_cursor *c, uint8_t byte)
{
	if (c->left == 0 || *c->p != byte)
		return false;
	(void)base_cursor_u8(c);
	return true;
}

/* Two digits, at most `max`. */
static bool
year_two(struct base_cursor *c, uint32_t max)
{
	uint32_t v;
	return year_digits(c, 2, 2, &v) && v <= max;
}

/* " 16:07:54[.123456]" and, with a zone, "+08[:30[:15]]". */
static bool
year_clock(struct base_cursor *c, bool zone)
{
	uint32_t v;
	if (!year_skip(c, ' ') || !year_two(c, 23) || !year_skip(c, ':') || !year_two(c, 59) || !year_skip(c, ':') || !year_two(c, 59))
		return false;
	if (year_skip(c, '.') && !year_digits(c, 1, 6, &v))
		return false;
	if (!zone)
		return true;
	if ((!year_skip(c, '+') && !year_skip(c, '-')) || !year_two(c, 15))
		return false;
	return !year_skip(c, ':') || (year_two(c, 59) && (!year_skip(c, ':') || year_two(c, 59)));
}

static bool
year_text(uint32_t type, struct base_span raw, struct base_buf *out)
{
	static const char *const year_rest[3][2] = {
		{"-01-01", "-01-01 BC"}, {"-01-01 00:00:00", "-01-01 00:00:00 BC"}, {"-01-01 00:00:00+00", "-01-01 00:00:00+00 BC"}};
	struct base_cursor c = base_cursor(raw);
	uint32_t year, month, day;
	if (!year_digits(&c, 4, 7, &year))
		return false;
	size_t digits = raw.n - c.left;
	if (!year_skip(&c, '-') || !year_digits(&c, 2, 2, &month) || !year_skip(&c, '-') || !year_digits(&c, 2, 2, &day))
		return false;
	if (year == 0 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	if (type != OID_DATE && !year_clock(&c, type == OID_TIMESTAMPTZ))
		return false;
	bool bc = year_skip(&c, ' ');
	if (bc && (!year_skip(&c, 'B') || !year_skip(&c, 'C')))
		return false;
	uint32_t last = bc ? 1 - YEAR_FIRST : type == OID_DATE ? YEAR_LAST_DATE : YEAR_LAST_TIMESTAMP;
	if (!base_cursor_done(&c) || year > last)
		return false;
	struct base_span rest = base_span_str(year_rest[type == OID_DATE ? 0 : type == OID_TIMESTAMP ? 1 : 2][bc]);
	base_buf_u32(out, (uint32_t)(digits + rest.n));
	base_buf_put(out, base_span(raw.p, digits));
	base_buf_put(out, rest);
	return true;
}

/* Four digits and no fifth: "1987-05-01", "1987". More would be a number of another kind, such as a phone's. */
static bool
year_plain(struct base_span raw, struct base_buf *out)
{
	struct base_cursor c = base_cursor(raw);
	uint32_t year;
	if (!year_digits(&c, 4, 4, &year) || (c.left > 0 && *c.p >= '0' && *c.p <= '9'))
		return false;
	base_buf_u32(out, 4);
	base_buf_put(out, base_span(raw.p, 4));
	return true;
}

bool
year_put(uint32_t type_oid, int format, struct base_span raw, struct base_buf *out)
{
	if (type_oid != OID_DATE && type_oid != OID_TIMESTAMP && type_oid != OID_TIMESTAMPTZ)
		return year_plain(raw, out);
	return format == 1 ? year_binary(type_oid, raw, out) : year_text(type_oid, raw, out);
}
