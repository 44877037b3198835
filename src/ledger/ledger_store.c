/* ledger_store: writes bundles and tiles, and takes up again where an earlier process stopped.
 * Input: entries that are durable in the journal; on load, our own files, which are believed only as far as they hash to the signed
 * root. Writes through base_file_replace_many, so a name always holds a whole, synced file. It replaces rather than insists on sameness
 * because files beyond the last checkpoint may come from a run whose journal tail was lost (durability `write`); nobody may
 * rely on those.
 */
#include "ledger_store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"

#define BUNDLE_MAX (LEDGER_TILE_WIDTH * (2u + LEDGER_ENTRY_MAX))

_Static_assert(LEDGER_STORE_FILES + LEDGER_STORE_MOST <= BASE_FILE_MANY, "a checkpoint writes everything in one go");

void
ledger_store_init(struct ledger_store *s, int dirfd, unsigned mode)
{
	memset(s, 0, sizeof *s);
	s->dirfd = dirfd;
	s->mode = mode;
	s->file = base_mem_new(LEDGER_STORE_FILES, sizeof *s->file);
	base_buf_init(&s->bundle, BUNDLE_MAX);
}

static void
forget_files(struct ledger_store *s)
{
	for (size_t i = 0; i < s->nfile; i++)
		base_buf_done(&s->file[i].bundle);
	s->nfile = s->waiting = 0;
}

void
ledger_store_done(struct ledger_store *s)
{
	forget_files(s);
	free(s->file);
	s->file = NULL;
	base_buf_done(&s->bundle);
}

/* ---- writing ---- */

/* The bundle that is full and the tiles of the levels below `full` that have just become so. */
static void
put_files(struct ledger_store *s, unsigned full)
{
	struct ledger_store_file *f = &s->file[s->nfile++];

	f->name = (struct ledger_tile_name){LEDGER_TILE_ENTRIES, ledger_tree_tiles(s->tree.size, 0) - 1, LEDGER_TILE_WIDTH};
	f->bundle = s->bundle; /* the memory is the file's now */
	s->waiting += base_buf_len(&f->bundle);
	base_buf_init(&s->bundle, BUNDLE_MAX);
	for (unsigned l = 0; l < full; l++) {
		f = &s->file[s->nfile++];
		f->name = (struct ledger_tile_name){(int)l, ledger_tree_tiles(s->tree.size, l) - 1, LEDGER_TILE_WIDTH};
		base_buf_init(&f->bundle, 1);
		memcpy(f->tile, s->tree.tile[l], sizeof f->tile);
	}
}

int
ledger_store_add(struct ledger_store *s, struct base_span entry, struct base_fail *fail)
{
	struct ledger_hash leaf;
	unsigned full;

	assert(LEDGER_STORE_FILES - s->nfile >= LEDGER_STORE_MOST);
	if (base_buf_reserve(&s->bundle, 2 + entry.n) == NULL) {
		s->bundle.bad = false; /* nothing was added: it can be tried again */
		return base_fail_set(fail, GH_E_NOMEM, "no memory for a bundle");
	}
	ledger_bundle_put(&s->bundle, entry);
	ledger_merkle_leaf(entry, &leaf);
	full = ledger_tree_append(&s->tree, &leaf);
	if (full > 0)
		put_files(s, full);
	return 0;
}

/* What is to be written in one go; the paths need a home. */
struct list {
	struct base_file_item item[BASE_FILE_MANY];
	char path[BASE_FILE_MANY][LEDGER_TILE_PATH_MAX];
	size_t n;
};

static void
list_add(struct list *l, struct ledger_tile_name name, struct base_span data)
{
	l->item[l->n] = (struct base_file_item){ledger_tile_path(name, l->path[l->n]), data};
	l->n++;
}

static void
list_waiting(struct list *l, const struct ledger_store *s)
{
	l->n = 0;
	for (size_t i = 0; i < s->nfile; i++) {
		const struct ledger_store_file *f = &s->file[i];

		list_add(l, f->name, f->name.level == LEDGER_TILE_ENTRIES ? base_buf_span(&f->bundle) : base_span(f->tile, sizeof f->tile));
	}
}

int
ledger_store_settle(struct ledger_store *s, struct base_fail *fail)
{
	struct list l;
	int r;

	if (LEDGER_STORE_FILES - s->nfile >= LEDGER_STORE_MOST && s->waiting < LEDGER_STORE_WAIT)
		return 0;
	list_waiting(&l, s);
	r = base_file_replace_many(s->dirfd, s->mode, l.item, l.n, fail);
	if (r == 0)
		forget_files(s);
	return r;
}

int
ledger_store_partials(struct ledger_store *s, struct base_fail *fail)
{
	unsigned width = ledger_tree_width(s->tree.size, 0);
	struct list l;
	int r;

	list_waiting(&l, s);
	if (width > 0)
		list_add(&l, (struct ledger_tile_name){LEDGER_TILE_ENTRIES, ledger_tree_tiles(s->tree.size, 0), width}, base_buf_span(&s->bundle));
	for (unsigned k = 0; k < LEDGER_LEVELS; k++) {
		width = ledger_tree_width(s->tree.size, k);
		if (width > 0)
			list_add(&l, (struct ledger_tile_name){(int)k, ledger_tree_tiles(s->tree.size, k), width},
				base_span(s->tree.tile[k], (size_t)width * LEDGER_HASH_SIZE));
	}
	r = base_file_replace_many(s->dirfd, s->mode, l.item, l.n, fail);
	if (r < 0)
		return r;
	forget_files(s);
	for (unsigned k = 0; k <= LEDGER_LEVELS; k++) {
		unsigned level = k == LEDGER_LEVELS ? 0 : k;

		if (ledger_tree_width(s->tree.size, level) > 0)
			s->partial[k] = ledger_tree_tiles(s->tree.size, level) + 1;
	}
	return 0;
}

/* Removes a folder of partial tiles. Not synced: a leftover after a crash does no harm (verification checks and tolerates it), so
 * hundreds of syncs would buy nothing. */
static int
remove_partials(const struct ledger_store *s, struct ledger_tile_name name, struct base_fail *fail)
{
	char path[LEDGER_TILE_PATH_MAX];
	const char *where = ledger_tile_partials(name, path);
	int fd = openat(s->dirfd, where, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		if (fd < 0 && errno == ENOENT)
			return 0;
		r = base_fail_errno(fail, errno, "cannot list %s", where);
		if (fd >= 0)
			(void)close(fd); /* only read */
		return r;
	}
	while ((errno = 0, e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlinkat(dirfd(dir), e->d_name, 0) < 0 && errno != ENOENT)
			r = base_fail_errno(fail, errno, "cannot remove %s/%s", where, e->d_name);
	if (errno != 0 && r == 0)
		r = base_fail_errno(fail, errno, "cannot list %s", where);
	(void)closedir(dir); /* only read */
	if (r == 0 && unlinkat(s->dirfd, where, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = base_fail_errno(fail, errno, "cannot remove %s", where);
	return r;
}

int
ledger_store_clean(struct ledger_store *s, uint64_t published, struct base_fail *fail)
{
	int worst = 0;

	for (unsigned i = 0; i <= LEDGER_LEVELS; i++) {
		unsigned level = i == LEDGER_LEVELS ? 0 : i;
		struct ledger_tile_name name = {i == LEDGER_LEVELS ? LEDGER_TILE_ENTRIES : (int)i, s->partial[i] - 1, LEDGER_TILE_WIDTH};
		int r;

		if (s->partial[i] == 0 || ledger_tree_tiles(published, level) < s->partial[i])
			continue; /* no partials, or their full tile is not covered yet */
		s->partial[i] = 0; /* tried once: what cannot be removed stays and is harmless */
		r = remove_partials(s, name, fail);
		if (r < 0)
			worst = r;
	}
	return worst;
}

/* ---- reading back ---- */

/* The hashes that the growing tile of a level had at a size, from the files of a log that has `now` entries: from the partial file
 * or, when that has been superseded, from the full one. */
static int
read_tile(const struct ledger_store *s, unsigned level, uint64_t size, uint64_t now, struct ledger_hash *dst, struct base_fail *fail)
{
	unsigned width = ledger_tree_width(size, level);
	struct ledger_tile_name name = {(int)level, ledger_tree_tiles(size, level), LEDGER_TILE_WIDTH};
	char path[LEDGER_TILE_PATH_MAX];
	struct base_buf b;
	int r;

	if (width == 0)
		return 0;
	if (name.index == ledger_tree_tiles(now, level))
		name.width = ledger_tree_width(now, level);
	base_buf_init(&b, LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE);
	r = base_file_read(s->dirfd, ledger_tile_path(name, path), &b, fail);
	if (r == GH_E_MISSING && name.width < LEDGER_TILE_WIDTH) {
		name.width = LEDGER_TILE_WIDTH;
		r = base_file_read(s->dirfd, ledger_tile_path(name, path), &b, fail);
	}
	if (r == 0 && base_buf_len(&b) != (size_t)name.width * LEDGER_HASH_SIZE)
		r = base_fail_set(fail, GH_E_VERIFY, "%s has %zu bytes", path, base_buf_len(&b));
	if (r == 0)
		memcpy(dst, base_buf_span(&b).p, (size_t)width * LEDGER_HASH_SIZE);
	base_buf_done(&b);
	return r;
}

/* The unfinished bundle, checked against its leaf hashes. */
static int
read_bundle(struct ledger_store *s, struct base_fail *fail)
{
	unsigned width = ledger_tree_width(s->tree.size, 0);
	struct ledger_tile_name name = {LEDGER_TILE_ENTRIES, ledger_tree_tiles(s->tree.size, 0), width};
	char path[LEDGER_TILE_PATH_MAX];
	struct base_cursor c;
	struct base_span entry;
	size_t bytes;
	bool extra;
	int r;

	base_buf_clear(&s->bundle);
	if (width == 0)
		return 0;
	r = base_file_read(s->dirfd, ledger_tile_path(name, path), &s->bundle, fail);
	if (r == GH_E_MISSING) {
		name.width = LEDGER_TILE_WIDTH;
		r = base_file_read(s->dirfd, ledger_tile_path(name, path), &s->bundle, fail);
	}
	if (r < 0)
		return r;
	if (ledger_bundle_head(base_buf_span(&s->bundle), width, &bytes, &extra) != 0 || (extra && name.width != LEDGER_TILE_WIDTH))
		return base_fail_set(fail, GH_E_VERIFY, "%s is not a bundle of %u entries", path, name.width);
	s->bundle.end = s->bundle.start + bytes;
	c = base_cursor(base_buf_span(&s->bundle));
	for (unsigned i = 0; i < width; i++) {
		struct ledger_hash leaf;

		if (ledger_bundle_next(&c, &entry) != 1) /* NEVER: counted above */
			return base_fail_set(fail, GH_E_VERIFY, "%s is not a bundle", path);
		ledger_merkle_leaf(entry, &leaf);
		if (!ledger_hash_eq(&leaf, &s->tree.tile[0][i]))
			return base_fail_set(fail, GH_E_VERIFY, "%s does not agree with its tile at entry %llu", path,
				(unsigned long long)(s->tree.size - width + i));
	}
	return 0;
}

int
ledger_store_root_at(const struct ledger_store *s, uint64_t size, struct ledger_hash *root_r, struct base_fail *fail)
{
	struct ledger_tree t;

	ledger_tree_init(&t);
	for (unsigned l = 0; l < LEDGER_LEVELS; l++) {
		int r = read_tile(s, l, size, s->tree.size, t.tile[l], fail);

		if (r < 0)
			return r;
	}
	ledger_tree_restore(&t, size);
	ledger_tree_root(&t, root_r);
	return 0;
}

int
ledger_store_load(struct ledger_store *s, uint64_t size, const struct ledger_hash *root, struct base_fail *fail)
{
	struct ledger_hash mine;

	for (unsigned l = 0; l < LEDGER_LEVELS; l++) {
		int r = read_tile(s, l, size, size, s->tree.tile[l], fail);

		if (r < 0)
			return r;
		s->partial[l] = ledger_tree_width(size, l) > 0 ? ledger_tree_tiles(size, l) + 1 : 0;
	}
	s->partial[LEDGER_LEVELS] = s->partial[0];
	ledger_tree_restore(&s->tree, size);
	ledger_tree_root(&s->tree, &mine);
	if (!ledger_hash_eq(&mine, root))
		return base_fail_set(fail, GH_E_VERIFY, "the tiles do not hash to the signed root of %llu entries", (unsigned long long)size);
	return read_bundle(s, fail);
}
