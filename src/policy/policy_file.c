/* policy_file: see policy_file.h. The parser is recursive descent over one token of look-ahead; the grammar has two levels of braces, so
 * there is no recursion. Input: a trusted person's file, read as if hostile. No I/O. Checks that need the catalogue are policy_map's.
 *
 *   file     = "policy" STRING "version" NUMBER "{" item* "}"
 *   item     = "purpose" STRING | "owner" STRING | "review" "by" DATE | "treat" "observe" | "subject" WORD "{" part* "}"
 *   part     = "table" name "." name | "key" name | "phone" names ["country" NUMBER] | "email" names | "account" names
 *            | "identifier" WORD names | "linked" column ("," column)*
 *   column   = name "." name "." name          names = name ("," name)*          name = WORD | STRING
 */
#include "policy_file.h"

#include <stdlib.h>

#include "base_num.h"
#include "base_text.h"
#include "base_time.h"
#include "policy_lexer.h"

struct file_own {
	struct policy_file file; /* first: the handle */
	struct base_arena *arena; /* own */
};

struct parse {
	struct policy_lexer lx;
	struct policy_file *file;
	size_t columns; /* named so far in the file */
};

#define TOKEN_SHOW_SIZE 112

static bool
parse_ok(const struct parse *p)
{
	return p->lx.err == 0;
}

static struct policy_token
parse_take(struct parse *p)
{
	struct policy_token t = p->lx.tok;
	policy_lexer_next(&p->lx);
	return t;
}

static void
parse_expected(struct parse *p, const char *what)
{
	char got[TOKEN_SHOW_SIZE];
	policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_PARSE, "expected %s, got %s", what, policy_lexer_show(&p->lx.tok, got, sizeof(got)));
}

static bool
parse_is(const struct parse *p, enum policy_token_kind kind, const char *text)
{
	return p->lx.tok.kind == kind && base_span_is(p->lx.tok.text, text);
}

/* An unknown word where one of `words` must stand. */
static void
parse_unknown(struct parse *p, const struct policy_token *at, const char *what, const char *const *words, size_t count)
{
	char got[TOKEN_SHOW_SIZE];
	const char *near = at->kind == POLICY_WORD ? base_text_nearest(at->text, words, count) : NULL;
	(void)policy_lexer_show(at, got, sizeof(got));
	if (near)
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "unknown %s %s; did you mean \"%s\"?", what, got, near);
	else
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "unknown %s %s", what, got);
}

static void
parse_keyword(struct parse *p, const char *word)
{
	if (parse_is(p, POLICY_WORD, word)) {
		(void)parse_take(p);
		return;
	}
	char got[TOKEN_SHOW_SIZE];
	(void)policy_lexer_show(&p->lx.tok, got, sizeof(got));
	const char *near = p->lx.tok.kind == POLICY_WORD ? base_text_nearest(p->lx.tok.text, &word, 1) : NULL;
	policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_PARSE, "expected \"%s\", got %s%s%s%s", word, got, near ? "; did you mean \"" : "",
	                  near ? near : "", near ? "\"?" : "");
}

static void
parse_punct(struct parse *p, const char *punct, const char *what)
{
	if (parse_is(p, POLICY_PUNCT, punct))
		(void)parse_take(p);
	else
		parse_expected(p, what);
}

/* "text", at most once: *once remembers where it was given first. */
static void
parse_once(struct parse *p, const struct policy_token *at, unsigned *line)
{
	if (*line != 0)
		policy_lexer_fail(&p->lx, at, GH_E_PARSE, "\"%.*s\" is given twice; first in line %u", (int)at->text.n,
		                  (const char *)at->text.p, *line);
	*line = at->line;
}

static struct base_span
parse_string(struct parse *p, const char *what)
{
	if (p->lx.tok.kind != POLICY_STRING) {
		parse_expected(p, what);
		return base_span("", 0);
	}
	if (p->lx.tok.text.n == 0)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_PARSE, "the quotes are empty");
	return parse_take(p).text;
}

static uint64_t
parse_number(struct parse *p, uint64_t min, uint64_t max, const char *what)
{
	uint64_t v = 0;
	if (p->lx.tok.kind != POLICY_NUMBER || base_num_u64(p->lx.tok.text, min, max, &v) != 0)
		parse_expected(p, what);
	else
		(void)parse_take(p);
	return v;
}

/* A name of the database: bare (folded by the lexer as the server folds ASCII) or quoted. */
static struct base_span
parse_name(struct parse *p, const char *what)
{
	const struct policy_token *t = &p->lx.tok;
	if ((t->kind != POLICY_WORD && t->kind != POLICY_STRING) || t->text.n == 0) {
		parse_expected(p, what);
		return base_span("", 0);
	}
	if (t->text.n > POLICY_NAME_MAX)
		policy_lexer_fail(&p->lx, t, GH_E_LIMIT, "a name is longer than %u bytes", POLICY_NAME_MAX);
	return parse_take(p).text;
}

/* A word of ours that the ledger will show: ASCII letters, digits and '_'. */
static struct base_span
parse_word(struct parse *p, const char *what)
{
	const struct policy_token t = p->lx.tok;
	if (t.kind != POLICY_WORD) {
		parse_expected(p, what);
		return base_span("", 0);
	}
	for (size_t i = 0; i < t.text.n; i++)
		if (t.text.p[i] >= 0x80 || t.text.p[i] == '$')
			policy_lexer_fail(&p->lx, &t, GH_E_PARSE, "%s is made of letters a to z, digits and \"_\"", what);
	return parse_take(p).text;
}

/* -- columns -- */

static bool
name_same(const struct policy_name *a, const struct policy_name *b)
{
	return base_span_eq(a->schema, b->schema) && base_span_eq(a->table, b->table) && base_span_eq(a->column, b->column);
}

/* Appends to an array in the arena; arrays grow by doubling at powers of two. */
static void *
parse_append(struct parse *p, void *items, size_t n, size_t size)
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

static void
parse_count_column(struct parse *p)
{
	if (++p->columns > POLICY_COLUMNS_MAX)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "more than %u columns are named", POLICY_COLUMNS_MAX);
}

/* name, name ...: identifiers of one kind, columns of the subject's table (which may be named later). */
static void
parse_identifiers(struct parse *p, struct policy_subject *s, struct base_span kind, enum policy_norm norm)
{
	size_t first = s->nidentifiers;
	do {
		if (s->nidentifiers > first)
			(void)parse_take(p); /* the comma */
		struct policy_identifier id = {.kind = kind, .norm = norm, .country = base_span("", 0)};
		id.column.schema = id.column.table = base_span("", 0);
		id.column.line = p->lx.tok.line;
		id.column.col = p->lx.tok.col;
		id.column.column = parse_name(p, "a column name");
		parse_count_column(p);
		struct policy_identifier *all = parse_append(p, s->identifiers, s->nidentifiers, sizeof(id));
		if (!parse_ok(p))
			return;
		s->identifiers = all;
		s->identifiers[s->nidentifiers++] = id;
	} while (parse_is(p, POLICY_PUNCT, ","));
	if (norm != POLICY_NORM_PHONE || !parse_is(p, POLICY_WORD, "country"))
		return;
	(void)parse_take(p);
	struct policy_token at = p->lx.tok;
	(void)parse_number(p, 1, 999, "a country calling code such as 86");
	if (at.text.n > 0 && at.text.p[0] == '0')
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "a country calling code does not begin with 0");
	for (size_t i = first; i < s->nidentifiers; i++)
		s->identifiers[i].country = at.text;
}

/* schema.table, and .column when `column` is set. */
static struct policy_name
parse_qualified(struct parse *p, bool column)
{
	const char *what = column ? "schema.table.column" : "schema.table";
	struct policy_name name = {.line = p->lx.tok.line, .col = p->lx.tok.col, .column = base_span("", 0)};
	name.schema = parse_name(p, what);
	parse_punct(p, ".", column ? "\".\" (a linked column is named schema.table.column)" : "\".\" (a table is named schema.table)");
	name.table = parse_name(p, what);
	if (column) {
		parse_punct(p, ".", "\".\" (a linked column is named schema.table.column)");
		name.column = parse_name(p, what);
	}
	return name;
}

static void
parse_linked(struct parse *p, struct policy_subject *s)
{
	bool more = false;
	do {
		if (more)
			(void)parse_take(p); /* the comma */
		struct policy_name name = parse_qualified(p, true);
		parse_count_column(p);
		struct policy_name *all = parse_append(p, s->linked, s->nlinked, sizeof(name));
		if (!parse_ok(p))
			return;
		s->linked = all;
		s->linked[s->nlinked++] = name;
		more = true;
	} while (parse_is(p, POLICY_PUNCT, ","));
}

/* -- subjects -- */

static const char *const part_words[] = {"table", "key", "phone", "email", "account", "identifier", "linked"};

static void
parse_part(struct parse *p, struct policy_subject *s, unsigned *table_line, unsigned *key_line)
{
	struct policy_token at = parse_take(p);
	bool word = at.kind == POLICY_WORD;
	if (word && base_span_is(at.text, "table")) {
		parse_once(p, &at, table_line);
		s->table = parse_qualified(p, false);
	} else if (word && base_span_is(at.text, "key")) {
		parse_once(p, &at, key_line);
		s->key.line = p->lx.tok.line;
		s->key.col = p->lx.tok.col;
		s->key.column = parse_name(p, "the name of the key column");
		parse_count_column(p);
		if (parse_is(p, POLICY_PUNCT, ","))
			policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_UNSUPPORTED, "a key is one column");
	} else if (word && base_span_is(at.text, "phone")) {
		parse_identifiers(p, s, at.text, POLICY_NORM_PHONE);
	} else if (word && (base_span_is(at.text, "email") || base_span_is(at.text, "account"))) {
		parse_identifiers(p, s, at.text, POLICY_NORM_TEXT);
	} else if (word && base_span_is(at.text, "identifier")) {
		struct policy_token kind = p->lx.tok;
		struct base_span name = parse_word(p, "an identifier's kind");
		for (size_t i = 0; i < BASE_COUNT(part_words); i++)
			if (base_span_is(name, part_words[i]))
				policy_lexer_fail(&p->lx, &kind, GH_E_PARSE, "\"%s\" has a meaning of its own and cannot be an identifier's kind",
				                  part_words[i]);
		parse_identifiers(p, s, name, POLICY_NORM_TEXT);
	} else if (word && base_span_is(at.text, "linked")) {
		parse_linked(p, s);
	} else {
		parse_unknown(p, &at, "part of a subject", part_words, BASE_COUNT(part_words));
	}
}

static void
parse_subject(struct parse *p)
{
	struct policy_subject s = {.line = p->lx.tok.line, .col = p->lx.tok.col, .identifiers = NULL};
	struct policy_token at = p->lx.tok;
	unsigned table_line = 0, key_line = 0;
	s.name = parse_word(p, "a subject's name");
	s.table.schema = s.table.table = s.table.column = s.key.schema = s.key.table = s.key.column = base_span("", 0);
	for (size_t i = 0; i < p->file->nsubjects; i++)
		if (base_span_eq(p->file->subjects[i].name, s.name))
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "subject \"%.*s\" is declared twice; first in line %u", (int)s.name.n,
			                  (const char *)s.name.p, p->file->subjects[i].line);
	if (p->file->nsubjects == POLICY_SUBJECTS_MAX)
		policy_lexer_fail(&p->lx, &at, GH_E_LIMIT, "more than %u subjects", POLICY_SUBJECTS_MAX);
	parse_punct(p, "{", "\"{\"");
	while (parse_ok(p) && !parse_is(p, POLICY_PUNCT, "}") && p->lx.tok.kind != POLICY_END)
		parse_part(p, &s, &table_line, &key_line);
	parse_punct(p, "}", "\"}\" at the end of the subject");
	if (table_line == 0)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "subject \"%.*s\" has no table", (int)s.name.n, (const char *)s.name.p);
	if (key_line == 0)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "subject \"%.*s\" has no key", (int)s.name.n, (const char *)s.name.p);
	/* Now that the table is known, its columns get its name. */
	s.key.schema = s.table.schema;
	s.key.table = s.table.table;
	for (size_t i = 0; i < s.nidentifiers; i++) {
		s.identifiers[i].column.schema = s.table.schema;
		s.identifiers[i].column.table = s.table.table;
	}
	struct policy_subject *all = parse_append(p, p->file->subjects, p->file->nsubjects, sizeof(s));
	if (!parse_ok(p))
		return;
	p->file->subjects = all;
	p->file->subjects[p->file->nsubjects++] = s;
}

/* -- the file -- */

static void
parse_review(struct parse *p)
{
	uint64_t ignored;
	parse_keyword(p, "by");
	struct policy_token at = p->lx.tok;
	if (at.kind != POLICY_NUMBER || at.text.n != 10 || base_time_parse(at.text, &ignored) != 0)
		parse_expected(p, "a date such as 2027-03-31");
	p->file->review_by = parse_take(p).text;
}

static void
parse_item(struct parse *p, unsigned once[4])
{
	static const char *const words[] = {"purpose", "owner", "review", "treat", "subject"};
	static const char *const treats[] = {"observe"};
	struct policy_token at = parse_take(p);
	bool word = at.kind == POLICY_WORD;
	if (word && base_span_is(at.text, "purpose")) {
		parse_once(p, &at, &once[0]);
		p->file->purpose = parse_string(p, "the purpose in quotes");
	} else if (word && base_span_is(at.text, "owner")) {
		parse_once(p, &at, &once[1]);
		p->file->owner = parse_string(p, "the owner in quotes");
	} else if (word && base_span_is(at.text, "review")) {
		parse_once(p, &at, &once[2]);
		parse_review(p);
	} else if (word && base_span_is(at.text, "treat")) {
		parse_once(p, &at, &once[3]);
		struct policy_token how = parse_take(p);
		if (how.kind == POLICY_WORD && base_span_is(how.text, "observe"))
			p->file->treat = POLICY_OBSERVE;
		else
			parse_unknown(p, &how, "treatment", treats, BASE_COUNT(treats));
	} else if (word && base_span_is(at.text, "subject")) {
		parse_subject(p);
	} else {
		parse_unknown(p, &at, "item", words, BASE_COUNT(words));
	}
}

static const struct policy_name *
file_column(const struct policy_file *f, size_t subject, size_t i)
{
	const struct policy_subject *s = &f->subjects[subject];
	if (i == 0)
		return &s->key;
	if (i - 1 < s->nidentifiers)
		return &s->identifiers[i - 1].column;
	if (i - 1 - s->nidentifiers < s->nlinked)
		return &s->linked[i - 1 - s->nidentifiers];
	return NULL;
}

/* Latches "what "schema.table[.column]" rest LINE" at the name's place. */
static void
parse_twice(struct parse *p, const struct policy_name *name, const char *what, const char *rest, unsigned line)
{
	char schema[80], table[80], column[80];
	struct policy_token at = {.line = name->line, .col = name->col};
	policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "%s \"%s.%s%s%s\" %s %u", what, base_text_quote(schema, sizeof(schema), name->schema, 64),
	                  base_text_quote(table, sizeof(table), name->table, 64), name->column.n > 0 ? "." : "",
	                  base_text_quote(column, sizeof(column), name->column, 64), rest, line);
}

/* One column has one role, and one table one subject: the same name twice is a mistake somewhere. At most POLICY_COLUMNS_MAX names. */
static void
parse_check_unique(struct parse *p)
{
	const struct policy_file *f = p->file;
	for (size_t a = 0; a < f->nsubjects; a++) {
		for (size_t b = 0; b < a; b++)
			if (name_same(&f->subjects[a].table, &f->subjects[b].table))
				parse_twice(p, &f->subjects[a].table, "table", "belongs to another subject already; see line", f->subjects[b].table.line);
		const struct policy_name *c, *d;
		for (size_t i = 0; (c = file_column(f, a, i)) != NULL; i++)
			for (size_t b = 0; b <= a; b++)
				for (size_t k = 0; (b < a || k < i) && (d = file_column(f, b, k)) != NULL; k++)
					if (name_same(c, d))
						parse_twice(p, c, "column", "is named twice; first in line", d->line);
	}
}

static void
parse_file(struct parse *p)
{
	unsigned once[4] = {0, 0, 0, 0};
	struct policy_token first = p->lx.tok;
	parse_keyword(p, "policy");
	p->file->name = parse_string(p, "the policy's name in quotes");
	parse_keyword(p, "version");
	p->file->version = parse_number(p, 1, INT64_MAX, "a version number from 1");
	parse_punct(p, "{", "\"{\"");
	while (parse_ok(p) && !parse_is(p, POLICY_PUNCT, "}") && p->lx.tok.kind != POLICY_END)
		parse_item(p, once);
	parse_punct(p, "}", "\"}\" at the end of the policy");
	if (p->lx.tok.kind != POLICY_END)
		parse_expected(p, "the end of the file");
	if (p->file->nsubjects == 0)
		policy_lexer_fail(&p->lx, &first, GH_E_PARSE, "the policy declares no subject");
	if (parse_ok(p))
		parse_check_unique(p);
}

int
policy_file_parse(struct base_span text, const char *file, struct policy_file **file_r, struct base_fail *fail)
{
	if (text.n > POLICY_FILE_SIZE_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "%s: the policy is larger than %u bytes", file, POLICY_FILE_SIZE_MAX);
	if (text.n > 0 && (memchr(text.p, 0, text.n) || !base_text_utf8(text)))
		return base_fail_set(fail, GH_E_PARSE, "%s: the policy is not valid UTF-8 text", file);
	struct file_own *own = base_mem_new(1, sizeof(*own));
	/* Tokens are copied (16 bytes at least for a token of one byte), arrays double. */
	own->arena = base_arena_new(32 * (size_t)POLICY_FILE_SIZE_MAX);
	struct policy_file *f = &own->file;
	const char *name = base_arena_str(own->arena, base_span_str(file));
	f->file = base_span_str(name ? name : "");
	f->name = f->purpose = f->owner = f->review_by = base_span("", 0);
	base_crypt_sha256(text, f->hash);

	struct parse p = {.file = f};
	policy_lexer_init(&p.lx, text, file, own->arena, fail);
	parse_file(&p);
	if (!parse_ok(&p)) {
		policy_file_free(&f);
		return p.lx.err;
	}
	*file_r = f;
	return 0;
}

void
policy_file_free(struct policy_file **f)
{
	struct file_own *own = (struct file_own *)*f;
	*f = NULL;
	if (!own)
		return;
	base_arena_free(&own->arena);
	free(own);
}
