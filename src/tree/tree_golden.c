/* tree_golden: the known trees of each major version, and the comparison of a server's with them.
 * Input: what a server printed, through tree_read, which is as strict as for any tree. Never asks the server itself. The comparison is by tree_hash: what that
 * ignores (places, rights) has been checked for form by the reader, and its value may differ between servers.
 */
#include "tree_golden.h"

#include <string.h>

#include "base_text.h"

static const struct tree_golden golden_15[] = {
#define GOLDEN(name, sql, hash) {#name, sql, hash},
#include "tree_golden_15.def"
#undef GOLDEN
};

const struct tree_golden *
tree_golden(unsigned major, size_t *n_r)
{
	if (major != 15)
		return NULL;
	*n_r = BASE_COUNT(golden_15);
	return golden_15;
}

int
tree_golden_check(const struct tree_golden *g, unsigned major, struct base_span detail, struct base_fail *fail)
{
	uint8_t want[BASE_SHA256_SIZE], hash[BASE_SHA256_SIZE];
	struct tree *t = NULL;
	int rc = tree_read(detail, major, &t, fail);

	if (rc < 0) {
		if (rc == GH_E_NOMEM || rc == GH_E_UNSUPPORTED)
			return rc;
		if (fail != NULL) {
			base_fail_where(fail, "golden statement \"%s\"", g->name);
			fail->code = GH_E_VERIFY;
		}
		return GH_E_VERIFY;
	}
	if (tree_queries(t).n != 1) {
		rc = base_fail_set(fail, GH_E_VERIFY, "golden statement \"%s\": the server made %zu queries of it", g->name, tree_queries(t).n);
		goto out;
	}
	tree_hash(tree_queries(t).item[0], 0, hash);
	if (base_text_unhex(base_span_str(g->hash), want, sizeof(want)) < 0 || memcmp(hash, want, sizeof(want)) != 0)
		rc = base_fail_set(fail, GH_E_VERIFY, "golden statement \"%s\": the server analyses it to another tree than PostgreSQL %u", g->name, major);
out:
	tree_free(&t);
	return rc;
}
