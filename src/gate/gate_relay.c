/* gate_relay: the pump. Input: both peers, hostile; what the bytes mean is gate_request's and gate_answer's.
 * One read per event and direction, a direct write behind it, EPOLLOUT only for what did not fit (PERFORMANCE.md 1).
 */
#include "gate_relay.h"

#include "base_time.h"
#include "gate_answer.h"
#include "gate_keeper.h"
#include "gate_limit.h"
#include "gate_login.h"
#include "gate_record.h"
#include "gate_request.h"
#include "gate_server.h"
#include "gate_strict.h"
#include "gate_track.h"
#include "gate_worker.h"

void
gate_relay_push_server(struct gate_session *s)
{
	struct base_fail fail;

	while (s->up_scan > 0 && s->server.fd >= 0) {
		long n = gate_link_write(&s->server, base_span(base_buf_span(&s->up).p, s->up_scan), &fail);
		if (n < 0) {
			if (s->state == GATE_RELAY && n == GH_E_CLOSED) {
				/* What the server said last (say, that it shuts down) may still be unread: let reading find the end. */
				base_buf_consume(&s->up, base_buf_len(&s->up));
				s->up_scan = 0;
				return;
			}
			gate_session_end(s, GATE_END_SERVER_BROKEN, "08006", NULL, "connection to the database at %s was lost: %s", s->world->where, fail.text);
			return;
		}
		if (n == 0)
			break;
		base_buf_consume(&s->up, (size_t)n);
		s->up_scan -= (size_t)n;
		gate_worker_count(s->worker, PROC_COUNT_server_bytes_total, n);
	}
	if (base_buf_len(&s->up) == 0 && s->up.cap > GATE_READ_FIRST)
		base_buf_trim(&s->up);
}

/* Scans requests and sends them on, as often as one makes room for the other. */
static void
forward(struct gate_session *s)
{
	do {
		gate_request_scan(s);
		if (s->state == GATE_RELAY)
			gate_relay_push_server(s);
	} while (s->state == GATE_RELAY && s->up_stopped && s->up_scan == 0);
}

/* Reads into b; >0 bytes came. grow: the last read filled the room that there was. */
static long
read_whole(struct gate_session *s, struct gate_link *from, struct base_buf *b, bool *grow, struct base_fail *fail)
{
	/* Room grows with what comes: a message announced long is waited for in steps. */
	size_t len = base_buf_len(b), left = b->max - len;
	size_t want = *grow && len < GATE_UP_MAX ? GATE_UP_MAX - len : len < GATE_READ_FIRST ? GATE_READ_FIRST : len;

	if (left == 0 || !base_buf_reserve(b, want < left ? want : left)) {
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for a message");
		return 0;
	}
	size_t size = b->cap - b->end;
	if (size > GATE_UP_MAX)
		size = GATE_UP_MAX; /* a turn's worth */
	long n = gate_link_read(from, b->mem + b->end, size < left ? size : left, fail);
	if (n > 0) {
		*grow = (size_t)n == size;
		base_buf_commit(b, (size_t)n);
		s->active_us = base_loop_now_us(s->worker->loop);
	}
	return n;
}

static void
client_gone(struct gate_session *s, long n, const struct base_fail *fail)
{
	s->client_eof = true;
	gate_session_end(s, s->terminate_seen ? GATE_END_CLIENT_QUIT : n == GH_E_CLOSED ? GATE_END_CLIENT_CLOSED : GATE_END_CLIENT_BROKEN, NULL, NULL, "%s", fail->text);
}

/* An enforced session's client: whole messages are handled by gate_strict. */
static bool
read_client_strict(struct gate_session *s)
{
	struct base_fail fail;
	bool grow = false;

	if (!gate_strict_reads_client(s))
		return false;
	long n = read_whole(s, &s->client, gate_strict_in(s), &grow, &fail);
	if (n < 0)
		client_gone(s, n, &fail);
	if (n <= 0 || s->state != GATE_RELAY)
		return false;
	gate_strict_on_client(s);
	if (s->state == GATE_RELAY)
		gate_relay_push_server(s);
	if (s->state == GATE_RELAY && gate_session_pushable(s))
		gate_session_push(s);
	return s->state == GATE_RELAY && s->client.tls && wire_tls_pending(s->client.tls);
}

static bool
read_client(struct gate_session *s)
{
	struct base_fail fail;

	if (s->strict)
		return read_client_strict(s);
	size_t len = base_buf_len(&s->up);
	if (len >= GATE_UP_MAX - GATE_READ_LEAST)
		return false;
	size_t want = s->up.cap < GATE_READ_FIRST ? GATE_READ_FIRST : s->up.cap - len >= GATE_READ_LEAST ? 1 : GATE_UP_MAX - len;
	uint8_t *room = base_buf_reserve(&s->up, want < GATE_UP_MAX - len ? want : GATE_UP_MAX - len);
	if (!room) {
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the request");
		return false;
	}
	size_t size = s->up.cap - s->up.end;
	if (size > GATE_UP_MAX - len)
		size = GATE_UP_MAX - len;
	long n = gate_link_read(&s->client, room, size, &fail);
	if (n < 0) {
		client_gone(s, n, &fail);
		return false;
	}
	if (n == 0)
		return false;
	base_buf_commit(&s->up, (size_t)n);
	s->active_us = base_loop_now_us(s->worker->loop);
	forward(s);
	return s->state == GATE_RELAY && s->client.tls && wire_tls_pending(s->client.tls);
}

/* All that the server sent has been passed on. */
static void
server_gone(struct gate_session *s)
{
	if (s->terminate_seen)
		gate_session_end(s, GATE_END_CLIENT_QUIT, NULL, NULL, "the client ended the session");
	else if (s->server_fatal) /* it has said why */
		gate_session_end(s, GATE_END_SERVER_CLOSED, NULL, NULL, "the server ended the session");
	else
		gate_session_end(s, GATE_END_SERVER_CLOSED, "08006", "connect again in a moment", "the database at %s closed the connection unexpectedly", s->world->where);
}

/* After either direction moved: requests that waited for room in the queue, then what the loop shall watch. */
static void
settle(struct gate_session *s)
{
	if (s->state == GATE_RELAY && !s->client_eof && s->client.tls && wire_tls_pending(s->client.tls))
		(void)read_client(s); /* decrypted bytes raise no event; more than one buffer full comes after the next push */
	if (s->state == GATE_RELAY && s->strict) {
		gate_strict_on_client(s); /* what waited for the server's word */
		if (s->state == GATE_RELAY)
			gate_relay_push_server(s);
		if (s->state == GATE_RELAY && gate_session_pushable(s))
			gate_session_push(s);
	} else if (s->state == GATE_RELAY && base_buf_len(&s->up) > s->up_scan) {
		forward(s);
	}
	/* What is left then is at most the beginning of a message that never came whole. */
	if (s->state == GATE_RELAY && s->server_eof && gate_session_release(s) == s->down_base && s->nholds == 0)
		server_gone(s);
	gate_session_events(s);
}

static void
server_lost(struct gate_session *s, long n, const struct base_fail *fail)
{
	s->server_eof = true;
	gate_link_close(s->worker->loop, &s->server);
	if (n != GH_E_CLOSED && !s->terminate_seen)
		gate_session_end(s, GATE_END_SERVER_BROKEN, "08006", NULL, "connection to the database at %s was lost: %s", s->world->where, fail->text);
}

static bool
read_server_strict(struct gate_session *s)
{
	struct base_fail fail;

	if (!gate_strict_reads_server(s) || gate_keeper_full(s->worker->keeper))
		return false;
	long n = read_whole(s, &s->server, gate_strict_back(s), &s->down_grow, &fail);
	if (n < 0)
		server_lost(s, n, &fail);
	if (n <= 0 || s->state != GATE_RELAY)
		return false;
	gate_strict_on_server(s);
	if (s->state == GATE_RELAY)
		gate_relay_push_server(s);
	if (s->state == GATE_RELAY && gate_session_pushable(s))
		gate_session_push(s);
	return s->state == GATE_RELAY && s->server.tls && wire_tls_pending(s->server.tls);
}

static bool
read_server(struct gate_session *s)
{
	struct base_fail fail;

	if (s->strict)
		return read_server_strict(s);
	size_t len = base_buf_len(&s->down), max = s->down.max;

	if (len >= max || gate_keeper_full(s->worker->keeper))
		return false;
	/* Start small; a buffer that was filled grows to the whole window at once. */
	size_t want = s->down_grow ? max - len : s->down.cap < GATE_READ_FIRST ? GATE_READ_FIRST : s->down.cap - len >= GATE_READ_LEAST ? 1 : max - len;
	uint8_t *room = base_buf_reserve(&s->down, want < max - len ? want : max - len);
	if (!room) {
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the answer");
		return false;
	}
	size_t size = s->down.cap - s->down.end;
	if (size > max - len)
		size = max - len;
	long n = gate_link_read(&s->server, room, size, &fail);
	if (n < 0) {
		server_lost(s, n, &fail);
		return false;
	}
	if (n == 0)
		return false;
	s->down_grow = (size_t)n == size;
	base_buf_commit(&s->down, (size_t)n);
	s->active_us = base_loop_now_us(s->worker->loop);
	gate_answer_scan(s);
	if (s->state == GATE_RELAY && gate_session_pushable(s))
		gate_session_push(s);
	return s->state == GATE_RELAY && s->server.tls && wire_tls_pending(s->server.tls);
}

void
gate_relay_on_client(struct base_loop_io *io, unsigned events)
{
	struct gate_session *s = (struct gate_session *)((char *)io - offsetof(struct gate_session, client.io));

	if (events & BASE_LOOP_WRITE && s->state != GATE_TLS)
		gate_session_push(s);
	switch (s->state) {
	case GATE_RELAY:
		if (events & (BASE_LOOP_READ | BASE_LOOP_HUP))
			while (read_client(s))
				continue;
		settle(s);
		return;
	case GATE_TLS:
		gate_login_handshake(s);
		break;
	case GATE_FIRST:
	case GATE_SASL_FIRST:
	case GATE_SASL_FINAL:
		gate_login_readable(s);
		break;
	case GATE_DRAIN:
	case GATE_VERIFIER:
	case GATE_SERVER:
	case GATE_CANCEL:
		if (events & BASE_LOOP_HUP)
			gate_session_end(s, GATE_END_CLIENT_CLOSED, NULL, NULL, "connection closed by peer");
		break;
	case GATE_DEAD:
	case GATE_STATE_COUNT:
	default:
		return;
	}
	gate_session_events(s);
}

void
gate_relay_on_server(struct base_loop_io *io, unsigned events)
{
	struct gate_session *s = (struct gate_session *)((char *)io - offsetof(struct gate_session, server.io));

	if (s->state == GATE_SERVER) {
		gate_server_ready(s, events);
		if (s->state == GATE_RELAY)
			settle(s);
		else
			gate_session_events(s);
		return;
	}
	if (s->state != GATE_RELAY)
		return;
	if (events & (BASE_LOOP_READ | BASE_LOOP_HUP))
		while (read_server(s))
			continue;
	if (s->state == GATE_RELAY && (events & BASE_LOOP_WRITE))
		gate_relay_push_server(s);
	settle(s);
}

void
gate_relay_begin(struct gate_session *s)
{
	s->authenticated = true;
	atomic_fetch_sub(&s->worker->shared->strangers, 1);
	gate_worker_count(s->worker, PROC_COUNT_unauthenticated, -1);
	gate_worker_count(s->worker, PROC_COUNT_sessions, 1);
	gate_worker_count(s->worker, PROC_COUNT_logins_total, 1);
	base_buf_clear(&s->up);
	base_buf_trim(&s->up);
	s->up_scan = 0;
	base_buf_put(s->strict ? gate_strict_back(s) : &s->down, base_buf_span(&s->sin)); /* what the server sent ahead; scanned below */
	base_buf_done(&s->sin);
	base_buf_done(&s->params);
	gate_track_init(&s->track, s->track.status);
	gate_session_enter(s, GATE_RELAY);
	uint64_t now = base_loop_now_us(s->worker->loop);
	s->active_us = now;
	base_loop_timer_set(s->worker->loop, &s->timer, now + 1); /* works out the first deadline */
	gate_record_open(s);
	if (s->state == GATE_RELAY && s->strict)
		gate_strict_begin(s);
	if (s->state == GATE_RELAY && s->strict)
		gate_strict_on_server(s);
	else if (s->state == GATE_RELAY)
		gate_answer_scan(s);
	if (s->state == GATE_RELAY)
		gate_session_push(s);
}

void
gate_relay_released(struct gate_session *s)
{
	if (s->strict)
		gate_strict_released(s);
	gate_session_push(s);
	if (s->state == GATE_RELAY && !s->server_eof && s->server.tls && wire_tls_pending(s->server.tls))
		(void)read_server(s); /* decrypted bytes raise no event */
	settle(s);
}

void
gate_relay_looked(struct gate_session *s)
{
	gate_strict_on_server(s); /* what had come and waited */
	if (s->state == GATE_RELAY)
		gate_relay_push_server(s);
	if (s->state == GATE_RELAY && gate_session_pushable(s))
		gate_session_push(s);
	if (s->state == GATE_RELAY && !s->server_eof && s->server.tls && wire_tls_pending(s->server.tls))
		(void)read_server(s); /* decrypted bytes raise no event */
	settle(s);
}

void
gate_relay_drained(struct gate_session *s)
{
	if (s->state == GATE_RELAY)
		settle(s);
}
