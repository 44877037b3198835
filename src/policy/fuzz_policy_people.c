/* Fuzz: people files. */
#include <stdlib.h>

#include "policy_people.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_people *p = NULL;
	struct base_fail fail;

	if (policy_people_parse(base_span(data, size), "fuzz.csv", &p, &fail) == 0 && policy_people_find(p, base_span("", 0)))
		abort(); /* no role is empty */
	policy_people_unref(&p);
	return 0;
}
