/* Fuzz: claims that the issuer signed, whatever they are. What is given out is short and has no control characters. */
#include <stdlib.h>

#include "ident_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ident_claims c = {ident_json_object(base_span(data, size)), 0};
	static const char *const names[] = {"sub", "a.b", "roles", "a.b.c"};
	struct base_span v;

	for (size_t i = 0; c.root && i < BASE_COUNT(names); i++) {
		if (ident_claims_text(&c, base_span_str(names[i]), &v) && !ident_text_plain(v))
			abort();
		for (size_t k = 0; ident_claims_item(&c, base_span_str(names[i]), k, &v); k++)
			if (!ident_text_plain(v) || k >= 256)
				abort();
	}
	json_decref(c.root);
	return 0;
}
