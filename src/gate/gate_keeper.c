/* gate_keeper: a worker's channel to the keeper. Input: the keeper's messages, checked as if hostile. Never writes a file.
 *
 * Order is the whole protocol: ids count up by one, receipts come in order, so the waiting owners are a ring and a receipt is a
 * number. Invariant: ring_first + ring_count == next_id (checked by assert in add).
 */
#include "gate_keeper.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_buf.h"
#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "gate_limit.h"
#include "proc_msg.h"

#define RETRY_US 100000u

struct gate_keeper {
	struct base_loop *loop;
	struct sockaddr_un address;
	struct base_loop_io io;
	struct base_loop_timer retry;
	struct base_buf in, out;
	struct base_buf late; /* length-prefixed entries for when the keeper is back */
	bool up;     /* HELLO was seen */
	bool full;   /* told the owner to stop */
	bool said;   /* logged that it is down */
	void **ring; /* own: owners by id; cap is a power of two */
	size_t ring_cap;
	uint64_t ring_first, next_id; /* ids in [ring_first, next_id) wait */
	struct proc_count *counts;
	unsigned row;
	gate_keeper_receipt *receipt;
	gate_keeper_failure *failure;
	void (*drained)(void *ctx);
	gate_keeper_notice *notice; /* may be NULL */
	void *ctx;
};

static void on_io(struct base_loop_io *io, unsigned events);
static void on_retry(struct base_loop_timer *t);

struct gate_keeper *
gate_keeper_new(struct base_loop *loop, const char *socket_path, struct proc_count *counts, unsigned row, gate_keeper_receipt *receipt,
                gate_keeper_failure *failure, void (*drained)(void *ctx), gate_keeper_notice *notice, void *ctx)
{
	struct gate_keeper *k = base_mem_new(1, sizeof(*k));

	k->loop = loop;
	k->address.sun_family = AF_UNIX;
	size_t n = strlen(socket_path);
	assert(n < sizeof(k->address.sun_path)); /* the supervisor has checked run_dir */
	memcpy(k->address.sun_path, socket_path, n + 1);
	base_loop_io_init(&k->io, -1, on_io);
	base_loop_timer_init(&k->retry, on_retry);
	base_buf_init(&k->in, 2 * (size_t)PROC_MSG_MAX); /* room for the longest message, a notice, and the start of the next */
	base_buf_init(&k->out, 2 * (size_t)GATE_KEEPER_OUT);
	base_buf_init(&k->late, GATE_KEEPER_OUT);
	k->ring_cap = 1024;
	k->ring = base_mem_new(k->ring_cap, sizeof(*k->ring));
	k->ring_first = k->next_id = 1;
	k->counts = counts;
	k->row = row;
	k->receipt = receipt;
	k->failure = failure;
	k->drained = drained;
	k->notice = notice;
	k->ctx = ctx;
	base_loop_timer_set(loop, &k->retry, base_time_mono_us());
	return k;
}

void
gate_keeper_free(struct gate_keeper **kp)
{
	struct gate_keeper *k = *kp;

	*kp = NULL;
	if (!k)
		return;
	if (k->io.fd >= 0) {
		base_loop_io_remove(k->loop, &k->io);
		(void)close(k->io.fd); /* a socket: nothing to lose */
	}
	base_loop_timer_cancel(k->loop, &k->retry);
	base_buf_done(&k->in);
	base_buf_done(&k->out);
	base_buf_done(&k->late);
	free(k->ring);
	free(k);
}

bool
gate_keeper_up(const struct gate_keeper *k)
{
	return k->up;
}

bool
gate_keeper_full(const struct gate_keeper *k)
{
	return k->full;
}

static void *
pop(struct gate_keeper *k)
{
	void *owner = k->ring[k->ring_first & (k->ring_cap - 1)];
	k->ring_first++;
	return owner;
}

static void
fail_upto(struct gate_keeper *k, uint64_t upto, int code, const char *text)
{
	while (k->ring_first <= upto && k->ring_first < k->next_id) {
		void *owner = pop(k);
		proc_count_add(k->counts, k->row, PROC_COUNT_entries_failed_total, 1);
		if (owner)
			k->failure(owner, code, text);
	}
}

static void
set_up(struct gate_keeper *k, bool up)
{
	k->up = up;
	proc_count_set(k->counts, k->row, PROC_COUNT_keeper_channels, up);
	if (k->row == 0)
		proc_count_set(k->counts, k->row, PROC_COUNT_keeper_up, up);
}

/* Entries that nobody waits for and that came while there was no keeper: session ends, refused log-ins. */
static void
send_late(struct gate_keeper *k)
{
	struct base_cursor c = base_cursor(base_buf_span(&k->late));

	while (c.left > 0) {
		struct base_span entry = base_cursor_take(&c, base_cursor_u32(&c));
		if (gate_keeper_add(k, entry, NULL) < 0)
			break; /* cannot happen: the late ones are fewer than the channel holds */
	}
	base_buf_clear(&k->late);
	base_buf_trim(&k->late);
}

static void
lost(struct gate_keeper *k, const char *why)
{
	if (k->up || !k->said)
		base_log_error("the keeper is not available: %s; answers that must be recorded are refused until it is back", why);
	k->said = true;
	if (k->io.fd >= 0) {
		base_loop_io_remove(k->loop, &k->io);
		(void)close(k->io.fd); /* a socket: nothing to lose */
		k->io.fd = -1;
	}
	set_up(k, false);
	base_buf_clear(&k->in);
	base_buf_clear(&k->out);
	fail_upto(k, UINT64_MAX, GH_E_CLOSED, "the ledger is not available");
	k->ring_first = k->next_id = 1;
	if (k->full) {
		k->full = false;
		k->drained(k->ctx);
	}
	base_loop_timer_set(k->loop, &k->retry, base_time_mono_us() + RETRY_US);
}

static void
on_retry(struct base_loop_timer *t)
{
	struct gate_keeper *k = (struct gate_keeper *)((char *)t - offsetof(struct gate_keeper, retry));

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&k->address, sizeof(k->address)) < 0) {
		const char *why = strerror(errno);
		if (fd >= 0)
			(void)close(fd); /* a socket: nothing to lose */
		lost(k, why);
		return;
	}
	base_loop_io_init(&k->io, fd, on_io);
	base_loop_io_set(k->loop, &k->io, BASE_LOOP_READ);
}

static void
message(struct gate_keeper *k, const struct proc_msg *m)
{
	switch (m->type) {
	case PROC_MSG_HELLO:
		set_up(k, true);
		if (k->said)
			base_log_info("the keeper is back");
		k->said = false;
		send_late(k);
		break;
	case PROC_MSG_RECEIPT:
		while (k->ring_first <= m->id && k->ring_first < k->next_id) {
			void *owner = pop(k);
			if (owner)
				k->receipt(owner);
		}
		break;
	case PROC_MSG_FAILED: {
		char text[200];
		size_t n = m->body.n < sizeof(text) - 1 ? m->body.n : sizeof(text) - 1;
		memcpy(text, m->body.p, n);
		text[n] = '\0';
		fail_upto(k, m->id, m->failure == PROC_MSG_DISK_FULL ? GH_E_FULL : m->failure == PROC_MSG_MALFORMED ? GH_E_PARSE : GH_E_IO, text);
		break;
	}
	case PROC_MSG_NOTICE:
		if (k->notice)
			k->notice(k->ctx, m->body);
		break;
	case PROC_MSG_ENTRY:
	case PROC_MSG_RECALL:
	case PROC_MSG_RECALLED:
	case PROC_MSG_RECALL_END:
	default:
		break; /* answers to a question that we do not ask here: they change nothing */
	}
}

static bool
receive(struct gate_keeper *k)
{
	struct base_fail fail;

	uint8_t *room = base_buf_reserve(&k->in, 4096);
	if (!room) {
		lost(k, "its messages are too long");
		return false;
	}
	ssize_t r = recv(k->io.fd, room, k->in.cap - k->in.end, 0);
	if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR)) {
		lost(k, r == 0 ? "it closed the connection" : strerror(errno));
		return false;
	}
	if (r < 0)
		return true;
	base_buf_commit(&k->in, (size_t)r);
	for (;;) {
		struct proc_msg m;
		size_t used;
		int rc = proc_msg_next(base_buf_span(&k->in), false, &m, &used, &fail);
		if (rc < 0) {
			lost(k, fail.text);
			return false;
		}
		if (rc == 0)
			return true;
		message(k, &m);
		base_buf_consume(&k->in, used);
	}
}

static void
on_io(struct base_loop_io *io, unsigned events)
{
	struct gate_keeper *k = (struct gate_keeper *)((char *)io - offsetof(struct gate_keeper, io));

	if ((events & (BASE_LOOP_READ | BASE_LOOP_HUP)) && !receive(k))
		return;
	if (events & BASE_LOOP_WRITE)
		gate_keeper_flush(k);
}

void
gate_keeper_flush(struct gate_keeper *k)
{
	if (k->io.fd < 0 || !k->up)
		return;
	while (base_buf_len(&k->out) > 0) {
		struct base_span s = base_buf_span(&k->out);
		ssize_t r = send(k->io.fd, s.p, s.n, MSG_NOSIGNAL);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN) {
			base_loop_io_set(k->loop, &k->io, BASE_LOOP_READ | BASE_LOOP_WRITE);
			return;
		}
		if (r < 0) {
			lost(k, strerror(errno));
			return;
		}
		base_buf_consume(&k->out, (size_t)r);
	}
	base_loop_io_set(k->loop, &k->io, BASE_LOOP_READ);
	if (k->full) {
		k->full = false;
		k->drained(k->ctx);
	}
}

int
gate_keeper_add(struct gate_keeper *k, struct base_span entry, void *owner)
{
	if (!k->up && owner)
		return GH_E_CLOSED;
	if (!k->up) {
		if (base_buf_len(&k->late) + 4 + entry.n > k->late.max) {
			proc_count_add(k->counts, k->row, PROC_COUNT_entries_failed_total, 1);
			return GH_E_CLOSED;
		}
		base_buf_u32(&k->late, (uint32_t)entry.n);
		base_buf_put(&k->late, entry);
		return GH_OK;
	}
	proc_msg_entry(&k->out, k->next_id, entry);
	if (k->out.bad) { /* twice the mark at which reading stops: cannot happen; refuse rather than lose */
		k->out.bad = false;
		return GH_E_LIMIT;
	}
	if (k->next_id - k->ring_first == k->ring_cap) {
		void **more = base_mem_new(k->ring_cap * 2, sizeof(*more));
		for (uint64_t id = k->ring_first; id < k->next_id; id++)
			more[id & (k->ring_cap * 2 - 1)] = k->ring[id & (k->ring_cap - 1)];
		free(k->ring);
		k->ring = more;
		k->ring_cap *= 2;
	}
	assert(k->next_id - k->ring_first < k->ring_cap);
	k->ring[k->next_id & (k->ring_cap - 1)] = owner;
	k->next_id++;
	if (base_buf_len(&k->out) > GATE_KEEPER_OUT)
		k->full = true;
	proc_count_add(k->counts, k->row, PROC_COUNT_entries_total, 1);
	return GH_OK;
}

void
gate_keeper_drain(struct gate_keeper *k, uint64_t max_us)
{
	uint64_t end = base_time_mono_us() + max_us;

	while (k->up && k->ring_first < k->next_id && base_time_mono_us() < end) {
		gate_keeper_flush(k);
		struct pollfd p = {.fd = k->io.fd, .events = (short)(POLLIN | (base_buf_len(&k->out) ? POLLOUT : 0))};
		if (poll(&p, 1, 20) > 0 && (p.revents & (POLLIN | POLLHUP)) && !receive(k))
			return;
	}
}
