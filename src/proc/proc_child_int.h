/* proc_child_int: the supervisor's way to start a role: what happens between fork and the role's run(). */
#ifndef PROC_CHILD_INT_H
#define PROC_CHILD_INT_H

#include <sys/types.h>

#include "proc_listen.h"
#include "proc_supervisor.h"

struct proc_child {
	const struct proc_role *role;
	const struct proc_conf *conf;
	struct proc_count *counts;
	struct proc_listen *listen; /* the child closes what the role does not need */
	const sigset_t *mask;       /* signals blocked while the role runs; all that the parent waits for are blocked until then */
	const int *close_fds;       /* the parent's own descriptors; -1 = none */
	size_t nclose;
};
/* Forks. Returns the process and its ready descriptor (non-blocking: one byte = serving), or GH_E_IO. Never returns in the child. */
BASE_CHECK int proc_child_start(const struct proc_child *c, pid_t *pid_r, int *ready_r, struct base_fail *fail);
/* Which rows of counters a role owns: see proc_supervisor.h. */
void proc_child_rows(const char *role, unsigned workers, unsigned *first_r, unsigned *count_r);

#endif
