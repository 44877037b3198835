/* fuzz_ledger_journal: a segment as a whole: header, records in order, then the search for holes. */
#include "ledger_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ledger_segment s;
	struct ledger_record r;
	size_t at = LEDGER_SEGMENT_HEADER, used;

	if (ledger_segment_decode(base_span(data, n), &s) >= 0)
		while (at < n && ledger_record_decode(base_span(data + at, n - at), &r, &used) == 1)
			at += used;
	(void)ledger_journal_hole(base_span(data, n), 1);
	return 0;
}
