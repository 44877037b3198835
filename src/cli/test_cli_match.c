/* test_cli_match: the rules of who is the same person, over made entries. */
#include "cli_match.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base_crypt.h"

/* Marks are small numbers here: 1.. keys, 11.. phones, 21.. e-mails. Kinds by letter: k customer.key, p .phone, e .email, K staff.key. */
struct row {
	const char *kinds; /* one letter a column */
	unsigned epoch;
	uint64_t mark[4];
};

static struct base_span
kind_of(char letter)
{
	return base_span_str(letter == 'k' ? "customer.key" : letter == 'p' ? "customer.phone" : letter == 'e' ? "customer.email" : "staff.key");
}

static struct event_entry
entry_of(const struct row *r, uint8_t bytes[32])
{
	struct event_entry e = {.kind = EVENT_READ, .epoch = r->epoch, .rows = 1};
	size_t n = strlen(r->kinds);

	for (size_t i = 0; i < n; i++) {
		e.kinds.item[e.kinds.count++] = kind_of(r->kinds[i]);
		for (size_t j = 0; j < 8; j++)
			bytes[i * 8 + j] = (uint8_t)(r->mark[i] >> (56 - 8 * j));
	}
	e.marks = base_span(bytes, n * 8);
	return e;
}

struct scenario {
	const char *what;
	char ask_kind;
	uint64_t ask_mark;
	struct row rows[6];
	const char *hits; /* one letter a row: '.' no, else how many kinds matched */
};

static const struct scenario scenarios[] = {
	{"by key: only that key", 'k', 1, {{"k", 2026, {1}}, {"k", 2026, {2}}, {"K", 2026, {1}}}, "1.."},
	{"by key: a phone beside it is learned and found without the key", 'k', 1, {{"p", 2026, {11}}, {"kp", 2026, {1, 11}}, {"p", 2026, {12}}}, "12."},
	{"by phone: key, then the e-mail beside the key", 'p', 11, {{"e", 2026, {21}}, {"ke", 2026, {1, 21}}, {"kp", 2026, {1, 11}}, {"k", 2026, {1}}}, "1221"},
	{"a shared phone does not pull in the other key", 'k', 1, {{"kp", 2026, {1, 11}}, {"kp", 2026, {2, 11}}, {"k", 2026, {2}}, {"p", 2026, {11}}}, "2..1"},
	{"asked by the shared phone: both", 'p', 11, {{"kp", 2026, {1, 11}}, {"kp", 2026, {2, 11}}, {"k", 2026, {2}}, {"k", 2026, {3}}}, "221."},
	{"a learned identifier beside another without a key is not followed", 'k', 1, {{"kp", 2026, {1, 11}}, {"pe", 2026, {11, 21}}, {"e", 2026, {21}}}, "21."},
	{"years do not meet", 'k', 1, {{"kp", 2026, {1, 11}}, {"p", 2027, {11}}, {"k", 2027, {1}}}, "2.."},
	{"absent marks are nobody", 'k', 1, {{"kp", 2026, {1, 0}}, {"p", 2026, {0}}, {"kp", 2026, {0, 12}}}, "1.."},
	{"a self-join teaches nothing and is found", 'k', 1, {{"kpk", 2026, {1, 12, 2}}, {"p", 2026, {12}}, {"k", 2026, {2}}}, "1.."},
};

static void
run_scenario(const struct scenario *sc)
{
	struct cli_match *m = cli_match_new();
	uint8_t bytes[32];
	struct cli_hit hit;
	bool learned = true;
	unsigned passes = 0;

	cli_match_ask(m, 2026, kind_of(sc->ask_kind), sc->ask_mark);
	for (; learned; passes++) {
		learned = false;
		for (size_t i = 0; sc->hits[i]; i++) {
			struct event_entry e = entry_of(&sc->rows[i], bytes);
			learned = cli_match_learn(m, &e) || learned;
		}
	}
	assert_true(passes <= 4);
	for (size_t i = 0; sc->hits[i]; i++) {
		struct event_entry e = entry_of(&sc->rows[i], bytes);
		bool found = cli_match_entry(m, &e, &hit);
		if (found != (sc->hits[i] != '.') || (found && hit.nthrough != (size_t)(sc->hits[i] - '0')))
			fail_msg("%s: row %zu: found %d through %zu, not %c", sc->what, i, found, found ? hit.nthrough : 0, sc->hits[i]);
	}
	cli_match_free(&m);
	assert_null(m);
}

static void
test_scenarios(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(scenarios); i++)
		run_scenario(&scenarios[i]);
}

/* Many tuples; marks cut short at every length: whole tuples count, nothing beyond the end is read (ASan watches). */
static void
test_lengths(void **state)
{
	struct cli_match *m = cli_match_new();
	struct cli_hit hit;
	struct row r = {"kp", 2026, {1, 11}};
	uint8_t one[32], *many;

	(void)state;
	cli_match_ask(m, 2026, kind_of('k'), 1);
	struct event_entry e = entry_of(&r, one);
	for (size_t n = 0; n <= 16 * 5; n++) {
		many = test_malloc(n + 1);
		for (size_t i = 0; i < n; i++)
			many[i] = one[i % 16];
		e.marks = base_span(many, n);
		(void)cli_match_learn(m, &e); /* what it says does not matter here */
		assert_int_equal(cli_match_entry(m, &e, &hit), n >= 16);
		if (n >= 16)
			assert_int_equal(hit.tuples, n / 16);
		test_free(many);
	}
	e.kinds.count = 0;
	e.marks = base_span(one, 16);
	assert_false(cli_match_entry(m, &e, &hit));
	cli_match_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenarios), cmocka_unit_test(test_lengths)};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
