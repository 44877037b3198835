/* Tests of ident_token: examples of the RFCs, good and bad tokens in tables, tokens cut at every length and with every bit of payload and signature turned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_ident_keys.h"

#define REST ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"anna\""
#define TIMES "\"exp\":1800000600"
#define GOOD "{" TIMES REST "}"
#define R1 "{\"alg\":\"RS256\",\"kid\":\"r1\"}"
#define E1 "{\"alg\":\"ES256\",\"kid\":\"e1\"}"
#define D1 "{\"alg\":\"EdDSA\",\"kid\":\"d1\"}"
#define RH(more) "{\"alg\":\"RS256\",\"kid\":\"r1\"," more "}"
#define C(more) "{" TIMES REST "," more "}"
#define ALL (IDENT_RS256 | IDENT_ES256 | IDENT_EDDSA)
#define FIFTY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L255 FIFTY FIFTY FIFTY FIFTY FIFTY "aaaaa"

static struct ident_jwks *keys; /* r1, e1, d1 */

static struct ident_expect
expect(unsigned algorithms)
{
	return (struct ident_expect){base_span_str(ISS), base_span_str(AUD), algorithms, NOW * 1000000};
}

static struct ident_jwks *
parse(const char *text)
{
	struct ident_jwks *j = NULL;
	struct base_fail fail = {0};
	if (ident_jwks_parse(base_span_str(text), "k.jwks", &j, &fail) != 0)
		fail_msg("%s", fail.text);
	return j;
}

static const struct { const char *header, *claims; enum sign how; } good[] = {
	{R1, GOOD, RS},
	{E1, GOOD, ES},
	{E1, GOOD, ES_HIGH},
	{D1, GOOD, ED},
	{"{\"alg\":\"RS256\"}", GOOD, RS}, /* one key that fits */
	{"{\"alg\":\"ES256\"}", GOOD, ES},
	{"{\"alg\":\"EdDSA\"}", GOOD, ED},
	{" {\n\"kid\" : \"r1\",\t\"alg\":\"RS256\" }\r\n", " { " TIMES REST " } ", RS},
	{"{\"\\u0061lg\":\"RS\\u003256\",\"kid\":\"\\u00721\"}", GOOD, RS}, /* JSON's own spellings */
	{RH("\"typ\":\"JWT\""), GOOD, RS},
	{RH("\"typ\":\"jwt\""), GOOD, RS},
	{RH("\"typ\":\"at+jwt\""), GOOD, RS},
	{RH("\"typ\":\"application/at+jwt\""), GOOD, RS},
	{RH("\"cty\":\"x\",\"x5t\":\"abc\",\"other\":{\"crit\":1}"), GOOD, RS},
	{R1, C("\"nbf\":1800000000,\"iat\":1800000000,\"jti\":\"x\""), RS},
	{R1, C("\"nbf\":1800000060,\"iat\":1800000060"), RS}, /* the leeway */
	{R1, C("\"nbf\":0,\"iat\":0"), RS},
	{R1, "{\"exp\":1799999941" REST "}", RS}, /* expired, within the leeway */
	{R1, "{\"exp\":253402300799" REST "}", RS},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":[\"" AUD "\"],\"sub\":\"anna\"}", RS},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":[\"x\",\"" AUD "\",\"y\"],\"sub\":\"anna\"}", RS},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"" L255 "\"}", RS},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"\xe7\x8e\x8b\xe8\x8a\xb3 \\u00e9\"}", RS},
};

/* A token is refused with this code, and the text holds these words. */
static const struct { const char *header, *claims; enum sign how; int err; const char *words; } bad[] = {
	/* algorithm */
	{"{\"alg\":\"none\",\"kid\":\"r1\"}", GOOD, NONE, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"None\"}", GOOD, NONE, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"NONE\"}", GOOD, NONE, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"nOnE\"}", GOOD, RS, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"\"}", GOOD, NONE, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"none \"}", GOOD, NONE, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":null}", GOOD, NONE, GH_E_PARSE, "alg"},
	{"{\"alg\":[\"RS256\"],\"kid\":\"r1\"}", GOOD, RS, GH_E_PARSE, "alg"},
	{"{\"alg\":256}", GOOD, RS, GH_E_PARSE, "alg"},
	{"{\"kid\":\"r1\"}", GOOD, RS, GH_E_PARSE, "alg"},
	{"{}", GOOD, NONE, GH_E_PARSE, "alg"},
	{"{\"alg\":\"HS256\",\"kid\":\"r1\"}", GOOD, HS_N, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"HS256\",\"kid\":\"r1\"}", GOOD, HS_JWK, GH_E_UNSUPPORTED, "alg"},
	{R1, GOOD, HS_N, GH_E_VERIFY, "signature"},
	{"{\"alg\":\"rs256\",\"kid\":\"r1\"}", GOOD, RS, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"RS256 \",\"kid\":\"r1\"}", GOOD, RS, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"RS256\\u0000\",\"kid\":\"r1\"}", GOOD, RS, GH_E_PARSE, "header"},
	{"{\"alg\":\"RS384\",\"kid\":\"r1\"}", GOOD, RS, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"PS256\",\"kid\":\"r1\"}", GOOD, PS, GH_E_UNSUPPORTED, "alg"},
	{R1, GOOD, PS, GH_E_VERIFY, "signature"},
	{"{\"alg\":\"ES256K\",\"kid\":\"e1\"}", GOOD, ES, GH_E_UNSUPPORTED, "alg"},
	{"{\"alg\":\"EDDSA\",\"kid\":\"d1\"}", GOOD, ED, GH_E_UNSUPPORTED, "alg"},
	/* key */
	{"{\"alg\":\"RS256\",\"kid\":\"e1\"}", GOOD, RS, GH_E_MISSING, "kid"},
	{"{\"alg\":\"ES256\",\"kid\":\"r1\"}", GOOD, ES, GH_E_MISSING, "kid"},
	{"{\"alg\":\"EdDSA\",\"kid\":\"e1\"}", GOOD, ED, GH_E_MISSING, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":\"r2\"}", GOOD, RS, GH_E_MISSING, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":\"R1\"}", GOOD, RS, GH_E_MISSING, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":\"\"}", GOOD, RS, GH_E_MISSING, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":\"r1 \"}", GOOD, RS, GH_E_MISSING, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":\"../r1\"}", GOOD, RS, GH_E_MISSING, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":1}", GOOD, RS, GH_E_PARSE, "kid"},
	{"{\"alg\":\"RS256\",\"kid\":null}", GOOD, RS, GH_E_PARSE, "kid"},
	{R1, GOOD, RS_OTHER, GH_E_VERIFY, "signature"},
	{"{\"alg\":\"RS256\"}", GOOD, RS_OTHER, GH_E_VERIFY, "signature"},
	{E1, GOOD, ES_OTHER, GH_E_VERIFY, "signature"},
	{D1, GOOD, ED_OTHER, GH_E_VERIFY, "signature"},
	{R1, GOOD, NONE, GH_E_VERIFY, "signature"},
	{E1, GOOD, NONE, GH_E_VERIFY, "signature"},
	{D1, GOOD, NONE, GH_E_VERIFY, "signature"},
	{R1, GOOD, ES, GH_E_VERIFY, "signature"},
	{E1, GOOD, RS, GH_E_VERIFY, "signature"},
	{E1, GOOD, ED, GH_E_VERIFY, "signature"},
	{E1, GOOD, ES_DER, GH_E_VERIFY, "signature"},
	/* the header's other members */
	{RH("\"crit\":[\"exp\"]"), GOOD, RS, GH_E_UNSUPPORTED, "crit"},
	{RH("\"crit\":[]"), GOOD, RS, GH_E_UNSUPPORTED, "crit"},
	{RH("\"crit\":null"), GOOD, RS, GH_E_UNSUPPORTED, "crit"},
	{RH("\"jwk\":{\"kty\":\"RSA\"}"), GOOD, RS_OTHER, GH_E_UNSUPPORTED, "jwk"},
	{RH("\"jku\":\"https://evil.example/k\""), GOOD, RS_OTHER, GH_E_UNSUPPORTED, "jku"},
	{RH("\"x5u\":\"https://evil.example/c\""), GOOD, RS, GH_E_UNSUPPORTED, "x5u"},
	{RH("\"x5c\":[\"MIIB\"]"), GOOD, RS, GH_E_UNSUPPORTED, "x5c"},
	{RH("\"zip\":\"DEF\""), GOOD, RS, GH_E_UNSUPPORTED, "zip"},
	{RH("\"b64\":false"), GOOD, RS, GH_E_UNSUPPORTED, "b64"},
	{RH("\"b64\":true"), GOOD, RS, GH_E_UNSUPPORTED, "b64"},
	{RH("\"typ\":\"JWE\""), GOOD, RS, GH_E_UNSUPPORTED, "typ"},
	{RH("\"typ\":\"logout+jwt\""), GOOD, RS, GH_E_UNSUPPORTED, "typ"},
	{RH("\"typ\":1"), GOOD, RS, GH_E_UNSUPPORTED, "typ"},
	{RH("\"typ\":null"), GOOD, RS, GH_E_UNSUPPORTED, "typ"},
	{RH("\"alg\":\"none\""), GOOD, RS, GH_E_PARSE, "header"},       /* the name is there twice */
	{RH("\"kid\":\"r1\""), GOOD, RS, GH_E_PARSE, "header"},
	{RH("\"\\u0061lg\":\"RS256\""), GOOD, RS, GH_E_PARSE, "header"}, /* twice, in another spelling */
	{"[\"alg\",\"RS256\"]", GOOD, RS, GH_E_PARSE, "header"},
	{"\"RS256\"", GOOD, RS, GH_E_PARSE, "header"},
	{"", GOOD, RS, GH_E_PARSE, "header"},
	{R1 R1, GOOD, RS, GH_E_PARSE, "header"},
	{R1 "x", GOOD, RS, GH_E_PARSE, "header"},
	{"\xef\xbb\xbf" R1, GOOD, RS, GH_E_PARSE, "header"},
	{"{\"alg\":\"RS256\",\"kid\":\"\xff\"}", GOOD, RS, GH_E_PARSE, "header"},
	{"{\"alg\":\"RS256\",}", GOOD, RS, GH_E_PARSE, "header"},
	/* claims */
	{R1, "", RS, GH_E_PARSE, "claims"},
	{R1, "null", RS, GH_E_PARSE, "claims"},
	{R1, "[]", RS, GH_E_PARSE, "claims"},
	{R1, "anna", RS, GH_E_PARSE, "claims"},
	{R1, GOOD GOOD, RS, GH_E_PARSE, "claims"},
	{R1, C("\"x\":\"\xff\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"x\":\"\xed\xa0\x80\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"x\":\"\\ud800\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"x\":\"\\u0000\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"sub\":\"root\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"iss\":\"" ISS "\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"aud\":\"" AUD "\""), RS, GH_E_PARSE, "claims"},
	{R1, C("\"exp\":1800009999"), RS, GH_E_PARSE, "claims"},
	{R1, C("\"a\":{\"b\":1,\"b\":2}"), RS, GH_E_PARSE, "claims"},
	{R1, C("\"x\":1e999"), RS, GH_E_PARSE, "claims"},
	{R1, C("\"x\":99999999999999999999"), RS, GH_E_PARSE, "claims"},
	{R1, "{" TIMES ",\"aud\":\"" AUD "\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "iss"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "/\",\"aud\":\"" AUD "\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "iss"},
	{R1, "{" TIMES ",\"iss\":\"https://SSO.example\",\"aud\":\"" AUD "\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "iss"},
	{R1, "{" TIMES ",\"iss\":[\"" ISS "\"],\"aud\":\"" AUD "\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "iss"},
	{R1, "{" TIMES ",\"iss\":\"\",\"aud\":\"" AUD "\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "iss"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"other\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"gatehous\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"gatehouse2\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"a gatehouse\",\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":[],\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":[\"a\",\"b\"],\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":[\"" AUD "\",1],\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":[[\"" AUD "\"]],\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":{\"" AUD "\":1},\"sub\":\"anna\"}", RS, GH_E_VERIFY, "aud"},
	{R1, "{\"iat\":1" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":1799999940" REST "}", RS, GH_E_VERIFY, "exp"},
	{R1, "{\"exp\":0" REST "}", RS, GH_E_VERIFY, "exp"},
	{R1, "{\"exp\":-1" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":-9223372036854775808" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":\"1800000600\"" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":1800000600.5" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":1.8e9" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":1e30" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":253402300800" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":9223372036854775807" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":1800000600000" REST "}", RS, GH_E_PARSE, "exp"}, /* milliseconds */
	{R1, "{\"exp\":null" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":true" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, "{\"exp\":[1800000600]" REST "}", RS, GH_E_PARSE, "exp"},
	{R1, C("\"nbf\":1800000061"), RS, GH_E_VERIFY, "nbf"},
	{R1, C("\"nbf\":\"0\""), RS, GH_E_PARSE, "nbf"},
	{R1, C("\"nbf\":1.5"), RS, GH_E_PARSE, "nbf"},
	{R1, C("\"iat\":1800000061"), RS, GH_E_VERIFY, "iat"},
	{R1, C("\"iat\":-5"), RS, GH_E_PARSE, "iat"},
	{R1, C("\"iat\":null"), RS, GH_E_PARSE, "iat"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\"}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"\"}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":7}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":[\"anna\"]}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"an\\nna\"}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"anna\\u007f\"}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"anna\\u0085\"}", RS, GH_E_PARSE, "sub"},
	{R1, "{" TIMES ",\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"" L255 "b\"}", RS, GH_E_PARSE, "sub"},
};

static int
verify(const struct ident_jwks *j, struct base_span token, unsigned algorithms, struct base_fail *fail)
{
	struct ident_claims *c = NULL;
	struct ident_expect e = expect(algorithms);
	*fail = (struct base_fail){0};
	int err = ident_token_verify(j, token, &e, &c, fail);
	assert_int_equal(err == 0, c != NULL);
	ident_claims_free(&c);
	return err;
}

static void
test_good(void **state)
{
	struct base_buf t;
	struct base_fail f;
	(void)state;
	base_buf_init(&t, IDENT_TOKEN_MAX);
	for (size_t i = 0; i < BASE_COUNT(good); i++) {
		token_make(&t, base_span_str(good[i].header), base_span_str(good[i].claims), good[i].how);
		if (verify(keys, base_buf_span(&t), ALL, &f) != 0)
			fail_msg("good %zu: %s", i, f.text);
	}
	base_buf_done(&t);
}

static void
test_bad(void **state)
{
	struct base_buf t;
	struct base_fail f;
	(void)state;
	base_buf_init(&t, IDENT_TOKEN_MAX);
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		token_make(&t, base_span_str(bad[i].header), base_span_str(bad[i].claims), bad[i].how);
		int err = verify(keys, base_buf_span(&t), ALL, &f);
		if (err != bad[i].err || !strstr(f.text, bad[i].words))
			fail_msg("bad %zu: %s | %s: %d %s", i, bad[i].header, bad[i].claims, err, f.text);
		assert_null(strstr(f.text, "anna"));
		assert_null(strstr(f.text, "evil"));
	}
	print_message("%zu bad tokens\n", BASE_COUNT(bad));
	base_buf_done(&t);
}

/* Not made of a header and claims: spellings of the three parts. */
static void
test_form(void **state)
{
	static const struct { const char *change; } forms[] = {
		{"@1"}, {"@1.@2"}, {"@1.@2.@3."}, {".@1.@2.@3"}, {"@1.@2.@3.@3"}, {"@1.@2.@3.@2.@3"}, {"@1..@3"}, {".@2.@3"},
		{"@1.@2.@3="}, {"@1=.@2.@3"}, {"@1.@2==.@3"}, {" @1.@2.@3"}, {"@1.@2.@3\n"}, {"@1. @2.@3"}, {"@1.@2.@3 "},
		{"@1\n.@2.@3"}, {"Bearer @1.@2.@3"}, {"@1.@2.@3A"}, {"@1.@2.@3+"}, {"@1.@2.@3/"}, {"@1.@2.@3%"}, {"@1,@2,@3"},
		{"{\"protected\":\"@1\",\"payload\":\"@2\",\"signature\":\"@3\"}"}, {"@2.@1.@3"}, {"@1.@2.@2"}, {"..", }, {"."}, {""}, {"..."},
	};
	struct base_buf t, three, dots;
	struct base_fail f;
	char *part[3];
	(void)state;
	base_buf_init(&t, 2 * IDENT_TOKEN_MAX);
	base_buf_init(&three, IDENT_TOKEN_MAX);
	base_buf_init(&dots, 2 * IDENT_TOKEN_MAX);
	token_make(&three, base_span_str(E1), base_span_str(GOOD), ES);
	struct base_cursor c = base_cursor(base_buf_span(&three));
	struct base_span p;
	for (size_t i = 0; i < 3; i++) {
		if (!base_cursor_until(&c, '.', &p))
			p = base_cursor_take(&c, c.left);
		part[i] = base_mem_str(p);
	}
	assert_int_equal(verify(keys, base_buf_span(&three), ALL, &f), 0);
	for (size_t i = 0; i < BASE_COUNT(forms); i++) {
		base_buf_clear(&t);
		for (const char *a = forms[i].change; *a; a++) /* @1, @2, @3: the three parts */
			if (*a == '@')
				base_buf_str(&t, part[*++a - '1']);
			else
				base_buf_u8(&t, (uint8_t)*a);
		if (verify(keys, base_buf_span(&t), ALL, &f) == 0)
			fail_msg("form %zu", i);
	}
	/* the same bytes with other unused bits: 64 bytes leave four of them at the end */
	size_t n = base_buf_len(&three);
	char *same = base_mem_str(base_buf_span(&three));
	same[n - 1] = (char)(same[n - 1] + 1);
	assert_int_equal(verify(keys, base_span(same, n), ALL, &f), GH_E_PARSE);
	/* a token in a token, and a NUL */
	base_buf_clear(&t);
	token_make(&t, base_span_str("{\"alg\":\"RS256\",\"cty\":\"JWT\"}"), base_buf_span(&three), RS);
	assert_int_equal(verify(keys, base_buf_span(&t), ALL, &f), GH_E_PARSE);
	assert_int_equal(verify(keys, base_span(part[0], strlen(part[0]) + 1), ALL, &f), GH_E_PARSE);
	free(same);
	for (size_t i = 0; i < 3; i++)
		free(part[i]);
	base_buf_done(&t);
	base_buf_done(&three);
	base_buf_done(&dots);
}

/* Every prefix; every bit of payload and signature; every byte of the whole replaced by what base64url allows. */
static void
test_damaged(void **state)
{
	static const struct { const char *header; enum sign how; } kinds[] = {{R1, RS}, {E1, ES}, {D1, ED}};
	struct base_buf t, raw, again;
	struct base_fail f;
	(void)state;
	base_buf_init(&t, IDENT_TOKEN_MAX);
	base_buf_init(&raw, IDENT_TOKEN_MAX);
	base_buf_init(&again, IDENT_TOKEN_MAX);
	for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
		token_make(&t, base_span_str(kinds[k].header), base_span_str(GOOD), kinds[k].how);
		struct base_span token = base_buf_span(&t);
		for (size_t n = 0; n < token.n; n++) {
			uint8_t *exact = malloc(n == 0 ? 1 : n);
			assert_non_null(exact);
			memcpy(exact, token.p, n);
			assert_int_not_equal(verify(keys, base_span(exact, n), ALL, &f), 0);
			free(exact);
		}
		uint8_t *copy = malloc(token.n);
		assert_non_null(copy);
		for (size_t i = 0; i < token.n; i++) {
			memcpy(copy, token.p, token.n);
			copy[i] = copy[i] == 'A' ? 'B' : 'A';
			assert_int_not_equal(verify(keys, base_span(copy, token.n), ALL, &f), 0);
		}
		free(copy);
		const uint8_t *first = memchr(token.p, '.', token.n), *dot = memrchr(token.p, '.', token.n);
		for (int part = 0; part < 2; part++) { /* payload, signature */
			struct base_span coded = part == 0 ? base_span(first + 1, (size_t)(dot - first) - 1) : base_span(dot + 1, token.n - (size_t)(dot - token.p) - 1);
			base_buf_clear(&raw);
			assert_int_equal(ident_unbase64url(coded, &raw), 0);
			uint8_t *bytes = (uint8_t *)base_buf_span(&raw).p;
			for (size_t bit = 0; bit < 8 * base_buf_len(&raw); bit++) {
				bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
				base_buf_clear(&again);
				base_buf_put(&again, base_span(token.p, (size_t)(coded.p - token.p)));
				url64(&again, base_buf_span(&raw));
				if (part == 0)
					base_buf_put(&again, base_span(dot, token.n - (size_t)(dot - token.p)));
				assert_int_equal(verify(keys, base_buf_span(&again), ALL, &f), GH_E_VERIFY);
				bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
		}
	}
	base_buf_done(&t);
	base_buf_done(&raw);
	base_buf_done(&again);
}

/* Signatures that no key makes. */
static void
test_signature_values(void **state)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	struct base_buf t;
	struct base_fail f;
	(void)state;
	base_buf_init(&t, IDENT_TOKEN_MAX);
	for (int what = 0; what < 13; what++) {
		uint8_t sig[512] = {0};
		size_t n = 64;
		base_buf_clear(&t);
		url64(&t, base_span_str(what < 11 ? E1 : what == 11 ? D1 : R1));
		base_buf_u8(&t, '.');
		url64(&t, base_span_str(GOOD));
		if (what > 0)
			(void)sign(ES, base_buf_span(&t), sig);
		switch (what) {
		case 1: memset(sig, 0, 32); break;                     /* r = 0 */
		case 2: memset(sig + 32, 0, 32); break;                /* s = 0 */
		case 3: memcpy(sig, order, 32); break;                 /* r = n */
		case 4: memcpy(sig + 32, order, 32); break;            /* s = n */
		case 5: memset(sig, 0xff, 64); break;
		case 6: n = 63; break;
		case 7: n = 65; break;
		case 8: n = 96; break;
		case 9: n = 32; break;
		case 10: memcpy(sig + 64, sig, 64); n = 128; break;
		case 11: memset(sig, 0, 64); sig[0] = 1; break;        /* Ed25519: R the neutral point, S = 0 */
		case 12: memset(sig, 0, 256); sig[255] = 1; n = 256; break; /* RSA: 1 */
		default: break;                                        /* 0: both zero (CVE-2022-21449) */
		}
		base_buf_u8(&t, '.');
		url64(&t, base_span(sig, n));
		assert_int_equal(verify(keys, base_buf_span(&t), ALL, &f), GH_E_VERIFY);
	}
	/* a right RSA signature with a zero before it, or without its last byte */
	for (int what = 0; what < 2; what++) {
		uint8_t sig[513] = {0};
		base_buf_clear(&t);
		url64(&t, base_span_str(R1));
		base_buf_u8(&t, '.');
		url64(&t, base_span_str(GOOD));
		size_t n = sign(RS, base_buf_span(&t), sig + 1);
		base_buf_u8(&t, '.');
		url64(&t, what == 0 ? base_span(sig, n + 1) : base_span(sig + 1, n - 1));
		assert_int_equal(verify(keys, base_buf_span(&t), ALL, &f), GH_E_VERIFY);
	}
	base_buf_done(&t);
}

static void
test_allowed(void **state)
{
	static const struct { const char *header; enum sign how; unsigned alone; } kinds[] = {{R1, RS, IDENT_RS256}, {E1, ES, IDENT_ES256}, {D1, ED, IDENT_EDDSA}};
	struct base_buf t;
	struct base_fail f;
	(void)state;
	base_buf_init(&t, IDENT_TOKEN_MAX);
	for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
		token_make(&t, base_span_str(kinds[i].header), base_span_str(GOOD), kinds[i].how);
		assert_int_equal(verify(keys, base_buf_span(&t), kinds[i].alone, &f), 0);
		assert_int_equal(verify(keys, base_buf_span(&t), ALL & ~kinds[i].alone, &f), GH_E_UNSUPPORTED);
		assert_int_equal(verify(keys, base_buf_span(&t), 0, &f), GH_E_UNSUPPORTED);
	}
	struct ident_claims *c = NULL; /* nothing expected is nothing accepted */
	struct ident_expect e = expect(ALL);
	e.issuer = base_span("", 0);
	token_make(&t, base_span_str(R1), base_span_str("{" TIMES ",\"iss\":\"\",\"aud\":\"\",\"sub\":\"anna\"}"), RS);
	assert_int_equal(ident_token_verify(keys, base_buf_span(&t), &e, &c, &f), GH_E_VERIFY);
	base_buf_done(&t);
}

static void
test_huge(void **state)
{
	struct base_buf t, claims;
	struct base_fail f;
	(void)state;
	base_buf_init(&t, 1u << 20);
	base_buf_init(&claims, 1u << 20);
	for (size_t n = 1000; n < 100000; n += n / 2) {
		base_buf_clear(&claims);
		base_buf_fmt(&claims, "{" TIMES REST ",\"x\":\"%0*d\"}", (int)n, 0);
		token_make(&t, base_span_str(D1), base_buf_span(&claims), ED);
		int err = verify(keys, base_buf_span(&t), ALL, &f);
		assert_int_equal(err, base_buf_len(&t) > IDENT_TOKEN_MAX ? GH_E_PARSE : 0);
	}
	base_buf_clear(&claims); /* as deep as it can be */
	base_buf_str(&claims, "{" TIMES REST ",\"x\":");
	for (int i = 0; i < 5000; i++)
		base_buf_u8(&claims, '[');
	for (int i = 0; i < 5000; i++)
		base_buf_u8(&claims, ']');
	base_buf_u8(&claims, '}');
	token_make(&t, base_span_str(D1), base_buf_span(&claims), ED);
	assert_int_equal(verify(keys, base_buf_span(&t), ALL, &f), GH_E_PARSE);
	uint8_t *dots = malloc(IDENT_TOKEN_MAX);
	assert_non_null(dots);
	memset(dots, '.', IDENT_TOKEN_MAX);
	assert_int_equal(verify(keys, base_span(dots, IDENT_TOKEN_MAX), ALL, &f), GH_E_PARSE);
	memset(dots, 'A', IDENT_TOKEN_MAX);
	assert_int_equal(verify(keys, base_span(dots, IDENT_TOKEN_MAX), ALL, &f), GH_E_PARSE);
	free(dots);
	base_buf_done(&t);
	base_buf_done(&claims);
}

/* RFC 7515 appendix A.2 and A.3: the signature holds, so that it is the claims that are missing; RFC 8037 appendix A.4: its payload is no JSON. */
static void
test_rfc(void **state)
{
	static const char payload[] = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const struct { const char *jwk, *header, *payload, *signature, *words; } t[] = {
		{"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b"
		 "32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAc"
		 "o9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}", "eyJhbGciOiJSUzI1NiJ9", payload,
		 "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h"
		 "6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
		 "cN_IoypGlUPQGe77Rw", "aud"},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		 "eyJhbGciOiJFUzI1NiJ9", payload, "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", "aud"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", "eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
		 "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg", "claims"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[2048];
		struct base_fail f;
		struct ident_claims *c = NULL;
		struct ident_expect e = expect(ALL);
		e.issuer = base_span_str("joe");
		snprintf(text, sizeof(text), "{\"keys\":[%s]}", t[i].jwk);
		struct ident_jwks *j = parse(text);
		int n = snprintf(text, sizeof(text), "%s.%s.%s", t[i].header, t[i].payload, t[i].signature);
		assert_int_not_equal(ident_token_verify(j, base_span(text, (size_t)n), &e, &c, &f), 0);
		assert_non_null(strstr(f.text, t[i].words));
		text[strlen(t[i].header) + 3] ^= 1;
		assert_int_not_equal(ident_token_verify(j, base_span(text, (size_t)n), &e, &c, &f), 0);
		assert_non_null(strstr(f.text, "signature"));
		ident_jwks_unref(&j);
	}
}

static void
test_claims(void **state)
{
	static const char text[] = C("\"org\":\"Acme\",\"https://example.com/org\":\"Url\",\"a.b\":\"whole\",\"a\":{\"b\":\"path\",\"c\":{\"d\":\"deep\",\"e\":[\"r1\",\"r2\"]}},"
	    "\"roles\":[\"agent\",\"lead\"],\"scope\":\" read  write\",\"none\":[],\"blank\":\" \",\"empty\":\"\",\"n\":7,\"t\":true,\"z\":null,\"mixed\":[\"a\",7],"
	    "\"control\":\"a\\tb\",\"lists\":[\"a\",\"b\\n\"],\"words\":\"a b\\nc\",\"long\":\"" L255 "b\",\"longs\":\"ok " L255 "b\",\"just\":\"" L255 "\"");
	static const struct { const char *name, *text, *items; } t[] = {
		{"sub", "anna", "anna;"}, {"org", "Acme", "Acme;"}, {"https://example.com/org", "Url", "Url;"}, {"a.b", "whole", "whole;"}, {"a.c.d", "deep", "deep;"},
		{"a.c.e", NULL, "r1;r2;"}, {"roles", NULL, "agent;lead;"}, {"scope", " read  write", "read;write;"}, {"none", NULL, ""}, {"blank", " ", ""}, {"empty", NULL, ""},
		{"n", NULL, ""}, {"t", NULL, ""}, {"z", NULL, ""}, {"mixed", NULL, ""}, {"control", NULL, ""}, {"lists", NULL, ""}, {"words", NULL, ""}, {"long", NULL, ""},
		{"longs", NULL, ""}, {"just", L255, L255 ";"}, {"nothing", NULL, ""}, {"a", NULL, ""}, {"a.", NULL, ""}, {".a", NULL, ""}, {"a.c", NULL, ""}, {"a.b.c", NULL, ""},
		{"sub.x", NULL, ""}, {"", NULL, ""}, {".", NULL, ""}, {"a..c", NULL, ""}, {"roles.0", NULL, ""}, {"Sub", NULL, ""},
	};
	struct ident_claims *c = NULL;
	struct ident_expect e = expect(ALL);
	struct base_buf token;
	struct base_fail f;
	(void)state;
	base_buf_init(&token, IDENT_TOKEN_MAX);
	token_make(&token, base_span_str(E1), base_span_str(text), ES);
	assert_int_equal(ident_token_verify(keys, base_buf_span(&token), &e, &c, &f), 0);
	base_buf_done(&token);
	assert_int_equal(ident_claims_expires_us(c), 1800000600ull * 1000000);
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_span v;
		char items[1024];
		size_t used = 0;
		bool got = ident_claims_text(c, base_span_str(t[i].name), &v);
		if (got != (t[i].text != NULL) || (got && !base_span_is(v, t[i].text)))
			fail_msg("text of %s", t[i].name);
		items[0] = 0;
		for (size_t k = 0; ident_claims_item(c, base_span_str(t[i].name), k, &v); k++)
			used += (size_t)snprintf(items + used, sizeof(items) - used, "%.*s;", (int)v.n, (const char *)v.p);
		assert_string_equal(items, t[i].items);
	}
	ident_claims_free(&c);
	ident_claims_free(&c);
}

static int
setup(void **state)
{
	struct base_buf b;
	if (keys_setup(state) != 0)
		return -1;
	base_buf_init(&b, 1u << 20);
	base_buf_str(&b, "{\"keys\":[");
	jwk_rsa(&b, rsa_key, "r1", ",\"use\":\"sig\",\"alg\":\"RS256\"");
	base_buf_u8(&b, ',');
	jwk_ec(&b, ec_key, "e1", "");
	base_buf_u8(&b, ',');
	jwk_ed(&b, ed_seed, "d1", "");
	base_buf_str(&b, "]}");
	base_buf_u8(&b, 0);
	keys = parse((const char *)base_buf_span(&b).p);
	base_buf_done(&b);
	return 0;
}

static int
teardown(void **state)
{
	ident_jwks_unref(&keys);
	return keys_teardown(state);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_signature_values),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_rfc),
		cmocka_unit_test(test_claims),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
