/* gate_copy: incremental reader of COPY output. Input: hostile server. Pure: no I/O; keeps one value at most.
 * What COPY TO writes, and so what is read: text: fields by delimiter, \b \f \n \r \t \v, \\ and \<delimiter>, \N or the NULL text
 * unescaped; CSV: quoted fields with quote doubled by the escape character, NULL text only unquoted; binary: 11-byte signature,
 * flags, extension, tuples, -1.
 */
#include "gate_copy.h"

bool
gate_copy_begin(struct gate_copy *c, const struct sql_statement *s, uint16_t columns)
{
	*c = (struct gate_copy){.format = (int)s->format, .delimiter = s->delimiter, .quote = s->quote, .escape = s->escape,
	                        .skip_header = s->header, .columns = columns};
	if (s->null_text.n > sizeof(c->null_text))
		return false;
	/* It is written as it is; only \N can be told from an escaped value. */
	if (c->format == SQL_COPY_TEXT && s->null_text.n > 0 && memchr(s->null_text.p, '\\', s->null_text.n) && !base_span_is(s->null_text, "\\N"))
		return false;
	if (s->null_text.n > 0)
		memcpy(c->null_text, s->null_text.p, s->null_text.n);
	c->null_n = s->null_text.n;
	gate_row_begin(&c->row);
	return true;
}

static bool
row_end(struct gate_copy *c, struct gate_tuples *t)
{
	bool ok = true;

	if (c->skip_header) {
		c->skip_header = false;
	} else if (c->row.field != c->columns) { /* not the table that we know: say so rather than guess */
		t->rows++;
		t->lost++;
	} else {
		gate_row_settle(&c->row);
		t->lost += c->row.lost;
		ok = gate_tuples_add(t, c->row.tuple, 0);
	}
	gate_row_begin(&c->row);
	c->row.value_n = 0;
	return ok;
}

static void
put(struct gate_copy *c, uint8_t byte)
{
	if (c->row.value_n < sizeof(c->row.value))
		c->row.value[c->row.value_n] = byte;
	c->row.value_n++;
}

static void
field_end(struct gate_copy *c, const struct gate_plan *p, const struct mask_marker *m)
{
	struct gate_row *r = &c->row;

	if (r->next < p->nsubjects && p->subject[r->next].index == r->field) {
		const struct gate_plan_column *pc = &p->subject[r->next];
		/* Text format does not escape a value that equals a NULL text of the client's choice: it may be somebody's. */
		bool either = c->is_null && c->format == SQL_COPY_TEXT && !(c->null_n > 0 && c->null_text[0] == '\\');
		if (!c->is_null || either) {
			if (r->value_n <= sizeof(r->value))
				r->tuple[r->next] = gate_row_mark(pc->column, pc->type, 0, base_span(r->value, r->value_n), m);
			if ((r->tuple[r->next] == 0) != either)
				gate_row_unreadable(r, pc->column);
		}
		r->next++;
	}
	r->field++;
	r->value_n = 0;
	c->is_null = c->quoted = c->was_quoted = c->after_quote = c->after_escape = false;
}

/* An unquoted, unescaped value equal to the NULL text is NULL. */
static void
null_check(struct gate_copy *c)
{
	if (!c->was_quoted && c->row.value_n == c->null_n && memcmp(c->row.value, c->null_text, c->null_n) == 0)
		c->is_null = true;
}

static uint8_t
unescape(uint8_t b)
{
	switch (b) {
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'v': return '\v';
	default: return b;
	}
}

static bool
feed_text(struct gate_copy *c, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, struct gate_tuples *t)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t b = s.p[i];
		if (c->after_escape) {
			c->after_escape = false;
			if (b == 'N' && c->row.value_n == 0 && c->null_n == 2 && memcmp(c->null_text, "\\N", 2) == 0) {
				c->is_null = true;
			} else {
				c->was_quoted = true; /* an escaped character: the value is not the NULL text */
				put(c, unescape(b));
			}
		} else if (b == '\\') {
			c->after_escape = true;
		} else if (b == '\n' || b == (uint8_t)c->delimiter) {
			if (!c->is_null)
				null_check(c);
			field_end(c, p, m);
			if (b == '\n' && !row_end(c, t))
				return false;
		} else {
			put(c, b);
		}
	}
	return true;
}

static bool
feed_csv(struct gate_copy *c, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, struct gate_tuples *t)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t b = s.p[i];
		if (c->after_quote) { /* the escape character inside quotes: doubled, or the end of the quoted part */
			c->after_quote = false;
			if (b == (uint8_t)c->quote || (b == (uint8_t)c->escape && c->escape != c->quote)) {
				put(c, b);
				continue;
			}
			if (c->escape == c->quote) {
				c->quoted = false; /* and b is looked at below */
			} else {
				put(c, (uint8_t)c->escape);
			}
		}
		if (c->quoted) {
			if (b == (uint8_t)c->escape)
				c->after_quote = true;
			else if (b == (uint8_t)c->quote)
				c->quoted = false;
			else
				put(c, b);
		} else if (b == (uint8_t)c->quote) {
			c->quoted = c->was_quoted = true;
		} else if (b == '\n' || b == (uint8_t)c->delimiter) {
			null_check(c);
			field_end(c, p, m);
			if (b == '\n' && !row_end(c, t))
				return false;
		} else {
			put(c, b);
		}
	}
	return true;
}

#define BINARY_HEADER 19u /* signature 11, flags 4, length of extension 4 (always 0 from COPY TO) */

static bool
feed_binary(struct gate_copy *c, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, struct gate_tuples *t)
{
	if (!c->binary_begun) {
		c->binary_begun = true;
		c->header_left = BINARY_HEADER;
	}
	size_t skip = c->header_left < s.n ? c->header_left : s.n;
	c->header_left -= (uint32_t)skip;
	struct base_cursor in = base_cursor(s);
	(void)base_cursor_take(&in, skip); /* header */
	while (in.left > 0 && c->row.phase != GATE_ROW_BROKEN) {
		/* The count alone first: -1 is the trailer, not a row. */
		size_t n = c->row.phase == GATE_ROW_COUNT && in.left > 2u - c->row.number_n ? 2u - c->row.number_n : in.left;
		size_t used = gate_row_feed(&c->row, p, m, base_span(in.p, n), false);
		(void)base_cursor_take(&in, used);
		if (c->row.phase == GATE_ROW_LENGTH && c->row.fields == UINT16_MAX) {
			c->row.phase = GATE_ROW_BROKEN; /* nothing may follow */
		} else if (c->row.phase == GATE_ROW_DONE || (c->row.phase == GATE_ROW_LENGTH && c->row.field == c->row.fields)) {
			/* A row whose last value ended exactly here is complete although the reader has not been asked for more. */
			if (!row_end(c, t))
				return false;
		} else if (used == 0) {
			break;
		}
	}
	if (in.left > 0)
		c->row.fields = 0; /* what follows makes it no trailer */
	return true;
}

bool
gate_copy_feed(struct gate_copy *c, const struct gate_plan *p, const struct mask_marker *m, struct base_span s, struct gate_tuples *t)
{
	switch (c->format) {
	case SQL_COPY_TEXT: return feed_text(c, p, m, s, t);
	case SQL_COPY_CSV: return feed_csv(c, p, m, s, t);
	default: return feed_binary(c, p, m, s, t);
	}
}

void
gate_copy_end(struct gate_copy *c, struct gate_tuples *t)
{
	struct gate_row *r = &c->row;

	bool whole, trailer = c->format == SQL_COPY_BINARY && r->phase == GATE_ROW_BROKEN && r->fields == UINT16_MAX;

	if (trailer)
		whole = !c->binary_over;
	else if (c->format == SQL_COPY_BINARY)
		whole = r->phase == GATE_ROW_COUNT && r->number_n == 0;
	else
		whole = r->field == 0 && r->value_n == 0 && !c->was_quoted && !c->after_escape && !c->is_null;
	c->binary_over = c->binary_over || trailer;
	if (whole && !trailer)
		return;
	if (!whole) {
		t->rows++;
		t->lost++;
	}
	c->skip_header = c->is_null = c->quoted = c->was_quoted = c->after_quote = c->after_escape = false;
	gate_row_begin(r);
	r->value_n = 0;
}
