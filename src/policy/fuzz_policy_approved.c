/* Fuzz: files of approved statements; what was read is written and read again. */
#include <stdlib.h>

#include "policy_approved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_approved *a = NULL, *again = NULL;
	struct base_fail fail;
	struct base_buf b;

	base_buf_init(&b, 4 * (size_t)POLICY_APPROVED_SIZE_MAX);
	if (policy_approved_parse(base_span(data, size), "fuzz", &a, &fail) == 0) {
		for (size_t i = 0; i < policy_approved_count(a); i++)
			policy_approved_print(policy_approved_at(a, i), &b);
		if (!b.bad && base_buf_len(&b) <= POLICY_APPROVED_SIZE_MAX && (policy_approved_parse(base_buf_span(&b), "again", &again, &fail) != 0 || policy_approved_count(again) != policy_approved_count(a)))
			abort();
	}
	base_buf_done(&b);
	policy_approved_unref(&again);
	policy_approved_unref(&a);
	return 0;
}
