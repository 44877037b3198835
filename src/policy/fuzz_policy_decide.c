/* Fuzz: trees of any kind are judged by a small policy; relations 20001 (a subject's), 20002 (open) and 20003 (in no rule) are what the seeds name. */
#include <stdlib.h>

#include "policy_decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct policy_scope_column customers[] = {{.attnum = 1, .name = S("id"), .type_oid = 20, .known = true, .open = true, .update = true, .insert = true},
		{.attnum = 3, .name = S("phone"), .type_oid = 25, .known = true, .lookup = true, .mask = {.kind = POLICY_MASK_LAST, .n = 4}},
		{.attnum = 8, .name = S("province"), .type_oid = 25, .known = true, .open = true, .update = true, .insert = true}};
	static const struct policy_column columns[] = {{.attnum = 1, .role = POLICY_KEY}, {.attnum = 3, .role = POLICY_IDENTIFIER}};
	static const struct policy_relation subject = {.oid = 20001, .columns = columns, .ncolumns = 2};
	static struct policy_scope_relation relations[] = {{.oid = 20001, .full_name = S("public.customers"), .actions = 15, .columns = customers, .ncolumns = 3, .subject = &subject, .key = 1},
		{.oid = 20002, .full_name = S("public.open"), .actions = 15, .columns = customers, .ncolumns = 1, .rows = {"fuzz.gate", 1}, .rows_hash_known = true}};
	static struct policy_scope scope = {.relations = relations, .nrelations = 2};
	static const struct policy_cat_objects nothing = {0};
	static struct policy_objects *objects;
	struct policy_decision *d = NULL;
	struct base_fail fail;
	struct tree *t = NULL;

	if (!objects && policy_objects_new(&nothing, NULL, 0, "fuzz.gate", &objects, &fail) != 0)
		abort();
	for (unsigned way = 0; way < 4 && (t || tree_read(base_span(data, size), 15, &t, &fail) == 0); way++) {
		const bool approved = way & 1;

		scope.counts = way & 2;
		if (policy_decide(&scope, objects, tree_queries(t), approved, true, &d) != 0)
			abort();
		for (size_t i = 0; !d->refused && i < d->noccurrences; i++) {
			if (d->occurrences[i].key_column != SIZE_MAX && d->occurrences[i].key_column >= d->ncolumns)
				abort();
		}
		for (size_t i = 0; !d->refused && i < d->ncolumns; i++) {
			if (d->columns[i].mask.kind != POLICY_MASK_NONE && d->columns[i].occurrence >= d->noccurrences && !(approved && d->columns[i].mask.kind == POLICY_MASK_HIDE))
				abort();
		}
		policy_decision_free(&d);
	}
	tree_free(&t);
	return 0;
}
