/* cli_check_count: see cli_check.h: what can be found, without a database, in the lines that count people and restrict when and from where they may be seen. Input: a
 * parsed policy of a trusted person. Reads the time zones that the policy names, and nothing else.
 */
#include "cli_check.h"

#include <stdio.h>

#include "base_text.h"
#include "base_zone.h"
#include "policy_words.h"

/* One limit of a group on what one holder sees. */
struct limit {
	const struct policy_count *count;
	unsigned line;
	enum policy_holder holder;
	bool budget;
	const char *what; /* "this budget", "this step-up", "this approval" */
};

/* Does whatever counts for a count for b? */
static bool
covers(const struct policy_count *a, const struct policy_count *b)
{
	return a->noun == b->noun && (a->noun == POLICY_NOUN_LOOKUPS || a->subject == b->subject) &&
	    (b->adjective == a->adjective || b->adjective == POLICY_ADJECTIVE_NONE);
}

/* Where budget b holds, is limit a never reached? A longer window allows no more than a shorter one as often as it holds it. */
static bool
never_reached(const struct limit *a, const struct policy_budget *b)
{
	const struct policy_count *x = a->count, *y = &b->count;

	if (b->holder != a->holder || x == y || !covers(x, y))
		return false;
	if (y->window_us >= x->window_us)
		return y->n < x->n || (y->n == x->n && (!a->budget || y->window_us > x->window_us || x->adjective != y->adjective || y < x)); /* of two alike, one is told */
	uint64_t times = x->window_us / y->window_us + (x->window_us % y->window_us != 0);
	return y->n <= x->n / times;
}

static void
check_limit(const struct policy_file *f, const struct policy_group *g, const struct limit *a, struct cli_findings *out)
{
	char file[512], words[POLICY_WORDS_COUNT], other[POLICY_WORDS_COUNT];

	for (size_t i = 0; i < g->nbudgets; i++) {
		const struct policy_budget *b = &g->budgets[i];
		if (!never_reached(a, b))
			continue;
		policy_count_words(f, a->count, words, sizeof(words));
		policy_count_words(f, &b->count, other, sizeof(other));
		cli_findings_say(out, CLI_WARNING, "budget", NULL, NULL, "%s:%u: %s, %s, is never reached: line %u allows %s", base_text_quote(file, sizeof(file), f->file, 480), a->line,
		    a->what, words, b->line, other);
		return;
	}
}

static bool
looks_up(const struct policy_group *g)
{
	for (size_t t = 0; t < g->ntables; t++)
		for (size_t i = 0; i < g->tables[t].nsays; i++)
			if (g->tables[t].says[i].say == POLICY_SAY_LOOKUP)
				return true;
	return false;
}

static bool
same_column(const struct policy_name *a, const struct policy_name *table, struct base_span column)
{
	return base_span_eq(a->schema, table->schema) && base_span_eq(a->table, table->table) && base_span_eq(a->column, column);
}

/* Is it a column that says whose a row is? */
static bool
says_whose(const struct policy_file *f, const struct policy_name *table, struct base_span column)
{
	for (size_t i = 0; i < f->nsubjects; i++) {
		const struct policy_subject *s = &f->subjects[i];
		bool is = same_column(&s->key, table, column);
		for (size_t k = 0; k < s->nlinked && !is; k++)
			is = same_column(&s->linked[k], table, column);
		if (is)
			return true;
	}
	return false;
}

/* Who is counted and may give rows to another person can make one of many. */
static void
check_moves(const struct policy_file *f, const struct policy_group *g, const char *file, const char *group, struct cli_findings *out)
{
	char name[160];

	for (size_t t = 0; t < g->ntables; t++) {
		const struct policy_on_table *on = &g->tables[t];
		for (size_t i = 0; i < on->nsays; i++) {
			const struct policy_say_column *c = &on->says[i];
			bool all = on->update_all && c->say == POLICY_SAY_SHOW;
			if ((c->say != POLICY_SAY_UPDATE && !all) || !says_whose(f, &on->table, c->column))
				continue;
			cli_findings_say(out, CLI_WARNING, "budget", "rows that are given to one customer, read and given back count as that one", "leave the column out of `update of`",
			    "%s:%u:%u: group %s is under a budget and may change %s, which says whose a row is", file, c->line, c->col, group, base_text_quote(name, sizeof(name), c->column, 128));
		}
	}
}

static void
check_group(const struct policy_file *f, const struct policy_group *g, struct cli_findings *out)
{
	char file[512], name[160];
	bool subjects = false, lookups = false;

	(void)base_text_quote(file, sizeof(file), f->file, 480);
	(void)base_text_quote(name, sizeof(name), g->name, 128);
	for (size_t i = 0; i < g->nbudgets; i++) {
		subjects = subjects || g->budgets[i].count.noun == POLICY_NOUN_SUBJECT;
		lookups = lookups || g->budgets[i].count.noun == POLICY_NOUN_LOOKUPS;
		check_limit(f, g, &(struct limit){&g->budgets[i].count, g->budgets[i].line, g->budgets[i].holder, true, "this budget"}, out);
	}
	for (size_t i = 0; i < g->nsteps; i++)
		if (!g->steps[i].for_table)
			check_limit(f, g, &(struct limit){&g->steps[i].after, g->steps[i].line, POLICY_HOLDER_ACTOR, false, "this step-up"}, out);
	for (size_t i = 0; i < g->nasks; i++)
		check_limit(f, g, &(struct limit){&g->asks[i].after, g->asks[i].line, POLICY_HOLDER_ACTOR, false, "this approval"}, out);
	if (subjects)
		check_moves(f, g, file, name, out);
	if (subjects && !lookups && looks_up(g))
		cli_findings_say(out, CLI_NOTE, "budget", "whoever tries numbers one after another sees nobody, and learns who is a customer", "budget 60 lookups per hour for each actor",
		    "%s:%u:%u: group %s: look-ups that find nobody are not limited: there is no budget of lookups", file, g->line, g->col, name);
	enum policy_treat treat = g->treat != POLICY_TREAT_UNSET ? g->treat : f->treat;
	if (treat == POLICY_OBSERVE && (g->nbudgets + g->nsteps + g->nasks > 0 || g->need_purpose_line != 0 || g->need_case_line != 0 || g->unexplained == POLICY_UNEXPLAINED_REFUSE ||
	                                   g->unexplained == POLICY_UNEXPLAINED_MASK))
		cli_findings_say(out, CLI_NOTE, "observed", NULL, NULL, "%s:%u:%u: group %s is observed: its budgets, needs, step-ups and approvals hold for nobody but who is in an enforced group too",
		    file, g->line, g->col, name);
}

static void
check_zone(const struct policy_file *f, struct base_span zone, unsigned line, struct cli_findings *out)
{
	struct base_zone *z = NULL;
	struct base_fail fail = {0};
	char file[512], at[16] = "";

	if (zone.n == 0)
		return;
	if (line > 0)
		(void)snprintf(at, sizeof(at), ":%u", line);
	if (base_zone_open(zone, &z, &fail) < 0)
		cli_findings_say(out, CLI_ERROR, "zone", NULL, NULL, "%s%s: %s", base_text_quote(file, sizeof(file), f->file, 480), at, fail.text);
	base_zone_close(&z);
}

static void
check_cases(const struct policy_file *f, struct cli_findings *out)
{
	const struct policy_case_from *c = &f->case_from;
	char file[512];
	bool used = false;

	if (c->line == 0)
		return;
	(void)base_text_quote(file, sizeof(file), f->file, 480);
	for (size_t g = 0; g < f->ngroups; g++)
		used = used || f->groups[g].need_case_line != 0 || f->groups[g].unexplained != POLICY_UNEXPLAINED_UNSET;
	if (!used)
		cli_findings_say(out, CLI_NOTE, "case", NULL, NULL, "%s:%u: `case from` has no effect: no group says `need case` or `unexplained`", file, c->line);
	if (c->closed.n == 0 && c->open_where.n == 0)
		cli_findings_say(out, CLI_WARNING, "case", "a case explains looks at its customer for as long as it is open", NULL,
		    "%s:%u: the cases have neither `closed` nor `open where`: no case is ever closed", file, c->line);
	if (c->opened.n == 0)
		cli_findings_say(out, CLI_NOTE, "case", NULL, NULL, "%s:%u: the cases have no `opened`: how long a case is open already, and whether a look came before it, is not known", file,
		    c->line);
}

void
cli_check_counts(const struct policy_file *f, struct cli_findings *out)
{
	check_zone(f, f->zone, 0, out);
	for (size_t g = 0; g < f->ngroups; g++) {
		check_zone(f, f->groups[g].only.zone, f->groups[g].only.hours_line, out);
		check_group(f, &f->groups[g], out);
	}
	check_cases(f, out);
}
