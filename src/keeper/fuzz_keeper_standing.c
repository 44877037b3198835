/* fuzz_keeper_standing: the file of standing entries, its CRC made right so that what is behind it is reached. */
#include "keeper_standing.h"
#include "ledger_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keeper_standing s = {.path = NULL};
	struct base_buf b;
	int rc;

	base_buf_init(&b, 1u << 20);
	base_buf_put(&b, base_span(data, size));
	base_buf_u32(&b, ledger_journal_crc32c(base_buf_span(&b)));
	rc = keeper_standing_decode(&s, base_buf_span(&b), 1000);
	if (rc == 0 && (s.size > 1000 || s.over))
		__builtin_trap();
	keeper_standing_done(&s);
	base_buf_done(&b);
	return 0;
}
