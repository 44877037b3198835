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
		assert_true(o->delivers);
		base_buf_str(b, o->key_column != SIZE_MAX ? " ; key " : o->can_splice ? " ; splice " : " ; nokey ");
		base_buf_put(b, name);
		if (o->key_column != SIZE_MAX) {
			base_buf_str(b, "=");
			base_buf_put(b, d->columns[o->key_column].name);
		}
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

static struct policy_decision *
decide(struct base_span detail, bool explain)
{
	struct policy_decision *d = NULL;
	struct base_fail fail = {0};
	struct tree *t = NULL;

	if (tree_read(detail, 15, &t, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_int_equal(policy_decide(world.scope, policy_map_objects(world.map), tree_queries(t), explain, &d), 0);
	tree_free(&t); /* a decision outlives its tree */
	return d;
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
check_case(const char *name, const char *expect)
{
	struct policy_decision *d = decide(world_tree(&world, name), false);
	struct base_buf b;
	bool ok;

	base_buf_init(&b, 65536);
	say(&b, d);
	ok = as_expected(d, base_buf_span(&b), expect);
	if (!ok || getenv("GH_SHOW"))
		print_message("%s%s\n  is    %.*s\n  not   %s\n", ok ? "" : "WRONG ", name, (int)base_buf_len(&b), (const char *)base_buf_span(&b).p, ok ? "" : expect);
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
	char *text = world_file("cases.txt"), *line = text, name[256] = "";
	size_t n = 0, wrong = 0, allowed = 0;

	(void)state;
	while (*line != '\0') {
		char *end = strchr(line, '\n');

		assert_non_null(end);
		*end = '\0';
		if (strncmp(line, "# ", 2) == 0)
			(void)snprintf(name, sizeof(name), "%s", line + 2);
		if (strncmp(line, "=> ", 3) == 0) {
			n++;
			allowed += strncmp(line + 3, "allow", 5) == 0;
			wrong += !check_case(name, line + 3);
		}
		line = end + 1;
	}
	free(text);
	print_message("%zu cases, %zu of them allowed\n", n, allowed);
	assert_true(n >= 500 && allowed >= 150);
	assert_int_equal(wrong, 0);
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
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
