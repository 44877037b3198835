/* gate_ddl: an enforced policy and a catalogue that people change. At start and reload: binds the policy by name, reads what may be used, makes sure that
 * the server prints trees as we know them, asks what must be known of trusted views and row conditions. Between reloads: looks whether
 * something was changed, and binds anew to the same tables and columns, whatever they are called by then. Blocking (libpq); control thread.
 *
 * What was recorded at the reload stays the measure: a trusted view or function that was changed, or a row policy that is another one, is
 * refused until the next reload. What is new in the catalogue is unclassified, hence refused as well.
 */
#ifndef GATE_DDL_H
#define GATE_DDL_H

#include <libpq-fe.h>

#include "policy_map.h"
#include "proc_conf.h"

struct gate_ddl;

/* *ddl_r: NULL when the policy enforces nothing; then the server is asked nothing but the catalogue. Any failure: the policy must not be used. */
BASE_CHECK int gate_ddl_bind(PGconn *conn, const struct proc_conf *conf, const struct policy_file *policy, struct gate_ddl **ddl_r, struct policy_map **map_r,
                             struct base_fail *fail);
/* *map_r: NULL, nothing was changed; else the map to use instead of `map` from now on. GH_E_IO: it could not be seen. Other failures, and
 * until they pass: the catalogue was changed in a way that leaves no map that could be enforced. */
BASE_CHECK int gate_ddl_look(struct gate_ddl *d, PGconn *conn, const struct proc_conf *conf, const struct policy_map *map, struct policy_map **map_r, struct base_fail *fail);
/* Reads only what says that something was changed since the last whole look: quick, and takes no lock on anybody's table, so that a session may wait for it
 * while it holds locks. GH_E_IO. */
BASE_CHECK int gate_ddl_changed(const struct gate_ddl *d, PGconn *conn, bool *changed_r, struct base_fail *fail);
void gate_ddl_free(struct gate_ddl **d);

#endif
