/* base_file: the only code that writes files. Four verbs with exact promises, plus the append handle of the journal.
 * Every verb syncs the file and, where a name appears, its directory. Paths are relative to dirfd (AT_FDCWD allowed).
 * O_CLOEXEC and O_NOFOLLOW always: the last component may not be a symbolic link, directories before it may. Modes are subject to
 * the umask. A new file gets its name (rename) only when it is complete and synced; a failure leaves no temporary file, a crash
 * may leave one called `.tmp.<16 hex digits>`, which may be deleted. When only the sync of the directory fails, the error is
 * returned although the name is there. Only regular files are read (GH_E_UNSUPPORTED).
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base_buf.h"
#include "base_fail.h"

/* Opens (mkdir -p with `mode`) a directory; returns its descriptor or GH_E_*. */
BASE_CHECK int base_file_dir(int dirfd, const char *path, unsigned mode, struct base_fail *fail);
/* Creates a file with this content; GH_E_EXISTS when the name is taken. */
BASE_CHECK int base_file_create_new(int dirfd, const char *path, unsigned mode, struct base_span data, struct base_fail *fail);
/* Creates a file; when it exists with the same content: ok; with other content: GH_E_EXISTS. Parent directories are made. */
BASE_CHECK int base_file_create_same(int dirfd, const char *path, unsigned mode, struct base_span data, struct base_fail *fail);
/* Replaces (or creates) atomically: temporary name in the same directory, fsync, rename, fsync directory. */
BASE_CHECK int base_file_replace(int dirfd, const char *path, unsigned mode, struct base_span data, struct base_fail *fail);
/* The same for several files at the price of few syncs: all are written, then all synced, then all renamed, then each directory is
 * synced once. Parent directories are made. On failure any of them may have been replaced and the others not: repeat the call.
 * At most BASE_FILE_MANY (asserted); no path twice. */
#define BASE_FILE_MANY 64u
struct base_file_item {
	const char *path;      /* borrow */
	struct base_span data; /* borrow */
};
BASE_CHECK int base_file_replace_many(int dirfd, unsigned mode, const struct base_file_item *item, size_t count, struct base_fail *fail);
BASE_CHECK int base_file_remove(int dirfd, const char *path, struct base_fail *fail); /* absent is ok; syncs the directory */
/* Appends the whole file to b, nothing on failure (GH_E_LIMIT past b->max; GH_E_MISSING). */
BASE_CHECK int base_file_read(int dirfd, const char *path, struct base_buf *b, struct base_fail *fail);
/* As read, but refuses a file that others may read: the mode must have no bits of 077 and the owner be us or root. */
BASE_CHECK int base_file_read_secret(int dirfd, const char *path, struct base_buf *b, struct base_fail *fail);

/* Journal segment: a file written with zeros beforehand, then overwritten in order (an overwrite of allocated blocks makes
 * fdatasync cheap: no metadata). */
struct base_file_seg {
	int fd;
	uint64_t size; /* allocated bytes */
	uint64_t pos;  /* next byte */
};
/* The name appears only when all is written; GH_E_EXISTS when it is taken. */
BASE_CHECK int base_file_seg_create(int dirfd, const char *path, unsigned mode, uint64_t size, struct base_file_seg *seg_r, struct base_fail *fail);
BASE_CHECK int base_file_seg_open(int dirfd, const char *path, struct base_file_seg *seg_r, struct base_fail *fail); /* pos = 0 */
/* All of it at pos; GH_E_LIMIT past size; pos moves on success only. */
BASE_CHECK int base_file_seg_write(struct base_file_seg *seg, struct base_span data, struct base_fail *fail);
BASE_CHECK int base_file_seg_sync(struct base_file_seg *seg, struct base_fail *fail); /* fdatasync; a failure is final */
void base_file_seg_close(struct base_file_seg *seg);

#endif
