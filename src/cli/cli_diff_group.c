/* cli_diff_group: what a group says besides tables: treatment, limits, budgets, reasons, where and when, step-up and approval. Input: parsed policies. No I/O. */
#include "cli_diff.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "policy_words.h"

#define WORDS 800u
#define WEEK_MINUTES (7u * 24u * 60u)

/* -- numbers and demands -- */

static void
number(const struct cli_diff *d, const char *what, uint64_t a, unsigned line_a, uint64_t b, unsigned line_b)
{
	char before[40], after[40];
	uint64_t x = line_a ? a : UINT64_MAX, y = line_b ? b : UINT64_MAX; /* not said: as many as one likes */

	if (x == y)
		return;
	(void)snprintf(before, sizeof(before), line_a ? "%llu" : "no limit", (unsigned long long)a);
	(void)snprintf(after, sizeof(after), line_b ? "%llu" : "no limit", (unsigned long long)b);
	cli_diff_say(d, y > x ? CLI_GAINS : CLI_LOSES, what, before, after, line_a, line_b);
}

static void
demand(const struct cli_diff *d, const char *what, const char *is, const char *is_not, unsigned line_a, unsigned line_b)
{
	if ((line_a != 0) != (line_b != 0))
		cli_diff_say(d, line_b ? CLI_LOSES : CLI_GAINS, what, line_a ? is : is_not, line_b ? is : is_not, line_a, line_b);
}

static void
treatment(const struct cli_diff *d, const struct policy_group *old, const struct policy_group *new)
{
	enum policy_treat a = old->treat ? old->treat : d->old->treat, b = new->treat ? new->treat : d->new->treat;

	if (a == b || old->line == 0 || new->line == 0)
		return;
	cli_diff_say(d, a == POLICY_ENFORCE ? CLI_GAINS : CLI_LOSES, "treatment", a == POLICY_ENFORCE ? "enforced" : "observed: nothing is refused or masked",
	             b == POLICY_ENFORCE ? "enforced" : "observed: nothing is refused or masked", old->treat_line, new->treat_line);
}

static void
unexplained(const struct cli_diff *d, const struct policy_group *old, const struct policy_group *new)
{
	static const char *const words[] = {"not asked", "counted", "masked", "refused"};
	enum policy_unexplained a = old->unexplained, b = new->unexplained;

	if (a == b)
		return;
	bool soft = a <= POLICY_UNEXPLAINED_COUNT && b <= POLICY_UNEXPLAINED_COUNT; /* only what is written down differs */
	cli_diff_say(d, soft ? CLI_CHANGES : b > a ? CLI_LOSES : CLI_GAINS, "unexplained look-ups", words[a], words[b], old->unexplained_line, new->unexplained_line);
}

/* -- budgets -- */

/* The name under which a budget of one file is the same as one of the other: all but the number. */
static void
budget_words(const struct policy_file *f, const struct policy_budget *b, char *dst, size_t size)
{
	char count[POLICY_WORDS_COUNT];

	policy_count_name(f, &b->count, count, sizeof(count));
	(void)snprintf(dst, size, "budget: %s for each %s", count, policy_holder_word(b->holder));
}

/* The smallest of the group's budgets of this name. */
static const struct policy_budget *
budget_named(const struct policy_file *f, const struct policy_group *g, const char *words)
{
	const struct policy_budget *least = NULL;
	char own[WORDS];

	for (size_t i = 0; i < g->nbudgets; i++) {
		budget_words(f, &g->budgets[i], own, sizeof(own));
		if (strcmp(own, words) == 0 && (!least || g->budgets[i].count.n < least->count.n))
			least = &g->budgets[i];
	}
	return least;
}

static void
budgets(const struct cli_diff *d, const struct policy_group *old, const struct policy_group *new)
{
	char words[WORDS];

	for (size_t side = 0; side < 2; side++) {
		const struct policy_file *f = side ? d->new : d->old;
		const struct policy_group *g = side ? new : old;
		for (size_t i = 0; i < g->nbudgets; i++) {
			budget_words(f, &g->budgets[i], words, sizeof(words));
			const struct policy_budget *a = budget_named(d->old, old, words), *b = budget_named(d->new, new, words);
			if ((side && a) || (side ? b : a) != &g->budgets[i])
				continue; /* said already, or not the smallest */
			number(d, words, a ? a->count.n : 0, a ? a->line : 0, b ? b->count.n : 0, b ? b->line : 0);
		}
	}
}

/* -- step-up and approval: "demands" with a threshold -- */

struct rule { char what[WORDS]; uint64_t n, within_us, lasting_us; unsigned line; };

static struct rule
step_rule(const struct policy_file *f, const struct policy_step *s)
{
	struct rule r = {.lasting_us = s->lasting_us, .line = s->line, .n = s->for_table ? 0 : s->after.n};
	char a[200], b[200], count[POLICY_WORDS_COUNT];

	policy_count_name(f, &s->after, count, sizeof(count));
	if (s->for_table)
		(void)snprintf(r.what, sizeof(r.what), "step-up for %s.%s", base_text_quote(a, sizeof(a), s->table.schema, 190), base_text_quote(b, sizeof(b), s->table.table, 190));
	else
		(void)snprintf(r.what, sizeof(r.what), "step-up after %s", count);
	return r;
}

static struct rule
ask_rule(const struct policy_file *f, const struct policy_ask *s)
{
	struct rule r = {.within_us = s->within_us, .lasting_us = s->lasting_us, .line = s->line, .n = s->after.n};
	char a[200], count[POLICY_WORDS_COUNT];

	policy_count_name(f, &s->after, count, sizeof(count));
	(void)snprintf(r.what, sizeof(r.what), "approval of %s after %s", base_text_quote(a, sizeof(a), s->group, 190), count);
	return r;
}

static void
rule_words(const struct rule *r, char *dst, size_t size)
{
	char lasting[64], within[64];

	policy_time_words(r->lasting_us, lasting, sizeof(lasting));
	policy_time_words(r->within_us, within, sizeof(within));
	if (r->line == 0)
		(void)snprintf(dst, size, "none");
	else
		(void)snprintf(dst, size, "%llu, %s%s%slasting %s", (unsigned long long)r->n, r->within_us ? "within " : "", r->within_us ? within : "", r->within_us ? ", " : "", lasting);
}

static void
diff_rule(const struct cli_diff *d, const struct rule *a, const struct rule *b)
{
	char before[300], after[300];
	bool more = false, less = false; /* for the person */

	if (a->line && b->line) {
		more = b->n > a->n || b->lasting_us > a->lasting_us || b->within_us > a->within_us;
		less = b->n < a->n || b->lasting_us < a->lasting_us || b->within_us < a->within_us;
	} else {
		more = a->line != 0;
		less = b->line != 0;
	}
	if (!more && !less)
		return;
	rule_words(a, before, sizeof(before));
	rule_words(b, after, sizeof(after));
	cli_diff_say(d, more && less ? CLI_CHANGES : more ? CLI_GAINS : CLI_LOSES, a->line ? a->what : b->what, before, after, a->line, b->line);
}

/* Rules of the same words are the same rule; those of equal words twice in one group are taken in their order. */
static void
diff_rules(const struct cli_diff *d, const struct rule *a, size_t na, const struct rule *b, size_t nb)
{
	bool *met = base_mem_new(nb + 1, sizeof(*met));
	static const struct rule none = {.line = 0};

	for (size_t i = 0; i < na; i++) {
		size_t k = 0;
		while (k < nb && (met[k] || strcmp(a[i].what, b[k].what) != 0))
			k++;
		if (k < nb)
			met[k] = true;
		diff_rule(d, &a[i], k < nb ? &b[k] : &none);
	}
	for (size_t k = 0; k < nb; k++)
		if (!met[k])
			diff_rule(d, &none, &b[k]);
	free(met);
}

static void
steps_and_asks(const struct cli_diff *d, const struct policy_group *old, const struct policy_group *new)
{
	struct rule *a = base_mem_new(old->nsteps + old->nasks + 1, sizeof(*a)), *b = base_mem_new(new->nsteps + new->nasks + 1, sizeof(*b));
	size_t na = 0, nb = 0;

	for (size_t i = 0; i < old->nsteps; i++)
		a[na++] = step_rule(d->old, &old->steps[i]);
	for (size_t i = 0; i < old->nasks; i++)
		a[na++] = ask_rule(d->old, &old->asks[i]);
	for (size_t i = 0; i < new->nsteps; i++)
		b[nb++] = step_rule(d->new, &new->steps[i]);
	for (size_t i = 0; i < new->nasks; i++)
		b[nb++] = ask_rule(d->new, &new->asks[i]);
	diff_rules(d, a, na, b, nb);
	free(a);
	free(b);
}

/* -- where and when -- */

static bool
network_in(const struct policy_network *n, const struct policy_only *o)
{
	for (size_t i = 0; i < o->nnetworks; i++) {
		const struct policy_network *w = &o->networks[i];
		unsigned left = w->bits;
		bool in = n->bits >= w->bits;
		for (size_t k = 0; k < sizeof(n->address) && left > 0 && in; k++) {
			unsigned take = left < 8 ? left : 8;
			in = (n->address[k] ^ w->address[k]) >> (8 - take) == 0;
			left -= take;
		}
		if (in)
			return true;
	}
	return false;
}

static bool
networks_in(const struct policy_only *a, const struct policy_only *b)
{
	bool in = true;

	for (size_t i = 0; i < a->nnetworks && in; i++)
		in = network_in(&a->networks[i], b);
	return in;
}

static void
network_words(const struct policy_only *o, struct base_buf *b)
{
	static const uint8_t four[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	base_buf_clear(b);
	if (o->networks_line == 0)
		base_buf_str(b, "anywhere");
	for (size_t i = 0; i < o->nnetworks; i++) {
		const struct policy_network *n = &o->networks[i];
		base_buf_str(b, i ? ", " : "");
		if (n->bits >= 96 && memcmp(n->address, four, sizeof(four)) == 0) {
			base_buf_fmt(b, "%u.%u.%u.%u/%u", n->address[12], n->address[13], n->address[14], n->address[15], n->bits - 96);
			continue;
		}
		for (size_t k = 0; k < 16; k += 2)
			base_buf_fmt(b, "%s%x", k ? ":" : "", (unsigned)n->address[k] << 8 | n->address[k + 1]);
		base_buf_fmt(b, "/%u", n->bits);
	}
	base_buf_u8(b, 0);
}

static void
hours_words(const struct policy_file *f, const struct policy_only *o, struct base_buf *b)
{
	static const char *const day[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	struct base_span zone = o->zone.n ? o->zone : f->zone.n ? f->zone : base_span_str("UTC");
	char quoted[100];

	base_buf_clear(b);
	if (o->hours_line == 0)
		base_buf_str(b, "always");
	for (size_t i = 0; i < o->nhours; i++) {
		const struct policy_hours *h = &o->hours[i];
		base_buf_str(b, i ? ", " : "");
		for (unsigned k = 0, n = 0; k < 7; k++) {
			if (!(h->days & 1u << k))
				continue;
			unsigned end = k;
			while (end < 6 && h->days & 1u << (end + 1))
				end++;
			base_buf_fmt(b, "%s%s", n++ ? "," : "", day[k]);
			if (end > k)
				base_buf_fmt(b, "-%s", day[end]);
			k = end;
		}
		base_buf_fmt(b, " %02u:%02u-%02u:%02u", h->from / 60u, h->from % 60u, h->to / 60u, h->to % 60u);
	}
	if (o->hours_line)
		base_buf_fmt(b, " %s", base_text_quote(quoted, sizeof(quoted), zone, 90));
	base_buf_u8(b, 0);
}

/* The minutes of the week that are allowed. `to` not behind `from`: until the next day. */
static void
hours_minutes(const struct policy_only *o, bool *minute)
{
	for (size_t i = 0; i < WEEK_MINUTES; i++)
		minute[i] = o->hours_line == 0;
	for (size_t i = 0; i < o->nhours; i++) {
		const struct policy_hours *h = &o->hours[i];
		unsigned length = h->to > h->from ? (unsigned)h->to - h->from : 1440u - h->from + h->to;
		for (unsigned day = 0; day < 7; day++)
			for (unsigned m = 0; h->days & 1u << day && m < length; m++)
				minute[(day * 1440u + h->from + m) % WEEK_MINUTES] = true;
	}
}

static void
hours(const struct cli_diff *d, const struct policy_only *a, const struct policy_only *b, const char *before, const char *after)
{
	bool *x = base_mem_new(WEEK_MINUTES, sizeof(*x)), *y = base_mem_new(WEEK_MINUTES, sizeof(*y));
	size_t gone = 0, come = 0;

	hours_minutes(a, x);
	hours_minutes(b, y);
	for (size_t i = 0; i < WEEK_MINUTES; i++) {
		gone += x[i] && !y[i];
		come += y[i] && !x[i];
	}
	free(x);
	free(y);
	struct base_span za = a->zone.n ? a->zone : d->old->zone, zb = b->zone.n ? b->zone : d->new->zone;
	if (a->hours_line && b->hours_line && !base_span_eq(za, zb))
		cli_diff_say(d, CLI_CHANGES, "hours", before, after, a->hours_line, b->hours_line);
	else if (gone || come)
		cli_diff_say(d, gone && come ? CLI_CHANGES : come ? CLI_GAINS : CLI_LOSES, "hours", before, after, a->hours_line, b->hours_line);
}

static void
only(const struct cli_diff *d, const struct policy_only *a, const struct policy_only *b)
{
	struct base_buf before, after;
	bool in = b->networks_line && (!a->networks_line || networks_in(b, a)), out = a->networks_line && (!b->networks_line || networks_in(a, b));

	base_buf_init(&before, POLICY_FILE_SIZE_MAX);
	base_buf_init(&after, POLICY_FILE_SIZE_MAX);
	network_words(a, &before);
	network_words(b, &after);
	if ((a->networks_line || b->networks_line) && !(in && out)) /* both within the other: the same addresses */
		cli_diff_say(d, in ? CLI_LOSES : out ? CLI_GAINS : CLI_CHANGES, "networks", (const char *)base_buf_span(&before).p, (const char *)base_buf_span(&after).p, a->networks_line,
		             b->networks_line);
	hours_words(d->old, a, &before);
	hours_words(d->new, b, &after);
	hours(d, a, b, (const char *)base_buf_span(&before).p, (const char *)base_buf_span(&after).p);
	base_buf_done(&before);
	base_buf_done(&after);
	demand(d, "client certificate", "needed", "not needed", a->certificate_line, b->certificate_line);
	demand(d, "vetting", "needed", "not needed", a->vetted_line, b->vetted_line);
}

void
cli_diff_group(const struct cli_diff *d, const struct policy_group *old, const struct policy_group *new)
{
	treatment(d, old, new);
	number(d, "rows per statement", old->limit_rows, old->limit_rows ? old->limit_line : 0, new->limit_rows, new->limit_rows ? new->limit_line : 0);
	demand(d, "COPY", "refused", "allowed", old->no_copy_line, new->no_copy_line);
	demand(d, "cursors", "refused", "allowed", old->no_cursor_line, new->no_cursor_line);
	budgets(d, old, new);
	demand(d, "purpose", "needed", "not needed", old->need_purpose_line, new->need_purpose_line);
	demand(d, "case", "needed", "not needed", old->need_case_line, new->need_case_line);
	unexplained(d, old, new);
	only(d, &old->only, &new->only);
	steps_and_asks(d, old, new);
}
