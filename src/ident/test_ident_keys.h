/* test_ident_keys: keys made when the tests start, their JWK set, and tokens of any shape signed with them. For the tests of ident. */
#ifndef TEST_IDENT_KEYS_H
#define TEST_IDENT_KEYS_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "ident_int.h"

#define NOW 1800000000ull /* seconds: 2027-01-15 */
#define ISS "https://sso.example"
#define AUD "gatehouse"

static EVP_PKEY *rsa_key, *rsa_other, *ec_key, *ec_other;
static uint8_t ed_seed[BASE_ED25519_SEED] = {1, 2, 3}, ed_other[BASE_ED25519_SEED] = {4};

static void
url64(struct base_buf *b, struct base_span s)
{
	struct base_buf plain;
	base_buf_init(&plain, 1u << 20);
	base_text_base64(&plain, s);
	struct base_span t = base_buf_span(&plain);
	for (size_t i = 0; i < t.n && t.p[i] != '='; i++)
		base_buf_u8(b, t.p[i] == '+' ? '-' : t.p[i] == '/' ? '_' : t.p[i]);
	base_buf_done(&plain);
}

static void
url64_number(struct base_buf *b, EVP_PKEY *k, const char *name, size_t size)
{
	BIGNUM *n = NULL;
	uint8_t bytes[1024];
	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
	if (size == 0)
		size = (size_t)BN_num_bytes(n);
	assert_int_equal(BN_bn2binpad(n, bytes, (int)size), (int)size);
	url64(b, base_span(bytes, size));
	BN_free(n);
}

/* {"kty":...,"kid":...} with `more` behind it (",\"use\":\"sig\"" or ""). kid NULL: none. */
static void
jwk_rsa(struct base_buf *b, EVP_PKEY *k, const char *kid, const char *more)
{
	base_buf_str(b, "{\"kty\":\"RSA\",\"n\":\"");
	url64_number(b, k, OSSL_PKEY_PARAM_RSA_N, 0);
	base_buf_str(b, "\",\"e\":\"");
	url64_number(b, k, OSSL_PKEY_PARAM_RSA_E, 0);
	base_buf_fmt(b, "\"%s%s%s%s}", kid ? ",\"kid\":\"" : "", kid ? kid : "", kid ? "\"" : "", more);
}

static inline void
jwk_ec(struct base_buf *b, EVP_PKEY *k, const char *kid, const char *more)
{
	base_buf_str(b, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
	url64_number(b, k, OSSL_PKEY_PARAM_EC_PUB_X, 32);
	base_buf_str(b, "\",\"y\":\"");
	url64_number(b, k, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	base_buf_fmt(b, "\"%s%s%s%s}", kid ? ",\"kid\":\"" : "", kid ? kid : "", kid ? "\"" : "", more);
}

static inline void
jwk_ed(struct base_buf *b, const uint8_t seed[BASE_ED25519_SEED], const char *kid, const char *more)
{
	uint8_t pub[BASE_ED25519_PUB];
	base_ed25519_public(seed, pub);
	base_buf_str(b, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
	url64(b, base_span(pub, sizeof(pub)));
	base_buf_fmt(b, "\"%s%s%s%s}", kid ? ",\"kid\":\"" : "", kid ? kid : "", kid ? "\"" : "", more);
}

enum sign { RS, RS_OTHER, ES, ES_OTHER, ES_DER, ES_HIGH, ED, ED_OTHER, HS_N, HS_JWK, NONE, PS };

static inline size_t
ecdsa(EVP_PKEY *k, struct base_span text, bool der, uint8_t out[512])
{
	uint8_t sig[512];
	const uint8_t *p = sig;
	size_t n = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, k, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, text.p, text.n), 1);
	EVP_MD_CTX_free(ctx);
	if (der) {
		memcpy(out, sig, n);
		return n;
	}
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	assert_non_null(s);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(s), out, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(s), out + 32, 32), 32);
	ECDSA_SIG_free(s);
	return 64;
}

static inline size_t
rsa(EVP_PKEY *k, struct base_span text, bool pss, uint8_t out[512])
{
	size_t n = 512;
	EVP_PKEY_CTX *p = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit_ex(ctx, &p, "SHA256", NULL, NULL, k, NULL), 1);
	if (pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1);
	assert_int_equal(EVP_DigestSign(ctx, out, &n, text.p, text.n), 1);
	EVP_MD_CTX_free(ctx);
	return n;
}

static inline size_t
sign(enum sign how, struct base_span text, uint8_t out[512])
{
	struct base_buf secret;
	size_t n = 0;
	base_buf_init(&secret, 4096);
	switch (how) {
	case RS: n = rsa(rsa_key, text, false, out); break;
	case RS_OTHER: n = rsa(rsa_other, text, false, out); break;
	case PS: n = rsa(rsa_key, text, true, out); break;
	case ES: n = ecdsa(ec_key, text, false, out); break;
	case ES_OTHER: n = ecdsa(ec_other, text, false, out); break;
	case ES_DER: n = ecdsa(ec_key, text, true, out); break;
	case ES_HIGH: { /* the other signature of the same r: n - s. JWA does not forbid it */
		BIGNUM *order = NULL, *s = NULL;
		n = ecdsa(ec_key, text, false, out);
		assert_int_equal(EVP_PKEY_get_bn_param(ec_key, OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
		s = BN_bin2bn(out + 32, 32, NULL);
		assert_int_equal(BN_sub(s, order, s), 1);
		assert_int_equal(BN_bn2binpad(s, out + 32, 32), 32);
		BN_free(order);
		BN_free(s);
		break;
	}
	case ED: base_ed25519_sign(ed_seed, text, out); n = 64; break;
	case ED_OTHER: base_ed25519_sign(ed_other, text, out); n = 64; break;
	case HS_N: /* key confusion: the public key's bytes as an HMAC secret */
		url64_number(&secret, rsa_key, OSSL_PKEY_PARAM_RSA_N, 0);
		base_crypt_hmac256(base_buf_span(&secret), text, out);
		n = 32;
		break;
	case HS_JWK:
		jwk_rsa(&secret, rsa_key, "r1", "");
		base_crypt_hmac256(base_buf_span(&secret), text, out);
		n = 32;
		break;
	case NONE: break;
	}
	base_buf_done(&secret);
	return n;
}

/* header and payload as JSON (or anything) into a token. */
static inline void
token_make(struct base_buf *b, struct base_span header, struct base_span payload, enum sign how)
{
	uint8_t sig[512];
	base_buf_clear(b);
	url64(b, header);
	base_buf_u8(b, '.');
	url64(b, payload);
	size_t n = sign(how, base_buf_span(b), sig);
	base_buf_u8(b, '.');
	url64(b, base_span(sig, n));
	assert_false(b->bad);
}

static int
keys_setup(void **state)
{
	(void)state;
	base_crypt_init();
	rsa_key = EVP_RSA_gen(2048);
	rsa_other = EVP_RSA_gen(2048);
	ec_key = EVP_EC_gen("P-256");
	ec_other = EVP_EC_gen("P-256");
	return rsa_key && rsa_other && ec_key && ec_other ? 0 : -1;
}

static int
keys_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa_key);
	EVP_PKEY_free(rsa_other);
	EVP_PKEY_free(ec_key);
	EVP_PKEY_free(ec_other);
	return 0;
}

#endif
