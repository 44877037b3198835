/* gate_request: reads requests (documentation 55.2.2, 55.2.3). Input: hostile client. `observe` changes nothing and holds nothing back,
 * with one exception: before the Execute of a portal that was never described, whose rows could speak of subjects, a Describe of the
 * gate's own is put in; its answer is taken out again.
 */
#include "gate_request.h"

#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "gate_limit.h"
#include "gate_track.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

#define DESCRIBED_LOOK 256u /* requests on the way looked through; a Describe too many costs little */

/* Of a name that is not followed (gate_track.c) the beginning will do. */
static char *
keep_name(struct base_span name)
{
	return name.n ? base_mem_str(base_span(name.p, name.n <= GATE_NAME_MAX ? name.n : GATE_NAME_MAX + 1)) : NULL;
}

static bool
is_name(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int
protocol(struct gate_session *s, const char *text)
{
	gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", text);
	return -1;
}

/* Queues a request, unless the server will not look at it. NULL: not queued (not an error when the state says so). */
static struct gate_pend *
push(struct gate_session *s, enum gate_pend_kind kind)
{
	struct gate_track *t = &s->track;

	if (t->skipping) {
		if (kind != GATE_PEND_SYNC)
			return NULL;
		t->skipping = false;
	}
	bool ghost = t->copy_in && kind == GATE_PEND_SYNC; /* ignored in COPY (documentation 55.2.6), unless COPY has failed meanwhile */
	if (t->copy_in && !ghost && kind != GATE_PEND_COPY_END) {
		t->copy_in = false; /* the server takes it for an error and leaves COPY; it is not answered otherwise */
		return NULL;
	}
	t->half = kind != GATE_PEND_SYNC && kind != GATE_PEND_QUERY && kind != GATE_PEND_FUNCTION && kind != GATE_PEND_COPY_END;
	if (t->pends.count == 0)
		s->busy_us = base_loop_now_us(s->worker->loop);
	struct gate_pend *p = gate_track_push(t, kind);
	if (p)
		p->ghost = ghost;
	else
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for a request");
	return p;
}

static int
query(struct gate_session *s, struct base_span payload)
{
	struct wire_query q;
	struct base_fail fail;

	if (wire_read_query(payload, &q, &fail) < 0)
		return protocol(s, fail.text);
	struct gate_pend *p = push(s, GATE_PEND_QUERY);
	if (p) {
		p->text = gate_text_get(s->worker->texts, s->worker->world, q.text);
		gate_track_weigh(&s->track, p, 2 * q.text.n);
	}
	return 0;
}

static int
parse(struct gate_session *s, struct base_span payload)
{
	struct wire_parse m;
	struct base_fail fail;

	if (wire_read_parse(payload, &m, &fail) < 0)
		return protocol(s, fail.text);
	struct gate_pend *p = push(s, GATE_PEND_PARSE);
	if (!p)
		return 0;
	p->name = keep_name(m.name);
	p->statement = gate_statement_new(gate_text_get(s->worker->texts, s->worker->world, m.text), 0);
	gate_track_weigh(&s->track, p, 2 * m.text.n);
	if (m.ntypes > 0) {
		struct gate_statement *st = p->statement;
		struct base_cursor c = base_cursor(m.types);
		st->ntypes = m.ntypes < GATE_TYPES_KEEP ? m.ntypes : GATE_TYPES_KEEP;
		st->types = base_mem_new(st->ntypes, sizeof(uint32_t));
		for (uint16_t i = 0; i < st->ntypes; i++)
			st->types[i] = base_cursor_u32(&c);
		gate_track_weigh(&s->track, p, st->ntypes * sizeof(uint32_t));
	}
	return 0;
}

static struct base_span
keep_bytes(struct base_span s)
{
	if (s.n == 0)
		return base_span(NULL, 0);
	uint8_t *copy = base_mem_new(1, s.n);
	memcpy(copy, s.p, s.n);
	return base_span(copy, s.n);
}

static int
bind_request(struct gate_session *s, struct base_span payload)
{
	struct wire_bind m;
	struct base_fail fail;

	if (wire_read_bind(payload, &m, &fail) < 0)
		return protocol(s, fail.text);
	struct gate_pend *p = push(s, GATE_PEND_BIND);
	if (!p)
		return 0;
	p->name = keep_name(m.name);
	p->portal = keep_name(m.portal);
	p->bound = base_mem_new(1, sizeof(*p->bound));
	if (m.nresults <= GATE_COLUMNS_MAX) { /* more than any answer has columns: the server refuses it */
		p->bound->formats = keep_bytes(m.results);
		p->bound->nformats = m.nresults;
		p->bound->formats_known = true;
	}
	if (m.nparams > 0) {
		struct base_span kept = keep_bytes(base_span(payload.p, payload.n < GATE_BIND_KEEP ? payload.n : GATE_BIND_KEEP));
		p->bound->bind = (uint8_t *)(uintptr_t)kept.p;
		p->bound->bind_n = kept.n;
		p->bound->bind_whole = kept.n == payload.n;
	}
	gate_track_weigh(&s->track, p, p->bound->formats.n + p->bound->bind_n);
	return 0;
}

static int
target(struct gate_session *s, struct base_span payload, enum gate_pend_kind kind)
{
	struct wire_target m;
	struct base_fail fail;

	if (wire_read_target(payload, &m, &fail) < 0)
		return protocol(s, fail.text);
	struct gate_pend *p = push(s, kind);
	if (p) {
		p->what = m.what;
		p->name = keep_name(m.name);
	}
	return 0;
}

/* Could rows of this statement speak of subjects, so that their description matters? */
static bool
matters(const struct gate_statement *st)
{
	const struct sql_statement *sql = st ? gate_text_statement(st->text, st->k) : NULL;
	const struct gate_touch *touch = st ? gate_text_touch(st->text, st->k) : NULL;

	if (!sql || !touch || sql->class == SQL_EXECUTE || sql->class == SQL_FETCH)
		return true;
	return touch->nrelations > 0 || touch->unsure;
}

/* Will the rows of this portal come with a description that we know? Looks at the requests on the way first, newest first, then at
 * what is confirmed. A wrong no costs a Describe; a wrong yes makes the answer `unknown`, which it then is. */
static bool
described(struct gate_session *s, const char *portal)
{
	struct gate_track *t = &s->track;
	const char *statement = NULL;
	bool bound = false;
	size_t looked = 0;

	for (size_t i = t->pends.count; i-- > 0;) {
		if (++looked > DESCRIBED_LOOK)
			break; /* what is confirmed decides; a statement parsed anew that long ago is described on its own */
		const struct gate_pend *p = gate_track_at(t, i);
		if (!bound && p->kind == GATE_PEND_DESCRIBE && p->what == 'P' && is_name(p->name, portal))
			return true;
		if (!bound && p->kind == GATE_PEND_BIND && is_name(p->portal, portal)) {
			bound = true;
			statement = p->name;
		} else if (bound && p->kind == GATE_PEND_DESCRIBE && p->what == 'S' && is_name(p->name, statement)) {
			return true;
		} else if (bound && p->kind == GATE_PEND_PARSE && is_name(p->name, statement)) {
			return !matters(p->statement);
		}
	}
	const struct gate_statement *st;
	if (bound) {
		st = gate_track_statement(t, statement);
	} else {
		const struct gate_portal *p = gate_track_portal(t, portal);
		if (!p)
			return true; /* nothing to describe: the server says so itself, or it is a cursor of code's own and its rows are `unknown` */
		st = p->statement;
	}
	return st && (st->described || !matters(st));
}

/* Puts bytes of the gate's own in front of the request at up_scan. */
static bool
insert(struct gate_session *s, struct base_span bytes)
{
	if (!base_buf_reserve(&s->up, bytes.n)) {
		s->up.bad = false; /* no memory; nothing was put in: the request goes on without, and its answer is `unknown` */
		return false;
	}
	uint8_t *at = s->up.mem + s->up.start + s->up_scan;
	memmove(at + bytes.n, at, s->up.end - s->up.start - s->up_scan);
	memcpy(at, bytes.p, bytes.n);
	base_buf_commit(&s->up, bytes.n);
	s->up_scan += bytes.n;
	return true;
}

static bool
insert_describe(struct gate_session *s, struct base_span portal)
{
	struct base_buf m;

	base_buf_init(&m, 16384);
	wire_write_describe(&m, 'P', portal);
	struct gate_pend *p = !m.bad && insert(s, base_buf_span(&m)) ? push(s, GATE_PEND_DESCRIBE) : NULL;
	if (p) {
		p->mine = true;
		p->what = 'P';
	}
	base_buf_done(&m);
	return p != NULL;
}

/* No more requests are taken for now. The server may be keeping its answers until a Sync that is still behind them: a Flush makes it send
 * them (documentation 55.2.3), and the client sees them a little early. Once each time. */
static void
ask_for_answers(struct gate_session *s)
{
	struct base_buf m;

	if (s->track.flushed || !s->track.half) /* behind a Sync or a Query the server sends them anyway */
		return;
	base_buf_init(&m, 16);
	wire_write_message(&m, WIRE_F_FLUSH, base_span(NULL, 0));
	s->track.flushed = insert(s, base_buf_span(&m));
	base_buf_done(&m);
}

static int
execute(struct gate_session *s, struct base_span payload)
{
	struct wire_execute m;
	struct base_fail fail;

	if (wire_read_execute(payload, &m, &fail) < 0)
		return protocol(s, fail.text);
	if (s->track.skipping || s->track.copy_in) {
		(void)push(s, GATE_PEND_EXECUTE); /* keeps the book of what the server ignores */
		return 0;
	}
	char *name = keep_name(m.portal);
	if (!described(s, name)) {
		struct base_span portal = name ? base_span_str(name) : base_span("", 0);
		if (insert_describe(s, m.portal)) {
			struct gate_pend *d = gate_track_at(&s->track, s->track.pends.count - 1);
			d->name = name ? base_mem_str(portal) : NULL;
		}
	}
	struct gate_pend *p = s->state == GATE_RELAY ? push(s, GATE_PEND_EXECUTE) : NULL;
	if (p)
		p->name = name;
	else
		free(name);
	return 0;
}

static int
function_call(struct gate_session *s, struct base_span payload)
{
	struct wire_function_call m;
	struct base_fail fail;

	if (wire_read_function_call(payload, &m, &fail) < 0)
		return protocol(s, fail.text);
	struct gate_pend *p = push(s, GATE_PEND_FUNCTION);
	if (p)
		p->function = m.oid;
	return 0;
}

/* A whole request. 0, or -1 when the session was ended. */
static int
whole(struct gate_session *s, uint8_t type, struct base_span payload)
{
	switch (type) {
	case WIRE_F_QUERY: return query(s, payload);
	case WIRE_F_PARSE: return parse(s, payload);
	case WIRE_F_BIND: return bind_request(s, payload);
	case WIRE_F_DESCRIBE: return target(s, payload, GATE_PEND_DESCRIBE);
	case WIRE_F_CLOSE: return target(s, payload, GATE_PEND_CLOSE);
	case WIRE_F_EXECUTE: return execute(s, payload);
	case WIRE_F_SYNC: (void)push(s, GATE_PEND_SYNC); return 0;
	case WIRE_F_FUNCTION_CALL: return function_call(s, payload);
	case WIRE_F_COPY_DONE:
	case WIRE_F_COPY_FAIL:
		s->track.copy_in = false;
		(void)push(s, GATE_PEND_COPY_END);
		(void)gate_track_head(&s->track); /* of a COPY that is over already: forgotten at once */
		return 0;
	case WIRE_F_TERMINATE: s->terminate_seen = true; return 0;
	case WIRE_F_COPY_DATA:
	case WIRE_F_FLUSH: return 0;
	default: return protocol(s, "expected no such message now");
	}
}

/* A request longer than GATE_PREFIX: names are at its beginning, the text or the values stream by. */
static int
prefix(struct gate_session *s, uint8_t type, struct base_span have)
{
	struct base_cursor c = base_cursor(have);

	switch (type) {
	case WIRE_F_QUERY:
	case WIRE_F_PARSE: {
		struct base_span name = type == WIRE_F_PARSE ? base_cursor_cstr(&c) : base_span(NULL, 0);
		if (!base_cursor_ok(&c))
			return protocol(s, "Parse: the statement's name is too long");
		struct gate_pend *p = push(s, type == WIRE_F_QUERY ? GATE_PEND_QUERY : GATE_PEND_PARSE);
		if (!p)
			return 0;
		gate_text_unref(&s->big.text);
		s->big.text = gate_text_big(s->worker->world);
		if (!s->big.sha)
			s->big.sha = base_sha256_new();
		s->big.text_done = false;
		gate_text_ref(s->big.text);
		if (type == WIRE_F_QUERY) {
			p->text = s->big.text;
		} else {
			p->name = keep_name(name);
			p->statement = gate_statement_new(s->big.text, 0);
		}
		/* the name is not part of the text: the stream begins behind it */
		s->up_left -= have.n - c.left;
		s->up_scan += have.n - c.left;
		return 0;
	}
	case WIRE_F_BIND: {
		struct base_span portal = base_cursor_cstr(&c), name = base_cursor_cstr(&c);
		if (!base_cursor_ok(&c))
			return protocol(s, "Bind: a name is too long");
		struct gate_pend *p = push(s, GATE_PEND_BIND);
		if (!p)
			return 0;
		p->name = keep_name(name);
		p->portal = keep_name(portal);
		p->bound = base_mem_new(1, sizeof(*p->bound)); /* result formats are at the far end: not known */
		return 0;
	}
	case WIRE_F_FUNCTION_CALL: return function_call(s, base_span(have.p, 4));
	default: return protocol(s, "message is too long");
	}
}

/* Bytes of a long text that pass by: into its hash, up to the NUL. */
static void
stream(struct gate_session *s, struct base_span piece)
{
	if (!s->big.text)
		return;
	if (!s->big.text_done) {
		const uint8_t *nul = memchr(piece.p, 0, piece.n);
		base_sha256_add(s->big.sha, base_span(piece.p, nul ? (size_t)(nul - piece.p) : piece.n));
		s->big.text_done = nul != NULL;
	}
	if (s->up_left == piece.n) { /* the message ends here */
		uint8_t hash[BASE_SHA256_SIZE];
		struct base_buf hex;
		base_sha256_end(s->big.sha, hash);
		base_buf_init(&hex, 64);
		base_text_hex(&hex, base_span(hash, sizeof(hash)));
		memcpy(s->big.text->hash, base_buf_span(&hex).p, 64);
		base_buf_done(&hex);
		gate_text_unref(&s->big.text);
	}
}

void
gate_request_scan(struct gate_session *s)
{
	struct wire_header h;
	struct base_fail fail;

	s->up_stopped = false;
	while (s->state == GATE_RELAY && !s->terminate_seen) {
		struct base_span all = base_buf_span(&s->up);
		struct base_span have = base_span(all.p + s->up_scan, all.n - s->up_scan);
		if (have.n == 0)
			return;
		if (s->up_left > 0) {
			size_t n = s->up_left < have.n ? (size_t)s->up_left : have.n;
			stream(s, base_span(have.p, n));
			s->up_scan += n;
			s->up_left -= n;
			continue;
		}
		/* Room for what may have to be put in; else the server must first take what is ready. */
		s->up_stopped = s->up.max - all.n < GATE_UP_OWN / 2 && s->up_scan > 0;
		if (s->up_stopped)
			return;
		if (gate_track_full(&s->track)) {
			ask_for_answers(s);
			return;
		}
		s->track.flushed = false;
		int rc = wire_frame_header(WIRE_F, have, &h, &fail);
		if (rc == 0)
			return;
		if (rc < 0) {
			(void)protocol(s, fail.text); /* the session has ended */
			return;
		}
		size_t there = have.n - WIRE_HEADER;
		if (there >= h.len) {
			if (whole(s, h.type, base_span(have.p + WIRE_HEADER, h.len)) < 0)
				return;
			s->up_scan += WIRE_HEADER + h.len;
		} else if (h.type == WIRE_F_COPY_DATA || (h.len > GATE_PREFIX && there >= GATE_PREFIX)) {
			s->up_scan += WIRE_HEADER;
			s->up_left = h.len;
			if (h.type != WIRE_F_COPY_DATA && prefix(s, h.type, base_span(have.p + WIRE_HEADER, there)) < 0)
				return;
		} else {
			return;
		}
	}
}
