/* policy_scope: see policy_scope.h. Merges what a bound policy (policy_map_int.h) says about a person's groups. Order plays no part: permissions are
 * united, prohibitions win, of two masks the stronger and of two limits the smaller is taken, budgets and restrictions all hold; where two rules say the same, the first in the
 * file is named as the reason. Input: a bound policy and names of groups. No I/O; immutable afterwards.
 */
#include "policy_scope.h"

#include <stdlib.h>

#include "policy_map_int.h"

#define SCOPE_ARENA_MAX ((size_t)256 << 20)

struct scope_own {
	struct policy_scope scope; /* first: the handle */
	struct base_arena *arena;  /* own: relations, columns, words */
};

struct scope_build {
	const struct policy_map *map;
	struct scope_own *own;
	bool *member;                            /* for each group of the file */
	struct policy_scope_relation **relation; /* for each of map->named: NULL when no group of the person names it */
	struct policy_scope_budget *budgets;     /* the scope's lists while they are filled */
	struct policy_scope_step *steps;
	struct policy_scope_ask *asks;
	struct policy_scope_only *only;
};

static void *
scope_get(struct scope_build *b, size_t count, size_t size)
{
	return count == 0 || size <= SIZE_MAX / count ? base_arena_get(b->own->arena, count * size) : NULL;
}

static struct policy_where
scope_at(const struct scope_build *b, unsigned line)
{
	return (struct policy_where){(const char *)b->map->file->file.p, line};
}

static void
scope_first(const struct scope_build *b, struct policy_where *w, unsigned line)
{
	if (w->line == 0)
		*w = scope_at(b, line);
}

/* -- relations -- */

static void
scope_subject(const struct scope_build *b, struct policy_scope_relation *r)
{
	r->subject = policy_map_relation(b->map, r->oid);
	for (size_t i = 0; r->subject && i < r->subject->ncolumns; i++) {
		const struct policy_column *c = &r->subject->columns[i];
		if (c->role == POLICY_KEY) {
			r->key = c->attnum;
			return;
		}
		if (c->role == POLICY_LINK && r->key == 0)
			r->key = c->attnum;
	}
}

/* A relation for each table that one of the groups names; nothing is allowed yet. */
static int
scope_relations(struct scope_build *b)
{
	struct policy_scope *s = &b->own->scope;
	const struct policy_file *f = b->map->file;
	bool *named = scope_get(b, b->map->nnamed, sizeof(*named));
	b->relation = scope_get(b, b->map->nnamed, sizeof(struct policy_scope_relation *));
	if (!named || !b->relation)
		return GH_E_NOMEM;
	size_t n = 0;
	for (size_t g = 0; g < f->ngroups; g++)
		for (size_t t = 0; b->member[g] && t < f->groups[g].ntables; t++)
			named[b->map->groups[g][t].named] = true;
	for (size_t i = 0; i < b->map->nnamed; i++)
		n += named[i];
	s->relations = scope_get(b, n, sizeof(*s->relations));
	if (!s->relations)
		return GH_E_NOMEM;
	for (size_t i = 0; i < b->map->nnamed; i++) {
		if (!named[i])
			continue;
		const struct policy_map_named *from = &b->map->named[i];
		struct policy_scope_relation *r = &s->relations[s->nrelations++];
		struct policy_scope_column *columns = scope_get(b, from->ncolumns, sizeof(*columns));
		if (!columns)
			return GH_E_NOMEM;
		for (size_t c = 0; c < from->ncolumns; c++)
			columns[c] = (struct policy_scope_column){.attnum = from->columns[c].attnum, .name = from->columns[c].name, .type_oid = from->columns[c].type_oid};
		*r = (struct policy_scope_relation){.oid = from->oid, .full_name = from->full_name, .columns = columns, .ncolumns = from->ncolumns};
		scope_subject(b, r);
		b->relation[i] = r;
	}
	return 0;
}

/* The columns of a relation that is still being built. */
static struct policy_scope_column *
scope_columns(const struct policy_scope_relation *r)
{
	return (struct policy_scope_column *)(uintptr_t)r->columns;
}

static void
scope_mask(const struct scope_build *b, struct policy_scope_column *c, const struct policy_mask *m, unsigned line)
{
	c->known = true;
	if (c->mask.kind != POLICY_MASK_NONE && policy_mask_stronger(&c->mask, m) == &c->mask)
		return;
	c->mask = *m;
	c->masked = scope_at(b, line);
}

static void
scope_say(const struct scope_build *b, struct policy_scope_column *c, const struct policy_say_column *s)
{
	static const struct policy_mask hide = {.kind = POLICY_MASK_HIDE};
	switch (s->say) {
	case POLICY_SAY_SHOW:
		c->known = true;
		scope_first(b, &c->shown, s->line);
		break;
	case POLICY_SAY_MASK:
		scope_mask(b, c, &s->mask, s->line);
		break;
	case POLICY_SAY_HIDE:
		scope_mask(b, c, &hide, s->line);
		break;
	case POLICY_SAY_LOOKUP:
		scope_first(b, &c->looked, s->line);
		break;
	case POLICY_SAY_NEVER_FILTER:
		scope_first(b, &c->never, s->line);
		break;
	case POLICY_SAY_UPDATE:
		c->update = true;
		scope_first(b, &c->updated, s->line);
		break;
	case POLICY_SAY_INSERT:
		c->insert = true;
		scope_first(b, &c->inserted, s->line);
		break;
	}
}

static void
scope_rows(const struct scope_build *b, struct policy_scope_relation *r, const struct policy_map_rules *rules)
{
	if (rules->on->rows_line == 0 || rules->question == SIZE_MAX)
		return;
	const struct policy_map_question *q = &b->map->questions[rules->question];
	if (r->rows.line == 0) {
		r->rows = scope_at(b, rules->on->rows_line);
		r->rows_text = rules->on->rows_where;
		r->rows_hash_known = q->known;
		memcpy(r->rows_hash, q->hash, sizeof(r->rows_hash));
	} else if (!q->known || !r->rows_hash_known || memcmp(r->rows_hash, q->hash, sizeof(r->rows_hash)) != 0) {
		/* Two conditions, or one that the server has not confirmed: only equal ones can be checked as one. */
		if (!base_span_eq(r->rows_text, rules->on->rows_where))
			scope_first(b, &r->rows_other, rules->on->rows_line);
		r->rows_hash_known = false;
	}
}

static void
scope_rules(const struct scope_build *b, const struct policy_map_rules *rules)
{
	struct policy_scope_relation *r = b->relation[rules->named];
	const struct policy_on_table *on = rules->on;
	scope_first(b, &r->at, on->table.line);
	r->actions |= on->actions;
	for (size_t i = 0; i < BASE_COUNT(r->action); i++)
		if (on->actions & 1u << i)
			scope_first(b, &r->action[i], on->action_line[i]);
	for (size_t i = 0; i < on->nsays; i++)
		scope_say(b, &scope_columns(r)[rules->column[i]], &on->says[i]);
	scope_rows(b, r, rules);
}

/* `update` and `insert` without columns mean those that this rule shows and that are clear when everything is merged. */
static void
scope_writes(const struct scope_build *b, const struct policy_map_rules *rules)
{
	const struct policy_on_table *on = rules->on;
	for (size_t i = 0; i < on->nsays; i++) {
		struct policy_scope_column *c = &scope_columns(b->relation[rules->named])[rules->column[i]];
		if (on->says[i].say != POLICY_SAY_SHOW || c->mask.kind != POLICY_MASK_NONE)
			continue;
		if (on->update_all) {
			c->update = true;
			scope_first(b, &c->updated, on->action_line[2]);
		}
		if (on->insert_all) {
			c->insert = true;
			scope_first(b, &c->inserted, on->action_line[1]);
		}
	}
}

/* Where the relation is a subject's: as the map says; its live columns stand in the same order there. */
static void
scope_harmless(struct policy_scope_relation *r)
{
	for (size_t i = 0, k = 0; i < r->ncolumns; i++) {
		struct policy_scope_column *c = &scope_columns(r)[i];
		while (r->subject && k < r->subject->ncolumns && r->subject->columns[k].attnum < c->attnum)
			k++;
		c->harmless = !r->subject || (k < r->subject->ncolumns && r->subject->columns[k].attnum == c->attnum && r->subject->harmless[k]);
	}
}

static void
scope_finish(struct policy_scope_relation *r)
{
	scope_harmless(r);
	for (size_t i = 0; i < r->ncolumns; i++) {
		struct policy_scope_column *c = &scope_columns(r)[i];
		c->lookup = c->looked.line != 0 && c->never.line == 0;
		c->open = c->known && c->mask.kind == POLICY_MASK_NONE && c->never.line == 0;
	}
}

/* -- the person -- */

static void
scope_group(const struct scope_build *b, const struct policy_group *g)
{
	struct policy_scope *s = &b->own->scope;
	if (g->treat > s->treat) /* ENFORCE is the greater */
		s->treat = g->treat;
	if (g->limit_rows != 0 && (s->limit_rows == 0 || g->limit_rows < s->limit_rows)) {
		s->limit_rows = g->limit_rows;
		s->limit = scope_at(b, g->limit_line);
	}
	if (g->no_copy_line != 0)
		scope_first(b, &s->no_copy, g->no_copy_line);
	if (g->no_cursor_line != 0)
		scope_first(b, &s->no_cursor, g->no_cursor_line);
}

/* -- how many, why, when -- */

static bool
scope_counts_subjects(const struct policy_count *c)
{
	return c->noun == POLICY_NOUN_SUBJECT;
}

/* Room for what all of the groups say: all of it holds. */
static int
scope_lists(struct scope_build *b)
{
	const struct policy_file *f = b->map->file;
	size_t budgets = 0, steps = 0, asks = 0, only = 0;
	for (size_t i = 0; i < f->ngroups; i++) {
		if (!b->member[i])
			continue;
		budgets += f->groups[i].nbudgets;
		steps += f->groups[i].nsteps;
		asks += f->groups[i].nasks;
		only++;
	}
	b->budgets = scope_get(b, budgets, sizeof(*b->budgets));
	b->steps = scope_get(b, steps, sizeof(*b->steps));
	b->asks = scope_get(b, asks, sizeof(*b->asks));
	b->only = scope_get(b, only, sizeof(*b->only));
	if (!b->budgets || !b->steps || !b->asks || !b->only)
		return GH_E_NOMEM;
	struct policy_scope *s = &b->own->scope;
	s->budgets = b->budgets;
	s->steps = b->steps;
	s->asks = b->asks;
	s->only = b->only;
	return 0;
}

static void
scope_counts(const struct scope_build *b, size_t group)
{
	struct policy_scope *s = &b->own->scope;
	const struct policy_group *g = &b->map->file->groups[group];
	for (size_t i = 0; i < g->nbudgets; i++) {
		const struct policy_budget *from = &g->budgets[i];
		b->budgets[s->nbudgets++] = (struct policy_scope_budget){.count = from->count, .holder = from->holder, .group = g->name, .rule = scope_at(b, from->line)};
		s->counts |= scope_counts_subjects(&from->count);
	}
	for (size_t i = 0; i < g->nsteps; i++) {
		const struct policy_step *from = &g->steps[i];
		b->steps[s->nsteps++] = (struct policy_scope_step){.for_table = from->for_table, .oid = b->map->steps[group][i], .after = from->after,
		                                                   .lasting_us = from->lasting_us, .rule = scope_at(b, from->line)};
		s->counts |= !from->for_table && scope_counts_subjects(&from->after);
	}
	for (size_t i = 0; i < g->nasks; i++) {
		const struct policy_ask *from = &g->asks[i];
		b->asks[s->nasks++] = (struct policy_scope_ask){.group = from->group, .after = from->after, .within_us = from->within_us, .lasting_us = from->lasting_us,
		                                                .rule = scope_at(b, from->line)};
		s->counts |= scope_counts_subjects(&from->after);
	}
	if (g->only.networks_line != 0 || g->only.hours_line != 0 || g->only.certificate_line != 0 || g->only.vetted_line != 0)
		b->only[s->nonly++] = (struct policy_scope_only){&g->only, (const char *)b->map->file->file.p};
	if (g->need_purpose_line != 0)
		scope_first(b, &s->need_purpose, g->need_purpose_line);
	if (g->need_case_line != 0)
		scope_first(b, &s->need_case, g->need_case_line);
	if (g->unexplained > s->unexplained) {
		s->unexplained = g->unexplained;
		s->unexplained_rule = scope_at(b, g->unexplained_line);
	}
}

static void
scope_explains(struct policy_scope *s)
{
	s->explains = s->map->file->case_from.line != 0 && (s->need_case.line != 0 || s->unexplained != POLICY_UNEXPLAINED_UNSET);
	s->counts |= s->explains;
}

/* Which groups of the file are the person's, and their names joined. */
static int
scope_members(struct scope_build *b, const struct base_span *groups, size_t ngroups)
{
	const struct policy_file *f = b->map->file;
	size_t size = 0, n = 0;
	b->member = scope_get(b, f->ngroups, sizeof(*b->member));
	if (!b->member)
		return GH_E_NOMEM;
	for (size_t g = 0; g < f->ngroups; g++) {
		for (size_t i = 0; i < ngroups && !b->member[g]; i++)
			b->member[g] = base_span_eq(groups[i], f->groups[g].name);
		size += b->member[g] ? f->groups[g].name.n + 2 : 0; /* at most POLICY_FILE_SIZE_MAX in all */
	}
	uint8_t *words = scope_get(b, size, 1);
	if (!words)
		return GH_E_NOMEM;
	for (size_t g = 0; g < f->ngroups; g++) {
		if (!b->member[g])
			continue;
		if (n > 0) {
			memcpy(words + n, ", ", 2);
			n += 2;
		}
		memcpy(words + n, f->groups[g].name.p, f->groups[g].name.n);
		n += f->groups[g].name.n;
	}
	b->own->scope.group_words = base_span(words, n);
	return 0;
}

int
policy_scope_new(struct policy_map *map, const struct base_span *groups, size_t ngroups, struct policy_scope **scope_r)
{
	struct scope_own *own = base_mem_new(1, sizeof(*own));
	struct scope_build b = {.map = map, .own = own};
	struct policy_scope *s = &own->scope;
	const struct policy_file *f = map->file;
	own->arena = base_arena_new(SCOPE_ARENA_MAX);
	atomic_init(&s->refs, 1);
	policy_map_ref(map);
	s->map = map;

	int err = scope_members(&b, groups, ngroups);
	if (err == 0)
		err = scope_relations(&b);
	if (err == 0)
		err = scope_lists(&b);
	if (err != 0) {
		policy_scope_unref(&s);
		return err;
	}
	for (size_t g = 0; g < f->ngroups; g++) {
		if (!b.member[g])
			continue;
		scope_group(&b, &f->groups[g]);
		scope_counts(&b, g);
		for (size_t t = 0; t < f->groups[g].ntables; t++)
			scope_rules(&b, &map->groups[g][t]);
	}
	for (size_t g = 0; g < f->ngroups; g++)
		for (size_t t = 0; b.member[g] && t < f->groups[g].ntables; t++)
			scope_writes(&b, &map->groups[g][t]);
	for (size_t i = 0; i < s->nrelations; i++)
		scope_finish(&s->relations[i]);
	scope_explains(s);
	if (s->treat == POLICY_TREAT_UNSET)
		s->treat = f->treat;
	*scope_r = s;
	return 0;
}

void
policy_scope_ref(struct policy_scope *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

void
policy_scope_unref(struct policy_scope **s)
{
	struct scope_own *own = (struct scope_own *)*s;
	*s = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->scope.refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_map_unref(&own->scope.map);
	base_arena_free(&own->arena);
	free(own);
}

const struct policy_scope_relation *
policy_scope_relation(const struct policy_scope *s, uint32_t oid)
{
	size_t low = 0, high = s->nrelations;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->relations[mid].oid < oid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->nrelations && s->relations[low].oid == oid ? &s->relations[low] : NULL;
}

const struct policy_scope_column *
policy_scope_column(const struct policy_scope_relation *r, int16_t attnum)
{
	size_t low = 0, high = r->ncolumns;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (r->columns[mid].attnum < attnum)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->ncolumns && r->columns[low].attnum == attnum ? &r->columns[low] : NULL;
}
