/* policy_check: the parts of a .gate file that make or check exceptions: trusted views and functions, and test blocks; see policy_rule.h.
 * Input: tokens of a trusted person's file, read as if hostile. Runs no test: `gatehouse policy test` does. No I/O.
 *
 *   trust    = "trust" ("view" [name "."] name | "function" [name "."] name "(" TEXT ")" "body" STRING)
 *   test     = "test" STRING "{" ("as" name ["in" name ("," name)*] (("team" | "employer" | "province") STRING | "from" ADDRESS
 *            | "at" DATE HH:MM | "with" "certificate")*
 *            | "run" STRING | "expect" expect ("," expect)*)* "}"
 *   expect   = "allow" | "deny" ["by" (STRING | WORD+)] | "rows" NUMBER | name ("clear" | "hidden" | "masked" mask)
 */
#include "policy_parse_int.h"

#include <stdio.h>

#include "base_num.h"
#include "base_text.h"
#include "base_time.h"
#include "policy_only.h"

#define CHECK_TRUSTS 1024u
#define CHECK_TESTS 4096u

/* -- trust -- */

/* "Text ,  integer" -> "text, integer": one space behind a comma and between words, bare letters in lower case; inside quotes nothing changes. */
static struct base_span
check_arguments(struct policy_parse *p, struct base_span raw)
{
	uint8_t *out = base_arena_get(p->lx.arena, 2 * raw.n + 1);
	size_t n = 0;
	bool gap = false, quoted = false;
	if (!out) {
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "the policy is too large");
		return base_span("", 0);
	}
	for (size_t i = 0; i < raw.n; i++) {
		uint8_t c = raw.p[i];
		if (!quoted && (c == ' ' || c == '\t')) {
			gap = true;
			continue;
		}
		if (gap && n > 0 && c != ',' && out[n - 1] != ' ')
			out[n++] = ' ';
		gap = false;
		quoted ^= c == '"';
		out[n++] = !quoted && c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
		if (!quoted && c == ',')
			out[n++] = ' ';
	}
	return base_span(out, n);
}

static void
check_function(struct policy_parse *p, struct policy_trust *t)
{
	struct policy_token at;
	if (!policy_parse_is(p, POLICY_PUNCT, "(")) {
		policy_parse_expected(p, "\"(\" and the types of the arguments");
		return;
	}
	t->arguments = check_arguments(p, policy_lexer_parens(&p->lx, &at));
	policy_parse_keyword(p, "body");
	at = p->lx.tok;
	t->body = policy_parse_string(p, "the md5 of the function's body in quotes");
	bool hex = t->body.n == 32;
	for (size_t i = 0; hex && i < t->body.n; i++)
		hex = (t->body.p[i] >= '0' && t->body.p[i] <= '9') || (t->body.p[i] >= 'a' && t->body.p[i] <= 'f');
	if (!hex)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "a body's md5 is 32 hexadecimal digits in lower case");
}

void
policy_parse_trust(struct policy_parse *p)
{
	static const char *const words[] = {"view", "function"};
	struct policy_file *f = p->file;
	struct policy_token what = policy_parse_take(p);
	struct policy_trust t = {.function = policy_parse_at(&what, "function"), .arguments = base_span("", 0), .body = base_span("", 0)};
	if (!t.function && !policy_parse_at(&what, "view")) {
		policy_parse_unknown(p, &what, "thing to trust", words, BASE_COUNT(words));
		return;
	}
	t.name = policy_parse_table(p, t.function ? "a function's name" : "a view's name");
	if (t.function && policy_parse_ok(p))
		check_function(p, &t);
	for (size_t i = 0; i < f->ntrusts; i++)
		if (f->trusts[i].function == t.function && policy_parse_same(&f->trusts[i].name, &t.name) && base_span_eq(f->trusts[i].arguments, t.arguments))
			policy_parse_twice(p, &t.name, t.function ? "function" : "view", "is trusted twice; first in line", f->trusts[i].name.line);
	if (f->ntrusts == CHECK_TRUSTS)
		policy_lexer_fail(&p->lx, &what, GH_E_LIMIT, "more than %u things are trusted", CHECK_TRUSTS);
	struct policy_trust *all = policy_parse_append(p, f->trusts, f->ntrusts, sizeof(t));
	if (!policy_parse_ok(p))
		return;
	f->trusts = all;
	f->trusts[f->ntrusts++] = t;
}

/* -- tests -- */

static void
check_group(struct policy_parse *p, struct policy_test *t)
{
	struct base_span name = policy_parse_group_name(p);
	struct base_span *groups = policy_parse_append(p, t->groups, t->ngroups, sizeof(name));
	if (!policy_parse_ok(p))
		return;
	t->groups = groups;
	t->groups[t->ngroups++] = name;
}

/* `from` is next. */
static void
check_from(struct policy_parse *p, struct policy_test *t)
{
	static const struct policy_network all = {.bits = 0};
	char got[POLICY_SHOW_SIZE];
	policy_parse_wide(p);
	struct policy_token at = p->lx.tok;
	if (at.kind != POLICY_WIDE)
		policy_parse_expected(p, "an address such as 10.20.3.7, or \"local\"");
	else if (!base_span_is(at.text, "local") && !policy_network_has(&all, at.text))
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "%s is not an address such as 10.20.3.7, and not \"local\"", policy_lexer_show(&at, got, sizeof(got)));
	t->from = policy_parse_take(p).text;
}

/* `at` is next. Keeps "2026-11-22 14:30". */
static void
check_at(struct policy_parse *p, struct policy_test *t)
{
	uint64_t ignored;
	policy_parse_wide(p);
	struct policy_token day = p->lx.tok;
	if (day.kind != POLICY_WIDE || day.text.n != 10 || base_time_parse(day.text, &ignored) != 0) {
		policy_parse_expected(p, "a date and a time such as 2026-11-22 14:30");
		return;
	}
	policy_parse_wide(p);
	struct base_span time = p->lx.tok.text;
	if (p->lx.tok.kind != POLICY_WIDE || time.n != 5 || time.p[2] != ':' || base_num_u64(base_span(time.p, 2), 0, 23, &ignored) != 0 ||
	    base_num_u64(base_span(time.p + 3, 2), 0, 59, &ignored) != 0) {
		policy_parse_expected(p, "a time such as 14:30");
		return;
	}
	(void)policy_parse_take(p);
	uint8_t *text = base_arena_get(p->lx.arena, 16);
	if (!text) {
		policy_lexer_fail(&p->lx, &day, GH_E_LIMIT, "the policy is too large");
		return;
	}
	memcpy(text, day.text.p, 10);
	text[10] = ' ';
	memcpy(text + 11, time.p, 5);
	t->at = base_span(text, 16);
}

static void
check_as(struct policy_parse *p, struct policy_test *t)
{
	static const char *const words[] = {"team", "employer", "province", "from", "at", "with"};
	struct base_span *const values[] = {&t->team, &t->employer, &t->province};
	unsigned lines[BASE_COUNT(words)] = {0};
	t->role = policy_parse_name(p, "a role's name");
	if (policy_parse_is(p, POLICY_WORD, "in")) {
		(void)policy_parse_take(p);
		do
			check_group(p, t);
		while (policy_parse_ok(p) && policy_parse_comma(p));
	}
	for (size_t i = 0; i < BASE_COUNT(words) && policy_parse_ok(p);) {
		if (!policy_parse_is(p, POLICY_WORD, words[i])) {
			i++;
			continue;
		}
		struct policy_token at = p->lx.tok;
		policy_parse_once(p, &at, &lines[i]);
		if (i < BASE_COUNT(values)) {
			(void)policy_parse_take(p);
			*values[i] = policy_parse_string(p, "a text in quotes");
		} else if (i == 3) {
			check_from(p, t);
		} else if (i == 4) {
			check_at(p, t);
		} else {
			(void)policy_parse_take(p);
			policy_parse_keyword(p, "certificate");
			t->certificate = true;
		}
		i = 0; /* in any order */
	}
}

/* Words up to a comma, a brace or the next item, joined by single spaces. */
static struct base_span
check_words(struct policy_parse *p)
{
	char text[512];
	size_t n = 0;
	if (p->lx.tok.kind == POLICY_STRING)
		return policy_parse_string(p, "what the refusal says");
	while (policy_parse_ok(p) && p->lx.tok.kind == POLICY_WORD && !policy_parse_is(p, POLICY_WORD, "as") && !policy_parse_is(p, POLICY_WORD, "run") &&
	       !policy_parse_is(p, POLICY_WORD, "expect")) {
		struct base_span w = p->lx.tok.text;
		if (w.n + 1 > sizeof(text) - n) {
			policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "longer than %zu bytes", sizeof(text));
			break;
		}
		if (n > 0)
			text[n++] = ' ';
		memcpy(text + n, w.p, w.n);
		n += w.n;
		(void)policy_parse_take(p);
	}
	if (n == 0)
		policy_parse_expected(p, "what the refusal says");
	const char *copy = base_arena_str(p->lx.arena, base_span(text, n));
	if (!copy)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "the policy is too large");
	return copy ? base_span(copy, n) : base_span("", 0);
}

static void
check_expect_column(struct policy_parse *p, struct policy_expect *e)
{
	static const char *const words[] = {"clear", "hidden", "masked"};
	e->words = policy_parse_name(p, "\"allow\", \"deny\", \"rows\" or a column's name");
	if (!policy_parse_ok(p))
		return;
	struct policy_token how = policy_parse_take(p);
	if (policy_parse_at(&how, "clear")) {
		e->what = POLICY_EXPECT_CLEAR;
	} else if (policy_parse_at(&how, "hidden")) {
		e->what = POLICY_EXPECT_HIDDEN;
	} else if (policy_parse_at(&how, "masked")) {
		e->what = POLICY_EXPECT_MASKED;
		e->mask = policy_parse_mask(p);
	} else {
		policy_parse_unknown(p, &how, "expectation of a column", words, BASE_COUNT(words));
	}
}

static void
check_expect(struct policy_parse *p, struct policy_test *t, bool *judged)
{
	struct policy_token at = p->lx.tok;
	struct policy_expect e = {.words = base_span("", 0), .mask = {.kind = POLICY_MASK_NONE, .fixed = base_span("", 0)}, .line = at.line};
	if (policy_parse_at(&at, "allow") || policy_parse_at(&at, "deny")) {
		(void)policy_parse_take(p);
		if (*judged)
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "\"allow\" or \"deny\" is expected already");
		*judged = true;
		e.what = policy_parse_at(&at, "allow") ? POLICY_EXPECT_ALLOW : POLICY_EXPECT_DENY;
		if (e.what == POLICY_EXPECT_DENY && policy_parse_is(p, POLICY_WORD, "by")) {
			(void)policy_parse_take(p);
			e.words = check_words(p);
		}
	} else if (policy_parse_at(&at, "rows")) {
		(void)policy_parse_take(p);
		e.what = POLICY_EXPECT_ROWS;
		e.rows = policy_parse_number(p, 0, INT64_MAX, "a number of rows");
	} else {
		check_expect_column(p, &e);
	}
	struct policy_expect *all = policy_parse_append(p, t->expects, t->nexpects, sizeof(e));
	if (!policy_parse_ok(p))
		return;
	t->expects = all;
	t->expects[t->nexpects++] = e;
}

static void
check_item(struct policy_parse *p, struct policy_test *t, unsigned once[2], bool *judged)
{
	static const char *const words[] = {"as", "run", "expect"};
	struct policy_token at = policy_parse_take(p);
	if (policy_parse_at(&at, "as")) {
		policy_parse_once(p, &at, &once[0]);
		check_as(p, t);
	} else if (policy_parse_at(&at, "run")) {
		policy_parse_once(p, &at, &once[1]);
		t->run = policy_parse_string(p, "the statement in quotes");
	} else if (policy_parse_at(&at, "expect")) {
		do
			check_expect(p, t, judged);
		while (policy_parse_ok(p) && policy_parse_comma(p));
	} else {
		policy_parse_unknown(p, &at, "part of a test", words, BASE_COUNT(words));
	}
}

void
policy_parse_test(struct policy_parse *p, const struct policy_token *at)
{
	struct policy_file *f = p->file;
	struct policy_token name = p->lx.tok;
	struct base_span none = base_span("", 0);
	struct policy_test t = {.line = at->line, .role = none, .team = none, .employer = none, .province = none, .from = none, .at = none, .run = none};
	unsigned once[2] = {0, 0};
	bool judged = false;
	char quoted[96];
	t.name = policy_parse_string(p, "the test's name in quotes");
	for (size_t i = 0; i < f->ntests; i++)
		if (base_span_eq(f->tests[i].name, t.name))
			policy_lexer_fail(&p->lx, &name, GH_E_PARSE, "test \"%s\" is there twice; first in line %u",
			                  base_text_quote(quoted, sizeof(quoted), t.name, 64), f->tests[i].line);
	if (f->ntests == CHECK_TESTS)
		policy_lexer_fail(&p->lx, at, GH_E_LIMIT, "more than %u tests", CHECK_TESTS);
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		check_item(p, &t, once, &judged);
	policy_parse_punct(p, "}", "\"}\" at the end of the test");
	if (once[0] == 0 || once[1] == 0 || t.nexpects == 0)
		policy_lexer_fail(&p->lx, &name, GH_E_PARSE, "the test has no \"%s\"", once[0] == 0 ? "as" : once[1] == 0 ? "run" : "expect");
	struct policy_test *all = policy_parse_append(p, f->tests, f->ntests, sizeof(t));
	if (!policy_parse_ok(p))
		return;
	f->tests = all;
	f->tests[f->ntests++] = t;
}

void
policy_parse_wanted_groups(struct policy_parse *p)
{
	const struct policy_file *f = p->file;
	for (size_t i = 0; i < p->nwanted && policy_parse_ok(p); i++) {
		const struct policy_token *at = &p->wanted[i].at;
		bool found = false;
		for (size_t g = 0; g < f->ngroups && !found; g++)
			found = base_span_eq(f->groups[g].name, at->text);
		if (found)
			continue;
		const char **names = base_arena_get(p->lx.arena, (f->ngroups + 1) * sizeof(*names));
		for (size_t g = 0; names && g < f->ngroups; g++)
			if (!(names[g] = base_arena_str(p->lx.arena, f->groups[g].name)))
				names = NULL;
		const char *near = names ? base_text_nearest(at->text, names, f->ngroups) : NULL;
		char got[POLICY_SHOW_SIZE];
		(void)policy_lexer_show(at, got, sizeof(got));
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "there is no group %s%s%s%s", got, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
}
