/* tree_node: access to the fields of nodes, and what is made of whole trees: names, children, hashes, comparison.
 * Input: trees that tree_read made, so their depth is bounded by TREE_DEPTH_MAX and every value has the shape of its column. Pure; never changes a
 * tree.
 */
#include "tree_node.h"

#include "tree_int.h"

#define F_STRING(F, K) F(K, SVAL, TEXT, 0)
#define F_ITEMS(F, K) F(K, ITEMS, LIST, 0)
TREE_TYPE_PARTS(STRING)
TREE_TYPE_PARTS(ITEMS)
const struct tree_type tree_type_string = TREE_TYPE(STRING, STRING, "STRING");
const struct tree_type tree_type_items = TREE_TYPE(ITEMS, ITEMS, "LIST");

const char *
tree_kind_name(enum tree_kind k)
{
	static const char *const name[TREE_KIND_COUNT] = {
		"none",
#define TREE_KIND(name, word) word,
#include "tree_kind.def"
#undef TREE_KIND
	};

	return (unsigned)k < TREE_KIND_COUNT ? name[k] : "?";
}

const struct tree_value *
tree_value(const struct tree_node *n, enum tree_field f)
{
	unsigned at;

	if (n == NULL || (unsigned)f >= TREE_FIELD_COUNT)
		return NULL;
	at = n->type->at[f];
	return at == 0 ? NULL : &n->value[at - 1];
}

int64_t
tree_number(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && (v->shape == TREE_INT || v->shape == TREE_BOOL || v->shape == TREE_CHAR) ? v->u.number : 0;
}

bool
tree_bool(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && v->shape == TREE_BOOL && v->u.number != 0;
}

struct base_span
tree_text(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && (v->shape == TREE_TEXT || v->shape == TREE_REAL || v->shape == TREE_DATUM) ? v->u.text : base_span(NULL, 0);
}

const struct tree_node *
tree_child(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && v->shape == TREE_NODE ? v->u.node : NULL;
}

struct tree_list
tree_list(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && v->shape == TREE_LIST ? v->u.list : (struct tree_list){NULL, 0};
}

struct tree_numbers
tree_numbers(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && v->shape == TREE_NUMBERS ? v->u.numbers : (struct tree_numbers){NULL, 0};
}

bool
tree_present(const struct tree_value *v)
{
	switch (v->shape) {
	case TREE_INT:
	case TREE_BOOL:
	case TREE_CHAR:
		return v->u.number != 0;
	case TREE_REAL:
	case TREE_TEXT:
	case TREE_DATUM:
	case TREE_OPAQUE:
		return v->u.text.p != NULL;
	case TREE_NODE:
		return v->u.node != NULL;
	case TREE_LIST:
		return v->u.list.n > 0;
	case TREE_NUMBERS:
		return v->u.numbers.n > 0;
	}
	return true; /* NEVER */
}

bool
tree_has(const struct tree_node *n, enum tree_field f)
{
	const struct tree_value *v = tree_value(n, f);

	return v != NULL && tree_present(v);
}

static int
each_item(struct tree_list l, enum tree_field f, int (*fn)(const struct tree_node *child, enum tree_field f, void *ctx), void *ctx)
{
	int rc = 0;

	for (size_t i = 0; i < l.n && rc == 0; i++) {
		const struct tree_node *n = l.item[i];

		if (n == NULL || n->kind == TREE_STRING)
			continue;
		/* A list of lists holds no deeper lists: one step. */
		rc = n->kind == TREE_ITEMS ? each_item(n->value[0].u.list, f, fn, ctx) : fn(n, f, ctx);
	}
	return rc;
}

int
tree_each(const struct tree_node *n, int (*fn)(const struct tree_node *child, enum tree_field f, void *ctx), void *ctx)
{
	int rc = 0;

	for (size_t i = 0; n != NULL && i < n->type->count && rc == 0; i++) {
		const struct tree_value *v = &n->value[i];
		enum tree_field f = (enum tree_field)n->type->column[i].field;

		if (v->shape == TREE_NODE && v->u.node != NULL)
			rc = fn(v->u.node, f, ctx);
		else if (v->shape == TREE_LIST)
			rc = each_item(v->u.list, f, fn, ctx);
	}
	return rc;
}
