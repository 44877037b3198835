/* sql_scan: statement text without its literals and comments, made from the server's own scanner (libpg_query), so that no lexer of
 * ours can disagree with PostgreSQL's. Input: hostile text. Pure. Thread-safe. The only component that includes pg_query.h is sql.
 */
#ifndef SQL_SCAN_H
#define SQL_SCAN_H

#include "base_buf.h"
#include "base_fail.h"

#define SQL_TEXT_MAX 65536u   /* longer text is not scanned or parsed (libpg_query's recursion; SQL-RULES 5.1) */
#define SQL_LITERALS_MAX 1024u

struct sql_literal { uint32_t at, len; }; /* the token in the text: 'abc', 42, 1.5e3, $$x$$, E'\n', B'01' */

struct sql_scan {
	struct base_buf norm;      /* tokens joined by one space; each literal is "?"; comments gone; $1 stays; own. The operator
	                              "?" is written "OPERATOR(?)", so that equal forms mean equal token kinds */
	struct sql_literal *literal; /* own; in order of the text */
	size_t nliterals;
	size_t cap; /* private: room in literal */
};
void sql_scan_init(struct sql_scan *s);
void sql_scan_done(struct sql_scan *s);
/* Reusable: replaces what s held. GH_E_LIMIT: text too long or too many literals; GH_E_PARSE: the scanner refuses it, or it is
 * not valid UTF-8 (scanner and server may differ then). On failure norm is empty. */
BASE_CHECK int sql_scan_text(struct sql_scan *s, struct base_span text, struct base_fail *fail);
/* The value of a literal token: integers and decimals as written, '...' with '' undoubled, appended to out. GH_E_UNSUPPORTED for
 * E'', U&'', B'', X'' and dollar quoting with escapes of their own ($$x$$ is fine). */
BASE_CHECK int sql_scan_value(struct base_span token, struct base_buf *out);

#endif
