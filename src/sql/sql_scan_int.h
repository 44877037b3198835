/* sql_scan_int: private to sql. */
#ifndef SQL_SCAN_INT_H
#define SQL_SCAN_INT_H

#include "base_fail.h"
#include "base_span.h"

struct sql_token {
	uint64_t start, end, kind; /* PG_QUERY__TOKEN__*; the end of U&'..' and U&".." is wrong (inside the prefix) */
};
/* The next token of pg_query_scan's message about a text of text_len bytes: 1 got one, 0 end, GH_E_PARSE. start is inside the text; no
 * more is promised about order and ends. */
int sql_scan_next(struct base_cursor *c, size_t text_len, struct sql_token *t_r);

/* GH_E_PARSE with libpg_query's message but for the part that quotes the statement: that may be a literal, and literals are not logged. */
int sql_scan_refused(struct base_fail *fail, const char *what, const char *message);

#endif
