/* sql_facts: see sql_facts.h. This file parses, tells statements apart and reads their options; the passes over relations and conditions
 * are in sql_facts_walk.c and sql_facts_where.c.
 *
 * Input: hostile statement text, at most SQL_TEXT_MAX bytes. libpg_query's parser has no working depth check (a chain of 32,000 operators
 * takes 4.4 MiB of stack), hence the ceiling on the text and the stack that the header asks for. Its functions keep their state per
 * thread. The JSON is trusted no further than jansson checks it: a member is used only when it is there and of the right type.
 * No I/O. Nothing of the tree outlives the call. Costs about 16 us for a point query, 60 us for a join of 200 bytes; the worst text of
 * SQL_TEXT_MAX bytes known to us (32,000 output columns) takes 0.25 s and 75 MB while it is read: callers cache the facts.
 */
#include "sql_facts.h"

#include <pg_query.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "sql_facts_int.h"
#include "sql_scan_int.h"

struct facts_own {
	struct sql_facts facts; /* first: the handle */
	atomic_uint refs;
	struct base_arena *keep; /* own: everything facts points to */
};

/* -- shared with the passes -- */

void *
facts_add(struct facts_build *b, struct facts_vec *v, size_t size, size_t max)
{
	if (b->err != 0)
		return NULL;
	if (v->n == v->cap) {
		size_t cap = v->cap == 0 ? 8 : v->cap * 2;
		void *items = v->n < max ? base_arena_get(b->work, cap * size) : NULL;
		if (!items) {
			b->err = GH_E_LIMIT;
			return NULL;
		}
		if (v->n > 0)
			memcpy(items, v->items, v->n * size);
		v->items = items;
		v->cap = cap;
	}
	return (uint8_t *)v->items + v->n++ * size;
}

struct base_span
facts_text(struct facts_build *b, const char *s)
{
	if (!s)
		return base_span("", 0);
	const char *copy = base_arena_str(b->keep, base_span_str(s));
	if (!copy) {
		b->err = GH_E_LIMIT;
		return base_span("", 0);
	}
	return base_span_str(copy);
}

const char *
facts_string(json_t *node)
{
	return json_string_value(json_object_get(json_object_get(node, "String"), "sval"));
}

/* Casts that leave the text of a key as it is. With a length (varchar(3), char) the value may be cut: not taken. */
static bool
facts_plain_cast(json_t *type)
{
	static const char *const plain[] = {"int2", "int4", "int8", "oid", "numeric", "text", "varchar", "bpchar", "name", "uuid", "citext"};
	json_t *names = json_object_get(type, "names");
	size_t n = json_array_size(names);
	const char *name = n > 0 ? facts_string(json_array_get(names, n - 1)) : NULL;
	if (!name || json_object_get(type, "typmods") || json_object_get(type, "arrayBounds"))
		return false;
	for (size_t i = 0; i < BASE_COUNT(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return true;
	return false;
}

size_t
facts_const(const struct facts_build *b, json_t *node, uint32_t *param_r)
{
	json_t *cast = json_object_get(node, "TypeCast");
	if (cast) {
		if (!facts_plain_cast(json_object_get(cast, "typeName")))
			return FACTS_NONE;
		node = json_object_get(cast, "arg");
	}
	json_t *param = json_object_get(json_object_get(node, "ParamRef"), "number");
	if (param) {
		json_int_t number = json_integer_value(param);
		if (number > 0 && number <= UINT16_MAX) /* the protocol counts parameters in 16 bits */
			*param_r = (uint32_t)number;
		return FACTS_NONE;
	}
	json_t *location = json_object_get(json_object_get(node, "A_Const"), "location");
	if (!location || json_integer_value(location) < 0)
		return FACTS_NONE;
	/* NULL and true have no literal at their place, and neither has -5, whose place is the sign's. */
	uint32_t at = (uint32_t)json_integer_value(location);
	size_t low = 0, high = b->scan->nliterals;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (b->scan->literal[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < b->scan->nliterals && b->scan->literal[low].at == at ? low : FACTS_NONE;
}

/* -- options -- */

/* A DefElem's argument as text: string or keyword as it is, integers "0" or "1" (others NULL), none "true". */
static const char *
facts_option(json_t *arg)
{
	if (!arg)
		return "true";
	json_t *number = json_object_get(arg, "Integer");
	json_t *boolean = json_object_get(arg, "Boolean");
	if (boolean)
		return json_is_true(json_object_get(boolean, "boolval")) ? "true" : "false";
	if (number) { /* the library leaves out zeros */
		json_int_t v = json_integer_value(json_object_get(number, "ival"));
		return v == 0 ? "false" : v == 1 ? "true" : NULL;
	}
	return facts_string(arg);
}

/* What is not clearly off counts as on: the server refuses other values anyway. */
static bool
facts_on(const char *value)
{
	return !value || !(strcasecmp(value, "off") == 0 || strcasecmp(value, "false") == 0);
}

static void
facts_copy_option(struct facts_build *b, struct sql_statement *st, const char *name, json_t *arg, bool *null_given)
{
	const char *value = facts_option(arg);
	if (strcmp(name, "header") == 0) {
		st->header = facts_on(value);
	} else if (!value) {
		return;
	} else if (strcmp(name, "format") == 0) {
		st->format = strcmp(value, "csv") == 0 ? SQL_COPY_CSV : strcmp(value, "binary") == 0 ? SQL_COPY_BINARY : SQL_COPY_TEXT;
	} else if (strcmp(name, "delimiter") == 0) {
		st->delimiter = value[0];
	} else if (strcmp(name, "quote") == 0) {
		st->quote = value[0];
	} else if (strcmp(name, "escape") == 0) {
		st->escape = value[0];
	} else if (strcmp(name, "null") == 0) {
		st->null_text = facts_text(b, value);
		*null_given = true;
	}
}

/* Defaults as in the server's ProcessCopyOptions (PostgreSQL 15, SQL command COPY). */
static void
facts_copy(struct facts_build *b, struct sql_statement *st, json_t *copy)
{
	bool null_given = false;
	b->exact = true;
	json_t *columns = json_object_get(copy, "attlist");
	json_t *options = json_object_get(copy, "options");
	size_t n = json_array_size(columns);
	st->columns = base_arena_get(b->keep, n * sizeof(*st->columns));
	if (!st->columns) {
		b->err = GH_E_LIMIT;
		return;
	}
	for (size_t i = 0; i < n; i++)
		st->columns[i] = facts_text(b, facts_string(json_array_get(columns, i)));
	st->ncolumns = n;
	for (size_t i = 0; i < json_array_size(options); i++) {
		json_t *option = json_object_get(json_array_get(options, i), "DefElem");
		const char *name = json_string_value(json_object_get(option, "defname"));
		if (name)
			facts_copy_option(b, st, name, json_object_get(option, "arg"), &null_given);
	}
	bool csv = st->format == SQL_COPY_CSV;
	if (st->delimiter == 0)
		st->delimiter = csv ? ',' : '\t';
	if (st->quote == 0)
		st->quote = '"';
	if (st->escape == 0)
		st->escape = st->quote;
	if (!null_given)
		st->null_text = facts_text(b, csv ? "" : "\\N");
	bool client = !json_object_get(copy, "filename") && !json_is_true(json_object_get(copy, "is_program"));
	if (!client)
		st->class = SQL_OTHER;
	else if (json_is_true(json_object_get(copy, "is_from")))
		st->class = SQL_COPY_FROM;
	else
		st->class = json_object_get(copy, "query") ? SQL_COPY_QUERY_TO : SQL_COPY_TO;
}

static void
facts_explain(struct facts_build *b, struct sql_statement *st, json_t *explain)
{
	json_t *options = json_object_get(explain, "options");
	for (size_t i = 0; i < json_array_size(options); i++) {
		json_t *option = json_object_get(json_array_get(options, i), "DefElem");
		const char *name = json_string_value(json_object_get(option, "defname"));
		if (!name || strcmp(name, "analyze") != 0)
			continue;
		json_t *arg = json_object_get(option, "arg");
		st->analyze = facts_on(facts_option(arg)); /* the last one counts */
		if (arg)
			b->exact = true; /* the argument may be a literal */
	}
}

static void
facts_args(struct facts_build *b, struct sql_statement *st, json_t *execute)
{
	json_t *params = json_object_get(execute, "params");
	size_t n = json_array_size(params);
	st->args = base_arena_get(b->keep, n * sizeof(*st->args));
	if (!st->args) {
		b->err = GH_E_LIMIT;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t param = 0;
		st->args[i] = facts_const(b, json_array_get(params, i), &param);
	}
	st->nargs = n;
}

/* -- statements -- */

/* name: member that holds the prepared statement's or cursor's name; query: member that holds the inner statement. */
static const struct facts_kind {
	const char *node;
	enum sql_class class;
	const char *name, *query;
} facts_kinds[] = {
	{"SelectStmt", SQL_SELECT, NULL, NULL},
	{"InsertStmt", SQL_INSERT, NULL, NULL},
	{"UpdateStmt", SQL_UPDATE, NULL, NULL},
	{"DeleteStmt", SQL_DELETE, NULL, NULL},
	{"MergeStmt", SQL_MERGE, NULL, NULL},
	{"CopyStmt", SQL_OTHER, NULL, "query"}, /* facts_copy tells which */
	{"PrepareStmt", SQL_PREPARE, "name", "query"},
	{"ExecuteStmt", SQL_EXECUTE, "name", NULL},
	{"DeallocateStmt", SQL_DEALLOCATE, "name", NULL},
	{"DeclareCursorStmt", SQL_DECLARE, "portalname", "query"},
	{"FetchStmt", SQL_FETCH, "portalname", NULL},
	{"ClosePortalStmt", SQL_CLOSE, "portalname", NULL},
	{"ExplainStmt", SQL_EXPLAIN, NULL, "query"},
	{"TransactionStmt", SQL_TRANSACTION, NULL, NULL},
	{"VariableSetStmt", SQL_SET, NULL, NULL},
	{"VariableShowStmt", SQL_SHOW, NULL, NULL},
	{"CreateTableAsStmt", SQL_CREATE_AS, NULL, "query"},
	{"CallStmt", SQL_CALL_DO, NULL, NULL},
	{"DoStmt", SQL_CALL_DO, NULL, NULL},
};

/* The kind of {"SelectStmt": {...}}; its inner object in node_r. */
static const struct facts_kind *
facts_kind(json_t *wrapped, json_t **node_r)
{
	for (size_t i = 0; i < BASE_COUNT(facts_kinds); i++) {
		*node_r = json_object_get(wrapped, facts_kinds[i].node);
		if (*node_r)
			return &facts_kinds[i];
	}
	return NULL;
}

/* SELECT INTO; of a set operation the leftmost member has it. */
static bool
facts_select_into(json_t *select)
{
	for (; select; select = json_object_get(select, "larg"))
		if (json_object_get(select, "intoClause"))
			return true;
	return false;
}

/* A materialised view's CREATE or a rule may wrap statements too; those are SQL_OTHER and only their relations are told. The loop goes
 * through EXPLAIN, PREPARE and the like to the query; each wraps at most one. */
static void
facts_class(struct facts_build *b, struct sql_statement *st, json_t *wrapped)
{
	st->class = SQL_OTHER;
	st->name = base_span("", 0);
	st->null_text = base_span("", 0);
	bool outer = true;
	json_t *node;
	for (const struct facts_kind *k; (k = facts_kind(wrapped, &node)) != NULL && b->err == 0; outer = false) {
		if (k->name && st->name.n == 0)
			st->name = facts_text(b, json_string_value(json_object_get(node, k->name)));
		if (outer) {
			st->class = k->class;
			if (k->class == SQL_SELECT && facts_select_into(node))
				st->class = SQL_CREATE_AS;
			if (strcmp(k->node, "CopyStmt") == 0)
				facts_copy(b, st, node);
			if (k->class == SQL_EXPLAIN)
				facts_explain(b, st, node);
		}
		if (k->class == SQL_EXECUTE)
			facts_args(b, st, node);
		if (!k->query) {
			facts_where(b, wrapped);
			return;
		}
		wrapped = json_object_get(node, k->query);
	}
}

static int
facts_by_name(const void *a, const void *b)
{
	return base_span_cmp(*(const struct base_span *)a, *(const struct base_span *)b);
}

/* Moves a grown array to where it stays. */
static void *
facts_keep(struct facts_build *b, const struct facts_vec *v, size_t size)
{
	void *p = base_arena_get(b->keep, v->n * size);
	if (!p)
		b->err = GH_E_LIMIT;
	else if (v->n > 0)
		memcpy(p, v->items, v->n * size);
	return p;
}

static void
facts_statement(struct facts_build *b, struct sql_statement *st, json_t *raw, size_t text_len)
{
	b->relations = b->equalities = b->functions = b->ctes = (struct facts_vec){NULL, 0, 0};
	json_t *wrapped = json_object_get(raw, "stmt");
	facts_walk(b, wrapped);
	facts_class(b, st, wrapped);

	/* Members that are zero are left out; length zero means: to the end. */
	json_int_t at = json_integer_value(json_object_get(raw, "stmt_location"));
	json_int_t len = json_integer_value(json_object_get(raw, "stmt_len"));
	if (at < 0 || (uint64_t)at > text_len || len < 0 || (uint64_t)len > text_len - (uint64_t)at)
		b->err = b->err != 0 ? b->err : GH_E_PARSE;
	st->at = (uint32_t)at;
	st->len = len == 0 ? (uint32_t)(text_len - (size_t)at) : (uint32_t)len;

	struct base_span *f = b->functions.items;
	size_t unique = 0;
	if (b->functions.n > 1)
		qsort(f, b->functions.n, sizeof(*f), facts_by_name);
	for (size_t i = 0; i < b->functions.n; i++)
		if (unique == 0 || !base_span_eq(f[unique - 1], f[i]))
			f[unique++] = f[i];
	b->functions.n = unique;

	st->relations = facts_keep(b, &b->relations, sizeof(*st->relations));
	st->nrelations = b->relations.n;
	st->equalities = facts_keep(b, &b->equalities, sizeof(*st->equalities));
	st->nequalities = b->equalities.n;
	st->functions = facts_keep(b, &b->functions, sizeof(*st->functions));
	st->nfunctions = b->functions.n;
}

static int
facts_tree(struct facts_build *b, struct sql_facts *facts, const char *json, size_t text_len)
{
	json_error_t why;
	json_t *tree = json_loads(json, 0, &why);
	if (!tree)
		return json_error_code(&why) == json_error_stack_overflow ? GH_E_LIMIT : GH_E_PARSE;
	json_t *list = json_object_get(tree, "stmts");
	size_t n = json_array_size(list);
	facts->statement = base_arena_get(b->keep, n * sizeof(*facts->statement));
	if (!facts->statement)
		b->err = GH_E_LIMIT;
	for (size_t i = 0; i < n && b->err == 0; i++)
		facts_statement(b, &facts->statement[i], json_array_get(list, i), text_len);
	facts->count = n;
	facts->exact = b->exact || n > 1;
	json_decref(tree);
	return b->err;
}

/* jansson seeds its hash tables at the first object; left alone it would open /dev/urandom for that, which a process with its files
 * closed off cannot. Threads that come here together all call it; jansson keeps the first seed and lets the others wait. */
void
facts_seed(void)
{
	static atomic_bool seeded;
	if (atomic_load_explicit(&seeded, memory_order_acquire))
		return;
	size_t seed;
	base_crypt_random(&seed, sizeof(seed));
	json_object_seed(seed | 1); /* 0 would mean: choose one */
	atomic_store_explicit(&seeded, true, memory_order_release);
}

int
sql_facts_new(struct base_span text, const struct sql_scan *scan, struct sql_facts **facts_r, struct base_fail *fail)
{
	if (text.n > SQL_TEXT_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "statement of %zu bytes is longer than %u bytes", text.n, SQL_TEXT_MAX);
	if (text.n > 0 && memchr(text.p, 0, text.n))
		return base_fail_set(fail, GH_E_PARSE, "statement holds a zero byte");
	facts_seed();
	struct facts_own *own = base_mem_new(1, sizeof(*own));
	atomic_init(&own->refs, 1);
	own->keep = base_arena_new(FACTS_ARENA_MAX);
	struct base_arena *work = base_arena_new(FACTS_ARENA_MAX);
	struct facts_build b = {.keep = own->keep, .work = work, .scan = scan};
	struct sql_facts *facts = &own->facts;
	PgQueryParseResult parsed = {.parse_tree = NULL};
	int err = 0;

	const char *z = base_arena_str(work, text);
	if (!z) {
		err = base_fail_set(fail, GH_E_NOMEM, "out of memory for a statement of %zu bytes", text.n);
		goto out;
	}
	parsed = pg_query_parse(z);
	if (parsed.error) {
		err = sql_scan_refused(fail, "parsed", parsed.error->message);
		goto out;
	}
	err = facts_tree(&b, facts, parsed.parse_tree, text.n);
	if (err == GH_E_LIMIT)
		err = base_fail_set(fail, err, "statement is nested too deeply or names too many things");
	else if (err != 0)
		err = base_fail_set(fail, err, "statement's syntax tree cannot be read");
out:
	pg_query_free_parse_result(parsed);
	base_arena_free(&work);
	if (err != 0)
		sql_facts_unref(&facts);
	else
		*facts_r = facts;
	return err;
}

void
sql_facts_ref(struct sql_facts *f)
{
	atomic_fetch_add_explicit(&((struct facts_own *)f)->refs, 1, memory_order_relaxed);
}

void
sql_facts_unref(struct sql_facts **f)
{
	struct facts_own *own = (struct facts_own *)*f;
	*f = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	base_arena_free(&own->keep);
	free(own);
}
