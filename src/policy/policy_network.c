/* policy_network: networks of `only from` and addresses of peers: see policy_only.h. Input: texts of a policy, read as if hostile, and of addresses that the
 * gate wrote itself. IPv4 is kept as IPv4 in IPv6 (RFC 4291 section 2.5.5.2), so that "::ffff:10.1.2.3" of a socket for both is the IPv4 address that it is.
 * No I/O.
 */
#include "policy_only.h"

#include "base_num.h"

static bool
network_digit(uint8_t c, unsigned base, unsigned *value_r)
{
	if (c >= '0' && c <= '9')
		*value_r = c - '0';
	else if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		*value_r = (c | 0x20u) - 'a' + 10;
	else
		return false;
	return true;
}

/* "10.1.2.3": four decimal numbers without leading zeros. */
static bool
network_v4(struct base_span s, uint8_t out[4])
{
	struct base_cursor c = base_cursor(s);
	for (size_t i = 0; i < 4; i++) {
		struct base_span part;
		uint64_t v;
		if (!base_cursor_until(&c, '.', &part)) {
			if (i != 3)
				return false;
			part = base_cursor_take(&c, c.left);
		}
		if ((part.n > 1 && part.p[0] == '0') || base_num_u64(part, 0, 255, &v) != 0)
			return false;
		out[i] = (uint8_t)v;
	}
	return c.left == 0 && s.n > 0 && s.p[s.n - 1] != '.';
}

/* RFC 4291 section 2.2: groups of hexadecimal digits, "::" at most once, the last 32 bits as IPv4 when so written. */
static bool
network_v6(struct base_span s, uint8_t out[16])
{
	uint16_t group[8] = {0};
	size_t n = 0, gap = SIZE_MAX, at = 0;
	if (s.n >= 2 && s.p[0] == ':' && s.p[1] == ':') {
		gap = 0;
		at = 2;
	}
	while (at < s.n) {
		size_t end = at;
		unsigned value = 0, digit;
		uint8_t v4[4];
		while (end < s.n && s.p[end] != ':')
			end++;
		if (n <= 6 && end == s.n && memchr(s.p + at, '.', end - at)) {
			if (!network_v4(base_span(s.p + at, end - at), v4))
				return false;
			group[n++] = (uint16_t)(v4[0] << 8 | v4[1]);
			group[n++] = (uint16_t)(v4[2] << 8 | v4[3]);
			break;
		}
		if (n == BASE_COUNT(group) || end == at || end - at > 4)
			return false;
		for (size_t i = at; i < end; i++) {
			if (!network_digit(s.p[i], 16, &digit))
				return false;
			value = value * 16 + digit;
		}
		group[n++] = (uint16_t)value;
		if (end == s.n)
			break;
		at = end + 1;
		if (at == s.n)
			return false; /* a colon at the end */
		if (s.p[at] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			at++;
		}
	}
	if (gap == SIZE_MAX ? n != BASE_COUNT(group) : n >= BASE_COUNT(group))
		return false;
	memset(out, 0, 16);
	for (size_t i = 0; i < n; i++) {
		size_t to = gap != SIZE_MAX && i >= gap ? i + BASE_COUNT(group) - n : i;
		out[2 * to] = (uint8_t)(group[i] >> 8);
		out[2 * to + 1] = (uint8_t)group[i];
	}
	return true;
}

static bool
network_address(struct base_span s, uint8_t out[16], bool *v4_r)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	*v4_r = s.n > 0 && !memchr(s.p, ':', s.n);
	if (!*v4_r)
		return s.n > 0 && network_v6(s, out);
	memcpy(out, prefix, sizeof(prefix));
	return network_v4(s, out + sizeof(prefix));
}

/* Do the first `bits` of both agree? */
static bool
network_same(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	size_t whole = bits / 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return bits % 8 == 0 || (a[whole] ^ b[whole]) >> (8 - bits % 8) == 0;
}

int
policy_network_parse(struct base_span s, struct policy_network *n_r)
{
	struct policy_network n = {.bits = 0};
	struct base_cursor c = base_cursor(s);
	struct base_span address;
	bool v4;
	uint64_t bits;
	if (!base_cursor_until(&c, '/', &address) || !network_address(address, n.address, &v4))
		return GH_E_PARSE;
	struct base_span rest = base_cursor_take(&c, c.left);
	if ((rest.n > 1 && rest.p[0] == '0') || base_num_u64(rest, 0, v4 ? 32 : 128, &bits) != 0)
		return GH_E_PARSE;
	n.bits = (unsigned)bits + (v4 ? 96 : 0);
	for (unsigned i = n.bits; i < 128; i++)
		if (n.address[i / 8] & 0x80u >> i % 8)
			return GH_E_LIMIT;
	*n_r = n;
	return 0;
}

bool
policy_network_has(const struct policy_network *n, struct base_span address)
{
	uint8_t a[16];
	bool v4;
	/* A zone ("fe80::1%eth0") says which of our own links it is, not who is there. */
	const uint8_t *zone = address.n > 0 ? memchr(address.p, '%', address.n) : NULL;
	if (zone)
		address.n = (size_t)(zone - address.p);
	return network_address(address, a, &v4) && network_same(a, n->address, n->bits);
}
