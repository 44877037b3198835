/* gate_row: incremental reader of row values. Input: hostile server. Pure: no I/O; bounded memory. */
#include "gate_row.h"

#include <stdlib.h>

#include "base_mem.h"

void
gate_tuples_reset(struct gate_tuples *t, size_t width)
{
	t->count = 0;
	t->rows = t->lost = 0;
	t->width = width;
}

void
gate_tuples_done(struct gate_tuples *t)
{
	free(t->mark);
	free(t->letter);
	*t = (struct gate_tuples){0};
}

bool
gate_tuples_add(struct gate_tuples *t, const uint64_t *tuple, char letter)
{
	size_t bytes = t->width * sizeof(uint64_t);
	uint64_t any = 0;

	t->rows++;
	for (size_t i = 0; i < t->width; i++)
		any |= tuple[i];
	if (any == 0)
		return true;
	if (t->count > 0 && memcmp(t->mark + (t->count - 1) * t->width, tuple, bytes) == 0)
		return true;
	if ((t->count + 1) * t->width > t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;
		while (cap < (t->count + 1) * t->width)
			cap *= 2;
		uint64_t *more = base_mem_grow(t->mark, cap, sizeof(*more));
		if (!more)
			return false;
		t->mark = more;
		t->cap = cap;
		if (t->letter) {
			char *letters = base_mem_grow(t->letter, cap, 1); /* as many as marks: tuples are no more */
			if (!letters)
				return false;
			t->letter = letters;
		}
	}
	if (letter && !t->letter)
		t->letter = base_mem_new(t->cap, 1);
	memcpy(t->mark + t->count * t->width, tuple, bytes);
	if (t->letter)
		t->letter[t->count] = letter ? letter : 'n';
	t->count++;
	return true;
}

uint64_t
gate_row_mark(const struct policy_column *c, uint32_t type, int format, struct base_span value, const struct mask_marker *m)
{
	uint8_t text[MASK_VALUE_MAX];
	size_t n = 0;

	if (mask_value_text(type, format, value, text, &n) < 0 || mask_value_normalise(c->norm, c->country, text, &n) < 0)
		return 0;
	return mask_marker_mark(m, c->kind, base_span(text, n));
}

void
gate_row_begin(struct gate_row *r)
{
	r->phase = GATE_ROW_COUNT;
	r->number_n = 0;
	r->field = 0;
	r->next = 0;
	r->lost = r->unread = false;
	memset(r->tuple, 0, sizeof(r->tuple));
}

/* Collects a big-endian number of `want` bytes over calls; false while bytes are missing. */
static bool
number(struct gate_row *r, struct base_cursor *c, uint8_t want, uint32_t *value_r)
{
	if (r->number_n == 0 && c->left >= want) { /* all there, as nearly always */
		*value_r = want == 2 ? base_cursor_u16(c) : base_cursor_u32(c);
		return true;
	}
	while (r->number_n < want && c->left > 0)
		r->number[r->number_n++] = base_cursor_u8(c);
	if (r->number_n < want)
		return false;
	r->number_n = 0;
	*value_r = want == 2 ? (uint32_t)(r->number[0] << 8 | r->number[1])
	                     : (uint32_t)r->number[0] << 24 | (uint32_t)r->number[1] << 16 | (uint32_t)r->number[2] << 8 | r->number[3];
	return true;
}

static bool
is_subject(const struct gate_row *r, const struct gate_plan *p)
{
	return r->next < p->nsubjects && p->subject[r->next].index == r->field;
}

void
gate_row_unreadable(struct gate_row *r, const struct policy_column *c)
{
	if (c->role == POLICY_IDENTIFIER)
		r->unread = true;
	else
		r->lost = true;
}

void
gate_row_settle(struct gate_row *r)
{
	uint64_t any = 0;

	for (size_t i = 0; i < GATE_SUBJECT_COLUMNS; i++)
		any |= r->tuple[i];
	if (r->unread && any == 0)
		r->lost = true;
}

static void
value_done(struct gate_row *r, const struct gate_plan *p, const struct mask_marker *m, struct base_span v, bool usable)
{
	if (is_subject(r, p)) {
		const struct gate_plan_column *pc = &p->subject[r->next];
		if (usable)
			r->tuple[r->next] = gate_row_mark(pc->column, pc->type, pc->format, v, m);
		if (r->tuple[r->next] == 0)
			gate_row_unreadable(r, pc->column);
		r->next++;
	}
	r->field++;
}

static void
length_done(struct gate_row *r, const struct gate_plan *p, uint32_t len)
{
	if (len == UINT32_MAX) { /* NULL: nobody's */
		if (is_subject(r, p))
			r->next++;
		r->field++;
	} else if (len > INT32_MAX) {
		r->phase = GATE_ROW_BROKEN;
	} else {
		r->value_left = len;
		r->value_n = 0;
		r->phase = GATE_ROW_VALUE;
	}
}

size_t
gate_row_feed(struct gate_row *r, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, bool stop_early)
{
	struct base_cursor c = base_cursor(s);
	uint32_t v;

	while (r->phase < GATE_ROW_DONE) {
		if (r->phase == GATE_ROW_COUNT) {
			if (!number(r, &c, 2, &v))
				break;
			r->fields = (uint16_t)v;
			r->phase = GATE_ROW_LENGTH;
		}
		if (r->phase == GATE_ROW_LENGTH) {
			if (r->field == r->fields || (stop_early && r->next == p->nsubjects)) {
				r->phase = GATE_ROW_DONE;
				gate_row_settle(r);
				break;
			}
			if (!number(r, &c, 4, &v))
				break;
			length_done(r, p, v);
			continue;
		}
		size_t n = r->value_left < c.left ? r->value_left : c.left;
		struct base_span piece = base_cursor_take(&c, n);
		bool whole = r->value_n == 0 && n == r->value_left;
		r->value_left -= (uint32_t)n;
		if (!whole && is_subject(r, p)) {
			size_t room = sizeof(r->value) - (r->value_n < sizeof(r->value) ? r->value_n : sizeof(r->value));
			memcpy(r->value + (sizeof(r->value) - room), piece.p, n < room ? n : room);
		}
		if (!whole)
			r->value_n += n;
		if (r->value_left > 0)
			break;
		if (whole)
			value_done(r, p, m, piece, true);
		else
			value_done(r, p, m, base_span(r->value, r->value_n < sizeof(r->value) ? r->value_n : sizeof(r->value)), r->value_n <= sizeof(r->value));
		r->phase = GATE_ROW_LENGTH;
	}
	return s.n - c.left;
}
