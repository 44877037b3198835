/* Tests of mask_apply. Values are written as C text, results as the field's text ("(null)" for NULL). Every text value is also cut at every
 * length, in memory of exactly that length: never more shown than asked for, never a broken character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base_crypt.h"
#include "base_mem.h"
#include "base_text.h"
#include "mask_apply.h"

enum { BOOL = 16, NAME = 19, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25, JSON = 114, BPCHAR = 1042, VARCHAR = 1043, DATE = 1082, TIMESTAMP = 1114,
       TIMESTAMPTZ = 1184, UUID = 2950 };

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NONE base_span("", 0)

static struct policy_mask
mask(enum policy_mask_kind kind, unsigned n, const char *fixed)
{
	return (struct policy_mask){.kind = kind, .n = n, .fixed = base_span_str(fixed)};
}

static struct mask_column *
column(enum policy_mask_kind kind, unsigned n, const char *fixed, uint32_t type, int format)
{
	struct policy_mask m = mask(kind, n, fixed);
	struct mask_column *c = NULL;
	assert_int_equal(mask_column_new(&m, type, format, NULL, NONE, NONE, POLICY_NORM_KEY, NONE, &c), 0);
	return c;
}

/* The field that mask_apply appends, checked to be whole: its text, or "(null)". Valid until the next call. */
static struct base_span
apply(struct mask_column *c, struct base_span raw)
{
	static uint8_t text[8192];
	uint8_t *exact = base_mem_new(raw.n + 1, 1); /* for the sanitizer: nothing is read behind the value */
	struct base_buf out;
	if (raw.n > 0)
		memcpy(exact + 1, raw.p, raw.n);
	base_buf_init(&out, sizeof(text));
	base_buf_u8(&out, 'x'); /* something is there before */
	mask_apply(c, raw.p ? base_span(exact + 1, raw.n) : raw, &out);
	free(exact);
	assert_false(out.bad);
	struct base_cursor cur = base_cursor(base_buf_span(&out));
	assert_int_equal(base_cursor_u8(&cur), 'x');
	uint32_t n = base_cursor_u32(&cur);
	struct base_span s = base_span_str("(null)");
	if (n != UINT32_MAX) {
		assert_int_equal(n, cur.left);
		if (n > 0)
			memcpy(text, cur.p, n);
		s = base_span(text, n);
	} else {
		assert_int_equal(cur.left, 0);
	}
	base_buf_done(&out);
	return s;
}

#define E_ACUTE "e\xcc\x81"                                  /* e and U+0301 */
#define FAMILY "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7" /* woman ZWJ girl */
#define THUMB "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"              /* thumbs up, skin tone */
#define HEART "\xe2\x9d\xa4\xef\xb8\x8f"                      /* heart, variation selector 16 */
#define FLAG_CN "\xf0\x9f\x87\xa8\xf0\x9f\x87\xb3"
#define FLAG_CA "\xf0\x9f\x87\xa8\xf0\x9f\x87\xa6"
#define HANGUL "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" /* three jamo, one syllable */
#define KI "\xe0\xa4\x95\xe0\xa4\xbf"                 /* Devanagari ka with vowel sign i (Mc) */

static const struct {
	enum policy_mask_kind kind;
	unsigned n;
	uint32_t type;
	const char *raw, *shown;
} shows[] = {
	{POLICY_MASK_LAST, 4, TEXT, "13812345678", "*******5678"},
	{POLICY_MASK_LAST, 4, VARCHAR, "+1 (604) 555-0199", "*************0199"},
	{POLICY_MASK_LAST, 4, TEXT, "12345", "*2345"},
	{POLICY_MASK_LAST, 4, TEXT, "1234", "****"},
	{POLICY_MASK_LAST, 4, TEXT, "1", "*"},
	{POLICY_MASK_LAST, 4, TEXT, "", ""},
	{POLICY_MASK_LAST, 64, TEXT, "0123456789012345678901234567890123456789012345678901234567890123",
	 "****************************************************************"},
	{POLICY_MASK_LAST, 64, TEXT, "x0123456789012345678901234567890123456789012345678901234567890123",
	 "*0123456789012345678901234567890123456789012345678901234567890123"},
	{POLICY_MASK_FIRST, 1, TEXT, "ann@example.org", "a**************"},
	{POLICY_MASK_FIRST, 2, NAME, "ab", "**"},
	{POLICY_MASK_FIRST, 2, NAME, "abc", "ab*"},
	{POLICY_MASK_FIRST, 1, TEXT, "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e", "\xe7\x8e\x8b**"},
	{POLICY_MASK_LAST, 1, TEXT, "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e", "**\xe6\x98\x8e"},
	{POLICY_MASK_LAST, 3, TEXT, "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e", "***"},
	{POLICY_MASK_LAST, 1, TEXT, "caf" E_ACUTE, "***" E_ACUTE},
	{POLICY_MASK_LAST, 2, TEXT, "caf" E_ACUTE, "**f" E_ACUTE},
	{POLICY_MASK_FIRST, 1, TEXT, E_ACUTE "tude", E_ACUTE "****"},
	{POLICY_MASK_FIRST, 1, TEXT, "\xcc\x81" "ab", "\xcc\x81**"}, /* a mark without a base is a character */
	{POLICY_MASK_LAST, 1, TEXT, "a" FAMILY, "*" FAMILY},
	{POLICY_MASK_FIRST, 1, TEXT, FAMILY "ab", FAMILY "**"},
	{POLICY_MASK_LAST, 1, TEXT, FAMILY, "*"},
	{POLICY_MASK_LAST, 1, TEXT, "ab\xe2\x80\x8d" "c\xe2\x80\x8d" "d", "*b\xe2\x80\x8d" "c\xe2\x80\x8d" "d"},
	{POLICY_MASK_LAST, 1, TEXT, "x" THUMB, "*" THUMB},
	{POLICY_MASK_LAST, 1, TEXT, "x" HEART, "*" HEART},
	{POLICY_MASK_LAST, 1, TEXT, FLAG_CN FLAG_CA, "*" FLAG_CA},
	{POLICY_MASK_FIRST, 1, TEXT, FLAG_CN FLAG_CA, FLAG_CN "*"},
	{POLICY_MASK_FIRST, 1, TEXT, FLAG_CN, "*"},
	{POLICY_MASK_LAST, 1, TEXT, HANGUL HANGUL, "*" HANGUL},
	{POLICY_MASK_LAST, 1, TEXT, KI KI "a", "**a"},
	{POLICY_MASK_LAST, 1, TEXT, "ab\xf3\xa0\x84\x80", "*b\xf3\xa0\x84\x80"}, /* variation selector 17 */
	{POLICY_MASK_LAST, 2, BPCHAR, "abcd      ", "**cd"},
	{POLICY_MASK_LAST, 2, BPCHAR, "ab        ", "**"},
	{POLICY_MASK_LAST, 2, BPCHAR, "          ", ""},
	{POLICY_MASK_LAST, 2, TEXT, "ab  ", "**  "},
	{POLICY_MASK_FIRST, 1, TEXT, "a\xff", "(null)"},
	{POLICY_MASK_LAST, 1, TEXT, "\xed\xa0\x80" "a", "(null)"},  /* a surrogate */
	{POLICY_MASK_LAST, 1, TEXT, "\xc0\x80" "a", "(null)"},      /* overlong */
	{POLICY_MASK_LAST, 1, TEXT, "abc\xe7\x8e", "(null)"},
	/* YEAR of text */
	{POLICY_MASK_YEAR, 0, TEXT, "1987-05-01", "1987"},
	{POLICY_MASK_YEAR, 0, TEXT, "1987", "1987"},
	{POLICY_MASK_YEAR, 0, TEXT, "19870501", "(null)"},
	{POLICY_MASK_YEAR, 0, TEXT, "13812345678", "(null)"},
	{POLICY_MASK_YEAR, 0, TEXT, "5/1/1987", "(null)"},
	{POLICY_MASK_YEAR, 0, TEXT, "198", "(null)"},
	{POLICY_MASK_YEAR, 0, TEXT, "", "(null)"},
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(shows); i++) {
		size_t n = strlen(shows[i].raw);
		for (int format = 0; format < 2; format++) { /* the binary form of text is the text */
			struct mask_column *c = column(shows[i].kind, shows[i].n, "", shows[i].type, format);
			print_message("%s\n", shows[i].raw);
			assert_true(base_span_is(apply(c, base_span(shows[i].raw, n)), shows[i].shown));
			assert_true(base_span_is(apply(c, base_span(NULL, 0)), "(null)"));
			for (size_t cut = 0; cut < n; cut++) {
				struct base_span s = apply(c, base_span(shows[i].raw, cut));
				if (!base_text_utf8(base_span(shows[i].raw, cut)))
					assert_true(base_span_is(s, "(null)"));
				assert_true(base_text_utf8(s));
				if (shows[i].kind != POLICY_MASK_YEAR && s.n > 0 && shows[i].type != BPCHAR && !base_span_is(s, "(null)")) {
					assert_true(s.n <= cut);
					assert_non_null(memchr(s.p, '*', s.n)); /* at least one is hidden */
				}
			}
			mask_column_free(&c);
			assert_null(c);
		}
	}
}

static const struct { uint32_t type; const char *raw, *shown; } years[] = {
	{DATE, "1987-05-01", "1987-01-01"},
	{DATE, "0044-03-15 BC", "0044-01-01 BC"},
	{DATE, "4713-01-24 BC", "4713-01-01 BC"},
	{DATE, "4714-11-24 BC", "(null)"}, /* its first of January is no date of PostgreSQL's */
	{DATE, "10000-12-31", "10000-01-01"},
	{DATE, "5874897-12-31", "5874897-01-01"},
	{DATE, "5874898-01-01", "(null)"},
	{DATE, "infinity", "(null)"}, {DATE, "-infinity", "(null)"}, {DATE, "05/01/1987", "(null)"}, {DATE, "01.05.1987", "(null)"},
	{DATE, "1987-13-01", "(null)"}, {DATE, "1987-00-01", "(null)"}, {DATE, "1987-05-32", "(null)"}, {DATE, "0000-05-01", "(null)"},
	{DATE, "1987-05-01 12:00:00", "(null)"}, {DATE, "1987-05-01 AD", "(null)"}, {DATE, "-987-05-01", "(null)"}, {DATE, "1987-5-1", "(null)"},
	{TIMESTAMP, "1987-05-01 12:34:56", "1987-01-01 00:00:00"},
	{TIMESTAMP, "1987-05-01 12:34:56.123456", "1987-01-01 00:00:00"},
	{TIMESTAMP, "0044-03-15 12:34:56 BC", "0044-01-01 00:00:00 BC"},
	{TIMESTAMP, "294276-12-31 23:59:59.999999", "294276-01-01 00:00:00"},
	{TIMESTAMP, "294277-01-01 00:00:00", "(null)"},
	{TIMESTAMP, "1987-05-01", "(null)"}, {TIMESTAMP, "1987-05-01T12:34:56", "(null)"}, {TIMESTAMP, "1987-05-01 12:34:56+08", "(null)"},
	{TIMESTAMP, "1987-05-01 12:34:56.", "(null)"}, {TIMESTAMP, "1987-05-01 24:34:56", "(null)"}, {TIMESTAMP, "infinity", "(null)"},
	{TIMESTAMP, "Fri May 01 12:34:56 1987", "(null)"},
	{TIMESTAMPTZ, "1987-05-01 12:34:56+08", "1987-01-01 00:00:00+00"},
	{TIMESTAMPTZ, "1987-05-01 12:34:56.5-02:30", "1987-01-01 00:00:00+00"},
	{TIMESTAMPTZ, "1887-05-01 12:34:56-05:17:32", "1887-01-01 00:00:00+00"},
	{TIMESTAMPTZ, "0044-03-15 12:34:56+00 BC", "0044-01-01 00:00:00+00 BC"},
	{TIMESTAMPTZ, "1987-05-01 12:34:56", "(null)"}, {TIMESTAMPTZ, "1987-05-01 12:34:56+16", "(null)"}, {TIMESTAMPTZ, "-infinity", "(null)"},
};

static void
test_year_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(years); i++) {
		struct mask_column *c = column(POLICY_MASK_YEAR, 0, "", years[i].type, 0);
		print_message("%s\n", years[i].raw);
		assert_true(base_span_is(apply(c, base_span_str(years[i].raw)), years[i].shown));
		for (size_t cut = 0; cut < strlen(years[i].raw); cut++) {
			/* a shorter fraction or zone, or one without BC, is a value too; nothing but a year ever comes out */
			struct base_span s = apply(c, base_span(years[i].raw, cut));
			assert_true(base_span_is(s, "(null)") || (s.n >= 10 && memmem(s.p, s.n, "-01-01", 6)));
		}
		mask_column_free(&c);
	}
}

static void
put_number(uint8_t *dst, size_t n, int64_t v)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)((uint64_t)v >> (8 * (n - 1 - i)));
}

static int64_t
get_number(struct base_span s)
{
	uint64_t v = s.n > 0 && (s.p[0] & 0x80) ? UINT64_MAX : 0;
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return (int64_t)v;
}

/* Against the C library's calendar: the first and last day of every year that is told, and the days around them. */
static void
test_year_binary(void **state)
{
	const int64_t epoch = 10957, day = 86400000000;
	struct mask_column *d = column(POLICY_MASK_YEAR, 0, "", DATE, 1), *t = column(POLICY_MASK_YEAR, 0, "", TIMESTAMPTZ, 1);
	uint8_t raw[9] = {0};
	(void)state;
	for (int64_t year = -4720; year <= 3000; year++) {
		struct tm tm = {.tm_year = (int)year - 1900, .tm_mday = 1}, next = {.tm_year = (int)year - 1899, .tm_mday = 1};
		int64_t first = timegm(&tm) / 86400 - epoch, last = timegm(&next) / 86400 - epoch - 1;
		const int64_t days[] = {first, first + 58, first + 59, last};
		bool good = year >= -4712; /* 4713 BC */
		for (size_t i = 0; i < BASE_COUNT(days); i++) {
			put_number(raw, 4, days[i]);
			struct base_span s = apply(d, base_span(raw, 4));
			assert_int_equal(s.n, good ? 4 : 6);
			if (good)
				assert_int_equal(get_number(s), first);
			put_number(raw, 8, days[i] * day + (i % 2 ? day - 1 : 0));
			s = apply(t, base_span(raw, 8));
			assert_int_equal(s.n, good ? 8 : 6);
			if (good)
				assert_int_equal(get_number(s), first * day);
		}
	}
	const int64_t ends[] = {INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1};
	for (size_t i = 0; i < BASE_COUNT(ends); i++) { /* infinities, and days beyond the last year but one */
		put_number(raw, 4, ends[i]);
		struct base_span s = apply(d, base_span(raw, 4));
		assert_true(base_span_is(s, "(null)"));
	}
	put_number(raw, 4, 2145031948); /* 5874897-12-31 */
	assert_int_equal(apply(d, base_span(raw, 4)).n, 4);
	const int64_t far[] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};
	for (size_t i = 0; i < BASE_COUNT(far); i++) {
		put_number(raw, 8, far[i]);
		assert_true(base_span_is(apply(t, base_span(raw, 8)), "(null)"));
	}
	for (size_t n = 0; n <= 9; n++) {
		put_number(raw, 8, 0);
		assert_int_equal(apply(d, base_span(raw, n)).n, n == 4 ? 4 : 6);
		assert_int_equal(apply(t, base_span(raw, n)).n, n == 8 ? 8 : 6);
	}
	mask_column_free(&d);
	mask_column_free(&t);
}

/* date_send and timestamp_send of PostgreSQL 15: a value, and its date_trunc('year', ...). */
static void
test_year_server(void **state)
{
	static const struct { uint32_t type; const char *raw, *year; } t[] = {
		{DATE, "0000265e", "00002519"}, {DATE, "ffda97e4", "ffda97cd"}, {DATE, "fff49d7b", "fff49d32"}, {DATE, "ffffedec", "ffffed74"},
		{DATE, "002c9741", "002c95d4"},
		{TIMESTAMP, "000303d0ed554000", "0002ea470ae86000"}, {TIMESTAMP, "fd0f818c5d718000", "fd0f7fbdaf17e000"},
		{TIMESTAMP, "ff1af9deec5b2000", "ff1af42269f0c000"}, {TIMESTAMPTZ, "fffe9454866c8000", "fffe8ae689778000"},
		{TIMESTAMPTZ, "038103ba1d4f6000", "0380e70b913b8000"},
	};
	uint8_t raw[8], year[8];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		size_t n = strlen(t[i].raw) / 2;
		struct mask_column *c = column(POLICY_MASK_YEAR, 0, "", t[i].type, 1);
		assert_int_equal(base_text_unhex(base_span_str(t[i].raw), raw, n), 0);
		assert_int_equal(base_text_unhex(base_span_str(t[i].year), year, n), 0);
		assert_true(base_span_eq(apply(c, base_span(raw, n)), base_span(year, n)));
		mask_column_free(&c);
	}
}

static void
test_fixed(void **state)
{
	static const struct { uint32_t type; const char *fixed, *text, *hex; } t[] = {
		{TEXT, "***", "***", "2a2a2a"}, {VARCHAR, "", "", ""}, {INT4, "0", "0", "00000000"}, {INT4, "-1", "-1", "ffffffff"},
		{INT4, "007", "7", "00000007"}, {INT2, "-32768", "-32768", "8000"}, {INT8, "9223372036854775807", "9223372036854775807", "7fffffffffffffff"},
		{BOOL, "true", "t", "01"}, {BOOL, "false", "f", "00"}, {DATE, "1970-01-01", "1970-01-01", "ffffd533"}, {DATE, "2000-01-02", "2000-01-02", "00000001"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		for (int format = 0; format < 2; format++) {
			struct mask_column *c = column(POLICY_MASK_FIXED, 0, t[i].fixed, t[i].type, format);
			struct base_span s = apply(c, base_span_str("anything"));
			struct base_buf hex;
			base_buf_init(&hex, 100);
			base_text_hex(&hex, s);
			assert_true(format == 1 ? base_span_is(base_buf_span(&hex), t[i].hex) : base_span_is(s, t[i].text));
			assert_true(base_span_is(apply(c, base_span(NULL, 0)), "(null)"));
			base_buf_done(&hex);
			mask_column_free(&c);
		}
	}
}

static void
test_hide(void **state)
{
	static const uint32_t types[] = {TEXT, INT4, UUID, JSON, TIMESTAMPTZ};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(types); i++) {
		struct mask_column *c = column(POLICY_MASK_HIDE, 0, "", types[i], (int)i % 2);
		assert_true(base_span_is(apply(c, base_span_str("x")), "(null)"));
		assert_true(base_span_is(apply(c, base_span("", 0)), "(null)"));
		mask_column_free(&c);
	}
}

static void
test_refused(void **state)
{
	static const struct { enum policy_mask_kind kind; unsigned n; const char *fixed; uint32_t type; int format, err; } t[] = {
		{POLICY_MASK_NONE, 0, "", TEXT, 0, GH_E_UNSUPPORTED},    {POLICY_MASK_LAST, 4, "", INT4, 0, GH_E_UNSUPPORTED},
		{POLICY_MASK_HASH, 0, "", UUID, 0, GH_E_UNSUPPORTED},    {POLICY_MASK_YEAR, 0, "", INT4, 0, GH_E_UNSUPPORTED},
		{POLICY_MASK_FIXED, 0, "x", INT4, 0, GH_E_UNSUPPORTED},  {POLICY_MASK_FIXED, 0, "32768", INT2, 0, GH_E_UNSUPPORTED},
		{POLICY_MASK_FIXED, 0, "x", JSON, 0, GH_E_UNSUPPORTED},  {POLICY_MASK_HIDE, 0, "", TEXT, 2, GH_E_UNSUPPORTED},
		{POLICY_MASK_HIDE, 0, "", TEXT, -1, GH_E_UNSUPPORTED},   {POLICY_MASK_HASH, 0, "", TEXT, 0, GH_E_MISSING},
		{POLICY_MASK_TOKEN, 0, "", TEXT, 0, GH_E_MISSING},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_mask m = mask(t[i].kind, t[i].n, t[i].fixed);
		struct mask_column *c = NULL;
		assert_int_equal(mask_column_new(&m, t[i].type, t[i].format, NULL, NONE, NONE, POLICY_NORM_KEY, NONE, &c), t[i].err);
		assert_null(c);
	}
	struct policy_mask m = mask(POLICY_MASK_YEAR, 0, "");
	assert_null(mask_unsuitable(&m, DATE));
	assert_non_null(mask_unsuitable(&m, UUID));
}

/* -- HASH and TOKEN -- */

static struct mask_secret *
secret(const char *text)
{
	struct mask_secret *s = NULL;
	struct base_fail fail;
	assert_int_equal(mask_secret_parse(base_span_str(text), "mask.key", &s, &fail), 0);
	return s;
}

static struct base_span
keyed(enum policy_mask_kind kind, const char *key, const char *employer, const char *of, enum policy_norm norm, uint32_t type, const char *raw, size_t n)
{
	struct mask_secret *s = secret(key);
	struct policy_mask m = mask(kind, 0, "");
	struct mask_column *c = NULL;
	assert_int_equal(mask_column_new(&m, type, 0, s, base_span_str(employer), base_span_str(of), norm, base_span_str("86"), &c), 0);
	mask_secret_unref(&s);
	struct base_span out = apply(c, base_span(raw, n));
	mask_column_free(&c);
	return out;
}

/* The rule, written down a second time. */
static void
expect_hash(const char *label, const char *employer, const char *of, const char *normal, char hex[33])
{
	uint8_t root[32], key[32], mac[32], message[256];
	struct base_buf b, h;
	assert_int_equal(base_text_unhex(base_span_str(KEY), root, 32), 0);
	base_buf_init(&b, sizeof(message));
	base_buf_str(&b, label);
	base_buf_u64(&b, strlen(employer));
	base_buf_str(&b, employer);
	base_buf_str(&b, of);
	base_crypt_hmac256(base_span(root, 32), base_buf_span(&b), key);
	base_crypt_hmac256(base_span(key, 32), base_span_str(normal), mac);
	base_buf_done(&b);
	base_buf_init(&h, 64);
	base_text_hex(&h, base_span(mac, 16));
	memcpy(hex, base_buf_span(&h).p, 32);
	hex[32] = 0;
	base_buf_done(&h);
}

static void
test_hash(void **state)
{
	static const struct { enum policy_norm norm; uint32_t type; const char *raw, *normal; } t[] = {
		{POLICY_NORM_PHONE, TEXT, "+86 138-1234-5678", "8613812345678"}, {POLICY_NORM_PHONE, TEXT, "138 1234 5678", "8613812345678"},
		{POLICY_NORM_TEXT, TEXT, " Ann@Example.org ", "ann@example.org"}, {POLICY_NORM_KEY, TEXT, "Ann", "Ann"},
		{POLICY_NORM_KEY, BPCHAR, "Ann   ", "Ann"},
	};
	char hex[33], token[19];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		expect_hash("gatehouse mask hash v1\n", "Acme", "customer.phone", t[i].normal, hex);
		struct base_span s = keyed(POLICY_MASK_HASH, "mask " KEY "\n", "Acme", "customer.phone", t[i].norm, t[i].type, t[i].raw, strlen(t[i].raw));
		assert_true(base_span_is(s, hex));
		s = keyed(POLICY_MASK_TOKEN, "mask " KEY "\n", "Acme", "customer.phone", t[i].norm, t[i].type, t[i].raw, strlen(t[i].raw));
		assert_int_equal(s.n, sizeof(token));
		memcpy(token, s.p, sizeof(token));
		assert_memory_equal(token, "tk-", 3);
		for (size_t k = 3; k < sizeof(token); k++)
			assert_true((token[k] >= 'a' && token[k] <= 'z') || (token[k] >= '2' && token[k] <= '7'));
		s = keyed(POLICY_MASK_TOKEN, "mask " KEY "\n", "Acme", "customer.phone", t[i].norm, t[i].type, t[i].normal, strlen(t[i].normal));
		assert_memory_equal(token, s.p, sizeof(token)); /* stable */
	}
}

/* Same value, another employer, kind or secret: another hash. Also for what has no normal form. */
static void
test_hash_apart(void **state)
{
	static const char *const other = "mask 100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	static char long_a[1500], long_b[1500];
	const struct { const char *raw; size_t n; } values[] = {
		{"5", 1}, {"", 0}, {"unknown", 7}, {long_a, sizeof(long_a)}, {long_b, sizeof(long_b)}, {long_a, 1024}, {long_a, 1025},
	};
	struct base_buf seen;
	(void)state;
	memset(long_a, 'a', sizeof(long_a));
	memset(long_b, 'a', sizeof(long_b));
	long_b[1499] = 'b';
	base_buf_init(&seen, 65536);
	for (size_t i = 0; i < BASE_COUNT(values); i++) {
		for (int k = 0; k < 5; k++) {
			struct base_span s = keyed(POLICY_MASK_HASH, k == 1 ? other : "mask " KEY "\n", k == 2 ? "Acm" : k == 4 ? "" : "Acme",
			                           k == 2 ? "ecustomer.phone" : k == 3 ? "customer.email" : "customer.phone", POLICY_NORM_PHONE, TEXT, values[i].raw, values[i].n);
			assert_int_equal(s.n, 32);
			struct base_span all = base_buf_span(&seen);
			assert_true(all.n == 0 || memmem(all.p, all.n, s.p, s.n) == NULL);
			base_buf_put(&seen, s);
			base_buf_u8(&seen, ' ');
		}
	}
	base_buf_done(&seen);
	assert_true(base_span_is(keyed(POLICY_MASK_HASH, "mask " KEY, "", "", POLICY_NORM_KEY, TEXT, "a\xff", 2), "(null)"));
	assert_true(base_span_is(keyed(POLICY_MASK_HASH, "mask " KEY, "", "", POLICY_NORM_KEY, TEXT, "\0a", 2), "(null)"));
}

/* RFC 4648, section 10: "foobar" is MZXW6YTBOI. A token's characters are those of its hash-like MAC: checked by the second label's MAC. */
static void
test_token_base32(void **state)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	char hex[33];
	uint8_t mac[16];
	(void)state;
	expect_hash("gatehouse mask token v1\n", "e", "k", "v", hex);
	assert_int_equal(base_text_unhex(base_span(hex, 32), mac, 16), 0);
	struct base_span s = keyed(POLICY_MASK_TOKEN, "mask " KEY, "e", "k", POLICY_NORM_KEY, TEXT, "v", 1);
	for (size_t i = 0; i < 16; i++) {
		unsigned v = 0;
		for (size_t bit = i * 5; bit < i * 5 + 5; bit++)
			v = v << 1 | (mac[bit / 8] >> (7 - bit % 8) & 1u);
		assert_int_equal(s.p[3 + i], alphabet[v]);
	}
}

static void
test_secret(void **state)
{
	static const struct { const char *text; bool good; } t[] = {
		{"mask " KEY "\n", true}, {"mask " KEY, true}, {"# made\n\n  mask\t" KEY " # x\r\n", true}, {"", false}, {"# nothing\n", false},
		{"mask\n", false}, {"mask " KEY "00\n", false}, {"mask " KEY " x\n", false}, {"2026 " KEY "\n", false}, {"mask " KEY "\nmask " KEY "\n", false},
		{"mask 0001020304\n", false}, {"MASK " KEY "\n", false}, {"mask zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		for (size_t n = strlen(t[i].text) + 1; n-- > 0;) {
			struct mask_secret *s = NULL;
			struct base_fail fail = {.code = 0};
			uint8_t *exact = base_mem_new(n + 1, 1);
			memcpy(exact, t[i].text, n);
			int err = mask_secret_parse(base_span(exact, n), "mask.key", &s, &fail);
			assert_true(err == 0 || (err == GH_E_PARSE && !s && !strstr(fail.text, "0102")));
			if (n == strlen(t[i].text))
				assert_int_equal(err == 0, t[i].good);
			mask_secret_unref(&s);
			free(exact);
		}
	}
	struct base_buf line;
	base_buf_init(&line, 100);
	mask_secret_line(&line);
	struct mask_secret *s = NULL;
	assert_int_equal(mask_secret_parse(base_buf_span(&line), "x", &s, NULL), 0);
	mask_secret_ref(s);
	struct mask_secret *again = s;
	mask_secret_unref(&s);
	assert_null(s);
	mask_secret_unref(&again);
	mask_secret_unref(&again);
	base_buf_done(&line);
}

/* A buffer that is full latches; nothing is written past it, and no half field is read by anybody: its owner checks `bad`. */
static void
test_full(void **state)
{
	static const enum policy_mask_kind kinds[] = {POLICY_MASK_LAST, POLICY_MASK_FIXED, POLICY_MASK_YEAR, POLICY_MASK_HIDE};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
		struct mask_column *c = column(kinds[i], 1, "1970-01-01", kinds[i] == POLICY_MASK_LAST ? TEXT : DATE, 0);
		for (size_t max = 0; max < 14; max++) {
			struct base_buf out;
			base_buf_init(&out, max);
			mask_apply(c, base_span_str("1987-05-01"), &out);
			assert_int_equal(out.bad, max < (kinds[i] == POLICY_MASK_HIDE ? 4 : 14));
			base_buf_done(&out);
		}
		mask_column_free(&c);
	}
}

static int
set_up(void **state)
{
	(void)state;
	base_crypt_init();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),       cmocka_unit_test(test_year_text),  cmocka_unit_test(test_year_binary), cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_hide),       cmocka_unit_test(test_refused),    cmocka_unit_test(test_hash),        cmocka_unit_test(test_hash_apart),
		cmocka_unit_test(test_token_base32), cmocka_unit_test(test_secret),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_year_server),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
