/* policy_map: a policy bound to a live catalogue: names become (OID, attnum). Pure: the catalogue comes as rows that the gate's
 * control connection read. Immutable after binding; shared by threads; reference-counted.
 */
#ifndef POLICY_MAP_H
#define POLICY_MAP_H

#include "policy_file.h"
#include "policy_objects.h"
#include "tree_read.h"

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
	const bool *harmless;       /* of each column: the subject's `harmless` names it, here or (through a view) where it comes from */
};

/* The table of `case from`; names are in policy_map_file()->case_from. Of a domain: its base type; citext: text's. 0 = column not said. */
struct policy_case_table {
	uint32_t oid;
	uint32_t number_type, subject_type; /* with canonical text, as of keys */
	uint32_t person_type, opener_type, team_type; /* text, varchar, bpchar, name */
	uint32_t opened_type, closed_type;  /* timestamp (1114) or timestamptz (1184) */
};

struct policy_map;
/* Protected relations: tables of subjects and of linked columns; their inheritance and partition children; their parents (which show
 * the same rows); views and materialised views that read any of these, through any number of views. Roles follow: children and parents
 * by column name, views by `views`.
 * GH_E_MISSING with file:line:column of the unknown table or column, those of `harmless`, `case from` and `step up for table` included; GH_E_UNSUPPORTED
 * for a column of `case from` whose type does not suit it, and for a key or identifier column whose type has no
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
/* Does `other` show rows of this table of a step-up: itself, a partition or child, a parent, a view or materialised view of any of these? */
bool policy_map_step_shows(const struct policy_map *m, uint32_t table, uint32_t other);
bool policy_map_function(const struct policy_map *m, struct base_span name); /* a user function of this name exists */
const struct policy_case_table *policy_map_case(const struct policy_map *m); /* NULL: the policy has no `case from` */
size_t policy_map_kinds(const struct policy_map *m);
struct base_span policy_map_kind(const struct policy_map *m, unsigned kind); /* "customer.key", "customer.phone" */

/* ---- for `enforce` ---- */
bool policy_map_enforces(const struct policy_map *m); /* some group, or the policy's default, is treated so; or an application is declared */
const struct policy_file *policy_map_file(const struct policy_map *m); /* a copy of the file's rules, kept with the map: lines, tests, groups */
/* Second step of binding where somebody is enforced; before the map is shared. GH_E_VERIFY with file:line for a trusted function that is missing or has another body. */
BASE_CHECK int policy_map_give_objects(struct policy_map *m, const struct policy_cat_objects *c, struct base_fail *fail);
const struct policy_objects *policy_map_objects(const struct policy_map *m); /* NULL before that */
/* What the server must be asked before the map is whole: the analysed tree of each trusted view and of each `rows where`. Between bind and the
 * first sharing of the map only. sql: one SELECT, NUL-terminated, names quoted and schema-qualified; actor.team is written
 * pg_catalog.current_setting('gatehouse.team', true), which the gate sets in each session's start-up options. */
struct policy_question { char *sql; struct policy_where at; struct base_span about; /* "view public.customers_public" */ };
size_t policy_map_questions(const struct policy_map *m);
const struct policy_question *policy_map_question(const struct policy_map *m, size_t i);
/* GH_E_PARSE with file:line when the tree is not what a question of this kind gives. A question never answered: its view is not trusted, its table's rows are refused. */
BASE_CHECK int policy_map_answer(struct policy_map *m, size_t i, struct tree_list queries, struct base_fail *fail);
/* Takes over the answers that an older map of the same file has, where both ask the same of the same relation. For a map that is bound anew between
 * reloads, because the catalogue was changed: only what was recorded at the reload stays trusted. */
void policy_map_take_answers(struct policy_map *m, const struct policy_map *older);
/* The recorded tree_hash of a trusted view's expanded query; false: not trusted. */
bool policy_map_trusted_view(const struct policy_map *m, uint32_t view_oid, const uint8_t **hash_r);

const char *policy_map_hash(const struct policy_map *m); /* first 16 hex digits of the file's SHA-256 */

#endif
