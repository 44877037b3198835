/* gate_strict_send: the messages that an enforced session sends to the server, each made whole here: the gate's own names, and text that was decided
 * upon. Input: text and types from strict_need, names of the gate's own making. Never sends a message that a client wrote.
 */
#include "gate_strict_int.h"
#include "wire_write.h"

void
strict_send(struct gate_session *s, uint8_t type, struct base_span payload)
{
	wire_write_message(&s->up, type, payload);
	s->up_scan = base_buf_len(&s->up);
	s->strict->flushed = type == WIRE_F_FLUSH || type == WIRE_F_SYNC;
	if (s->up.bad)
		gate_session_end(s, GATE_END_MEMORY, "54000", NULL, "a request is too long for the gate");
}

void
strict_send_sync(struct gate_session *s)
{
	struct strict_owed *o = strict_owe(s, OWED_SYNC);

	o->say = true;
	strict_send(s, WIRE_F_SYNC, base_span("", 0));
	s->strict->sync_sent = true;
}

void
strict_send_parse(struct gate_session *s, const char *name, struct base_span text, const uint32_t *types, size_t ntypes)
{
	struct base_buf b;

	base_buf_init(&b, text.n + ntypes * 4 + 64);
	base_buf_cstr(&b, name);
	base_buf_put(&b, text);
	base_buf_u8(&b, 0);
	base_buf_u16(&b, (uint16_t)ntypes);
	for (size_t i = 0; i < ntypes; i++)
		base_buf_u32(&b, types[i]);
	strict_send(s, WIRE_F_PARSE, base_buf_span(&b));
	base_buf_done(&b);
}

void
strict_send_target(struct gate_session *s, uint8_t type, uint8_t what, const char *name)
{
	struct base_buf b;

	base_buf_init(&b, 64);
	base_buf_u8(&b, what);
	base_buf_cstr(&b, name);
	strict_send(s, type, base_buf_span(&b));
	base_buf_done(&b);
}

void
strict_send_execute(struct gate_session *s, const char *portal, uint32_t max)
{
	struct base_buf b;

	base_buf_init(&b, 64);
	base_buf_cstr(&b, portal);
	base_buf_u32(&b, max);
	strict_send(s, WIRE_F_EXECUTE, base_buf_span(&b));
	base_buf_done(&b);
}

void
strict_flush(struct gate_session *s)
{
	if (!s->strict->flushed)
		strict_send(s, WIRE_F_FLUSH, base_span("", 0));
}

/* What changes something runs only when all before it in the batch is answered: the gate may still cut one of those answers. True: wait. */
bool
strict_await(struct gate_session *s)
{
	strict_settle_says(s);
	if (s->strict->owed_count == 0)
		return false;
	strict_flush(s);
	return true;
}
