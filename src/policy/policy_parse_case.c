/* policy_parse_case: `case from`: which table of the company holds the cases that explain look-ups; see policy_rule.h. Input: tokens of a trusted person's
 * file, read as if hostile. That the table and its columns exist, policy_bind_case says. No I/O.
 *
 *   case     = "case" "from" "table" [name "."] name ["of" noun] "{" part* "}"
 *   part     = ("case" | "subject" | "person" | "opener" | "team" | "opened" | "closed") name | "open" "where" TEXT-TO-END-OF-LINE
 */
#include "policy_parse_int.h"

#include "base_text.h"

static const char *const case_words[] = {"case", "subject", "person", "opener", "team", "opened", "closed", "open"};
enum { CASE_COLUMNS = BASE_COUNT(case_words) - 1, CASE_NEEDED = 3 };

static void
case_part(struct policy_parse *p, struct policy_case_from *c, unsigned once[BASE_COUNT(case_words)])
{
	struct base_span *const columns[CASE_COLUMNS] = {&c->number, &c->subject, &c->person, &c->opener, &c->team, &c->opened, &c->closed};
	struct policy_token at = policy_parse_take(p);
	size_t i = 0;
	while (i < BASE_COUNT(case_words) && !policy_parse_at(&at, case_words[i]))
		i++;
	if (i == BASE_COUNT(case_words)) {
		policy_parse_unknown(p, &at, "part of the cases", case_words, BASE_COUNT(case_words));
		return;
	}
	policy_parse_once(p, &at, &once[i]);
	if (i < CASE_COLUMNS) {
		*columns[i] = policy_parse_name(p, "a column name");
		return;
	}
	c->open_where = policy_parse_where(p, false, &at);
	c->open_line = at.line;
}

void
policy_parse_case(struct policy_parse *p, const struct policy_token *at)
{
	struct policy_case_from c = {.line = at->line};
	unsigned once[BASE_COUNT(case_words)] = {0};
	c.number = c.subject = c.person = c.opener = c.team = c.opened = c.closed = c.open_where = base_span("", 0);
	policy_parse_keyword(p, "from");
	if (p->file->case_from.line != 0)
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "\"case from\" is given twice; first in line %u", p->file->case_from.line);
	policy_parse_keyword(p, "table");
	c.table = policy_parse_table(p, "a table's name");
	if (policy_parse_is(p, POLICY_WORD, "of")) {
		(void)policy_parse_take(p);
		p->case_of = p->lx.tok;
		(void)policy_parse_word(p, "a subject's name");
	}
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		case_part(p, &c, once);
	policy_parse_punct(p, "}", "\"}\" at the end of the cases");
	for (size_t i = 0; i < CASE_NEEDED; i++)
		if (once[i] == 0)
			policy_lexer_fail(&p->lx, at, GH_E_PARSE, "the cases have no \"%s\": which column is it?", case_words[i]);
	if (policy_parse_ok(p))
		p->file->case_from = c;
}

void
policy_parse_case_end(struct policy_parse *p)
{
	struct policy_case_from *c = &p->file->case_from;
	if (c->line == 0 || !policy_parse_ok(p))
		return;
	if (p->case_of.line == 0) {
		struct policy_token at = {.line = c->table.line, .col = c->table.col};
		if (p->file->nsubjects != 1)
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "there are several subjects: whose cases are these? Write \"of\" and the subject's name behind the table");
		return;
	}
	c->of = policy_parse_subject(p, p->case_of.text);
	if (c->of == SIZE_MAX)
		policy_parse_no_subject(p, &p->case_of);
}
