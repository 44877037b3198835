/* policy_objects: what the server's catalogue offers, reduced to what a restricted person may use (policy_objects.h has the contract).
 *
 * Input: the lists of the .def files, which people reviewed; catalogue rows that came from the server and are read as if hostile: any
 * order, twice, with names that lie, with types whose elements go round in circles; trust items of a checked policy.
 * Method: the lists and the rows become sorted arrays of (OID, why not, name) in one arena; a look-up is a binary search. Everything that is in no
 * list and no row is refused, with a reason. No I/O; nothing is resolved by name after policy_objects_new.
 */
#include "policy_objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"

#define OBJECTS_ARENA_MAX ((size_t)256 << 20)
#define OBJECTS_ROWS_MAX ((size_t)1 << 20) /* of one kind */
#define FIRST_UNFIXED_OID 10000u           /* FirstGenbkiObjectId: below, an OID means the same object in every version */
#define TYPE_DEPTH 8                       /* element of element of ... */

struct builtin { const char *name; const uint16_t *oids; size_t noids; };
static const struct builtin builtins[] = {
#define F(name, ...) {name, (const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)},
#include "policy_functions.def"
#undef F
};

struct family { const char *reason; const char *const *patterns; };
#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}
static const struct family function_families[] = {
#define LEFT_OUT_FUNCTIONS(family, reason, ...) {reason, LIST(__VA_ARGS__)},
#include "policy_left_out.def"
#undef LEFT_OUT_FUNCTIONS
};
static const struct family relation_families[] = {
#define LEFT_OUT_RELATIONS(family, reason, ...) {reason, LIST(__VA_ARGS__)},
#include "policy_left_out.def"
#undef LEFT_OUT_RELATIONS
};
struct group { const char *name; const char *const *members; };
static const struct group systems[] = {
#define SYSTEMS(schema, ...) {schema, LIST(__VA_ARGS__)},
#include "policy_systems.def"
#undef SYSTEMS
};
static const struct group extensions[] = {
#define EXTENSION(name, ...) {name, LIST(__VA_ARGS__)},
#include "policy_extensions.def"
#undef EXTENSION
};
static const struct { const char *name, *reason; } never[] = {
#define EXTENSION_NEVER(name, reason) {name, reason},
#include "policy_extensions.def"
#undef EXTENSION_NEVER
};
static const struct { uint32_t oid; int16_t attnum; const char *reason; } hidden[] = {
#define SYSTEM_HIDDEN(oid, attnum, reason) {oid, attnum, reason},
#include "policy_systems.def"
#undef SYSTEM_HIDDEN
};

/* Pseudo-types of fixed OID that a statement may show; their values are ordinary ones. All other pseudo-types are for the server itself. */
static const char *const pseudo_types[] = {"record", "_record", "anyarray", "void", "cstring", "unknown"};
static const uint16_t pseudo_closed[] = { /* for when there is no row */
	32, 269, 325, 2276, 2279, 2280, 2281, 2283, 2776, 3115, 3310, 3500, 3831, 3838, 4537, 4538, 5077, 5078, 5079, 5080,
};
static const uint16_t default_functions[] = {1574 /* nextval */};

struct object {
	uint32_t oid;
	const char *why;       /* NULL: may be used */
	struct base_span name; /* "pg_catalog.query_to_xml" */
 bool reviewed; /* a function that `trust function` names: its body may be replaced by its owner */ };
struct objects { struct object *at; size_t n; };
struct pair { uint32_t oid, function; };

struct policy_objects {
	struct base_arena *arena; /* own: everything below */
	struct objects functions, types, systems; /* ascending OID */
	struct pair *operators; size_t noperators; /* the same */
	const char *lost;
};

static const char why_unlisted[] = "it is not on the list of functions that were reviewed";
static const char why_own[] = "it is a function that somebody wrote, and no \"trust function\" of the policy names it";
static const char why_type[] = "it is a type that somebody made, and no column of a relation in the policy has it";
static const char why_pseudo[] = "it is a type for the server's own use";
static const char why_unknown[] = "the gate does not know it; it may be newer than the policy's last reload";

/* -- patterns and sorted arrays -- */

/* `*` stands for any bytes. Each star only moves on, so the time is bounded by the product of the lengths. */
static bool
matches(const char *pattern, struct base_span s)
{
	const char *star = NULL;
	size_t at = 0, again = 0;

	while (at < s.n) {
		if (*pattern == '*') {
			star = ++pattern;
			again = at;
		} else if (*pattern != '\0' && (uint8_t)*pattern == s.p[at]) {
			pattern++;
			at++;
		} else if (star) {
			pattern = star;
			at = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* A pattern with a parenthesis is of the name and its arguments: "age(xid)". */
static bool
matches_one(const char *const *patterns, struct base_span name, struct base_span call)
{
	for (; *patterns; patterns++)
		if (matches(*patterns, strchr(*patterns, '(') ? call : name))
			return true;
	return false;
}

static int
by_oid(const void *a, const void *b)
{
	uint32_t x = ((const struct object *)a)->oid, y = ((const struct object *)b)->oid;
	return x < y ? -1 : x > y;
}

static int
by_operator(const void *a, const void *b)
{
	uint32_t x = ((const struct pair *)a)->oid, y = ((const struct pair *)b)->oid;
	return x < y ? -1 : x > y;
}

/* Ascending and unique. Rows of the same OID that disagree: one that forbids stays. */
static void
order(struct objects *o)
{
	size_t n = 0;

	if (o->n > 1)
		qsort(o->at, o->n, sizeof(*o->at), by_oid);
	for (size_t i = 0; i < o->n; i++) {
		if (n == 0 || o->at[n - 1].oid != o->at[i].oid)
			o->at[n++] = o->at[i];
		else if (!o->at[n - 1].why)
			o->at[n - 1] = o->at[i];
	}
	o->n = n;
}

static const struct object *
find(const struct objects *o, uint32_t oid)
{
	struct object key = {.oid = oid};
	return o->n == 0 ? NULL : bsearch(&key, o->at, o->n, sizeof(key), by_oid);
}

/* -- building -- */

struct build {
	struct policy_objects *o;
	const struct policy_cat_objects *cat;
	const struct policy_trust *trusts; /* borrow */
	size_t ntrusts;
	bool *met;                         /* own: trusts that a function met */
	const char *file;
	struct base_fail *fail;
	struct base_buf text;              /* scratch */
};

static int
too_large(struct build *b)
{
	return base_fail_set(b->fail, GH_E_LIMIT, "the catalogue's functions, types and relations are too many to hold");
}

static void *
get(struct build *b, size_t count, size_t size)
{
	size_t n;
	return count <= OBJECTS_ROWS_MAX && base_num_mul(count, size, &n) ? base_arena_get(b->o->arena, n) : NULL;
}

/* What is in the scratch buffer, kept; the buffer is empty again. NULL: refused. */
static const char *
keep(struct build *b)
{
	const char *s = b->text.bad ? NULL : base_arena_str(b->o->arena, base_buf_span(&b->text));
	base_buf_clear(&b->text);
	return s;
}

static struct base_span
full_name(struct build *b, struct base_span schema, struct base_span name)
{
	base_buf_put(&b->text, schema);
	base_buf_str(&b->text, ".");
	base_buf_put(&b->text, name);
	const char *s = keep(b);
	return s ? base_span_str(s) : base_span("", 0);
}

/* Of a function that is not on the list: its family's reason. */
static const char *
left_out(struct build *b, struct base_span name, struct base_span arguments)
{
	const char *why = why_unlisted;

	base_buf_put(&b->text, name);
	base_buf_str(&b->text, "(");
	base_buf_put(&b->text, arguments);
	base_buf_str(&b->text, ")");
	for (size_t i = 0; i < BASE_COUNT(function_families) && why == why_unlisted; i++)
		if (matches_one(function_families[i].patterns, name, base_buf_span(&b->text)))
			why = function_families[i].reason;
	base_buf_clear(&b->text);
	return why;
}

static const struct group *
extension_of(struct base_span name)
{
	for (size_t i = 0; i < BASE_COUNT(extensions); i++)
		if (base_span_is(name, extensions[i].name))
			return &extensions[i];
	return NULL;
}

/* Why no function or type of this extension may be used. NULL only when memory is refused. */
static const char *
extension_closed(struct build *b, struct base_span name)
{
	char quoted[80];
	const char *reason = "its functions have not been reviewed";

	for (size_t i = 0; i < BASE_COUNT(never); i++)
		if (base_span_is(name, never[i].name))
			reason = never[i].reason;
	base_buf_fmt(&b->text, "it belongs to the extension %s: %s", base_text_quote(quoted, sizeof(quoted), name, 64), reason);
	return keep(b);
}

static const char *
extension_function(struct build *b, const struct policy_cat_function *f)
{
	const struct group *e = extension_of(f->extension);

	if (!e)
		return extension_closed(b, f->extension);
	base_buf_put(&b->text, f->name);
	base_buf_str(&b->text, "(");
	base_buf_put(&b->text, f->arguments);
	base_buf_str(&b->text, ")");
	bool inner = matches("*(*internal*)", base_buf_span(&b->text));
	bool ok = !inner && !f->security_definer && matches_one(e->members, f->name, base_buf_span(&b->text));
	base_buf_clear(&b->text);
	return ok ? NULL : "it is not among the functions of its extension that were reviewed";
}

static bool
same_arguments(struct base_span written, struct base_span have)
{
	size_t i = 0, j = 0;

	for (;;) { /* white space in what was written means nothing but a separation of words */
		while (i < written.n && written.p[i] == ' ')
			i++;
		while (j < have.n && have.p[j] == ' ')
			j++;
		if (i == written.n || j == have.n)
			return i == written.n && j == have.n;
		if (written.p[i++] != have.p[j++])
			return false;
	}
}

static bool
same_hex(struct base_span a, struct base_span b)
{
	if (a.n != b.n || a.n != 32)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if ((a.p[i] | (a.p[i] >= 'A' && a.p[i] <= 'F' ? 0x20 : 0)) != (b.p[i] | (b.p[i] >= 'A' && b.p[i] <= 'F' ? 0x20 : 0)))
			return false;
	return true;
}

static struct base_span
trust_schema(const struct policy_trust *t)
{
	return t->name.schema.n ? t->name.schema : base_span_str("public");
}

static int
trust_fail(const struct build *b, struct base_fail *fail, const struct policy_trust *t, const char *what)
{
	char schema[80], name[80], arguments[200];
	return base_fail_set(fail, GH_E_VERIFY, "%s:%u: function %s.%s(%s) %s", b->file, t->name.line,
	                     base_text_quote(schema, sizeof(schema), trust_schema(t), 64), base_text_quote(name, sizeof(name), t->name.table, 64),
	                     base_text_quote(arguments, sizeof(arguments), t->arguments, 180), what);
}

/* A trust item that does not hold: a failure at a reload; later only a function that may not be used any more. */
static int
trust_lost(struct build *b, const struct policy_trust *t, const char *what)
{
	struct base_fail lost;

	if (!b->cat->later)
		return trust_fail(b, b->fail, t, what);
	(void)trust_fail(b, &lost, t, what); /* it is kept as a text */
	if (!b->o->lost)
		b->o->lost = base_arena_str(b->o->arena, base_span_str(lost.text));
	return 0;
}

/* Is f named by a trust item? *why_r: NULL when it is, and has the body that was reviewed. */
static int
trusted(struct build *b, const struct policy_cat_function *f, const char **why_r, bool *reviewed_r)
{
	for (size_t i = 0; i < b->ntrusts; i++) {
		const struct policy_trust *t = &b->trusts[i];
		if (!t->function || !base_span_eq(trust_schema(t), f->schema) || !base_span_eq(t->name.table, f->name) || !same_arguments(t->arguments, f->arguments))
			continue;
		b->met[i] = true;
		if (f->body_md5.n == 0) {
			int rc = trust_lost(b, t, "has no body that can be reviewed: it is in C, internal, or an aggregate");
			base_fail_hint(b->fail, "trust a function in SQL or PL/pgSQL, or a view");
			return rc;
		}
		if (!same_hex(t->body, f->body_md5)) {
			int rc = trust_lost(b, t, "has another body than the one that was reviewed");
			base_fail_hint(b->fail, "review it again; its body's hash is now \"%.*s\"", (int)(f->body_md5.n > 64 ? 64 : f->body_md5.n), (const char *)f->body_md5.p);
			return rc;
		}
		*why_r = NULL;
		*reviewed_r = true;
		return 0;
	}
	return 0;
}

static int
one_function(struct build *b, const struct policy_cat_function *f, const struct objects *listed, struct object *to)
{
	const struct object *known = find(listed, f->oid);
	int err = 0;

	*to = (struct object){.oid = f->oid, .name = full_name(b, f->schema, f->name)};
	if (to->name.n == 0)
		return too_large(b);
	if (known) {
		if (!base_span_eq(known->name, to->name))
			to->why = "it has the number, but not the name, of a function that was reviewed";
	} else if (f->oid < POLICY_FIRST_USER_OID) {
		if (f->oid < FIRST_UNFIXED_OID || !base_span_is(f->schema, "information_schema"))
			to->why = left_out(b, f->name, f->arguments);
	} else {
		to->why = f->extension.n ? extension_function(b, f) : why_own;
		if (!to->why && f->extension.n == 0)
			return too_large(b);
		if (to->why)
			err = trusted(b, f, &to->why, &to->reviewed);
	}
	return err;
}

static int
functions(struct build *b)
{
	const struct policy_cat_objects *c = b->cat;
	struct objects listed = {NULL, 0};
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < BASE_COUNT(builtins); i++)
		n += builtins[i].noids;
	listed.at = get(b, n, sizeof(*listed.at));
	struct object *all = c->nfunctions <= OBJECTS_ROWS_MAX ? get(b, n + c->nfunctions, sizeof(*all)) : NULL;
	b->met = get(b, b->ntrusts + 1, sizeof(*b->met));
	if (!listed.at || !all || !b->met)
		return too_large(b);
	for (size_t i = 0; i < BASE_COUNT(builtins); i++) {
		struct base_span name = full_name(b, base_span_str("pg_catalog"), base_span_str(builtins[i].name));
		if (name.n == 0)
			return too_large(b);
		for (size_t k = 0; k < builtins[i].noids; k++)
			listed.at[listed.n++] = (struct object){.oid = builtins[i].oids[k], .name = name};
	}
	order(&listed);
	memcpy(all, listed.at, listed.n * sizeof(*all));
	b->o->functions = (struct objects){all, listed.n};
	for (size_t i = 0; i < c->nfunctions && err == 0; i++)
		err = one_function(b, &c->functions[i], &listed, &all[b->o->functions.n++]);
	order(&b->o->functions);
	for (size_t i = 0; i < b->ntrusts && err == 0; i++)
		if (b->trusts[i].function && !b->met[i]) {
			err = trust_lost(b, &b->trusts[i], "does not exist");
			base_fail_hint(b->fail, "write the argument types as PostgreSQL names them: integer, character varying, public.citext");
		}
	return err;
}

static const char *
system_why(struct base_span schema, struct base_span name, struct base_span full)
{
	for (size_t i = 0; i < BASE_COUNT(systems); i++)
		for (const char *const *m = systems[i].members; base_span_is(schema, systems[i].name) && *m; m++)
			if (base_span_is(name, *m))
				return NULL;
	for (size_t i = 0; i < BASE_COUNT(relation_families); i++)
		if (matches_one(relation_families[i].patterns, full, full))
			return relation_families[i].reason;
	return "it is not on the list of system relations that were reviewed";
}

static int
system_relations(struct build *b)
{
	const struct policy_cat_objects *c = b->cat;
	struct objects *to = &b->o->systems;

	to->at = get(b, c->nsystems, sizeof(*to->at));
	if (!to->at)
		return too_large(b);
	for (size_t i = 0; i < c->nsystems; i++) {
		const struct policy_cat_system *s = &c->systems[i];
		struct object *o = &to->at[to->n++];
		*o = (struct object){.oid = s->oid, .name = full_name(b, s->schema, s->name)};
		if (o->name.n == 0)
			return too_large(b);
		/* A relation that somebody put into a system schema is not the one that was reviewed. */
		o->why = s->oid < POLICY_FIRST_USER_OID ? system_why(s->schema, s->name, o->name) : "somebody put it into a system schema";
	}
	order(to);
	return 0;
}

/* -- types -- */

static bool
pseudo_open(struct base_span name)
{
	for (size_t i = 0; i < BASE_COUNT(pseudo_types); i++)
		if (base_span_is(name, pseudo_types[i]))
			return true;
	return false;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static int
by_type(const void *a, const void *b)
{
	const struct policy_cat_type *x = *(const struct policy_cat_type *const *)a, *y = *(const struct policy_cat_type *const *)b;
	return x->oid < y->oid ? -1 : x->oid > y->oid;
}

struct types {
	const struct policy_cat_type **rows; size_t nrows; /* ascending OID */
	uint32_t *columns; size_t ncolumns;                /* the same */
};

static const char *
without_row(uint32_t oid)
{
	for (size_t i = 0; i < BASE_COUNT(pseudo_closed); i++)
		if (oid == pseudo_closed[i])
			return why_pseudo;
	return oid != 0 && oid < FIRST_UNFIXED_OID ? NULL : why_unknown;
}

/* NULL also when memory was refused for a reason: *bad then. */
static const char *
type_why(struct build *b, const struct types *t, uint32_t oid, int depth, bool *bad)
{
	struct policy_cat_type want = {.oid = oid};
	const struct policy_cat_type *key = &want;
	const struct policy_cat_type **row = t->nrows ? bsearch(&key, t->rows, t->nrows, sizeof(*t->rows), by_type) : NULL;

	if (t->ncolumns && bsearch(&oid, t->columns, t->ncolumns, sizeof(oid), by_number))
		return NULL;
	if (!row)
		return without_row(oid);
	const struct policy_cat_type *r = *row;
	if (r->element_oid != 0)
		return depth < TYPE_DEPTH ? type_why(b, t, r->element_oid, depth + 1, bad) : why_type;
	if (oid < POLICY_FIRST_USER_OID) {
		if (r->typtype == 'p')
			return pseudo_open(r->name) ? NULL : why_pseudo;
		return r->typtype == 'c' ? policy_objects_system(b->o, r->relation_oid) : NULL; /* a row of a system relation */
	}
	if (r->extension.n == 0)
		return why_type;
	if (extension_of(r->extension))
		return NULL;
	const char *why = extension_closed(b, r->extension);
	*bad = *bad || !why;
	return why;
}

static int
types(struct build *b)
{
	const struct policy_cat_objects *c = b->cat;
	struct objects *to = &b->o->types;
	struct types t = {get(b, c->ntypes, sizeof(*t.rows)), c->ntypes, get(b, c->ncolumn_types, sizeof(*t.columns)), c->ncolumn_types};
	bool bad = false;
	size_t n;

	to->at = base_num_add(c->ntypes, c->ncolumn_types, &n) ? get(b, n, sizeof(*to->at)) : NULL;
	if (!to->at || !t.rows || !t.columns)
		return too_large(b);
	for (size_t i = 0; i < t.nrows; i++)
		t.rows[i] = &c->types[i];
	if (t.nrows > 1)
		qsort(t.rows, t.nrows, sizeof(*t.rows), by_type);
	if (t.ncolumns) {
		memcpy(t.columns, c->column_types, t.ncolumns * sizeof(*t.columns));
		qsort(t.columns, t.ncolumns, sizeof(*t.columns), by_number);
	}
	for (size_t i = 0; i < c->ntypes && !bad; i++)
		to->at[to->n++] = (struct object){.oid = c->types[i].oid, .why = type_why(b, &t, c->types[i].oid, 0, &bad)};
	for (size_t i = 0; i < t.ncolumns; i++)
		to->at[to->n++] = (struct object){.oid = t.columns[i]};
	if (bad)
		return too_large(b);
	order(to);
	return 0;
}

static int
operators(struct build *b)
{
	const struct policy_cat_objects *c = b->cat;
	struct pair *p = get(b, c->noperators, sizeof(*p));

	if (!p)
		return too_large(b);
	for (size_t i = 0; i < c->noperators; i++)
		p[i] = (struct pair){c->operators[i].oid, c->operators[i].function};
	if (c->noperators > 1)
		qsort(p, c->noperators, sizeof(*p), by_operator);
	b->o->operators = p;
	b->o->noperators = c->noperators;
	return 0;
}

int
policy_objects_new(const struct policy_cat_objects *c, const struct policy_trust *trusts, size_t ntrusts, const char *file, struct policy_objects **o_r,
                   struct base_fail *fail)
{
	struct policy_objects *o = base_mem_new(1, sizeof(*o));
	struct build b = {.o = o, .cat = c, .trusts = trusts, .ntrusts = ntrusts, .file = file, .fail = fail};
	int err;

	o->arena = base_arena_new(OBJECTS_ARENA_MAX);
	base_buf_init(&b.text, 1u << 20);
	/* Rows of system relations are types, too: relations come before types. */
	if ((err = functions(&b)) == 0 && (err = system_relations(&b)) == 0 && (err = types(&b)) == 0)
		err = operators(&b);
	base_buf_done(&b.text);
	if (err == 0)
		*o_r = o;
	else
		policy_objects_free(&o);
	return err;
}

void
policy_objects_free(struct policy_objects **o)
{
	struct policy_objects *own = *o;

	*o = NULL;
	if (!own)
		return;
	base_arena_free(&own->arena);
	free(own);
}

/* -- look-ups -- */

const char *
policy_objects_lost(const struct policy_objects *o)
{
	return o->lost;
}

const char *
policy_objects_function(const struct policy_objects *o, uint32_t oid)
{
	const struct object *f = find(&o->functions, oid);
	if (f)
		return f->why;
	return oid < FIRST_UNFIXED_OID ? why_unlisted : why_unknown;
}

bool
policy_objects_reviewed(const struct policy_objects *o, uint32_t oid)
{
	const struct object *f = find(&o->functions, oid);

	return f && f->reviewed;
}

const char *
policy_objects_type(const struct policy_objects *o, uint32_t oid)
{
	const struct object *t = find(&o->types, oid);
	return t ? t->why : without_row(oid);
}

const char *
policy_objects_operator(const struct policy_objects *o, uint32_t oid)
{
	struct pair key = {.oid = oid};

	if (oid == 0)
		return why_unknown;
	if (oid < FIRST_UNFIXED_OID)
		return NULL; /* fixed, and none of these runs a function that is left out: tools/check_functions.py */
	const struct pair *p = o->noperators ? bsearch(&key, o->operators, o->noperators, sizeof(key), by_operator) : NULL;
	return p ? policy_objects_function(o, p->function) : why_unknown;
}

const char *
policy_objects_system(const struct policy_objects *o, uint32_t oid)
{
	const struct object *s = find(&o->systems, oid);
	return s ? s->why : "it is not a system relation that the gate knows";
}

const char *
policy_objects_system_column(const struct policy_objects *o, uint32_t oid, int16_t attnum)
{
	const char *why = policy_objects_system(o, oid);

	for (size_t i = 0; i < BASE_COUNT(hidden) && !why; i++)
		if (hidden[i].oid == oid && (attnum == 0 || attnum == hidden[i].attnum))
			why = hidden[i].reason;
	return why;
}

bool
policy_objects_default_function(uint32_t oid)
{
	for (size_t i = 0; i < BASE_COUNT(default_functions); i++)
		if (oid == default_functions[i])
			return true;
	return false;
}

struct base_span
policy_objects_function_name(const struct policy_objects *o, uint32_t oid)
{
	const struct object *f = find(&o->functions, oid);
	return f ? f->name : base_span("", 0);
}

struct base_span
policy_objects_system_name(const struct policy_objects *o, uint32_t oid)
{
	const struct object *s = find(&o->systems, oid);
	return s ? s->name : base_span("", 0);
}
