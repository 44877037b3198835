/* policy_only: see policy_only.h. Decides nothing about statements: only whether somebody may be here now. Input: a merged policy, a person of the people file, and
 * what the gate knows of the connection. No I/O, no clock: the moment is the caller's.
 */
#include "policy_only.h"

#include <stdio.h>

#include "base_buf.h"
#include "base_text.h"
#include "policy_file.h"

#define ONLY_DAYS 7u

/* -- hours -- */

static bool
only_inside(const struct policy_hours *h, const struct policy_local *l)
{
	bool today = h->days >> l->weekday % ONLY_DAYS & 1, yesterday = h->days >> (l->weekday + ONLY_DAYS - 1) % ONLY_DAYS & 1;
	if (h->to > h->from)
		return today && l->minute >= h->from && l->minute < h->to;
	return (today && l->minute >= h->from) || (yesterday && l->minute < h->to); /* into the next day */
}

static bool
only_hours(const struct policy_only *o, const struct policy_moment *m)
{
	struct policy_local l;
	if (!m->local(m->ctx, o->zone, m->wall_us, &l))
		return false;
	for (size_t i = 0; i < o->nhours; i++)
		if (only_inside(&o->hours[i], &l))
			return true;
	return false;
}

/* "Mon-Fri", "Sat"; a range may go over the week's end. */
static void
only_days_words(uint8_t days, struct base_buf *out)
{
	static const char *const names[ONLY_DAYS] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	unsigned first = 0;
	while (first < ONLY_DAYS - 1 && (!(days >> first & 1) || (days >> (first + ONLY_DAYS - 1) % ONLY_DAYS & 1)))
		first++;
	if (days == 0x7f)
		first = 0;
	unsigned last = first;
	while ((last + 1) % ONLY_DAYS != first && days >> (last + 1) % ONLY_DAYS & 1)
		last = (last + 1) % ONLY_DAYS;
	base_buf_str(out, names[first]);
	if (last != first)
		base_buf_fmt(out, "-%s", names[last]);
}

static void
only_hours_words(const struct policy_scope *s, const struct policy_only *o, struct base_buf *out)
{
	struct base_span zone = o->zone.n > 0 ? o->zone : policy_map_file(s->map)->zone;
	base_buf_str(out, "outside ");
	for (size_t i = 0; i < o->nhours; i++) {
		const struct policy_hours *h = &o->hours[i];
		base_buf_str(out, i == 0 ? "" : ", ");
		only_days_words(h->days, out);
		base_buf_fmt(out, " %02u:%02u-%02u:%02u", h->from / 60u, h->from % 60u, h->to / 60u, h->to % 60u);
	}
	base_buf_str(out, " ");
	base_buf_put(out, zone.n > 0 ? zone : base_span_str("UTC"));
}

/* -- dates -- */

/* Is this day, which was the last one, over? Where nobody can say which day it is, it is. */
static bool
only_over(struct base_span last, const struct policy_moment *m)
{
	struct policy_local l;
	return !m->local(m->ctx, base_span("", 0), m->wall_us, &l) || base_span_cmp(base_span_str(l.date), last) > 0;
}

bool
policy_only_left(const struct policy_person *person, const struct policy_moment *m)
{
	return person && person->left_on.n > 0 && only_over(person->left_on, m);
}

/* -- all -- */

static bool
only_networks(const struct policy_only *o, struct base_span address)
{
	for (size_t i = 0; i < o->nnetworks; i++)
		if (policy_network_has(&o->networks[i], address))
			return true;
	return false;
}

/* One group's restrictions: the first that says no, its line and its words. */
static enum policy_only_answer
only_group(const struct policy_scope *s, const struct policy_only *o, const struct policy_person *person, const struct policy_moment *m, unsigned *line_r, struct base_buf *out)
{
	char address[64];
	if (o->networks_line != 0 && !only_networks(o, m->address)) {
		*line_r = o->networks_line;
		base_buf_fmt(out, "%s is outside the networks from which this is allowed", base_text_quote(address, sizeof(address), m->address, 48));
		return POLICY_ONLY_NETWORK;
	}
	if (o->hours_line != 0 && !only_hours(o, m)) {
		*line_r = o->hours_line;
		only_hours_words(s, o, out);
		return POLICY_ONLY_HOURS;
	}
	if (o->certificate_line != 0 && !m->certificate) {
		*line_r = o->certificate_line;
		base_buf_str(out, "there is no client certificate");
		return POLICY_ONLY_CERTIFICATE;
	}
	if (o->vetted_line == 0)
		return POLICY_ONLY_YES;
	*line_r = o->vetted_line;
	if (!person || person->vetted_until.n == 0) {
		base_buf_str(out, "no vetting is on record");
		return POLICY_ONLY_VETTED;
	}
	if (!only_over(person->vetted_until, m))
		return POLICY_ONLY_YES;
	base_buf_fmt(out, "vetting lapsed on %.*s", (int)person->vetted_until.n, (const char *)person->vetted_until.p);
	return POLICY_ONLY_VETTED;
}

enum policy_only_answer
policy_only_check(const struct policy_scope *s, const struct policy_person *person, const struct policy_moment *m, struct policy_where *rule_r, char *words_r, size_t size)
{
	enum policy_only_answer answer = POLICY_ONLY_YES;
	struct policy_where rule = {.line = 0};
	struct base_buf words;
	base_buf_init(&words, 8192); /* ONLY_HOURS spans of about 20 bytes */
	if (policy_only_left(person, m)) {
		answer = POLICY_ONLY_LEFT;
		base_buf_fmt(&words, "left on %.*s", (int)person->left_on.n, (const char *)person->left_on.p);
	}
	for (size_t i = 0; i < s->nonly && answer == POLICY_ONLY_YES; i++) {
		answer = only_group(s, s->only[i].only, person, m, &rule.line, &words);
		rule.file = s->only[i].file;
	}
	if (answer != POLICY_ONLY_YES) {
		struct base_span text = base_buf_span(&words);
		*rule_r = answer == POLICY_ONLY_LEFT ? (struct policy_where){.line = 0} : rule;
		if (size > 0)
			(void)snprintf(words_r, size, "%.*s", (int)text.n, (const char *)text.p);
	}
	base_buf_done(&words);
	return answer;
}
