/* wire_scram: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, server and client (RFC 5802, RFC 7677, RFC 5929), as PostgreSQL 15's
 * auth-scram.c and fe-auth-scram.c speak them.
 * Job: messages in, messages out; the server side recovers the ClientKey, the client side logs in with it.
 * Input: hostile client (server side), hostile server (client side); verifiers come from the database, and are parsed strictly too.
 * Calls only base. Never prints a peer's bytes, never logs, never says whether a user exists.
 *
 * Why the server side is safe before the login:
 * - An unknown user gets a verifier derived from a secret (wire_scram_verifier_mock), so that the salt stays the same from try to
 *   try, and every step runs to the end; one bit ("doomed") spoils the result, where the wrong password would too, with the same text.
 * - All comparisons with secrets, or with what is computed from them, run in constant time.
 * - Keys, proofs and signatures are wiped, also on the failing paths.
 * Stricter than PostgreSQL: an empty nonce, a comma at the end, "m=" in client-final and base64 with unused bits set are refused.
 */
#include "wire_scram.h"
#include "wire_scram_int.h"

#include <assert.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"

#define KEY 32u
#define NONCE_RAW 18u         /* SCRAM_RAW_NONCE_LEN; 24 characters of base64 */
#define MOCK_SALT 16u         /* what PostgreSQL's own verifiers have */
#define MOCK_ITERATIONS 4096u /* likewise */
#define MESSAGE_MAX 1024u     /* PG_MAX_SASL_MESSAGE_LENGTH: of one message from a client */
#define SERVER_MESSAGE_MAX 4096u
#define NONCE_MAX 512u
#define AUTH_MAX 8192u        /* client-first-bare "," server-first "," client-final-without-proof */
#define CBIND_MAX 64u         /* the longest hash */
#define CLIENT_ITERATIONS_MAX 1000000u
#define VERIFIER_ITERATIONS_MAX 10000000u
#define GS2_PLUS "p=tls-server-end-point,,"

/* What both sides keep. Exactly one call may follow each step: a state machine in one integer, counting upwards.
 * NEW -> FIRST -> DONE, and DEAD from everywhere on failure. */
enum scram_step { SCRAM_NEW, SCRAM_FIRST, SCRAM_DONE, SCRAM_DEAD };

struct scram_common {
	enum scram_step step;
	uint8_t cbind[CBIND_MAX];
	size_t cbind_len; /* 0: no TLS */
	uint8_t nonce[NONCE_MAX]; /* server: the whole nonce; client: ours */
	size_t nonce_len;
	struct base_buf auth; /* own: the AuthMessage, as far as it is known */
};

struct wire_scram_server {
	struct scram_common x;
	struct wire_scram_verifier verifier;
	uint8_t fixed[NONCE_MAX]; /* tests only: our part of the nonce */
	size_t fixed_len;
	bool doomed;
	bool plus; /* the client chose -PLUS */
	char flag; /* gs2 flag: 'n', 'y', 'p' */
};

struct wire_scram_client {
	struct scram_common x;
	uint8_t client_key[KEY];
	uint8_t server_key[KEY];
	uint8_t user[NONCE_MAX]; /* tests only */
	size_t user_len;
	bool plus;
};

/* ---- Pieces ---- */

static struct base_span
key_span(const uint8_t key[KEY])
{
	return base_span(key, KEY);
}

/* No more than size bytes of s to dst; returns how many. Callers have checked that s fits. */
static size_t
copy_in(uint8_t *dst, size_t size, struct base_span s)
{
	assert(s.n <= size);
	if (s.n != 0)
		memcpy(dst, s.p, s.n);
	return s.n;
}

/* Strict base64 of at least 1 and at most size bytes into dst. What was decoded passes through memory that is wiped: it may be a proof. */
static bool
unbase64(struct base_span text, uint8_t *dst, size_t size, size_t *len_r)
{
	struct base_buf b;
	struct base_span raw;
	bool ok;

	if (text.n == 0 || text.n > (size + 2) / 3 * 4)
		return false;
	base_buf_init(&b, size + 4);
	/* Room at once: growing later would leave a copy behind. */
	ok = base_buf_reserve(&b, size + 4) != NULL && base_text_unbase64(text, &b) == 0;
	raw = base_buf_span(&b);
	ok = ok && raw.n >= 1 && raw.n <= size;
	if (ok)
		*len_r = copy_in(dst, size, raw);
	if (b.mem != NULL)
		base_secret_wipe(b.mem, b.cap);
	base_buf_done(&b);
	return ok;
}

/* Exactly 32 bytes. */
static bool
unbase64_key(struct base_span text, uint8_t key[KEY])
{
	size_t n = 0;

	return unbase64(text, key, KEY, &n) && n == KEY;
}

/* RFC 5802 "printable": 0x21 to 0x7e without the comma; here never empty. */
static bool
nonce_printable(struct base_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n != 0;
}

/* Takes "a=value" and the comma behind it, if more follows; value may be empty. False: another attribute, none, or a comma
 * with nothing behind it. */
static bool
attribute(struct base_span *in, char name, struct base_span *value_r)
{
	struct base_span rest = *in;
	size_t n = 0;

	if (rest.n < 2 || rest.p[0] != (uint8_t)name || rest.p[1] != '=')
		return false;
	rest = base_span(rest.p + 2, rest.n - 2);
	while (n < rest.n && rest.p[n] != ',')
		n++;
	*value_r = base_span(rest.p, n);
	rest = base_span(rest.p + n, rest.n - n);
	if (rest.n == 1)
		return false;
	*in = rest.n == 0 ? rest : base_span(rest.p + 1, rest.n - 1);
	return true;
}

/* Takes any optional extension (a letter other than m: "m" is the mandatory one, RFC 5802 section 5.1). */
static bool
extension(struct base_span *in)
{
	struct base_span value;
	uint8_t name = in->n != 0 ? in->p[0] : 0;
	bool letter = (name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z');

	return letter && name != 'm' && attribute(in, (char)name, &value);
}

static bool
take_char(struct base_span *in, char want)
{
	if (in->n == 0 || in->p[0] != (uint8_t)want)
		return false;
	*in = base_span(in->p + 1, in->n - 1);
	return true;
}

/* ClientProof = ClientKey XOR ClientSignature, and back. */
static void
xor_key(uint8_t out[KEY], const uint8_t a[KEY], const uint8_t b[KEY])
{
	for (size_t i = 0; i < KEY; i++)
		out[i] = a[i] ^ b[i];
}

static int
kill_step(struct scram_common *x, int rc)
{
	x->step = SCRAM_DEAD;
	return rc;
}

static int
malformed(struct scram_common *x, struct base_fail *fail, const char *what)
{
	return kill_step(x, base_fail_set(fail, GH_E_PARSE, "malformed SCRAM message: %s", what));
}

static int
misordered(struct scram_common *x, struct base_fail *fail)
{
	return kill_step(x, base_fail_set(fail, GH_E_PARSE, "SCRAM message out of order"));
}

static void
common_init(struct scram_common *x, struct base_span cbind)
{
	/* A hash that is too long for us is no channel binding at all; there is none longer than 64 bytes. */
	x->cbind_len = cbind.n <= CBIND_MAX ? copy_in(x->cbind, CBIND_MAX, cbind) : 0;
	base_buf_init(&x->auth, AUTH_MAX);
}

static void
draw_nonce(struct base_buf *b)
{
	uint8_t raw[NONCE_RAW];

	base_crypt_random(raw, sizeof(raw));
	base_text_base64(b, base_span(raw, sizeof(raw)));
}

/* "c=" value: base64 of the gs2 header and, with -PLUS, the channel binding data. */
static void
put_cbind(struct base_buf *b, const char *gs2, struct base_span data)
{
	uint8_t input[sizeof(GS2_PLUS) + CBIND_MAX];
	size_t n = copy_in(input, sizeof(input), base_span_str(gs2));

	n += copy_in(input + n, sizeof(input) - n, data);
	base_text_base64(b, base_span(input, n));
}

/* ---- Verifiers ---- */

int
wire_scram_verifier_parse(struct base_span text, struct wire_scram_verifier *r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(text);
	struct wire_scram_verifier v = {.iterations = 0};
	struct base_span scheme, iterations, salt, stored, server;
	uint64_t count = 0;
	int rc = 0;

	if (!base_cursor_until(&c, '$', &scheme) || !base_span_is(scheme, "SCRAM-SHA-256"))
		return base_fail_set(fail, GH_E_PARSE, "password is not stored as SCRAM-SHA-256");
	if (!base_cursor_until(&c, ':', &iterations) || !base_cursor_until(&c, '$', &salt) || !base_cursor_until(&c, ':', &stored))
		return base_fail_set(fail, GH_E_PARSE, "malformed SCRAM verifier: a part is missing");
	server = base_cursor_take(&c, c.left);
	if (base_num_u64(iterations, 1, VERIFIER_ITERATIONS_MAX, &count) < 0)
		rc = base_fail_set(fail, GH_E_PARSE, "malformed SCRAM verifier: iterations");
	else if (!unbase64(salt, v.salt, sizeof(v.salt), &v.salt_len))
		rc = base_fail_set(fail, GH_E_PARSE, "malformed SCRAM verifier: salt");
	else if (!unbase64_key(stored, v.stored_key) || !unbase64_key(server, v.server_key))
		rc = base_fail_set(fail, GH_E_PARSE, "malformed SCRAM verifier: keys");
	v.iterations = (uint32_t)count;
	if (rc == 0)
		*r = v;
	base_secret_wipe(&v, sizeof(v));
	return rc;
}

void
wire_scram_verifier_mock(const uint8_t secret[32], struct base_span user, struct wire_scram_verifier *r)
{
	uint8_t hash[BASE_SHA256_SIZE];

	*r = (struct wire_scram_verifier){.iterations = MOCK_ITERATIONS, .salt_len = MOCK_SALT};
	base_crypt_hmac256(key_span(secret), user, hash);
	memcpy(r->salt, hash, MOCK_SALT);
	/* Keys that nobody knows, so that even a caller who forgets to doom the exchange lets nobody in. */
	base_crypt_hmac256(key_span(secret), key_span(hash), r->stored_key);
	base_crypt_hmac256(key_span(secret), key_span(r->stored_key), r->server_key);
	base_secret_wipe(hash, sizeof(hash));
}

/* ---- Server ---- */

struct wire_scram_server *
wire_scram_server_new(const struct wire_scram_verifier *v, bool doomed, struct base_span cbind)
{
	struct wire_scram_server *s = base_mem_new(1, sizeof(*s));

	common_init(&s->x, cbind);
	s->verifier = *v;
	s->doomed = doomed;
	return s;
}

void
wire_scram_server_free(struct wire_scram_server **s)
{
	if (*s == NULL)
		return;
	base_buf_done(&(*s)->x.auth);
	base_secret_wipe(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

void
wire_scram_server_fix(struct wire_scram_server *s, struct base_span nonce)
{
	s->fixed_len = copy_in(s->fixed, sizeof(s->fixed), nonce);
}

/* The gs2 header: channel binding flag and (refused) authorisation identity. RFC 5802 section 6. */
static int
server_gs2(struct wire_scram_server *s, struct base_span *in, struct base_fail *fail)
{
	struct base_span type;

	s->flag = in->n != 0 ? (char)in->p[0] : '\0';
	switch (s->flag) {
	case 'n': /* the client cannot, or will not, bind */
	case 'y': /* the client can, but believes that we did not offer it */
		if (s->plus)
			return malformed(&s->x, fail, "SCRAM-SHA-256-PLUS was selected, but there is no channel binding data");
		if (s->flag == 'y' && s->x.cbind_len != 0)
			/* We did offer it: somebody between us took -PLUS out of the list. */
			return kill_step(&s->x, base_fail_set(fail, GH_E_DENIED,
			    "SCRAM channel binding negotiation error: the client thinks that the server does not support it"));
		*in = base_span(in->p + 1, in->n - 1);
		if (!take_char(in, ','))
			return malformed(&s->x, fail, "comma expected behind the channel binding flag");
		break;
	case 'p':
		if (!s->plus)
			return malformed(&s->x, fail, "SCRAM-SHA-256 was selected without channel binding, but there is channel binding data");
		if (!attribute(in, 'p', &type) || !base_span_is(type, "tls-server-end-point"))
			return malformed(&s->x, fail, "unsupported channel binding type");
		break;
	default:
		return malformed(&s->x, fail, "unexpected channel binding flag");
	}
	if (in->n != 0 && in->p[0] == 'a')
		return malformed(&s->x, fail, "an authorization identity is not supported");
	if (!take_char(in, ','))
		return malformed(&s->x, fail, "unexpected attribute in client-first-message");
	return 0;
}

/* client-first-message-bare: [m=...,] n=user, r=nonce [, extensions]. The user name is ignored: the start-up packet names the role. */
static int
server_bare(struct wire_scram_server *s, struct base_span in, struct base_span *nonce_r, struct base_fail *fail)
{
	struct base_span user;

	if (in.n != 0 && in.p[0] == 'm')
		return malformed(&s->x, fail, "the client requires an unsupported extension");
	if (!attribute(&in, 'n', &user) || !attribute(&in, 'r', nonce_r))
		return malformed(&s->x, fail, "user name or nonce missing in client-first-message");
	if (!nonce_printable(*nonce_r))
		return malformed(&s->x, fail, "nonce is empty or not printable");
	while (in.n != 0)
		if (!extension(&in))
			return malformed(&s->x, fail, "unexpected attribute in client-first-message");
	return 0;
}

/* The whole nonce, the server-first message, and the AuthMessage as far as it goes. */
static int
server_answer(struct wire_scram_server *s, struct base_span bare, struct base_span client_nonce, struct base_buf *out,
    struct base_fail *fail)
{
	struct base_buf text, *auth = &s->x.auth;
	int rc = 0;

	base_buf_init(&text, NONCE_MAX);
	base_buf_put(&text, client_nonce);
	if (s->fixed_len != 0)
		base_buf_put(&text, base_span(s->fixed, s->fixed_len));
	else
		draw_nonce(&text);
	if (text.bad)
		rc = malformed(&s->x, fail, "nonce is too long");
	else
		s->x.nonce_len = copy_in(s->x.nonce, sizeof(s->x.nonce), base_buf_span(&text));
	base_buf_done(&text);
	if (rc < 0)
		return rc;

	base_buf_init(&text, SERVER_MESSAGE_MAX);
	base_buf_str(&text, "r=");
	base_buf_put(&text, base_span(s->x.nonce, s->x.nonce_len));
	base_buf_str(&text, ",s=");
	base_text_base64(&text, base_span(s->verifier.salt, s->verifier.salt_len));
	base_buf_fmt(&text, ",i=%u", (unsigned)s->verifier.iterations);
	base_buf_put(auth, bare);
	base_buf_u8(auth, ',');
	base_buf_put(auth, base_buf_span(&text));
	base_buf_u8(auth, ',');
	base_buf_put(out, base_buf_span(&text));
	if (text.bad || auth->bad || out->bad)
		rc = kill_step(&s->x, base_fail_set(fail, GH_E_LIMIT, "SCRAM message does not fit"));
	base_buf_done(&text);
	return rc;
}

int
wire_scram_server_first(struct wire_scram_server *s, struct base_span mechanism, struct base_span client_first,
    struct base_buf *server_first, struct base_fail *fail)
{
	struct base_span in = client_first, nonce;
	int rc;

	if (s->x.step != SCRAM_NEW)
		return misordered(&s->x, fail);
	s->plus = base_span_is(mechanism, "SCRAM-SHA-256-PLUS");
	if (!s->plus && !base_span_is(mechanism, "SCRAM-SHA-256"))
		return malformed(&s->x, fail, "the client selected an invalid SASL mechanism");
	if (s->plus && s->x.cbind_len == 0)
		return kill_step(&s->x, base_fail_set(fail, GH_E_DENIED, "the client selected SCRAM-SHA-256-PLUS, which was not offered"));
	if (in.n == 0 || in.n > MESSAGE_MAX || memchr(in.p, 0, in.n) != NULL)
		return malformed(&s->x, fail, "client-first-message is empty, too long or contains a zero byte");
	rc = server_gs2(s, &in, fail);
	if (rc == 0)
		rc = server_bare(s, in, &nonce, fail);
	if (rc == 0)
		rc = server_answer(s, in, nonce, server_first, fail);
	if (rc == 0)
		s->x.step = SCRAM_FIRST;
	return rc;
}

/* Is the c= attribute what the gs2 header and our certificate demand? Not secret, but constant time costs nothing. */
static bool
server_cbind_ok(const struct wire_scram_server *s, struct base_span got)
{
	struct base_buf want;
	bool ok;

	base_buf_init(&want, 256);
	if (s->flag == 'p')
		put_cbind(&want, GS2_PLUS, base_span(s->x.cbind, s->x.cbind_len));
	else
		put_cbind(&want, s->flag == 'y' ? "y,," : "n,,", base_span(NULL, 0));
	ok = !want.bad && got.n == base_buf_len(&want) && base_secret_eq(got.p, base_buf_span(&want).p, got.n);
	base_buf_done(&want);
	return ok;
}

/* client-final-message: c=, r=, extensions, p= at the very end. without_proof_r: everything before ",p=". */
static int
server_read_final(struct wire_scram_server *s, struct base_span in, struct base_span *without_proof_r, uint8_t proof_r[KEY],
    struct base_fail *fail)
{
	struct base_span whole = in, cbind, nonce, proof;

	if (in.n == 0 || in.n > MESSAGE_MAX || memchr(in.p, 0, in.n) != NULL)
		return malformed(&s->x, fail, "client-final-message is empty, too long or contains a zero byte");
	if (!attribute(&in, 'c', &cbind) || !attribute(&in, 'r', &nonce))
		return malformed(&s->x, fail, "channel binding or nonce missing in client-final-message");
	if (!server_cbind_ok(s, cbind)) {
		if (s->plus)
			return kill_step(&s->x, base_fail_set(fail, GH_E_DENIED, "SCRAM channel binding check failed"));
		return malformed(&s->x, fail, "unexpected channel binding attribute in client-final-message");
	}
	if (nonce.n != s->x.nonce_len || !base_secret_eq(nonce.p, s->x.nonce, nonce.n))
		return malformed(&s->x, fail, "nonce does not match");
	while (in.n != 0 && in.p[0] != 'p')
		if (!extension(&in))
			return malformed(&s->x, fail, "unexpected attribute in client-final-message");
	*without_proof_r = base_span(whole.p, whole.n - in.n - 1); /* two attributes are gone, so in.n < whole.n */
	if (!attribute(&in, 'p', &proof) || in.n != 0 || !unbase64_key(proof, proof_r))
		return malformed(&s->x, fail, "malformed proof in client-final-message");
	return 0;
}

int
wire_scram_server_final(struct wire_scram_server *s, struct base_span client_final, struct base_buf *server_final,
    uint8_t client_key_r[32], struct base_fail *fail)
{
	uint8_t proof[KEY], signature[KEY], key[KEY], hash[KEY];
	struct base_span without_proof;
	bool match;
	int rc;

	if (s->x.step != SCRAM_FIRST)
		return misordered(&s->x, fail);
	rc = server_read_final(s, client_final, &without_proof, proof, fail);
	if (rc < 0)
		goto out;
	base_buf_put(&s->x.auth, without_proof);
	if (s->x.auth.bad) {
		rc = kill_step(&s->x, base_fail_set(fail, GH_E_LIMIT, "SCRAM message does not fit"));
		goto out;
	}
	base_crypt_hmac256(key_span(s->verifier.stored_key), base_buf_span(&s->x.auth), signature);
	xor_key(key, proof, signature);
	base_crypt_sha256(key_span(key), hash);
	match = base_secret_eq(hash, s->verifier.stored_key, KEY);
	/* Computed in any case: the answer to a wrong password must take as long as the right one's, up to here. */
	base_crypt_hmac256(key_span(s->verifier.server_key), base_buf_span(&s->x.auth), signature);
	if (!match || s->doomed) {
		rc = kill_step(&s->x, base_fail_set(fail, GH_E_DENIED, "password authentication failed"));
		goto out;
	}
	base_buf_str(server_final, "v=");
	base_text_base64(server_final, key_span(signature));
	if (server_final->bad) {
		rc = kill_step(&s->x, base_fail_set(fail, GH_E_LIMIT, "SCRAM message does not fit"));
		goto out;
	}
	memcpy(client_key_r, key, KEY);
	s->x.step = SCRAM_DONE;
out:
	base_secret_wipe(proof, sizeof(proof));
	base_secret_wipe(signature, sizeof(signature));
	base_secret_wipe(key, sizeof(key));
	base_secret_wipe(hash, sizeof(hash));
	return rc;
}

/* ---- Client ---- */

struct wire_scram_client *
wire_scram_client_new(const uint8_t client_key[32], const uint8_t server_key[32], struct base_span cbind, bool plus)
{
	struct wire_scram_client *c = base_mem_new(1, sizeof(*c));

	common_init(&c->x, cbind);
	memcpy(c->client_key, client_key, KEY);
	memcpy(c->server_key, server_key, KEY);
	c->plus = plus;
	return c;
}

void
wire_scram_client_free(struct wire_scram_client **c)
{
	if (*c == NULL)
		return;
	base_buf_done(&(*c)->x.auth);
	base_secret_wipe(*c, sizeof(**c));
	free(*c);
	*c = NULL;
}

void
wire_scram_client_fix(struct wire_scram_client *c, struct base_span user, struct base_span nonce)
{
	c->user_len = copy_in(c->user, sizeof(c->user), user);
	c->x.nonce_len = copy_in(c->x.nonce, sizeof(c->x.nonce), nonce);
}

/* 'y' says "I could have bound the channel, had you offered it": the server sees then that its offer was cut out on the way. */
static const char *
client_gs2(const struct wire_scram_client *c)
{
	return c->plus ? GS2_PLUS : c->x.cbind_len != 0 ? "y,," : "n,,";
}

void
wire_scram_client_first(struct wire_scram_client *c, struct base_buf *client_first)
{
	struct base_buf nonce, *auth = &c->x.auth;

	assert(c->x.step == SCRAM_NEW);
	if (c->x.nonce_len == 0) {
		base_buf_init(&nonce, NONCE_MAX);
		draw_nonce(&nonce);
		c->x.nonce_len = copy_in(c->x.nonce, sizeof(c->x.nonce), base_buf_span(&nonce));
		base_buf_done(&nonce);
	}
	base_buf_str(auth, "n=");
	base_buf_put(auth, base_span(c->user, c->user_len));
	base_buf_str(auth, ",r=");
	base_buf_put(auth, base_span(c->x.nonce, c->x.nonce_len));
	base_buf_str(client_first, client_gs2(c));
	base_buf_put(client_first, base_buf_span(auth));
	base_buf_u8(auth, ',');
	c->x.step = SCRAM_FIRST;
}

/* server-first-message: r=, s=, i=, and nothing else (fe-auth-scram.c refuses extensions here as well). */
static int
client_read_first(struct wire_scram_client *c, struct base_span in, struct base_span *nonce_r, struct base_fail *fail)
{
	struct base_span salt, iterations;
	uint8_t raw[256];
	size_t raw_len;
	uint64_t count;

	if (in.n == 0 || in.n > SERVER_MESSAGE_MAX || memchr(in.p, 0, in.n) != NULL)
		return malformed(&c->x, fail, "server-first-message is empty, too long or contains a zero byte");
	if (!attribute(&in, 'r', nonce_r) || !attribute(&in, 's', &salt) || !attribute(&in, 'i', &iterations) || in.n != 0)
		return malformed(&c->x, fail, "server-first-message");
	if (!nonce_printable(*nonce_r) || nonce_r->n > NONCE_MAX)
		return malformed(&c->x, fail, "nonce is empty, too long or not printable");
	if (!unbase64(salt, raw, sizeof(raw), &raw_len))
		return malformed(&c->x, fail, "salt");
	if (base_num_u64(iterations, 1, CLIENT_ITERATIONS_MAX, &count) < 0)
		return malformed(&c->x, fail, "iteration count");
	/* The nonce must be ours with something of the server's added: else an old exchange could be replayed to us. */
	if (nonce_r->n <= c->x.nonce_len || memcmp(nonce_r->p, c->x.nonce, c->x.nonce_len) != 0)
		return kill_step(&c->x, base_fail_set(fail, GH_E_VERIFY, "invalid SCRAM response: nonce mismatch"));
	return 0;
}

int
wire_scram_client_final(struct wire_scram_client *c, struct base_span server_first, struct base_buf *client_final, struct base_fail *fail)
{
	uint8_t stored_key[KEY], signature[KEY], proof[KEY];
	struct base_span nonce;
	struct base_buf text, *auth = &c->x.auth;
	int rc;

	if (c->x.step != SCRAM_FIRST)
		return misordered(&c->x, fail);
	if (c->plus && c->x.cbind_len == 0)
		return kill_step(&c->x, base_fail_set(fail, GH_E_DENIED, "channel binding is not possible with the server's certificate"));
	rc = client_read_first(c, server_first, &nonce, fail);
	if (rc < 0)
		return rc;
	base_buf_init(&text, SERVER_MESSAGE_MAX);
	base_buf_str(&text, "c=");
	put_cbind(&text, client_gs2(c), c->plus ? base_span(c->x.cbind, c->x.cbind_len) : base_span(NULL, 0));
	base_buf_str(&text, ",r=");
	base_buf_put(&text, nonce);
	base_buf_put(auth, server_first);
	base_buf_u8(auth, ',');
	base_buf_put(auth, base_buf_span(&text));
	base_crypt_sha256(key_span(c->client_key), stored_key);
	base_crypt_hmac256(key_span(stored_key), base_buf_span(auth), signature);
	xor_key(proof, c->client_key, signature);
	base_buf_str(&text, ",p=");
	base_text_base64(&text, key_span(proof));
	base_buf_put(client_final, base_buf_span(&text));
	if (text.bad || auth->bad || client_final->bad)
		rc = kill_step(&c->x, base_fail_set(fail, GH_E_LIMIT, "SCRAM message does not fit"));
	else
		c->x.step = SCRAM_DONE;
	base_buf_done(&text);
	base_secret_wipe(stored_key, sizeof(stored_key));
	base_secret_wipe(signature, sizeof(signature));
	base_secret_wipe(proof, sizeof(proof));
	return rc;
}

int
wire_scram_client_check(struct wire_scram_client *c, struct base_span server_final, struct base_fail *fail)
{
	uint8_t want[KEY], got[KEY];
	struct base_span in = server_final, text;
	int rc = 0;

	if (c->x.step != SCRAM_DONE)
		return misordered(&c->x, fail);
	c->x.step = SCRAM_DEAD; /* one answer is looked at, no more */
	if (in.n >= 2 && in.p[0] == 'e' && in.p[1] == '=')
		return base_fail_set(fail, GH_E_DENIED, "the server refused the SCRAM exchange");
	if (!attribute(&in, 'v', &text) || in.n != 0 || !unbase64_key(text, got))
		return malformed(&c->x, fail, "server-final-message");
	base_crypt_hmac256(key_span(c->server_key), base_buf_span(&c->x.auth), want);
	if (!base_secret_eq(want, got, KEY))
		rc = base_fail_set(fail, GH_E_VERIFY, "incorrect server signature: the server does not hold the role's verifier");
	base_secret_wipe(want, sizeof(want));
	base_secret_wipe(got, sizeof(got));
	return rc;
}
