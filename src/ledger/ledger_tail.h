/* ledger_tail: reads the journal's segments in order, as start-up, the integrating thread and readers of other processes do.
 * Never writes. Not thread-safe: one tail for each thread.
 */
#ifndef LEDGER_TAIL_H
#define LEDGER_TAIL_H

#include "base_fail.h"
#include "ledger_journal.h"

#define LEDGER_SEGMENT_NAME 17u /* 16 digits and NUL */
#define LEDGER_SEGMENT_MAX (1024u * 1024u * 1024u)

/* Name of a segment's file: its serial in 16 decimal digits. Returns dst. */
const char *ledger_tail_name(uint64_t serial, char dst[LEDGER_SEGMENT_NAME]);

struct ledger_tail;
/* dirfd: the journal's folder; borrowed. */
struct ledger_tail *ledger_tail_new(int dirfd);
void ledger_tail_free(struct ledger_tail **t);

/* Lists the segments anew and forgets what was read ahead (it may have been overwritten since); keeps the position. To be called
 * after one has learned how far the journal goes and before reading so far. GH_E_VERIFY: the list contradicts itself. */
BASE_CHECK int ledger_tail_refresh(struct ledger_tail *t, struct base_fail *fail);
/* The segments in use that the last refresh found, in order. */
size_t ledger_tail_count(const struct ledger_tail *t);
struct ledger_segment ledger_tail_segment(const struct ledger_tail *t, size_t i);
/* All files there by serial, used or not: for the writer, which removes what it does not need. */
size_t ledger_tail_files(const struct ledger_tail *t);
uint64_t ledger_tail_file(const struct ledger_tail *t, size_t i);

/* Goes to a sequence number: 0 ok, 1 the journal ends before it, GH_E_MISSING it begins after it. */
BASE_CHECK int ledger_tail_seek(struct ledger_tail *t, uint64_t seq, struct base_fail *fail);
/* 1: the record at the position, borrowed until the next call other than advance. 0: the journal ends here (perhaps only for now).
 * GH_E_VERIFY: a record is missing that must be there. */
BASE_CHECK int ledger_tail_peek(struct ledger_tail *t, struct ledger_record *r_r, struct base_fail *fail);
void ledger_tail_advance(struct ledger_tail *t); /* past what peek gave */
uint64_t ledger_tail_seq(const struct ledger_tail *t); /* of the position */
/* After peek gave 0: 0 when what follows in the last segment is a torn tail, GH_E_VERIFY when it proves a hole. */
BASE_CHECK int ledger_tail_check_end(struct ledger_tail *t, struct base_fail *fail);

#endif
