/* Fuzz: key files. Years come out ascending, each with a key. */
#include <stdlib.h>

#include "mask_mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mask_keys *k = NULL;
	struct base_fail fail;
	unsigned years[256];

	if (mask_keys_parse(base_span(data, size), "fuzz.keys", &k, &fail) == 0) {
		size_t n = mask_keys_years(k, years, 256);
		for (size_t i = 0; i < n; i++)
			if (!mask_keys_has(k, years[i]) || (i > 0 && years[i - 1] >= years[i]))
				abort();
	}
	mask_keys_unref(&k);
	return 0;
}
