/* sql_command: what one statement of a restricted session asks for, and the text that the gate itself will send for it. Cut with the server's own scanner and
 * grammar (libpg_query), never by pattern: inner texts are exact byte ranges of the client's text (SQL-RULES 4.11). Pure, thread-safe; 32 MiB of stack.
 * Input: hostile text. Ordinary queries (SELECT, VALUES, INSERT, UPDATE, DELETE ...) are not judged here: the server's tree judges them.
 */
#ifndef SQL_COMMAND_H
#define SQL_COMMAND_H

#include "base_buf.h"
#include "base_fail.h"
#include "sql_scan.h"

enum sql_command_kind {
	SQL_C_EMPTY,        /* nothing but comments and ';' */
	SQL_C_QUERY,        /* SELECT, VALUES, TABLE, WITH, INSERT, UPDATE, DELETE: to the tree. (MERGE, SELECT INTO, FOR UPDATE too: the tree refuses them) */
	SQL_C_TRANSACTION,  /* BEGIN ... ROLLBACK TO; `send` is the gate's own text, `tag` the command tag. No two-phase commit */
	SQL_C_SET,          /* name, value (empty and is_default: RESET name / SET name TO DEFAULT); local = SET LOCAL */
	SQL_C_RESET_ALL,
	SQL_C_SHOW,         /* name; "all" for SHOW ALL */
	SQL_C_PREPARE,      /* name, types, inner */
	SQL_C_EXECUTE,      /* name, args */
	SQL_C_DEALLOCATE,   /* name; empty = ALL */
	SQL_C_DECLARE,      /* name, inner; hold, scroll, binary */
	SQL_C_FETCH, SQL_C_MOVE, /* name, count, backward */
	SQL_C_CLOSE,        /* name; empty = ALL */
	SQL_C_COPY_QUERY,   /* COPY (inner) TO STDOUT; copy */
	SQL_C_COPY_TABLE,   /* COPY table [(columns)] TO STDOUT: inner is made: `SELECT columns FROM table` in `made` */
	SQL_C_EXPLAIN,      /* inner; `send` is the gate's own EXPLAIN (options) prefix; analyze, verbose are refused by the caller */
	SQL_C_DISCARD,      /* ALL, PLANS, SEQUENCES, TEMP: in name, lower case */
	SQL_C_UNLISTEN,
	SQL_C_SEVERAL,      /* more than one statement */
	SQL_C_OTHER         /* anything else: refused; `words` is its command tag: "CREATE TABLE", "LOCK TABLE" */
};
struct sql_argument { enum { SQL_ARG_NULL, SQL_ARG_VALUE, SQL_ARG_COMPLEX } kind; struct base_span text; /* VALUE: text form; booleans "t"/"f"; a cast over a constant counts as the constant */ };
struct sql_copy { enum { SQL_C_COPY_TEXT, SQL_C_COPY_CSV, SQL_C_COPY_BINARY } format; char delimiter, quote, escape; struct base_span null_text; bool header; bool unsupported; };
struct sql_command {
	enum sql_command_kind kind;
	struct base_arena *arena;       /* own: what is not a span of the client's text */
	char words[40];                 /* command tag of the statement as PostgreSQL writes it: "SELECT", "BEGIN", "CREATE TABLE", "START TRANSACTION" */
	struct base_span name;          /* folded as the server folds */
	struct base_span value; bool is_default, local, several_values; /* SET: one value; a list is joined by ", " with each quoted as needed */
	struct base_span inner;         /* exact bytes of the client's text, or of `made` */
	struct base_span made;          /* own text where inner is not the client's */
	struct base_span send;          /* the gate's own text to send; NUL-free */
	uint32_t *types; size_t ntypes; /* PREPARE: OIDs of the declared types: built-in names only; any other makes kind SQL_C_OTHER with words "PREPARE (type x)" */
	struct sql_argument *args; size_t nargs;
	bool hold, scroll, binary, backward, all; int64_t count; /* FETCH: default 1; all: ALL. ABSOLUTE, RELATIVE, FIRST, LAST, PRIOR: backward */
	bool analyze, verbose;          /* EXPLAIN */
	bool is_select;                 /* QUERY and inner: SELECT, VALUES, TABLE, WITH ... SELECT without INTO, locking, data-modifying WITH (a hint, not a judgement) */
	struct sql_copy copy;
	bool odd_identifier;            /* some quoted identifier holds a control character or is written U&"...": the tree's text could not be told apart by line; refuse */
};
/* One statement expected. GH_E_PARSE: libpg_query's grammar refuses it (the server will say so better: let it); GH_E_LIMIT: too long or too deep. */
BASE_CHECK int sql_command_read(struct base_span text, struct sql_command **c_r, struct base_fail *fail);
void sql_command_free(struct sql_command **c);
/* True: by its tokens alone, sql_command_read would say SQL_C_QUERY without odd_identifier, or that the grammar refuses the text. A tenth of its cost. */
bool sql_command_is_plain(struct base_span text);

/* Appends text with `, "alias"."column" AS "label"` put in behind the outermost select list (in front of its FROM). GH_E_UNSUPPORTED where that place cannot be
 * told. The caller has the server analyse the result and checks it. */
BASE_CHECK int sql_splice_column(struct base_span text, struct base_span alias, struct base_span column, const char *label, struct base_buf *out);
/* "name", quotes doubled. */
void sql_quote_identifier(struct base_span name, struct base_buf *out);
void sql_quote_literal(struct base_span value, struct base_buf *out);

#endif
