/* sql_command: see sql_command.h. This file tells the kinds apart; tokens and ranges are in sql_command_cut.c, constants and types in
 * sql_command_value.c, options of COPY and EXPLAIN in sql_command_option.c, command tags in sql_command_tag.c.
 *
 * Input: hostile statement text, at most SQL_TEXT_MAX bytes. The tree says what is asked for, the tokens say where it stands. What is not
 * known here by name is SQL_C_OTHER: a new member of a node, a new kind of node, a new option cannot pass. Texts that are sent to the
 * server (`send`, `made`) are written here from words of this file and quoted names; nothing of the client's is copied into them
 * unquoted. No I/O. Nothing of the tree outlives the call.
 */
#include "sql_command_int.h"

#include <pg_query/pg_query.pb-c.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_num.h"
#include "sql_facts_int.h"

#define KIND(name) PG_QUERY__TOKEN__##name

/* -- shared -- */

struct base_span
command_copy(struct command_build *b, const char *s)
{
	const char *copy = s ? base_arena_str(b->arena, base_span_str(s)) : "";
	if (!copy) {
		b->err = GH_E_LIMIT;
		copy = "";
	}
	return base_span_str(copy);
}

struct base_span
command_keep(struct command_build *b, struct base_buf *buf)
{
	const char *copy = buf->bad ? NULL : base_arena_str(b->arena, base_buf_span(buf));
	size_t n = base_buf_len(buf);
	base_buf_done(buf);
	if (!copy) {
		b->err = GH_E_LIMIT;
		return base_span("", 0);
	}
	return base_span(copy, n);
}

const char *
command_string(json_t *node)
{
	return json_string_value(json_object_get(json_object_get(node, "String"), "sval"));
}

void
command_other(struct command_build *b, const char *words)
{
	b->c->kind = SQL_C_OTHER;
	if (words)
		(void)snprintf(b->c->words, sizeof(b->c->words), "%s", words);
}

/* Names of settings are compared without regard to case by the server, quoted or not: folded here for good. */
static struct base_span
command_setting(struct command_build *b, const char *name)
{
	struct base_span s = command_copy(b, name);
	char *p = base_arena_str(b->arena, s);
	if (!p) {
		b->err = GH_E_LIMIT;
		return s;
	}
	for (size_t i = 0; i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] - 'A' + 'a');
	return base_span(p, s.n);
}

/* -- transactions -- */

/* "ISOLATION LEVEL X, READ ONLY, NOT DEFERRABLE" from the tree's list of transaction_* settings; false: something else in it. */
static bool
command_modes(json_t *options, struct base_buf *out)
{
	static const char *const levels[] = {"serializable", "repeatable read", "read committed", "read uncommitted"};
	static const char *const words[] = {"SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED", "READ UNCOMMITTED"};
	for (size_t i = 0; i < json_array_size(options); i++) {
		json_t *option = json_object_get(json_array_get(options, i), "DefElem");
		const char *name = json_string_value(json_object_get(option, "defname"));
		json_t *arg = json_object_get(json_object_get(option, "arg"), "A_Const");
		json_t *number = json_object_get(arg, "ival");
		const char *level = json_string_value(json_object_get(json_object_get(arg, "sval"), "sval"));
		bool on = json_integer_value(json_object_get(number, "ival")) == 1;
		base_buf_str(out, i == 0 ? " " : ", ");
		if (name && strcmp(name, "transaction_isolation") == 0 && level) {
			size_t k = 0;
			while (k < BASE_COUNT(levels) && strcmp(level, levels[k]) != 0)
				k++;
			if (k == BASE_COUNT(levels))
				return false;
			base_buf_str(out, "ISOLATION LEVEL ");
			base_buf_str(out, words[k]);
		} else if (name && strcmp(name, "transaction_read_only") == 0 && number) {
			base_buf_str(out, on ? "READ ONLY" : "READ WRITE");
		} else if (name && strcmp(name, "transaction_deferrable") == 0 && number) {
			base_buf_str(out, on ? "DEFERRABLE" : "NOT DEFERRABLE");
		} else {
			return false;
		}
	}
	return true;
}

static void
command_transaction(struct command_build *b, json_t *node)
{
	static const struct {
		const char *kind, *send;
		enum { PLAIN, MODES, CHAIN, NAME } more;
	} table[] = {
		{"TRANS_STMT_BEGIN", "BEGIN", MODES},         {"TRANS_STMT_START", "START TRANSACTION", MODES},
		{"TRANS_STMT_COMMIT", "COMMIT", CHAIN},       {"TRANS_STMT_ROLLBACK", "ROLLBACK", CHAIN},
		{"TRANS_STMT_SAVEPOINT", "SAVEPOINT ", NAME}, {"TRANS_STMT_RELEASE", "RELEASE SAVEPOINT ", NAME},
		{"TRANS_STMT_ROLLBACK_TO", "ROLLBACK TO SAVEPOINT ", NAME},
	};
	const char *kind = json_string_value(json_object_get(node, "kind"));
	const char *name = json_string_value(json_object_get(node, "savepoint_name"));
	size_t i = 0;
	while (kind && i < BASE_COUNT(table) && strcmp(kind, table[i].kind) != 0)
		i++;
	if (!kind || i == BASE_COUNT(table) || (table[i].more == NAME) != (name != NULL)) {
		command_other(b, NULL); /* two-phase commit */
		return;
	}
	struct base_buf send;
	base_buf_init(&send, SQL_TEXT_MAX);
	base_buf_str(&send, table[i].send);
	bool known = true;
	if (table[i].more == MODES)
		known = command_modes(json_object_get(node, "options"), &send);
	else if (table[i].more == CHAIN && json_is_true(json_object_get(node, "chain")))
		base_buf_str(&send, " AND CHAIN");
	else if (table[i].more == NAME)
		sql_quote_identifier(base_span_str(name), &send);
	b->c->kind = SQL_C_TRANSACTION;
	b->c->send = command_keep(b, &send);
	b->c->name = command_copy(b, name);
	if (!known)
		command_other(b, NULL);
}

/* -- settings -- */

static void
command_set_modes(struct command_build *b, json_t *node)
{
	const char *name = json_string_value(json_object_get(node, "name"));
	bool session = name && strcmp(name, "SESSION CHARACTERISTICS") == 0;
	bool known = name && (session || strcmp(name, "TRANSACTION") == 0); /* else TRANSACTION SNAPSHOT */
	struct base_buf send;
	base_buf_init(&send, SQL_TEXT_MAX);
	base_buf_str(&send, b->c->local ? "SET LOCAL " : "SET ");
	base_buf_str(&send, session ? "SESSION CHARACTERISTICS AS TRANSACTION" : "TRANSACTION");
	known = known && command_modes(json_object_get(node, "args"), &send);
	b->c->kind = SQL_C_TRANSACTION;
	b->c->send = command_keep(b, &send);
	if (!known)
		command_other(b, NULL);
}

/* As quote_identifier does for lists; keywords are not told apart, which is good enough for a value that nobody parses as SQL. */
static bool
command_needs_quotes(struct base_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool first = (c >= 'a' && c <= 'z') || c == '_';
		if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '$')))
			return true;
	}
	return s.n == 0;
}

static void
command_set_value(struct command_build *b, json_t *args)
{
	struct base_buf value;
	size_t n = json_array_size(args);
	base_buf_init(&value, SQL_TEXT_MAX);
	for (size_t i = 0; i < n; i++) {
		struct base_span one;
		json_t *arg = json_array_get(args, i);
		if (!json_object_get(arg, "A_Const") || command_const(b, arg, &one) != COMMAND_VALUE) {
			base_buf_done(&value);
			command_other(b, "SET TIME ZONE INTERVAL"); /* the only form of a setting that is no constant */
			return;
		}
		if (i > 0)
			base_buf_str(&value, ", ");
		if (n > 1 && command_needs_quotes(one))
			sql_quote_identifier(one, &value);
		else
			base_buf_put(&value, one);
	}
	b->c->several_values = n > 1;
	b->c->value = command_keep(b, &value);
}

static void
command_set(struct command_build *b, json_t *node)
{
	const char *kind = json_string_value(json_object_get(node, "kind"));
	b->c->local = json_is_true(json_object_get(node, "is_local"));
	b->c->kind = SQL_C_SET;
	if (!kind) {
		command_other(b, NULL);
	} else if (strcmp(kind, "VAR_SET_MULTI") == 0) {
		command_set_modes(b, node);
		return;
	} else if (strcmp(kind, "VAR_RESET_ALL") == 0) {
		b->c->kind = SQL_C_RESET_ALL;
		return;
	}
	b->c->name = command_setting(b, json_string_value(json_object_get(node, "name")));
	bool reset = kind && strcmp(kind, "VAR_RESET") == 0;
	if (base_span_is(b->c->name, "role"))
		command_other(b, reset ? "RESET ROLE" : "SET ROLE");
	else if (base_span_is(b->c->name, "session_authorization"))
		command_other(b, reset ? "RESET SESSION AUTHORIZATION" : "SET SESSION AUTHORIZATION");
	else if (kind && strcmp(kind, "VAR_SET_VALUE") == 0)
		command_set_value(b, json_object_get(node, "args"));
	else if (reset || (kind && strcmp(kind, "VAR_SET_DEFAULT") == 0))
		b->c->is_default = true;
	else
		command_other(b, "SET FROM CURRENT");
}

/* -- statements inside statements -- */

static bool
command_preparable(json_t *wrapped)
{
	static const char *const nodes[] = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
	for (size_t i = 0; i < BASE_COUNT(nodes); i++)
		if (json_object_get(wrapped, nodes[i]))
			return true;
	return false;
}

/* The inner statement is tokens `from` up to `to` (ntokens + 1: to the end). It must be the one that the tree has there. */
static void
command_inner(struct command_build *b, json_t *query, size_t from, size_t to)
{
	struct base_span inner = command_range(&b->in, from, to);
	int err = inner.n > 0 ? command_same(b->arena, inner, query) : GH_E_UNSUPPORTED;
	if (err == GH_E_UNSUPPORTED || err == GH_E_PARSE)
		command_other(b, NULL); /* cannot be: tokens and grammar do not agree */
	else if (err != 0)
		b->err = err;
	b->c->inner = inner;
	b->c->is_select = command_is_select(query);
}

static void
command_prepare(struct command_build *b, json_t *node)
{
	b->c->kind = SQL_C_PREPARE;
	b->c->name = command_copy(b, json_string_value(json_object_get(node, "name")));
	size_t as = command_find(&b->in, command_first(&b->in), KIND(AS));
	command_inner(b, json_object_get(node, "query"), as + 1, b->in.ntokens + 1);
	command_types(b, json_object_get(node, "argtypes"));
}

static void
command_declare(struct command_build *b, json_t *node)
{
	enum { BINARY = 0x1, SCROLL = 0x2, NO_SCROLL = 0x4, INSENSITIVE = 0x8, ASENSITIVE = 0x10, HOLD = 0x20, FAST_PLAN = 0x100 };
	json_int_t options = json_integer_value(json_object_get(node, "options"));
	struct sql_command *c = b->c;
	c->kind = SQL_C_DECLARE;
	c->name = command_copy(b, json_string_value(json_object_get(node, "portalname")));
	c->binary = options & BINARY;
	c->scroll = options & SCROLL;
	c->hold = options & HOLD;
	size_t at = command_find(&b->in, command_first(&b->in), KIND(FOR));
	command_inner(b, json_object_get(node, "query"), at + 1, b->in.ntokens + 1);
	/* FAST_PLAN is the grammar's own mark of every DECLARE */
	if (options & ~(json_int_t)(BINARY | SCROLL | NO_SCROLL | INSENSITIVE | ASENSITIVE | HOLD | FAST_PLAN))
		command_other(b, NULL);
}

static void
command_fetch(struct command_build *b, json_t *node)
{
	const char *direction = json_string_value(json_object_get(node, "direction"));
	json_int_t count = json_integer_value(json_object_get(node, "howMany"));
	struct sql_command *c = b->c;
	c->kind = json_is_true(json_object_get(node, "ismove")) ? SQL_C_MOVE : SQL_C_FETCH;
	c->name = command_copy(b, json_string_value(json_object_get(node, "portalname")));
	c->backward = !direction || strcmp(direction, "FETCH_FORWARD") != 0 || count < 0;
	c->all = count == INT64_MAX; /* FETCH_ALL */
	c->count = (int64_t)count;
}

/* COPY table: what it reads, as a query. The server reads the table without the tables that inherit from it and refuses partitioned ones;
 * this query reads them all. Generated columns come too. */
static void
command_copy_table(struct command_build *b, json_t *node)
{
	static const char *const parts[] = {"catalogname", "schemaname", "relname"};
	json_t *columns = json_object_get(node, "attlist");
	json_t *relation = json_object_get(node, "relation");
	struct base_buf made;
	base_buf_init(&made, 2 * (size_t)SQL_TEXT_MAX);
	base_buf_str(&made, json_array_size(columns) == 0 ? "SELECT *" : "SELECT ");
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const char *column = command_string(json_array_get(columns, i));
		if (i > 0)
			base_buf_str(&made, ", ");
		sql_quote_identifier(base_span_str(column ? column : ""), &made);
	}
	base_buf_str(&made, " FROM ");
	for (size_t i = 0; i < BASE_COUNT(parts); i++) {
		const char *part = json_string_value(json_object_get(relation, parts[i]));
		if (!part)
			continue;
		sql_quote_identifier(base_span_str(part), &made);
		if (i + 1 < BASE_COUNT(parts))
			base_buf_u8(&made, '.');
	}
	b->c->kind = SQL_C_COPY_TABLE;
	b->c->made = command_keep(b, &made);
	b->c->inner = b->c->made;
	b->c->is_select = true;
	if (b->c->inner.n > SQL_TEXT_MAX)
		b->err = GH_E_LIMIT;
}

static void
command_copy_stmt(struct command_build *b, json_t *node)
{
	json_t *query = json_object_get(node, "query");
	if (json_is_true(json_object_get(node, "is_from"))) {
		command_other(b, "COPY FROM");
		return;
	}
	if (json_is_true(json_object_get(node, "is_program")) || json_object_get(node, "filename")) {
		command_other(b, json_is_true(json_object_get(node, "is_program")) ? "COPY TO PROGRAM" : "COPY TO FILE");
		return;
	}
	size_t open = command_first(&b->in) + 1;
	if (query) {
		b->c->kind = SQL_C_COPY_QUERY;
		command_inner(b, query, open + 1, command_close(&b->in, open) - 1);
	} else if (json_object_get(node, "relation")) {
		command_copy_table(b, node);
	} else {
		command_other(b, NULL);
	}
	command_copy_options(b, json_object_get(node, "options"));
}

static void
command_explain(struct command_build *b, json_t *node)
{
	json_t *options = json_object_get(node, "options");
	json_t *query = json_object_get(node, "query");
	size_t at = command_first(&b->in) + 1;
	bool some = json_array_size(options) > 0;
	b->c->kind = SQL_C_EXPLAIN;
	if (some && at < b->in.ntokens && b->in.token[at].kind == KIND(ASCII_40)) {
		at = command_close(&b->in, at);
	} else if (some) { /* EXPLAIN ANALYZE VERBOSE; a query cannot begin with these words */
		while (at < b->in.ntokens && (b->in.token[at].kind == KIND(ANALYZE) || b->in.token[at].kind == KIND(ANALYSE) ||
		                              b->in.token[at].kind == KIND(VERBOSE)))
			at++;
	}
	if (!command_explain_options(b, options))
		command_other(b, "EXPLAIN (unknown option)");
	else if (!command_preparable(query))
		command_other(b, "EXPLAIN of a command"); /* EXECUTE, DECLARE, CREATE TABLE AS, REFRESH */
	else
		command_inner(b, query, at, b->in.ntokens + 1);
}

/* -- one statement -- */

static void
command_named(struct command_build *b, enum sql_command_kind kind, json_t *node, const char *member)
{
	b->c->kind = kind;
	b->c->name = command_copy(b, json_string_value(json_object_get(node, member)));
}

static void
command_simple(struct command_build *b, json_t *wrapped)
{
	static const char *const targets[][2] = {
		{"DISCARD_ALL", "all"}, {"DISCARD_PLANS", "plans"}, {"DISCARD_SEQUENCES", "sequences"}, {"DISCARD_TEMP", "temp"}};
	json_t *node;
	if ((node = json_object_get(wrapped, "DeallocateStmt")) != NULL) {
		command_named(b, SQL_C_DEALLOCATE, node, "name");
	} else if ((node = json_object_get(wrapped, "ClosePortalStmt")) != NULL) {
		command_named(b, SQL_C_CLOSE, node, "portalname");
	} else if ((node = json_object_get(wrapped, "UnlistenStmt")) != NULL) {
		command_named(b, SQL_C_UNLISTEN, node, "conditionname");
	} else if ((node = json_object_get(wrapped, "VariableShowStmt")) != NULL) {
		b->c->kind = SQL_C_SHOW;
		b->c->name = command_setting(b, json_string_value(json_object_get(node, "name")));
	} else if ((node = json_object_get(wrapped, "DiscardStmt")) != NULL) {
		const char *target = json_string_value(json_object_get(node, "target"));
		for (size_t i = 0; target && i < BASE_COUNT(targets); i++) {
			if (strcmp(target, targets[i][0]) == 0) {
				b->c->kind = SQL_C_DISCARD;
				b->c->name = base_span_str(targets[i][1]);
			}
		}
	}
}

static void
command_one(struct command_build *b, json_t *wrapped)
{
	json_t *node;
	b->c->kind = SQL_C_OTHER;
	command_tag(wrapped, b->c->words, sizeof(b->c->words));
	if (command_preparable(wrapped)) {
		b->c->kind = SQL_C_QUERY;
		b->c->inner = command_range(&b->in, command_first(&b->in), b->in.ntokens + 1);
		b->c->is_select = command_is_select(wrapped);
	} else if ((node = json_object_get(wrapped, "TransactionStmt")) != NULL) {
		command_transaction(b, node);
	} else if ((node = json_object_get(wrapped, "VariableSetStmt")) != NULL) {
		command_set(b, node);
	} else if ((node = json_object_get(wrapped, "PrepareStmt")) != NULL) {
		command_prepare(b, node);
	} else if ((node = json_object_get(wrapped, "ExecuteStmt")) != NULL) {
		command_named(b, SQL_C_EXECUTE, node, "name");
		command_args(b, json_object_get(node, "params"));
	} else if ((node = json_object_get(wrapped, "DeclareCursorStmt")) != NULL) {
		command_declare(b, node);
	} else if ((node = json_object_get(wrapped, "FetchStmt")) != NULL) {
		command_fetch(b, node);
	} else if ((node = json_object_get(wrapped, "CopyStmt")) != NULL) {
		command_copy_stmt(b, node);
	} else if ((node = json_object_get(wrapped, "ExplainStmt")) != NULL) {
		command_explain(b, node);
	} else {
		command_simple(b, wrapped);
	}
	if (b->c->kind == SQL_C_OTHER) /* refused: nothing of it may be sent by mistake */
		b->c->send = b->c->made = b->c->inner = base_span("", 0);
}

/* The server's tree is text by lines, and names stand in it as they are: one with a line break could forge a line. */
static bool
command_odd_identifier(const struct command_text *t)
{
	for (size_t i = 0; i < t->ntokens; i++) {
		if (t->token[i].kind == KIND(UIDENT))
			return true;
		if (t->token[i].kind != KIND(IDENT))
			continue;
		struct base_span s = command_range(t, i, i + 1);
		for (size_t k = 0; k < s.n; k++)
			if (s.p[k] < 0x20 || s.p[k] == 0x7f)
				return true;
	}
	return false;
}

/* Nothing but a query can begin with these words; and where no ';' stands but at the end, there is one statement. */
bool
sql_command_is_plain(struct base_span text)
{
	static const uint64_t words[] = {KIND(SELECT), KIND(VALUES), KIND(WITH), KIND(INSERT), KIND(UPDATE), KIND(DELETE_P)};
	struct base_arena *arena = base_arena_new(COMMAND_ARENA_MAX);
	struct command_text t;
	bool plain = false;
	if (command_text_scan(arena, text, &t, NULL) == 0 && t.ntokens > 0) {
		size_t n = t.ntokens;
		while (n > 0 && t.token[n - 1].kind == KIND(ASCII_59))
			n--;
		for (size_t i = 0; n > 0 && i < BASE_COUNT(words); i++)
			plain = plain || t.token[0].kind == words[i];
		for (size_t i = 0; i < n; i++)
			plain = plain && t.token[i].kind != KIND(ASCII_59);
		plain = plain && !command_odd_identifier(&t);
	}
	base_arena_free(&arena);
	return plain;
}

int
sql_command_read(struct base_span text, struct sql_command **c_r, struct base_fail *fail)
{
	struct sql_command *c = base_mem_new(1, sizeof(*c));
	c->arena = base_arena_new(COMMAND_ARENA_MAX);
	c->name = c->value = c->inner = c->made = c->send = c->copy.null_text = base_span("", 0);
	c->count = 1;
	struct command_build b = {.c = c, .arena = c->arena};
	int err = command_text_read(c->arena, command_quote_case(c->arena, text), &b.in, fail);
	if (err == 0) {
		json_t *list = json_object_get(b.in.tree, "stmts");
		size_t n = json_array_size(list);
		c->odd_identifier = command_odd_identifier(&b.in);
		if (n == 1)
			command_one(&b, json_object_get(json_array_get(list, 0), "stmt"));
		else
			c->kind = n == 0 ? SQL_C_EMPTY : SQL_C_SEVERAL;
		if (b.err != 0)
			err = base_fail_set(fail, b.err, "statement is too long or nested too deeply");
	}
	command_text_done(&b.in);
	if (err != 0)
		sql_command_free(&c);
	else
		*c_r = c;
	return err;
}

void
sql_command_free(struct sql_command **c)
{
	struct sql_command *own = *c;
	*c = NULL;
	if (!own)
		return;
	base_arena_free(&own->arena);
	free(own);
}
