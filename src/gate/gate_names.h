/* gate_names: what relations and columns were called when a policy was bound to them. A policy is bound by name at start and at reload only; when
 * it is bound anew in between, because something in the catalogue was changed, the rows get the names back that they had: so a rename moves no
 * protection, a dropped column's name passes to no other column, and a dropped table's name to no other table. Pure; immutable.
 */
#ifndef GATE_NAMES_H
#define GATE_NAMES_H

#include "base_mem.h"
#include "policy_map.h"

struct gate_names;

/* Remembers the relations of c that f names or m protects, and their columns. Copies; never NULL. */
struct gate_names *gate_names_new(const struct policy_catalogue *c, const struct policy_file *f, const struct policy_map *m);
void gate_names_free(struct gate_names **n);
/* The rows of c under the old names, in arena a and otherwise borrowed from c and n. Relations and columns that are gone are still there (no
 * statement can name them); one that took over the name of another is left out or has no name, so that no rule is about it.
 * changed: such differences, for people, as many as there is room for (size > 0); empty when there is none. GH_E_LIMIT when the arena is too small. */
BASE_CHECK int gate_names_hold(const struct gate_names *n, const struct policy_catalogue *c, struct base_arena *a, struct policy_catalogue *held_r,
                               char *changed, size_t size, struct base_fail *fail);

#endif
