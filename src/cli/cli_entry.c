/* cli_entry: see cli_entry.h. Input: the keeper's messages, decoded strictly; the operating system's user table. The socket lies in run_dir, which only
 * the gate's user and root may enter, and the keeper looks at who we are once more. Writes no file: the keeper does.
 */
#include "cli_entry.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_text.h"
#include "base_time.h"
#include "proc_msg.h"

#define WAIT_US 10000000u /* a healthy keeper needs milliseconds */

struct channel {
	int fd;
	struct base_buf in, out;
	uint64_t end_us; /* monotonic */
	bool sent;
};

static int
denied(const struct proc_conf *conf, struct base_fail *fail)
{
	struct stat st;
	struct passwd *pw = stat(conf->run_dir, &st) == 0 ? getpwuid(st.st_uid) : NULL;

	(void)base_fail_set(fail, GH_E_DENIED, "only the user that runs the gate%s%s%s and root may do this", pw ? " (" : "", pw ? pw->pw_name : "", pw ? ")" : "");
	if (pw)
		base_fail_hint(fail, "sudo -u %s gatehouse ...", pw->pw_name);
	return GH_E_DENIED;
}

static int
open_channel(struct channel *c, const struct proc_conf *conf, struct base_fail *fail)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/keeper.sock", conf->run_dir);

	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return base_fail_set(fail, GH_E_LIMIT, "%s/keeper.sock is too long for a socket's name; set run_dir", conf->run_dir);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return base_fail_errno(fail, errno, "cannot make a socket");
	if (connect(c->fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return denied(conf, fail);
	if (errno != ENOENT && errno != ECONNREFUSED)
		return base_fail_errno(fail, errno, "cannot connect to %s", a.sun_path);
	(void)base_fail_set(fail, GH_E_CLOSED, "the gate is not running: nobody listens at %s, and only its keeper may write the ledger", a.sun_path);
	base_fail_hint(fail, "start it with `gatehouse run`, then repeat the command");
	return GH_E_CLOSED;
}

/* The connection ended. Before its first word that means: the keeper does not know us. */
static int
lost(const struct channel *c, const struct proc_conf *conf, struct base_fail *fail)
{
	if (!c->sent)
		return geteuid() == 0 ? base_fail_set(fail, GH_E_CLOSED, "the keeper closed the connection; nothing was recorded") : denied(conf, fail);
	(void)base_fail_set(fail, GH_E_CLOSED, "the keeper went away before it answered: whether the entry was recorded is not known");
	base_fail_hint(fail, "`gatehouse ledger tail` shows it if it was");
	return GH_E_CLOSED;
}

/* 1: the entry is durable; 0: read on. */
static int
take(struct channel *c, const struct proc_msg *m, struct base_fail *fail)
{
	char shown[200];

	switch (m->type) {
	case PROC_MSG_HELLO:
		c->sent = true; /* as far as we can tell from here on */
		return 0;
	case PROC_MSG_RECEIPT:
		return m->id >= 1;
	case PROC_MSG_FAILED:
		return base_fail_set(fail, m->failure == PROC_MSG_DISK_FULL ? GH_E_FULL : m->failure == PROC_MSG_MALFORMED ? GH_E_PARSE : GH_E_IO,
		    "the keeper could not record the entry, nothing was changed: %s", base_text_quote(shown, sizeof(shown), m->body, 150));
	case PROC_MSG_NOTICE: /* of our own entry, or of another operator's */
		return 0;
	case PROC_MSG_ENTRY:
	case PROC_MSG_RECALL:
	case PROC_MSG_RECALLED:
	case PROC_MSG_RECALL_END:
	default:
		return base_fail_set(fail, GH_E_PARSE, "the keeper sent a message that has no place here");
	}
}

static int
take_all(struct channel *c, struct base_fail *fail)
{
	for (;;) {
		struct proc_msg m;
		size_t used;
		int rc = proc_msg_next(base_buf_span(&c->in), false, &m, &used, fail);

		if (rc <= 0)
			return rc;
		rc = take(c, &m, fail);
		if (rc != 0)
			return rc;
		base_buf_consume(&c->in, used);
	}
}

/* One step: waits, sends, receives. 1: done. */
static int
step(struct channel *c, const struct proc_conf *conf, struct base_fail *fail)
{
	struct pollfd p = {.fd = c->fd, .events = (short)(POLLIN | (c->sent && base_buf_len(&c->out) > 0 ? POLLOUT : 0))};
	uint64_t now = base_time_mono_us();
	ssize_t n;

	if (now >= c->end_us)
		return base_fail_set(fail, GH_E_TIMEOUT, "the keeper did not answer within %u seconds: whether the entry was recorded is not known", WAIT_US / 1000000);
	if (poll(&p, 1, (int)((c->end_us - now + 999) / 1000)) < 0)
		return errno == EINTR ? 0 : base_fail_errno(fail, errno, "cannot wait for the keeper");
	if ((p.revents & POLLOUT) != 0) {
		struct base_span s = base_buf_span(&c->out);
		n = send(c->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return lost(c, conf, fail);
		if (n > 0)
			base_buf_consume(&c->out, (size_t)n);
	}
	if ((p.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
		return 0;
	uint8_t *room = base_buf_reserve(&c->in, 4096);
	if (!room)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for the keeper's answer");
	n = recv(c->fd, room, 4096, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return lost(c, conf, fail);
	base_buf_commit(&c->in, (size_t)n);
	return take_all(c, fail);
}

int
cli_entry_record(const struct proc_conf *conf, const struct event_entry *e, struct base_fail *fail)
{
	struct channel c = {.fd = -1, .end_us = base_time_mono_us() + WAIT_US};
	struct base_buf line;
	int rc;

	base_buf_init(&line, EVENT_ENTRY_MAX);
	base_buf_init(&c.in, 2 * (size_t)PROC_MSG_MAX);
	base_buf_init(&c.out, 2 * (size_t)PROC_MSG_MAX);
	rc = event_entry_encode(e, &line, fail);
	if (rc == 0) {
		proc_msg_entry(&c.out, 1, base_buf_span(&line)); /* waits for the keeper's hello: see step */
		rc = c.out.bad ? base_fail_set(fail, GH_E_NOMEM, "no memory for an entry") : open_channel(&c, conf, fail);
	}
	while (rc == 0)
		rc = step(&c, conf, fail);
	if (c.fd >= 0)
		(void)close(c.fd); /* answered, or given up */
	base_buf_done(&line);
	base_buf_done(&c.in);
	base_buf_done(&c.out);
	return rc < 0 ? rc : 0;
}

const char *
cli_entry_operator(void)
{
	static char name[256];
	const char *sudo = getenv("SUDO_USER");
	uid_t uid = getuid();
	struct passwd *pw;

	/* Root may say who it is acting for; of anybody else it would be a claim. */
	if (uid == 0 && sudo != NULL && *sudo != '\0' && getpwnam(sudo) != NULL) {
		(void)snprintf(name, sizeof(name), "%s", sudo);
		return name;
	}
	pw = getpwuid(uid);
	if (pw != NULL)
		(void)snprintf(name, sizeof(name), "%s", pw->pw_name);
	else
		(void)snprintf(name, sizeof(name), "uid %lu", (unsigned long)uid);
	return name;
}
