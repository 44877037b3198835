/* test_keeper_check: what may become an entry. */
#include "keeper_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *text;
	bool good;
} entries[] = {
	{"{}", true},
	{"{\"v\":1,\"kind\":\"start\"}", true},
	{"{\"name\":\"\u5f20\u4e09\"}", true},
	{"{\x7f}", true},
	{"", false},
	{"{", false},
	{"}", false},
	{"[]", false},
	{" {}", false},
	{"{} ", false},
	{"{}\n", false},
	{"{\n}", false},
	{"{\t}", false},
	{"{\x1f}", false},
	{"{\xff}", false},
	{"{\xc0\x80}", false},
	{"{\xed\xa0\x80}", false},
	{"{\xe5}", false},
};

static void
test_entries(void **state)
{
	static uint8_t big[65536];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(entries); i++)
		if ((keeper_check_entry(base_span_str(entries[i].text)) == NULL) != entries[i].good)
			fail_msg("entry %zu", i);
	memset(big, 'x', sizeof big);
	big[0] = '{';
	big[65534] = '}';
	assert_null(keeper_check_entry(base_span(big, 65535)));
	big[65535] = '}';
	assert_non_null(keeper_check_entry(base_span(big, 65536)));
	assert_non_null(keeper_check_entry(base_span("{\0}", 3)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_entries)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
