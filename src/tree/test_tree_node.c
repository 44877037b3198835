/* test_tree_node: accessors, children, and what counts for the hash and for the comparison. */
#include "tree_node.h"

#include "test_tree_util.h"
#include "tree_int.h"

static struct tree *
must_read(struct shape s)
{
	struct base_fail fail;
	struct tree *t = NULL;

	if (read_shape(s, &t, &fail) < 0)
		fail_msg("%s", fail.text);
	return t;
}

static void
test_access(void **state)
{
	struct tree *t = must_read((struct shape){.expr = "{ROWEXPR :args ({VAR :varno 1 :varattno -3 :vartype 23 :vartypmod -1 :varcollid 4294967295 :varlevelsup 0 :varnosyn 1 :varattnosyn 2 "
	    ":location 7} {AGGREF :aggfnoid 2803 :aggtype 20 :aggcollid 0 :inputcollid 0 :aggtranstype 0 :aggargtypes (o 1 2 3) :aggdirectargs <> :args <> :aggorder <> :aggdistinct "
	    "<> :aggfilter <> :aggstar true :aggvariadic false :aggkind n :agglevelsup 0 :aggsplit 0 :aggno -1 :aggtransno -1 :location 7}) :row_typeid 2249 :row_format 0 :colnames "
	    "(\"a\" \"b\") :location 7}"});
	const struct tree_node *q = tree_queries(t).item[0], *row = tree_child(target(t), TREE_F_EXPR), *var, *agg;

	(void)state;
	assert_int_equal(q->kind, TREE_QUERY);
	assert_int_equal(row->kind, TREE_ROW);
	assert_int_equal(tree_list(row, TREE_F_ARGS).n, 2);
	var = tree_list(row, TREE_F_ARGS).item[0];
	agg = tree_list(row, TREE_F_ARGS).item[1];
	assert_int_equal(tree_number(var, TREE_F_VARATTNO), -3);
	assert_int_equal(tree_oid(var, TREE_F_VARCOLLID), 4294967295u);
	assert_true(tree_bool(agg, TREE_F_AGGSTAR));
	assert_int_equal(tree_number(agg, TREE_F_AGGKIND), 'n');
	assert_int_equal(tree_numbers(agg, TREE_F_AGGARGTYPES).n, 3);
	assert_int_equal(tree_numbers(agg, TREE_F_AGGARGTYPES).item[2], 3);
	assert_true(base_span_is(tree_text(tree_list(row, TREE_F_COLNAMES).item[1], TREE_F_SVAL), "b"));
	assert_true(base_span_is(tree_text(target(t), TREE_F_RESNAME), "x"));

	/* Absent, of another shape, no node, no field. */
	assert_int_equal(tree_number(var, TREE_F_FUNCID), 0);
	assert_int_equal(tree_number(row, TREE_F_ARGS), 0);
	assert_false(tree_bool(var, TREE_F_VARNO));
	assert_null(tree_text(var, TREE_F_VARNO).p);
	assert_null(tree_child(row, TREE_F_ARGS));
	assert_int_equal(tree_list(q, TREE_F_JOINTREE).n, 0);
	assert_int_equal(tree_numbers(row, TREE_F_ARGS).n, 0);
	assert_null(tree_value(var, TREE_F_FUNCID));
	assert_null(tree_value(NULL, TREE_F_VARNO));
	assert_null(tree_value(var, (enum tree_field)TREE_FIELD_COUNT));
	assert_null(tree_value(var, (enum tree_field)-1));
	assert_int_equal(tree_number(NULL, TREE_F_VARNO), 0);
	assert_int_equal(tree_value(var, TREE_F_VARNO)->shape, TREE_INT);

	assert_true(tree_has(row, TREE_F_ARGS) && tree_has(q, TREE_F_JOINTREE) && tree_has(target(t), TREE_F_RESNAME) && tree_has(q, TREE_F_COMMAND_TYPE));
	assert_false(tree_has(q, TREE_F_CTE_LIST) || tree_has(q, TREE_F_UTILITY_STMT) || tree_has(q, TREE_F_HAVING_QUAL) || tree_has(q, TREE_F_HAS_AGGS) || tree_has(NULL, TREE_F_ARGS));
	tree_free(&t);
	tree_free(&t);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(tree_kind_name(TREE_VAR), "VAR");
	assert_string_equal(tree_kind_name(TREE_NONE), "none");
	assert_string_equal(tree_kind_name(TREE_KIND_COUNT), "?");
	assert_string_equal(tree_kind_name((enum tree_kind)-1), "?");
}

struct seen { char text[400]; unsigned stop; };

static int
note(const struct tree_node *child, enum tree_field f, void *ctx)
{
	struct seen *s = ctx;

	(void)f;
	(void)snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s ", tree_kind_name(child->kind));
	return s->stop > 0 && --s->stop == 0 ? 7 : 0;
}

static void
test_each(void **state)
{
	struct base_buf b = golden_file("values");
	struct tree *t = NULL;
	struct seen s = {"", 0};
	struct tree_list rtable;

	(void)state;
	assert_int_equal(tree_read(base_buf_span(&b), 15, &t, NULL), 0);
	assert_int_equal(tree_each(tree_queries(t).item[0], note, &s), 0);
	assert_string_equal(s.text, "RANGETBLENTRY FROMEXPR TARGETENTRY TARGETENTRY ");
	s = (struct seen){"", 2};
	assert_int_equal(tree_each(tree_queries(t).item[0], note, &s), 7);
	assert_string_equal(s.text, "RANGETBLENTRY FROMEXPR ");

	/* Lists of lists are passed through, strings are not children. */
	rtable = tree_list(tree_queries(t).item[0], TREE_F_RTABLE);
	rtable = tree_list(tree_child(rtable.item[0], TREE_F_SUBQUERY), TREE_F_RTABLE);
	s = (struct seen){"", 0};
	assert_int_equal(tree_each(rtable.item[0], note, &s), 0);
	assert_string_equal(s.text, "ALIAS CONST CONST PARAM CONST ");
	assert_int_equal(tree_list(rtable.item[0], TREE_F_VALUES_LISTS).n, 2);
	assert_int_equal(tree_list(rtable.item[0], TREE_F_VALUES_LISTS).item[1]->kind, TREE_ITEMS);
	assert_int_equal(tree_list(tree_list(rtable.item[0], TREE_F_VALUES_LISTS).item[1], TREE_F_ITEMS).n, 2);
	s = (struct seen){"", 0};
	assert_int_equal(tree_each(tree_child(rtable.item[0], TREE_F_EREF), note, &s), 0);
	assert_int_equal(tree_each(NULL, note, &s), 0);
	assert_string_equal(s.text, "");
	tree_free(&t);
	base_buf_done(&b);
}

/* XMLTABLE's expressions of columns hold NULL for the ordinality column. */
static int
find_table(const struct tree_node *n, enum tree_field f, void *ctx)
{
	(void)f;
	if (n->kind == TREE_TABLEFUNC) {
		*(const struct tree_node **)ctx = n;
		return 1;
	}
	return tree_each(n, find_table, ctx);
}

static void
test_null_items(void **state)
{
	struct base_buf b = golden_file("functions");
	const struct tree_node *n = NULL;
	struct tree *t = NULL;
	struct seen s = {"", 0};

	(void)state;
	assert_int_equal(tree_read(base_buf_span(&b), 15, &t, NULL), 0);
	assert_int_equal(tree_each(tree_queries(t).item[0], find_table, &n), 1);
	assert_int_equal(tree_list(n, TREE_F_COLEXPRS).n, 2);
	assert_null(tree_list(n, TREE_F_COLEXPRS).item[1]);
	assert_int_equal(tree_each(n, note, &s), 0);
	assert_string_equal(s.text, "CONST CONST CONST CONST CONST ");
	tree_free(&t);
	base_buf_done(&b);
}

/* Each number, name and truth value of a tree changed: the hash differs, and the trees are not equal, unless the field is one of these. */
static bool
ignored(const char *field)
{
	static const char *const words[] = {"location", "stmt_location", "stmt_len", "rellockmode", "requiredPerms", "checkAsUser", "selectedCols", "insertedCols", "updatedCols",
	    "extraUpdatedCols", "varnosyn", "varattnosyn"};
	size_t n = strcspn(field, " ");

	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (strlen(words[i]) == n && memcmp(words[i], field, n) == 0)
			return true;
	return false;
}

static bool
change(char *value)
{
	if (memcmp(value, "true", 4) == 0 || memcmp(value, "false", 5) == 0 || memcmp(value, "<>", 2) == 0)
		return false;
	while (*value == '(' || *value == '"' || *value == '\\' || *value == '-' || ((*value == 'b' || *value == 'o' || *value == 'i') && value[-1] == '(') || (*value == ' ' && value[-2] == '('))
		value++;
	if ((*value >= '2' && *value <= '8') || (*value >= 'a' && *value <= 'x')) {
		(*value)++;
		return true;
	}
	return false;
}

static void
test_hash(void **state)
{
	static const char *const files[] = {"plain", "join", "using", "sublink", "with", "recursive", "group", "window", "setop", "values", "cases", "casts", "lock", "insert", "update", "merge"};
	unsigned same = 0, other = 0;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(files); i++) {
		struct base_buf b = golden_line(files[i]);
		struct tree *t = NULL, *u = NULL;
		uint8_t hash[BASE_SHA256_SIZE], hash2[BASE_SHA256_SIZE], old[BASE_SHA256_SIZE];
		char *line;

		base_buf_u8(&b, 0);
		line = (char *)b.mem + b.start;
		assert_int_equal(read_cut(base_span(line, strlen(line)), &t, NULL), 0);
		tree_hash(tree_queries(t).item[0], 0, hash);
		assert_int_equal(read_cut(base_span(line, strlen(line)), &u, NULL), 0);
		tree_hash(tree_queries(u).item[0], 0, hash2);
		assert_memory_equal(hash, hash2, sizeof(hash));
		assert_true(tree_equal(tree_queries(t).item[0], tree_queries(u).item[0]));
		tree_free(&u);
		for (char *p = line; (p = strstr(p, " :")) != NULL; p += 2) {
			char *value = strchr(p + 2, ' ') + 1;
			bool equal;

			memcpy(old, value, sizeof(old));
			if (change(value) && read_cut(base_span(line, strlen(line)), &u, NULL) == 0) {
				tree_hash(tree_queries(u).item[0], 0, hash2);
				equal = memcmp(hash, hash2, sizeof(hash)) == 0;
				if (equal != ignored(p + 2) || equal != tree_equal(tree_queries(t).item[0], tree_queries(u).item[0]))
					fail_msg("%s: %.60s", files[i], p);
				*(equal ? &same : &other) += 1;
			}
			tree_free(&u);
			memcpy(value, old, sizeof(old));
		}
		tree_free(&t);
		base_buf_done(&b);
	}
	if (same < 300 || other < 800)
		fail_msg("%u and %u", same, other);
}

#define VAR(no, sup) "{VAR :varno " #no " :varattno 2 :vartype 23 :vartypmod -1 :varcollid 0 :varlevelsup " #sup " :varnosyn " #no " :varattnosyn 2 :location 7}"
#define PAIR(a, b) "{ROWEXPR :args (" a " " b ") :row_typeid 2249 :row_format 0 :colnames <> :location 7}"

/* Hash of an expression as relation varno's; in_query: of one in a sub-select. */
static void
hash_of(const char *expr, int64_t varno, bool in_query, uint8_t hash[BASE_SHA256_SIZE])
{
	struct base_buf b;
	struct tree *t;

	base_buf_init(&b, 10000);
	if (in_query) {
		base_buf_str(&b, "{SUBLINK :subLinkType 4 :subLinkId 0 :testexpr <> :operName <> :subselect ");
		put_query(&b, (struct shape){.expr = expr});
		base_buf_str(&b, " :location 7}");
	} else {
		base_buf_str(&b, expr);
	}
	base_buf_u8(&b, 0);
	t = must_read((struct shape){.expr = (const char *)base_buf_span(&b).p});
	tree_hash(tree_child(target(t), TREE_F_EXPR), varno, hash);
	tree_free(&t);
	base_buf_done(&b);
}

static void
test_renumber(void **state)
{
	static const struct { const char *a; int64_t varno_a; const char *b; int64_t varno_b; bool in_query, equal; } rows[] = {
		{VAR(3, 0), 3, VAR(1, 0), 1, false, true}, {VAR(3, 0), 3, VAR(1, 0), 0, false, true}, {VAR(3, 0), 0, VAR(1, 0), 0, false, false},
		{VAR(2, 0), 3, VAR(1, 0), 1, false, false}, {VAR(3, 1), 3, VAR(1, 1), 1, false, false}, {VAR(3, 1), 3, VAR(1, 1), 1, true, true},
		{VAR(3, 0), 3, VAR(1, 0), 1, true, false}, {VAR(3, 0), 3, VAR(3, 0), 7, true, true},
		/* Another relation that is number 1 does not become ours. */
		{PAIR(VAR(3, 0), VAR(1, 0)), 3, PAIR(VAR(1, 0), VAR(1, 0)), 1, false, false}, {PAIR(VAR(3, 0), VAR(1, 0)), 3, PAIR(VAR(3, 0), VAR(3, 0)), 3, false, false},
		{PAIR(VAR(3, 0), VAR(3, 0)), 3, PAIR(VAR(1, 0), VAR(1, 0)), 1, false, true},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		uint8_t a[BASE_SHA256_SIZE], b[BASE_SHA256_SIZE];

		hash_of(rows[i].a, rows[i].varno_a, rows[i].in_query, a);
		hash_of(rows[i].b, rows[i].varno_b, rows[i].in_query, b);
		if ((memcmp(a, b, sizeof(a)) == 0) != rows[i].equal)
			fail_msg("row %zu", i);
	}
}

static void
test_none(void **state)
{
	uint8_t a[BASE_SHA256_SIZE], b[BASE_SHA256_SIZE];

	(void)state;
	tree_hash(NULL, 0, a);
	base_crypt_sha256(base_span("0", 1), b);
	assert_memory_equal(a, b, sizeof(a));
	assert_true(tree_equal(NULL, NULL));
}

/* What the tables promise: a variant begins as its base does, and every kind has just one type. */
static void
test_tables(void **state)
{
	const struct tree_table *tab = tree_table(15);
	unsigned kinds[TREE_KIND_COUNT] = {0};

	(void)state;
	for (size_t i = 0; i < tab->ntypes; i++) {
		const struct tree_type *t = &tab->type[i];

		kinds[t->kind]++;
		assert_int_equal(strlen(t->word), t->word_n);
		for (size_t k = 0; k < t->nvariants; k++) {
			const struct tree_type *v = &t->variant[k].type;

			assert_int_equal(v->kind, t->kind);
			assert_int_equal(v->nvariants, 0);
			assert_true(v->count > t->count);
			assert_memory_equal(v->column, t->column, t->count * sizeof(*t->column));
		}
		if (t->nvariants > 0)
			assert_true(t->column[t->count - 1].form == TREE_FORM_INT || t->column[t->count - 1].form == TREE_FORM_BOOL);
	}
	for (unsigned k = 1; k < TREE_KIND_COUNT; k++)
		assert_int_equal(kinds[k], k != TREE_STRING && k != TREE_ITEMS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_null_items),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_renumber),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_tables),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
