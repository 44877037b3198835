/* base_span: bytes with a length, and a cursor that reads them without pointer arithmetic in the caller.
 * A cursor latches its first error: after it, every getter returns zero/empty and base_cursor_ok() is false;
 * check once, before use. Bounds are tested by subtraction from what is left.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <string.h>

#include "base_defs.h"

struct base_span {
	const uint8_t *p; /* borrow */
	size_t n;
};

static inline struct base_span
base_span(const void *p, size_t n)
{
	return (struct base_span){p, n};
}
static inline struct base_span
base_span_str(const char *s)
{
	return (struct base_span){(const uint8_t *)s, strlen(s)};
}
static inline bool
base_span_eq(struct base_span a, struct base_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool
base_span_is(struct base_span a, const char *s)
{
	return base_span_eq(a, base_span_str(s));
}
/* Memory order, shorter first on a common prefix. */
int base_span_cmp(struct base_span a, struct base_span b);

struct base_cursor {
	const uint8_t *p; /* borrow: next byte */
	size_t left;
	bool bad;
};

/* The getters are inline: row values are read through them, one by one. An empty span points at an empty string, never at NULL. */
extern const uint8_t base_span_nothing[1];

static inline struct base_cursor
base_cursor(struct base_span s)
{
	/* NULL + 0 is undefined in C, so an empty span gets a real address. */
	return (struct base_cursor){s.n == 0 && s.p == NULL ? base_span_nothing : s.p, s.n, false};
}
static inline struct base_span
base_cursor_take(struct base_cursor *c, size_t n)
{
	struct base_span s = {base_span_nothing, 0};

	if (c->bad || n > c->left) {
		c->bad = true;
		return s;
	}
	s = base_span(c->p, n);
	c->p += n;
	c->left -= n;
	return s;
}
/* Big-endian numbers. */
static inline uint64_t
base_cursor_number(struct base_cursor *c, size_t n) /* n <= 8 */
{
	struct base_span s = base_cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}
static inline uint8_t
base_cursor_u8(struct base_cursor *c)
{
	return (uint8_t)base_cursor_number(c, 1);
}
static inline uint16_t
base_cursor_u16(struct base_cursor *c)
{
	return (uint16_t)base_cursor_number(c, 2);
}
static inline uint32_t
base_cursor_u32(struct base_cursor *c)
{
	return (uint32_t)base_cursor_number(c, 4);
}
static inline uint64_t
base_cursor_u64(struct base_cursor *c)
{
	return base_cursor_number(c, 8);
}
static inline int16_t
base_cursor_i16(struct base_cursor *c)
{
	return (int16_t)base_cursor_u16(c); /* two's complement on every supported compiler */
}
static inline int32_t
base_cursor_i32(struct base_cursor *c)
{
	return (int32_t)base_cursor_u32(c);
}
/* Bytes up to (not with) the next NUL, which is consumed; no NUL left = bad. The pointer is NUL-terminated in place. */
struct base_span base_cursor_cstr(struct base_cursor *c);
/* Bytes up to (not with) the delimiter, which is consumed; false (cursor unmoved, not bad) when it does not occur. */
bool base_cursor_until(struct base_cursor *c, uint8_t delim, struct base_span *out_r);
static inline bool
base_cursor_ok(const struct base_cursor *c)
{
	return !c->bad;
}
/* True when nothing failed and nothing is left over: a decoder consumed exactly the declared length. */
static inline bool
base_cursor_done(const struct base_cursor *c)
{
	return !c->bad && c->left == 0;
}

#endif
