/* mask_apply: see mask_apply.h. Input: values of a hostile server; the mask, the names and the secret are trusted. All that does not depend
 * on the value is done once, in mask_column_new; a value costs no allocation. A value that cannot be masked is NULL, never clear. No I/O.
 */
#include "mask_apply_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "base_time.h"
#include "mask_value.h"

#define HASH_DIGITS 32u  /* 128 bits */
#define TOKEN_CHARS 16u  /* 80 bits: two of ten thousand million tokens agree with a chance of 1 in 24,000 */
#define TOKEN_PREFIX "tk-"

struct mask_column {
	enum policy_mask_kind kind;
	unsigned n;
	uint32_t type;
	int format;
	struct base_buf fixed;   /* FIXED: the field, length and all; own */
	enum policy_norm norm;
	uint8_t *country; size_t ncountry; /* own */
	uint8_t key[BASE_SHA256_SIZE];     /* HASH, TOKEN; wiped */
};

const char *
mask_unsuitable(const struct policy_mask *m, uint32_t type_oid)
{
	return policy_mask_unsuitable(m, type_oid);
}

/* -- FIXED -- */

static void
apply_fixed_number(struct base_buf *out, int64_t v, uint32_t size)
{
	base_buf_u32(out, size);
	for (uint32_t i = size; i > 0; i--)
		base_buf_u8(out, (uint8_t)((uint64_t)v >> (8 * (i - 1))));
}

/* The field of a constant; policy_mask_unsuitable has let its text pass, and it is read again all the same. */
static int
apply_fixed(struct base_buf *out, uint32_t type, int format, struct base_span text)
{
	int64_t v = 0;
	uint64_t us = 0;
	char digits[32];
	uint32_t size = type == OID_INT2 ? 2 : type == OID_INT8 ? 8 : 4;
	switch (type) {
	case OID_BOOL:
		v = base_span_is(text, "true");
		size = 1;
		text = base_span_str(v ? "t" : "f");
		break;
	case OID_DATE:
		if (base_time_parse(text, &us) != 0)
			return GH_E_UNSUPPORTED;
		v = (int64_t)(us / 86400000000u) - YEAR_EPOCH_DAYS;
		break;
	case OID_INT2: case OID_INT4: case OID_INT8:
		if (base_num_i64(text, INT64_MIN, INT64_MAX, &v) != 0)
			return GH_E_UNSUPPORTED;
		(void)snprintf(digits, sizeof(digits), "%lld", (long long)v); /* "007" is 7 */
		text = base_span_str(digits);
		break;
	default:
		format = 0; /* text has one form */
	}
	if (format == 1) {
		apply_fixed_number(out, v, size);
	} else {
		if (text.n > INT32_MAX)
			return GH_E_LIMIT;
		base_buf_u32(out, (uint32_t)text.n);
		base_buf_put(out, text);
	}
	return out->bad ? GH_E_NOMEM : 0;
}

/* -- HASH, TOKEN -- */

/* RFC 4648 base32, lower case, no padding: 80 bits in 16 characters. */
static void
apply_base32(const uint8_t *mac, char *dst)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	for (size_t i = 0; i < TOKEN_CHARS; i++) {
		size_t bit = i * 5;
		unsigned pair = (unsigned)mac[bit / 8] << 8 | mac[bit / 8 + 1];
		dst[i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
}

/* HMAC of the normalised value. What has no normal form (too long, a phone without digits) is taken as it is behind a zero byte, which no
 * normal form begins with: PostgreSQL's text holds none. */
static bool
apply_mac(const struct mask_column *c, struct base_span raw, uint8_t mac[BASE_SHA256_SIZE])
{
	uint8_t value[MASK_VALUE_MAX + 1];
	size_t n;
	if (!base_text_utf8(raw) || (raw.n > 0 && memchr(raw.p, 0, raw.n)))
		return false;
	struct base_span input;
	if (mask_value_text(c->type, c->format, raw, value, &n) == 0 && mask_value_normalise(c->norm, base_span(c->country, c->ncountry), value, &n) == 0) {
		input = base_span(value, n);
	} else if (raw.n <= MASK_VALUE_MAX) {
		value[0] = 0;
		if (raw.n > 0)
			memcpy(value + 1, raw.p, raw.n);
		input = base_span(value, raw.n + 1);
	} else {
		uint8_t digest[BASE_SHA256_SIZE];
		base_crypt_sha256(raw, digest);
		value[0] = value[1] = 0; /* a text of up to MASK_VALUE_MAX bytes has no second zero */
		memcpy(value + 2, digest, sizeof(digest));
		input = base_span(value, 2 + sizeof(digest));
	}
	base_crypt_hmac256(base_span(c->key, sizeof(c->key)), input, mac);
	return true;
}

static bool
apply_hash(const struct mask_column *c, struct base_span raw, struct base_buf *out)
{
	uint8_t mac[BASE_SHA256_SIZE];
	char token[TOKEN_CHARS];
	if (!apply_mac(c, raw, mac))
		return false;
	if (c->kind == POLICY_MASK_HASH) {
		base_buf_u32(out, HASH_DIGITS);
		base_text_hex(out, base_span(mac, HASH_DIGITS / 2));
	} else {
		apply_base32(mac, token);
		base_buf_u32(out, (uint32_t)(sizeof(TOKEN_PREFIX) - 1 + sizeof(token)));
		base_buf_str(out, TOKEN_PREFIX);
		base_buf_put(out, base_span(token, sizeof(token)));
	}
	return true;
}

/* -- one value -- */

/* char(20) comes with its blanks: they are no characters of the value. They are left out, as the server's own casts to text do. */
static bool
apply_show(const struct mask_column *c, struct base_span raw, struct base_buf *out)
{
	while (c->type == OID_BPCHAR && raw.n > 0 && raw.p[raw.n - 1] == ' ')
		raw.n--;
	return show_put(c->kind == POLICY_MASK_LAST, c->n, raw, out);
}

void
mask_apply(struct mask_column *c, struct base_span raw, struct base_buf *out)
{
	bool done = false;
	if (raw.p != NULL) {
		switch (c->kind) {
		case POLICY_MASK_LAST:
		case POLICY_MASK_FIRST: done = apply_show(c, raw, out); break;
		case POLICY_MASK_HASH:
		case POLICY_MASK_TOKEN: done = apply_hash(c, raw, out); break;
		case POLICY_MASK_YEAR: done = year_put(c->type, c->format, raw, out); break;
		case POLICY_MASK_FIXED:
			base_buf_put(out, base_buf_span(&c->fixed));
			done = true;
			break;
		case POLICY_MASK_NONE:
		case POLICY_MASK_HIDE: break;
		}
	}
	if (!done)
		base_buf_u32(out, MASK_NULL);
}

int
mask_column_new(const struct policy_mask *m, uint32_t type_oid, int format, const struct mask_secret *secret, struct base_span employer, struct base_span kind,
    enum policy_norm norm, struct base_span country, struct mask_column **c_r)
{
	bool keyed = m->kind == POLICY_MASK_HASH || m->kind == POLICY_MASK_TOKEN;
	if (m->kind == POLICY_MASK_NONE || (format != 0 && format != 1) || mask_unsuitable(m, type_oid) != NULL)
		return GH_E_UNSUPPORTED;
	if (keyed && !secret)
		return GH_E_MISSING;
	struct mask_column *c = base_mem_new(1, sizeof(*c));
	c->kind = m->kind;
	c->n = m->n;
	c->type = type_oid;
	c->format = format;
	c->norm = norm;
	base_buf_init(&c->fixed, (size_t)1 << 20);
	c->country = base_mem_new(country.n + 1, 1);
	c->ncountry = country.n;
	if (country.n > 0)
		memcpy(c->country, country.p, country.n);
	int err = 0;
	if (keyed)
		err = secret_key(secret, m->kind == POLICY_MASK_HASH ? "gatehouse mask hash v1\n" : "gatehouse mask token v1\n", employer, kind, c->key);
	else if (m->kind == POLICY_MASK_FIXED)
		err = apply_fixed(&c->fixed, type_oid, format, m->fixed);
	if (err != 0)
		mask_column_free(&c);
	else
		*c_r = c;
	return err;
}

void
mask_column_free(struct mask_column **c)
{
	struct mask_column *own = *c;
	*c = NULL;
	if (!own)
		return;
	base_buf_done(&own->fixed);
	free(own->country);
	base_secret_wipe(own->key, sizeof(own->key));
	free(own);
}
