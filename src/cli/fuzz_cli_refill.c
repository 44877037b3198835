/* fuzz_cli_refill: any text of a client, as the ledger has it: filled with strings and scanned again it has the same normal form; cut and spoilt texts do no harm. */
#include <stdlib.h>

#include "cli_refill.h"
#include "sql_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sql_scan a, b;
	struct base_buf out;
	struct base_fail fail = {0};

	base_buf_init(&out, 1u << 20);
	for (unsigned how = 0; how < CLI_REFILLS; how++)
		cli_refill_text(base_span(data, size), (enum cli_refill)how, &out);
	base_buf_clear(&out);
	sql_scan_init(&a);
	sql_scan_init(&b);
	if (sql_scan_text(&a, base_span(data, size), &fail) == 0) {
		cli_refill_text(base_buf_span(&a.norm), CLI_REFILL_STRING, &out);
		if (sql_scan_text(&b, base_buf_span(&out), &fail) < 0 || !base_span_eq(base_buf_span(&a.norm), base_buf_span(&b.norm)))
			abort();
	}
	sql_scan_done(&a);
	sql_scan_done(&b);
	base_buf_done(&out);
	return 0;
}
