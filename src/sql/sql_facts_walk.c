/* sql_facts_walk: first pass over a statement's tree: every relation named anywhere in it, every function called, and which names are
 * WITH queries. Input: libpg_query's tree of hostile text, so nothing is assumed to be there. Recursion is counted. Pure.
 */
#include "sql_facts_int.h"

static struct facts_cte *
walk_cte(struct facts_build *b, size_t i)
{
	return (struct facts_cte *)b->ctes.items + i;
}

static size_t
walk_find_cte(struct facts_build *b, size_t visible, const char *name)
{
	while (visible != FACTS_NONE && !base_span_is(walk_cte(b, visible)->name, name))
		visible = walk_cte(b, visible)->outer;
	return visible;
}

static void
walk_note(struct facts_build *b, json_t *node, const char *key, size_t number)
{
	if (json_object_set_new(node, key, json_integer((json_int_t)number)) != 0)
		b->err = GH_E_NOMEM;
}

/* A RangeVar. A name without schema is a WITH query's when one is visible, except for targets: the server writes to tables only. */
static void
walk_relation(struct facts_build *b, json_t *node, const char *name, size_t visible)
{
	const char *schema = json_string_value(json_object_get(node, "schemaname"));
	bool target = json_object_get(node, FACTS_KEY_TARGET) != NULL;
	if (!schema && !target) {
		size_t cte = walk_find_cte(b, visible, name);
		if (cte != FACTS_NONE) {
			walk_cte(b, cte)->uses++;
			walk_note(b, node, FACTS_KEY_CTE, cte);
			return;
		}
	}
	walk_note(b, node, FACTS_KEY_REL, b->relations.n);
	struct sql_relation *r = facts_add(b, &b->relations, sizeof(*r), SQL_RELATIONS_MAX);
	if (!r)
		return;
	r->schema = facts_text(b, schema);
	r->name = facts_text(b, name);
	r->written = target;
}

static void
walk_function(struct facts_build *b, json_t *call)
{
	json_t *names = json_object_get(call, "funcname");
	size_t n = json_array_size(names);
	const char *name = n > 0 ? facts_string(json_array_get(names, n - 1)) : NULL;
	if (!name)
		return;
	struct base_span *f = facts_add(b, &b->functions, sizeof(*f), SQL_FUNCTIONS_MAX);
	if (f)
		*f = facts_text(b, name);
}

static void
walk_mark_target(struct facts_build *b, json_t *range_var)
{
	if (json_is_object(range_var) && json_object_set_new(range_var, FACTS_KEY_TARGET, json_true()) != 0)
		b->err = GH_E_NOMEM;
}

/* Marks the relations that the node under `key` writes. */
static void
walk_targets(struct facts_build *b, const char *key, json_t *node)
{
	static const char *const writers[] = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
	for (size_t i = 0; i < BASE_COUNT(writers); i++)
		if (strcmp(key, writers[i]) == 0)
			walk_mark_target(b, json_object_get(node, "relation"));
	if (strcmp(key, "CopyStmt") == 0 && json_is_true(json_object_get(node, "is_from")))
		walk_mark_target(b, json_object_get(node, "relation"));
	if (strcmp(key, "intoClause") == 0 || strcmp(key, "into") == 0)
		walk_mark_target(b, json_object_get(node, "rel"));
	if (strcmp(key, "TruncateStmt") == 0) {
		json_t *list = json_object_get(node, "relations");
		for (size_t i = 0; i < json_array_size(list); i++)
			walk_mark_target(b, json_object_get(json_array_get(list, i), "RangeVar"));
	}
}

static void walk(struct facts_build *b, json_t *node, size_t visible, unsigned depth);

/* WITH: a query sees the names before it, with RECURSIVE all of its list. Returns the names visible in the statement itself. */
static size_t
walk_with(struct facts_build *b, json_t *with, size_t visible, unsigned depth)
{
	json_t *list = json_object_get(with, "ctes");
	bool recursive = json_is_true(json_object_get(with, "recursive"));
	size_t first = b->ctes.n;
	size_t count = json_array_size(list);
	for (size_t pass = 0; pass < 2 && b->err == 0; pass++) {
		for (size_t i = 0; i < count && b->err == 0; i++) {
			json_t *node = json_object_get(json_array_get(list, i), "CommonTableExpr");
			if (pass == 0) {
				struct facts_cte *cte = facts_add(b, &b->ctes, sizeof(*cte), SQL_RELATIONS_MAX);
				if (!cte)
					break;
				cte->name = facts_text(b, json_string_value(json_object_get(node, "ctename")));
				cte->query = json_object_get(node, "ctequery");
				cte->renamed = json_array_size(json_object_get(node, "aliascolnames")) > 0;
				cte->outer = i == 0 ? visible : first + i - 1;
			} else {
				size_t before = i == 0 ? visible : first + i - 1;
				walk(b, node, recursive ? first + count - 1 : before, depth);
			}
		}
	}
	return count == 0 ? visible : first + count - 1;
}

static void
walk(struct facts_build *b, json_t *node, size_t visible, unsigned depth)
{
	if (depth > FACTS_DEPTH_MAX)
		b->err = GH_E_LIMIT;
	if (b->err != 0)
		return;
	if (json_is_array(node)) {
		for (size_t i = 0; i < json_array_size(node); i++)
			walk(b, json_array_get(node, i), visible, depth + 1);
		return;
	}
	if (!json_is_object(node))
		return;
	json_t *with = json_object_get(node, "withClause");
	if (with)
		visible = walk_with(b, with, visible, depth + 1);
	const char *key;
	json_t *child;
	json_object_foreach(node, key, child) {
		if (child == with)
			continue;
		if (strcmp(key, "FuncCall") == 0 || strcmp(key, "funccall") == 0)
			walk_function(b, child);
		walk_targets(b, key, child);
		walk(b, child, visible, depth + 1);
	}
	/* Last: it adds a key to the node. Only RangeVar has this one. */
	const char *relation = json_string_value(json_object_get(node, "relname"));
	if (relation)
		walk_relation(b, node, relation, visible);
}

void
facts_walk(struct facts_build *b, json_t *node)
{
	walk(b, node, FACTS_NONE, 0);
}
