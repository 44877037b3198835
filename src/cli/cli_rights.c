/* cli_rights: see cli_rights.h. Input: a parsed policy. No I/O. Follows policy_scope.c: permissions are united, prohibitions win, of two masks the stronger is
 * taken, and `update` or `insert` without columns mean those that the same rule shows and that stay clear.
 */
#include "cli_rights.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"

#define ARENA_MAX ((size_t)64 << 20) /* POLICY_FILE_SIZE_MAX of rules take much less */

struct rights_own {
	struct cli_rights rights; /* first: the handle */
	struct base_arena *arena; /* own */
};

static void *
get(struct rights_own *o, size_t count, size_t size)
{
	void *p = count <= ARENA_MAX / size ? base_arena_get(o->arena, count * size) : NULL;

	if (!p)
		abort(); /* a command without memory has no answer */
	return p;
}

static int
name_cmp(struct base_span as, struct base_span an, struct base_span bs, struct base_span bn)
{
	int c = base_span_cmp(as, bs);

	return c != 0 ? c : base_span_cmp(an, bn);
}

static int
table_cmp(const void *a, const void *b)
{
	const struct cli_right_table *x = a, *y = b;

	return name_cmp(x->schema, x->name, y->schema, y->name);
}

static int
column_cmp(const void *a, const void *b)
{
	return base_span_cmp(((const struct cli_right_column *)a)->name, ((const struct cli_right_column *)b)->name);
}

const struct cli_right_table *
cli_rights_table(const struct cli_rights *r, struct base_span schema, struct base_span name)
{
	const struct cli_right_table key = {.schema = schema, .name = name};

	return r->ntables ? bsearch(&key, r->tables, r->ntables, sizeof(key), table_cmp) : NULL;
}

const struct cli_right_column *
cli_rights_column(const struct cli_right_table *t, struct base_span name)
{
	const struct cli_right_column key = {.name = name};

	return t && t->ncolumns ? bsearch(&key, t->columns, t->ncolumns, sizeof(key), column_cmp) : NULL;
}

const struct policy_group *
cli_rights_group(const struct policy_file *f, struct base_span name)
{
	for (size_t i = 0; i < f->ngroups; i++)
		if (base_span_eq(f->groups[i].name, name))
			return &f->groups[i];
	return NULL;
}

static void
first(unsigned *line, unsigned with)
{
	if (*line == 0)
		*line = with;
}

struct column_lines { unsigned shown, masked, never, looked; };

static void
say(struct cli_right_column *c, struct column_lines *at, const struct policy_say_column *s)
{
	static const struct policy_mask hide = {.kind = POLICY_MASK_HIDE};
	const struct policy_mask *m = s->say == POLICY_SAY_HIDE ? &hide : &s->mask;

	switch (s->say) {
	case POLICY_SAY_SHOW:
		c->known = true;
		first(&at->shown, s->line);
		break;
	case POLICY_SAY_MASK:
	case POLICY_SAY_HIDE:
		c->known = true;
		if (c->mask.kind == POLICY_MASK_NONE || policy_mask_stronger(&c->mask, m) != &c->mask) {
			c->mask = *m;
			at->masked = s->line;
		}
		break;
	case POLICY_SAY_LOOKUP:
		first(&at->looked, s->line);
		break;
	case POLICY_SAY_NEVER_FILTER:
		first(&at->never, s->line);
		break;
	case POLICY_SAY_UPDATE:
		c->update = true;
		first(&c->update_line, s->line);
		break;
	case POLICY_SAY_INSERT:
		c->insert = true;
		first(&c->insert_line, s->line);
		break;
	}
}

static void
finish(struct cli_right_column *c, const struct column_lines *at)
{
	bool clear = c->known && c->mask.kind == POLICY_MASK_NONE;

	c->seen_line = c->mask.kind != POLICY_MASK_NONE ? at->masked : at->shown;
	c->reach = at->never ? CLI_REACH_NO : clear ? CLI_REACH_FREE : c->known && at->looked ? CLI_REACH_LOOKUP : CLI_REACH_NO;
	c->reach_line = at->never ? at->never : c->reach == CLI_REACH_LOOKUP ? at->looked : c->seen_line;
}

/* The rules of one table, of all the groups. */
struct rules { const struct policy_on_table **on; size_t n; };

static void
writes(struct cli_right_column *columns, size_t n, const struct rules *rules)
{
	for (size_t r = 0; r < rules->n; r++)
		for (size_t i = 0; i < rules->on[r]->nsays; i++) {
			const struct policy_on_table *on = rules->on[r];
			const struct cli_right_column key = {.name = on->says[i].column};
			struct cli_right_column *c = bsearch(&key, columns, n, sizeof(key), column_cmp);
			if (on->says[i].say != POLICY_SAY_SHOW || !c || c->mask.kind != POLICY_MASK_NONE)
				continue;
			if (on->update_all) {
				c->update = true;
				first(&c->update_line, on->action_line[2]);
			}
			if (on->insert_all) {
				c->insert = true;
				first(&c->insert_line, on->action_line[1]);
			}
		}
}

static void
make_columns(struct rights_own *o, struct cli_right_table *t, const struct rules *rules)
{
	size_t max = 0, n = 0, kept = 0;

	for (size_t r = 0; r < rules->n; r++)
		max += rules->on[r]->nsays;
	struct cli_right_column *c = get(o, max + 1, sizeof(*c));
	struct column_lines *at = get(o, max + 1, sizeof(*at));
	for (size_t r = 0; r < rules->n; r++)
		for (size_t i = 0; i < rules->on[r]->nsays; i++)
			c[n++].name = rules->on[r]->says[i].column;
	if (n > 0)
		qsort(c, n, sizeof(*c), column_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !base_span_eq(c[kept - 1].name, c[i].name))
			c[kept++].name = c[i].name;
	for (size_t r = 0; r < rules->n; r++)
		for (size_t i = 0; i < rules->on[r]->nsays; i++) {
			const struct cli_right_column key = {.name = rules->on[r]->says[i].column};
			struct cli_right_column *x = bsearch(&key, c, kept, sizeof(key), column_cmp);
			if (x)
				say(x, &at[x - c], &rules->on[r]->says[i]);
		}
	for (size_t i = 0; i < kept; i++)
		finish(&c[i], &at[i]);
	writes(c, kept, rules);
	t->columns = c;
	t->ncolumns = kept;
}

static void
make_table(struct rights_own *o, struct cli_right_table *t, const struct rules *rules)
{
	struct base_span *rows = get(o, rules->n, sizeof(*rows));
	unsigned *lines = get(o, rules->n, sizeof(*lines));

	t->line = rules->on[0]->table.line;
	for (size_t r = 0; r < rules->n; r++) {
		const struct policy_on_table *on = rules->on[r];
		t->actions |= on->actions;
		for (size_t i = 0; i < BASE_COUNT(t->action_line); i++)
			if (on->actions & 1u << i)
				first(&t->action_line[i], on->action_line[i]);
		bool there = on->rows_line == 0;
		for (size_t i = 0; i < t->nrows && !there; i++)
			there = base_span_eq(rows[i], on->rows_where);
		if (!there) {
			lines[t->nrows] = on->rows_line;
			rows[t->nrows++] = on->rows_where;
		}
	}
	t->rows = rows;
	t->rows_line = lines;
	make_columns(o, t, rules);
}

struct cli_rights *
cli_rights_new(const struct policy_group *const *groups, size_t ngroups)
{
	struct rights_own *o = base_mem_new(1, sizeof(*o));
	size_t max = 0, n = 0, kept = 0;

	o->arena = base_arena_new(ARENA_MAX);
	for (size_t g = 0; g < ngroups; g++)
		max += groups[g]->ntables;
	struct cli_right_table *t = get(o, max + 1, sizeof(*t));
	const struct policy_on_table **on = get(o, max + 1, sizeof(struct policy_on_table *));
	for (size_t g = 0; g < ngroups; g++)
		for (size_t i = 0; i < groups[g]->ntables; i++, n++) {
			t[n].schema = groups[g]->tables[i].table.schema;
			t[n].name = groups[g]->tables[i].table.table;
		}
	if (n > 0)
		qsort(t, n, sizeof(*t), table_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || table_cmp(&t[kept - 1], &t[i]) != 0)
			t[kept++] = t[i];
	for (size_t i = 0; i < kept; i++) {
		struct rules rules = {on, 0};
		for (size_t g = 0; g < ngroups; g++)
			for (size_t k = 0; k < groups[g]->ntables; k++) {
				const struct policy_on_table *x = &groups[g]->tables[k];
				if (name_cmp(x->table.schema, x->table.table, t[i].schema, t[i].name) == 0)
					on[rules.n++] = x;
			}
		make_table(o, &t[i], &rules);
	}
	o->rights.tables = t;
	o->rights.ntables = kept;
	return &o->rights;
}

void
cli_rights_free(struct cli_rights **r)
{
	struct rights_own *o = (struct rights_own *)*r;

	*r = NULL;
	if (!o)
		return;
	base_arena_free(&o->arena);
	free(o);
}

void
cli_mask_words(const struct policy_mask *m, char *dst, size_t size)
{
	char words[64], fixed[160];

	policy_mask_words(m, words, sizeof(words));
	if (m->kind == POLICY_MASK_NONE)
		(void)snprintf(dst, size, "clear");
	else if (m->kind == POLICY_MASK_HIDE)
		(void)snprintf(dst, size, "hidden");
	else if (m->kind == POLICY_MASK_FIXED)
		(void)snprintf(dst, size, "masked fixed \"%s\"", base_text_quote(fixed, sizeof(fixed), m->fixed, 120));
	else
		(void)snprintf(dst, size, "masked %s", words);
}
