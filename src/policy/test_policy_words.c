/* What counts are called: every unit, noun, adjective and holder, and names that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base_text.h"
#include "policy_words.h"

#define S(s) {(const uint8_t *)(s), sizeof(s) - 1}
#define HOUR 3600000000ull
#define DAY (24 * HOUR)

static struct policy_subject subjects[] = {{.name = S("customer")}, {.name = S("a\nb\xff")}};
static const struct policy_file file = {.subjects = subjects, .nsubjects = BASE_COUNT(subjects)};

static void
test_time(void **state)
{
	static const struct { uint64_t us; const char *words; } tries[] = {
		{HOUR, "hour"}, {2 * HOUR, "2 hours"}, {HOUR / 60, "minute"}, {HOUR / 2, "30 minutes"}, {DAY, "day"}, {25 * HOUR, "25 hours"}, {7 * DAY, "week"}, {14 * DAY, "2 weeks"},
		{90000000, "90 seconds"}, {1000000, "second"}, {1999999, "second"}, {999999, "0 seconds"}, {0, "0 seconds"}, {UINT64_MAX, "18446744073709 seconds"},
	};
	char words[64];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		policy_time_words(tries[i].us, words, sizeof(words));
		assert_string_equal(words, tries[i].words);
	}
}

static void
test_counts(void **state)
{
	static const struct { struct policy_count c; enum policy_holder holder; const char *what, *name, *words, *budget; } tries[] = {
		{{40, HOUR, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_NONE, 0}, POLICY_HOLDER_ACTOR, "customer",
		 "customers per hour", "40 customers per hour", "40 customers per hour for each actor"},
		{{10, 2 * DAY, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_CLEAR, 0}, POLICY_HOLDER_EMPLOYER, "customer",
		 "clear customers per 2 days", "10 clear customers per 2 days", "10 clear customers per 2 days for each employer"},
		{{0, 7 * DAY, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_UNEXPLAINED, 1}, POLICY_HOLDER_GROUP, "a\nb\xff",
		 "unexplained a\\x0ab\\xffs per week", "0 unexplained a\\x0ab\\xffs per week", "0 unexplained a\\x0ab\\xffs per week for each group"},
		{{UINT64_MAX, HOUR / 60, POLICY_NOUN_LOOKUPS, POLICY_ADJECTIVE_NONE, 0}, POLICY_HOLDER_ACTOR, "lookups",
		 "lookups per minute", "18446744073709551615 lookups per minute", "18446744073709551615 lookups per minute for each actor"},
	};
	char words[POLICY_WORDS_COUNT];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		assert_true(base_span_is(policy_count_what(&file, &tries[i].c), tries[i].what));
		policy_count_name(&file, &tries[i].c, words, sizeof(words));
		assert_string_equal(words, tries[i].name);
		policy_count_words(&file, &tries[i].c, words, sizeof(words));
		assert_string_equal(words, tries[i].words);
		policy_budget_words(&file, &tries[i].c, tries[i].holder, words, sizeof(words));
		assert_string_equal(words, tries[i].budget);
		for (size_t size = 1; size < sizeof(words); size++) { /* cut at every length, never beyond it */
			memset(words, '#', sizeof(words));
			policy_budget_words(&file, &tries[i].c, tries[i].holder, words, size);
			assert_memory_equal(words, tries[i].budget, strnlen(words, size));
			assert_int_equal(strnlen(words, size), size - 1 < strlen(tries[i].budget) ? size - 1 : strlen(tries[i].budget));
			assert_int_equal(words[size], '#');
		}
	}
}

/* The longest that there can be fits, but for the end of a name of more than 120 bytes. */
static void
test_longest(void **state)
{
	char name[400], words[POLICY_WORDS_COUNT];

	(void)state;
	memset(name, 'n', sizeof(name));
	struct policy_subject s = {.name = {(const uint8_t *)name, sizeof(name)}};
	const struct policy_file f = {.subjects = &s, .nsubjects = 1};
	const struct policy_count c = {UINT64_MAX, UINT64_MAX, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_UNEXPLAINED, 0};
	policy_budget_words(&f, &c, POLICY_HOLDER_EMPLOYER, words, sizeof(words));
	assert_true(strlen(words) < sizeof(words) - 1);
	assert_non_null(strstr(words, "s per 18446744073709 seconds for each employer"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_time), cmocka_unit_test(test_counts), cmocka_unit_test(test_longest)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
