/* Fuzz: texts of trees. What is read is unwrapped too, is equal to itself and has a hash. */
#include <stdlib.h>

#include "tree_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t hash[BASE_SHA256_SIZE];
	struct base_buf line;
	struct base_fail fail;
	struct tree *t = NULL;

	base_buf_init(&line, TREE_TEXT_MAX);
	if (tree_read(base_span(data, size), 15, &t, &fail) == 0) {
		const struct tree_node *q = tree_queries(t).n == 0 ? NULL : tree_queries(t).item[0];

		if (tree_unwrap(base_span(data, size), &line, &fail) < 0 || !tree_equal(q, q))
			abort();
		tree_hash(q, 0, hash);
	}
	base_buf_done(&line);
	tree_free(&t);
	return 0;
}
