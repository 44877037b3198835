/* policy_bind_group: binds what groups say, and the views that are trusted, to the catalogue; writes down what the server must be asked.
 * Input: a checked policy file and the catalogue as policy_bind.c has sorted it. Names become (OID, attnum); a name that is not there, a mask
 * that does not suit its column and a look-up by a column without canonical text are errors with their place. No I/O.
 */
#include "policy_bind_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_text.h"
#include "policy_parse_int.h"
#include "sql_command.h"

#define GROUP_SQL_MAX (32 * (size_t)POLICY_RAW_MAX)

static uint32_t
group_type(const struct policy_cat_column *c)
{
	return base_span_is(c->type_name, "citext") ? POLICY_TEXT_OID : c->type_oid;
}

/* First pass: the tables are there. */
static int
group_mark(struct policy_bind *b)
{
	const struct policy_file *f = b->file;
	for (size_t i = 0; i < f->ngroups; i++) {
		for (size_t t = 0; t < f->groups[i].ntables; t++) {
			struct policy_bind_relation *r;
			int err = policy_bind_table(b, &f->groups[i].tables[t].table, "table", &r);
			if (err != 0)
				return err;
			r->named = true;
		}
	}
	return 0;
}

static int
group_write_named(struct policy_bind *b)
{
	struct policy_map *m = b->map;
	size_t n = 0;
	for (size_t i = 0; i < b->nrelations; i++)
		n += b->relations[i].named;
	m->named = policy_bind_get(m->arena, n, sizeof(*m->named));
	if (!m->named)
		return policy_bind_refused(b);
	for (size_t i = 0; i < b->nrelations; i++) {
		const struct policy_bind_relation *r = &b->relations[i];
		if (!r->named)
			continue;
		struct policy_map_named *named = &m->named[m->nnamed++];
		named->oid = r->cat->oid;
		named->full_name = policy_bind_join(m->arena, r->cat->schema, r->cat->name);
		named->columns = policy_bind_get(m->arena, r->count, sizeof(*named->columns));
		if (!named->full_name.p || !named->columns)
			return policy_bind_refused(b);
		for (size_t c = r->first; c < r->first + r->count; c++) {
			const struct policy_cat_column *cat = b->columns[c].cat;
			const char *name = cat->dropped ? "" : base_arena_str(m->arena, cat->name);
			if (!name)
				return policy_bind_refused(b);
			if (!cat->dropped)
				named->columns[named->ncolumns++] = (struct policy_map_attribute){cat->attnum, group_type(cat), base_span(name, cat->name.n)};
		}
	}
	return 0;
}

static int
group_by_oid(const void *key, const void *item)
{
	uint32_t x = *(const uint32_t *)key, y = ((const struct policy_map_named *)item)->oid;
	return x < y ? -1 : x > y;
}

/* -- what the server must be asked -- */

static void
group_sql(struct base_buf *sql, const char *select, const struct policy_bind_relation *r)
{
	base_buf_str(sql, select);
	sql_quote_identifier(r->cat->schema, sql);
	base_buf_u8(sql, '.');
	sql_quote_identifier(r->cat->name, sql);
}

/* Finds or adds the question; takes `sql`. What is asked alike is asked once. */
static int
group_ask(struct policy_bind *b, struct base_buf *sql, const struct policy_bind_relation *r, bool rows, unsigned line, size_t *question_r)
{
	struct policy_map *m = b->map;
	char about[160], schema[80], name[80];
	size_t i = 0;
	base_buf_u8(sql, 0);
	if (sql->bad)
		return policy_bind_refused(b);
	const char *text = (const char *)base_buf_span(sql).p;
	while (i < m->nquestions && strcmp(m->questions[i].ask.sql, text) != 0)
		i++;
	*question_r = i;
	if (i < m->nquestions)
		return 0;
	(void)snprintf(about, sizeof(about), "%s %s.%s", rows ? "rows of" : "view", base_text_quote(schema, sizeof(schema), r->cat->schema, 64),
	               base_text_quote(name, sizeof(name), r->cat->name, 64));
	struct policy_map_question *q = &m->questions[i];
	const char *about_copy = base_arena_str(m->arena, base_span_str(about));
	q->ask.sql = base_arena_str(m->arena, base_span_str(text));
	if (!about_copy || !q->ask.sql)
		return policy_bind_refused(b);
	q->ask.about = base_span_str(about_copy);
	q->ask.at = (struct policy_where){(const char *)m->file->file.p, line};
	q->oid = r->cat->oid;
	q->rows = rows;
	m->nquestions++;
	return 0;
}

static int
group_ask_rows(struct policy_bind *b, const struct policy_on_table *on, const struct policy_bind_relation *r, size_t *question_r)
{
	struct base_buf sql;
	base_buf_init(&sql, GROUP_SQL_MAX);
	group_sql(&sql, "SELECT 1 FROM ", r);
	base_buf_str(&sql, " WHERE (");
	int err = policy_where_sql(on->rows_where, true, &sql, b->fail);
	base_buf_u8(&sql, ')');
	if (err == 0)
		err = group_ask(b, &sql, r, true, on->rows_line, question_r);
	base_buf_done(&sql);
	return err;
}

static int
group_ask_view(struct policy_bind *b, const struct policy_trust *t)
{
	struct policy_map *m = b->map;
	struct policy_bind_relation *r;
	struct base_buf sql;
	int err = policy_bind_table(b, &t->name, "view", &r);
	if (err != 0)
		return err;
	if (r->cat->relkind != 'v')
		return policy_bind_fail(b, GH_E_UNSUPPORTED, &t->name, "relation", t->name.table,
		                        r->cat->relkind == 'm' ? "is a materialised view: it has rows of its own; name it in \"on table\"" : "is not a view", NULL);
	struct policy_map_trusted *trusted = &m->trusted[m->ntrusted];
	base_buf_init(&sql, GROUP_SQL_MAX);
	group_sql(&sql, "SELECT * FROM ", r);
	err = group_ask(b, &sql, r, false, t->name.line, &trusted->question);
	base_buf_done(&sql);
	trusted->oid = r->cat->oid;
	m->ntrusted += err == 0;
	return err;
}

/* -- the rules -- */

static int
group_check_say(struct policy_bind *b, const struct policy_say_column *s, const struct policy_name *at, const struct policy_cat_column *cat)
{
	if (s->say == POLICY_SAY_LOOKUP && !policy_bind_canonical(cat))
		return policy_bind_fail(b, GH_E_UNSUPPORTED, at, "column", s->column,
		                        "has a type that cannot be looked up by (possible are int2, int4, int8, oid, numeric, uuid, text, varchar, char, "
		                        "name and citext)", NULL);
	const char *why = s->say == POLICY_SAY_MASK ? policy_mask_unsuitable(&s->mask, group_type(cat)) : NULL;
	if (!why)
		return 0;
	char rest[320], mask[32], type[80];
	policy_mask_words(&s->mask, mask, sizeof(mask));
	(void)snprintf(rest, sizeof(rest), "is of type %s and cannot be masked as %s: %s", base_text_quote(type, sizeof(type), cat->type_name, 64), mask, why);
	return policy_bind_fail(b, GH_E_UNSUPPORTED, at, "column", s->column, rest, NULL);
}

static int
group_write_rules(struct policy_bind *b, const struct policy_on_table *on, struct policy_map_rules *rules)
{
	struct policy_map *m = b->map;
	struct policy_bind_relation *r;
	int err = policy_bind_table(b, &on->table, "table", &r);
	if (err != 0)
		return err;
	const struct policy_map_named *named = bsearch(&r->cat->oid, m->named, m->nnamed, sizeof(*named), group_by_oid);
	*rules = (struct policy_map_rules){.on = on, .named = (size_t)(named - m->named), .question = SIZE_MAX};
	rules->column = policy_bind_get(m->arena, on->nsays, sizeof(*rules->column));
	if (!rules->column)
		return policy_bind_refused(b);
	for (size_t i = 0; i < on->nsays && err == 0; i++) {
		const struct policy_say_column *s = &on->says[i];
		struct policy_name at = {.column = s->column, .line = s->line, .col = s->col};
		struct policy_bind_column *c;
		err = policy_bind_find_column(b, r, &at, &c);
		if (err == 0)
			err = group_check_say(b, s, &at, c->cat);
		for (size_t k = 0; err == 0 && k < named->ncolumns; k++)
			if (named->columns[k].attnum == c->cat->attnum)
				rules->column[i] = k;
	}
	if (err == 0 && on->rows_line != 0)
		err = group_ask_rows(b, on, r, &rules->question);
	return err;
}

static int
group_by_view(const void *a, const void *b)
{
	uint32_t x = ((const struct policy_map_trusted *)a)->oid, y = ((const struct policy_map_trusted *)b)->oid;
	return x < y ? -1 : x > y;
}

int
policy_bind_groups(struct policy_bind *b)
{
	const struct policy_file *f = b->file;
	struct policy_map *m = b->map;
	size_t questions = f->ntrusts;
	for (size_t i = 0; i < f->ngroups; i++)
		questions += f->groups[i].ntables;
	m->groups = policy_bind_get(m->arena, f->ngroups, sizeof(*m->groups));
	m->questions = policy_bind_get(m->arena, questions, sizeof(*m->questions));
	m->trusted = policy_bind_get(m->arena, f->ntrusts, sizeof(*m->trusted));
	if (!m->groups || !m->questions || !m->trusted)
		return policy_bind_refused(b);
	int err = group_mark(b);
	if (err == 0)
		err = group_write_named(b);
	for (size_t i = 0; i < f->ngroups && err == 0; i++) {
		const struct policy_group *g = &f->groups[i];
		m->groups[i] = policy_bind_get(m->arena, g->ntables, sizeof(*m->groups[i]));
		if (!m->groups[i])
			return policy_bind_refused(b);
		for (size_t t = 0; t < g->ntables && err == 0; t++)
			err = group_write_rules(b, &g->tables[t], &m->groups[i][t]);
	}
	for (size_t i = 0; i < f->ntrusts && err == 0; i++)
		if (!f->trusts[i].function)
			err = group_ask_view(b, &f->trusts[i]);
	if (m->ntrusted > 1)
		qsort(m->trusted, m->ntrusted, sizeof(*m->trusted), group_by_view);
	return err;
}
