/* test_ledger_tile: names and bundles, whole, truncated, and wrong. */
#include "ledger_tile.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	struct ledger_tile_name name;
	const char *path;
} names[] = {
	{{0, 0, 256}, "tile/0/000"},
	{{0, 0, 1}, "tile/0/000.p/1"},
	{{0, 999, 255}, "tile/0/999.p/255"},
	{{1, 1000, 256}, "tile/1/x001/000"},
	{{3, 1234067, 256}, "tile/3/x001/x234/067"},
	{{63, 1234067, 8}, "tile/63/x001/x234/067.p/8"},
	{{LEDGER_TILE_ENTRIES, 5, 256}, "tile/entries/005"},
	{{LEDGER_TILE_ENTRIES, 273, 112}, "tile/entries/273.p/112"},
	{{LEDGER_TILE_ENTRIES, UINT64_MAX, 255}, "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255"},
};

static const char *const bad_names[] = {
	"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
	"tile/0/x000/001", "tile/0/x001", "tile/0/x001/", "tile/0/001/002", "tile/0/001.p", "tile/0/001.p/", "tile/0/001.p/0",
	"tile/0/001.p/256", "tile/0/001.p/01", "tile/0/001.p/1/2", "tile/0/x001.p/1", "tile/0/001.q/1", "tile/0/00a", "tile/entrie/000",
	"tile/entries/", "tiles/0/000", "/tile/0/000", "tile//0/000", "tile/0/000 ", "tile/0/x018/x446/x744/x073/x709/x551/616",
	"tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/X001/000",
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		char path[LEDGER_TILE_PATH_MAX];
		struct ledger_tile_name n;

		assert_string_equal(ledger_tile_path(names[i].name, path), names[i].path);
		assert_int_equal(ledger_tile_parse(base_span_str(names[i].path), &n), 0);
		assert_int_equal(n.level, names[i].name.level);
		assert_true(n.index == names[i].name.index);
		assert_int_equal(n.width, names[i].name.width);
		for (size_t cut = 0; cut < strlen(names[i].path); cut++) /* a shorter name may be right, but never the same */
			if (ledger_tile_parse(base_span(names[i].path, cut), &n) == 0)
				assert_int_equal(strlen(ledger_tile_path(n, path)), cut);
	}
	for (size_t i = 0; i < BASE_COUNT(bad_names); i++) {
		struct ledger_tile_name n;

		assert_int_equal(ledger_tile_parse(base_span_str(bad_names[i]), &n), GH_E_PARSE);
	}
	char path[LEDGER_TILE_PATH_MAX];

	assert_string_equal(ledger_tile_partials((struct ledger_tile_name){1, 1067, 256}, path), "tile/1/x001/067.p");
}

static void
test_bundle(void **state)
{
	struct base_buf b;
	struct base_span whole, e;
	size_t bytes = 0, starts[4] = {0, 3, 3 + 5, 3 + 5 + 65537};
	bool extra;

	(void)state;
	base_buf_init(&b, 1 << 20);
	ledger_bundle_put(&b, base_span_str("a"));
	ledger_bundle_put(&b, base_span_str("bcd"));
	static uint8_t big[65535];

	memset(big, 'x', sizeof big);
	ledger_bundle_put(&b, base_span(big, sizeof big));
	whole = base_buf_span(&b);
	assert_int_equal(whole.n, starts[3]);
	for (size_t cut = 0; cut <= whole.n; cut += cut < 20 || cut > whole.n - 5 ? 1 : 997) {
		struct base_cursor c = base_cursor(base_span(whole.p, cut));
		size_t n = 0;
		int r;

		while ((r = ledger_bundle_next(&c, &e)) == 1)
			n++;
		assert_int_equal(n, cut < 3 ? 0 : cut < 8 ? 1 : cut < whole.n ? 2 : 3);
		assert_int_equal(r, cut == 0 || cut == 3 || cut == 8 || cut == whole.n ? 0 : GH_E_PARSE);
		for (size_t k = 0; k <= 4; k++) {
			r = ledger_bundle_head(base_span(whole.p, cut), k, &bytes, &extra);
			assert_int_equal(r, k <= n ? 0 : GH_E_PARSE);
			if (r == 0) {
				assert_int_equal(bytes, starts[k]);
				assert_int_equal(extra, cut > bytes);
			}
		}
	}
	struct base_cursor c = base_cursor(base_span("\0\0", 2)); /* an empty entry is none */

	assert_int_equal(ledger_bundle_next(&c, &e), GH_E_PARSE);
	base_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_bundle)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
