/* base_crypt: SHA-256 and HMAC over OpenSSL's digest, SipHash, Ed25519, random bytes and wiping from libsodium.
 * Input: any bytes. Each thread keeps one digest context and reuses it (making one costs as much as hashing a short text).
 * A refusal of the libraries (no memory, no random numbers) aborts: there is no safe way to go on without a hash. Never
 * implements a primitive; HMAC is RFC 2104's composition, so that it shares the thread's context.
 */
#include "base_crypt.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base_mem.h"

#define SHA256_BLOCK 64

_Static_assert(BASE_SIP_KEY_SIZE == crypto_shorthash_siphash24_KEYBYTES, "SipHash key");
_Static_assert(BASE_ED25519_SEED == crypto_sign_ed25519_SEEDBYTES, "Ed25519 seed");
_Static_assert(BASE_ED25519_PUB == crypto_sign_ed25519_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(BASE_ED25519_SIG == crypto_sign_ed25519_BYTES, "Ed25519 signature");

static pthread_once_t crypt_once = PTHREAD_ONCE_INIT;
static pthread_key_t crypt_key; /* exists for its destructor: frees the context of a thread that ends */
static EVP_MD *crypt_sha256;    /* fetched once; a fetch per digest is what makes EVP slow */
static __thread EVP_MD_CTX *thread_ctx; /* own */

/* NEVER false unless a library is out of memory or broken. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
crypt_thread_end(void *ctx)
{
	EVP_MD_CTX_free(ctx);
	thread_ctx = NULL; /* a later destructor that hashes gets a new one */
}

static void
crypt_start(void)
{
	must(sodium_init() >= 0);
	crypt_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(crypt_sha256 != NULL && EVP_MD_get_size(crypt_sha256) == BASE_SHA256_SIZE);
	must(pthread_key_create(&crypt_key, crypt_thread_end) == 0);
}

void
base_crypt_init(void)
{
	must(pthread_once(&crypt_once, crypt_start) == 0);
}

static EVP_MD_CTX *
sha256_begin(EVP_MD_CTX *ctx)
{
	must(EVP_DigestInit_ex(ctx, crypt_sha256, NULL) == 1);
	return ctx;
}

static void
sha256_add(EVP_MD_CTX *ctx, struct base_span s)
{
	if (s.n > 0)
		must(EVP_DigestUpdate(ctx, s.p, s.n) == 1);
}

static void
sha256_end(EVP_MD_CTX *ctx, uint8_t out[BASE_SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

/* This thread's context, at the start of a text. */
static EVP_MD_CTX *
sha256_thread(void)
{
	if (thread_ctx == NULL) {
		base_crypt_init();
		thread_ctx = EVP_MD_CTX_new();
		must(thread_ctx != NULL && pthread_setspecific(crypt_key, thread_ctx) == 0);
	}
	return sha256_begin(thread_ctx);
}

void
base_crypt_sha256(struct base_span s, uint8_t out[BASE_SHA256_SIZE])
{
	base_crypt_sha256v(&s, 1, out);
}

void
base_crypt_sha256v(const struct base_span *parts, size_t count, uint8_t out[BASE_SHA256_SIZE])
{
	EVP_MD_CTX *ctx = sha256_thread();

	for (size_t i = 0; i < count; i++)
		sha256_add(ctx, parts[i]);
	sha256_end(ctx, out);
}

/* RFC 2104: H(K xor opad, H(K xor ipad, text)); a key longer than a block is hashed first. */
void
base_crypt_hmac256(struct base_span key, struct base_span s, uint8_t out[BASE_SHA256_SIZE])
{
	uint8_t k[SHA256_BLOCK] = {0}, inner[BASE_SHA256_SIZE];
	EVP_MD_CTX *ctx;

	if (key.n > sizeof(k))
		base_crypt_sha256(key, k);
	else if (key.n > 0)
		memcpy(k, key.p, key.n);
	for (size_t i = 0; i < sizeof(k); i++)
		k[i] ^= 0x36;
	ctx = sha256_thread();
	sha256_add(ctx, base_span(k, sizeof(k)));
	sha256_add(ctx, s);
	sha256_end(ctx, inner);
	for (size_t i = 0; i < sizeof(k); i++)
		k[i] ^= 0x36 ^ 0x5c;
	ctx = sha256_thread();
	sha256_add(ctx, base_span(k, sizeof(k)));
	sha256_add(ctx, base_span(inner, sizeof(inner)));
	sha256_end(ctx, out);
	sodium_memzero(k, sizeof(k));
	sodium_memzero(inner, sizeof(inner));
}

uint64_t
base_crypt_sip24(const uint8_t key[BASE_SIP_KEY_SIZE], struct base_span s)
{
	uint8_t out[crypto_shorthash_siphash24_BYTES];
	uint64_t v = 0;

	must(crypto_shorthash_siphash24(out, s.p, s.n, key) == 0);
	for (size_t i = sizeof(out); i-- > 0;)
		v = v << 8 | out[i];
	return v;
}

void
base_crypt_random(void *dst, size_t n)
{
	base_crypt_init(); /* libsodium opens its source of randomness once, not thread-safely */
	if (n > 0)
		randombytes_buf(dst, n);
}

struct base_sha256 {
	EVP_MD_CTX *ctx; /* own */
};

struct base_sha256 *
base_sha256_new(void)
{
	struct base_sha256 *h = base_mem_new(1, sizeof(*h));

	base_crypt_init();
	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL);
	sha256_begin(h->ctx);
	return h;
}

void
base_sha256_free(struct base_sha256 **h)
{
	if (*h == NULL)
		return;
	EVP_MD_CTX_free((*h)->ctx);
	free(*h);
	*h = NULL;
}

void
base_sha256_add(struct base_sha256 *h, struct base_span s)
{
	sha256_add(h->ctx, s);
}

void
base_sha256_end(struct base_sha256 *h, uint8_t out[BASE_SHA256_SIZE])
{
	sha256_end(h->ctx, out);
	sha256_begin(h->ctx);
}

void
base_ed25519_public(const uint8_t seed[BASE_ED25519_SEED], uint8_t pub_r[BASE_ED25519_PUB])
{
	uint8_t pub[crypto_sign_ed25519_PUBLICKEYBYTES], secret[crypto_sign_ed25519_SECRETKEYBYTES];

	must(crypto_sign_ed25519_seed_keypair(pub, secret, seed) == 0);
	memcpy(pub_r, pub, sizeof(pub));
	sodium_memzero(secret, sizeof(secret));
}

void
base_ed25519_sign(const uint8_t seed[BASE_ED25519_SEED], struct base_span msg, uint8_t sig_r[BASE_ED25519_SIG])
{
	uint8_t pub[crypto_sign_ed25519_PUBLICKEYBYTES], secret[crypto_sign_ed25519_SECRETKEYBYTES];

	must(crypto_sign_ed25519_seed_keypair(pub, secret, seed) == 0);
	must(crypto_sign_ed25519_detached(sig_r, NULL, msg.p, msg.n, secret) == 0);
	sodium_memzero(secret, sizeof(secret));
}

bool
base_ed25519_verify(const uint8_t pub[BASE_ED25519_PUB], struct base_span msg, struct base_span sig)
{
	return sig.n == BASE_ED25519_SIG && crypto_sign_ed25519_verify_detached(sig.p, msg.p, msg.n, pub) == 0;
}

void
base_secret_wipe(void *p, size_t n)
{
	if (n > 0)
		sodium_memzero(p, n);
}

bool
base_secret_eq(const void *a, const void *b, size_t n)
{
	return n == 0 || sodium_memcmp(a, b, n) == 0;
}
