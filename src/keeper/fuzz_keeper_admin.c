/* fuzz_keeper_admin: any line; what is found lies inside it. */
#include "keeper_admin.h"
#include "keeper_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_span line = base_span(data, size);
	struct keeper_admin a;
	uint64_t us;

	if (keeper_admin_read(line, &a) == 1 && (a.target.n == 0 || a.target.n > (size_t)(data + size - a.target.p)))
		__builtin_trap();
	(void)keeper_admin_time(line, &us); /* never reads too far: the sanitizer sees */
	(void)keeper_check_entry(line);
	return 0;
}
