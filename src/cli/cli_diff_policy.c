/* cli_diff_policy: what a policy says for everybody: its default, whose data it is about, what is recorded of it, cases, applications, trusted views and functions.
 * Most of it cannot be ordered into more and less: it changes. Input: parsed policies. No I/O.
 */
#include "cli_diff.h"

#include <stdio.h>

#include "base_text.h"

#define TEXT_MAX 65536u

/* Two texts made by `put`, compared: one line of the list, or none. */
struct sides { const struct cli_diff *d; struct base_buf a, b; };

static void
sides_init(struct sides *s, const struct cli_diff *d)
{
	s->d = d;
	base_buf_init(&s->a, TEXT_MAX);
	base_buf_init(&s->b, TEXT_MAX);
}

static void
sides_say(struct sides *s, enum cli_way way, const char *what, unsigned line_a, unsigned line_b)
{
	if (!base_span_eq(base_buf_span(&s->a), base_buf_span(&s->b))) {
		base_buf_u8(&s->a, 0);
		base_buf_u8(&s->b, 0);
		cli_diff_say(s->d, way, what, (const char *)base_buf_span(&s->a).p, (const char *)base_buf_span(&s->b).p, line_a, line_b);
	}
	base_buf_clear(&s->a);
	base_buf_clear(&s->b);
}

static void
put(struct base_buf *b, struct base_span s)
{
	char quoted[600];

	base_buf_str(b, base_text_quote(quoted, sizeof(quoted), s, 590));
}

static void
put_name(struct base_buf *b, const struct policy_name *n, bool column)
{
	put(b, n->schema);
	base_buf_u8(b, '.');
	put(b, n->table);
	if (column) {
		base_buf_u8(b, '.');
		put(b, n->column);
	}
}

static void
put_or(struct base_buf *b, struct base_span s, const char *none)
{
	if (s.n)
		put(b, s);
	else
		base_buf_str(b, none);
}

static void
text(struct sides *s, const char *what, struct base_span a, struct base_span b, const char *none)
{
	put_or(&s->a, a, none);
	put_or(&s->b, b, none);
	sides_say(s, CLI_CHANGES, what, 0, 0);
}

/* -- subjects -- */

static bool
same_column(const struct policy_name *a, const struct policy_name *b)
{
	return base_span_eq(a->schema, b->schema) && base_span_eq(a->table, b->table) && base_span_eq(a->column, b->column);
}

/* Columns that one list has and the other has not. */
static void
names_missing(struct sides *s, const struct policy_name *a, size_t na, const struct policy_name *b, size_t nb, bool gone, enum cli_way way, const char *words, const char *is,
    const char *is_not)
{
	for (size_t i = 0; i < na; i++) {
		struct base_buf what;
		bool there = false;
		for (size_t k = 0; k < nb && !there; k++)
			there = same_column(&a[i], &b[k]);
		if (there)
			continue;
		base_buf_init(&what, TEXT_MAX);
		put_name(&what, &a[i], true);
		base_buf_str(&what, words);
		base_buf_u8(&what, 0);
		base_buf_str(&s->a, gone ? is : is_not);
		base_buf_str(&s->b, gone ? is_not : is);
		sides_say(s, way, (const char *)base_buf_span(&what).p, gone ? a[i].line : 0, gone ? 0 : a[i].line);
		base_buf_done(&what);
	}
}

static void
put_identifier(struct base_buf *b, const struct policy_subject *s, struct base_span column, unsigned *line_r)
{
	size_t n = 0;

	*line_r = 0;
	for (size_t i = 0; s && i < s->nidentifiers; i++) {
		const struct policy_identifier *id = &s->identifiers[i];
		if (!base_span_eq(id->column.column, column))
			continue;
		base_buf_str(b, n++ ? ", " : "recorded as ");
		put(b, id->kind);
		if (id->country.n) {
			base_buf_str(b, " country ");
			put(b, id->country);
		}
		*line_r = id->column.line;
	}
	if (n == 0)
		base_buf_str(b, "not recorded");
}

static void
identifiers(struct sides *s, const struct policy_subject *x, const struct policy_subject *y)
{
	for (size_t side = 0; side < 2; side++) {
		const struct policy_subject *from = side ? y : x;
		for (size_t i = 0; i < from->nidentifiers; i++) {
			const struct policy_name *c = &from->identifiers[i].column;
			struct base_buf what;
			unsigned la, lb;
			bool before = false;
			for (size_t k = 0; side && k < x->nidentifiers && !before; k++)
				before = base_span_eq(x->identifiers[k].column.column, c->column);
			if (before)
				continue; /* told from the other side */
			base_buf_init(&what, TEXT_MAX);
			put_name(&what, &(struct policy_name){.schema = from->table.schema, .table = from->table.table, .column = c->column}, true);
			base_buf_u8(&what, 0);
			put_identifier(&s->a, x, c->column, &la);
			put_identifier(&s->b, y, c->column, &lb);
			sides_say(s, CLI_CHANGES, (const char *)base_buf_span(&what).p, la, lb);
			base_buf_done(&what);
		}
	}
}

static const struct policy_subject *
subject_named(const struct policy_file *f, struct base_span name)
{
	for (size_t i = 0; i < f->nsubjects; i++)
		if (base_span_eq(f->subjects[i].name, name))
			return &f->subjects[i];
	return NULL;
}

static void
subject(struct sides *s, const struct policy_subject *x, const struct policy_subject *y)
{
	char what[300], name[200];

	(void)snprintf(what, sizeof(what), "subject %s", base_text_quote(name, sizeof(name), (x ? x : y)->name, 190));
	if (x) {
		put_name(&s->a, &x->table, false);
		base_buf_str(&s->a, ", key ");
		put(&s->a, x->key.column);
	} else {
		base_buf_str(&s->a, "not there");
	}
	if (y) {
		put_name(&s->b, &y->table, false);
		base_buf_str(&s->b, ", key ");
		put(&s->b, y->key.column);
	} else {
		base_buf_str(&s->b, "not there: nothing of it is recorded");
	}
	sides_say(s, CLI_CHANGES, what, x ? x->line : 0, y ? y->line : 0);
	if (!x || !y)
		return;
	identifiers(s, x, y);
	names_missing(s, x->linked, x->nlinked, y->linked, y->nlinked, true, CLI_CHANGES, "", "says whose rows these are", "says nothing of persons");
	names_missing(s, y->linked, y->nlinked, x->linked, x->nlinked, false, CLI_CHANGES, "", "says whose rows these are", "says nothing of persons");
	names_missing(s, x->harmless, x->nharmless, y->harmless, y->nharmless, true, CLI_LOSES, " (budgets)", "not counted: harmless", "counted");
	names_missing(s, y->harmless, y->nharmless, x->harmless, x->nharmless, false, CLI_GAINS, " (budgets)", "not counted: harmless", "counted");
}

/* -- cases -- */

static void
put_case(struct base_buf *b, const struct policy_case_from *c)
{
	const struct { const char *word; struct base_span column; } part[] = {{"case", c->number}, {"subject", c->subject}, {"person", c->person}, {"opener", c->opener},
	    {"team", c->team}, {"opened", c->opened}, {"closed", c->closed}};

	if (c->line == 0) {
		base_buf_str(b, "none");
		return;
	}
	put_name(b, &c->table, false);
	for (size_t i = 0; i < BASE_COUNT(part); i++)
		if (part[i].column.n) {
			base_buf_fmt(b, " %s ", part[i].word);
			put(b, part[i].column);
		}
	if (c->open_where.n) {
		base_buf_str(b, " open where ");
		put(b, c->open_where);
	}
}

/* -- applications -- */

static void
put_list(struct base_buf *b, const char *word, const struct base_span *item, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		base_buf_str(b, i ? ", " : word);
		put(b, item[i]);
	}
}

static void
put_application(struct base_buf *b, const struct policy_application *a)
{
	const struct { const char *word; struct base_span text; } part[] = {{" login ", a->login}, {" issuer ", a->issuer}, {" audience ", a->audience}, {" keys ", a->keys},
	    {" actor ", a->actor}, {" name ", a->person_name}, {" employer ", a->employer}, {" province ", a->province}, {" team ", a->team}, {" groups ", a->groups}};

	for (size_t i = 0; i < BASE_COUNT(part); i++)
		if (part[i].text.n) {
			base_buf_str(b, part[i].word + (base_buf_len(b) == 0));
			put(b, part[i].text);
		}
	base_buf_fmt(b, " algorithms%s%s%s", a->algorithms & POLICY_ALG_RS256 ? " RS256" : "", a->algorithms & POLICY_ALG_ES256 ? " ES256" : "", a->algorithms & POLICY_ALG_EDDSA ? " EdDSA" : "");
	put_list(b, " within ", a->within, a->nwithin);
	put_list(b, " nobody in ", a->nobody, a->nnobody);
}

static void
applications(struct sides *s, const struct policy_file *old, const struct policy_file *new)
{
	for (size_t side = 0; side < 2; side++) {
		const struct policy_file *f = side ? new : old, *g = side ? old : new;
		for (size_t i = 0; i < f->napplications; i++) {
			const struct policy_application *x = &f->applications[i], *y = NULL;
			char what[300], name[200];
			for (size_t k = 0; k < g->napplications && !y; k++)
				y = base_span_eq(g->applications[k].name, x->name) ? &g->applications[k] : NULL;
			if (side && y)
				continue;
			(void)snprintf(what, sizeof(what), "application %s", base_text_quote(name, sizeof(name), x->name, 190));
			put_application(side ? &s->b : &s->a, x);
			if (y)
				put_application(&s->b, y);
			else
				base_buf_str(side ? &s->a : &s->b, "not there");
			sides_say(s, CLI_CHANGES, what, side ? 0 : x->line, side ? x->line : y ? y->line : 0);
		}
	}
}

/* -- trust -- */

static bool
same_trust(const struct policy_trust *a, const struct policy_trust *b)
{
	return a->function == b->function && base_span_eq(a->name.schema, b->name.schema) && base_span_eq(a->name.table, b->name.table) && base_span_eq(a->arguments, b->arguments);
}

static void
trusts(struct sides *s, const struct policy_file *old, const struct policy_file *new)
{
	for (size_t side = 0; side < 2; side++) {
		const struct policy_file *f = side ? new : old, *g = side ? old : new;
		for (size_t i = 0; i < f->ntrusts; i++) {
			const struct policy_trust *x = &f->trusts[i], *y = NULL;
			struct base_buf what;
			for (size_t k = 0; k < g->ntrusts && !y; k++)
				y = same_trust(&g->trusts[k], x) ? &g->trusts[k] : NULL;
			if (side && y)
				continue;
			base_buf_init(&what, TEXT_MAX);
			base_buf_str(&what, x->function ? "function " : "view ");
			put_name(&what, &x->name, false);
			if (x->function) {
				base_buf_u8(&what, '(');
				put(&what, x->arguments);
				base_buf_u8(&what, ')');
			}
			base_buf_u8(&what, 0);
			base_buf_str(side ? &s->b : &s->a, "trusted");
			if (y && x->function) {
				base_buf_str(&s->a, " with body ");
				put(&s->a, x->body);
				base_buf_str(&s->b, "trusted with body ");
				put(&s->b, y->body);
			} else {
				base_buf_str(side ? &s->a : &s->b, y ? "trusted" : "not trusted");
			}
			sides_say(s, y ? CLI_CHANGES : side ? CLI_GAINS : CLI_LOSES, (const char *)base_buf_span(&what).p, side ? 0 : x->name.line, side ? x->name.line : y ? y->name.line : 0);
			base_buf_done(&what);
		}
	}
}

void
cli_diff_policy(const struct policy_file *old, const struct policy_file *new, struct cli_changes *out)
{
	struct cli_diff d = {"everybody", out, old, new};
	struct sides s;

	sides_init(&s, &d);
	if (old->treat != new->treat)
		cli_diff_say(&d, new->treat == POLICY_ENFORCE ? CLI_LOSES : CLI_GAINS, "people in no group, and groups that do not say", old->treat == POLICY_ENFORCE ? "enforced" : "observed",
		             new->treat == POLICY_ENFORCE ? "enforced" : "observed", 0, 0);
	text(&s, "owner", old->owner, new->owner, "none");
	text(&s, "purpose of the policy", old->purpose, new->purpose, "none");
	text(&s, "date of review", old->review_by, new->review_by, "none");
	text(&s, "time zone", old->zone, new->zone, "UTC");
	text(&s, "approved statements", old->approved, new->approved, "none");
	for (size_t i = 0; i < old->nsubjects; i++)
		subject(&s, &old->subjects[i], subject_named(new, old->subjects[i].name));
	for (size_t i = 0; i < new->nsubjects; i++)
		if (!subject_named(old, new->subjects[i].name))
			subject(&s, NULL, &new->subjects[i]);
	put_case(&s.a, &old->case_from);
	put_case(&s.b, &new->case_from);
	sides_say(&s, CLI_CHANGES, "cases", old->case_from.line, new->case_from.line);
	applications(&s, old, new);
	trusts(&s, old, new);
	base_buf_done(&s.a);
	base_buf_done(&s.b);
}
