/* policy_parse: steps that all parts of the .gate parser take; see policy_parse_int.h. Input: tokens of a trusted person's file, read as if
 * hostile. No I/O.
 */
#include "policy_parse_int.h"

#include "base_num.h"
#include "base_text.h"

bool
policy_parse_ok(const struct policy_parse *p)
{
	return p->lx.err == 0;
}

struct policy_token
policy_parse_take(struct policy_parse *p)
{
	struct policy_token t = p->lx.tok;
	policy_lexer_next(&p->lx);
	return t;
}

bool
policy_parse_inside(const struct policy_parse *p)
{
	return policy_parse_ok(p) && p->lx.tok.kind != POLICY_END && !policy_parse_is(p, POLICY_PUNCT, "}");
}

bool
policy_parse_at(const struct policy_token *t, const char *word)
{
	return t->kind == POLICY_WORD && base_span_is(t->text, word);
}

bool
policy_parse_comma(struct policy_parse *p)
{
	if (!policy_parse_is(p, POLICY_PUNCT, ","))
		return false;
	(void)policy_parse_take(p);
	return true;
}

void
policy_parse_expected(struct policy_parse *p, const char *what)
{
	char got[POLICY_SHOW_SIZE];
	policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_PARSE, "expected %s, got %s", what, policy_lexer_show(&p->lx.tok, got, sizeof(got)));
}

bool
policy_parse_is(const struct policy_parse *p, enum policy_token_kind kind, const char *text)
{
	return p->lx.tok.kind == kind && base_span_is(p->lx.tok.text, text);
}

void
policy_parse_unknown(struct policy_parse *p, const struct policy_token *at, const char *what, const char *const *words, size_t count)
{
	char got[POLICY_SHOW_SIZE];
	const char *near = at->kind == POLICY_WORD ? base_text_nearest(at->text, words, count) : NULL;
	(void)policy_lexer_show(at, got, sizeof(got));
	if (near)
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "unknown %s %s; did you mean \"%s\"?", what, got, near);
	else
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "unknown %s %s", what, got);
}

void
policy_parse_keyword(struct policy_parse *p, const char *word)
{
	if (policy_parse_is(p, POLICY_WORD, word)) {
		(void)policy_parse_take(p);
		return;
	}
	char got[POLICY_SHOW_SIZE];
	(void)policy_lexer_show(&p->lx.tok, got, sizeof(got));
	const char *near = p->lx.tok.kind == POLICY_WORD ? base_text_nearest(p->lx.tok.text, &word, 1) : NULL;
	policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_PARSE, "expected \"%s\", got %s%s%s%s", word, got, near ? "; did you mean \"" : "",
	                  near ? near : "", near ? "\"?" : "");
}

void
policy_parse_punct(struct policy_parse *p, const char *punct, const char *what)
{
	if (policy_parse_is(p, POLICY_PUNCT, punct))
		(void)policy_parse_take(p);
	else
		policy_parse_expected(p, what);
}

void
policy_parse_once(struct policy_parse *p, const struct policy_token *at, unsigned *line)
{
	if (*line != 0)
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "\"%.*s\" is given twice; first in line %u", (int)at->text.n,
		                  (const char *)at->text.p, *line);
	*line = at->line;
}

void
policy_parse_first(struct policy_parse *p, const struct policy_token *at, const char *what, unsigned *line)
{
	if (*line != 0)
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "%s is given twice; first in line %u", what, *line);
	*line = at->line;
}

struct base_span
policy_parse_string(struct policy_parse *p, const char *what)
{
	if (p->lx.tok.kind != POLICY_STRING) {
		policy_parse_expected(p, what);
		return base_span("", 0);
	}
	if (p->lx.tok.text.n == 0)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_PARSE, "the quotes are empty");
	return policy_parse_take(p).text;
}

uint64_t
policy_parse_number(struct policy_parse *p, uint64_t min, uint64_t max, const char *what)
{
	uint64_t v = 0;
	if (p->lx.tok.kind != POLICY_NUMBER || base_num_u64(p->lx.tok.text, min, max, &v) != 0)
		policy_parse_expected(p, what);
	else
		(void)policy_parse_take(p);
	return v;
}

/* A name of the database: bare (folded by the lexer as the server folds ASCII) or quoted. */
struct base_span
policy_parse_name(struct policy_parse *p, const char *what)
{
	const struct policy_token *t = &p->lx.tok;
	if ((t->kind != POLICY_WORD && t->kind != POLICY_STRING) || t->text.n == 0) {
		policy_parse_expected(p, what);
		return base_span("", 0);
	}
	if (t->text.n > POLICY_NAME_MAX)
		policy_lexer_fail(&p->lx, t, GH_E_LIMIT, "a name is longer than %u bytes", POLICY_NAME_MAX);
	return policy_parse_take(p).text;
}

/* A word of ours that the ledger will show: ASCII letters, digits and '_'. */
struct base_span
policy_parse_word(struct policy_parse *p, const char *what)
{
	const struct policy_token t = p->lx.tok;
	if (t.kind != POLICY_WORD) {
		policy_parse_expected(p, what);
		return base_span("", 0);
	}
	for (size_t i = 0; i < t.text.n; i++)
		if (t.text.p[i] >= 0x80 || t.text.p[i] == '$')
			policy_lexer_fail(&p->lx, &t, GH_E_PARSE, "%s is made of letters a to z, digits and \"_\"", what);
	return policy_parse_take(p).text;
}

void *
policy_parse_append(struct policy_parse *p, void *items, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return items;
	void *more = base_arena_get(p->lx.arena, (n == 0 ? 1 : 2 * n) * size);
	if (!more)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "the policy is too large");
	else if (n > 0)
		memcpy(more, items, n * size);
	return more;
}

bool
policy_parse_same(const struct policy_name *a, const struct policy_name *b)
{
	return base_span_eq(a->schema, b->schema) && base_span_eq(a->table, b->table) && base_span_eq(a->column, b->column);
}

void
policy_parse_twice(struct policy_parse *p, const struct policy_name *name, const char *what, const char *rest, unsigned line)
{
	char schema[80], table[80], column[80];
	struct policy_token at = {.line = name->line, .col = name->col};
	policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "%s \"%s.%s%s%s\" %s %u", what, base_text_quote(schema, sizeof(schema), name->schema, 64),
	                  base_text_quote(table, sizeof(table), name->table, 64), name->column.n > 0 ? "." : "",
	                  base_text_quote(column, sizeof(column), name->column, 64), rest, line);
}


struct policy_name
policy_parse_table(struct policy_parse *p, const char *what)
{
	struct policy_name name = {.line = p->lx.tok.line, .col = p->lx.tok.col, .schema = base_span_str("public"), .column = base_span("", 0)};
	name.table = policy_parse_name(p, what);
	if (policy_parse_is(p, POLICY_PUNCT, ".")) {
		(void)policy_parse_take(p);
		name.schema = name.table;
		name.table = policy_parse_name(p, what);
	}
	return name;
}

void
policy_parse_wide(struct policy_parse *p)
{
	policy_lexer_wide(&p->lx);
}

struct base_span
policy_parse_group_name(struct policy_parse *p)
{
	struct policy_parse_wanted w = {.at = p->lx.tok};
	struct base_span name = policy_parse_name(p, "a group's name");
	struct policy_parse_wanted *wanted = policy_parse_append(p, p->wanted, p->nwanted, sizeof(w));
	if (!policy_parse_ok(p))
		return name;
	p->wanted = wanted;
	p->wanted[p->nwanted++] = w;
	return name;
}

void
policy_parse_add_name(struct policy_parse *p, struct base_span **list, size_t *n, const struct policy_token *at, struct base_span name, const char *what)
{
	char got[POLICY_SHOW_SIZE];
	for (size_t i = 0; i < *n; i++)
		if (base_span_eq((*list)[i], name))
			policy_lexer_fail(&p->lx, at, GH_E_PARSE, "%s %s is given twice", what, policy_lexer_show(at, got, sizeof(got)));
	struct base_span *all = policy_parse_append(p, *list, *n, sizeof(name));
	if (!policy_parse_ok(p))
		return;
	*list = all;
	all[(*n)++] = name;
}

struct base_span
policy_parse_where(struct policy_parse *p, bool actor, struct policy_token *at_r)
{
	struct base_fail why = {.code = 0};
	if (!policy_parse_is(p, POLICY_WORD, "where")) {
		policy_parse_keyword(p, "where");
		return base_span("", 0);
	}
	struct base_span text = policy_lexer_line(&p->lx, at_r); /* takes `where`, too */
	if (!policy_parse_ok(p))
		return text;
	if (text.n == 0)
		policy_lexer_fail(&p->lx, at_r, GH_E_PARSE, "the condition is missing; it stands on the same line");
	else if (policy_where_sql(text, actor, NULL, &why) != 0)
		policy_lexer_fail(&p->lx, at_r, GH_E_PARSE, "%s", why.text);
	return text;
}

enum policy_treat
policy_parse_treat(struct policy_parse *p)
{
	static const char *const words[] = {"observe", "enforce"};
	struct policy_token how = policy_parse_take(p);
	if (policy_parse_at(&how, "observe"))
		return POLICY_OBSERVE;
	if (policy_parse_at(&how, "enforce"))
		return POLICY_ENFORCE;
	policy_parse_unknown(p, &how, "treatment", words, BASE_COUNT(words));
	return POLICY_TREAT_UNSET;
}

struct policy_mask
policy_parse_mask(struct policy_parse *p)
{
	static const struct { const char *word; enum policy_mask_kind kind; } masks[] = {
		{"last", POLICY_MASK_LAST}, {"first", POLICY_MASK_FIRST}, {"hash", POLICY_MASK_HASH},
		{"token", POLICY_MASK_TOKEN}, {"year", POLICY_MASK_YEAR}, {"fixed", POLICY_MASK_FIXED},
	};
	const char *words[BASE_COUNT(masks)];
	struct policy_token at = policy_parse_take(p);
	struct policy_mask m = {.kind = POLICY_MASK_NONE, .fixed = base_span("", 0)};
	for (size_t i = 0; i < BASE_COUNT(masks); i++) {
		words[i] = masks[i].word;
		if (policy_parse_at(&at, masks[i].word))
			m.kind = masks[i].kind;
	}
	if (m.kind == POLICY_MASK_NONE)
		policy_parse_unknown(p, &at, "mask", words, BASE_COUNT(words));
	else if (m.kind == POLICY_MASK_LAST || m.kind == POLICY_MASK_FIRST)
		m.n = (unsigned)policy_parse_number(p, 1, 64, "how many characters are shown, 1 to 64");
	else if (m.kind == POLICY_MASK_FIXED && p->lx.tok.kind != POLICY_STRING)
		policy_parse_expected(p, "the fixed value in quotes");
	else if (m.kind == POLICY_MASK_FIXED)
		m.fixed = policy_parse_take(p).text; /* may be empty */
	return m;
}
