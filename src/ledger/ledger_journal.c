/* ledger_journal: encode and decode the journal.
 * Input: files that a crash or a failing disk may have left in any state; not an adversary (who owns the folder can also delete
 * it; what protects against him is the checkpoint). The decoder reads no byte outside its span whatever the bytes are. No I/O.
 */
#include "ledger_journal.h"

#include <assert.h>
#include <endian.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define RECORD_MAGIC 0x47486a72u
#define CRC_FROM 8u /* a record's CRC covers the bytes from here on */

static const char segment_magic[9] = "GHJRNL01";

/* ---- CRC-32C ---- */

#define POLY 0x82f63b78u
#define T1(n) ((uint32_t)(n) >> 1 ^ ((n)&1 ? POLY : 0u))
#define T2(n) T1(T1(n))
#define T4(n) T2(T2(n))
#define ROW(n) T4(n), T4((n) + 1), T4((n) + 2), T4((n) + 3), T4((n) + 4), T4((n) + 5), T4((n) + 6), T4((n) + 7)

/* Remainders of the sixteen half-bytes: 64 bytes of table that stay in the cache; used where the processor has no instruction. */
static const uint32_t half[16] = {ROW(0u), ROW(8u)};

uint32_t
ledger_journal_crc32c_table(struct base_span s)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(struct base_span s)
{
	uint64_t crc = 0xffffffffu;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, s.p + i, 8);
		crc = _mm_crc32_u64(crc, v);
	}
	for (; i < s.n; i++)
		crc = _mm_crc32_u8((uint32_t)crc, s.p[i]);
	return ~(uint32_t)crc;
}
#endif

uint32_t
ledger_journal_crc32c(struct base_span s)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(s);
#endif
	return ledger_journal_crc32c_table(s);
}

/* ---- segment header ---- */

void
ledger_segment_encode(struct base_buf *b, struct ledger_segment *s)
{
	uint8_t *p = base_buf_reserve(b, LEDGER_SEGMENT_HEADER);
	size_t at = base_buf_len(b);

	if (p == NULL)
		return;
	memset(p, 0, LEDGER_SEGMENT_HEADER);
	base_buf_str(b, segment_magic);
	base_buf_u64(b, s->serial);
	base_buf_u64(b, s->first);
	base_buf_commit(b, 36); /* the zeros */
	s->crc = ledger_journal_crc32c(base_span(base_buf_span(b).p + at, 60));
	base_buf_u32(b, s->crc);
}

int
ledger_segment_decode(struct base_span bytes, struct ledger_segment *s_r)
{
	static const uint8_t zeros[LEDGER_SEGMENT_HEADER];
	struct ledger_segment s;
	struct base_cursor c;

	if (bytes.n < LEDGER_SEGMENT_HEADER)
		return GH_E_PARSE;
	if (memcmp(bytes.p, zeros, LEDGER_SEGMENT_HEADER) == 0)
		return 0;
	c = base_cursor(base_span(bytes.p, LEDGER_SEGMENT_HEADER));
	if (!base_span_is(base_cursor_take(&c, 8), segment_magic))
		return GH_E_PARSE;
	s.serial = base_cursor_u64(&c);
	s.first = base_cursor_u64(&c);
	if (memcmp(base_cursor_take(&c, 36).p, zeros, 36) != 0)
		return GH_E_PARSE;
	s.crc = base_cursor_u32(&c);
	if (s.crc != ledger_journal_crc32c(base_span(bytes.p, 60)) || s.serial == 0)
		return GH_E_PARSE;
	*s_r = s;
	return 1;
}

/* ---- records ---- */

static void
store32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
}

static void
store64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}

/* Written into reserved room with fixed offsets rather than with base_buf_u32: this runs for every entry. */
void
ledger_record_encode(struct base_buf *b, struct ledger_record *r)
{
	size_t size = ledger_record_size(r->entry.n);
	uint8_t *p;

	assert(r->entry.n >= 1 && r->entry.n <= 65535 && r->synced <= r->seq);
	p = base_buf_reserve(b, size);
	if (p == NULL)
		return;
	memset(p + size - 8, 0, 8); /* the padding is in the last 8 bytes */
	memcpy(p + LEDGER_RECORD_HEADER, r->entry.p, r->entry.n);
	store32(p, RECORD_MAGIC);
	store32(p + 8, r->prev);
	store32(p + 12, (uint32_t)r->entry.n);
	store64(p + 16, r->seq);
	store64(p + 24, r->synced);
	r->crc = ledger_journal_crc32c(base_span(p + CRC_FROM, size - CRC_FROM));
	store32(p + 4, r->crc);
	base_buf_commit(b, size);
}

int
ledger_record_decode(struct base_span bytes, struct ledger_record *r_r, size_t *used_r)
{
	struct base_cursor c = base_cursor(bytes);
	struct ledger_record r;
	uint32_t length;
	size_t size;

	if (bytes.n < LEDGER_RECORD_HEADER)
		return bytes.n >= 4 && base_cursor_u32(&c) != RECORD_MAGIC ? GH_E_PARSE : 0;
	if (base_cursor_u32(&c) != RECORD_MAGIC)
		return GH_E_PARSE;
	r.crc = base_cursor_u32(&c);
	r.prev = base_cursor_u32(&c);
	length = base_cursor_u32(&c);
	r.seq = base_cursor_u64(&c);
	r.synced = base_cursor_u64(&c);
	if (length == 0 || length > 65535 || r.synced > r.seq)
		return GH_E_PARSE;
	size = ledger_record_size(length);
	if (size > bytes.n)
		return 0;
	if (ledger_journal_crc32c(base_span(bytes.p + CRC_FROM, size - CRC_FROM)) != r.crc)
		return GH_E_PARSE;
	for (size_t i = LEDGER_RECORD_HEADER + length; i < size; i++)
		if (bytes.p[i] != 0)
			return GH_E_PARSE;
	r.entry = base_cursor_take(&c, length);
	*r_r = r;
	*used_r = size;
	return 1;
}

bool
ledger_journal_hole(struct base_span bytes, uint64_t missing)
{
	for (size_t at = 0; at < bytes.n && bytes.n - at >= LEDGER_RECORD_HEADER; at += 8) {
		struct ledger_record r;
		size_t used;

		if (ledger_record_decode(base_span(bytes.p + at, bytes.n - at), &r, &used) == 1 && r.synced > missing)
			return true;
	}
	return false;
}
