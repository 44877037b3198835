/* gate_recall: see gate_recall.h. Runs before the first session, in the process's main thread: blocks, and gives up after a minute in which nothing came.
 * Input: the keeper's frames, and entries that any gate of before may have sent: both decoded strictly; the first that is not right ends it, because a gate
 * that knew less than the ledger would give away what has been used up. Never writes anything but the question.
 */
#include "gate_recall.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_log.h"
#include "base_time.h"
#include "proc_msg.h"

#define STALL_US 60000000u /* without a byte */
#define PROGRESS_US 1000000u
#define IN_MAX (256u * 1024u)

struct recall {
	int fd;
	struct base_buf in, out;
	void (*each)(void *ctx, const struct event_entry *e);
	void *ctx;
	uint64_t count;
	uint64_t moved_us, told_us; /* monotonic: when the last byte came or went, when progress was logged */
	bool told;
};

static int
open_socket(struct recall *r, const char *path, struct base_fail *fail)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (n >= sizeof(a.sun_path))
		return base_fail_set(fail, GH_E_LIMIT, "%s is too long for a socket's name; set run_dir", path);
	memcpy(a.sun_path, path, n + 1);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		return base_fail_errno(fail, errno, "cannot make a socket");
	if (connect(r->fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return 0;
	(void)base_fail_errno(fail, errno, "the keeper is not there: %s", path);
	if (fail)
		fail->code = GH_E_CLOSED;
	return GH_E_CLOSED;
}

/* One entry. Its time is not looked at: the keeper chose. */
static int
take_entry(struct recall *r, struct base_span line, struct base_fail *fail)
{
	struct event_decoded *d = NULL;
	int rc = event_decode(line, &d, fail);

	if (rc < 0) {
		base_fail_where(fail, "recalled entry %" PRIu64, r->count + 1);
		base_fail_hint(fail, "`gatehouse ledger verify` says what is wrong with the ledger");
		return rc == GH_E_NOMEM ? rc : GH_E_PARSE;
	}
	r->each(r->ctx, event_decoded_entry(d));
	event_decoded_free(&d);
	r->count++;
	return 0;
}

/* 1: it was the last; 0: more is to come. */
static int
take(struct recall *r, const struct proc_msg *m, struct base_fail *fail)
{
	switch (m->type) {
	case PROC_MSG_RECALLED:
		return take_entry(r, m->body, fail);
	case PROC_MSG_RECALL_END:
		if (m->id == r->count)
			return 1;
		return base_fail_set(fail, GH_E_PARSE, "the keeper says it sent %" PRIu64 " entries, %" PRIu64 " came", m->id, r->count);
	case PROC_MSG_HELLO:
	case PROC_MSG_NOTICE: /* what stands is told to every new connection, before it has asked */
		return 0;
	case PROC_MSG_ENTRY:
	case PROC_MSG_RECALL:
	case PROC_MSG_RECEIPT:
	case PROC_MSG_FAILED:
	default:
		return base_fail_set(fail, GH_E_PARSE, "the keeper answered a recall with a message of type %u", (unsigned)m->type);
	}
}

static int
take_all(struct recall *r, struct base_fail *fail)
{
	for (;;) {
		struct proc_msg m;
		size_t used;
		int rc = proc_msg_next(base_buf_span(&r->in), false, &m, &used, fail);

		if (rc > 0)
			rc = take(r, &m, fail);
		else if (rc == 0)
			return 0;
		if (rc != 0)
			return rc;
		base_buf_consume(&r->in, used);
	}
}

static int
closed(const struct recall *r, struct base_fail *fail)
{
	return base_fail_set(fail, GH_E_CLOSED, "the keeper closed the connection after %" PRIu64 " recalled entries", r->count);
}

static int
send_some(struct recall *r, struct base_fail *fail)
{
	struct base_span s = base_buf_span(&r->out);
	ssize_t n = send(r->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : closed(r, fail);
	base_buf_consume(&r->out, (size_t)n);
	r->moved_us = base_time_mono_us();
	return 0;
}

static int
receive(struct recall *r, struct base_fail *fail)
{
	size_t want = IN_MAX - base_buf_len(&r->in);
	uint8_t *p = base_buf_reserve(&r->in, want);
	ssize_t n;

	if (p == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for recalled entries");
	n = recv(r->fd, p, want, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return closed(r, fail);
	base_buf_commit(&r->in, (size_t)n);
	r->moved_us = base_time_mono_us();
	return take_all(r, fail);
}

static void
progress(struct recall *r)
{
	if (r->moved_us - r->told_us < PROGRESS_US)
		return;
	r->told_us = r->moved_us;
	r->told = true;
	base_log_info("recalling what the ledger says of the last days: %" PRIu64 " entries", r->count);
}

static int
step(struct recall *r, struct base_fail *fail)
{
	struct pollfd p = {.fd = r->fd, .events = (short)(POLLIN | (base_buf_len(&r->out) > 0 ? POLLOUT : 0))};
	uint64_t now = base_time_mono_us();
	int rc = 0;

	if (now - r->moved_us >= STALL_US)
		return base_fail_set(fail, GH_E_TIMEOUT, "the keeper has sent nothing for %u seconds after %" PRIu64 " recalled entries", STALL_US / 1000000, r->count);
	if (poll(&p, 1, (int)((STALL_US - (now - r->moved_us)) / 1000 + 1)) < 0)
		return errno == EINTR ? 0 : base_fail_errno(fail, errno, "cannot wait for the keeper");
	if ((p.revents & POLLOUT) != 0)
		rc = send_some(r, fail);
	if (rc == 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		rc = receive(r, fail);
	progress(r);
	return rc;
}

int
gate_recall(const char *keeper_socket, uint64_t since_us, void (*each)(void *ctx, const struct event_entry *e), void *ctx, uint64_t *count_r, struct base_fail *fail)
{
	struct recall r = {.fd = -1, .each = each, .ctx = ctx};
	int rc;

	r.moved_us = r.told_us = base_time_mono_us();
	base_buf_init(&r.in, IN_MAX);
	base_buf_init(&r.out, 64);
	proc_msg_recall(&r.out, since_us);
	rc = r.out.bad ? base_fail_set(fail, GH_E_NOMEM, "no memory for a recall") : open_socket(&r, keeper_socket, fail);
	while (rc == 0)
		rc = step(&r, fail);
	if (rc == 1 && r.told)
		base_log_info("recalled %" PRIu64 " entries", r.count);
	if (r.fd >= 0)
		(void)close(r.fd); /* a socket: nothing to lose */
	base_buf_done(&r.in);
	base_buf_done(&r.out);
	if (rc < 0)
		return rc;
	*count_r = r.count;
	return 0;
}
