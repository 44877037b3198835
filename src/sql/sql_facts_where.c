/* sql_facts_where: second pass: `column = constant` conditions that every row of the answer satisfies.
 *
 * A scope is one query level's FROM list. Conditions are taken from WHERE and from the ON of inner joins, at the AND level only, and from
 * plain sub-selects and WITH queries that the outermost level reads, unless they stand on the side of an outer join that may be missing:
 * there the condition says nothing about rows without a match. Names resolve to the relation's number of the first pass, through
 * sub-selects that pass the column on under that or another name. What cannot be resolved for certain is left out.
 * Input: libpg_query's tree of hostile text. Recursion is counted. Pure.
 */
#include "sql_facts_int.h"

struct where_entry {
	const char *alias;        /* borrow: the tree's string; NULL: cannot be named */
	const char *schema;       /* of a relation without alias, may be NULL */
	size_t relation;          /* FACTS_NONE: not a relation with its own column names */
	struct facts_scope *sub;  /* a sub-select or WITH query, NULL: none, or its columns are renamed */
	struct facts_scope *body; /* the same, renamed or not: its own conditions hold all the same */
	bool optional;            /* may be missing from a row (outer join) */
};

struct facts_scope {
	json_t *query;            /* borrow: the SelectStmt, UpdateStmt or DeleteStmt */
	struct facts_vec entries; /* where_entry */
	struct facts_vec quals;   /* json_t *: conditions every row satisfies */
	bool lateral;             /* bare columns may be an outer query's */
	bool taken;               /* equalities were read */
	bool select;              /* has a target list that names columns */
};

struct where_column { size_t relation; const char *name; }; /* name NULL: unknown */

static struct facts_scope *where_scope(struct facts_build *b, json_t *query, bool lateral, unsigned depth);

static struct where_entry *
where_entry(const struct facts_scope *s, size_t i)
{
	return (struct where_entry *)s->entries.items + i;
}

static void
where_qual(struct facts_build *b, struct facts_scope *s, json_t *qual)
{
	if (!qual)
		return;
	json_t **q = facts_add(b, &s->quals, sizeof(*q), SQL_RELATIONS_MAX);
	if (q)
		*q = qual;
}

static struct facts_scope *
where_cte_scope(struct facts_build *b, size_t index, unsigned depth)
{
	if (index >= b->ctes.n)
		return NULL;
	struct facts_cte *cte = (struct facts_cte *)b->ctes.items + index;
	if (!cte->entered) { /* a recursive query meets itself here and finds no scope yet */
		cte->entered = true;
		struct facts_scope *s = where_scope(b, cte->query, false, depth);
		cte = (struct facts_cte *)b->ctes.items + index;
		cte->scope = s;
	}
	return cte->scope;
}

static void
where_range_var(struct facts_build *b, struct facts_scope *s, json_t *node, bool optional, unsigned depth)
{
	struct where_entry *e = facts_add(b, &s->entries, sizeof(*e), SQL_RELATIONS_MAX);
	if (!e)
		return;
	json_t *alias = json_object_get(node, "alias");
	bool renamed = json_array_size(json_object_get(alias, "colnames")) > 0;
	e->alias = json_string_value(json_object_get(alias ? alias : node, alias ? "aliasname" : "relname"));
	e->schema = alias ? NULL : json_string_value(json_object_get(node, "schemaname"));
	e->relation = FACTS_NONE;
	e->optional = optional;
	json_t *rel = json_object_get(node, FACTS_KEY_REL);
	json_t *cte = json_object_get(node, FACTS_KEY_CTE);
	if (json_is_integer(rel) && !renamed)
		e->relation = (size_t)json_integer_value(rel);
	if (json_is_integer(cte)) {
		size_t index = (size_t)json_integer_value(cte);
		struct facts_scope *sub = where_cte_scope(b, index, depth);
		const struct facts_cte *c = (const struct facts_cte *)b->ctes.items + index;
		e->sub = renamed || c->renamed ? NULL : sub;
		e->body = c->uses == 1 ? sub : NULL;
	}
}

static void
where_subselect(struct facts_build *b, struct facts_scope *s, json_t *node, bool optional, unsigned depth)
{
	struct where_entry *e = facts_add(b, &s->entries, sizeof(*e), SQL_RELATIONS_MAX);
	if (!e)
		return;
	json_t *alias = json_object_get(node, "alias");
	bool lateral = json_is_true(json_object_get(node, "lateral"));
	e->alias = json_string_value(json_object_get(alias, "aliasname"));
	e->relation = FACTS_NONE;
	e->optional = optional;
	e->body = where_scope(b, json_object_get(node, "subquery"), lateral, depth);
	e->sub = json_array_size(json_object_get(alias, "colnames")) > 0 ? NULL : e->body;
}

static void
where_from(struct facts_build *b, struct facts_scope *s, json_t *item, bool optional, unsigned depth)
{
	if (depth > FACTS_DEPTH_MAX)
		b->err = GH_E_LIMIT;
	if (b->err != 0)
		return;
	json_t *node;
	if ((node = json_object_get(item, "RangeVar")) != NULL) {
		where_range_var(b, s, node, optional, depth + 1);
	} else if ((node = json_object_get(item, "RangeSubselect")) != NULL) {
		where_subselect(b, s, node, optional, depth + 1);
	} else if ((node = json_object_get(item, "RangeTableSample")) != NULL) {
		where_from(b, s, json_object_get(node, "relation"), optional, depth + 1);
	} else if ((node = json_object_get(item, "JoinExpr")) != NULL) {
		const char *type = json_string_value(json_object_get(node, "jointype"));
		bool inner = type && strcmp(type, "JOIN_INNER") == 0;
		bool left = type && strcmp(type, "JOIN_LEFT") == 0;
		bool right = type && strcmp(type, "JOIN_RIGHT") == 0;
		where_from(b, s, json_object_get(node, "larg"), optional || !(inner || left), depth + 1);
		where_from(b, s, json_object_get(node, "rarg"), optional || !(inner || right), depth + 1);
		if (inner && !optional)
			where_qual(b, s, json_object_get(node, "quals"));
	} else {
		/* functions, VALUES, XMLTABLE: an entry whose columns are nobody's */
		struct where_entry *e = facts_add(b, &s->entries, sizeof(*e), SQL_RELATIONS_MAX);
		if (e)
			e->relation = FACTS_NONE;
	}
}

/* NULL when it is no query with a FROM list of its own: set operations, VALUES, INSERT. */
static struct facts_scope *
where_scope(struct facts_build *b, json_t *query, bool lateral, unsigned depth)
{
	if (depth > FACTS_DEPTH_MAX)
		b->err = GH_E_LIMIT;
	json_t *select = json_object_get(query, "SelectStmt");
	json_t *update = json_object_get(query, "UpdateStmt");
	json_t *stmt = select ? select : update ? update : json_object_get(query, "DeleteStmt");
	const char *op = json_string_value(json_object_get(select, "op"));
	if (b->err != 0 || !stmt || (select && (!op || strcmp(op, "SETOP_NONE") != 0)) || json_object_get(select, "valuesLists"))
		return NULL;
	struct facts_scope *s = base_arena_get(b->work, sizeof(*s));
	if (!s) {
		b->err = GH_E_LIMIT;
		return NULL;
	}
	s->query = stmt;
	s->lateral = lateral;
	s->select = select != NULL;
	if (!select)
		where_range_var(b, s, json_object_get(stmt, "relation"), false, depth + 1);
	json_t *from = json_object_get(stmt, select || update ? "fromClause" : "usingClause");
	for (size_t i = 0; i < json_array_size(from); i++)
		where_from(b, s, json_array_get(from, i), false, depth + 1);
	where_qual(b, s, json_object_get(stmt, "whereClause"));
	return s;
}

/* -- names -- */

static bool where_bare(const struct facts_build *b, const struct facts_scope *s, const char *column, unsigned depth,
                       struct where_column *out_r);
static bool where_in_entry(const struct facts_build *b, const struct where_entry *e, const char *column, unsigned depth,
                           struct where_column *out_r);

/* A ColumnRef's fields: column, alias.column, schema.relation.column. */
static bool
where_resolve(const struct facts_build *b, const struct facts_scope *s, json_t *ref, unsigned depth, struct where_column *out_r)
{
	json_t *fields = json_object_get(ref, "fields");
	size_t n = json_array_size(fields);
	const char *part[3] = {NULL, NULL, NULL}; /* schema, relation, column */
	if (n == 0 || n > 3)
		return false;
	for (size_t i = 0; i < n; i++) {
		part[3 - n + i] = facts_string(json_array_get(fields, i));
		if (!part[3 - n + i])
			return false; /* a star */
	}
	if (n == 1)
		return where_bare(b, s, part[2], depth, out_r);
	for (size_t i = 0; i < s->entries.n; i++) {
		const struct where_entry *e = where_entry(s, i);
		if (!e->alias || strcmp(e->alias, part[1]) != 0)
			continue;
		if (part[0] && e->schema && strcmp(e->schema, part[0]) != 0)
			continue;
		return where_in_entry(b, e, part[2], depth, out_r);
	}
	return false;
}

/* A column that a sub-select passes on: named in its target list, or by way of its only star. */
static bool
where_through(const struct facts_build *b, const struct facts_scope *sub, const char *column, unsigned depth, struct where_column *out_r)
{
	json_t *list = json_object_get(sub->query, "targetList");
	json_t *star = NULL;
	size_t stars = 0;
	if (!sub->select || depth > FACTS_DEPTH_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *target = json_object_get(json_array_get(list, i), "ResTarget");
		json_t *ref = json_object_get(json_object_get(target, "val"), "ColumnRef");
		json_t *fields = json_object_get(ref, "fields");
		size_t n = json_array_size(fields);
		json_t *last = n > 0 ? json_array_get(fields, n - 1) : NULL;
		const char *name = json_string_value(json_object_get(target, "name"));
		if (!name)
			name = facts_string(last);
		if (name && strcmp(name, column) == 0)
			return ref && where_resolve(b, sub, ref, depth + 1, out_r);
		if (json_object_get(last, "A_Star")) {
			star = fields;
			stars++;
		}
	}
	if (stars != 1)
		return false;
	if (json_array_size(star) == 1)
		return sub->entries.n == 1 && where_in_entry(b, where_entry(sub, 0), column, depth + 1, out_r);
	const char *alias = json_array_size(star) == 2 ? facts_string(json_array_get(star, 0)) : NULL;
	for (size_t i = 0; alias && i < sub->entries.n; i++) {
		const struct where_entry *e = where_entry(sub, i);
		if (e->alias && strcmp(e->alias, alias) == 0)
			return where_in_entry(b, e, column, depth + 1, out_r);
	}
	return false;
}

static bool
where_in_entry(const struct facts_build *b, const struct where_entry *e, const char *column, unsigned depth, struct where_column *out_r)
{
	if (e->sub)
		return where_through(b, e->sub, column, depth, out_r);
	if (e->relation == FACTS_NONE)
		return false;
	*out_r = (struct where_column){e->relation, column};
	return true;
}

/* A bare column of a level with one entry is that entry's. With several it is reported as "could belong to several" only where the
 * statement names no other relation than these: whoever knows the columns may then pick the one relation that has it. */
static bool
where_bare(const struct facts_build *b, const struct facts_scope *s, const char *column, unsigned depth, struct where_column *out_r)
{
	if (s->lateral)
		return false;
	if (s->entries.n == 1)
		return where_in_entry(b, where_entry(s, 0), column, depth, out_r);
	for (size_t i = 0; i < s->entries.n; i++)
		if (where_entry(s, i)->relation == FACTS_NONE)
			return false;
	if (s->entries.n != b->relations.n)
		return false;
	*out_r = (struct where_column){SIZE_MAX, column};
	return true;
}

/* -- conditions -- */

static void
where_add(struct facts_build *b, size_t relation, const char *column, size_t literal, uint32_t param)
{
	struct sql_equality *e = facts_add(b, &b->equalities, sizeof(*e), SQL_EQUALITIES_MAX);
	if (!e)
		return;
	e->relation = relation;
	e->column = facts_text(b, column);
	e->is_param = param != 0;
	e->number = param != 0 ? param : (uint32_t)literal;
}

/* "=" or OPERATOR(pg_catalog.=). */
static bool
where_is_equals(json_t *name)
{
	size_t n = json_array_size(name);
	const char *op = n > 0 ? facts_string(json_array_get(name, n - 1)) : NULL;
	const char *schema = n == 2 ? facts_string(json_array_get(name, 0)) : NULL;
	return op && strcmp(op, "=") == 0 && (n == 1 || (schema && strcmp(schema, "pg_catalog") == 0));
}

static void
where_condition(struct facts_build *b, const struct facts_scope *s, json_t *expr)
{
	const char *kind = json_string_value(json_object_get(expr, "kind"));
	json_t *left = json_object_get(expr, "lexpr");
	json_t *right = json_object_get(expr, "rexpr");
	if (!kind || !where_is_equals(json_object_get(expr, "name")))
		return;
	if (strcmp(kind, "AEXPR_IN") == 0) {
		json_t *items = json_object_get(json_object_get(right, "List"), "items");
		if (json_array_size(items) != 1)
			return;
		right = json_array_get(items, 0);
	} else if (strcmp(kind, "AEXPR_OP") != 0) {
		return;
	}
	json_t *ref = json_object_get(left, "ColumnRef");
	json_t *value = right;
	if (!ref) {
		ref = json_object_get(right, "ColumnRef");
		value = left;
	}
	uint32_t param = 0;
	size_t literal = facts_const(b, value, &param);
	struct where_column column;
	if (ref && (literal != FACTS_NONE || param != 0) && where_resolve(b, s, ref, 0, &column))
		where_add(b, column.relation, column.name, literal, param);
}

static void
where_qual_read(struct facts_build *b, const struct facts_scope *s, json_t *qual, unsigned depth)
{
	if (depth > FACTS_DEPTH_MAX)
		b->err = GH_E_LIMIT;
	if (b->err != 0)
		return;
	json_t *boolean = json_object_get(qual, "BoolExpr");
	const char *op = json_string_value(json_object_get(boolean, "boolop"));
	if (op && strcmp(op, "AND_EXPR") == 0) {
		json_t *args = json_object_get(boolean, "args");
		for (size_t i = 0; i < json_array_size(args); i++)
			where_qual_read(b, s, json_array_get(args, i), depth + 1);
	} else {
		where_condition(b, s, json_object_get(qual, "A_Expr"));
	}
}

static void
where_read(struct facts_build *b, struct facts_scope *s, unsigned depth)
{
	if (depth > FACTS_DEPTH_MAX)
		b->err = GH_E_LIMIT;
	if (b->err != 0 || !s || s->taken)
		return;
	s->taken = true;
	for (size_t i = 0; i < s->quals.n; i++)
		where_qual_read(b, s, ((json_t **)s->quals.items)[i], depth + 1);
	for (size_t i = 0; i < s->entries.n; i++)
		if (!where_entry(s, i)->optional)
			where_read(b, where_entry(s, i)->body, depth + 1);
}

/* INSERT INTO t (a, b) VALUES (1, $2): the row written has these values. */
static bool
where_insert_values(struct facts_build *b, json_t *insert)
{
	json_t *select = json_object_get(json_object_get(insert, "selectStmt"), "SelectStmt");
	json_t *rows = json_object_get(select, "valuesLists");
	json_t *columns = json_object_get(insert, "cols");
	json_t *relation = json_object_get(json_object_get(insert, "relation"), FACTS_KEY_REL);
	if (!rows)
		return false;
	json_t *items = json_object_get(json_object_get(json_array_get(rows, 0), "List"), "items");
	if (json_array_size(rows) != 1 || json_array_size(items) != json_array_size(columns) || !json_is_integer(relation))
		return true;
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *target = json_object_get(json_array_get(columns, i), "ResTarget");
		const char *name = json_string_value(json_object_get(target, "name"));
		uint32_t param = 0;
		size_t literal = facts_const(b, json_array_get(items, i), &param);
		if (name && !json_object_get(target, "indirection") && (literal != FACTS_NONE || param != 0))
			where_add(b, (size_t)json_integer_value(relation), name, literal, param);
	}
	return true;
}

void
facts_where(struct facts_build *b, json_t *query)
{
	json_t *insert = json_object_get(query, "InsertStmt");
	if (insert) {
		if (where_insert_values(b, insert))
			return;
		query = json_object_get(insert, "selectStmt");
	}
	where_read(b, where_scope(b, query, false, 0), 0);
}
