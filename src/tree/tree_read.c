/* tree_read: text of a query tree to nodes.
 * Input: a hostile server; and within names, a hostile client. Every length is checked against what is left of the text, nothing is searched for:
 * at each byte just one thing is expected. Calls the arena and nothing else. Never logs, never looks a name up, never repairs.
 *
 * THE FORM (PostgreSQL 15, outfuncs.c). A node is `{WORD :field value :field value ...}`, one space between, all fields of its type in their order.
 * Values: see enum tree_form. A name is a token: bytes up to an unescaped space or bracket, with a backslash before space, tab, line feed, brackets,
 * braces and backslash, and before a first byte `<`, `"`, digit, or sign that a digit or full stop follows; <> is none. A name that begins with
 * a colon, or that is called "expr" or ":expr", is not marked in any way: only its place says that it is a value. Hence a reader that looks
 * for field names is lost, and this one does not look. Escapes are accepted just where the server makes them, so one name has one spelling.
 *
 * LINES. The server cuts the text into lines (format_node_dump): it takes 78 bytes; is the next one a space, the line ends here and the space is
 * swallowed; else the line ends at its last space but not at its first byte, which is swallowed; and where there is none, after 78 bytes, in
 * the middle of a token. And a name may hold a line feed of its own, which is printed as backslash, line feed, and does not end the server's line.
 * check_lines() proves that no line was broken in the middle of a token and that each line feed stands where a space would have been swallowed:
 *   Let T be what we got, S' the server's text, S our text: T with a space for each line feed. check_lines accepts T only if cutting S gives T, and no
 *   line has 78 bytes without a space behind its first.
 *   Suppose S' has a hard break, and take the first. Its line starts at p, also a start of a line in T and (all line feeds of T being breaks
 *   of S) of S. T[p+78] is the line feed the server put in. Has that line no line feed of its own, then T has a line of 78 bytes without a space: refused.
 *   Has it one, first at k (0 < k < 78, since its backslash is before it in the line), then S broke at k; but S[p+78] is a space, where
 *   the server would have broken instead: refused. So S' has no hard break, every line feed in T is a swallowed space or a line feed in a
 *   name, and S differs from S' at most in this: a line feed in a name became a space in the same name. No token begins or ends elsewhere.
 * That last doubt (a name broken at its own space, "Total Amount", looks just like a name with a line feed) is admitted in LABEL names only, of
 * which nothing depends. In any other name backslash, line feed is refused: two WITH queries "a b" and "a<LF>b" must not become one.
 * A database whose encoding is not the client's (UTF-8) has its lines cut before conversion; then names outside ASCII make lines that do not fit the rule:
 * refused.
 */
#include "tree_read.h"

#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "tree_int.h"

#define LINE 78u /* LINELEN of format_node_dump */

struct tree {
	struct base_arena *arena; /* own: all that follows */
	struct tree_list queries;
	unsigned major;
};

struct reader {
	uint8_t *p;               /* borrow: the tree's copy of the text; names are unescaped in place, behind p */
	const uint8_t *start, *end;
	struct base_arena *arena; /* borrow */
	const struct tree_table *table;
	const struct tree_node **item; /* own: items of the open lists, innermost last */
	size_t nitems, room;
	unsigned nodes, depth;
	struct base_fail *fail;
};

const struct tree_table *
tree_table(unsigned major)
{
	static const struct tree_table *const tables[] = {&tree_table_15};

	for (size_t i = 0; i < BASE_COUNT(tables); i++)
		if (tables[i]->major == major)
			return tables[i];
	return NULL;
}

bool
tree_supported(unsigned major)
{
	return tree_table(major) != NULL;
}

/* Lines. */

static bool
has_gap(const uint8_t *p, size_t n)
{
	return n > 0 && (memchr(p, ' ', n) != NULL || memchr(p, '\n', n) != NULL);
}

static int
bad_line(struct base_fail *fail, size_t at, const char *why)
{
	return base_fail_set(fail, GH_E_PARSE, "the server's query tree cannot be told apart by line at byte %zu: %s", at, why);
}

/* text: without the line feed at its end. */
static int
check_lines(struct base_span text, struct base_fail *fail)
{
	const uint8_t *p = text.p, *end = text.p + text.n;

	for (;;) {
		size_t left = (size_t)(end - p), at = (size_t)(p - text.p), n;
		const uint8_t *e = left > 0 ? memchr(p, '\n', left) : NULL;

		n = e == NULL ? left : (size_t)(e - p);
		if (n == 0)
			return bad_line(fail, at, "an empty line");
		if (n > LINE)
			return bad_line(fail, at, "a line of more than 78 bytes");
		if (e == NULL)
			return 0;
		if (n == LINE) {
			if (memchr(p + 1, ' ', LINE - 1) == NULL)
				return bad_line(fail, at, "a name may have been broken at the end of the line");
		} else {
			if (left <= LINE)
				return bad_line(fail, at, "a line was broken that had room");
			if (has_gap(e + 1, LINE - n))
				return bad_line(fail, at, "a line is shorter than it would have been made");
		}
		p = e + 1;
	}
}

/* The text without the line feed that ends its last line. One that lacks it is taken as well: nothing hangs on it. */
static struct base_span
body(struct base_span text)
{
	return text.n > 0 && text.p[text.n - 1] == '\n' ? base_span(text.p, text.n - 1) : text;
}

static int
check_size(struct base_span text, struct base_fail *fail)
{
	if (text.n > TREE_TEXT_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "the server's query tree has %zu bytes, more than %u", text.n, TREE_TEXT_MAX);
	return 0;
}

int
tree_unwrap(struct base_span text, struct base_buf *out, struct base_fail *fail)
{
	struct base_span b = body(text);
	uint8_t *p;
	int rc;

	if ((rc = check_size(text, fail)) < 0 || (rc = check_lines(b, fail)) < 0)
		return rc;
	p = base_buf_reserve(out, b.n);
	if (p == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no room for the server's query tree");
	for (size_t i = 0; i < b.n; i++)
		p[i] = b.p[i] == '\n' ? ' ' : b.p[i];
	base_buf_commit(out, b.n);
	return 0;
}

/* Tokens. */

static int
bad(struct reader *r, const char *want)
{
	char seen[80];
	size_t left = (size_t)(r->end - r->p);

	return base_fail_set(r->fail, GH_E_PARSE, "the server's query tree is not as known at byte %zu: expected %s, found \"%s\"",
	    (size_t)(r->p - r->start), want, base_text_quote(seen, sizeof(seen), base_span(r->p, left < 60 ? left : 60), 60));
}

static int
no_memory(struct reader *r)
{
	return base_fail_set(r->fail, GH_E_LIMIT, "the server's query tree needs more memory than %u bytes", TREE_MEMORY_MAX);
}

static inline bool
gap(uint8_t c)
{
	return c == ' ' || c == '\n';
}

static inline bool
digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The byte at p[i], 0 past the end: no byte of the form is 0. */
static inline uint8_t
peek(const struct reader *r, size_t i)
{
	return i < (size_t)(r->end - r->p) ? r->p[i] : 0;
}

static inline bool
none(struct reader *r) /* takes <> */
{
	if (peek(r, 0) != '<' || peek(r, 1) != '>')
		return false;
	r->p += 2;
	return true;
}

/* %d or %u, as printf writes it: no leading zeros, no plus, no minus zero; what fits in 32 bits of either sort. */
static int
read_number(struct reader *r, int64_t *v_r)
{
	const uint8_t *p = r->p, *end = r->end;
	bool minus = p < end && *p == '-';
	const uint8_t *first = minus ? p + 1 : p;
	uint64_t v = 0;

	for (p = first; p < end && digit(*p) && p - first < 10; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == first || (p < end && digit(*p)) || (*first == '0' && (p - first > 1 || minus)) || v > (minus ? 2147483648u : 4294967295u))
		return bad(r, "a number");
	r->p += p - r->p;
	*v_r = minus ? -(int64_t)v : (int64_t)v;
	return 0;
}

/* Bytes that end a token or must not be in one without a backslash. */
static const uint8_t special[256] = {
	['\0'] = 1, [' '] = 1, ['\n'] = 1, ['\t'] = 1, ['('] = 1, [')'] = 1, ['{'] = 1, ['}'] = 1, ['\\'] = 1,
};

/* Does the server put a backslash before this byte at the start of a name? next: the byte that follows it. */
static bool
start_escaped(uint8_t c, uint8_t next)
{
	return c == '<' || c == '"' || digit(c) || ((c == '+' || c == '-') && (digit(next) || next == '.'));
}

/* A name up to an unescaped gap or closing bracket, unescaped in place. in_list: its closing quote is the last byte. */
static int
read_token(struct reader *r, unsigned flags, bool in_list, struct base_span *s_r)
{
	uint8_t *from = r->p, *p = r->p, *to = r->p;
	const uint8_t *end = r->end;
	bool closed = false; /* the last byte was a quote without a backslash */

	while (p < end) {
		uint8_t c = *p, next = end - p > 1 ? p[1] : 0;
		bool escaped = c == '\\';

		if (escaped) {
			if (!(special[next] && next != 0) && !(p == from && start_escaped(next, end - p > 2 ? p[2] : 0)))
				return bad(r, "a name without a needless backslash");
			if (next == '\n') {
				if (!(flags & TREE_LABEL))
					return bad(r, "a name that is not broken at a space and has no line feed");
				next = ' ';
			}
			c = next;
			p++;
		} else if (special[c]) {
			break;
		} else if (p == from && start_escaped(c, next) && !(in_list && c == '"' && (next == ')' || gap(next)))) {
			return bad(r, "a name with its backslash");
		}
		closed = c == '"' && !escaped;
		*to++ = c;
		p++;
	}
	if (p == end || !(gap(*p) || *p == (in_list ? ')' : '}')) || to == from || (in_list && !closed))
		return bad(r, "a name");
	*s_r = base_span(from, (size_t)(to - from) - in_list);
	r->p = p;
	return 0;
}

/* Lists of numbers: letter, then each behind a gap. */
static int
read_numbers(struct reader *r, uint8_t letter, struct tree_numbers *v_r)
{
	size_t n = 0;
	int64_t *item;
	const uint8_t *q;
	int rc;

	if (letter != 'b' && none(r))
		return 0;
	if (peek(r, 0) != '(' || peek(r, 1) != letter)
		return bad(r, "a list of numbers");
	r->p += 2;
	for (q = r->p; q < r->end && *q != ')'; q++)
		n += gap(*q);
	if (n == 0 && letter != 'b')
		return bad(r, "a number");
	if (n > 0) {
		item = base_arena_get(r->arena, n * sizeof(*item)); /* n <= TREE_TEXT_MAX */
		if (item == NULL)
			return no_memory(r);
		for (size_t i = 0; i < n; i++) {
			if (!gap(peek(r, 0)))
				return bad(r, "a space");
			r->p++;
			if ((rc = read_number(r, &item[i])) < 0)
				return rc;
		}
		*v_r = (struct tree_numbers){item, n};
	}
	if (peek(r, 0) != ')')
		return bad(r, "the end of a list of numbers");
	r->p++;
	return 0;
}

/* `length [ byte byte ... ]`: signed bytes. A value passed as such prints all 8 bytes of its machine word, whatever its length. */
static int
read_datum(struct reader *r, const struct tree_node *n, struct base_span *s_r)
{
	int64_t length, b, constlen = tree_number(n, TREE_F_CONSTLEN);
	bool by_value = tree_bool(n, TREE_F_CONSTBYVAL);
	size_t count;
	uint8_t *bytes;
	int rc;

	if ((rc = read_number(r, &length)) < 0)
		return rc;
	if (length < 0 || length > r->end - r->p || (constlen > 0 && length != constlen) || (by_value && length > 8))
		return bad(r, "the bytes of a constant of its length");
	if (!gap(peek(r, 0)) || peek(r, 1) != '[' || !gap(peek(r, 2)))
		return bad(r, "the bytes of a constant");
	r->p += 3;
	count = by_value ? 8 : (size_t)length;
	bytes = base_arena_get(r->arena, count);
	if (bytes == NULL)
		return no_memory(r);
	for (size_t i = 0; i < count; i++) {
		if ((rc = read_number(r, &b)) < 0)
			return rc;
		if (b < -128 || b > 127 || !gap(peek(r, 0)))
			return bad(r, "a byte of a constant");
		r->p++;
		bytes[i] = (uint8_t)b;
	}
	if (peek(r, 0) != ']')
		return bad(r, "the end of a constant");
	r->p++;
	*s_r = base_span(bytes, count);
	return 0;
}

static int
read_bool(struct reader *r, int64_t *v_r)
{
	size_t left = (size_t)(r->end - r->p);

	if (left > 4 && memcmp(r->p, "true", 4) == 0) {
		*v_r = 1;
		r->p += 4;
	} else if (left > 5 && memcmp(r->p, "false", 5) == 0) {
		r->p += 5;
	} else {
		return bad(r, "true or false");
	}
	return 0;
}

/* Text as it stands, of the bytes that %.0f can print. */
static int
read_real(struct reader *r, struct base_span *s_r)
{
	size_t n = 0;

	while (n < 400 && memchr("0123456789-.einfa", peek(r, n), 17) != NULL && peek(r, n) != 0)
		n++;
	if (n == 0)
		return bad(r, "a number");
	*s_r = base_span(r->p, n);
	r->p += n;
	return 0;
}

/* Lists. Items are gathered on one stack for all open lists and copied out when their list ends: linear, and no list is grown twice. */

static int
push(struct reader *r, const struct tree_node *n)
{
	if (r->nitems == r->room) {
		size_t room = r->room == 0 ? 256 : r->room * 2; /* at most 2 * TREE_TEXT_MAX */
		const struct tree_node **item = base_mem_grow(r->item, room, sizeof(*item));

		if (item == NULL)
			return base_fail_set(r->fail, GH_E_NOMEM, "no memory for the server's query tree");
		r->item = item;
		r->room = room;
	}
	r->item[r->nitems++] = n;
	return 0;
}

static int
take(struct reader *r, size_t from, struct tree_list *list_r)
{
	size_t n = r->nitems - from;
	const struct tree_node **item = base_arena_get(r->arena, n * sizeof(*item));

	if (item == NULL)
		return no_memory(r);
	memcpy(item, r->item + from, n * sizeof(*item));
	r->nitems = from;
	*list_r = (struct tree_list){item, n};
	return 0;
}

/* A node with room for its values. */
static struct tree_node *
new_node(struct reader *r, const struct tree_type *type, size_t room, struct tree_value **value_r)
{
	struct tree_node *n;

	if (r->nodes >= TREE_NODES_MAX)
		return NULL;
	r->nodes++;
	n = base_arena_get(r->arena, sizeof(*n) + room * sizeof(**value_r)); /* room < 256 */
	if (n == NULL)
		return NULL;
	*value_r = (struct tree_value *)(n + 1);
	n->kind = type->kind;
	n->type = type;
	n->value = *value_r;
	return n;
}

static int
too_many(struct reader *r)
{
	return base_fail_set(r->fail, GH_E_LIMIT, "the server's query tree has more than %u nodes, or they need more than %u bytes", TREE_NODES_MAX,
	    TREE_MEMORY_MAX);
}

static int read_node(struct reader *r, const struct tree_node **n_r);
static int read_list(struct reader *r, enum tree_form form, unsigned flags, struct tree_list *list_r);

static int
read_item(struct reader *r, enum tree_form form, unsigned flags)
{
	const struct tree_node *n = NULL;
	struct tree_node *made;
	struct tree_value *v;
	int rc = 0;

	if (form == TREE_FORM_NAMES && peek(r, 0) == '"') {
		if ((made = new_node(r, &tree_type_string, 1, &v)) == NULL)
			return too_many(r);
		r->p++;
		v->shape = TREE_TEXT;
		rc = read_token(r, flags, true, &v->u.text);
		n = made;
	} else if (form == TREE_FORM_ROWS && peek(r, 0) == '(') {
		if ((made = new_node(r, &tree_type_items, 1, &v)) == NULL)
			return too_many(r);
		v->shape = TREE_LIST;
		rc = read_list(r, TREE_FORM_LIST, flags, &v->u.list);
		n = made;
	} else if (form == TREE_FORM_LIST && peek(r, 0) == '{') {
		rc = read_node(r, &n);
	} else if (!none(r)) {
		return bad(r, "an item of a list");
	}
	return rc < 0 ? rc : push(r, n);
}

/* A list that is not <>: at least one item. */
static int
read_list(struct reader *r, enum tree_form form, unsigned flags, struct tree_list *list_r)
{
	size_t from = r->nitems;
	int rc;

	if (r->depth >= TREE_DEPTH_MAX)
		return base_fail_set(r->fail, GH_E_LIMIT, "the server's query tree is deeper than %u", TREE_DEPTH_MAX);
	if (peek(r, 0) != '(')
		return bad(r, "a list");
	r->depth++;
	do {
		r->p++; /* the bracket, or the gap behind the last item */
		if ((rc = read_item(r, form, flags)) < 0)
			return rc;
	} while (gap(peek(r, 0)));
	r->depth--;
	if (peek(r, 0) != ')')
		return bad(r, "the end of a list");
	r->p++;
	return take(r, from, list_r);
}

/* A utility statement: ?, or for a few of them a node, which nobody needs to know more of than that it is there. Braces in names have a
 * backslash, so those without one pair up. */
static int
read_opaque(struct reader *r, struct base_span *s_r)
{
	const uint8_t *from = r->p;
	size_t open = 0;

	if (peek(r, 0) != '?' && peek(r, 0) != '{')
		return bad(r, "a utility statement or <>");
	do {
		uint8_t c = peek(r, 0);

		if (c == '\\')
			r->p++; /* and over what follows it */
		else
			open += (size_t)(c == '{') - (size_t)(c == '}');
		if (r->p == r->end)
			return bad(r, "the end of a utility statement");
		r->p++;
	} while (open > 0);
	*s_r = base_span(from, (size_t)(r->p - from));
	return 0;
}

static const enum tree_shape shape_of[] = {
	[TREE_FORM_INT] = TREE_INT, [TREE_FORM_BOOL] = TREE_BOOL, [TREE_FORM_CHAR] = TREE_CHAR, [TREE_FORM_REAL] = TREE_REAL,
	[TREE_FORM_TEXT] = TREE_TEXT, [TREE_FORM_NODE] = TREE_NODE, [TREE_FORM_LIST] = TREE_LIST, [TREE_FORM_NAMES] = TREE_LIST,
	[TREE_FORM_ROWS] = TREE_LIST, [TREE_FORM_INTS] = TREE_NUMBERS, [TREE_FORM_OIDS] = TREE_NUMBERS, [TREE_FORM_BITS] = TREE_NUMBERS,
	[TREE_FORM_DATUM] = TREE_DATUM, [TREE_FORM_NOTHING] = TREE_DATUM, [TREE_FORM_OPAQUE] = TREE_OPAQUE,
};

static int
read_value(struct reader *r, const struct tree_node *n, const struct tree_column *c, struct tree_value *v)
{
	int rc;

	v->shape = shape_of[c->form];
	switch ((enum tree_form)c->form) {
	case TREE_FORM_INT:
		return read_number(r, &v->u.number);
	case TREE_FORM_BOOL:
		return read_bool(r, &v->u.number);
	case TREE_FORM_NODE:
		return peek(r, 0) == '{' ? read_node(r, &v->u.node) : none(r) ? 0 : bad(r, "a node or <>");
	case TREE_FORM_LIST:
	case TREE_FORM_NAMES:
	case TREE_FORM_ROWS:
		return none(r) ? 0 : read_list(r, (enum tree_form)c->form, c->flags, &v->u.list);
	case TREE_FORM_INTS:
		return read_numbers(r, 'i', &v->u.numbers);
	case TREE_FORM_OIDS:
		return read_numbers(r, 'o', &v->u.numbers);
	case TREE_FORM_BITS:
		return read_numbers(r, 'b', &v->u.numbers);
	case TREE_FORM_TEXT:
		return none(r) ? 0 : read_token(r, c->flags, false, &v->u.text);
	case TREE_FORM_CHAR: {
		struct base_span s = {NULL, 0};

		rc = none(r) ? 0 : read_token(r, c->flags, false, &s);
		if (rc < 0 || s.n > 1)
			return rc < 0 ? rc : bad(r, "one character before this");
		v->u.number = s.n == 1 ? s.p[0] : 0;
		return 0;
	}
	case TREE_FORM_REAL:
		return read_real(r, &v->u.text);
	case TREE_FORM_DATUM:
		return read_datum(r, n, &v->u.text);
	case TREE_FORM_NOTHING:
		return none(r) ? 0 : bad(r, "<>");
	case TREE_FORM_OPAQUE:
		return none(r) ? 0 : read_opaque(r, &v->u.text);
	}
	return bad(r, "a known form"); /* NEVER */
}

/* Nodes. */

/* `WORD`, up to the gap. */
static const struct tree_type *
read_word(struct reader *r)
{
	size_t left = (size_t)(r->end - r->p), n = 0;

	while (n < left && r->p[n] >= 'A' && r->p[n] <= 'Z')
		n++;
	for (size_t i = 0; i < r->table->ntypes; i++) {
		const struct tree_type *t = &r->table->type[i];

		if (t->word_n == n && memcmp(t->word, r->p, n) == 0) {
			r->p += n;
			return t;
		}
	}
	return NULL;
}

/* ` :name `, all of it. */
static int
read_name(struct reader *r, unsigned field)
{
	const struct tree_word *w = &r->table->word[field];
	char want[80];
	const uint8_t *p = r->p;

	if ((size_t)(r->end - p) > w->n + 2u && gap(p[0]) && p[1] == ':' && memcmp(p + 2, w->p, w->n) == 0 && gap(p[w->n + 2u])) {
		r->p += w->n + 3u;
		return 0;
	}
	(void)base_text_quote(want, sizeof(want), base_span(w->p, w->n), sizeof(want)); /* our own word: fits */
	return bad(r, want);
}

/* The type that a node goes on as, once the number that says which is read: the value at last. */
static const struct tree_type *
variant(const struct tree_type *t, const struct tree_value *last)
{
	for (size_t i = 0; i < t->nvariants; i++)
		if (t->variant[i].value == last->u.number)
			return &t->variant[i].type;
	return NULL;
}

static size_t
room_of(const struct tree_type *t)
{
	size_t room = t->count;

	for (size_t i = 0; i < t->nvariants; i++)
		if (t->variant[i].type.count > room)
			room = t->variant[i].type.count;
	return room;
}

/* At `{`. */
static int
read_node(struct reader *r, const struct tree_node **n_r)
{
	const struct tree_type *t;
	struct tree_value *v;
	struct tree_node *n;
	int rc;

	if (r->depth >= TREE_DEPTH_MAX)
		return base_fail_set(r->fail, GH_E_LIMIT, "the server's query tree is deeper than %u", TREE_DEPTH_MAX);
	r->depth++;
	r->p++;
	if ((t = read_word(r)) == NULL)
		return bad(r, "a known kind of node");
	if ((n = new_node(r, t, room_of(t), &v)) == NULL)
		return too_many(r);
	for (size_t i = 0; i < t->count; i++) {
		if ((rc = read_name(r, t->column[i].field)) < 0 || (rc = read_value(r, n, &t->column[i], &v[i])) < 0)
			return rc;
		if (i + 1u == t->count && t->nvariants > 0) {
			if ((t = variant(t, &v[i])) == NULL)
				return bad(r, "a known number before this");
			n->type = t;
		}
	}
	if (peek(r, 0) != '}')
		return bad(r, "the end of a node");
	r->p++;
	r->depth--;
	*n_r = n;
	return 0;
}

static int
read_tree(struct reader *r, struct tree *t)
{
	int rc = none(r) ? 0 : read_list(r, TREE_FORM_LIST, 0, &t->queries);

	if (rc < 0)
		return rc;
	if (r->p != r->end)
		return bad(r, "nothing more");
	for (size_t i = 0; i < t->queries.n; i++)
		if (t->queries.item[i] == NULL || t->queries.item[i]->kind != TREE_QUERY)
			return base_fail_set(r->fail, GH_E_PARSE, "the server's query tree has a statement that is no query");
	return 0;
}

int
tree_read(struct base_span text, unsigned major, struct tree **tree_r, struct base_fail *fail)
{
	struct base_span b = body(text);
	struct reader r = {.table = tree_table(major), .fail = fail};
	struct tree *t = NULL;
	int rc;

	if (r.table == NULL)
		return base_fail_set(fail, GH_E_UNSUPPORTED, "query trees of PostgreSQL %u are not known", major);
	if ((rc = check_size(text, fail)) < 0 || (rc = check_lines(b, fail)) < 0)
		return rc;
	t = base_mem_try(1, sizeof(*t));
	if (t == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for the server's query tree");
	t->arena = r.arena = base_arena_new(TREE_MEMORY_MAX);
	t->major = major;
	r.p = base_arena_get(t->arena, b.n);
	if (r.p == NULL) {
		rc = base_fail_set(fail, GH_E_NOMEM, "no memory for the server's query tree");
		goto out;
	}
	memcpy(r.p, b.p, b.n);
	r.start = r.p;
	r.end = r.p + b.n;
	rc = read_tree(&r, t);
out:
	free(r.item);
	if (rc < 0)
		tree_free(&t);
	else
		*tree_r = t;
	return rc;
}

void
tree_free(struct tree **t)
{
	if (*t == NULL)
		return;
	base_arena_free(&(*t)->arena);
	free(*t);
	*t = NULL;
}

struct tree_list
tree_queries(const struct tree *t)
{
	return t->queries;
}

unsigned
tree_major(const struct tree *t)
{
	return t->major;
}
