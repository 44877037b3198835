/* Fuzz: quoting. Whatever the bytes and the room, the text is terminated, valid UTF-8 and free of control characters. */
#include <stdlib.h>

#include "base_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = size == 0 ? 1 : 1 + data[0] % 64;
	char *dst = malloc(room); /* of exactly that size, so that the sanitizer sees a write past it */
	size_t n = strlen(base_text_quote(dst, room, base_span(data, size), size / 2 + 8));

	if (n >= room || !base_text_utf8(base_span(dst, n)))
		abort();
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)dst[i] < 0x20 || dst[i] == 0x7f)
			abort();
	free(dst);
	return 0;
}
