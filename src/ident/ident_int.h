/* ident_int: private to ident: keys as they are looked up, base64url, JSON. */
#ifndef IDENT_INT_H
#define IDENT_INT_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base_buf.h"
#include "base_crypt.h"
#include "ident_token.h"

struct ident_key {
	enum ident_algorithm algorithm;  /* the only one that this key is for */
	struct base_span kid;            /* own; p NULL: it has none */
	EVP_PKEY *pkey;                  /* own; RS256, ES256 */
	uint8_t ed25519[BASE_ED25519_PUB]; /* EdDSA */
};
/* The key with this kid (given: kid->p not NULL) that is for this algorithm; without a kid the only key that is. NULL: none, or several. */
const struct ident_key *jwks_find(const struct ident_jwks *j, struct base_span kid, enum ident_algorithm algorithm);
/* GH_E_VERIFY: not this key's signature of `signed_text`. GH_E_NOMEM. */
BASE_CHECK int jwks_key_verify(const struct ident_key *k, struct base_span signed_text, struct base_span signature);

/* RFC 4648 section 5 without padding; unused bits must be zero. Appends. GH_E_PARSE, GH_E_LIMIT. */
BASE_CHECK int ident_unbase64url(struct base_span s, struct base_buf *b);

/* An object without duplicate names, UTF-8, nothing behind it; NULL: anything else. The caller owns it. */
json_t *ident_json_object(struct base_span text);
/* 1 to 255 bytes without control characters (C0, DEL, C1); that it is UTF-8 the caller knows. */
bool ident_text_plain(struct base_span s);
bool ident_json_text(const json_t *v, struct base_span *s_r);

struct ident_claims { json_t *root; /* own */ uint64_t expires_us; };

#endif
