/* tree_read: the DETAIL of the server's notice "rewritten parse tree:" to nodes. Strict and positional, like readfuncs.c: a field's name,
 * then exactly one value, in the order of the table of this major version; unknown node, unknown, missing, duplicate or surplus field,
 * surplus token, wrong shape = GH_E_PARSE with what and where. Input: a hostile server, and through labels a hostile client. Pure.
 *
 * The server breaks lines at 78 bytes (format_node_dump): at a space that it swallows, or, where a line has no space, in the middle of a
 * token. tree_unwrap undoes it where it is certain and refuses where it is not (SQL-RULES 7.4).
 */
#ifndef TREE_READ_H
#define TREE_READ_H

#include "base_buf.h"
#include "tree_node.h"

#define TREE_TEXT_MAX (4u << 20)   /* bytes of a DETAIL */
#define TREE_NODES_MAX 262144u     /* nodes of one tree */
#define TREE_DEPTH_MAX 512u        /* nodes and lists within each other */
#define TREE_MEMORY_MAX (64u << 20)

bool tree_supported(unsigned major); /* is there a table for this major version? */

struct tree;
/* text: the DETAIL. major: of the server, 15. The result is a list of Query nodes (more than one: a rule added statements;
 * none: a rule DO INSTEAD NOTHING).
 * GH_E_PARSE, GH_E_LIMIT, GH_E_UNSUPPORTED (version), GH_E_NOMEM. */
BASE_CHECK int tree_read(struct base_span text, unsigned major, struct tree **tree_r, struct base_fail *fail);
void tree_free(struct tree **t);
struct tree_list tree_queries(const struct tree *t);
unsigned tree_major(const struct tree *t);

/* The one line that the server had before it broke it; appended to out. For tests and for tree_read. */
BASE_CHECK int tree_unwrap(struct base_span text, struct base_buf *out, struct base_fail *fail);

#endif
