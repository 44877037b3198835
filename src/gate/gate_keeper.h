/* gate_keeper: one worker's channel to the keeper: entries out, receipts in. Entries of one turn go out in one write.
 * When the channel breaks, everything without a receipt has failed; it is opened again every 100 ms.
 */
#ifndef GATE_KEEPER_H
#define GATE_KEEPER_H

#include "base_loop.h"
#include "base_span.h"
#include "proc_count.h"

struct gate_keeper;

/* owner: handed to the callbacks; NULL owner = nobody waits. */
typedef void gate_keeper_receipt(void *owner);
typedef void gate_keeper_failure(void *owner, int code, const char *text); /* GH_E_FULL, GH_E_IO, GH_E_CLOSED, GH_E_PARSE */

/* An administrative entry is durable: the keeper says so when it becomes durable and, of those that stand, again after each new connection; so the same may
 * come more than once. The entry's bytes as the keeper has them, not decoded; borrowed. */
typedef void gate_keeper_notice(void *ctx, struct base_span entry);

/* drained, notice: called with ctx; notice may be NULL. */
struct gate_keeper *gate_keeper_new(struct base_loop *loop, const char *socket_path, struct proc_count *counts, unsigned row,
                                    gate_keeper_receipt *receipt, gate_keeper_failure *failure, void (*drained)(void *ctx), gate_keeper_notice *notice,
                                    void *ctx);
void gate_keeper_free(struct gate_keeper **k);
bool gate_keeper_up(const struct gate_keeper *k);
/* True when so many entries wait that servers should not be read; `drained` is called when that ends. */
bool gate_keeper_full(const struct gate_keeper *k);
/* Queues one entry. owner hears of it exactly once, never from inside this call. GH_E_CLOSED: no keeper now.
 * Without an owner an entry is kept (up to GATE_KEEPER_OUT bytes) for when the keeper is back. */
BASE_CHECK int gate_keeper_add(struct gate_keeper *k, struct base_span entry, void *owner);
void gate_keeper_flush(struct gate_keeper *k); /* once per turn */
/* Waits (blocking, up to max_us) until everything queued has its receipt: for the end of the process. */
void gate_keeper_drain(struct gate_keeper *k, uint64_t max_us);

#endif
