/* Tests of policy_case: every level of explanation, every edge of time, what is declared, and who counts as a colleague. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy_case.h"

#define MINUTE 60000000ull
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define SECOND 1000000ull
#define NOW (1795000000ull * SECOND)
#define NONE UINT64_MAX /* no such time is known */

/* role, employer, team: chen and dora work for Acme, eve for Bell; fay has a team only. */
static const char people_text[] = "role,employer,team\nchen,Acme,B2\ndora,Acme,C1\neve,Bell,B2\nfay,,B2\ngus,Bell,\n";

struct row { /* a ticket; times relative to NOW are given as they are */
	const char *number, *person, *opener, *team;
	bool open;
	uint64_t opened, closed;
};
struct scene {
	const char *what;
	const char *actor, *employer, *team, *declared;
	struct row t[4]; /* up to the first without a number */
	enum policy_class want;
	size_t by;
};
#define E POLICY_CLASS_EXPLAINED
#define W POLICY_CLASS_WEAK
#define U POLICY_CLASS_UNEXPLAINED
#define CHEN "chen", "Acme", "B2"
#define NOBODY SIZE_MAX

static const struct scene scenes[] = {
	/* the levels */
	{"assigned to the actor, opened by somebody else", CHEN, "", {{"T1", "chen", "desk", "", true, NOW - HOUR, NONE}}, E, 0},
	{"assigned to the actor, opener not known", CHEN, "", {{"T1", "chen", "", "", true, NOW - HOUR, NONE}}, E, 0},
	{"reassigned: other tickets are somebody else's", CHEN, "", {{"T1", "eve", "desk", "", true, NOW - HOUR, NONE}, {"T1", "chen", "desk", "", true, NOW - HOUR, NONE}}, E, 1},
	{"colleague by the ticket's team", CHEN, "", {{"T1", "zoe", "desk", "B2", true, NOW - HOUR, NONE}}, E, 0},
	{"colleague by employer, another team", CHEN, "", {{"T1", "dora", "desk", "C1", true, NOW - HOUR, NONE}}, E, 0},
	{"colleague by the people file's team", CHEN, "", {{"T1", "fay", "desk", "", true, NOW - HOUR, NONE}}, E, 0},
	{"colleague by team, actor's employer not known", "chen", "", "B2", "", {{"T1", "eve", "desk", "", true, NOW - HOUR, NONE}}, E, 0},
	{"waits in the team's queue", CHEN, "", {{"T1", "", "desk", "B2", true, NOW - HOUR, NONE}}, E, 0},
	{"opened by the actor, a colleague works on it", CHEN, "", {{"T1", "dora", "chen", "", true, NOW - HOUR, NONE}}, E, 0},
	{"opened and assigned to the actor", CHEN, "", {{"T1", "chen", "chen", "B2", true, NOW - HOUR, NONE}}, W, 0},
	{"opened by the actor into the own queue", CHEN, "", {{"T1", "", "chen", "B2", true, NOW - HOUR, NONE}}, W, 0},
	{"opened by the actor, nobody works on it", CHEN, "", {{"T1", "", "chen", "", true, NOW - HOUR, NONE}}, W, 0},
	{"another organisation only", CHEN, "", {{"T1", "eve", "desk", "", true, NOW - HOUR, NONE}}, W, 0},
	{"another organisation's team of the same name", CHEN, "", {{"T1", "eve", "desk", "B2", true, NOW - HOUR, NONE}}, W, 0},
	{"another organisation, opened by the actor", CHEN, "", {{"T1", "eve", "chen", "", true, NOW - HOUR, NONE}}, W, 0},
	{"an assignee that nobody knows", CHEN, "", {{"T1", "zoe", "desk", "Z9", true, NOW - HOUR, NONE}}, W, 0},
	{"nobody assigned, no team", CHEN, "", {{"T1", "", "desk", "", true, NOW - HOUR, NONE}}, W, 0},
	{"the actor has no team and no employer, nor has the ticket", "zoe", "", "", "", {{"T1", "gus", "", "", true, NOW - HOUR, NONE}}, W, 0},
	{"an actor without a name", "", "", "", "", {{"T1", "", "", "", true, NOW - HOUR, NONE}}, W, 0},
	{"no ticket", CHEN, "", {{0}}, U, NOBODY},
	{"names are compared whole", CHEN, "", {{"T1", "che", "desk", "B", true, NOW, NONE}, {"T2", "chen2", "desk", "B22", true, NOW, NONE}}, W, 0},
	/* the beginning */
	{"29:59 before it is opened", CHEN, "", {{"T1", "chen", "desk", "", true, NOW + 30 * MINUTE - SECOND, NONE}}, E, 0},
	{"30:00 before it is opened", CHEN, "", {{"T1", "chen", "desk", "", true, NOW + 30 * MINUTE, NONE}}, E, 0},
	{"30:00.000001 before it is opened", CHEN, "", {{"T1", "chen", "desk", "", true, NOW + 30 * MINUTE + 1, NONE}}, U, NOBODY},
	{"30:01 before it is opened", CHEN, "", {{"T1", "chen", "desk", "", true, NOW + 30 * MINUTE + SECOND, NONE}}, U, NOBODY},
	{"30:01 before, another organisation's", CHEN, "", {{"T1", "eve", "desk", "", true, NOW + 30 * MINUTE + SECOND, NONE}}, U, NOBODY},
	{"opened at the end of time", CHEN, "", {{"T1", "chen", "desk", "", true, UINT64_MAX - 1, NONE}}, U, NOBODY},
	/* the end */
	{"23:59:59 after it was closed", CHEN, "", {{"T1", "chen", "desk", "", false, NOW - 3 * DAY, NOW - DAY + SECOND}}, E, 0},
	{"24:00:00 after it was closed", CHEN, "", {{"T1", "chen", "desk", "", false, NOW - 3 * DAY, NOW - DAY}}, E, 0},
	{"24:00:01 after it was closed", CHEN, "", {{"T1", "chen", "desk", "", false, NOW - 3 * DAY, NOW - DAY - SECOND}}, U, NOBODY},
	{"24:00:01 after it was closed, opened by the actor", CHEN, "", {{"T1", "chen", "chen", "", false, NOW - 3 * DAY, NOW - DAY - SECOND}}, U, NOBODY},
	{"closed after months of work", CHEN, "", {{"T1", "chen", "desk", "", false, NOW - 100 * DAY, NOW - HOUR}}, E, 0},
	{"closed later than the look-up", CHEN, "", {{"T1", "chen", "desk", "", false, NOW - DAY, NOW + DAY}}, E, 0},
	{"closed at the beginning of time", CHEN, "", {{"T1", "chen", "desk", "", false, 0, 0}}, U, NOBODY},
	/* while open */
	{"open for 14 days", CHEN, "", {{"T1", "chen", "desk", "", true, NOW - 14 * DAY, NONE}}, E, 0},
	{"open for 14 days and a second", CHEN, "", {{"T1", "chen", "desk", "", true, NOW - 14 * DAY - SECOND, NONE}}, U, NOBODY},
	{"open for 20 days by its condition, but closed lately", CHEN, "", {{"T1", "chen", "desk", "", true, NOW - 20 * DAY, NOW - HOUR}}, E, 0},
	/* times not known */
	{"open, no times", CHEN, "", {{"T1", "chen", "desk", "", true, NONE, NONE}}, E, 0},
	{"not open, no times", CHEN, "", {{"T1", "chen", "desk", "", false, NONE, NONE}}, U, NOBODY},
	{"not open, opened an hour ago, closing not known", CHEN, "", {{"T1", "chen", "desk", "", false, NOW - HOUR, NONE}}, U, NOBODY},
	{"closed lately, opening not known", CHEN, "", {{"T1", "chen", "desk", "", false, NONE, NOW - HOUR}}, E, 0},
	{"closed long ago, opening not known", CHEN, "", {{"T1", "chen", "desk", "", false, NONE, NOW - 2 * DAY}}, U, NOBODY},
	/* what is declared */
	{"declared and the actor's", CHEN, "T1", {{"T1", "chen", "desk", "", true, NOW, NONE}}, E, 0},
	{"declared, about this subject, another team's", CHEN, "T1", {{"T1", "eve", "desk", "", true, NOW, NONE}, {"T2", "chen", "desk", "", true, NOW, NONE}}, W, 0},
	{"declared, of another subject: not among these", CHEN, "T9", {{"T1", "chen", "desk", "", true, NOW, NONE}}, U, NOBODY},
	{"declared, no ticket at all", CHEN, "T9", {{0}}, U, NOBODY},
	{"declared, closed long ago", CHEN, "T1", {{"T1", "chen", "desk", "", false, NOW - 9 * DAY, NOW - 8 * DAY}, {"T2", "chen", "desk", "", true, NOW, NONE}}, U, NOBODY},
	{"declared, opened by the actor alone", CHEN, "T1", {{"T1", "chen", "chen", "", true, NOW, NONE}, {"T2", "chen", "desk", "", true, NOW, NONE}}, W, 0},
	{"declared by a part of its number", CHEN, "T", {{"T1", "chen", "desk", "", true, NOW, NONE}}, U, NOBODY},
	{"declared by more than its number", CHEN, "T11", {{"T1", "chen", "desk", "", true, NOW, NONE}}, U, NOBODY},
	{"declared, two rows of that number", CHEN, "T1", {{"T1", "eve", "desk", "", true, NOW, NONE}, {"T1", "dora", "desk", "", true, NOW, NONE}}, E, 1},
	/* several: the best */
	{"own beats a colleague's", CHEN, "", {{"T1", "dora", "desk", "", true, NOW, NONE}, {"T2", "chen", "desk", "", true, NOW, NONE}}, E, 1},
	{"a colleague's beats one of the actor alone", CHEN, "", {{"T1", "chen", "chen", "", true, NOW, NONE}, {"T2", "dora", "desk", "", true, NOW, NONE}}, E, 1},
	{"one of the actor alone beats another organisation's", CHEN, "", {{"T1", "eve", "desk", "", true, NOW, NONE}, {"T2", "chen", "chen", "", true, NOW, NONE}}, W, 1},
	{"the better one is out of time", CHEN, "", {{"T1", "chen", "desk", "", false, NONE, NOW - 2 * DAY}, {"T2", "eve", "desk", "", true, NOW, NONE}}, W, 1},
	{"of equals the first", CHEN, "", {{"T1", "chen", "desk", "", true, NOW, NONE}, {"T2", "chen", "desk", "", true, NOW - HOUR, NONE}}, E, 0},
};

static enum policy_class
weigh(const struct scene *s, const struct policy_people *people, size_t *by_r)
{
	struct policy_ticket t[BASE_COUNT(s->t)];
	size_t n = 0;

	for (; n < BASE_COUNT(s->t) && s->t[n].number; n++) {
		const struct row *r = &s->t[n];
		t[n] = (struct policy_ticket){.number = base_span_str(r->number), .person = base_span_str(r->person), .opener = base_span_str(r->opener),
		                              .team = base_span_str(r->team), .open = r->open, .has_opened = r->opened != NONE, .has_closed = r->closed != NONE,
		                              .opened_us = r->opened == NONE ? 0 : r->opened, .closed_us = r->closed == NONE ? 0 : r->closed};
	}
	struct policy_asker a = {base_span_str(s->actor), base_span_str(s->employer), base_span_str(s->team), people};
	return policy_case_weigh(t, n, &a, base_span_str(s->declared), NOW, by_r);
}

static void
test_levels(void **state)
{
	struct policy_people *people = NULL;
	struct base_fail fail;
	int faults = 0;

	(void)state;
	assert_int_equal(policy_people_parse(base_span_str(people_text), "people.csv", &people, &fail), 0);
	for (size_t i = 0; i < BASE_COUNT(scenes); i++) {
		size_t by = 7777;
		enum policy_class got = weigh(&scenes[i], people, &by);
		if (got != scenes[i].want || by != scenes[i].by) {
			print_message("%s: %s by %zu, wanted %s by %zu\n", scenes[i].what, policy_class_word(got), by, policy_class_word(scenes[i].want), scenes[i].by);
			faults++;
		}
	}
	assert_int_equal(faults, 0);
	policy_people_unref(&people);
}

/* Without a people file only the ticket's own words tell who is a colleague. */
static void
test_no_people(void **state)
{
	static const struct scene bare[] = {
		{"own", CHEN, "", {{"T1", "chen", "desk", "", true, NOW, NONE}}, E, 0},
		{"team", CHEN, "", {{"T1", "eve", "desk", "B2", true, NOW, NONE}}, E, 0},
		{"employer is not known", CHEN, "", {{"T1", "dora", "desk", "", true, NOW, NONE}}, W, 0},
	};
	size_t by;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bare); i++)
		assert_int_equal(weigh(&bare[i], NULL, &by), bare[i].want);
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(policy_class_word(POLICY_CLASS_NONE), "");
	assert_string_equal(policy_class_word(POLICY_CLASS_EXPLAINED), "explained");
	assert_string_equal(policy_class_word(POLICY_CLASS_WEAK), "weak");
	assert_string_equal(policy_class_word(POLICY_CLASS_UNEXPLAINED), "unexplained");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_no_people), cmocka_unit_test(test_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
