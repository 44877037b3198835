/* wire_frame: message framing of the PostgreSQL v3 protocol (documentation 55.2, 55.7). Input: hostile client or hostile
 * server. Pure; looks at headers only; knows no state. After a framing error a connection is dead.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base_fail.h"
#include "base_span.h"

#define WIRE_BIG 0x3ffffffbu
#define WIRE_HEADER 5u /* type byte and length word */

enum wire_side { WIRE_F, WIRE_B }; /* F: sent by the client, B: sent by the server */

/* Message names: WIRE_F_BIND = 'B', WIRE_B_DATA_ROW = 'D', ... */
enum wire_type {
#define WIRE_TYPE(side, byte, name, text, least, greatest) WIRE_##side##_##name = byte,
#include "wire_types.def"
#undef WIRE_TYPE
};

struct wire_header {
	uint8_t type;
	uint32_t len; /* payload bytes after the length word; checked against the table */
};

/* 1: header_r is set (the payload may not have arrived yet). 0: fewer than 5 bytes. GH_E_PARSE: unknown type byte or
 * length outside the table; fail says which. */
BASE_CHECK int wire_frame_header(enum wire_side side, struct base_span avail, struct wire_header *header_r, struct base_fail *fail);
/* "Bind", "DataRow"...; "?" when unknown */
const char *wire_frame_name(enum wire_side side, uint8_t type);

/* First packet of a connection (no type byte). */
enum wire_first {
	WIRE_FIRST_STARTUP,  /* protocol 3.x */
	WIRE_FIRST_SSL,      /* SSLRequest 80877103, exactly 8 bytes */
	WIRE_FIRST_GSSENC,   /* GSSENCRequest 80877104, exactly 8 bytes */
	WIRE_FIRST_CANCEL,   /* CancelRequest 80877102, 16 bytes (3.2: up to 268) */
};
struct wire_first_packet {
	enum wire_first kind;
	uint32_t size;        /* whole packet, length word included */
	uint32_t version;     /* major<<16 | minor, STARTUP only */
};
#define WIRE_FIRST_MAX 10000u /* MAX_STARTUP_PACKET_LENGTH */
/* 1: whole packet is in avail (surplus is the caller's to refuse). 0: more bytes needed. GH_E_PARSE, as soon as the bytes that
 * show it are there: length under 8 or over the ceiling, a length that does not fit the kind, unknown code, major not 3. */
BASE_CHECK int wire_frame_first(struct base_span avail, struct wire_first_packet *packet_r, struct base_fail *fail);

#endif
