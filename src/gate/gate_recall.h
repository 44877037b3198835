/* gate_recall: at start, what the ledger says of the last days: asked of the keeper, which alone reads it. One connection, blocking, before the first session. Input:
 * the keeper's messages, entries decoded strictly. Shows progress on a terminal through the log at most once a second.
 */
#ifndef GATE_RECALL_H
#define GATE_RECALL_H

#include "event_entry.h"

/* Calls each(entry) for every standing administrative entry (suspend without resume, used recovery codes) and then for every entry since since_us (wall), in the
 * ledger's order; none of them twice. GH_E_CLOSED: the keeper is not there, or went away; GH_E_TIMEOUT: nothing came for a minute; GH_E_PARSE, GH_E_LIMIT, GH_E_NOMEM, GH_E_IO.
 * After a failure each() may have been called: start over with nothing. *count_r: entries seen. */
BASE_CHECK int gate_recall(const char *keeper_socket, uint64_t since_us, void (*each)(void *ctx, const struct event_entry *e), void *ctx, uint64_t *count_r, struct base_fail *fail);

#endif
