/* ident_token: is this token a word of the issuer's? JWS compact serialisation (RFC 7515 section 7.1) of a JWT (RFC 7519), verified against a JWK set (RFC 7517; RSA,
 * EC P-256, OKP Ed25519 after RFC 8037). Pure: no clock, no file. Input: hostile text. BCP: RFC 8725.
 *
 * Order of checks: length; three parts of base64url without padding; header is a JSON object without duplicate names; `alg` is on the caller's list and NOT read for
 * anything else; `crit`, `jwk`, `jku`, `x5u`, `x5c` and `zip` are refused; `typ`, where given, is JWT or at+jwt; `b64` refused; the key is chosen by kid (when the header has
 * none: only if the set has exactly one key that fits) and must be of the algorithm's type (kty, crv; `use` sig when given; `alg` the same when given); the signature;
 * then the claims: an object without duplicate names; iss equal; aud equal or an array that holds it; exp there and in the future; nbf and iat, when there, not in
 * the future (leeway 60 s each), all three whole seconds; sub there, a string of 1 to 255 bytes without control characters.
 * Never: logs a token, follows a URL, tries a second key after a bad signature when kid was given.
 */
#ifndef IDENT_TOKEN_H
#define IDENT_TOKEN_H

#include "base_fail.h"
#include "base_span.h"

#define IDENT_TOKEN_MAX 16384u
#define IDENT_JWKS_MAX (1u << 20)
#define IDENT_LEEWAY_US 60000000ull

enum ident_algorithm { IDENT_RS256 = 1, IDENT_ES256 = 2, IDENT_EDDSA = 4 };

struct ident_jwks; /* immutable, reference-counted */
/* Keys of other types and for other uses are passed over; a set without a usable key, RSA below 2048 bits, private keys in it: GH_E_PARSE. */
BASE_CHECK int ident_jwks_parse(struct base_span text, const char *file, struct ident_jwks **j_r, struct base_fail *fail);
void ident_jwks_ref(struct ident_jwks *j);
void ident_jwks_unref(struct ident_jwks **j);
size_t ident_jwks_count(const struct ident_jwks *j);

struct ident_expect { struct base_span issuer, audience; unsigned algorithms; uint64_t now_us; };
struct ident_claims; /* own */
/* GH_E_PARSE (malformed), GH_E_UNSUPPORTED (algorithm, critical header), GH_E_MISSING (no such key), GH_E_VERIFY (signature, issuer, audience, time). fail says
 * which check it was and never holds a byte of the token. */
BASE_CHECK int ident_token_verify(const struct ident_jwks *keys, struct base_span token, const struct ident_expect *expect, struct ident_claims **c_r, struct base_fail *fail);
void ident_claims_free(struct ident_claims **c);
uint64_t ident_claims_expires_us(const struct ident_claims *c); /* exp, without leeway */
/* A string claim by name: the whole name first ("sub", "https://example.com/org"), then as a path of objects ("realm_access.org"). False: absent or another type,
 * empty, longer than 255 bytes, or holding control characters. The span lives as long as c. */
bool ident_claims_text(const struct ident_claims *c, struct base_span name, struct base_span *value_r);
/* The i-th of a claim that is an array of strings, or of one string whose words are parted by blanks. False: no such, or any of them would not do as a text, or
 * there are more than 256: a list is never read in half. */
bool ident_claims_item(const struct ident_claims *c, struct base_span name, size_t i, struct base_span *value_r);

#endif
