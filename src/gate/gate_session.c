/* gate_session: birth, states, deadlines and end of a session. Input: none directly. See the header for the state table. */
#include "gate_session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "gate_cancel.h"
#include "gate_keeper.h"
#include "gate_limit.h"
#include "gate_login.h"
#include "gate_record.h"
#include "gate_relay.h"
#include "gate_strict.h"
#include "gate_track.h"
#include "gate_worker.h"
#include "wire_write.h"

#define DRAIN_TIME_US 15000000u /* for a client that reads slowly to take the last answer and the error */

static const struct { const char *words; bool protocol; } endings[] = {
#define GATE_END(name, words, protocol) {words, protocol},
#include "gate_end.def"
#undef GATE_END
};

const char *
gate_end_words(enum gate_end e)
{
	return endings[e].words;
}

/* Which states may follow which: rows from, columns to. */
static const bool follows[GATE_STATE_COUNT][GATE_STATE_COUNT] = {
	[GATE_FIRST] = {[GATE_TLS] = true, [GATE_VERIFIER] = true, [GATE_CANCEL] = true, [GATE_DRAIN] = true},
	[GATE_TLS] = {[GATE_FIRST] = true, [GATE_DRAIN] = true},
	[GATE_VERIFIER] = {[GATE_SASL_FIRST] = true, [GATE_SERVER] = true, [GATE_DRAIN] = true},
	[GATE_SASL_FIRST] = {[GATE_SASL_FINAL] = true, [GATE_DRAIN] = true},
	[GATE_SASL_FINAL] = {[GATE_SERVER] = true, [GATE_DRAIN] = true},
	[GATE_SERVER] = {[GATE_RELAY] = true, [GATE_DRAIN] = true},
	[GATE_RELAY] = {[GATE_DRAIN] = true},
	[GATE_CANCEL] = {[GATE_DRAIN] = true},
	[GATE_DRAIN] = {[GATE_DEAD] = true},
};

void
gate_session_enter(struct gate_session *s, enum gate_state state)
{
	assert(follows[s->state][state]);
	s->state = state;
}

static void on_timer(struct base_loop_timer *t);

struct gate_session *
gate_session_new(struct gate_worker *w, int fd, const char *address, size_t address_host, bool local)
{
	struct gate_session *s = base_mem_new(1, sizeof(*s));
	uint8_t id[8];
	struct base_buf hex;

	s->worker = w;
	s->world = w->world;
	gate_world_ref(s->world);
	gate_link_init(&s->client, fd, gate_relay_on_client);
	s->server.fd = -1;
	(void)snprintf(s->address, sizeof(s->address), "%s", address);
	s->address_host = address_host;
	s->local = local;
	base_buf_init(&s->up, GATE_UP_MAX + GATE_UP_OWN);
	base_buf_init(&s->down, (size_t)s->world->conf->hold_size);
	base_buf_init(&s->sin, GATE_LOGIN_MAX);
	base_buf_init(&s->params, 16384);
	s->open_at = UINT64_MAX;
	base_crypt_random(id, sizeof(id));
	base_buf_init(&hex, 16);
	base_text_hex(&hex, base_span(id, sizeof(id)));
	memcpy(s->id, base_buf_span(&hex).p, 16);
	base_buf_done(&hex);

	base_loop_timer_init(&s->timer, on_timer);
	s->active_us = base_loop_now_us(w->loop);
	base_loop_timer_set(w->loop, &s->timer, s->active_us + s->world->conf->login_timeout);
	s->next = w->sessions;
	if (s->next)
		s->next->prev = s;
	w->sessions = s;
	w->nsessions++;
	atomic_fetch_add(&w->shared->strangers, 1);
	gate_worker_count(w, PROC_COUNT_connections_total, 1);
	gate_worker_count(w, PROC_COUNT_unauthenticated, 1);
	base_loop_io_set(w->loop, &s->client.io, BASE_LOOP_READ);
	return s;
}

bool
gate_session_reapable(const struct gate_session *s)
{
	return s->state == GATE_DEAD && s->outstanding == 0;
}

void
gate_session_free(struct gate_session **sp)
{
	struct gate_session *s = *sp;
	struct gate_worker *w = s->worker;

	*sp = NULL;
	assert(gate_session_reapable(s));
	if (s->prev)
		s->prev->next = s->next;
	else
		w->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	w->nsessions--;
	gate_strict_free(s);
	gate_track_done(&s->track);
	gate_text_unref(&s->big.text);
	base_sha256_free(&s->big.sha);
	base_buf_done(&s->up);
	base_buf_done(&s->down);
	base_buf_done(&s->sin);
	base_buf_done(&s->params);
	free(s->holds);
	free(s->user);
	free(s->database);
	free(s->application);
	wire_scram_server_free(&s->scram);
	wire_scram_client_free(&s->scram_up);
	base_secret_wipe(s->client_key, sizeof(s->client_key));
	base_secret_wipe(&s->verifier, sizeof(s->verifier));
	gate_world_unref(&s->world);
	free(s);
}

static void
die(struct gate_session *s)
{
	gate_link_close(s->worker->loop, &s->client);
	gate_link_close(s->worker->loop, &s->server);
	base_loop_timer_cancel(s->worker->loop, &s->timer);
	gate_session_enter(s, GATE_DEAD);
	s->worker->reap = true;
}

uint64_t
gate_session_release(const struct gate_session *s)
{
	uint64_t r = s->scan;

	if (s->open_at < r)
		r = s->open_at;
	if (s->nholds > 0 && s->holds[0] < r)
		r = s->holds[0];
	return r;
}

bool
gate_session_pushable(const struct gate_session *s)
{
	uint64_t n = gate_session_release(s) - s->down_base;

	if (s->strict && s->state == GATE_RELAY && gate_strict_waits(s))
		return false;
	return n > (s->nholds > 0 ? GATE_READ_LEAST : 0);
}

void
gate_session_say(struct gate_session *s)
{
	s->scan = s->down_base + base_buf_len(&s->down);
}

void
gate_session_push(struct gate_session *s)
{
	struct base_fail fail;

	if (s->client.fd < 0)
		return;
	uint64_t n = gate_session_release(s) - s->down_base;
	while (n > 0) {
		long w = gate_link_write(&s->client, base_span(base_buf_span(&s->down).p, (size_t)n), &fail);
		if (w < 0) {
			base_buf_clear(&s->down);
			s->down_base = s->scan = 0;
			s->open_at = UINT64_MAX;
			s->nholds = 0;
			if (s->state < GATE_DRAIN)
				gate_session_end(s, w == GH_E_CLOSED ? GATE_END_CLIENT_CLOSED : GATE_END_CLIENT_BROKEN, NULL, NULL, "%s", fail.text);
			if (s->state == GATE_DRAIN)
				die(s);
			return;
		}
		if (w == 0)
			break;
		base_buf_consume(&s->down, (size_t)w);
		s->down_base += (uint64_t)w;
		gate_worker_count(s->worker, PROC_COUNT_client_bytes_total, w);
		n -= (uint64_t)w;
		if (s->client.tls == NULL && n > 0)
			break; /* the socket is full */
	}
	if (base_buf_len(&s->down) == 0 && s->down.cap > GATE_READ_FIRST && !s->down_grow)
		base_buf_trim(&s->down);
	if (s->state == GATE_DRAIN && base_buf_len(&s->down) == 0)
		die(s);
}

/* Is the released end of the stream inside a message? Then nothing can be said any more. */
static bool
torn(const struct gate_session *s)
{
	uint64_t r = gate_session_release(s);

	return (r > s->giant_from && r < s->giant_to) || (r == s->scan && s->down_left > 0);
}

static void
count_end(struct gate_session *s)
{
	struct gate_shared *shared = s->worker->shared;

	if (s->reserved)
		atomic_fetch_sub(&shared->sessions, 1);
	if (s->authenticated) {
		gate_worker_count(s->worker, PROC_COUNT_sessions, -1);
		gate_record_close(s);
	} else {
		atomic_fetch_sub(&shared->strangers, 1);
		gate_worker_count(s->worker, PROC_COUNT_unauthenticated, -1);
	}
	if (endings[s->end].protocol)
		gate_worker_count(s->worker, PROC_COUNT_protocol_errors_total, 1);
	if (s->cancel_pid != 0)
		gate_registry_remove(shared->registry, s->cancel_pid);
}

void
gate_session_end(struct gate_session *s, enum gate_end why, const char *sqlstate, const char *hint, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->state >= GATE_DRAIN)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->end = why;
	if (sqlstate)
		(void)snprintf(s->sqlstate, sizeof(s->sqlstate), "%s", sqlstate);
	if (why != GATE_END_CLIENT_QUIT && why != GATE_END_CLIENT_CLOSED && why != GATE_END_CANCEL_DONE && why != GATE_END_SHUTDOWN)
		base_log_info("session %s from %s ended: %s: %s", s->id, s->address, gate_end_words(why), text);
	/* Held bytes are not recorded: they must never leave. */
	bool speak = sqlstate != NULL && !torn(s);
	uint64_t keep = gate_session_release(s) - s->down_base;
	s->down.end = s->down.start + (size_t)keep;
	s->nholds = 0;
	s->open_at = UINT64_MAX;
	s->down_left = 0;
	if (speak) {
		s->down.max += 4096;
		wire_write_error(&s->down, "FATAL", sqlstate, text, hint);
	}
	gate_session_say(s);
	gate_session_enter(s, GATE_DRAIN);
	if (s->strict)
		gate_strict_ending(s);
	count_end(s);
	gate_cancel_forget(s);
	if (s->ask) { /* its answer will find nobody */
		s->ask->session = NULL;
		s->ask = NULL;
	}
	gate_link_close(s->worker->loop, &s->server);
	base_loop_timer_set(s->worker->loop, &s->timer, base_loop_now_us(s->worker->loop) + DRAIN_TIME_US);
	gate_session_push(s);
	if (s->state == GATE_DRAIN)
		gate_link_want(s->worker->loop, &s->client, BASE_LOOP_WRITE);
}

void
gate_session_events(struct gate_session *s)
{
	struct base_loop *loop = s->worker->loop;
	unsigned c = 0, v = 0;

	switch (s->state) {
	case GATE_DEAD:
	case GATE_TLS: /* the handshake asks for itself */
		return;
	case GATE_DRAIN:
		c = BASE_LOOP_WRITE;
		break;
	case GATE_SERVER:
		c = base_buf_len(&s->down) > 0 ? BASE_LOOP_WRITE : 0;
		if (s->server_state == GATE_SERVER_TLS)
			break; /* the same */
		v = s->server_state == GATE_SERVER_CONNECT ? BASE_LOOP_WRITE : BASE_LOOP_READ;
		if (s->server_state >= GATE_SERVER_SSL && s->up_scan > 0)
			v |= BASE_LOOP_WRITE;
		break;
	case GATE_RELAY:
		if (gate_session_pushable(s))
			c |= BASE_LOOP_WRITE;
		if (s->strict) {
			c |= !s->client_eof && gate_strict_reads_client(s) ? BASE_LOOP_READ : 0;
			v |= s->up_scan > 0 ? BASE_LOOP_WRITE : 0;
			v |= !s->server_eof && gate_strict_reads_server(s) && !gate_keeper_full(s->worker->keeper) ? BASE_LOOP_READ : 0;
			break;
		}
		if (!s->client_eof && base_buf_len(&s->up) < GATE_UP_MAX - GATE_READ_LEAST && !gate_track_full(&s->track))
			c |= BASE_LOOP_READ;
		if (s->up_scan > 0)
			v |= BASE_LOOP_WRITE;
		if (!s->server_eof && base_buf_len(&s->down) < s->down.max && !gate_keeper_full(s->worker->keeper))
			v |= BASE_LOOP_READ;
		break;
	case GATE_FIRST:
	case GATE_VERIFIER:
	case GATE_SASL_FIRST:
	case GATE_SASL_FINAL:
	case GATE_CANCEL:
	case GATE_STATE_COUNT:
	default:
		c = s->state == GATE_VERIFIER || s->state == GATE_CANCEL ? 0 : BASE_LOOP_READ;
		if (base_buf_len(&s->down) > 0)
			c |= BASE_LOOP_WRITE;
		break;
	}
	gate_link_want(loop, &s->client, c);
	if (!(s->state == GATE_SERVER && s->server_state == GATE_SERVER_TLS))
		gate_link_want(loop, &s->server, v);
}

/* ---- the keeper's word ---- */

static void
release_owed(struct gate_session *s)
{
	assert(s->outstanding > 0);
	s->outstanding--;
	if (s->state == GATE_DEAD)
		s->worker->reap = true;
}

void
gate_session_receipt(void *owner)
{
	struct gate_session *s = owner;

	release_owed(s);
	if (s->strict)
		gate_strict_receipt(s);
	if (s->state != GATE_RELAY || s->nholds == 0)
		return;
	memmove(s->holds, s->holds + 1, (s->nholds - 1) * sizeof(*s->holds));
	s->nholds--;
	uint64_t now = base_loop_now_us(s->worker->loop);
	gate_worker_count(s->worker, PROC_COUNT_held_microseconds_total, (int64_t)(now - s->held_since_us));
	s->held_since_us = now;
	gate_relay_released(s);
}

void
gate_session_failure(void *owner, int code, const char *text)
{
	struct gate_session *s = owner;

	release_owed(s);
	if (s->strict)
		gate_strict_failure(s, code == GH_E_CLOSED);
	gate_session_end(s, GATE_END_NOT_RECORDED, code == GH_E_FULL ? "53100" : "58030", "nothing of this answer was given out; ask again in a moment, and tell the gate's operator if it lasts",
	                 "the answer could not be recorded, so it is not given out: %s", text);
}

/* ---- time ---- */

/* The next moment at which something must happen (0 = never), and what. GATE_END_NONE: a cancel, not an end. */
static uint64_t
relay_deadline(const struct gate_session *s, enum gate_end *why_r)
{
	const struct proc_conf *c = s->world->conf;

	if (s->strict ? gate_strict_server_turn(s) : gate_track_server_turn(&s->track)) {
		*why_r = GATE_END_NONE;
		return c->statement_timeout && !s->cancel_sent ? s->busy_us + c->statement_timeout : 0;
	}
	/* The client's turn: between statements, in a transaction, or in the middle of a pipeline that holds locks. */
	bool idle = s->strict ? gate_strict_idle(s) : s->track.pends.count == 0 && s->track.status == 'I' && !s->track.half;
	uint64_t limit = idle ? c->idle_timeout : c->idle_in_transaction_timeout;
	*why_r = idle ? GATE_END_IDLE_TIMEOUT : GATE_END_IDLE_IN_TRANSACTION;
	return limit ? s->active_us + limit : 0;
}

static void
relay_time(struct gate_session *s, uint64_t now)
{
	const struct proc_conf *c = s->world->conf;
	uint64_t limits[3] = {c->idle_timeout, c->idle_in_transaction_timeout, c->statement_timeout};
	uint64_t least = 0;
	enum gate_end why;
	uint64_t at = relay_deadline(s, &why);

	for (size_t i = 0; i < 3; i++)
		if (limits[i] && (!least || limits[i] < least))
			least = limits[i];
	if (!least)
		return; /* no limit is set: no timer */
	if (at == 0 || now < at) {
		/* The deadline moves with each message; looking again now and then is cheaper than moving the timer each time. */
		base_loop_timer_set(s->worker->loop, &s->timer, at && at < now + least ? at : now + least);
	} else if (why == GATE_END_NONE) {
		s->cancel_sent = true;
		gate_cancel_backend(s->worker, s->world, &s->backend);
		base_loop_timer_set(s->worker->loop, &s->timer, now + least);
	} else if (why == GATE_END_IDLE_TIMEOUT) {
		gate_session_end(s, why, "57P05", "connect again", "the session was idle for longer than this gate allows (idle_timeout)");
	} else {
		gate_session_end(s, why, "25P03", "connect again", "the transaction was idle for longer than this gate allows (idle_in_transaction_timeout)");
	}
}

static void
on_timer(struct base_loop_timer *t)
{
	struct gate_session *s = (struct gate_session *)((char *)t - offsetof(struct gate_session, timer));
	uint64_t now = base_loop_now_us(s->worker->loop);

	if (s->state == GATE_DRAIN) {
		die(s);
	} else if (s->state == GATE_RELAY) {
		relay_time(s, now);
	} else if (s->state == GATE_VERIFIER && s->resume_us && now >= s->resume_us) {
		base_loop_timer_set(s->worker->loop, &s->timer, now + s->world->conf->login_timeout);
		gate_login_resume(s);
	} else if (s->state == GATE_SERVER) {
		gate_session_end(s, GATE_END_SERVER_DOWN, "08006", "connect again in a moment; if it lasts, tell the gate's operator",
		                 "the gate could not log in to the database at %s in time (server_connect_timeout)", s->world->where);
	} else if (s->state != GATE_DEAD) {
		gate_session_end(s, GATE_END_LOGIN_TIMEOUT, s->user ? "57P01" : NULL, NULL, "log-in took longer than this gate allows (login_timeout)");
	}
	gate_session_events(s);
}

void
gate_session_shutdown(struct gate_session *s, bool now)
{
	bool idle = s->state != GATE_RELAY || (s->strict && gate_strict_idle(s) && base_buf_len(&s->down) == 0) || (!s->strict && s->track.pends.count == 0 && s->track.status == 'I' && !s->track.half && s->up_left == 0 && base_buf_len(&s->down) == 0);

	if (s->state < GATE_DRAIN && (now || idle))
		gate_session_end(s, GATE_END_SHUTDOWN, "57P01", "connect again in a moment", "terminating connection: the gate is being stopped");
}
