/* policy_file: see policy_file.h: the file and its subjects; groups are in policy_group.c, trust and tests in policy_check.c, the rest in policy_parse_*.c. The parser is
 * recursive descent over one token of look-ahead; the grammar has three levels of braces, so there is no recursion. Input: a trusted
 * person's file, read as if hostile. No I/O. Checks that need the catalogue are policy_map's.
 *
 *   file     = "policy" STRING "version" NUMBER "{" item* "}"
 *   item     = "purpose" STRING | "owner" STRING | "review" "by" DATE | "treat" ("observe" | "enforce") | "zone" ZONE | "approved" "statements" STRING
 *            | "subject" WORD "{" part* "}" | group | case | application | trust | test
 *   part     = "table" name "." name | "key" name | "phone" names ["country" NUMBER] | "email" names | "account" names
 *            | "identifier" WORD names | "linked" column ("," column)* | "harmless" (name | column) ("," (name | column))*
 *   column   = name "." name "." name          names = name ("," name)*          name = WORD | STRING
 */
#include "policy_file.h"

#include <stdlib.h>

#include "base_num.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "policy_parse_int.h"

/* -- columns -- */

static void
parse_count_column(struct policy_parse *p)
{
	if (++p->columns > POLICY_COLUMNS_MAX)
		policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_LIMIT, "more than %u columns are named", POLICY_COLUMNS_MAX);
}

/* name, name ...: identifiers of one kind, columns of the subject's table (which may be named later). */
static void
parse_identifiers(struct policy_parse *p, struct policy_subject *s, struct base_span kind, enum policy_norm norm)
{
	size_t first = s->nidentifiers;
	do {
		if (s->nidentifiers > first)
			(void)policy_parse_take(p); /* the comma */
		struct policy_identifier id = {.kind = kind, .norm = norm, .country = base_span("", 0)};
		id.column.schema = id.column.table = base_span("", 0);
		id.column.line = p->lx.tok.line;
		id.column.col = p->lx.tok.col;
		id.column.column = policy_parse_name(p, "a column name");
		parse_count_column(p);
		struct policy_identifier *all = policy_parse_append(p, s->identifiers, s->nidentifiers, sizeof(id));
		if (!policy_parse_ok(p))
			return;
		s->identifiers = all;
		s->identifiers[s->nidentifiers++] = id;
	} while (policy_parse_is(p, POLICY_PUNCT, ","));
	if (norm != POLICY_NORM_PHONE || !policy_parse_is(p, POLICY_WORD, "country"))
		return;
	(void)policy_parse_take(p);
	struct policy_token at = p->lx.tok;
	(void)policy_parse_number(p, 1, 999, "a country calling code such as 86");
	if (at.text.n > 0 && at.text.p[0] == '0')
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "a country calling code does not begin with 0");
	for (size_t i = first; i < s->nidentifiers; i++)
		s->identifiers[i].country = at.text;
}

/* schema.table, and .column when `column` is set. */
static struct policy_name
parse_qualified(struct policy_parse *p, bool column)
{
	const char *what = column ? "schema.table.column" : "schema.table";
	struct policy_name name = {.line = p->lx.tok.line, .col = p->lx.tok.col, .column = base_span("", 0)};
	name.schema = policy_parse_name(p, what);
	policy_parse_punct(p, ".", column ? "\".\" (a linked column is named schema.table.column)" : "\".\" (a table is named schema.table)");
	name.table = policy_parse_name(p, what);
	if (column) {
		policy_parse_punct(p, ".", "\".\" (a linked column is named schema.table.column)");
		name.column = policy_parse_name(p, what);
	}
	return name;
}

static void
parse_linked(struct policy_parse *p, struct policy_subject *s)
{
	bool more = false;
	do {
		if (more)
			(void)policy_parse_take(p); /* the comma */
		struct policy_name name = parse_qualified(p, true);
		parse_count_column(p);
		struct policy_name *all = policy_parse_append(p, s->linked, s->nlinked, sizeof(name));
		if (!policy_parse_ok(p))
			return;
		s->linked = all;
		s->linked[s->nlinked++] = name;
		more = true;
	} while (policy_parse_is(p, POLICY_PUNCT, ","));
}

/* Columns of the subject's table (which may be named later), or of linked tables with their table's name. */
static void
parse_harmless(struct policy_parse *p, struct policy_subject *s)
{
	do {
		struct policy_name name = {.line = p->lx.tok.line, .col = p->lx.tok.col};
		name.schema = name.table = base_span("", 0);
		name.column = policy_parse_name(p, "a column name");
		if (policy_parse_is(p, POLICY_PUNCT, ".")) {
			(void)policy_parse_take(p);
			name.schema = name.column;
			name.table = policy_parse_name(p, "schema.table.column");
			policy_parse_punct(p, ".", "\".\" (a column of a linked table is named schema.table.column)");
			name.column = policy_parse_name(p, "schema.table.column");
		}
		parse_count_column(p);
		struct policy_name *all = policy_parse_append(p, s->harmless, s->nharmless, sizeof(name));
		if (!policy_parse_ok(p))
			return;
		s->harmless = all;
		s->harmless[s->nharmless++] = name;
	} while (policy_parse_comma(p));
}

/* -- subjects -- */

static const char *const part_words[] = {"table", "key", "phone", "email", "account", "identifier", "linked", "harmless"};

static void
parse_part(struct policy_parse *p, struct policy_subject *s, unsigned *table_line, unsigned *key_line)
{
	struct policy_token at = policy_parse_take(p);
	bool word = at.kind == POLICY_WORD;
	if (word && base_span_is(at.text, "table")) {
		policy_parse_once(p, &at, table_line);
		s->table = parse_qualified(p, false);
	} else if (word && base_span_is(at.text, "key")) {
		policy_parse_once(p, &at, key_line);
		s->key.line = p->lx.tok.line;
		s->key.col = p->lx.tok.col;
		s->key.column = policy_parse_name(p, "the name of the key column");
		parse_count_column(p);
		if (policy_parse_is(p, POLICY_PUNCT, ","))
			policy_lexer_fail(&p->lx, &p->lx.tok, GH_E_UNSUPPORTED, "a key is one column");
	} else if (word && base_span_is(at.text, "phone")) {
		parse_identifiers(p, s, at.text, POLICY_NORM_PHONE);
	} else if (word && (base_span_is(at.text, "email") || base_span_is(at.text, "account"))) {
		parse_identifiers(p, s, at.text, POLICY_NORM_TEXT);
	} else if (word && base_span_is(at.text, "identifier")) {
		struct policy_token kind = p->lx.tok;
		struct base_span name = policy_parse_word(p, "an identifier's kind");
		for (size_t i = 0; i < BASE_COUNT(part_words); i++)
			if (base_span_is(name, part_words[i]))
				policy_lexer_fail(&p->lx, &kind, GH_E_PARSE, "\"%s\" has a meaning of its own and cannot be an identifier's kind",
				                  part_words[i]);
		parse_identifiers(p, s, name, POLICY_NORM_TEXT);
	} else if (word && base_span_is(at.text, "linked")) {
		parse_linked(p, s);
	} else if (word && base_span_is(at.text, "harmless")) {
		parse_harmless(p, s);
	} else {
		policy_parse_unknown(p, &at, "part of a subject", part_words, BASE_COUNT(part_words));
	}
}

/* Now that the table is known, its columns get its name; a harmless column of another table must be of a linked one. */
static void
parse_subject_names(struct policy_parse *p, struct policy_subject *s)
{
	s->key.schema = s->table.schema;
	s->key.table = s->table.table;
	for (size_t i = 0; i < s->nidentifiers; i++) {
		s->identifiers[i].column.schema = s->table.schema;
		s->identifiers[i].column.table = s->table.table;
	}
	for (size_t i = 0; i < s->nharmless; i++) {
		struct policy_name *h = &s->harmless[i];
		bool near = h->table.n == 0 || (base_span_eq(h->schema, s->table.schema) && base_span_eq(h->table, s->table.table));
		if (h->table.n == 0) {
			h->schema = s->table.schema;
			h->table = s->table.table;
		}
		for (size_t k = 0; k < s->nlinked && !near; k++)
			near = base_span_eq(h->schema, s->linked[k].schema) && base_span_eq(h->table, s->linked[k].table);
		struct policy_token at = {.line = h->line, .col = h->col};
		if (!near)
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "this column is neither of the subject's table nor of a linked one");
	}
}

static void
parse_subject(struct policy_parse *p)
{
	struct policy_subject s = {.line = p->lx.tok.line, .col = p->lx.tok.col, .identifiers = NULL};
	struct policy_token at = p->lx.tok;
	unsigned table_line = 0, key_line = 0;
	s.name = policy_parse_word(p, "a subject's name");
	s.table.schema = s.table.table = s.table.column = s.key.schema = s.key.table = s.key.column = base_span("", 0);
	for (size_t i = 0; i < p->file->nsubjects; i++)
		if (base_span_eq(p->file->subjects[i].name, s.name))
			policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "subject \"%.*s\" is declared twice; first in line %u", (int)s.name.n,
			                  (const char *)s.name.p, p->file->subjects[i].line);
	if (p->file->nsubjects == POLICY_SUBJECTS_MAX)
		policy_lexer_fail(&p->lx, &at, GH_E_LIMIT, "more than %u subjects", POLICY_SUBJECTS_MAX);
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		parse_part(p, &s, &table_line, &key_line);
	policy_parse_punct(p, "}", "\"}\" at the end of the subject");
	if (table_line == 0)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "subject \"%.*s\" has no table", (int)s.name.n, (const char *)s.name.p);
	if (key_line == 0)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, "subject \"%.*s\" has no key", (int)s.name.n, (const char *)s.name.p);
	parse_subject_names(p, &s);
	struct policy_subject *all = policy_parse_append(p, p->file->subjects, p->file->nsubjects, sizeof(s));
	if (!policy_parse_ok(p))
		return;
	p->file->subjects = all;
	p->file->subjects[p->file->nsubjects++] = s;
}

/* -- the file -- */

static void
parse_review(struct policy_parse *p)
{
	uint64_t ignored;
	policy_parse_keyword(p, "by");
	struct policy_token at = p->lx.tok;
	if (at.kind != POLICY_NUMBER || at.text.n != 10 || base_time_parse(at.text, &ignored) != 0)
		policy_parse_expected(p, "a date such as 2027-03-31");
	p->file->review_by = policy_parse_take(p).text;
}

/* `zone` is next. */
static void
parse_zone(struct policy_parse *p)
{
	policy_parse_wide(p);
	p->file->zone = policy_parse_zone(p);
}

static void
parse_approved(struct policy_parse *p, const struct policy_token *at)
{
	policy_parse_once(p, at, &p->file->approved_line);
	policy_parse_keyword(p, "statements");
	p->file->approved = policy_parse_string(p, "the file of approved statements in quotes");
}

static void
parse_item(struct policy_parse *p, unsigned once[5])
{
	static const char *const words[] = {"purpose", "owner", "review", "treat", "zone", "subject", "group", "case", "application", "approved", "trust", "test"};
	struct policy_token at = p->lx.tok;
	if (policy_parse_at(&at, "zone")) { /* the next token is read in another way */
		policy_parse_once(p, &at, &once[4]);
		parse_zone(p);
		return;
	}
	(void)policy_parse_take(p);
	if (policy_parse_at(&at, "purpose")) {
		policy_parse_once(p, &at, &once[0]);
		p->file->purpose = policy_parse_string(p, "the purpose in quotes");
	} else if (policy_parse_at(&at, "owner")) {
		policy_parse_once(p, &at, &once[1]);
		p->file->owner = policy_parse_string(p, "the owner in quotes");
	} else if (policy_parse_at(&at, "review")) {
		policy_parse_once(p, &at, &once[2]);
		parse_review(p);
	} else if (policy_parse_at(&at, "treat")) {
		policy_parse_once(p, &at, &once[3]);
		p->file->treat = policy_parse_treat(p);
	} else if (policy_parse_at(&at, "subject")) {
		parse_subject(p);
	} else if (policy_parse_at(&at, "group")) {
		policy_parse_group(p);
	} else if (policy_parse_at(&at, "case")) {
		policy_parse_case(p, &at);
	} else if (policy_parse_at(&at, "application")) {
		policy_parse_application(p, &at);
	} else if (policy_parse_at(&at, "approved")) {
		parse_approved(p, &at);
	} else if (policy_parse_at(&at, "trust")) {
		policy_parse_trust(p);
	} else if (policy_parse_at(&at, "test")) {
		policy_parse_test(p, &at);
	} else {
		policy_parse_unknown(p, &at, "item", words, BASE_COUNT(words));
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
	i -= 1 + s->nidentifiers;
	if (i < s->nlinked)
		return &s->linked[i];
	return i - s->nlinked < s->nharmless ? &s->harmless[i - s->nlinked] : NULL;
}

/* One column has one role (or is harmless), and one table one subject: the same name twice is a mistake somewhere. At most POLICY_COLUMNS_MAX names. */
static void
parse_check_unique(struct policy_parse *p)
{
	const struct policy_file *f = p->file;
	for (size_t a = 0; a < f->nsubjects; a++) {
		for (size_t b = 0; b < a; b++)
			if (policy_parse_same(&f->subjects[a].table, &f->subjects[b].table))
				policy_parse_twice(p, &f->subjects[a].table, "table", "belongs to another subject already; see line", f->subjects[b].table.line);
		const struct policy_name *c, *d;
		for (size_t i = 0; (c = file_column(f, a, i)) != NULL; i++)
			for (size_t b = 0; b <= a; b++)
				for (size_t k = 0; (b < a || k < i) && (d = file_column(f, b, k)) != NULL; k++)
					if (policy_parse_same(c, d))
						policy_parse_twice(p, c, "column", "is named twice; first in line", d->line);
	}
}

static void
parse_file(struct policy_parse *p)
{
	unsigned once[5] = {0};
	struct policy_token first = p->lx.tok;
	policy_parse_keyword(p, "policy");
	p->file->name = policy_parse_string(p, "the policy's name in quotes");
	policy_parse_keyword(p, "version");
	p->file->version = policy_parse_number(p, 1, INT64_MAX, "a version number from 1");
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		parse_item(p, once);
	policy_parse_punct(p, "}", "\"}\" at the end of the policy");
	if (p->lx.tok.kind != POLICY_END)
		policy_parse_expected(p, "the end of the file");
	if (p->file->nsubjects == 0)
		policy_lexer_fail(&p->lx, &first, GH_E_PARSE, "the policy declares no subject");
	if (policy_parse_ok(p)) {
		parse_check_unique(p);
		policy_parse_wanted_groups(p);
		policy_parse_counts_end(p);
		policy_parse_case_end(p);
	}
}

int
policy_file_parse(struct base_span text, const char *file, struct policy_file **file_r, struct base_fail *fail)
{
	if (text.n > POLICY_FILE_SIZE_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "%s: the policy is larger than %u bytes", file, POLICY_FILE_SIZE_MAX);
	if (text.n > 0 && (memchr(text.p, 0, text.n) || !base_text_utf8(text)))
		return base_fail_set(fail, GH_E_PARSE, "%s: the policy is not valid UTF-8 text", file);
	struct policy_file_own *own = base_mem_new(1, sizeof(*own));
	/* Tokens are copied (16 bytes at least for a token of one byte), arrays double. */
	own->arena = base_arena_new(32 * (size_t)POLICY_FILE_SIZE_MAX);
	atomic_init(&own->refs, 1);
	struct policy_file *f = &own->file;
	f->treat = POLICY_OBSERVE;
	const char *name = base_arena_str(own->arena, base_span_str(file));
	f->file = base_span_str(name ? name : "");
	f->name = f->purpose = f->owner = f->review_by = f->zone = f->approved = base_span("", 0);
	base_crypt_sha256(text, f->hash);

	struct policy_parse p = {.file = f, .columns = 0};
	policy_lexer_init(&p.lx, text, file, own->arena, fail);
	parse_file(&p);
	if (!policy_parse_ok(&p)) {
		policy_file_free(&f);
		return p.lx.err;
	}
	*file_r = f;
	return 0;
}

struct policy_file *
policy_file_share(const struct policy_file *f)
{
	struct policy_file_own *own = (struct policy_file_own *)(uintptr_t)f; /* the counter is the only thing that changes in a shared file */
	atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
	return &own->file;
}

void
policy_file_free(struct policy_file **f)
{
	struct policy_file_own *own = (struct policy_file_own *)*f;
	*f = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	base_arena_free(&own->arena);
	free(own);
}

bool
policy_file_enforces(const struct policy_file *f)
{
	bool any = f->treat == POLICY_ENFORCE || f->napplications > 0;

	for (size_t i = 0; i < f->ngroups; i++)
		any = any || f->groups[i].treat == POLICY_ENFORCE;
	return any;
}

char *
policy_file_beside(struct base_span policy, struct base_span name)
{
	size_t folder = policy.n;

	while (folder > 0 && policy.p[folder - 1] != '/')
		folder--;
	if (name.n > 0 && name.p[0] == '/')
		folder = 0;
	struct base_buf b;
	base_buf_init(&b, policy.n + name.n + 1);
	base_buf_put(&b, base_span(policy.p, folder));
	base_buf_put(&b, name);
	char *path = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	return path;
}
