/* Fuzz: statement text to the value of a key in its comments: short, UTF-8, without control characters. */
#include <stdlib.h>

#include "base_text.h"
#include "sql_comment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_arena *arena = base_arena_new(4096);
	struct base_span value;
	if (sql_comment_value(base_span(data, size), "case", arena, &value)) {
		if (value.n > 255 || !base_text_utf8(value))
			abort();
		for (size_t i = 0; i < value.n; i++)
			if (value.p[i] < 0x20 || value.p[i] == 0x7f)
				abort();
	}
	base_arena_free(&arena);
	return 0;
}
