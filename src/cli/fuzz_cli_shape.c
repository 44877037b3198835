/* fuzz_cli_shape: any bytes as a sampled value, as a column's name and as a table's. */
#include "cli_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cli_tally t = {0};
	const char *called;
	bool certain;

	cli_tally_add(&t, base_span(data, size));
	(void)cli_kind_of_column(base_span(data, size), CLI_FAMILY_TEXT, &certain);
	(void)cli_kind_of_table(base_span(data, size), &called);
	(void)cli_tally_country(&t);
	return 0;
}
