/* base_span: reading peer bytes without pointer arithmetic in the caller.
 * Input: hostile. Bounds are tested by subtraction from what is left; the first failure latches. Never allocates, never reads
 * past the span, and never hands out a NULL pointer (an empty span points at an empty string).
 */
#include "base_span.h"

const uint8_t base_span_nothing[1];

int
base_span_cmp(struct base_span a, struct base_span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

struct base_span
base_cursor_cstr(struct base_cursor *c)
{
	struct base_span s = {base_span_nothing, 0};

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
