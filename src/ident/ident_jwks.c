/* ident_jwks: a JWK set (RFC 7517) into keys that can verify, and the verification.
 *
 * Input: a trusted person's file, parsed strictly: a set that is half understood would refuse tokens later, without saying why. Keys that are for something
 * else (use, key_ops, alg, kty, crv) are passed over; a key that is for us and malformed ends the parse. So does anything private or symmetric: a file that
 * many may read must not hold what signs.
 * Never: takes a key from anywhere but this text; does RSA with less than 2048 bits; believes a point that is not on its curve.
 */
#include "ident_int.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base_mem.h"

#define KEYS_MAX 256u
#define KID_MAX 1024u
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* larger ones only cost time */
#define RSA_EXPONENT_MAX 8u /* bytes */
#define P256_SIZE 32u

struct ident_jwks {
	atomic_uint refs;
	struct ident_key *key; /* own */
	size_t count;
};

/* ---- members of one key */

static bool
jwk_is(const json_t *jwk, const char *name, const char *value)
{
	const json_t *v = json_object_get(jwk, name);
	return json_is_string(v) && base_span_is(base_span(json_string_value(v), json_string_length(v)), value);
}

/* A string member that holds base64url; at most max bytes. Positive integers (RFC 7518 section 2) have no leading zero byte: `number`. */
static int
jwk_bytes(const json_t *jwk, const char *name, bool number, size_t max, struct base_buf *b)
{
	const json_t *v = json_object_get(jwk, name);
	base_buf_init(b, max);
	if (!json_is_string(v))
		return GH_E_PARSE;
	int err = ident_unbase64url(base_span(json_string_value(v), json_string_length(v)), b);
	struct base_span bytes = base_buf_span(b);
	return err == 0 && bytes.n > 0 && !(number && bytes.p[0] == 0) ? 0 : GH_E_PARSE;
}

/* "sign", "verify" and the like (RFC 7517 section 4.3): absent, or an array that has "verify". */
static bool
jwk_ops_allow(const json_t *jwk)
{
	const json_t *ops = json_object_get(jwk, "key_ops");
	for (size_t i = 0; i < json_array_size(ops); i++) {
		const char *op = json_string_value(json_array_get(ops, i));
		if (op && base_span_is(base_span_str(op), "verify"))
			return true;
	}
	return ops == NULL;
}

/* What the key is for; 0: not for us. */
static unsigned
jwk_algorithm(const json_t *jwk)
{
	static const struct { const char *kty, *crv, *alg; enum ident_algorithm algorithm; } kinds[] = {
		{"RSA", NULL, "RS256", IDENT_RS256}, {"EC", "P-256", "ES256", IDENT_ES256}, {"OKP", "Ed25519", "EdDSA", IDENT_EDDSA},
	};
	if ((json_object_get(jwk, "use") && !jwk_is(jwk, "use", "sig")) || !jwk_ops_allow(jwk))
		return 0;
	for (size_t i = 0; i < BASE_COUNT(kinds); i++)
		if (jwk_is(jwk, "kty", kinds[i].kty) && (!kinds[i].crv || jwk_is(jwk, "crv", kinds[i].crv)) &&
		    (!json_object_get(jwk, "alg") || jwk_is(jwk, "alg", kinds[i].alg)))
			return kinds[i].algorithm;
	return 0;
}

static const char *
jwk_secret_member(const json_t *jwk)
{
	static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	for (size_t i = 0; i < BASE_COUNT(secret); i++)
		if (json_object_get(jwk, secret[i]))
			return secret[i];
	return NULL;
}

/* ---- keys of OpenSSL's */

static EVP_PKEY *
make_pkey(const char *type, OSSL_PARAM_BLD *bld)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = bld ? OSSL_PARAM_BLD_to_param(bld) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static const char *
read_rsa(const json_t *jwk, struct ident_key *k)
{
	struct base_buf n, e;
	BIGNUM *bn = NULL, *be = NULL;
	OSSL_PARAM_BLD *bld = NULL;
	const char *wrong = NULL;
	int err = jwk_bytes(jwk, "n", true, RSA_BITS_MAX / 8, &n);
	int err_e = jwk_bytes(jwk, "e", true, RSA_EXPONENT_MAX, &e);
	if (err != 0 || err_e != 0) {
		wrong = "n or e is not a number in base64url, or too large";
		goto out;
	}
	bn = BN_bin2bn(base_buf_span(&n).p, (int)base_buf_len(&n), NULL);
	be = BN_bin2bn(base_buf_span(&e).p, (int)base_buf_len(&e), NULL);
	bld = OSSL_PARAM_BLD_new();
	if (bn && BN_num_bits(bn) < RSA_BITS_MIN)
		wrong = "RSA key of less than 2048 bits";
	else if (bn && be && (!BN_is_odd(bn) || !BN_is_odd(be) || BN_is_one(be)))
		wrong = "n or e is not of an RSA key";
	else if (!bn || !be || !bld || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) != 1 ||
	         OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) != 1 || !(k->pkey = make_pkey("RSA", bld)))
		wrong = "RSA key is refused by the library";
out:
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	BN_free(be);
	base_buf_done(&n);
	base_buf_done(&e);
	return wrong;
}

static const char *
read_ec(const json_t *jwk, struct ident_key *k)
{
	struct base_buf x, y;
	uint8_t point[1 + 2 * P256_SIZE] = {4}; /* SEC 1: uncompressed */
	const char *wrong = NULL;
	int err = jwk_bytes(jwk, "x", false, P256_SIZE, &x);
	int err_y = jwk_bytes(jwk, "y", false, P256_SIZE, &y);
	if (err != 0 || err_y != 0 || base_buf_len(&x) != P256_SIZE || base_buf_len(&y) != P256_SIZE) {
		wrong = "x or y is not 32 bytes in base64url";
	} else {
		memcpy(point + 1, base_buf_span(&x).p, P256_SIZE);
		memcpy(point + 1 + P256_SIZE, base_buf_span(&y).p, P256_SIZE);
		OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
		if (!bld || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
		    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1 || !(k->pkey = make_pkey("EC", bld)))
			wrong = "x and y are not a point of P-256";
		OSSL_PARAM_BLD_free(bld);
	}
	EVP_PKEY_CTX *ctx = k->pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL) : NULL;
	if (k->pkey && (!ctx || EVP_PKEY_public_check(ctx) != 1))
		wrong = "x and y are not a point of P-256";
	EVP_PKEY_CTX_free(ctx);
	base_buf_done(&x);
	base_buf_done(&y);
	return wrong;
}

static const char *
read_okp(const json_t *jwk, struct ident_key *k)
{
	struct base_buf x;
	int err = jwk_bytes(jwk, "x", false, BASE_ED25519_PUB, &x);
	bool ok = err == 0 && base_buf_len(&x) == BASE_ED25519_PUB;
	if (ok) {
		memcpy(k->ed25519, base_buf_span(&x).p, BASE_ED25519_PUB);
		ok = crypto_core_ed25519_is_valid_point(k->ed25519) == 1; /* canonical, of the main subgroup, not of small order */
	}
	base_buf_done(&x);
	return ok ? NULL : "x is not a point of Ed25519 in base64url";
}

/* ---- the set */

/* NULL, or what is wrong. A key that is passed over leaves the count as it is. */
static const char *
read_key(struct ident_jwks *j, const json_t *jwk)
{
	if (!json_is_object(jwk))
		return "not an object";
	if (jwk_secret_member(jwk))
		return "a private or secret key: only public keys may be in this file";
	if (!json_is_string(json_object_get(jwk, "kty")))
		return "kty is not there";
	unsigned algorithm = jwk_algorithm(jwk);
	if (algorithm == 0)
		return NULL;
	struct ident_key *k = &j->key[j->count++];
	const json_t *kid = json_object_get(jwk, "kid");
	k->algorithm = (enum ident_algorithm)algorithm;
	if (kid) {
		size_t n = json_string_length(kid);
		if (!json_is_string(kid) || n > KID_MAX)
			return "kid is not a text of at most 1024 bytes";
		k->kid = base_span(base_mem_str(base_span(json_string_value(kid), n)), n);
		for (size_t i = 0; i + 1 < j->count; i++)
			if (j->key[i].kid.p && j->key[i].algorithm == k->algorithm && base_span_eq(j->key[i].kid, k->kid))
				return "a second key of this kid and type";
	}
	return algorithm == IDENT_RS256 ? read_rsa(jwk, k) : algorithm == IDENT_ES256 ? read_ec(jwk, k) : read_okp(jwk, k);
}

int
ident_jwks_parse(struct base_span text, const char *file, struct ident_jwks **j_r, struct base_fail *fail)
{
	if (text.n > IDENT_JWKS_MAX)
		return base_fail_set(fail, GH_E_PARSE, "%s: larger than %u bytes", file, IDENT_JWKS_MAX);
	json_t *root = ident_json_object(text);
	const json_t *keys = json_object_get(root, "keys");
	struct ident_jwks *j = base_mem_new(1, sizeof(*j));
	int err = 0;

	atomic_init(&j->refs, 1);
	if (!json_is_array(keys)) {
		err = base_fail_set(fail, GH_E_PARSE, "%s: not a JSON object with an array \"keys\" (or a name is in it twice)", file);
		goto out;
	}
	size_t n = json_array_size(keys);
	if (n > KEYS_MAX) {
		err = base_fail_set(fail, GH_E_PARSE, "%s: more than %u keys", file, KEYS_MAX);
		goto out;
	}
	j->key = base_mem_new(n + 1, sizeof(*j->key));
	for (size_t i = 0; i < n && err == 0; i++) {
		const char *wrong = read_key(j, json_array_get(keys, i));
		if (wrong)
			err = base_fail_set(fail, GH_E_PARSE, "%s: key %zu: %s", file, i + 1, wrong);
	}
	if (err == 0 && j->count == 0)
		err = base_fail_set(fail, GH_E_PARSE, "%s: no key in it is for RS256, ES256 or EdDSA (Ed25519) signatures", file);
out:
	json_decref(root);
	ERR_clear_error(); /* the thread's TLS reads this queue */
	if (err != 0)
		ident_jwks_unref(&j);
	else
		*j_r = j;
	return err;
}

void
ident_jwks_ref(struct ident_jwks *j)
{
	atomic_fetch_add_explicit(&j->refs, 1, memory_order_relaxed);
}

void
ident_jwks_unref(struct ident_jwks **j)
{
	struct ident_jwks *own = *j;
	*j = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < own->count; i++) {
		EVP_PKEY_free(own->key[i].pkey);
		free((void *)own->key[i].kid.p);
	}
	free(own->key);
	free(own);
}

size_t
ident_jwks_count(const struct ident_jwks *j)
{
	return j->count;
}

const struct ident_key *
jwks_find(const struct ident_jwks *j, struct base_span kid, enum ident_algorithm algorithm)
{
	const struct ident_key *found = NULL;
	for (size_t i = 0; i < j->count; i++) {
		const struct ident_key *k = &j->key[i];
		if (k->algorithm != algorithm || (kid.p && !(k->kid.p && base_span_eq(k->kid, kid))))
			continue;
		if (found)
			return NULL; /* without a kid only: a kid and an algorithm are one key's */
		found = k;
	}
	return found;
}

/* ---- verification */

/* RFC 7518 section 3.4: r || s, 32 bytes each, into what OpenSSL reads. Its length, 0 when it is none. The caller frees. */
static size_t
signature_to_der(struct base_span raw, uint8_t **der_r)
{
	if (raw.n != 2 * (size_t)P256_SIZE)
		return 0;
	int n = 0;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, P256_SIZE, NULL), *s = BN_bin2bn(raw.p + P256_SIZE, P256_SIZE, NULL);
	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* sig owns them now */
		n = i2d_ECDSA_SIG(sig, der_r);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

int
jwks_key_verify(const struct ident_key *k, struct base_span signed_text, struct base_span signature)
{
	uint8_t *der = NULL;
	if (k->algorithm == IDENT_EDDSA)
		return base_ed25519_verify(k->ed25519, signed_text, signature) ? 0 : GH_E_VERIFY;
	if (k->algorithm == IDENT_ES256) {
		size_t n = signature_to_der(signature, &der);
		if (n == 0)
			return GH_E_VERIFY;
		signature = base_span(der, n);
	} else if (signature.n != (size_t)EVP_PKEY_get_size(k->pkey)) {
		return GH_E_VERIFY; /* RFC 8017 section 8.2.2: exactly as long as the modulus */
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int err = ctx ? GH_E_VERIFY : GH_E_NOMEM;
	/* RSA: PKCS #1 v1.5 is the padding unless another one is asked for. r and s outside 1..n-1 are refused by the library. */
	if (ctx && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, k->pkey, NULL) == 1 &&
	    EVP_DigestVerify(ctx, signature.p, signature.n, signed_text.p, signed_text.n) == 1)
		err = 0;
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	return err;
}
