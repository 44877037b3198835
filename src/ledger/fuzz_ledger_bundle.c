/* fuzz_ledger_bundle: bundles, and names of tiles. What parses must print as it was. */
#include <stdlib.h>

#include "ledger_tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct base_cursor c = base_cursor(base_span(data, n));
	struct ledger_tile_name name;
	char path[LEDGER_TILE_PATH_MAX];
	struct base_span e;

	while (ledger_bundle_next(&c, &e) == 1)
		;
	if (ledger_tile_parse(base_span(data, n), &name) == 0 && !base_span_is(base_span(data, n), ledger_tile_path(name, path)))
		abort();
	return 0;
}
