/* gate_unsure: what was taken from budgets for entries of which the keeper has gone without a word. They are in the ledger, or they are not: their places stay taken
 * until it was asked; then what is on record counts as seen, and the rest is given back. One for the process, thread-safe.
 */
#ifndef GATE_UNSURE_H
#define GATE_UNSURE_H

#include "event_entry.h"
#include "gate_budget.h"

struct gate_unsure;
struct gate_unsure_taken { struct gate_account *account; uint64_t mark; }; /* pending in the budget, which keeps the account there */

struct gate_unsure *gate_unsure_new(struct gate_budget *b); /* b: borrowed, outlives it */
void gate_unsure_free(struct gate_unsure **u);
/* One entry, by the session's id, the statement and the part; item (own, malloc) is taken over. made_us: wall, when it was made. */
void gate_unsure_add(struct gate_unsure *u, struct base_span session, uint64_t seq, uint64_t part, uint64_t made_us, struct gate_unsure_taken *item, size_t n);
/* Blocks: asks the ledger through the keeper's socket, and settles or releases all that was added before. Failure: the keeper is not there yet, nothing has changed. */
BASE_CHECK int gate_unsure_ask(struct gate_unsure *u, const char *keeper_socket, struct base_fail *fail);
/* The same by steps, for who has the entries: all that is there now is taken out, looked for, and ended. */
struct gate_unsure_search;
struct gate_unsure_search *gate_unsure_begin(struct gate_unsure *u); /* NULL: there is nothing */
uint64_t gate_unsure_since(const struct gate_unsure_search *q);      /* wall: no entry looked for is older */
void gate_unsure_entry(struct gate_unsure_search *q, const struct event_entry *e);
void gate_unsure_end(struct gate_unsure_search **q, bool all_seen);  /* false: the entries did not all come: it is looked for once more */

#endif
