/* ledger_log: the writer of a log: opens it safely, integrates, publishes. The appending half is ledger_append.c.
 * Input: its own folder, believed only as far as signatures, hashes and CRCs go; entries from the keeper. Never changes a file that
 * a checkpoint covers, never signs two roots for one size, never talks to the network.
 *
 * Life of an entry
 *  1 The keeper hands over a batch (ledger_log_append). Each entry gets the next index and becomes a journal record.
 *  2 One pwrite into a segment that was filled with zeros beforehand, then fdatasync (durability `flush`).
 *  3 `durable` moves past the batch: the entry is acknowledged, its index is final. The rows that it speaks of may leave.
 *  4 The integrating thread reads it back from the journal - the same way as after a crash - and adds it to the tree and to the
 *    bundle in memory (ledger_store_add). After each 256th entry the bundle and the tiles that became full wait to be written;
 *    a few dozen of them are written together (ledger_store_settle): write all, sync all, rename all, sync the folders.
 *  5 At a checkpoint (ledger_log_checkpoint) what waits, the partial bundle and the partial tiles are written the same way.
 *  6 The checkpoint is signed; it replaces the head beside the folder, then the checkpoint inside it.
 *  7 `published` moves. Only now may the journal segments below it go, oldest first, and the partial files of tiles that
 *    are full (ledger_log_tidy).
 *
 * Invariants
 *  A  An acknowledged entry is, at every moment, whole in the journal or under a checkpoint whose files are all durable.
 *  B  Bundles and tiles below a published size are durable before that checkpoint's name appears, and never written again.
 *  C  head.size >= checkpoint.size, both signed by our key; the root at each size that was ever signed is the same for ever.
 *     At start the larger of the two is the base: its tiles are there by B. A folder restored from an older copy has a
 *     checkpoint and tiles behind the head, and is refused.
 *  D  One writer: flock on `lock` for as long as the log is open.
 *  E  The tree in memory always equals what the journal below tree.size said; files that could not be written keep waiting.
 *
 * After a crash at
 *   1-2  the batch is not acknowledged; what of it is found valid in the journal becomes part of the log (the senders were told nothing)
 *   3-5  replay adds it again; the files are replaced by the same bytes
 *   6    between head and checkpoint: the base is the head, and its note becomes the checkpoint
 *   7    surplus segments are skipped (their entries lie below the base) and removed at the end of start-up
 * What the head does not catch: the folder and the head restored together from an older copy. That needs a witness.
 */
#include "ledger_log_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base_mem.h"

#define DIR_MODE 0750u
#define FILE_MODE 0640u
#define SEGMENT_LEAST 4096u

/* ---- checkpoints ---- */

/* The note of a checkpoint file and what it says. text stays empty when there is no file. */
struct stored {
	struct base_buf text;
	struct ledger_checkpoint cp;
	bool there;
};

static int
load_checkpoint(struct ledger_log *log, int dirfd, const char *path, struct stored *s, struct base_fail *fail)
{
	int r = base_file_read(dirfd, path, &s->text, fail);

	if (r == GH_E_MISSING)
		return 0;
	if (r == 0)
		r = ledger_checkpoint_open(base_buf_span(&s->text), &log->signer->vkey, &s->cp, fail);
	if (r < 0) {
		base_fail_where(fail, "%s", path);
		return r;
	}
	s->there = true;
	return 0;
}

static int
write_note(struct ledger_log *log, struct base_span note, struct base_fail *fail)
{
	int r = base_file_replace(AT_FDCWD, log->head, FILE_MODE, note, fail);

	return r < 0 ? r : base_file_replace(log->dirfd, "checkpoint", FILE_MODE, note, fail);
}

/* Steps 5 and 6 for the present size of the tree. */
static int
publish(struct ledger_log *log, struct base_fail *fail)
{
	struct ledger_checkpoint cp = {base_span_str(log->signer->vkey.name), log->store.tree.size, {{0}}};
	struct base_buf body, note;
	int r = ledger_store_partials(&log->store, fail);

	if (r < 0)
		return r;
	ledger_tree_root(&log->store.tree, &cp.root);
	base_buf_init(&body, LEDGER_NOTE_MAX);
	base_buf_init(&note, LEDGER_NOTE_MAX);
	ledger_checkpoint_print(&cp, &body);
	r = body.bad ? base_fail_set(fail, GH_E_NOMEM, "no memory for a checkpoint")
		     : ledger_note_sign(base_buf_span(&body), log->signer, &note, fail);
	if (r == 0)
		r = write_note(log, base_buf_span(&note), fail);
	base_buf_done(&body);
	base_buf_done(&note);
	if (r < 0)
		return r;
	log->have_checkpoint = true;
	atomic_store_explicit(&log->published, cp.size, memory_order_release);
	return 0;
}

int
ledger_log_integrate(struct ledger_log *log, struct base_fail *fail)
{
	/* First how far, then the refresh: all segments below `end` are visible by then, and nothing read ahead survives. */
	uint64_t end = atomic_load_explicit(&log->durable, memory_order_acquire);
	int r = ledger_store_settle(&log->store, fail);

	if (r < 0 || log->store.tree.size == end)
		return r;
	r = ledger_tail_refresh(log->tail, fail);
	if (r == 0 && ledger_tail_seq(log->tail) != log->store.tree.size)
		r = ledger_tail_seek(log->tail, log->store.tree.size, fail);
	while (r == 0 && log->store.tree.size < end) {
		struct ledger_record rec;

		r = ledger_tail_peek(log->tail, &rec, fail);
		if (r == 0 || (r == 1 && rec.seq != log->store.tree.size))
			return base_fail_set(fail, GH_E_VERIFY, "the journal has lost entry %llu", (unsigned long long)log->store.tree.size);
		if (r == 1)
			r = ledger_store_add(&log->store, rec.entry, fail);
		if (r < 0)
			return r;
		ledger_tail_advance(log->tail);
		r = ledger_store_settle(&log->store, fail);
	}
	return r > 0 ? base_fail_set(fail, GH_E_VERIFY, "the journal ends before entry %llu", (unsigned long long)log->store.tree.size) : r;
}

int
ledger_log_checkpoint(struct ledger_log *log, struct base_fail *fail)
{
	int r = ledger_log_integrate(log, fail);

	if (r < 0 || (log->have_checkpoint && log->store.tree.size == ledger_log_published(log)))
		return r;
	return publish(log, fail);
}

int
ledger_log_tidy(struct ledger_log *log, struct base_fail *fail)
{
	uint64_t published = ledger_log_published(log);
	int prepared = ledger_append_prepare(log, fail);
	int trimmed = ledger_append_trim(log, published, fail);
	int cleaned = ledger_store_clean(&log->store, published, fail);

	return prepared < 0 ? prepared : trimmed < 0 ? trimmed : cleaned;
}

uint64_t
ledger_log_size(const struct ledger_log *log)
{
	return atomic_load_explicit(&log->durable, memory_order_acquire);
}

uint64_t
ledger_log_published(const struct ledger_log *log)
{
	return atomic_load_explicit(&log->published, memory_order_acquire);
}

/* ---- opening ---- */

static int
take_lock(struct ledger_log *log, const char *dir, struct base_fail *fail)
{
	log->lockfd = openat(log->dirfd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->lockfd < 0)
		return base_fail_errno(fail, errno, "cannot open %s/lock", dir);
	if (flock(log->lockfd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return base_fail_set(fail, GH_E_BUSY, "another process writes the ledger in %s", dir);
	return base_fail_errno(fail, errno, "cannot lock %s/lock", dir);
}

/* Takes the larger of checkpoint and head as the base and loads its state; see invariant C. */
static int
load_base(struct ledger_log *log, const char *dir, struct stored *cp, struct stored *head, struct base_fail *fail)
{
	const struct stored *base = head->there && (!cp->there || head->cp.size > cp->cp.size) ? head : cp;
	struct ledger_hash root;
	int r;

	if (!base->there)
		return 0;
	r = ledger_store_load(&log->store, base->cp.size, &base->cp.root, fail);
	if (r < 0) {
		base_fail_where(fail, "ledger %s at size %llu", dir, (unsigned long long)base->cp.size);
		if (base == head)
			base_fail_hint(fail, "%s remembers more entries than the folder holds: is this an older copy of the ledger?", log->head);
		return r == GH_E_MISSING ? GH_E_VERIFY : r;
	}
	if (base == cp && head->there) {
		r = ledger_store_root_at(&log->store, head->cp.size, &root, fail);
		if (r == 0 && !ledger_hash_eq(&root, &head->cp.root))
			r = base_fail_set(fail, GH_E_VERIFY, "ledger %s is not a continuation of the one that %s remembers", dir, log->head);
		if (r < 0)
			return r;
	}
	log->have_checkpoint = true;
	atomic_store(&log->published, base->cp.size);
	/* Both files say the same from here on: a crash may have come between them, or one may have been lost. */
	if (!cp->there || !head->there || cp->cp.size != head->cp.size)
		return write_note(log, base_buf_span(&base->text), fail);
	return 0;
}

/* How far the journal goes, from the base on. 0 also when it ends before: then the tiles know more (durability `write`). */
static int
measure_journal(struct ledger_log *log, uint64_t *end_r, struct base_fail *fail)
{
	uint64_t base = log->store.tree.size;
	struct ledger_record rec;
	int r = ledger_tail_refresh(log->tail, fail);

	if (r == 0)
		r = ledger_tail_seek(log->tail, base, fail);
	if (r < 0)
		return r;
	if (r == 1 && ledger_tail_count(log->tail) == 0 && !log->have_checkpoint) {
		if (faccessat(log->dirfd, "tile", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return base_fail_set(fail, GH_E_VERIFY, "there are tiles but neither checkpoint nor journal: entries would be lost");
		if (errno != ENOENT)
			return base_fail_errno(fail, errno, "cannot look for tiles");
	}
	for (;;) {
		r = ledger_tail_peek(log->tail, &rec, fail);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		ledger_tail_advance(log->tail);
	}
	r = ledger_tail_check_end(log->tail, fail);
	if (r == 0)
		*end_r = ledger_tail_seq(log->tail) > base ? ledger_tail_seq(log->tail) : base;
	return r;
}

/* After the base covers everything: the old segments and what an interrupted creation left behind. */
static int
remove_old_segments(struct ledger_log *log, struct base_fail *fail)
{
	char name[LEDGER_SEGMENT_NAME];
	int fd, r = ledger_tail_refresh(log->tail, fail);
	struct dirent *e;
	DIR *dir;

	for (size_t i = 0; r == 0 && i < ledger_tail_files(log->tail); i++) {
		uint64_t serial = ledger_tail_file(log->tail, i);

		log->next_serial = serial + 1;
		r = base_file_remove(log->journal, ledger_tail_name(serial, name), fail);
	}
	if (r < 0)
		return r;
	fd = openat(log->journal, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		r = base_fail_errno(fail, errno, "cannot list the journal");
		if (fd >= 0)
			(void)close(fd); /* only read */
		return r;
	}
	while ((errno = 0, e = readdir(dir)) != NULL)
		if (strncmp(e->d_name, ".tmp.", 5) == 0)
			(void)unlinkat(log->journal, e->d_name, 0); /* a leftover of base_file; nobody reads it */
	if (errno != 0)
		r = base_fail_errno(fail, errno, "cannot list the journal");
	(void)closedir(dir); /* only read */
	return r;
}

static int
replay(struct ledger_log *log, const char *dir, struct base_fail *fail)
{
	struct stored cp = {.there = false}, head = {.there = false};
	uint64_t end = 0;
	int r;

	base_buf_init(&cp.text, LEDGER_NOTE_MAX);
	base_buf_init(&head.text, LEDGER_NOTE_MAX);
	r = load_checkpoint(log, log->dirfd, "checkpoint", &cp, fail);
	if (r == 0)
		r = load_checkpoint(log, AT_FDCWD, log->head, &head, fail);
	if (r == 0)
		r = load_base(log, dir, &cp, &head, fail);
	base_buf_done(&cp.text);
	base_buf_done(&head.text);
	if (r == 0)
		r = measure_journal(log, &end, fail);
	if (r < 0)
		return r == GH_E_MISSING ? GH_E_VERIFY : r;
	atomic_store(&log->durable, end);
	r = ledger_log_checkpoint(log, fail);
	if (r < 0)
		return r;
	log->next = log->synced = end; /* by the tiles of the checkpoint */
	return remove_old_segments(log, fail);
}

static int
open_log(struct ledger_log *log, const struct ledger_log_options *o, struct base_fail *fail)
{
	struct base_buf b;
	int r;

	base_buf_init(&b, 4096);
	base_buf_fmt(&b, "%s", o->head != NULL ? o->head : o->dir);
	while (o->head == NULL && base_buf_len(&b) > 1 && b.mem[b.end - 1] == '/')
		b.end--;
	if (o->head == NULL)
		base_buf_str(&b, ".head");
	r = b.bad ? base_fail_set(fail, GH_E_LIMIT, "the name of the ledger's folder is too long") : 0;
	if (r == 0)
		log->head = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	if (r == 0)
		r = log->dirfd = base_file_dir(AT_FDCWD, o->dir, DIR_MODE, fail);
	if (r >= 0)
		r = take_lock(log, o->dir, fail);
	if (r >= 0)
		r = log->journal = base_file_dir(log->dirfd, "journal", DIR_MODE, fail);
	if (r < 0)
		return r;
	log->tail = ledger_tail_new(log->journal);
	log->store.dirfd = log->dirfd;
	r = replay(log, o->dir, fail);
	return r < 0 ? r : ledger_append_prepare(log, fail);
}

int
ledger_log_open(const struct ledger_log_options *o, struct ledger_log **log_r, struct base_fail *fail)
{
	struct ledger_log *log;
	int r;

	if (o->segment_size != 0 && (o->segment_size < SEGMENT_LEAST || o->segment_size > LEDGER_SEGMENT_MAX || o->segment_size % 8 != 0))
		return base_fail_set(fail, GH_E_LIMIT, "journal segments must have 4 KiB to 1 GiB");
	log = base_mem_new(1, sizeof *log);
	log->dirfd = log->journal = log->lockfd = -1;
	log->seg.fd = log->spare.fd = -1;
	log->signer = o->signer;
	log->flush = o->flush;
	log->segment_size = o->segment_size != 0 ? o->segment_size : LEDGER_LOG_SEGMENT;
	log->next_serial = 1;
	base_buf_init(&log->records, (size_t)log->segment_size);
	ledger_store_init(&log->store, -1, FILE_MODE);
	(void)pthread_mutex_init(&log->mutex, NULL); /* cannot fail with default attributes */
	r = open_log(log, o, fail);
	if (r < 0) {
		ledger_log_close(&log);
		return r;
	}
	*log_r = log;
	return 0;
}

void
ledger_log_close(struct ledger_log **log)
{
	struct ledger_log *l = *log;

	if (l == NULL)
		return;
	ledger_append_done(l);
	ledger_tail_free(&l->tail);
	ledger_store_done(&l->store);
	(void)pthread_mutex_destroy(&l->mutex); /* nobody holds it: the threads have ended */
	if (l->journal >= 0)
		(void)close(l->journal); /* a folder */
	if (l->lockfd >= 0)
		(void)close(l->lockfd); /* gives the lock up */
	if (l->dirfd >= 0)
		(void)close(l->dirfd); /* a folder */
	free(l->head);
	free(l);
	*log = NULL;
}
