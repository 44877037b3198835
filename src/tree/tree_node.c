/* tree_node: access to the fields of nodes, and what is made of whole trees: names, children, hashes, comparison. Pure. */
#include "tree_node.h"

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
