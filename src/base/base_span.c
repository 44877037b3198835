/* base_span: reading peer bytes without pointer arithmetic in the caller.
 * Input: hostile. Bounds are tested by subtraction from what is left; the first failure latches. Never allocates, never reads
 * past the span, and never hands out a NULL pointer (an empty span points at an empty string).
 */
#include "base_span.h"

static const uint8_t nothing[1];

int
base_span_cmp(struct base_span a, struct base_span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

struct base_cursor
base_cursor(struct base_span s)
{
	/* NULL + 0 is undefined in C, so an empty span gets a real address. */
	return (struct base_cursor){s.n == 0 && s.p == NULL ? nothing : s.p, s.n, false};
}

struct base_span
base_cursor_take(struct base_cursor *c, size_t n)
{
	struct base_span s = {nothing, 0};

	if (c->bad || n > c->left) {
		c->bad = true;
		return s;
	}
	s = base_span(c->p, n);
	c->p += n;
	c->left -= n;
	return s;
}

/* An n-byte big-endian number, n <= 8. */
static uint64_t
cursor_number(struct base_cursor *c, size_t n)
{
	struct base_span s = base_cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

uint8_t
base_cursor_u8(struct base_cursor *c)
{
	return (uint8_t)cursor_number(c, 1);
}

uint16_t
base_cursor_u16(struct base_cursor *c)
{
	return (uint16_t)cursor_number(c, 2);
}

uint32_t
base_cursor_u32(struct base_cursor *c)
{
	return (uint32_t)cursor_number(c, 4);
}

uint64_t
base_cursor_u64(struct base_cursor *c)
{
	return cursor_number(c, 8);
}

int16_t
base_cursor_i16(struct base_cursor *c)
{
	return (int16_t)base_cursor_u16(c); /* two's complement on every supported compiler */
}

int32_t
base_cursor_i32(struct base_cursor *c)
{
	return (int32_t)base_cursor_u32(c);
}

struct base_span
base_cursor_cstr(struct base_cursor *c)
{
	struct base_span s = {nothing, 0};

	if (c->bad || !base_cursor_until(c, 0, &s))
		c->bad = true;
	return s;
}

bool
base_cursor_until(struct base_cursor *c, uint8_t delim, struct base_span *out_r)
{
	const uint8_t *end;
	size_t n;

	if (c->bad || c->left == 0)
		return false;
	end = memchr(c->p, delim, c->left);
	if (end == NULL)
		return false;
	n = (size_t)(end - c->p);
	*out_r = base_span(c->p, n);
	c->p += n + 1;
	c->left -= n + 1;
	return true;
}
