/* ledger_log_int: layout of the writer, shared by ledger_log.c and ledger_append.c only. */
#ifndef LEDGER_LOG_INT_H
#define LEDGER_LOG_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base_file.h"
#include "ledger_journal.h"
#include "ledger_log.h"
#include "ledger_store.h"
#include "ledger_tail.h"

struct ledger_log {
	int dirfd, journal, lockfd; /* own */
	char *head;                 /* own */
	const struct ledger_signer *signer; /* borrow */
	bool flush;
	uint64_t segment_size;

	/* shared */
	_Atomic uint64_t durable;   /* entries acknowledged: the journal is good below this */
	_Atomic uint64_t published; /* entries under the last checkpoint */
	pthread_mutex_t mutex;      /* over the following */
	struct ledger_segment *segment; /* own: segments with acknowledged entries, oldest first */
	size_t nsegment, segment_cap;
	uint64_t next_serial;
	struct base_file_seg spare; /* own: made ready, fd -1 = none */
	uint64_t spare_serial;

	/* appending thread */
	struct base_file_seg seg; /* own: written to now, fd -1 = none */
	struct ledger_segment seg_head;
	bool seg_fresh;           /* nothing in it is acknowledged yet */
	uint64_t next;            /* index of the next entry */
	uint64_t synced;          /* entries known to be on disk */
	uint32_t chain;           /* CRC of the last acknowledged record of seg */
	struct base_buf records;

	/* integrating thread */
	struct ledger_store store;
	struct ledger_tail *tail; /* own */
	bool have_checkpoint;
};

/* Makes the segment that append will need next, unless there is one. */
BASE_CHECK int ledger_append_prepare(struct ledger_log *log, struct base_fail *fail);
/* Removes the segments whose entries lie all below `published`, oldest first. */
BASE_CHECK int ledger_append_trim(struct ledger_log *log, uint64_t published, struct base_fail *fail);
void ledger_append_done(struct ledger_log *log);

#endif
