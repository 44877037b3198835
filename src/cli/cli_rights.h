/* cli_rights: what the members of one group, or of several at once, may do with tables and columns, from the policy's text alone. The same rules of merging as
 * policy_scope, which needs a database to bind names to: test_cli_rights compares the two. Pure.
 */
#ifndef CLI_RIGHTS_H
#define CLI_RIGHTS_H

#include "policy_file.h"

enum cli_reach { CLI_REACH_NO, CLI_REACH_LOOKUP, CLI_REACH_FREE }; /* in conditions: not at all, one `column = constant`, any */

struct cli_right_column {
	struct base_span name;
	bool known;              /* some rule shows, masks or hides it; else it is refused */
	struct policy_mask mask; /* NONE: clear */
	enum cli_reach reach;
	bool update, insert;
	unsigned seen_line, reach_line, update_line, insert_line; /* of the rule behind each; 0 = no rule */
};
struct cli_right_table {
	struct base_span schema, name;
	unsigned line;                          /* the first `on table` */
	unsigned actions, action_line[4];       /* POLICY_READ | ... */
	const struct base_span *rows;           /* conditions of `rows where`, each different text once: all of them hold */
	const unsigned *rows_line;
	size_t nrows;
	const struct cli_right_column *columns; /* ascending by name */
	size_t ncolumns;
};
struct cli_rights {
	const struct cli_right_table *tables; /* ascending by schema and name */
	size_t ntables;
};
/* Spans borrow from the policy. Never NULL: aborts without memory. */
struct cli_rights *cli_rights_new(const struct policy_group *const *groups, size_t ngroups);
void cli_rights_free(struct cli_rights **r);
const struct cli_right_table *cli_rights_table(const struct cli_rights *r, struct base_span schema, struct base_span name); /* NULL: no rule names it */
const struct cli_right_column *cli_rights_column(const struct cli_right_table *t, struct base_span name);                  /* the same */

const struct policy_group *cli_rights_group(const struct policy_file *f, struct base_span name); /* NULL: the policy has none of this name */
/* "clear", "masked last 4", "masked fixed \"x\"", "hidden"; for text that people read. */
void cli_mask_words(const struct policy_mask *m, char *dst, size_t size);

#endif
