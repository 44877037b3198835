/* gate_copy: reads the rows of COPY ... TO STDOUT (text, CSV, binary; PostgreSQL documentation, COPY "File Formats") as CopyData
 * pieces arrive, and turns subject columns into marks. Pure. Input: hostile server.
 */
#ifndef GATE_COPY_H
#define GATE_COPY_H

#include "gate_row.h"
#include "sql_facts.h"

struct gate_copy {
	int format;              /* SQL_COPY_TEXT, SQL_COPY_CSV, SQL_COPY_BINARY */
	char delimiter, quote, escape;
	char null_text[32];
	size_t null_n;
	bool skip_header;        /* the first line is not a row */
	uint16_t columns;        /* fields that a row must have for its marks to count */
	/* state */
	bool binary_begun, binary_over, quoted, was_quoted, after_quote, after_escape, is_null;
	uint32_t header_left;
	struct gate_row row;     /* value and tuple under work; whole reader for binary */
};
/* False when the options are more than we read (NULL text too long, or with escapes of its own): the answer is then unknown. */
BASE_CHECK bool gate_copy_begin(struct gate_copy *c, const struct sql_statement *s, uint16_t columns);
/* Adds each completed row to tuples. False: memory refused. */
BASE_CHECK bool gate_copy_feed(struct gate_copy *c, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, struct gate_tuples *t);
/* The message has ended, and a row with it (documentation 55.2.6: one row in each): one that has not was misread and counts as lost; the
 * next message begins afresh. */
void gate_copy_end(struct gate_copy *c, struct gate_tuples *t);

#endif
