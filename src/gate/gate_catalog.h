/* gate_catalog: reads what a policy is bound to from the server's catalogue, over the control connection, with schema-qualified
 * names and an empty search_path. Blocking (libpq); runs on the control thread.
 */
#ifndef GATE_CATALOG_H
#define GATE_CATALOG_H

#include <libpq-fe.h>

#include "gate_names.h"

BASE_CHECK int gate_catalog_bind(PGconn *conn, const struct policy_file *policy, struct policy_map **map_r, struct base_fail *fail);
/* The same, and the names that it was bound to. */
BASE_CHECK int gate_catalog_bind_names(PGconn *conn, const struct policy_file *policy, struct gate_names **names_r, struct policy_map **map_r, struct base_fail *fail);
/* Binds anew to what is called by other names now, maybe: see gate_names_hold. */
BASE_CHECK int gate_catalog_bind_held(PGconn *conn, const struct policy_file *policy, const struct gate_names *names, struct policy_map **map_r, char *changed,
                                      size_t size, struct base_fail *fail);

#endif
