/* fuzz_event_encode: an entry with hostile texts encodes to a line that decodes (so it is canonical) and stays below its ceiling. */
#include "event_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_cursor c = base_cursor(base_span(data, size));
	struct event_entry e = {.kind = (enum event_kind)(base_cursor_u8(&c) % EVENT_KIND_COUNT), .time_us = base_cursor_u64(&c), .seq = base_cursor_u64(&c)};
	struct event_decoded *d = NULL;
	struct base_buf out;

	e.groups.count = base_cursor_u8(&c);
	for (size_t i = 0; i < EVENT_LIST_MAX; i++)
		e.groups.item[i] = base_cursor_take(&c, c.left > 8 ? base_cursor_u8(&c) % 8 : 0);
	e.actor = base_cursor_take(&c, c.left / 2);
	e.text = base_cursor_take(&c, c.left);
	base_buf_init(&out, EVENT_ENTRY_MAX);
	if (event_entry_encode(&e, &out, NULL) < 0 || event_decode(base_buf_span(&out), &d, NULL) < 0)
		__builtin_trap();
	event_decoded_free(&d);
	base_buf_done(&out);
	return 0;
}
