/* Fuzz: values of every type and format, then every normalisation. First byte: type; second: format and norm. What is canonical is read
 * back as the same text.
 */
#include <stdlib.h>

#include "mask_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t types[] = {19, 20, 21, 23, 25, 26, 1042, 1043, 1700, 2950, 70001};
	static const char *const countries[] = {"", "86", "39", "1"};
	uint8_t dst[MASK_VALUE_MAX], again[MASK_VALUE_MAX];
	size_t n, m;

	if (size < 2)
		return 0;
	uint32_t type = types[data[0] % BASE_COUNT(types)];
	if (mask_value_text(type, data[1] & 1, base_span(data + 2, size - 2), dst, &n) != 0)
		return 0;
	if (n > sizeof(dst) || mask_value_text(type, 0, base_span(dst, n), again, &m) != 0 || !base_span_eq(base_span(dst, n), base_span(again, m)))
		abort();
	if (mask_value_normalise((enum policy_norm)(data[1] >> 1 & 3) % 3, base_span_str(countries[data[1] >> 3 & 3]), dst, &n) == 0 &&
	    (n == 0 || n > sizeof(dst)))
		abort();
	return 0;
}
