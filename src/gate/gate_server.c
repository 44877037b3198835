/* gate_server: logs in to the database as the client's role, with the ClientKey recovered from the client's own exchange.
 * Input: hostile server. Nothing is stored; the key is wiped when the log-in is over. No cleartext or md5 password is given out.
 */
#include "gate_server.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_log.h"
#include "base_text.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_relay.h"
#include "gate_strict.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

static void
down(struct gate_session *s, const char *why)
{
	base_log_warn("server %s: %s", s->world->where, why);
	gate_session_end(s, GATE_END_SERVER_DOWN, "08006", "connect again in a moment; if it lasts, tell the gate's operator",
	                 "the gate could not connect to the database at %s: %s", s->world->where, why);
}

static void
broke(struct gate_session *s, const char *why)
{
	base_log_warn("server %s broke the protocol during log-in: %s", s->world->where, why);
	gate_session_end(s, GATE_END_SERVER_PROTOCOL, "08P01", NULL, "the database at %s broke the protocol during log-in: %s", s->world->where, why);
}

static void try_address(struct gate_session *s);

void
gate_server_start(struct gate_session *s)
{
	struct gate_shared *shared = s->worker->shared;

	gate_session_enter(s, GATE_SERVER);
	if (atomic_fetch_add(&shared->sessions, 1) >= s->world->conf->max_sessions) {
		atomic_fetch_sub(&shared->sessions, 1);
		gate_session_end(s, GATE_END_REFUSED, "53300", "close sessions that are not needed, or raise max_sessions", "this gate has as many sessions as it may have");
		return;
	}
	s->reserved = true;
	char cn[256], san[256];
	s->certificate = s->client.tls && wire_tls_peer_names(s->client.tls, cn, sizeof(cn), san, sizeof(san));
	if (!gate_strict_let_in(s, s->world))
		return;
	if (gate_strict_choose(s) < 0)
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the policy");
	if (s->state >= GATE_DRAIN)
		return;
	base_loop_timer_set(s->worker->loop, &s->timer, base_loop_now_us(s->worker->loop) + s->world->conf->server_connect_timeout);
	s->server_try = 0;
	try_address(s);
}

static void
next_address(struct gate_session *s, int err)
{
	gate_link_close(s->worker->loop, &s->server);
	if (++s->server_try < s->world->naddresses)
		try_address(s);
	else
		down(s, strerror(err));
}

static void send_startup(struct gate_session *s);

static void
connected(struct gate_session *s)
{
	if (s->world->server_tls && s->world->address[s->server_try].u.any.sa_family != AF_UNIX) {
		wire_write_ssl_request(&s->up);
		s->up_scan = base_buf_len(&s->up);
		s->server_state = GATE_SERVER_SSL;
		gate_relay_push_server(s);
	} else {
		send_startup(s);
	}
}

static void
try_address(struct gate_session *s)
{
	const struct gate_address *a = &s->world->address[s->server_try];

	int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		down(s, strerror(errno));
		return;
	}
	if (a->u.any.sa_family != AF_UNIX) {
		int on = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* slower without, not wrong */
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)); /* the same */
	}
	gate_link_init(&s->server, fd, gate_relay_on_server);
	base_buf_clear(&s->up);
	s->up_scan = 0;
	s->server_state = GATE_SERVER_CONNECT;
	if (connect(fd, &a->u.any, a->len) == 0) {
		connected(s);
	} else if (errno == EINPROGRESS) {
		base_loop_io_set(s->worker->loop, &s->server.io, BASE_LOOP_WRITE);
	} else if (errno == EAGAIN) { /* a Unix socket's queue is full: the server is overrun */
		next_address(s, ECONNREFUSED);
	} else {
		next_address(s, errno);
	}
}

static void
send_startup(struct gate_session *s)
{
	struct base_span name[80], value[80];
	size_t n = 0;

	name[n] = base_span_str("user");
	value[n++] = base_span_str(s->user);
	name[n] = base_span_str("database");
	value[n++] = base_span_str(s->database);
	struct base_buf strict;
	base_buf_init(&strict, 16384);
	if (s->strict)
		gate_strict_startup(s, &strict);
	if (s->state != GATE_SERVER) {
		base_buf_done(&strict);
		return;
	}
	struct base_cursor c = base_cursor(base_buf_span(s->strict ? &strict : &s->params));
	while (c.left > 0 && n < BASE_COUNT(name)) {
		name[n] = base_cursor_cstr(&c);
		value[n++] = base_cursor_cstr(&c);
	}
	wire_write_startup(&s->up, name, value, n);
	base_buf_done(&strict);
	s->up_scan = base_buf_len(&s->up);
	s->server_state = GATE_SERVER_AUTH;
	gate_relay_push_server(s);
}

/* ---- authentication ---- */

static bool
offers(struct base_span list, const char *mechanism)
{
	struct base_cursor c = base_cursor(list);

	while (c.left > 1) {
		struct base_span m = base_cursor_cstr(&c);
		if (!base_cursor_ok(&c))
			return false;
		if (base_span_is(m, mechanism))
			return true;
	}
	return false;
}

static void
begin_scram(struct gate_session *s, struct base_span mechanisms)
{
	struct base_span cbind = s->server.tls ? wire_tls_end_point(s->server.tls) : base_span(NULL, 0);
	struct base_buf first;

	if (!s->has_key) {
		gate_session_end(s, GATE_END_SERVER_LOGIN, "28000", "let the server accept the gate's own certificate for this role, or log in with a password",
		                 "role was logged in by %s, but the database at %s asks for a password", s->auth ? s->auth : "nothing", s->world->where);
		return;
	}
	s->server_plus = cbind.n > 0 && offers(mechanisms, "SCRAM-SHA-256-PLUS");
	if (!s->server_plus && !offers(mechanisms, "SCRAM-SHA-256")) {
		broke(s, "it offers no SCRAM-SHA-256");
		return;
	}
	s->scram_up = wire_scram_client_new(s->client_key, s->verifier.server_key, cbind, s->server_plus);
	base_buf_init(&first, 1024);
	wire_scram_client_first(s->scram_up, &first);
	wire_write_sasl_initial(&s->up, s->server_plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256", base_buf_span(&first));
	base_buf_done(&first);
}

static void
authentication(struct gate_session *s, struct base_span payload)
{
	struct wire_auth a;
	struct base_fail fail;
	struct base_buf out;

	if (wire_read_auth(payload, &a, &fail) < 0) {
		broke(s, fail.text);
		return;
	}
	switch (a.code) {
	case 0: /* ok */
		if (s->scram_up && !s->server_proved) {
			broke(s, "it did not prove that it holds the password's verifier");
			return;
		}
		wire_scram_client_free(&s->scram_up);
		base_secret_wipe(s->client_key, sizeof(s->client_key));
		base_secret_wipe(&s->verifier, sizeof(s->verifier));
		s->has_key = false;
		s->server_state = GATE_SERVER_PARAMS;
		wire_write_auth(&s->down, 0, base_span(NULL, 0));
		gate_session_say(s);
		return;
	case 10:
		begin_scram(s, a.rest);
		break;
	case 11:
		base_buf_init(&out, 4096);
		if (!s->scram_up)
			broke(s, "SASL continuation without a beginning");
		else if (wire_scram_client_final(s->scram_up, a.rest, &out, &fail) < 0)
			broke(s, fail.text);
		else
			wire_write_sasl_response(&s->up, base_buf_span(&out));
		base_buf_done(&out);
		break;
	case 12:
		if (!s->scram_up)
			broke(s, "SASL end without a beginning");
		else if (wire_scram_client_check(s->scram_up, a.rest, &fail) < 0)
			broke(s, fail.text);
		else
			s->server_proved = true;
		return;
	default:
		gate_session_end(s, GATE_END_SERVER_LOGIN, "28000", "set scram-sha-256 for this role in the server's pg_hba.conf",
		                 "the database at %s asks for authentication method %u, which the gate does not give", s->world->where, a.code);
		return;
	}
	if (s->state == GATE_SERVER) {
		s->up_scan = base_buf_len(&s->up);
		gate_relay_push_server(s);
	}
}

/* The server's ErrorResponse is the client's: too many connections, role may not log in, ... */
static void
refused(struct gate_session *s, struct base_span payload)
{
	struct wire_error e;
	struct base_fail fail;

	if (wire_read_error(payload, &e, &fail) < 0) {
		broke(s, fail.text);
		return;
	}
	if (s->user)
		gate_control_forget(s->worker->shared->control, s->user);
	wire_write_message(&s->down, WIRE_B_ERROR_RESPONSE, payload);
	gate_session_say(s);
	gate_record_deny(s, "the server refused the log-in");
	gate_session_end(s, GATE_END_SERVER_LOGIN, NULL, NULL, "the server refused the log-in");
}

static void
key_data(struct gate_session *s, struct base_span payload)
{
	struct wire_key_data k;
	struct base_fail fail;
	uint8_t key[GATE_CANCEL_KEY_LONG];
	size_t n = s->minor >= 2 ? GATE_CANCEL_KEY_LONG : GATE_CANCEL_KEY_SHORT;

	if (wire_read_key_data(payload, &k, &fail) < 0 || k.key.n > sizeof(s->backend.key) || s->cancel_pid != 0) {
		broke(s, "BackendKeyData is not as it must be");
		return;
	}
	s->backend.pid = k.pid;
	s->backend.key_len = k.key.n;
	memcpy(s->backend.key, k.key.p, k.key.n);
	gate_registry_add(s->worker->shared->registry, &s->backend, n, &s->cancel_pid, key);
	wire_write_key_data(&s->down, s->cancel_pid, base_span(key, n));
	gate_session_say(s);
}

/* What is passed on to the client as it is must at least be what it says. */
static bool
sound(struct gate_session *s, uint8_t type, struct base_span payload)
{
	struct wire_status st;
	struct wire_error e;
	struct base_fail fail;

	if (type == WIRE_B_PARAMETER_STATUS) {
		if (wire_read_parameter_status(payload, &st, &fail) < 0)
			return false;
		if (s->strict)
			gate_strict_status(s, st.name, st.value);
		return true;
	}
	if (type == WIRE_B_NOTICE_RESPONSE)
		return wire_read_error(payload, &e, &fail) == GH_OK;
	return payload.n == 1 && (payload.p[0] == 'I' || payload.p[0] == 'T' || payload.p[0] == 'E'); /* ReadyForQuery */
}

/* One message of the server before RELAY. */
static void
message(struct gate_session *s, uint8_t type, struct base_span payload)
{
	bool params = s->server_state == GATE_SERVER_PARAMS;

	if (base_buf_len(&s->down) + WIRE_HEADER + payload.n > s->down.max) {
		broke(s, "it sends more than hold_size before the log-in is over");
		return;
	}
	if (type == WIRE_B_AUTHENTICATION && !params) {
		authentication(s, payload);
	} else if (type == WIRE_B_ERROR_RESPONSE) {
		refused(s, payload);
	} else if ((type == WIRE_B_NOTICE_RESPONSE || (type == WIRE_B_PARAMETER_STATUS && params)) && sound(s, type, payload)) {
		if (!s->strict || type == WIRE_B_PARAMETER_STATUS) /* notices of an enforced session are made by gate_strict_answer */
			wire_write_message(&s->down, type, payload);
		gate_session_say(s);
	} else if (type == WIRE_B_BACKEND_KEY_DATA && params) {
		key_data(s, payload);
	} else if (type == WIRE_B_READY_FOR_QUERY && params && sound(s, type, payload)) {
		wire_write_message(&s->down, type, payload);
		gate_session_say(s);
		s->track.status = (char)payload.p[0];
		gate_relay_begin(s);
	} else {
		broke(s, wire_frame_name(WIRE_B, type));
	}
}

static void
read_messages(struct gate_session *s)
{
	struct base_fail fail;
	struct wire_header h;

	while (s->state == GATE_SERVER) {
		struct base_span have = base_buf_span(&s->sin);
		int rc = wire_frame_header(WIRE_B, have, &h, &fail);
		if (rc < 0) {
			broke(s, fail.text);
			return;
		}
		if (rc == 1 && have.n - WIRE_HEADER >= h.len) {
			base_buf_consume(&s->sin, WIRE_HEADER + h.len); /* the bytes stay where they are until the next append */
			message(s, h.type, base_span(have.p + WIRE_HEADER, h.len));
			continue;
		}
		uint8_t *room = base_buf_reserve(&s->sin, GATE_READ_LEAST);
		if (!room) {
			broke(s, "a message is too long");
			return;
		}
		long n = gate_link_read(&s->server, room, GATE_READ_LEAST, &fail);
		if (n < 0) {
			down(s, fail.text);
			return;
		}
		if (n == 0)
			return;
		base_buf_commit(&s->sin, (size_t)n);
	}
}

/* The one byte that answers SSLRequest. Bytes behind it would be an injection: only one is read, TLS reads the rest. */
static void
ssl_answer(struct gate_session *s)
{
	struct base_fail fail;
	uint8_t byte;

	long n = gate_link_read(&s->server, &byte, 1, &fail);
	if (n == 0)
		return;
	if (n < 0 || byte != 'S') {
		down(s, n < 0 ? fail.text : "it does not offer TLS, and server_tls asks for it");
		return;
	}
	const char *host = s->world->conf->server_tls == PROC_SERVER_TLS_VERIFY_FULL ? s->world->conf->server_host : NULL;
	if (wire_tls_new(s->world->server_tls, s->server.fd, host, &s->server.tls, &fail) < 0) {
		down(s, fail.text);
		return;
	}
	s->server_state = GATE_SERVER_TLS;
}

void
gate_server_ready(struct gate_session *s, unsigned events)
{
	struct base_fail fail;

	if (s->server_state == GATE_SERVER_CONNECT) {
		int err = 0;
		socklen_t len = sizeof(err);
		if (getsockopt(s->server.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
			err = errno;
		if (err != 0)
			next_address(s, err);
		else if (events & BASE_LOOP_WRITE)
			connected(s);
	} else if (s->server_state == GATE_SERVER_SSL && (events & (BASE_LOOP_READ | BASE_LOOP_HUP))) {
		ssl_answer(s);
	}
	if (s->state == GATE_SERVER && s->server_state == GATE_SERVER_TLS) {
		int rc = gate_link_handshake(s->worker->loop, &s->server, &fail);
		if (rc < 0)
			down(s, fail.text);
		else if (rc > 0)
			send_startup(s);
		else
			return;
	} else if (s->server_state >= GATE_SERVER_AUTH) {
		if (events & BASE_LOOP_WRITE)
			gate_relay_push_server(s);
		if (events & (BASE_LOOP_READ | BASE_LOOP_HUP))
			read_messages(s);
	}
	if (s->state == GATE_SERVER)
		gate_session_push(s);
}
