/* proc_supervisor: `gatehouse run`.
 *
 * Job: opens sockets, starts the roles in order, starts again what dies, passes SIGHUP on, stops in reverse order, tells systemd.
 * Input trust: signals, its own configuration, one byte from each role. It reads nothing from a network.
 * Never: handles a connection, an entry or a key; blocks on a role; reaps a child that is not a role.
 *
 *                        due                 ready byte
 *   OFF       DOWN ------------> STARTING ----------------> UP
 *    (not      ^    [start_role]    |        [read_ready]    |
 *    wanted)   |                    |                        |  each live state, when stopping and later roles are gone:
 *              +----- died ---------+------------------------+         STOPPING --- died ---> ENDED
 *                 [role_died]                                          [stop_next]        [role_died]
 *
 * A role is due for the first time when all before it have been ready once, and later when its back-off is over. set_state() is the
 * only writer of ->state.
 */
#include "proc_supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base_buf.h"
#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "proc_child_int.h"
#include "proc_listen.h"
#include "proc_rundir.h"
#include "proc_supervisor_int.h"

#define NEVER UINT64_MAX
#define SECOND UINT64_C(1000000)
#define BACKOFF_FIRST (SECOND / 10)
#define BACKOFF_MAX (5 * SECOND)
#define STEADY (10 * SECOND)    /* up for this long: its next death is a first one again */
#define KILL_GRACE (5 * SECOND) /* on top of shutdown_timeout, which the role itself keeps */
#define ROLES_MAX 8u
#define EXIT_NEVER_WORKS 2

uint64_t proc_supervisor_ready_limit_us = 120 * SECOND;

enum state { ROLE_OFF, ROLE_DOWN, ROLE_STARTING, ROLE_UP, ROLE_STOPPING, ROLE_ENDED };
static const char *const state_names[] = {"off", "down", "starting", "up", "stopping", "ended"};

struct slot {
	const struct proc_role *role; /* borrow */
	enum state state;
	pid_t pid;         /* of a live state, else 0 */
	int ready;         /* read end; -1 = none or heard */
	uint64_t at_us;    /* DOWN: when to start; STARTING, STOPPING: when to kill */
	uint64_t up_us;    /* since when UP */
	unsigned deaths;   /* in a row */
	bool ever_ready;
};

struct supervisor {
	const struct proc_conf *conf; /* borrow */
	struct slot slots[ROLES_MAX];
	size_t nslots;
	struct proc_listen listen;
	struct proc_count *counts;
	sigset_t mask;   /* before we blocked anything: what roles run with */
	int signals;     /* signalfd */
	bool stopping;
	bool told_ready; /* systemd */
	int status;
};

static bool
is_live(const struct slot *s)
{
	return s->state == ROLE_STARTING || s->state == ROLE_UP || s->state == ROLE_STOPPING;
}

static void
set_state(struct supervisor *sv, struct slot *s, enum state state)
{
	struct base_buf b;

	s->state = state;
	base_buf_init(&b, 1024);
	base_buf_str(&b, "STATUS=");
	for (size_t i = 0; i < sv->nslots; i++)
		if (sv->slots[i].state != ROLE_OFF)
			base_buf_fmt(&b, "%s %s  ", sv->slots[i].role->name, state_names[sv->slots[i].state]);
	base_buf_u8(&b, 0);
	if (!b.bad)
		(void)sd_notify(0, (const char *)base_buf_span(&b).p); /* a status line for people */
	base_buf_done(&b);
}

static void
begin_stop(struct supervisor *sv)
{
	if (sv->stopping)
		return;
	sv->stopping = true;
	(void)sd_notify(0, "STOPPING=1"); /* systemd finds out anyway */
}

/* When to start it again after a death: at once the first time, then 0.1, 0.2, ... 5 s. */
static uint64_t
next_start(struct slot *s, uint64_t now)
{
	uint64_t delay = 0;

	if (s->state == ROLE_UP && now - s->up_us >= STEADY)
		s->deaths = 0;
	if (s->deaths > 0)
		delay = s->deaths > 6 ? BACKOFF_MAX : BACKOFF_FIRST << (s->deaths - 1);
	s->deaths++;
	return now + (delay < BACKOFF_MAX ? delay : BACKOFF_MAX);
}

static void
close_ready(struct slot *s)
{
	if (s->ready >= 0)
		(void)close(s->ready); /* the read end of a pipe */
	s->ready = -1;
}

/* ---- starting */

static void
start_role(struct supervisor *sv, struct slot *s, uint64_t now)
{
	int fds[ROLES_MAX + 1];
	struct proc_child c = {.role = s->role, .conf = sv->conf, .counts = sv->counts, .listen = &sv->listen, .mask = &sv->mask,
		.close_fds = fds, .nclose = sv->nslots + 1};
	struct base_fail fail = {0};

	for (size_t i = 0; i < sv->nslots; i++)
		fds[i] = sv->slots[i].ready;
	fds[sv->nslots] = sv->signals;
	if (proc_child_start(&c, &s->pid, &s->ready, &fail) < 0) {
		base_log_error("cannot start %s: %s", s->role->name, fail.text);
		s->at_us = next_start(s, now);
		return;
	}
	s->at_us = now + proc_supervisor_ready_limit_us;
	set_state(sv, s, ROLE_STARTING);
	base_log_info("started %s, process %d", s->role->name, (int)s->pid);
}

static void
start_due(struct supervisor *sv, uint64_t now)
{
	for (size_t i = 0; i < sv->nslots; i++) {
		struct slot *s = &sv->slots[i];

		if (s->state == ROLE_DOWN && s->at_us <= now)
			start_role(sv, s, now);
		if (s->state == ROLE_STARTING && s->at_us <= now) {
			base_log_error("%s is not ready after %" PRIu64 " s: killing process %d", s->role->name,
			    proc_supervisor_ready_limit_us / SECOND, (int)s->pid);
			(void)kill(s->pid, SIGKILL); /* ours and not reaped, so it is there */
			s->at_us = NEVER;
		}
		if (s->state != ROLE_OFF && !s->ever_ready)
			break; /* those after it wait */
	}
}

static void
read_ready(struct supervisor *sv, struct slot *s, uint64_t now)
{
	char byte;
	ssize_t n = read(s->ready, &byte, 1);

	if (n < 0)
		return; /* EAGAIN: a spurious wake-up */
	close_ready(s);
	if (n == 0)
		return; /* closed without a word: it dies, or the time limit kills it */
	if (s->state != ROLE_STARTING)
		return;
	s->ever_ready = true;
	s->up_us = now;
	set_state(sv, s, ROLE_UP);
	base_log_info("%s is ready", s->role->name);
	for (size_t i = 0; i < sv->nslots; i++)
		if (sv->slots[i].state != ROLE_OFF && !sv->slots[i].ever_ready)
			return;
	if (!sv->told_ready)
		(void)sd_notify(0, "READY=1"); /* without systemd there is nobody to tell */
	sv->told_ready = true;
}

/* ---- dying */

static void
log_death(const struct slot *s, int status, bool expected)
{
	enum base_log_level level = expected ? BASE_LOG_INFO : BASE_LOG_ERROR;

	if (WIFSIGNALED(status))
		base_log(expected ? BASE_LOG_WARN : level, "%s, process %d, was killed by signal %d (%s)", s->role->name, (int)s->pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		base_log(level, "%s, process %d, ended with status %d", s->role->name, (int)s->pid, WEXITSTATUS(status));
}

static void
role_died(struct supervisor *sv, struct slot *s, int status, uint64_t now)
{
	bool never_works = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NEVER_WORKS && !s->ever_ready;
	unsigned first, count;

	log_death(s, status, sv->stopping);
	close_ready(s);
	s->pid = 0;
	proc_child_rows(s->role->name, sv->listen.workers, &first, &count);
	proc_count_clear_gauges(sv->counts, first, count);
	if (never_works && !sv->stopping) {
		base_log_error("%s cannot work as configured (see above): stopping", s->role->name);
		sv->status = 1;
		begin_stop(sv);
	}
	if (sv->stopping) {
		set_state(sv, s, ROLE_ENDED);
		return;
	}
	proc_count_add(sv->counts, sv->listen.workers + 2, PROC_COUNT_role_restarts_total, 1);
	s->at_us = next_start(s, now);
	set_state(sv, s, ROLE_DOWN);
	if (s->at_us > now)
		base_log_info("%s starts again in %" PRIu64 " ms", s->role->name, (s->at_us - now) / 1000);
}

static void
reap(struct supervisor *sv, uint64_t now)
{
	for (size_t i = 0; i < sv->nslots; i++) {
		struct slot *s = &sv->slots[i];
		int status;

		if (!is_live(s) || waitpid(s->pid, &status, WNOHANG) != s->pid)
			continue;
		if (s->ready >= 0)
			read_ready(sv, s, now); /* it may have been ready before it died */
		role_died(sv, s, status, now);
	}
}

/* ---- stopping: the last live role first, the next when it is gone. True when none is left. */

static bool
stop_next(struct supervisor *sv, uint64_t now)
{
	struct slot *s = NULL;

	for (size_t i = 0; i < sv->nslots; i++)
		if (is_live(&sv->slots[i]))
			s = &sv->slots[i];
	if (s == NULL)
		return true;
	if (s->state != ROLE_STOPPING) {
		base_log_info("stopping %s", s->role->name);
		(void)kill(s->pid, SIGTERM); /* ours and not reaped, so it is there */
		s->at_us = now + sv->conf->shutdown_timeout + KILL_GRACE;
		set_state(sv, s, ROLE_STOPPING);
	} else if (s->at_us <= now) {
		base_log_warn("%s does not stop: killing process %d", s->role->name, (int)s->pid);
		(void)kill(s->pid, SIGKILL); /* as above */
		s->at_us = NEVER;
	}
	return false;
}

/* A second request while stopping: the role that is being waited for is killed now. */
static void
hurry(struct supervisor *sv)
{
	for (size_t i = 0; i < sv->nslots; i++)
		if (sv->slots[i].state == ROLE_STOPPING && sv->slots[i].at_us != NEVER)
			sv->slots[i].at_us = 0;
}

/* ---- signals */

static void
reload(struct supervisor *sv)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, base_time_mono_us()); /* as READY above */
	base_log_info("reloading");
	for (size_t i = 0; i < sv->nslots; i++)
		if (sv->slots[i].state == ROLE_STARTING || sv->slots[i].state == ROLE_UP)
			(void)kill(sv->slots[i].pid, SIGHUP); /* ours and not reaped, so it is there */
	if (sv->told_ready)
		(void)sd_notify(0, "READY=1"); /* as above */
}

static void
read_signals(struct supervisor *sv)
{
	struct signalfd_siginfo info;

	while (read(sv->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP && !sv->stopping) {
			reload(sv);
		} else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
			if (sv->stopping)
				hurry(sv);
			else
				base_log_info("stopping on %s", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
			begin_stop(sv);
		} /* SIGCHLD: reap() looks after each wake-up */
	}
}

static int
block_signals(struct supervisor *sv, struct base_fail *fail)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	/* SIGCHLD may have been ignored by whoever started us, and children would vanish without a status. */
	if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGCHLD, &normal, NULL) != 0 || sigprocmask(SIG_BLOCK, &set, &sv->mask) != 0)
		return base_fail_errno(fail, errno, "cannot block signals");
	sigdelset(&sv->mask, SIGTERM); /* roles must hear them, whatever we inherited */
	sigdelset(&sv->mask, SIGINT);
	sigdelset(&sv->mask, SIGHUP);
	sv->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sv->signals < 0)
		return base_fail_errno(fail, errno, "cannot make a signal descriptor");
	return GH_OK;
}

/* ---- the loop */

static int
wait_ms(const struct supervisor *sv, uint64_t now)
{
	uint64_t at = NEVER;

	for (size_t i = 0; i < sv->nslots; i++) {
		const struct slot *s = &sv->slots[i];
		bool counts = sv->stopping ? s->state == ROLE_STOPPING : s->state == ROLE_DOWN || s->state == ROLE_STARTING;

		if (counts && s->at_us < at)
			at = s->at_us;
		if (!sv->stopping && s->state != ROLE_OFF && !s->ever_ready)
			break; /* those after it are not due, whatever their time */
	}
	if (at == NEVER)
		return -1;
	if (at <= now)
		return 0;
	return at - now > 60 * SECOND ? 60000 : (int)((at - now + 999) / 1000);
}

static void
wait_for_news(struct supervisor *sv)
{
	struct pollfd p[ROLES_MAX + 1];
	uint64_t now = base_time_mono_us();

	p[0] = (struct pollfd){.fd = sv->signals, .events = POLLIN};
	for (size_t i = 0; i < sv->nslots; i++)
		p[i + 1] = (struct pollfd){.fd = sv->slots[i].ready, .events = POLLIN};
	if (poll(p, sv->nslots + 1, wait_ms(sv, now)) < 0)
		return; /* EINTR cannot be (all is blocked); anything else repeats with the next turn */
	now = base_time_mono_us();
	for (size_t i = 0; i < sv->nslots; i++)
		if (p[i + 1].revents != 0 && sv->slots[i].ready >= 0)
			read_ready(sv, &sv->slots[i], now);
	read_signals(sv);
	reap(sv, now);
}

static void
loop(struct supervisor *sv)
{
	for (;;) {
		uint64_t now = base_time_mono_us();

		if (!sv->stopping)
			start_due(sv, now);
		else if (stop_next(sv, now))
			return;
		wait_for_news(sv);
	}
}

/* ---- set-up */

static unsigned
count_workers(const struct proc_conf *conf)
{
	cpu_set_t set;
	int n = 1;

	if (conf->workers > 0)
		return (unsigned)conf->workers;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > 256 ? 256 : (unsigned)n;
}

/* A session is two descriptors. The soft limit of most systems, 1024, is for programs that use select(). */
static void
raise_descriptors(const struct proc_conf *conf, unsigned workers)
{
	rlim_t want = (rlim_t)((conf->max_sessions + conf->max_unauthenticated) * 2 + conf->listen.count * workers + 256);
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= want)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur < want)
		base_log_warn("only %" PRIu64 " descriptors are allowed, max_sessions = %" PRIu64 " may need %" PRIu64 " (ulimit -n, LimitNOFILE)",
		    (uint64_t)r.rlim_cur, conf->max_sessions, (uint64_t)want);
}

static bool
wants_metrics(const struct proc_role *roles, size_t nroles)
{
	for (size_t i = 0; i < nroles; i++)
		if (roles[i].wanted && strcmp(roles[i].name, "metrics") == 0)
			return true;
	return false;
}

int
proc_supervise(const struct proc_conf *conf, const struct proc_role *roles, size_t nroles)
{
	struct supervisor sv = {.conf = conf, .nslots = nroles, .signals = -1};
	unsigned workers = count_workers(conf);
	struct base_fail fail = {0};
	int lock = -1;

	if (nroles > ROLES_MAX)
		abort(); /* a table in cli */
	for (size_t i = 0; i < nroles; i++)
		sv.slots[i] = (struct slot){.role = &roles[i], .state = roles[i].wanted ? ROLE_DOWN : ROLE_OFF, .ready = -1};
	if (proc_rundir_take(conf->run_dir, conf->shutdown_timeout + KILL_GRACE, &lock, &fail) < 0 ||
	    proc_listen_open(conf, workers, wants_metrics(roles, nroles), &sv.listen, &fail) < 0) {
		base_log_error("%s", fail.text);
		sv.status = 1;
		goto out;
	}
	raise_descriptors(conf, workers);
	sv.counts = proc_count_new(workers + 3);
	if (block_signals(&sv, &fail) < 0) {
		base_log_error("%s", fail.text);
		sv.status = 1;
	} else {
		base_log_info("gatehouse " GH_VERSION " starts, %u workers, configuration %s", workers, conf->file);
		loop(&sv);
		base_log_info("stopped");
	}
	proc_listen_close(&sv.listen, true);
out:
	if (sv.signals >= 0)
		(void)close(sv.signals); /* a signal descriptor */
	if (lock >= 0)
		proc_rundir_release(lock);
	return sv.status;
}
