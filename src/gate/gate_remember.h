/* gate_remember: puts back, from the ledger through the keeper (gate_recall), what the gate only holds in memory: budgets, used one-time passwords, leaves, suspensions,
 * look-ups that wait for their ticket. At start, before the first session; and at a reload that needs more of it. What is known already is not changed by it.
 */
#ifndef GATE_REMEMBER_H
#define GATE_REMEMBER_H

#include <stdbool.h>

#include "base_fail.h"
#include "base_span.h"

struct gate_shared;
struct gate_world;

BASE_CHECK int gate_remember(struct gate_shared *shared, struct gate_world *world, struct base_fail *fail);
/* After a reload: while the ledger was read, sessions went on under the policy before, which may not count what the new one counts. Reads the ledger from then on
 * again, three times: soon, and when what was on its way has ended. Calls that come before it is due do nothing. True: nothing is due any more. */
BASE_CHECK bool gate_remember_again(struct gate_shared *shared, struct gate_world *world);
void gate_remember_done(struct gate_shared *shared); /* frees what it keeps there */

#endif
