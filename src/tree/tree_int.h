/* tree_int: the tables of fields, private to the component. One file tree_table_NN.c for each major version. */
#ifndef TREE_INT_H
#define TREE_INT_H

#include "tree_node.h"

/* How a field is printed: finer than tree_shape, because the reader is strict. */
enum tree_form {
	TREE_FORM_INT,    /* %d or %u */
	TREE_FORM_BOOL,   /* true, false */
	TREE_FORM_CHAR,   /* one character as a token; <> for none */
	TREE_FORM_REAL,   /* %.0f */
	TREE_FORM_TEXT,   /* token; <> for null */
	TREE_FORM_NODE,   /* {...}; <> for none */
	TREE_FORM_LIST,   /* ({...} <> {...}); <> for empty */
	TREE_FORM_NAMES,  /* ("a" <> "b"); <> for empty */
	TREE_FORM_ROWS,   /* (({...} {...}) ({...})); <> for empty */
	TREE_FORM_INTS,   /* (i 1 2); <> for empty */
	TREE_FORM_OIDS,   /* (o 1 2); <> for empty */
	TREE_FORM_BITS,   /* (b 1 2), (b) for empty */
	TREE_FORM_DATUM,  /* 4 [ 1 0 0 0 0 0 0 0 ] */
	TREE_FORM_NOTHING, /* <>, always */
	TREE_FORM_OPAQUE, /* ? or {...}, not looked into; <> for none */
};

/* Flags. PLACE: where in the text it stood, or as what it was written. RIGHTS: who asks, not what is asked. Both change nothing of what a query gives, and
 * tree_hash and tree_equal ignore them. LABEL: a name that nothing in the tree is found by; the only texts in which a space may have been a line
 * feed (tree_read.c). */
#define TREE_PLACE 1u
#define TREE_RIGHTS 2u
#define TREE_LABEL 4u

struct tree_column { uint16_t field; uint8_t form; uint8_t flags; };
struct tree_type {
	const char *word; /* as printed */
	uint8_t word_n;
	uint8_t kind;
	uint8_t count;     /* of fields */
	uint8_t nvariants; /* not 0: after the last field, which is a number, the node goes on as the variant of that value, whose first fields are these */
	const struct tree_column *column;
	const uint8_t *at; /* [TREE_FIELD_COUNT]: position of a field + 1, 0 = the type has no such field */
	const struct tree_variant *variant;
};
struct tree_variant { int64_t value; struct tree_type type; };
struct tree_word { const char *p; uint8_t n; };
struct tree_table {
	unsigned major;
	const struct tree_type *type; /* the frequent ones first: the reader looks for a word in this order */
	size_t ntypes;
	const struct tree_word *word; /* [TREE_FIELD_COUNT]: what a field is called in print */
};
extern const struct tree_table tree_table_15;
const struct tree_table *tree_table(unsigned major); /* NULL: none */

bool tree_present(const struct tree_value *v); /* is it other than what an absent field gives? */

/* Kinds that the server prints without a word: items of lists of names and of lists of lists. */
extern const struct tree_type tree_type_string, tree_type_items;

/* A type's fields are a macro F_X(F, K) of F(K, field, form, flags). From it TREE_TYPE_PARTS(X) makes the columns and the index; the
 * struct of chars makes the compiler count positions, and refuse a field named twice. */
#define TREE_AT(K, name, form, flags) char name;
#define TREE_COLUMN(K, name, form, flags) {TREE_F_##name, TREE_FORM_##form, flags},
#define TREE_INDEX(K, name, form, flags) [TREE_F_##name] = offsetof(struct at_##K, name),
#define TREE_TYPE_PARTS(K) \
	struct at_##K { char none; F_##K(TREE_AT, K) }; \
	static const struct tree_column column_##K[] = {F_##K(TREE_COLUMN, K)}; \
	static const uint8_t index_##K[TREE_FIELD_COUNT] = {F_##K(TREE_INDEX, K)};
#define TREE_TYPE(K, kind, word) {word, sizeof(word) - 1, TREE_##kind, BASE_COUNT(column_##K), 0, column_##K, index_##K, NULL}
#define TREE_TYPE_VARIED(K, kind, word, variants) \
	{word, sizeof(word) - 1, TREE_##kind, BASE_COUNT(column_##K), BASE_COUNT(variants), column_##K, index_##K, variants}

#endif
