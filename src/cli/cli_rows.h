/* cli_rows: the SQL that makes the server hold a `rows where`: row-level security. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "cli_live.h"

/* Appends statements, each with ';' and a NUL behind it. Idempotent. roles: those who are bound by it. A condition that cannot be made so gives one
 * that begins with "--" and says why. What others may see does not change: the policy is restrictive and for these roles only, and where the
 * table had no row security, a permissive one for all goes with it. */
BASE_CHECK int cli_rows_sql(const struct cli_live *l, const struct policy_scope *s, const struct policy_scope_relation *r, const struct base_span *roles, size_t nroles,
    struct base_buf *out, struct base_fail *fail);

/* Appends the SELECT that the server was asked about this condition, with a NUL; false: it is not known. */
bool cli_rows_question(const struct policy_map *map, const struct policy_scope_relation *r, struct base_buf *out);

/* "a", "b": identifiers with quotes. */
void cli_rows_roles(const struct base_span *roles, size_t nroles, struct base_buf *out);

#endif
