/* Tests of ident_jwks: which keys are taken, passed over and refused; which key a token gets; base64url; texts cut at every length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_ident_keys.h"

#define X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define JWK_ED "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," X "}"
#define JWK_EDW(more) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," X "," more "}"
#define JWK_EC "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define JWK_ECW(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"," more "}"
#define JWK_N "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7" \
	"OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kz" \
	"k2PAcDTW9gb54h4FRWyuXpoQ"
#define JWK_RSA "{\"kty\":\"RSA\",\"n\":\"" JWK_N "\",\"e\":\"AQAB\"}"
#define JWK_RSAW(more) "{\"kty\":\"RSA\",\"n\":\"" JWK_N "\",\"e\":\"AQAB\"," more "}"
#define SET(keys) "{\"keys\":[" keys "]}"

static const struct { const char *text; size_t count; /* 0: refused */ const char *words; } sets[] = {
	{SET(JWK_RSA), 1, NULL}, {SET(JWK_EC), 1, NULL}, {SET(JWK_ED), 1, NULL}, {SET(JWK_RSA "," JWK_EC "," JWK_ED), 3, NULL},
	{"{\"other\":1,\"keys\":[" JWK_ED "],\"more\":[]}", 1, NULL},
	{SET(JWK_EDW("\"use\":\"sig\"")), 1, NULL}, {SET(JWK_EDW("\"alg\":\"EdDSA\"")), 1, NULL}, {SET(JWK_EDW("\"key_ops\":[\"verify\"]")), 1, NULL},
	{SET(JWK_EDW("\"kid\":\"a\",\"x5t\":\"b\",\"x5c\":[\"c\"]")), 1, NULL}, {SET(JWK_EDW("\"kid\":\"\"")), 1, NULL},
	{SET(JWK_EDW("\"kid\":\"a\"") "," JWK_ECW("\"kid\":\"a\"")), 2, NULL}, /* RFC 7517 section 4.5: one kid, different types */
	{SET(JWK_ED "," JWK_ED), 2, NULL}, /* never chosen, because nothing tells them apart */
	/* passed over */
	{SET(JWK_ED "," JWK_EDW("\"use\":\"enc\"")), 1, NULL}, {SET(JWK_ED "," JWK_RSAW("\"alg\":\"PS256\"")), 1, NULL}, {SET(JWK_ED "," JWK_ECW("\"alg\":\"ES256K\"")), 1, NULL},
	{SET(JWK_ED "," JWK_ECW("\"key_ops\":[\"sign\"]")), 1, NULL}, {SET(JWK_ED "," JWK_ECW("\"key_ops\":[]")), 1, NULL}, {SET(JWK_ED "," JWK_ECW("\"key_ops\":\"verify\"")), 1, NULL},
	{SET(JWK_ED ",{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}"), 1, NULL}, {SET(JWK_ED ",{\"kty\":\"OKP\",\"crv\":\"X25519\"," X "}"), 1, NULL},
	{SET(JWK_ED ",{\"kty\":\"NEW\"}"), 1, NULL}, {SET(JWK_ED ",{\"kty\":\"rsa\"}"), 1, NULL},
	/* no key for us */
	{SET(""), 0, "no key"}, {SET("{\"kty\":\"NEW\"}"), 0, "no key"}, {SET(JWK_EDW("\"use\":\"enc\"")), 0, "no key"}, {SET(JWK_EDW("\"use\":1")), 0, "no key"},
	{SET(JWK_EDW("\"alg\":\"ES256\"")), 0, "no key"}, {SET(JWK_EDW("\"alg\":null")), 0, "no key"}, {SET(JWK_EDW("\"key_ops\":[\"sign\"]")), 0, "no key"},
	/* malformed */
	{"", 0, "keys"}, {"[]", 0, "keys"}, {"{}", 0, "keys"}, {"null", 0, "keys"}, {"{\"keys\":{}}", 0, "keys"}, {"{\"keys\":null}", 0, "keys"}, {JWK_ED, 0, "keys"}, {SET(JWK_ED) SET(JWK_ED), 0, "keys"},
	{"{\"keys\":[" JWK_ED "],\"keys\":[]}", 0, "keys"}, {SET(JWK_ED ","), 0, "keys"}, {"\xef\xbb\xbf" SET(JWK_ED), 0, "keys"}, {SET(JWK_EDW("\"kid\":\"\xff\"")), 0, "keys"},
	{SET(JWK_EDW("\"kid\":\"a\",\"kid\":\"b\"")), 0, "keys"}, {SET("1"), 0, "key 1: not an object"}, {SET(JWK_ED ",null"), 0, "key 2: not an object"}, {SET("{}"), 0, "kty"},
	{SET("{\"kty\":1}"), 0, "kty"}, {SET(JWK_EDW("\"kid\":1")), 0, "kid"}, {SET(JWK_EDW("\"kid\":null")), 0, "kid"}, {SET(JWK_EDW("\"kid\":\"a\"") "," JWK_EDW("\"kid\":\"a\"")), 0, "second key"},
	/* not public */
	{SET(JWK_EDW("\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"")), 0, "private"}, {SET(JWK_ECW("\"d\":\"\"")), 0, "private"}, {SET(JWK_RSAW("\"p\":\"AQ\"")), 0, "private"},
	{SET(JWK_ED ",{\"kty\":\"oct\",\"k\":\"AyM1\"}"), 0, "private"}, {SET(JWK_ED ",{\"kty\":\"EC\",\"crv\":\"P-384\",\"d\":\"AA\"}"), 0, "private"}, {SET(JWK_RSAW("\"oth\":[]")), 0, "private"},
	/* Ed25519 */
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), 0, "x is not"}, {SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}"), 0, "x is not"},
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp\"}"), 0, "x is not"}, /* unused bits */
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}"), 0, "x is not"},
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"), 0, "x is not"},
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"), 0, "x is not"}, /* the neutral point: any message holds */
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"), 0, "x is not"}, /* of order 4 */
	{SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"), 0, "x is not"}, /* not on the curve */
	/* P-256 */
	{SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}"), 0, "x or y"},
	{SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}"), 0, "point"},
	{SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"), 0, "point"},
	{SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}"), 0, "x or y"},
	/* RSA */
	{SET("{\"kty\":\"RSA\",\"e\":\"AQAB\"}"), 0, "n or e"}, {SET("{\"kty\":\"RSA\",\"n\":\"" JWK_N "\"}"), 0, "n or e"}, {SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"), 0, "2048"},
	{SET("{\"kty\":\"RSA\",\"n\":\"AKH4\",\"e\":\"AQAB\"}"), 0, "n or e"}, {SET("{\"kty\":\"RSA\",\"n\":\"" JWK_N "\",\"e\":\"AQ\"}"), 0, "RSA key"},
	{SET("{\"kty\":\"RSA\",\"n\":\"" JWK_N "\",\"e\":\"AA\"}"), 0, "n or e"}, {SET("{\"kty\":\"RSA\",\"n\":\"" JWK_N "\",\"e\":\"AgAA\"}"), 0, "RSA key"},
	{SET("{\"kty\":\"RSA\",\"n\":\"" JWK_N "\",\"e\":\"AQAAAAAAAAAB\"}"), 0, "n or e"}, {SET("{\"kty\":\"RSA\",\"n\":\"" JWK_N JWK_N JWK_N JWK_N JWK_N "\",\"e\":\"AQAB\"}"), 0, "n or e"},
};

static int
parse(struct base_span text, struct ident_jwks **j_r, struct base_fail *fail)
{
	*fail = (struct base_fail){0};
	return ident_jwks_parse(text, "k.jwks", j_r, fail);
}

static void
test_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(sets); i++) {
		struct ident_jwks *j = NULL;
		struct base_fail f;
		int err = parse(base_span_str(sets[i].text), &j, &f);
		if (err != (sets[i].count > 0 ? 0 : GH_E_PARSE) || (sets[i].words && !strstr(f.text, sets[i].words)))
			fail_msg("%zu: %s: %d %s", i, sets[i].text, err, f.text);
		assert_int_equal(j ? ident_jwks_count(j) : 0, sets[i].count);
		if (sets[i].words)
			assert_true(strncmp(f.text, "k.jwks: ", 8) == 0);
		ident_jwks_unref(&j);
	}
}

static void
test_truncated(void **state)
{
	static const char text[] = SET(JWK_RSAW("\"kid\":\"a\"") "," JWK_ECW("\"kid\":\"b\"") "," JWK_EDW("\"kid\":\"c\""));
	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		struct ident_jwks *j = NULL;
		struct base_fail f;
		uint8_t *exact = malloc(n == 0 ? 1 : n);
		assert_non_null(exact);
		memcpy(exact, text, n);
		assert_int_equal(parse(base_span(exact, n), &j, &f), GH_E_PARSE);
		assert_null(j);
		free(exact);
	}
}

static void
test_rsa_bits(void **state)
{
	static const struct { unsigned bits; int err; } t[] = {{1024, GH_E_PARSE}, {2040, GH_E_PARSE}, {2048, 0}, {3072, 0}};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		EVP_PKEY *k = EVP_RSA_gen(t[i].bits);
		struct ident_jwks *j = NULL;
		struct base_fail f;
		struct base_buf b;
		base_buf_init(&b, 8192);
		base_buf_str(&b, "{\"keys\":[");
		jwk_rsa(&b, k, NULL, "");
		base_buf_str(&b, "]}");
		assert_int_equal(parse(base_buf_span(&b), &j, &f), t[i].err);
		ident_jwks_unref(&j);
		base_buf_done(&b);
		EVP_PKEY_free(k);
	}
}

static void
test_find(void **state)
{
	static const char text[] = SET(JWK_RSAW("\"kid\":\"a\"") "," JWK_ECW("\"kid\":\"a\"") "," JWK_ECW("\"kid\":\"b\"") "," JWK_ED);
	static const struct { const char *kid; enum ident_algorithm algorithm; bool found; } t[] = {
		{"a", IDENT_RS256, true}, {"a", IDENT_ES256, true}, {"b", IDENT_ES256, true}, {"b", IDENT_RS256, false}, {"a", IDENT_EDDSA, false}, {"", IDENT_EDDSA, false},
		{NULL, IDENT_RS256, true}, {NULL, IDENT_ES256, false}, {NULL, IDENT_EDDSA, true}, {"c", IDENT_ES256, false},
	};
	struct ident_jwks *j = NULL, *other = NULL;
	struct base_fail f;
	(void)state;
	assert_int_equal(parse(base_span_str(text), &j, &f), 0);
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		const struct ident_key *k = jwks_find(j, t[i].kid ? base_span_str(t[i].kid) : base_span(NULL, 0), t[i].algorithm);
		assert_int_equal(k != NULL, t[i].found);
		if (k)
			assert_int_equal(k->algorithm, t[i].algorithm);
	}
	other = j;
	ident_jwks_ref(j);
	ident_jwks_unref(&j);
	assert_null(j);
	assert_int_equal(ident_jwks_count(other), 4);
	ident_jwks_unref(&other);
	ident_jwks_unref(&other);
}

static void
test_limits(void **state)
{
	struct ident_jwks *j = NULL;
	struct base_fail f;
	struct base_buf b;
	(void)state;
	base_buf_init(&b, 2 * IDENT_JWKS_MAX);
	for (int n = 256; n <= 257; n++) {
		base_buf_clear(&b);
		base_buf_str(&b, "{\"keys\":[");
		for (int i = 0; i < n; i++)
			base_buf_fmt(&b, "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," X ",\"kid\":\"k%d\"}", i > 0 ? "," : "", i);
		base_buf_str(&b, "]}");
		assert_int_equal(parse(base_buf_span(&b), &j, &f), n > 256 ? GH_E_PARSE : 0);
		ident_jwks_unref(&j);
	}
	base_buf_clear(&b);
	base_buf_fmt(&b, SET(JWK_ED) "%*s", (int)(IDENT_JWKS_MAX - (sizeof(SET(JWK_ED)) - 1)), "");
	assert_int_equal(base_buf_len(&b), IDENT_JWKS_MAX);
	assert_int_equal(parse(base_buf_span(&b), &j, &f), 0);
	ident_jwks_unref(&j);
	base_buf_u8(&b, ' ');
	assert_int_equal(parse(base_buf_span(&b), &j, &f), GH_E_PARSE);
	base_buf_done(&b);
}

static void
test_base64url(void **state)
{
	static const struct { const char *text, *value; /* NULL: refused */ } t[] = {
		{"", ""}, {"Zg", "f"}, {"Zm8", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg", "foob"}, {"-_-_", "\xfb\xff\xbf"},
		{"Zh", NULL}, {"Zm9", NULL}, {"Z", NULL}, {"Zm9vY", NULL}, {"Zg==", NULL}, {"Zm8=", NULL}, {"+/+/", NULL}, {"Zm 8", NULL}, {"Zm8\n", NULL}, {"Zm8.", NULL}, {"=", NULL}, {"====", NULL},
		{"Zm9v=", NULL}, {"\xc3\xa9__", NULL},
	};
	struct base_buf b;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		base_buf_init(&b, 64);
		assert_int_equal(ident_unbase64url(base_span_str(t[i].text), &b), t[i].value ? 0 : GH_E_PARSE);
		assert_true(base_span_is(base_buf_span(&b), t[i].value ? t[i].value : ""));
		base_buf_done(&b);
	}
	base_buf_init(&b, 2);
	assert_int_equal(ident_unbase64url(base_span_str("Zm9v"), &b), GH_E_LIMIT);
	base_buf_done(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_rsa_bits),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_base64url),
	};
	return cmocka_run_group_tests(tests, keys_setup, keys_teardown);
}
