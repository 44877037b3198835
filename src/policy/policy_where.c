/* policy_where: the condition of `rows where`: is it one condition over a row, and what is it as SQL for the server? Input: a trusted person's
 * text of at most POLICY_RAW_MAX bytes, read as if hostile. What a token is, the server's own scanner says (sql_scan); the condition is put
 * together anew from its tokens, so that nothing of it can be a comment or reach behind the parenthesis that is put around it. Whether it is
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

/* The next token of the scanner's normal form: up to a space that is not in a quoted identifier. Empty at the end. */
static struct base_span
where_token(struct base_span norm, size_t *at)
{
	size_t begin = *at, end = begin;
	bool quoted = false;
	for (; end < norm.n && (quoted || norm.p[end] != ' '); end++)
		quoted ^= norm.p[end] == '"';
	*at = end < norm.n ? end + 1 : end;
	return base_span(norm.p + begin, end - begin);
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

/* Tokens joined by single spaces, literals put back, actor.WORD replaced. */
static int
where_write(struct base_span text, const struct sql_scan *scan, struct base_buf *out, struct base_fail *fail)
{
	static const char *const queries[] = {"select", "values", "table"};
	struct base_span norm = base_buf_span(&scan->norm), before = base_span("", 0), t;
	size_t at = 0, literal = 0;
	while ((t = where_token(norm, &at)).n > 0) {
		size_t ahead = at;
		if (base_buf_len(out) > 0)
			base_buf_u8(out, ' ');
		for (size_t i = 0; i < BASE_COUNT(queries); i++)
			if (where_word(t, queries[i]))
				return where_refused(fail, "a condition holds no query of its own; it speaks of one row of the table");
		if (base_span_is(t, "?")) {
			if (literal == scan->nliterals)
				return where_refused(fail, "the condition cannot be read");
			const struct sql_literal *l = &scan->literal[literal++];
			base_buf_put(out, base_span(text.p + l->at, l->len));
		} else if (base_span_is(t, "OPERATOR(?)")) {
			base_buf_u8(out, '?'); /* the scanner's name for the operator "?" */
		} else if (where_word(t, "actor") && !base_span_is(before, ".") && base_span_is(where_token(norm, &ahead), ".")) {
			struct base_span property = where_token(norm, &ahead);
			int err = where_actor(property, out, fail);
			if (err != 0)
				return err;
			at = ahead;
			if (base_span_is(where_token(norm, &ahead), "."))
				return where_refused(fail, "nothing stands behind a property of the actor");
		} else {
			base_buf_put(out, t);
		}
		before = t;
	}
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
policy_where_sql(struct base_span text, struct base_buf *out, struct base_fail *fail)
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
	int err = sql_scan_text(&scan, text, fail) == 0 ? where_write(text, &scan, &sql, fail) : where_refused(fail, "the condition is not valid SQL");
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
