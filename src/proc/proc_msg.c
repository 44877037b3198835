/* proc_msg: frames between gate and keeper.
 * Input trust: the peer is a process of our own user, but the gate handles hostile bytes, so the keeper reads its frames as
 * hostile: lengths are ceilings first, a frame is exactly its declared length, and which types are legal depends on the direction.
 * Never: blocks, allocates for a length it was told, or resynchronises after a broken frame.
 *
 *   offset 0  u32 n      bytes that follow, 1..PROC_MSG_MAX
 *          4  u8  type   enum proc_msg_type
 *          5  body       n - 1 bytes
 */
#include "proc_msg.h"

#include <inttypes.h>

#define HEAD_SIZE 5u
#define ENTRY_MAX 65535u
#define TEXT_MAX 1024u

/* Bodies, by type: least and most bytes. A valid frame has a row here and a length inside it. */
static const struct {
	uint32_t least, most;
	bool from_gate;
} bodies[] = {
	[PROC_MSG_ENTRY] = {8 + 1, 8 + ENTRY_MAX, true},
	[PROC_MSG_HELLO] = {12, 12, false},
	[PROC_MSG_RECEIPT] = {8, 8, false},
	[PROC_MSG_FAILED] = {9, 9 + TEXT_MAX, false},
	[PROC_MSG_RECALL] = {8, 8, true},
	[PROC_MSG_RECALLED] = {1, ENTRY_MAX, false},
	[PROC_MSG_RECALL_END] = {8, 8, false},
	[PROC_MSG_NOTICE] = {1, ENTRY_MAX, false},
};
_Static_assert(PROC_MSG_MAX == 1 + 8 + ENTRY_MAX, "the longest frame is an entry's");

static void
put_head(struct base_buf *b, enum proc_msg_type type, size_t body)
{
	base_buf_u32(b, (uint32_t)(1 + body));
	base_buf_u8(b, (uint8_t)type);
}

void
proc_msg_entry(struct base_buf *b, uint64_t id, struct base_span entry)
{
	if (entry.n == 0 || entry.n > ENTRY_MAX) {
		b->bad = true; /* the peer would have to end the connection */
		return;
	}
	put_head(b, PROC_MSG_ENTRY, 8 + entry.n);
	base_buf_u64(b, id);
	base_buf_put(b, entry);
}

void
proc_msg_hello(struct base_buf *b, uint64_t tree_size)
{
	put_head(b, PROC_MSG_HELLO, 12);
	base_buf_u32(b, PROC_MSG_FORMAT);
	base_buf_u64(b, tree_size);
}

void
proc_msg_receipt(struct base_buf *b, uint64_t upto)
{
	put_head(b, PROC_MSG_RECEIPT, 8);
	base_buf_u64(b, upto);
}

void
proc_msg_failed(struct base_buf *b, uint64_t upto, enum proc_msg_failure code, const char *text)
{
	struct base_span s = base_span_str(text);

	if (s.n > TEXT_MAX)
		s.n = TEXT_MAX;
	put_head(b, PROC_MSG_FAILED, 9 + s.n);
	base_buf_u64(b, upto);
	base_buf_u8(b, (uint8_t)code);
	base_buf_put(b, s);
}

static void
put_bare(struct base_buf *b, enum proc_msg_type type, struct base_span entry)
{
	if (entry.n == 0 || entry.n > ENTRY_MAX) {
		b->bad = true; /* the peer would have to end the connection */
		return;
	}
	put_head(b, type, entry.n);
	base_buf_put(b, entry);
}

static void
put_number(struct base_buf *b, enum proc_msg_type type, uint64_t n)
{
	put_head(b, type, 8);
	base_buf_u64(b, n);
}

void
proc_msg_recall(struct base_buf *b, uint64_t since_us)
{
	put_number(b, PROC_MSG_RECALL, since_us);
}

void
proc_msg_recalled(struct base_buf *b, struct base_span entry)
{
	put_bare(b, PROC_MSG_RECALLED, entry);
}

void
proc_msg_recall_end(struct base_buf *b, uint64_t count)
{
	put_number(b, PROC_MSG_RECALL_END, count);
}

void
proc_msg_notice(struct base_buf *b, struct base_span entry)
{
	put_bare(b, PROC_MSG_NOTICE, entry);
}

/* The body of a frame whose type and length are legal. */
static int
read_body(struct base_span body, struct proc_msg *m, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(body);

	switch (m->type) {
	case PROC_MSG_HELLO:
		m->format = base_cursor_u32(&c);
		m->id = base_cursor_u64(&c);
		if (m->format != PROC_MSG_FORMAT)
			return base_fail_set(fail, GH_E_PARSE, "keeper speaks format %" PRIu32 ", we speak %u", m->format, PROC_MSG_FORMAT);
		break;
	case PROC_MSG_RECEIPT:
	case PROC_MSG_RECALL:
	case PROC_MSG_RECALL_END:
		m->id = base_cursor_u64(&c);
		break;
	case PROC_MSG_RECALLED:
	case PROC_MSG_NOTICE:
		m->body = base_cursor_take(&c, c.left);
		break;
	case PROC_MSG_ENTRY:
		m->id = base_cursor_u64(&c);
		m->body = base_cursor_take(&c, c.left);
		break;
	case PROC_MSG_FAILED:
		m->id = base_cursor_u64(&c);
		m->failure = (enum proc_msg_failure)base_cursor_u8(&c);
		m->body = base_cursor_take(&c, c.left);
		if (m->failure < PROC_MSG_DISK_FULL || m->failure > PROC_MSG_MALFORMED)
			return base_fail_set(fail, GH_E_PARSE, "unknown failure code %u", (unsigned)m->failure);
		break;
	}
	if (!base_cursor_done(&c))
		return base_fail_set(fail, GH_E_PARSE, "message of type %u has a malformed body", (unsigned)m->type);
	return GH_OK;
}

int
proc_msg_next(struct base_span avail, bool from_gate, struct proc_msg *msg_r, size_t *used_r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(avail);
	struct proc_msg m = {0};
	uint32_t n;
	unsigned type;
	int rc;

	if (avail.n < 4)
		return 0;
	n = base_cursor_u32(&c);
	if (n < 1 || n > PROC_MSG_MAX)
		return base_fail_set(fail, GH_E_PARSE, "message length %" PRIu32 " is outside 1..%u", n, PROC_MSG_MAX);
	if (c.left < 1)
		return 0;
	type = base_cursor_u8(&c);
	if (type >= BASE_COUNT(bodies) || bodies[type].most == 0 || bodies[type].from_gate != from_gate)
		return base_fail_set(fail, GH_E_PARSE, "message type %u is not legal here", type);
	if (n - 1 < bodies[type].least || n - 1 > bodies[type].most)
		return base_fail_set(fail, GH_E_PARSE, "message of type %u has length %" PRIu32, type, n);
	if (c.left < n - 1)
		return 0;
	m.type = (enum proc_msg_type)type;
	rc = read_body(base_cursor_take(&c, n - 1), &m, fail);
	if (rc < 0)
		return rc;
	*msg_r = m;
	*used_r = HEAD_SIZE - 1 + n;
	return 1;
}
