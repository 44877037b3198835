/* ledger_verify: the sums.
 * Input: a folder that somebody may have forged with great care; only the public key is trusted. Shares with the writer nothing but
 * pure code (hashing, names, notes). Writes nothing, stops at the first thing that is wrong.
 *
 * Who is wrong, an entry or the hash beside it? When a stored tile differs from the recomputed one, the tile is asked whether it
 * agrees with what stands above it (its slot in the parent tile; for the last tiles: the signed root). If so the tile is genuine and
 * what lies below it was changed; if not the tile itself is damaged.
 */
#include "ledger_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"
#include "ledger_verify_int.h"

int
ledger_verify_find(struct verify *v, enum ledger_verify_kind kind, const char *file, uint64_t offset, uint64_t first, uint64_t last,
	const char *what)
{
	struct ledger_verify_report *r = v->report;

	r->kind = kind;
	r->offset = offset;
	r->first = first;
	r->last = last;
	(void)snprintf(r->file, sizeof r->file, "%s", file); /* cut at worst */
	if (kind == LEDGER_VERIFY_SURPLUS || kind == LEDGER_VERIFY_CHECKPOINT)
		return base_fail_set(v->fail, GH_E_VERIFY, "%s: %s", file, what);
	if (first == last)
		return base_fail_set(v->fail, GH_E_VERIFY, "%s, byte %llu: %s (entry %llu)", file, (unsigned long long)offset, what,
			(unsigned long long)first);
	return base_fail_set(v->fail, GH_E_VERIFY, "%s, byte %llu: %s (entries %llu to %llu)", file, (unsigned long long)offset, what,
		(unsigned long long)first, (unsigned long long)last);
}

int
ledger_verify_load(struct verify *v, struct ledger_tile_name *name, struct base_buf *b)
{
	char path[LEDGER_TILE_PATH_MAX];
	int r;

	base_buf_clear(b);
	r = base_file_read(v->dirfd, ledger_tile_path(*name, path), b, v->fail);
	if (r == GH_E_MISSING && name->width < LEDGER_TILE_WIDTH) {
		struct ledger_tile_name full = {name->level, name->index, LEDGER_TILE_WIDTH};

		r = base_file_read(v->dirfd, ledger_tile_path(full, path), b, v->fail);
		if (r == 0)
			*name = full;
	}
	return r;
}

/* Entries below hash i of a tile: [*first_r, *last_r], not past the checkpoint. */
static void
covers(const struct verify *v, struct ledger_tile_name name, unsigned i, uint64_t *first_r, uint64_t *last_r)
{
	unsigned shift = name.level < 0 ? 0 : LEDGER_TILE_HEIGHT * (unsigned)name.level;

	*first_r = (name.index * LEDGER_TILE_WIDTH + i) << shift;
	*last_r = *first_r + (((uint64_t)1 << shift) - 1);
	if (*last_r >= v->size)
		*last_r = v->size - 1;
}

static int
missing(struct verify *v, struct ledger_tile_name name)
{
	char path[LEDGER_TILE_PATH_MAX];
	uint64_t first, last, ignored;

	covers(v, name, 0, &first, &ignored);
	covers(v, name, name.width - 1, &ignored, &last);
	return ledger_verify_find(v, LEDGER_VERIFY_MISSING, ledger_tile_path(name, path), 0, first, last, "the file is missing");
}

/* Whether the growing tiles as they are stored hash to the signed root. */
static bool
edge_is_genuine(struct verify *v)
{
	struct ledger_tree *t = base_mem_new(1, sizeof *t);
	struct ledger_hash root;
	bool ok = true;

	for (unsigned l = 0; ok && l < LEDGER_LEVELS; l++) {
		struct ledger_tile_name name = {(int)l, ledger_tree_tiles(v->size, l), ledger_tree_width(v->size, l)};
		size_t n = (size_t)name.width * LEDGER_HASH_SIZE;

		if (n == 0)
			continue;
		ok = ledger_verify_load(v, &name, &v->other) == 0 && base_buf_len(&v->other) >= n;
		if (ok)
			memcpy(t->tile[l], base_buf_span(&v->other).p, n);
	}
	if (ok) {
		ledger_tree_restore(t, v->size);
		ledger_tree_root(t, &root);
		ok = ledger_hash_eq(&root, &v->root);
	}
	free(t);
	return ok;
}

/* Whether the tile in v->stored agrees with what stands above it. */
static bool
tile_is_genuine(struct verify *v, struct ledger_tile_name name)
{
	struct ledger_tile_name above = {name.level + 1, name.index / LEDGER_TILE_WIDTH, LEDGER_TILE_WIDTH};
	size_t slot = (size_t)(name.index % LEDGER_TILE_WIDTH) * LEDGER_HASH_SIZE;
	struct ledger_hash row[LEDGER_TILE_WIDTH], fold;

	if (base_buf_len(&v->stored) != (size_t)name.width * LEDGER_HASH_SIZE)
		return false;
	if (name.index == ledger_verify_tiles(v->size, name.level) || above.level >= (int)LEDGER_LEVELS)
		return edge_is_genuine(v);
	if (above.index == ledger_verify_tiles(v->size, above.level))
		above.width = ledger_verify_width(v->size, above.level);
	if (ledger_verify_load(v, &above, &v->other) < 0 || base_buf_len(&v->other) < slot + LEDGER_HASH_SIZE)
		return false;
	memcpy(row, base_buf_span(&v->stored).p, sizeof row);
	ledger_merkle_fold(row, LEDGER_TILE_WIDTH, &fold);
	return memcmp(base_buf_span(&v->other).p + slot, fold.b, LEDGER_HASH_SIZE) == 0;
}

/* Index of the first byte in which two texts differ (the shorter's length when one continues the other). */
static size_t
first_difference(struct base_span a, struct base_span b)
{
	size_t i = 0;

	while (i < a.n && i < b.n && a.p[i] == b.p[i])
		i++;
	return i;
}

/* The bundle in v->bundle is malformed or does not hash to its tile: finds the first wrong entry, or what else is wrong. */
static int
examine_bundle(struct verify *v, struct ledger_tile_name name)
{
	struct ledger_tile_name tile = {0, name.index, name.width};
	struct base_cursor c = base_cursor(base_buf_span(&v->bundle));
	char path[LEDGER_TILE_PATH_MAX], tile_path[LEDGER_TILE_PATH_MAX];
	uint64_t first = name.index * LEDGER_TILE_WIDTH;
	struct base_span entry, stored;
	struct ledger_hash leaf;
	int r;

	(void)ledger_tile_path(name, path);
	r = ledger_verify_load(v, &tile, &v->stored);
	(void)ledger_tile_path(tile, tile_path);
	if (r == GH_E_MISSING)
		return missing(v, tile);
	if (r == GH_E_LIMIT)
		return ledger_verify_find(v, LEDGER_VERIFY_WRONG, tile_path, LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE, first, first + name.width - 1,
			"the tile is too long");
	if (r < 0)
		return r;
	stored = base_buf_span(&v->stored);
	for (unsigned i = 0; i < name.width; i++) {
		size_t start = base_buf_len(&v->bundle) - c.left, at = (size_t)i * LEDGER_HASH_SIZE;

		if (ledger_bundle_next(&c, &entry) != 1)
			return ledger_verify_find(v, LEDGER_VERIFY_WRONG, path, start, first + i, first + i, "the bundle is cut or malformed");
		ledger_merkle_leaf(entry, &leaf);
		if (stored.n >= at + LEDGER_HASH_SIZE && memcmp(stored.p + at, leaf.b, LEDGER_HASH_SIZE) == 0)
			continue;
		if (tile_is_genuine(v, tile))
			return ledger_verify_find(v, LEDGER_VERIFY_WRONG, path, start + 2, first + i, first + i, "the entry was changed");
		if (stored.n < at + LEDGER_HASH_SIZE)
			return ledger_verify_find(v, LEDGER_VERIFY_WRONG, tile_path, stored.n, first + i, first + i, "the tile is cut short");
		at += first_difference(base_span(stored.p + at, LEDGER_HASH_SIZE), base_span(leaf.b, LEDGER_HASH_SIZE));
		return ledger_verify_find(v, LEDGER_VERIFY_WRONG, tile_path, at, first + i, first + i, "the tile differs from the entries");
	}
	if (tile.width == name.width && stored.n > (size_t)name.width * LEDGER_HASH_SIZE)
		return ledger_verify_find(v, LEDGER_VERIFY_WRONG, tile_path, (size_t)name.width * LEDGER_HASH_SIZE, first, first + name.width - 1,
			"the tile is too long");
	return ledger_verify_find(v, LEDGER_VERIFY_WRONG, path, base_buf_len(&v->bundle) - c.left, first + name.width - 1,
		first + name.width - 1, "there is more in the bundle than its entries");
}

/* Compares the recomputed tile of a level with the stored one. For level 0 the bundle is still in v->bundle: is it the tile that is
 * wrong, or an entry? */
static int
check_tile(struct verify *v, struct ledger_tile_name name)
{
	size_t n = (size_t)name.width * LEDGER_HASH_SIZE, at;
	struct base_span mine = base_span(v->tree.tile[name.level], n), stored;
	struct ledger_tile_name got = name;
	char path[LEDGER_TILE_PATH_MAX];
	uint64_t first, last;
	int r = ledger_verify_load(v, &got, &v->stored);

	if (r == GH_E_MISSING)
		return missing(v, name);
	if (r < 0 && r != GH_E_LIMIT) /* longer than any tile: falls through, and differs */
		return r;
	stored = base_buf_span(&v->stored);
	if (got.width != name.width && stored.n == LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE)
		stored.n = n; /* a full tile in place of the partial one: its beginning counts */
	v->report->files++;
	at = first_difference(mine, stored);
	if (r == 0 && at == n && stored.n == n)
		return 0;
	if (name.level == 0)
		return examine_bundle(v, (struct ledger_tile_name){LEDGER_TILE_ENTRIES, name.index, name.width});
	(void)ledger_tile_path(got, path);
	if (r == GH_E_LIMIT)
		at = LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE;
	covers(v, name, at < n ? (unsigned)(at / LEDGER_HASH_SIZE) : name.width - 1, &first, &last);
	if (at < n && tile_is_genuine(v, got)) {
		struct ledger_tile_name bundle = {LEDGER_TILE_ENTRIES, first / LEDGER_TILE_WIDTH, LEDGER_TILE_WIDTH};

		return ledger_verify_find(v, LEDGER_VERIFY_REWRITTEN, ledger_tile_path(bundle, path), 0, first, last,
			"entries and the tiles above them were rewritten together");
	}
	return ledger_verify_find(v, LEDGER_VERIFY_WRONG, path, at, first, last, "the tile differs from the entries");
}

/* Adds the entries of one bundle to the tree and compares the tiles that it completes. */
static int
check_bundle(struct verify *v, struct ledger_tile_name name)
{
	struct ledger_tile_name got = name;
	struct base_cursor c;
	struct base_span entry;
	struct ledger_hash leaf;
	unsigned full = 0;
	int r = ledger_verify_load(v, &got, &v->bundle);

	if (r == GH_E_MISSING)
		return missing(v, name);
	if (r < 0 && r != GH_E_LIMIT)
		return r;
	v->report->files++;
	c = base_cursor(base_buf_span(&v->bundle));
	for (unsigned i = 0; i < name.width; i++) {
		if (ledger_bundle_next(&c, &entry) != 1)
			return examine_bundle(v, name);
		ledger_merkle_leaf(entry, &leaf);
		full = ledger_tree_append(&v->tree, &leaf);
	}
	if (c.left > 0 && got.width == name.width)
		return examine_bundle(v, name);
	for (unsigned l = 0; l < full; l++) {
		r = check_tile(v, (struct ledger_tile_name){(int)l, ledger_tree_tiles(v->tree.size, l) - 1, LEDGER_TILE_WIDTH});
		if (r < 0)
			return r;
	}
	v->report->entries = v->tree.size;
	return 0;
}

/* The growing tiles, at the end. */
static int
check_edge(struct verify *v)
{
	for (unsigned l = 0; l < LEDGER_LEVELS; l++) {
		struct ledger_tile_name name = {(int)l, ledger_tree_tiles(v->size, l), ledger_tree_width(v->size, l)};
		int r;

		if (name.width == 0)
			continue;
		r = check_tile(v, name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
check_checkpoint(struct verify *v, const struct ledger_vkey *key)
{
	struct ledger_checkpoint cp;
	struct base_fail why = {.text = ""};
	struct base_buf b;
	int r;

	base_buf_init(&b, LEDGER_NOTE_MAX);
	r = base_file_read(v->dirfd, "checkpoint", &b, &why);
	if (r == 0)
		r = ledger_checkpoint_open(base_buf_span(&b), key, &cp, &why);
	if (r == 0) {
		v->size = v->report->size = cp.size;
		v->root = v->report->root = cp.root;
	} else if (r != GH_E_IO && r != GH_E_DENIED && r != GH_E_NOMEM) {
		r = ledger_verify_find(v, LEDGER_VERIFY_CHECKPOINT, "checkpoint", 0, 0, 0, why.text);
	} else {
		r = base_fail_set(v->fail, r, "%s", why.text);
	}
	base_buf_done(&b);
	return r;
}

static int
check_all(struct verify *v, const struct ledger_vkey *key, void (*progress)(void *, uint64_t, uint64_t), void *ctx)
{
	struct ledger_hash root;
	int r = check_checkpoint(v, key);

	if (r < 0)
		return r;
	while (v->tree.size < v->size) {
		uint64_t left = v->size - v->tree.size, index = v->tree.size / LEDGER_TILE_WIDTH;

		r = check_bundle(v, (struct ledger_tile_name){LEDGER_TILE_ENTRIES, index,
			left < LEDGER_TILE_WIDTH ? (unsigned)left : LEDGER_TILE_WIDTH});
		if (r < 0)
			return r;
		if (progress != NULL && (index % 64 == 63 || v->tree.size == v->size))
			progress(ctx, v->tree.size, v->size);
	}
	r = check_edge(v);
	if (r < 0)
		return r;
	v->report->entries = v->tree.size;
	ledger_tree_root(&v->tree, &root);
	if (!ledger_hash_eq(&root, &v->root))
		return ledger_verify_find(v, LEDGER_VERIFY_REWRITTEN, "checkpoint", 0, 0, v->size > 0 ? v->size - 1 : 0,
			"entries and tiles agree with one another but not with the signed root");
	return ledger_verify_walk(v);
}

int
ledger_verify(const char *dir, const struct ledger_vkey *key, void (*progress)(void *, uint64_t, uint64_t), void *ctx,
	struct ledger_verify_report *report_r, struct base_fail *fail)
{
	struct verify *v = base_mem_new(1, sizeof *v);
	int r;

	memset(report_r, 0, sizeof *report_r);
	v->report = report_r;
	v->fail = fail;
	base_buf_init(&v->bundle, LEDGER_VERIFY_BUNDLE_MAX);
	base_buf_init(&v->stored, LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE);
	base_buf_init(&v->other, LEDGER_VERIFY_BUNDLE_MAX);
	v->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dirfd < 0)
		r = base_fail_errno(fail, errno, "cannot open ledger %s", dir);
	else
		r = check_all(v, key, progress, ctx);
	base_buf_done(&v->bundle);
	base_buf_done(&v->stored);
	base_buf_done(&v->other);
	if (v->dirfd >= 0)
		(void)close(v->dirfd); /* only read */
	free(v);
	return r;
}
