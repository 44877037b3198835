/* Fuzz: policy text; what parses is bound to a small catalogue, too. */
#include <stdlib.h>

#include "policy_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy_cat_relation relation = {1, {(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}, 'r'};
	static const struct policy_cat_column column = {1, 1, {(const uint8_t *)"c", 1}, 20, {(const uint8_t *)"int8", 4}, false, false};
	static const struct policy_catalogue catalogue = {.relations = &relation, .nrelations = 1, .columns = &column, .ncolumns = 1};
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct base_fail fail;

	if (policy_file_parse(base_span(data, size), "fuzz.gate", &f, &fail) == 0 && policy_map_bind(f, &catalogue, &m, &fail) == 0)
		if (!policy_map_column(m, 1, 1))
			abort();
	policy_map_unref(&m);
	policy_file_free(&f);
	return 0;
}
