/* proc_sandbox: what a role gives up before it serves. Called by each role once, in its main thread, after it has opened what it keeps
 * and before it starts threads (a Landlock domain holds for the calling thread and those it starts later).
 *
 *   all roles   no new privileges; seccomp refuses (EPERM): starting programs, tracing, reading other processes, io_uring, kernel
 *               modules, mounts, namespaces, key rings, clocks, terminals' input queue
 *   keeper      also: Landlock: files are written, made and removed below the ledger and run_dir only (reading stays); sockets of
 *               other families than AF_UNIX are refused
 *   metrics     also: Landlock: no file at all; no new sockets
 *   gate        nothing more: it connects to the server again, resolves its name, reloads policy, people, certificates and
 *               time zones
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include "proc_conf.h"

enum proc_sandbox_profile { PROC_SANDBOX_GATE, PROC_SANDBOX_KEEPER, PROC_SANDBOX_METRICS };

/* Folders named in conf must exist for the keeper. A kernel without Landlock or seccomp is logged and tolerated; any other failure is
 * an error: GH_E_IO, GH_E_MISSING, GH_E_DENIED. There is no way back. */
BASE_CHECK int proc_sandbox_enter(enum proc_sandbox_profile profile, const struct proc_conf *conf, struct base_fail *fail);

#endif
