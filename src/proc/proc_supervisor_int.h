/* proc_supervisor_int: what the tests turn. */
#ifndef PROC_SUPERVISOR_INT_H
#define PROC_SUPERVISOR_INT_H

#include <stdint.h>

/* How long a role may take until it is ready (the keeper replays its journal, the gate waits for the catalogue); then it is killed and
 * started again. */
extern uint64_t proc_supervisor_ready_limit_us;

#endif
