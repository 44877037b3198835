/* test_policy_decide_world: the world of the decision's tests: the catalogue and the trees of tests/decide/trees.txt (written by capture.py from a
 * PostgreSQL 15), bound with tests/decide/policy.gate. For test_policy_decide*.c only; a file that cannot be read ends the test.
 */
#ifndef TEST_POLICY_DECIDE_WORLD_H
#define TEST_POLICY_DECIDE_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "base_buf.h"
#include "base_mem.h"
#include "base_num.h"
#include "policy_decide.h"
#include "test_policy_decide_path.h"

struct world_case { struct base_span name, detail; }; /* detail: in w->text */
struct world {
	char *text; /* own: all spans point into it; line starts "|" of trees are taken out in place */
	struct world_case *cases; size_t ncases;
	struct policy_catalogue cat;
	struct policy_cat_objects objects;
	struct base_span body;
	struct policy_map *map;
	struct policy_scope *scope, *counting; /* of group partner; and of counted, too */
};

static inline char *
world_file(const char *name)
{
	char path[4096];
	FILE *f;
	long n;
	char *text;

	(void)snprintf(path, sizeof(path), "%s/%s", TEST_POLICY_DECIDE_DIR, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	n = ftell(f);
	rewind(f);
	text = base_mem_new((size_t)n + 1, 1);
	assert_int_equal(fread(text, 1, (size_t)n, f), (size_t)n);
	(void)fclose(f); /* read only */
	return text;
}

/* Splits a line at tabs. */
static inline size_t
world_fields(struct base_span line, struct base_span *field, size_t max)
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i <= line.n && n < max; i++) {
		if (i == line.n || line.p[i] == '\t') {
			field[n++] = base_span(line.p + start, i - start);
			start = i + 1;
		}
	}
	for (size_t i = n; i < max; i++)
		field[i] = base_span("", 0);
	return n;
}

static inline uint32_t
world_number(struct base_span s)
{
	uint64_t v = 0;

	assert_int_equal(base_num_u64(s, 0, UINT32_MAX, &v), 0);
	return (uint32_t)v;
}

#define WORLD_ADD(array, count, ...) \
	do { \
		if (((count) & ((count) + 1)) == 0 || (count) == 0) \
			(array) = realloc((void *)(uintptr_t)(array), ((count) * 2 + 2) * sizeof((array)[0])); \
		assert_non_null(array); \
		*(void **)&place = (void *)(uintptr_t)&(array)[(count)++]; \
		memcpy(place, &(__typeof__((array)[0])){__VA_ARGS__}, sizeof((array)[0])); \
	} while (0)

static inline void
world_row(struct world *w, const struct base_span *f)
{
	void *place;

	if (base_span_is(f[0], "body"))
		w->body = f[1];
	else if (base_span_is(f[0], "relation"))
		WORLD_ADD(w->cat.relations, w->cat.nrelations, world_number(f[1]), f[2], f[3], (char)f[4].p[0]);
	else if (base_span_is(f[0], "column"))
		WORLD_ADD(w->cat.columns, w->cat.ncolumns, world_number(f[1]), (int16_t)world_number(f[2]), f[3], world_number(f[4]), f[5], base_span_is(f[6], "true"), base_span_is(f[7], "true"));
	else if (base_span_is(f[0], "reads"))
		WORLD_ADD(w->cat.reads, w->cat.nreads, world_number(f[1]), world_number(f[2]));
	else if (base_span_is(f[0], "child"))
		WORLD_ADD(w->cat.children, w->cat.nchildren, world_number(f[1]), world_number(f[2]));
	else if (base_span_is(f[0], "view"))
		WORLD_ADD(w->cat.views, w->cat.nviews, world_number(f[1]), (int16_t)world_number(f[2]), world_number(f[3]), (int16_t)world_number(f[4]));
	else if (base_span_is(f[0], "type"))
		WORLD_ADD(w->objects.types, w->objects.ntypes, world_number(f[1]), f[2], f[3], (char)f[4].p[0], world_number(f[5]), world_number(f[6]), world_number(f[7]), f[8]);
	else if (base_span_is(f[0], "system"))
		WORLD_ADD(w->objects.systems, w->objects.nsystems, world_number(f[1]), f[2], f[3], (char)f[4].p[0]);
	else if (base_span_is(f[0], "operator"))
		WORLD_ADD(w->objects.operators, w->objects.noperators, world_number(f[1]), world_number(f[2]));
	else if (base_span_is(f[0], "columntype"))
		WORLD_ADD(w->objects.column_types, w->objects.ncolumn_types, world_number(f[1]));
	else if (base_span_is(f[0], "function"))
		WORLD_ADD(w->objects.functions, w->objects.nfunctions, world_number(f[1]), f[2], f[3], f[4], f[5], f[6], base_span_is(f[7], "true"));
	else if (base_span_is(f[0], "case"))
		WORLD_ADD(w->cases, w->ncases, f[1], {(const uint8_t *)"", 0});
	else
		fail_msg("trees.txt: unknown row");
}

static inline void
world_read(struct world *w)
{
	char *in, *out;

	w->text = in = out = world_file("trees.txt");
	while (*in != '\0') {
		char *end = strchr(in, '\n');
		struct base_span field[9];
		size_t n;

		assert_non_null(end);
		n = (size_t)(end - in);
		if (*in == '|') { /* joined to the line before, in place: it can only get shorter */
			struct world_case *c = &w->cases[w->ncases - 1];

			if (c->detail.n == 0)
				c->detail.p = (const uint8_t *)out;
			else
				*out++ = '\n';
			memmove(out, in + 1, n - 1);
			out += n - 1;
			c->detail.n = (size_t)((const uint8_t *)out - c->detail.p);
		} else {
			memmove(out, in, n);
			(void)world_fields(base_span(out, n), field, BASE_COUNT(field)); /* missing ones are empty */
			world_row(w, field);
			out += n;
		}
		in = end + 1;
	}
}

static inline struct base_span
world_tree(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->ncases; i++) {
		if (base_span_is(w->cases[i].name, name))
			return w->cases[i].detail;
	}
	fail_msg("trees.txt has no tree of: %s", name);
	return base_span("", 0);
}

static inline void
world_answer(struct world *w)
{
	struct base_fail fail = {0};

	for (size_t i = 0; i < policy_map_questions(w->map); i++) {
		struct tree *t = NULL;

		assert_int_equal(tree_read(world_tree(w, policy_map_question(w->map, i)->sql), 15, &t, &fail), 0);
		if (policy_map_answer(w->map, i, tree_queries(t), &fail) != 0)
			fail_msg("%s", fail.text);
		tree_free(&t);
	}
}

static inline void
world_open(struct world *w)
{
	char *gate = world_file("policy.gate"), *at = strstr(gate, "\"@BODY@\"");
	const struct base_span group[] = {base_span_str("partner"), base_span_str("counted")};
	struct policy_file *file = NULL;
	struct base_fail fail = {0};
	struct base_buf b;

	memset(w, 0, sizeof(*w));
	world_read(w);
	assert_non_null(at);
	base_buf_init(&b, 65536);
	base_buf_put(&b, base_span(gate, (size_t)(at - gate) + 1));
	base_buf_put(&b, w->body);
	base_buf_str(&b, at + 7);
	if (policy_file_parse(base_buf_span(&b), "policy.gate", &file, &fail) != 0 || policy_map_bind(file, &w->cat, &w->map, &fail) != 0 || policy_map_give_objects(w->map, &w->objects, &fail) != 0)
		fail_msg("%s", fail.text);
	policy_file_free(&file);
	base_buf_done(&b);
	free(gate);
	world_answer(w);
	assert_int_equal(policy_scope_new(w->map, group, 1, &w->scope), 0);
	assert_int_equal(policy_scope_new(w->map, group, 2, &w->counting), 0);
	assert_true(!w->scope->counts && w->counting->counts);
}

static inline void
world_close(struct world *w)
{
	policy_scope_unref(&w->scope);
	policy_scope_unref(&w->counting);
	policy_map_unref(&w->map);
	free((void *)(uintptr_t)w->cat.relations);
	free((void *)(uintptr_t)w->cat.columns);
	free((void *)(uintptr_t)w->cat.reads);
	free((void *)(uintptr_t)w->cat.children);
	free((void *)(uintptr_t)w->cat.views);
	free((void *)(uintptr_t)w->objects.types);
	free((void *)(uintptr_t)w->objects.systems);
	free((void *)(uintptr_t)w->objects.operators);
	free((void *)(uintptr_t)w->objects.column_types);
	free((void *)(uintptr_t)w->objects.functions);
	free(w->cases);
	free(w->text);
}

#endif
