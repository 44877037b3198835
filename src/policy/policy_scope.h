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
	bool harmless;             /* tells nothing of a person (subject's `harmless`), or its relation is of no subject */
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
struct policy_scope_budget { /* of any of the groups: all of them hold */
	struct policy_count count; enum policy_holder holder;
	struct base_span group;    /* HOLDER_GROUP: which one */
	struct policy_where rule;
};
struct policy_scope_step { bool for_table; uint32_t oid; struct policy_count after; uint64_t lasting_us; struct policy_where rule; };
struct policy_scope_ask { struct base_span group; struct policy_count after; uint64_t within_us, lasting_us; struct policy_where rule; };
struct policy_scope_only { const struct policy_only *only; const char *file; }; /* one for each group that has any: all of them hold */
struct policy_scope {
	atomic_uint refs;
	struct policy_map *map;       /* shared */
	enum policy_treat treat;      /* ENFORCE when any of the groups says so, or the policy's default where no group is named in it */
	struct policy_scope_relation *relations; size_t nrelations; /* ascending OID */
	uint64_t limit_rows; struct policy_where limit;
	struct policy_where no_copy, no_cursor; /* line 0: not said */
	bool counts;                  /* some budget, step or ask counts subjects, or look-ups are to be explained: each row must say whose it is */
	const struct policy_scope_budget *budgets; size_t nbudgets;
	const struct policy_scope_step *steps; size_t nsteps;
	const struct policy_scope_ask *asks; size_t nasks;
	const struct policy_scope_only *only; size_t nonly;
	struct policy_where need_purpose, need_case; /* line 0: not said */
	enum policy_unexplained unexplained; struct policy_where unexplained_rule; /* the strongest */
	bool explains;                /* the policy has `case from`, and some group says `need case` or `unexplained` */
	struct base_span group_words; /* "partner_staff, night_shift", for messages */
};
/* groups: of the person; unknown ones are ignored. GH_E_NOMEM. */
BASE_CHECK int policy_scope_new(struct policy_map *map, const struct base_span *groups, size_t ngroups, struct policy_scope **scope_r);
void policy_scope_ref(struct policy_scope *s);
void policy_scope_unref(struct policy_scope **s);
const struct policy_scope_relation *policy_scope_relation(const struct policy_scope *s, uint32_t oid); /* NULL: not in any `on table` */
const struct policy_scope_column *policy_scope_column(const struct policy_scope_relation *r, int16_t attnum); /* NULL: no such live column */

#endif
