/* event_print: an entry for people (see the header for the layout).
 * Input trust: decoded entries of anybody's ledger: every text goes through base_text_quote before a terminal sees it.
 * Never: does I/O; shows marks.
 */
#include "event_print.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"

#define QUOTE_MAX 1000u
#define MARK_SIZE 8u

static void
put_text(struct base_buf *out, struct base_span s, size_t max)
{
	char text[QUOTE_MAX * 4 + 8];

	base_buf_str(out, base_text_quote(text, sizeof(text), s, max));
}

/* "  LEAD text" when the text is there. */
static void
put_part(struct base_buf *out, const char *lead, struct base_span s)
{
	if (s.n == 0)
		return;
	base_buf_str(out, "  ");
	base_buf_str(out, lead);
	put_text(out, s, QUOTE_MAX);
}

static int
cmp_tuples(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

size_t
event_print_subjects(const struct event_entry *e)
{
	size_t size = e->kinds.count * MARK_SIZE;
	size_t count, distinct;
	uint8_t *sorted;

	if (e->marks.n == 0 || size == 0)
		return 0;
	count = e->marks.n / size;
	sorted = base_mem_try(count, size);
	if (sorted == NULL)
		return count; /* a few kilobytes were refused: an upper bound is the best there is */
	memcpy(sorted, e->marks.p, count * size);
	qsort_r(sorted, count, size, cmp_tuples, &size);
	distinct = count > 0;
	for (size_t i = 1; i < count; i++)
		distinct += memcmp(sorted + (i - 1) * size, sorted + i * size, size) != 0;
	free(sorted);
	return distinct;
}

/* The application's log-in that speaks for the actor. */
static void
put_login(const struct event_entry *e, struct base_buf *out)
{
	if (e->login.n == 0)
		return;
	base_buf_str(out, " through ");
	put_text(out, e->login, QUOTE_MAX);
}

static void
put_who(const struct event_entry *e, struct base_buf *out)
{
	if (e->actor.n == 0) {
		base_buf_str(out, "  gate ");
		put_text(out, e->node.n > 0 ? e->node : base_span_str("?"), QUOTE_MAX);
		return;
	}
	put_part(out, "", e->actor);
	put_login(e, out);
	if (e->name.n == 0 && e->employer.n == 0)
		return;
	base_buf_str(out, " (");
	put_text(out, e->name, QUOTE_MAX);
	if (e->name.n > 0 && e->employer.n > 0)
		base_buf_str(out, ", ");
	put_text(out, e->employer, QUOTE_MAX);
	base_buf_str(out, ")");
}

static void
put_rows(const struct event_entry *e, struct base_buf *out)
{
	size_t subjects = event_print_subjects(e);

	if (e->kind != EVENT_READ && e->kind != EVENT_WRITE)
		return;
	base_buf_fmt(out, "  %" PRIu64 " row%s", e->rows, e->rows == 1 ? "" : "s");
	if (e->subjects == EVENT_SUBJECTS_UNKNOWN)
		base_buf_str(out, ", subjects unknown");
	else if (subjects > 0)
		base_buf_fmt(out, ", %zu subject%s", subjects, subjects == 1 ? "" : "s");
	if (e->part > 1 || (e->part == 1 && !e->last))
		base_buf_fmt(out, " (part %" PRIu32 "%s)", e->part, e->last ? ", the last" : "");
}

/* Bytes up to and with the last dot; 0 when there is none. */
static size_t
table_part(struct base_span column)
{
	size_t n = column.n;

	while (n > 0 && column.p[n - 1] != '.')
		n--;
	return n;
}

static void
put_list(const struct event_list *list, bool shorten, struct base_buf *out)
{
	struct base_span table = base_span_str("");

	for (size_t i = 0; i < list->count && i < EVENT_LIST_MAX; i++) {
		struct base_span s = list->item[i];
		size_t n = table_part(s);

		base_buf_str(out, i == 0 ? "  " : ", ");
		if (shorten && n > 0 && base_span_eq(base_span(s.p, n), table)) {
			s = base_span(s.p + n - 1, s.n - (n - 1)); /* keeps the dot */
		} else {
			table = base_span(s.p, n);
		}
		put_text(out, s, QUOTE_MAX);
	}
}

/* Text between words; the words alone when there is none. */
static void
put_words(struct base_buf *out, const char *before, struct base_span s, const char *after)
{
	base_buf_str(out, before);
	put_text(out, s, QUOTE_MAX);
	base_buf_str(out, after);
}

/* What was done, in words, of the kinds that say more than their name. */
static void
put_deed(const struct event_entry *e, struct base_buf *out)
{
	char when[BASE_TIME_LOCAL_SIZE];

	switch (e->kind) {
	case EVENT_SUSPEND: put_words(out, "  suspended ", e->target, ""); break;
	case EVENT_RESUME: put_words(out, "  gave access back to ", e->target, ""); break;
	case EVENT_ENROLL: put_words(out, "  one-time password of ", e->target, ""); break;
	case EVENT_ASK: put_words(out, "  asked group ", e->why, " for leave"); put_words(out, ", request ", e->target, ""); break;
	case EVENT_APPROVE: put_words(out, "  approved request ", e->target, ""); put_words(out, " of ", e->why, ""); break;
	case EVENT_SETTLE: put_words(out, "  look-up ", e->target, ": "); put_words(out, "", e->why, ""); break;
	case EVENT_STEP: put_words(out, "  one-time password: ", e->why.n > 0 ? e->why : base_span_str("right"), ""); break;
	case EVENT_ALARM: put_words(out, "  tried: ", e->why, ""); break;
	default: return;
	}
	if ((e->kind == EVENT_SUSPEND || e->kind == EVENT_RESUME || e->kind == EVENT_ENROLL) && e->why.n > 0)
		put_words(out, ": ", e->why, "");
	if (e->kind == EVENT_STEP && base_span_is(e->why, "recovery code"))
		base_buf_fmt(out, " number %" PRIu64, e->counter);
	if (e->until_us > 0)
		base_buf_fmt(out, ", until %s", base_time_local(e->until_us, when));
	if (e->operator.n > 0 && e->kind != EVENT_APPROVE) /* there it is the actor */
		put_words(out, " (by ", e->operator, ")");
}

static bool
tells_why(const struct event_entry *e)
{
	return e->kind < EVENT_ALARM; /* the later kinds say it in put_deed */
}

void
event_print_line(const struct event_entry *e, size_t text_max, struct base_buf *out)
{
	char when[BASE_TIME_LOCAL_SIZE];

	base_buf_str(out, base_time_local(e->time_us, when));
	put_who(e, out);
	base_buf_str(out, "  ");
	base_buf_str(out, event_kind_name(e->kind));
	put_deed(e, out);
	put_rows(e, out);
	if (e->columns.count > 0)
		put_list(&e->columns, true, out);
	else
		put_list(&e->tables, false, out);
	if (e->kind == EVENT_OPEN || e->kind == EVENT_DENY) {
		put_part(out, "from ", e->address);
		put_part(out, "by ", e->auth);
		put_part(out, "", e->tls);
		put_part(out, "to ", e->database);
		put_part(out, "with ", e->application);
	}
	put_part(out, "file ", e->file);
	if (e->kind == EVENT_POLICY)
		put_part(out, "hash ", e->policy);
	if (e->kind == EVENT_PEOPLE)
		put_part(out, "hash ", e->people);
	put_part(out, "version ", e->version);
	put_part(out, "owner ", e->owner);
	if (tells_why(e))
		put_part(out, e->kind == EVENT_START || e->kind == EVENT_STOP ? "role " : "because: ", e->why);
	put_part(out, "budget: ", e->budget);
	put_part(out, "case ", e->case_number);
	put_part(out, "for ", e->purpose);
	put_part(out, "error ", e->sqlstate);
	if (text_max > 0 && e->text.n > 0) {
		base_buf_str(out, "  | ");
		put_text(out, e->text, text_max < QUOTE_MAX ? text_max : QUOTE_MAX);
	}
}
