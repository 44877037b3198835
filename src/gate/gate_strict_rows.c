/* gate_strict_rows: rows of an enforced session: whose they are (marks), what of them may be seen (masks), how many (limits), and the forms in which the gate
 * gives them out (rows, COPY). Input: hostile server. A row goes into `down` only together with the hold of its record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_strict_int.h"
#include "gate_track.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

/* ---- RowDescription ---- */

static void
write_column(struct base_buf *out, const struct wire_column *c, int format)
{
	base_buf_put(out, base_span(c->name.p, c->name.n + 1)); /* NUL-terminated in place */
	base_buf_u32(out, c->table_oid);
	base_buf_u16(out, (uint16_t)c->attnum);
	base_buf_u32(out, c->type_oid);
	base_buf_u16(out, (uint16_t)c->typlen);
	base_buf_u32(out, (uint32_t)c->typmod);
	base_buf_u16(out, (uint16_t)format);
}

void
strict_write_row_description(struct base_buf *out, const struct gate_judged *j, struct base_span formats, int nformats)
{
	struct base_cursor c = base_cursor(j->row);
	struct wire_column col;
	struct base_fail fail;
	uint16_t count;
	size_t at = base_buf_len(out);

	if (wire_read_row_description(&c, &count, &fail) < 0)
		return; /* decide() has compared its count; a broken one never comes here */
	base_buf_u8(out, WIRE_B_ROW_DESCRIPTION);
	base_buf_u32(out, 0);
	base_buf_u16(out, j->ncolumns);
	for (uint16_t i = 0; i < j->ncolumns && wire_read_column(&c, &col, &fail) == GH_OK; i++) {
		int format = wire_read_format(formats, (uint16_t)nformats, i);
		write_column(out, &col, format < 0 ? 0 : format);
	}
	if (!out->bad)
		base_buf_set_u32(out, at + 1, (uint32_t)(base_buf_len(out) - at - 1));
}

/* ---- masks ---- */

static int
column_format(const struct strict_owed *o, uint16_t i)
{
	if (o->utility)
		return 0;
	if (o->portal->nformats > 1 && i >= o->portal->judged->ncolumns)
		return 0; /* a key of the gate's own was asked for in text */
	int f = wire_read_format(o->portal->formats, o->portal->nformats, i);
	return f < 0 ? 0 : f;
}

/* How HASH and TOKEN are kept apart, and how the value is normalised before. */
static int
make_mask(struct gate_session *s, struct gate_judged *j, uint16_t i, int format)
{
	const struct policy_result_column *c = &j->decision->columns[i];
	if (c->occurrence == SIZE_MAX) /* of an approved statement: computed from what is hidden, masked or not; so all of it is hidden */
		return mask_column_new(&(struct policy_mask){.kind = POLICY_MASK_HIDE}, c->type_oid, format, NULL, base_span("", 0), base_span("", 0), POLICY_NORM_TEXT, base_span("", 0), &j->mask[format][i]);
	const struct policy_scope_relation *r = j->decision->occurrences[c->occurrence].relation;
	const struct policy_column *pc = policy_map_column(j->world->map, r->oid, c->attnum);
	const struct policy_scope_column *sc = policy_scope_column(r, c->attnum);
	struct base_span employer = base_span_str(s->strict->self->who->employer); /* the one in j's cache key */
	char name[256];
	struct base_span kind;

	if (pc && pc->role != POLICY_DATA) {
		kind = policy_map_kind(j->world->map, pc->kind);
	} else {
		(void)snprintf(name, sizeof(name), "%.*s.%.*s", (int)r->full_name.n, (const char *)r->full_name.p, (int)(sc ? sc->name.n : 0), sc ? (const char *)sc->name.p : "");
		kind = base_span_str(name);
	}
	return mask_column_new(&c->mask, c->type_oid, format, j->world->secret, employer, kind, pc && pc->role != POLICY_DATA ? pc->norm : POLICY_NORM_TEXT,
	                       pc ? pc->country : base_span("", 0), &j->mask[format][i]);
}

/* Masks of every column in the formats of this portal. False: the session has ended. */
static bool
make_masks(struct gate_session *s, const struct strict_owed *o)
{
	struct gate_judged *j = o->portal->judged;

	for (uint16_t i = 0; i < j->ncolumns; i++) {
		int f = column_format(o, i);
		if (j->decision->columns[i].mask.kind == POLICY_MASK_NONE)
			continue;
		if (!j->mask[f])
			j->mask[f] = base_mem_new((size_t)j->ncolumns + 1, sizeof(struct mask_column *));
		if (!j->mask[f][i] && make_mask(s, j, i, f) < 0) {
			gate_session_end(s, GATE_END_NOT_RECORDED, "58030", "tell the gate's operator", "a mask of this answer cannot be made: is there a mask key?");
			return false;
		}
	}
	return true;
}

/* ---- the record ---- */

static void
rows_begin(struct gate_session *s, struct strict_owed *o)
{
	struct gate_answer *a = &s->track.answer;
	struct strict_portal *p = o->portal;

	o->begun = true;
	gate_answer_clear(a);
	if (o->utility || !p || !p->judged)
		return;
	struct gate_judged *j = p->judged;
	if (j->decision->masks && !make_masks(s, o))
		return;
	if (!j->decision->touches_subjects)
		return;
	a->begun = a->touched = a->plan_known = true;
	a->world = j->world;
	gate_world_ref(a->world);
	if (!j->about)
		j->about = gate_text_get(s->worker->texts, j->world, j->text);
	a->text = j->about;
	gate_text_ref(a->text);
	a->touch = &j->touch;
	a->masked = j->decision;
	a->plan = j->plan;
	for (size_t i = 0; i < a->plan.nsubjects; i++)
		a->plan.subject[i].format = (int16_t)column_format(o, a->plan.subject[i].index);
	a->seq = ++s->track.seq;
	a->marker = gate_world_marker(a->world, base_time_wall_us());
	if (!a->marker) {
		base_log_error("there is no mark key for this year: answers that must be recorded are refused; run `gatehouse key add` and reload");
		gate_session_end(s, GATE_END_NOT_RECORDED, "58030", "tell the gate's operator", "the answer could not be recorded, so it is not given out: no mark key for this year");
		return;
	}
	gate_tuples_reset(&a->tuples, a->plan.nsubjects);
	a->nasked = p->nasked;
	memcpy(a->asked, p->asked, sizeof(a->asked));
	memcpy(a->asked_kind, p->asked_kind, sizeof(a->asked_kind));
	a->probe = p->looks_up;
	a->purpose = strict_purpose(p);
	a->case_number = strict_case(p);
	a->lettered = j->scope->counts;
}

static void
open_here(struct gate_session *s)
{
	uint64_t here = s->down_base + base_buf_len(&s->down);

	if (here < s->open_at)
		s->open_at = here;
}

void
strict_rows_part(struct gate_session *s)
{
	struct gate_answer *a = &s->track.answer;

	/* While one entry is on its way, rows are collected for the next: it is made when the receipt comes, at the answer's end, or when it is full. */
	if (a->begun && a->touched && a->tuples.rows > 0 && s->nholds == 0) {
		gate_session_say(s);
		gate_record_part(s, false);
	}
}

void
gate_strict_released(struct gate_session *s)
{
	strict_rows_part(s);
}

/* ---- forms ---- */

static void
copy_text_value(struct base_buf *out, struct base_span v, const struct sql_copy *c)
{
	static const char from[] = "\b\f\n\r\t\v\\", to[] = "bfnrtv\\";

	for (size_t i = 0; i < v.n; i++) {
		const char *f = v.p[i] ? strchr(from, v.p[i]) : NULL;
		if (f) {
			base_buf_u8(out, '\\');
			base_buf_u8(out, (uint8_t)to[f - from]);
		} else {
			if (v.p[i] == (uint8_t)c->delimiter)
				base_buf_u8(out, '\\');
			base_buf_u8(out, v.p[i]);
		}
	}
}

static void
copy_csv_value(struct base_buf *out, struct base_span v, const struct sql_copy *c, bool single)
{
	bool quote = base_span_eq(v, c->null_text) || (single && base_span_is(v, "\\."));

	for (size_t i = 0; i < v.n && !quote; i++)
		quote = v.p[i] == (uint8_t)c->delimiter || v.p[i] == (uint8_t)c->quote || v.p[i] == '\n' || v.p[i] == '\r';
	if (!quote) {
		base_buf_put(out, v);
		return;
	}
	base_buf_u8(out, (uint8_t)c->quote);
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == (uint8_t)c->quote || v.p[i] == (uint8_t)c->escape)
			base_buf_u8(out, (uint8_t)c->escape);
		base_buf_u8(out, v.p[i]);
	}
	base_buf_u8(out, (uint8_t)c->quote);
}

/* One row as CopyData, made from the DataRow that the client would have got (behind `at` in down: header, count, fields). */
static void
as_copy(struct gate_session *s, const struct strict_owed *o, size_t at)
{
	struct base_buf row;
	struct base_span whole = base_buf_span(&s->down);
	bool null;
	struct base_span v;

	base_buf_init(&row, GATE_STRICT_MESSAGE);
	base_buf_put(&row, base_span(whole.p + at + WIRE_HEADER, whole.n - at - WIRE_HEADER));
	s->down.end = s->down.start + at; /* takes the DataRow back */
	base_buf_u8(&s->down, WIRE_B_COPY_DATA);
	base_buf_u32(&s->down, 0);
	struct base_cursor c = base_cursor(base_buf_span(&row));
	if (o->copy.format == SQL_C_COPY_BINARY) {
		base_buf_put(&s->down, base_buf_span(&row)); /* the same form: count, then lengths and bytes */
	} else {
		uint16_t n = base_cursor_u16(&c);
		for (uint16_t i = 0; i < n && wire_read_value_next(&c, &v, &null) == 1; i++) {
			if (i > 0)
				base_buf_u8(&s->down, (uint8_t)o->copy.delimiter);
			if (null)
				base_buf_put(&s->down, o->copy.null_text);
			else if (o->copy.format == SQL_C_COPY_CSV)
				copy_csv_value(&s->down, v, &o->copy, n == 1);
			else
				copy_text_value(&s->down, v, &o->copy);
		}
		base_buf_u8(&s->down, '\n');
	}
	if (!s->down.bad)
		base_buf_set_u32(&s->down, at + 1, (uint32_t)(base_buf_len(&s->down) - at - 1));
	base_buf_done(&row);
}

static void
copy_message(struct gate_session *s, struct base_span bytes)
{
	wire_write_message(&s->down, WIRE_B_COPY_DATA, bytes);
}

static void
copy_head(struct gate_session *s, const struct strict_owed *o)
{
	static const uint8_t binary[19] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};
	const struct gate_judged *j = o->portal->judged;
	bool bin = o->copy.format == SQL_C_COPY_BINARY;
	struct base_cursor c = base_cursor(j->row);
	struct wire_column col;
	struct base_fail fail;
	uint16_t n = 0;

	base_buf_u8(&s->down, WIRE_B_COPY_OUT_RESPONSE);
	base_buf_u32(&s->down, 4u + 3u + 2u * j->ncolumns);
	base_buf_u8(&s->down, bin);
	base_buf_u16(&s->down, j->ncolumns);
	for (uint16_t i = 0; i < j->ncolumns; i++)
		base_buf_u16(&s->down, bin);
	if (bin) {
		copy_message(s, base_span(binary, sizeof(binary)));
	} else if (o->copy.header && wire_read_row_description(&c, &n, &fail) == GH_OK) {
		struct base_buf line;
		base_buf_init(&line, 1u << 20);
		for (uint16_t i = 0; i < j->ncolumns && wire_read_column(&c, &col, &fail) == GH_OK; i++) {
			if (i > 0)
				base_buf_u8(&line, (uint8_t)o->copy.delimiter);
			if (o->copy.format == SQL_C_COPY_CSV)
				copy_csv_value(&line, col.name, &o->copy, j->ncolumns == 1);
			else
				copy_text_value(&line, col.name, &o->copy);
		}
		base_buf_u8(&line, '\n');
		copy_message(s, base_buf_span(&line));
		base_buf_done(&line);
	}
}

void
strict_rows_head(struct gate_session *s, struct strict_owed *o)
{
	if (!o->begun)
		rows_begin(s, o);
	if (s->state != GATE_RELAY || o->headed)
		return;
	o->headed = true;
	if (o->form == STRICT_COPY)
		copy_head(s, o);
	else if (o->describe && o->utility)
		base_buf_put(&s->down, o->bytes);
	else if (o->describe && o->portal->judged)
		strict_write_row_description(&s->down, o->portal->judged, o->portal->formats, o->portal->nformats);
}

/* ---- rows ---- */

/* Without its length: that of what was masked away could be counted back from it. */
void
strict_too_long(struct gate_session *s)
{
	gate_session_end(s, GATE_END_SERVER_PROTOCOL, "54000", "select less in one row", "a message is longer than an enforced session may receive");
}

/* Does the column go out as NULL in this row, because no case explains why its person is looked at? What is computed may hold anybody's. */
static bool
hidden(const struct gate_judged *j, uint16_t i, uint64_t hide)
{
	const struct policy_result_column *c = &j->decision->columns[i];

	if (hide == 0 || c->occurrence == SIZE_MAX)
		return hide != 0;
	return c->counted && c->occurrence < 64 && (hide >> c->occurrence & 1);
}

/* The row as the client may see it: masked, without the gate's keys. */
static bool
write_row(struct gate_session *s, const struct strict_owed *o, struct base_span payload, uint64_t hide)
{
	const struct gate_judged *j = o->utility ? NULL : o->portal->judged;
	struct base_buf *out = &s->down;
	size_t at = base_buf_len(out);
	struct base_cursor c = base_cursor(payload);
	struct base_span v;
	bool null;

	if (!j || (!j->decision->masks && j->nhidden == 0 && hide == 0)) {
		wire_write_message(out, WIRE_B_DATA_ROW, payload);
		return true;
	}
	if (base_cursor_u16(&c) != j->ncolumns + j->nhidden)
		return false;
	base_buf_u8(out, WIRE_B_DATA_ROW);
	base_buf_u32(out, 0);
	base_buf_u16(out, j->ncolumns);
	const uint8_t *clear = c.p; /* values that go out as they are, since the last masked one */
	for (uint16_t i = 0; i < j->ncolumns; i++) {
		const uint8_t *from = c.p;
		if (wire_read_value_next(&c, &v, &null) != 1)
			return false;
		bool out_null = hidden(j, i, hide);
		if (j->decision->columns[i].mask.kind == POLICY_MASK_NONE && !out_null)
			continue;
		base_buf_put(out, base_span(clear, (size_t)(from - clear)));
		if (out_null)
			base_buf_u32(out, UINT32_MAX);
		else
			mask_apply(j->mask[column_format(o, i)][i], null ? base_span(NULL, 0) : v, out);
		clear = c.p;
	}
	base_buf_put(out, base_span(clear, (size_t)(c.p - clear)));
	if (!out->bad)
		base_buf_set_u32(out, at + 1, (uint32_t)(base_buf_len(out) - at - 1));
	return true;
}

/* Whose the row is, and may it go out? False: the session has ended, or the answer is cut. */
static bool
mark_row(struct gate_session *s, struct strict_owed *o, struct base_span payload, uint64_t *hide_r)
{
	struct gate_answer *a = &s->track.answer;
	bool read = false, again;

	*hide_r = 0;
	if (a->plan.nsubjects == 0) {
		a->tuples.rows++;
		return true;
	}
	gate_row_begin(&a->row);
	(void)gate_row_feed(&a->row, &a->plan, a->marker, payload, true);
	read = a->row.phase == GATE_ROW_DONE && a->row.next == a->plan.nsubjects;
	again = read && a->tuples.count > 0 && a->last_hide == 0 && memcmp(a->tuples.mark + (a->tuples.count - 1) * a->tuples.width, a->row.tuple, a->tuples.width * sizeof(uint64_t)) == 0;
	struct charged c = {.letter = 0};
	if (!again)
		c = strict_charge_row(s, o, payload, a->row.tuple, !read || a->row.lost);
	if (c.error.p) {
		char sqlstate[6] = "42501";
		struct wire_error e;
		struct base_fail fail;
		if (c.error.n > WIRE_HEADER && wire_read_error(base_span(c.error.p + WIRE_HEADER, c.error.n - WIRE_HEADER), &e, &fail) == GH_OK && e.sqlstate.n == 5)
			memcpy(sqlstate, e.sqlstate.p, 5);
		strict_rows_failed(s, o, sqlstate);
		if (s->state == GATE_RELAY)
			strict_cut(s, c.error, c.soft);
		else
			free((void *)(uintptr_t)c.error.p);
		return false;
	}
	*hide_r = a->last_hide = c.hide;
	if (!read) {
		a->tuples.rows++;
		a->tuples.lost++;
		return true;
	}
	a->tuples.lost += a->row.lost;
	if (!gate_tuples_add(&a->tuples, a->row.tuple, c.letter)) {
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the record of the answer");
		return false;
	}
	return true;
}

void
strict_row(struct gate_session *s, struct strict_owed *o, struct base_span payload)
{
	struct gate_answer *a = &s->track.answer;
	uint64_t hide = 0;

	if (o->quiet)
		return;
	strict_rows_head(s, o);
	if (s->state != GATE_RELAY)
		return;
	if (o->portal && o->portal->rows >= o->limit) {
		const struct policy_where *w = &o->portal->judged->scope->limit;
		uint64_t limit = o->portal->judged->scope->limit_rows;
		strict_rows_failed(s, o, "54000");
		if (s->state != GATE_RELAY)
			return;
		strict_refused(s, o->portal->judged->text, "more rows than the limit", w);
		strict_cut(s, strict_error("54000", "narrow the search, or ask with LIMIT", "the answer has more than %" PRIu64 " rows, which is as many as one statement may show (rule %s:%u)", limit, strict_rule_file(w), w->line), false);
		return;
	}
	if (o->form == STRICT_MOVE) {
		o->rows++;
		o->portal->rows++;
		return;
	}
	if (a->touched) {
		open_here(s);
		if (!mark_row(s, o, payload, &hide))
			return;
	}
	o->rows++;
	if (o->portal)
		o->portal->rows++;
	size_t at = base_buf_len(&s->down);
	if (!write_row(s, o, payload, hide)) {
		s->down.end = s->down.start + at; /* no half row in front of the error */
		strict_protocol(s, "a row does not fit its description");
		return;
	}
	if (base_buf_len(&s->down) - at > GATE_STRICT_MESSAGE) {
		s->down.end = s->down.start + at;
		strict_too_long(s);
		return;
	}
	if (o->form == STRICT_COPY)
		as_copy(s, o, at);
	if (a->touched && a->tuples.width > 0 && a->tuples.count >= GATE_RECORD_MARKS / a->tuples.width) {
		gate_session_say(s);
		gate_record_part(s, false);
	}
}

/* ---- the end ---- */

static void
say_end(struct gate_session *s, const struct strict_owed *o, uint8_t type, struct base_span payload)
{
	char tag[64];

	if (o->form == STRICT_COPY) {
		static const uint8_t trailer[2] = {0xff, 0xff};
		if (o->copy.format == SQL_C_COPY_BINARY)
			copy_message(s, base_span(trailer, sizeof(trailer)));
		wire_write_message(&s->down, WIRE_B_COPY_DONE, base_span("", 0));
	}
	if (o->tag) {
		(void)snprintf(tag, sizeof(tag), o->plain_tag ? "%s" : "%s %" PRIu64, o->tag, o->rows);
		wire_write_message(&s->down, WIRE_B_COMMAND_COMPLETE, base_span(tag, strlen(tag) + 1));
	} else {
		wire_write_message(&s->down, type, payload);
	}
}

/* By its command; another may begin in the same batch, or has (AND CHAIN). */
static void
transaction_ended(struct gate_session *s, bool committed, bool chains)
{
	strict_self_ended(s, committed);
	strict_forget_portals(s);
	s->strict->undone = s->strict->began = false;
	s->strict->status = chains ? 'T' : 'I';
}

void
strict_rows_end(struct gate_session *s, struct strict_owed *o, uint8_t type, struct base_span payload)
{
	struct gate_answer *a = &s->track.answer;
	struct wire_tag tag = {0};
	struct base_fail fail;

	if (type == WIRE_B_COMMAND_COMPLETE && wire_read_tag(payload, &tag, &fail) < 0) {
		strict_protocol(s, fail.text);
		return;
	}
	if (o->quiet) {
		strict_pop(s->strict, s);
		return;
	}
	if (o->ends_transaction)
		transaction_ended(s, payload.n > 6 && memcmp(payload.p, "COMMIT", 6) == 0, o->chains);
	else if (o->point != POINT_NONE)
		strict_self_point(s, o->point, o->point_name);
	strict_rows_head(s, o);
	if (s->state != GATE_RELAY)
		return;
	if (a->touched) {
		if (a->parts == 0 && a->tuples.rows == 0 && tag.has_rows && a->touch && a->touch->written)
			a->tuples.rows = tag.rows; /* a write without RETURNING: the tag counts */
		open_here(s);
		say_end(s, o, type, payload);
		gate_session_say(s);
		gate_record_part(s, type != WIRE_B_PORTAL_SUSPENDED);
		if (s->state != GATE_RELAY)
			return;
	} else {
		say_end(s, o, type, payload);
	}
	if (o->portal && type != WIRE_B_PORTAL_SUSPENDED)
		o->portal->ended = true;
	gate_worker_count(s->worker, PROC_COUNT_statements_total, 1);
	gate_answer_clear(a);
	strict_verdicts_clear(s);
	strict_pop(s->strict, s);
}

void
strict_rows_failed(struct gate_session *s, struct strict_owed *o, const char *sqlstate)
{
	struct gate_answer *a = &s->track.answer;

	if (!o->begun)
		rows_begin(s, o);
	if (s->state == GATE_RELAY && a->touched) {
		(void)snprintf(s->sqlstate, sizeof(s->sqlstate), "%s", sqlstate);
		open_here(s);
		gate_session_say(s);
		gate_record_part(s, true);
		s->sqlstate[0] = '\0';
	}
	gate_answer_clear(a);
	strict_verdicts_clear(s);
}

void
strict_rows_lost(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	for (size_t i = 0; i < t->owed_count; i++) {
		struct strict_owed *o = &t->owed[(t->owed_first + i) & (t->owed_cap - 1)];
		if (o->kind != OWED_EXECUTE || o->begun || o->utility || !o->portal->looks_up)
			continue;
		rows_begin(s, o);
		if (s->track.answer.touched)
			gate_record_unanswered(s);
		gate_answer_clear(&s->track.answer);
	}
}
