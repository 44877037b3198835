/* wire_read: decoders for the payloads we look into, both directions. Input: hostile. Pure. Each decoder consumes exactly the
 * declared payload or returns GH_E_PARSE with a text that names message and field. Spans point into the payload.
 */
#ifndef WIRE_READ_H
#define WIRE_READ_H

#include "base_fail.h"
#include "base_span.h"

/* Start-up parameters: iterate. c is made with base_cursor(packet after length and version words).
 * 1: got one; 0: the terminating NUL and nothing behind it; GH_E_PARSE. Duplicates are the caller's to refuse. */
BASE_CHECK int wire_read_startup_next(struct base_cursor *c, struct base_span *name_r, struct base_span *value_r, struct base_fail *fail);

struct wire_cancel { uint32_t pid; struct base_span key; };
BASE_CHECK int wire_read_cancel(struct base_span packet, struct wire_cancel *r, struct base_fail *fail); /* packet: whole, with length word */

struct wire_query { struct base_span text; };
BASE_CHECK int wire_read_query(struct base_span payload, struct wire_query *r, struct base_fail *fail);

struct wire_parse { struct base_span name, text; uint16_t ntypes; struct base_span types; /* 4 bytes each, big-endian */ };
BASE_CHECK int wire_read_parse(struct base_span payload, struct wire_parse *r, struct base_fail *fail);

struct wire_bind {
	struct base_span portal, name;
	uint16_t nformats; struct base_span formats;   /* of parameters, 2 bytes each */
	uint16_t nparams; struct base_span params;     /* (int32 length, bytes)*: iterate with wire_read_value_next */
	uint16_t nresults; struct base_span results;   /* result formats, 2 bytes each */
};
BASE_CHECK int wire_read_bind(struct base_span payload, struct wire_bind *r, struct base_fail *fail);
/* 1: value (null_r true for SQL NULL), 0: none left, GH_E_PARSE. Used for Bind parameters and DataRow fields. */
BASE_CHECK int wire_read_value_next(struct base_cursor *c, struct base_span *value_r, bool *null_r);
/* Format of item i under the 0/1/n rule of Bind: 0 text, 1 binary; -1 when i is past n formats or the code is neither. */
int wire_read_format(struct base_span formats, uint16_t nformats, unsigned i);

struct wire_target { uint8_t what; /* 'S' or 'P' */ struct base_span name; };
BASE_CHECK int wire_read_target(struct base_span payload, struct wire_target *r, struct base_fail *fail); /* Describe and Close */

struct wire_execute { struct base_span portal; uint32_t max_rows; };
BASE_CHECK int wire_read_execute(struct base_span payload, struct wire_execute *r, struct base_fail *fail);

struct wire_column { struct base_span name; uint32_t table_oid; int16_t attnum; uint32_t type_oid; int16_t typlen; int32_t typmod; int16_t format; };
/* RowDescription: c = base_cursor(payload); first the count (refused when the payload cannot hold that many), then that many
 * columns; check base_cursor_done at the end. */
BASE_CHECK int wire_read_row_description(struct base_cursor *c, uint16_t *count_r, struct base_fail *fail);
BASE_CHECK int wire_read_column(struct base_cursor *c, struct wire_column *r, struct base_fail *fail);

/* ErrorResponse and NoticeResponse: absent fields have p == NULL, each may be absent. Repeated fields: the first counts.
 * severity: the untranslated one (V) when there is one, else S. sqlstate, when there, is five of 0-9A-Z. */
struct wire_error { struct base_span severity, sqlstate, message, detail, hint; };
BASE_CHECK int wire_read_error(struct base_span payload, struct wire_error *r, struct base_fail *fail);

struct wire_status { struct base_span name, value; };
BASE_CHECK int wire_read_parameter_status(struct base_span payload, struct wire_status *r, struct base_fail *fail);
struct wire_key_data { uint32_t pid; struct base_span key; };
BASE_CHECK int wire_read_key_data(struct base_span payload, struct wire_key_data *r, struct base_fail *fail);
/* Authentication: code, and the rest of the payload (SASL mechanisms list, SASL data, salt). */
struct wire_auth { uint32_t code; struct base_span rest; };
BASE_CHECK int wire_read_auth(struct base_span payload, struct wire_auth *r, struct base_fail *fail);
/* AuthenticationSASL (code 10): which of our two mechanisms its list names. rest: struct wire_auth's. */
struct wire_mechanisms { bool scram, scram_plus; };
BASE_CHECK int wire_read_mechanisms(struct base_span rest, struct wire_mechanisms *r, struct base_fail *fail);
/* CommandComplete tag: text is the whole tag ("INSERT 0 5", "CREATE TABLE"), words the part before its numbers ("INSERT",
 * "CREATE TABLE"), rows the number at its end; has_rows false when the tag has none. */
struct wire_tag { struct base_span text, words; bool has_rows; uint64_t rows; };
BASE_CHECK int wire_read_tag(struct base_span payload, struct wire_tag *r, struct base_fail *fail);
struct wire_copy { uint8_t overall; uint16_t ncols; struct base_span formats; };
BASE_CHECK int wire_read_copy_response(struct base_span payload, struct wire_copy *r, struct base_fail *fail);
struct wire_function_call { uint32_t oid; };
BASE_CHECK int wire_read_function_call(struct base_span prefix, struct wire_function_call *r, struct base_fail *fail); /* first 4 bytes suffice */
/* SASLInitialResponse: mechanism name, data (p NULL when length -1). */
struct wire_sasl_initial { struct base_span mechanism, data; };
BASE_CHECK int wire_read_sasl_initial(struct base_span payload, struct wire_sasl_initial *r, struct base_fail *fail);

#endif
