/* policy_group: groups of a .gate file: what their people may do; see policy_rule.h. Input: tokens of a trusted person's file, read as if
 * hostile: counts have ceilings. Says what is written twice or contradicts itself; what the database does not have, policy_bind_group says.
 * No I/O.
 *
 *   group    = "group" name "{" (treat | "on" "table" [name "."] name "{" rule* "}" | limits | counts | reasons | only)* "}"
 *   counts, reasons: policy_parse_count.c; only: policy_parse_only.c
 *   limits   = limit ("," limit)*
 *   limit    = "limit" NUMBER "rows" "per" "statement" | "no" ("copy" | "cursor")
 *   rule     = "allow" action ("," action)* | "show" names | "mask" names "as" mask | "hide" names | "look" "up" "by" names
 *            | "never" "filter" "on" names | "rows" "where" TEXT-TO-END-OF-LINE
 *   action   = "read" | "delete" | ("insert" | "update") ["of" names]      behind `of`, a bare word that is an action begins the next action
 *   mask     = "last" NUMBER | "first" NUMBER | "hash" | "token" | "year" | "fixed" STRING
 */
#include "policy_parse_int.h"

#include <stdio.h>

#include "base_text.h"

#define GROUP_SAYS_TABLE 4096u  /* of one table: names are compared pairwise */
#define GROUP_SAYS_FILE 65536u
#define GROUP_GROUPS 1024u
#define GROUP_TABLES 4096u      /* of one group */

static const char *
group_say_words(enum policy_say say)
{
	static const char *const words[] = {"show", "mask", "hide", "look up by", "never filter on", "update of", "insert of"};
	return words[say];
}

/* Of one table in one group: the same rule twice, or two that deny each other. */
static void
group_check_say(struct policy_parse *p, const struct policy_on_table *t, const struct policy_say_column *s)
{
	char name[160];
	struct policy_token at = {.line = s->line, .col = s->col};
	(void)base_text_quote(name, sizeof(name), s->column, 100);
	for (size_t i = 0; i < t->nsays && policy_parse_ok(p); i++) {
		const struct policy_say_column *o = &t->says[i];
		if (!base_span_eq(o->column, s->column))
			continue;
		if (o->say == s->say && o->mask.kind == s->mask.kind)
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "column \"%s\" is named twice under \"%s\"; first in line %u", name,
			                  group_say_words(s->say), o->line);
		else if ((o->say == POLICY_SAY_LOOKUP && s->say == POLICY_SAY_NEVER_FILTER) || (o->say == POLICY_SAY_NEVER_FILTER && s->say == POLICY_SAY_LOOKUP))
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "column \"%s\" is under \"%s\" and, in line %u, under \"%s\": one denies the other", name,
			                  group_say_words(s->say), o->line, group_say_words(o->say));
	}
}

static void
group_say(struct policy_parse *p, struct policy_on_table *t, const struct policy_say_column *s)
{
	group_check_say(p, t, s);
	if (t->nsays == GROUP_SAYS_TABLE || p->says == GROUP_SAYS_FILE)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "more than %u columns are named %s", t->nsays == GROUP_SAYS_TABLE ? GROUP_SAYS_TABLE : GROUP_SAYS_FILE,
		                  t->nsays == GROUP_SAYS_TABLE ? "for this table" : "in groups");
	struct policy_say_column *all = policy_parse_append(p, t->says, t->nsays, sizeof(*s));
	if (!policy_parse_ok(p))
		return;
	t->says = all;
	t->says[t->nsays++] = *s;
	p->says++;
}

static bool
group_is_action(const struct policy_token *t)
{
	return policy_parse_at(t, "read") || policy_parse_at(t, "insert") || policy_parse_at(t, "update") || policy_parse_at(t, "delete");
}

/* name ("," name)*. With actions: a comma may also lead to the next action; true when it did (the comma is taken). */
static bool
group_columns(struct policy_parse *p, struct policy_on_table *t, enum policy_say say, bool actions)
{
	do {
		if (actions && group_is_action(&p->lx.tok))
			return true;
		struct policy_say_column s = {.say = say, .line = p->lx.tok.line, .col = p->lx.tok.col};
		s.column = policy_parse_name(p, "a column name");
		if (policy_parse_ok(p))
			group_say(p, t, &s);
	} while (policy_parse_ok(p) && policy_parse_comma(p));
	return false;
}

static void
group_allow(struct policy_parse *p, struct policy_on_table *t)
{
	static const char *const words[] = {"read", "insert", "update", "delete"};
	bool more;
	do {
		struct policy_token at = policy_parse_take(p);
		size_t i = 0;
		while (i < BASE_COUNT(words) && !policy_parse_at(&at, words[i]))
			i++;
		if (i == BASE_COUNT(words)) {
			policy_parse_unknown(p, &at, "action", words, BASE_COUNT(words));
			return;
		}
		policy_parse_once(p, &at, &t->action_line[i]);
		t->actions |= 1u << i;
		if (t->actions_line == 0)
			t->actions_line = at.line;
		unsigned bit = 1u << i;
		bool writes = bit == POLICY_INSERT || bit == POLICY_UPDATE;
		if (writes && policy_parse_is(p, POLICY_WORD, "of")) {
			(void)policy_parse_take(p);
			if (group_is_action(&p->lx.tok))
				policy_parse_expected(p, "a column name (in quotes, when it is called so)");
			more = group_columns(p, t, bit == POLICY_INSERT ? POLICY_SAY_INSERT : POLICY_SAY_UPDATE, true);
		} else {
			t->update_all |= bit == POLICY_UPDATE;
			t->insert_all |= bit == POLICY_INSERT;
			more = policy_parse_comma(p);
		}
	} while (more && policy_parse_ok(p));
}

/* The mask stands behind the columns: it is filled in afterwards. */
static void
group_mask(struct policy_parse *p, struct policy_on_table *t)
{
	struct policy_on_table some = {.says = NULL};
	(void)group_columns(p, &some, POLICY_SAY_MASK, false);
	policy_parse_keyword(p, "as");
	struct policy_mask m = policy_parse_mask(p);
	for (size_t i = 0; i < some.nsays && policy_parse_ok(p); i++) {
		some.says[i].mask = m;
		p->says--; /* counted when it was read */
		group_say(p, t, &some.says[i]);
	}
}

static void
group_rows(struct policy_parse *p, struct policy_on_table *t, const struct policy_token *rows)
{
	struct policy_token at = *rows;
	policy_parse_once(p, rows, &t->rows_line);
	t->rows_where = policy_parse_where(p, true, &at);
	t->rows_line = at.line;
	t->rows_col = at.col;
}

static void
group_rule(struct policy_parse *p, struct policy_on_table *t)
{
	static const char *const words[] = {"allow", "show", "mask", "hide", "look", "never", "rows"};
	struct policy_token at = policy_parse_take(p);
	if (policy_parse_at(&at, "allow")) {
		group_allow(p, t);
	} else if (policy_parse_at(&at, "show")) {
		(void)group_columns(p, t, POLICY_SAY_SHOW, false);
	} else if (policy_parse_at(&at, "mask")) {
		group_mask(p, t);
	} else if (policy_parse_at(&at, "hide")) {
		(void)group_columns(p, t, POLICY_SAY_HIDE, false);
	} else if (policy_parse_at(&at, "look")) {
		policy_parse_keyword(p, "up");
		policy_parse_keyword(p, "by");
		(void)group_columns(p, t, POLICY_SAY_LOOKUP, false);
	} else if (policy_parse_at(&at, "never")) {
		policy_parse_keyword(p, "filter");
		policy_parse_keyword(p, "on");
		(void)group_columns(p, t, POLICY_SAY_NEVER_FILTER, false);
	} else if (policy_parse_at(&at, "rows")) {
		group_rows(p, t, &at);
	} else {
		policy_parse_unknown(p, &at, "rule", words, BASE_COUNT(words));
	}
}

/* `on` is taken. */
static void
group_on_table(struct policy_parse *p, struct policy_group *g)
{
	struct policy_on_table t = {.rows_where = base_span("", 0)};
	policy_parse_keyword(p, "table");
	t.table = policy_parse_table(p, "a table's name");
	for (size_t i = 0; i < g->ntables; i++)
		if (policy_parse_same(&g->tables[i].table, &t.table))
			policy_parse_twice(p, &t.table, "table", "is given twice in this group; first in line", g->tables[i].table.line);
	if (g->ntables == GROUP_TABLES)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "more than %u tables in one group", GROUP_TABLES);
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		group_rule(p, &t);
	policy_parse_punct(p, "}", "\"}\" at the end of the table's rules");
	struct policy_on_table *all = policy_parse_append(p, g->tables, g->ntables, sizeof(t));
	if (!policy_parse_ok(p))
		return;
	g->tables = all;
	g->tables[g->ntables++] = t;
}

/* `limit` or `no` is taken; more of the same may follow behind commas. */
static void
group_limits(struct policy_parse *p, struct policy_group *g, struct policy_token at)
{
	static const char *const things[] = {"copy", "cursor"};
	static const char *const limits[] = {"limit", "no"};
	for (;;) {
		if (policy_parse_at(&at, "limit")) {
			policy_parse_once(p, &at, &g->limit_line);
			g->limit_rows = policy_parse_number(p, 1, INT64_MAX, "a number of rows from 1");
			policy_parse_keyword(p, "rows");
			policy_parse_keyword(p, "per");
			policy_parse_keyword(p, "statement");
		} else if (policy_parse_at(&at, "no")) {
			struct policy_token thing = policy_parse_take(p);
			if (policy_parse_at(&thing, "copy"))
				policy_parse_first(p, &at, "\"no copy\"", &g->no_copy_line);
			else if (policy_parse_at(&thing, "cursor"))
				policy_parse_first(p, &at, "\"no cursor\"", &g->no_cursor_line);
			else
				policy_parse_unknown(p, &thing, "thing to forbid", things, BASE_COUNT(things));
		} else {
			policy_parse_unknown(p, &at, "limit", limits, BASE_COUNT(limits));
		}
		if (!policy_parse_ok(p) || !policy_parse_comma(p))
			return;
		at = policy_parse_take(p);
	}
}

static void
group_item(struct policy_parse *p, struct policy_group *g)
{
	static const struct { const char *word; void (*parse)(struct policy_parse *p, struct policy_group *g, const struct policy_token *at); } more[] = {
		{"budget", policy_parse_budget}, {"need", policy_parse_need}, {"unexplained", policy_parse_unexplained},
		{"only", policy_parse_only},     {"step", policy_parse_step}, {"ask", policy_parse_ask},
	};
	const char *words[BASE_COUNT(more) + 4] = {"treat", "on", "limit", "no"};
	struct policy_token at = policy_parse_take(p);
	for (size_t i = 0; i < BASE_COUNT(more); i++) {
		words[4 + i] = more[i].word;
		if (policy_parse_at(&at, more[i].word)) {
			more[i].parse(p, g, &at);
			return;
		}
	}
	if (policy_parse_at(&at, "treat")) {
		policy_parse_once(p, &at, &g->treat_line);
		g->treat = policy_parse_treat(p);
	} else if (policy_parse_at(&at, "on")) {
		group_on_table(p, g);
	} else if (policy_parse_at(&at, "limit") || policy_parse_at(&at, "no")) {
		group_limits(p, g, at);
	} else {
		policy_parse_unknown(p, &at, "part of a group", words, BASE_COUNT(words));
	}
}

void
policy_parse_group(struct policy_parse *p)
{
	struct policy_file *f = p->file;
	struct policy_token at = p->lx.tok;
	struct policy_group g = {.line = at.line, .col = at.col};
	char quoted[96];
	g.name = policy_parse_name(p, "a group's name");
	for (size_t i = 0; i < f->ngroups; i++)
		if (base_span_eq(f->groups[i].name, g.name))
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "group \"%s\" is declared twice; first in line %u",
			                  base_text_quote(quoted, sizeof(quoted), g.name, 64), f->groups[i].line);
	if (f->ngroups == GROUP_GROUPS)
		policy_lexer_fail(&p->lx, &at, GH_E_LIMIT, "more than %u groups", GROUP_GROUPS);
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		group_item(p, &g);
	policy_parse_punct(p, "}", "\"}\" at the end of the group");
	struct policy_group *all = policy_parse_append(p, f->groups, f->ngroups, sizeof(g));
	if (!policy_parse_ok(p))
		return;
	f->groups = all;
	f->groups[f->ngroups++] = g;
}
