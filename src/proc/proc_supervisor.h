/* proc_supervisor: `gatehouse run`: opens the listening sockets, forks the roles, restarts them, forwards SIGHUP, tells systemd.
 * It never reads a network byte. The roles' functions come in a table from cli, so that proc knows no role's insides.
 */
#ifndef PROC_SUPERVISOR_H
#define PROC_SUPERVISOR_H

#include <signal.h>

#include "proc_conf.h"
#include "proc_count.h"

struct proc_context {
	const struct proc_conf *conf;   /* as of the supervisor's start; roles re-read conf->file themselves on SIGHUP */
	struct proc_count *counts;
	unsigned workers;
	/* TCP listeners: for address a and worker w: tcp[a * workers + w] (SO_REUSEPORT, non-blocking, listening) */
	const int *tcp; size_t naddresses;
	int local;                      /* Unix listener, shared by the workers; -1 = none */
	int metrics;                    /* listening socket of the metrics role; -1 = none */
	int ready;                      /* write one byte when serving; close after */
};
/* Rows of counters: 0..workers-1 gate workers, workers = gate control thread, workers+1 = keeper, workers+2 = supervisor. */

struct proc_role {
	const char *name;                               /* "keeper", "gate", "metrics" */
	/* Runs in its own process until SIGTERM; returns the exit status: 0 clean, 1 failed (restart), 2 cannot ever work (bad
	 * configuration: the supervisor stops everything when it happens before the first ready). SIGHUP = reload. */
	int (*run)(const struct proc_context *ctx);
	bool wanted;
};
/* Blocks until SIGTERM/SIGINT; returns the process's exit status. Roles start in table order, each after the one before is ready;
 * they stop in reverse order (gate first, then keeper), with shutdown_timeout. A role that dies is started again, at once the first
 * time, then with delays up to 5 s. */
int proc_supervise(const struct proc_conf *conf, const struct proc_role *roles, size_t nroles);

/* For roles: signal flags set by handlers that proc installs before run() (SIGTERM, SIGINT -> stop; SIGHUP -> reload), and a descriptor
 * (eventfd) that becomes readable when one was set, for loops. */
extern volatile sig_atomic_t proc_stop_wanted;
extern volatile sig_atomic_t proc_reload_wanted;
extern int proc_signal_fd;
#endif
