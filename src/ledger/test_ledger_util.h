/* test_ledger_util: a temporary folder, a log in it, entries that tell their index. For the tests of ledger and keeper. */
#ifndef TEST_LEDGER_UTIL_H
#define TEST_LEDGER_UTIL_H

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base_crypt.h"
#include "base_file.h"
#include "ledger_log.h"
#include "ledger_read.h"
#include "ledger_tile.h"
#include "ledger_verify.h"

#define ORIGIN "gatehouse.example/ledger/test"

struct place {
	char root[64];
	char dir[80];
	char head[80];
	struct ledger_signer signer;
};

static inline void
place_init(struct place *p)
{
	static const uint8_t seed[32] = "a seed for tests, nothing more.";

	base_crypt_init();
	(void)snprintf(p->root, sizeof p->root, "/tmp/test-ledger-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	(void)snprintf(p->dir, sizeof p->dir, "%s/ledger", p->root);
	(void)snprintf(p->head, sizeof p->head, "%s/ledger.head", p->root);
	assert_int_equal(ledger_signer_make(base_span_str(ORIGIN), seed, &p->signer, NULL), 0);
}

static inline int
place_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline void
place_remove(const char *path)
{
	(void)nftw(path, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
place_done(struct place *p)
{
	place_remove(p->root);
}

/* cp -a; the paths are our own. */
static inline void
place_copy(const char *from, const char *to)
{
	char cmd[512];

	(void)snprintf(cmd, sizeof cmd, "cp -a '%s' '%s'", from, to);
	assert_int_equal(system(cmd), 0);
}

static inline int
place_open(const struct place *p, uint64_t segment_size, bool flush, struct ledger_log **log_r, struct base_fail *fail)
{
	const struct ledger_log_options o = {.dir = p->dir, .head = p->head, .signer = &p->signer, .flush = flush, .segment_size = segment_size};

	return ledger_log_open(&o, log_r, fail);
}

/* The entry with this index: its length varies with it. */
static inline struct base_span
entry_text(uint64_t index, char dst[400])
{
	int n = snprintf(dst, 400, "{\"index\":%llu,\"pad\":\"%.*s\"}", (unsigned long long)index, (int)(index * 7 % 301),
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");

	return base_span(dst, (size_t)n);
}

/* Appends n entries in one batch, each telling the index that it must get. */
static inline int
append(struct ledger_log *log, uint64_t n, struct base_fail *fail)
{
	uint64_t from = ledger_log_size(log);
	struct base_buf b;
	char text[400];
	int r;

	base_buf_init(&b, 64u << 20);
	for (uint64_t i = 0; i < n; i++)
		ledger_bundle_put(&b, entry_text(from + i, text));
	r = ledger_log_append(log, base_buf_span(&b), n, fail);
	base_buf_done(&b);
	return r;
}

/* Reads everything and checks that entry i says i; returns how many there are. */
static inline uint64_t
read_all_entries(const char *dir, bool tail)
{
	struct ledger_read *r;
	struct base_fail fail = {.text = ""};
	struct base_span e;
	uint64_t index, n = 0;
	char text[400];
	int rc;

	if (ledger_read_open(dir, tail, &r, &fail) != 0)
		fail_msg("%s", fail.text);
	while ((rc = ledger_read_next(r, &index, &e, &fail)) == 1) {
		assert_true(index == n);
		assert_true(base_span_eq(e, entry_text(n, text)));
		n++;
	}
	if (rc != 0)
		fail_msg("%s", fail.text);
	ledger_read_free(&r);
	return n;
}

static inline void
verify_ok(const struct place *p, uint64_t size)
{
	struct ledger_verify_report rep;
	struct base_fail fail = {.text = ""};

	if (ledger_verify(p->dir, &p->signer.vkey, NULL, NULL, &rep, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_true(rep.size == size && rep.entries == size && rep.kind == LEDGER_VERIFY_OK);
}

/* Path of a tool in the source tree. __FILE__ is relative to the build folder, two above this program. */
static inline const char *
tool_path(const char *name, char dst[1024])
{
	char exe[600] = "", file[] = __FILE__;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	assert_true(n > 0);
	for (int i = 0; i < 2; i++)
		*strrchr(exe, '/') = '\0';
	for (int i = 0; i < 3; i++) { /* the file, src/ledger */
		char *slash = strrchr(file, '/');

		assert_non_null(slash);
		*slash = '\0';
	}
	if (file[0] == '/')
		(void)snprintf(dst, 1024, "%s/tools/%s", file, name);
	else
		(void)snprintf(dst, 1024, "%s/%s/tools/%s", exe, file, name);
	return dst;
}

static inline void
poke(const char *dir, const char *name, off_t at, const void *bytes, size_t n)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	(void)close(fd);
}

static inline uint8_t
peek_byte(const char *dir, const char *name, off_t at)
{
	char path[256];
	uint8_t v = 0;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &v, 1, at), 1);
	(void)close(fd);
	return v;
}

static inline void
flip(const char *dir, const char *name, off_t at)
{
	uint8_t v = peek_byte(dir, name, at) ^ 1;

	poke(dir, name, at, &v, 1);
}

#endif
