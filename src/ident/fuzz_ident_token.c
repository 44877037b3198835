/* Fuzz: tokens against the public key of RFC 8037, whose private key signs none of them here: nothing is accepted. */
#include <stdlib.h>

#include "ident_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char set[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
	static struct ident_jwks *keys;
	struct ident_expect e = {base_span_str("i"), base_span_str("a"), IDENT_RS256 | IDENT_ES256 | IDENT_EDDSA, 1800000000000000};
	struct ident_claims *c = NULL;
	struct base_fail fail;

	if (!keys && ident_jwks_parse(base_span_str(set), "k", &keys, &fail) != 0)
		abort();
	if (ident_token_verify(keys, base_span(data, size), &e, &c, &fail) == 0)
		abort();
	return 0;
}
