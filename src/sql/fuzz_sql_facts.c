/* Fuzz: statement text to facts. Inputs are cut at 4 KiB: the library recurses, and the fuzzer's stack is the system's 8 MiB. */
#include <stdlib.h>

#include "sql_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_span text = base_span(data, size < 4096 ? size : 4096);
	struct sql_facts *facts = NULL;
	struct sql_scan s;

	sql_scan_init(&s);
	if (sql_scan_text(&s, text, NULL) == 0 && sql_facts_new(text, &s, &facts, NULL) == 0) {
		for (size_t i = 0; i < facts->count; i++) {
			const struct sql_statement *st = &facts->statement[i];
			if (st->at > text.n || st->len > text.n - st->at)
				abort();
			for (size_t k = 0; k < st->nequalities; k++)
				if (!st->equalities[k].is_param && st->equalities[k].number >= s.nliterals)
					abort();
		}
	}
	sql_facts_unref(&facts);
	sql_scan_done(&s);
	return 0;
}
