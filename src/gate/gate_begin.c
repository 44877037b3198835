/* gate_begin: decides at the head of an answer what must be recorded of it. Input: facts from the client's text (hostile, so they only
 * add to what the server's own origins say) and the server's RowDescription. Never lets a protected origin pass unrecorded: a
 * doubt is recorded as `subjects: unknown`.
 */
#include "gate_begin.h"

#include "base_log.h"
#include "base_time.h"
#include "gate_record.h"
#include "gate_track.h"
#include "gate_worker.h"
#include "wire_read.h"

#define FIRST_USER_OID 16384u /* FirstNormalObjectId: below are the server's own functions */

struct asked { /* what is being answered */
	struct gate_statement *statement; /* borrow; NULL for a simple query */
	struct gate_text *text;           /* borrow; NULL: not known */
	size_t k;
	const struct gate_portal *portal; /* borrow; NULL for a simple query */
	const struct gate_describe *describe;
	bool failed, copy;
};

/* The text under the newest policy. */
static struct gate_text *
fresh(struct gate_session *s, struct gate_text *t)
{
	if (t->world != s->worker->world && t->text.n > 0)
		return gate_text_get(s->worker->texts, s->worker->world, t->text);
	gate_text_ref(t);
	return t;
}

static bool
runs(const struct sql_statement *st)
{
	switch (st->class) {
	case SQL_PREPARE:
	case SQL_DECLARE:
	case SQL_DEALLOCATE:
	case SQL_CLOSE:
	case SQL_TRANSACTION:
	case SQL_SET:
	case SQL_SHOW: return false;
	case SQL_EXPLAIN: return st->analyze;
	default: return true; /* also DDL: a view that a session makes for itself is not in the catalogue that the policy was bound to */
	}
}

/* EXECUTE and FETCH: what stands behind the name. NULL: not a name, or not known. */
static struct gate_statement *
behind(struct gate_session *s, const struct sql_statement *st, const struct gate_portal **portal_r)
{
	char name[64];

	if ((st->class != SQL_EXECUTE && st->class != SQL_FETCH) || st->name.n >= sizeof(name))
		return NULL;
	memcpy(name, st->name.p, st->name.n);
	name[st->name.n] = '\0';
	if (st->class == SQL_EXECUTE)
		return gate_track_statement(&s->track, name);
	struct gate_portal *p = gate_track_portal(&s->track, name);
	*portal_r = p;
	return p ? p->statement : NULL;
}

/* Parameter `number` (from 1) of a Bind. */
static bool
bound_value(const struct gate_portal *p, uint32_t number, struct base_span *value_r, int *format_r)
{
	if (!p || !p->bind || number == 0)
		return false;
	struct base_cursor c = base_cursor(base_span(p->bind, p->bind_n));
	bool null = false;

	(void)base_cursor_cstr(&c); /* portal */
	(void)base_cursor_cstr(&c); /* statement */
	uint16_t nformats = base_cursor_u16(&c);
	struct base_span formats = base_cursor_take(&c, (size_t)nformats * 2);
	uint16_t nparams = base_cursor_u16(&c);
	if (!base_cursor_ok(&c) || number > nparams)
		return false;
	for (uint32_t i = 0; i < number; i++)
		if (wire_read_value_next(&c, value_r, &null) != 1) /* also where only the beginning was kept */
			return false;
	*format_r = wire_read_format(formats, nformats, number - 1);
	return !null && *format_r >= 0;
}

/* Marks of the subjects that the request names. values: the text whose literals count (EXECUTE's own for its arguments). */
static void
ask(struct gate_answer *a, const struct asked *h, const struct sql_statement *st, const struct gate_statement *prepared, const struct gate_portal *portal)
{
	const struct gate_text *literals = a->behind ? a->behind : a->text;

	for (size_t i = 0; a->touch && i < a->touch->nrequests && a->nasked < GATE_SUBJECT_COLUMNS; i++) {
		const struct gate_request *r = &a->touch->requests[i];
		struct base_span value = base_span(NULL, 0);
		uint32_t type = r->column->type_oid;
		int format = 0;
		if (!r->is_param) {
			if (r->number < literals->nvalues)
				value = literals->values[r->number].text;
		} else if (st->class == SQL_EXECUTE) {
			size_t arg = r->number >= 1 && r->number <= st->nargs ? st->args[r->number - 1] : SIZE_MAX;
			if (arg < a->text->nvalues)
				value = a->text->values[arg].text;
		} else if (bound_value(portal ? portal : h->portal, r->number, &value, &format)) {
			const struct gate_statement *owner = prepared ? prepared : h->statement;
			if (owner && r->number <= owner->ntypes && owner->types[r->number - 1] != 0)
				type = owner->types[r->number - 1];
		}
		uint64_t mark = value.n ? gate_row_mark(r->column, type, format, value, a->marker) : 0;
		if (mark) {
			a->asked[a->nasked] = mark;
			a->asked_kind[a->nasked++] = r->column->kind;
		}
	}
}

static void
make_plan(struct gate_answer *a, const struct asked *h)
{
	const struct policy_map *map = a->world->map;

	a->plan.touched = a->plan.more = false;
	a->plan.nsubjects = a->plan.nprotected = 0;
	if (!h->describe)
		return;
	if (!h->portal) {
		gate_plan_make(map, h->describe, base_span(NULL, 0), -1, &a->plan);
	} else {
		gate_plan_make(map, h->describe, h->portal->formats, (int)h->portal->nformats, &a->plan);
		if (!h->portal->formats_known && a->plan.nsubjects > 0) {
			a->plan.nsubjects = 0;
			a->why = "the request was too long to tell the answer's format";
		}
	}
	a->plan_known = true;
}

static void
make_copy(struct gate_answer *a, const struct sql_statement *st)
{
	uint16_t columns;

	a->copy = true;
	if (!st || st->class != SQL_COPY_TO || !a->touch || a->touch->nrelations == 0)
		return;
	if (gate_plan_copy(a->touch->relations[0], st->columns, st->ncolumns, st->format == SQL_COPY_BINARY, &a->plan, &columns) &&
	    a->plan.nsubjects > 0 && gate_copy_begin(&a->copying, st, columns))
		a->copy_known = a->plan_known = true;
	else
		a->plan.nsubjects = 0;
}

static int
begin(struct gate_session *s, const struct asked *h)
{
	struct gate_answer *a = &s->track.answer;
	const struct gate_portal *portal = NULL;
	struct gate_statement *prepared = NULL;

	gate_answer_clear(a);
	a->world = s->worker->world;
	gate_world_ref(a->world);
	if (h->text)
		a->text = fresh(s, h->text);
	a->k = h->k;
	const struct sql_statement *st = gate_text_statement(a->text, a->k);
	if (st && (prepared = behind(s, st, &portal)) != NULL) {
		a->behind = fresh(s, prepared->text);
		a->touch = gate_text_touch(a->behind, prepared->k);
	} else {
		a->touch = gate_text_touch(a->text, a->k);
	}
	make_plan(a, h);
	if (h->copy)
		make_copy(a, st);

	bool unknown = !st || ((st->class == SQL_EXECUTE || st->class == SQL_FETCH) && (!prepared || !a->touch));
	bool named = st && a->touch && runs(st) && (a->touch->nrelations > 0 || a->touch->unsure);
	a->touched = a->plan.touched || named || (unknown && !h->failed);
	if (h->failed && !a->touched) {
		gate_answer_clear(a);
		return 0;
	}
	a->begun = true;
	if (!a->touched)
		return 0;
	a->seq = ++s->track.seq;
	a->marker = gate_world_marker(a->world, base_time_wall_us());
	if (!a->marker) {
		base_log_error("there is no mark key for this year: answers that must be recorded are refused; run `gatehouse key add` and reload");
		gate_session_end(s, GATE_END_NOT_RECORDED, "58030", "tell the gate's operator", "the answer could not be recorded, so it is not given out: no mark key for this year");
		return -1;
	}
	if (unknown && !a->plan.touched)
		a->why = "the statement could not be analysed";
	else if (a->touch && a->touch->unsure && !a->plan.touched && a->touch->nrelations == 0)
		a->why = "it runs code that may read protected tables";
	gate_tuples_reset(&a->tuples, a->plan.nsubjects);
	ask(a, h, st, prepared, portal);
	return 0;
}

static void
from_pend(struct gate_session *s, const struct gate_pend *p, struct asked *h)
{
	if (p->kind == GATE_PEND_QUERY) {
		h->text = p->text;
		h->k = s->track.query_at;
		return;
	}
	h->portal = gate_track_portal(&s->track, p->name);
	h->statement = h->portal ? h->portal->statement : NULL;
	if (h->statement) {
		h->text = h->statement->text;
		h->k = h->statement->k;
		h->describe = h->statement->describe;
	}
}

int
gate_begin_query(struct gate_session *s, const struct gate_pend *p, const struct gate_describe *d)
{
	struct asked h = {0};

	from_pend(s, p, &h);
	h.describe = d;
	return begin(s, &h);
}

int
gate_begin_silent(struct gate_session *s, const struct gate_pend *p)
{
	struct asked h = {0};

	from_pend(s, p, &h);
	return begin(s, &h);
}

int
gate_begin_failed(struct gate_session *s, const struct gate_pend *p)
{
	struct asked h = {.failed = true};

	from_pend(s, p, &h);
	return begin(s, &h);
}

int
gate_begin_copy(struct gate_session *s, const struct gate_pend *p)
{
	struct asked h = {0};

	from_pend(s, p, &h);
	h.describe = NULL;
	h.copy = true;
	return begin(s, &h);
}

int
gate_begin_function(struct gate_session *s, const struct gate_pend *p)
{
	struct gate_answer *a = &s->track.answer;

	if (p->function < FIRST_USER_OID)
		return 0; /* large objects and other functions of the server's own */
	struct asked h = {0};
	if (begin(s, &h) < 0)
		return -1;
	a->why = "it runs code that may read protected tables";
	if (s->scan < s->open_at)
		s->open_at = s->scan;
	gate_record_part(s, true);
	gate_answer_clear(a);
	return s->state == GATE_RELAY ? 0 : -1;
}
