/* fuzz_proc_msg: a stream of frames in the direction that the first byte chooses. */
#include "proc_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_cursor c = base_cursor(base_span(data, size));
	bool from_gate = base_cursor_u8(&c) & 1;
	struct proc_msg m;
	size_t used;

	while (proc_msg_next(base_span(c.p, c.left), from_gate, &m, &used, NULL) == 1)
		(void)base_cursor_take(&c, used); /* asserts nothing: the next call sees the rest */
	return 0;
}
