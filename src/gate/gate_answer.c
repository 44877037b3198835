/* gate_answer: reads the server's messages in place (documentation 55.2.2 to 55.2.8). Input: hostile server: each message must fit
 * the request at the head of the queue, or the session ends. Rows of protected relations become marks (gate_rows.c) and entries
 * (gate_record.c); this file decides nothing about what may leave: `observe` records.
 */
#include "gate_answer.h"

#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_text.h"
#include "gate_begin.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_track.h"
#include "gate_worker.h"
#include "wire_read.h"

static int
protocol(struct gate_session *s, const char *what)
{
	struct gate_pend *head = gate_track_head(&s->track);

	base_log_warn("session %s: the server broke the protocol: %s (request at the head of the queue: %d)", s->id, what, head ? (int)head->kind : -1);
	gate_session_end(s, GATE_END_SERVER_PROTOCOL, "08P01", NULL, "the database broke the protocol: %s", what);
	return -1;
}

static bool
is(const struct gate_pend *p, enum gate_pend_kind kind)
{
	return p && p->kind == kind;
}

static void
open_here(struct gate_session *s)
{
	if (s->scan < s->open_at)
		s->open_at = s->scan;
}

/* A Sync that the server may have ignored is forgotten as soon as the server answers what came behind it. */
static void
lay_ghosts(struct gate_track *t, uint8_t type)
{
	struct gate_pend *p;

	if (type == WIRE_B_READY_FOR_QUERY || type == WIRE_B_NOTICE_RESPONSE || type == WIRE_B_PARAMETER_STATUS || type == WIRE_B_NOTIFICATION_RESPONSE)
		return;
	while ((p = gate_track_head(t)) != NULL && p->ghost && t->pends.count > 1)
		gate_track_pop(t);
}

/* ---- confirmations ---- */

static void
bound(struct gate_session *s, struct gate_pend *p)
{
	struct gate_statement *st = gate_track_statement(&s->track, p->name);

	if (st) {
		st->refs++;
		p->bound->statement = st;
	}
	gate_track_install_portal(&s->track, p->portal, p->bound);
	p->bound = NULL;
}

static void
parsed(struct gate_session *s, struct gate_pend *p)
{
	gate_track_install_statement(&s->track, p->name, p->statement);
	p->statement = NULL;
}

static struct gate_statement *
described_statement(struct gate_session *s, const struct gate_pend *p)
{
	if (p->what == 'S')
		return gate_track_statement(&s->track, p->name);
	struct gate_portal *portal = gate_track_portal(&s->track, p->name);
	return portal ? portal->statement : NULL;
}

/* Answer to a Describe: RowDescription (d) or NoData (NULL). */
static void
note_description(struct gate_session *s, struct gate_pend *p, struct gate_describe *d)
{
	struct gate_statement *st = described_statement(s, p);

	if (!st) {
		gate_describe_unref(&d);
		return;
	}
	gate_describe_unref(&st->describe);
	st->describe = d;
	st->described = true;
}

static int
parameter_types(struct gate_session *s, struct base_span payload)
{
	struct gate_pend *p = gate_track_head(&s->track);
	struct base_cursor c = base_cursor(payload);

	if (!is(p, GATE_PEND_DESCRIBE) || p->what != 'S')
		return protocol(s, "ParameterDescription was not asked for");
	uint16_t n = base_cursor_u16(&c);
	if (!base_cursor_ok(&c) || c.left != (size_t)n * 4)
		return protocol(s, "ParameterDescription is malformed");
	struct gate_statement *st = gate_track_statement(&s->track, p->name);
	if (st) {
		free(st->types);
		st->ntypes = n < GATE_TYPES_KEEP ? n : GATE_TYPES_KEEP;
		st->types = base_mem_new((size_t)st->ntypes + 1, sizeof(uint32_t));
		for (uint16_t i = 0; i < st->ntypes; i++)
			st->types[i] = base_cursor_u32(&c);
	}
	return 0;
}

/* Takes the message at the scan point out of the stream: it answers the gate, not the client. */
static void
take_out(struct gate_session *s, size_t size)
{
	size_t at = s->down.start + (size_t)(s->scan - s->down_base);

	memmove(s->down.mem + at, s->down.mem + at + size, s->down.end - at - size);
	s->down.end -= size;
}

/* 1: taken out of the stream. */
static int
row_description(struct gate_session *s, struct base_span payload, size_t size)
{
	struct gate_pend *p = gate_track_head(&s->track);
	struct gate_describe *d = NULL;
	struct base_fail fail;

	if (gate_describe_read(payload, &d, &fail) < 0)
		return protocol(s, fail.text);
	if (is(p, GATE_PEND_DESCRIBE)) {
		bool mine = p->mine;
		note_description(s, p, d);
		gate_track_pop(&s->track);
		if (mine)
			take_out(s, size);
		return mine;
	}
	if (!is(p, GATE_PEND_QUERY) || s->track.answer.begun) {
		gate_describe_unref(&d);
		return protocol(s, "RowDescription was not asked for");
	}
	int rc = gate_begin_query(s, p, d);
	gate_describe_unref(&d);
	return rc;
}

static int
no_data(struct gate_session *s, size_t size)
{
	struct gate_pend *p = gate_track_head(&s->track);

	if (!is(p, GATE_PEND_DESCRIBE))
		return protocol(s, "NoData was not asked for");
	bool mine = p->mine;
	note_description(s, p, NULL);
	gate_track_pop(&s->track);
	if (mine)
		take_out(s, size);
	return mine;
}

/* ---- the end of an answer ---- */

/* PREPARE, DECLARE and their opposites change names when they have succeeded. */
static void
remember_names(struct gate_session *s, const struct gate_answer *a)
{
	const struct sql_statement *st = gate_text_statement(a->text, a->k);

	if (!st)
		return;
	char *name = st->name.n ? base_mem_str(st->name) : NULL;
	struct gate_portal *cursor;
	switch (st->class) {
	case SQL_PREPARE:
		gate_text_ref(a->text);
		gate_track_install_statement(&s->track, name, gate_statement_new(a->text, a->k));
		break;
	case SQL_DECLARE:
		cursor = base_mem_new(1, sizeof(*cursor));
		gate_text_ref(a->text);
		cursor->statement = gate_statement_new(a->text, a->k);
		gate_track_install_cursor(&s->track, st->name, cursor);
		break;
	case SQL_DEALLOCATE:
		if (name)
			gate_track_remove_statement(&s->track, name);
		else if (s->track.statements)
			base_map_clear(s->track.statements);
		break;
	case SQL_CLOSE:
		if (name) {
			gate_track_remove_portal(&s->track, name);
		} else {
			base_map_free(&s->track.cursors);
			base_map_free(&s->track.portals);
		}
		break;
	default:
		break;
	}
	free(name);
}

/* The answer of the statement or portal at the head has ended (CommandComplete, PortalSuspended, EmptyQueryResponse). */
static int
complete(struct gate_session *s, uint8_t type, struct base_span payload)
{
	struct gate_track *t = &s->track;
	struct gate_answer *a = &t->answer;
	struct gate_pend *p = gate_track_head(t);
	struct wire_tag tag = {0};
	struct base_fail fail;

	if (!is(p, GATE_PEND_QUERY) && !is(p, GATE_PEND_EXECUTE))
		return protocol(s, "CommandComplete was not asked for");
	if (type == WIRE_B_COMMAND_COMPLETE && wire_read_tag(payload, &tag, &fail) < 0)
		return protocol(s, fail.text);
	if (type != WIRE_B_EMPTY_QUERY_RESPONSE && !a->begun && gate_begin_silent(s, p) < 0)
		return -1;
	if (a->touched) {
		if (a->parts == 0 && a->tuples.rows == 0 && tag.has_rows && (a->touch && a->touch->written))
			a->tuples.rows = tag.rows; /* a write without RETURNING: the tag counts */
		else if (a->copy && !a->copy_known && a->parts == 0 && tag.has_rows)
			a->tuples.rows = tag.rows; /* binary COPY has a header and a trailer among its messages */
		open_here(s);
		gate_record_part(s, type != WIRE_B_PORTAL_SUSPENDED);
		if (s->state != GATE_RELAY)
			return -1;
	}
	if (type == WIRE_B_COMMAND_COMPLETE)
		remember_names(s, a);
	gate_worker_count(s->worker, PROC_COUNT_statements_total, 1);
	gate_answer_clear(a);
	t->copy_in = false;
	while ((p = gate_track_at(t, 1)) != NULL && p->ghost) /* COPY has read to its end: it has ignored them */
		gate_track_drop(t, 1);
	p = gate_track_at(t, 0);
	if (p->kind == GATE_PEND_EXECUTE)
		gate_track_pop(t);
	else
		t->query_at++;
	return 0;
}

/* An error: of a statement that touched protected relations it is recorded, and held, like its rows. */
static int
error(struct gate_session *s, struct base_span payload)
{
	struct gate_track *t = &s->track;
	struct gate_answer *a = &t->answer;
	struct gate_pend *p = gate_track_head(t);
	struct wire_error e = {0};
	struct base_fail fail;

	if (payload.n > 0 && wire_read_error(payload, &e, &fail) < 0)
		return protocol(s, fail.text);
	s->server_fatal = base_span_is(e.severity, "FATAL") || base_span_is(e.severity, "PANIC");
	if (!a->begun && (is(p, GATE_PEND_QUERY) || is(p, GATE_PEND_EXECUTE)) && gate_begin_failed(s, p) < 0)
		return -1;
	if (a->touched) {
		size_t n = e.sqlstate.n < sizeof(s->sqlstate) - 1 ? e.sqlstate.n : sizeof(s->sqlstate) - 1;
		memcpy(s->sqlstate, e.sqlstate.p ? e.sqlstate.p : (const uint8_t *)"", n);
		s->sqlstate[n] = '\0';
		open_here(s);
		gate_record_part(s, true);
		if (s->state != GATE_RELAY)
			return -1;
		s->sqlstate[0] = '\0';
	}
	gate_answer_clear(a);
	t->copy_in = false;
	if (!p || p->kind == GATE_PEND_QUERY || p->kind == GATE_PEND_SYNC || p->kind == GATE_PEND_FUNCTION)
		return 0;
	/* In the extended protocol the server now skips to the next Sync (documentation 55.2.3). */
	while ((p = gate_track_at(t, 0)) != NULL && p->kind != GATE_PEND_SYNC)
		gate_track_pop(t);
	t->skipping = p == NULL || p->ghost;
	return 0;
}

static int
ready(struct gate_session *s, struct base_span payload)
{
	struct gate_track *t = &s->track;
	struct gate_pend *p = gate_track_head(t);

	if (!is(p, GATE_PEND_QUERY) && !is(p, GATE_PEND_SYNC) && !is(p, GATE_PEND_FUNCTION))
		return protocol(s, "ReadyForQuery was not asked for");
	if (t->answer.begun)
		return protocol(s, "ReadyForQuery in the middle of an answer");
	if (payload.p[0] != 'I' && payload.p[0] != 'T' && payload.p[0] != 'E')
		return protocol(s, "ReadyForQuery has an unknown status");
	if (p->kind == GATE_PEND_QUERY) { /* a simple query ends the unnamed statement and portal */
		gate_track_remove_statement(t, NULL);
		gate_track_remove_portal(t, NULL);
	}
	bool ghost = p->ghost;
	gate_track_pop(t);
	if (ghost && (p = gate_track_head(t)) != NULL && p->kind == GATE_PEND_SYNC)
		p->ghost = true; /* which of the two this was for cannot be told: the next message will */
	t->skipping = false;
	t->query_at = 0;
	t->status = (char)payload.p[0];
	if (t->status == 'I')
		gate_track_transaction_end(t);
	s->cancel_sent = false;
	s->busy_us = base_loop_now_us(s->worker->loop);
	if (s->worker->stopping)
		gate_session_shutdown(s, false);
	return 0;
}

/* ---- COPY ---- */

static int
copy_out(struct gate_session *s)
{
	struct gate_pend *p = gate_track_head(&s->track);

	if ((!is(p, GATE_PEND_QUERY) && !is(p, GATE_PEND_EXECUTE)) || s->track.answer.begun)
		return protocol(s, "CopyOutResponse was not asked for");
	return gate_begin_copy(s, p);
}

static int
copy_in(struct gate_session *s)
{
	struct gate_track *t = &s->track;
	struct gate_pend *p = gate_track_head(t), *next;

	if ((!is(p, GATE_PEND_QUERY) && !is(p, GATE_PEND_EXECUTE)) || t->answer.begun)
		return protocol(s, "CopyInResponse was not asked for");
	if (gate_begin_silent(s, p) < 0)
		return -1;
	/* In COPY the server ignores Sync, if it comes to read it: a COPY may also fail before. Any other request but the end of the data it
	 * takes for an error and forgets. */
	t->copy_in = true;
	t->answer.copy_in = true;
	for (size_t i = 1; (next = gate_track_at(t, i)) != NULL; i++) {
		if (next->kind == GATE_PEND_SYNC) {
			next->ghost = true;
			continue;
		}
		t->copy_in = false;
		if (next->kind != GATE_PEND_COPY_END)
			gate_track_drop(t, i);
		break;
	}
	return 0;
}

static int
function_result(struct gate_session *s)
{
	struct gate_pend *p = gate_track_head(&s->track);

	if (!is(p, GATE_PEND_FUNCTION))
		return protocol(s, "FunctionCallResponse was not asked for");
	return gate_begin_function(s, p);
}

/* ---- rows ---- */

static bool
carries_rows(uint8_t type)
{
	return type == WIRE_B_DATA_ROW || type == WIRE_B_COPY_DATA;
}

static int
row_begin(struct gate_session *s, uint8_t type)
{
	struct gate_answer *a = &s->track.answer;

	if (!a->begun)
		lay_ghosts(&s->track, type);
	struct gate_pend *p = gate_track_head(&s->track);
	if (!a->begun && type == WIRE_B_DATA_ROW && is(p, GATE_PEND_EXECUTE) && gate_begin_silent(s, p) < 0)
		return -1;
	if (!a->begun || a->copy_in || a->copy != (type == WIRE_B_COPY_DATA))
		return protocol(s, type == WIRE_B_COPY_DATA ? "CopyData outside of COPY" : "DataRow was not asked for");
	if (a->touched) {
		open_here(s);
		a->mid_row = true;
		if (!a->copy)
			gate_row_begin(&a->row);
	}
	return 0;
}

static void
row_end(struct gate_session *s, struct gate_answer *a, uint64_t chunk)
{
	bool ok = true;

	a->mid_row = false;
	if (a->copy) {
		if (a->copy_known) {
			gate_copy_end(&a->copying, &a->tuples);
		} else {
			a->tuples.rows++;
			a->tuples.lost++;
		}
	} else if (a->plan.nsubjects == 0 || !a->plan_known) {
		a->tuples.rows++;
	} else if (a->row.phase == GATE_ROW_DONE && a->row.next == a->plan.nsubjects) {
		a->tuples.lost += a->row.lost;
		ok = gate_tuples_add(&a->tuples, a->row.tuple, 0);
	} else { /* fewer fields than its description said */
		a->tuples.rows++;
		a->tuples.lost++;
	}
	if (s->giant_to == UINT64_MAX) { /* its first pieces are recorded and may be gone: hold what came last */
		if (chunk < s->open_at)
			s->open_at = chunk;
	}
	if (!ok)
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the record of the answer");
	else if (a->tuples.width > 0 && a->tuples.count >= GATE_RECORD_MARKS / a->tuples.width)
		gate_record_part(s, false);
}

/* A piece of a DataRow's or CopyData's payload; end: the message ends with it. */
static int
row_piece(struct gate_session *s, struct base_span piece, bool end)
{
	struct gate_answer *a = &s->track.answer;

	if (!a->touched)
		return 0;
	if (a->copy && a->copy_known) {
		if (!gate_copy_feed(&a->copying, &a->plan, a->marker, piece, &a->tuples)) {
			gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the record of the answer");
			return -1;
		}
	} else if (!a->copy && a->plan_known && a->plan.nsubjects > 0) {
		(void)gate_row_feed(&a->row, &a->plan, a->marker, piece, true); /* what it leaves is behind the last subject column */
	}
	if (end)
		row_end(s, a, s->scan);
	return s->state == GATE_RELAY ? 0 : -1;
}

/* ---- the scan ---- */

static int
status(struct gate_session *s, struct base_span payload)
{
	struct wire_status st;
	struct base_fail fail;

	if (wire_read_parameter_status(payload, &st, &fail) < 0)
		return protocol(s, fail.text);
	if (base_span_is(st.name, "application_name")) {
		free(s->application);
		s->application = base_mem_str(st.value);
	}
	return 0;
}

static int
confirm(struct gate_session *s, uint8_t type)
{
	static const struct { uint8_t type; enum gate_pend_kind kind; } pairs[] = {
		{WIRE_B_PARSE_COMPLETE, GATE_PEND_PARSE}, {WIRE_B_BIND_COMPLETE, GATE_PEND_BIND}, {WIRE_B_CLOSE_COMPLETE, GATE_PEND_CLOSE},
	};
	struct gate_pend *p = gate_track_head(&s->track);

	for (size_t i = 0; i < BASE_COUNT(pairs); i++)
		if (pairs[i].type == type && !is(p, pairs[i].kind))
			return protocol(s, wire_frame_name(WIRE_B, type));
	if (type == WIRE_B_PARSE_COMPLETE)
		parsed(s, p);
	else if (type == WIRE_B_BIND_COMPLETE)
		bound(s, p);
	else if (p->what == 'S')
		gate_track_remove_statement(&s->track, p->name);
	else
		gate_track_remove_portal(&s->track, p->name);
	gate_track_pop(&s->track);
	return 0;
}

/* A whole message. 0, 1 when it was taken out of the stream, -1 when the session was ended. */
static int
whole(struct gate_session *s, uint8_t type, struct base_span payload)
{
	lay_ghosts(&s->track, type);
	switch (type) {
	case WIRE_B_PARSE_COMPLETE:
	case WIRE_B_BIND_COMPLETE:
	case WIRE_B_CLOSE_COMPLETE: return confirm(s, type);
	case WIRE_B_ROW_DESCRIPTION: return row_description(s, payload, WIRE_HEADER + payload.n);
	case WIRE_B_NO_DATA: return no_data(s, WIRE_HEADER + payload.n);
	case WIRE_B_PARAMETER_DESCRIPTION: return parameter_types(s, payload);
	case WIRE_B_COMMAND_COMPLETE:
	case WIRE_B_EMPTY_QUERY_RESPONSE:
	case WIRE_B_PORTAL_SUSPENDED: return complete(s, type, payload);
	case WIRE_B_ERROR_RESPONSE: return error(s, payload);
	case WIRE_B_READY_FOR_QUERY: return ready(s, payload);
	case WIRE_B_COPY_OUT_RESPONSE: return copy_out(s);
	case WIRE_B_COPY_IN_RESPONSE: return copy_in(s);
	case WIRE_B_COPY_DONE:
		return s->track.answer.copy ? 0 : protocol(s, "CopyDone outside of COPY");
	case WIRE_B_FUNCTION_CALL_RESPONSE: return function_result(s);
	case WIRE_B_PARAMETER_STATUS: return status(s, payload);
	case WIRE_B_NOTICE_RESPONSE:
	case WIRE_B_NOTIFICATION_RESPONSE: return 0;
	default: return protocol(s, wire_frame_name(WIRE_B, type));
	}
}

/* A message that is longer than the buffer, and no row: only its kind counts; its bytes stream by. */
static int
oversize(struct gate_session *s, uint8_t type)
{
	struct gate_pend *p = gate_track_head(&s->track);

	switch (type) {
	case WIRE_B_ERROR_RESPONSE: return error(s, base_span(NULL, 0));
	case WIRE_B_NOTICE_RESPONSE:
	case WIRE_B_PARAMETER_DESCRIPTION: /* its types stay untold; Bind's formats still say how to read */
	case WIRE_B_PARAMETER_STATUS: return 0;
	case WIRE_B_FUNCTION_CALL_RESPONSE: return function_result(s);
	default:
		return protocol(s, p && p->mine ? "the answer to the gate's own Describe is longer than hold_size" : "message is longer than hold_size");
	}
}

/* The end of what has arrived: complete rows go to the keeper now, so that nobody waits for more than is needed. */
static void
end_of_pass(struct gate_session *s)
{
	struct gate_answer *a = &s->track.answer;

	if (s->state != GATE_RELAY || !a->touched || s->open_at == UINT64_MAX)
		return;
	if (a->tuples.rows > 0) {
		gate_record_part(s, false);
		if (s->state == GATE_RELAY && a->mid_row && s->down_left > 0)
			s->open_at = s->down_at; /* the row that has begun stays held from its first byte */
	}
	if (s->state == GATE_RELAY && a->mid_row && s->giant_to != UINT64_MAX && s->open_at == s->down_base && base_buf_len(&s->down) >= s->down.max) {
		s->giant_from = s->down_base;
		s->giant_to = UINT64_MAX;
		gate_record_giant(s);
	}
}

static int
stream(struct gate_session *s, struct base_span have)
{
	size_t n = s->down_left < have.n ? (size_t)s->down_left : have.n;
	bool end = n == s->down_left;

	s->down_left -= n;
	if (carries_rows(s->down_type) && row_piece(s, base_span(have.p, n), end) < 0)
		return -1;
	s->scan += n;
	if (end && s->giant_to == UINT64_MAX)
		s->giant_to = s->scan;
	return 0;
}

/* Whole rows of an answer that touches nothing: passed by, a header at a time. Returns how many there were. */
static int64_t
skip_rows(struct gate_session *s, struct base_span have)
{
	const struct gate_answer *a = &s->track.answer;
	uint8_t type = a->copy ? WIRE_B_COPY_DATA : WIRE_B_DATA_ROW;
	uint32_t least = a->copy ? 0 : 2;
	struct base_cursor c = base_cursor(have);
	int64_t rows = 0;

	while (c.left >= WIRE_HEADER && c.p[0] == type) {
		struct base_cursor next = c;
		(void)base_cursor_u8(&next);
		uint32_t word = base_cursor_u32(&next);
		if (word < 4 + least || word - 4 > next.left)
			break; /* not whole, or not right: the usual way finds out */
		(void)base_cursor_take(&next, word - 4);
		c = next;
		rows++;
	}
	s->scan += have.n - c.left;
	return rows;
}

void
gate_answer_scan(struct gate_session *s)
{
	struct wire_header h;
	struct base_fail fail;
	int64_t rows = 0;

	while (s->state == GATE_RELAY) {
		struct base_span all = base_buf_span(&s->down);
		size_t off = (size_t)(s->scan - s->down_base);
		struct base_span have = base_span(all.p + off, all.n - off);
		if (have.n == 0)
			break;
		if (s->down_left > 0) {
			if (stream(s, have) < 0)
				break;
			continue;
		}
		if (s->track.answer.begun && !s->track.answer.touched && !s->track.answer.copy_in) {
			int64_t skipped = skip_rows(s, have);
			rows += skipped;
			if (skipped > 0)
				continue;
		}
		int rc = wire_frame_header(WIRE_B, have, &h, &fail);
		if (rc <= 0) {
			if (rc < 0)
				(void)protocol(s, fail.text); /* the session has ended */
			break;
		}
		size_t there = have.n - WIRE_HEADER;
		bool is_row = carries_rows(h.type);
		if (is_row) {
			if (row_begin(s, h.type) < 0)
				break;
			rows++;
			if (there >= h.len) { /* the usual case */
				if (row_piece(s, base_span(have.p + WIRE_HEADER, h.len), true) < 0)
					break;
				s->scan += WIRE_HEADER + h.len;
				continue;
			}
		} else if (there >= h.len) {
			if ((rc = whole(s, h.type, base_span(have.p + WIRE_HEADER, h.len))) < 0)
				break;
			if (rc == 0)
				s->scan += WIRE_HEADER + h.len;
			continue;
		} else if (h.len < s->down.max - WIRE_HEADER) {
			break; /* the rest will fit */
		} else if (oversize(s, h.type) < 0) {
			break;
		}
		s->down_at = s->scan;
		s->down_type = h.type;
		s->down_left = h.len;
		s->scan += WIRE_HEADER;
	}
	gate_worker_count(s->worker, PROC_COUNT_rows_total, rows);
	end_of_pass(s);
}
