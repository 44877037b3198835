/* cli_floor: the second wall: what the database itself gives to the people who are enforced: nothing that the policy does not. */
#ifndef CLI_FLOOR_H
#define CLI_FLOOR_H

#include "cli_finding.h"
#include "cli_live.h"

/* The script: statements and comments ("-- "), each with a NUL behind it, in the order in which they are to run. Idempotent. people: at least one; all of
 * them have a role in the database. superuser: statements that only a superuser may give are among them, else a comment in their place. */
BASE_CHECK int cli_floor_make(const struct cli_live *l, const struct cli_enforced_list *people, bool superuser, struct base_buf *out, struct base_fail *fail);

/* Adds a finding for each set of people who may read in the database itself what no rule of theirs names. */
BASE_CHECK int cli_floor_excess(const struct cli_live *l, const struct cli_enforced_list *people, const char *check, struct cli_findings *out, struct base_fail *fail);

/* Extensions whose functions are nobody's who is enforced. */
#define CLI_FLOOR_EXTENSIONS \
	"'dblink','tablefunc','xml2','lo','adminpack','file_fdw','postgres_fdw','pg_stat_statements','pageinspect','pg_buffercache','pg_walinspect','pgrowlocks'"

#endif
