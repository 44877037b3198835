/* ledger_read: gives entries out of bundles and, if asked, out of the journal's tail.
 * Input: the ledger's folder, perhaps tampered with: every length is checked, nothing is believed to be authentic. Opens files
 * for reading only, takes no lock, and copes with the keeper replacing partial bundles and removing journal segments meanwhile.
 */
#include "ledger_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"
#include "ledger_note.h"
#include "ledger_tail.h"
#include "ledger_tile.h"

#define BUNDLE_MAX (LEDGER_TILE_WIDTH * (2u + LEDGER_ENTRY_MAX))

struct ledger_read {
	int dirfd, journal;       /* own; journal -1 = no tail wanted */
	struct ledger_tail *tail; /* own, NULL = no tail wanted */
	struct base_buf note;
	uint64_t published;
	uint64_t next;            /* index that next gives */
	bool taken;               /* the tail stands at an entry that was given out: its memory is borrowed until the next call */
	struct base_buf bundle;   /* the bundle that has `at` next */
	struct base_cursor c;     /* into bundle */
	uint64_t at;              /* index of the entry at c; UINT64_MAX = no bundle loaded */
	uint64_t stop;            /* one past the last entry of the loaded bundle that counts */
	struct base_buf tile;     /* last tile read for proofs */
	struct ledger_tile_name tile_name;
};

static int
load_note(struct ledger_read *r, struct base_fail *fail)
{
	struct ledger_checkpoint cp;
	struct ledger_note note;
	int rc;

	base_buf_clear(&r->note);
	rc = base_file_read(r->dirfd, "checkpoint", &r->note, fail);
	if (rc == 0)
		rc = ledger_note_open(base_buf_span(&r->note), NULL, 0, &note, fail);
	if (rc == 0)
		rc = ledger_checkpoint_parse(note.body, &cp, fail);
	if (rc == 0)
		r->published = cp.size;
	return rc;
}

/* Goes past the entry that was given out last. */
static void
release(struct ledger_read *r)
{
	if (r->taken)
		ledger_tail_advance(r->tail);
	r->taken = false;
}

int
ledger_read_refresh(struct ledger_read *r, struct base_fail *fail)
{
	int rc = load_note(r, fail);

	release(r);
	r->at = UINT64_MAX;
	r->tile_name.width = 0;
	if (rc == 0 && r->tail != NULL)
		rc = ledger_tail_refresh(r->tail, fail);
	return rc;
}

int
ledger_read_open(const char *dir, bool tail, struct ledger_read **r_r, struct base_fail *fail)
{
	struct ledger_read *r = base_mem_new(1, sizeof *r);
	int rc = 0;

	r->journal = -1;
	base_buf_init(&r->note, LEDGER_NOTE_MAX);
	base_buf_init(&r->bundle, BUNDLE_MAX);
	base_buf_init(&r->tile, LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE);
	r->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* not base_file_dir: a reader makes nothing */
	if (r->dirfd < 0)
		rc = base_fail_errno(fail, errno, "cannot open ledger %s", dir);
	if (rc == 0 && tail) {
		r->journal = openat(r->dirfd, "journal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r->journal >= 0)
			r->tail = ledger_tail_new(r->journal);
		else if (errno != ENOENT) /* a copy for others has no journal */
			rc = base_fail_errno(fail, errno, "cannot open %s/journal", dir);
	}
	if (rc == 0)
		rc = ledger_read_refresh(r, fail);
	if (rc < 0) {
		ledger_read_free(&r);
		return rc;
	}
	*r_r = r;
	return 0;
}

void
ledger_read_free(struct ledger_read **r)
{
	struct ledger_read *p = *r;

	if (p == NULL)
		return;
	ledger_tail_free(&p->tail);
	if (p->journal >= 0)
		(void)close(p->journal); /* a folder */
	if (p->dirfd >= 0)
		(void)close(p->dirfd); /* a folder */
	base_buf_done(&p->note);
	base_buf_done(&p->bundle);
	base_buf_done(&p->tile);
	free(p);
	*r = NULL;
}

uint64_t
ledger_read_published(const struct ledger_read *r)
{
	return r->published;
}

struct base_span
ledger_read_checkpoint(const struct ledger_read *r)
{
	return base_buf_span(&r->note);
}

void
ledger_read_seek(struct ledger_read *r, uint64_t index)
{
	r->next = index;
}

/* Reads a tile or bundle by its width at the published size, or full when the partial one has been superseded. */
static int
read_named(struct ledger_read *r, struct ledger_tile_name *name, struct base_buf *b, struct base_fail *fail)
{
	char path[LEDGER_TILE_PATH_MAX];
	int rc;

	base_buf_clear(b);
	rc = base_file_read(r->dirfd, ledger_tile_path(*name, path), b, fail);
	if (rc == GH_E_MISSING && name->width < LEDGER_TILE_WIDTH) {
		name->width = LEDGER_TILE_WIDTH;
		rc = base_file_read(r->dirfd, ledger_tile_path(*name, path), b, fail);
	}
	return rc;
}

/* Loads the bundle that has entry r->next and goes to it. */
static int
load_bundle(struct ledger_read *r, struct base_fail *fail)
{
	uint64_t index = r->next / LEDGER_TILE_WIDTH, first = index * LEDGER_TILE_WIDTH;
	bool full = r->published - first >= LEDGER_TILE_WIDTH;
	unsigned width = full ? LEDGER_TILE_WIDTH : (unsigned)(r->published - first);
	struct ledger_tile_name name = {LEDGER_TILE_ENTRIES, index, width};
	size_t bytes;
	bool extra;
	int rc;

	r->at = UINT64_MAX;
	rc = read_named(r, &name, &r->bundle, fail);
	if (rc < 0)
		return rc;
	if (ledger_bundle_head(base_buf_span(&r->bundle), width, &bytes, &extra) < 0)
		return base_fail_set(fail, GH_E_VERIFY, "bundle %llu does not hold %u entries", (unsigned long long)index, width);
	r->c = base_cursor(base_buf_span(&r->bundle));
	r->at = first;
	r->stop = first + width;
	return 0;
}

static int
next_bundled(struct ledger_read *r, struct base_span *entry_r, struct base_fail *fail)
{
	int rc = 0;

	if (r->at == UINT64_MAX || r->next < r->at || r->next >= r->stop)
		rc = load_bundle(r, fail);
	if (rc < 0)
		return rc;
	do {
		rc = ledger_bundle_next(&r->c, entry_r);
		if (rc != 1) /* NEVER: counted when loaded */
			return base_fail_set(fail, GH_E_VERIFY, "malformed bundle");
	} while (r->at++ < r->next);
	return 1;
}

static int
next_journalled(struct ledger_read *r, struct base_span *entry_r, struct base_fail *fail)
{
	struct ledger_record rec;
	int rc;

	release(r);
	if (ledger_tail_seq(r->tail) != r->next) {
		rc = ledger_tail_seek(r->tail, r->next, fail);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	rc = ledger_tail_peek(r->tail, &rec, fail);
	if (rc != 1)
		return rc;
	if (rec.seq != r->next)
		return base_fail_set(fail, GH_E_VERIFY, "the journal went back to entry %llu", (unsigned long long)rec.seq);
	*entry_r = rec.entry;
	r->taken = true;
	return 1;
}

int
ledger_read_next(struct ledger_read *r, uint64_t *index_r, struct base_span *entry_r, struct base_fail *fail)
{
	int rc;

	if (r->next < r->published)
		rc = next_bundled(r, entry_r, fail);
	else if (r->tail == NULL)
		return 0;
	else
		rc = next_journalled(r, entry_r, fail);
	if (rc == GH_E_MISSING) {
		/* The keeper has published and removed what we were about to read: it is in another file now. */
		rc = ledger_read_refresh(r, fail);
		if (rc == 0)
			rc = r->next < r->published ? next_bundled(r, entry_r, fail) : r->tail != NULL ? next_journalled(r, entry_r, fail) : 0;
	}
	if (rc == 1)
		*index_r = r->next++;
	return rc;
}

int
ledger_read_size(struct ledger_read *r, uint64_t *size_r, struct base_fail *fail)
{
	uint64_t back = r->next, index, size;
	struct base_span entry;
	int rc;

	size = r->next = r->published;
	while ((rc = ledger_read_next(r, &index, &entry, fail)) == 1)
		size = index + 1;
	r->next = back;
	if (rc == 0)
		*size_r = size;
	return rc;
}

/* ---- proofs ---- */

static int
source_node(void *ctx, unsigned height, uint64_t index, struct ledger_hash *hash_r, struct base_fail *fail)
{
	struct ledger_read *r = ctx;
	unsigned level = height / LEDGER_TILE_HEIGHT, span = height % LEDGER_TILE_HEIGHT;
	uint64_t first = index << span; /* in hashes of this level */
	struct ledger_tile_name name = {(int)level, first / LEDGER_TILE_WIDTH, LEDGER_TILE_WIDTH};
	struct ledger_hash row[LEDGER_TILE_WIDTH];
	size_t at = (size_t)(first % LEDGER_TILE_WIDTH), n = (size_t)1 << span;
	int rc = 0;

	if (name.index >= ledger_tree_tiles(r->published, level))
		name.width = ledger_tree_width(r->published, level);
	if (name.width == 0)
		return base_fail_set(fail, GH_E_MISSING, "no tile of level %u has node %llu", level, (unsigned long long)index);
	if (r->tile_name.width == 0 || r->tile_name.level != name.level || r->tile_name.index != name.index) {
		r->tile_name.width = 0;
		rc = read_named(r, &name, &r->tile, fail);
		if (rc < 0)
			return rc;
		r->tile_name = name;
	}
	if (base_buf_len(&r->tile) < (at + n) * LEDGER_HASH_SIZE)
		return base_fail_set(fail, GH_E_VERIFY, "tile %llu of level %u is too short", (unsigned long long)name.index, level);
	memcpy(row, base_buf_span(&r->tile).p + at * LEDGER_HASH_SIZE, n * LEDGER_HASH_SIZE);
	ledger_merkle_fold(row, n, hash_r);
	return 0;
}

struct ledger_merkle_source
ledger_read_source(struct ledger_read *r)
{
	return (struct ledger_merkle_source){source_node, r};
}
