/* gate_catalog: reads what a policy is bound to from the server's catalogue, over the control connection, with schema-qualified
 * names and an empty search_path. Blocking (libpq); runs on the control thread.
 */
#ifndef GATE_CATALOG_H
#define GATE_CATALOG_H

#include <libpq-fe.h>

#include "policy_map.h"

BASE_CHECK int gate_catalog_bind(PGconn *conn, const struct policy_file *policy, struct policy_map **map_r, struct base_fail *fail);

#endif
