/* base_crypt: the few primitives we use, from OpenSSL (SHA-256, HMAC) and libsodium (SipHash-2-4, Ed25519, random, wiping).
 * base_crypt_init must have run once in the process. SHA-256 contexts are kept per thread and reused (0.2 us cheaper).
 */
#ifndef BASE_CRYPT_H
#define BASE_CRYPT_H

#include "base_span.h"

#define BASE_SHA256_SIZE 32
#define BASE_SIP_KEY_SIZE 16
#define BASE_ED25519_SEED 32
#define BASE_ED25519_PUB 32
#define BASE_ED25519_SIG 64

void base_crypt_init(void); /* aborts when the libraries cannot start */
void base_crypt_sha256(struct base_span s, uint8_t out[BASE_SHA256_SIZE]);
void base_crypt_sha256v(const struct base_span *parts, size_t count, uint8_t out[BASE_SHA256_SIZE]); /* concatenation */
void base_crypt_hmac256(struct base_span key, struct base_span s, uint8_t out[BASE_SHA256_SIZE]);
uint64_t base_crypt_sip24(const uint8_t key[BASE_SIP_KEY_SIZE], struct base_span s); /* little-endian read of the 8 bytes */
void base_crypt_random(void *dst, size_t n);

/* Incremental SHA-256 for text that arrives in pieces. */
struct base_sha256;
struct base_sha256 *base_sha256_new(void);
void base_sha256_free(struct base_sha256 **h);
void base_sha256_add(struct base_sha256 *h, struct base_span s);
void base_sha256_end(struct base_sha256 *h, uint8_t out[BASE_SHA256_SIZE]); /* and ready for the next text */

/* RFC 8032. The seed is the private key; the public key is derived. */
void base_ed25519_public(const uint8_t seed[BASE_ED25519_SEED], uint8_t pub_r[BASE_ED25519_PUB]);
void base_ed25519_sign(const uint8_t seed[BASE_ED25519_SEED], struct base_span msg, uint8_t sig_r[BASE_ED25519_SIG]);
bool base_ed25519_verify(const uint8_t pub[BASE_ED25519_PUB], struct base_span msg, struct base_span sig);

/* Secrets: wiped, compared in constant time, never logged. */
void base_secret_wipe(void *p, size_t n);
bool base_secret_eq(const void *a, const void *b, size_t n);

#endif
