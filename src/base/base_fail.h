/* base_fail: the human part of an error. Filled where the reason is first known; codes are for machines.
 * Text is one line: what, why, where; lower case, no full stop (PostgreSQL's style guide). Peer text goes through
 * base_text_quote() before it comes here.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include "base_defs.h"

struct base_fail {
	int code;       /* GH_E_* */
	char text[512]; /* NUL-terminated */
	char hint[256]; /* what to do; may be empty */
};

/* Sets code and text, clears the hint; returns code, so that callers write `return base_fail_set(f, ...)`. f may be NULL. */
int base_fail_set(struct base_fail *f, int code, const char *fmt, ...) BASE_PRINTF(3, 4);
/* The same with ": strerror(err)" appended; maps ENOSPC/EDQUOT to GH_E_FULL, ENOENT to GH_E_MISSING, EACCES/EPERM to
 * GH_E_DENIED, EEXIST to GH_E_EXISTS, anything else to GH_E_IO. */
int base_fail_errno(struct base_fail *f, int err, const char *fmt, ...) BASE_PRINTF(3, 4);
void base_fail_hint(struct base_fail *f, const char *fmt, ...) BASE_PRINTF(2, 3);
/* Puts "prefix: " in front of the text (where it happened). */
void base_fail_where(struct base_fail *f, const char *fmt, ...) BASE_PRINTF(2, 3);

#endif
