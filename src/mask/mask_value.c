/* mask_value: see mask_value.h. Input: values from a hostile server, and literals from a hostile client (as text). Every read goes
 * through a cursor or an index below the length; every write is bounded by MASK_VALUE_MAX. No I/O, no allocation.
 *
 * One value has one canonical text, whatever its type and format: 42 as int2, int8, numeric 42.00 or text "042" for an integer column
 * are all "42". That is what lets a foreign key of one type meet a key of another.
 */
#include "mask_value.h"

#include "base_num.h"

/* OIDs of pg_type.dat; fixed for ever. */
enum { OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_OID = 26, OID_BPCHAR = 1042, OID_VARCHAR = 1043,
       OID_NUMERIC = 1700, OID_UUID = 2950 };

bool
mask_value_supported(uint32_t type_oid)
{
	switch (type_oid) {
	case OID_NAME: case OID_INT8: case OID_INT2: case OID_INT4: case OID_TEXT: case OID_OID:
	case OID_BPCHAR: case OID_VARCHAR: case OID_NUMERIC: case OID_UUID:
		return true;
	default:
		return false;
	}
}

static bool
value_is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
value_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static struct base_span
value_trim(struct base_span s)
{
	while (s.n > 0 && value_is_space(s.p[0]))
		s = base_span(s.p + 1, s.n - 1);
	while (s.n > 0 && value_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static uint8_t
value_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool
value_is_nocase(struct base_span s, const char *lower)
{
	size_t n = strlen(lower);
	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (value_lower(s.p[i]) != (uint8_t)lower[i])
			return false;
	return true;
}

static int
value_copy(struct base_span s, uint8_t *dst, size_t *n_r)
{
	if (s.n > MASK_VALUE_MAX)
		return GH_E_LIMIT;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	*n_r = s.n;
	return 0;
}

/* -- numbers -- */

/* A decimal number on the way: digits (0 to 9) and how many of them stand before the point; may be negative or past ndigits. */
struct decimal {
	bool negative;
	uint8_t digit[MASK_VALUE_MAX];
	size_t ndigits;
	int64_t point;
};

/* Canonical: no leading zeros before the point but one, no trailing zeros behind it, no "-0", no exponent. */
static int
value_decimal(const struct decimal *d, uint8_t *dst, size_t *n_r)
{
	size_t first = 0, last = d->ndigits, n = 0;
	while (first < last && d->digit[first] == 0)
		first++;
	while (last > first && d->digit[last - 1] == 0)
		last--;
	if (first == last) {
		dst[0] = '0';
		*n_r = 1;
		return 0;
	}
	int64_t point = d->point - (int64_t)first; /* digits before the point, of those from `first` on */
	int64_t count = (int64_t)(last - first);
	if (point > (int64_t)MASK_VALUE_MAX - 2 || count - point > (int64_t)MASK_VALUE_MAX - 3 || count > (int64_t)MASK_VALUE_MAX - 3)
		return GH_E_LIMIT;
	if (d->negative)
		dst[n++] = '-';
	if (point <= 0)
		dst[n++] = '0';
	for (int64_t i = 0; i < point; i++)
		dst[n++] = (uint8_t)('0' + (i < count ? d->digit[first + (size_t)i] : 0));
	if (count > point) {
		dst[n++] = '.';
		for (int64_t i = point; i < count; i++)
			dst[n++] = (uint8_t)('0' + (i < 0 ? 0 : d->digit[first + (size_t)i]));
	}
	*n_r = n;
	return 0;
}

/* NaN and the infinities as numeric_out writes them; false when it is none of them. */
static bool
value_special(struct base_span s, bool negative, uint8_t *dst, size_t *n_r)
{
	const char *text = NULL;
	if (value_is_nocase(s, "nan") && !negative)
		text = "NaN";
	else if (value_is_nocase(s, "infinity") || value_is_nocase(s, "inf"))
		text = negative ? "-Infinity" : "Infinity";
	return text && value_copy(base_span_str(text), dst, n_r) == 0;
}

/* [sign] digits [. digits] [e [sign] digits], at least one digit, white space around: what the server's numeric_in takes. */
static int
value_number_text(struct base_span raw, uint8_t *dst, size_t *n_r)
{
	struct base_span s = value_trim(raw);
	struct decimal d; /* its digits are not cleared: this is done for every key of every row */
	d.negative = false;
	d.ndigits = 0;
	d.point = 0;
	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		d.negative = s.p[0] == '-';
		s = base_span(s.p + 1, s.n - 1);
	}
	if (value_special(s, d.negative, dst, n_r))
		return 0;
	if (s.n > MASK_VALUE_MAX)
		return GH_E_LIMIT;
	size_t i = 0;
	bool point = false;
	for (; i < s.n && (value_is_digit(s.p[i]) || (s.p[i] == '.' && !point)); i++) {
		if (s.p[i] == '.') {
			point = true;
			continue;
		}
		d.digit[d.ndigits++] = (uint8_t)(s.p[i] - '0');
		d.point += !point;
	}
	if (d.ndigits == 0)
		return GH_E_PARSE;
	if (i < s.n) {
		if (s.p[i] != 'e' && s.p[i] != 'E')
			return GH_E_PARSE;
		size_t at = i + 1 < s.n && s.p[i + 1] == '+' ? i + 2 : i + 1;
		int64_t exponent;
		if (base_num_i64(base_span(s.p + at, s.n - at), -131072, 131072, &exponent) != 0)
			return GH_E_PARSE;
		d.point += exponent;
	}
	return value_decimal(&d, dst, n_r);
}

/* numeric_send (numeric.c): digit count, weight of the first digit, sign, display scale, all 16 bits; then digits of base 10000. */
static int
value_numeric(struct base_span raw, uint8_t *dst, size_t *n_r)
{
	struct base_cursor c = base_cursor(raw);
	uint16_t count = base_cursor_u16(&c);
	int16_t weight = base_cursor_i16(&c);
	uint16_t sign = base_cursor_u16(&c);
	uint16_t scale = base_cursor_u16(&c);
	if (!base_cursor_ok(&c) || c.left != (size_t)count * 2)
		return GH_E_PARSE;
	switch (sign) {
	case 0xC000: return value_special(base_span_str("nan"), false, dst, n_r) ? 0 : GH_E_PARSE;
	case 0xD000: return value_special(base_span_str("inf"), false, dst, n_r) ? 0 : GH_E_PARSE;
	case 0xF000: return value_special(base_span_str("inf"), true, dst, n_r) ? 0 : GH_E_PARSE;
	case 0x0000: case 0x4000: break;
	default: return GH_E_PARSE;
	}
	if (scale > 0x3fff)
		return GH_E_PARSE;
	if ((size_t)count * 4 > MASK_VALUE_MAX)
		return GH_E_LIMIT;
	struct decimal d = {.negative = sign == 0x4000, .ndigits = 0, .point = ((int64_t)weight + 1) * 4};
	for (unsigned i = 0; i < count; i++) {
		uint16_t v = base_cursor_u16(&c);
		if (v > 9999)
			return GH_E_PARSE;
		d.digit[d.ndigits++] = (uint8_t)(v / 1000);
		d.digit[d.ndigits++] = (uint8_t)(v / 100 % 10);
		d.digit[d.ndigits++] = (uint8_t)(v / 10 % 10);
		d.digit[d.ndigits++] = (uint8_t)(v % 10);
	}
	/* The display scale cuts what lies behind it (numeric_recv does the same); zeros that it adds are not canonical. */
	int64_t visible = d.point + scale;
	if (visible < (int64_t)d.ndigits)
		d.ndigits = visible < 0 ? 0 : (size_t)visible;
	return value_decimal(&d, dst, n_r);
}

static int
value_integer(bool negative, uint64_t v, uint8_t *dst, size_t *n_r)
{
	uint8_t digits[20];
	size_t count = 0, n = 0;
	do {
		digits[count++] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	if (negative)
		dst[n++] = '-';
	while (count > 0)
		dst[n++] = digits[--count];
	*n_r = n;
	return 0;
}

static int
value_integer_binary(uint32_t type_oid, struct base_span raw, uint8_t *dst, size_t *n_r)
{
	struct base_cursor c = base_cursor(raw);
	int64_t v;
	switch (type_oid) {
	case OID_INT2: v = base_cursor_i16(&c); break;
	case OID_INT4: v = base_cursor_i32(&c); break;
	case OID_OID: v = base_cursor_u32(&c); break;
	default: v = (int64_t)base_cursor_u64(&c);
	}
	if (!base_cursor_done(&c))
		return GH_E_PARSE;
	return value_integer(v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, dst, n_r);
}

/* Canonical already, as the server writes every integer that is not negative? */
static bool
value_is_plain_integer(struct base_span s)
{
	bool plain = s.n > 0 && s.n <= 20 && (s.p[0] != '0' || s.n == 1);
	for (size_t i = 0; plain && i < s.n; i++)
		plain = value_is_digit(s.p[i]);
	return plain;
}

/* A literal such as 5.0 equals the integer 5; 5.5 equals none. */
static int
value_integer_text(struct base_span raw, uint8_t *dst, size_t *n_r)
{
	uint8_t text[MASK_VALUE_MAX];
	size_t n;
	if (value_is_plain_integer(raw))
		return value_copy(raw, dst, n_r);
	int err = value_number_text(raw, text, &n);
	if (err != 0)
		return err;
	if (!value_is_digit(text[n - 1]) || memchr(text, '.', n))
		return GH_E_PARSE;
	return value_copy(base_span(text, n), dst, n_r);
}

/* -- uuid -- */

static const char value_hex[] = "0123456789abcdef";

static int
value_uuid_bytes(struct base_span raw, uint8_t *dst, size_t *n_r)
{
	size_t n = 0;
	if (raw.n != 16)
		return GH_E_PARSE;
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			dst[n++] = '-';
		dst[n++] = (uint8_t)value_hex[raw.p[i] >> 4];
		dst[n++] = (uint8_t)value_hex[raw.p[i] & 15];
	}
	*n_r = n;
	return 0;
}

/* What uuid_in takes: 32 hexadecimal digits, hyphens allowed behind every fourth, braces around all of it. */
static int
value_uuid_text(struct base_span s, uint8_t *dst, size_t *n_r)
{
	uint8_t bytes[16] = {0};
	size_t digits = 0;
	if (s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}')
		s = base_span(s.p + 1, s.n - 2);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '-' && digits > 0 && digits < 32 && digits % 4 == 0 && s.p[i - 1] != '-')
			continue;
		const char *at = s.p[i] == 0 ? NULL : strchr(value_hex, value_lower(s.p[i]));
		if (!at || digits == 32)
			return GH_E_PARSE;
		bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | (uint8_t)(at - value_hex));
		digits++;
	}
	return digits == 32 ? value_uuid_bytes(base_span(bytes, sizeof(bytes)), dst, n_r) : GH_E_PARSE;
}

int
mask_value_text(uint32_t type_oid, int format, struct base_span raw, uint8_t *dst, size_t *n_r)
{
	if (format != 0 && format != 1)
		return GH_E_UNSUPPORTED;
	switch (type_oid) {
	case OID_INT2: case OID_INT4: case OID_INT8: case OID_OID:
		return format == 1 ? value_integer_binary(type_oid, raw, dst, n_r) : value_integer_text(raw, dst, n_r);
	case OID_NUMERIC:
		return format == 1 ? value_numeric(raw, dst, n_r) : value_number_text(raw, dst, n_r);
	case OID_UUID:
		return format == 1 ? value_uuid_bytes(raw, dst, n_r) : value_uuid_text(raw, dst, n_r);
	case OID_BPCHAR:
		while (raw.n > 0 && raw.p[raw.n - 1] == ' ')
			raw.n--;
		return value_copy(raw, dst, n_r);
	case OID_TEXT: case OID_VARCHAR: case OID_NAME: /* the binary form is the text */
		return value_copy(raw, dst, n_r);
	default:
		return format == 0 ? value_copy(raw, dst, n_r) : GH_E_UNSUPPORTED;
	}
}

/* -- identifiers -- */

/* Digits of the number, ASCII and full-width (U+FF10 to U+FF19, EF BC 90 to 99); everything else is dropped. *plus_r: '+' (or U+FF0B)
 * stands before the first digit. In place: what is written is never longer than what was read. */
static size_t
value_phone_digits(uint8_t *dst, size_t n, bool *plus_r)
{
	size_t out = 0;
	bool plus = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = dst[i];
		if (c == 0xef && n - i > 2 && dst[i + 1] == 0xbc && dst[i + 2] >= 0x8b && dst[i + 2] <= 0x99) {
			c = dst[i + 2] == 0x8b ? '+' : dst[i + 2] >= 0x90 ? (uint8_t)(dst[i + 2] - 0x90 + '0') : ' ';
			i += 2;
		}
		if (c == '+' && out == 0)
			plus = true;
		if (value_is_digit(c))
			dst[out++] = c;
	}
	*plus_r = plus;
	return out;
}

/* E.164 without the '+', as far as the writing tells:
 *   "+..." or "00..."                 the country code is there
 *   86 and 13 digits beginning "86"   a mainland mobile number with its code but without '+': kept
 *   otherwise                         one trunk prefix "0" is dropped (not in Italy, 39, where it is part of the number) and the
 *                                     country code is put in front
 * Without a country in the policy the digits stay as they are. Not handled: "+86 (0)21", other trunk
 * prefixes ("8" in Russia, "1" in North America), extensions. */
static int
value_phone(struct base_span country, uint8_t *dst, size_t *n)
{
	bool plus;
	size_t count = value_phone_digits(dst, *n, &plus);
	size_t skip = 0;
	bool complete = plus || country.n == 0;
	if (!plus && count > 2 && dst[0] == '0' && dst[1] == '0') {
		skip = 2;
		complete = true;
	} else if (base_span_is(country, "86") && count == 13 && dst[0] == '8' && dst[1] == '6') {
		complete = true;
	}
	if (count == 0)
		return GH_E_PARSE;
	if (complete) {
		memmove(dst, dst + skip, count - skip);
		*n = count - skip;
		return 0;
	}
	if (dst[0] == '0' && count > 1 && !base_span_is(country, "39"))
		skip = 1;
	if (country.n > MASK_VALUE_MAX - (count - skip))
		return GH_E_LIMIT;
	memmove(dst + country.n, dst + skip, count - skip);
	memcpy(dst, country.p, country.n);
	*n = country.n + (count - skip);
	return 0;
}

int
mask_value_normalise(enum policy_norm norm, struct base_span country, uint8_t *dst, size_t *n)
{
	if (*n > MASK_VALUE_MAX)
		return GH_E_LIMIT;
	if (norm == POLICY_NORM_PHONE)
		return value_phone(country, dst, n);
	if (norm == POLICY_NORM_TEXT) {
		struct base_span s = value_trim(base_span(dst, *n));
		memmove(dst, s.p, s.n);
		for (size_t i = 0; i < s.n; i++)
			dst[i] = value_lower(dst[i]);
		*n = s.n;
	}
	return *n == 0 ? GH_E_PARSE : 0;
}
