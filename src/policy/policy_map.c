/* policy_map: see policy_map.h; lookups and lifetime. Binding is in policy_bind.c. Input: OIDs and names from the server. No I/O, no
 * allocation.
 */
#include "policy_map.h"

#include <stdlib.h>

#include "policy_map_int.h"

void
policy_map_ref(struct policy_map *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
}

void
policy_map_unref(struct policy_map **m)
{
	struct policy_map *own = *m;
	*m = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_objects_free(&own->objects);
	policy_file_free(&own->file);
	base_arena_free(&own->arena);
	free(own);
}

const struct policy_relation *
policy_map_relation(const struct policy_map *m, uint32_t oid)
{
	for (uint32_t i = policy_map_slot(m, oid); m->slot[i] != 0; i = (i + 1) & m->slot_mask)
		if (m->relations[m->slot[i] - 1].oid == oid)
			return &m->relations[m->slot[i] - 1];
	return NULL;
}

const struct policy_column *
policy_map_column(const struct policy_map *m, uint32_t oid, int16_t attnum)
{
	const struct policy_relation *r = policy_map_relation(m, oid);
	if (!r || attnum <= 0)
		return NULL;
	/* Column n stands at n-1 unless columns before it were dropped; then it stands further to the left. */
	size_t at = (size_t)attnum - 1;
	if (at < r->ncolumns && r->columns[at].attnum == attnum)
		return &r->columns[at];
	size_t low = 0, high = r->ncolumns;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (r->columns[mid].attnum < attnum)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->ncolumns && r->columns[low].attnum == attnum ? &r->columns[low] : NULL;
}

const struct policy_relation *
policy_map_named(const struct policy_map *m, struct base_span schema, struct base_span name, size_t i)
{
	size_t low = 0, high = m->nrelations;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (base_span_cmp(m->by_name[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < m->nrelations && base_span_eq(m->by_name[low]->name, name); low++)
		if ((schema.n == 0 || base_span_eq(m->by_name[low]->schema, schema)) && i-- == 0)
			return m->by_name[low];
	return NULL;
}

const struct policy_column *
policy_map_column_named(const struct policy_relation *r, struct base_span name)
{
	for (size_t i = 0; i < r->ncolumns; i++)
		if (base_span_eq(r->columns[i].name, name))
			return &r->columns[i];
	return NULL;
}

bool
policy_map_step_shows(const struct policy_map *m, uint32_t table, uint32_t other)
{
	if (table == other)
		return true;
	for (size_t i = 0; i < m->nkin; i++)
		if (m->kin[i].table == table && m->kin[i].other == other)
			return true;
	return false;
}

bool
policy_map_function(const struct policy_map *m, struct base_span name)
{
	size_t low = 0, high = m->nfunctions;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (base_span_cmp(m->functions[mid], name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->nfunctions && base_span_eq(m->functions[low], name);
}

const struct policy_case_table *
policy_map_case(const struct policy_map *m)
{
	return m->case_table.oid != 0 ? &m->case_table : NULL;
}

size_t
policy_map_kinds(const struct policy_map *m)
{
	return m->nkinds;
}

struct base_span
policy_map_kind(const struct policy_map *m, unsigned kind)
{
	return kind < m->nkinds ? m->kinds[kind] : base_span("", 0);
}

const char *
policy_map_hash(const struct policy_map *m)
{
	return m->hash;
}

bool
policy_map_enforces(const struct policy_map *m)
{
	return policy_file_enforces(m->file);
}

const struct policy_file *
policy_map_file(const struct policy_map *m)
{
	return m->file;
}
