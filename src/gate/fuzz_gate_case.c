/* fuzz_gate_case: any bytes as rows of the table of cases (values behind a length byte each; 255: NULL): tickets, and what they explain. */
#include <stdlib.h>

#include "gate_case_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_case_row rows[GATE_CASE_TICKETS + 8] = {0};
	size_t n = 0, by = SIZE_MAX;

	for (unsigned k = GATE_CASE_R_NUMBER; size > 0 && n < BASE_COUNT(rows); k = k < GATE_CASE_R_CLOSED ? k + 1 : (n++, GATE_CASE_R_NUMBER)) {
		size_t length = *data == 255 ? 0 : *data <= size - 1 ? *data : size - 1;
		rows[n].value[k] = *data == 255 ? base_span(NULL, 0) : base_span(data + 1, length);
		data += 1 + length;
		size -= 1 + length;
	}
	struct gate_case_tickets *t = gate_case_query_tickets(rows, n, 1000000);
	if (!t)
		return 0;
	const struct policy_asker asker = {base_span_str("wang"), base_span_str("Acme"), base_span_str("B2"), NULL};
	enum policy_class c = policy_case_weigh(t->ticket, t->n, &asker, t->n > 0 ? t->ticket[0].number : base_span("", 0), 1790000000000000, &by);
	if (t->n > GATE_CASE_TICKETS || (by != SIZE_MAX && by >= t->n) || (c == POLICY_CLASS_EXPLAINED && by == SIZE_MAX))
		abort();
	gate_case_tickets_free(t);
	return 0;
}
