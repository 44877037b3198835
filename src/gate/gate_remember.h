/* gate_remember: puts back, from the ledger through the keeper (gate_recall), what the gate only holds in memory: budgets, used one-time passwords, leaves, suspensions,
 * look-ups that wait for their ticket. At start, before the first session; and at a reload that needs more of it. What is known already is not changed by it.
 */
#ifndef GATE_REMEMBER_H
#define GATE_REMEMBER_H

#include "base_fail.h"
#include "base_span.h"

struct gate_shared;
struct gate_world;

BASE_CHECK int gate_remember(struct gate_shared *shared, struct gate_world *world, struct base_fail *fail);

#endif
