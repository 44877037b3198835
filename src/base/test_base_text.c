/* Tests of base_text: quoting, UTF-8, hex and base64 (round trips, every truncation, every wrong byte), suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_text.h"

/* A copy in memory of exactly its length, so that the sanitizer sees a read past it. */
static uint8_t *
exact(const void *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	assert_non_null(copy);
	memcpy(copy, p, n);
	return copy;
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} t[] = {
		{"", true}, {"plain", true}, {"\xc3\xa9", true}, {"\xe4\xb8\xad\xe6\x96\x87", true}, {"\xf0\x9f\x90\x98", true},
		{"\xc2\x80", true}, {"\xdf\xbf", true}, {"\xe0\xa0\x80", true}, {"\xed\x9f\xbf", true}, {"\xee\x80\x80", true},
		{"\xef\xbf\xbf", true}, {"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true},
		{"\x80", false}, {"\xbf", false}, {"\xc0\x80", false}, {"\xc1\xbf", false}, {"\xe0\x9f\xbf", false},
		{"\xed\xa0\x80", false}, {"\xed\xbf\xbf", false}, {"\xf0\x8f\xbf\xbf", false}, {"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false}, {"\xff", false}, {"\xc3", false}, {"\xe4\xb8", false}, {"\xf0\x9f\x90", false},
		{"\xc3x", false}, {"\xe4\xb8x", false}, {"\xf0\x9f\x90x", false}, {"\xe4x\xad", false}, {"a\xc3\xa9\xa9", false},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		size_t n = strlen(t[i].text);
		uint8_t *copy = exact(t[i].text, n);

		assert_int_equal(base_text_utf8(base_span(copy, n)), t[i].good);
		free(copy);
	}
	assert_true(base_text_utf8(base_span("\0", 1)));
}

static void
test_quote(void **state)
{
	static const struct {
		const char *in;
		size_t size, max_in;
		const char *want;
	} t[] = {
		{"plain \\ \"text\"", 40, 100, "plain \\ \"text\""},
		{"", 1, 0, ""},
		{"a\nb\r\t\x7f\x1b[0m", 60, 100, "a\\x0ab\\x0d\\x09\\x7f\\x1b[0m"},
		{"\xc3\xa9\xff", 60, 100, "\xc3\xa9\\xff"},
		{"\xc2\x9b" "31m", 60, 100, "\\xc2\\x9b31m"},                 /* C1: the other way to write ESC [ */
		{"\xe2\x80\xae" "abc", 60, 100, "\\xe2\\x80\\xaeabc"},        /* U+202E turns the line around */
		{"\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf\xd8\x9c", 60, 100, "\\xe2\\x80\\xa8\\xe2\\x81\\xa6\\xef\\xbb\\xbf\\xd8\\x9c"},
		{"abcdef", 40, 3, "abc..."},
		{"abcdef", 40, 6, "abcdef"},
		{"ab\xc3\xa9", 40, 3, "ab..."},                                /* no half character */
		{"abcdef", 7, 100, "abcdef"},
		{"abcdefg", 7, 100, "abc..."},
		{"abcdefg", 4, 100, "..."},
		{"abcdefg", 3, 100, ".."},
		{"abcdefg", 1, 100, ""},
		{"abc\n", 7, 100, "abc..."},
		{"abc\n", 8, 100, "abc\\x0a"},
		{"\xe4\xb8\xad\xe4\xb8\xad", 7, 100, "\xe4\xb8\xad\xe4\xb8\xad"},
		{"\xe4\xb8\xad\xe4\xb8\xad", 6, 100, "..."},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char *dst = malloc(t[i].size);
		size_t n = strlen(t[i].in);
		uint8_t *in = exact(t[i].in, n);

		assert_non_null(dst);
		assert_ptr_equal(base_text_quote(dst, t[i].size, base_span(in, n), t[i].max_in), dst);
		assert_string_equal(dst, t[i].want);
		free(dst);
		free(in);
	}
}

/* Random bytes into every size: always terminated, always valid, never a control character. */
static void
test_quote_sizes(void **state)
{
	uint8_t in[48];
	unsigned seed = 5;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t size = 1 + (size_t)rand_r(&seed) % 80, n = (size_t)rand_r(&seed) % sizeof(in);
		char *dst = malloc(size);
		size_t len;

		assert_non_null(dst);
		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)rand_r(&seed);
		base_text_quote(dst, size, base_span(in, n), (size_t)rand_r(&seed) % 60);
		len = strnlen(dst, size);
		assert_true(len < size);
		assert_true(base_text_utf8(base_span(dst, len)));
		for (size_t i = 0; i < len; i++)
			assert_true((uint8_t)dst[i] >= 0x20 && dst[i] != 0x7f);
		free(dst);
	}
}

static void
test_hex(void **state)
{
	uint8_t out[4] = {9, 9, 9, 9};
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 8);
	base_text_hex(&b, base_span("\x00\x9f\xAb\xff", 4));
	assert_true(base_span_is(base_buf_span(&b), "009fabff"));
	base_text_hex(&b, base_span(NULL, 0));
	assert_false(b.bad);
	base_text_hex(&b, base_span("x", 1));
	assert_true(b.bad);
	base_buf_done(&b);
	assert_int_equal(base_text_unhex(base_span_str("009fABff"), out, 4), GH_OK);
	assert_memory_equal(out, "\x00\x9f\xab\xff", 4);
	assert_int_equal(base_text_unhex(base_span(NULL, 0), NULL, 0), GH_OK);
	for (size_t n = 0; n <= 9; n++)
		if (n != 8)
			assert_int_equal(base_text_unhex(base_span("000000000", n), out, 4), GH_E_PARSE);
	for (unsigned c = 0; c < 256; c++) { /* every byte at every place */
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		for (size_t at = 0; at < 4; at++) {
			uint8_t in[4] = {'1', '2', '3', '4'}, got[2] = {7, 7};

			in[at] = (uint8_t)c;
			assert_int_equal(base_text_unhex(base_span(in, 4), got, 2), digit ? GH_OK : GH_E_PARSE);
			if (!digit)
				assert_memory_equal(got, "\7\7", 2); /* untouched */
		}
	}
}

static void
test_base64(void **state)
{
	static const char *const t[][2] = {
		/* RFC 4648 section 10 */
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		size_t len = strlen(t[i][1]);
		struct base_buf b;

		base_buf_init(&b, 100);
		base_text_base64(&b, base_span_str(t[i][0]));
		assert_true(base_span_is(base_buf_span(&b), t[i][1]));
		base_buf_clear(&b);
		base_buf_str(&b, ">");
		assert_int_equal(base_text_unbase64(base_span_str(t[i][1]), &b), GH_OK);
		base_buf_consume(&b, 1);
		assert_true(base_span_is(base_buf_span(&b), t[i][0]));
		for (size_t n = 0; n < len; n++) {
			uint8_t *copy = exact(t[i][1], n);

			base_buf_clear(&b);
			assert_int_equal(base_text_unbase64(base_span(copy, n), &b), n % 4 == 0 ? GH_OK : GH_E_PARSE);
			assert_int_equal(base_buf_len(&b), n % 4 == 0 ? n / 4 * 3 : 0);
			free(copy);
		}
		base_buf_done(&b);
	}
}

static void
test_base64_strict(void **state)
{
	static const char *const wrong[] = {
		"Zg=", "Zg", "Z===", "====", "=", "Zh==", /* unused bits set */ "Zm9=", /* the same */ "Zm 9", "Zm9v\n", "Zg==Zg==", "Z=g=", "=Zg=", "Zg=a",
		"Zm-v", "Zm_v", "Zm9v=", "Zm9v====", "Zm9vY===",
	};
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 3);
	for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
		assert_int_equal(base_text_unbase64(base_span_str(wrong[i]), &b), GH_E_PARSE);
		assert_int_equal(base_buf_len(&b), 0);
		assert_false(b.bad);
	}
	assert_int_equal(base_text_unbase64(base_span("Zg=\0", 4), &b), GH_E_PARSE);
	assert_int_equal(base_text_unbase64(base_span_str("Zm9vYg=="), &b), GH_E_LIMIT);
	assert_true(b.bad);
	base_buf_clear(&b);
	assert_int_equal(base_text_unbase64(base_span_str("Zm9v"), &b), GH_OK);
	base_buf_clear(&b);
	base_text_base64(&b, base_span_str("f"));
	assert_true(b.bad);
	base_buf_done(&b);
	/* random bytes there and back */
	base_buf_init(&b, 1000);
	{
		uint8_t in[64];
		unsigned seed = 6;

		for (size_t n = 0; n < sizeof(in); n++) {
			struct base_span text;

			for (size_t i = 0; i < n; i++)
				in[i] = (uint8_t)rand_r(&seed);
			base_text_base64(&b, base_span(in, n));
			text = base_buf_span(&b);
			{
				uint8_t *copy = exact(text.p, text.n);

				base_buf_clear(&b);
				assert_int_equal(base_text_unbase64(base_span(copy, text.n), &b), GH_OK);
				free(copy);
			}
			assert_true(base_span_eq(base_buf_span(&b), base_span(in, n)));
			base_buf_clear(&b);
		}
	}
	base_buf_done(&b);
}

static void
test_nearest(void **state)
{
	static const char *const words[] = {"listen", "upstream", "log", "log_format", "ab", "", "journal", "journals"};
	static const struct {
		const char *word, *want;
	} t[] = {
		{"listen", "listen"}, {"lisen", "listen"}, {"lsiten", "listen"}, {"listenn", "listen"}, {"lixxen", "listen"},
		{"lixxxn", NULL}, {"upstraem", "upstream"}, {"psutream", "upstream"}, {"lgo", "log"}, {"lo", "log"}, {"l", NULL}, {"b", NULL}, {"", NULL},
		{"ba", "ab"}, {"log_fromat", "log_format"}, {"journalss", "journals"}, {"journlas", "journals"}, {"something else", NULL},
		{"LOG", NULL},
		{"a very long word that is longer than any name that we would ever compare it with", NULL},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		const char *got = base_text_nearest(base_span_str(t[i].word), words, BASE_COUNT(words));

		if (t[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, t[i].want);
	}
	assert_null(base_text_nearest(base_span_str("x"), NULL, 0));
	{
		char word[67];
		const char *longest[1];

		memset(word, 'w', sizeof(word));
		word[66] = '\0';
		longest[0] = word;
		assert_ptr_equal(base_text_nearest(base_span(word, 64), longest, 1), word); /* the widest row */
		assert_null(base_text_nearest(base_span(word, 65), longest, 1));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_quote_sizes),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_strict),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
