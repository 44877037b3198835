/* Fuzz: COPY output of every format in two pieces: the cut changes nothing. First byte: which options; second: where it is cut. */
#include "test_gate_shop.h"
#include "gate_copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sql_statement options[] = {
		{.format = SQL_COPY_TEXT, .delimiter = '\t', .null_text = SHOP_S("\\N")},
		{.format = SQL_COPY_TEXT, .delimiter = '|', .null_text = SHOP_S(""), .header = true},
		{.format = SQL_COPY_CSV, .delimiter = ',', .quote = '"', .escape = '"', .null_text = SHOP_S("")},
		{.format = SQL_COPY_CSV, .delimiter = ';', .quote = '\'', .escape = '\\', .null_text = SHOP_S("1"), .header = true},
		{.format = SQL_COPY_BINARY},
	};
	static struct policy_map *map;
	static struct mask_marker *marker;
	struct gate_copy c;
	struct gate_tuples t[2] = {{0}, {0}};
	struct gate_plan p;
	uint16_t columns;

	if (size < 2)
		return 0;
	if (!map)
		marker = shop_marker(map = shop_map(SHOP_POLICY), 2026);
	const struct sql_statement *st = &options[data[0] % BASE_COUNT(options)];
	shop_must(gate_plan_copy(policy_map_relation(map, SHOP_CUSTOMERS), NULL, 0, st->format == SQL_COPY_BINARY, &p, &columns), "no plan");
	size_t n = size - 2, at = n ? data[1] % n : 0;
	for (int i = 0; i < 2; i++, at = 0) {
		gate_tuples_reset(&t[i], p.nsubjects);
		shop_must(gate_copy_begin(&c, st, columns) && gate_copy_feed(&c, &p, marker, base_span(data + 2, at), &t[i]) &&
		          gate_copy_feed(&c, &p, marker, base_span(data + 2 + at, n - at), &t[i]), "memory");
		gate_copy_end(&c, &t[i]);
	}
	shop_must(t[0].rows == t[1].rows && t[0].lost == t[1].lost && t[0].count == t[1].count && t[0].lost <= t[0].rows, "the cut shows");
	shop_must(t[0].count == 0 || memcmp(t[0].mark, t[1].mark, t[0].count * p.nsubjects * sizeof(uint64_t)) == 0, "other marks");
	gate_tuples_done(&t[0]);
	gate_tuples_done(&t[1]);
	return 0;
}
