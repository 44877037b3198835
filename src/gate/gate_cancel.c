/* gate_cancel: passes on what was asked by the holder of the right key, to exactly that backend. Input: hostile client.
 * A wrong key gets the same silence as a right one (documentation 55.2.8). Sent without TLS, as libpq up to 16 does: it
 * carries the backend's key only.
 */
#include "gate_cancel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_mem.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

#define CANCEL_TIME_US 5000000u

struct cancelling {
	struct gate_worker *worker;
	struct gate_session *session; /* the client who asked and waits for our closing; NULL = nobody */
	struct base_loop_io io;
	struct base_loop_timer timer;
	struct base_buf packet;
	size_t index; /* address tried */
};

static void
finish(struct cancelling *c)
{
	base_loop_timer_cancel(c->worker->loop, &c->timer);
	base_loop_io_remove(c->worker->loop, &c->io);
	(void)close(c->io.fd); /* a socket: nothing to lose */
	base_buf_done(&c->packet);
	struct gate_session *s = c->session;
	free(c);
	if (s) {
		s->cancelling = NULL;
		gate_session_end(s, GATE_END_CANCEL_DONE, NULL, NULL, "cancel request served");
	}
}

void
gate_cancel_forget(struct gate_session *s)
{
	struct cancelling *c = s->cancelling;

	s->cancelling = NULL;
	if (c)
		c->session = NULL;
}

static void
on_time(struct base_loop_timer *t)
{
	finish((struct cancelling *)((char *)t - offsetof(struct cancelling, timer)));
}

static void
on_io(struct base_loop_io *io, unsigned events)
{
	struct cancelling *c = (struct cancelling *)((char *)io - offsetof(struct cancelling, io));
	uint8_t scrap[16];

	if ((events & BASE_LOOP_WRITE) && base_buf_len(&c->packet) > 0) {
		struct base_span s = base_buf_span(&c->packet);
		if (send(io->fd, s.p, s.n, MSG_NOSIGNAL) != (ssize_t)s.n) { /* 16 bytes into an empty socket: all or an error */
			finish(c);
			return;
		}
		base_buf_consume(&c->packet, s.n);
		base_loop_io_set(c->worker->loop, io, BASE_LOOP_READ);
		return;
	}
	ssize_t n = recv(io->fd, scrap, sizeof(scrap), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	finish(c); /* the server has closed: it is done */
}

/* NULL when no address of the server takes a connection. */
static struct cancelling *
start(struct gate_worker *w, const struct gate_world *world, const struct gate_backend_key *key)
{
	for (size_t i = 0; i < world->naddresses; i++) {
		const struct gate_address *a = &world->address[i];
		int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return NULL;
		if (connect(fd, &a->u.any, a->len) < 0 && errno != EINPROGRESS) {
			(void)close(fd); /* a socket: nothing to lose */
			continue;
		}
		struct cancelling *c = base_mem_new(1, sizeof(*c));
		c->worker = w;
		base_buf_init(&c->packet, 1024);
		wire_write_cancel(&c->packet, key->pid, base_span(key->key, key->key_len));
		base_loop_io_init(&c->io, fd, on_io);
		base_loop_timer_init(&c->timer, on_time);
		base_loop_timer_set(w->loop, &c->timer, base_loop_now_us(w->loop) + CANCEL_TIME_US);
		base_loop_io_set(w->loop, &c->io, BASE_LOOP_WRITE);
		gate_worker_count(w, PROC_COUNT_cancels_total, 1);
		return c;
	}
	return NULL;
}

void
gate_cancel_backend(struct gate_worker *w, const struct gate_world *world, const struct gate_backend_key *key)
{
	(void)start(w, world, key); /* nobody waits for it; a server that takes no connection has nothing to cancel */
}

void
gate_cancel_client(struct gate_session *s, struct base_span packet)
{
	struct gate_backend_key key;
	struct wire_cancel c;
	struct base_fail fail;

	gate_session_enter(s, GATE_CANCEL);
	if (wire_read_cancel(packet, &c, &fail) == GH_OK && gate_registry_find(s->worker->shared->registry, c.pid, c.key, &key))
		s->cancelling = start(s->worker, s->world, &key);
	base_secret_wipe(&key, sizeof(key));
	struct cancelling *going = s->cancelling;
	if (going)
		going->session = s; /* libpq waits for our closing: the cancel has been delivered then */
	else
		gate_session_end(s, GATE_END_CANCEL_DONE, NULL, NULL, "cancel request served");
}
