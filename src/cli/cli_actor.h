/* cli_actor: asks the server as a person would: the analysed tree of a statement, with the person's settings and, where the control role may become
 * the person's role, with the person's row-level security; and the decision on it.
 */
#ifndef CLI_ACTOR_H
#define CLI_ACTOR_H

#include "cli_live.h"
#include "policy_decide.h"

/* From now on l->judge is this person (role: the login's name; p may be NULL: nobody's row of the people file). *why_r: NULL, or why the role itself could
 * not be taken (the control role's row security is seen then); lives until the next call. */
BASE_CHECK int cli_actor_become(const struct cli_live *l, struct base_span role, const struct policy_person *p, const char **why_r, struct base_fail *fail);
/* The decision on one ordinary query. GH_E_PARSE: the server's own error message. The decision borrows from the tree. */
BASE_CHECK int cli_actor_decide(const struct cli_live *l, const struct policy_scope *s, const char *sql, bool explain, struct tree **tree_r, struct policy_decision **d_r,
    struct base_fail *fail);
/* Runs it in a transaction that may only read, and counts its rows; GH_E_LIMIT past max. */
BASE_CHECK int cli_actor_count(const struct cli_live *l, const char *sql, uint64_t max, uint64_t *rows_r, struct base_fail *fail);

#endif
