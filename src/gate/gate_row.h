/* gate_row: reads rows as their bytes arrive and turns subject columns into marks. Nothing but the value under the reader is ever
 * collected, so a row of a gigabyte costs a kilobyte. Pure. Input: hostile server.
 */
#ifndef GATE_ROW_H
#define GATE_ROW_H

#include "gate_plan.h"
#include "mask_mark.h"
#include "mask_value.h"

/* Marks of the rows of one part, a tuple of `width` for each row that named somebody; equal neighbours once. */
struct gate_tuples {
	uint64_t *mark; /* own; count * width */
	size_t count, width, cap;
	uint64_t rows;  /* rows read, with or without marks */
	uint64_t lost;  /* rows whose subject could not be told */
	char *letter;   /* own: of each tuple, as in the entry's classes; NULL until one was given */
};
void gate_tuples_reset(struct gate_tuples *t, size_t width); /* keeps memory */
void gate_tuples_done(struct gate_tuples *t);
/* Adds one row. A tuple of zeros (all absent) counts as a row only. False when memory is refused. */
BASE_CHECK bool gate_tuples_add(struct gate_tuples *t, const uint64_t *tuple, char letter); /* letter 0: none */

struct gate_row {
	enum { GATE_ROW_COUNT, GATE_ROW_LENGTH, GATE_ROW_VALUE, GATE_ROW_DONE, GATE_ROW_BROKEN } phase;
	uint16_t fields, field; /* announced; current */
	uint8_t number[4];
	uint8_t number_n;
	bool lost;              /* the row's subject could not be told: a key or link was unreadable, or all that there was */
	bool unread;            /* an identifier was unreadable (an empty telephone number): somebody else's value may still tell */
	uint32_t value_left;
	size_t value_n;
	size_t next;            /* next subject of the plan */
	uint64_t tuple[GATE_SUBJECT_COLUMNS];
	uint8_t value[MASK_VALUE_MAX];
};
void gate_row_begin(struct gate_row *r);
/* Eats bytes of one row (DataRow payload, or a tuple of binary COPY); returns how many it used: all, unless the row ended before.
 * stop_early: DONE as soon as no subject column is left (the caller knows the row's end from its message). */
size_t gate_row_feed(struct gate_row *r, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, bool stop_early);
/* An unreadable value of this column: notes what that means. At the row's end, settle says whether its subject is lost. */
void gate_row_unreadable(struct gate_row *r, const struct policy_column *c);
void gate_row_settle(struct gate_row *r);
/* Mark of one value under a column's rule; 0 when it cannot be told. */
uint64_t gate_row_mark(const struct policy_column *c, uint32_t type, int format, struct base_span value, const struct mask_marker *m);

#endif
