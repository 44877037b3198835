/* gate_strict_answer: the server's messages of an enforced session. Input: hostile server. Each message must be what the head of the owed queue expects; anything
 * else ends the session. Nothing is relayed: what the client gets is made here and in gate_strict_rows (SQL-RULES 8.7).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "gate_limit.h"
#include "gate_strict_int.h"
#include "gate_track.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

void
strict_protocol(struct gate_session *s, const char *what)
{
	base_log_warn("session %s: the server broke the protocol: %s", s->id, what);
	gate_session_end(s, GATE_END_SERVER_PROTOCOL, "08P01", NULL, "the database at %s broke the protocol: %s", s->world->where, what);
}

/* Does the answer at the head speak of protected columns? Then nothing of the server's own words about it goes out. */
static bool
speaks_of_protected(const struct strict_owed *o)
{
	return o && o->portal && o->portal->judged && o->portal->judged->decision->touches_protected;
}

/* ---- notices ---- */

static struct base_span
field_of(struct base_span payload, uint8_t wanted)
{
	struct base_cursor c = base_cursor(payload);

	while (c.left > 1) {
		uint8_t field = base_cursor_u8(&c);
		struct base_span v = base_cursor_cstr(&c);
		if (field == wanted && base_cursor_ok(&c))
			return v;
	}
	return base_span(NULL, 0);
}

static bool
is_tree(const struct wire_error *e)
{
	return base_span_is(e->severity, "LOG") && e->detail.n > 8 && (memcmp(e->detail.p, "({QUERY ", 8) == 0 || memcmp(e->detail.p, "({QUERY\n", 8) == 0);
}

static void
tree(struct gate_session *s, struct base_span payload, const struct wire_error *e)
{
	struct gate_strict *t = s->strict;
	struct strict_owed *o = strict_head(t);
	struct base_span error;
	bool nested = field_of(payload, 'W').n > 0; /* has a context: gate_strict.c's options see to it that only functions make one */

	if (nested) {
		/* A statement within a function, or a constraint's. At Bind already, when the planner runs an immutable function of constants. It says nothing about
		 * the statement, so nothing is decided by it: the functions that may run are the reviewed ones, and that their bodies are still those is seen
		 * before their rows are looked at (strict_sure). */
		if (!o || (o->kind != OWED_BIND && o->kind != OWED_EXECUTE))
			strict_protocol(s, "it analyses a statement within one that does not run");
	} else if (o && o->kind == OWED_ANALYSIS) {
		strict_analysis_tree(s, e->detail);
	} else if (o && o->kind == OWED_BIND && o->portal->judged) {
		if (!strict_judge_again(s, o->portal->judged, e->detail, &error))
			strict_cut(s, error, false);
	} else if (o && o->kind == OWED_PARSE) {
		o->rows++; /* a utility statement of the gate's own text: counted, checked at ParseComplete */
	} else if (o && o->kind == OWED_EXECUTE && o->utility) {
		/* EXPLAIN's inner text, which is under the locks of its own analysis. */
	} else {
		strict_protocol(s, "it analyses a statement that was not asked for");
	}
}

static void
notice(struct gate_session *s, struct base_span payload)
{
	struct wire_error e;
	struct base_fail fail;

	if (wire_read_error(payload, &e, &fail) < 0) {
		strict_protocol(s, fail.text);
		return;
	}
	if (is_tree(&e)) {
		if (!s->strict->swallow)
			tree(s, payload, &e);
		return;
	}
	bool worth = base_span_is(e.severity, "NOTICE") || base_span_is(e.severity, "WARNING") || base_span_is(e.severity, "INFO");
	if (!worth || s->strict->swallow || speaks_of_protected(strict_head(s->strict)))
		return;
	char severity[16], text[512], sqlstate[6] = "00000";
	struct base_buf b;
	(void)snprintf(severity, sizeof(severity), "%.*s", (int)e.severity.n, (const char *)e.severity.p);
	(void)snprintf(text, sizeof(text), "%.*s", (int)(e.message.n < 500 ? e.message.n : 500), e.message.p ? (const char *)e.message.p : "");
	if (e.sqlstate.n == 5)
		memcpy(sqlstate, e.sqlstate.p, 5);
	base_buf_init(&b, 4096);
	wire_write_error(&b, severity, sqlstate, text, NULL);
	if (base_buf_len(&b) > WIRE_HEADER)
		wire_write_message(&s->down, WIRE_B_NOTICE_RESPONSE, base_span(base_buf_span(&b).p + WIRE_HEADER, base_buf_len(&b) - WIRE_HEADER));
	base_buf_done(&b);
}

/* ---- ParameterStatus: only names that are the session's own business (SQL-RULES 4.4, settings) ---- */

static void
status(struct gate_session *s, struct base_span payload)
{
	static const char *const told[] = {"application_name", "DateStyle", "IntervalStyle", "TimeZone", "default_transaction_read_only", "extra_float_digits"};
	struct wire_status st;
	struct base_fail fail;

	if (wire_read_parameter_status(payload, &st, &fail) < 0) {
		strict_protocol(s, fail.text);
		return;
	}
	if (base_span_is(st.name, "client_encoding") || base_span_is(st.name, "standard_conforming_strings") || base_span_is(st.name, "server_encoding")) {
		gate_session_end(s, GATE_END_SERVER_PROTOCOL, "0A000", NULL, "a setting that an enforced session depends on was changed on the server");
		return;
	}
	for (size_t i = 0; i < BASE_COUNT(told); i++)
		if (base_span_is(st.name, told[i])) {
			wire_write_message(&s->down, WIRE_B_PARAMETER_STATUS, payload);
			return;
		}
}

/* ---- errors ---- */

/* After Bind an error can carry data: for statements over protected columns only its class is told. */
static struct base_span
rebuilt(const struct strict_owed *o, const struct wire_error *e)
{
	static const struct { const char *sqlstate, *text; } own[] = {
		{"57014", "canceling statement due to user request or time-out"}, {"40001", "could not serialize access"}, {"40P01", "deadlock detected"},
		{"25P02", "current transaction is aborted, commands ignored until end of transaction block"}, {"42501", "permission denied"},
		{"34000", "the cursor or portal does not exist any more"}, {"55P03", "lock not available"}, {"53300", "too many connections"},
	};
	char sqlstate[6] = "XX000", text[512];

	if (e->sqlstate.n == 5)
		memcpy(sqlstate, e->sqlstate.p, 5);
	for (size_t i = 0; i < BASE_COUNT(own); i++)
		if (strcmp(own[i].sqlstate, sqlstate) == 0 && (speaks_of_protected(o) || i == 5))
			return strict_error(sqlstate, NULL, "%s", own[i].text);
	if (speaks_of_protected(o)) {
		sqlstate[2] = sqlstate[3] = sqlstate[4] = '0';
		return strict_error(sqlstate, "ask the gate's operator for the server's log", "the statement failed; it names protected columns, so the server's words about it are not given out");
	}
	(void)snprintf(text, sizeof(text), "%.*s", (int)(e->message.n < 500 ? e->message.n : 500), e->message.p ? (const char *)e->message.p : "");
	return strict_error(sqlstate, NULL, "%s", text);
}

/* An error is said now; what was to come in this batch is not. */
static void
batch_failed(struct gate_session *s, struct base_span error)
{
	struct gate_strict *t = s->strict;

	strict_drop_batch(s);
	base_buf_put(&s->down, error);
	free((void *)(uintptr_t)error.p);
	if (t->sync_sent)
		return;
	if (t->simple) {
		t->simple_failed = true; /* the Query that waits sends its Sync */
	} else {
		t->skipping = true;
		strict_portal_unref(s, &t->confirm);
	}
}

void
strict_cut(struct gate_session *s, struct base_span error, bool soft)
{
	struct gate_strict *t = s->strict;
	struct strict_owed *o = strict_head(t);
	bool more = !t->sync_sent;

	if (o && o->portal)
		o->portal->cut = true;
	strict_rows_lost(s); /* the server carries them out */
	batch_failed(s, error);
	t->swallow = true;
	t->soft = soft;
	t->undone = t->undone || !soft;
	if (more && !soft) { /* the server's transaction fails with it */
		strict_send_parse(s, "", base_span_str("refused by gatehouse"), NULL, 0);
		t->half = true;
	}
}

static void
error(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct strict_owed *o = strict_head(t);
	struct wire_error e;
	struct base_fail fail;
	char sqlstate[6] = "XX000";

	t->undone = true;
	if (wire_read_error(payload, &e, &fail) < 0) {
		strict_protocol(s, fail.text);
		return;
	}
	if (base_span_is(e.severity, "FATAL") || base_span_is(e.severity, "PANIC")) {
		struct base_span bytes = rebuilt(NULL, &e);
		s->server_fatal = true;
		strict_drop_batch(s);
		base_buf_put(&s->down, bytes);
		free((void *)(uintptr_t)bytes.p);
		return;
	}
	if (t->swallow)
		return;
	if (!o || o->kind == OWED_SYNC) {
		/* Sync itself can fail: it commits (deferred constraints). */
		batch_failed(s, rebuilt(NULL, &e));
		return;
	}
	if (e.sqlstate.n == 5)
		memcpy(sqlstate, e.sqlstate.p, 5);
	if (o->kind == OWED_ANALYSIS) {
		strict_analysis_error(s, payload);
	} else if (o->kind == OWED_FAIL) {
		struct base_span bytes = o->bytes;
		o->bytes = base_span(NULL, 0);
		strict_pop(t, s); /* what this message did to a name stays done */
		batch_failed(s, bytes);
	} else {
		struct base_span bytes = rebuilt(o, &e);
		if (o->kind == OWED_EXECUTE)
			strict_rows_failed(s, o, sqlstate);
		else if (o->kind == OWED_BIND && o->portal->judged && strncmp(sqlstate, "22", 2) != 0)
			strict_spoil(s, o->portal->judged); /* "cached plan must not change result type" and the like would last for ever */
		batch_failed(s, bytes);
	}
}

/* ---- the rest ---- */

static void
ready(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct strict_owed *o = strict_head(t);

	if (!o || o->kind != OWED_SYNC || payload.n != 1 || !strchr("ITE", payload.p[0])) {
		strict_protocol(s, "ReadyForQuery was not asked for");
		return;
	}
	strict_pop(t, s);
	if (t->swallow && !t->soft && payload.p[0] == 'T') { /* the answer was cut behind the Sync: the transaction fails now */
		strict_send_parse(s, "", base_span_str("refused by gatehouse"), NULL, 0);
		strict_send_sync(s);
		return;
	}
	t->status = (char)payload.p[0];
	if (t->status == 'I')
		strict_self_ended(s, !t->undone);
	if (t->status != 'E')
		t->undone = false;
	t->skipping = t->swallow = t->soft = t->sync_sent = t->half = t->simple = t->simple_failed = t->began = false;
	if (t->status == 'I')
		strict_forget_portals(s);
	wire_write_ready(&s->down, t->status);
	s->cancel_sent = false;
	s->busy_us = base_loop_now_us(s->worker->loop);
	if (s->worker->stopping) {
		gate_session_say(s);
		gate_session_shutdown(s, false);
	}
}

static void
bound(struct gate_session *s, struct strict_owed *o)
{
	o->portal->confirmed = true;
	if (o->say)
		wire_write_message(&s->down, WIRE_B_BIND_COMPLETE, base_span("", 0));
	strict_pop(s->strict, s);
}

static bool
expected(struct gate_session *s, uint8_t type, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct strict_owed *o = strict_head(t);

	if (!o)
		return false;
	switch (o->kind) {
	case OWED_ANALYSIS:
		return strict_analysis_message(s, type, payload) == 0;
	case OWED_PARSE:
		if (type != WIRE_B_PARSE_COMPLETE)
			return false;
		if (o->rows != 1) {
			strict_protocol(s, "it did not show its analysis of a command");
			return true;
		}
		strict_pop(t, s);
		return true;
	case OWED_BIND:
		if (type != WIRE_B_BIND_COMPLETE)
			return false;
		bound(s, o);
		return true;
	case OWED_EXECUTE:
		if (type == WIRE_B_DATA_ROW) {
			strict_row(s, o, payload);
			return true;
		}
		if (type != WIRE_B_COMMAND_COMPLETE && type != WIRE_B_PORTAL_SUSPENDED && type != WIRE_B_EMPTY_QUERY_RESPONSE)
			return false;
		strict_rows_end(s, o, type, payload);
		return true;
	case OWED_CLOSE:
		if (type != WIRE_B_CLOSE_COMPLETE)
			return false;
		strict_pop(t, s);
		return true;
	case OWED_SAY:
	case OWED_FAIL:
	case OWED_SYNC:
	default:
		return false;
	}
}

static void
one(struct gate_session *s, uint8_t type, struct base_span payload)
{
	strict_settle_says(s);
	switch (type) {
	case WIRE_B_NOTICE_RESPONSE:
		notice(s, payload);
		break;
	case WIRE_B_PARAMETER_STATUS:
		status(s, payload);
		break;
	case WIRE_B_NOTIFICATION_RESPONSE:
		break; /* nobody listens here; what others say may be data */
	case WIRE_B_ERROR_RESPONSE:
		error(s, payload);
		break;
	case WIRE_B_READY_FOR_QUERY:
		ready(s, payload);
		break;
	default:
		if (!s->strict->swallow && !expected(s, type, payload) && s->state == GATE_RELAY)
			strict_protocol(s, wire_frame_name(WIRE_B, type));
		break;
	}
	if (s->state == GATE_RELAY)
		strict_settle_says(s);
}

/* The answer of a reviewed function: its rows are those of the reviewed body only when the catalogue, looked at after they came, has it still. False: wait. */
static bool
reviewed(struct gate_session *s, uint8_t type, size_t bytes)
{
	struct gate_strict *t = s->strict;
	const struct strict_owed *o = strict_head(t);

	if (!o || o->kind != OWED_EXECUTE || o->utility || t->swallow || !o->portal->judged || !o->portal->judged->decision->calls_reviewed || type == WIRE_B_NOTICE_RESPONSE)
		return true;
	if (!strict_sure(s, bytes))
		return false;
	if (!t->changed)
		return true;
	t->changed = false;
	strict_spoil(s, o->portal->judged);
	strict_refused(s, o->portal->judged->text, "a reviewed function was changed while it ran", NULL);
	strict_rows_failed(s, strict_head(t), "0A000");
	if (s->state == GATE_RELAY)
		strict_cut(s, strict_error("0A000", "ask again", "the database's catalogue was changed while a reviewed function ran, so its answer is not given out"), false);
	return s->state == GATE_RELAY;
}

void
gate_strict_on_server(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	struct wire_header h;
	struct base_fail fail;

	t->small = false; /* the server's answer is in down from here on */
	while (s->state == GATE_RELAY) {
		struct base_span have = base_buf_span(&t->back);
		int rc = wire_frame_header(WIRE_B, have, &h, &fail);
		if (rc < 0) {
			strict_protocol(s, fail.text);
			return;
		}
		if (rc == 1 && h.len > GATE_STRICT_RAW) {
			strict_too_long(s);
			return;
		}
		if (rc == 0 || have.n - WIRE_HEADER < h.len)
			break;
		strict_settle_says(s);
		if (!reviewed(s, h.type, WIRE_HEADER + h.len) || !strict_explained(s, h.type, base_span(have.p + WIRE_HEADER, h.len)))
			break;
		if (s->state != GATE_RELAY)
			return;
		one(s, h.type, base_span(have.p + WIRE_HEADER, h.len));
		if (s->state == GATE_RELAY)
			base_buf_consume(&t->back, WIRE_HEADER + h.len);
		t->sure -= t->sure < WIRE_HEADER + h.len ? t->sure : WIRE_HEADER + h.len;
		if (s->down.bad) {
			gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the answer");
			return;
		}
	}
	if (s->state != GATE_RELAY)
		return;
	strict_rows_part(s);
	gate_session_say(s);
	gate_strict_on_client(s);
	if (s->state == GATE_RELAY && t->owed_count == 0) { /* what a large answer or request needed is not kept by an idle session */
		if (base_buf_len(&t->back) == 0 && t->back.cap > GATE_READ_FIRST)
			base_buf_trim(&t->back);
		if (base_buf_len(&t->in) == 0 && t->in.cap > GATE_READ_FIRST)
			base_buf_trim(&t->in);
	}
}
