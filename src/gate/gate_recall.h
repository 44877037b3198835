/* gate_recall: at start, what the ledger says of the last days: asked of the keeper, which alone reads it. One connection, blocking, before the first session. Input:
 * the keeper's messages, entries decoded strictly. Shows progress on a terminal through the log at most once a second.
 */
#ifndef GATE_RECALL_H
#define GATE_RECALL_H

#include "event_entry.h"

/* Calls each(entry) for every standing administrative entry (suspend without resume, used recovery codes) and then for every entry since since_us (wall), in the
 * ledger's order. GH_E_CLOSED: the keeper is not there; GH_E_PARSE. *count_r: entries seen. */
BASE_CHECK int gate_recall(const char *keeper_socket, uint64_t since_us, void (*each)(void *ctx, const struct event_entry *e), void *ctx, uint64_t *count_r, struct base_fail *fail);

#endif
