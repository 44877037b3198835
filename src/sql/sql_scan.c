/* sql_scan: see sql_scan.h.
 *
 * Input: hostile statement text. What a token is, only libpg_query's scanner says (it is PostgreSQL's own scan.l); this file joins its
 * tokens and never looks for quotes or comments by itself, but for the end of U&'..' (scan_emit) and the value inside a token (sql_scan_value).
 * The scanner's result is a protobuf message of two levels; it is read in place, without the object per token that the unpacker of
 * protobuf-c would allocate: this is the gate's hot path. Every offset is checked against the text. No I/O, no parsing of SQL.
 */
#include "sql_scan.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "sql_scan_int.h"

#define SCAN_NORM_MAX (2 * (size_t)SQL_TEXT_MAX) /* a token of one byte needs two: itself and the space */

void
sql_scan_init(struct sql_scan *s)
{
	*s = (struct sql_scan){.literal = NULL};
	base_buf_init(&s->norm, SCAN_NORM_MAX);
}

void
sql_scan_done(struct sql_scan *s)
{
	base_buf_done(&s->norm);
	free(s->literal);
	*s = (struct sql_scan){.literal = NULL};
}

static uint64_t
scan_varint(struct base_cursor *c)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = base_cursor_u8(c);
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true; /* more than ten bytes */
	return 0;
}

/* One ScanToken of pg_query.proto: start = 1, end = 2, token = 4, keyword_kind = 5; all varints, zero ones left out. */
static struct sql_token
scan_read_token(struct base_cursor *c)
{
	struct sql_token t = {0, 0, 0};
	struct base_cursor in = base_cursor(base_cursor_take(c, (size_t)scan_varint(c)));
	while (base_cursor_ok(c) && in.left > 0) {
		uint64_t tag = scan_varint(&in);
		uint64_t v = scan_varint(&in); /* every field is a varint (wire type 0) */
		switch (tag) {
		case 1 << 3: t.start = v; break;
		case 2 << 3: t.end = v; break;
		case 4 << 3: t.kind = v; break;
		case 5 << 3: break;
		default: in.bad = true;
		}
		if (!base_cursor_ok(&in))
			c->bad = true;
	}
	return t;
}

static bool
scan_is_literal(uint64_t kind)
{
	return kind == PG_QUERY__TOKEN__SCONST || kind == PG_QUERY__TOKEN__USCONST || kind == PG_QUERY__TOKEN__BCONST ||
	       kind == PG_QUERY__TOKEN__XCONST || kind == PG_QUERY__TOKEN__ICONST || kind == PG_QUERY__TOKEN__FCONST;
}

static bool
scan_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; /* scan.l's {space}; \v is not in it before 16 */
}

static int
scan_add_literal(struct sql_scan *s, struct sql_token t)
{
	if (s->nliterals == s->cap) {
		if (s->cap == SQL_LITERALS_MAX)
			return GH_E_LIMIT;
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;
		struct sql_literal *more = base_mem_grow(s->literal, cap, sizeof(*more));
		if (!more)
			return GH_E_NOMEM;
		s->literal = more;
		s->cap = cap;
	}
	s->literal[s->nliterals++] = (struct sql_literal){(uint32_t)t.start, (uint32_t)(t.end - t.start)};
	return 0;
}

/* `limit` is where the next token starts, or the length of the text. */
static int
scan_emit(struct sql_scan *s, struct base_span text, struct sql_token t, size_t limit)
{
	if (t.kind == PG_QUERY__TOKEN__SQL_COMMENT || t.kind == PG_QUERY__TOKEN__C_COMMENT)
		return 0;
	/* The library reports U&'..' and U&".." with an end inside the prefix. Comments are tokens too, so what lies between this start
	 * and the next token is this token and white space. */
	if (t.kind == PG_QUERY__TOKEN__USCONST || t.kind == PG_QUERY__TOKEN__UIDENT) {
		t.end = limit;
		while (t.end > t.start && scan_is_space(text.p[t.end - 1]))
			t.end--;
	}
	if (t.start >= t.end || t.end > limit)
		return GH_E_PARSE;
	if (base_buf_len(&s->norm) > 0)
		base_buf_u8(&s->norm, ' ');
	if (scan_is_literal(t.kind)) {
		base_buf_u8(&s->norm, '?');
		return scan_add_literal(s, t);
	}
	struct base_span token = base_span(text.p + t.start, (size_t)(t.end - t.start));
	if (base_span_is(token, "?"))
		base_buf_str(&s->norm, "OPERATOR(?)"); /* one word: real tokens of this spelling have spaces between */
	else
		base_buf_put(&s->norm, token);
	return 0;
}

/* Field 1 is the version, field 2 (length-delimited) a token. */
int
sql_scan_next(struct base_cursor *c, size_t text_len, struct sql_token *t_r)
{
	while (c->left > 0 && base_cursor_ok(c)) {
		uint64_t tag = scan_varint(c);
		if (tag == (1 << 3)) {
			(void)scan_varint(c); /* the version of the server's grammar: of no use here */
			continue;
		}
		if (tag != (2 << 3 | 2))
			return GH_E_PARSE;
		struct sql_token t = scan_read_token(c);
		if (!base_cursor_ok(c) || t.start > text_len)
			return GH_E_PARSE;
		*t_r = t;
		return 1;
	}
	return base_cursor_done(c) ? 0 : GH_E_PARSE;
}

static int
scan_tokens(struct sql_scan *s, struct base_span text, struct base_span message)
{
	struct base_cursor c = base_cursor(message);
	struct sql_token last = {0, 0, 0}, t = {0, 0, 0};
	bool have = false;
	int err = 0, got = 0;
	while (err == 0 && (got = sql_scan_next(&c, text.n, &t)) == 1) {
		if (have && t.start < last.start)
			return GH_E_PARSE;
		if (have)
			err = scan_emit(s, text, last, (size_t)t.start);
		last = t;
		have = true;
	}
	if (err == 0)
		err = got;
	if (err == 0 && have)
		err = scan_emit(s, text, last, text.n);
	if (err == 0 && s->norm.bad)
		err = GH_E_LIMIT;
	return err;
}

int
sql_scan_refused(struct base_fail *fail, const char *what, const char *message)
{
	char quoted[256];
	const char *near = strstr(message, " at or near ");
	struct base_span known = near ? base_span(message, (size_t)(near - message)) : base_span_str(message);
	return base_fail_set(fail, GH_E_PARSE, "statement cannot be %s: %s", what, base_text_quote(quoted, sizeof(quoted), known, 200));
}

int
sql_scan_text(struct sql_scan *s, struct base_span text, struct base_fail *fail)
{
	base_buf_clear(&s->norm);
	s->nliterals = 0;
	if (text.n > SQL_TEXT_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "statement of %zu bytes is longer than %u bytes", text.n, SQL_TEXT_MAX);
	if (text.n == 0)
		return 0;
	if (memchr(text.p, 0, text.n) || !base_text_utf8(text))
		return base_fail_set(fail, GH_E_PARSE, "statement is not valid UTF-8");

	/* The library wants a NUL at the end; norm is free until the tokens come. */
	base_buf_put(&s->norm, text);
	base_buf_u8(&s->norm, 0);
	if (s->norm.bad) {
		base_buf_clear(&s->norm);
		return base_fail_set(fail, GH_E_NOMEM, "out of memory for a statement of %zu bytes", text.n);
	}
	PgQueryScanResult scan = pg_query_scan((const char *)base_buf_span(&s->norm).p);
	base_buf_clear(&s->norm);
	int err;
	if (scan.error) {
		err = sql_scan_refused(fail, "scanned", scan.error->message);
	} else {
		err = scan_tokens(s, text, base_span(scan.pbuf.data, scan.pbuf.len));
		if (err == GH_E_LIMIT)
			err = base_fail_set(fail, err, "statement has more than %u literals or too many tokens", SQL_LITERALS_MAX);
		else if (err != 0)
			err = base_fail_set(fail, err, "statement cannot be scanned");
	}
	pg_query_free_scan_result(scan);
	if (err != 0) {
		base_buf_clear(&s->norm);
		s->nliterals = 0;
	}
	return err;
}

/* 'it''s' -> it's. A literal may go on behind white space with a newline ('a' \n 'b'). The server allows comments there too, but the
 * library does not: it makes two literals of these, and its parser refuses the statement. */
static int
scan_quoted(struct base_cursor *c, struct base_buf *out)
{
	struct base_span piece;
	for (;;) {
		if (!base_cursor_until(c, '\'', &piece))
			return GH_E_PARSE;
		base_buf_put(out, piece);
		if (c->left == 0)
			return 0;
		if (*c->p == '\'') {
			base_buf_u8(out, base_cursor_u8(c));
			continue;
		}
		for (uint8_t byte = base_cursor_u8(c); byte != '\''; byte = base_cursor_u8(c)) {
			if (!base_cursor_ok(c) || !scan_is_space(byte))
				return GH_E_PARSE;
		}
	}
}

/* $tag$ body $tag$: the body is raw. */
static int
scan_dollar(struct base_cursor *c, struct base_buf *out)
{
	struct base_span tag;
	if (!base_cursor_until(c, '$', &tag) || c->left < tag.n + 2)
		return GH_E_PARSE;
	base_buf_put(out, base_cursor_take(c, c->left - (tag.n + 2)));
	return 0;
}

int
sql_scan_value(struct base_span token, struct base_buf *out)
{
	if (token.n == 0)
		return GH_E_PARSE;
	struct base_cursor c = base_cursor(token);
	uint8_t first = *c.p;
	int err = 0;
	if ((first >= '0' && first <= '9') || first == '.') {
		base_buf_put(out, token);
	} else if (first == '\'') {
		(void)base_cursor_u8(&c);
		err = scan_quoted(&c, out);
	} else if (first == '$') {
		(void)base_cursor_u8(&c);
		err = scan_dollar(&c, out);
	} else {
		err = GH_E_UNSUPPORTED;
	}
	if (err == 0 && out->bad)
		err = GH_E_LIMIT;
	return err;
}
