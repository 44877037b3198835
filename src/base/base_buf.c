/* base_buf: a growable byte buffer with a ceiling.
 * Input: any bytes, any sizes. The ceiling is on unread bytes; reaching it or being refused memory latches `bad`, after which
 * every append does nothing until base_buf_clear. Never shrinks except in base_buf_trim, never holds more than max(max, 1) bytes.
 * Data moves only when the room behind it does not suffice: then it is moved to the front if that makes enough room,
 * else the memory grows (doubling), copying only the unread part.
 */
#include "base_buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"

#define BUF_FIRST 256 /* the smallest allocation */

void
base_buf_init(struct base_buf *b, size_t max)
{
	*b = (struct base_buf){.max = max};
}

void
base_buf_done(struct base_buf *b)
{
	free(b->mem);
	*b = (struct base_buf){.max = b->max};
}

void
base_buf_clear(struct base_buf *b)
{
	b->start = b->end = 0;
	b->bad = false;
}

void
base_buf_trim(struct base_buf *b)
{
	if (base_buf_len(b) != 0)
		return;
	free(b->mem);
	b->mem = NULL;
	b->cap = b->start = b->end = 0;
}

void
base_buf_consume(struct base_buf *b, size_t n)
{
	assert(n <= base_buf_len(b));
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0; /* the whole memory is room again, without a move */
}

/* New capacity for `need` bytes (need <= max): doubling, at least BUF_FIRST, at most max. */
static size_t
buf_capacity(const struct base_buf *b, size_t need)
{
	size_t cap = b->cap <= b->max / 2 ? b->cap * 2 : b->max;

	if (cap < need)
		cap = need;
	if (cap < BUF_FIRST)
		cap = BUF_FIRST < b->max ? BUF_FIRST : b->max;
	return cap == 0 ? 1 : cap;
}

static bool
buf_grow(struct base_buf *b, size_t need)
{
	size_t len = base_buf_len(b);
	size_t cap = buf_capacity(b, need);
	uint8_t *mem;

	if (b->start == 0) {
		mem = base_mem_grow(b->mem, cap, 1);
		if (mem == NULL)
			return false;
	} else {
		mem = base_mem_grow(NULL, cap, 1);
		if (mem == NULL)
			return false;
		memcpy(mem, b->mem + b->start, len);
		free(b->mem);
	}
	b->mem = mem;
	b->cap = cap;
	b->start = 0;
	b->end = len;
	return true;
}

uint8_t *
base_buf_reserve(struct base_buf *b, size_t n)
{
	size_t len = base_buf_len(b);

	if (b->bad)
		return NULL;
	if (n > b->max - len) {
		b->bad = true;
		return NULL;
	}
	if (b->mem == NULL || n > b->cap - b->end) {
		if (b->mem != NULL && n <= b->cap - len) {
			memmove(b->mem, b->mem + b->start, len);
			b->start = 0;
			b->end = len;
		} else if (!buf_grow(b, len + n)) {
			b->bad = true;
			return NULL;
		}
	}
	return b->mem + b->end;
}

void
base_buf_commit(struct base_buf *b, size_t n)
{
	assert(n <= b->cap - b->end && n <= b->max - base_buf_len(b));
	b->end += n;
}

void
base_buf_put(struct base_buf *b, struct base_span s)
{
	uint8_t *p = base_buf_reserve(b, s.n);

	if (p == NULL || s.n == 0)
		return;
	memcpy(p, s.p, s.n);
	b->end += s.n;
}

void
base_buf_str(struct base_buf *b, const char *s)
{
	base_buf_put(b, base_span_str(s));
}

void
base_buf_cstr(struct base_buf *b, const char *s)
{
	base_buf_put(b, base_span(s, strlen(s) + 1));
}

/* The low n bytes of v, big-endian. */
static void
buf_number(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static void
buf_put_number(struct base_buf *b, uint64_t v, size_t n)
{
	uint8_t *p = base_buf_reserve(b, n);

	if (p == NULL)
		return;
	buf_number(p, v, n);
	b->end += n;
}

void
base_buf_u8(struct base_buf *b, uint8_t v)
{
	buf_put_number(b, v, 1);
}

void
base_buf_u16(struct base_buf *b, uint16_t v)
{
	buf_put_number(b, v, 2);
}

void
base_buf_u32(struct base_buf *b, uint32_t v)
{
	buf_put_number(b, v, 4);
}

void
base_buf_u64(struct base_buf *b, uint64_t v)
{
	buf_put_number(b, v, 8);
}

/* vsnprintf wants room for a NUL that the buffer's ceiling may not have: text is made aside, on the stack when it is short. */
void
base_buf_fmt(struct base_buf *b, const char *fmt, ...)
{
	char line[512];
	char *text = line;
	va_list ap;
	int len;
	size_t n;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->bad = true;
		return;
	}
	n = (size_t)len;
	if (n >= sizeof(line)) {
		if (b->bad || n > b->max - base_buf_len(b) || (text = base_mem_try(n + 1, 1)) == NULL) {
			b->bad = true;
			return;
		}
		va_start(ap, fmt);
		len = vsnprintf(text, n + 1, fmt, ap);
		va_end(ap);
		assert(len >= 0 && (size_t)len == n);
	}
	base_buf_put(b, base_span(text, n));
	if (text != line)
		free(text);
}

void
base_buf_set_u32(struct base_buf *b, size_t at, uint32_t v)
{
	size_t len = base_buf_len(b);

	if (b->bad)
		return; /* the place may never have been written */
	assert(len >= 4 && at <= len - 4);
	buf_number(b->mem + b->start + at, v, 4);
}
