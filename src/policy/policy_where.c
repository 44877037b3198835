/* policy_where: the condition of `rows where` and of `open where`: is it one condition over a row, and what is it as SQL for the server? Input: a trusted person's
 * text of at most POLICY_RAW_MAX bytes, read as if hostile. What a token is, the server's own scanner says (sql_scan); the condition is put
 * together anew from its tokens, nothing may lie between these, and nothing can reach behind the parenthesis that is put around it. Whether it is
 * boolean and its columns exist, the server says when it is asked (policy_map_question). No I/O.
 */
#include "policy_parse_int.h"

#include "base_text.h"
#include "sql_facts.h"

#define WHERE_SQL_MAX (16 * (size_t)POLICY_RAW_MAX) /* actor.team grows about fourfold */

static bool
where_word(struct base_span token, const char *word)
{
	size_t n = strlen(word);
	if (token.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = token.p[i];
		if ((c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c) != (uint8_t)word[i])
			return false;
	}
	return true;
}

struct where {
	struct base_span text;       /* as written */
	const struct sql_scan *scan; /* of text */
	size_t pos;     /* in text: behind the token last read */
	size_t norm;    /* in scan's normal form: the next token */
	size_t literal; /* the next one */
	bool comment;   /* something that is no token lies between the tokens */
};

/* The next token, as it stands in the text; empty at the end. The normal form says where tokens end: at a space that is not in a quoted identifier. */
static struct base_span
where_token(struct where *w)
{
	struct base_span norm = base_buf_span(&w->scan->norm);
	size_t begin = w->norm, end = begin;
	bool quoted = false;
	for (; end < norm.n && (quoted || norm.p[end] != ' '); end++)
		quoted ^= norm.p[end] == '"';
	w->norm = end < norm.n ? end + 1 : end;
	struct base_span t = base_span(norm.p + begin, end - begin);
	while (w->pos < w->text.n && (w->text.p[w->pos] == ' ' || w->text.p[w->pos] == '\t'))
		w->pos++;
	if (base_span_is(t, "?") && w->literal < w->scan->nliterals) {
		const struct sql_literal *l = &w->scan->literal[w->literal++];
		t = base_span(w->text.p + l->at, l->len);
	} else if (base_span_is(t, "OPERATOR(?)")) {
		t = base_span_str("?"); /* the scanner's name for the operator "?" */
	}
	if (t.n > w->text.n - w->pos || (t.n > 0 && memcmp(w->text.p + w->pos, t.p, t.n) != 0) || (t.n == 0 && w->pos < w->text.n))
		w->comment = true;
	else
		w->pos += t.n;
	return t;
}

static int
where_refused(struct base_fail *fail, const char *what)
{
	return base_fail_set(fail, GH_E_PARSE, "%s", what);
}

static int
where_actor(struct base_span property, struct base_buf *out, struct base_fail *fail)
{
	static const char *const words[] = {"team", "employer", "province", "role"};
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		if (where_word(property, words[i])) {
			base_buf_fmt(out, "pg_catalog.current_setting('gatehouse.%s', true)", words[i]);
			return 0;
		}
	}
	char quoted[96];
	const char *near = base_text_nearest(property, words, BASE_COUNT(words));
	return base_fail_set(fail, GH_E_PARSE, "\"actor.%s\" is not known%s%s%s", base_text_quote(quoted, sizeof(quoted), property, 64),
	                     near ? "; did you mean \"actor." : " (there are actor.team, actor.employer, actor.province and actor.role)",
	                     near ? near : "", near ? "\"?" : "");
}

/* Tokens joined by single spaces, actor.WORD replaced. */
static int
where_write(struct base_span text, const struct sql_scan *scan, bool actor, struct base_buf *out, struct base_fail *fail)
{
	static const char *const queries[] = {"select", "values", "table"};
	struct where w = {.text = text, .scan = scan, .pos = 0};
	struct base_span before = base_span("", 0), t;
	while ((t = where_token(&w)).n > 0 && !w.comment) {
		if (base_buf_len(out) > 0)
			base_buf_u8(out, ' ');
		for (size_t i = 0; i < BASE_COUNT(queries); i++)
			if (where_word(t, queries[i]))
				return where_refused(fail, "a condition holds no query of its own; it speaks of one row of the table");
		struct where ahead = w;
		if (where_word(t, "actor") && !base_span_is(before, ".") && base_span_is(where_token(&ahead), ".")) {
			if (!actor)
				return where_refused(fail, "no property of the actor may stand in this condition: it speaks of the table alone");
			int err = where_actor(where_token(&ahead), out, fail);
			if (err != 0)
				return err;
			w = ahead;
			if (base_span_is(where_token(&ahead), "."))
				return where_refused(fail, "nothing stands behind a property of the actor");
		} else {
			base_buf_put(out, t);
		}
		before = t;
	}
	if (w.comment)
		return where_refused(fail, "a condition holds no comment of SQL");
	return out->bad ? where_refused(fail, "the condition is too long") : 0;
}

/* head + condition + tail is one SELECT over one relation? */
static bool
where_parses(const char *head, struct base_span condition, const char *tail)
{
	struct sql_scan scan;
	struct sql_facts *facts = NULL;
	struct base_buf b;
	sql_scan_init(&scan);
	base_buf_init(&b, WHERE_SQL_MAX + 64);
	base_buf_str(&b, head);
	base_buf_put(&b, condition);
	base_buf_str(&b, tail);
	bool good = !b.bad && sql_scan_text(&scan, base_buf_span(&b), NULL) == 0 && sql_facts_new(base_buf_span(&b), &scan, &facts, NULL) == 0 &&
	            facts->count == 1 && facts->statement[0].class == SQL_SELECT && facts->statement[0].nrelations == 1;
	sql_facts_unref(&facts);
	base_buf_done(&b);
	sql_scan_done(&scan);
	return good;
}

int
policy_where_sql(struct base_span text, bool actor, struct base_buf *out, struct base_fail *fail)
{
	struct sql_scan scan;
	struct base_buf sql;
	if (text.n > POLICY_RAW_MAX)
		return where_refused(fail, "the condition is too long");
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\\' || text.p[i] == '$' || (text.p[i] == '"' && i > 0 && text.p[i - 1] == '&'))
			return where_refused(fail, "a condition is written without \"\\\", \"$\" and U&\"...\": what they mean depends on settings");
	sql_scan_init(&scan);
	base_buf_init(&sql, WHERE_SQL_MAX);
	int err = sql_scan_text(&scan, text, fail) == 0 ? where_write(text, &scan, actor, &sql, fail) : where_refused(fail, "the condition is not valid SQL");
	struct base_span condition = base_buf_span(&sql);
	/* In front of a tail of its own, and in parentheses: only what is one balanced expression reads well both ways. */
	if (err == 0 && (!where_parses("SELECT 1 FROM t WHERE ", condition, "") || !where_parses("SELECT 1 FROM t WHERE (", condition, ")")))
		err = where_refused(fail, "this is not one condition of valid SQL over one row of the table");
	if (err == 0 && out)
		base_buf_put(out, condition);
	base_buf_done(&sql);
	sql_scan_done(&scan);
	return err;
}
