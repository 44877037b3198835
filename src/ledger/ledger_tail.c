/* ledger_tail: the journal as a sequence of entries.
 * Input: the journal's folder, in whatever state a crash or a failing disk left it, perhaps being written at this moment by
 * another thread or process. Only opens files for reading. Never decides what to do about damage: says so.
 */
#include "ledger_tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_mem.h"
#include "base_num.h"

#define WINDOW (256u * 1024u)

struct file {
	uint64_t serial;
	int state; /* as ledger_segment_decode */
	struct ledger_segment seg;
};

struct ledger_tail {
	int dirfd; /* borrow */
	struct file *file; /* own: all files by serial */
	size_t nfile, cap;
	size_t *used; /* own: indices in file[] of the segments in use */
	size_t nused;
	/* position */
	int fd;           /* own: segment being read, -1 = none */
	uint64_t serial;  /* of it */
	size_t at;        /* its index in used[] */
	uint64_t offset;  /* in the file, of the first unread byte of win */
	uint64_t seq;     /* of the next record */
	uint32_t chain;   /* its prev */
	uint32_t peek_crc;
	size_t peek_size; /* 0 = nothing peeked */
	struct base_buf win;
};

const char *
ledger_tail_name(uint64_t serial, char dst[LEDGER_SEGMENT_NAME])
{
	for (int i = 15; i >= 0; i--) {
		dst[i] = (char)('0' + serial % 10);
		serial /= 10;
	}
	dst[16] = '\0';
	return dst;
}

struct ledger_tail *
ledger_tail_new(int dirfd)
{
	struct ledger_tail *t = base_mem_new(1, sizeof *t);

	t->dirfd = dirfd;
	t->fd = -1;
	base_buf_init(&t->win, WINDOW + LEDGER_RECORD_MAX);
	return t;
}

static void
leave(struct ledger_tail *t)
{
	if (t->fd >= 0)
		(void)close(t->fd); /* only read */
	t->fd = -1;
	t->peek_size = 0;
	base_buf_clear(&t->win);
}

void
ledger_tail_free(struct ledger_tail **t)
{
	if (*t == NULL)
		return;
	leave(*t);
	base_buf_done(&(*t)->win);
	free((*t)->file);
	free((*t)->used);
	free(*t);
	*t = NULL;
}

static int
open_segment(const struct ledger_tail *t, uint64_t serial, int *fd_r, struct base_fail *fail)
{
	char name[LEDGER_SEGMENT_NAME];
	int fd;

	do
		fd = openat(t->dirfd, ledger_tail_name(serial, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return base_fail_errno(fail, errno, "cannot open journal segment %s", name);
	*fd_r = fd;
	return 0;
}

/* Reads up to n bytes at offset; fewer only at the end of the file. */
static int
read_at(int fd, uint64_t offset, uint8_t *dst, size_t n, size_t *got_r, struct base_fail *fail)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = pread(fd, dst + got, n - got, (off_t)(offset + got));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return base_fail_errno(fail, errno, "cannot read the journal");
		if (k == 0)
			break;
		got += (size_t)k;
	}
	*got_r = got;
	return 0;
}

/* ---- the list of segments ---- */

static int
add_file(struct ledger_tail *t, uint64_t serial, struct base_fail *fail)
{
	uint8_t head[LEDGER_SEGMENT_HEADER];
	struct file f = {.serial = serial};
	size_t got = 0;
	int fd = -1, r;

	r = open_segment(t, serial, &fd, fail);
	if (r == GH_E_MISSING)
		return 0; /* removed since the folder was listed */
	if (r == 0)
		r = read_at(fd, 0, head, sizeof head, &got, fail);
	if (fd >= 0)
		(void)close(fd); /* only read */
	if (r < 0)
		return r;
	f.state = ledger_segment_decode(base_span(head, got), &f.seg);
	if (f.state == 1 && f.seg.serial != serial)
		f.state = GH_E_PARSE; /* somebody renamed it */
	if (t->nfile == t->cap) {
		size_t cap = t->cap == 0 ? 16 : t->cap * 2;
		struct file *grown = base_mem_grow(t->file, cap, sizeof *t->file);

		if (grown == NULL)
			return base_fail_set(fail, GH_E_NOMEM, "no memory for the list of journal segments");
		t->file = grown;
		t->cap = cap;
	}
	t->file[t->nfile++] = f;
	return 0;
}

static int
by_serial(const void *a, const void *b)
{
	uint64_t x = ((const struct file *)a)->serial, y = ((const struct file *)b)->serial;

	return x < y ? -1 : x > y;
}

static int
list_files(struct ledger_tail *t, struct base_fail *fail)
{
	int fd = openat(t->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		r = base_fail_errno(fail, errno, "cannot list the journal");
		if (fd >= 0)
			(void)close(fd); /* only read */
		return r;
	}
	t->nfile = 0;
	while (r == 0 && (errno = 0, e = readdir(dir)) != NULL) {
		uint64_t serial;

		if (strlen(e->d_name) == LEDGER_SEGMENT_NAME - 1 && base_num_u64(base_span_str(e->d_name), 1, UINT64_MAX, &serial) == 0)
			r = add_file(t, serial, fail);
	}
	if (r == 0 && errno != 0)
		r = base_fail_errno(fail, errno, "cannot list the journal");
	(void)closedir(dir); /* only read */
	if (t->nfile > 1)
		qsort(t->file, t->nfile, sizeof *t->file, by_serial);
	return r;
}

int
ledger_tail_refresh(struct ledger_tail *t, struct base_fail *fail)
{
	bool here = false;
	int r = list_files(t, fail);
	size_t *used;

	if (r < 0)
		return r;
	used = base_mem_grow(t->used, t->nfile + 1, sizeof *used);
	if (used == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for the list of journal segments");
	t->used = used;
	t->nused = 0;
	for (size_t i = 0; i < t->nfile; i++) {
		if (t->file[i].state != 1)
			continue;
		if (t->nused > 0 && t->file[i].seg.first < ledger_tail_segment(t, t->nused - 1).first)
			return base_fail_set(fail, GH_E_VERIFY, "journal segment %llu begins before the one in front of it",
				(unsigned long long)t->file[i].serial);
		if (t->fd >= 0 && t->file[i].serial == t->serial) {
			t->at = t->nused;
			here = true;
		}
		t->used[t->nused++] = i;
	}
	t->peek_size = 0;
	base_buf_clear(&t->win);
	if (!here)
		leave(t); /* the segment is gone: peek looks for the position in what is there now */
	return 0;
}

size_t
ledger_tail_count(const struct ledger_tail *t)
{
	return t->nused;
}

struct ledger_segment
ledger_tail_segment(const struct ledger_tail *t, size_t i)
{
	return t->file[t->used[i]].seg;
}

size_t
ledger_tail_files(const struct ledger_tail *t)
{
	return t->nfile;
}

uint64_t
ledger_tail_file(const struct ledger_tail *t, size_t i)
{
	return t->file[i].serial;
}

/* ---- reading ---- */

static int
enter(struct ledger_tail *t, size_t at, struct base_fail *fail)
{
	struct ledger_segment seg = ledger_tail_segment(t, at);
	int fd = -1, r = open_segment(t, seg.serial, &fd, fail);

	if (r < 0)
		return r;
	leave(t);
	t->fd = fd;
	t->serial = seg.serial;
	t->at = at;
	t->offset = LEDGER_SEGMENT_HEADER;
	t->seq = seg.first;
	t->chain = seg.crc;
	return 0;
}

/* Fills the window up to `want` unread bytes; fewer at the end of the file. */
static int
fill(struct ledger_tail *t, size_t want, struct base_fail *fail)
{
	size_t have = base_buf_len(&t->win), got;
	uint8_t *p;
	int r;

	if (have >= want)
		return 0;
	p = base_buf_reserve(&t->win, want - have);
	if (p == NULL)
		return base_fail_set(fail, GH_E_NOMEM, "no memory to read the journal");
	r = read_at(t->fd, t->offset + have, p, want - have, &got, fail);
	if (r == 0)
		base_buf_commit(&t->win, got);
	return r;
}

/* 1 the record that must come next, 0 something else. Reads more of the file when the window may be too short. */
static int
decode(struct ledger_tail *t, struct ledger_record *rec, struct base_fail *fail)
{
	int r = ledger_record_decode(base_buf_span(&t->win), rec, &t->peek_size);

	if (r == 0) {
		int f = fill(t, WINDOW, fail);

		if (f < 0)
			return f;
		r = ledger_record_decode(base_buf_span(&t->win), rec, &t->peek_size);
	}
	if (r == 1 && rec->seq == t->seq && rec->prev == t->chain) {
		t->peek_crc = rec->crc;
		return 1;
	}
	t->peek_size = 0;
	return 0;
}

/* Takes the position to the segment that holds t->seq. 1: there is none. */
static int
locate(struct ledger_tail *t, struct base_fail *fail)
{
	uint64_t seq = t->seq;

	if (t->nused == 0)
		return 1;
	for (size_t i = t->nused; i-- > 0;)
		if (ledger_tail_segment(t, i).first <= seq)
			return enter(t, i, fail);
	return base_fail_set(fail, GH_E_MISSING, "the journal begins with entry %llu, after entry %llu",
		(unsigned long long)ledger_tail_segment(t, 0).first, (unsigned long long)seq);
}

int
ledger_tail_seek(struct ledger_tail *t, uint64_t seq, struct base_fail *fail)
{
	struct ledger_record rec;
	int r;

	leave(t);
	t->seq = seq;
	r = locate(t, fail);
	while (r == 0 && t->seq < seq) {
		r = ledger_tail_peek(t, &rec, fail);
		if (r < 0)
			return r;
		if (r == 0)
			return 1;
		ledger_tail_advance(t);
		r = 0;
	}
	return r;
}

int
ledger_tail_peek(struct ledger_tail *t, struct ledger_record *r_r, struct base_fail *fail)
{
	size_t next = t->at;
	int r;

	if (t->fd < 0) {
		uint64_t seq = t->seq;

		r = ledger_tail_seek(t, seq, fail);
		if (r != 0) { /* stay where we were asked to be: the journal may come to it later */
			leave(t);
			t->seq = seq;
			return r < 0 ? r : 0;
		}
		next = t->at;
	}
	/* The last segment that begins at or before the position is the one that counts. */
	while (next + 1 < t->nused && ledger_tail_segment(t, next + 1).first <= t->seq)
		next++;
	if (next != t->at) {
		r = enter(t, next, fail);
		if (r < 0)
			return r;
	}
	r = decode(t, r_r, fail);
	if (r == 0) { /* the window may be older than the record */
		base_buf_clear(&t->win);
		r = decode(t, r_r, fail);
	}
	if (r == 0)
		base_buf_clear(&t->win);
	if (r == 0 && t->at + 1 < t->nused)
		return base_fail_set(fail, GH_E_VERIFY, "journal segment %llu ends before entry %llu; the next begins with entry %llu",
			(unsigned long long)t->serial, (unsigned long long)t->seq,
			(unsigned long long)ledger_tail_segment(t, t->at + 1).first);
	return r;
}

void
ledger_tail_advance(struct ledger_tail *t)
{
	base_buf_consume(&t->win, t->peek_size);
	t->offset += t->peek_size;
	t->peek_size = 0;
	t->chain = t->peek_crc;
	t->seq++;
}

uint64_t
ledger_tail_seq(const struct ledger_tail *t)
{
	return t->seq;
}

/* Looks through one file from offset on for a proof that entry `missing` had been durable. */
static int
check_rest(const struct ledger_tail *t, uint64_t serial, uint64_t offset, uint64_t missing, struct base_fail *fail)
{
	struct base_buf b;
	struct stat st;
	size_t n, got = 0;
	uint8_t *p;
	int fd = -1, r = open_segment(t, serial, &fd, fail);

	if (r < 0)
		return r;
	base_buf_init(&b, LEDGER_SEGMENT_MAX);
	if (fstat(fd, &st) < 0)
		r = base_fail_errno(fail, errno, "cannot look at a journal segment");
	n = r == 0 && (uint64_t)st.st_size > offset ? (size_t)((uint64_t)st.st_size - offset) : 0;
	p = r == 0 && n > 0 ? base_buf_reserve(&b, n) : NULL;
	if (n > 0 && p == NULL)
		r = base_fail_set(fail, GH_E_NOMEM, "no memory to read journal segment %llu", (unsigned long long)serial);
	if (p != NULL)
		r = read_at(fd, offset, p, n, &got, fail);
	if (r == 0 && got > 0 && ledger_journal_hole(base_span(p, got), missing)) {
		r = base_fail_set(fail, GH_E_VERIFY, "journal segment %llu is damaged: entry %llu is unreadable at byte %llu though later "
			"entries prove that it was recorded", (unsigned long long)serial, (unsigned long long)missing,
			(unsigned long long)offset);
		base_fail_hint(fail, "restore the segment from a copy; do not remove it");
	}
	base_buf_done(&b);
	(void)close(fd); /* only read */
	return r;
}

int
ledger_tail_check_end(struct ledger_tail *t, struct base_fail *fail)
{
	uint64_t last = t->fd >= 0 ? t->serial : 0;
	int r = t->fd >= 0 ? check_rest(t, t->serial, t->offset, t->seq, fail) : 0;

	/* A later file with a damaged header: torn, unless its records say otherwise. */
	for (size_t i = 0; r == 0 && i < t->nfile; i++)
		if (t->file[i].serial > last && t->file[i].state < 0)
			r = check_rest(t, t->file[i].serial, 0, t->seq, fail);
	return r;
}
