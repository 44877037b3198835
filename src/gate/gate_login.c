/* gate_login: start-up of a client (documentation 55.2.1, 55.2.10). Input: hostile client, before it has proved anything.
 * Reads exactly the first packets, so that bytes smuggled in before TLS stay in the socket and are refused
 * (CVE-2021-23214 class). No cleartext or md5 password is ever asked for. Unknown users run the same exchange.
 */
#include "gate_login.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "base_mem.h"
#include "base_text.h"
#include "gate_backoff.h"
#include "gate_cancel.h"
#include "gate_keeper.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_server.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

#define NEWEST_MINOR 2u /* 3.2: long cancel keys */
#define PARAMETERS_MAX 64u
#define KEEPER_WAIT_US 3000000u
#define KEEPER_RETRY_US 50000u

static void
refuse(struct gate_session *s, const char *sqlstate, const char *hint, const char *text)
{
	gate_session_end(s, GATE_END_REFUSED, sqlstate, hint, "%s", text);
}

/* Reads up to `want` bytes of the first packet. 1 read something, 0 nothing now, -1 session ended. */
static int
read_some(struct gate_session *s, size_t want)
{
	struct base_fail fail;

	uint8_t *room = base_buf_reserve(&s->up, want);
	if (!room) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "message before log-in is too long");
		return -1;
	}
	long n = gate_link_read(&s->client, room, want, &fail);
	if (n < 0) {
		gate_session_end(s, n == GH_E_CLOSED ? GATE_END_CLIENT_CLOSED : GATE_END_CLIENT_BROKEN, NULL, NULL, "%s", fail.text);
		return -1;
	}
	base_buf_commit(&s->up, (size_t)n);
	return n > 0;
}

static void
start_tls(struct gate_session *s)
{
	struct base_fail fail;

	if (wire_tls_new(s->world->client_tls, s->client.fd, NULL, &s->client.tls, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_TLS, NULL, NULL, "%s", fail.text);
		return;
	}
	gate_session_enter(s, GATE_TLS);
	gate_login_handshake(s);
}

void
gate_login_handshake(struct gate_session *s)
{
	struct base_fail fail;

	int rc = gate_link_handshake(s->worker->loop, &s->client, &fail);
	if (rc == 0)
		return;
	if (rc > 0 && s->direct_tls && !wire_tls_alpn(s->client.tls))
		rc = base_fail_set(&fail, GH_E_DENIED, "direct TLS without ALPN \"postgresql\"");
	if (rc < 0) {
		gate_session_end(s, GATE_END_CLIENT_TLS, NULL, NULL, "%s", fail.text);
		return;
	}
	const char *version = wire_tls_version(s->client.tls);
	size_t n = strlen(version) < sizeof(s->tls) - 1 ? strlen(version) : sizeof(s->tls) - 1;
	memcpy(s->tls, version, n);
	s->tls[n] = '\0';
	gate_session_enter(s, GATE_FIRST);
	gate_login_readable(s);
}

/* Answers SSLRequest and GSSENCRequest with one byte. */
static void
answer_request(struct gate_session *s, bool ssl)
{
	uint8_t peek;

	base_buf_clear(&s->up);
	if (ssl && s->client.tls) {
		refuse(s, "08P01", NULL, "TLS is on already");
		return;
	}
	if (!s->client.tls && recv(s->client.fd, &peek, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		refuse(s, "08P01", NULL, "received unencrypted data after the request for encryption");
		return;
	}
	bool yes = ssl && s->world->client_tls && !s->local;
	uint8_t byte = yes ? 'S' : 'N';
	struct base_fail fail;
	if (gate_link_write(&s->client, base_span(&byte, 1), &fail) != 1) { /* an empty socket buffer takes one byte */
		gate_session_end(s, GATE_END_CLIENT_BROKEN, NULL, NULL, "could not answer the request for encryption");
		return;
	}
	if (yes)
		start_tls(s);
}

static bool
allowed_parameter(const struct proc_conf *c, struct base_span name)
{
	for (size_t i = 0; i < c->startup_parameters.count; i++) {
		const char *a = c->startup_parameters.item[i];
		if (strlen(a) == name.n && strncasecmp(a, (const char *)name.p, name.n) == 0)
			return true;
	}
	return false;
}

static bool
same_name(struct base_span a, struct base_span b)
{
	return a.n == b.n && strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0;
}

static void
replace(char **dst, struct base_span value)
{
	free(*dst);
	*dst = base_mem_str(value);
}

/* One start-up parameter; 0, or -1 when the session was ended. unknown: protocol options to negotiate away. */
static int
parameter(struct gate_session *s, struct base_span name, struct base_span value, struct base_span *unknown, size_t *nunknown)
{
	char quoted[80];

	if (base_span_is(name, "user")) {
		replace(&s->user, value);
	} else if (base_span_is(name, "database")) {
		replace(&s->database, value);
	} else if (same_name(name, base_span_str("replication"))) {
		refuse(s, "0A000", "connect to the server itself for replication", "replication connections are not served by this gate");
		return -1;
	} else if (name.n > 5 && memcmp(name.p, "_pq_.", 5) == 0) {
		unknown[(*nunknown)++] = name;
	} else if (allowed_parameter(s->world->conf, name)) {
		if (same_name(name, base_span_str("application_name")))
			replace(&s->application, value);
		base_buf_put(&s->params, base_span(name.p, name.n + 1)); /* both are NUL-terminated in place */
		base_buf_put(&s->params, base_span(value.p, value.n + 1));
	} else {
		base_text_quote(quoted, sizeof(quoted), name, 63);
		gate_session_end(s, GATE_END_REFUSED, "42704", "set it after connecting, or have it added to startup_parameters in the gate's configuration",
		                 "start-up parameter \"%s\" is not accepted by this gate", quoted);
		return -1;
	}
	return 0;
}

static int
read_parameters(struct gate_session *s, struct base_span packet, struct base_span *unknown, size_t *nunknown)
{
	struct base_cursor c = base_cursor(packet);
	struct base_span seen[PARAMETERS_MAX], name, value;
	size_t nseen = 0;
	struct base_fail fail;
	int rc;

	(void)base_cursor_take(&c, 8); /* length and version */
	while ((rc = wire_read_startup_next(&c, &name, &value, &fail)) == 1) {
		for (size_t i = 0; i < nseen; i++)
			if (same_name(seen[i], name)) {
				refuse(s, "08P01", NULL, "a start-up parameter is given twice");
				return -1;
			}
		if (nseen == PARAMETERS_MAX) {
			refuse(s, "08P01", NULL, "too many start-up parameters");
			return -1;
		}
		seen[nseen++] = name;
		if (parameter(s, name, value, unknown, nunknown) < 0)
			return -1;
	}
	if (rc < 0) {
		refuse(s, "08P01", NULL, fail.text);
		return -1;
	}
	return 0;
}

static void identify(struct gate_session *s);
static void ask_verifier(struct gate_session *s);

static void
startup(struct gate_session *s, struct base_span packet, uint32_t version)
{
	const struct proc_conf *conf = s->world->conf;
	struct base_span unknown[PARAMETERS_MAX];
	size_t nunknown = 0;
	uint32_t minor = version & 0xffff;

	if (!s->local && !s->client.tls && conf->tls == PROC_TLS_REQUIRE) {
		refuse(s, "28000", "connect with sslmode=require or stronger", "this gate requires TLS");
		return;
	}
	if (read_parameters(s, packet, unknown, &nunknown) < 0)
		return;
	if (!s->user || !s->user[0] || strlen(s->user) > 63) {
		refuse(s, "28000", NULL, "no valid user name is given in the start-up packet");
		return;
	}
	if (!s->database)
		s->database = base_mem_str(base_span_str(s->user));
	if (strcmp(s->database, conf->database) != 0) {
		char quoted[80];
		gate_session_end(s, GATE_END_REFUSED, "3D000", "name that database in the connection string", "database \"%s\" is not served by this gate, \"%s\" is",
		                 base_text_quote(quoted, sizeof(quoted), base_span_str(s->database), 63), conf->database);
		return;
	}
	s->minor = minor >= NEWEST_MINOR ? NEWEST_MINOR : 0; /* 3.1 is reserved and means nothing */
	if (minor != s->minor || nunknown > 0)
		wire_write_negotiate(&s->down, s->minor, unknown, nunknown);
	gate_session_say(s);
	if (atomic_load(&s->worker->shared->stopping)) {
		refuse(s, "57P03", "connect again in a moment", "the gate is being stopped");
		return;
	}
	gate_session_enter(s, GATE_VERIFIER);
	s->keeper_wait_us = base_loop_now_us(s->worker->loop) + KEEPER_WAIT_US;
	identify(s);
}

/* Who is it? Nobody is let in while nothing can be recorded; a keeper that is just being started again is waited for. */
static void
identify(struct gate_session *s)
{
	uint64_t now = base_loop_now_us(s->worker->loop);

	if (!gate_keeper_up(s->worker->keeper)) {
		if (now >= s->keeper_wait_us) {
			refuse(s, "57P03", "connect again in a moment; if it lasts, tell the gate's operator", "the ledger is not available, so nothing can be looked up now");
			return;
		}
		s->resume_us = now + KEEPER_RETRY_US;
		base_loop_timer_set(s->worker->loop, &s->timer, s->resume_us);
		return;
	}
	s->keeper_wait_us = 0;
	char cn[256], san[256];
	if (s->client.tls && wire_tls_peer_names(s->client.tls, cn, sizeof(cn), san, sizeof(san)) && gate_world_cert_allows(s->world, cn, san, s->user)) {
		s->auth = "certificate";
		gate_server_start(s);
		return;
	}
	ask_verifier(s);
}

/* ---- SCRAM ---- */

static void
verifier_known(struct gate_session *s, const struct gate_ask *ask)
{
	struct base_span address = base_span(s->address, s->address_host);

	if (ask->result == GATE_ASK_FAILED) {
		gate_session_end(s, GATE_END_SERVER_DOWN, "08006", "connect again in a moment; if it lasts, tell the gate's operator",
		                 "the gate cannot check the log-in: no answer from the database at %s", s->world->where);
		return;
	}
	s->doomed = ask->result != GATE_ASK_FOUND;
	if (s->doomed)
		wire_scram_verifier_mock(s->worker->shared->mock_secret, base_span_str(s->user), &s->verifier);
	else
		s->verifier = ask->verifier;
	uint64_t now = base_loop_now_us(s->worker->loop);
	uint64_t delay = gate_backoff_delay(s->worker->shared->backoff, address, base_span_str(s->user), now);
	if (delay > 0) {
		s->resume_us = now + delay;
		base_loop_timer_set(s->worker->loop, &s->timer, s->resume_us);
		return;
	}
	gate_login_resume(s);
}

void
gate_login_resume(struct gate_session *s)
{
	struct base_span cbind = s->client.tls ? wire_tls_end_point(s->client.tls) : base_span(NULL, 0);

	s->resume_us = 0;
	if (s->keeper_wait_us) {
		identify(s);
		return;
	}
	s->scram = wire_scram_server_new(&s->verifier, s->doomed, cbind);
	wire_write_sasl_mechanisms(&s->down, cbind.n > 0);
	gate_session_say(s);
	gate_session_enter(s, GATE_SASL_FIRST);
	gate_session_push(s);
	if (s->state == GATE_SASL_FIRST && base_buf_len(&s->up) > 0)
		gate_login_readable(s);
}

static void
verifier_done(void *arg)
{
	struct gate_ask *ask = arg;
	struct gate_session *s = ask->session;

	if (s) {
		s->ask = NULL;
		if (s->state == GATE_VERIFIER) {
			verifier_known(s, ask);
			gate_session_events(s);
		}
	}
	base_secret_wipe(ask, sizeof(*ask));
	free(ask);
}

static void
ask_verifier(struct gate_session *s)
{
	struct gate_ask *ask = base_mem_new(1, sizeof(*ask));

	memcpy(ask->user, s->user, strlen(s->user) + 1); /* at most 63 bytes: startup() has checked */
	ask->loop = s->worker->loop;
	ask->done = verifier_done;
	ask->session = s;
	s->ask = ask;
	if (gate_control_ask(s->worker->shared->control, ask))
		verifier_done(ask);
}

static void
failed(struct gate_session *s, const char *why)
{
	char quoted[80];

	gate_backoff_failed(s->worker->shared->backoff, base_span(s->address, s->address_host), base_span_str(s->user), base_loop_now_us(s->worker->loop));
	gate_control_forget(s->worker->shared->control, s->user);
	gate_worker_count(s->worker, PROC_COUNT_logins_failed_total, 1);
	gate_record_deny(s, why);
	gate_session_end(s, GATE_END_AUTH_FAILED, "28P01", NULL, "password authentication failed for user \"%s\"",
	                 base_text_quote(quoted, sizeof(quoted), base_span_str(s->user), 63));
}

static void
sasl_message(struct gate_session *s, struct base_span payload)
{
	struct base_buf out;
	struct base_fail fail;
	int rc;

	base_buf_init(&out, 4096);
	if (s->state == GATE_SASL_FIRST) {
		struct wire_sasl_initial in;
		rc = wire_read_sasl_initial(payload, &in, &fail);
		if (rc == GH_OK) {
			s->auth = base_span_is(in.mechanism, "SCRAM-SHA-256-PLUS") ? "scram-sha-256-plus" : "scram-sha-256";
			rc = wire_scram_server_first(s->scram, in.mechanism, in.data, &out, &fail);
		}
		if (rc == GH_OK) {
			wire_write_auth(&s->down, 11, base_buf_span(&out));
			gate_session_say(s);
			gate_session_enter(s, GATE_SASL_FINAL);
		}
	} else {
		rc = wire_scram_server_final(s->scram, payload, &out, s->client_key, &fail);
		if (rc == GH_OK) {
			s->has_key = true;
			gate_backoff_ok(s->worker->shared->backoff, base_span(s->address, s->address_host), base_span_str(s->user));
			wire_write_auth(&s->down, 12, base_buf_span(&out));
			gate_session_say(s);
			wire_scram_server_free(&s->scram);
			gate_server_start(s);
		}
	}
	base_buf_done(&out);
	if (rc == GH_E_PARSE)
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
	else if (rc < 0)
		failed(s, fail.text);
}

/* ---- bytes ---- */

/* First packets are read to the byte: only what is announced. */
static void
read_first(struct gate_session *s)
{
	struct wire_first_packet packet;
	struct base_fail fail;

	while (s->state == GATE_FIRST) {
		struct base_span have = base_buf_span(&s->up);
		size_t want = 8;
		if (!s->client.tls && have.n == 0 && s->world->client_tls && !s->local) {
			uint8_t first;
			ssize_t n = recv(s->client.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
			if (n == 1 && first == 0x16) { /* a TLS handshake record: direct TLS */
				s->direct_tls = true;
				start_tls(s);
				return;
			}
		}
		if (have.n >= 8) {
			int rc = wire_frame_first(have, &packet, &fail);
			if (rc < 0) {
				gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
				return;
			}
			if (rc == 1) {
				switch (packet.kind) {
				case WIRE_FIRST_SSL: answer_request(s, true); break;
				case WIRE_FIRST_GSSENC: answer_request(s, false); break;
				case WIRE_FIRST_CANCEL: gate_cancel_client(s, have); break;
				case WIRE_FIRST_STARTUP:
					base_buf_clear(&s->up); /* the bytes stay where they are until the next append */
					startup(s, have, packet.version);
					break;
				}
				continue;
			}
			struct base_cursor c = base_cursor(have);
			want = base_cursor_u32(&c); /* 8..10000: wire_frame_first has checked */
		}
		if (read_some(s, want - have.n) <= 0)
			return;
	}
}

void
gate_login_readable(struct gate_session *s)
{
	struct wire_header h;
	struct base_fail fail;

	if (s->state == GATE_FIRST) {
		read_first(s);
	} else if (s->state == GATE_SASL_FIRST || s->state == GATE_SASL_FINAL) {
		while (s->state == GATE_SASL_FIRST || s->state == GATE_SASL_FINAL) {
			struct base_span have = base_buf_span(&s->up);
			int rc = wire_frame_header(WIRE_F, have, &h, &fail);
			if (rc == 1 && h.type != WIRE_F_PASSWORD)
				rc = base_fail_set(&fail, GH_E_PARSE, "expected a SASL message, got %s", wire_frame_name(WIRE_F, h.type));
			if (rc < 0) {
				gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
				break;
			}
			if (rc == 1 && have.n - WIRE_HEADER >= h.len) {
				base_buf_consume(&s->up, WIRE_HEADER + h.len); /* the bytes stay where they are until the next append */
				sasl_message(s, base_span(have.p + WIRE_HEADER, h.len));
				continue;
			}
			if (read_some(s, 1024) <= 0)
				break;
		}
	}
	if (s->state < GATE_DRAIN)
		gate_session_push(s);
}
