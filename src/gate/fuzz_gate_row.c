/* Fuzz: a row in two pieces against a plan of three subject columns: the cut changes nothing. First byte: where it is cut; second: formats. */
#include "test_gate_shop.h"
#include "gate_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy_map *map;
	static struct mask_marker *marker;
	struct gate_row whole, cut;

	if (size < 2)
		return 0;
	if (!map)
		marker = shop_marker(map = shop_map(SHOP_POLICY), 2026);
	struct gate_plan p = {.nsubjects = 3};
	for (uint16_t i = 0; i < 3; i++) {
		const struct policy_column *c = policy_map_column(map, SHOP_CUSTOMERS, (int16_t)(i + 1));
		p.subject[i] = (struct gate_plan_column){(uint16_t)(i * 2), data[1] >> i & 1, c->type_oid, c};
	}
	size_t n = size - 2, at = n ? data[0] % n : 0;
	gate_row_begin(&whole);
	gate_row_begin(&cut);
	size_t used = gate_row_feed(&whole, &p, marker, base_span(data + 2, n), data[1] & 8);
	size_t first = gate_row_feed(&cut, &p, marker, base_span(data + 2, at), data[1] & 8);
	size_t second = gate_row_feed(&cut, &p, marker, base_span(data + 2 + at, n - at), data[1] & 8);
	shop_must(used == first + second && whole.phase == cut.phase && whole.lost == cut.lost, "the cut shows");
	shop_must(memcmp(whole.tuple, cut.tuple, sizeof(whole.tuple)) == 0, "other marks");
	return 0;
}
