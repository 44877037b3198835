/* ledger_log: the writer of one log. See the head of ledger_log.c for the life of an entry and the invariants.
 *
 * Threads: ledger_log_append may run in one thread while ledger_log_integrate, _checkpoint and _tidy run in another; two calls of
 * the same group must not overlap. ledger_log_size and _published may be called from anywhere.
 * Durability `flush`: append returns after fdatasync. `write`: after pwrite; a crash of the process loses nothing, a crash of the
 * machine may lose what was appended since the last checkpoint although append said 0.
 */
#ifndef LEDGER_LOG_H
#define LEDGER_LOG_H

#include "base_fail.h"
#include "base_span.h"
#include "ledger_note.h"

#define LEDGER_LOG_SEGMENT (16u * 1024u * 1024u) /* default size of a journal segment */

struct ledger_log_options {
	const char *dir;                    /* made when missing */
	const char *head;                   /* file outside of dir that remembers the last checkpoint; NULL = dir + ".head" */
	const struct ledger_signer *signer; /* borrow, as long as the log; its name is the origin */
	bool flush;
	uint64_t segment_size;              /* 0 = LEDGER_LOG_SEGMENT; at least 4096 */
};

struct ledger_log;
/* Takes the lock, compares checkpoint and head, replays the journal, publishes a checkpoint over all of it.
 * GH_E_BUSY: another process writes this log. GH_E_VERIFY: the folder is older than its head (a restored copy), damaged, or of
 * another key: writing on would fork the log. GH_E_FULL and others as met. */
BASE_CHECK int ledger_log_open(const struct ledger_log_options *o, struct ledger_log **log_r, struct base_fail *fail);
void ledger_log_close(struct ledger_log **log); /* publishes nothing */

/* Appends `count` entries given as a bundle (each behind its big-endian u16 length). 0: all are recorded, with the indices
 * ledger_log_size before the call and up. Negative: none is acknowledged; some may nevertheless be found after a restart. The
 * next call starts over at the same place, or in a new segment when a sync failed (a failed fdatasync is never repeated).
 * GH_E_LIMIT: the costs of the entries add up to more than ledger_log_batch_max. */
BASE_CHECK int ledger_log_append(struct ledger_log *log, struct base_span packed, size_t count, struct base_fail *fail);
size_t ledger_log_cost(size_t entry);                           /* bytes that an entry of this size takes in the journal */
size_t ledger_log_batch_max(const struct ledger_log *log);

/* Takes all acknowledged entries into the tree and writes most of the bundles and tiles that became full; the last few dozen may wait
 * for the checkpoint. May be repeated after a failure. */
BASE_CHECK int ledger_log_integrate(struct ledger_log *log, struct base_fail *fail);
/* Integrates, then publishes a checkpoint if there is anything new. */
BASE_CHECK int ledger_log_checkpoint(struct ledger_log *log, struct base_fail *fail);
/* After a checkpoint: removes journal segments and partial tiles that it made superfluous, makes the next segment ready. A failure
 * endangers nothing. */
BASE_CHECK int ledger_log_tidy(struct ledger_log *log, struct base_fail *fail);

uint64_t ledger_log_size(const struct ledger_log *log);      /* entries acknowledged */
uint64_t ledger_log_published(const struct ledger_log *log); /* entries under the last checkpoint */

#endif
