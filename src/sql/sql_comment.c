/* sql_comment: what a program says of a statement in its comments, after sqlcommenter.
 *
 * Input: hostile statement text. What a comment is, only libpg_query's scanner says: a quote, a dollar quote or a nested comment cannot
 * hide one or make one. Inside a comment the form is strict, so that a comment for people is never half understood:
 *
 *   comment = [blanks] pair { [blanks] "," [blanks] pair } [blanks]
 *   pair    = key "='" value "'"        key: letters, digits, '_', and what URL encoding adds: '%', '-', '.'
 *   value   = bytes; %XX is one byte; \' is a quote; a backslash before anything else and a bare quote are malformed
 *
 * Keys are compared as they are written: URL encoding leaves letters, digits and '_' as they are, so no encoder writes our keys otherwise,
 * and a text that does not hold key=' needs no scan. '+' is a plus sign (sqlcommenter's encoders write %20 for a blank).
 * Never: believes a value; looks into strings; falls back to an earlier comment when the last one with the key has a value that is refused.
 */
#include "sql_comment.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <stdlib.h>

#include "base_text.h"
#include "sql_scan.h"
#include "sql_scan_int.h"

#define COMMENT_VALUE_MAX 255u

struct comment_want {
	struct base_span key;
	bool found;
	struct base_span value; /* as written, without its quotes */
};

static bool
comment_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
comment_blanks(struct base_cursor *c)
{
	while (c->left > 0 && comment_is_blank(*c->p))
		(void)base_cursor_u8(c);
}

static bool
comment_is_key(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '%' || c == '-' || c == '.';
}

/* One pair; the cursor goes bad when there is none. */
static void
comment_pair(struct base_cursor *c, struct base_span *key_r, struct base_span *value_r)
{
	struct base_span rest = base_span(c->p, c->left);
	size_t n = 0;
	while (n < rest.n && comment_is_key(rest.p[n]))
		n++;
	*key_r = base_cursor_take(c, n);
	if (n == 0 || base_cursor_u8(c) != '=' || base_cursor_u8(c) != '\'') {
		c->bad = true;
		return;
	}
	rest = base_span(c->p, c->left);
	for (n = 0; n < rest.n && rest.p[n] != '\''; n++) {
		if (rest.p[n] != '\\')
			continue;
		if (rest.n - n < 2 || rest.p[n + 1] != '\'') {
			c->bad = true;
			return;
		}
		n++;
	}
	*value_r = base_cursor_take(c, n);
	if (base_cursor_u8(c) != '\'')
		c->bad = true;
}

/* The whole comment must be of the form, and name the key once, before its word counts. */
static void
comment_read(struct base_span inside, struct comment_want *want)
{
	struct base_cursor c = base_cursor(inside);
	struct base_span key = base_span("", 0), value = key, got = key;
	size_t times = 0;
	for (;;) {
		comment_blanks(&c);
		comment_pair(&c, &key, &value);
		if (!base_cursor_ok(&c))
			return;
		if (base_span_eq(key, want->key)) {
			got = value;
			times++;
		}
		comment_blanks(&c);
		if (c.left == 0)
			break;
		if (base_cursor_u8(&c) != ',')
			return;
	}
	if (times == 1) {
		want->found = true;
		want->value = got;
	}
}

/* Without its marks; an empty span when it is not what the scanner says (it always is). */
static struct base_span
comment_inside(struct base_span comment, bool c_form)
{
	size_t tail = c_form ? 2 : 0;
	if (comment.n < 2 + tail || memcmp(comment.p, c_form ? "/*" : "--", 2) != 0 ||
	    (c_form && memcmp(comment.p + comment.n - 2, "*/", 2) != 0))
		return base_span("", 0);
	return base_span(comment.p + 2, comment.n - 2 - tail);
}

static int
comment_tokens(struct base_span text, struct base_span message, struct comment_want *want)
{
	struct base_cursor c = base_cursor(message);
	struct sql_token t = {0, 0, 0};
	int got;
	while ((got = sql_scan_next(&c, text.n, &t)) == 1) {
		bool c_form = t.kind == PG_QUERY__TOKEN__C_COMMENT;
		if (!c_form && t.kind != PG_QUERY__TOKEN__SQL_COMMENT)
			continue;
		if (t.end < t.start || t.end > text.n)
			return GH_E_PARSE;
		comment_read(comment_inside(base_span(text.p + t.start, (size_t)(t.end - t.start)), c_form), want);
	}
	return got;
}

/* False: the scanner cannot read the text, or no comment has the key. */
static bool
comment_find(struct base_span text, struct comment_want *want)
{
	char *copy = base_mem_try(text.n + 1, 1); /* the library wants a NUL at the end */
	if (!copy)
		return false;
	memcpy(copy, text.p, text.n);
	PgQueryScanResult scan = pg_query_scan(copy);
	bool ok = !scan.error && comment_tokens(text, base_span(scan.pbuf.data, scan.pbuf.len), want) == 0 && want->found;
	pg_query_free_scan_result(scan);
	free(copy);
	return ok;
}

static bool
comment_decode(struct base_span raw, uint8_t dst[COMMENT_VALUE_MAX], size_t *n_r)
{
	struct base_cursor c = base_cursor(raw);
	size_t n = 0;
	while (c.left > 0) {
		uint8_t byte = base_cursor_u8(&c);
		if (byte == '\\')
			byte = base_cursor_u8(&c); /* a quote: comment_pair looked */
		else if (byte == '%' && base_text_unhex(base_cursor_take(&c, 2), &byte, 1) < 0)
			return false;
		if (n == COMMENT_VALUE_MAX || byte < 0x20 || byte == 0x7f)
			return false;
		dst[n++] = byte;
	}
	if (!base_cursor_ok(&c) || !base_text_utf8(base_span(dst, n)))
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		if (dst[i] == 0xc2 && dst[i + 1] < 0xa0) /* U+0080 to U+009F are control characters, too */
			return false;
	*n_r = n;
	return true;
}

/* key=' occurs, and so does the start of a comment. */
static bool
comment_may_have(struct base_span text, struct base_span key)
{
	if (!memmem(text.p, text.n, "/*", 2) && !memmem(text.p, text.n, "--", 2))
		return false;
	struct base_span rest = text;
	const uint8_t *at;
	while (rest.n > 0 && (at = memmem(rest.p, rest.n, key.p, key.n)) != NULL) {
		size_t left = rest.n - (size_t)(at - rest.p) - key.n;
		if (left >= 2 && memcmp(at + key.n, "='", 2) == 0)
			return true;
		rest = base_span(at + key.n, left);
	}
	return false;
}

bool
sql_comment_value(struct base_span text, const char *key, struct base_arena *arena, struct base_span *value_r)
{
	struct comment_want want = {.key = base_span_str(key)};
	uint8_t decoded[COMMENT_VALUE_MAX];
	size_t n = 0;
	if (want.key.n == 0 || text.n > SQL_TEXT_MAX || !comment_may_have(text, want.key))
		return false;
	if (memchr(text.p, 0, text.n) || !base_text_utf8(text) || !comment_find(text, &want))
		return false;
	if (!comment_decode(want.value, decoded, &n))
		return false;
	uint8_t *p = base_arena_get(arena, n + 1);
	if (!p)
		return false;
	memcpy(p, decoded, n);
	p[n] = 0;
	*value_r = base_span(p, n);
	return true;
}
