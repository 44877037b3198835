/* Fuzz: times. What parses must print as a time that parses to the same microsecond. */
#include <stdlib.h>

#include "base_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[BASE_TIME_UTC_SIZE];
	uint64_t us, again;

	if (base_time_parse(base_span(data, size), &us) != GH_OK)
		return 0;
	if (base_time_parse(base_span_str(base_time_utc(us, text)), &again) != GH_OK || again != us)
		abort();
	return 0;
}
