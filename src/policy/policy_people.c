/* policy_people: see policy_people.h. Input: a trusted person's file, read as if hostile. One copy of the text is kept; fields point into
 * it, quoted ones after their quotes were taken out in place (that only shortens them). No I/O.
 *
 * RFC 4180 section 2, with these choices: LF alone ends a line too; empty lines and a byte order mark are skipped; a value holds no control
 * character (a quoted line break is read correctly and then refused by name).
 */
#include "policy_people.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"

#define PEOPLE_FIELD_MAX 256u
#define PEOPLE_ROLE_MAX 63u   /* PostgreSQL's names are no longer */
#define PEOPLE_GROUPS_MAX 64u /* of one person */
#define PEOPLE_ARENA_MAX ((size_t)1 << 30) /* 64 MiB of the shortest groups */

enum people_column { COL_ROLE, COL_NAME, COL_EMPLOYER, COL_PROVINCE, COL_TEAM, COL_GROUPS, COL_VETTED_UNTIL, COL_LEFT_ON, COL_COUNT };
static const char *const people_columns[COL_COUNT] = {"role", "name", "employer", "province", "team", "groups", "vetted_until", "left_on"};

struct people_row {
	struct policy_person person;
	unsigned line;
};

struct policy_people {
	atomic_uint refs;
	struct base_arena *arena; /* own: groups */
	uint8_t *text;            /* own: all values */
	struct people_row *rows;  /* own: ascending role */
	size_t n, cap;
	char hash[17];
};

struct people_parse {
	struct policy_people *people;
	const char *file; /* borrow */
	struct base_fail *fail;
	uint8_t *at;      /* next byte of people->text */
	size_t left;
	unsigned line;    /* of the row in hand */
	unsigned next_line;
	enum people_column column[COL_COUNT]; /* meaning of each column of the file */
	size_t ncolumns;
};

static int
people_fail(struct people_parse *p, int code, const char *what, struct base_span text)
{
	char quoted[128];
	if (!text.p)
		return base_fail_set(p->fail, code, "%s:%u: %s", p->file, p->line, what);
	return base_fail_set(p->fail, code, "%s:%u: %s \"%s\"", p->file, p->line, what, base_text_quote(quoted, sizeof(quoted), text, 64));
}

static const struct base_span no_text = {NULL, 0};

static uint8_t
people_byte(struct people_parse *p)
{
	uint8_t c = *p->at++;
	p->left--;
	if (c == '\n')
		p->next_line++;
	return c;
}

/* Field separator, or the end of a line or of the text, is next. */
static bool
people_at_end(const struct people_parse *p)
{
	return p->left == 0 || *p->at == ',' || *p->at == '\n' || (*p->at == '\r' && p->left > 1 && p->at[1] == '\n');
}

/* One field; the separator stays. */
static int
people_field(struct people_parse *p, struct base_span *field_r)
{
	uint8_t *start = p->at, *out = p->at;
	if (p->left > 0 && *p->at == '"') {
		(void)people_byte(p);
		for (;;) {
			if (p->left == 0)
				return people_fail(p, GH_E_PARSE, "the closing quote is missing", no_text);
			uint8_t c = people_byte(p);
			if (c == '"' && (p->left == 0 || *p->at != '"'))
				break;
			if (c == '"')
				(void)people_byte(p); /* "" is one quote */
			*out++ = c;
		}
		if (!people_at_end(p))
			return people_fail(p, GH_E_PARSE, "a comma is missing behind the closing quote", no_text);
	} else {
		while (!people_at_end(p)) {
			uint8_t c = people_byte(p);
			if (c == '"')
				return people_fail(p, GH_E_PARSE, "a quote stands inside a field that has none around it", no_text);
			*out++ = c;
		}
	}
	*field_r = base_span(start, (size_t)(out - start));
	if (field_r->n > PEOPLE_FIELD_MAX)
		return people_fail(p, GH_E_LIMIT, "a field is longer than 256 bytes", no_text);
	for (size_t i = 0; i < field_r->n; i++)
		if (field_r->p[i] < 0x20 || field_r->p[i] == 0x7f)
			return people_fail(p, GH_E_PARSE, "a control character stands in the field", *field_r);
	return 0;
}

/* One line's fields: 1 and their number, 0 at the end of the text. */
static int
people_line(struct people_parse *p, struct base_span fields[COL_COUNT], size_t *n_r)
{
	while (p->left > 0 && (*p->at == '\n' || (*p->at == '\r' && p->left > 1 && p->at[1] == '\n')))
		(void)people_byte(p);
	p->line = p->next_line;
	if (p->left == 0)
		return 0;
	size_t n = 0;
	for (;;) {
		if (n == COL_COUNT)
			return people_fail(p, GH_E_PARSE, "too many fields", no_text);
		int err = people_field(p, &fields[n++]);
		if (err != 0)
			return err;
		if (p->left == 0 || *p->at != ',')
			break;
		(void)people_byte(p);
	}
	while (p->left > 0 && people_byte(p) != '\n')
		continue; /* the CR */
	*n_r = n;
	return 1;
}

static int
people_header(struct people_parse *p)
{
	struct base_span fields[COL_COUNT];
	unsigned seen = 0;
	int got = people_line(p, fields, &p->ncolumns);
	if (got == 0)
		return people_fail(p, GH_E_PARSE, "the header line is missing", no_text);
	for (size_t i = 0; got > 0 && i < p->ncolumns; i++) {
		size_t c = 0;
		while (c < COL_COUNT && !base_span_is(fields[i], people_columns[c]))
			c++;
		if (c == COL_COUNT) {
			char quoted[128];
			const char *near = base_text_nearest(fields[i], people_columns, COL_COUNT);
			(void)base_text_quote(quoted, sizeof(quoted), fields[i], 64);
			return base_fail_set(p->fail, GH_E_PARSE, "%s:%u: unknown column \"%s\"%s%s%s", p->file, p->line, quoted,
			                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		}
		if (seen & 1u << c)
			return people_fail(p, GH_E_PARSE, "this column is named twice:", fields[i]);
		seen |= 1u << c;
		p->column[i] = (enum people_column)c;
	}
	if (got > 0 && !(seen & 1u << COL_ROLE))
		return people_fail(p, GH_E_PARSE, "the header line has no column \"role\"", no_text);
	return got < 0 ? got : 0;
}

/* "a; b" -> {"a", "b"}; empty parts are nothing. */
static int
people_groups(struct people_parse *p, struct base_span text, struct policy_person *person)
{
	struct base_span list[PEOPLE_GROUPS_MAX];
	size_t n = 0;
	while (text.n > 0) {
		const uint8_t *end = memchr(text.p, ';', text.n);
		struct base_span part = base_span(text.p, end ? (size_t)(end - text.p) : text.n);
		text = end ? base_span(end + 1, text.n - part.n - 1) : base_span(text.p + text.n, 0);
		while (part.n > 0 && part.p[0] == ' ')
			part = base_span(part.p + 1, part.n - 1);
		while (part.n > 0 && part.p[part.n - 1] == ' ')
			part.n--;
		if (part.n == 0)
			continue;
		if (n == PEOPLE_GROUPS_MAX)
			return people_fail(p, GH_E_LIMIT, "more than 64 groups", no_text);
		list[n++] = part;
	}
	person->groups = base_arena_get(p->people->arena, n * sizeof(*list));
	if (!person->groups)
		return people_fail(p, GH_E_LIMIT, "too many groups in the file", no_text);
	if (n > 0)
		memcpy(person->groups, list, n * sizeof(*list));
	person->ngroups = n;
	return 0;
}

static int
people_person(struct people_parse *p, const struct base_span *fields, struct policy_person *person)
{
	struct base_span value[COL_COUNT];
	uint64_t ignored;
	for (size_t i = 0; i < COL_COUNT; i++)
		value[i] = base_span("", 0);
	for (size_t i = 0; i < p->ncolumns; i++)
		value[p->column[i]] = fields[i];
	struct base_span role = value[COL_ROLE], until = value[COL_VETTED_UNTIL], left = value[COL_LEFT_ON];
	if (role.n == 0)
		return people_fail(p, GH_E_PARSE, "the role is empty", no_text);
	if (role.n > PEOPLE_ROLE_MAX)
		return people_fail(p, GH_E_LIMIT, "this role is longer than 63 bytes:", role);
	if (role.p[0] == ' ' || role.p[role.n - 1] == ' ')
		return people_fail(p, GH_E_PARSE, "this role begins or ends with a space:", role);
	if (until.n > 0 && (until.n != 10 || base_time_parse(until, &ignored) != 0))
		return people_fail(p, GH_E_PARSE, "vetted_until is not a date such as 2027-01-31:", until);
	if (left.n > 0 && (left.n != 10 || base_time_parse(left, &ignored) != 0))
		return people_fail(p, GH_E_PARSE, "left_on is not a date such as 2026-09-30:", left);
	*person = (struct policy_person){.role = role, .name = value[COL_NAME], .employer = value[COL_EMPLOYER],
	                                 .province = value[COL_PROVINCE], .team = value[COL_TEAM], .vetted_until = until, .left_on = left};
	return people_groups(p, value[COL_GROUPS], person);
}

static int
people_rows(struct people_parse *p)
{
	struct policy_people *people = p->people;
	struct base_span fields[COL_COUNT];
	size_t n;
	int got;
	while ((got = people_line(p, fields, &n)) > 0) {
		if (n != p->ncolumns)
			return people_fail(p, GH_E_PARSE, "this line has another number of fields than the header", no_text);
		if (people->n == people->cap) {
			size_t cap = people->cap == 0 ? 64 : people->cap * 2;
			struct people_row *more = base_mem_grow(people->rows, cap, sizeof(*more));
			if (!more)
				return people_fail(p, GH_E_NOMEM, "out of memory", no_text);
			people->rows = more;
			people->cap = cap;
		}
		struct people_row *row = &people->rows[people->n];
		*row = (struct people_row){.line = p->line};
		int err = people_person(p, fields, &row->person);
		if (err != 0)
			return err;
		people->n++;
	}
	return got;
}

static int
people_by_role(const void *a, const void *b)
{
	const struct people_row *x = a, *y = b;
	int order = base_span_cmp(x->person.role, y->person.role);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int
people_sort(struct people_parse *p)
{
	struct policy_people *people = p->people;
	if (people->n > 1)
		qsort(people->rows, people->n, sizeof(*people->rows), people_by_role);
	for (size_t i = 1; i < people->n; i++) {
		if (base_span_eq(people->rows[i - 1].person.role, people->rows[i].person.role)) {
			p->line = people->rows[i].line;
			return people_fail(p, GH_E_EXISTS, "this role is listed twice:", people->rows[i].person.role);
		}
	}
	return 0;
}

int
policy_people_parse(struct base_span text, const char *file, struct policy_people **people_r, struct base_fail *fail)
{
	if (text.n > POLICY_PEOPLE_SIZE_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "%s: the file is larger than %u bytes", file, POLICY_PEOPLE_SIZE_MAX);
	if (!base_text_utf8(text))
		return base_fail_set(fail, GH_E_PARSE, "%s: the file is not valid UTF-8 text", file);
	struct policy_people *people = base_mem_new(1, sizeof(*people));
	atomic_init(&people->refs, 1);
	people->arena = base_arena_new(PEOPLE_ARENA_MAX);
	people->text = base_mem_try(text.n, 1);
	struct people_parse p = {.people = people, .file = file, .fail = fail, .at = people->text, .left = text.n, .next_line = 1};
	int err = people->text ? 0 : base_fail_set(fail, GH_E_NOMEM, "%s: out of memory", file);
	if (err == 0 && text.n > 0)
		memcpy(people->text, text.p, text.n);
	if (err == 0 && text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
		p.at += 3; /* byte order mark */
		p.left -= 3;
	}
	if (err == 0)
		err = people_header(&p);
	if (err == 0)
		err = people_rows(&p);
	if (err == 0)
		err = people_sort(&p);
	if (err != 0) {
		policy_people_unref(&people);
		return err;
	}
	uint8_t digest[BASE_SHA256_SIZE];
	base_crypt_sha256(text, digest);
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(people->hash + 2 * i, sizeof(people->hash) - 2 * i, "%02x", digest[i]);
	*people_r = people;
	return 0;
}

void
policy_people_ref(struct policy_people *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

void
policy_people_unref(struct policy_people **p)
{
	struct policy_people *own = *p;
	*p = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	base_arena_free(&own->arena);
	free(own->text);
	free(own->rows);
	free(own);
}

const struct policy_person *
policy_people_find(const struct policy_people *p, struct base_span role)
{
	size_t low = 0, high = p->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (base_span_cmp(p->rows[mid].person.role, role) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->n && base_span_eq(p->rows[low].person.role, role) ? &p->rows[low].person : NULL;
}

size_t
policy_people_count(const struct policy_people *p)
{
	return p->n;
}

const struct policy_person *
policy_people_at(const struct policy_people *p, size_t i)
{
	return i < p->n ? &p->rows[i].person : NULL;
}

const char *
policy_people_hash(const struct policy_people *p)
{
	return p->hash;
}
