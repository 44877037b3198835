/* wire_write: builders of whole messages (PostgreSQL 15 documentation, 55.7).
 * Job: append one message to a buffer, length word included. Input: our own values, and spans that came from a peer.
 * Calls only base. Never writes half a message that goes unnoticed: any failure latches in the buffer.
 */
#include "wire_write.h"

#define CODE_PROTOCOL 0x00030000u
#define CODE_CANCEL 80877102u
#define CODE_SSL 80877103u
#define AUTH_SASL 10u
#define MESSAGE_OPEN_MAX (WIRE_BIG + 4u) /* greatest length word */

/* Opens a message (type 0: a first packet, without a type byte) and returns the offset of its length word. */
static size_t
message_open(struct base_buf *b, uint8_t type)
{
	size_t at;

	if (type != 0)
		base_buf_u8(b, type);
	at = base_buf_len(b);
	base_buf_u32(b, 0);
	return at;
}

/* Fills in the length word: the bytes from `at` on. A latched buffer is left alone: the offset may not be there. */
static void
message_close(struct base_buf *b, size_t at)
{
	size_t size;

	if (b->bad)
		return;
	size = base_buf_len(b) - at;
	if (size > MESSAGE_OPEN_MAX)
		b->bad = true;
	else
		base_buf_set_u32(b, at, (uint32_t)size);
}

/* Text ended by NUL; a NUL inside would end it early and shift every field behind it. */
static void
put_text(struct base_buf *b, struct base_span s)
{
	if (s.n != 0 && memchr(s.p, 0, s.n) != NULL) {
		b->bad = true;
		return;
	}
	base_buf_put(b, s);
	base_buf_u8(b, 0);
}

void
wire_write_message(struct base_buf *b, uint8_t type, struct base_span payload)
{
	size_t at = message_open(b, type);

	base_buf_put(b, payload);
	message_close(b, at);
}

void
wire_write_auth(struct base_buf *b, uint32_t code, struct base_span rest)
{
	size_t at = message_open(b, WIRE_B_AUTHENTICATION);

	base_buf_u32(b, code);
	base_buf_put(b, rest);
	message_close(b, at);
}

void
wire_write_sasl_mechanisms(struct base_buf *b, bool plus)
{
	size_t at = message_open(b, WIRE_B_AUTHENTICATION);

	base_buf_u32(b, AUTH_SASL);
	if (plus)
		base_buf_cstr(b, "SCRAM-SHA-256-PLUS");
	base_buf_cstr(b, "SCRAM-SHA-256");
	base_buf_u8(b, 0);
	message_close(b, at);
}

void
wire_write_key_data(struct base_buf *b, uint32_t pid, struct base_span key)
{
	size_t at = message_open(b, WIRE_B_BACKEND_KEY_DATA);

	base_buf_u32(b, pid);
	base_buf_put(b, key);
	message_close(b, at);
}

void
wire_write_negotiate(struct base_buf *b, uint32_t minor, const struct base_span *unknown, size_t count)
{
	size_t at = message_open(b, WIRE_B_NEGOTIATE_PROTOCOL_VERSION);

	/* The documentation says "newest minor version", but server and libpq exchange the whole code, major included. */
	base_buf_u32(b, CODE_PROTOCOL | (minor & 0xffff));
	base_buf_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		put_text(b, unknown[i]);
	message_close(b, at);
}

static void
error_field(struct base_buf *b, char code, const char *text)
{
	base_buf_u8(b, (uint8_t)code);
	base_buf_cstr(b, text);
}

void
wire_write_error(struct base_buf *b, const char *severity, const char *sqlstate, const char *message, const char *hint)
{
	size_t at = message_open(b, WIRE_B_ERROR_RESPONSE);

	error_field(b, 'S', severity);
	error_field(b, 'V', severity);
	error_field(b, 'C', sqlstate);
	error_field(b, 'M', message);
	if (hint != NULL)
		error_field(b, 'H', hint);
	base_buf_u8(b, 0);
	message_close(b, at);
}

void
wire_write_ready(struct base_buf *b, char status)
{
	size_t at = message_open(b, WIRE_B_READY_FOR_QUERY);

	base_buf_u8(b, (uint8_t)status);
	message_close(b, at);
}

void
wire_write_describe(struct base_buf *b, uint8_t what, struct base_span name)
{
	size_t at = message_open(b, WIRE_F_DESCRIBE);

	base_buf_u8(b, what);
	put_text(b, name);
	message_close(b, at);
}

void
wire_write_startup(struct base_buf *b, const struct base_span *names, const struct base_span *values, size_t count)
{
	size_t at = message_open(b, 0);

	base_buf_u32(b, CODE_PROTOCOL);
	for (size_t i = 0; i < count; i++) {
		if (names[i].n == 0)
			b->bad = true; /* an empty name is the terminator */
		put_text(b, names[i]);
		put_text(b, values[i]);
	}
	base_buf_u8(b, 0);
	message_close(b, at);
}

void
wire_write_ssl_request(struct base_buf *b)
{
	size_t at = message_open(b, 0);

	base_buf_u32(b, CODE_SSL);
	message_close(b, at);
}

void
wire_write_cancel(struct base_buf *b, uint32_t pid, struct base_span key)
{
	size_t at = message_open(b, 0);

	base_buf_u32(b, CODE_CANCEL);
	base_buf_u32(b, pid);
	base_buf_put(b, key);
	message_close(b, at);
}

void
wire_write_sasl_initial(struct base_buf *b, const char *mechanism, struct base_span data)
{
	size_t at = message_open(b, WIRE_F_PASSWORD);

	base_buf_cstr(b, mechanism);
	if (data.p == NULL) {
		base_buf_u32(b, UINT32_MAX);
	} else {
		if (data.n > WIRE_BIG)
			b->bad = true;
		base_buf_u32(b, (uint32_t)data.n);
		base_buf_put(b, data);
	}
	message_close(b, at);
}

void
wire_write_sasl_response(struct base_buf *b, struct base_span data)
{
	wire_write_message(b, WIRE_F_PASSWORD, data);
}
