/* tree_node: PostgreSQL's rewritten query tree as we hold it: nodes with the exact fields of their type, whatever the server's major version.
 * A tree_kind and a tree_field are logical names (tree_kind.def, tree_field.def); the tables of one major version (tree_table_15.c, ...)
 * say which fields a node of that version has, in which order and of which shape. A reader of trees asks for a logical field and gets a
 * value, or nothing when this version has no such field. Everything lives in the tree's arena and is immutable. Pure.
 * Source: PostgreSQL src/backend/nodes/outfuncs.c and readfuncs.c, by behaviour; the text form is not a documented interface, hence tree_golden.h.
 */
#ifndef TREE_NODE_H
#define TREE_NODE_H

#include "base_crypt.h"
#include "base_fail.h"
#include "base_span.h"

enum tree_kind {
	TREE_NONE, /* no node */
#define TREE_KIND(name, word) TREE_##name,
#include "tree_kind.def"
#undef TREE_KIND
	TREE_KIND_COUNT
};
enum tree_field {
#define TREE_FIELD(name, word) TREE_F_##name,
#include "tree_field.def"
#undef TREE_FIELD
	TREE_FIELD_COUNT
};
enum tree_shape {
	TREE_INT,     /* number (also unsigned: OIDs, enums, bits) */
	TREE_BOOL,
	TREE_CHAR,    /* one character, 0 for none ("<>") */
	TREE_REAL,    /* kept as text: never decided by */
	TREE_TEXT,    /* a token; text.p == NULL: null ("<>") */
	TREE_NODE,    /* a node or none */
	TREE_LIST,    /* of nodes; of strings (kind TREE_STRING, TREE_F_SVAL); or of lists (kind TREE_ITEMS, TREE_F_ITEMS), as
	               * values_lists is. An item may be NULL: "<>", as in joinaliasvars and coldefexprs. Never an empty list: that is none */
	TREE_NUMBERS, /* integer or OID list, or bitmap set */
	TREE_DATUM,   /* bytes of a constant, host byte order of the server; text.p == NULL: null */
	TREE_OPAQUE,  /* a utility statement, printed "?" or as a node that is not looked into: tree_has() says whether there is one */
};

struct tree_node;
struct tree_list { const struct tree_node *const *item; size_t n; };
struct tree_numbers { const int64_t *item; size_t n; };
struct tree_value {
	enum tree_shape shape;
	union {
		int64_t number;            /* INT, BOOL, CHAR */
		struct base_span text;     /* TEXT (unescaped), REAL, DATUM */
		const struct tree_node *node;
		struct tree_list list;
		struct tree_numbers numbers;
	} u;
};
struct tree_type; /* private: kind and fields of a node of one major version */
struct tree_node {
	enum tree_kind kind;
	const struct tree_type *type;
	const struct tree_value *value; /* one for each field of type, in its order */
};

/* Values of a logical field. Absent in this version, or null: zero, false, NULL, empty. n may be NULL. A field asked for in another
 * shape than the table gives it is a defect of the caller and counts as absent. */
int64_t tree_number(const struct tree_node *n, enum tree_field f);
bool tree_bool(const struct tree_node *n, enum tree_field f);
struct base_span tree_text(const struct tree_node *n, enum tree_field f); /* p == NULL: null */
const struct tree_node *tree_child(const struct tree_node *n, enum tree_field f);
struct tree_list tree_list(const struct tree_node *n, enum tree_field f);
struct tree_numbers tree_numbers(const struct tree_node *n, enum tree_field f);
const struct tree_value *tree_value(const struct tree_node *n, enum tree_field f); /* NULL: this version has no such field */
bool tree_has(const struct tree_node *n, enum tree_field f); /* other than absent: a node, a non-empty list, a non-null text, a number that is not 0, a utility statement */
static inline uint32_t
tree_oid(const struct tree_node *n, enum tree_field f)
{
	return (uint32_t)tree_number(n, f);
}
const char *tree_kind_name(enum tree_kind k); /* "Query", "Var", ... for people */

/* Calls fn for each child node of n (not deeper), in order, through lists and lists of lists; not for strings and NULL items. Stops and returns what fn returned when that is not 0. */
int tree_each(const struct tree_node *n, int (*fn)(const struct tree_node *child, enum tree_field f, void *ctx), void *ctx);

/* Hash of what a tree means: kinds, field names and values, without locations, lengths of text, varnosyn/varattnosyn, lock modes, and permission fields that
 * differ with the asker. Two equal hashes: the same query. The same view's expanded query has the same hash whoever asks and whatever of it is used.
 * Recursion is bounded by TREE_DEPTH_MAX. varno: when not 0, a VAR of that relation of the outermost level (also one in a sub-select of the
 * expression) hashes as relation 1, and one of another relation of that level as none of the others (for comparing quals). */
void tree_hash(const struct tree_node *n, int64_t varno, uint8_t hash_r[BASE_SHA256_SIZE]);
/* Field by field, with the same exceptions. */
bool tree_equal(const struct tree_node *a, const struct tree_node *b);

#endif
