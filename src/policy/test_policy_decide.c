/* Tests of policy_decide: what must come of each statement of tests/decide/cases.txt, by its real tree; the parts of a decision that one line does
 * not show; trees cut and changed. GH_SHOW=1 prints what came of every case instead of failing at the first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_policy_decide_world.h"

static struct world world;

static void
say_occurrences(struct base_buf *b, const struct policy_decision *d)
{
	for (size_t i = 0; i < d->noccurrences; i++) {
		const struct policy_occurrence *o = &d->occurrences[i];
		const struct base_span full = o->relation->full_name;
		const uint8_t *dot = memchr(full.p, '.', full.n);
		const size_t skip = dot ? (size_t)(dot + 1 - full.p) : 0;
		const struct base_span name = base_span(full.p + skip, full.n - skip);

		if (!o->must_key)
			continue;
		assert_true(o->delivers && (o->shows || !o->shows_clear));
		base_buf_str(b, o->key_column != SIZE_MAX ? " ; key " : o->can_splice ? " ; splice " : " ; nokey ");
		base_buf_put(b, name);
		if (o->key_column != SIZE_MAX) {
			base_buf_str(b, "=");
			base_buf_put(b, d->columns[o->key_column].name);
		}
		base_buf_str(b, o->shows_clear ? " clear" : o->shows ? " shows" : "");
	}
}

/* A decision in one line, in the words of cases.txt. */
static void
say(struct base_buf *b, const struct policy_decision *d)
{
	if (d->refused) {
		base_buf_fmt(b, "deny %s %s", d->refusal.id, d->refusal.text);
		return;
	}
	base_buf_str(b, "allow");
	for (size_t i = 0; i < d->ncolumns; i++) {
		char words[96];

		base_buf_str(b, " ");
		base_buf_put(b, d->columns[i].name);
		assert_true(d->columns[i].occurrence == SIZE_MAX ? d->columns[i].attnum == 0 && (d->columns[i].mask.kind == POLICY_MASK_NONE || d->columns[i].mask.kind == POLICY_MASK_HIDE) : d->columns[i].occurrence < d->noccurrences);
		if (d->columns[i].mask.kind == POLICY_MASK_NONE)
			continue;
		policy_mask_words(&d->columns[i].mask, words, sizeof(words));
		base_buf_fmt(b, "/%s", words);
	}
	say_occurrences(b, d);
	for (size_t i = 0; i < d->nequalities; i++) {
		const struct policy_equality *q = &d->equalities[i];
		const struct policy_scope_column *c = policy_scope_column(q->relation, q->attnum);

		base_buf_str(b, q->lookup ? " ; lookup " : " ; where ");
		base_buf_put(b, base_span(q->relation->full_name.p + 7, q->relation->full_name.n - 7)); /* "public." */
		base_buf_str(b, ".");
		base_buf_put(b, c->name);
		if (q->param > 0)
			base_buf_fmt(b, "=$%u", q->param);
		else
			base_buf_fmt(b, "=%.*s", (int)q->value.n, (const char *)q->value.p);
	}
}

struct way { const char *mark; bool approved, counts; };

static struct policy_decision *
decide_as(struct base_span detail, bool explain, const struct way *w)
{
	struct policy_decision *d = NULL;
	struct base_fail fail = {0};
	struct tree *t = NULL;

	if (tree_read(detail, 15, &t, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_int_equal(policy_decide(w->counts ? world.counting : world.scope, policy_map_objects(world.map), tree_queries(t), w->approved, explain, &d), 0);
	tree_free(&t); /* a decision outlives its tree */
	for (size_t i = 0; i < d->noccurrences; i++)
		assert_true(w->counts || (!d->occurrences[i].shows && !d->occurrences[i].shows_clear));
	return d;
}

static struct policy_decision *
decide(struct base_span detail, bool explain)
{
	return decide_as(detail, explain, &(struct way){"=> ", false, false});
}

/* "deny ID words": the id, and the text must hold the words. Else the whole line. */
static bool
as_expected(const struct policy_decision *d, struct base_span said, const char *expect)
{
	const char *id_end;

	if (strncmp(expect, "deny ", 5) != 0)
		return base_span_is(said, expect);
	if (!d->refused)
		return false;
	id_end = strchrnul(expect + 5, ' ');
	return strlen(d->refusal.id) == (size_t)(id_end - expect) - 5 && strncmp(d->refusal.id, expect + 5, strlen(d->refusal.id)) == 0 && (*id_end == '\0' || strstr(d->refusal.text, id_end + 1));
}

static bool
check_case(const char *name, const struct way *w, const char *expect)
{
	struct policy_decision *d = decide_as(world_tree(&world, name), false, w);
	struct base_buf b;
	bool ok;

	base_buf_init(&b, 65536);
	say(&b, d);
	ok = as_expected(d, base_buf_span(&b), expect);
	if (!ok || getenv("GH_SHOW"))
		print_message("%s%s\n  is    %s%.*s\n  not   %s\n", ok ? "" : "WRONG ", name, w->mark, (int)base_buf_len(&b), (const char *)base_buf_span(&b).p, ok ? "" : expect);
	if (d->refused) {
		assert_true(d->refusal.text[0] != '\0' && strlen(d->refusal.sqlstate) == 5 && d->refusal.rule.file);
		assert_int_equal(d->nequalities + d->noccurrences, 0);
	}
	base_buf_done(&b);
	policy_decision_free(&d);
	return ok;
}

static void
test_cases(void **state)
{
	static const struct way ways[] = {{"=> ", false, false}, {"+> ", false, true}, {"!> ", true, false}, {"+!> ", true, true}};
	char *text = world_file("cases.txt"), *line = text, name[256] = "";
	size_t n = 0, wrong = 0, allowed = 0;

	(void)state;
	while (*line != '\0') {
		char *end = strchr(line, '\n');

		assert_non_null(end);
		*end = '\0';
		if (strncmp(line, "# ", 2) == 0)
			(void)snprintf(name, sizeof(name), "%s", line + 2);
		for (size_t i = 0; i < BASE_COUNT(ways); i++) {
			const char *expect = line + strlen(ways[i].mark);

			if (strncmp(line, ways[i].mark, strlen(ways[i].mark)) != 0)
				continue;
			n++;
			allowed += strncmp(expect, "allow", 5) == 0;
			wrong += !check_case(name, &ways[i], expect);
		}
		line = end + 1;
	}
	free(text);
	print_message("%zu cases, %zu of them allowed\n", n, allowed);
	assert_true(n >= 500 && allowed >= 150);
	assert_int_equal(wrong, 0);
}

/* ---- the parts that one line does not show ---- */
static struct base_span
cut(struct base_span s, const char *head)
{
	assert_true(s.n >= strlen(head) && memcmp(s.p, head, strlen(head)) == 0);
	return base_span(s.p + strlen(head), s.n - strlen(head));
}

static void
test_result_columns(void **state)
{
	struct policy_decision *d = decide(world_tree(&world, "all masks"), false);
	static const struct { const char *name; uint32_t type; int16_t attnum; enum policy_mask_kind mask; } want[] = {
		{"id", 20, 1, POLICY_MASK_NONE}, {"full_name", 25, 2, POLICY_MASK_FIXED}, {"phone", 1043, 3, POLICY_MASK_LAST}, {"apple_id", 25, 4, POLICY_MASK_FIRST},
		{"address", 25, 5, POLICY_MASK_HIDE}, {"birthday", 1082, 6, POLICY_MASK_YEAR}, {"nick", 25, 7, POLICY_MASK_NONE}, {"province", 25, 8, POLICY_MASK_NONE},
	};

	(void)state;
	assert_int_equal(d->ncolumns, BASE_COUNT(want));
	for (size_t i = 0; i < BASE_COUNT(want); i++) {
		assert_true(base_span_is(d->columns[i].name, want[i].name));
		assert_int_equal(d->columns[i].type_oid, want[i].type);
		assert_int_equal(d->columns[i].attnum, want[i].attnum);
		assert_int_equal(d->columns[i].occurrence, 0);
		assert_int_equal(d->columns[i].mask.kind, want[i].mask);
		assert_true(d->columns[i].rule.line > 0 && strcmp(d->columns[i].rule.file, "policy.gate") == 0);
	}
	assert_int_equal(d->statement, POLICY_SELECT);
	assert_true(d->masks && d->touches_protected && d->touches_subjects && !d->row_marks && d->nreasons == 0);
	assert_int_equal(d->noccurrences, 1);
	assert_true(base_span_is(cut(d->occurrences[0].relation->full_name, "public."), "customers") && base_span_is(d->occurrences[0].alias, "customers"));
	policy_decision_free(&d);
	policy_decision_free(&d);
}

static void
test_whose_rows(void **state)
{
	/* subjects, protected: touched; delivers: of the first occurrence */
	static const struct { const char *name; bool subjects, is_protected, delivers; } want[] = {
		{"open columns only", true, false, true}, {"count rows", true, false, false}, {"no table", false, false, false}, {"pg_class", false, false, false},
		{"masked, of no subject", false, true, true}, {"hidden alone needs no key", true, true, false},
		{"tool: string_agg of open", true, false, true}, {"trusted view", true, true, true}, {"trusted and named", true, true, true}, {"whole row of an open table", true, false, false},
		{"materialised view", true, false, false}, {"flow: exists bare protected", true, true, false}, {"update price", false, false, false},
		{"update by link", true, false, false}, {"delete", true, false, false}, {"look-up, count", true, true, false}, {"trusted function", true, true, false},
		{"partitioned", true, true, true}, {"function of an open column in from", true, false, true},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(want); i++) {
		struct policy_decision *d = decide(world_tree(&world, want[i].name), false);

		if (d->refused || d->touches_subjects != want[i].subjects || d->touches_protected != want[i].is_protected || (d->noccurrences > 0 && d->occurrences[0].delivers) != want[i].delivers)
			fail_msg("%s: %s subjects %d protected %d delivers %d", want[i].name, d->refusal.text, d->touches_subjects, d->touches_protected, d->noccurrences > 0 && d->occurrences[0].delivers);
		policy_decision_free(&d);
	}
}

static void
test_counted(void **state)
{
	/* which result columns are counted, as bits; and may errors and plans speak */
	static const struct { const char *name; unsigned counted; bool is_protected; } want[] = {
		{"counted: masked and open beside the key", 6, true}, {"counted: only the key", 0, false}, {"counted: harmless only", 0, false}, {"counted: count", 0, false},
		{"counted: errors", 0, true}, {"counted: with, computed and only tested", 0, true}, {"counted: ids from an array", 2, true}, {"counted: trusted view, not named", 2, true},
		{"counted: generator in from, key added", 0, true}, {"counted: update of itself", 0, true}, {"counted: join, both keys", 10, false},
	};
	const struct way counts = {"+> ", false, true}, plain = {"=> ", false, false};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(want); i++) {
		struct policy_decision *d = decide_as(world_tree(&world, want[i].name), false, &counts);
		unsigned counted = 0;

		for (size_t k = 0; k < d->ncolumns; k++)
			counted |= (unsigned)d->columns[k].counted << k;
		if (d->refused || counted != want[i].counted || d->touches_protected != want[i].is_protected)
			fail_msg("%s: %s counted %u protected %d", want[i].name, d->refusal.text, counted, d->touches_protected);
		policy_decision_free(&d);
		d = decide_as(world_tree(&world, want[i].name), false, &plain);
		for (size_t k = 0; k < d->ncolumns; k++)
			assert_false(d->columns[k].counted);
		policy_decision_free(&d);
	}
}

static bool
has_reason(const struct policy_decision *d, const char *words, bool ruled)
{
	for (size_t i = 0; i < d->nreasons; i++) {
		if (strstr(d->reasons[i].text, words) && (d->reasons[i].rule.line > 0) == ruled)
			return true;
	}
	return false;
}

static void
test_explain(void **state)
{
	struct policy_decision *d = decide(world_tree(&world, "look-up"), true);

	(void)state;
	assert_true(has_reason(d, "relation public.customers", true) && has_reason(d, "look-up by phone", true) && has_reason(d, "phone goes out masked: last 4", true) && has_reason(d, "id goes out as it is", true));
	policy_decision_free(&d);
	d = decide(world_tree(&world, "row rule held by row-level security"), true);
	assert_true(has_reason(d, "the server holds this rule", true));
	policy_decision_free(&d);
	d = decide(world_tree(&world, "flow: where like"), true);
	assert_true(d->refused && has_reason(d, "refused: column phone of public.customers may not be used in WHERE: it is masked for partner", true));
	assert_string_equal(d->refusal.sqlstate, "42501");
	assert_non_null(strstr(d->refusal.hint, "`phone = value`"));
	assert_int_equal(d->refusal.rule.line, 19);
	policy_decision_free(&d);
}

/* ---- trees that no server made ---- */

/* Every number of a tree may be another: indexes that lead nowhere, kinds that do not exist, references to oneself. Judging must end, and a
 * statement that was refused is not to be allowed by what says only where it stood. */
static void
test_changed_trees(void **state)
{
	uint32_t random = 1;
	size_t read = 0, allowed = 0;

	(void)state;
	for (size_t i = 0; i < world.ncases; i++) {
		const struct base_span whole = world.cases[i].detail;
		uint8_t *copy = base_mem_new(whole.n + 1, 1);

		for (unsigned round = 0; round < 24 && whole.n < 60000; round++) {
			struct policy_decision *d = NULL;
			struct base_fail fail;
			struct tree *t = NULL;

			memcpy(copy, whole.p, whole.n);
			for (unsigned change = 0; change < 1 + round % 3; change++) {
				size_t at;

				random = random * 1664525 + 1013904223;
				at = random % whole.n;
				while (at < whole.n && (copy[at] < '0' || copy[at] > '9'))
					at++;
				if (at < whole.n)
					copy[at] = (uint8_t)('0' + random / 65536 % 10);
			}
			if (tree_read(base_span(copy, whole.n), 15, &t, &fail) != 0)
				continue;
			read++;
			assert_int_equal(policy_decide(round % 4 < 2 ? world.scope : world.counting, policy_map_objects(world.map), tree_queries(t), round % 3 == 0, round % 2, &d), 0);
			allowed += !d->refused;
			policy_decision_free(&d);
			tree_free(&t);
		}
		free(copy);
	}
	print_message("%zu changed trees read, %zu of them allowed\n", read, allowed);
	assert_true(read > 5000);
}

static void
test_no_statement(void **state)
{
	struct policy_decision *d = NULL;
	const struct tree_node *none[] = {NULL, NULL};

	(void)state;
	for (size_t n = 0; n <= 2; n++) {
		assert_int_equal(policy_decide(world.scope, policy_map_objects(world.map), (struct tree_list){none, n}, false, false, &d), 0);
		assert_true(d->refused);
		assert_string_equal(d->refusal.id, n == 0 ? "NO_STATEMENT" : n == 1 ? "MALFORMED" : "SEVERAL");
		policy_decision_free(&d);
	}
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	world_open(&world);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&world);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_result_columns),
		cmocka_unit_test(test_whose_rows),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_changed_trees),
		cmocka_unit_test(test_no_statement),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
