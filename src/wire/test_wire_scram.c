/* test_wire_scram: the vector of RFC 7677, whole exchanges between our two sides, and what each side must refuse: every message cut at
 * every length and changed in every byte, downgrades, wrong passwords, unknown users, calls out of order.
 */
#include "wire_scram.h"
#include "wire_scram_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include <cmocka.h>

#include "base_text.h"

#define SPAN(s) ((struct base_span){(const uint8_t *)(s), sizeof(s) - 1})
#define PLAIN SPAN("SCRAM-SHA-256")
#define PLUS SPAN("SCRAM-SHA-256-PLUS")
#define HASH SPAN("0123456789abcdef0123456789abcdef")
#define OTHER_HASH SPAN("0123456789abcdef0123456789abcdeX")

/* RFC 7677 section 3. */
#define RFC_PASSWORD "pencil"
#define RFC_SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define RFC_CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_CLIENT_FIRST "n,,n=user,r=" RFC_CLIENT_NONCE
#define RFC_SERVER_FIRST "r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE ",s=" RFC_SALT ",i=4096"
#define RFC_CLIENT_FINAL_BARE "c=biws,r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE
#define RFC_CLIENT_FINAL RFC_CLIENT_FINAL_BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

struct keys {
	uint8_t client[32], stored[32], server[32];
	uint8_t salt[16];
	struct wire_scram_verifier verifier;
};

static struct keys rfc;

static void
derive(const char *password, const char *salt64, struct keys *r)
{
	struct base_buf salt;
	uint8_t salted[32];

	base_buf_init(&salt, 64);
	assert_int_equal(base_text_unbase64(base_span_str(salt64), &salt), 0);
	assert_int_equal(base_buf_len(&salt), 16);
	memcpy(r->salt, salt.mem + salt.start, 16);
	base_buf_done(&salt);
	assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), r->salt, 16, 4096, EVP_sha256(), 32, salted), 1);
	base_crypt_hmac256(base_span(salted, 32), SPAN("Client Key"), r->client);
	base_crypt_hmac256(base_span(salted, 32), SPAN("Server Key"), r->server);
	base_crypt_sha256(base_span(r->client, 32), r->stored);
	r->verifier = (struct wire_scram_verifier){.iterations = 4096, .salt_len = 16};
	memcpy(r->verifier.salt, r->salt, 16);
	memcpy(r->verifier.stored_key, r->stored, 32);
	memcpy(r->verifier.server_key, r->server, 32);
}

static int
set_up(void **state)
{
	(void)state;
	base_crypt_init();
	derive(RFC_PASSWORD, RFC_SALT, &rfc);
	return 0;
}

/* A heap block of exactly that size, so that the sanitizer sees one byte too far. */
static struct base_span
exact(struct base_span s)
{
	uint8_t *p = malloc(s.n == 0 ? 1 : s.n);

	assert_non_null(p);
	memcpy(p, s.p, s.n);
	return base_span(p, s.n);
}

static void
drop(struct base_span s)
{
	free((void *)(uintptr_t)s.p);
}

static void
test_rfc7677_server(void **state)
{
	struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, SPAN(""));
	struct base_buf out;
	uint8_t key[32];

	(void)state;
	base_buf_init(&out, 4096);
	wire_scram_server_fix(s, SPAN(RFC_SERVER_NONCE));
	assert_int_equal(wire_scram_server_first(s, PLAIN, SPAN(RFC_CLIENT_FIRST), &out, NULL), 0);
	assert_true(base_span_is(base_buf_span(&out), RFC_SERVER_FIRST));
	base_buf_clear(&out);
	assert_int_equal(wire_scram_server_final(s, SPAN(RFC_CLIENT_FINAL), &out, key, NULL), 0);
	assert_true(base_span_is(base_buf_span(&out), RFC_SERVER_FINAL));
	assert_memory_equal(key, rfc.client, 32);
	base_buf_done(&out);
	wire_scram_server_free(&s);
	assert_null(s);
	wire_scram_server_free(&s);
}

static void
test_rfc7677_client(void **state)
{
	struct wire_scram_client *c = wire_scram_client_new(rfc.client, rfc.server, SPAN(""), false);
	struct base_buf out;

	(void)state;
	base_buf_init(&out, 4096);
	wire_scram_client_fix(c, SPAN("user"), SPAN(RFC_CLIENT_NONCE));
	wire_scram_client_first(c, &out);
	assert_true(base_span_is(base_buf_span(&out), RFC_CLIENT_FIRST));
	base_buf_clear(&out);
	assert_int_equal(wire_scram_client_final(c, SPAN(RFC_SERVER_FIRST), &out, NULL), 0);
	assert_true(base_span_is(base_buf_span(&out), RFC_CLIENT_FINAL));
	assert_int_equal(wire_scram_client_check(c, SPAN(RFC_SERVER_FINAL), NULL), 0);
	base_buf_done(&out);
	wire_scram_client_free(&c);
	assert_null(c);
	wire_scram_client_free(&c);
}

/* One whole exchange of our two sides. Returns 0, or the first failure; who_r: 's' or 'c' for the side that noticed. */
struct exchange {
	const struct wire_scram_verifier *verifier;
	bool doomed;
	struct base_span server_cbind, mechanism;
	const uint8_t *client_key, *server_key;
	struct base_span client_cbind;
	bool plus;
};

static int
exchange(const struct exchange *x, char *who_r, struct base_fail *fail)
{
	struct wire_scram_server *s = wire_scram_server_new(x->verifier, x->doomed, x->server_cbind);
	struct wire_scram_client *c = wire_scram_client_new(x->client_key, x->server_key, x->client_cbind, x->plus);
	struct base_buf to_server, to_client;
	uint8_t key[32];
	int rc;

	base_buf_init(&to_server, 4096);
	base_buf_init(&to_client, 4096);
	memset(key, 0x5a, sizeof(key));
	wire_scram_client_first(c, &to_server);
	*who_r = 's';
	rc = wire_scram_server_first(s, x->mechanism, base_buf_span(&to_server), &to_client, fail);
	if (rc == 0) {
		base_buf_clear(&to_server);
		*who_r = 'c';
		rc = wire_scram_client_final(c, base_buf_span(&to_client), &to_server, fail);
	}
	if (rc == 0) {
		base_buf_clear(&to_client);
		*who_r = 's';
		rc = wire_scram_server_final(s, base_buf_span(&to_server), &to_client, key, fail);
		if (rc == 0) {
			assert_memory_equal(key, x->client_key, 32);
		} else { /* nothing leaks: neither the key nor a signature */
			assert_int_equal(base_buf_len(&to_client), 0);
			for (size_t i = 0; i < sizeof(key); i++)
				assert_int_equal(key[i], 0x5a);
		}
	}
	if (rc == 0) {
		*who_r = 'c';
		rc = wire_scram_client_check(c, base_buf_span(&to_client), fail);
	}
	base_buf_done(&to_server);
	base_buf_done(&to_client);
	wire_scram_server_free(&s);
	wire_scram_client_free(&c);
	return rc;
}

static void
test_exchanges(void **state)
{
	struct keys wrong;
	struct base_fail f1, f2;
	char who;
	struct exchange x = {&rfc.verifier, false, SPAN(""), PLAIN, rfc.client, rfc.server, SPAN(""), false};

	(void)state;
	derive("Pencil", RFC_SALT, &wrong);
	assert_int_equal(exchange(&x, &who, NULL), 0);

	/* Wrong password and unknown user: the same code and the same text. */
	x.client_key = wrong.client;
	assert_int_equal(exchange(&x, &who, &f1), GH_E_DENIED);
	assert_int_equal(who, 's');
	x.client_key = rfc.client;
	x.doomed = true; /* even with the right password */
	assert_int_equal(exchange(&x, &who, &f2), GH_E_DENIED);
	assert_int_equal(who, 's');
	assert_string_equal(f1.text, f2.text);
	assert_string_equal(f1.hint, f2.hint);
	x.doomed = false;

	/* A server that knows StoredKey but not ServerKey. */
	x.server_key = wrong.server;
	assert_int_equal(exchange(&x, &who, NULL), GH_E_VERIFY);
	assert_int_equal(who, 'c');
	x.server_key = rfc.server;

	/* Channel binding. */
	x.server_cbind = x.client_cbind = HASH;
	x.mechanism = PLUS;
	x.plus = true;
	assert_int_equal(exchange(&x, &who, NULL), 0);
	x.client_cbind = OTHER_HASH; /* somebody in the middle with a certificate of his own */
	assert_int_equal(exchange(&x, &who, &f1), GH_E_DENIED);
	assert_int_equal(who, 's');
	assert_non_null(strstr(f1.text, "channel binding"));
	x.client_cbind = SPAN(""); /* the server's certificate has no hash */
	assert_int_equal(exchange(&x, &who, NULL), GH_E_DENIED);
	assert_int_equal(who, 'c');
	x.client_cbind = HASH;
	x.server_cbind = SPAN(""); /* PLUS where it was not offered */
	assert_int_equal(exchange(&x, &who, NULL), GH_E_DENIED);
	assert_int_equal(who, 's');

	/* Both could bind, the client does not: 'y', so the offer was removed on the way. */
	x.server_cbind = HASH;
	x.mechanism = PLAIN;
	x.plus = false;
	assert_int_equal(exchange(&x, &who, &f1), GH_E_DENIED);
	assert_non_null(strstr(f1.text, "negotiation"));
	/* TLS ends before the server: it has nothing to bind to, the client says 'y', and that is fine. */
	x.server_cbind = SPAN("");
	assert_int_equal(exchange(&x, &who, NULL), 0);
	/* The server could bind, the client has no TLS library that can ('n'): fine. */
	x.server_cbind = HASH;
	x.client_cbind = SPAN("");
	assert_int_equal(exchange(&x, &who, NULL), 0);
}

/* A client-first message against a server that has channel binding, or not. */
static const struct {
	struct base_span mechanism, message;
	bool tls;
	int rc;
} firsts[] = {
	{PLAIN, SPAN("n,,n=,r=abc"), false, 0},
	{PLAIN, SPAN("n,,n=anything=2C,r=abc"), true, 0},
	{PLAIN, SPAN("y,,n=,r=abc"), false, 0},
	{PLAIN, SPAN("n,,n=,r=abc,x=y,Z=,q==,="), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=abc,x=y,Z=,q=="), false, 0},
	{PLUS, SPAN("p=tls-server-end-point,,n=,r=abc"), true, 0},
	{PLAIN, SPAN("y,,n=,r=abc"), true, GH_E_DENIED},
	{PLUS, SPAN("p=tls-server-end-point,,n=,r=abc"), false, GH_E_DENIED},
	{PLUS, SPAN("n,,n=,r=abc"), true, GH_E_PARSE},
	{PLUS, SPAN("y,,n=,r=abc"), true, GH_E_PARSE},
	{PLAIN, SPAN("p=tls-server-end-point,,n=,r=abc"), true, GH_E_PARSE},
	{PLUS, SPAN("p=tls-unique,,n=,r=abc"), true, GH_E_PARSE},
	{PLUS, SPAN("p=tls-server-end-point2,,n=,r=abc"), true, GH_E_PARSE},
	{PLUS, SPAN("p=,,n=,r=abc"), true, GH_E_PARSE},
	{SPAN("SCRAM-SHA-1"), SPAN("n,,n=,r=abc"), false, GH_E_PARSE},
	{SPAN("SCRAM-SHA-256-"), SPAN("n,,n=,r=abc"), false, GH_E_PARSE},
	{SPAN(""), SPAN("n,,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN(""), false, GH_E_PARSE},
	{PLAIN, SPAN("x,,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN("N,,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,a=admin,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,b,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN("n;,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,m=x,n=,r=abc"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=abc,m=x"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,r=abc,n="), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r="), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=a b"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=a\x7f"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=a\xc3\xa9"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=abc,"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=abc,,"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=abc,1=2"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=,r=abc\0"), false, GH_E_PARSE},
	{PLAIN, SPAN("n,,n=\0,r=abc"), false, GH_E_PARSE},
};

static void
test_client_first(void **state)
{
	struct base_buf out;
	struct base_fail fail;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(firsts); i++) {
		struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, firsts[i].tls ? HASH : SPAN(""));
		struct base_span in = exact(firsts[i].message);
		int rc;

		base_buf_init(&out, 4096);
		rc = wire_scram_server_first(s, firsts[i].mechanism, in, &out, &fail);
		if (rc != firsts[i].rc)
			fail_msg("row %zu gave %d", i, rc);
		assert_int_equal(base_buf_len(&out) != 0, rc == 0);
		if (rc < 0) /* dead from now on */
			assert_int_equal(wire_scram_server_first(s, PLAIN, SPAN("n,,n=,r=abc"), &out, NULL), GH_E_PARSE);
		base_buf_done(&out);
		drop(in);
		wire_scram_server_free(&s);
	}
}

static void
test_long_first(void **state)
{
	uint8_t text[1100] = "n,,n=,r=";
	struct base_buf out;

	(void)state;
	memset(text + 8, 'a', sizeof(text) - 8);
	for (size_t n = 9; n <= sizeof(text); n += 3) {
		struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, SPAN(""));
		int rc;

		base_buf_init(&out, 4096);
		rc = wire_scram_server_first(s, PLAIN, base_span(text, n), &out, NULL);
		assert_int_equal(rc, n - 8 <= 512 - 24 ? 0 : GH_E_PARSE);
		base_buf_done(&out);
		wire_scram_server_free(&s);
	}
}

/* A server that stands before the final message of the RFC's exchange. */
static struct wire_scram_server *
server_at_final(void)
{
	struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, SPAN(""));
	struct base_buf out;

	base_buf_init(&out, 4096);
	wire_scram_server_fix(s, SPAN(RFC_SERVER_NONCE));
	assert_int_equal(wire_scram_server_first(s, PLAIN, SPAN(RFC_CLIENT_FIRST), &out, NULL), 0);
	base_buf_done(&out);
	return s;
}

static int
server_final(struct base_span message)
{
	struct wire_scram_server *s = server_at_final();
	struct base_span in = exact(message);
	struct base_buf out;
	uint8_t key[32];
	int rc;

	base_buf_init(&out, 4096);
	rc = wire_scram_server_final(s, in, &out, key, NULL);
	assert_int_equal(base_buf_len(&out) != 0, rc == 0);
	base_buf_done(&out);
	drop(in);
	wire_scram_server_free(&s);
	return rc;
}

static const struct {
	struct base_span message;
	int rc;
} finals[] = {
	{SPAN(RFC_CLIENT_FINAL), 0},
	{SPAN(RFC_CLIENT_FINAL_BARE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_DENIED},
	{SPAN(RFC_CLIENT_FINAL_BARE ",x=y,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_DENIED}, /* signed text differs */
	{SPAN(RFC_CLIENT_FINAL_BARE ",m=y,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL ",x=y"), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL ","), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL "\0"), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL " "), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL_BARE ",p="), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL_BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL_BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR="), GH_E_PARSE}, /* unused bits */
	{SPAN(RFC_CLIENT_FINAL_BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndQ=="), GH_E_PARSE}, /* 31 bytes */
	{SPAN(RFC_CLIENT_FINAL_BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQA"), GH_E_PARSE}, /* 33 bytes */
	{SPAN(RFC_CLIENT_FINAL_BARE ",p= HzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN(RFC_CLIENT_FINAL_BARE), GH_E_PARSE},
	{SPAN("c=eSws,r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN("c=,r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN("c=biws,r=" RFC_CLIENT_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN("c=biws,r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE "0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN("c=biws,r=,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN("r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE ",c=biws,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), GH_E_PARSE},
	{SPAN(""), GH_E_PARSE},
};

static void
test_client_final(void **state)
{
	uint8_t text[sizeof(RFC_CLIENT_FINAL)];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(finals); i++)
		if (server_final(finals[i].message) != finals[i].rc)
			fail_msg("row %zu", i);
	for (size_t n = 0; n < sizeof(RFC_CLIENT_FINAL) - 1; n++)
		assert_int_equal(server_final(base_span(RFC_CLIENT_FINAL, n)), GH_E_PARSE);
	for (size_t i = 0; i < sizeof(RFC_CLIENT_FINAL) - 1; i++)
		for (unsigned bit = 0; bit < 8; bit++) { /* no single flipped bit gets in */
			memcpy(text, RFC_CLIENT_FINAL, sizeof(text));
			text[i] ^= (uint8_t)(1u << bit);
			assert_true(server_final(base_span(text, sizeof(text) - 1)) < 0);
		}
}

static void
test_client_first_cut(void **state)
{
	static const char whole[] = "p=tls-server-end-point,,n=,r=abc";
	struct base_buf out;

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, HASH);
		struct base_span in = exact(base_span(whole, n));
		int rc;

		base_buf_init(&out, 4096);
		rc = wire_scram_server_first(s, PLUS, in, &out, NULL);
		assert_int_equal(rc, n < sizeof(whole) - 1 - 2 ? GH_E_PARSE : 0); /* a shorter nonce is a nonce */
		base_buf_done(&out);
		drop(in);
		wire_scram_server_free(&s);
	}
}

static int
client_final(struct base_span message)
{
	struct wire_scram_client *c = wire_scram_client_new(rfc.client, rfc.server, SPAN(""), false);
	struct base_span in = exact(message);
	struct base_buf out;
	int rc;

	base_buf_init(&out, 4096);
	wire_scram_client_fix(c, SPAN("user"), SPAN(RFC_CLIENT_NONCE));
	wire_scram_client_first(c, &out);
	base_buf_clear(&out);
	rc = wire_scram_client_final(c, in, &out, NULL);
	assert_int_equal(base_buf_len(&out) != 0, rc == 0);
	if (rc < 0) /* dead: a second answer is not looked at */
		assert_int_equal(wire_scram_client_final(c, SPAN(RFC_SERVER_FIRST), &out, NULL), GH_E_PARSE);
	base_buf_done(&out);
	drop(in);
	wire_scram_client_free(&c);
	return rc;
}

#define R "r=" RFC_CLIENT_NONCE "x"

static const struct {
	struct base_span message;
	int rc;
} server_firsts[] = {
	{SPAN(RFC_SERVER_FIRST), 0},
	{SPAN(R ",s=AA==,i=1"), 0},
	{SPAN(R ",s=AA==,i=1000000"), 0},
	{SPAN(R ",s=AA==,i=1000001"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=0"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=-1"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=+1"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i= 1"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=1x"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=99999999999999999999999"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i="), GH_E_PARSE},
	{SPAN(R ",s=,i=4096"), GH_E_PARSE},
	{SPAN(R ",s=A,i=4096"), GH_E_PARSE},
	{SPAN(R ",s=AB==,i=4096"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=4096,"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=4096,x=y"), GH_E_PARSE},
	{SPAN(R ",i=4096,s=AA=="), GH_E_PARSE},
	{SPAN("m=x," R ",s=AA==,i=4096"), GH_E_PARSE},
	{SPAN("e=other-error"), GH_E_PARSE},
	{SPAN("r=" RFC_CLIENT_NONCE ",s=AA==,i=4096"), GH_E_VERIFY}, /* nothing added */
	{SPAN("r=x" RFC_CLIENT_NONCE ",s=AA==,i=4096"), GH_E_VERIFY},
	{SPAN("r=R" "OprNGfwEbeRWgbNEkqOx,s=AA==,i=4096"), GH_E_VERIFY},
	{SPAN("r=x,s=AA==,i=4096"), GH_E_VERIFY},
	{SPAN("r=,s=AA==,i=4096"), GH_E_PARSE},
	{SPAN(R "\x01,s=AA==,i=4096"), GH_E_PARSE},
	{SPAN(R ",s=AA==,i=4096\0"), GH_E_PARSE},
	{SPAN(""), GH_E_PARSE},
};

static void
test_server_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(server_firsts); i++)
		if (client_final(server_firsts[i].message) != server_firsts[i].rc)
			fail_msg("row %zu", i);
	/* Cut inside the number it is another number; everywhere else it is refused. */
	for (size_t n = 0; n < sizeof(RFC_SERVER_FIRST) - 1; n++)
		assert_true((client_final(base_span(RFC_SERVER_FIRST, n)) < 0) == (n < sizeof(RFC_SERVER_FIRST) - 1 - 3));
}

static int
client_check(struct base_span message)
{
	struct wire_scram_client *c = wire_scram_client_new(rfc.client, rfc.server, SPAN(""), false);
	struct base_span in = exact(message);
	struct base_buf out;
	int rc;

	base_buf_init(&out, 4096);
	wire_scram_client_fix(c, SPAN("user"), SPAN(RFC_CLIENT_NONCE));
	wire_scram_client_first(c, &out);
	assert_int_equal(wire_scram_client_final(c, SPAN(RFC_SERVER_FIRST), &out, NULL), 0);
	rc = wire_scram_client_check(c, in, NULL);
	assert_int_equal(wire_scram_client_check(c, SPAN(RFC_SERVER_FINAL), NULL), GH_E_PARSE); /* one answer only */
	base_buf_done(&out);
	drop(in);
	wire_scram_client_free(&c);
	return rc;
}

static void
test_server_final(void **state)
{
	uint8_t text[sizeof(RFC_SERVER_FINAL)];

	(void)state;
	assert_int_equal(client_check(SPAN(RFC_SERVER_FINAL)), 0);
	assert_int_equal(client_check(SPAN("e=invalid-proof")), GH_E_DENIED);
	assert_int_equal(client_check(SPAN(RFC_SERVER_FINAL ",")), GH_E_PARSE);
	assert_int_equal(client_check(SPAN(RFC_SERVER_FINAL ",x=y")), GH_E_PARSE);
	assert_int_equal(client_check(SPAN(RFC_SERVER_FINAL "\0")), GH_E_PARSE);
	assert_int_equal(client_check(SPAN("v=")), GH_E_PARSE);
	assert_int_equal(client_check(SPAN("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")), GH_E_VERIFY);
	for (size_t n = 0; n < sizeof(RFC_SERVER_FINAL) - 1; n++)
		assert_int_equal(client_check(base_span(RFC_SERVER_FINAL, n)), GH_E_PARSE);
	for (size_t i = 0; i < sizeof(RFC_SERVER_FINAL) - 1; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(text, RFC_SERVER_FINAL, sizeof(text));
			text[i] ^= (uint8_t)(1u << bit);
			assert_true(client_check(base_span(text, sizeof(text) - 1)) < 0);
		}
}

static void
test_order(void **state)
{
	struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, SPAN(""));
	struct wire_scram_client *c = wire_scram_client_new(rfc.client, rfc.server, SPAN(""), false);
	struct base_buf out;
	uint8_t key[32];

	(void)state;
	base_buf_init(&out, 4096);
	assert_int_equal(wire_scram_server_final(s, SPAN(RFC_CLIENT_FINAL), &out, key, NULL), GH_E_PARSE);
	assert_int_equal(wire_scram_client_final(c, SPAN(RFC_SERVER_FIRST), &out, NULL), GH_E_PARSE);
	assert_int_equal(wire_scram_client_check(c, SPAN(RFC_SERVER_FINAL), NULL), GH_E_PARSE);
	wire_scram_server_free(&s);
	wire_scram_client_free(&c);
	s = server_at_final();
	assert_int_equal(wire_scram_server_first(s, PLAIN, SPAN(RFC_CLIENT_FIRST), &out, NULL), GH_E_PARSE);
	assert_int_equal(wire_scram_server_final(s, SPAN(RFC_CLIENT_FINAL), &out, key, NULL), GH_E_PARSE);
	wire_scram_server_free(&s);
	s = server_at_final(); /* the same final message twice: the second is a replay */
	assert_int_equal(wire_scram_server_final(s, SPAN(RFC_CLIENT_FINAL), &out, key, NULL), 0);
	assert_int_equal(wire_scram_server_final(s, SPAN(RFC_CLIENT_FINAL), &out, key, NULL), GH_E_PARSE);
	wire_scram_server_free(&s);
	base_buf_done(&out);
}

/* An output buffer that is too small ends the exchange; nothing is half done and called done. */
static void
test_no_room(void **state)
{
	struct base_buf out;
	uint8_t key[32];

	(void)state;
	for (size_t max = 0; max <= sizeof(RFC_SERVER_FIRST); max++) {
		struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, SPAN(""));

		base_buf_init(&out, max);
		wire_scram_server_fix(s, SPAN(RFC_SERVER_NONCE));
		assert_int_equal(wire_scram_server_first(s, PLAIN, SPAN(RFC_CLIENT_FIRST), &out, NULL),
		    max < sizeof(RFC_SERVER_FIRST) - 1 ? GH_E_LIMIT : 0);
		base_buf_done(&out);
		wire_scram_server_free(&s);
	}
	for (size_t max = 0; max < sizeof(RFC_SERVER_FINAL) - 1; max++) {
		struct wire_scram_server *s = server_at_final();

		base_buf_init(&out, max);
		assert_int_equal(wire_scram_server_final(s, SPAN(RFC_CLIENT_FINAL), &out, key, NULL), GH_E_LIMIT);
		base_buf_done(&out);
		wire_scram_server_free(&s);
	}
	for (size_t max = 0; max <= sizeof(RFC_CLIENT_FINAL); max++) {
		struct wire_scram_client *c = wire_scram_client_new(rfc.client, rfc.server, SPAN(""), false);

		base_buf_init(&out, max < 64 ? 64 : max);
		wire_scram_client_fix(c, SPAN("user"), SPAN(RFC_CLIENT_NONCE));
		wire_scram_client_first(c, &out);
		base_buf_clear(&out);
		out.max = max;
		assert_int_equal(wire_scram_client_final(c, SPAN(RFC_SERVER_FIRST), &out, NULL), max < sizeof(RFC_CLIENT_FINAL) - 1 ? GH_E_LIMIT : 0);
		base_buf_done(&out);
		wire_scram_client_free(&c);
	}
}

#define K "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct {
	struct base_span text;
	int rc;
} verifiers[] = {
	{SPAN("SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$" K ":" K), 0},
	{SPAN("SCRAM-SHA-256$10000000:AA==$" K ":" K), 0},
	{SPAN("SCRAM-SHA-256$10000001:AA==$" K ":" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$0:AA==$" K ":" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$:AA==$" K ":" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$4096:$" K ":" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$4096:A$" K ":" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$4096:AA==$" K ":" K " "), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$4096:AA==$" K ":" K ":" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$4096:AA==$" K ":AA=="), GH_E_PARSE},
	{SPAN("SCRAM-SHA-256$4096:AA==$AA==:" K), GH_E_PARSE},
	{SPAN("SCRAM-SHA-1$4096:AA==$" K ":" K), GH_E_PARSE},
	{SPAN("scram-sha-256$4096:AA==$" K ":" K), GH_E_PARSE},
	{SPAN(" SCRAM-SHA-256$4096:AA==$" K ":" K), GH_E_PARSE},
	{SPAN("md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), GH_E_PARSE},
	{SPAN("pencil"), GH_E_PARSE},
	{SPAN(""), GH_E_PARSE},
	/* 64 and 65 bytes of salt */
	{SPAN("SCRAM-SHA-256$1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==$" K ":" K), 0},
	{SPAN("SCRAM-SHA-256$1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$" K ":" K), GH_E_PARSE},
};

static void
test_verifiers(void **state)
{
	struct wire_scram_verifier v, untouched = {.iterations = 77};
	struct base_fail fail;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(verifiers); i++) {
		struct base_span in = exact(verifiers[i].text);

		if (wire_scram_verifier_parse(in, &v, &fail) != verifiers[i].rc)
			fail_msg("row %zu", i);
		drop(in);
	}
	for (size_t n = 0; n < verifiers[0].text.n; n++) {
		struct base_span in = exact(base_span(verifiers[0].text.p, n));

		assert_int_equal(wire_scram_verifier_parse(in, &untouched, &fail), GH_E_PARSE);
		assert_int_equal(untouched.iterations, 77);
		drop(in);
	}
	/* As PostgreSQL writes it for RFC 7677's password and salt. */
	assert_int_equal(wire_scram_verifier_parse(SPAN("SCRAM-SHA-256$4096:" RFC_SALT
	    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="), &v, NULL), 0);
	assert_true(v.iterations == 4096 && v.salt_len == 16);
	assert_memory_equal(v.stored_key, rfc.stored, 32);
	assert_memory_equal(v.server_key, rfc.server, 32);
}

static void
test_mock(void **state)
{
	const uint8_t secret[32] = {1}, other[32] = {2};
	struct wire_scram_verifier a, b;
	struct exchange x = {&a, true, SPAN(""), PLAIN, rfc.client, rfc.server, SPAN(""), false};
	char who;

	(void)state;
	wire_scram_verifier_mock(secret, SPAN("nobody"), &a);
	wire_scram_verifier_mock(secret, SPAN("nobody"), &b);
	assert_memory_equal(&a, &b, sizeof(a)); /* the same each time: else two tries tell */
	assert_true(a.iterations == 4096 && a.salt_len == 16); /* as PostgreSQL's own */
	wire_scram_verifier_mock(secret, SPAN("nobodz"), &b);
	assert_memory_not_equal(a.salt, b.salt, 16);
	wire_scram_verifier_mock(other, SPAN("nobody"), &b);
	assert_memory_not_equal(a.salt, b.salt, 16);
	assert_int_equal(exchange(&x, &who, NULL), GH_E_DENIED);
	x.doomed = false;
	assert_int_equal(exchange(&x, &who, NULL), GH_E_DENIED);
}

static void
test_nonces_differ(void **state)
{
	struct base_buf a, b;

	(void)state;
	base_buf_init(&a, 4096);
	base_buf_init(&b, 4096);
	for (int i = 0; i < 2; i++) {
		struct wire_scram_client *c = wire_scram_client_new(rfc.client, rfc.server, SPAN(""), false);
		struct wire_scram_server *s = wire_scram_server_new(&rfc.verifier, false, SPAN(""));

		base_buf_clear(i == 0 ? &a : &b);
		assert_int_equal(wire_scram_server_first(s, PLAIN, SPAN("n,,n=,r=abc"), i == 0 ? &a : &b, NULL), 0);
		wire_scram_client_first(c, i == 0 ? &a : &b);
		wire_scram_client_free(&c);
		wire_scram_server_free(&s);
	}
	assert_int_equal(base_buf_len(&a), base_buf_len(&b));
	assert_memory_not_equal(base_buf_span(&a).p, base_buf_span(&b).p, 29); /* r=abc and 24 characters */
	assert_memory_not_equal(base_buf_span(&a).p + base_buf_len(&a) - 24, base_buf_span(&b).p + base_buf_len(&b) - 24, 24);
	base_buf_done(&a);
	base_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7677_server),
		cmocka_unit_test(test_rfc7677_client),
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_client_first),
		cmocka_unit_test(test_client_first_cut),
		cmocka_unit_test(test_long_first),
		cmocka_unit_test(test_client_final),
		cmocka_unit_test(test_server_first),
		cmocka_unit_test(test_server_final),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_verifiers),
		cmocka_unit_test(test_mock),
		cmocka_unit_test(test_nonces_differ),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
