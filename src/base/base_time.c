/* base_time: clocks, and times as text.
 * Input of base_time_parse: hostile. It accepts the proleptic Gregorian calendar from 1970 to 9999, checks every field against
 * its range (days against the month), and leaves the output untouched on failure. No leap seconds. Never uses the locale;
 * only base_time_local looks at the zone.
 */
#include "base_time.h"

#include <assert.h>
#include <time.h>

#define SECOND_US UINT64_C(1000000)
#define DAY_S UINT64_C(86400)
#define LAST_US (UINT64_C(253402300800) * SECOND_US - 1) /* the end of the year 9999 */

static uint64_t
clock_us(clockid_t clock)
{
	struct timespec t;
	int rc = clock_gettime(clock, &t);

	assert(rc == 0 && t.tv_sec >= 0); /* fails for unknown clocks only */
	return (uint64_t)t.tv_sec * SECOND_US + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
base_time_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

uint64_t
base_time_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* Calendar arithmetic counts from 0000-03-01: with the year starting in March the leap day comes last, the lengths of the
 * months follow (153 * m + 2) / 5, and a cycle of 400 years has 146097 days. 719468 days lie between that day and 1970-01-01.
 */
#define CYCLE_DAYS 146097
#define EPOCH_DAYS 719468

struct date {
	unsigned year, month, day; /* month and day from 1 */
};

static struct date
date_of(uint64_t days)
{
	unsigned n = (unsigned)(days + EPOCH_DAYS); /* < 2^22: callers clamp to the year 9999 */
	unsigned cycle = n / CYCLE_DAYS, in_cycle = n % CYCLE_DAYS;
	/* leave out the leap days before this one, then years have 365 days each */
	unsigned year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
	unsigned in_year = in_cycle - (365 * year + year / 4 - year / 100);
	unsigned m = (5 * in_year + 2) / 153; /* 0 = March */
	struct date d;

	d.day = in_year - (153 * m + 2) / 5 + 1;
	d.month = m < 10 ? m + 3 : m - 9;
	d.year = year + cycle * 400 + (d.month <= 2);
	return d;
}

static uint64_t
days_of(struct date d)
{
	unsigned y = d.year - (d.month <= 2);
	unsigned m = d.month > 2 ? d.month - 3 : d.month + 9;
	unsigned in_cycle = y % 400;

	return (uint64_t)(y / 400) * CYCLE_DAYS + 365 * in_cycle + in_cycle / 4 - in_cycle / 100 + (153 * m + 2) / 5 + d.day - 1 - EPOCH_DAYS;
}

/* Writes n digits of v. */
static void
put_digits(char *dst, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v /= 10)
		dst[i] = (char)('0' + v % 10);
}

const char *
base_time_utc(uint64_t wall_us, char dst[BASE_TIME_UTC_SIZE])
{
	uint64_t s, in_day;
	struct date d;

	if (wall_us > LAST_US)
		wall_us = LAST_US;
	s = wall_us / SECOND_US;
	in_day = s % DAY_S;
	d = date_of(s / DAY_S);
	memcpy(dst, "0000-00-00T00:00:00.000000Z", BASE_TIME_UTC_SIZE);
	put_digits(dst, d.year, 4);
	put_digits(dst + 5, d.month, 2);
	put_digits(dst + 8, d.day, 2);
	put_digits(dst + 11, in_day / 3600, 2);
	put_digits(dst + 14, in_day / 60 % 60, 2);
	put_digits(dst + 17, in_day % 60, 2);
	put_digits(dst + 20, wall_us % SECOND_US, 6);
	return dst;
}

unsigned
base_time_year_utc(uint64_t wall_us)
{
	if (wall_us > LAST_US)
		wall_us = LAST_US;
	return date_of(wall_us / SECOND_US / DAY_S).year;
}

/* Exactly n digits; anything else makes the cursor bad. */
static unsigned
take_digits(struct base_cursor *c, size_t n)
{
	struct base_span s = base_cursor_take(c, n);
	unsigned v = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			c->bad = true;
		v = v * 10 + (s.p[i] - '0'); /* garbage when bad, and never used then */
	}
	return v;
}

static void
take_char(struct base_cursor *c, char want)
{
	if (base_cursor_u8(c) != (uint8_t)want)
		c->bad = true;
}

static bool
next_is(const struct base_cursor *c, char want)
{
	return !c->bad && c->left > 0 && c->p[0] == (uint8_t)want;
}

/* ".5" to ".123456", in microseconds: one to six digits. */
static unsigned
take_fraction(struct base_cursor *c)
{
	unsigned v = 0, scale = 100000;

	take_char(c, '.');
	v += take_digits(c, 1) * scale;
	while (!c->bad && scale > 1 && c->left > 0 && c->p[0] >= '0' && c->p[0] <= '9') {
		scale /= 10;
		v += take_digits(c, 1) * scale;
	}
	return v;
}

static unsigned
month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* "Z", "+08:00" or "-05:30": seconds east of Greenwich. */
static int64_t
take_zone(struct base_cursor *c)
{
	uint8_t sign = base_cursor_u8(c);
	unsigned h, m;

	if (sign == 'Z')
		return 0;
	h = take_digits(c, 2);
	take_char(c, ':');
	m = take_digits(c, 2);
	if ((sign != '+' && sign != '-') || h > 23 || m > 59)
		c->bad = true;
	return c->bad ? 0 : (int64_t)(h * 3600 + m * 60) * (sign == '-' ? -1 : 1);
}

int
base_time_parse(struct base_span s, uint64_t *wall_us_r)
{
	struct base_cursor c = base_cursor(s);
	unsigned h = 0, m = 0, sec = 0, fraction = 0;
	int64_t zone = 0, total;
	struct date d;

	d.year = take_digits(&c, 4);
	take_char(&c, '-');
	d.month = take_digits(&c, 2);
	take_char(&c, '-');
	d.day = take_digits(&c, 2);
	if (c.bad || d.month < 1 || d.month > 12 || d.day < 1 || d.day > month_days(d.year, d.month))
		return GH_E_PARSE;
	if (c.left > 0) {
		take_char(&c, 'T');
		h = take_digits(&c, 2);
		take_char(&c, ':');
		m = take_digits(&c, 2);
		if (next_is(&c, ':')) {
			take_char(&c, ':');
			sec = take_digits(&c, 2);
			if (next_is(&c, '.'))
				fraction = take_fraction(&c);
		}
		zone = take_zone(&c);
	}
	if (!base_cursor_done(&c) || h > 23 || m > 59 || sec > 59)
		return GH_E_PARSE;
	if (d.year < 1969) /* 1969-12-31 with a western zone may still be 1970 */
		return GH_E_LIMIT;
	total = (int64_t)days_of(d) * (int64_t)DAY_S + h * 3600 + m * 60 + sec - zone;
	if (total < 0 || (uint64_t)total > LAST_US / SECOND_US)
		return GH_E_LIMIT;
	*wall_us_r = (uint64_t)total * SECOND_US + fraction;
	return GH_OK;
}

const char *
base_time_local(uint64_t wall_us, char dst[BASE_TIME_LOCAL_SIZE])
{
	time_t t = (time_t)((wall_us > LAST_US ? LAST_US : wall_us) / SECOND_US);
	struct tm tm;

	/* The year 9999 plus a zone may be 10000: five digits fit. */
	if (localtime_r(&t, &tm) == NULL || strftime(dst, BASE_TIME_LOCAL_SIZE, "%Y-%m-%d %H:%M:%S %z", &tm) == 0)
		dst[0] = '\0';
	return dst;
}
