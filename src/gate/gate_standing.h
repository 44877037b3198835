/* gate_standing: whose access an operator has taken away, until it is given back. One for the process, thread-safe. From the ledger at start (gate_recall) and from
 * the keeper's notices.
 */
#ifndef GATE_STANDING_H
#define GATE_STANDING_H

#include "event_entry.h"

struct gate_standing;
struct gate_standing *gate_standing_new(void);
void gate_standing_free(struct gate_standing **s);
/* A suspend or resume entry; others are passed over. Idempotent. True: somebody is suspended now who was not. */
bool gate_standing_entry(struct gate_standing *s, const struct event_entry *e);
/* Cheap while nobody is. why_r may be NULL. */
bool gate_standing_suspended(struct gate_standing *s, struct base_span actor, struct base_span employer, char *why_r, size_t size);
size_t gate_standing_count(struct gate_standing *s);

#endif
