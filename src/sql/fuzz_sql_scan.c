/* Fuzz: statement text to normal form. Literals lie inside the text, in order, and give values or a reason. */
#include <stdlib.h>

#include "sql_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sql_scan s;
	struct base_buf value;
	uint32_t end = 0;

	sql_scan_init(&s);
	base_buf_init(&value, SQL_TEXT_MAX);
	if (sql_scan_text(&s, base_span(data, size), NULL) != 0 && (base_buf_len(&s.norm) != 0 || s.nliterals != 0))
		abort();
	for (size_t i = 0; i < s.nliterals; end = s.literal[i].at + s.literal[i].len, i++) {
		if (s.literal[i].at < end || s.literal[i].at > size || s.literal[i].len > size - s.literal[i].at)
			abort();
		if (sql_scan_value(base_span(data + s.literal[i].at, s.literal[i].len), &value) == GH_E_PARSE)
			abort(); /* the scanner took the token, so it has a value or a form that is not read */
	}
	base_buf_done(&value);
	sql_scan_done(&s);
	return 0;
}
