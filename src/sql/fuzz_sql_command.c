/* Fuzz: statement text to a command, and the splice. Inputs are cut at 4 KiB: the library recurses on the fuzzer's stack. */
#include <stdlib.h>

#include "sql_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_span text = base_span(data, size < 4096 ? size : 4096);
	struct sql_command *c = NULL;
	struct base_buf out;

	base_buf_init(&out, SQL_TEXT_MAX);
	bool plain = sql_command_is_plain(text);
	if (sql_command_read(text, &c, NULL) == 0 && plain && (c->kind != SQL_C_QUERY || c->odd_identifier))
		abort();
	if (c && c->inner.n > 0 && c->made.n == 0)
		if (c->inner.p < text.p || c->inner.n > (size_t)(text.p + text.n - c->inner.p))
			abort();
	if (sql_splice_column(text, base_span_str("c"), base_span_str("id"), "gh_k1", &out) == 0 && base_buf_len(&out) <= text.n)
		abort();
	sql_command_free(&c);
	base_buf_done(&out);
	return 0;
}
