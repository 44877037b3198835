/* policy_parse_count: how many, for what reason, and with whose help: the lines of a group that count subjects and look-ups; see policy_rule.h. Input:
 * tokens of a trusted person's file, read as if hostile: numbers and lists have ceilings. Subjects may be declared behind the groups, so their names are
 * found at the end. No I/O.
 *
 *   budget   = "budget" count ("," (count | NUMBER window))* "for" "each" ("actor" | "employer" | "group")
 *   count    = NUMBER [("clear" | "unexplained")] noun window          noun = "lookups" | a subject's name, with or without an "s" behind it
 *   window   = "per" [NUMBER] unit                                      a minute to a week
 *   step     = "step" "up" ("after" count | "for" "table" [name "."] name) "with" "otp" "lasting" NUMBER unit
 *   ask      = "ask" "group" name "after" count "within" NUMBER unit ["lasting" NUMBER unit]
 *   need     = "need" ("purpose" | "case") ("," ("purpose" | "case"))*
 *   unexplained = "unexplained" ("refuse" | "mask" | "count")
 *   unit     = "minute" | "minutes" | "hour" | "hours" | "day" | "days" | "week" | "weeks"
 */
#include "policy_parse_int.h"

#include "base_text.h"

#define COUNT_LINES 64u          /* budgets, steps, asks: of each in one group */
#define COUNT_MAX 1000000000u    /* subjects; each that counts takes memory while it counts */
#define COUNT_MINUTE_US (60ull * 1000000)
#define COUNT_WINDOW_MAX_US (7ull * 24 * 60 * COUNT_MINUTE_US)
#define COUNT_LASTING_MAX_US (31ull * 24 * 60 * COUNT_MINUTE_US)
#define COUNT_ASK_LASTING_US (60 * COUNT_MINUTE_US)

/* -- times -- */

/* A unit, behind its number; one unit in microseconds, 0 after an error. */
static uint64_t
count_unit(struct policy_parse *p)
{
	static const struct { const char *word; uint64_t minutes; } units[] = {
		{"minutes", 1}, {"minute", 1}, {"hours", 60}, {"hour", 60}, {"days", 24 * 60}, {"day", 24 * 60}, {"weeks", 7 * 24 * 60}, {"week", 7 * 24 * 60},
	};
	const char *words[BASE_COUNT(units)];
	struct policy_token at = policy_parse_take(p);
	for (size_t i = 0; i < BASE_COUNT(units); i++) {
		words[i] = units[i].word;
		if (policy_parse_at(&at, units[i].word))
			return units[i].minutes * COUNT_MINUTE_US;
	}
	policy_parse_unknown(p, &at, "unit of time", words, BASE_COUNT(words));
	return 0;
}

/* NUMBER unit, at most max_us. */
static uint64_t
count_time(struct policy_parse *p, const char *what, uint64_t max_us, const char *max_words)
{
	struct policy_token at = p->lx.tok;
	uint64_t n = policy_parse_number(p, 1, COUNT_LASTING_MAX_US / COUNT_MINUTE_US, what);
	uint64_t unit = policy_parse_ok(p) ? count_unit(p) : 0;
	if (policy_parse_ok(p) && n > max_us / unit)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "this is longer than %s", max_words);
	return policy_parse_ok(p) ? n * unit : 0;
}

/* "per hour", "per 10 minutes". */
static uint64_t
count_window(struct policy_parse *p)
{
	policy_parse_keyword(p, "per");
	if (p->lx.tok.kind == POLICY_NUMBER)
		return count_time(p, "a length of time such as 10 minutes", COUNT_WINDOW_MAX_US, "a week, and no window is");
	return policy_parse_ok(p) ? count_unit(p) : 0;
}

static uint64_t
count_lasting(struct policy_parse *p, const char *word)
{
	policy_parse_keyword(p, word);
	return policy_parse_ok(p) ? count_time(p, "a length of time such as 30 minutes", COUNT_LASTING_MAX_US, "31 days") : 0;
}

/* -- counts -- */

/* What is counted, behind the number: adjective and noun. */
static void
count_noun(struct policy_parse *p, struct policy_count *c)
{
	struct policy_token adjective = p->lx.tok;
	c->adjective = policy_parse_at(&adjective, "clear")         ? POLICY_ADJECTIVE_CLEAR
	               : policy_parse_at(&adjective, "unexplained") ? POLICY_ADJECTIVE_UNEXPLAINED
	                                                            : POLICY_ADJECTIVE_NONE;
	if (c->adjective != POLICY_ADJECTIVE_NONE)
		(void)policy_parse_take(p);
	if (c->adjective == POLICY_ADJECTIVE_UNEXPLAINED && p->explains.line == 0)
		p->explains = adjective;
	struct policy_parse_wanted w = {.at = p->lx.tok};
	if (w.at.kind != POLICY_WORD || policy_parse_at(&w.at, "per")) {
		policy_parse_expected(p, "what is counted: a subject's name or \"lookups\"");
		return;
	}
	(void)policy_parse_take(p);
	if (policy_parse_at(&w.at, "lookups")) {
		c->noun = POLICY_NOUN_LOOKUPS;
		c->subject = 0;
		if (c->adjective != POLICY_ADJECTIVE_NONE)
			policy_lexer_fail(&p->lx, &adjective, GH_E_PARSE, "lookups are counted all alike; \"clear\" and \"unexplained\" are said of subjects");
		return;
	}
	struct policy_parse_wanted *nouns = policy_parse_append(p, p->nouns, p->nnouns, sizeof(w));
	if (!policy_parse_ok(p))
		return;
	c->noun = POLICY_NOUN_SUBJECT;
	c->subject = p->nnouns;
	p->nouns = nouns;
	p->nouns[p->nnouns++] = w;
}

/* NUMBER [adjective] noun window. like: what is counted when `per` stands behind the number at once; NULL: it must be said. */
static struct policy_count
count_count(struct policy_parse *p, const struct policy_count *like)
{
	struct policy_count c = {.n = 0};
	uint64_t n = policy_parse_number(p, 0, COUNT_MAX, "a number, at most 1000000000");
	if (like && policy_parse_is(p, POLICY_WORD, "per"))
		c = *like;
	else if (policy_parse_ok(p))
		count_noun(p, &c);
	c.n = n;
	c.window_us = count_window(p);
	return c;
}

static void *
count_append(struct policy_parse *p, const struct policy_token *at, void *items, size_t n, size_t size)
{
	if (n == COUNT_LINES)
		policy_lexer_fail(&p->lx, at, GH_E_LIMIT, "more than %u lines of this kind in one group", COUNT_LINES);
	return policy_parse_append(p, items, n, size);
}

static enum policy_holder
count_holder(struct policy_parse *p)
{
	static const char *const words[] = {"actor", "employer", "group"}; /* as enum policy_holder */
	policy_parse_keyword(p, "for");
	policy_parse_keyword(p, "each");
	if (!policy_parse_ok(p))
		return POLICY_HOLDER_ACTOR;
	struct policy_token at = policy_parse_take(p);
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (policy_parse_at(&at, words[i]))
			return (enum policy_holder)i;
	policy_parse_unknown(p, &at, "holder of a budget", words, BASE_COUNT(words));
	return POLICY_HOLDER_ACTOR;
}

void
policy_parse_budget(struct policy_parse *p, struct policy_group *g, const struct policy_token *at)
{
	size_t first = g->nbudgets;
	do {
		struct policy_budget b = {.line = p->lx.tok.line};
		b.count = count_count(p, g->nbudgets > first ? &g->budgets[g->nbudgets - 1].count : NULL);
		struct policy_budget *all = count_append(p, at, g->budgets, g->nbudgets, sizeof(b));
		if (!policy_parse_ok(p))
			return;
		g->budgets = all;
		g->budgets[g->nbudgets++] = b;
	} while (policy_parse_comma(p));
	enum policy_holder holder = count_holder(p);
	for (size_t i = first; i < g->nbudgets; i++)
		g->budgets[i].holder = holder;
}

void
policy_parse_step(struct policy_parse *p, struct policy_group *g, const struct policy_token *at)
{
	static const char *const words[] = {"after", "for"};
	struct policy_step s = {.line = at->line};
	s.table.schema = s.table.table = s.table.column = base_span("", 0);
	policy_parse_keyword(p, "up");
	struct policy_token when = policy_parse_ok(p) ? policy_parse_take(p) : *at;
	if (policy_parse_at(&when, "after")) {
		s.after = count_count(p, NULL);
	} else if (policy_parse_at(&when, "for")) {
		s.for_table = true;
		policy_parse_keyword(p, "table");
		s.table = policy_parse_table(p, "a table's name");
	} else {
		policy_parse_unknown(p, &when, "occasion", words, BASE_COUNT(words));
	}
	policy_parse_keyword(p, "with");
	policy_parse_keyword(p, "otp");
	s.lasting_us = count_lasting(p, "lasting");
	struct policy_step *all = count_append(p, at, g->steps, g->nsteps, sizeof(s));
	if (!policy_parse_ok(p))
		return;
	g->steps = all;
	g->steps[g->nsteps++] = s;
}

void
policy_parse_ask(struct policy_parse *p, struct policy_group *g, const struct policy_token *at)
{
	struct policy_ask a = {.line = at->line, .lasting_us = COUNT_ASK_LASTING_US};
	policy_parse_keyword(p, "group");
	a.group = policy_parse_group_name(p);
	policy_parse_keyword(p, "after");
	a.after = count_count(p, NULL);
	a.within_us = count_lasting(p, "within");
	if (policy_parse_is(p, POLICY_WORD, "lasting"))
		a.lasting_us = count_lasting(p, "lasting");
	struct policy_ask *all = count_append(p, at, g->asks, g->nasks, sizeof(a));
	if (!policy_parse_ok(p))
		return;
	g->asks = all;
	g->asks[g->nasks++] = a;
}

/* -- reasons -- */

void
policy_parse_need(struct policy_parse *p, struct policy_group *g, const struct policy_token *at)
{
	static const char *const words[] = {"purpose", "case"};
	(void)at;
	do {
		struct policy_token what = policy_parse_take(p);
		if (policy_parse_at(&what, "purpose")) {
			policy_parse_first(p, &what, "\"need purpose\"", &g->need_purpose_line);
		} else if (policy_parse_at(&what, "case")) {
			policy_parse_first(p, &what, "\"need case\"", &g->need_case_line);
			if (p->explains.line == 0)
				p->explains = what;
		} else {
			policy_parse_unknown(p, &what, "need", words, BASE_COUNT(words));
		}
	} while (policy_parse_ok(p) && policy_parse_comma(p));
}

void
policy_parse_unexplained(struct policy_parse *p, struct policy_group *g, const struct policy_token *at)
{
	static const struct { const char *word; enum policy_unexplained what; } whats[] = {
		{"refuse", POLICY_UNEXPLAINED_REFUSE}, {"mask", POLICY_UNEXPLAINED_MASK}, {"count", POLICY_UNEXPLAINED_COUNT},
	};
	const char *words[BASE_COUNT(whats)];
	policy_parse_once(p, at, &g->unexplained_line);
	struct policy_token what = policy_parse_take(p);
	for (size_t i = 0; i < BASE_COUNT(whats); i++) {
		words[i] = whats[i].word;
		if (policy_parse_at(&what, whats[i].word))
			g->unexplained = whats[i].what;
	}
	if (g->unexplained == POLICY_UNEXPLAINED_UNSET)
		policy_parse_unknown(p, &what, "answer to an unexplained look-up", words, BASE_COUNT(words));
	if (p->explains.line == 0)
		p->explains = *at;
}

/* -- at the end -- */

size_t
policy_parse_subject(const struct policy_parse *p, struct base_span noun)
{
	const struct policy_file *f = p->file;
	for (size_t i = 0; i < f->nsubjects; i++)
		if (base_span_eq(f->subjects[i].name, noun))
			return i;
	for (size_t i = 0; noun.n > 0 && noun.p[noun.n - 1] == 's' && i < f->nsubjects; i++)
		if (base_span_eq(f->subjects[i].name, base_span(noun.p, noun.n - 1)))
			return i;
	return SIZE_MAX;
}

void
policy_parse_no_subject(struct policy_parse *p, const struct policy_token *at)
{
	const struct policy_file *f = p->file;
	const char *names[2 * POLICY_SUBJECTS_MAX + 1];
	size_t n = 0;
	names[n++] = "lookups";
	for (size_t i = 0; i < f->nsubjects && i < POLICY_SUBJECTS_MAX; i++) {
		struct base_span name = f->subjects[i].name;
		char *many = base_arena_get(p->lx.arena, name.n + 2); /* zeroed */
		const char *one = base_arena_str(p->lx.arena, name);
		if (!many || !one)
			break;
		if (name.n > 0)
			memcpy(many, name.p, name.n);
		many[name.n] = 's';
		names[n++] = many;
		names[n++] = one;
	}
	char got[POLICY_SHOW_SIZE];
	const char *near = base_text_nearest(at->text, names, n);
	(void)policy_lexer_show(at, got, sizeof(got));
	policy_lexer_fail(&p->lx, at, GH_E_PARSE, "there is no subject %s%s%s%s", got, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void
count_resolve(struct policy_parse *p, struct policy_count *c)
{
	if (c->noun != POLICY_NOUN_SUBJECT || !policy_parse_ok(p))
		return;
	const struct policy_token *at = &p->nouns[c->subject].at;
	c->subject = policy_parse_subject(p, at->text);
	if (c->subject == SIZE_MAX)
		policy_parse_no_subject(p, at);
}

void
policy_parse_counts_end(struct policy_parse *p)
{
	char got[POLICY_SHOW_SIZE];
	for (size_t i = 0; i < p->file->ngroups; i++) {
		struct policy_group *g = &p->file->groups[i];
		for (size_t k = 0; k < g->nbudgets; k++)
			count_resolve(p, &g->budgets[k].count);
		for (size_t k = 0; k < g->nsteps; k++)
			if (!g->steps[k].for_table)
				count_resolve(p, &g->steps[k].after);
		for (size_t k = 0; k < g->nasks; k++)
			count_resolve(p, &g->asks[k].after);
	}
	if (p->explains.line != 0 && p->file->case_from.line == 0)
		policy_lexer_fail(&p->lx, &p->explains, GH_E_PARSE, "%s needs a \"case from table\", which says where the cases are", policy_lexer_show(&p->explains, got, sizeof(got)));
}
