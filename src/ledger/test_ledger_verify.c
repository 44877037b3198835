/* test_ledger_verify: every kind of damage is found and named: file, byte, entry. Forgeries that keep the tiles consistent too. */
#include "test_ledger_util.h"

#include <sys/wait.h>

#define SIZE 66100u /* 258 full bundles and one of 52; one full tile of level 1 */

static struct place p;

static void
rewrite(const char *name, const void *bytes, size_t n)
{
	struct base_fail fail;
	int dir = open(p.dir, O_RDONLY | O_DIRECTORY);

	assert_int_equal(base_file_replace(dir, name, 0640, base_span(bytes, n), &fail), 0);
	(void)close(dir);
}

static size_t
slurp(const char *name, uint8_t *dst, size_t cap)
{
	char path[512];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", p.dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(dst, 1, cap, f);
	(void)fclose(f);
	return n;
}

static int
setup(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;

	(void)state;
	place_init(&p);
	assert_int_equal(place_open(&p, 64u << 20, true, &log, &fail), 0);
	for (unsigned n = 0; n < SIZE - 100; n += 1000) {
		assert_int_equal(append(log, 1000, &fail), 0);
		if (n < 3000 || n > 64000)
			assert_int_equal(ledger_log_checkpoint(log, &fail), 0);
	}
	assert_int_equal(append(log, SIZE - ledger_log_size(log), &fail), 0);
	assert_int_equal(ledger_log_checkpoint(log, &fail), 0);
	ledger_log_close(&log);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	place_done(&p);
	return 0;
}

static void
expect(enum ledger_verify_kind kind, const char *file, uint64_t offset, uint64_t first, uint64_t last)
{
	struct ledger_verify_report rep;
	struct base_fail fail = {.text = ""};
	int r = ledger_verify(p.dir, &p.signer.vkey, NULL, NULL, &rep, &fail);

	if (r != GH_E_VERIFY || rep.kind != kind || strcmp(rep.file, file) != 0 || rep.offset != offset || rep.first != first || rep.last != last)
		fail_msg("want kind %d %s:%llu entries %llu-%llu; got %d kind %d %s:%llu entries %llu-%llu (%s)", kind, file,
			(unsigned long long)offset, (unsigned long long)first, (unsigned long long)last, r, rep.kind, rep.file,
			(unsigned long long)rep.offset, (unsigned long long)rep.first, (unsigned long long)rep.last, fail.text);
}

static uint64_t progressed;

static void
progress(void *ctx, uint64_t done, uint64_t total)
{
	assert_true(ctx == &progressed && done > progressed && done <= total && total == SIZE);
	progressed = done;
}

static void
test_good(void **state)
{
	struct ledger_verify_report rep;
	struct base_fail fail = {.text = ""};
	uint64_t files;

	(void)state;
	if (ledger_verify(p.dir, &p.signer.vkey, progress, &progressed, &rep, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_true(progressed == SIZE && rep.size == SIZE && rep.entries == SIZE && rep.ahead == 0 && rep.leftovers == 0);
	files = rep.files;
	assert_true(files >= 258 * 2 + 2 + 1 + 1 + 1);
}

/* Byte offset of entry i of a bundle, counted to its first byte. */
static off_t
entry_at(const char *bundle, unsigned i)
{
	static uint8_t bytes[1 << 20];
	size_t n = slurp(bundle, bytes, sizeof bytes), at = 0;

	while (i-- > 0)
		at += 2u + ((size_t)bytes[at] << 8 | bytes[at + 1]);
	assert_true(at < n);
	return (off_t)at + 2;
}

static const struct {
	const char *bundle, *tile;
	uint64_t index;
	unsigned width;
} places[] = {
	{"tile/entries/000", "tile/0/000", 0, 256},
	{"tile/entries/005", "tile/0/005", 5, 256},
	{"tile/entries/255", "tile/0/255", 255, 256},
	{"tile/entries/257", "tile/0/257", 257, 256},
	{"tile/entries/258.p/52", "tile/0/258.p/52", 258, 52},
};

static void
test_flipped_entry(void **state)
{
	(void)state;
	for (size_t k = 0; k < BASE_COUNT(places); k++) {
		for (unsigned i = 0; i < places[k].width; i += 51) {
			off_t at = entry_at(places[k].bundle, i);
			uint64_t entry = places[k].index * 256 + i;

			flip(p.dir, places[k].bundle, at + 3);
			expect(LEDGER_VERIFY_WRONG, places[k].bundle, (uint64_t)at, entry, entry);
			flip(p.dir, places[k].bundle, at + 3);
		}
	}
	verify_ok(&p, SIZE);
}

static void
test_flipped_tile(void **state)
{
	(void)state;
	for (size_t k = 0; k < BASE_COUNT(places); k++) {
		for (unsigned i = 0; i < places[k].width * 32; i += 1001) {
			uint64_t entry = places[k].index * 256 + i / 32;

			flip(p.dir, places[k].tile, i);
			expect(LEDGER_VERIFY_WRONG, places[k].tile, i, entry, entry);
			flip(p.dir, places[k].tile, i);
		}
	}
	flip(p.dir, "tile/1/000", 32 * 7 + 5);
	expect(LEDGER_VERIFY_WRONG, "tile/1/000", 32 * 7 + 5, 7 * 256, 7 * 256 + 255);
	flip(p.dir, "tile/1/000", 32 * 7 + 5);
	flip(p.dir, "tile/1/001.p/2", 40);
	expect(LEDGER_VERIFY_WRONG, "tile/1/001.p/2", 40, 257 * 256, 257 * 256 + 255);
	flip(p.dir, "tile/1/001.p/2", 40);
	flip(p.dir, "tile/2/000.p/1", 0);
	expect(LEDGER_VERIFY_WRONG, "tile/2/000.p/1", 0, 0, 65535);
	flip(p.dir, "tile/2/000.p/1", 0);
	verify_ok(&p, SIZE);
}

/* r0002: an entry and its leaf hash forged together passed a verifier that trusted tiles. */
static void
test_forged_entry_and_tile(void **state)
{
	static uint8_t bundle[1 << 20], tile[8192], above[8192];
	size_t n = slurp("tile/entries/005", bundle, sizeof bundle);
	size_t start = (size_t)entry_at("tile/entries/005", 9), length = (size_t)bundle[start - 2] << 8 | bundle[start - 1];
	struct ledger_hash leaf, row[256], fold;

	(void)state;
	assert_int_equal(slurp("tile/0/005", tile, sizeof tile), 8192);
	assert_int_equal(slurp("tile/1/000", above, sizeof above), 8192);
	bundle[start + 10] = '9';
	ledger_merkle_leaf(base_span(bundle + start, length), &leaf);
	memcpy(tile + (size_t)9 * 32, leaf.b, 32);
	rewrite("tile/entries/005", bundle, n);
	rewrite("tile/0/005", tile, 8192);
	expect(LEDGER_VERIFY_REWRITTEN, "tile/entries/005", 0, 5 * 256, 5 * 256 + 255);
	/* and the next level with them: now only the level above that knows */
	memcpy(row, tile, 8192);
	ledger_merkle_fold(row, 256, &fold);
	memcpy(above + (size_t)5 * 32, fold.b, 32);
	rewrite("tile/1/000", above, 8192);
	expect(LEDGER_VERIFY_REWRITTEN, "tile/entries/000", 0, 0, 65535);
	/* and the last: only the signature is left */
	uint8_t top[32];

	memcpy(row, above, 8192);
	ledger_merkle_fold(row, 256, &fold);
	assert_int_equal(slurp("tile/2/000.p/1", top, 32), 32);
	rewrite("tile/2/000.p/1", fold.b, 32);
	/* the older partial tiles of that level are not reached */
	expect(LEDGER_VERIFY_REWRITTEN, "checkpoint", 0, 0, SIZE - 1);
	rewrite("tile/2/000.p/1", top, 32);
	memcpy(row, tile, 8192);
	bundle[start + 10] = '5'; /* "index":1289 -> as it was, found by trying */
	for (uint8_t c = '0'; c <= '9'; c++) {
		char text[400];

		bundle[start + 10] = c;
		if (base_span_eq(base_span(bundle + start, length), entry_text(5 * 256 + 9, text)))
			break;
	}
	ledger_merkle_leaf(base_span(bundle + start, length), &leaf);
	memcpy(tile + (size_t)9 * 32, leaf.b, 32);
	memcpy(row, tile, 8192);
	ledger_merkle_fold(row, 256, &fold);
	memcpy(above + (size_t)5 * 32, fold.b, 32);
	rewrite("tile/entries/005", bundle, n);
	rewrite("tile/0/005", tile, 8192);
	rewrite("tile/1/000", above, 8192);
	verify_ok(&p, SIZE);
}

/* Length prefixes, cuts and surplus in bundles and tiles. */
static void
test_structure(void **state)
{
	static uint8_t bytes[1 << 20];
	size_t n = slurp("tile/entries/007", bytes, sizeof bytes);
	off_t third = entry_at("tile/entries/007", 3) - 2, last = entry_at("tile/entries/007", 255) - 2;
	uint8_t save = bytes[third];

	(void)state;
	bytes[third] = 0xff;
	rewrite("tile/entries/007", bytes, n);
	expect(LEDGER_VERIFY_WRONG, "tile/entries/007", (uint64_t)third, 7 * 256 + 3, 7 * 256 + 3);
	bytes[third] = save;
	rewrite("tile/entries/007", bytes, n - 1);
	expect(LEDGER_VERIFY_WRONG, "tile/entries/007", (uint64_t)last, 7 * 256 + 255, 7 * 256 + 255);
	rewrite("tile/entries/007", bytes, 0);
	expect(LEDGER_VERIFY_WRONG, "tile/entries/007", 0, 7 * 256, 7 * 256);
	bytes[n] = 0;
	rewrite("tile/entries/007", bytes, n + 1);
	expect(LEDGER_VERIFY_WRONG, "tile/entries/007", n, 7 * 256 + 255, 7 * 256 + 255);
	rewrite("tile/entries/007", bytes, n);
	n = slurp("tile/0/007", bytes, sizeof bytes);
	rewrite("tile/0/007", bytes, n - 32);
	expect(LEDGER_VERIFY_WRONG, "tile/0/007", n - 32, 7 * 256 + 255, 7 * 256 + 255);
	rewrite("tile/0/007", bytes, n + 32);
	expect(LEDGER_VERIFY_WRONG, "tile/0/007", n, 7 * 256, 7 * 256 + 255);
	rewrite("tile/0/007", bytes, n);
	n = slurp("tile/0/258.p/52", bytes, sizeof bytes);
	rewrite("tile/0/258.p/52", bytes, n + 32);
	expect(LEDGER_VERIFY_WRONG, "tile/0/258.p/52", n, 258 * 256, SIZE - 1);
	rewrite("tile/0/258.p/52", bytes, n);
	n = slurp("tile/1/000", bytes, sizeof bytes);
	rewrite("tile/1/000", bytes, n + 1);
	expect(LEDGER_VERIFY_WRONG, "tile/1/000", n, 65280, 65535);
	rewrite("tile/1/000", bytes, n);
	verify_ok(&p, SIZE);
}

static void
test_missing(void **state)
{
	static const struct {
		const char *name;
		uint64_t first, last;
	} files[] = {
		{"tile/entries/011", 11 * 256, 11 * 256 + 255},
		{"tile/entries/258.p/52", 258 * 256, SIZE - 1},
		{"tile/0/011", 11 * 256, 11 * 256 + 255},
		{"tile/0/258.p/52", 258 * 256, SIZE - 1},
		{"tile/1/000", 0, 65535},
		{"tile/1/001.p/2", 65536, 66047},
		{"tile/2/000.p/1", 0, 65535},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(files); i++) {
		char path[512], aside[512];

		(void)snprintf(path, sizeof path, "%s/%s", p.dir, files[i].name);
		(void)snprintf(aside, sizeof aside, "%s/aside", p.root);
		assert_int_equal(rename(path, aside), 0);
		expect(LEDGER_VERIFY_MISSING, files[i].name, 0, files[i].first, files[i].last);
		assert_int_equal(rename(aside, path), 0);
	}
	verify_ok(&p, SIZE);
}

static void
test_surplus(void **state)
{
	static const char *const names[] = {"tile/0/0000", "tile/notes", "tile/0/x000/001", "tile/9/000", "tile/entries/258.p/052", "tile/0/a b\n"};
	struct ledger_verify_report rep;
	struct base_fail fail;
	char path[512];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		int r;

		(void)snprintf(path, sizeof path, "%s/%s", p.dir, names[i]);
		*strrchr(path, '/') = '\0';
		(void)mkdir(path, 0750);
		rewrite(names[i], "x", 1);
		r = ledger_verify(p.dir, &p.signer.vkey, NULL, NULL, &rep, &fail);
		if (r != GH_E_VERIFY || rep.kind != LEDGER_VERIFY_SURPLUS)
			fail_msg("%s: %d, kind %d", names[i], r, rep.kind);
		(void)snprintf(path, sizeof path, "%s/%s", p.dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	(void)snprintf(path, sizeof path, "%s/tile/0/link", p.dir);
	assert_int_equal(symlink("000", path), 0);
	expect(LEDGER_VERIFY_SURPLUS, "tile/0/link", 0, 0, 0);
	assert_int_equal(unlink(path), 0);
	/* what a keeper at work may have there: not an error */
	rewrite("tile/0/258", "not yet covered", 15);
	rewrite("tile/0/.tmp.0123456789abcdef", "x", 1);
	assert_int_equal(ledger_verify(p.dir, &p.signer.vkey, NULL, NULL, &rep, &fail), 0);
	assert_true(rep.ahead == 1 && rep.leftovers == 1);
	(void)snprintf(path, sizeof path, "%s/tile/0/258", p.dir);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof path, "%s/tile/0/.tmp.0123456789abcdef", p.dir);
	assert_int_equal(unlink(path), 0);
}

static void
test_older_partials(void **state)
{
	(void)state;
	/* the checkpoint of 1,000 entries left these; nobody tidied */
	flip(p.dir, "tile/entries/003.p/232", 5);
	expect(LEDGER_VERIFY_WRONG, "tile/entries/003.p/232", 5, 3 * 256, 3 * 256 + 231);
	flip(p.dir, "tile/entries/003.p/232", 5);
	flip(p.dir, "tile/0/003.p/232", 77);
	expect(LEDGER_VERIFY_WRONG, "tile/0/003.p/232", 77, 3 * 256, 3 * 256 + 231);
	flip(p.dir, "tile/0/003.p/232", 77);
	verify_ok(&p, SIZE);
}

static void
test_checkpoint(void **state)
{
	static uint8_t note[4096];
	struct ledger_verify_report rep;
	struct ledger_signer other;
	struct base_fail fail;
	size_t n = slurp("checkpoint", note, sizeof note);

	(void)state;
	for (size_t i = 0; i < n; i += 7) {
		flip(p.dir, "checkpoint", (off_t)i);
		assert_int_equal(ledger_verify(p.dir, &p.signer.vkey, NULL, NULL, &rep, &fail), GH_E_VERIFY);
		assert_int_equal(rep.kind, LEDGER_VERIFY_CHECKPOINT);
		flip(p.dir, "checkpoint", (off_t)i);
	}
	rewrite("checkpoint", note, 0);
	expect(LEDGER_VERIFY_CHECKPOINT, "checkpoint", 0, 0, 0);
	rewrite("checkpoint", note, n);
	assert_int_equal(ledger_signer_make(base_span_str(ORIGIN), (const uint8_t *)"another seed for tests; 32 bytes", &other, &fail), 0);
	assert_int_equal(ledger_verify(p.dir, &other.vkey, NULL, NULL, &rep, &fail), GH_E_VERIFY);
	assert_int_equal(rep.kind, LEDGER_VERIFY_CHECKPOINT);
	verify_ok(&p, SIZE);
}

/* A verifier that shares no line with ours comes to the same verdict. */
static void
test_stranger(void **state)
{
	struct base_buf vkey;
	char cmd[2048], tool[1024];

	(void)state;
	base_buf_init(&vkey, 512);
	ledger_vkey_print(&p.signer.vkey, &vkey);
	(void)snprintf(cmd, sizeof cmd, "%s '%s' '%.*s' >/dev/null", tool_path("verify_ledger.py", tool), p.dir, (int)base_buf_len(&vkey),
		(const char *)base_buf_span(&vkey).p);
	assert_int_equal(system(cmd), 0);
	flip(p.dir, "tile/entries/100", 50);
	assert_int_equal(WEXITSTATUS(system(cmd)), 1);
	flip(p.dir, "tile/entries/100", 50);
	base_buf_done(&vkey);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_flipped_entry),
		cmocka_unit_test(test_flipped_tile),
		cmocka_unit_test(test_forged_entry_and_tile),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_surplus),
		cmocka_unit_test(test_older_partials),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_stranger),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
