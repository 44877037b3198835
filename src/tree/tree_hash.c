/* tree_hash: what a tree means, as a hash and as a comparison: without places and rights of the asker (tree_int.h).
 * Input: trees that tree_read made: depth bounded by TREE_DEPTH_MAX. Pure; frames are small.
 *
 * What is hashed, in order (numbers are 8 bytes, big-endian):
 *   node:    'N' kind's word 0, then each field that counts and is present: 'F' field's word 0 value; then 'E'. No node: '0'.
 *   value:   number: 'i' number. Text, bytes: 't' length bytes. List: 'l' count nodes. Numbers: 'n' count numbers.
 * Words, not our numbering, so that the order of the .def files does not matter; a field that is absent in one version and zero in another is the same.
 * Names count, also those of columns: row_to_json makes keys of them, which json_populate_record turns into columns again.
 * The sequence can be read back unambiguously, so two different meanings do not hash alike.
 */
#include "tree_node.h"

#include "base_num.h"
#include "tree_int.h"

#define IGNORED (TREE_PLACE | TREE_RIGHTS)

static const struct tree_word field_word[TREE_FIELD_COUNT] = {
#define TREE_FIELD(name, word) [TREE_F_##name] = {word, sizeof(word)}, /* with the NUL */
#include "tree_field.def"
#undef TREE_FIELD
};

struct hasher {
	struct base_sha256 *h; /* own */
	int64_t varno;         /* not 0: this relation of the outermost level counts as 1 */
	int64_t level;         /* queries around the node */
	size_t n;
	uint8_t buf[1024];
};

static void
flush(struct hasher *s)
{
	base_sha256_add(s->h, base_span(s->buf, s->n));
	s->n = 0;
}

static void
put(struct hasher *s, const void *p, size_t n)
{
	if (n > sizeof(s->buf) - s->n) {
		flush(s);
		if (n > sizeof(s->buf)) {
			base_sha256_add(s->h, base_span(p, n));
			return;
		}
	}
	memcpy(s->buf + s->n, p, n);
	s->n += n;
}

static void
put_number(struct hasher *s, char mark, int64_t v)
{
	uint8_t b[9] = {(uint8_t)mark};

	for (unsigned i = 0; i < 8; i++)
		b[1 + i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	put(s, b, sizeof(b));
}

static void hash_node(struct hasher *s, const struct tree_node *n);

static void
hash_value(struct hasher *s, const struct tree_value *v)
{
	switch (v->shape) {
	case TREE_INT:
	case TREE_BOOL:
	case TREE_CHAR:
		put_number(s, 'i', v->u.number);
		break;
	case TREE_REAL:
	case TREE_TEXT:
	case TREE_DATUM:
	case TREE_OPAQUE:
		put_number(s, 't', (int64_t)v->u.text.n);
		put(s, v->u.text.p, v->u.text.n);
		break;
	case TREE_NODE:
		hash_node(s, v->u.node);
		break;
	case TREE_LIST:
		put_number(s, 'l', (int64_t)v->u.list.n);
		for (size_t i = 0; i < v->u.list.n; i++)
			hash_node(s, v->u.list.item[i]);
		break;
	case TREE_NUMBERS:
		put_number(s, 'n', (int64_t)v->u.numbers.n);
		for (size_t i = 0; i < v->u.numbers.n; i++)
			put_number(s, 'i', v->u.numbers.item[i]);
		break;
	}
}

/* A relation number of the level that varno is about: the one asked for is 1, any other is made negative, so that none becomes it. */
static int64_t
relation(const struct hasher *s, int64_t varno)
{
	return varno == s->varno ? 1 : -varno;
}

static void
hash_node(struct hasher *s, const struct tree_node *n)
{
	const char *word;
	bool renumber;

	if (n == NULL) {
		put(s, "0", 1);
		return;
	}
	word = tree_kind_name(n->kind);
	put(s, "N", 1);
	put(s, word, strlen(word) + 1);
	renumber = n->kind == TREE_VAR && s->varno != 0 && tree_number(n, TREE_F_VARLEVELSUP) == s->level;
	s->level += n->kind == TREE_QUERY;
	for (size_t i = 0; i < n->type->count; i++) {
		const struct tree_column *c = &n->type->column[i];

		if ((c->flags & IGNORED) != 0 || !tree_present(&n->value[i]))
			continue;
		put(s, "F", 1);
		put(s, field_word[c->field].p, field_word[c->field].n);
		if (renumber && c->field == TREE_F_VARNO)
			put_number(s, 'i', relation(s, n->value[i].u.number));
		else
			hash_value(s, &n->value[i]);
	}
	s->level -= n->kind == TREE_QUERY;
	put(s, "E", 1);
}

void
tree_hash(const struct tree_node *n, int64_t varno, uint8_t hash_r[BASE_SHA256_SIZE])
{
	struct hasher s; /* not zeroed whole: buf is written before it is read */

	s.h = base_sha256_new();
	s.varno = varno;
	s.level = 0;
	s.n = 0;
	hash_node(&s, n);
	flush(&s);
	base_sha256_end(s.h, hash_r);
	base_sha256_free(&s.h);
}

static bool
equal_lists(struct tree_list a, struct tree_list b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (!tree_equal(a.item[i], b.item[i]))
			return false;
	return true;
}

static bool
equal_values(const struct tree_value *a, const struct tree_value *b)
{
	if (a->shape != b->shape)
		return false;
	switch (a->shape) {
	case TREE_INT:
	case TREE_BOOL:
	case TREE_CHAR:
		return a->u.number == b->u.number;
	case TREE_REAL:
	case TREE_TEXT:
	case TREE_DATUM:
	case TREE_OPAQUE:
		return (a->u.text.p == NULL) == (b->u.text.p == NULL) && base_span_eq(a->u.text, b->u.text);
	case TREE_NODE:
		return tree_equal(a->u.node, b->u.node);
	case TREE_LIST:
		return equal_lists(a->u.list, b->u.list);
	case TREE_NUMBERS:
		return a->u.numbers.n == b->u.numbers.n &&
		    (a->u.numbers.n == 0 || memcmp(a->u.numbers.item, b->u.numbers.item, a->u.numbers.n * sizeof(*a->u.numbers.item)) == 0);
	}
	return false; /* NEVER */
}

bool
tree_equal(const struct tree_node *a, const struct tree_node *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->type != b->type) /* one major version has one type for one form */
		return false;
	for (size_t i = 0; i < a->type->count; i++)
		if ((a->type->column[i].flags & IGNORED) == 0 && !equal_values(&a->value[i], &b->value[i]))
			return false;
	return true;
}
