/* gate_run: the gate role: listens, logs people in, relays, records. See proc_supervisor.h for the contract. */
#ifndef GATE_RUN_H
#define GATE_RUN_H
#include "proc_supervisor.h"
int gate_run(const struct proc_context *ctx);
#endif
