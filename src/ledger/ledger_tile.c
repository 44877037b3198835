/* ledger_tile: path names and bundles.
 * Input of the parsers: names found in, and bytes read from, a folder that somebody may have tampered with. No I/O.
 */
#include "ledger_tile.h"

#include <assert.h>
#include <stdio.h>

#include "base_num.h"

#define GROUPS 7u /* of three digits: enough for 64 bits */

/* "tile/<level>/<index>" without any ".p"; returns its length. The longest is 46 bytes: the asserts state that nothing is cut. */
static size_t
put_stem(struct ledger_tile_name name, char dst[LEDGER_TILE_PATH_MAX])
{
	unsigned group[GROUPS], n = 0;
	uint64_t rest = name.index;
	int at;

	assert(name.level >= LEDGER_TILE_ENTRIES && name.level <= 63);
	assert(name.width >= 1 && name.width <= 256);
	if (name.level == LEDGER_TILE_ENTRIES)
		at = snprintf(dst, LEDGER_TILE_PATH_MAX, "tile/entries");
	else
		at = snprintf(dst, LEDGER_TILE_PATH_MAX, "tile/%d", name.level);
	do {
		group[n++] = (unsigned)(rest % 1000);
		rest /= 1000;
	} while (rest != 0);
	while (n-- > 0)
		at += snprintf(dst + at, LEDGER_TILE_PATH_MAX - (size_t)at, "/%s%03u", n > 0 ? "x" : "", group[n]);
	assert((size_t)at < LEDGER_TILE_PATH_MAX - 8);
	return (size_t)at;
}

const char *
ledger_tile_path(struct ledger_tile_name name, char dst[LEDGER_TILE_PATH_MAX])
{
	size_t at = put_stem(name, dst);

	if (name.width < 256)
		(void)snprintf(dst + at, LEDGER_TILE_PATH_MAX - at, ".p/%u", name.width); /* fits: see put_stem */
	return dst;
}

const char *
ledger_tile_partials(struct ledger_tile_name name, char dst[LEDGER_TILE_PATH_MAX])
{
	size_t at = put_stem(name, dst);

	(void)snprintf(dst + at, LEDGER_TILE_PATH_MAX - at, ".p"); /* fits: see put_stem */
	return dst;
}

int
ledger_tile_parse(struct base_span path, struct ledger_tile_name *name_r)
{
	struct base_cursor c = base_cursor(path);
	struct base_span part, digits;
	struct ledger_tile_name name = {.index = 0, .width = 256};
	char again[LEDGER_TILE_PATH_MAX];
	uint64_t v;

	if (!base_cursor_until(&c, '/', &part) || !base_span_is(part, "tile") || !base_cursor_until(&c, '/', &part))
		return GH_E_PARSE;
	if (base_span_is(part, "entries"))
		name.level = LEDGER_TILE_ENTRIES;
	else if (base_num_u64(part, 0, 63, &v) == 0)
		name.level = (int)v;
	else
		return GH_E_PARSE;
	for (bool more = true; more;) {
		more = base_cursor_until(&c, '/', &part);
		if (!more)
			part = base_cursor_take(&c, c.left);
		digits = part;
		if (part.n == 4 && part.p[0] == 'x')
			digits = base_span(part.p + 1, 3);
		else if (part.n == 5 && part.p[3] == '.' && part.p[4] == 'p' && more) {
			digits = base_span(part.p, 3);
			part = base_cursor_take(&c, c.left);
			if (base_num_u64(part, 1, 255, &v) != 0)
				return GH_E_PARSE;
			name.width = (unsigned)v;
			more = false;
		} else if (more) {
			return GH_E_PARSE;
		}
		if (digits.n != 3 || base_num_u64(digits, 0, 999, &v) != 0 ||
			__builtin_mul_overflow(name.index, (uint64_t)1000, &name.index) ||
			__builtin_add_overflow(name.index, v, &name.index))
			return GH_E_PARSE;
	}
	/* Whatever spelling the loop let through (an 'x' at the end, leading zero groups), only the one true name is accepted. */
	return base_span_is(path, ledger_tile_path(name, again)) ? (*name_r = name, 0) : GH_E_PARSE;
}

void
ledger_bundle_put(struct base_buf *b, struct base_span entry)
{
	assert(entry.n >= 1 && entry.n <= LEDGER_ENTRY_MAX);
	base_buf_u16(b, (uint16_t)entry.n);
	base_buf_put(b, entry);
}

int
ledger_bundle_next(struct base_cursor *c, struct base_span *entry_r)
{
	struct base_span entry;
	uint16_t n;

	if (base_cursor_done(c))
		return 0;
	n = base_cursor_u16(c);
	entry = base_cursor_take(c, n);
	if (!base_cursor_ok(c) || n == 0)
		return GH_E_PARSE;
	*entry_r = entry;
	return 1;
}

int
ledger_bundle_head(struct base_span bundle, size_t count, size_t *bytes_r, bool *extra_r)
{
	struct base_cursor c = base_cursor(bundle);
	struct base_span entry;

	for (size_t i = 0; i < count; i++)
		if (ledger_bundle_next(&c, &entry) != 1)
			return GH_E_PARSE;
	*bytes_r = bundle.n - c.left;
	*extra_r = c.left > 0;
	return 0;
}
