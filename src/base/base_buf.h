/* base_buf: a growable byte buffer with a maximum and a read position; errors are latched, checked once before use.
 * Layout: [consumed | unread data | room]. Appends compact or grow (doubling, at most `max` bytes of unread data).
 * Pointers into the buffer live until the next call that appends or reserves.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base_span.h"

struct base_buf {
	uint8_t *mem; /* own */
	size_t cap;
	size_t start; /* first unread byte */
	size_t end;   /* one past the last byte */
	size_t max;   /* ceiling of unread bytes */
	bool bad;     /* an append did not fit or memory was refused */
};

void base_buf_init(struct base_buf *b, size_t max); /* allocates nothing yet */
void base_buf_done(struct base_buf *b);             /* frees; wipes nothing */
void base_buf_clear(struct base_buf *b);            /* empties, keeps memory, clears bad */
void base_buf_trim(struct base_buf *b);             /* frees the memory when nothing is unread */
static inline size_t
base_buf_len(const struct base_buf *b)
{
	return b->end - b->start;
}
static inline struct base_span
base_buf_span(const struct base_buf *b)
{
	return base_span(b->mem ? b->mem + b->start : (const uint8_t *)"", b->end - b->start);
}
void base_buf_consume(struct base_buf *b, size_t n); /* n <= len, asserted */
/* Room for at least n bytes behind the data, NULL (and bad) when that would pass max; commit what was written. */
uint8_t *base_buf_reserve(struct base_buf *b, size_t n);
void base_buf_commit(struct base_buf *b, size_t n);

void base_buf_put(struct base_buf *b, struct base_span s);
void base_buf_str(struct base_buf *b, const char *s); /* without the NUL */
void base_buf_cstr(struct base_buf *b, const char *s); /* with the NUL */
void base_buf_u8(struct base_buf *b, uint8_t v);
void base_buf_u16(struct base_buf *b, uint16_t v); /* big-endian */
void base_buf_u32(struct base_buf *b, uint32_t v);
void base_buf_u64(struct base_buf *b, uint64_t v);
void base_buf_fmt(struct base_buf *b, const char *fmt, ...) BASE_PRINTF(2, 3);
/* Overwrites four bytes at offset `at` counted from the start of the unread data (message lengths filled in later). */
void base_buf_set_u32(struct base_buf *b, size_t at, uint32_t v);

#endif
