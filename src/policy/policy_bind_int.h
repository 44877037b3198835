/* policy_bind_int: what policy_bind.c (subjects), policy_bind_group.c (groups, trusted views) and policy_bind_case.c (cases, step-up) share while a policy is bound. Private to policy. */
#ifndef POLICY_BIND_INT_H
#define POLICY_BIND_INT_H

#include "policy_map_int.h"

#define POLICY_TEXT_OID 25u

/* A relation of the catalogue while binding. */
struct policy_bind_relation {
	const struct policy_cat_relation *cat; /* borrow */
	size_t first, count; /* its columns in policy_bind.columns */
	bool down;           /* protected, named or a child of such */
	bool in;             /* protected for any reason */
	bool named;          /* by a group */
};

struct policy_bind_column {
	const struct policy_cat_column *cat; /* borrow */
	bool set;
	enum policy_role role;
	unsigned kind;
	enum policy_norm norm;
	struct base_span country;
	bool harmless;       /* a subject says so of it, or of where it comes from; where it has a role, that wins */
};

struct policy_bind_edge { uint32_t key, other; };

struct policy_bind {
	const struct policy_file *file; /* borrow: the map's share */
	const struct policy_catalogue *cat;
	struct base_fail *fail;
	struct base_arena *work;        /* own: freed at the end */
	struct policy_map *map;         /* own until handed over */
	struct policy_bind_relation *relations; size_t nrelations; /* ascending OID, unique */
	struct policy_bind_column *columns; size_t ncolumns;       /* ascending (OID, attnum), unique */
	struct policy_cat_view *views;  /* ascending (base, base_attnum) */
	struct policy_bind_edge *readers;  /* key = relation read, other = view */
	struct policy_bind_edge *children; /* key = parent, other = child */
	struct policy_bind_edge *parents;  /* key = child, other = parent */
	size_t *queue, nqueue;          /* indexes of relations, then of columns; each at most once */
};

int policy_bind_refused(struct policy_bind *b);
void *policy_bind_get(struct base_arena *arena, size_t count, size_t size);
/* "file:line:column: WHAT "NAME" REST; did you mean "NEAR"?" at the name's place. */
int policy_bind_fail(struct policy_bind *b, int code, const struct policy_name *at, const char *what, struct base_span name, const char *rest, const char *near);
int policy_bind_table(struct policy_bind *b, const struct policy_name *name, const char *what, struct policy_bind_relation **r_r);
int policy_bind_find_column(struct policy_bind *b, const struct policy_bind_relation *r, const struct policy_name *name, struct policy_bind_column **c_r);
bool policy_bind_canonical(const struct policy_cat_column *c); /* values have one canonical text */
struct base_span policy_bind_join(struct base_arena *arena, struct base_span a, struct base_span b); /* "a.b"; p == NULL: no room */

int policy_bind_groups(struct policy_bind *b); /* map->named, groups, trusted, questions */
int policy_bind_case(struct policy_bind *b);   /* map->case_table, steps */

#endif
