/* test_cli_rights: what is read out of a policy's text alone is what policy_scope makes of it with a database: all pairs of rules about one column, in one group and in two. */
#include "cli_rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy_scope.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}
enum { INT8 = 20, TEXT = 25 };

static const struct policy_cat_relation relations[] = {{100, S("public"), S("t"), 'r'}};
static const struct policy_cat_column columns[] = {{100, 1, S("id"), INT8, S("int8"), false, false}, {100, 2, S("x"), TEXT, S("text"), false, false}, {100, 3, S("y"), TEXT, S("text"), false, false}};
static const struct policy_catalogue catalogue = {.relations = relations, .nrelations = 1, .columns = columns, .ncolumns = BASE_COUNT(columns)};

static const char *const says[] = {"", "show x", "mask x as last 4", "mask x as last 2", "mask x as first 1", "mask x as hash", "mask x as token", "mask x as year",
    "mask x as fixed \"a\"", "mask x as fixed \"b\"", "hide x", "look up by x", "never filter on x", "update of x", "insert of x"};
static const char *const allows[] = {"", "read", "read, update", "update", "read, insert"};

static struct policy_file *
parse(const char *text)
{
	struct policy_file *f = NULL;
	struct base_fail fail = {0};

	return policy_file_parse(base_span_str(text), "p.gate", &f, &fail) < 0 ? NULL : f;
}

/* One rule of a table: what is allowed, and two things said of column x. Update and insert of columns belong to `allow`. */
static void
rule(struct base_buf *b, const char *allow, const char *one, const char *two)
{
	const char *say[] = {one, two};

	base_buf_str(b, " on table t { allow delete");
	if (*allow)
		base_buf_fmt(b, ", %s", allow);
	for (size_t i = 0; i < 2; i++)
		if (strncmp(say[i], "update", 6) == 0 || strncmp(say[i], "insert", 6) == 0)
			base_buf_fmt(b, ", %s", say[i]);
	base_buf_str(b, " show id, y");
	for (size_t i = 0; i < 2; i++)
		if (strncmp(say[i], "update", 6) != 0 && strncmp(say[i], "insert", 6) != 0)
			base_buf_fmt(b, " %s", say[i]);
	base_buf_str(b, " }");
}

static void
compare(const char *text, struct policy_file *f, const struct base_span *names, size_t n)
{
	struct policy_map *map = NULL;
	struct policy_scope *scope = NULL;
	struct base_fail fail = {0};
	const struct policy_group *groups[2];

	if (policy_map_bind(f, &catalogue, &map, &fail) < 0) { /* a mask that does not suit the type, two that contradict */
		fail_msg("%s: %s", text, fail.text);
		return;
	}
	assert_int_equal(policy_scope_new(map, names, n, &scope), 0);
	for (size_t i = 0; i < n; i++)
		groups[i] = cli_rights_group(f, names[i]);
	struct cli_rights *r = cli_rights_new(groups, n);
	const struct policy_scope_relation *sr = policy_scope_relation(scope, 100);
	const struct cli_right_table *t = cli_rights_table(r, base_span_str("public"), base_span_str("t"));
	assert_non_null(t);
	assert_int_equal(t->actions, sr->actions);
	for (size_t i = 0; i < sr->ncolumns; i++) {
		static const struct cli_right_column none = {.known = false};
		const struct policy_scope_column *sc = &sr->columns[i];
		const struct cli_right_column *c = cli_rights_column(t, sc->name);
		enum cli_reach want = sc->open ? CLI_REACH_FREE : sc->lookup && sc->known && sc->mask.kind != POLICY_MASK_NONE ? CLI_REACH_LOOKUP : CLI_REACH_NO;
		c = c ? c : &none;
		if (c->known != sc->known || c->mask.kind != sc->mask.kind || c->mask.n != sc->mask.n || !base_span_eq(c->mask.fixed, sc->mask.fixed) || c->reach != want ||
		    c->update != sc->update || c->insert != sc->insert || (sc->mask.kind != POLICY_MASK_NONE && c->seen_line != sc->masked.line) || c->update_line != sc->updated.line ||
		    c->insert_line != sc->inserted.line)
			fail_msg("%s: column %.*s", text, (int)sc->name.n, (const char *)sc->name.p);
	}
	cli_rights_free(&r);
	policy_scope_unref(&scope);
	policy_map_unref(&map);
}

static void
test_all_pairs(void **state)
{
	struct base_span names[] = {S("g"), S("h")};
	size_t tried = 0;

	(void)state;
	for (size_t a = 0; a < BASE_COUNT(says); a++)
		for (size_t b = 0; b < BASE_COUNT(says); b++)
			for (size_t k = 0; k < BASE_COUNT(allows) * 2; k++) {
				const char *allow = allows[k / 2];
				struct base_buf text;
				base_buf_init(&text, 4096);
				base_buf_str(&text, "policy \"p\" version 1 { subject c { table public.t key id } group g {\n");
				rule(&text, allow, says[a], k % 2 ? "" : says[b]);
				base_buf_str(&text, "} group h {\n");
				if (k % 2)
					rule(&text, allows[(k / 2 + 1) % BASE_COUNT(allows)], says[b], "");
				base_buf_str(&text, "} }");
				base_buf_u8(&text, 0);
				const char *s = (const char *)base_buf_span(&text).p;
				struct policy_file *f = parse(s);
				if (f) { /* the parser refuses some pairs in one group */
					compare(s, f, names, 1);
					compare(s, f, names, 2);
					tried++;
				}
				policy_file_free(&f);
				base_buf_done(&text);
			}
	assert_true(tried > 1500);
}

static void
test_mask_words(void **state)
{
	static const struct { struct policy_mask mask; const char *want; } tries[] = {{{.kind = POLICY_MASK_NONE}, "clear"}, {{.kind = POLICY_MASK_LAST, .n = 4}, "masked last 4"},
	    {{.kind = POLICY_MASK_HIDE}, "hidden"}, {{.kind = POLICY_MASK_YEAR}, "masked year"}, {{.kind = POLICY_MASK_FIXED, .fixed = S("***")}, "masked fixed \"***\""}};
	char words[200];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		cli_mask_words(&tries[i].mask, words, sizeof(words));
		assert_string_equal(words, tries[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_pairs), cmocka_unit_test(test_mask_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
