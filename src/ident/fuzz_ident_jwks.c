/* Fuzz: JWK sets. What is taken has a key. */
#include <stdlib.h>

#include "ident_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ident_jwks *j = NULL;
	struct base_fail fail;

	int err = ident_jwks_parse(base_span(data, size), "fuzz.jwks", &j, &fail);
	if ((err == 0) != (j != NULL) || (j && ident_jwks_count(j) == 0))
		abort();
	ident_jwks_unref(&j);
	return 0;
}
