/* cli_verdict: what the gate would say to one statement of a person: what kind it is, the decision on the query in it, and what is refused besides. */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "cli_actor.h"
#include "sql_command.h"

struct cli_verdict {
	struct sql_command *command;       /* own; NULL: the grammar did not read it, the server is asked all the same */
	struct tree *tree;                 /* own; NULL: nothing was analysed */
	struct policy_decision *decision;  /* own; NULL: nothing was analysed */
	const char *kind;                  /* "SELECT", "COPY TO STDOUT", "CREATE TABLE"; borrow */
	bool refused;
	char sqlstate[6], text[600], hint[300];
	struct policy_where rule;          /* line 0: none */
	char key[400];                     /* not empty: the gate adds this column to the statement, and drops it from the answer */
};
/* Failure: no verdict could be had (GH_E_PARSE: the server's error message). The person is whom cli_actor_become made last. */
BASE_CHECK int cli_verdict_make(const struct cli_live *l, const struct policy_scope *s, const char *sql, bool explain, struct cli_verdict *v, struct base_fail *fail);
void cli_verdict_done(struct cli_verdict *v);

#endif
