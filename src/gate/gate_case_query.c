/* gate_case_query: the text of what is asked of the table of cases, and its rows as tickets. Input: a checked policy's names (still quoted, each), its `open where`
 * (checked to be one condition over a row), and rows of a table that many people write to. No I/O.
 *
 * Every name is quoted and schema-qualified, operators too, so that nothing in the database can stand in for what is meant. The table has no alias, so that a
 * condition may name its columns by it. The key is cast to the column's type, not the column to text: only so is an index on the column used.
 * The open ones come first in the order of what is kept of a subject: they explain most, and a planner that saw nothing but ORDER BY opened LIMIT n might walk the
 * whole table by an index on that column.
 */
#include "gate_case_int.h"

#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"
#include "sql_command.h"

static void
put_table(const struct policy_case_from *f, struct base_buf *out)
{
	sql_quote_identifier(f->table.schema.n > 0 ? f->table.schema : base_span_str("public"), out);
	base_buf_u8(out, '.');
	sql_quote_identifier(f->table.table, out);
}

static void
put_column(const struct policy_case_from *f, struct base_span column, struct base_buf *out)
{
	sql_quote_identifier(f->table.table, out);
	base_buf_u8(out, '.');
	sql_quote_identifier(column, out);
}

static void
put_text(const struct policy_case_from *f, struct base_span column, const char *name, struct base_buf *out)
{
	if (column.n > 0)
		put_column(f, column, out);
	else
		base_buf_str(out, "NULL");
	base_buf_fmt(out, "::pg_catalog.text AS %s, ", name);
}

/* Infinity is no time: what is closed then is open. A timestamp without time zone is one of the server's zone. */
static void
put_time(const struct policy_case_from *f, struct base_span column, const char *name, struct base_buf *out)
{
	if (column.n == 0) {
		base_buf_fmt(out, "NULL::pg_catalog.int8 AS %s", name);
		return;
	}
	base_buf_str(out, "CASE WHEN pg_catalog.isfinite(");
	put_column(f, column, out);
	base_buf_str(out, ") THEN (EXTRACT(epoch FROM ");
	put_column(f, column, out);
	base_buf_fmt(out, "::pg_catalog.timestamptz) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8 END AS %s", name);
}

static void
put_open(const struct policy_case_from *f, struct base_buf *out)
{
	if (f->open_where.n > 0) {
		base_buf_str(out, "((");
		base_buf_put(out, f->open_where);
		base_buf_str(out, "\n) IS TRUE)"); /* a line of its own: whatever ends the condition's line ends there */
	} else if (f->closed.n > 0) {
		base_buf_str(out, "(");
		put_column(f, f->closed, out);
		base_buf_str(out, " IS NULL OR NOT pg_catalog.isfinite(");
		put_column(f, f->closed, out);
		base_buf_str(out, "))");
	} else {
		base_buf_str(out, "true");
	}
}

static void
put_type(const struct gate_case_type *type, struct base_buf *out)
{
	sql_quote_identifier(base_span_str(type->schema), out);
	base_buf_u8(out, '.');
	sql_quote_identifier(base_span_str(type->name), out);
}

void
gate_case_query_ask(const struct policy_case_from *f, const struct gate_case_type *type, struct base_buf *out)
{
	base_buf_str(out, "SELECT gatehouse_k.gatehouse_n, gatehouse_t.* FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS gatehouse_k(gatehouse_v, gatehouse_n) "
	                  "CROSS JOIN LATERAL (SELECT ");
	put_text(f, f->number, "gatehouse_number", out);
	put_text(f, f->person, "gatehouse_person", out);
	put_text(f, f->opener, "gatehouse_opener", out);
	put_text(f, f->team, "gatehouse_team", out);
	put_open(f, out);
	base_buf_str(out, " AS gatehouse_open, ");
	put_time(f, f->opened, "gatehouse_opened", out);
	base_buf_str(out, ", ");
	put_time(f, f->closed, "gatehouse_closed", out);
	base_buf_str(out, " FROM ");
	put_table(f, out);
	base_buf_str(out, " WHERE ");
	put_column(f, f->subject, out);
	base_buf_str(out, " OPERATOR(");
	sql_quote_identifier(base_span_str(type->schema), out);
	base_buf_str(out, ".=) gatehouse_k.gatehouse_v::");
	put_type(type, out);
	base_buf_fmt(out, " ORDER BY 5 DESC, 6 DESC NULLS LAST LIMIT %u) AS gatehouse_t", GATE_CASE_TICKETS);
}

void
gate_case_query_cast(const struct gate_case_type *type, struct base_buf *out)
{
	base_buf_str(out, "SELECT ($1::pg_catalog.text)::");
	put_type(type, out);
	base_buf_str(out, " IS NULL");
}

void
gate_case_query_scan(const struct policy_case_from *f, uint64_t since_us, struct base_buf *out)
{
	base_buf_str(out, "DECLARE gatehouse_scan NO SCROLL CURSOR FOR SELECT ");
	put_column(f, f->subject, out);
	base_buf_str(out, "::pg_catalog.text FROM ");
	put_table(f, out);
	base_buf_str(out, " WHERE ");
	put_column(f, f->subject, out);
	base_buf_str(out, " IS NOT NULL AND ");
	if (f->opened.n > 0) {
		put_column(f, f->opened, out);
		base_buf_fmt(out, " OPERATOR(pg_catalog.>=) pg_catalog.to_timestamp(%llu.%06u)", (unsigned long long)(since_us / 1000000), (unsigned)(since_us % 1000000));
	} else {
		put_open(f, out);
	}
	base_buf_fmt(out, " LIMIT %u", GATE_CASE_SCAN_MAX);
}

void
gate_case_query_array(const char *const *key, size_t n, struct base_buf *out)
{
	base_buf_u8(out, '{');
	for (size_t i = 0; i < n; i++) {
		base_buf_str(out, i ? ",\"" : "\"");
		for (const char *p = key[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				base_buf_u8(out, '\\');
			base_buf_u8(out, (uint8_t)*p);
		}
		base_buf_u8(out, '"');
	}
	base_buf_u8(out, '}');
}

/* A time before 1970 is as good as 1970. */
static bool
time_of(struct base_span s, uint64_t *us_r)
{
	int64_t v;

	if (!s.p || base_num_i64(s, INT64_MIN, INT64_MAX, &v) < 0)
		return false;
	*us_r = v > 0 ? (uint64_t)v : 0;
	return true;
}

static size_t
field_size(struct base_span s)
{
	return s.p && s.n <= GATE_CASE_FIELD ? s.n : 0;
}

static struct base_span
field(struct base_span s, uint8_t **at)
{
	size_t n = field_size(s);
	struct base_span copy = base_span(*at, n);

	if (n > 0)
		memcpy(*at, s.p, n);
	*at += n;
	return copy;
}

struct gate_case_tickets *
gate_case_query_tickets(const struct gate_case_row *rows, size_t n, uint64_t at_us)
{
	size_t head, text = 0;

	n = n < GATE_CASE_TICKETS ? n : GATE_CASE_TICKETS;
	for (size_t i = 0; i < n; i++)
		for (size_t k = GATE_CASE_R_NUMBER; k <= GATE_CASE_R_TEAM; k++)
			text += field_size(rows[i].value[k]); /* at most 64 * 4 * 255 */
	head = sizeof(struct gate_case_tickets) + n * sizeof(struct policy_ticket);
	struct gate_case_tickets *t = base_mem_try(1, head + text);
	if (!t)
		return NULL;
	uint8_t *at = (uint8_t *)t + head;
	t->at_us = at_us;
	t->bytes = head + text;
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct base_span *v = rows[i].value;
		struct policy_ticket *k = &t->ticket[i];
		k->number = field(v[GATE_CASE_R_NUMBER], &at);
		k->person = field(v[GATE_CASE_R_PERSON], &at);
		k->opener = field(v[GATE_CASE_R_OPENER], &at);
		k->team = field(v[GATE_CASE_R_TEAM], &at);
		k->open = v[GATE_CASE_R_OPEN].p && base_span_is(v[GATE_CASE_R_OPEN], "t");
		k->has_opened = time_of(v[GATE_CASE_R_OPENED], &k->opened_us);
		k->has_closed = time_of(v[GATE_CASE_R_CLOSED], &k->closed_us);
	}
	return t;
}

void
gate_case_tickets_free(void *tickets)
{
	struct gate_case_tickets *t = tickets;

	if (t && t->total)
		*t->total -= t->bytes;
	free(t);
}
