/* base_text: quoting, UTF-8, hex, base64, edit distance.
 * Input: hostile bytes. Quoted text holds no control character (C0, DEL, C1), no line separator and no bidirectional override,
 * so it cannot end a log line or rearrange a terminal. Decoders are strict and leave their output untouched on failure.
 * Never allocates except through the caller's base_buf.
 */
#include "base_text.h"

#include <assert.h>

static const char hex_digits[] = "0123456789abcdef";

/* RFC 3629 section 4. */
size_t
base_text_utf8_length(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf; /* of the second byte; narrower after some first bytes */
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* past U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

bool
base_text_utf8(struct base_span s)
{
	size_t n;

	for (size_t at = 0; at < s.n; at += n) {
		uint64_t eight;
		if (s.n - at >= sizeof(eight)) { /* mostly ASCII: eight at a time */
			memcpy(&eight, s.p + at, sizeof(eight));
			if ((eight & 0x8080808080808080u) == 0) {
				n = sizeof(eight);
				continue;
			}
		}
		n = base_text_utf8_length(s.p + at, s.n - at);
		if (n == 0)
			return false;
	}
	return true;
}

/* Whether a well-formed sequence may stand in a line for people: no controls, no line or paragraph separator, no
 * bidirectional formatting (U+061C, U+200E, U+200F, U+202A..E, U+2066..9), no byte order mark. */
static bool
utf8_shows(const uint8_t *p, size_t n)
{
	uint32_t c;

	switch (n) {
	case 1:
		return p[0] >= 0x20 && p[0] != 0x7f;
	case 2:
		c = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
		return c >= 0xa0 && c != 0x61c;
	case 3:
		c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return !(c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff);
	default:
		return true;
	}
}

const char *
base_text_quote(char *dst, size_t size, struct base_span s, size_t max_in)
{
	size_t at = 0, out = 0;
	size_t room, safe = 0; /* safe: the last place where "..." still fits */

	assert(size > 0);
	room = size - 1;
	while (at < s.n) {
		size_t n = base_text_utf8_length(s.p + at, s.n - at);
		bool plain = n > 0 && utf8_shows(s.p + at, n);
		size_t need;

		if (n == 0)
			n = 1;
		need = plain ? n : 4 * n;
		if (at >= max_in || n > max_in - at || need > room - out)
			break;
		if (plain) {
			memcpy(dst + out, s.p + at, n);
			out += n;
		} else {
			for (size_t i = 0; i < n; i++) {
				uint8_t c = s.p[at + i];

				dst[out++] = '\\';
				dst[out++] = 'x';
				dst[out++] = hex_digits[c >> 4];
				dst[out++] = hex_digits[c & 15];
			}
		}
		at += n;
		if (room - out >= 3)
			safe = out;
	}
	if (at < s.n) {
		out = room - out >= 3 ? out : safe;
		for (size_t i = 0; i < 3 && out < room; i++)
			dst[out++] = '.';
	}
	dst[out] = '\0';
	return dst;
}

void
base_text_hex(struct base_buf *b, struct base_span s)
{
	uint8_t *p;

	/* Halving avoids the overflow of 2 * n; a span that long cannot fit anyway. */
	p = base_buf_reserve(b, s.n > SIZE_MAX / 2 ? SIZE_MAX : 2 * s.n);
	if (p == NULL)
		return;
	for (size_t i = 0; i < s.n; i++) {
		p[2 * i] = (uint8_t)hex_digits[s.p[i] >> 4];
		p[2 * i + 1] = (uint8_t)hex_digits[s.p[i] & 15];
	}
	base_buf_commit(b, 2 * s.n);
}

/* The value of a hex digit of either case, -1 when it is none. */
static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
base_text_unhex(struct base_span s, uint8_t *dst, size_t n)
{
	if (s.n % 2 != 0 || s.n / 2 != n)
		return GH_E_PARSE;
	for (size_t i = 0; i < s.n; i++)
		if (hex_value(s.p[i]) < 0)
			return GH_E_PARSE;
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)(hex_value(s.p[2 * i]) << 4 | hex_value(s.p[2 * i + 1]));
	return GH_OK;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base_text_base64(struct base_buf *b, struct base_span s)
{
	uint8_t *p;
	size_t groups = s.n / 3 + (s.n % 3 != 0);

	p = base_buf_reserve(b, groups > SIZE_MAX / 4 ? SIZE_MAX : 4 * groups);
	if (p == NULL)
		return;
	for (size_t g = 0; g < groups; g++) {
		size_t left = s.n - 3 * g;
		const uint8_t *q = s.p + 3 * g;
		uint32_t v = (uint32_t)q[0] << 16 | (left > 1 ? (uint32_t)q[1] << 8 : 0) | (left > 2 ? q[2] : 0);

		p[4 * g] = (uint8_t)base64_digits[v >> 18];
		p[4 * g + 1] = (uint8_t)base64_digits[v >> 12 & 63];
		p[4 * g + 2] = left > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
		p[4 * g + 3] = left > 2 ? (uint8_t)base64_digits[v & 63] : '=';
	}
	base_buf_commit(b, 4 * groups);
}

/* The value of a base64 digit, -1 when it is none. */
static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int
base_text_unbase64(struct base_span s, struct base_buf *b)
{
	size_t pad = 0, digits, out;
	uint32_t v = 0;
	uint8_t *p;

	if (s.n % 4 != 0)
		return GH_E_PARSE;
	while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
		pad++;
	digits = s.n - pad;
	for (size_t i = 0; i < digits; i++)
		if (base64_value(s.p[i]) < 0)
			return GH_E_PARSE;
	/* RFC 4648 section 3.5: the bits that no byte takes must be zero, so that a value has one spelling only. */
	if (pad > 0 && (base64_value(s.p[digits - 1]) & (pad == 1 ? 3 : 15)) != 0)
		return GH_E_PARSE;
	out = s.n / 4 * 3 - pad;
	p = base_buf_reserve(b, out);
	if (p == NULL)
		return GH_E_LIMIT;
	for (size_t i = 0, at = 0; at < out; i++) {
		v = v << 6 | (i < digits ? (uint32_t)base64_value(s.p[i]) : 0);
		if (i % 4 != 0)
			p[at++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
	}
	base_buf_commit(b, out);
	return GH_OK;
}

#define NEAR_DISTANCE 2
#define NEAR_WORD 64 /* longer words get no suggestion */

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours cost one each.
 * a.n <= NEAR_WORD; b.n differs by at most NEAR_DISTANCE. Three rows of the usual table. */
static size_t
edit_distance(struct base_span a, struct base_span b)
{
	size_t rows[3][NEAR_WORD + NEAR_DISTANCE + 1];

	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *row = rows[i % 3];
		const size_t *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			row[j] = smaller(smaller(up[j], row[j - 1]) + 1, up[j - 1] + (a.p[i - 1] != b.p[j - 1]));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = smaller(row[j], up2[j - 2] + 1);
		}
	}
	return rows[a.n % 3][b.n];
}

const char *
base_text_nearest(struct base_span word, const char *const *candidates, size_t count)
{
	const char *best = NULL;
	size_t least = smaller(NEAR_DISTANCE + 1, word.n); /* exclusive */

	if (word.n > NEAR_WORD)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct base_span c = base_span_str(candidates[i]);
		size_t gap = c.n > word.n ? c.n - word.n : word.n - c.n;
		size_t d;

		if (gap > NEAR_DISTANCE)
			continue;
		d = edit_distance(word, c);
		if (d < least) {
			least = d;
			best = candidates[i];
		}
	}
	return best;
}
