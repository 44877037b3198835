/* ledger_append: the appending half of ledger_log: journal segments and acknowledgements.
 * Input: entries that the keeper has checked; the disk, which may fail at any call. Reads nothing back. Never acknowledges what is
 * not written (and, with durability `flush`, synced), never repeats a failed sync.
 *
 * Failed write: nothing is acknowledged, the next batch overwrites the same place. What is left behind it cannot be taken for
 * entries later, because each record names the CRC of the record before it.
 * Failed sync: the kernel may have dropped the pages and call the next sync a success. The segment is abandoned: what was
 * acknowledged in it was covered by an earlier, successful sync; the next batch opens a new segment whose `first` cuts off the rest.
 */
#include "ledger_log_int.h"

#include <stdlib.h>

#include "base_mem.h"
#include "ledger_tile.h"

#define SEGMENT_MODE 0640u

size_t
ledger_log_cost(size_t entry)
{
	return ledger_record_size(entry);
}

size_t
ledger_log_batch_max(const struct ledger_log *log)
{
	return (size_t)log->segment_size - LEDGER_SEGMENT_HEADER;
}

/* ---- segments ---- */

/* Removes a segment that holds nothing acknowledged. A failure leaves an unused file, which the next start removes. */
static void
drop_segment(struct ledger_log *log, uint64_t serial)
{
	char name[LEDGER_SEGMENT_NAME];
	int ignored = base_file_remove(log->journal, ledger_tail_name(serial, name), NULL);

	(void)ignored; /* see above */
}

/* Makes a file with a new serial number. No lock is held while zeros are written. */
static int
create_segment(struct ledger_log *log, struct base_file_seg *seg_r, uint64_t *serial_r, struct base_fail *fail)
{
	char name[LEDGER_SEGMENT_NAME];
	uint64_t serial;
	int r;

	pthread_mutex_lock(&log->mutex);
	serial = log->next_serial++;
	pthread_mutex_unlock(&log->mutex);
	r = base_file_seg_create(log->journal, ledger_tail_name(serial, name), SEGMENT_MODE, log->segment_size, seg_r, fail);
	if (r < 0) {
		drop_segment(log, serial); /* it may have got its name and failed after */
		return r;
	}
	*serial_r = serial;
	return 0;
}

int
ledger_append_prepare(struct ledger_log *log, struct base_fail *fail)
{
	struct base_file_seg seg;
	uint64_t serial;
	bool have;
	int r;

	pthread_mutex_lock(&log->mutex);
	have = log->spare.fd >= 0;
	pthread_mutex_unlock(&log->mutex);
	if (have)
		return 0;
	r = create_segment(log, &seg, &serial, fail);
	if (r < 0)
		return r;
	pthread_mutex_lock(&log->mutex);
	log->spare = seg;
	log->spare_serial = serial;
	pthread_mutex_unlock(&log->mutex);
	return 0;
}

/* Lists a segment when its first entries are acknowledged. Room for it was made when it was opened. */
static void
list_segment(struct ledger_log *log)
{
	pthread_mutex_lock(&log->mutex);
	log->segment[log->nsegment++] = log->seg_head;
	pthread_mutex_unlock(&log->mutex);
	log->seg_fresh = false;
}

static int
make_room(struct ledger_log *log, struct base_fail *fail)
{
	int r = 0;

	pthread_mutex_lock(&log->mutex);
	if (log->nsegment == log->segment_cap) {
		size_t cap = log->segment_cap == 0 ? 16 : log->segment_cap * 2;
		struct ledger_segment *grown = base_mem_grow(log->segment, cap, sizeof *grown);

		if (grown == NULL) {
			r = base_fail_set(fail, GH_E_NOMEM, "no memory for the list of journal segments");
		} else {
			log->segment = grown;
			log->segment_cap = cap;
		}
	}
	pthread_mutex_unlock(&log->mutex);
	return r;
}

/* Goes to a new segment. On failure the present one stays: a smaller batch may still fit. */
static int
rotate(struct ledger_log *log, struct base_fail *fail)
{
	struct base_file_seg seg = {.fd = -1};
	uint64_t serial = 0;
	int r = make_room(log, fail);

	if (r < 0)
		return r;
	/* The header of the next segment states that this one is complete: it must be on disk before. With `flush` it is. With
	 * `write` a failed sync is repeated here: nothing was promised, and the next checkpoint makes the entries safe. */
	if (log->seg.fd >= 0 && log->synced < log->next) {
		r = base_file_seg_sync(&log->seg, fail);
		if (r < 0)
			return r;
		log->synced = log->next;
	}
	pthread_mutex_lock(&log->mutex);
	if (log->spare.fd >= 0) {
		seg = log->spare;
		serial = log->spare_serial;
		log->spare.fd = -1;
	}
	pthread_mutex_unlock(&log->mutex);
	/* Segments are used in the order of their serials. The spare may have drawn its number before the present segment was made in a
	 * hurry (while the spare's zeros were still being written): then it comes too late. */
	if (seg.fd >= 0 && serial < log->seg_head.serial) {
		base_file_seg_close(&seg);
		drop_segment(log, serial);
	}
	if (seg.fd < 0) {
		r = create_segment(log, &seg, &serial, fail);
		if (r < 0)
			return r;
	}
	base_file_seg_close(&log->seg);
	log->seg = seg;
	log->seg_head = (struct ledger_segment){.serial = serial, .first = log->next};
	log->seg_fresh = true;
	return 0;
}

/* After a failed sync: see the head comment. */
static void
abandon(struct ledger_log *log)
{
	base_file_seg_close(&log->seg);
	if (log->seg_fresh) /* if it cannot be removed, the next segment's `first` makes it void */
		drop_segment(log, log->seg_head.serial);
}

int
ledger_append_trim(struct ledger_log *log, uint64_t published, struct base_fail *fail)
{
	for (;;) {
		char name[LEDGER_SEGMENT_NAME];
		uint64_t serial = 0;
		int r;

		pthread_mutex_lock(&log->mutex);
		if (log->nsegment >= 2 && log->segment[1].first <= published)
			serial = log->segment[0].serial;
		pthread_mutex_unlock(&log->mutex);
		if (serial == 0)
			return 0;
		r = base_file_remove(log->journal, ledger_tail_name(serial, name), fail);
		if (r < 0)
			return r;
		pthread_mutex_lock(&log->mutex);
		log->nsegment--;
		memmove(log->segment, log->segment + 1, log->nsegment * sizeof *log->segment);
		pthread_mutex_unlock(&log->mutex);
	}
}

void
ledger_append_done(struct ledger_log *log)
{
	base_file_seg_close(&log->seg);
	if (log->spare.fd >= 0) {
		base_file_seg_close(&log->spare);
		drop_segment(log, log->spare_serial);
	}
	base_buf_done(&log->records);
	free(log->segment);
	log->segment = NULL;
}

/* ---- appending ---- */

/* Adds up the costs; GH_E_PARSE when the bundle is not one of `count` entries. */
static int
measure(struct base_span packed, size_t count, size_t *bytes_r)
{
	struct base_cursor c = base_cursor(packed);
	struct base_span entry;
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		if (ledger_bundle_next(&c, &entry) != 1)
			return GH_E_PARSE;
		bytes += ledger_record_size(entry.n);
	}
	*bytes_r = bytes;
	return c.left == 0 ? 0 : GH_E_PARSE;
}

/* Encodes the batch (behind the header, when the segment is fresh) into log->records; *chain_r is the CRC of the last record. */
static int
encode(struct ledger_log *log, struct base_span packed, size_t count, uint32_t *chain_r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(packed);
	struct ledger_record rec = {.seq = log->next, .synced = log->synced, .prev = log->chain};

	base_buf_clear(&log->records);
	if (log->seg_fresh) {
		ledger_segment_encode(&log->records, &log->seg_head);
		rec.prev = log->seg_head.crc;
	}
	for (size_t i = 0; i < count; i++) {
		if (ledger_bundle_next(&c, &rec.entry) != 1) /* NEVER: measured before */
			return base_fail_set(fail, GH_E_PARSE, "batch is malformed");
		ledger_record_encode(&log->records, &rec);
		rec.prev = rec.crc;
		rec.seq++;
	}
	if (log->records.bad)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for a batch");
	*chain_r = rec.prev;
	return 0;
}

int
ledger_log_append(struct ledger_log *log, struct base_span packed, size_t count, struct base_fail *fail)
{
	uint64_t pos;
	uint32_t chain = 0;
	size_t bytes;
	int r;

	if (measure(packed, count, &bytes) < 0)
		return base_fail_set(fail, GH_E_PARSE, "batch is malformed");
	if (bytes > ledger_log_batch_max(log))
		return base_fail_set(fail, GH_E_LIMIT, "batch of %zu bytes does not fit in a journal segment", bytes);
	if (count == 0)
		return 0;
	/* A fresh segment has room for any batch. */
	if (log->seg.fd < 0 || (!log->seg_fresh && bytes > log->seg.size - log->seg.pos)) {
		r = rotate(log, fail);
		if (r < 0)
			return r;
	}
	r = encode(log, packed, count, &chain, fail);
	if (r < 0)
		return r;
	pos = log->seg.pos;
	r = base_file_seg_write(&log->seg, base_buf_span(&log->records), fail);
	if (r < 0) {
		log->seg.pos = pos; /* overwrite this place next time */
		return r;
	}
	if (log->flush) {
		r = base_file_seg_sync(&log->seg, fail);
		if (r < 0) {
			abandon(log);
			return r;
		}
	}
	if (log->seg_fresh)
		list_segment(log);
	log->next += count;
	log->chain = chain;
	if (log->flush)
		log->synced = log->next;
	atomic_store_explicit(&log->durable, log->next, memory_order_release);
	return 0;
}
