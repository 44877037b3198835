/* ledger_read: entries of a log by index, for any process that may read the folder, also while the keeper writes.
 * Reads bundles; believes the checkpoint's size without checking its signature and does not hash (that is ledger_verify's work).
 * With `tail` also what is only in the journal so far: such entries may be a moment away from being durable.
 */
#ifndef LEDGER_READ_H
#define LEDGER_READ_H

#include "base_fail.h"
#include "base_span.h"
#include "ledger_merkle.h"

struct ledger_read;
BASE_CHECK int ledger_read_open(const char *dir, bool tail, struct ledger_read **r_r, struct base_fail *fail);
void ledger_read_free(struct ledger_read **r);
/* Looks again how far the log goes (for `tail -f`). The position stays. */
BASE_CHECK int ledger_read_refresh(struct ledger_read *r, struct base_fail *fail);
/* Entries under the checkpoint as of open or the last refresh. */
uint64_t ledger_read_published(const struct ledger_read *r);
/* The next call of next gives this entry. Any value; past the end next gives 0 until there is more. */
void ledger_read_seek(struct ledger_read *r, uint64_t index);
/* 1: an entry, borrowed until the next call. 0: the end, as of open or the last refresh. */
BASE_CHECK int ledger_read_next(struct ledger_read *r, uint64_t *index_r, struct base_span *entry_r, struct base_fail *fail);
/* Counts what is there by going to the end; keeps the position. */
BASE_CHECK int ledger_read_size(struct ledger_read *r, uint64_t *size_r, struct base_fail *fail);

/* For proofs: complete subtrees from the tile files, of the checkpoint that was last read. */
struct ledger_merkle_source ledger_read_source(struct ledger_read *r);
/* The checkpoint file's text as last read; borrowed until refresh or free. */
struct base_span ledger_read_checkpoint(const struct ledger_read *r);

#endif
