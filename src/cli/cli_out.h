/* cli_out: what commands have in common on the way out: errors, JSON text, progress of long work. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdio.h>

#include "base_buf.h"
#include "base_fail.h"

/* "gatehouse: text" and, when there is one, "hint: ..." to standard error. Returns CLI_EXIT_ERROR. */
int cli_out_fail(const struct base_fail *fail);
int cli_out_error(const char *fmt, ...) BASE_PRINTF(1, 2);

/* Appends a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void cli_out_json(struct base_buf *b, struct base_span s);

/* Progress on standard error, only when that is a terminal and the work takes longer than a moment. */
struct cli_progress {
	const char *what; /* borrow: "verifying" */
	uint64_t total;   /* 0 = not known */
	uint64_t next_us; /* monotonic: when to draw again */
	bool tty, drawn;
};
void cli_progress_init(struct cli_progress *p, const char *what, uint64_t total);
void cli_progress_step(struct cli_progress *p, uint64_t done);
void cli_progress_done(struct cli_progress *p); /* wipes the line */

/* Writes the buffer to standard output; false when that failed (closed pipe, full disk): the command ends with an error. */
bool cli_out_write(struct base_buf *b);

#endif
