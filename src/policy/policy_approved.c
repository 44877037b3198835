/* policy_approved: see policy_approved.h. Input: a trusted person's file, read as if hostile: sizes have ceilings, every line is known or refused with
 * its number, nothing that a terminal obeys goes in. Line by line; what belongs to a statement stands behind its `statement` line in any order, `text`
 * with its "|" lines among it. No I/O.
 */
#include "policy_approved.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "base_time.h"

#define APPROVED_NAME_MAX 256u
#define APPROVED_ARENA_MAX ((size_t)POLICY_APPROVED_SIZE_MAX * 8)

struct policy_approved {
	atomic_uint refs;
	struct base_arena *arena;     /* own: all texts */
	struct policy_approval *item; /* own */
	size_t n, room;
	const struct policy_approval **sorted; /* own: by application and text hash; shared by threads, so no base_map, which moves what is asked for */
};

struct approved_parse {
	struct policy_approved *out;
	struct base_map *by;          /* own: application, NUL, text hash -> struct policy_approval's index, while the file is read */
	struct base_cursor in;
	const char *file;             /* borrow */
	struct base_fail *fail;
	unsigned line;
	struct base_span application; /* of the statements to come; empty: none yet */
	struct policy_approval *now;  /* the statement in hand, not counted in out->n yet; NULL */
	bool tree, state, seen, text; /* said of it */
};

static int
wrong(const struct approved_parse *p, const char *what)
{
	return base_fail_set(p->fail, GH_E_PARSE, "%s:%u: %s", p->file, p->line, what);
}

/* ---- words of a line ---- */
static struct base_span
trim(struct base_span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = base_span(s.p + 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* Up to the next space; the rest stays in *s, trimmed. */
static struct base_span
word(struct base_span *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
		n++;
	struct base_span w = base_span(s->p, n);
	*s = trim(base_span(s->p + n, s->n - n));
	return w;
}

static bool
bare(struct base_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_' || s.p[i] == '-' || s.p[i] == '.'))
			return false;
	return s.n > 0;
}

static int
keep(struct approved_parse *p, struct base_span s, struct base_span *out_r)
{
	char *copy = base_arena_str(p->out->arena, s);

	if (!copy)
		return base_fail_set(p->fail, GH_E_NOMEM, "%s: not enough memory for it", p->file);
	*out_r = base_span(copy, s.n);
	return 0;
}

/* A bare word, or "..." with "" for a quote inside. */
static int
name(struct approved_parse *p, struct base_span *s, const char *what, struct base_span *name_r)
{
	uint8_t text[APPROVED_NAME_MAX];
	size_t n = 0, i = 1;

	if (s->n == 0 || s->p[0] != '"') {
		struct base_span w = word(s);
		return bare(w) && w.n <= sizeof(text) ? keep(p, w, name_r) : wrong(p, what);
	}
	for (;; i++) {
		if (i == s->n || n == sizeof(text))
			return wrong(p, i == s->n ? "the closing quote is missing" : "a name is longer than 256 bytes");
		if (s->p[i] == '"' && (i + 1 == s->n || s->p[i + 1] != '"'))
			break;
		i += s->p[i] == '"';
		text[n++] = s->p[i];
	}
	*s = trim(base_span(s->p + i + 1, s->n - i - 1));
	return n > 0 ? keep(p, base_span(text, n), name_r) : wrong(p, what);
}

static int
date(struct approved_parse *p, struct base_span s, struct base_span *date_r)
{
	uint64_t us;

	if (s.n != 10 || base_time_parse(s, &us) != 0)
		return wrong(p, "a date is written 2026-11-22");
	return keep(p, s, date_r);
}

/* ---- lines ---- */
static struct base_span
key_of(uint8_t key[APPROVED_NAME_MAX + 1 + BASE_SHA256_SIZE], struct base_span application, const uint8_t hash[BASE_SHA256_SIZE])
{
	memcpy(key, application.p, application.n);
	key[application.n] = 0;
	memcpy(key + application.n + 1, hash, BASE_SHA256_SIZE);
	return base_span(key, application.n + 1 + BASE_SHA256_SIZE);
}

/* The statement in hand is whole, or the file is wrong. */
static int
finish(struct approved_parse *p)
{
	struct policy_approval *a = p->now;
	uint8_t key[APPROVED_NAME_MAX + 1 + BASE_SHA256_SIZE];

	if (!a)
		return 0;
	if (!p->tree || !p->state)
		return base_fail_set(p->fail, GH_E_PARSE, "%s:%u: the statement has no %s", p->file, a->line, p->tree ? "`approved by NAME on DATE`, nor `proposed`" : "`tree`");
	struct base_span k = key_of(key, a->application, a->text_hash);
	const size_t *before = base_map_get(p->by, k);
	if (before)
		return base_fail_set(p->fail, GH_E_PARSE, "%s:%u: this statement of the application is there twice; first in line %u", p->file, a->line, p->out->item[*before].line);
	size_t *at = base_arena_get(p->out->arena, sizeof(*at));
	if (!at)
		return base_fail_set(p->fail, GH_E_NOMEM, "%s: not enough memory for it", p->file);
	*at = p->out->n;
	if (base_map_put(p->by, k, at) != 0)
		return base_fail_set(p->fail, GH_E_NOMEM, "%s: not enough memory for it", p->file);
	p->out->n++;
	p->now = NULL;
	return 0;
}

static int
statement(struct approved_parse *p, struct base_span rest)
{
	struct policy_approved *out = p->out;
	struct policy_approval a = {.application = p->application, .line = p->line, .by = base_span("", 0), .on = base_span("", 0), .last = base_span("", 0), .text = base_span("", 0)};

	if (a.application.n == 0)
		return wrong(p, "`application NAME` is missing in front of the first statement");
	if (base_text_unhex(rest, a.text_hash, sizeof(a.text_hash)) != 0)
		return wrong(p, "`statement` is followed by 64 hex digits");
	if (out->n == out->room) {
		struct policy_approval *all = base_mem_grow(out->item, out->room ? out->room * 2 : 64, sizeof(*all));
		if (!all)
			return base_fail_set(p->fail, GH_E_NOMEM, "%s: not enough memory for it", p->file);
		out->item = all;
		out->room = out->room ? out->room * 2 : 64;
	}
	p->now = &out->item[out->n];
	*p->now = a;
	p->tree = p->state = p->seen = p->text = false;
	return 0;
}

static int
approved_by(struct approved_parse *p, struct base_span rest)
{
	if (!base_span_is(word(&rest), "by"))
		return wrong(p, "it is written: approved by \"NAME\" on 2026-11-22");
	int rc = name(p, &rest, "who approved it? approved by \"NAME\" on 2026-11-22", &p->now->by);
	if (rc != 0)
		return rc;
	if (!base_span_is(word(&rest), "on"))
		return wrong(p, "when was it approved? approved by \"NAME\" on 2026-11-22");
	p->now->approved = true;
	return date(p, rest, &p->now->on);
}

static int
seen_line(struct approved_parse *p, struct base_span rest)
{
	struct base_span times, last;

	if (base_num_u64(word(&rest), 0, INT64_MAX, &p->now->seen) != 0)
		return wrong(p, "it is written: seen 12 times, last 2026-11-22");
	times = word(&rest);
	if (base_span_is(times, "times") && rest.n == 0)
		return 0;
	last = word(&rest);
	if (!base_span_is(times, "times,") || !base_span_is(last, "last"))
		return wrong(p, "it is written: seen 12 times, last 2026-11-22");
	return date(p, rest, &p->now->last);
}

static bool
next_line(struct approved_parse *p, struct base_span *line_r)
{
	if (p->in.left == 0)
		return false;
	if (!base_cursor_until(&p->in, '\n', line_r))
		*line_r = base_cursor_take(&p->in, p->in.left);
	p->line++;
	return true;
}

/* "| ..." lines, to the first other one, which stays. */
static int
text_lines(struct approved_parse *p)
{
	struct base_buf b;
	struct base_span line;
	bool first = true;
	int rc = 0;

	base_buf_init(&b, POLICY_APPROVED_SIZE_MAX);
	for (;;) {
		struct base_cursor before = p->in;
		if (!next_line(p, &line))
			break;
		while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
			line = base_span(line.p + 1, line.n - 1);
		if (line.n == 0 || line.p[0] != '|') {
			p->in = before;
			p->line--;
			break;
		}
		if (line.p[line.n - 1] == '\r')
			line.n--;
		size_t skip = line.n > 1 && line.p[1] == ' ' ? 2 : 1;
		base_buf_str(&b, first ? "" : "\n");
		base_buf_put(&b, base_span(line.p + skip, line.n - skip));
		first = false;
	}
	rc = b.bad ? base_fail_set(p->fail, GH_E_NOMEM, "%s: not enough memory for it", p->file) : keep(p, base_buf_span(&b), &p->now->text);
	base_buf_done(&b);
	return rc;
}

static int
once(struct approved_parse *p, bool *said)
{
	if (!p->now)
		return wrong(p, "this belongs behind a `statement` line");
	if (*said)
		return wrong(p, "this is said of the statement twice");
	*said = true;
	return 0;
}

static int
one_line(struct approved_parse *p, struct base_span line)
{
	struct base_span rest = trim(line), what = word(&rest);
	int rc;

	if (what.n == 0 || what.p[0] == '#')
		return 0;
	if (base_span_is(what, "application")) {
		rc = finish(p);
		if (rc == 0)
			rc = name(p, &rest, "`application` is followed by its name", &p->application);
		return rc == 0 && rest.n > 0 ? wrong(p, "something stands behind the application's name") : rc;
	}
	if (base_span_is(what, "statement")) {
		rc = finish(p);
		return rc == 0 ? statement(p, rest) : rc;
	}
	if (base_span_is(what, "tree")) {
		rc = once(p, &p->tree);
		return rc != 0 ? rc : base_text_unhex(rest, p->now->tree_hash, sizeof(p->now->tree_hash)) != 0 ? wrong(p, "`tree` is followed by 64 hex digits") : 0;
	}
	if (base_span_is(what, "approved")) {
		rc = once(p, &p->state);
		return rc == 0 ? approved_by(p, rest) : rc;
	}
	if (base_span_is(what, "proposed")) {
		rc = once(p, &p->state);
		return rc == 0 && rest.n > 0 ? wrong(p, "something stands behind `proposed`") : rc;
	}
	if (base_span_is(what, "seen")) {
		rc = once(p, &p->seen);
		return rc == 0 ? seen_line(p, rest) : rc;
	}
	if (base_span_is(what, "text")) {
		rc = once(p, &p->text);
		return rc == 0 && rest.n > 0 ? wrong(p, "the text stands in the lines below, each behind a |") : rc == 0 ? text_lines(p) : rc;
	}
	return wrong(p, what.p[0] == '|' ? "a line of text without `text` in front" : "not known; there are application, statement, tree, approved, proposed, seen and text");
}

/* What a reader cannot see, or a terminal obeys, has no place in what is read before it is approved. */
static int
check_text(struct base_span text, const char *file, struct base_fail *fail)
{
	unsigned line = 1;

	if (text.n > POLICY_APPROVED_SIZE_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "%s: longer than %u MiB", file, POLICY_APPROVED_SIZE_MAX >> 20);
	for (size_t i = 0; i < text.n;) {
		const uint8_t c = text.p[i];
		size_t n = base_text_utf8_length(text.p + i, text.n - i);
		char quoted[24];

		if (n == 0)
			return base_fail_set(fail, GH_E_PARSE, "%s:%u: not valid UTF-8", file, line);
		if ((c < 0x20 && c != '\n' && c != '\t' && !(c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')) || c == 0x7f ||
		    (c >= 0x80 && !base_span_eq(base_span_str(base_text_quote(quoted, sizeof(quoted), base_span(text.p + i, n), 8)), base_span(text.p + i, n))))
			return base_fail_set(fail, GH_E_PARSE, "%s:%u: a character that cannot be seen", file, line);
		line += c == '\n';
		i += n;
	}
	return 0;
}

static int
compare(const struct policy_approval *a, const struct policy_approval *b)
{
	int c = base_span_cmp(a->application, b->application);

	return c != 0 ? c : memcmp(a->text_hash, b->text_hash, sizeof(a->text_hash));
}

static int
compare_items(const void *a, const void *b)
{
	return compare(*(const struct policy_approval *const *)a, *(const struct policy_approval *const *)b);
}

static void
sort(struct policy_approved *a)
{
	a->sorted = base_mem_new(a->n + 1, sizeof(*a->sorted));
	for (size_t i = 0; i < a->n; i++)
		a->sorted[i] = &a->item[i];
	if (a->n > 0)
		qsort(a->sorted, a->n, sizeof(*a->sorted), compare_items);
}

int
policy_approved_parse(struct base_span text, const char *file, struct policy_approved **a_r, struct base_fail *fail)
{
	struct approved_parse p = {.in = base_cursor(text), .file = file, .fail = fail};
	struct base_span line;
	int rc = check_text(text, file, fail);

	if (rc != 0)
		return rc;
	p.out = base_mem_new(1, sizeof(*p.out));
	atomic_init(&p.out->refs, 1);
	p.out->arena = base_arena_new(APPROVED_ARENA_MAX);
	p.by = base_map_new(0, NULL);
	while (rc == 0 && next_line(&p, &line))
		rc = one_line(&p, line);
	if (rc == 0)
		rc = finish(&p);
	base_map_free(&p.by);
	if (rc == 0)
		sort(p.out);
	if (rc != 0) {
		policy_approved_unref(&p.out);
		return rc;
	}
	*a_r = p.out;
	return 0;
}

void
policy_approved_ref(struct policy_approved *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
}

void
policy_approved_unref(struct policy_approved **a)
{
	struct policy_approved *own = *a;

	*a = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(own->sorted);
	base_arena_free(&own->arena);
	free(own->item);
	free(own);
}

size_t
policy_approved_count(const struct policy_approved *a)
{
	return a->n;
}

const struct policy_approval *
policy_approved_at(const struct policy_approved *a, size_t i)
{
	return i < a->n ? &a->item[i] : NULL;
}

const struct policy_approval *
policy_approved_find(const struct policy_approved *a, struct base_span application, const uint8_t text_hash[BASE_SHA256_SIZE])
{
	struct policy_approval wanted = {.application = application};
	size_t low = 0, high = a->n;

	memcpy(wanted.text_hash, text_hash, sizeof(wanted.text_hash));
	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const int c = compare(a->sorted[mid], &wanted);
		if (c == 0)
			return a->sorted[mid]->approved ? a->sorted[mid] : NULL;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* ---- writing ---- */
static void
put_name(struct base_buf *out, struct base_span s, bool quoted)
{
	if (!quoted && bare(s)) {
		base_buf_put(out, s);
		return;
	}
	base_buf_u8(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			base_buf_u8(out, '"');
		base_buf_u8(out, s.p[i]);
	}
	base_buf_u8(out, '"');
}

static void
put_text(struct base_buf *out, struct base_span text)
{
	struct base_cursor c = base_cursor(text);
	struct base_span line;
	bool more;

	if (text.n == 0)
		return;
	base_buf_str(out, "  text\n");
	do {
		more = base_cursor_until(&c, '\n', &line);
		if (!more)
			line = base_cursor_take(&c, c.left);
		base_buf_str(out, line.n > 0 ? "    | " : "    |");
		base_buf_put(out, line);
		base_buf_u8(out, '\n');
	} while (more);
}

void
policy_approved_print(const struct policy_approval *a, struct base_buf *out)
{
	base_buf_str(out, "application ");
	put_name(out, a->application, false);
	base_buf_str(out, "\nstatement ");
	base_text_hex(out, base_span(a->text_hash, sizeof(a->text_hash)));
	base_buf_str(out, "\n  tree ");
	base_text_hex(out, base_span(a->tree_hash, sizeof(a->tree_hash)));
	if (a->approved) {
		base_buf_str(out, "\n  approved by ");
		put_name(out, a->by, true);
		base_buf_str(out, " on ");
		base_buf_put(out, a->on);
	} else {
		base_buf_str(out, "\n  proposed");
	}
	if (a->seen > 0)
		base_buf_fmt(out, "\n  seen %llu times", (unsigned long long)a->seen);
	if (a->seen > 0 && a->last.n > 0) {
		base_buf_str(out, ", last ");
		base_buf_put(out, a->last);
	}
	base_buf_u8(out, '\n');
	put_text(out, a->text);
}
