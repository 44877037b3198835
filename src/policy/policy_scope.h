/* policy_scope: what one person may do: the rules of all of the person's groups, bound to (OID, attnum) and merged. Made from a policy_map
 * once per set of groups; immutable, reference-counted (atomic), shared by threads. Keeps its map alive. Pure.
 */
#ifndef POLICY_SCOPE_H
#define POLICY_SCOPE_H

#include <stdatomic.h>

#include "policy_map.h"
#include "policy_rule.h"

struct policy_scope_column {
	int16_t attnum;
	struct base_span name;
	uint32_t type_oid;         /* of a domain: its base type; citext: text's */
	bool known;                /* some rule shows, masks or hides it; else refused wherever it is named */
	struct policy_mask mask;   /* NONE: clear */
	bool open;                 /* clear and free to be filtered by and computed with: not protected */
	bool lookup;
	bool update, insert;
	struct policy_where shown, masked, never, looked, updated, inserted; /* the rule behind each */
};
struct policy_scope_relation {
	uint32_t oid;
	struct base_span full_name;
	unsigned actions; struct policy_where action[4]; /* read, insert, update, delete */
	struct policy_where at;       /* the `on table` line */
	const struct policy_scope_column *columns; size_t ncolumns; /* live columns, ascending attnum */
	const struct policy_relation *subject; /* NULL: rows are of no subject */
	int16_t key;                  /* the column that says whose the row is (the subject's key, or a linked column); 0 = none */
	/* rows where: */
	struct policy_where rows;     /* line 0: all rows */
	struct policy_where rows_other; /* line not 0: another of the groups has another condition; both cannot be checked as one, and rows_hash is not known */
	struct base_span rows_text;
	bool rows_hash_known; uint8_t rows_hash[BASE_SHA256_SIZE]; /* tree_hash of the condition as the server analysed it */
};
struct policy_scope {
	atomic_uint refs;
	struct policy_map *map;       /* shared */
	enum policy_treat treat;      /* ENFORCE when any of the groups says so, or the policy's default where no group is named in it */
	struct policy_scope_relation *relations; size_t nrelations; /* ascending OID */
	uint64_t limit_rows; struct policy_where limit;
	struct policy_where no_copy, no_cursor; /* line 0: not said */
	struct base_span group_words; /* "partner_staff, night_shift", for messages */
};
/* groups: of the person; unknown ones are ignored. GH_E_NOMEM. */
BASE_CHECK int policy_scope_new(struct policy_map *map, const struct base_span *groups, size_t ngroups, struct policy_scope **scope_r);
void policy_scope_ref(struct policy_scope *s);
void policy_scope_unref(struct policy_scope **s);
const struct policy_scope_relation *policy_scope_relation(const struct policy_scope *s, uint32_t oid); /* NULL: not in any `on table` */
const struct policy_scope_column *policy_scope_column(const struct policy_scope_relation *r, int16_t attnum); /* NULL: no such live column */

#endif
