/* fuzz_wire_read: the first byte picks a decoder, the rest is its input. Iterating decoders run to their end. */
#include "wire_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(uint8_t which, struct base_span s)
{
	struct base_cursor c = base_cursor(s);
	struct base_span name, value;
	struct wire_column column;
	struct wire_bind bind;
	uint16_t count;
	bool null;

	if (which == 0)
		while (wire_read_startup_next(&c, &name, &value, NULL) == 1)
			;
	if (which == 1 && wire_read_row_description(&c, &count, NULL) == 0)
		while (count-- > 0 && wire_read_column(&c, &column, NULL) == 0)
			;
	if (which == 2)
		while (wire_read_value_next(&c, &value, &null) == 1)
			;
	if (which == 3 && wire_read_bind(s, &bind, NULL) == 0) {
		c = base_cursor(bind.params);
		for (count = 0; wire_read_value_next(&c, &value, &null) == 1; count++)
			(void)wire_read_format(bind.formats, bind.nformats, count);
		if (count != bind.nparams || bind.formats.n != bind.nformats * 2u || bind.results.n != bind.nresults * 2u)
			__builtin_trap();
	}
}

#define TRY(n, decoder, type) if (data[0] == (n)) { struct type r; (void)wire_read_##decoder(s, &r, &fail); }

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_span s = {NULL, 0};
	struct base_fail fail;

	if (size == 0)
		return 0;
	s = base_span(data + 1, size - 1);
	walk(data[0], s);
	TRY(4, cancel, wire_cancel) TRY(5, query, wire_query) TRY(6, parse, wire_parse) TRY(7, target, wire_target)
	TRY(8, execute, wire_execute) TRY(9, error, wire_error) TRY(10, parameter_status, wire_status)
	TRY(11, key_data, wire_key_data) TRY(12, auth, wire_auth) TRY(13, mechanisms, wire_mechanisms) TRY(14, tag, wire_tag)
	TRY(15, copy_response, wire_copy) TRY(16, function_call, wire_function_call) TRY(17, sasl_initial, wire_sasl_initial)
	return 0;
}
