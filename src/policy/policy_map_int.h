/* policy_map_int: layout of a bound policy, shared by policy_map.c (lookups), policy_bind*.c (binding), policy_question.c (what the server
 * says of it) and policy_scope.c (merging). Private to policy.
 */
#ifndef POLICY_MAP_INT_H
#define POLICY_MAP_INT_H

#include <stdatomic.h>

#include "base_mem.h"
#include "policy_map.h"

/* A relation that some group names, protected or not. */
struct policy_map_named {
	uint32_t oid;
	struct base_span full_name;
	struct policy_map_attribute { int16_t attnum; uint32_t type_oid; struct base_span name; } *columns; /* live ones, ascending attnum */
	size_t ncolumns;
};
/* One `on table` of one group. */
struct policy_map_rules {
	const struct policy_on_table *on; /* borrow: file's */
	size_t named;                     /* index */
	size_t *column;                   /* for each of on->says: index into columns of `named` */
	size_t question;                  /* of rows where; SIZE_MAX: none */
};
struct policy_map_trusted { uint32_t oid; size_t question; };
struct policy_map_question {
	struct policy_question ask;
	uint32_t oid;  /* of the view, or of the table */
	bool rows;     /* else a view */
	bool known;
	uint8_t hash[BASE_SHA256_SIZE];
};

struct policy_map {
	atomic_uint refs;
	struct policy_file *file;   /* shared */
	struct policy_objects *objects; /* own; NULL until given */
	struct policy_map_named *named; size_t nnamed;        /* ascending OID */
	struct policy_map_rules **groups;                     /* for each group of file, for each of its tables */
	uint32_t **steps;                                     /* for each group of file, for each of its steps: OID of its table, 0 for a count */
	struct policy_map_kin { uint32_t table, other; } *kin; size_t nkin; /* tables of steps, and what shows the same rows: partitions, parents, views */
	struct policy_case_table case_table;                  /* oid 0: the policy has no `case from` */
	struct policy_map_trusted *trusted; size_t ntrusted;  /* ascending OID */
	struct policy_map_question *questions; size_t nquestions;
	struct base_arena *arena; /* own: all arrays and texts */
	struct policy_relation *relations; /* ascending OID */
	size_t nrelations;
	const struct policy_relation **by_name; /* ascending (name, schema) */
	uint32_t *slot;     /* open addressing, linear probing: index into relations + 1, 0 = free */
	uint32_t slot_mask; /* slots - 1, slots a power of two and at least twice nrelations */
	struct base_span *kinds;
	size_t nkinds;
	struct base_span *functions; /* ascending */
	size_t nfunctions;
	char hash[17];
};

static inline uint32_t
policy_map_slot(const struct policy_map *m, uint32_t oid)
{
	return (oid * 2654435769u >> 7) & m->slot_mask; /* OIDs are the server's, not a peer's choice: mixing is enough */
}

#endif
