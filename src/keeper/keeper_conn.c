/* keeper_conn: connections from gates.
 * Input: frames of a process of our own user that handles hostile bytes: hostile. A connection that breaks the protocol is closed,
 * and nothing else happens to anybody. Never blocks, never waits for the disk, never answers before keeper_run says so.
 *
 * A connection is in one of these states (state is written by set_state only):
 *   OPEN     read from; entries go into the filling batch
 *   FULL     the batch is full: not read until it has been swapped                     [take -> FULL, keeper_conn_resume -> OPEN]
 *   REFUSED  sent an entry that may not be recorded: not read until its earlier entries are settled, because answers
 *            are in order; then FAILED is sent for it                                  [take -> REFUSED, keeper_conn_settle -> OPEN]
 *   RECALL   its first message was a recall: not read from any more; the answer goes out as fast as it is taken     [take -> RECALL]
 *   LAST     all of the answer is in the output: closed when that is sent              [answer_recall -> LAST]
 *   closing a connection frees it; its entries in a batch are recorded all the same, nobody is told
 */
#include "keeper_int.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "keeper_check.h"
#include "keeper_recall.h"
#include "ledger_tile.h"

enum state { OPEN, FULL, REFUSED, RECALL, LAST };

struct keeper_conn {
	struct base_loop_io io; /* owns io.fd */
	struct keeper *k; /* borrow */
	struct keeper_conn *prev, *next; /* in k->conns */
	enum state state;
	struct base_buf in, out;
	uint64_t next_id;   /* of the entry that must come next */
	size_t slot[2];     /* 1 + index of our member in k->batch[i]; 0 = nothing of ours in it */
	const char *refused; /* what was wrong with entry next_id - 1, in state REFUSED (static) */
	struct keeper_recall *recall; /* own; in state RECALL and LAST */
	struct base_loop_timer stall; /* armed in the same states */
};

static void
watch(struct keeper_conn *c)
{
	unsigned want = c->state == OPEN && !c->k->stopping ? BASE_LOOP_READ : 0;

	if (base_buf_len(&c->out) > 0 || c->state == RECALL)
		want |= BASE_LOOP_WRITE;
	base_loop_io_set(c->k->loop, &c->io, want);
}

static void
set_state(struct keeper_conn *c, enum state state)
{
	c->state = state;
	watch(c);
}

static void
drop(struct keeper_conn *c, const char *why)
{
	struct keeper *k = c->k;

	if (why != NULL)
		base_log_warn("gate's connection closed: %s", why);
	for (unsigned i = 0; i < 2; i++)
		if (c->slot[i] != 0)
			k->batch[i].member[c->slot[i] - 1].conn = NULL;
	base_loop_io_remove(k->loop, &c->io);
	(void)close(c->io.fd); /* nothing of worth is in it */
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		k->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	k->nconns--;
	if (c->recall != NULL) {
		k->nrecalls--;
		keeper_recall_free(&c->recall);
	}
	base_loop_timer_cancel(k->loop, &c->stall);
	base_buf_done(&c->in);
	base_buf_done(&c->out);
	free(c);
}

/* Sends what there is. False: the connection was dropped. */
static bool
send_out(struct keeper_conn *c)
{
	if (c->out.bad) {
		drop(c, "it does not read its receipts");
		return false;
	}
	while (base_buf_len(&c->out) > 0) {
		struct base_span s = base_buf_span(&c->out);
		ssize_t n = send(c->io.fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			drop(c, NULL); /* gone: the reading side would say the same */
			return false;
		}
		base_buf_consume(&c->out, (size_t)n);
		if (c->recall != NULL)
			base_loop_timer_set(c->k->loop, &c->stall, base_time_mono_us() + KEEPER_RECALL_STALL_US);
	}
	if (c->state == LAST && base_buf_len(&c->out) == 0) {
		drop(c, NULL); /* all was said */
		return false;
	}
	watch(c);
	return true;
}

/* ---- recalls ---- */

static void
on_stall(struct base_loop_timer *t)
{
	drop((struct keeper_conn *)(void *)((char *)t - offsetof(struct keeper_conn, stall)), "it does not read what it wanted recalled");
}

/* False: dropped. */
static bool
begin_recall(struct keeper_conn *c, uint64_t since_us)
{
	struct keeper *k = c->k;
	struct base_fail fail = {.text = ""};

	if (k->nrecalls >= KEEPER_RECALLS_MAX) {
		drop(c, "too many recalls at once");
		return false;
	}
	if (keeper_recall_new(&k->standing, k->ctx->conf->ledger, since_us, ledger_log_size(k->log), &c->recall, &fail) < 0) {
		drop(c, fail.text);
		return false;
	}
	k->nrecalls++;
	if (c->out.max < KEEPER_RECALL_PIECE)
		c->out.max = KEEPER_RECALL_PIECE;
	base_loop_timer_set(k->loop, &c->stall, base_time_mono_us() + KEEPER_RECALL_STALL_US);
	set_state(c, RECALL);
	return true;
}

/* One piece of the answer. False: dropped, or done. */
static bool
answer_recall(struct keeper_conn *c)
{
	struct base_fail fail = {.text = ""};
	int r = keeper_recall_fill(c->recall, ledger_log_size(c->k->log), &c->out, &fail);

	if (r < 0) {
		drop(c, fail.text);
		return false;
	}
	if (r == 1)
		set_state(c, LAST);
	return send_out(c);
}

/* Tells a new connection what stands: while it was not there, or the keeper was not, something may have changed. False: no memory. */
static bool
tell_standing(struct keeper_conn *c)
{
	const struct keeper_standing *s = &c->k->standing;

	c->out.max += s->bytes + 16 * s->count;
	for (size_t i = 0; i < s->count; i++)
		if (s->item[i].admin.kind != KEEPER_ADMIN_STEP)
			proc_msg_notice(&c->out, s->item[i].text);
	return !c->out.bad;
}

/* Hands the administrative entries of a batch, which is durable, to every connection. */
static void
notice(struct keeper *k, const struct keeper_batch *b)
{
	struct base_cursor in = base_cursor(base_buf_span(&b->packed));
	struct base_span entry;
	struct keeper_admin a;

	while (ledger_bundle_next(&in, &entry) == 1) {
		if (keeper_admin_read(entry, &a) != 1 || a.kind == KEEPER_ADMIN_STEP)
			continue;
		for (struct keeper_conn *c = k->conns; c != NULL; c = c->next)
			if (c->recall == NULL)
				proc_msg_notice(&c->out, entry);
	}
}

static void
send_all(struct keeper *k)
{
	struct keeper_conn *next;

	for (struct keeper_conn *c = k->conns; c != NULL; c = next) {
		next = c->next;
		if (base_buf_len(&c->out) > 0 || c->out.bad)
			(void)send_out(c); /* when it fails the connection is gone, which is all */
	}
}

/* ---- entries into the batch ---- */

/* Makes room for one more member and one more entry. False: the batch is full (or memory is). */
static bool
batch_room(struct keeper *k, struct keeper_batch *b, size_t entry)
{
	if (b->count > 0 && ledger_log_cost(entry) > KEEPER_BATCH_MAX - b->cost)
		return false;
	if (b->nmember == b->cap) {
		size_t cap = b->cap == 0 ? 16 : b->cap * 2;
		struct keeper_member *grown = base_mem_grow(b->member, cap, sizeof *grown);

		if (grown == NULL)
			return false;
		b->member = grown;
		b->cap = cap;
	}
	(void)k;
	return true;
}

/* Queues one entry; false: no room now, nothing was taken. */
static bool
queue(struct keeper_conn *c, const struct proc_msg *m)
{
	struct keeper *k = c->k;
	struct keeper_batch *b = &k->batch[k->filling];
	struct keeper_admin a;

	if (!batch_room(k, b, m->body.n))
		return false;
	if (base_buf_reserve(&b->packed, 2 + m->body.n) == NULL) {
		b->packed.bad = false; /* out of memory: nothing was added, it is tried again after the swap */
		return false;
	}
	ledger_bundle_put(&b->packed, m->body);
	b->count++;
	b->admin += keeper_admin_read(m->body, &a) == 1;
	b->cost += ledger_log_cost(m->body.n);
	if (c->slot[k->filling] == 0) {
		b->member[b->nmember++] = (struct keeper_member){c, m->id};
		c->slot[k->filling] = b->nmember;
	} else {
		b->member[c->slot[k->filling] - 1].upto = m->id;
	}
	return true;
}

/* Answers a refused entry once nothing of ours is open. False: dropped. */
static bool
answer_refused(struct keeper_conn *c)
{
	if (c->slot[0] != 0 || c->slot[1] != 0)
		return true;
	base_log_error("a gate sent an entry that cannot be recorded: %s", c->refused);
	proc_msg_failed(&c->out, c->next_id - 1, PROC_MSG_MALFORMED, c->refused);
	set_state(c, OPEN);
	return send_out(c);
}

/* Takes whole messages out of the input buffer as long as the state allows. False: dropped. */
static bool
take(struct keeper_conn *c)
{
	while (c->state == OPEN) {
		struct base_fail fail = {.text = ""};
		struct proc_msg m;
		size_t used;
		int r = proc_msg_next(base_buf_span(&c->in), true, &m, &used, &fail);

		if (r == 0)
			break;
		if (r == 1 && m.type == PROC_MSG_RECALL && c->next_id == 1) {
			base_buf_consume(&c->in, used);
			return begin_recall(c, m.id);
		}
		if (r < 0 || m.type != PROC_MSG_ENTRY || m.id != c->next_id) {
			drop(c, r < 0 ? fail.text : m.type != PROC_MSG_ENTRY ? "a recall after an entry" : "entry out of sequence");
			return false;
		}
		c->refused = keeper_check_entry(m.body);
		if (c->refused == NULL && !queue(c, &m)) {
			set_state(c, FULL);
			break;
		}
		base_buf_consume(&c->in, used);
		c->next_id++;
		if (c->refused != NULL) {
			set_state(c, REFUSED);
			if (!answer_refused(c))
				return false;
		}
	}
	return true;
}

/* ---- events ---- */

/* Reads until nothing is left or the state forbids. False: dropped. */
static bool
read_in(struct keeper_conn *c)
{
	while (c->state == OPEN) {
		size_t room = KEEPER_INPUT_MAX - base_buf_len(&c->in);
		uint8_t *p = base_buf_reserve(&c->in, room);
		ssize_t n;

		if (p == NULL) {
			drop(c, "out of memory");
			return false;
		}
		n = recv(c->io.fd, p, room, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0) {
			drop(c, NULL); /* the gate ended it, or it is broken: the same to us */
			return false;
		}
		base_buf_commit(&c->in, (size_t)n);
		if (!take(c))
			return false;
		if ((size_t)n < room)
			return true; /* most likely all there is; the loop says if not */
	}
	return true;
}

static void
on_event(struct base_loop_io *io, unsigned events)
{
	struct keeper_conn *c = (struct keeper_conn *)(void *)((char *)io - offsetof(struct keeper_conn, io));

	if ((events & BASE_LOOP_WRITE) != 0 && !(c->state == RECALL ? answer_recall(c) : send_out(c)))
		return;
	if ((events & BASE_LOOP_READ) != 0 && c->state == OPEN) {
		if (!read_in(c))
			return;
	} else if ((events & BASE_LOOP_HUP) != 0) {
		drop(c, NULL); /* it will never read an answer */
	}
}

static bool
peer_is_us(int fd)
{
	struct ucred cred = {.pid = 0};
	socklen_t n = sizeof cred;

	/* Root could write the ledger's files anyway: an operator's command may come from it. */
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && n == sizeof cred && (cred.uid == geteuid() || cred.uid == 0);
}

static void
on_accept(struct base_loop_io *io, unsigned events)
{
	struct keeper *k = (struct keeper *)(void *)((char *)io - offsetof(struct keeper, listener));
	struct keeper_conn *c;
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return; /* the peer is gone again, or no descriptors: the loop asks again */
	if (!peer_is_us(fd) || k->nconns >= KEEPER_CONNECTIONS_MAX) {
		base_log_warn("connection to the keeper refused: %s", k->nconns >= KEEPER_CONNECTIONS_MAX ? "too many" : "not our own user");
		(void)close(fd); /* nothing was written */
		return;
	}
	c = base_mem_new(1, sizeof *c);
	c->k = k;
	c->next_id = 1;
	base_buf_init(&c->in, KEEPER_INPUT_MAX);
	base_buf_init(&c->out, KEEPER_OUTPUT_MAX);
	base_loop_io_init(&c->io, fd, on_event);
	base_loop_timer_init(&c->stall, on_stall);
	c->next = k->conns;
	if (c->next != NULL)
		c->next->prev = c;
	k->conns = c;
	k->nconns++;
	proc_msg_hello(&c->out, ledger_log_size(k->log));
	if (!tell_standing(c)) {
		drop(c, "out of memory");
		return;
	}
	(void)send_out(c); /* when it fails the connection is gone, which is all */
}

int
keeper_conn_listen(struct keeper *k, struct base_fail *fail)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct base_buf path;
	mode_t mask;
	int fd, r = 0;

	base_buf_init(&path, sizeof a.sun_path);
	base_buf_fmt(&path, "%s/keeper.sock", k->ctx->conf->run_dir);
	base_buf_u8(&path, 0);
	if (path.bad)
		r = base_fail_set(fail, GH_E_LIMIT, "%s/keeper.sock is too long for a socket's name; set run_dir", k->ctx->conf->run_dir);
	else
		memcpy(a.sun_path, base_buf_span(&path).p, base_buf_len(&path));
	base_buf_done(&path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return base_fail_errno(fail, errno, "cannot make a socket");
	/* The lock of the ledger is ours: whoever made this name before is dead. */
	if (unlink(a.sun_path) < 0 && errno != ENOENT)
		r = base_fail_errno(fail, errno, "cannot remove %s", a.sun_path);
	mask = umask(0177); /* mode 0600 from the first moment; no thread has been started yet */
	if (r == 0 && bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
		r = base_fail_errno(fail, errno, "cannot make %s", a.sun_path);
	(void)umask(mask); /* cannot fail */
	if (r == 0 && listen(fd, 128) < 0)
		r = base_fail_errno(fail, errno, "cannot listen on %s", a.sun_path);
	if (r < 0) {
		(void)close(fd); /* unused */
		return r;
	}
	base_loop_io_init(&k->listener, fd, on_accept);
	return 0;
}

void
keeper_conn_unlisten(struct keeper *k)
{
	if (k->listener.fd < 0)
		return;
	base_loop_io_remove(k->loop, &k->listener);
	(void)close(k->listener.fd); /* only listened */
	k->listener.fd = -1;
}

/* ---- what became of a batch ---- */

static enum proc_msg_failure
failure_code(int result)
{
	return result == GH_E_FULL ? PROC_MSG_DISK_FULL : PROC_MSG_WRITE_ERROR;
}

void
keeper_conn_settle(struct keeper *k, struct keeper_batch *b)
{
	unsigned which = b == &k->batch[1];

	for (size_t i = 0; i < b->nmember; i++) {
		struct keeper_conn *c = b->member[i].conn;

		if (c == NULL)
			continue;
		c->slot[which] = 0;
		b->member[i].conn = NULL;
		if (b->result == 0)
			proc_msg_receipt(&c->out, b->member[i].upto);
		else
			proc_msg_failed(&c->out, b->member[i].upto, failure_code(b->result), b->fail.text);
		if (!send_out(c))
			continue;
		if (c->state == REFUSED && !answer_refused(c))
			continue;
		if (c->state == OPEN && !k->stopping)
			(void)take(c); /* what had to wait behind a refused entry; when it fails the connection is gone */
	}
	if (b->result == 0 && b->admin > 0) {
		notice(k, b); /* after the receipts: who asked for it hears that first */
		send_all(k);
	}
	base_buf_clear(&b->packed);
	b->count = b->cost = b->nmember = b->admin = 0;
}

void
keeper_conn_resume(struct keeper *k)
{
	struct keeper_conn *next;

	for (struct keeper_conn *c = k->conns; c != NULL; c = next) {
		next = c->next;
		if (c->state != FULL)
			continue;
		set_state(c, OPEN);
		(void)take(c); /* when it fails the connection is gone */
	}
}

void
keeper_conn_drain(struct keeper *k)
{
	struct keeper_conn *next;

	for (struct keeper_conn *c = k->conns; c != NULL; c = next) {
		next = c->next;
		if (c->state == OPEN && read_in(c))
			watch(c);
	}
}

void
keeper_conn_close_all(struct keeper *k)
{
	while (k->conns != NULL)
		drop(k->conns, NULL);
}
