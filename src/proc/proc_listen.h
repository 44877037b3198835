/* proc_listen: the listening sockets. Opened by the supervisor, inherited by the roles; they stay open while a role is restarted, so
 * that connections wait instead of being refused.
 */
#ifndef PROC_LISTEN_H
#define PROC_LISTEN_H

#include "proc_conf.h"

struct proc_listen {
	int *tcp;          /* own; tcp[address * workers + worker] */
	size_t naddresses;
	unsigned workers;
	int local;         /* -1 = none */
	int metrics;       /* -1 = none */
	const char *local_path, *metrics_path; /* borrow from conf: Unix sockets to remove at the end; NULL = none */
};

/* Opens everything that conf names (metrics only when wanted). On failure nothing stays open. GH_E_BUSY: somebody listens there. */
BASE_CHECK int proc_listen_open(const struct proc_conf *conf, unsigned workers, bool metrics, struct proc_listen *l_r, struct base_fail *fail);
/* Closes all sockets and, when `unlink_paths`, removes the Unix sockets' names. */
void proc_listen_close(struct proc_listen *l, bool unlink_paths);

#endif
