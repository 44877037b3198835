/* cli_review: what `policy review` counts in the ledger: which rights were used, and how many distinct persons each group saw. Pure: entries in, sums out.
 * A right is used when somebody who was in the group then did it; a person who is in two groups uses the rights of both. Memory: a place for each right of the policy, and
 * cli_marks for the persons.
 */
#ifndef CLI_REVIEW_H
#define CLI_REVIEW_H

#include "cli_marks.h"
#include "event_entry.h"
#include "policy_file.h"

enum cli_use { CLI_USE_READ, CLI_USE_LOOKUP, CLI_USE_INSERT, CLI_USE_UPDATE, CLI_USE_DELETE };
struct cli_exposure { uint64_t looks, persons, clear; size_t actors; }; /* clear: of whom something went out unmasked */
struct cli_review {
	const struct policy_file *policy;    /* borrow */
	struct cli_exposure *group;          /* own: of each group of the policy */
	struct base_map *used, *actors;      /* own: (group, use, name); (group, actor) */
	struct base_map *active;             /* own: actors with a look-up */
	struct cli_marks *marks;             /* own */
	uint64_t entries, cut;               /* cut: lists of which the entry has the beginning only */
	uint64_t strange;                    /* entries of actors in no group of the policy */
};
void cli_review_init(struct cli_review *r, const struct policy_file *policy);
void cli_review_done(struct cli_review *r);
/* One read or write entry. GH_E_LIMIT: more persons than cli_marks holds. */
BASE_CHECK int cli_review_add(struct cli_review *r, const struct event_entry *e);
/* name: "public.customers.phone" of READ and LOOKUP, "public.customers" of the others. */
bool cli_review_used(const struct cli_review *r, struct base_span group, enum cli_use use, const char *name);
/* Does the ledger tell of this table at all? Subjects' tables and linked ones. */
bool cli_review_told(const struct policy_file *f, struct base_span schema, struct base_span table);
/* Did something of the tuple's persons, other than a key, go out as it is? */
bool cli_review_clear(const struct policy_file *f, const struct event_entry *e, size_t tuple);

#endif
