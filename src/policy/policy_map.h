/* policy_map: a policy bound to a live catalogue: names become (OID, attnum). Pure: the catalogue comes as rows that the gate's
 * control connection read. Immutable after binding; shared by threads; reference-counted.
 */
#ifndef POLICY_MAP_H
#define POLICY_MAP_H

#include "policy_file.h"

/* What the control connection reads (all spans borrow for the time of the call). */
struct policy_cat_relation { uint32_t oid; struct base_span schema, name; char relkind; };
struct policy_cat_column { uint32_t oid; int16_t attnum; struct base_span name; uint32_t type_oid; /* of a domain: its base type, as in RowDescription */
	struct base_span type_name; /* may be empty; says which type an OID from 16384 on is: "citext" is taken as text */ bool dropped, generated; };
struct policy_cat_view { uint32_t view; int16_t attnum; uint32_t base; int16_t base_attnum; }; /* a view's column shows this base column (base may be a view) */
struct policy_cat_edge { uint32_t from, to; };       /* view or materialised view reads relation; inheritance child of parent */
struct policy_catalogue {
	const struct policy_cat_relation *relations; size_t nrelations;
	const struct policy_cat_column *columns; size_t ncolumns;     /* dropped ones included, so that attnum order is whole */
	const struct policy_cat_view *views; size_t nviews;
	const struct policy_cat_edge *reads; size_t nreads;           /* view -> relation */
	const struct policy_cat_edge *children; size_t nchildren;     /* child -> parent: columns are matched by name */
	const struct base_span *functions; size_t nfunctions;         /* names of SQL and PL functions outside pg_catalog that may read tables */
};

enum policy_role { POLICY_DATA, POLICY_KEY, POLICY_IDENTIFIER, POLICY_LINK };

struct policy_column {
	uint32_t oid; int16_t attnum;
	uint32_t type_oid;          /* citext: text's; give this one to mask_value_text */
	enum policy_role role;
	unsigned kind;              /* index of policy_map_kind; meaningful unless DATA; a LINK's is its subject's key */
	enum policy_norm norm;      /* of the kind; KEY of a citext column: TEXT, because the server compares it without case */
	struct base_span country;
	struct base_span full_name; /* "public.customers.phone"; through a view: the view's own name */
	struct base_span name;      /* "phone" */
};
struct policy_relation {
	uint32_t oid;
	struct base_span schema, name, full_name; /* "public.customers" */
	const struct policy_column *columns; size_t ncolumns; /* live columns in attnum order, generated ones included and marked */
	const bool *generated;
};

struct policy_map;
/* Protected relations: tables of subjects and of linked columns; their inheritance and partition children; their parents (which show
 * the same rows); views and materialised views that read any of these, through any number of views. Roles follow: children and parents
 * by column name, views by `views`.
 * GH_E_MISSING with file:line:column of the unknown table or column; GH_E_UNSUPPORTED for a key or identifier column whose type has no
 * canonical text (see mask_value_supported list in POLICY docs: int2/4/8, oid, text, varchar, bpchar, name, uuid, numeric, citext by name). */
BASE_CHECK int policy_map_bind(const struct policy_file *f, const struct policy_catalogue *c, struct policy_map **map_r, struct base_fail *fail);
void policy_map_ref(struct policy_map *m);
void policy_map_unref(struct policy_map **m);

const struct policy_relation *policy_map_relation(const struct policy_map *m, uint32_t oid); /* NULL: not protected */
const struct policy_column *policy_map_column(const struct policy_map *m, uint32_t oid, int16_t attnum); /* NULL: not protected. A protected
	relation's column without a mapping (computed column of a view) has role DATA */
/* By name; schema may be empty: then the i-th protected relation of that name (i from 0), NULL when there are no more. */
const struct policy_relation *policy_map_named(const struct policy_map *m, struct base_span schema, struct base_span name, size_t i);
const struct policy_column *policy_map_column_named(const struct policy_relation *r, struct base_span name);
bool policy_map_function(const struct policy_map *m, struct base_span name); /* a user function of this name exists */
size_t policy_map_kinds(const struct policy_map *m);
struct base_span policy_map_kind(const struct policy_map *m, unsigned kind); /* "customer.key", "customer.phone" */
const char *policy_map_hash(const struct policy_map *m); /* first 16 hex digits of the file's SHA-256 */

#endif
