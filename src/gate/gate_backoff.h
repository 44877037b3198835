/* gate_backoff: after failed log-ins the next answer to that address, and to that user name, comes later. Shared by the workers;
 * bounded: the least recently seen are forgotten. From the fourth failure: 0.25 s, doubling up to 5 s; forgotten after ten minutes.
 */
#ifndef GATE_BACKOFF_H
#define GATE_BACKOFF_H

#include "base_span.h"

struct gate_backoff;
struct gate_backoff *gate_backoff_new(void);
void gate_backoff_free(struct gate_backoff **b);
/* Delay in microseconds before the next attempt from address (n == 0: a local socket) for user is answered. */
uint64_t gate_backoff_delay(struct gate_backoff *b, struct base_span address, struct base_span user, uint64_t now_us);
void gate_backoff_failed(struct gate_backoff *b, struct base_span address, struct base_span user, uint64_t now_us);
void gate_backoff_ok(struct gate_backoff *b, struct base_span address, struct base_span user);

#endif
