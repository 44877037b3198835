/* ident_token: one token, checked in the order that ident_token.h gives.
 *
 * Input: hostile text, from whoever can speak SQL to us. Only the header is read before the signature holds, and of the header only what chooses a key. The
 * algorithm comes from the key: what the header says must be on the caller's list and then only picks among keys that are for it, so a public key can never
 * become a secret of another algorithm (RFC 8725 sections 2.1 and 3.1).
 * Never: logs; puts a byte of the token in an error; asks jansson what was wrong (its text quotes the input); follows a reference in the header.
 */
#include "ident_int.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"

#define SECOND_US 1000000ull
#define YEAR_9999 253402300799ll /* the last second that our times can show */

struct token_parts {
	struct base_span signed_text; /* header and payload with the dot between them, as received */
	struct base_span header, payload, signature; /* decoded; borrow from mem */
	struct base_buf mem; /* own */
};

static int
token_split(struct base_span token, struct token_parts *t, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(token);
	struct base_span part[3];
	size_t end[3];

	if (!base_cursor_until(&c, '.', &part[0]) || !base_cursor_until(&c, '.', &part[1]) || memchr(c.p, '.', c.left))
		return base_fail_set(fail, GH_E_PARSE, "token: not three parts with dots between them");
	part[2] = base_cursor_take(&c, c.left);
	for (size_t i = 0; i < 3; i++) {
		if (ident_unbase64url(part[i], &t->mem) != 0)
			return base_fail_set(fail, GH_E_PARSE, "token: part %zu is not base64url without padding", i + 1);
		end[i] = base_buf_len(&t->mem);
	}
	struct base_span all = base_buf_span(&t->mem);
	t->header = base_span(all.p, end[0]);
	t->payload = base_span(all.p + end[0], end[1] - end[0]);
	t->signature = base_span(all.p + end[1], end[2] - end[1]);
	t->signed_text = base_span(token.p, part[0].n + 1 + part[1].n);
	return 0;
}

static bool
json_is(const json_t *v, struct base_span s)
{
	return json_is_string(v) && base_span_eq(base_span(json_string_value(v), json_string_length(v)), s);
}

/* Media types know no case (RFC 7515 section 4.1.9), and "application/" may stand before them. */
static bool
type_is_known(const json_t *typ)
{
	static const char *const known[] = {"JWT", "at+jwt", "application/jwt", "application/at+jwt"};
	const char *s = json_string_value(typ);
	for (size_t i = 0; s && i < BASE_COUNT(known); i++)
		if (json_string_length(typ) == strlen(known[i]) && strcasecmp(s, known[i]) == 0)
			return true;
	return false;
}

/* algorithm_r: the one that the header says, which is on the list. kid_r: p NULL when there is none; borrows from header. */
static int
token_header(const json_t *header, unsigned allowed, enum ident_algorithm *algorithm_r, struct base_span *kid_r, struct base_fail *fail)
{
	static const struct { const char *name; enum ident_algorithm algorithm; } names[] = {{"RS256", IDENT_RS256}, {"ES256", IDENT_ES256}, {"EdDSA", IDENT_EDDSA}};
	static const char *const refused[] = {"crit", "jwk", "jku", "x5u", "x5c", "zip"};
	const json_t *alg = json_object_get(header, "alg"), *kid = json_object_get(header, "kid"), *typ = json_object_get(header, "typ");
	unsigned algorithm = 0;

	if (!json_is_string(alg))
		return base_fail_set(fail, GH_E_PARSE, "token: alg is not there or not a text");
	for (size_t i = 0; i < BASE_COUNT(names); i++)
		if ((allowed & names[i].algorithm) && json_is(alg, base_span_str(names[i].name)))
			algorithm = names[i].algorithm;
	if (algorithm == 0)
		return base_fail_set(fail, GH_E_UNSUPPORTED, "token: its algorithm (alg) is not one of those allowed");
	for (size_t i = 0; i < BASE_COUNT(refused); i++)
		if (json_object_get(header, refused[i]))
			return base_fail_set(fail, GH_E_UNSUPPORTED, "token: %s in its header is refused", refused[i]);
	if (typ && !type_is_known(typ))
		return base_fail_set(fail, GH_E_UNSUPPORTED, "token: its type (typ) is not JWT or at+jwt");
	if (json_object_get(header, "b64"))
		return base_fail_set(fail, GH_E_UNSUPPORTED, "token: b64 in its header is refused");
	if (kid && !json_is_string(kid))
		return base_fail_set(fail, GH_E_PARSE, "token: kid is not a text");
	*algorithm_r = (enum ident_algorithm)algorithm;
	*kid_r = kid ? base_span(json_string_value(kid), json_string_length(kid)) : base_span(NULL, 0);
	return 0;
}

/* Seconds since 1970, whole (RFC 7519 allows fractions; no issuer needs them, and one spelling is enough). 1 there, 0 absent, GH_E_PARSE. */
static int
claim_time(const json_t *claims, const char *name, uint64_t *us_r)
{
	const json_t *v = json_object_get(claims, name);
	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > YEAR_9999)
		return GH_E_PARSE;
	*us_r = (uint64_t)json_integer_value(v) * SECOND_US;
	return 1;
}

static int
token_times(const json_t *claims, uint64_t now_us, uint64_t *expires_us_r, struct base_fail *fail)
{
	static const char *const begins[] = {"nbf", "iat"};
	uint64_t us = 0, expires_us = 0;
	int got = claim_time(claims, "exp", &expires_us);

	if (got != 1)
		return base_fail_set(fail, GH_E_PARSE, got == 0 ? "token: exp is not there" : "token: exp is not a number of whole seconds");
	if (now_us >= expires_us && now_us - expires_us >= IDENT_LEEWAY_US)
		return base_fail_set(fail, GH_E_VERIFY, "token: it has expired (exp)");
	for (size_t i = 0; i < BASE_COUNT(begins); i++) {
		got = claim_time(claims, begins[i], &us);
		if (got < 0)
			return base_fail_set(fail, GH_E_PARSE, "token: %s is not a number of whole seconds", begins[i]);
		if (got == 1 && us > now_us && us - now_us > IDENT_LEEWAY_US)
			return base_fail_set(fail, GH_E_VERIFY, "token: it is of the future (%s)", begins[i]);
	}
	*expires_us_r = expires_us;
	return 0;
}

static bool
audience_holds(const json_t *aud, struct base_span ours)
{
	if (json_is(aud, ours))
		return true;
	bool ours_is_in = false;
	for (size_t i = 0; i < json_array_size(aud); i++) {
		if (!json_is_string(json_array_get(aud, i)))
			return false;
		ours_is_in = ours_is_in || json_is(json_array_get(aud, i), ours);
	}
	return ours_is_in;
}

static int
token_claims(struct base_span payload, const struct ident_expect *expect, struct ident_claims **c_r, struct base_fail *fail)
{
	struct base_span sub;
	uint64_t expires_us = 0;
	json_t *claims = ident_json_object(payload);
	int err;

	if (!claims)
		return base_fail_set(fail, GH_E_PARSE, "token: its claims are not a JSON object without duplicate names");
	if (!json_is(json_object_get(claims, "iss"), expect->issuer))
		err = base_fail_set(fail, GH_E_VERIFY, "token: its issuer (iss) is not the one expected");
	else if (!audience_holds(json_object_get(claims, "aud"), expect->audience))
		err = base_fail_set(fail, GH_E_VERIFY, "token: it is for another audience (aud)");
	else
		err = token_times(claims, expect->now_us, &expires_us, fail);
	if (err == 0 && !ident_json_text(json_object_get(claims, "sub"), &sub))
		err = base_fail_set(fail, GH_E_PARSE, "token: sub is not a text of 1 to 255 bytes without control characters");
	if (err != 0) {
		json_decref(claims);
		return err;
	}
	*c_r = base_mem_new(1, sizeof(**c_r));
	**c_r = (struct ident_claims){claims, expires_us};
	return 0;
}

int
ident_token_verify(const struct ident_jwks *keys, struct base_span token, const struct ident_expect *expect, struct ident_claims **c_r, struct base_fail *fail)
{
	struct token_parts t;
	json_t *header = NULL;
	struct base_span kid;
	enum ident_algorithm algorithm = IDENT_RS256; /* token_header says */
	int err;

	if (token.n > IDENT_TOKEN_MAX)
		return base_fail_set(fail, GH_E_PARSE, "token: longer than %u bytes", IDENT_TOKEN_MAX);
	if (expect->issuer.n == 0 || expect->audience.n == 0)
		return base_fail_set(fail, GH_E_VERIFY, "token: no issuer or no audience is expected"); /* "" would equal an empty claim */
	base_buf_init(&t.mem, IDENT_TOKEN_MAX);
	if ((err = token_split(token, &t, fail)) != 0)
		goto out;
	header = ident_json_object(t.header);
	if (!header) {
		err = base_fail_set(fail, GH_E_PARSE, "token: its header is not a JSON object without duplicate names");
		goto out;
	}
	if ((err = token_header(header, expect->algorithms, &algorithm, &kid, fail)) != 0)
		goto out;
	const struct ident_key *key = jwks_find(keys, kid, algorithm);
	if (!key) {
		err = base_fail_set(fail, GH_E_MISSING, kid.p ? "token: there is no key of its kid and algorithm" :
		                                                "token: it names no key (kid), and not exactly one is for its algorithm");
		goto out;
	}
	if (jwks_key_verify(key, t.signed_text, t.signature) != 0) {
		ERR_clear_error(); /* the thread's TLS reads this queue */
		err = base_fail_set(fail, GH_E_VERIFY, "token: its signature does not hold");
		goto out;
	}
	err = token_claims(t.payload, expect, c_r, fail);
out:
	json_decref(header);
	if (t.mem.mem)
		base_secret_wipe(t.mem.mem, t.mem.cap); /* who has header, payload and signature has the token */
	base_buf_done(&t.mem);
	return err;
}
