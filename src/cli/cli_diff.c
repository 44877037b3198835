/* cli_diff: tables and columns of groups, and the list (see cli_diff.h). Input: parsed policies. No I/O. */
#include "cli_diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "cli_rights.h"

#define WORDS 800u

const char *
cli_way_word(enum cli_way w)
{
	static const char *const words[] = {"GAINS", "LOSES", "CHANGES"};

	return words[w];
}

void
cli_diff_say(const struct cli_diff *d, enum cli_way way, const char *what, const char *before, const char *after, unsigned line_old, unsigned line_new)
{
	struct cli_changes *c = d->out;

	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->item = base_mem_grow(c->item, c->room, sizeof(*c->item));
		if (!c->item)
			abort(); /* a command without memory has no answer */
	}
	c->item[c->n++] = (struct cli_change){way, base_mem_str(base_span_str(d->who)), base_mem_str(base_span_str(what)), base_mem_str(base_span_str(before)),
	                                      base_mem_str(base_span_str(after)), line_old, line_new};
}

static void
change_free(struct cli_change *c)
{
	free(c->who);
	free(c->what);
	free(c->before);
	free(c->after);
}

void
cli_changes_done(struct cli_changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		change_free(&c->item[i]);
	free(c->item);
	*c = (struct cli_changes){0};
}

/* -- columns -- */

struct name { char text[WORDS]; };

static const char *
column_name(struct name *n, const struct cli_right_table *t, struct base_span column, const char *more)
{
	char a[200], b[200], c[200];

	(void)snprintf(n->text, sizeof(n->text), "%s.%s%s%s%s", base_text_quote(a, sizeof(a), t->schema, 190), base_text_quote(b, sizeof(b), t->name, 190), column.n ? "." : "",
	               base_text_quote(c, sizeof(c), column, 190), more);
	return n->text;
}

/* Reading one column, as one order from nothing to everything. */
struct seen { bool read; const struct policy_mask *mask; unsigned line; };

static struct seen
seen_of(const struct cli_right_table *t, const struct cli_right_column *c)
{
	if (!t || !(t->actions & POLICY_READ) || !c || !c->known)
		return (struct seen){false, NULL, 0};
	return (struct seen){true, &c->mask, c->seen_line};
}

static bool
same_mask(const struct policy_mask *a, const struct policy_mask *b)
{
	return a->kind == b->kind && ((a->kind != POLICY_MASK_LAST && a->kind != POLICY_MASK_FIRST) || a->n == b->n) &&
	       (a->kind != POLICY_MASK_FIXED || base_span_eq(a->fixed, b->fixed));
}

static void
seen_words(const struct seen *s, char *dst, size_t size)
{
	if (s->read)
		cli_mask_words(s->mask, dst, size);
	else
		(void)snprintf(dst, size, "refused");
}

static bool
diff_seen(const struct cli_diff *d, const char *what, const struct seen *a, const struct seen *b)
{
	char before[256], after[256];
	enum cli_way way;

	if (a->read == b->read && (!a->read || same_mask(a->mask, b->mask)))
		return false;
	if (a->read != b->read)
		way = b->read ? CLI_GAINS : CLI_LOSES;
	else if (a->mask->kind == POLICY_MASK_FIXED && b->mask->kind == POLICY_MASK_FIXED)
		way = CLI_CHANGES; /* another text in place of the same secret */
	else
		way = policy_mask_stronger(a->mask, b->mask) == a->mask ? CLI_GAINS : CLI_LOSES;
	seen_words(a, before, sizeof(before));
	seen_words(b, after, sizeof(after));
	cli_diff_say(d, way, what, before, after, a->line, b->line);
	return true;
}

/* Conditions on one column. What follows from how it is seen (clear: any; else: none) is not said again. */
static void
diff_reach(const struct cli_diff *d, const char *what, const struct cli_right_column *a, const struct seen *as, const struct cli_right_column *b, const struct seen *bs)
{
	static const char *const words[] = {"not in conditions", "look-up", "any condition"};
	enum cli_reach x = as->read ? a->reach : CLI_REACH_NO, y = bs->read ? b->reach : CLI_REACH_NO;
	enum cli_reach x0 = as->read && as->mask->kind == POLICY_MASK_NONE ? CLI_REACH_FREE : CLI_REACH_NO;
	enum cli_reach y0 = bs->read && bs->mask->kind == POLICY_MASK_NONE ? CLI_REACH_FREE : CLI_REACH_NO;

	if (x == y || (x == x0 && y == y0))
		return;
	cli_diff_say(d, y > x ? CLI_GAINS : CLI_LOSES, what, words[x], words[y], a ? a->reach_line : 0, b ? b->reach_line : 0);
}

static bool
diff_may(const struct cli_diff *d, const char *what, bool a, unsigned line_a, bool b, unsigned line_b)
{
	if (a == b)
		return false;
	cli_diff_say(d, b ? CLI_GAINS : CLI_LOSES, what, a ? "allowed" : "refused", b ? "allowed" : "refused", a ? line_a : 0, b ? line_b : 0);
	return true;
}

/* Which actions (POLICY_READ | ...) some column has said something about. */
static unsigned
diff_column(const struct cli_diff *d, const struct cli_right_table *a, const struct cli_right_table *b, struct base_span column)
{
	const struct cli_right_column *x = cli_rights_column(a, column), *y = cli_rights_column(b, column);
	struct seen xs = seen_of(a, x), ys = seen_of(b, y);
	bool xu = x && x->update && a->actions & POLICY_UPDATE, yu = y && y->update && b->actions & POLICY_UPDATE;
	bool xi = x && x->insert && a->actions & POLICY_INSERT, yi = y && y->insert && b->actions & POLICY_INSERT;
	struct name n;
	unsigned said = 0;

	said |= diff_seen(d, column_name(&n, a ? a : b, column, ""), &xs, &ys) ? POLICY_READ : 0;
	diff_reach(d, column_name(&n, a ? a : b, column, " (find by it)"), x, &xs, y, &ys);
	said |= diff_may(d, column_name(&n, a ? a : b, column, " (update)"), xu, x ? x->update_line : 0, yu, y ? y->update_line : 0) ? POLICY_UPDATE : 0;
	said |= diff_may(d, column_name(&n, a ? a : b, column, " (insert)"), xi, x ? x->insert_line : 0, yi, y ? y->insert_line : 0) ? POLICY_INSERT : 0;
	return said;
}

/* -- tables -- */

static void
rows_words(const struct cli_right_table *t, struct base_buf *b)
{
	char text[512];

	base_buf_clear(b);
	if (!t || t->nrows == 0)
		base_buf_str(b, t ? "all rows" : "none");
	for (size_t i = 0; t && i < t->nrows; i++) {
		base_buf_str(b, i ? " and " : "where ");
		base_buf_str(b, base_text_quote(text, sizeof(text), t->rows[i], 500));
	}
	base_buf_u8(b, 0);
}

static size_t
rows_missing(const struct cli_right_table *a, const struct cli_right_table *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->nrows; i++) {
		bool there = false;
		for (size_t k = 0; k < b->nrows && !there; k++)
			there = base_span_eq(a->rows[i], b->rows[k]);
		n += !there;
	}
	return n;
}

static void
diff_rows(const struct cli_diff *d, const struct cli_right_table *a, const struct cli_right_table *b)
{
	struct base_buf before, after;
	struct name n;

	if (!a || !b || (rows_missing(a, b) == 0 && rows_missing(b, a) == 0))
		return;
	base_buf_init(&before, POLICY_FILE_SIZE_MAX * 4);
	base_buf_init(&after, POLICY_FILE_SIZE_MAX * 4);
	rows_words(a, &before);
	rows_words(b, &after);
	enum cli_way way = rows_missing(b, a) == 0 ? CLI_GAINS : rows_missing(a, b) == 0 ? CLI_LOSES : CLI_CHANGES;
	cli_diff_say(d, way, column_name(&n, a, base_span("", 0), " (rows)"), (const char *)base_buf_span(&before).p, (const char *)base_buf_span(&after).p,
	             a->nrows ? a->rows_line[0] : 0, b->nrows ? b->rows_line[0] : 0);
	base_buf_done(&before);
	base_buf_done(&after);
}

static void
diff_table(const struct cli_diff *d, const struct cli_right_table *a, const struct cli_right_table *b)
{
	static const char *const action[] = {" (count rows)", " (insert)", " (update)", " (delete)"};
	unsigned said = 0, had = a ? a->actions : 0, has = b ? b->actions : 0;
	struct name n;

	for (size_t i = 0, k = 0; i < (a ? a->ncolumns : 0) || k < (b ? b->ncolumns : 0);) {
		int c = !a || i == a->ncolumns ? 1 : !b || k == b->ncolumns ? -1 : base_span_cmp(a->columns[i].name, b->columns[k].name);
		said |= diff_column(d, a, b, c <= 0 ? a->columns[i].name : b->columns[k].name);
		i += c <= 0;
		k += c >= 0;
	}
	for (unsigned i = 0; i < BASE_COUNT(action); i++) /* what no column's line has shown */
		if (!(said & 1u << i))
			(void)diff_may(d, column_name(&n, a ? a : b, base_span("", 0), action[i]), had & 1u << i, a ? a->action_line[i] : 0, has & 1u << i, b ? b->action_line[i] : 0);
	diff_rows(d, a, b);
}

static void
diff_tables(const struct cli_diff *d, const struct cli_rights *a, const struct cli_rights *b)
{
	for (size_t i = 0, k = 0; i < a->ntables || k < b->ntables;) {
		const struct cli_right_table *x = i < a->ntables ? &a->tables[i] : NULL, *y = k < b->ntables ? &b->tables[k] : NULL;
		int c = !x ? 1 : !y ? -1 : base_span_cmp(x->schema, y->schema);
		if (c == 0)
			c = base_span_cmp(x->name, y->name);
		diff_table(d, c <= 0 ? x : NULL, c >= 0 ? y : NULL);
		i += c <= 0;
		k += c >= 0;
	}
}

/* -- groups -- */

static void
diff_one(const struct policy_file *old, const struct policy_file *new, struct base_span name, struct cli_changes *out)
{
	static const struct policy_group none = {.line = 0};
	const struct policy_group *a = cli_rights_group(old, name), *b = cli_rights_group(new, name);
	char who[200];
	struct cli_diff d = {base_text_quote(who, sizeof(who), name, 190), out, old, new};

	if (!a || !b)
		cli_diff_say(&d, CLI_CHANGES, "the group", a ? "there" : "not there", b ? "there" : "not there", a ? a->line : 0, b ? b->line : 0);
	struct cli_rights *x = cli_rights_new(&a, a ? 1 : 0), *y = cli_rights_new(&b, b ? 1 : 0);
	diff_tables(&d, x, y);
	cli_rights_free(&x);
	cli_rights_free(&y);
	cli_diff_group(&d, a ? a : &none, b ? b : &none);
}

void
cli_diff_files(const struct policy_file *old, const struct policy_file *new, struct cli_changes *out)
{
	cli_diff_policy(old, new, out);
	for (size_t i = 0; i < old->ngroups; i++)
		diff_one(old, new, old->groups[i].name, out);
	for (size_t i = 0; i < new->ngroups; i++)
		if (!cli_rights_group(old, new->groups[i].name))
			diff_one(old, new, new->groups[i].name, out);
}

static size_t
members(const struct policy_file *f, const struct base_span *groups, size_t ngroups, const struct policy_group **members_r)
{
	size_t n = 0;

	for (size_t i = 0; i < ngroups; i++) {
		const struct policy_group *g = cli_rights_group(f, groups[i]);
		if (g)
			members_r[n++] = g;
	}
	return n;
}

static bool
same_line(const struct cli_change *a, const struct cli_change *b)
{
	return strcmp(a->what, b->what) == 0 && strcmp(a->before, b->before) == 0 && strcmp(a->after, b->after) == 0;
}

void
cli_diff_together(const struct policy_file *old, const struct policy_file *new, const struct base_span *groups, size_t ngroups, struct cli_changes *out)
{
	const struct policy_group **m = base_mem_new(ngroups + 1, sizeof(struct policy_group *));
	struct cli_changes all = {0}, alone = {0};
	struct base_buf who;
	char quoted[200];

	base_buf_init(&who, WORDS);
	for (size_t i = 0; i < ngroups; i++)
		base_buf_fmt(&who, "%s%s", i == 0 ? "" : i + 1 == ngroups ? " and " : ", ", base_text_quote(quoted, sizeof(quoted), groups[i], 190));
	base_buf_u8(&who, 0);
	struct cli_diff d = {who.bad ? "several groups" : (const char *)base_buf_span(&who).p, &all, old, new}, one = {"", &alone, old, new};
	struct cli_rights *a = cli_rights_new(m, members(old, groups, ngroups, m)), *b;
	b = cli_rights_new(m, members(new, groups, ngroups, m));
	diff_tables(&d, a, b);
	cli_rights_free(&a);
	cli_rights_free(&b);
	for (size_t i = 0; i < ngroups; i++) {
		a = cli_rights_new(m, members(old, &groups[i], 1, m));
		b = cli_rights_new(m, members(new, &groups[i], 1, m));
		diff_tables(&one, a, b);
		cli_rights_free(&a);
		cli_rights_free(&b);
	}
	for (size_t i = 0; i < all.n; i++) {
		bool known = false;
		for (size_t k = 0; k < alone.n && !known; k++)
			known = same_line(&all.item[i], &alone.item[k]);
		d.out = out;
		if (!known)
			cli_diff_say(&d, all.item[i].way, all.item[i].what, all.item[i].before, all.item[i].after, all.item[i].line_old, all.item[i].line_new);
	}
	cli_changes_done(&all);
	cli_changes_done(&alone);
	base_buf_done(&who);
	free(m);
}
