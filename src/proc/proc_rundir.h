/* proc_rundir: the folder of sockets and the pid file that only one supervisor can hold.
 */
#ifndef PROC_RUNDIR_H
#define PROC_RUNDIR_H

#include "base_fail.h"

/* Makes the folder (mode 0700; one that exists must be ours and is made 0700) and takes run_dir/gatehouse.pid: locked with flock for as
 * long as the descriptor is open anywhere, so roles that outlive a killed supervisor still hold it. When the process named in the file
 * is gone, waits up to wait_us for its roles to end. GH_E_BUSY when another supervisor has it; GH_E_DENIED. */
BASE_CHECK int proc_rundir_take(const char *run_dir, uint64_t wait_us, int *lock_r, struct base_fail *fail);
/* Empties the pid file and closes the lock. */
void proc_rundir_release(int lock);

#endif
