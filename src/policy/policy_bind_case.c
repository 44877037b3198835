/* policy_bind_case: binds `case from` and `step up for table` to the catalogue. Input: a checked policy file and the catalogue as policy_bind.c has sorted it. Names
 * become OIDs; a table or column that is not there, and a column whose type does not suit what it is to tell, are errors with their place. No I/O.
 */
#include "policy_bind_int.h"

#include <stdio.h>

enum { CASE_TIMESTAMP = 1114, CASE_TIMESTAMPTZ = 1184, CASE_NAME = 19, CASE_BPCHAR = 1042, CASE_VARCHAR = 1043 };

enum case_want { CASE_CANONICAL, CASE_TEXT, CASE_TIME };

static bool
case_suits(const struct policy_cat_column *c, uint32_t type, enum case_want want)
{
	switch (want) {
	case CASE_CANONICAL: return policy_bind_canonical(c);
	case CASE_TEXT: return type == POLICY_TEXT_OID || type == CASE_VARCHAR || type == CASE_BPCHAR || type == CASE_NAME;
	case CASE_TIME: return type == CASE_TIMESTAMP || type == CASE_TIMESTAMPTZ;
	}
	return false;
}

static int
case_column(struct policy_bind *b, const struct policy_bind_relation *r, struct base_span column, enum case_want want, uint32_t *type_r)
{
	static const char *const rest[] = {
		"has a type without one canonical text (possible are int2, int4, int8, oid, numeric, uuid, text, varchar, char, name and citext)",
		"is not of type text, varchar, char, name or citext",
		"is not of type timestamp with or without time zone",
	};
	struct policy_name at = b->file->case_from.table; /* its place stands for that of the columns, which have none */
	struct policy_bind_column *c;
	at.column = column;
	if (column.n == 0)
		return 0;
	int err = policy_bind_find_column(b, r, &at, &c);
	if (err != 0)
		return err;
	*type_r = base_span_is(c->cat->type_name, "citext") ? POLICY_TEXT_OID : c->cat->type_oid;
	return case_suits(c->cat, *type_r, want) ? 0 : policy_bind_fail(b, GH_E_UNSUPPORTED, &at, "column", column, rest[want], NULL);
}

static int
case_table(struct policy_bind *b)
{
	const struct policy_case_from *f = &b->file->case_from;
	struct policy_case_table *t = &b->map->case_table;
	const struct { struct base_span column; enum case_want want; uint32_t *type; } columns[] = {
		{f->number, CASE_CANONICAL, &t->number_type}, {f->subject, CASE_CANONICAL, &t->subject_type}, {f->person, CASE_TEXT, &t->person_type},
		{f->opener, CASE_TEXT, &t->opener_type},      {f->team, CASE_TEXT, &t->team_type},            {f->opened, CASE_TIME, &t->opened_type},
		{f->closed, CASE_TIME, &t->closed_type},
	};
	struct policy_bind_relation *r;
	if (f->line == 0)
		return 0;
	int err = policy_bind_table(b, &f->table, "table", &r);
	for (size_t i = 0; i < BASE_COUNT(columns) && err == 0; i++)
		err = case_column(b, r, columns[i].column, columns[i].want, columns[i].type);
	if (err == 0)
		t->oid = r->cat->oid;
	return err;
}

/* ---- what shows the rows of a step's table ---- */

struct kin { uint32_t *oid; size_t n, max; };

static void
kin_add(struct kin *k, uint32_t oid)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->oid[i] == oid)
			return;
	if (k->n < k->max) /* each relation at most once: there is room */
		k->oid[k->n++] = oid;
}

/* All that the edges lead to from what is there, and from there on. */
static void
kin_follow(struct kin *k, const struct policy_bind_edge *edges, size_t n)
{
	for (size_t at = 0; at < k->n; at++)
		for (size_t i = 0; i < n; i++)
			if (edges[i].key == k->oid[at])
				kin_add(k, edges[i].other);
}

static int
bind_kin(struct policy_bind *b, uint32_t table)
{
	struct policy_map *m = b->map;
	struct kin k = {.max = b->nrelations + 1};
	struct policy_map_kin *all;

	for (size_t i = 0; i < m->nkin; i++)
		if (m->kin[i].table == table)
			return 0; /* another group's step named it */
	k.oid = policy_bind_get(b->work, k.max, sizeof(*k.oid));
	if (!k.oid)
		return policy_bind_refused(b);
	kin_add(&k, table);
	kin_follow(&k, b->children, b->cat->nchildren);
	kin_follow(&k, b->parents, b->cat->nchildren);
	kin_follow(&k, b->readers, b->cat->nreads);
	all = policy_bind_get(m->arena, m->nkin + k.n, sizeof(*all));
	if (!all)
		return policy_bind_refused(b);
	if (m->nkin > 0)
		memcpy(all, m->kin, m->nkin * sizeof(*all));
	for (size_t i = 0; i < k.n; i++)
		all[m->nkin++] = (struct policy_map_kin){table, k.oid[i]};
	m->kin = all;
	return 0;
}

int
policy_bind_case(struct policy_bind *b)
{
	const struct policy_file *f = b->file;
	struct policy_map *m = b->map;
	m->steps = policy_bind_get(m->arena, f->ngroups, sizeof(*m->steps));
	if (!m->steps)
		return policy_bind_refused(b);
	int err = case_table(b);
	for (size_t g = 0; g < f->ngroups && err == 0; g++) {
		const struct policy_group *from = &f->groups[g];
		m->steps[g] = policy_bind_get(m->arena, from->nsteps, sizeof(*m->steps[g]));
		if (!m->steps[g])
			return policy_bind_refused(b);
		for (size_t i = 0; i < from->nsteps && err == 0; i++) {
			struct policy_bind_relation *r;
			if (!from->steps[i].for_table)
				continue;
			err = policy_bind_table(b, &from->steps[i].table, "table", &r);
			if (err == 0)
				m->steps[g][i] = r->cat->oid;
			if (err == 0)
				err = bind_kin(b, r->cat->oid);
		}
	}
	return err;
}
