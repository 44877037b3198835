/* gate_names: names that stay although the catalogue's change (gate_names.h has the contract).
 *
 * Input: catalogue rows that came from the server, read as if hostile: any order, twice, rows of relations that are not there.
 * Never: I/O; a decision about what a name may do.
 */
#include "gate_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_num.h"
#include "base_text.h"

struct gate_names {
	struct policy_cat_relation *relations; /* own, spans too; ascending OID, unique */
	size_t nrelations;
	struct policy_cat_column *columns;     /* the same; ascending (OID, attnum) */
	size_t ncolumns;
	struct base_arena *arena;
};

/* One run of gate_names_hold. */
struct holding {
	const struct gate_names *n;
	char *changed; /* borrow */
	size_t size;
};

static int
by_oid(const void *a, const void *b)
{
	uint32_t x = ((const struct policy_cat_relation *)a)->oid, y = ((const struct policy_cat_relation *)b)->oid;
	return x < y ? -1 : x > y;
}

static int
by_attnum(const void *a, const void *b)
{
	const struct policy_cat_column *x = a, *y = b;
	if (x->oid != y->oid)
		return x->oid < y->oid ? -1 : 1;
	return x->attnum < y->attnum ? -1 : x->attnum > y->attnum;
}

static size_t
find_relation(const struct policy_cat_relation *list, size_t n, uint32_t oid)
{
	struct policy_cat_relation key = {.oid = oid};
	const struct policy_cat_relation *r = n ? bsearch(&key, list, n, sizeof(key), by_oid) : NULL;
	return r ? (size_t)(r - list) : SIZE_MAX;
}

static size_t
find_column(const struct policy_cat_column *list, size_t n, uint32_t oid, int16_t attnum)
{
	struct policy_cat_column key = {.oid = oid, .attnum = attnum};
	const struct policy_cat_column *c = n ? bsearch(&key, list, n, sizeof(key), by_attnum) : NULL;
	return c ? (size_t)(c - list) : SIZE_MAX;
}

/* -- remembering -- */

static bool
is_named(const struct policy_name *name, const struct policy_cat_relation *r)
{
	return base_span_eq(name->table, r->name) && base_span_eq(name->schema.n ? name->schema : base_span_str("public"), r->schema);
}

static bool
subject_names(const struct policy_subject *s, const struct policy_cat_relation *r)
{
	if (is_named(&s->table, r) || is_named(&s->key, r))
		return true;
	for (size_t i = 0; i < s->nidentifiers; i++)
		if (is_named(&s->identifiers[i].column, r))
			return true;
	for (size_t i = 0; i < s->nlinked; i++)
		if (is_named(&s->linked[i], r))
			return true;
	return false;
}

static bool
file_names(const struct policy_file *f, const struct policy_cat_relation *r)
{
	for (size_t i = 0; i < f->nsubjects; i++)
		if (subject_names(&f->subjects[i], r))
			return true;
	for (size_t i = 0; i < f->ngroups; i++)
		for (size_t k = 0; k < f->groups[i].ntables; k++)
			if (is_named(&f->groups[i].tables[k].table, r))
				return true;
	for (size_t i = 0; i < f->ngroups; i++)
		for (size_t k = 0; k < f->groups[i].nsteps; k++)
			if (f->groups[i].steps[k].for_table && is_named(&f->groups[i].steps[k].table, r))
				return true;
	if (f->case_from.line != 0 && is_named(&f->case_from.table, r))
		return true;
	for (size_t i = 0; i < f->ntrusts; i++)
		if (!f->trusts[i].function && is_named(&f->trusts[i].name, r))
			return true;
	return false;
}

static struct base_span
copy(struct gate_names *n, struct base_span s)
{
	char *p = base_arena_str(n->arena, s);
	return p ? base_span(p, s.n) : base_span("", 0); /* no memory: no policy can be bound to an empty name, so nothing is allowed by it */
}

struct gate_names *
gate_names_new(const struct policy_catalogue *c, const struct policy_file *f, const struct policy_map *m)
{
	struct gate_names *n = base_mem_new(1, sizeof(*n));
	size_t kept = 0;

	n->arena = base_arena_new(SIZE_MAX);
	n->relations = base_mem_new(c->nrelations + 1, sizeof(*n->relations));
	n->columns = base_mem_new(c->ncolumns + 1, sizeof(*n->columns));
	for (size_t i = 0; i < c->nrelations; i++)
		if (policy_map_relation(m, c->relations[i].oid) || file_names(f, &c->relations[i]))
			n->relations[kept++] = c->relations[i];
	qsort(n->relations, kept, sizeof(*n->relations), by_oid);
	for (size_t i = 0; i < kept; i++)
		if (n->nrelations == 0 || n->relations[n->nrelations - 1].oid != n->relations[i].oid)
			n->relations[n->nrelations++] = n->relations[i];
	kept = 0;
	for (size_t i = 0; i < c->ncolumns; i++)
		if (find_relation(n->relations, n->nrelations, c->columns[i].oid) != SIZE_MAX)
			n->columns[kept++] = c->columns[i];
	qsort(n->columns, kept, sizeof(*n->columns), by_attnum);
	for (size_t i = 0; i < kept; i++)
		if (n->ncolumns == 0 || by_attnum(&n->columns[n->ncolumns - 1], &n->columns[i]) != 0)
			n->columns[n->ncolumns++] = n->columns[i];
	for (size_t i = 0; i < n->nrelations; i++) {
		n->relations[i].schema = copy(n, n->relations[i].schema);
		n->relations[i].name = copy(n, n->relations[i].name);
	}
	for (size_t i = 0; i < n->ncolumns; i++) {
		n->columns[i].name = copy(n, n->columns[i].name);
		n->columns[i].type_name = copy(n, n->columns[i].type_name);
	}
	return n;
}

void
gate_names_free(struct gate_names **np)
{
	struct gate_names *n = *np;

	*np = NULL;
	if (!n)
		return;
	free(n->relations);
	free(n->columns);
	base_arena_free(&n->arena);
	free(n);
}

/* -- holding -- */

/* As many differences as there is room for, separated by "; ". */
static void
say(struct holding *h, const struct policy_cat_relation *r, const struct base_span *column, const char *what)
{
	char schema[80], name[80], col[80];
	size_t at = strlen(h->changed);
	int n = snprintf(h->changed + at, h->size - at, "%s%s %s.%s%s%s %s", at ? "; " : "", column ? "column" : "relation",
	                 base_text_quote(schema, sizeof(schema), r->schema, 64), base_text_quote(name, sizeof(name), r->name, 64), column ? "." : "",
	                 column ? base_text_quote(col, sizeof(col), *column, 64) : "", what);

	if (at && (n < 0 || (size_t)n >= h->size - at))
		h->changed[at] = '\0'; /* a whole one or none, but for the first */
}

static bool
taken_relation(const struct gate_names *n, const struct policy_cat_relation *r, const struct policy_cat_relation **whose_r)
{
	for (size_t i = 0; i < n->nrelations; i++)
		if (base_span_eq(n->relations[i].name, r->name) && base_span_eq(n->relations[i].schema, r->schema)) {
			*whose_r = &n->relations[i];
			return true;
		}
	return false;
}

static size_t
hold_relations(struct holding *h, const struct policy_catalogue *c, bool *seen, struct policy_cat_relation *out)
{
	const struct policy_cat_relation *whose;
	size_t n = 0;

	for (size_t i = 0; i < c->nrelations; i++) {
		const struct policy_cat_relation *now = &c->relations[i];
		size_t k = find_relation(h->n->relations, h->n->nrelations, now->oid);
		if (k == SIZE_MAX) {
			if (taken_relation(h->n, now, &whose))
				say(h, whose, NULL, "is another one now");
			else
				out[n++] = *now;
			continue;
		}
		const struct policy_cat_relation *was = &h->n->relations[k];
		seen[k] = true;
		if (!base_span_eq(was->name, now->name) || !base_span_eq(was->schema, now->schema))
			say(h, was, NULL, "has another name now");
		out[n++] = (struct policy_cat_relation){now->oid, was->schema, was->name, now->relkind};
	}
	for (size_t k = 0; k < h->n->nrelations; k++)
		if (!seen[k]) {
			say(h, &h->n->relations[k], NULL, "is gone");
			out[n++] = h->n->relations[k];
		}
	return n;
}

static bool
taken_column(const struct gate_names *n, const struct policy_cat_column *c)
{
	for (size_t i = 0; i < n->ncolumns; i++)
		if (n->columns[i].oid == c->oid && !n->columns[i].dropped && base_span_eq(n->columns[i].name, c->name))
			return true;
	return false;
}

static size_t
hold_columns(struct holding *h, const struct policy_catalogue *c, bool *seen, struct policy_cat_column *out)
{
	size_t n = 0;

	for (size_t i = 0; i < c->ncolumns; i++) {
		const struct policy_cat_column *now = &c->columns[i];
		size_t relation = find_relation(h->n->relations, h->n->nrelations, now->oid);
		size_t k = find_column(h->n->columns, h->n->ncolumns, now->oid, now->attnum);
		const struct policy_cat_column *was = k == SIZE_MAX ? NULL : &h->n->columns[k];
		struct policy_cat_column *to = &out[n++];
		*to = *now;
		if (relation == SIZE_MAX)
			continue;
		const struct policy_cat_relation *r = &h->n->relations[relation];
		if (was)
			seen[k] = true;
		if (was && !was->dropped) {
			if (now->dropped)
				say(h, r, &was->name, "is gone");
			else if (!base_span_eq(was->name, now->name))
				say(h, r, &was->name, "has another name now");
			if (now->dropped)
				*to = *was;
			to->name = was->name;
		} else if (!now->dropped && taken_column(h->n, now)) {
			say(h, r, &now->name, "is another one now");
			to->name = base_span("", 0);
		}
	}
	for (size_t k = 0; k < h->n->ncolumns; k++) /* of relations that are gone */
		if (!seen[k])
			out[n++] = h->n->columns[k];
	return n;
}

static void *
get(struct base_arena *a, size_t one, size_t two, size_t size)
{
	size_t n;
	return base_num_add(one, two, &n) && base_num_mul(n, size, &n) ? base_arena_get(a, n) : NULL;
}

int
gate_names_hold(const struct gate_names *n, const struct policy_catalogue *c, struct base_arena *a, struct policy_catalogue *held_r, char *changed, size_t size,
                struct base_fail *fail)
{
	struct holding h = {n, changed, size};
	struct policy_cat_relation *relations = get(a, c->nrelations, n->nrelations, sizeof(*relations));
	struct policy_cat_column *columns = get(a, c->ncolumns, n->ncolumns, sizeof(*columns));
	bool *seen = get(a, n->nrelations, n->ncolumns, sizeof(*seen)); /* arenas give zeroed memory */

	changed[0] = '\0';
	if (!relations || !columns || !seen)
		return base_fail_set(fail, GH_E_LIMIT, "the catalogue is too large to bind the policy to");
	*held_r = *c;
	held_r->nrelations = hold_relations(&h, c, seen, relations);
	held_r->relations = relations;
	held_r->ncolumns = hold_columns(&h, c, seen + n->nrelations, columns);
	held_r->columns = columns;
	return GH_OK;
}
