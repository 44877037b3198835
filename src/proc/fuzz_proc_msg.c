/* fuzz_proc_msg: a stream of frames in the direction that the first byte chooses; those that carry an entry or a number come out of the encoder as they went in. */
#include "proc_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_cursor c = base_cursor(base_span(data, size));
	bool from_gate = base_cursor_u8(&c) & 1;
	struct base_buf b;
	struct proc_msg m;
	size_t used;

	base_buf_init(&b, PROC_MSG_MAX + 4);
	while (proc_msg_next(base_span(c.p, c.left), from_gate, &m, &used, NULL) == 1) {
		struct base_span frame = base_cursor_take(&c, used);

		base_buf_clear(&b);
		switch (m.type) {
		case PROC_MSG_ENTRY: proc_msg_entry(&b, m.id, m.body); break;
		case PROC_MSG_HELLO: proc_msg_hello(&b, m.id); break;
		case PROC_MSG_RECEIPT: proc_msg_receipt(&b, m.id); break;
		case PROC_MSG_RECALL: proc_msg_recall(&b, m.id); break;
		case PROC_MSG_RECALLED: proc_msg_recalled(&b, m.body); break;
		case PROC_MSG_RECALL_END: proc_msg_recall_end(&b, m.id); break;
		case PROC_MSG_NOTICE: proc_msg_notice(&b, m.body); break;
		case PROC_MSG_FAILED: continue; /* its text may have a NUL, which the encoder cannot be given */
		}
		if (b.bad || !base_span_eq(frame, base_buf_span(&b)))
			__builtin_trap();
	}
	base_buf_done(&b);
	return 0;
}
