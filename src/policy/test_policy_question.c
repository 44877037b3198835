/* Tests of what a policy asks the server, with the server's own answers: which questions there are, which trees are taken as an answer, and
 * that the hashes kept are those that a statement's tree gives, and a table's row-level security.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "policy_map.h"
#include "policy_scope.h"
#include "test_policy_trees.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

enum { CUSTOMERS = 16413, PUBLIC = 16420, OTHER = 16424, QUOTED = 16500, STORED = 16501 };

static const struct policy_cat_relation relations[] = {
	{CUSTOMERS, S("public"), S("customers"), 'r'}, {PUBLIC, S("public"), S("customers_public"), 'v'}, {OTHER, S("public"), S("other_view"), 'v'},
	{QUOTED, S("My \"schema\""), S("t"), 'r'},     {STORED, S("public"), S("stored"), 'm'},
};
static const struct policy_cat_column columns[] = {
	{CUSTOMERS, 1, S("id"), 20, S("int8"), false, false},         {CUSTOMERS, 2, S("phone"), 1043, S("varchar"), false, false},
	{CUSTOMERS, 3, S("assigned_team"), 25, S("text"), false, false}, {PUBLIC, 1, S("id"), 20, S("int8"), false, false},
	{PUBLIC, 2, S("tail"), 25, S("text"), false, false},          {OTHER, 1, S("id"), 20, S("int8"), false, false},
	{QUOTED, 1, S("a"), 25, S("text"), false, false},             {STORED, 1, S("a"), 25, S("text"), false, false},
};
static const struct policy_catalogue catalogue = {.relations = relations, .nrelations = BASE_COUNT(relations), .columns = columns, .ncolumns = BASE_COUNT(columns)};

static const char policy[] =
	"policy \"p\" version 1 {\n"
	"  subject customer { table public.customers key id }\n"
	"  trust view customers_public\n"
	"  group staff { on table customers { allow read show id rows where assigned_team = actor.team\n"
	"  } }\n"
	"  group night { on table customers { rows where Assigned_Team=ACTOR . Team\n"
	"  } }\n"
	"  group day { on table customers { rows where assigned_team = 'day'\n"
	"  } }\n"
	"  group odd { on table \"My \"\"schema\"\"\".t { rows where a in ('?', 'it''s') and actor.role = \"actor\".role and a.actor.role is null and 1 ? 2\n"
	"  } }\n"
	"  group same { on table customers { rows where (assigned_team) = actor.team\n"
	"  } }\n"
	"}\n";

static struct policy_map *
bind(const char *text)
{
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct base_fail fail = {.code = 0};
	if (policy_file_parse(base_span_str(text), "q.gate", &f, &fail) != 0 || policy_map_bind(f, &catalogue, &m, &fail) != 0)
		fail_msg("%s", fail.text);
	policy_file_free(&f);
	return m;
}

static struct tree *
read(const char *text)
{
	struct tree *t = NULL;
	struct base_fail fail = {.code = 0};
	if (tree_read(base_span_str(text), 15, &t, &fail) != 0)
		fail_msg("%s", fail.text);
	return t;
}

static int
answer(struct policy_map *m, size_t i, const char *text, struct base_fail *fail)
{
	struct tree *t = read(text);
	int err = policy_map_answer(m, i, tree_queries(t), fail);
	tree_free(&t);
	return err;
}

static void
test_questions(void **state)
{
	static const struct { const char *sql, *about; unsigned line; } asked[] = {
		{"SELECT 1 FROM \"public\".\"customers\" WHERE (assigned_team = pg_catalog.current_setting('gatehouse.team', true))", "rows of public.customers", 4},
		{"SELECT 1 FROM \"public\".\"customers\" WHERE (Assigned_Team = pg_catalog.current_setting('gatehouse.team', true))", "rows of public.customers", 6},
		{"SELECT 1 FROM \"public\".\"customers\" WHERE (assigned_team = 'day')", "rows of public.customers", 8},
		{"SELECT 1 FROM \"My \"\"schema\"\"\".\"t\" WHERE (a in ( '?' , 'it''s' ) and pg_catalog.current_setting('gatehouse.role', true) = \"actor\" . role "
		 "and a . actor . role is null and 1 ? 2)", "rows of My \"schema\".t", 10},
		{"SELECT 1 FROM \"public\".\"customers\" WHERE (( assigned_team ) = pg_catalog.current_setting('gatehouse.team', true))", "rows of public.customers", 12},
		{"SELECT * FROM \"public\".\"customers_public\"", "view public.customers_public", 3},
	};
	struct policy_map *m = bind(policy);
	(void)state;
	assert_int_equal(policy_map_questions(m), BASE_COUNT(asked));
	for (size_t i = 0; i < BASE_COUNT(asked); i++) {
		const struct policy_question *q = policy_map_question(m, i);
		assert_string_equal(q->sql, asked[i].sql);
		assert_true(base_span_is(q->about, asked[i].about));
		assert_string_equal(q->at.file, "q.gate");
		assert_int_equal(q->at.line, asked[i].line);
	}
	assert_null(policy_map_question(m, BASE_COUNT(asked)));
	assert_null(policy_map_objects(m));
	assert_false(policy_map_enforces(m));
	assert_true(base_span_is(policy_map_file(m)->name, "p"));
	policy_map_unref(&m);

	/* What is said alike is asked once. */
	m = bind("policy \"p\" version 1 { subject c { table public.customers key id } trust view other_view\n"
	         "group a { treat enforce on table customers { rows where id = 1\n } } group b { on table customers { rows where id  =  1\n } } }");
	assert_int_equal(policy_map_questions(m), 2);
	assert_true(policy_map_enforces(m));
	policy_map_unref(&m);
	m = bind("policy \"p\" version 1 { treat enforce subject c { table public.customers key id } }");
	assert_true(policy_map_enforces(m));
	assert_int_equal(policy_map_questions(m), 0);
	policy_map_unref(&m);
}

/* The view as it stands in another statement, under other names, is the view that was recorded. */
static void
test_view(void **state)
{
	struct policy_map *m = bind(policy);
	const uint8_t *known = NULL;
	uint8_t used[BASE_SHA256_SIZE];
	(void)state;
	assert_false(policy_map_trusted_view(m, PUBLIC, &known));
	assert_int_equal(answer(m, 5, tree_view, NULL), 0);
	assert_true(policy_map_trusted_view(m, PUBLIC, &known));
	assert_false(policy_map_trusted_view(m, OTHER, &known));
	assert_false(policy_map_trusted_view(m, CUSTOMERS, &known));
	struct tree *t = read(tree_view_used);
	struct tree_list rtable = tree_list(tree_queries(t).item[0], TREE_F_RTABLE);
	assert_int_equal(rtable.n, 2);
	tree_hash(tree_child(rtable.item[1], TREE_F_SUBQUERY), 0, used);
	assert_memory_equal(known, used, sizeof(used));
	tree_hash(tree_child(rtable.item[0], TREE_F_SUBQUERY), 0, used);
	assert_memory_not_equal(known, used, sizeof(used));
	tree_free(&t);
	policy_map_unref(&m);
}

static struct policy_scope *
scope(struct policy_map *m, const char *a, const char *b)
{
	struct base_span groups[] = {base_span_str(a), base_span_str(b)};
	struct policy_scope *s = NULL;
	assert_int_equal(policy_scope_new(m, groups, 2, &s), 0);
	return s;
}

/* A map that is bound anew knows what the older one was told, of the same relations by the same questions, and nothing else. */
static void
test_take_answers(void **state)
{
	struct policy_map *older = bind(policy), *m = bind(policy), *other;
	const uint8_t *was = NULL, *now = NULL;
	(void)state;
	policy_map_take_answers(m, older);
	assert_false(policy_map_trusted_view(m, PUBLIC, &now));
	assert_int_equal(answer(older, 5, tree_view, NULL), 0);
	policy_map_take_answers(m, older);
	assert_true(policy_map_trusted_view(older, PUBLIC, &was) && policy_map_trusted_view(m, PUBLIC, &now));
	assert_memory_equal(was, now, BASE_SHA256_SIZE);
	policy_map_unref(&older); /* it is a copy */
	assert_true(policy_map_trusted_view(m, PUBLIC, &now));
	other = bind("policy \"p\" version 1 { subject c { table public.customers key id } trust view other_view }");
	policy_map_take_answers(other, m);
	assert_false(policy_map_trusted_view(other, OTHER, &now));
	policy_map_unref(&other);
	policy_map_unref(&m);
}

/* The condition is the one that the table's row-level security holds, wherever the table stands in a statement. */
static void
test_rows(void **state)
{
	struct policy_map *m = bind(policy);
	uint8_t secured[BASE_SHA256_SIZE];
	(void)state;
	struct policy_scope *s = scope(m, "staff", "");
	const struct policy_scope_relation *r = policy_scope_relation(s, CUSTOMERS);
	assert_true(r->rows.line == 4 && !r->rows_hash_known && base_span_is(r->rows_text, "assigned_team = actor.team"));
	policy_scope_unref(&s);

	assert_int_equal(answer(m, 0, tree_rows, NULL), 0);
	assert_int_equal(answer(m, 1, tree_rows, NULL), 0);
	struct tree *t = read(tree_rls);
	struct tree_list rtable = tree_list(tree_queries(t).item[0], TREE_F_RTABLE);
	struct tree_list quals = tree_list(rtable.item[1], TREE_F_SECURITY_QUALS);
	assert_true(rtable.n == 2 && quals.n == 1);
	tree_hash(quals.item[0], 2, secured);
	tree_free(&t);
	s = scope(m, "staff", "");
	r = policy_scope_relation(s, CUSTOMERS);
	assert_true(r->rows_hash_known && r->rows_other.line == 0);
	assert_memory_equal(r->rows_hash, secured, sizeof(secured));
	policy_scope_unref(&s);

	s = scope(m, "night", "staff"); /* written in two ways, the same to the server */
	r = policy_scope_relation(s, CUSTOMERS);
	assert_true(r->rows_hash_known && r->rows_other.line == 0 && r->rows.line == 4);
	assert_memory_equal(r->rows_hash, secured, sizeof(secured));
	policy_scope_unref(&s);
	s = scope(m, "staff", "day"); /* two conditions, one of them unanswered */
	r = policy_scope_relation(s, CUSTOMERS);
	assert_true(!r->rows_hash_known && r->rows.line == 4 && r->rows_other.line == 8);
	policy_scope_unref(&s);
	s = scope(m, "same", "staff"); /* the same, but the server has not said so */
	r = policy_scope_relation(s, CUSTOMERS);
	assert_false(r->rows_hash_known);
	policy_scope_unref(&s);
	policy_map_unref(&m);
}

/* A tree of anything else is no answer, and changes nothing. */
static void
test_other_trees(void **state)
{
	static const struct { size_t question; const char *tree, *message; } t[] = {
		{5, tree_other, "q.gate:3: view public.customers_public: the server's tree is not that of this view"},
		{5, tree_view_used, NULL}, {5, tree_rows, NULL}, {5, tree_values, NULL}, {5, tree_rls, NULL},
		{0, tree_nowhere, "q.gate:4: rows of public.customers: the server's tree is not that of one condition over this table"},
		{0, tree_sub, NULL}, {0, tree_view, NULL}, {0, tree_values, NULL}, {0, tree_rls, NULL}, {0, tree_view_used, NULL},
		{3, tree_rows, NULL}, /* of another table */
		{6, tree_rows, "an answer to no question"},
	};
	struct policy_map *m = bind(policy);
	const uint8_t *known;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_fail fail = {.code = 0};
		assert_int_equal(answer(m, t[i].question, t[i].tree, &fail), GH_E_PARSE);
		if (t[i].message)
			assert_string_equal(fail.text, t[i].message);
	}
	assert_int_equal(policy_map_answer(m, 0, (struct tree_list){NULL, 0}, NULL), GH_E_PARSE);
	assert_false(policy_map_trusted_view(m, PUBLIC, &known));
	struct policy_scope *s = scope(m, "staff", "odd");
	assert_false(policy_scope_relation(s, CUSTOMERS)->rows_hash_known);
	assert_false(policy_scope_relation(s, QUOTED)->rows_hash_known);
	policy_scope_unref(&s);
	policy_map_unref(&m);
}

static void
test_trust_fails(void **state)
{
	static const struct { const char *trust; int err; const char *message; } t[] = {
		{"trust view customers_publik", GH_E_MISSING, "q.gate:2:12: view \"public.customers_publik\" does not exist; did you mean \"customers_public\"?"},
		{"trust view customers", GH_E_UNSUPPORTED, "q.gate:2:12: relation \"customers\" is not a view"},
		{"trust view stored", GH_E_UNSUPPORTED, "q.gate:2:12: relation \"stored\" is a materialised view: it has rows of its own; name it in \"on table\""},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[200];
		struct policy_file *f = NULL;
		struct policy_map *m = NULL;
		struct base_fail fail = {.code = 0};
		assert_true(snprintf(text, sizeof(text), "policy \"p\" version 1 { subject c { table public.customers key id }\n%s }", t[i].trust) > 0);
		assert_int_equal(policy_file_parse(base_span_str(text), "q.gate", &f, &fail), 0);
		assert_int_equal(policy_map_bind(f, &catalogue, &m, &fail), t[i].err);
		assert_string_equal(fail.text, t[i].message);
		assert_null(m);
		policy_file_free(&f);
	}
}

static void
test_objects(void **state)
{
	static const struct policy_cat_objects nothing = {.nfunctions = 0};
	struct policy_map *m = bind(policy);
	(void)state;
	assert_int_equal(policy_map_give_objects(m, &nothing, NULL), 0);
	assert_non_null(policy_map_objects(m));
	assert_int_equal(policy_map_give_objects(m, &nothing, NULL), 0); /* again: the old ones are gone */
	policy_map_unref(&m);
	m = bind("policy \"p\" version 1 { subject c { table public.customers key id }\ntrust function f(text) body \"9b74c9897bac770ffc029102a200c5de\" }");
	struct base_fail fail = {.code = 0};
	assert_int_equal(policy_map_give_objects(m, &nothing, &fail), GH_E_VERIFY);
	assert_memory_equal(fail.text, "q.gate:2:", 9);
	assert_null(policy_map_objects(m));
	policy_map_unref(&m);
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
		cmocka_unit_test(test_questions), cmocka_unit_test(test_view), cmocka_unit_test(test_take_answers), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_other_trees), cmocka_unit_test(test_trust_fails), cmocka_unit_test(test_objects),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
