/* Tests of ident_otp: RFC 6238's codes, window and replay, recovery codes, the file and its changes; the file cut at every length and with every bit turned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_mem.h"
#include "ident_otp.h"

#define S 1000000ull
#define FILE_MAX (1u << 20)

static const uint8_t key[IDENT_OTP_KEY] = {7, 8, 9};

/* RFC 6238 appendix B: the SHA-1 secret and, of its eight digits, the last six. */
static struct ident_otp_new
rfc(void)
{
	struct ident_otp_new n;
	ident_otp_make(&n);
	memcpy(n.secret, "12345678901234567890", IDENT_OTP_SECRET);
	return n;
}
static const struct { uint64_t second; const char *code; } vectors[] = {
	{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
};

/* A file of these actors; `anna` first, with n's secret, the others' random. */
static struct ident_otp_file *
file_of(struct base_buf *text, const struct ident_otp_new *n, const char *const *others)
{
	struct ident_otp_file *f = NULL;
	struct base_fail fail;
	struct base_buf next;
	base_buf_init(text, FILE_MAX);
	assert_int_equal(ident_otp_change(base_buf_span(text), key, base_span_str("anna"), "2026-11-22", n, text, &fail), 0);
	for (; others && *others; others++) {
		struct ident_otp_new other;
		ident_otp_make(&other);
		base_buf_init(&next, FILE_MAX);
		assert_int_equal(ident_otp_change(base_buf_span(text), key, base_span_str(*others), "2026-11-23", &other, &next, &fail), 0);
		base_buf_done(text);
		*text = next;
	}
	assert_int_equal(ident_otp_parse(base_buf_span(text), "otp", key, &f, &fail), 0);
	return f;
}

static enum ident_otp_answer
check(const struct ident_otp_file *f, const char *code, uint64_t second, uint64_t last, uint32_t used, uint64_t *counter_r)
{
	*counter_r = 4711;
	return ident_otp_check(f, base_span_str("anna"), base_span_str(code), second * S, last, used, counter_r);
}

static void
test_rfc(void **state)
{
	struct ident_otp_new n = rfc();
	struct base_buf text;
	struct ident_otp_file *f = file_of(&text, &n, NULL);
	uint64_t counter;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
		uint64_t step = vectors[i].second / 30, start = step * 30;
		const char *code = vectors[i].code;
		static const int offsets[] = {-31, -30, -1, 0, 29, 30, 59, 60};
		static const bool right[] = {false, true, true, true, true, true, true, false};
		assert_int_equal(check(f, code, vectors[i].second, 0, 0, &counter), IDENT_OTP_RIGHT);
		assert_int_equal(counter, step);
		assert_true(ident_otp_new_check(&n, base_span_str(code), vectors[i].second * S));
		for (size_t k = 0; k < BASE_COUNT(offsets); k++) {
			uint64_t now = (uint64_t)((int64_t)start + offsets[k]);
			assert_int_equal(check(f, code, now, 0, 0, &counter), right[k] ? IDENT_OTP_RIGHT : IDENT_OTP_WRONG);
			assert_int_equal(counter, right[k] ? step : 4711);
			assert_int_equal(ident_otp_new_check(&n, base_span_str(code), now * S), right[k]);
		}
		assert_int_equal(check(f, code, vectors[i].second, step - 1, 0, &counter), IDENT_OTP_RIGHT);
		assert_int_equal(check(f, code, vectors[i].second, step, 0, &counter), IDENT_OTP_REPLAYED);
		assert_int_equal(check(f, code, vectors[i].second, step + 1, 0, &counter), IDENT_OTP_REPLAYED); /* a clock that was set back */
		assert_int_equal(check(f, code, vectors[i].second, step, UINT32_MAX, &counter), IDENT_OTP_REPLAYED);
	}
	ident_otp_unref(&f);
	base_buf_done(&text);
}

static void
test_codes(void **state)
{
	static const struct { const char *code; enum ident_otp_answer answer; } t[] = {
		{"287082", IDENT_OTP_RIGHT}, {"287 082", IDENT_OTP_RIGHT}, {" 287-082 ", IDENT_OTP_RIGHT}, {"28708O", IDENT_OTP_WRONG}, {"28708", IDENT_OTP_WRONG}, {"2870820", IDENT_OTP_WRONG},
		{"0287082", IDENT_OTP_WRONG}, {"", IDENT_OTP_WRONG}, {"      ", IDENT_OTP_WRONG}, {"94287082", IDENT_OTP_WRONG}, {"+287082", IDENT_OTP_WRONG}, {"287082\n", IDENT_OTP_WRONG},
		{"287083", IDENT_OTP_WRONG}, {"000000", IDENT_OTP_WRONG}, {"-------------------", IDENT_OTP_WRONG}, {"2870822870", IDENT_OTP_WRONG},
		{"\xd9\xa2\xd9\xa8\xd9\xa7", IDENT_OTP_WRONG}, /* six bytes, Arabic digits */
	};
	struct ident_otp_new n = rfc();
	struct base_buf text;
	struct ident_otp_file *f = file_of(&text, &n, NULL);
	uint64_t counter;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		if (check(f, t[i].code, 59, 0, 0, &counter) != t[i].answer)
			fail_msg("%s", t[i].code);
	assert_int_equal(ident_otp_check(f, base_span_str("anna"), base_span("287082\0", 7), 59 * S, 0, 0, &counter), IDENT_OTP_WRONG);
	assert_int_equal(ident_otp_check(f, base_span_str("ann"), base_span_str("287082"), 59 * S, 0, 0, &counter), IDENT_OTP_UNKNOWN);
	assert_int_equal(ident_otp_check(f, base_span_str("Anna"), base_span_str("287082"), 59 * S, 0, 0, &counter), IDENT_OTP_UNKNOWN);
	assert_int_equal(ident_otp_check(f, base_span_str(""), base_span_str("287082"), 59 * S, 0, 0, &counter), IDENT_OTP_UNKNOWN);
	assert_int_equal(check(f, "755224", 0, 0, 0, &counter), IDENT_OTP_REPLAYED); /* step 0 is never after `last` */
	assert_int_equal(check(f, "287082", 0, 0, 0, &counter), IDENT_OTP_RIGHT);    /* no step before the first */
	assert_int_equal(counter, 1);
	ident_otp_unref(&f);
	base_buf_done(&text);
}

static void
test_recovery(void **state)
{
	struct ident_otp_new n = rfc();
	struct base_buf text;
	struct ident_otp_file *f = file_of(&text, &n, NULL);
	uint64_t counter;
	(void)state;
	for (size_t i = 0; i < IDENT_OTP_RECOVERY; i++) {
		char plain[16] = "", loud[16] = "";
		assert_int_equal(strlen(n.recovery[i]), 11);
		assert_true(n.recovery[i][5] == '-');
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(n.recovery[i], n.recovery[k]);
		snprintf(plain, sizeof(plain), "%.5s %s", n.recovery[i], n.recovery[i] + 6);
		for (size_t k = 0; n.recovery[i][k]; k++) {
			char c = n.recovery[i][k];
			assert_non_null(strchr("0123456789abcdefghjkmnpqrstvwxyz-", c));
			loud[k] = c == '0' ? 'O' : c == '1' ? 'l' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		}
		assert_int_equal(check(f, n.recovery[i], 59, 9999999, 0, &counter), IDENT_OTP_RECOVERED); /* not bound to time */
		assert_int_equal(counter, i);
		assert_int_equal(check(f, plain, 59, 0, ~(1u << i), &counter), IDENT_OTP_RECOVERED);
		assert_int_equal(check(f, loud, 59, 0, 0, &counter), IDENT_OTP_RECOVERED);
		assert_int_equal(check(f, n.recovery[i], 59, 0, 1u << i, &counter), IDENT_OTP_REPLAYED);
		assert_int_equal(counter, i);
		plain[0] = plain[0] == 'x' ? 'y' : 'x';
		assert_int_equal(check(f, plain, 59, 0, 0, &counter), IDENT_OTP_WRONG);
		assert_int_equal(counter, 4711);
		plain[9] = 0;
		assert_int_equal(check(f, plain, 59, 0, 0, &counter), IDENT_OTP_WRONG);
	}
	ident_otp_unref(&f);
	base_buf_done(&text);
}

static void
test_file(void **state)
{
	static const char *const others[] = {"zoe", "bob", "\xe7\x8e\x8b\xe8\x8a\xb3", "name with blanks", NULL};
	struct ident_otp_new n = rfc();
	struct base_buf text, next;
	struct ident_otp_file *f = file_of(&text, &n, others), *g = NULL;
	struct base_fail fail;
	const char *date;
	uint64_t counter;
	(void)state;
	assert_int_equal(ident_otp_count(f), 5);
	for (size_t i = 0; others[i]; i++)
		assert_true(ident_otp_has(f, base_span_str(others[i])));
	assert_true(base_span_is(ident_otp_actor(f, 0, &date), "anna"));
	assert_string_equal(date, "2026-11-22");
	assert_true(base_span_is(ident_otp_actor(f, 3, &date), "zoe"));
	assert_string_equal(date, "2026-11-23");

	base_buf_init(&next, FILE_MAX); /* out and in again: another secret; the other lines stay, byte for byte */
	assert_int_equal(ident_otp_change(base_buf_span(&text), key, base_span_str("anna"), "2026-11-24", NULL, &next, &fail), 0);
	assert_int_equal(ident_otp_parse(base_buf_span(&next), "otp", key, &g, &fail), 0);
	assert_false(ident_otp_has(g, base_span_str("anna")));
	assert_int_equal(ident_otp_count(g), 4);
	size_t n_next = base_buf_len(&next);
	assert_memory_equal(base_buf_span(&next).p, base_buf_span(&text).p + base_buf_len(&text) - n_next, n_next);
	ident_otp_unref(&g);
	assert_int_equal(ident_otp_change(base_buf_span(&next), key, base_span_str("anna"), "2026-11-24", NULL, &text, &fail), GH_E_MISSING);
	struct ident_otp_new m;
	ident_otp_make(&m);
	base_buf_clear(&next);
	assert_int_equal(ident_otp_change(base_buf_span(&text), key, base_span_str("anna"), "2026-11-24", &m, &next, &fail), 0);
	assert_int_equal(base_buf_len(&next), base_buf_len(&text));
	assert_int_equal(ident_otp_parse(base_buf_span(&next), "otp", key, &g, &fail), 0);
	assert_int_equal(check(g, "287082", 59, 0, 0, &counter), IDENT_OTP_WRONG);
	assert_int_equal(check(g, m.recovery[3], 59, 0, 0, &counter), IDENT_OTP_RECOVERED);
	assert_int_equal(check(g, n.recovery[3], 59, 0, 0, &counter), IDENT_OTP_WRONG);
	ident_otp_ref(g);
	struct ident_otp_file *h = g;
	ident_otp_unref(&g);
	assert_int_equal(ident_otp_count(h), 5);
	ident_otp_unref(&h);
	ident_otp_unref(&h);

	uint8_t other_key[IDENT_OTP_KEY] = {1}; /* another key: nothing opens, nothing is changed */
	assert_int_equal(ident_otp_parse(base_buf_span(&text), "otp", other_key, &g, &fail), GH_E_VERIFY);
	assert_string_equal(fail.text, "otp:1: the key does not open this line: another key sealed it, or it was changed");
	assert_int_equal(ident_otp_change(base_buf_span(&text), other_key, base_span_str("new"), "2026-11-24", &m, &next, &fail), GH_E_VERIFY);
	static const char *const names[] = {"", "a\tb", "a\nb", "\xff", "a\x7f"};
	for (size_t i = 0; i < BASE_COUNT(names); i++)
		assert_int_equal(ident_otp_change(base_buf_span(&text), key, base_span_str(names[i]), "2026-11-24", &m, &next, &fail), GH_E_PARSE);
	base_buf_done(&next);
	base_buf_init(&next, 100);
	assert_int_equal(ident_otp_change(base_buf_span(&text), key, base_span_str("new"), "2026-11-24", &m, &next, &fail), GH_E_LIMIT);
	base_buf_done(&next);
	ident_otp_unref(&f);
	base_buf_done(&text);
}

static void
test_damaged(void **state)
{
	static const char *const others[] = {"bob", NULL};
	struct ident_otp_new n = rfc();
	struct base_buf text;
	struct ident_otp_file *f = file_of(&text, &n, others);
	struct base_fail fail;
	struct base_span whole = base_buf_span(&text);
	(void)state;
	ident_otp_unref(&f);
	size_t first = (size_t)((const uint8_t *)memchr(whole.p, '\n', whole.n) - whole.p) + 1;
	for (size_t len = 0; len <= whole.n; len++) {
		uint8_t *exact = malloc(len == 0 ? 1 : len);
		assert_non_null(exact);
		memcpy(exact, whole.p, len);
		int err = ident_otp_parse(base_span(exact, len), "otp", key, &f, &fail);
		bool lines = len == 0 || len + 1 == first || len == first || len + 1 >= whole.n; /* the last line may lack its end */
		assert_int_equal(err == 0, lines);
		ident_otp_unref(&f);
		free(exact);
	}
	uint8_t *copy = malloc(whole.n);
	assert_non_null(copy);
	for (size_t bit = 0; bit < 8 * first; bit++) {
		memcpy(copy, whole.p, whole.n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		int err = ident_otp_parse(base_span(copy, whole.n), "otp", key, &f, &fail);
		bool date = bit / 8 >= 5 && bit / 8 < 15; /* the date is not sealed: it is for people */
		if (err == 0 && !date)
			fail_msg("bit %zu", bit);
		ident_otp_unref(&f);
	}
	/* one actor's line under another's name; a line twice */
	memcpy(copy, whole.p, whole.n);
	memcpy(copy, "anne", 4);
	assert_int_equal(ident_otp_parse(base_span(copy, whole.n), "otp", key, &f, &fail), GH_E_VERIFY);
	struct base_buf twice;
	base_buf_init(&twice, FILE_MAX);
	base_buf_put(&twice, whole);
	base_buf_put(&twice, base_span(whole.p, first));
	assert_int_equal(ident_otp_parse(base_buf_span(&twice), "otp", key, &f, &fail), GH_E_PARSE);
	base_buf_done(&twice);
	static const char *const wrong[] = {"\n", "anna\n", "anna\t2026-11-22\n", "anna\t2026-11-22\t\n", "anna\t2026-11-22\tAAAA\n", "# a comment\n", "anna\t2026-13-22\tAAAA\n", "\t\t\n"};
	for (size_t i = 0; i < BASE_COUNT(wrong); i++)
		assert_int_equal(ident_otp_parse(base_span_str(wrong[i]), "otp", key, &f, &fail), GH_E_PARSE);
	free(copy);
	base_buf_done(&text);
}

static void
test_key(void **state)
{
	struct base_buf b;
	struct base_fail fail;
	uint8_t k[IDENT_OTP_KEY];
	(void)state;
	base_buf_init(&b, 256);
	ident_otp_key_make(&b);
	assert_int_equal(base_buf_len(&b), 45);
	struct base_span s = base_buf_span(&b);
	assert_int_equal(ident_otp_key_parse(s, "otp.key", k, &fail), 0);
	for (size_t n = 0; n < s.n; n++)
		assert_int_equal(ident_otp_key_parse(base_span(s.p, n), "otp.key", k, &fail), n == 44 ? 0 : GH_E_PARSE);
	base_buf_u8(&b, '\n');
	assert_int_equal(ident_otp_key_parse(base_buf_span(&b), "otp.key", k, &fail), GH_E_PARSE);
	assert_string_equal(fail.text, "otp.key: expected one line, base64 of 32 bytes");
	base_buf_done(&b);
}

static void
test_uri(void **state)
{
	struct ident_otp_new n = rfc();
	struct base_buf b;
	(void)state;
	base_buf_init(&b, 4096);
	ident_otp_uri(&n, base_span_str("gate A&B"), base_span_str("\xe7\x8e\x8b:x?/#@"), &b);
	assert_true(base_span_is(base_buf_span(&b), "otpauth://totp/gate%20A%26B:%E7%8E%8B%3Ax%3F%2F%23%40?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=gate%20A%26B"
	                                            "&algorithm=SHA1&digits=6&period=30"));
	base_buf_done(&b);
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_uri),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
