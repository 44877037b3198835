/* keeper_recall: the answer to one recall: the administrative entries that stand, then every entry since a time, in the ledger's order, each once. Made piece by
 * piece as the asker reads, so that neither memory nor the keeper's loop pays for how much it is. */
#ifndef KEEPER_RECALL_H
#define KEEPER_RECALL_H

#include "base_buf.h"
#include "base_fail.h"
#include "keeper_standing.h"

#define KEEPER_RECALL_PIECE (256u * 1024u) /* unread bytes of an answer; above one message */

struct keeper_recall;
/* size: entries that are durable now. Reads some twenty bundles to find the beginning. */
BASE_CHECK int keeper_recall_new(const struct keeper_standing *standing, const char *ledger, uint64_t since_us, uint64_t size, struct keeper_recall **r_r,
    struct base_fail *fail);
void keeper_recall_free(struct keeper_recall **r);
/* Appends messages to out (whose max is at least KEEPER_RECALL_PIECE) until it is full or a few milliseconds are over. size: entries durable now. 1: all is in it, with
 * RECALL_END as the last; 0: call again when out has been sent, or in the next turn. */
BASE_CHECK int keeper_recall_fill(struct keeper_recall *r, uint64_t size, struct base_buf *out, struct base_fail *fail);

#endif
