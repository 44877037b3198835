/* wire_write: builders of whole messages; no function writes a part of one. Errors latch in the buffer (check b->bad once,
 * before use): the buffer's maximum, a payload over WIRE_BIG, a NUL inside text that the protocol ends with one. Pure.
 */
#ifndef WIRE_WRITE_H
#define WIRE_WRITE_H

#include "base_buf.h"
#include "wire_frame.h"

/* Any message: type byte, length, payload. */
void wire_write_message(struct base_buf *b, uint8_t type, struct base_span payload);
void wire_write_auth(struct base_buf *b, uint32_t code, struct base_span rest); /* R: 0 ok, 10 SASL, 11 continue, 12 final */
void wire_write_sasl_mechanisms(struct base_buf *b, bool plus);                 /* AuthenticationSASL: [SCRAM-SHA-256-PLUS] SCRAM-SHA-256 */
void wire_write_key_data(struct base_buf *b, uint32_t pid, struct base_span key);
/* NegotiateProtocolVersion: we speak 3.minor; unknown: names of the "_pq_." options that we do not know. */
void wire_write_negotiate(struct base_buf *b, uint32_t minor, const struct base_span *unknown, size_t count);
/* ErrorResponse: severity ("ERROR", "FATAL"), sqlstate (5), message, hint (NULL = none). Never a DETAIL. S, V, C, M, H fields. */
void wire_write_error(struct base_buf *b, const char *severity, const char *sqlstate, const char *message, const char *hint);
void wire_write_ready(struct base_buf *b, char status);
void wire_write_describe(struct base_buf *b, uint8_t what, struct base_span name);
/* Toward the server. */
void wire_write_startup(struct base_buf *b, const struct base_span *names, const struct base_span *values, size_t count); /* 3.0 */
void wire_write_ssl_request(struct base_buf *b);
void wire_write_cancel(struct base_buf *b, uint32_t pid, struct base_span key);
/* data.p NULL: no initial response (length -1). */
void wire_write_sasl_initial(struct base_buf *b, const char *mechanism, struct base_span data);
void wire_write_sasl_response(struct base_buf *b, struct base_span data);

#endif
