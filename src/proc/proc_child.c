/* proc_child: the first steps of a role's process, always in this order: die with the supervisor, own process group, no new
 * privileges, no core dump and no tracing, only its own descriptors, signals, log, run().
 * Never: returns to the supervisor's code.
 */
#include "proc_child_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base_log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif

volatile sig_atomic_t proc_stop_wanted;
volatile sig_atomic_t proc_reload_wanted;
int proc_signal_fd = -1;

/* Who gets which sockets and owns which rows of counters. A role that is not here gets none: the keeper has no network. */
static const struct {
	const char *name;
	bool clients, metrics;
} needs[] = {
	{"gate", true, false},
	{"metrics", false, true},
};

static bool
role_needs(const char *role, bool metrics)
{
	for (size_t i = 0; i < BASE_COUNT(needs); i++)
		if (strcmp(needs[i].name, role) == 0)
			return metrics ? needs[i].metrics : needs[i].clients;
	return false;
}

void
proc_child_rows(const char *role, unsigned workers, unsigned *first_r, unsigned *count_r)
{
	*first_r = *count_r = 0;
	if (strcmp(role, "gate") == 0) {
		*count_r = workers + 1;
	} else if (strcmp(role, "keeper") == 0) {
		*first_r = workers + 1;
		*count_r = 1;
	}
}

static void
on_signal(int sig)
{
	const uint64_t one = 1;
	int saved = errno;

	if (sig == SIGHUP)
		proc_reload_wanted = 1;
	else
		proc_stop_wanted = 1;
	if (write(proc_signal_fd, &one, sizeof(one)) < 0) {
		/* The counter of the eventfd is at its ceiling, so it is readable already. */
	}
	errno = saved;
}

static int
take_signals(const sigset_t *mask)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	proc_stop_wanted = proc_reload_wanted = 0;
	proc_signal_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (proc_signal_fd < 0)
		return -1;
	sigfillset(&act.sa_mask);
	if (sigaction(SIGTERM, &act, NULL) != 0 || sigaction(SIGINT, &act, NULL) != 0 || sigaction(SIGHUP, &act, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		return -1;
	return sigprocmask(SIG_SETMASK, mask, NULL);
}

static void
close_if_open(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* a listener or a pipe of the parent: nothing can be lost */
	*fd = -1;
}

/* A role taken over by a peer finds no socket that is not its own. */
static void
drop_listeners(struct proc_listen *l, const char *role)
{
	if (!role_needs(role, false)) {
		for (size_t i = 0; i < l->naddresses * l->workers; i++)
			close_if_open(&l->tcp[i]);
		l->naddresses = 0;
		close_if_open(&l->local);
	}
	if (!role_needs(role, true))
		close_if_open(&l->metrics);
}

static void __attribute__((noreturn))
run_child(const struct proc_child *c, pid_t parent, int ready)
{
	struct proc_context ctx = {.conf = c->conf, .counts = c->counts, .workers = c->listen->workers, .ready = ready};
	char name[16] = "gh-"; /* PR_SET_NAME takes 15 bytes */
	size_t n = strlen(c->role->name);

	base_log_setup(c->conf->log_format == 1, (enum base_log_level)c->conf->log_level, c->role->name);
	/* Ctrl-C reaches the whole foreground group: roles are in groups of their own, so that the supervisor stops them in order. */
	(void)setpgid(0, 0); /* fails only for a session leader, which a child is not */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(1); /* the parent died between fork and prctl: nobody would send the signal any more */
	memcpy(name + 3, c->role->name, n < sizeof(name) - 4 ? n : sizeof(name) - 4);
	(void)prctl(PR_SET_NAME, name); /* only for people looking at ps */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(1);
#ifndef UNDER_SANITIZER
	/* Keys and customers' rows are in this memory: no core file, no tracing by others of our user. The sanitizers' leak checker has to
	 * trace its own process. */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		_exit(1);
#endif
	for (size_t i = 0; i < c->nclose; i++)
		if (c->close_fds[i] >= 0)
			(void)close(c->close_fds[i]); /* the parent has its own */
	drop_listeners(c->listen, c->role->name);
	if (take_signals(c->mask) != 0) {
		base_log_error("cannot set up signals: %s", strerror(errno));
		_exit(1);
	}
	ctx.tcp = c->listen->tcp;
	ctx.naddresses = c->listen->naddresses;
	ctx.local = c->listen->local;
	ctx.metrics = c->listen->metrics;
	exit(c->role->run(&ctx));
}

int
proc_child_start(const struct proc_child *c, pid_t *pid_r, int *ready_r, struct base_fail *fail)
{
	pid_t parent = getpid(), pid;
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return base_fail_errno(fail, errno, "cannot make a pipe");
	if (fcntl(p[0], F_SETFL, O_NONBLOCK) != 0) {
		int rc = base_fail_errno(fail, errno, "cannot set up a pipe");

		(void)close(p[0]); /* never used */
		(void)close(p[1]); /* never used */
		return rc;
	}
	(void)fflush(NULL); /* or the child would write what the parent has not written yet once more */
	pid = fork();
	if (pid < 0) {
		int rc = base_fail_errno(fail, errno, "cannot fork");

		(void)close(p[0]); /* never used */
		(void)close(p[1]); /* never used */
		return rc;
	}
	if (pid == 0) {
		(void)close(p[0]); /* the parent's end */
		run_child(c, parent, p[1]);
	}
	(void)close(p[1]); /* the child's end */
	*pid_r = pid;
	*ready_r = p[0];
	return GH_OK;
}
