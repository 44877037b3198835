/* sql_command_cut: texts by their tokens (sql_command_int.h), and the splice of a column.
 *
 * Input: hostile statement text. Where something begins and ends is said by libpg_query's scanner, never by a search for bytes; what was
 * cut is proved by parsing it again: command_same. Recursion is over jansson's trees only and counted. No I/O.
 */
#include "sql_command_int.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base_text.h"
#include "sql_facts_int.h"

#define KIND(name) PG_QUERY__TOKEN__##name

static bool
cut_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; /* scan.l's {space} */
}

/* Every token has at least one byte, so the text bounds their number. The scanner's message is read twice: to count, to keep. */
static int
cut_tokens(struct base_arena *arena, struct command_text *t, struct base_span message)
{
	struct base_cursor c = base_cursor(message);
	struct sql_token one = {0, 0, 0};
	size_t n = 0, all = 0;
	int got;
	while ((got = sql_scan_next(&c, t->text.n, &one)) == 1)
		all++;
	if (got != 0 || all > t->text.n)
		return GH_E_PARSE;
	t->token = base_arena_get(arena, (all + 1) * sizeof(*t->token));
	if (!t->token)
		return GH_E_NOMEM;
	c = base_cursor(message);
	uint64_t last = 0;
	bool open = false; /* the token before still wants its end */
	for (size_t i = 0; i < all && sql_scan_next(&c, t->text.n, &one) == 1; i++) {
		if (i > 0 && one.start <= last)
			return GH_E_PARSE;
		last = one.start;
		if (open) /* comments are tokens too: up to this one there is nothing but white space */
			t->token[n - 1].end = one.start;
		open = false;
		if (one.kind == KIND(SQL_COMMENT) || one.kind == KIND(C_COMMENT))
			continue;
		t->token[n++] = one;
		open = true;
	}
	if (open)
		t->token[n - 1].end = t->text.n;
	for (size_t i = 0; i < n; i++) {
		struct sql_token *k = &t->token[i];
		while (k->end > k->start && cut_is_space(t->text.p[k->end - 1]))
			k->end--;
		if (k->start >= k->end || k->end > t->text.n)
			return GH_E_PARSE;
	}
	t->ntokens = n;
	return 0;
}

/* Behind '.' and AS any keyword is a name (ColLabel): SELECT t.from AS union FROM t. Behind AS in WITH x AS NOT MATERIALIZED (...) that
 * does no harm: nobody looks for NOT there. But PREPARE p AS SELECT, CREATE VIEW v AS SELECT: the caller looks for AS itself. */
static bool
cut_is_label(const struct command_text *t, size_t i)
{
	return i > 0 && (t->token[i - 1].kind == KIND(ASCII_46) || t->token[i - 1].kind == KIND(AS));
}

int
command_text_scan(struct base_arena *arena, struct base_span text, struct command_text *t_r, struct base_fail *fail)
{
	struct command_text t = {.text = text};
	if (text.n > SQL_TEXT_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "statement of %zu bytes is longer than %u bytes", text.n, SQL_TEXT_MAX);
	if (text.n > 0 && (memchr(text.p, 0, text.n) || !base_text_utf8(text)))
		return base_fail_set(fail, GH_E_PARSE, "statement is not valid UTF-8");
	t.z = base_arena_str(arena, text);
	if (!t.z)
		return base_fail_set(fail, GH_E_NOMEM, "out of memory for a statement of %zu bytes", text.n);

	int err;
	PgQueryScanResult scan = pg_query_scan(t.z);
	if (scan.error) {
		err = sql_scan_refused(fail, "scanned", scan.error->message);
	} else {
		err = cut_tokens(arena, &t, base_span(scan.pbuf.data, scan.pbuf.len));
		if (err != 0)
			err = base_fail_set(fail, err, "statement cannot be scanned");
	}
	pg_query_free_scan_result(scan);
	if (err == 0)
		*t_r = t;
	return err;
}

int
command_text_read(struct base_arena *arena, struct base_span text, struct command_text *t_r, struct base_fail *fail)
{
	struct command_text t;
	int err = command_text_scan(arena, text, &t, fail);
	if (err != 0)
		return err;
	facts_seed();
	PgQueryParseResult parsed = pg_query_parse(t.z);
	if (parsed.error) {
		err = sql_scan_refused(fail, "parsed", parsed.error->message);
		goto out;
	}
	json_error_t why;
	t.tree = json_loads(parsed.parse_tree, 0, &why);
	if (!t.tree)
		err = json_error_code(&why) == json_error_stack_overflow
		          ? base_fail_set(fail, GH_E_LIMIT, "statement is nested too deeply")
		          : base_fail_set(fail, GH_E_PARSE, "statement's syntax tree cannot be read");
out:
	pg_query_free_parse_result(parsed);
	if (err == 0)
		*t_r = t;
	return err;
}

void
command_text_done(struct command_text *t)
{
	json_decref(t->tree);
	t->tree = NULL;
}

struct base_span
command_range(const struct command_text *t, size_t from, size_t to)
{
	if (to > t->ntokens) {
		to = t->ntokens;
		while (to > from && t->token[to - 1].kind == KIND(ASCII_59))
			to--;
	}
	if (from >= to)
		return base_span("", 0);
	size_t at = (size_t)t->token[from].start;
	return base_span(t->text.p + at, (size_t)t->token[to - 1].end - at);
}

static int
cut_bracket(uint64_t kind)
{
	if (kind == KIND(ASCII_40) || kind == KIND(ASCII_91))
		return 1;
	return kind == KIND(ASCII_41) || kind == KIND(ASCII_93) ? -1 : 0;
}

size_t
command_find(const struct command_text *t, size_t from, uint64_t kind)
{
	size_t depth = 0;
	for (size_t i = from; i < t->ntokens; i++) {
		int bracket = cut_bracket(t->token[i].kind);
		if (depth == 0 && t->token[i].kind == kind)
			return i;
		if (bracket < 0 && depth == 0)
			break;
		depth = bracket > 0 ? depth + 1 : bracket < 0 ? depth - 1 : depth;
	}
	return t->ntokens;
}

size_t
command_close(const struct command_text *t, size_t open)
{
	size_t depth = 0;
	for (size_t i = open; i < t->ntokens; i++) {
		int bracket = cut_bracket(t->token[i].kind);
		depth = bracket > 0 ? depth + 1 : bracket < 0 ? depth - 1 : depth;
		if (depth == 0)
			return i + 1;
	}
	return t->ntokens;
}

size_t
command_first(const struct command_text *t)
{
	size_t i = 0;
	while (i < t->ntokens && t->token[i].kind == KIND(ASCII_59))
		i++;
	return i;
}

/* -- trees -- */

/* Members that say where in the text something stood: "location", "stmt_location", "stmt_len". */
static bool
cut_is_place(const char *key)
{
	size_t n = strlen(key);
	return strcmp(key, "stmt_len") == 0 || (n >= 8 && strcmp(key + (n - 8), "location") == 0);
}

static void
cut_strip(json_t *node, unsigned depth)
{
	if (depth > COMMAND_DEPTH_MAX)
		return; /* jansson would have refused it; a place left in can only make trees differ */
	const char *key;
	json_t *value;
	void *next;
	size_t i;
	json_array_foreach(node, i, value) cut_strip(value, depth + 1);
	json_object_foreach_safe(node, next, key, value)
	{
		if (cut_is_place(key))
			(void)json_object_del(node, key);
		else
			cut_strip(value, depth + 1);
	}
}

static json_t *
cut_only(const struct command_text *t)
{
	json_t *list = json_object_get(t->tree, "stmts");
	return json_array_size(list) == 1 ? json_object_get(json_array_get(list, 0), "stmt") : NULL;
}

int
command_same(struct base_arena *arena, struct base_span span, json_t *tree)
{
	struct command_text t;
	int err = command_text_read(arena, span, &t, NULL);
	if (err != 0)
		return err;
	json_t *own = cut_only(&t);
	json_t *other = json_deep_copy(tree);
	cut_strip(own, 0);
	cut_strip(other, 0);
	if (!own || !other || !json_equal(own, other))
		err = GH_E_UNSUPPORTED;
	json_decref(other);
	command_text_done(&t);
	return err;
}

static bool
cut_only_reads(json_t *node, unsigned depth)
{
	static const char *const no[] = {"intoClause", "lockingClause", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
	const char *key;
	json_t *value;
	size_t i;
	if (depth > COMMAND_DEPTH_MAX)
		return false;
	json_array_foreach(node, i, value) if (!cut_only_reads(value, depth + 1)) return false;
	json_object_foreach(node, key, value)
	{
		for (i = 0; i < BASE_COUNT(no); i++)
			if (strcmp(key, no[i]) == 0)
				return false;
		if (!cut_only_reads(value, depth + 1))
			return false;
	}
	return true;
}

bool
command_is_select(json_t *wrapped)
{
	json_t *select = json_object_get(wrapped, "SelectStmt");
	return select && cut_only_reads(select, 0);
}

/* -- the splice -- */

void
sql_quote_identifier(struct base_span name, struct base_buf *out)
{
	base_buf_u8(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			base_buf_u8(out, '"');
		base_buf_u8(out, name.p[i]);
	}
	base_buf_u8(out, '"');
}

/* With a backslash inside, E'' is written, so that the text means the same whatever standard_conforming_strings says. */
void
sql_quote_literal(struct base_span value, struct base_buf *out)
{
	bool escape = value.n > 0 && memchr(value.p, '\\', value.n);
	base_buf_str(out, escape ? " E'" : "'");
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'' || value.p[i] == '\\')
			base_buf_u8(out, value.p[i]);
		base_buf_u8(out, value.p[i]);
	}
	base_buf_u8(out, '\'');
}

/* IS [NOT] DISTINCT FROM. `SELECT a distinct FROM t` (a label) has no IS. */
static bool
splice_is_distinct(const struct command_text *t, size_t i)
{
	if (i < 2 || t->token[i - 1].kind != KIND(DISTINCT) || cut_is_label(t, i - 1))
		return false;
	size_t is = i - 2;
	if (is > 0 && (t->token[is].kind == KIND(NOT) || t->token[is].kind == KIND(NOT_LA)) && !cut_is_label(t, is))
		is--;
	return t->token[is].kind == KIND(IS) && !cut_is_label(t, is);
}

/* The FROM of the outermost SELECT: the first one outside brackets behind the first SELECT outside brackets. Set operations have been
 * told from the tree. ntokens: none. */
static size_t
splice_place(const struct command_text *t)
{
	size_t depth = 0;
	bool select = false;
	for (size_t i = 0; i < t->ntokens; i++) {
		uint64_t kind = t->token[i].kind;
		int bracket = cut_bracket(kind);
		if (bracket < 0 && depth == 0)
			break;
		depth = bracket > 0 ? depth + 1 : bracket < 0 ? depth - 1 : depth;
		if (depth > 0 || bracket != 0 || cut_is_label(t, i))
			continue;
		if (kind == KIND(SELECT))
			select = true;
		else if (kind == KIND(UNION) || kind == KIND(INTERSECT) || kind == KIND(EXCEPT))
			break;
		else if (kind == KIND(FROM) && select && !splice_is_distinct(t, i))
			return i;
	}
	return t->ntokens;
}

/* Does a name of the text spell the label? ORDER BY would take our column for it. */
static bool
splice_label_used(const struct command_text *t, struct base_span label)
{
	for (size_t i = 0; i < t->ntokens; i++) {
		struct base_span s = command_range(t, i, i + 1);
		if (t->token[i].kind == KIND(UIDENT))
			return true; /* may spell anything */
		if (s.n >= 2 && s.p[0] == '"')
			s = base_span(s.p + 1, s.n - 2);
		if (s.n == label.n && strncasecmp((const char *)s.p, (const char *)label.p, s.n) == 0)
			return true;
	}
	return false;
}

/* A plain SELECT with a list and FROM; DISTINCT and INTO are other places' worry: with DISTINCT one more column makes more rows. */
static bool
splice_takes(json_t *select)
{
	const char *op = json_string_value(json_object_get(select, "op"));
	return select && op && strcmp(op, "SETOP_NONE") == 0 && json_array_size(json_object_get(select, "targetList")) > 0 &&
	       json_array_size(json_object_get(select, "fromClause")) > 0 && !json_object_get(select, "valuesLists") &&
	       !json_object_get(select, "intoClause") && !json_object_get(select, "distinctClause");
}

/* The tree that the new text has to have. */
static json_t *
splice_expect(json_t *wrapped, struct base_span alias, struct base_span column, const char *label)
{
	json_t *tree = json_deep_copy(wrapped);
	json_t *list = json_object_get(json_object_get(tree, "SelectStmt"), "targetList");
	json_t *item = json_pack("{s:{s:s, s:{s:{s:[{s:{s:s%}},{s:{s:s%}}]}}}}", "ResTarget", "name", label, "val", "ColumnRef", "fields",
	                         "String", "sval", (const char *)alias.p, alias.n, "String", "sval", (const char *)column.p, column.n);
	if (!tree || !item || json_array_append_new(list, item) != 0) { /* append_new takes item even when it fails */
		json_decref(tree);
		return NULL;
	}
	return tree;
}

int
sql_splice_column(struct base_span text, struct base_span alias, struct base_span column, const char *label, struct base_buf *out)
{
	struct base_arena *arena = base_arena_new(COMMAND_ARENA_MAX);
	struct command_text t = {.tree = NULL};
	struct base_buf made;
	json_t *expect = NULL;
	base_buf_init(&made, SQL_TEXT_MAX);
	int err = command_text_read(arena, text, &t, NULL);
	if (err != 0)
		goto out;
	err = GH_E_UNSUPPORTED;
	json_t *wrapped = cut_only(&t);
	size_t place = splice_place(&t);
	if (!splice_takes(json_object_get(wrapped, "SelectStmt")) || place == t.ntokens || splice_label_used(&t, base_span_str(label)))
		goto out;
	/* Directly in front of the token FROM: a comment in front of it is closed there, or FROM would be part of it. */
	size_t at = (size_t)t.token[place].start;
	base_buf_put(&made, base_span(text.p, at));
	base_buf_str(&made, " , ");
	sql_quote_identifier(alias, &made);
	base_buf_u8(&made, '.');
	sql_quote_identifier(column, &made);
	base_buf_str(&made, " AS ");
	sql_quote_identifier(base_span_str(label), &made);
	base_buf_u8(&made, ' ');
	base_buf_put(&made, base_span(text.p + at, text.n - at));
	if (made.bad) {
		err = GH_E_LIMIT;
		goto out;
	}
	expect = splice_expect(wrapped, alias, column, label);
	if (!expect)
		goto out;
	err = command_same(arena, base_buf_span(&made), expect);
	if (err == GH_E_PARSE)
		err = GH_E_UNSUPPORTED; /* the client's text was fine; ours is not */
	if (err == 0) {
		base_buf_put(out, base_buf_span(&made));
		err = out->bad ? GH_E_LIMIT : 0;
	}
out:
	json_decref(expect);
	command_text_done(&t);
	base_buf_done(&made);
	base_arena_free(&arena);
	return err;
}
