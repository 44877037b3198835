/* policy_map_int: layout of a bound policy, shared by policy_map.c (lookups) and policy_bind.c (binding). Private to policy. */
#ifndef POLICY_MAP_INT_H
#define POLICY_MAP_INT_H

#include <stdatomic.h>

#include "base_mem.h"
#include "policy_map.h"

struct policy_map {
	atomic_uint refs;
	struct base_arena *arena; /* own: everything below */
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
