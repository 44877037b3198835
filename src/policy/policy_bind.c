/* policy_bind: binds a policy file to a catalogue (policy_map.h has the contract).
 *
 * Input: a checked policy file, and rows that came from the server, which are read as if hostile: any order, duplicates, edges to
 * relations that are not there, cycles. Method: sort the rows; find the named tables and columns; grow the set of protected relations along
 * the edges; give each column its role by a work list that starts at the policy's own columns; write the result in one arena.
 * No I/O.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_num.h"
#include "base_text.h"
#include "policy_bind_int.h"
#include "policy_parse_int.h"

#define BIND_ARENA_MAX ((size_t)256 << 20)
#define BIND_ROWS_MAX ((size_t)16 << 20) /* of one kind in a catalogue */

/* -- sorting and finding -- */

static int
bind_by_oid(const void *a, const void *b)
{
	uint32_t x = ((const struct policy_bind_relation *)a)->cat->oid, y = ((const struct policy_bind_relation *)b)->cat->oid;
	return x < y ? -1 : x > y;
}

static int
bind_by_attnum(const void *a, const void *b)
{
	const struct policy_cat_column *x = ((const struct policy_bind_column *)a)->cat, *y = ((const struct policy_bind_column *)b)->cat;
	if (x->oid != y->oid)
		return x->oid < y->oid ? -1 : 1;
	return x->attnum < y->attnum ? -1 : x->attnum > y->attnum;
}

static int
bind_by_base(const void *a, const void *b)
{
	const struct policy_cat_view *x = a, *y = b;
	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return x->base_attnum < y->base_attnum ? -1 : x->base_attnum > y->base_attnum;
}

static int
bind_by_key(const void *a, const void *b)
{
	const struct policy_bind_edge *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->other < y->other ? -1 : x->other > y->other;
}

static int
bind_by_text(const void *a, const void *b)
{
	return base_span_cmp(*(const struct base_span *)a, *(const struct base_span *)b);
}

static int
bind_by_relname(const void *a, const void *b)
{
	const struct policy_relation *x = *(const struct policy_relation *const *)a, *y = *(const struct policy_relation *const *)b;
	int order = base_span_cmp(x->name, y->name);
	return order != 0 ? order : base_span_cmp(x->schema, y->schema);
}

static struct policy_bind_relation *
bind_relation(const struct policy_bind *b, uint32_t oid)
{
	struct policy_cat_relation cat = {.oid = oid};
	struct policy_bind_relation key = {.cat = &cat};
	return b->nrelations == 0 ? NULL : bsearch(&key, b->relations, b->nrelations, sizeof(key), bind_by_oid);
}

static struct policy_bind_column *
bind_column(const struct policy_bind *b, uint32_t oid, int16_t attnum)
{
	struct policy_cat_column cat = {.oid = oid, .attnum = attnum};
	struct policy_bind_column key = {.cat = &cat};
	return b->ncolumns == 0 ? NULL : bsearch(&key, b->columns, b->ncolumns, sizeof(key), bind_by_attnum);
}

static struct policy_bind_column *
bind_column_named(const struct policy_bind *b, const struct policy_bind_relation *r, struct base_span name)
{
	for (size_t i = r->first; i < r->first + r->count; i++)
		if (!b->columns[i].cat->dropped && base_span_eq(b->columns[i].cat->name, name))
			return &b->columns[i];
	return NULL;
}

/* First edge of a key in a sorted list. */
static size_t
bind_first_edge(const struct policy_bind_edge *edges, size_t n, uint32_t key)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (edges[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
policy_bind_refused(struct policy_bind *b)
{
	return base_fail_set(b->fail, GH_E_LIMIT, "the catalogue is too large to bind the policy to");
}

void *
policy_bind_get(struct base_arena *arena, size_t count, size_t size)
{
	size_t n;
	return count <= BIND_ROWS_MAX && base_num_mul(count, size, &n) ? base_arena_get(arena, n) : NULL;
}

static struct policy_bind_edge *
bind_edges(struct policy_bind *b, const struct policy_cat_edge *rows, size_t n, bool by_from)
{
	struct policy_bind_edge *e = policy_bind_get(b->work, n, sizeof(*e));
	for (size_t i = 0; e && i < n; i++)
		e[i] = by_from ? (struct policy_bind_edge){rows[i].from, rows[i].to} : (struct policy_bind_edge){rows[i].to, rows[i].from};
	if (e && n > 1)
		qsort(e, n, sizeof(*e), bind_by_key);
	return e;
}

static int
bind_index(struct policy_bind *b)
{
	const struct policy_catalogue *c = b->cat;
	b->relations = policy_bind_get(b->work, c->nrelations, sizeof(*b->relations));
	b->columns = policy_bind_get(b->work, c->ncolumns, sizeof(*b->columns));
	b->views = policy_bind_get(b->work, c->nviews, sizeof(*b->views));
	b->readers = bind_edges(b, c->reads, c->nreads, false);
	b->children = bind_edges(b, c->children, c->nchildren, false);
	b->parents = bind_edges(b, c->children, c->nchildren, true);
	b->queue = policy_bind_get(b->work, c->nrelations > c->ncolumns ? c->nrelations : c->ncolumns, sizeof(*b->queue));
	if (!b->relations || !b->columns || !b->views || !b->readers || !b->children || !b->parents || !b->queue)
		return policy_bind_refused(b);
	for (size_t i = 0; i < c->nrelations; i++)
		b->relations[i].cat = &c->relations[i];
	for (size_t i = 0; i < c->ncolumns; i++)
		b->columns[i].cat = &c->columns[i];
	if (c->nrelations > 1)
		qsort(b->relations, c->nrelations, sizeof(*b->relations), bind_by_oid);
	if (c->ncolumns > 1)
		qsort(b->columns, c->ncolumns, sizeof(*b->columns), bind_by_attnum);
	for (size_t i = 0; i < c->nviews; i++)
		b->views[i] = c->views[i];
	if (c->nviews > 1)
		qsort(b->views, c->nviews, sizeof(*b->views), bind_by_base);

	for (size_t i = 0; i < c->nrelations; i++)
		if (b->nrelations == 0 || bind_by_oid(&b->relations[b->nrelations - 1], &b->relations[i]) != 0)
			b->relations[b->nrelations++] = b->relations[i];
	for (size_t i = 0; i < c->ncolumns; i++)
		if (b->columns[i].cat->attnum > 0 && (b->ncolumns == 0 || bind_by_attnum(&b->columns[b->ncolumns - 1], &b->columns[i]) != 0))
			b->columns[b->ncolumns++] = b->columns[i];
	for (size_t i = 0; i < b->ncolumns; i++) {
		struct policy_bind_relation *r = bind_relation(b, b->columns[i].cat->oid);
		if (r && r->count++ == 0)
			r->first = i;
	}
	return 0;
}

/* -- names of the policy -- */

int
policy_bind_fail(struct policy_bind *b, int code, const struct policy_name *at, const char *what, struct base_span name, const char *rest, const char *near)
{
	char quoted[256];
	return base_fail_set(b->fail, code, "%.*s:%u:%u: %s \"%s\" %s%s%s%s", (int)b->file->file.n, (const char *)b->file->file.p, at->line,
	                     at->col, what, base_text_quote(quoted, sizeof(quoted), name, 200), rest, near ? "; did you mean \"" : "",
	                     near ? near : "", near ? "\"?" : "");
}

/* The nearest of the names, copied NUL-terminated into the work arena; NULL when none is near. */
static const char *
bind_near(struct policy_bind *b, struct base_span word, const struct base_span *names, size_t n)
{
	const char **list = policy_bind_get(b->work, n, sizeof(*list));
	size_t count = 0;
	for (size_t i = 0; list && i < n; i++) {
		const char *copy = base_arena_str(b->work, names[i]);
		if (copy)
			list[count++] = copy;
	}
	return list ? base_text_nearest(word, list, count) : NULL;
}

static bool
bind_holds_rows(char relkind)
{
	return relkind == 'r' || relkind == 'p' || relkind == 'f' || relkind == 'm' || relkind == 'v';
}

int
policy_bind_table(struct policy_bind *b, const struct policy_name *name, const char *what, struct policy_bind_relation **r_r)
{
	for (size_t i = 0; i < b->nrelations; i++) {
		const struct policy_cat_relation *c = b->relations[i].cat;
		if (bind_holds_rows(c->relkind) && base_span_eq(c->schema, name->schema) && base_span_eq(c->name, name->table)) {
			*r_r = &b->relations[i];
			return 0;
		}
	}
	struct base_span *near = policy_bind_get(b->work, b->nrelations, sizeof(*near));
	size_t n = 0;
	for (size_t i = 0; near && i < b->nrelations; i++)
		if (bind_holds_rows(b->relations[i].cat->relkind) && base_span_eq(b->relations[i].cat->schema, name->schema))
			near[n++] = b->relations[i].cat->name;
	char full[160], schema[80], table[80];
	(void)snprintf(full, sizeof(full), "%s.%s", base_text_quote(schema, sizeof(schema), name->schema, 64),
	               base_text_quote(table, sizeof(table), name->table, 64));
	return policy_bind_fail(b, GH_E_MISSING, name, what, base_span_str(full), "does not exist", near ? bind_near(b, name->table, near, n) : NULL);
}

/* Types whose values have one canonical text; mask_value.c decodes exactly these. */
bool
policy_bind_canonical(const struct policy_cat_column *c)
{
	static const uint32_t oids[] = {
		19 /* name */, 20 /* int8 */, 21 /* int2 */, 23 /* int4 */, POLICY_TEXT_OID, 26 /* oid */, 1042 /* bpchar */, 1043 /* varchar */,
		1700 /* numeric */, 2950 /* uuid */,
	};
	for (size_t i = 0; i < BASE_COUNT(oids); i++)
		if (c->type_oid == oids[i])
			return true;
	return base_span_is(c->type_name, "citext");
}

int
policy_bind_find_column(struct policy_bind *b, const struct policy_bind_relation *r, const struct policy_name *name, struct policy_bind_column **c_r)
{
	struct policy_bind_column *c = bind_column_named(b, r, name->column);
	if (!c) {
		struct base_span *near = policy_bind_get(b->work, r->count, sizeof(*near));
		size_t n = 0;
		for (size_t i = r->first; near && i < r->first + r->count; i++)
			if (!b->columns[i].cat->dropped)
				near[n++] = b->columns[i].cat->name;
		return policy_bind_fail(b, GH_E_MISSING, name, "column", name->column, "does not exist in this table",
		                        near ? bind_near(b, name->column, near, n) : NULL);
	}
	*c_r = c;
	return 0;
}

/* The same for a column that tells a person. */
static int
bind_find_person(struct policy_bind *b, const struct policy_bind_relation *r, const struct policy_name *name, struct policy_bind_column **c_r)
{
	struct policy_bind_column *c;
	int err = policy_bind_find_column(b, r, name, &c);
	if (err != 0)
		return err;
	if (!policy_bind_canonical(c->cat))
		return policy_bind_fail(b, GH_E_UNSUPPORTED, name, "column", name->column,
		                        "has a type that cannot tell a person (possible are int2, int4, int8, oid, numeric, uuid, text, varchar, "
		                        "char, name and citext)", NULL);
	*c_r = c;
	return 0;
}

/* "customer.phone"; the same text gives the same number. */
static int
bind_kind(struct policy_bind *b, struct base_span subject, struct base_span word, unsigned *kind_r)
{
	char text[2 * 64 + 2];
	int n = snprintf(text, sizeof(text), "%.*s.%.*s", (int)subject.n, (const char *)subject.p, (int)word.n, (const char *)word.p);
	if (n < 0 || (size_t)n >= sizeof(text))
		return policy_bind_refused(b);
	struct policy_map *m = b->map;
	for (size_t i = 0; i < m->nkinds; i++) {
		if (base_span_is(m->kinds[i], text)) {
			*kind_r = (unsigned)i;
			return 0;
		}
	}
	const char *copy = base_arena_str(m->arena, base_span_str(text));
	if (!copy)
		return policy_bind_refused(b);
	m->kinds[m->nkinds] = base_span_str(copy);
	*kind_r = (unsigned)m->nkinds++;
	return 0;
}

static int
bind_name(struct policy_bind *b, const struct policy_name *name, enum policy_role role, unsigned kind, enum policy_norm norm,
          struct base_span country)
{
	struct policy_bind_relation *r;
	struct policy_bind_column *c;
	int err = policy_bind_table(b, name, "table", &r);
	if (err == 0)
		err = bind_find_person(b, r, name, &c);
	if (err != 0)
		return err;
	r->down = r->in = true;
	c->set = true;
	c->role = role;
	c->kind = kind;
	c->norm = norm;
	c->country = country;
	return 0;
}

static int
bind_subject(struct policy_bind *b, const struct policy_subject *s)
{
	struct base_span none = base_span("", 0);
	struct policy_bind_relation *r;
	struct policy_bind_column *key;
	unsigned kind;
	int err = policy_bind_table(b, &s->table, "table", &r);
	if (err == 0)
		err = bind_find_person(b, r, &s->key, &key);
	if (err == 0)
		err = bind_kind(b, s->name, base_span_str(POLICY_KIND_KEY), &kind);
	if (err != 0)
		return err;
	enum policy_norm norm = base_span_is(key->cat->type_name, "citext") ? POLICY_NORM_TEXT : POLICY_NORM_KEY;
	err = bind_name(b, &s->key, POLICY_KEY, kind, norm, none);
	for (size_t i = 0; i < s->nlinked && err == 0; i++)
		err = bind_name(b, &s->linked[i], POLICY_LINK, kind, norm, none);
	for (size_t i = 0; i < s->nidentifiers && err == 0; i++) {
		const struct policy_identifier *id = &s->identifiers[i];
		err = bind_kind(b, s->name, id->kind, &kind);
		if (err == 0)
			err = bind_name(b, &id->column, POLICY_IDENTIFIER, kind, id->norm, id->country);
	}
	for (size_t i = 0; i < s->nharmless && err == 0; i++) {
		struct policy_bind_column *c;
		err = policy_bind_table(b, &s->harmless[i], "table", &r);
		if (err == 0)
			err = policy_bind_find_column(b, r, &s->harmless[i], &c);
		if (err == 0)
			c->harmless = true;
	}
	return err;
}

static int
bind_subjects(struct policy_bind *b)
{
	const struct policy_file *f = b->file;
	size_t kinds = 0;
	for (size_t i = 0; i < f->nsubjects; i++)
		kinds += 1 + f->subjects[i].nidentifiers;
	b->map->kinds = policy_bind_get(b->map->arena, kinds, sizeof(*b->map->kinds));
	if (!b->map->kinds)
		return policy_bind_refused(b);
	int err = 0;
	for (size_t i = 0; i < f->nsubjects && err == 0; i++)
		err = bind_subject(b, &f->subjects[i]);
	return err;
}

/* -- which relations, which roles -- */

/* Follows edges from every relation in the queue and behind it. `down` marks what may hand its roles further down. */
static void
bind_follow(struct policy_bind *b, const struct policy_bind_edge *edges, size_t n, bool down)
{
	for (size_t at = 0; at < b->nqueue; at++) {
		uint32_t oid = b->relations[b->queue[at]].cat->oid;
		for (size_t i = bind_first_edge(edges, n, oid); i < n && edges[i].key == oid; i++) {
			struct policy_bind_relation *r = bind_relation(b, edges[i].other);
			if (!r || r->in)
				continue;
			r->in = true;
			r->down = down;
			b->queue[b->nqueue++] = (size_t)(r - b->relations);
		}
	}
}

static void
bind_protect(struct policy_bind *b)
{
	for (size_t i = 0; i < b->nrelations; i++)
		if (b->relations[i].in)
			b->queue[b->nqueue++] = i;
	/* Children of what the policy names, then parents of all these (not those parents' other children), then views of everything. */
	bind_follow(b, b->children, b->cat->nchildren, true);
	bind_follow(b, b->parents, b->cat->nchildren, false);
	bind_follow(b, b->readers, b->cat->nreads, false);
}

typedef void bind_take(struct policy_bind *b, const struct policy_bind_column *from, struct policy_bind_column *to);

static void
bind_take_role(struct policy_bind *b, const struct policy_bind_column *from, struct policy_bind_column *to)
{
	if (!to || to->set || to->cat->dropped)
		return;
	if (!policy_bind_canonical(to->cat)) /* a view or child that shows the value in another type: it stays data */
		return;
	const struct policy_cat_column *cat = to->cat;
	bool harmless = to->harmless;
	*to = *from;
	to->cat = cat;
	to->harmless = harmless;
	b->queue[b->nqueue++] = (size_t)(to - b->columns);
}

static void
bind_take_harmless(struct policy_bind *b, const struct policy_bind_column *from, struct policy_bind_column *to)
{
	(void)from;
	if (!to || to->set || to->harmless || to->cat->dropped)
		return;
	to->harmless = true;
	b->queue[b->nqueue++] = (size_t)(to - b->columns);
}

static void
bind_spread_by_name(struct policy_bind *b, const struct policy_bind_column *from, const struct policy_bind_edge *edges, size_t n, bind_take *take)
{
	for (size_t i = bind_first_edge(edges, n, from->cat->oid); i < n && edges[i].key == from->cat->oid; i++) {
		struct policy_bind_relation *r = bind_relation(b, edges[i].other);
		if (r && r->in)
			take(b, from, bind_column_named(b, r, from->cat->name));
	}
}

/* From each column in the queue to those of children and parents that are called alike, and of views that show it. */
static void
bind_spread(struct policy_bind *b, bind_take *take)
{
	for (size_t at = 0; at < b->nqueue; at++) {
		const struct policy_bind_column from = b->columns[b->queue[at]];
		bind_spread_by_name(b, &from, b->children, b->cat->nchildren, take);
		bind_spread_by_name(b, &from, b->parents, b->cat->nchildren, take);
		size_t low = 0, high = b->cat->nviews;
		struct policy_cat_view key = {.base = from.cat->oid, .base_attnum = from.cat->attnum};
		while (low < high) {
			size_t mid = low + (high - low) / 2;
			if (bind_by_base(&b->views[mid], &key) < 0)
				low = mid + 1;
			else
				high = mid;
		}
		for (; low < b->cat->nviews && bind_by_base(&b->views[low], &key) == 0; low++) {
			const struct policy_bind_relation *view = bind_relation(b, b->views[low].view);
			if (view && view->in)
				take(b, &from, bind_column(b, b->views[low].view, b->views[low].attnum));
		}
	}
}

static void
bind_roles(struct policy_bind *b)
{
	b->nqueue = 0;
	for (size_t i = 0; i < b->ncolumns; i++)
		if (b->columns[i].set)
			b->queue[b->nqueue++] = i;
	bind_spread(b, bind_take_role);
	b->nqueue = 0;
	for (size_t i = 0; i < b->ncolumns; i++)
		if (b->columns[i].harmless && !b->columns[i].set)
			b->queue[b->nqueue++] = i;
	bind_spread(b, bind_take_harmless);
}

/* -- the result -- */

/* Copies "schema.name" or "schema.name.column" and returns it; the parts are parts of the copy. */
struct base_span
policy_bind_join(struct base_arena *arena, struct base_span a, struct base_span b)
{
	uint8_t *p = a.n <= SIZE_MAX - 2 - b.n ? base_arena_get(arena, a.n + b.n + 2) : NULL;
	if (!p)
		return base_span(NULL, 0);
	if (a.n > 0)
		memcpy(p, a.p, a.n);
	p[a.n] = '.';
	if (b.n > 0)
		memcpy(p + a.n + 1, b.p, b.n);
	return base_span(p, a.n + 1 + b.n);
}

static int
bind_write_relation(struct policy_bind *b, const struct policy_bind_relation *r, struct policy_relation *out)
{
	struct base_arena *arena = b->map->arena;
	out->oid = r->cat->oid;
	out->full_name = policy_bind_join(arena, r->cat->schema, r->cat->name);
	struct policy_column *columns = policy_bind_get(arena, r->count, sizeof(*columns));
	bool *generated = policy_bind_get(arena, r->count, sizeof(*generated)), *harmless = policy_bind_get(arena, r->count, sizeof(*harmless));
	if (!out->full_name.p || !columns || !generated || !harmless)
		return policy_bind_refused(b);
	out->schema = base_span(out->full_name.p, r->cat->schema.n);
	out->name = base_span(out->full_name.p + r->cat->schema.n + 1, r->cat->name.n);
	for (size_t i = r->first; i < r->first + r->count; i++) {
		const struct policy_bind_column *from = &b->columns[i];
		if (from->cat->dropped)
			continue;
		struct policy_column *c = &columns[out->ncolumns];
		harmless[out->ncolumns] = from->harmless && !from->set;
		generated[out->ncolumns++] = from->cat->generated;
		c->oid = out->oid;
		c->attnum = from->cat->attnum;
		c->type_oid = base_span_is(from->cat->type_name, "citext") ? POLICY_TEXT_OID : from->cat->type_oid;
		c->role = from->set ? from->role : POLICY_DATA;
		c->kind = from->kind;
		c->norm = from->norm;
		c->full_name = policy_bind_join(arena, out->full_name, from->cat->name);
		const char *country = base_arena_str(arena, from->set ? from->country : base_span("", 0));
		if (!c->full_name.p || !country)
			return policy_bind_refused(b);
		c->name = base_span(c->full_name.p + out->full_name.n + 1, from->cat->name.n);
		c->country = base_span_str(country);
	}
	out->columns = columns;
	out->generated = generated;
	out->harmless = harmless;
	return 0;
}

static int
bind_write(struct policy_bind *b)
{
	struct policy_map *m = b->map;
	size_t n = 0, slots = 4;
	for (size_t i = 0; i < b->nrelations; i++)
		n += b->relations[i].in;
	while (slots < 2 * n)
		slots *= 2;
	m->relations = policy_bind_get(m->arena, n, sizeof(*m->relations));
	m->by_name = policy_bind_get(m->arena, n, sizeof(*m->by_name));
	m->slot = policy_bind_get(m->arena, slots, sizeof(*m->slot));
	m->functions = policy_bind_get(m->arena, b->cat->nfunctions, sizeof(*m->functions));
	if (!m->relations || !m->by_name || !m->slot || !m->functions)
		return policy_bind_refused(b);
	m->slot_mask = (uint32_t)(slots - 1);
	for (size_t i = 0; i < b->nrelations; i++) {
		if (!b->relations[i].in)
			continue;
		int err = bind_write_relation(b, &b->relations[i], &m->relations[m->nrelations]);
		if (err != 0)
			return err;
		m->by_name[m->nrelations] = &m->relations[m->nrelations];
		uint32_t s = policy_map_slot(m, m->relations[m->nrelations].oid);
		while (m->slot[s] != 0)
			s = (s + 1) & m->slot_mask;
		m->slot[s] = (uint32_t)++m->nrelations;
	}
	if (m->nrelations > 1)
		qsort(m->by_name, m->nrelations, sizeof(*m->by_name), bind_by_relname);
	for (size_t i = 0; i < b->cat->nfunctions; i++) {
		const char *copy = base_arena_str(m->arena, b->cat->functions[i]);
		if (!copy)
			return policy_bind_refused(b);
		m->functions[m->nfunctions++] = base_span(copy, b->cat->functions[i].n);
	}
	if (m->nfunctions > 1)
		qsort(m->functions, m->nfunctions, sizeof(*m->functions), bind_by_text);
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(m->hash + 2 * i, sizeof(m->hash) - 2 * i, "%02x", b->file->hash[i]);
	return 0;
}

int
policy_map_bind(const struct policy_file *f, const struct policy_catalogue *c, struct policy_map **map_r, struct base_fail *fail)
{
	struct policy_bind b = {.file = f, .cat = c, .fail = fail};
	b.work = base_arena_new(BIND_ARENA_MAX);
	b.map = base_mem_new(1, sizeof(*b.map));
	atomic_init(&b.map->refs, 1);
	b.map->arena = base_arena_new(BIND_ARENA_MAX);
	b.map->file = policy_file_share(f);

	int err = bind_index(&b);
	if (err == 0)
		err = bind_subjects(&b);
	if (err == 0) {
		bind_protect(&b);
		bind_roles(&b);
		err = bind_write(&b);
	}
	if (err == 0)
		err = policy_bind_groups(&b);
	if (err == 0)
		err = policy_bind_case(&b);
	base_arena_free(&b.work);
	if (err != 0)
		policy_map_unref(&b.map);
	else
		*map_r = b.map; /* the caller owns it now */
	return err;
}
