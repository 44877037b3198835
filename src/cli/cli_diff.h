/* cli_diff: what each group gains or loses between two policies. Pure: two parsed files in, a list of lines out.
 *
 * "Gains" is more than before: a column seen clearer, a higher limit, a demand that is gone. "Loses" is the reverse. "Changes" is what cannot be ordered: another text
 * of a condition, other hours that neither hold nor lie within the old ones. What binds nobody (tests, comments, order) is not compared.
 */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "policy_file.h"

enum cli_way { CLI_GAINS, CLI_LOSES, CLI_CHANGES };
const char *cli_way_word(enum cli_way w); /* "GAINS" */

struct cli_change {
	enum cli_way way;
	char *who;                   /* own: the group, "partner_staff and night_shift", or "everybody" */
	char *what, *before, *after; /* own */
	unsigned line_old, line_new; /* 0: nothing there says so */
};
struct cli_changes { struct cli_change *item; size_t n, room; }; /* own */

/* Every group of either, and what holds for everybody. */
void cli_diff_files(const struct policy_file *old, const struct policy_file *new, struct cli_changes *out);
/* What somebody in all of these groups gains or loses with tables and columns, without what one of the groups alone does in the very same words. */
void cli_diff_together(const struct policy_file *old, const struct policy_file *new, const struct base_span *groups, size_t ngroups, struct cli_changes *out);
void cli_changes_done(struct cli_changes *c);

/* ---- parts, one file each ---- */
struct cli_diff { const char *who; struct cli_changes *out; const struct policy_file *old, *new; };
void cli_diff_say(const struct cli_diff *d, enum cli_way way, const char *what, const char *before, const char *after, unsigned line_old, unsigned line_new);
void cli_diff_group(const struct cli_diff *d, const struct policy_group *old, const struct policy_group *new); /* all but tables; neither NULL */
void cli_diff_policy(const struct policy_file *old, const struct policy_file *new, struct cli_changes *out);

#endif
