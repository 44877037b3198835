/* test_cli_shape: each recogniser over values that are of its shape and values that nearly are; no value may do harm, cut at any length. */
#include "cli_shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base_defs.h"

static const struct { enum cli_shape shape; const char *good[12], *bad[14]; } cases[] = {
	{CLI_SHAPE_EMAIL, {"a@b.de", "li.na+x@mail.example.com", "用户@example.com", " a@b.de "},
	 {"", "a@b", "@b.de", "a@", "a b@c.de", "a@b.d", "a@b..de", "a@.de", "see a@b.de", "a@b.12", "a@b@c.de"}},
	{CLI_SHAPE_IBAN, {"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "gb82west12345698765432", "FR1420041010050500013M02606"},
	 {"", "DE88370400440532013000", "DE8937040044053201300", "89DE370400440532013000", "DE89-3704"}},
	{CLI_SHAPE_CN_ID, {"11010519491231002X", "11010519491231002x"}, {"", "110105194912310021", "11010519491331002X", "1101051949123100X", "01010519491231002X"}},
	{CLI_SHAPE_IMEI, {"356938035643809"}, {"", "356938035643808", "35693803564380", "123456789012345"}},
	{CLI_SHAPE_CARD, {"4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "6011111111111117", "2221000000000009"},
	 {"", "4111111111111112", "411111111111111", "356938035643809", "1111111111111117", "4111111111111111x"}},
	{CLI_SHAPE_DE_TAX, {"86095742719", "47036892816", "65929970489", "65 929 970 489"}, {"", "86095742718", "06095742719", "8609574271", "11111111111", "1234567890123"}},
	{CLI_SHAPE_US_SSN, {"123-45-6789", "899-01-0001"}, {"", "000-45-6789", "666-45-6789", "900-45-6789", "123-00-6789", "123-45-0000", "123456789", "123-456-789"}},
	{CLI_SHAPE_IP, {"10.0.0.1", "255.255.255.255", "2001:db8::1", "fe80:0:0:0:1:2:3:4", "10.0.0.1/32"},
	 {"", "256.0.0.1", "1.2.3", "1.2.3.4.5", "12:30:00", "1234", "a.b.c.d", "1..2.3"}},
	{CLI_SHAPE_PHONE, {"+49 30 1234567", "0049301234567", "030/1234567", "13800001234", "+86 138 0000 1234", "(212) 555-0123", "212-555-0123", "06 12 34 56 78", "0171-1234567", "1-212-555-0123"},
	 {"", "12", "1234567", "20260101", "2026-01-01", "12.50", "abc", "123456789012345678901234", "-12345678", "12345.67", "00", "123-45-6789"}},
	{CLI_SHAPE_BIRTH, {"1949-12-31", "31.12.1949", "12/31/1949", "19491231", "1949-12-31 00:00:00", "1949-12-31T00:00:00Z", "05/06/1970"},
	 {"", "1849-12-31", "1949-13-31", "1949-02-30", "49-12-31", "1949", "31-12-1949x", "1949-12.31"}},
	{CLI_SHAPE_POSTAL, {"10115", "12345-6789", "SW1A 1AA", "1012 AB", "730000"}, {"", "123", "1234567", "Berlin", "12-45-67"}},
	{CLI_SHAPE_NAME, {"Anna Berg", "Müller, Anna-Lena", "Ludwig van Beethoven", "O'Neil Jr. Sam", "王伟", "李娜", "张三丰", "Åsa Öberg"},
	 {"", "Anna", "anna berg", "Red", "Anna 2", "order 17", "A, B, C", "http://x y", "水果"}},
	{CLI_SHAPE_CONTACT, {"please write to li.na@example.com.", "call me at +49 171 1234567 tomorrow", "tel 0171 1234567, after six please", "请在早上给客户打电话13800001234谢谢"},
	 {"", "li.na@example.com", "nothing to say about it", "order 123456789012 was sent late", "see invoice A0171123456789 again", "version 2026-01-01 of it all"}},
};

static void
recognises(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		for (size_t k = 0; k < BASE_COUNT(cases[i].good) && cases[i].good[k]; k++)
			if (!cli_shape_is(cases[i].shape, base_span_str(cases[i].good[k])))
				print_error("%s: \"%s\"\n", cli_shape_words(cases[i].shape), cases[i].good[k]), fail();
		for (size_t k = 0; k < BASE_COUNT(cases[i].bad) && cases[i].bad[k]; k++)
			if (cli_shape_is(cases[i].shape, base_span_str(cases[i].bad[k])))
				print_error("not %s: \"%s\"\n", cli_shape_words(cases[i].shape), cases[i].bad[k]), fail();
	}
}

/* Every recogniser sees every value, cut at every length, from a block of exactly that size: a sanitizer sees one byte too far. */
static void
cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		for (size_t k = 0; k < 26; k++) {
			const char *v = k < 12 ? cases[i].good[k] : cases[i].bad[k - 12];
			for (size_t n = 0; v && n <= strlen(v); n++) {
				uint8_t *copy = malloc(n ? n : 1);
				struct cli_tally t = {0};
				assert_non_null(copy);
				memcpy(copy, v, n);
				for (unsigned s = 0; s < CLI_SHAPES; s++)
					(void)cli_shape_is((enum cli_shape)s, base_span(copy, n));
				cli_tally_add(&t, base_span(copy, n));
				assert_true(t.values <= 1);
				free(copy);
			}
		}
}

static void
countries(void **state)
{
	static const struct { const char *value; unsigned code; } rows[] = {
		{"+49 30 1234567", 49}, {"0049301234567", 49}, {"13800001234", 86}, {"+8613800001234", 86}, {"0171 1234567", 49}, {"06 12 34 56 78", 33}, {"+1 212 555 0123", 1},
		{"+7 495 1234567", 7}, {"+852 1234 5678", 852}, {"0301234567", 0}, {"", 0}, {"+", 0}, {"x", 0}, {"00", 0},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++)
		assert_int_equal(cli_shape_country(base_span_str(rows[i].value)), rows[i].code);
}

static void
tallies(void **state)
{
	struct cli_tally t = {0}, same = {0};
	char v[40];

	(void)state;
	assert_int_equal(cli_tally_share(&t, CLI_SHAPE_PHONE), 0);
	assert_int_equal(cli_tally_country(&t), 0);
	assert_int_equal(cli_tally_distinct(&t), 0);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(v, sizeof(v), "%s%08u", i % 50 ? "138" : "no ", i);
		cli_tally_add(&t, base_span_str(v));
		cli_tally_add(&same, base_span_str(i % 2 ? "Red Chair" : "Blue Chair"));
	}
	cli_tally_add(&t, base_span_str("  "));
	assert_int_equal(t.values, 1000);
	assert_int_equal(cli_tally_share(&t, CLI_SHAPE_PHONE), 98);
	assert_int_equal(cli_tally_country(&t), 86);
	assert_in_range(cli_tally_distinct(&t), 85, 100);
	assert_in_range(cli_tally_distinct(&same), 0, 1);
	cli_tally_add(&same, base_span_str("1950-01-01"));
	cli_tally_add(&same, base_span_str("01.02.1999"));
	assert_int_equal(same.year_first, 1950);
	assert_int_equal(same.year_last, 1999);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(recognises), cmocka_unit_test(cut_anywhere), cmocka_unit_test(countries), cmocka_unit_test(tallies)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
