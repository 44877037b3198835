/* wire_read: decoders of message payloads (PostgreSQL 15 documentation, 55.7).
 * Job: bytes of one whole payload to a struct of spans that point into it.
 * Input: hostile, from both sides; a field that is absent, empty, repeated, cut off or followed by more is an expected case.
 * Calls only base. Never allocates, never reads outside the payload, never writes an output that it does not stand by.
 */
#include "wire_read.h"

#include "base_num.h"

#define CANCEL_CODE 80877102u
#define KEY_LEAST 4u      /* protocol 3.0: always 4; 3.2: up to 256 */
#define KEY_GREATEST 256u
#define COLUMN_LEAST 19u  /* a RowDescription column with an empty name */
#define MECHANISMS_MAX 16u

/* A cursor that remembers the name of the first field that did not fit. */
struct reader {
	struct base_cursor c;
	const char *field; /* shared: literal; NULL while all is well */
};

static struct reader
reader(struct base_span payload)
{
	return (struct reader){.c = base_cursor(payload), .field = NULL};
}

static void
reader_note(struct reader *r, const char *field)
{
	if (r->c.bad && r->field == NULL)
		r->field = field;
}

static void
reader_refuse(struct reader *r, const char *field)
{
	r->c.bad = true;
	reader_note(r, field);
}

static struct base_span
reader_cstr(struct reader *r, const char *field)
{
	struct base_span s = base_cursor_cstr(&r->c);

	reader_note(r, field);
	return s;
}

static struct base_span
reader_take(struct reader *r, size_t n, const char *field)
{
	struct base_span s = base_cursor_take(&r->c, n);

	reader_note(r, field);
	return s;
}

static uint8_t
reader_u8(struct reader *r, const char *field)
{
	uint8_t v = base_cursor_u8(&r->c);

	reader_note(r, field);
	return v;
}

static uint16_t
reader_u16(struct reader *r, const char *field)
{
	uint16_t v = base_cursor_u16(&r->c);

	reader_note(r, field);
	return v;
}

static uint32_t
reader_u32(struct reader *r, const char *field)
{
	uint32_t v = base_cursor_u32(&r->c);

	reader_note(r, field);
	return v;
}

/* What is left, all of it. */
static struct base_span
reader_rest(struct reader *r)
{
	return base_cursor_take(&r->c, r->c.left);
}

/* 0 when every field fitted and nothing is left over. */
static int
reader_end(const struct reader *r, const char *message, struct base_fail *fail)
{
	if (r->field != NULL)
		return base_fail_set(fail, GH_E_PARSE, "malformed %s message: %s", message, r->field);
	if (!base_cursor_done(&r->c))
		return base_fail_set(fail, GH_E_PARSE, "malformed %s message: %zu surplus bytes", message, r->c.left);
	return 0;
}

int
wire_read_startup_next(struct base_cursor *c, struct base_span *name_r, struct base_span *value_r, struct base_fail *fail)
{
	struct base_span name = base_cursor_cstr(c), value;

	if (!base_cursor_ok(c))
		return base_fail_set(fail, GH_E_PARSE, "malformed start-up packet: no terminator");
	if (name.n == 0) {
		if (c->left == 0)
			return 0;
		c->bad = true;
		return base_fail_set(fail, GH_E_PARSE, "malformed start-up packet: %zu bytes behind the terminator", c->left);
	}
	value = base_cursor_cstr(c);
	if (!base_cursor_ok(c))
		return base_fail_set(fail, GH_E_PARSE, "malformed start-up packet: parameter without a value");
	*name_r = name;
	*value_r = value;
	return 1;
}

int
wire_read_cancel(struct base_span packet, struct wire_cancel *r, struct base_fail *fail)
{
	struct reader in = reader(packet);
	struct wire_cancel v;
	int rc;

	if (reader_u32(&in, "length") != packet.n)
		reader_refuse(&in, "length");
	if (reader_u32(&in, "request code") != CANCEL_CODE)
		reader_refuse(&in, "request code");
	v.pid = reader_u32(&in, "process id");
	v.key = reader_rest(&in);
	if (v.key.n < KEY_LEAST || v.key.n > KEY_GREATEST)
		reader_refuse(&in, "key");
	rc = reader_end(&in, "CancelRequest", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_query(struct base_span payload, struct wire_query *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_query v = {.text = reader_cstr(&in, "text")};
	int rc = reader_end(&in, "Query", fail);

	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_parse(struct base_span payload, struct wire_parse *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_parse v;
	int rc;

	v.name = reader_cstr(&in, "statement name");
	v.text = reader_cstr(&in, "text");
	v.ntypes = reader_u16(&in, "number of parameter types");
	v.types = reader_take(&in, (size_t)v.ntypes * 4, "parameter types");
	rc = reader_end(&in, "Parse", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_bind(struct base_span payload, struct wire_bind *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct base_cursor walk;
	struct base_span value;
	struct wire_bind v;
	bool null;
	int rc;

	v.portal = reader_cstr(&in, "portal name");
	v.name = reader_cstr(&in, "statement name");
	v.nformats = reader_u16(&in, "number of parameter formats");
	v.formats = reader_take(&in, (size_t)v.nformats * 2, "parameter formats");
	v.nparams = reader_u16(&in, "number of parameters");
	walk = in.c; /* ahead over the values, then take that many bytes at once */
	for (unsigned i = 0; i < v.nparams && !in.c.bad; i++)
		if (wire_read_value_next(&walk, &value, &null) != 1)
			reader_refuse(&in, "parameter value");
	v.params = reader_take(&in, in.c.bad ? 0 : in.c.left - walk.left, "parameter value");
	v.nresults = reader_u16(&in, "number of result formats");
	v.results = reader_take(&in, (size_t)v.nresults * 2, "result formats");
	rc = reader_end(&in, "Bind", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_value_next(struct base_cursor *c, struct base_span *value_r, bool *null_r)
{
	struct base_span value = base_span(NULL, 0);
	int32_t len;

	if (c->bad)
		return GH_E_PARSE;
	if (c->left == 0)
		return 0;
	len = base_cursor_i32(c);
	if (len < -1)
		c->bad = true;
	else if (len >= 0)
		value = base_cursor_take(c, (size_t)len);
	if (c->bad)
		return GH_E_PARSE;
	*value_r = value;
	*null_r = len == -1;
	return 1;
}

int
wire_read_format(struct base_span formats, uint16_t nformats, unsigned i)
{
	struct base_cursor c = base_cursor(formats);
	uint16_t format;

	if (nformats == 0)
		return 0;
	if (nformats == 1)
		i = 0;
	else if (i >= nformats)
		return -1;
	(void)base_cursor_take(&c, (size_t)i * 2); /* the cursor latches when this fails */
	format = base_cursor_u16(&c);
	return base_cursor_ok(&c) && format <= 1 ? (int)format : -1;
}

int
wire_read_target(struct base_span payload, struct wire_target *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_target v;
	int rc;

	v.what = reader_u8(&in, "kind");
	if (v.what != 'S' && v.what != 'P')
		reader_refuse(&in, "kind is neither statement nor portal");
	v.name = reader_cstr(&in, "name");
	rc = reader_end(&in, "Describe or Close", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_execute(struct base_span payload, struct wire_execute *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_execute v;
	int rc;

	v.portal = reader_cstr(&in, "portal name");
	v.max_rows = reader_u32(&in, "row limit");
	rc = reader_end(&in, "Execute", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_row_description(struct base_cursor *c, uint16_t *count_r, struct base_fail *fail)
{
	uint16_t count = base_cursor_u16(c);

	if (!base_cursor_ok(c) || count > c->left / COLUMN_LEAST) {
		c->bad = true;
		return base_fail_set(fail, GH_E_PARSE, "malformed RowDescription message: number of columns");
	}
	*count_r = count;
	return 0;
}

int
wire_read_column(struct base_cursor *c, struct wire_column *r, struct base_fail *fail)
{
	struct wire_column v;

	v.name = base_cursor_cstr(c);
	v.table_oid = base_cursor_u32(c);
	v.attnum = base_cursor_i16(c);
	v.type_oid = base_cursor_u32(c);
	v.typlen = base_cursor_i16(c);
	v.typmod = base_cursor_i32(c);
	v.format = base_cursor_i16(c);
	if (!base_cursor_ok(c) || v.format < 0 || v.format > 1) {
		c->bad = true;
		return base_fail_set(fail, GH_E_PARSE, "malformed RowDescription message: column");
	}
	*r = v;
	return 0;
}

static bool
sqlstate_ok(struct base_span s)
{
	if (s.n != 5)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return false;
	return true;
}

int
wire_read_error(struct base_span payload, struct wire_error *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct base_span untranslated = base_span(NULL, 0);
	struct wire_error v = {.severity = base_span(NULL, 0)};
	uint8_t code;
	int rc;

	while ((code = reader_u8(&in, "terminator")) != 0) {
		struct base_span value = reader_cstr(&in, "field");
		struct base_span *to = code == 'S' ? &v.severity : code == 'V' ? &untranslated : code == 'C' ? &v.sqlstate
		    : code == 'M' ? &v.message : code == 'D' ? &v.detail : code == 'H' ? &v.hint : NULL;

		if (to != NULL && to->p == NULL)
			*to = value;
	}
	if (v.sqlstate.p != NULL && !sqlstate_ok(v.sqlstate))
		reader_refuse(&in, "sqlstate");
	rc = reader_end(&in, "ErrorResponse or NoticeResponse", fail);
	if (rc < 0)
		return rc;
	if (untranslated.p != NULL)
		v.severity = untranslated;
	*r = v;
	return 0;
}

int
wire_read_parameter_status(struct base_span payload, struct wire_status *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_status v;
	int rc;

	v.name = reader_cstr(&in, "name");
	v.value = reader_cstr(&in, "value");
	rc = reader_end(&in, "ParameterStatus", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_key_data(struct base_span payload, struct wire_key_data *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_key_data v;
	int rc;

	v.pid = reader_u32(&in, "process id");
	v.key = reader_rest(&in);
	if (v.key.n < KEY_LEAST || v.key.n > KEY_GREATEST)
		reader_refuse(&in, "key");
	rc = reader_end(&in, "BackendKeyData", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_auth(struct base_span payload, struct wire_auth *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_auth v;
	int rc;

	v.code = reader_u32(&in, "code");
	v.rest = reader_rest(&in);
	rc = reader_end(&in, "Authentication", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_mechanisms(struct base_span rest, struct wire_mechanisms *r, struct base_fail *fail)
{
	struct reader in = reader(rest);
	struct wire_mechanisms v = {false, false};
	struct base_span name;
	unsigned count = 0;
	int rc;

	while ((name = reader_cstr(&in, "mechanism name")).n != 0) {
		v.scram = v.scram || base_span_is(name, "SCRAM-SHA-256");
		v.scram_plus = v.scram_plus || base_span_is(name, "SCRAM-SHA-256-PLUS");
		if (++count > MECHANISMS_MAX)
			reader_refuse(&in, "too many mechanisms");
	}
	rc = reader_end(&in, "AuthenticationSASL", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

/* Cuts " 123" off the end of s; false (s untouched) when s does not end in a number behind a space. */
static bool
tag_number(struct base_span *s, uint64_t *number_r)
{
	size_t at = s->n;

	while (at > 0 && s->p[at - 1] != ' ')
		at--;
	if (at < 2 || base_num_u64(base_span(s->p + at, s->n - at), 0, UINT64_MAX, number_r) < 0)
		return false;
	s->n = at - 1;
	return true;
}

int
wire_read_tag(struct base_span payload, struct wire_tag *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_tag v = {.has_rows = false};
	uint64_t oid;
	int rc;

	v.text = reader_cstr(&in, "tag");
	rc = reader_end(&in, "CommandComplete", fail);
	if (rc < 0)
		return rc;
	v.words = v.text;
	v.has_rows = tag_number(&v.words, &v.rows);
	if (v.has_rows)
		(void)tag_number(&v.words, &oid); /* "INSERT oid rows": only INSERT has one; its value means nothing since 12 */
	*r = v;
	return 0;
}

int
wire_read_copy_response(struct base_span payload, struct wire_copy *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_copy v;
	int rc;

	v.overall = reader_u8(&in, "overall format");
	if (v.overall > 1)
		reader_refuse(&in, "overall format");
	v.ncols = reader_u16(&in, "number of columns");
	v.formats = reader_take(&in, (size_t)v.ncols * 2, "column formats");
	for (unsigned i = 0; i < v.ncols && !in.c.bad; i++)
		if (v.formats.p[2 * i] != 0 || v.formats.p[2 * i + 1] > 1)
			reader_refuse(&in, "column format");
	rc = reader_end(&in, "CopyResponse", fail);
	if (rc == 0)
		*r = v;
	return rc;
}

int
wire_read_function_call(struct base_span prefix, struct wire_function_call *r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(prefix);
	uint32_t oid = base_cursor_u32(&c);

	if (!base_cursor_ok(&c))
		return base_fail_set(fail, GH_E_PARSE, "malformed FunctionCall message: function id");
	r->oid = oid;
	return 0;
}

int
wire_read_sasl_initial(struct base_span payload, struct wire_sasl_initial *r, struct base_fail *fail)
{
	struct reader in = reader(payload);
	struct wire_sasl_initial v;
	uint32_t len;
	int rc;

	v.mechanism = reader_cstr(&in, "mechanism name");
	len = reader_u32(&in, "length of the response");
	v.data = len == UINT32_MAX ? base_span(NULL, 0) : reader_take(&in, len, "response");
	rc = reader_end(&in, "SASLInitialResponse", fail);
	if (rc == 0)
		*r = v;
	return rc;
}
