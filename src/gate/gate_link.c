/* gate_link: one non-blocking byte connection, plain or TLS. Input: bytes of a hostile peer, not looked at here.
 * Never interprets, never buffers.
 */
#include "gate_link.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
gate_link_init(struct gate_link *l, int fd, void (*fn)(struct base_loop_io *, unsigned))
{
	*l = (struct gate_link){.fd = fd};
	base_loop_io_init(&l->io, fd, fn);
}

void
gate_link_close(struct base_loop *loop, struct gate_link *l)
{
	if (l->fd < 0)
		return;
	base_loop_io_remove(loop, &l->io);
	wire_tls_free(&l->tls);
	(void)close(l->fd); /* nothing can be done about a failing close of a socket */
	l->fd = -1;
}

static void
tls_want(struct gate_link *l, enum wire_tls_want want)
{
	l->tls_extra = (want == WIRE_TLS_READ ? (unsigned)BASE_LOOP_READ : 0) | (want == WIRE_TLS_WRITE ? (unsigned)BASE_LOOP_WRITE : 0);
}

long
gate_link_read(struct gate_link *l, uint8_t *dst, size_t n, struct base_fail *fail)
{
	if (l->tls) {
		enum wire_tls_want want = WIRE_TLS_READ;
		long r = wire_tls_read(l->tls, dst, n, &want, fail);
		l->tls_extra = 0;
		if (r == 0 && want == WIRE_TLS_WRITE)
			tls_want(l, want);
		return r;
	}
	ssize_t r = recv(l->fd, dst, n, 0);
	if (r > 0)
		return r;
	if (r == 0)
		return base_fail_set(fail, GH_E_CLOSED, "connection closed by peer");
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno == ECONNRESET || errno == EPIPE)
		return base_fail_set(fail, GH_E_CLOSED, "connection reset by peer");
	return base_fail_errno(fail, errno, "could not receive");
}

long
gate_link_write(struct gate_link *l, struct base_span s, struct base_fail *fail)
{
	if (l->tls) {
		enum wire_tls_want want = WIRE_TLS_WRITE;
		long r = wire_tls_write(l->tls, s, &want, fail);
		l->tls_extra = 0;
		if (r == 0 && want == WIRE_TLS_READ)
			tls_want(l, want);
		return r;
	}
	ssize_t r = send(l->fd, s.p, s.n, MSG_NOSIGNAL);
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno == ECONNRESET || errno == EPIPE)
		return base_fail_set(fail, GH_E_CLOSED, "connection reset by peer");
	return base_fail_errno(fail, errno, "could not send");
}

void
gate_link_want(struct base_loop *loop, struct gate_link *l, unsigned events)
{
	if (l->fd < 0)
		return;
	if (events | l->tls_extra)
		base_loop_io_set(loop, &l->io, events | l->tls_extra);
	else
		base_loop_io_remove(loop, &l->io); /* registered in silence, a hang-up would be reported over and over */
}

int
gate_link_handshake(struct base_loop *loop, struct gate_link *l, struct base_fail *fail)
{
	enum wire_tls_want want = WIRE_TLS_READ;
	int r = wire_tls_handshake(l->tls, &want, fail);
	if (r == 0)
		base_loop_io_set(loop, &l->io, want == WIRE_TLS_READ ? BASE_LOOP_READ : BASE_LOOP_WRITE);
	return r;
}
