/* tree_golden: statements whose trees we know to the byte, for each major version. At start the gate has the server analyse them and
 * compares: a server that prints another form (a patch, a fork, another version) is refused, by the name of the first that differs.
 * They name system relations and built-in functions only, and together hold every node kind that the decision knows. Pure.
 */
#ifndef TREE_GOLDEN_H
#define TREE_GOLDEN_H

#include "tree_read.h"

struct tree_golden { const char *name; const char *sql; const char *hash; /* 64 hex digits of tree_hash */ };
const struct tree_golden *tree_golden(unsigned major, size_t *n_r); /* NULL: version not supported */
/* detail: what the server printed for g->sql. GH_E_VERIFY naming g->name when it is not the known tree. */
BASE_CHECK int tree_golden_check(const struct tree_golden *g, unsigned major, struct base_span detail, struct base_fail *fail);

#endif
