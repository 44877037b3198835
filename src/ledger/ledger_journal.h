/* ledger_journal: the write-ahead journal's format: segment header and records. Pure. docs/FORMATS.md "Journal" says the same.
 * All numbers big-endian. A segment is a file of fixed size, written with zeros when it is made.
 *
 *   header (64 bytes)                          record (32 bytes, then the entry, then zeros up to a multiple of 8)
 *    0  8  "GHJRNL01"                           0  4  0x47486a72 "GHjr"
 *    8  8  serial: 1, 2, ... also its name      4  4  CRC-32C of everything behind this field, padding included
 *   16  8  first: sequence of its 1st record    8  4  prev: CRC of the record before; of the header for the first
 *   24 36  zero                                12  4  length of the entry, 1..65535
 *   60  4  CRC-32C of bytes 0..59              16  8  sequence number = index of the entry in the log
 *                                              24  8  synced: all records below this were durable when this one was written
 *
 * A record is valid if and only if: its first field, length and CRC hold, it lies inside the segment, its padding is zero,
 * synced <= sequence, the sequence is the one expected and prev is the CRC of the record before it.
 * A record of a segment counts only below the `first` of every later segment (an abandoned segment may have a tail that was
 * never acknowledged).
 * The journal ends at the first place that is not a valid record. That is a torn tail, to be cut, unless a record further on
 * proves that the missing one had been durable (its CRC holds and missing < synced): then it is a hole, and an error.
 */
#ifndef LEDGER_JOURNAL_H
#define LEDGER_JOURNAL_H

#include "base_buf.h"
#include "base_fail.h"

#define LEDGER_SEGMENT_HEADER 64u
#define LEDGER_RECORD_HEADER 32u
#define LEDGER_RECORD_MAX (LEDGER_RECORD_HEADER + 65536u) /* padded */

uint32_t ledger_journal_crc32c(struct base_span s); /* RFC 3720 B.4: reflected, initial and final complement */
/* The same by table, whatever the processor can do; for tests. */
uint32_t ledger_journal_crc32c_table(struct base_span s);

struct ledger_segment {
	uint64_t serial;
	uint64_t first;
	uint32_t crc; /* of the header: `prev` of the first record */
};
void ledger_segment_encode(struct base_buf *b, struct ledger_segment *s); /* sets s->crc */
/* 1 a segment in use, 0 all zeros (made, not yet used), GH_E_PARSE anything else. At least LEDGER_SEGMENT_HEADER bytes or GH_E_PARSE. */
BASE_CHECK int ledger_segment_decode(struct base_span bytes, struct ledger_segment *s_r);

struct ledger_record {
	uint64_t seq;
	uint64_t synced;
	uint32_t prev;
	uint32_t crc;
	struct base_span entry; /* borrow */
};
static inline size_t
ledger_record_size(size_t entry)
{
	return LEDGER_RECORD_HEADER + ((entry + 7) & ~(size_t)7);
}
void ledger_record_encode(struct base_buf *b, struct ledger_record *r); /* sets r->crc; entry 1..65535 bytes, asserted */
/* One record at the start of bytes, on its own: sequence and prev are the caller's to compare.
 * 1 got one (*used_r bytes), 0 more bytes are needed to tell, GH_E_PARSE not a valid record. */
BASE_CHECK int ledger_record_decode(struct base_span bytes, struct ledger_record *r_r, size_t *used_r);
/* Whether a record at a multiple of 8 in bytes (which start at such a multiple in the segment) proves that the entry `missing`
 * had been durable. */
bool ledger_journal_hole(struct base_span bytes, uint64_t missing);

#endif
