/* wire_frame: message framing of the PostgreSQL v3 protocol.
 * Job: from the first five bytes of a message (or the first eight of a connection) say what it is and how long it may be.
 * Input: hostile client and hostile server alike. Calls only base. Never reads past the header, never allocates, never
 * resynchronises after an error, never adds a peer's number to anything.
 */
#include "wire_frame.h"

#define LENGTH_WORD 4u
#define CODE_CANCEL 80877102u
#define CODE_SSL 80877103u
#define CODE_GSSENC 80877104u
#define FIRST_LEAST 8u          /* length word and code */
#define CANCEL_LEAST 16u        /* 3.0: process id and a 4-byte key */
#define CANCEL_GREATEST 268u    /* 3.2: a key of up to 256 bytes */

struct frame_row {
	const char *text; /* NULL: no such message */
	uint32_t least;
	uint32_t greatest;
};

/* wire_types.def spread over [side][type byte] by the compiler. A byte listed twice on one side is a -Woverride-init error. */
static const struct frame_row frame_rows[2][256] = {
	[WIRE_F] = {
#define WIRE_TYPE(side, byte, name, text, least, greatest) FRAME_ROW_##side(byte, text, least, greatest)
#define FRAME_ROW_F(byte, text, least, greatest) [byte] = {text, least, greatest},
#define FRAME_ROW_B(byte, text, least, greatest)
#include "wire_types.def"
#undef FRAME_ROW_F
#undef FRAME_ROW_B
	},
	[WIRE_B] = {
#define FRAME_ROW_F(byte, text, least, greatest)
#define FRAME_ROW_B(byte, text, least, greatest) [byte] = {text, least, greatest},
#include "wire_types.def"
#undef FRAME_ROW_F
#undef FRAME_ROW_B
#undef WIRE_TYPE
	},
};

static const char *
frame_peer(enum wire_side side)
{
	return side == WIRE_F ? "client" : "server";
}

int
wire_frame_header(enum wire_side side, struct base_span avail, struct wire_header *header_r, struct base_fail *fail)
{
	struct base_cursor c;
	const struct frame_row *row;
	uint8_t type;
	uint32_t size;

	if (avail.n < WIRE_HEADER)
		return 0;
	c = base_cursor(avail);
	type = base_cursor_u8(&c);
	size = base_cursor_u32(&c);
	row = &frame_rows[side == WIRE_F ? WIRE_F : WIRE_B][type];
	if (row->text == NULL)
		return base_fail_set(fail, GH_E_PARSE, "unknown message type 0x%02x from the %s", (unsigned)type, frame_peer(side));
	if (size < LENGTH_WORD || size - LENGTH_WORD < row->least)
		return base_fail_set(fail, GH_E_PARSE, "%s message from the %s is too short: its length word is %u", row->text,
		    frame_peer(side), (unsigned)size);
	if (size - LENGTH_WORD > row->greatest)
		return base_fail_set(fail, GH_E_PARSE, "%s message from the %s is too long: its length word is %u", row->text,
		    frame_peer(side), (unsigned)size);
	*header_r = (struct wire_header){.type = type, .len = size - LENGTH_WORD};
	return 1;
}

const char *
wire_frame_name(enum wire_side side, uint8_t type)
{
	const char *text = frame_rows[side == WIRE_F ? WIRE_F : WIRE_B][type].text;

	return text != NULL ? text : "?";
}

/* Which first packet has this code, and is the size right for it? Decided from eight bytes, so that a peer that announces
 * nonsense is cut off before it is waited for. */
static int
frame_first_kind(uint32_t size, uint32_t code, enum wire_first *kind_r, struct base_fail *fail)
{
	switch (code) {
	case CODE_SSL:
	case CODE_GSSENC:
		if (size != FIRST_LEAST)
			return base_fail_set(fail, GH_E_PARSE, "%s has a length of %u, not 8", code == CODE_SSL ? "SSLRequest" : "GSSENCRequest",
			    (unsigned)size);
		*kind_r = code == CODE_SSL ? WIRE_FIRST_SSL : WIRE_FIRST_GSSENC;
		return 0;
	case CODE_CANCEL:
		if (size < CANCEL_LEAST || size > CANCEL_GREATEST)
			return base_fail_set(fail, GH_E_PARSE, "CancelRequest has a length of %u, not 16 to 268", (unsigned)size);
		*kind_r = WIRE_FIRST_CANCEL;
		return 0;
	default:
		if (code >> 16 != 3)
			return base_fail_set(fail, GH_E_PARSE, "unsupported frontend protocol %u.%u: server supports 3.0 to 3.2",
			    (unsigned)(code >> 16), (unsigned)(code & 0xffff));
		*kind_r = WIRE_FIRST_STARTUP;
		return 0;
	}
}

int
wire_frame_first(struct base_span avail, struct wire_first_packet *packet_r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(avail);
	struct wire_first_packet packet = {.kind = WIRE_FIRST_STARTUP};
	uint32_t code;
	int rc;

	if (avail.n < LENGTH_WORD)
		return 0;
	packet.size = base_cursor_u32(&c);
	if (packet.size < FIRST_LEAST || packet.size > WIRE_FIRST_MAX)
		return base_fail_set(fail, GH_E_PARSE, "invalid length of start-up packet: %u", (unsigned)packet.size);
	if (avail.n < FIRST_LEAST)
		return 0;
	code = base_cursor_u32(&c);
	rc = frame_first_kind(packet.size, code, &packet.kind, fail);
	if (rc < 0)
		return rc;
	if (avail.n < packet.size)
		return 0;
	if (packet.kind == WIRE_FIRST_STARTUP)
		packet.version = code;
	*packet_r = packet;
	return 1;
}
