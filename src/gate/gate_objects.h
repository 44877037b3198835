/* gate_objects: reads the functions, types, operators and system relations that policy_objects judges from the server's catalogue, over the
 * control connection, with schema-qualified names and an empty search_path; and a fingerprint of the catalogue, which tells that something was
 * changed. Blocking (libpq); control thread and command line.
 */
#ifndef GATE_OBJECTS_H
#define GATE_OBJECTS_H

#include <libpq-fe.h>

#include "policy_map.h"

/* later: the map is bound anew between reloads (policy_cat_objects.later). map must not be shared yet. */
BASE_CHECK int gate_objects_give(PGconn *conn, struct policy_map *map, bool later, struct base_fail *fail);

#define GATE_OBJECTS_PRINT 33
/* Hex digits. Two equal ones: no definition that a decision rests on was changed in between: functions, relations, columns, types, operators,
 * views, row policies, inheritance, schemas. Temporary objects do not count. */
BASE_CHECK int gate_objects_print(PGconn *conn, char print_r[GATE_OBJECTS_PRINT], struct base_fail *fail);

#define GATE_OBJECTS_SNAPSHOT 1024
/* Which transactions can be seen. Two equal ones that are not empty, the second later: nothing at all was written in between, so that the
 * catalogue need not be read. Empty: too many transactions run to say so. */
BASE_CHECK int gate_objects_snapshot(PGconn *conn, char snapshot_r[GATE_OBJECTS_SNAPSHOT], struct base_fail *fail);

#endif
