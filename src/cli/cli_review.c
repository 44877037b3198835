/* cli_review: see cli_review.h. Input: decoded entries, a parsed policy. No I/O. */
#include "cli_review.h"

#include <stdlib.h>
#include <strings.h>

#include "base_buf.h"
#include "base_map.h"
#include "base_mem.h"

#define MARK 8u
#define SEEN 1u
#define CLEAR 2u
#define CUT "\xe2\x80\xa6"

void
cli_review_init(struct cli_review *r, const struct policy_file *policy)
{
	*r = (struct cli_review){.policy = policy, .group = base_mem_new(policy->ngroups + 1, sizeof(*r->group)), .used = base_map_new(0, NULL), .actors = base_map_new(0, NULL),
	                         .active = base_map_new(0, NULL), .marks = cli_marks_new(CLI_MARKS_MAX)};
}

void
cli_review_done(struct cli_review *r)
{
	free(r->group);
	base_map_free(&r->used);
	base_map_free(&r->actors);
	base_map_free(&r->active);
	cli_marks_free(&r->marks);
	*r = (struct cli_review){0};
}

/* True: it was not there. */
static bool
put(struct base_map *m, struct base_span a, unsigned what, struct base_span b)
{
	struct base_buf key;

	base_buf_init(&key, 65536);
	base_buf_u32(&key, (uint32_t)what);
	base_buf_u32(&key, (uint32_t)a.n);
	base_buf_put(&key, a);
	base_buf_put(&key, b);
	bool new = base_map_get(m, base_buf_span(&key)) == NULL;
	if (new && (key.bad || base_map_put(m, base_buf_span(&key), m) < 0))
		abort(); /* names of a few hundred bytes */
	base_buf_done(&key);
	return new;
}

bool
cli_review_used(const struct cli_review *r, struct base_span group, enum cli_use use, const char *name)
{
	struct base_buf key;

	base_buf_init(&key, 65536);
	base_buf_u32(&key, (uint32_t)use);
	base_buf_u32(&key, (uint32_t)group.n);
	base_buf_put(&key, group);
	base_buf_str(&key, name);
	bool used = !key.bad && base_map_get(r->used, base_buf_span(&key)) != NULL;
	base_buf_done(&key);
	return used;
}

static bool
same_table(const struct policy_name *n, struct base_span schema, struct base_span table)
{
	return base_span_eq(n->schema, schema) && base_span_eq(n->table, table);
}

bool
cli_review_told(const struct policy_file *f, struct base_span schema, struct base_span table)
{
	for (size_t i = 0; i < f->nsubjects; i++) {
		const struct policy_subject *s = &f->subjects[i];
		if (same_table(&s->table, schema, table))
			return true;
		for (size_t k = 0; k < s->nlinked; k++)
			if (same_table(&s->linked[k], schema, table))
				return true;
	}
	return false;
}

/* Is "public.customers.id" this column? */
static bool
is_column(struct base_span full, const struct policy_name *table, struct base_span column)
{
	struct base_buf b;

	base_buf_init(&b, 65536);
	base_buf_put(&b, table->schema);
	base_buf_u8(&b, '.');
	base_buf_put(&b, table->table);
	base_buf_u8(&b, '.');
	base_buf_put(&b, column);
	bool same = !b.bad && base_span_eq(base_buf_span(&b), full);
	base_buf_done(&b);
	return same;
}

static bool
is_key(const struct policy_file *f, struct base_span full)
{
	for (size_t i = 0; i < f->nsubjects; i++) {
		const struct policy_subject *s = &f->subjects[i];
		if (is_column(full, &s->table, s->key.column))
			return true;
		for (size_t k = 0; k < s->nlinked; k++)
			if (is_column(full, &s->linked[k], s->linked[k].column))
				return true;
	}
	return false;
}

static size_t
count_of(const struct event_list *l)
{
	return l->count < EVENT_LIST_MAX ? l->count : EVENT_LIST_MAX;
}

static bool
is_masked(const struct event_entry *e, struct base_span column)
{
	for (size_t i = 0; i < count_of(&e->masked); i++) {
		struct base_span m = e->masked.item[i];
		if (m.n > column.n && memcmp(m.p, column.p, column.n) == 0 && m.p[column.n] == ' ')
			return true;
	}
	return false;
}

bool
cli_review_clear(const struct policy_file *f, const struct event_entry *e, size_t tuple)
{
	if (tuple < e->classes.n)
		return (e->classes.p[tuple] & 0x20) == 0;
	for (size_t i = 0; i < count_of(&e->columns); i++)
		if (!is_masked(e, e->columns.item[i]) && !is_key(f, e->columns.item[i]))
			return true;
	return false;
}

static bool
ends_cut(const struct event_list *l)
{
	return l->count > 0 && base_span_is(l->item[count_of(l) - 1], CUT);
}

static void
use_lookup(struct cli_review *r, const struct event_entry *e, struct base_span group)
{
	const struct policy_file *f = r->policy;

	for (size_t k = 0; k < count_of(&e->kinds); k++)
		for (size_t i = 0; i < f->nsubjects; i++)
			for (size_t n = 0; n < f->subjects[i].nidentifiers; n++) {
				const struct policy_subject *s = &f->subjects[i];
				const struct policy_identifier *id = &s->identifiers[n];
				struct base_span kind = e->kinds.item[k];
				struct base_buf name;
				if (kind.n != s->name.n + 1 + id->kind.n || memcmp(kind.p, s->name.p, s->name.n) != 0 || memcmp(kind.p + s->name.n + 1, id->kind.p, id->kind.n) != 0)
					continue;
				base_buf_init(&name, 65536);
				base_buf_fmt(&name, "%.*s.%.*s.%.*s", (int)s->table.schema.n, (const char *)s->table.schema.p, (int)s->table.table.n, (const char *)s->table.table.p, (int)id->column.column.n,
				             (const char *)id->column.column.p);
				(void)put(r->used, group, CLI_USE_LOOKUP, base_buf_span(&name));
				base_buf_done(&name);
			}
}

/* The writing verb of a text; what begins otherwise (WITH) may be any of them. */
static bool
writes(struct base_span text, enum cli_use use)
{
	static const char *const verb[] = {NULL, NULL, "insert ", "update ", "delete "};
	bool other = true;

	for (size_t i = CLI_USE_INSERT; i <= CLI_USE_DELETE; i++)
		if (text.n > 7 && strncasecmp((const char *)text.p, verb[i], 7) == 0) {
			if (i == (size_t)use)
				return true;
			other = false;
		}
	return other;
}

static int
persons(struct cli_review *r, const struct event_entry *e, uint32_t group)
{
	size_t width = count_of(&e->kinds), tuples = width ? e->marks.n / (width * MARK) : 0;

	for (size_t t = 0; t < tuples && e->rows > 0; t++) {
		unsigned flags = SEEN | (cli_review_clear(r->policy, e, t) ? CLEAR : 0), before = 0;
		for (size_t k = 0; k < width; k++) {
			struct base_span kind = e->kinds.item[k];
			struct base_cursor c = base_cursor(base_span(e->marks.p + (t * width + k) * MARK, MARK));
			uint64_t mark = base_cursor_u64(&c);
			if (mark == 0 || kind.n < 4 || memcmp(kind.p + kind.n - 4, ".key", 4) != 0)
				continue;
			/* Marks of different subjects and years are different numbers: they need no owner of their own. */
			int rc = cli_marks_set(r->marks, group, mark, flags, &before);
			if (rc < 0)
				return rc;
			r->group[group].persons += before == 0;
			r->group[group].clear += (flags & CLEAR) && !(before & CLEAR);
		}
	}
	return 0;
}

int
cli_review_add(struct cli_review *r, const struct event_entry *e)
{
	bool known = false;
	int rc = 0;

	r->entries++;
	r->cut += ends_cut(&e->columns) || ends_cut(&e->tables) || ends_cut(&e->groups);
	(void)put(r->active, e->actor, 0, base_span("", 0));
	for (size_t g = 0; g < r->policy->ngroups && rc == 0; g++) {
		struct base_span name = r->policy->groups[g].name;
		bool in = false;
		for (size_t i = 0; i < count_of(&e->groups) && !in; i++)
			in = base_span_eq(e->groups.item[i], name);
		if (!in)
			continue;
		known = true;
		r->group[g].looks += e->part <= 1;
		r->group[g].actors += put(r->actors, name, 0, e->actor);
		for (size_t i = 0; i < count_of(&e->columns); i++)
			(void)put(r->used, name, CLI_USE_READ, e->columns.item[i]);
		if (e->probe.n > 0)
			use_lookup(r, e, name);
		for (size_t i = 0; i < count_of(&e->tables) && e->kind == EVENT_WRITE; i++)
			for (unsigned use = CLI_USE_INSERT; use <= CLI_USE_DELETE; use++)
				if (writes(e->text, (enum cli_use)use))
					(void)put(r->used, name, use, e->tables.item[i]);
		rc = persons(r, e, (uint32_t)g);
	}
	r->strange += !known;
	return rc;
}
