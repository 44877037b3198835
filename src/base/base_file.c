/* base_file: the only code that writes files.
 * Input: paths and contents from our own configuration and state directory (trusted names, untrusted sizes are the caller's
 * matter). A file appears under its name only when it is complete and synced: it is written as `.tmp.<16 hex digits>` in the
 * same directory (O_EXCL), synced, renamed, and the directory is synced. On failure the temporary file is removed; a crash may
 * leave one, which nobody ever reads. Every system call is checked and retried after EINTR.
 * The last component of a path is never followed when it is a symbolic link; directories before it are, as in any path.
 * After a failed sync the kernel may have dropped the dirty pages: callers must treat it as final and not sync again.
 */
#include "base_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_crypt.h"
#include "base_mem.h"

#define TMP_NAME_SIZE 24 /* ".tmp." + 16 + NUL, rounded up */
#define READ_STEP 65536

static const uint8_t zeros[65536];

/* ---- system calls, retried after EINTR; 0 or a descriptor, else -1 and errno ---- */

static int
sys_open(int dirfd, const char *path, int flags, unsigned mode)
{
	int fd;

	do
		fd = openat(dirfd, path, flags | O_CLOEXEC, (mode_t)mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static int
sys_sync(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* Writes all of s; short writes continue. */
static int
sys_write(int fd, struct base_span s)
{
	size_t at = 0;

	while (at < s.n) {
		ssize_t n = write(fd, s.p + at, s.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* a regular file never does this */
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

/* Linux has released the descriptor even when close fails, so it is never repeated; EINTR means nothing here. */
static int
sys_close(int fd)
{
	return close(fd) == 0 || errno == EINTR ? 0 : -1;
}

/* ---- a path split into the directory that must be synced and a name in it ---- */

struct place {
	int dir;          /* own, -1 = none */
	const char *name; /* borrow: the tail of path */
	const char *path; /* borrow: for texts */
};

static void
place_done(struct place *p)
{
	if (p->dir >= 0)
		(void)sys_close(p->dir); /* nothing was written through it */
	p->dir = -1;
}

/* The directory part of path, NUL-terminated, own; "." when there is none. The part keeps the root's slash. */
static char *
directory_of(const char *path, const char *slash)
{
	if (slash == NULL)
		return base_mem_str(base_span_str("."));
	return base_mem_str(base_span(path, slash == path ? 1 : (size_t)(slash - path)));
}

static int
place_init(struct place *p, int dirfd, const char *path, struct base_fail *fail)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	int err;

	p->dir = -1;
	p->path = path;
	p->name = slash == NULL ? path : slash + 1;
	if (p->name[0] == '\0' || strcmp(p->name, ".") == 0 || strcmp(p->name, "..") == 0)
		return base_fail_set(fail, GH_E_PARSE, "\"%s\" does not name a file", path);
	directory = directory_of(path, slash);
	p->dir = sys_open(dirfd, directory, O_RDONLY | O_DIRECTORY, 0);
	err = errno;
	free(directory);
	if (p->dir < 0)
		return base_fail_errno(fail, err, "cannot open the directory of \"%s\"", path);
	return GH_OK;
}

static int
place_sync(const struct place *p, struct base_fail *fail)
{
	if (sys_sync(p->dir) < 0)
		return base_fail_errno(fail, errno, "cannot sync the directory of \"%s\"", p->path);
	return GH_OK;
}

/* ---- a file on its way to its name ---- */

struct draft {
	int fd; /* own, -1 = none */
	char name[TMP_NAME_SIZE];
};

static int
draft_open(struct draft *d, const struct place *p, unsigned mode, struct base_fail *fail)
{
	uint8_t random[8];
	uint64_t number = 0;

	base_crypt_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		number = number << 8 | random[i];
	(void)snprintf(d->name, sizeof(d->name), ".tmp.%016llx", (unsigned long long)number); /* always fits */
	d->fd = sys_open(p->dir, d->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	if (d->fd < 0)
		return base_fail_errno(fail, errno, "cannot create a temporary file for \"%s\"", p->path);
	return GH_OK;
}

static int
draft_write(struct draft *d, const struct place *p, struct base_span data, struct base_fail *fail)
{
	if (sys_write(d->fd, data) < 0)
		return base_fail_errno(fail, errno, "cannot write \"%s\"", p->path);
	return GH_OK;
}

/* Syncs and gives the file its name; `flags` as renameat2's. From here on the descriptor is the caller's. */
static int
draft_publish(struct draft *d, const struct place *p, unsigned flags, struct base_fail *fail)
{
	if (sys_sync(d->fd) < 0)
		return base_fail_errno(fail, errno, "cannot sync \"%s\"", p->path);
	if (renameat2(p->dir, d->name, p->dir, p->name, flags) < 0)
		return base_fail_errno(fail, errno, "cannot name \"%s\"", p->path);
	d->name[0] = '\0'; /* nothing to remove any more */
	return place_sync(p, fail);
}

/* Closes, and removes what has not got its name. The text of the first failure stays. */
static void
draft_drop(struct draft *d, const struct place *p)
{
	if (d->fd < 0)
		return;
	(void)sys_close(d->fd); /* synced before, or of no worth */
	d->fd = -1;
	if (d->name[0] != '\0')
		(void)unlinkat(p->dir, d->name, 0); /* at worst a file stays that nobody reads */
}

static int
file_put(int dirfd, const char *path, unsigned mode, struct base_span data, unsigned flags, struct base_fail *fail)
{
	struct draft d = {.fd = -1};
	struct place p;
	int rc;

	rc = place_init(&p, dirfd, path, fail);
	if (rc == GH_OK)
		rc = draft_open(&d, &p, mode, fail);
	if (rc == GH_OK)
		rc = draft_write(&d, &p, data, fail);
	if (rc == GH_OK)
		rc = draft_publish(&d, &p, flags, fail);
	draft_drop(&d, &p);
	place_done(&p);
	return rc;
}

int
base_file_create_new(int dirfd, const char *path, unsigned mode, struct base_span data, struct base_fail *fail)
{
	return file_put(dirfd, path, mode, data, RENAME_NOREPLACE, fail);
}

int
base_file_replace(int dirfd, const char *path, unsigned mode, struct base_span data, struct base_fail *fail)
{
	return file_put(dirfd, path, mode, data, 0, fail);
}

/* ---- directories ---- */

/* mkdir and, when it made something, sync of its parent. Somebody else having made it is fine. */
static int
directory_make(int dirfd, const char *path, unsigned mode, struct base_fail *fail)
{
	struct place p;
	int rc;

	if (mkdirat(dirfd, path, (mode_t)mode) < 0) {
		if (errno == EEXIST)
			return GH_OK;
		return base_fail_errno(fail, errno, "cannot create directory \"%s\"", path);
	}
	rc = place_init(&p, dirfd, path, fail);
	if (rc == GH_OK)
		rc = place_sync(&p, fail);
	place_done(&p);
	return rc;
}

/* mkdir -p; trailing slashes have been cut. */
static int
directory_make_all(int dirfd, char *path, unsigned mode, struct base_fail *fail)
{
	int rc = GH_OK;

	for (char *s = path + 1; rc == GH_OK && *s != '\0'; s++) {
		if (*s != '/' || s[-1] == '/')
			continue;
		*s = '\0'; /* the path up to here */
		rc = directory_make(dirfd, path, mode, fail);
		*s = '/';
	}
	return rc == GH_OK ? directory_make(dirfd, path, mode, fail) : rc;
}

static int
directory_open(int dirfd, const char *path, int *fd_r, struct base_fail *fail)
{
	int fd = sys_open(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int err = errno, rc;

	if (fd >= 0) {
		*fd_r = fd;
		return GH_OK;
	}
	rc = base_fail_errno(fail, err, "cannot open directory \"%s\"", path);
	if (err == ENOTDIR || err == ELOOP)
		base_fail_hint(fail, "a symbolic link is not followed here; give the real path");
	return rc;
}

int
base_file_dir(int dirfd, const char *path, unsigned mode, struct base_fail *fail)
{
	char *copy = base_mem_str(base_span_str(path));
	size_t n = strlen(copy);
	int fd = -1, rc;

	while (n > 1 && copy[n - 1] == '/') /* a slash at the end would make the kernel follow a link */
		copy[--n] = '\0';
	rc = directory_open(dirfd, copy, &fd, fail);
	if (rc == GH_E_MISSING && n > 0) {
		rc = directory_make_all(dirfd, copy, mode, fail);
		if (rc == GH_OK)
			rc = directory_open(dirfd, copy, &fd, fail);
	}
	free(copy);
	return rc == GH_OK ? fd : rc;
}

/* ---- reading ---- */

/* Opens a regular file for reading. O_NONBLOCK: a pipe put in its place must not hang us before we have looked at it. */
static int
read_open(int dirfd, const char *path, struct stat *st, int *fd_r, struct base_fail *fail)
{
	int fd = sys_open(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	int err = errno, rc = GH_OK;

	if (fd < 0) {
		rc = base_fail_errno(fail, err, "cannot open \"%s\"", path);
		if (err == ELOOP)
			base_fail_hint(fail, "a symbolic link is not followed here; give the real path");
		return rc;
	}
	if (fstat(fd, st) < 0)
		rc = base_fail_errno(fail, errno, "cannot look at \"%s\"", path);
	else if (!S_ISREG(st->st_mode))
		rc = base_fail_set(fail, GH_E_UNSUPPORTED, "\"%s\" is not a regular file", path);
	if (rc != GH_OK) {
		(void)sys_close(fd); /* only read */
		return rc;
	}
	*fd_r = fd;
	return GH_OK;
}

/* Appends until the end of the file. `size` comes from stat; it may be less than there is (it is 0 in /proc). Room for one
 * byte past the end is made at once, so that the end is seen without growing: growing would leave a copy of a secret in
 * freed memory. */
static int
read_all(int fd, const char *path, uint64_t size, struct base_buf *b, struct base_fail *fail)
{
	const size_t before = base_buf_len(b), left = b->max - before;
	uint8_t extra; /* where the byte goes that shows that the file is too long */
	int rc = GH_OK;

	if (size <= left && base_buf_reserve(b, size < left ? (size_t)size + 1 : left) == NULL)
		rc = base_fail_set(fail, GH_E_NOMEM, "no memory to read \"%s\"", path);
	else if (size > left)
		rc = base_fail_set(fail, GH_E_LIMIT, "\"%s\" is larger than %zu bytes", path, left);
	while (rc == GH_OK) {
		size_t room = b->cap - b->end, want = b->max - base_buf_len(b);
		size_t step = room > 0 ? room : READ_STEP;
		uint8_t *p = want > 0 ? base_buf_reserve(b, want < step ? want : step) : &extra;
		ssize_t n;

		if (p == NULL) {
			rc = base_fail_set(fail, GH_E_NOMEM, "no memory to read \"%s\"", path);
			break;
		}
		n = read(fd, p, want == 0 ? 1 : want < step ? want : step);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = base_fail_errno(fail, errno, "cannot read \"%s\"", path);
		else if (n > 0 && want == 0)
			rc = base_fail_set(fail, GH_E_LIMIT, "\"%s\" is larger than %zu bytes", path, left);
		if (n <= 0 || rc != GH_OK)
			break;
		base_buf_commit(b, (size_t)n);
	}
	if (rc != GH_OK) {
		b->end = b->start + before; /* nothing is appended on failure */
		b->bad = false;
	}
	return rc;
}

static int
file_read(int dirfd, const char *path, bool secret, struct base_buf *b, struct base_fail *fail)
{
	struct stat st;
	int fd = -1, rc;

	if (b->bad)
		return base_fail_set(fail, GH_E_LIMIT, "no room to read \"%s\"", path);
	rc = read_open(dirfd, path, &st, &fd, fail);
	if (rc != GH_OK)
		return rc;
	if (secret && (st.st_mode & 077) != 0) {
		rc = base_fail_set(fail, GH_E_DENIED, "\"%s\" may be read by others (mode %04o)", path, (unsigned)(st.st_mode & 07777));
		base_fail_hint(fail, "chmod 0600 \"%s\"", path);
	} else if (secret && st.st_uid != geteuid() && st.st_uid != 0) {
		rc = base_fail_set(fail, GH_E_DENIED, "\"%s\" belongs to user %u, not to us or root", path, (unsigned)st.st_uid);
	} else {
		rc = read_all(fd, path, st.st_size > 0 ? (uint64_t)st.st_size : 0, b, fail);
	}
	(void)sys_close(fd); /* only read */
	return rc;
}

int
base_file_read(int dirfd, const char *path, struct base_buf *b, struct base_fail *fail)
{
	return file_read(dirfd, path, false, b, fail);
}

int
base_file_read_secret(int dirfd, const char *path, struct base_buf *b, struct base_fail *fail)
{
	return file_read(dirfd, path, true, b, fail);
}

/* ---- create_same, remove ---- */

/* An existing file against what it should hold. It appeared under its name only when complete, but perhaps a crash came
 * before its directory was synced: that is made up for here. */
static int
same_check(int dirfd, const char *path, struct base_span data, struct base_fail *fail)
{
	struct base_buf b;
	struct place p;
	int rc;

	base_buf_init(&b, data.n);
	rc = base_file_read(dirfd, path, &b, fail);
	if (rc == GH_E_LIMIT || (rc == GH_OK && !base_span_eq(base_buf_span(&b), data)))
		rc = base_fail_set(fail, GH_E_EXISTS, "\"%s\" exists with other content", path);
	base_buf_done(&b);
	if (rc != GH_OK)
		return rc;
	rc = place_init(&p, dirfd, path, fail);
	if (rc == GH_OK)
		rc = place_sync(&p, fail);
	place_done(&p);
	return rc;
}

/* Makes the directories above path: with the file's mode plus search where it may be read. */
static int
same_parents(int dirfd, const char *path, unsigned mode, struct base_fail *fail)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	int fd;

	if (slash == NULL)
		return GH_OK;
	directory = directory_of(path, slash);
	fd = base_file_dir(dirfd, directory, mode | (mode & 0444) >> 2, fail);
	free(directory);
	if (fd < 0)
		return fd;
	(void)sys_close(fd); /* a directory, only opened */
	return GH_OK;
}

int
base_file_create_same(int dirfd, const char *path, unsigned mode, struct base_span data, struct base_fail *fail)
{
	int rc = same_check(dirfd, path, data, fail);

	if (rc != GH_E_MISSING)
		return rc;
	rc = base_file_create_new(dirfd, path, mode, data, fail);
	if (rc == GH_E_MISSING) {
		rc = same_parents(dirfd, path, mode, fail);
		if (rc == GH_OK)
			rc = base_file_create_new(dirfd, path, mode, data, fail);
	}
	if (rc == GH_E_EXISTS) /* somebody was faster */
		rc = same_check(dirfd, path, data, fail);
	return rc;
}

/* ---- replace_many ---- */

struct many {
	struct place place;
	struct draft draft;
};

/* Gives one file its temporary form and asks the kernel to begin writing it, so that the syncs that follow find it done. */
static int
many_write(struct many *m, int dirfd, unsigned mode, const struct base_file_item *item, struct base_fail *fail)
{
	int rc = place_init(&m->place, dirfd, item->path, fail);

	if (rc == GH_E_MISSING) {
		rc = same_parents(dirfd, item->path, mode, fail);
		if (rc == GH_OK)
			rc = place_init(&m->place, dirfd, item->path, fail);
	}
	if (rc == GH_OK)
		rc = draft_open(&m->draft, &m->place, mode, fail);
	if (rc == GH_OK)
		rc = draft_write(&m->draft, &m->place, item->data, fail);
	if (rc == GH_OK)
		(void)sync_file_range(m->draft.fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint only: the fsync decides */
	return rc;
}

/* Whether an earlier item lies in the same directory by name; two names of one directory cost a sync, no more. */
static bool
many_dir_seen(const struct base_file_item *item, size_t i)
{
	const char *slash = strrchr(item[i].path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - item[i].path) + 1;

	for (size_t k = 0; k < i; k++) {
		const char *other = strrchr(item[k].path, '/');

		if ((other == NULL ? 0 : (size_t)(other - item[k].path) + 1) == n && memcmp(item[k].path, item[i].path, n) == 0)
			return true;
	}
	return false;
}

int
base_file_replace_many(int dirfd, unsigned mode, const struct base_file_item *item, size_t count, struct base_fail *fail)
{
	struct many m[BASE_FILE_MANY];
	size_t made = 0;
	int rc = GH_OK;

	assert(count <= BASE_FILE_MANY);
	while (rc == GH_OK && made < count) {
		m[made] = (struct many){.place = {.dir = -1}, .draft = {.fd = -1}};
		rc = many_write(&m[made], dirfd, mode, &item[made], fail);
		made++;
	}
	for (size_t i = 0; rc == GH_OK && i < count; i++)
		if (sys_sync(m[i].draft.fd) < 0)
			rc = base_fail_errno(fail, errno, "cannot sync \"%s\"", item[i].path);
	for (size_t i = 0; rc == GH_OK && i < count; i++) {
		if (renameat2(m[i].place.dir, m[i].draft.name, m[i].place.dir, m[i].place.name, 0) < 0)
			rc = base_fail_errno(fail, errno, "cannot name \"%s\"", item[i].path);
		else
			m[i].draft.name[0] = '\0'; /* nothing to remove any more */
	}
	for (size_t i = 0; rc == GH_OK && i < count; i++)
		if (!many_dir_seen(item, i))
			rc = place_sync(&m[i].place, fail);
	for (size_t i = 0; i < made; i++) {
		draft_drop(&m[i].draft, &m[i].place);
		place_done(&m[i].place);
	}
	return rc;
}

int
base_file_remove(int dirfd, const char *path, struct base_fail *fail)
{
	struct place p;
	int rc = place_init(&p, dirfd, path, fail);

	if (rc == GH_E_MISSING)
		return GH_OK; /* no directory, no file */
	if (rc != GH_OK)
		return rc;
	/* Synced even when absent: an earlier removal may not have been. */
	if (unlinkat(p.dir, p.name, 0) < 0 && errno != ENOENT)
		rc = base_fail_errno(fail, errno, "cannot remove \"%s\"", path);
	else
		rc = place_sync(&p, fail);
	place_done(&p);
	return rc;
}

/* ---- journal segments ---- */

int
base_file_seg_create(int dirfd, const char *path, unsigned mode, uint64_t size, struct base_file_seg *seg_r, struct base_fail *fail)
{
	struct draft d = {.fd = -1};
	struct place p;
	int rc;

	rc = place_init(&p, dirfd, path, fail);
	if (rc == GH_OK)
		rc = draft_open(&d, &p, mode, fail);
	/* Real zeros: fallocate would leave unwritten extents, whose first overwrite is a metadata change again. */
	for (uint64_t left = size; rc == GH_OK && left > 0;) {
		size_t n = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);

		rc = draft_write(&d, &p, base_span(zeros, n), fail);
		left -= n;
	}
	if (rc == GH_OK)
		rc = draft_publish(&d, &p, RENAME_NOREPLACE, fail);
	if (rc == GH_OK) {
		*seg_r = (struct base_file_seg){d.fd, size, 0};
		d.fd = -1; /* the segment's now */
	}
	draft_drop(&d, &p);
	place_done(&p);
	return rc;
}

int
base_file_seg_open(int dirfd, const char *path, struct base_file_seg *seg_r, struct base_fail *fail)
{
	int fd = sys_open(dirfd, path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	int rc = GH_OK;

	if (fd < 0)
		return base_fail_errno(fail, errno, "cannot open \"%s\"", path);
	if (fstat(fd, &st) < 0)
		rc = base_fail_errno(fail, errno, "cannot look at \"%s\"", path);
	else if (!S_ISREG(st.st_mode))
		rc = base_fail_set(fail, GH_E_UNSUPPORTED, "\"%s\" is not a regular file", path);
	if (rc != GH_OK) {
		(void)sys_close(fd); /* nothing was written */
		return rc;
	}
	*seg_r = (struct base_file_seg){fd, (uint64_t)st.st_size, 0};
	return GH_OK;
}

int
base_file_seg_write(struct base_file_seg *seg, struct base_span data, struct base_fail *fail)
{
	size_t at = 0;

	if (seg->pos > seg->size || data.n > seg->size - seg->pos)
		return base_fail_set(fail, GH_E_LIMIT, "the segment has no room for %zu bytes", data.n);
	while (at < data.n) {
		ssize_t n = pwrite(seg->fd, data.p + at, data.n - at, (off_t)(seg->pos + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return base_fail_errno(fail, n < 0 ? errno : EIO, "cannot write to the segment");
		at += (size_t)n;
	}
	seg->pos += data.n; /* only when all is written: a failed write can be repeated at the same place */
	return GH_OK;
}

int
base_file_seg_sync(struct base_file_seg *seg, struct base_fail *fail)
{
	int rc;

	do
		rc = fdatasync(seg->fd);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return base_fail_errno(fail, errno, "cannot sync the segment");
	return GH_OK;
}

void
base_file_seg_close(struct base_file_seg *seg)
{
	if (seg->fd >= 0)
		(void)sys_close(seg->fd); /* what matters was synced */
	seg->fd = -1;
}
