/* sql_facts_int: what the files sql_facts*.c share. Private to sql.
 *
 * The way of a text: libpg_query's JSON -> jansson's tree -> per statement: walk (relations, functions, WITH names; each relation node
 * of the tree gets its number written into it) -> where (scopes of FROM, equalities) -> class and the rest.
 */
#ifndef SQL_FACTS_INT_H
#define SQL_FACTS_INT_H

#include <jansson.h>

#include "base_mem.h"
#include "sql_facts.h"

/* Depth of our own recursion over the tree. jansson refuses trees deeper than 2048 before we see them (JSON_PARSER_MAX_DEPTH); through
 * WITH queries the second pass can follow more than one path of the tree, hence its own count. */
#define FACTS_DEPTH_MAX 2100u
#define FACTS_ARENA_MAX ((size_t)16 << 20)

/* Keys that the walk adds to relation nodes; the library's own keys never start with '#'. */
#define FACTS_KEY_REL "#rel" /* index into relations */
#define FACTS_KEY_CTE "#cte" /* index into ctes: the name is a WITH query's */
#define FACTS_KEY_TARGET "#target"

struct facts_vec { void *items; size_t n, cap; }; /* items: in work */

#define FACTS_NONE SIZE_MAX

/* A WITH query. Names are looked up along `outer`, which is set while the name is in force. */
struct facts_cte {
	struct base_span name;
	json_t *query;   /* borrow: {"SelectStmt": ...} */
	size_t outer;    /* next visible name, FACTS_NONE at the end */
	size_t uses;     /* references found by the walk */
	bool renamed;    /* WITH c(x, y): the query's own column names are hidden */
	bool entered;    /* second pass: scope made or being made */
	struct facts_scope *scope; /* in work; NULL: not a plain query */
};

struct facts_build {
	struct base_arena *keep; /* borrow: strings, later the final arrays; lives as long as the facts */
	struct base_arena *work; /* borrow: growing arrays and scopes; freed with the tree */
	const struct sql_scan *scan;
	int err; /* first failure; everything stops when it is set */
	bool exact;
	/* of the statement in hand: */
	struct facts_vec relations, equalities, functions, ctes;
};

/* sql_facts.c */
void *facts_add(struct facts_build *b, struct facts_vec *v, size_t size, size_t max); /* a zeroed element; NULL and err */
struct base_span facts_text(struct facts_build *b, const char *s);                    /* copy in keep; NULL is empty */
const char *facts_string(json_t *node); /* of {"String":{"sval":..}}; NULL when it is something else */
void facts_seed(void); /* before the first use of jansson */
size_t facts_const(const struct facts_build *b, json_t *node, uint32_t *param_r); /* literal index, FACTS_NONE; *param_r = $n or 0 */

/* sql_facts_walk.c: relations, functions and ctes of everything under node. */
void facts_walk(struct facts_build *b, json_t *node);

/* sql_facts_where.c: equalities of a query ({"SelectStmt": ...}, {"UpdateStmt": ...}, ...), after facts_walk. */
void facts_where(struct facts_build *b, json_t *query);

#endif
