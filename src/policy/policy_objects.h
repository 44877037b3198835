/* policy_objects: which of the server's own and of the users' objects a statement of a restricted person may use: functions, types,
 * operators, system relations, trusted views, reviewed functions. Built once from catalogue rows; immutable; part of a policy_map. Pure.
 * Built-in functions: an explicit list of OIDs (policy_functions.def, reviewed on PostgreSQL 15; OIDs of built-in functions do not change
 * between versions, so a newer server's additions are refused until reviewed). policy_left_out.def gives the families that are not on the
 * list, and why. OID < 16384 is built-in (FirstNormalObjectId); views and types made by initdb have no fixed OID and go by name.
 */
#ifndef POLICY_OBJECTS_H
#define POLICY_OBJECTS_H

#include "base_fail.h"
#include "base_span.h"
#include "policy_rule.h"

#define POLICY_FIRST_USER_OID 16384u

/* Catalogue rows; spans borrow for the time of the call. */
struct policy_cat_function {
	uint32_t oid;
	struct base_span schema, name, arguments; /* the types of the input arguments: "text, integer", as oidvectortypes() gives them with an empty search_path */
	struct base_span body_md5;  /* 32 hex digits: of the body, as pg_get_function_sqlbody() or prosrc has it; empty where there is none to review (C, internal, aggregates) */
	struct base_span extension; /* name of the extension that owns it, or empty */
	bool security_definer;
};
struct policy_cat_type { uint32_t oid; struct base_span schema, name; char typtype; uint32_t base_oid, element_oid /* of true arrays only */, relation_oid; struct base_span extension; };
struct policy_cat_system { uint32_t oid; struct base_span schema, name; char relkind; }; /* pg_catalog and information_schema relations */
struct policy_cat_operator { uint32_t oid, function; }; /* those with OID >= 16384 only */
struct policy_cat_objects {
	const struct policy_cat_function *functions; size_t nfunctions; /* built-in ones by fixed OID need no row; with one, their name must be the reviewed one, and those left out have a name and a family's reason */
	const struct policy_cat_type *types; size_t ntypes;
	const struct policy_cat_system *systems; size_t nsystems;
	const struct policy_cat_operator *operators; size_t noperators;
	const uint32_t *column_types; size_t ncolumn_types; /* types of the columns of the relations in the policy: usable although of users' making */
	bool later; /* bound anew between reloads: a trusted function that is gone or has another body is refused from now on, where it would fail at a reload */
};
struct policy_objects;
/* trusts: `trust function` items of the policy; a missing function or another body is GH_E_VERIFY with file:line. */
BASE_CHECK int policy_objects_new(const struct policy_cat_objects *c, const struct policy_trust *trusts, size_t ntrusts, const char *file, struct policy_objects **o_r, struct base_fail *fail);
void policy_objects_free(struct policy_objects **o);
/* With `later`: what happened to the first trusted function that is trusted no more, for the log; NULL: nothing. Lives as long as o. */
const char *policy_objects_lost(const struct policy_objects *o);

/* NULL: may be used. Else why not, one sentence without a full stop ("it runs SQL text that the gate cannot see"). */
const char *policy_objects_function(const struct policy_objects *o, uint32_t oid);
/* Is it a function of `trust function`? What it does is known as long as nobody replaces its body. */
bool policy_objects_reviewed(const struct policy_objects *o, uint32_t oid);
const char *policy_objects_type(const struct policy_objects *o, uint32_t oid);
const char *policy_objects_operator(const struct policy_objects *o, uint32_t oid);
const char *policy_objects_system(const struct policy_objects *o, uint32_t oid); /* a system relation or view */
/* A column of a system relation, 0: the whole row. NULL when the relation may be used and this column is not hidden (pg_authid.rolpassword). */
const char *policy_objects_system_column(const struct policy_objects *o, uint32_t oid, int16_t attnum);
/* Left out, but harmless as the default that the table's definition gives to a column (nextval): in the target list of an INSERT, where the
 * rewriter put it (location -1, which no expression that a client wrote has). */
bool policy_objects_default_function(uint32_t oid);
/* For messages; empty when unknown. "pg_catalog.query_to_xml" */
struct base_span policy_objects_function_name(const struct policy_objects *o, uint32_t oid);
struct base_span policy_objects_system_name(const struct policy_objects *o, uint32_t oid);

#endif
