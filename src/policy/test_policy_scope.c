/* Tests of policy_scope: how the rules of several groups become one person's; every rule's line; subjects and keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "policy_scope.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

enum { INT8 = 20, TEXT = 25, DATE = 1082, CITEXT = 70001 };
enum { CUSTOMERS = 100, ORDERS, CARD, LOG, TOTALS };

static const struct policy_cat_relation relations[] = {
	{LOG, S("app"), S("log"), 'r'}, {CUSTOMERS, S("public"), S("customers"), 'r'}, {ORDERS, S("public"), S("orders"), 'p'},
	{CARD, S("public"), S("card"), 'v'}, {TOTALS, S("public"), S("totals"), 'm'},
};
static const struct policy_cat_column columns[] = {
	{CUSTOMERS, 1, S("id"), INT8, S("int8"), false, false},    {CUSTOMERS, 2, S("........pg.dropped.2........"), 0, S(""), true, false},
	{CUSTOMERS, 3, S("phone"), TEXT, S("text"), false, false}, {CUSTOMERS, 4, S("mail"), CITEXT, S("citext"), false, false},
	{CUSTOMERS, 5, S("born"), DATE, S("date"), false, false},  {CUSTOMERS, 6, S("note"), TEXT, S("text"), false, false},
	{CUSTOMERS, 7, S("agent"), INT8, S("int8"), false, false},
	{ORDERS, 1, S("id"), INT8, S("int8"), false, false},       {ORDERS, 2, S("customer_id"), INT8, S("int8"), false, false},
	{ORDERS, 3, S("payer"), INT8, S("int8"), false, false},    {CARD, 1, S("cid"), INT8, S("int8"), false, false},
	{LOG, 1, S("a"), TEXT, S("text"), false, false},           {TOTALS, 1, S("n"), INT8, S("int8"), false, false},
};
static const struct policy_cat_view views[] = {{CARD, 1, CUSTOMERS, 1}};
static const struct policy_cat_edge reads[] = {{CARD, CUSTOMERS}, {TOTALS, ORDERS}};
static const struct policy_catalogue catalogue = {
	relations, BASE_COUNT(relations), columns, BASE_COUNT(columns), views, BASE_COUNT(views), reads, BASE_COUNT(reads), NULL, 0, NULL, 0,
};

#define HEAD "policy \"p\" version 1 { subject customer { table public.customers key id linked public.orders.payer, public.orders.customer_id, public.customers.agent }\n"

static struct policy_map *
bind(const char *text)
{
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct base_fail fail = {.code = 0};
	if (policy_file_parse(base_span_str(text), "s.gate", &f, &fail) != 0 || policy_map_bind(f, &catalogue, &m, &fail) != 0)
		fail_msg("%s", fail.text);
	policy_file_free(&f);
	return m;
}

/* The scope of a person in the groups "x,y,z"; the map is the scope's alone. */
static struct policy_scope *
scope_of(const char *text, const char *groups)
{
	struct policy_map *m = bind(text);
	struct base_cursor c = base_cursor(base_span_str(groups));
	struct base_span list[8];
	struct policy_scope *s = NULL;
	size_t n = 0;
	while (c.left > 0 && n < BASE_COUNT(list)) {
		if (!base_cursor_until(&c, ',', &list[n]))
			list[n] = base_cursor_take(&c, c.left);
		n++;
	}
	assert_int_equal(policy_scope_new(m, list, n, &s), 0);
	policy_map_unref(&m);
	return s;
}

static const struct policy_scope_column *
column(const struct policy_scope *s, uint32_t oid, int16_t attnum)
{
	const struct policy_scope_relation *r = policy_scope_relation(s, oid);
	assert_non_null(r);
	return policy_scope_column(r, attnum);
}

static void
assert_at(struct policy_where w, unsigned line)
{
	assert_int_equal(w.line, line);
	if (line != 0)
		assert_string_equal(w.file, "s.gate");
}

/* Two groups, each with one rule about customers.phone: what comes of both, in either order. */
static void
test_columns(void **state)
{
	static const struct { const char *a, *b; bool known; const char *mask; bool open, lookup; unsigned shown, masked, never, looked; } t[] = {
		{"", "", false, "clear", false, false, 0, 0, 0, 0},
		{"show phone", "", true, "clear", true, false, 2, 0, 0, 0},
		{"", "show phone", true, "clear", true, false, 3, 0, 0, 0},
		{"show phone", "show phone", true, "clear", true, false, 2, 0, 0, 0},
		{"show phone", "mask phone as last 4", true, "last 4", false, false, 2, 3, 0, 0},
		{"mask phone as last 4", "show phone", true, "last 4", false, false, 3, 2, 0, 0},
		{"mask phone as last 4", "mask phone as last 2", true, "last 2", false, false, 0, 3, 0, 0},
		{"mask phone as last 2", "mask phone as last 4", true, "last 2", false, false, 0, 2, 0, 0},
		{"mask phone as last 2", "mask phone as last 2", true, "last 2", false, false, 0, 2, 0, 0},
		{"mask phone as last 1", "mask phone as first 9", true, "first 9", false, false, 0, 3, 0, 0},
		{"mask phone as token", "mask phone as hash", true, "token", false, false, 0, 2, 0, 0},
		{"mask phone as year", "mask phone as token", true, "year", false, false, 0, 2, 0, 0},
		{"mask phone as year", "mask phone as fixed \"x\"", true, "fixed", false, false, 0, 3, 0, 0},
		{"hide phone", "mask phone as fixed \"x\"", true, "hide", false, false, 0, 2, 0, 0},
		{"hide phone", "show phone", true, "hide", false, false, 3, 2, 0, 0},
		{"show phone hide phone mask phone as last 4", "", true, "hide", false, false, 2, 2, 0, 0},
		{"show phone never filter on phone", "", true, "clear", false, false, 2, 0, 2, 0},
		{"show phone", "never filter on phone", true, "clear", false, false, 2, 0, 3, 0},
		{"mask phone as hash look up by phone", "", true, "hash", false, true, 0, 2, 0, 2},
		{"mask phone as hash", "look up by phone", true, "hash", false, true, 0, 2, 0, 3},
		{"look up by phone", "never filter on phone", false, "clear", false, false, 0, 0, 3, 2},
		{"show phone look up by phone", "", true, "clear", true, true, 2, 0, 0, 2},
		{"look up by phone", "", false, "clear", false, true, 0, 0, 0, 2},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[700], words[32];
		assert_true(snprintf(text, sizeof(text), HEAD "group a { on table customers { %s } }\ngroup b { on table customers { %s } } }", t[i].a, t[i].b) > 0);
		for (unsigned order = 0; order < 2; order++) {
			struct policy_scope *s = scope_of(text, order == 0 ? "a,b" : "b,a,b");
			const struct policy_scope_column *c = column(s, CUSTOMERS, 3);
			policy_mask_words(&c->mask, words, sizeof(words));
			if (c->known != t[i].known || c->open != t[i].open || c->lookup != t[i].lookup || strcmp(words, t[i].mask) != 0)
				fail_msg("\"%s\" and \"%s\": known %d, open %d, look-up %d, %s", t[i].a, t[i].b, c->known, c->open, c->lookup, words);
			assert_at(c->shown, t[i].shown);
			assert_at(c->masked, t[i].masked);
			assert_at(c->never, t[i].never);
			assert_at(c->looked, t[i].looked);
			assert_true(base_span_is(c->name, "phone") && c->type_oid == TEXT && !c->update && !c->insert);
			assert_false(column(s, CUSTOMERS, 6)->known);
			assert_true(base_span_is(s->group_words, "a, b"));
			policy_scope_unref(&s);
			assert_null(s);
		}
	}
}

static void
test_actions(void **state)
{
	static const char text[] = HEAD
		"group read { on table customers { allow read show id, note } }\n"
		"group write { on table customers { allow update, insert of phone show note, mail\n"
		"  mask mail as first 1 } on table app.log { allow insert, delete show a } }\n"
		"group masks { on table customers { allow update of phone mask note as last 1 } }\n"
		"group nothing { on table customers { } }\n"
		"group unlisted { on table app.log { allow update show a } }\n"
		"group all { on table app.log { allow read, insert, update, delete } } }";
	(void)state;
	struct policy_scope *s = scope_of(text, "read,write");
	const struct policy_scope_relation *r = policy_scope_relation(s, CUSTOMERS);
	assert_int_equal(r->actions, POLICY_READ | POLICY_UPDATE | POLICY_INSERT);
	assert_at(r->action[0], 2);
	assert_at(r->action[1], 3);
	assert_at(r->action[2], 3);
	assert_at(r->action[3], 0);
	assert_at(r->at, 2);
	assert_true(base_span_is(r->full_name, "public.customers"));
	/* `update` alone: what its own rule shows and is clear: note; not id, which another group shows; not mail, which is masked. */
	assert_true(column(s, CUSTOMERS, 6)->update && !column(s, CUSTOMERS, 6)->insert);
	assert_at(column(s, CUSTOMERS, 6)->updated, 3);
	assert_false(column(s, CUSTOMERS, 1)->update || column(s, CUSTOMERS, 4)->update);
	assert_true(column(s, CUSTOMERS, 3)->insert && !column(s, CUSTOMERS, 3)->known);
	assert_at(column(s, CUSTOMERS, 3)->inserted, 3);
	r = policy_scope_relation(s, LOG);
	assert_true(r->actions == (POLICY_INSERT | POLICY_DELETE) && column(s, LOG, 1)->insert && !column(s, LOG, 1)->update);
	assert_at(r->action[3], 4);
	assert_at(column(s, LOG, 1)->inserted, 4);
	assert_true(r->subject == NULL && r->key == 0);
	policy_scope_unref(&s);

	s = scope_of(text, "write,masks"); /* the mask of another group takes the plain update away; a named one stays */
	assert_false(column(s, CUSTOMERS, 6)->update);
	assert_true(column(s, CUSTOMERS, 3)->update && column(s, CUSTOMERS, 3)->insert);
	assert_at(column(s, CUSTOMERS, 3)->updated, 5);
	policy_scope_unref(&s);

	s = scope_of(text, "nothing");
	assert_int_equal(s->nrelations, 1);
	assert_int_equal(policy_scope_relation(s, CUSTOMERS)->actions, 0);
	policy_scope_unref(&s);
	s = scope_of(text, "all,unlisted");
	assert_true(column(s, LOG, 1)->update && !column(s, LOG, 1)->insert); /* `all` shows nothing, so its update covers nothing */
	assert_at(column(s, LOG, 1)->updated, 7);
	assert_at(policy_scope_relation(s, LOG)->action[2], 7);
	assert_at(policy_scope_relation(s, LOG)->action[0], 8);
	policy_scope_unref(&s);
}

static void
test_subjects(void **state)
{
	static const char text[] = HEAD
		"group g { on table card { show cid } on table customers { show id } on table orders { show id } on table totals { show n } on table app.log { } } }";
	static const struct { uint32_t oid; bool subject; int16_t key; } t[] = {
		{CUSTOMERS, true, 1}, /* its key, not the link to another of its rows */
		{ORDERS, true, 2},    /* of two links the first column */
		{CARD, true, 1}, {LOG, false, 0}, {TOTALS, true, 0},
	};
	struct policy_scope *s = scope_of(text, "g");
	(void)state;
	assert_int_equal(s->nrelations, 5);
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		const struct policy_scope_relation *r = policy_scope_relation(s, t[i].oid);
		assert_int_equal(s->relations[i].oid, t[i].oid); /* ascending */
		assert_ptr_equal(r, &s->relations[i]);
		assert_ptr_equal(r->subject, t[i].subject ? policy_map_relation(s->map, t[i].oid) : NULL);
		assert_int_equal(r->key, t[i].key);
		assert_int_equal(r->subject != NULL, t[i].subject);
	}
	assert_null(policy_scope_relation(s, 0));
	assert_null(policy_scope_relation(s, UINT32_MAX));
	const struct policy_scope_relation *r = policy_scope_relation(s, CUSTOMERS);
	static const int16_t live[] = {1, 3, 4, 5, 6, 7};
	assert_int_equal(r->ncolumns, BASE_COUNT(live));
	for (int16_t a = -2; a < 10; a++) {
		bool there = false;
		for (size_t i = 0; i < BASE_COUNT(live); i++)
			there |= live[i] == a;
		assert_int_equal(policy_scope_column(r, a) != NULL, there);
		assert_true(!there || policy_scope_column(r, a)->attnum == a);
	}
	assert_int_equal(policy_scope_column(r, 4)->type_oid, TEXT); /* citext */
	policy_scope_unref(&s);
}

static void
test_person(void **state)
{
	static const struct { const char *file_treat, *groups; enum policy_treat treat; uint64_t rows; unsigned limit, no_copy, no_cursor; const char *words; } t[] = {
		{"", "", POLICY_OBSERVE, 0, 0, 0, 0, ""},
		{"treat enforce", "", POLICY_ENFORCE, 0, 0, 0, 0, ""},
		{"treat enforce", "nobody,Obs", POLICY_ENFORCE, 0, 0, 0, 0, ""},
		{"treat enforce", "obs", POLICY_OBSERVE, 50, 3, 0, 3, "obs"},
		{"treat enforce", "obs,silent", POLICY_OBSERVE, 50, 3, 4, 3, "obs, silent"},
		{"treat observe", "enf,obs", POLICY_ENFORCE, 20, 2, 2, 3, "enf, obs"},
		{"treat observe", "obs,enf", POLICY_ENFORCE, 20, 2, 2, 3, "enf, obs"},
		{"", "silent", POLICY_OBSERVE, 90, 4, 4, 0, "silent"},
		{"treat enforce", "silent,unknown", POLICY_ENFORCE, 90, 4, 4, 0, "silent"},
		{"", "enf,obs,silent", POLICY_ENFORCE, 20, 2, 2, 3, "enf, obs, silent"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[700];
		assert_true(snprintf(text, sizeof(text), HEAD
			"%s group enf { treat enforce limit 20 rows per statement, no copy }\n"
			"group obs { treat observe limit 50 rows per statement, no cursor }\n"
			"group silent { no copy limit 90 rows per statement } }", t[i].file_treat) > 0);
		struct policy_scope *s = scope_of(text, t[i].groups);
		assert_int_equal(s->treat, t[i].treat);
		assert_int_equal(s->limit_rows, t[i].rows);
		assert_at(s->limit, t[i].limit);
		assert_at(s->no_copy, t[i].no_copy);
		assert_at(s->no_cursor, t[i].no_cursor);
		assert_true(base_span_is(s->group_words, t[i].words));
		assert_int_equal(s->nrelations, 0);
		policy_scope_ref(s);
		struct policy_scope *second = s;
		policy_scope_unref(&second);
		policy_scope_unref(&s);
		policy_scope_unref(&s);
	}
}

static void
test_rows(void **state)
{
	static const char text[] = HEAD
		"group all { on table customers { allow read } }\n"
		"group some { on table customers { allow read rows where note = actor.team\n} }\n"
		"group same { on table customers { rows where note = actor.team\n} }\n"
		"group other { on table customers { rows where id > 5\n} } }";
	(void)state;
	struct policy_scope *s = scope_of(text, "all");
	assert_at(policy_scope_relation(s, CUSTOMERS)->rows, 0);
	policy_scope_unref(&s);
	s = scope_of(text, "all,some,same"); /* a condition wins over none; the same again changes nothing */
	const struct policy_scope_relation *r = policy_scope_relation(s, CUSTOMERS);
	assert_at(r->rows, 3);
	assert_at(r->rows_other, 0);
	assert_true(base_span_is(r->rows_text, "note = actor.team") && !r->rows_hash_known);
	policy_scope_unref(&s);
	s = scope_of(text, "other,some");
	r = policy_scope_relation(s, CUSTOMERS);
	assert_at(r->rows, 3);
	assert_at(r->rows_other, 7);
	assert_false(r->rows_hash_known);
	policy_scope_unref(&s);
}

/* Budgets, step-up, approval and restrictions of all groups hold; of what is done with the unexplained, the strictest. */
static void
test_counts(void **state)
{
	static const char text[] = HEAD
		"group a { budget 40 customers per hour, 120 per day for each actor step up for table app.log with otp lasting 1 day unexplained count }\n"
		"group b { budget 30 customers per hour for each employer ask group a after 5 clear customers per day within 10 minutes only vetted }\n"
		"group c { budget 60 lookups per hour for each group unexplained refuse only with certificate need purpose }\n"
		"group d { unexplained mask only with certificate need case, purpose step up after 9 customers per day with otp lasting 2 hours }\n"
		"group e { budget 6 lookups per hour for each actor step up for table card with otp lasting 1 day }\n"
		"case from table app.log { case a subject a person a } }";
	static const struct { const char *groups; bool counts, explains; size_t nbudgets, nsteps, nasks, nonly; enum policy_unexplained unexplained; unsigned rule, purpose, case_line; } t[] = {
		{"", false, false, 0, 0, 0, 0, POLICY_UNEXPLAINED_UNSET, 0, 0, 0}, {"a", true, true, 2, 1, 0, 0, POLICY_UNEXPLAINED_COUNT, 2, 0, 0},
		{"b", true, false, 1, 0, 1, 1, POLICY_UNEXPLAINED_UNSET, 0, 0, 0}, {"c", true, true, 1, 0, 0, 1, POLICY_UNEXPLAINED_REFUSE, 4, 4, 0},
		{"d,a", true, true, 2, 2, 0, 1, POLICY_UNEXPLAINED_MASK, 5, 5, 5}, {"e", false, false, 1, 1, 0, 0, POLICY_UNEXPLAINED_UNSET, 0, 0, 0},
		{"e,d,c,b,a", true, true, 5, 3, 1, 3, POLICY_UNEXPLAINED_REFUSE, 4, 4, 5},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_scope *s = scope_of(text, t[i].groups);
		assert_true(s->counts == t[i].counts && s->explains == t[i].explains);
		assert_true(s->nbudgets == t[i].nbudgets && s->nsteps == t[i].nsteps && s->nasks == t[i].nasks && s->nonly == t[i].nonly);
		assert_int_equal(s->unexplained, t[i].unexplained);
		assert_at(s->unexplained_rule, t[i].rule);
		assert_at(s->need_purpose, t[i].purpose);
		assert_at(s->need_case, t[i].case_line);
		policy_scope_unref(&s);
	}
	struct policy_scope *s = scope_of(text, "a,b,e");
	assert_true(s->budgets[1].count.n == 120 && s->budgets[1].holder == POLICY_HOLDER_ACTOR && base_span_is(s->budgets[2].group, "b") && s->budgets[2].holder == POLICY_HOLDER_EMPLOYER);
	assert_at(s->budgets[2].rule, 3);
	assert_true(s->steps[0].for_table && s->steps[0].oid == LOG && s->steps[1].oid == CARD);
	assert_true(base_span_is(s->asks[0].group, "a") && s->asks[0].after.adjective == POLICY_ADJECTIVE_CLEAR);
	assert_true(s->only[0].only->vetted_line == 3);
	assert_string_equal(s->only[0].file, "s.gate");
	policy_scope_unref(&s);
}

static void
test_harmless(void **state)
{
	static const char text[] =
		"policy \"p\" version 1 { subject customer { table public.customers key id linked public.orders.customer_id harmless born, note, public.orders.payer }\n"
		"group g { on table card { show cid } on table customers { show id } on table orders { show id } on table app.log { } on table totals { } } }";
	static const struct { uint32_t oid; int16_t attnum; bool harmless; } t[] = {
		{CUSTOMERS, 1, false}, {CUSTOMERS, 3, false}, {CUSTOMERS, 4, false}, {CUSTOMERS, 5, true}, {CUSTOMERS, 6, true}, {CUSTOMERS, 7, false},
		{ORDERS, 1, false}, {ORDERS, 2, false}, {ORDERS, 3, true}, {CARD, 1, false}, {LOG, 1, true} /* of no subject */, {TOTALS, 1, false} /* nobody knows */,
	};
	struct policy_scope *s = scope_of(text, "g");
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		if (column(s, t[i].oid, t[i].attnum)->harmless != t[i].harmless)
			fail_msg("column %d of %u", t[i].attnum, t[i].oid);
	policy_scope_unref(&s);
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
		cmocka_unit_test(test_columns), cmocka_unit_test(test_actions), cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_person),  cmocka_unit_test(test_rows),    cmocka_unit_test(test_counts),  cmocka_unit_test(test_harmless),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
