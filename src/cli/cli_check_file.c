/* cli_check_file: see cli_check.h: what can be found without a database. Input: a parsed policy and people file of a trusted person. No I/O. */
#include "cli_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"

#define NAMES_SHOWN 5u

void
cli_check_names(const struct base_span *name, size_t n, char *dst, size_t size)
{
	struct base_buf b;
	char quoted[160];

	base_buf_init(&b, 8192);
	for (size_t i = 0; i < n && i < NAMES_SHOWN; i++) {
		base_buf_str(&b, i == 0 ? "" : i + 1 == n ? " and " : ", ");
		base_buf_str(&b, base_text_quote(quoted, sizeof(quoted), name[i], 128));
	}
	if (n > NAMES_SHOWN)
		base_buf_fmt(&b, " and %zu more", n - NAMES_SHOWN);
	struct base_span s = base_buf_span(&b);
	(void)snprintf(dst, size, "%.*s", (int)s.n, (const char *)s.p);
	base_buf_done(&b);
}

/* -- rules -- */

struct place {
	const struct policy_file *f;
	const struct policy_on_table *on;
	const struct policy_say_column *say;
	struct cli_findings *out;
};

static void
say(const struct place *p, enum cli_severity severity, const char *check, const char *why, const char *text)
{
	char file[512], name[160], table[160];

	cli_findings_say(p->out, severity, check, why, NULL, "%s:%u:%u: column %s of %s: %s", base_text_quote(file, sizeof(file), p->f->file, 480), p->say->line, p->say->col,
	                 base_text_quote(name, sizeof(name), p->say->column, 128), base_text_quote(table, sizeof(table), p->on->table.table, 128), text);
}

static const struct policy_say_column *
other(const struct policy_on_table *on, struct base_span column, enum policy_say what)
{
	for (size_t i = 0; i < on->nsays; i++)
		if (on->says[i].say == what && base_span_eq(on->says[i].column, column))
			return &on->says[i];
	return NULL;
}

/* The strongest of the table's masks of this column; NULL: clear. */
static const struct policy_say_column *
strongest(const struct policy_on_table *on, struct base_span column)
{
	static const struct policy_mask hide = {.kind = POLICY_MASK_HIDE};
	const struct policy_say_column *best = NULL;

	for (size_t i = 0; i < on->nsays; i++) {
		const struct policy_say_column *s = &on->says[i];
		if ((s->say != POLICY_SAY_MASK && s->say != POLICY_SAY_HIDE) || !base_span_eq(s->column, column))
			continue;
		const struct policy_mask *a = best ? (best->say == POLICY_SAY_HIDE ? &hide : &best->mask) : NULL, *b = s->say == POLICY_SAY_HIDE ? &hide : &s->mask;
		if (!a || policy_mask_stronger(a, b) == b)
			best = s;
	}
	return best;
}

static void
check_say(const struct place *p)
{
	const struct policy_say_column *s = p->say, *best = strongest(p->on, s->column), *show = other(p->on, s->column, POLICY_SAY_SHOW);
	char text[256], words[64] = "hidden";

	if (best && best->say == POLICY_SAY_MASK)
		policy_mask_words(&best->mask, words, sizeof(words));
	const char *how = best && best->say == POLICY_SAY_MASK ? "masked as " : "";
	switch (s->say) {
	case POLICY_SAY_SHOW:
		if (!best)
			return;
		(void)snprintf(text, sizeof(text), "`show` has no effect: it is %s%s by line %u of the same group", how, words, best->line);
		say(p, CLI_WARNING, "shadowed", "hide beats mask, and mask beats show, whatever their order", text);
		return;
	case POLICY_SAY_MASK:
		if (best == s)
			return;
		(void)snprintf(text, sizeof(text), "this mask has no effect: it is %s%s by line %u of the same group", how, words, best ? best->line : 0);
		say(p, CLI_WARNING, "shadowed", "of two masks the stronger one is taken", text);
		return;
	case POLICY_SAY_LOOKUP:
		if (best || show) {
			if (!best)
				say(p, CLI_NOTE, "shadowed", NULL, "`look up by` has no effect: the column is shown, so any condition on it is allowed");
			return;
		}
		say(p, CLI_WARNING, "shadowed", NULL, "`look up by` has no effect: no show, mask or hide of this group names it, so every statement that does is refused");
		return;
	case POLICY_SAY_NEVER_FILTER:
		if (best)
			say(p, CLI_NOTE, "shadowed", NULL, "`never filter on` says nothing new: a masked or hidden column cannot be filtered by, but for `look up by` of another group");
		else if (!show)
			say(p, CLI_WARNING, "shadowed", NULL, "`never filter on` has no effect: no show, mask or hide of this group names it, so every statement that does is refused");
		return;
	case POLICY_SAY_HIDE:
	case POLICY_SAY_UPDATE:
	case POLICY_SAY_INSERT:
		return;
	}
}

static void
check_table(const struct policy_file *f, const struct policy_on_table *on, struct cli_findings *out)
{
	char file[512], table[160];
	bool columns = false;

	for (size_t i = 0; i < on->nsays; i++) {
		columns = columns || on->says[i].say == POLICY_SAY_SHOW || on->says[i].say == POLICY_SAY_MASK || on->says[i].say == POLICY_SAY_HIDE;
		check_say(&(struct place){f, on, &on->says[i], out});
	}
	(void)base_text_quote(file, sizeof(file), f->file, 480);
	(void)base_text_quote(table, sizeof(table), on->table.table, 128);
	if (columns && !(on->actions & POLICY_READ))
		cli_findings_say(out, CLI_WARNING, "shadowed", NULL, NULL, "%s:%u:%u: table %s: its show, mask and hide rules have no effect for reading: there is no `allow read`", file,
		                 on->table.line, on->table.col, table);
	if (!columns && (on->actions & POLICY_READ))
		cli_findings_say(out, CLI_WARNING, "no-rule", NULL, NULL, "%s:%u:%u: table %s: no column of it has a rule, so rows can only be counted", file, on->table.line, on->table.col, table);
}

void
cli_check_rules(const struct policy_file *f, const char *today, struct cli_findings *out)
{
	char file[512];

	(void)base_text_quote(file, sizeof(file), f->file, 480);
	for (size_t g = 0; g < f->ngroups; g++)
		for (size_t t = 0; t < f->groups[g].ntables; t++)
			check_table(f, &f->groups[g].tables[t], out);
	cli_check_counts(f, out);
	if (f->review_by.n > 0 && base_span_cmp(f->review_by, base_span_str(today)) < 0)
		cli_findings_say(out, CLI_WARNING, "review", "a policy that nobody has looked at lets in what has changed since", NULL, "%s: the date of review, %.*s, has passed", file,
		                 (int)f->review_by.n, (const char *)f->review_by.p);
}

/* -- people -- */

static bool
group_there(const struct policy_file *f, struct base_span name)
{
	for (size_t g = 0; g < f->ngroups; g++)
		if (base_span_eq(f->groups[g].name, name))
			return true;
	return false;
}

static bool
is_in(const struct policy_person *p, struct base_span group)
{
	for (size_t i = 0; i < p->ngroups; i++)
		if (base_span_eq(p->groups[i], group))
			return true;
	return false;
}

/* Roles of the people for whom `want` says so; their number. */
static size_t
collect(const struct policy_people *people, bool (*want)(const struct policy_person *p, const void *ctx), const void *ctx, struct base_span *role)
{
	size_t n = 0;

	for (size_t i = 0; i < policy_people_count(people); i++) {
		const struct policy_person *p = policy_people_at(people, i);
		if (want(p, ctx))
			role[n++] = p->role;
	}
	return n;
}

static bool
in_group(const struct policy_person *p, const void *ctx)
{
	return is_in(p, *(const struct base_span *)ctx);
}

static bool
in_none(const struct policy_person *p, const void *ctx)
{
	for (size_t i = 0; i < p->ngroups; i++)
		if (group_there(ctx, p->groups[i]))
			return false;
	return true;
}

static bool
unvetted(const struct policy_person *p, const void *ctx)
{
	return p->vetted_until.n > 0 && base_span_cmp(p->vetted_until, base_span_str(ctx)) < 0;
}

static bool
left(const struct policy_person *p, const void *ctx)
{
	return p->left_on.n > 0 && base_span_cmp(p->left_on, base_span_str(ctx)) < 0;
}

/* In this group, which asks for vetting, without a date of vetting. */
static bool
never_vetted(const struct policy_person *p, const void *ctx)
{
	return p->vetted_until.n == 0 && in_group(p, ctx);
}

static const char *
near_group(const struct policy_file *f, struct base_span name, char *dst, size_t size)
{
	const char **names = base_mem_new(f->ngroups + 1, sizeof(*names));
	char quoted[160];

	for (size_t g = 0; g < f->ngroups; g++)
		names[g] = base_mem_str(f->groups[g].name);
	const char *near = base_text_nearest(name, names, f->ngroups);
	(void)snprintf(dst, size, "%s%s%s", near ? "; did you mean \"" : "", near ? base_text_quote(quoted, sizeof(quoted), base_span_str(near), 128) : "", near ? "\"?" : "");
	for (size_t g = 0; g < f->ngroups; g++)
		free((void *)(uintptr_t)names[g]);
	free(names);
	return *dst ? dst : NULL;
}

/* Sessions of an application may be in it without any person of the people file. */
static bool
given_by_application(const struct policy_file *f, struct base_span group)
{
	for (size_t i = 0; i < f->napplications; i++) {
		const struct policy_application *a = &f->applications[i];
		for (size_t k = 0; k < a->nwithin; k++)
			if (base_span_eq(a->within[k], group))
				return true;
		for (size_t k = 0; k < a->nnobody; k++)
			if (base_span_eq(a->nobody[k], group))
				return true;
	}
	return false;
}

/* Who is to approve, and who is to be vetted; role: room for all people. */
static void
check_duties(const struct policy_file *f, const struct policy_people *people, struct base_span *role, struct cli_findings *out)
{
	char file[512], name[160], names[800];

	(void)base_text_quote(file, sizeof(file), f->file, 480);
	for (size_t g = 0; g < f->ngroups; g++) {
		const struct policy_group *x = &f->groups[g];
		for (size_t i = 0; i < x->nasks; i++)
			if (collect(people, in_group, &x->asks[i].group, role) == 0 && !given_by_application(f, x->asks[i].group))
				cli_findings_say(out, CLI_WARNING, "approve", NULL, NULL, "%s:%u: nobody can approve: nobody is in group %s", file, x->asks[i].line,
				                 base_text_quote(name, sizeof(name), x->asks[i].group, 128));
		size_t n = x->only.vetted_line != 0 ? collect(people, never_vetted, &x->name, role) : 0;
		if (n == 0)
			continue;
		cli_check_names(role, n, names, sizeof(names));
		cli_findings_say(out, CLI_WARNING, "vetted", NULL, NULL, "%s:%u: everything is refused to %s: no vetted_until is in the people file", file, x->only.vetted_line, names);
	}
	for (size_t i = 0; i < f->napplications; i++)
		if (policy_people_find(people, f->applications[i].login))
			cli_findings_say(out, CLI_WARNING, "application", NULL, NULL, "%s:%u: %s, with which an application logs in, is listed in the people file: what is said there does not hold for it", file,
			                 f->applications[i].line, base_text_quote(name, sizeof(name), f->applications[i].login, 128));
}

/* Each group that people are in and the policy does not have, once. */
static void
check_strange_groups(const struct policy_file *f, const struct policy_people *people, struct base_span *role, struct cli_findings *out)
{
	struct base_map *seen = base_map_new(0, NULL);
	char name[160], names[800], near[256];

	for (size_t i = 0; i < policy_people_count(people); i++) {
		const struct policy_person *p = policy_people_at(people, i);
		for (size_t k = 0; k < p->ngroups; k++) {
			if (group_there(f, p->groups[k]) || base_map_get(seen, p->groups[k]) || base_map_put(seen, p->groups[k], seen) < 0)
				continue;
			size_t n = collect(people, in_group, &p->groups[k], role);
			cli_check_names(role, n, names, sizeof(names));
			bool likely = near_group(f, p->groups[k], near, sizeof(near)) != NULL;
			cli_findings_say(out, likely ? CLI_WARNING : CLI_NOTE, "group", NULL, NULL, "group %s, which %s %s in, is not in the policy and gives nothing%s",
			                 base_text_quote(name, sizeof(name), p->groups[k], 128), names, n == 1 ? "is" : "are", near);
		}
	}
	base_map_free(&seen);
}

void
cli_check_people(const struct policy_file *f, const struct policy_people *people, const char *today, struct cli_findings *out)
{
	char file[512], name[160], names[800];

	if (f->ngroups == 0)
		return;
	(void)base_text_quote(file, sizeof(file), f->file, 480);
	if (!people) {
		cli_findings_add(out, CLI_WARNING, "group", "the policy has groups, but no people file says who is in them", NULL, "people = \"people.csv\" in the configuration");
		return;
	}
	struct base_span *role = base_mem_new(policy_people_count(people) + 1, sizeof(*role));
	for (size_t g = 0; g < f->ngroups; g++) {
		const struct policy_group *x = &f->groups[g];
		if (collect(people, in_group, &x->name, role) == 0 && !given_by_application(f, x->name))
			cli_findings_say(out, CLI_WARNING, "group", NULL, NULL, "%s:%u:%u: nobody is in group %s", file, x->line, x->col, base_text_quote(name, sizeof(name), x->name, 128));
	}
	check_duties(f, people, role, out);
	check_strange_groups(f, people, role, out);
	size_t n = collect(people, in_none, f, role);
	if (n > 0) {
		cli_check_names(role, n, names, sizeof(names));
		cli_findings_say(out, CLI_NOTE, "group", NULL, NULL, "%s %s in no group of the policy: %s", names, n == 1 ? "is" : "are",
		                 f->treat == POLICY_ENFORCE ? "everything is refused to them" : "they are observed, and nothing is refused to them");
	}
	n = collect(people, left, today, role);
	if (n > 0) {
		cli_check_names(role, n, names, sizeof(names));
		cli_findings_say(out, CLI_NOTE, "left", NULL, NULL, "%s %s left (left_on): every log-in is refused, and an alarm", names, n == 1 ? "has" : "have");
	}
	n = collect(people, unvetted, today, role);
	if (n > 0) {
		cli_check_names(role, n, names, sizeof(names));
		cli_findings_say(out, CLI_WARNING, "vetted", NULL, NULL, "the vetting of %s has run out (vetted_until)", names);
	}
	free(role);
}
