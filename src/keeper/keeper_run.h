/* keeper_run: the keeper role: the only process with the ledger's folder and the signing key. See proc_supervisor.h for the contract. */
#ifndef KEEPER_RUN_H
#define KEEPER_RUN_H
#include "proc_supervisor.h"
int keeper_run(const struct proc_context *ctx);
#endif
