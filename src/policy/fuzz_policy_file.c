/* Fuzz: policy text; what parses is bound to a small catalogue, too, and what binds makes a person's scope. */
#include <stdlib.h>

#include "policy_scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy_cat_relation relation = {1, {(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}, 'r'};
	static const struct policy_cat_column column = {1, 1, {(const uint8_t *)"c", 1}, 25, {(const uint8_t *)"text", 4}, false, false};
	static const struct policy_catalogue catalogue = {.relations = &relation, .nrelations = 1, .columns = &column, .ncolumns = 1};
	const struct base_span groups[] = {{(const uint8_t *)"g", 1}, {(const uint8_t *)"h", 1}};
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct policy_scope *s = NULL;
	struct base_fail fail;

	if (policy_file_parse(base_span(data, size), "fuzz.gate", &f, &fail) == 0 && policy_map_bind(f, &catalogue, &m, &fail) == 0)
		if (!policy_map_column(m, 1, 1) || policy_scope_new(m, groups, 2, &s) != 0)
			abort();
	policy_scope_unref(&s);
	policy_map_unref(&m);
	policy_file_free(&f);
	return 0;
}
