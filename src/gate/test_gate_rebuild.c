/* Tests of gate_rebuild: entries as the gate writes them (encoded, decoded) become what each account has seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "gate_rebuild.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define MINUTE (UINT64_C(60) * 1000000)
#define HOUR (60 * MINUTE)
#define WALL (UINT64_C(1795363674) * 1000000) /* 2026-11-22 */
#define MONO (5 * MINUTE)                     /* the machine started five minutes ago */

static const char policy[] =
	"policy \"shop\" version 1 {\n"
	"  treat enforce\n"
	"  subject customer { table public.customers key id phone phone }\n"
	"  subject staff { table hr.people key id }\n"
	"  group partner {\n"
	"    budget 40 customers per hour, 120 per day for each actor\n"
	"    budget 10 clear customers per day for each actor\n"
	"    budget 5 unexplained customers per 2 days for each actor\n"
	"    budget 500 customers per day for each employer\n"
	"    budget 3 staff per hour for each group\n"
	"    budget 4 lookups per hour for each actor\n"
	"  }\n"
	"  group lead {\n"
	"    budget 200 customers per hour for each actor\n"
	"    step up after 25 customers per 30 minutes with otp lasting 30 minutes\n"
	"    ask group partner after 7 staff per 90 minutes within 10 minutes\n"
	"  }\n"
	"  case from table public.tickets of customer { case id subject customer_id person assigned_to }\n"
	"  group nobody { limit 1 rows per statement }\n"
	"}\n";
static const struct policy_cat_relation relations[] = {{100, S("public"), S("customers"), 'r'}, {101, S("hr"), S("people"), 'r'}, {102, S("public"), S("tickets"), 'r'}};
static const struct policy_cat_column columns[] = {
	{100, 1, S("id"), 20, S("int8"), false, false}, {100, 2, S("phone"), 25, S("text"), false, false}, {101, 1, S("id"), 20, S("int8"), false, false},
	{102, 1, S("id"), 20, S("int8"), false, false}, {102, 2, S("customer_id"), 20, S("int8"), false, false}, {102, 3, S("assigned_to"), 25, S("text"), false, false}};
static const struct policy_catalogue catalogue = {.relations = relations, .nrelations = BASE_COUNT(relations), .columns = columns, .ncolumns = BASE_COUNT(columns)};

static struct policy_map *
bind(const char *text)
{
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct base_fail fail = {0};

	if (policy_file_parse(base_span_str(text), "c.gate", &f, &fail) < 0 || policy_map_bind(f, &catalogue, &m, &fail) < 0)
		fail_msg("%s", fail.text);
	policy_file_free(&f);
	return m;
}

struct sight { /* an entry, in short */
	const char *actor, *employer, *groups[3], *kinds[3];
	uint64_t mark[12]; /* ends with END; 0 is an absent one */
	const char *classes, *probe;
	uint64_t ago_us, rows;
	enum event_kind kind; /* 0: read */
	const char *via;
	uint32_t part;
};
#define END UINT64_MAX

static struct event_list
list(const char *const item[3])
{
	struct event_list l = {0};

	for (; l.count < 3 && item[l.count]; l.count++)
		l.item[l.count] = base_span_str(item[l.count]);
	return l;
}

static struct base_span
span(const char *s)
{
	return base_span_str(s ? s : "");
}

static void
feed(struct gate_rebuild *r, const struct sight *t)
{
	struct event_entry e = {.kind = t->kind ? t->kind : EVENT_READ, .time_us = WALL - t->ago_us, .session = base_span_str("0123456789abcdef"), .seq = 7,
		.part = t->part ? t->part : 1, .actor = span(t->actor), .employer = span(t->employer), .groups = list(t->groups), .kinds = list(t->kinds), .rows = t->rows,
		.subjects = EVENT_SUBJECTS_KNOWN, .via = span(t->via ? t->via : "answer"), .probe = span(t->probe), .classes = span(t->classes)};
	struct event_decoded *d = NULL;
	struct base_fail fail = {0};
	struct base_buf line;
	uint8_t marks[12 * 8];
	size_t n = 0;

	for (; n < 12 && t->mark[n] != END; n++)
		for (size_t k = 0; k < 8; k++)
			marks[n * 8 + k] = (uint8_t)(t->mark[n] >> (56 - 8 * k));
	if (e.kinds.count > 0)
		e.marks = base_span(marks, n * 8);
	base_buf_init(&line, EVENT_ENTRY_MAX);
	if (event_entry_encode(&e, &line, &fail) < 0 || event_decode(base_buf_span(&line), &d, &fail) < 0)
		fail_msg("%s", fail.text);
	gate_rebuild_entry(r, event_decoded_entry(d));
	event_decoded_free(&d);
	base_buf_done(&line);
}

static uint64_t
counted(struct gate_budget *b, enum policy_holder holder, const char *who, const char *what, enum policy_adjective adjective, uint64_t window)
{
	const struct gate_account_name name = {holder, base_span_str(who), base_span_str(what), adjective};
	struct gate_account *a = gate_budget_account(b, &name, 0);
	uint64_t n = gate_budget_count(b, a, window, MONO);

	gate_budget_drop(b, &a);
	return n;
}

#define ACTOR POLICY_HOLDER_ACTOR
#define EMPLOYER POLICY_HOLDER_EMPLOYER
#define GROUP POLICY_HOLDER_GROUP
#define NONE POLICY_ADJECTIVE_NONE
#define CLEAR POLICY_ADJECTIVE_CLEAR
#define UNEXPLAINED POLICY_ADJECTIVE_UNEXPLAINED
struct expect {
	enum policy_holder holder;
	const char *who, *what;
	enum policy_adjective adjective;
	uint64_t window, n;
};

/* Three customers, two seen twice; letters say what counts. */
static const struct sight plain[] = {
	{.actor = "wang", .employer = "Acme", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {11, 12, END}, .classes = "nN", .rows = 2, .ago_us = 50 * MINUTE},
	{.actor = "wang", .employer = "Acme", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {11, 13, END}, .classes = "uE", .rows = 2, .ago_us = 90 * MINUTE},
	{.actor = "wang", .employer = "Acme", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {14, 15, END}, .classes = "wU", .rows = 2, .ago_us = 25 * HOUR},
};
static const struct expect plain_is[] = {
	{ACTOR, "wang", "customer", NONE, HOUR, 2}, {ACTOR, "wang", "customer", NONE, 24 * HOUR, 3}, {ACTOR, "wang", "customer", NONE, 48 * HOUR, 5},
	{ACTOR, "wang", "customer", CLEAR, HOUR, 1}, {ACTOR, "wang", "customer", CLEAR, 24 * HOUR, 2}, {ACTOR, "wang", "customer", CLEAR, 48 * HOUR, 3},
	{ACTOR, "wang", "customer", UNEXPLAINED, HOUR, 0}, {ACTOR, "wang", "customer", UNEXPLAINED, 24 * HOUR, 1}, {ACTOR, "wang", "customer", UNEXPLAINED, 48 * HOUR, 2},
	{EMPLOYER, "Acme", "customer", NONE, 24 * HOUR, 3}, {ACTOR, "wang", "lookups", NONE, 48 * HOUR, 0}, {GROUP, "partner", "staff", NONE, 48 * HOUR, 0},
	{ACTOR, "Acme", "customer", NONE, 48 * HOUR, 0},
};
/* Observed: as they are, without a reason asked. Several kinds and subjects in a tuple, some absent. Groups of another policy are nobody's. */
static const struct sight observed[] = {
	{.actor = "li", .groups = {"partner", "lead", "gone"}, .kinds = {"customer.key", "customer.phone", "staff.key"}, .mark = {1, 2, 3, 0, 5, 6, 7, 8, 0, END}, .rows = 3, .ago_us = MINUTE},
	{.actor = "li", .groups = {"gone"}, .kinds = {"customer.key"}, .mark = {99, END}, .rows = 1},
	{.actor = "li", .groups = {"nobody"}, .kinds = {"customer.key"}, .mark = {98, END}, .rows = 1},
	{.actor = "li", .groups = {"partner"}, .kinds = {"customers.key"}, .mark = {97, END}, .rows = 1},
	{.actor = "li", .groups = {"partner"}, .kinds = {"key"}, .mark = {96, END}, .rows = 1},
	{.actor = "li", .groups = {"partner"}, .rows = 1, .mark = {END}},
};
static const struct expect observed_is[] = {
	{ACTOR, "li", "customer", NONE, HOUR, 2}, {ACTOR, "li", "customer", CLEAR, HOUR, 2}, {ACTOR, "li", "customer", UNEXPLAINED, HOUR, 0},
	{EMPLOYER, "", "customer", NONE, HOUR, 2}, {GROUP, "partner", "staff", NONE, HOUR, 2}, {ACTOR, "li", "staff", NONE, HOUR, 2}, {GROUP, "lead", "staff", NONE, HOUR, 0},
};
/* Look-ups: one for each answer, whatever came of it; who is in the answer counts as seen, who was asked for in vain does not. */
static const struct sight lookups[] = {
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.phone"}, .mark = {21, END}, .probe = "miss", .via = "request", .classes = ""},
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key", "customer.phone"}, .mark = {1, 22, 2, 23, END}, .probe = "hit", .rows = 2, .classes = "ee"},
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key", "customer.phone"}, .mark = {3, 24, END}, .probe = "hit", .rows = 1, .classes = "e", .part = 2},
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key", "customer.phone"}, .mark = {1, 21, END}, .probe = "hit", .rows = 1, .classes = "e"}, /* asked before */
	{.actor = "ma", .groups = {"partner"}, .rows = 1, .mark = {END}, .probe = "counted"},
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {4, END}, .probe = "unanswered", .rows = 1, .via = "request"},
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {5, END}, .via = "request"},                                  /* found nobody */
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {6, END}, .via = "request", .rows = 1, .kind = EVENT_WRITE},  /* shows nothing */
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {7, END}, .rows = 1, .kind = EVENT_WRITE},                    /* RETURNING */
	{.actor = "ma", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {8, END}, .rows = 1, .kind = EVENT_REFUSE},
};
static const struct expect lookups_is[] = {{ACTOR, "ma", "lookups", NONE, HOUR, 4}, {ACTOR, "ma", "customer", NONE, HOUR, 4}, {ACTOR, "ma", "customer", CLEAR, HOUR, 1}};
/* Clocks: of the future, and of before everything. */
static const struct sight clocks[] = {
	{.actor = "xu", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {1, END}, .rows = 1, .ago_us = -(3 * HOUR)},
	{.actor = "xu", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {2, END}, .rows = 1, .ago_us = WALL},
	{.actor = "xu", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {3, END}, .rows = 1, .ago_us = HOUR},
	{.actor = "xu", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {4, END}, .rows = 1, .ago_us = HOUR - 1},
};
static const struct expect clocks_is[] = {{ACTOR, "xu", "customer", NONE, HOUR, 2}, {ACTOR, "xu", "customer", NONE, 2 * HOUR, 3}};

static void
test_entries(void **state)
{
	static const struct {
		const struct sight *sight; size_t nsights;
		const struct expect *expect; size_t nexpects;
	} t[] = {
		{plain, BASE_COUNT(plain), plain_is, BASE_COUNT(plain_is)}, {observed, BASE_COUNT(observed), observed_is, BASE_COUNT(observed_is)},
		{lookups, BASE_COUNT(lookups), lookups_is, BASE_COUNT(lookups_is)}, {clocks, BASE_COUNT(clocks), clocks_is, BASE_COUNT(clocks_is)},
	};
	struct policy_map *map = bind(policy);

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		for (int way = 0; way < 3; way++) { /* in order, backwards, twice over: the same */
			struct gate_budget *b = gate_budget_new(1u << 20);
			struct gate_rebuild *r = gate_rebuild_new(b, map, NULL, WALL, MONO);

			for (size_t k = 0; k < t[i].nsights * (way == 2 ? 2 : 1); k++)
				feed(r, &t[i].sight[way == 1 ? t[i].nsights - 1 - k : k % t[i].nsights]);
			assert_int_equal(gate_rebuild_lost(r), 0);
			gate_rebuild_free(&r);
			for (size_t k = 0; k < t[i].nexpects; k++) {
				const struct expect *x = &t[i].expect[k];
				uint64_t n = counted(b, x->holder, x->who, x->what, x->adjective, x->window);
				if (n != x->n)
					fail_msg("case %zu, way %d, expectation %zu: %llu", i, way, k, (unsigned long long)n);
			}
			assert_true(gate_budget_sane(b));
			gate_budget_free(&b);
		}
	policy_map_unref(&map);
}

/* Somebody far over a budget that was lowered: as many as the largest limit are kept, the newest, and when a place becomes free is told right. */
static void
test_bounded(void **state)
{
	struct policy_map *map = bind(policy);
	struct gate_budget *b = gate_budget_new(1u << 20);
	struct gate_rebuild *r = gate_rebuild_new(b, map, NULL, WALL, MONO);
	const struct gate_account_name name = {POLICY_HOLDER_ACTOR, base_span_str("wang"), base_span_str("customer"), POLICY_ADJECTIVE_NONE};
	struct gate_account *a = gate_budget_account(b, &name, 0);
	const struct gate_budget_limit l = {200, HOUR, NULL};
	const struct gate_charge c = {a, &l, 1};
	struct gate_budget_refusal refusal;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) { /* one each second; the last is 100 s old */
		struct sight s = {.actor = "wang", .groups = {"lead"}, .kinds = {"customer.key"}, .mark = {i + 1, END}, .rows = 1, .ago_us = (1100 - i) * 1000000};
		feed(r, &s);
	}
	assert_int_equal(gate_budget_count(b, a, 48 * HOUR, MONO), 200); /* 200 of `lead` is the largest of actors' customers */
	assert_int_equal(gate_budget_take(b, &c, 1, 5000, MONO, &refusal), GATE_BUDGET_REFUSED);
	assert_int_equal(refusal.refill_us, MONO - (1100 - 800) * UINT64_C(1000000) + HOUR); /* when the 200th newest leaves */
	gate_rebuild_free(&r);
	gate_rebuild_free(&r);
	gate_budget_drop(b, &a);
	gate_budget_free(&b);
	policy_map_unref(&map);
}

#define ONE_RULE(rules) "policy \"p\" version 1 { treat enforce subject customer { table public.customers key id phone phone } group g { on table public.customers { allow read } " rules " } group h { treat enforce } }"

/* In a gate that serves: sessions go on by the policy before, whose larger limit must not find fewer marks than there were. */
static void
test_lowered_while_it_serves(void **state)
{
	struct policy_map *was = bind(ONE_RULE("budget 600 customers per hour for each actor")), *map = bind(ONE_RULE("budget 300 customers per hour for each actor"));

	(void)state;
	for (int serves = 0; serves < 2; serves++) {
		struct gate_budget *b = gate_budget_new(1u << 20);
		struct gate_rebuild *r = gate_rebuild_new(b, map, serves ? was : NULL, WALL, MONO);
		for (uint64_t i = 0; i < 600; i++) {
			struct sight s = {.actor = "wang", .groups = {"g"}, .kinds = {"customer.key"}, .mark = {i + 1, END}, .rows = 1, .ago_us = (601 - i) * 1000000};
			feed(r, &s);
		}
		gate_rebuild_free(&r);
		assert_int_equal(counted(b, ACTOR, "wang", "customer", NONE, HOUR), serves ? 600 : 300);
		gate_budget_free(&b);
	}
	policy_map_unref(&was);
	policy_map_unref(&map);
}

/* A look-up that was counted as it was made, by what was looked up, is not counted again by what its entry shows. */
static void
test_lookups_once(void **state)
{
	static const struct { const char *was; uint64_t ago_us, counts; const char *group; } t[] = {
		{NULL, 10 * MINUTE, 1, "g"},
		{ONE_RULE("budget 4 lookups per hour for each actor"), 10 * MINUTE, 0, "g"},
		{ONE_RULE("budget 9 lookups per 2 hours for each actor"), 10 * MINUTE, 0, "g"},
		{ONE_RULE("budget 4 lookups per 5 minutes for each actor"), 10 * MINUTE, 1, "g"},   /* older than what the one before kept */
		{ONE_RULE("budget 4 lookups per hour for each employer"), 10 * MINUTE, 1, "g"},     /* of another account */
		{ONE_RULE("budget 4 customers per hour for each actor"), 10 * MINUTE, 1, "g"},
		{ONE_RULE(""), 10 * MINUTE, 1, "g"},
		{ONE_RULE("") , 10 * MINUTE, 0, "h"},                                               /* not of the group that counts */
	};
	struct policy_map *map = bind(ONE_RULE("budget 3 lookups per hour for each actor"));

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_map *was = t[i].was ? bind(t[i].was) : NULL;
		struct gate_budget *b = gate_budget_new(1u << 20);
		struct gate_rebuild *r = gate_rebuild_new(b, map, was, WALL, MONO);
		struct sight s = {.actor = "wang", .employer = "Acme", .groups = {t[i].group}, .kinds = {"customer.key"}, .mark = {77, END}, .rows = 1, .probe = "hit", .ago_us = t[i].ago_us};

		feed(r, &s);
		gate_rebuild_free(&r);
		if (counted(b, ACTOR, "wang", "lookups", NONE, HOUR) != t[i].counts)
			fail_msg("case %zu", i);
		gate_budget_free(&b);
		policy_map_unref(&was);
	}
	policy_map_unref(&map);
}

static void
test_no_room(void **state)
{
	struct policy_map *map = bind(policy);
	struct gate_budget *b = gate_budget_new(4096);
	struct gate_rebuild *r = gate_rebuild_new(b, map, NULL, WALL, MONO);

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct sight s = {.actor = "wang", .groups = {"partner"}, .kinds = {"customer.key"}, .mark = {i + 1, END}, .rows = 1};
		feed(r, &s);
	}
	assert_true(gate_rebuild_lost(r) > 0);
	assert_true(gate_budget_sane(b));
	gate_rebuild_free(&r);
	gate_budget_free(&b);
	policy_map_unref(&map);
}

static void
test_reach(void **state)
{
	static const struct {
		const char *rule;
		uint64_t reach;
	} t[] = {{"", 0}, {"budget 1 customers per hour for each actor", HOUR}, {"budget 1 customers per minute, 2 per week for each employer", 7 * 24 * HOUR},
		{"step up after 25 customers per 30 minutes with otp lasting 1 hour", 30 * MINUTE}, {"step up for table public.customers with otp lasting 30 minutes", 0},
		{"ask group g after 40 customers per day within 10 minutes", 24 * HOUR}};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[400];
		struct policy_map *map;

		(void)snprintf(text, sizeof(text), "policy \"p\" version 1 { treat enforce subject customer { table public.customers key id } group g { on table public.customers { allow read } %s } }", t[i].rule);
		map = bind(text);
		assert_int_equal(gate_rebuild_reach(map), t[i].reach);
		policy_map_unref(&map);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_lowered_while_it_serves),
		cmocka_unit_test(test_lookups_once),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_reach),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
