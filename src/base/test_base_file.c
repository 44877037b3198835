/* Tests of base_file: the promises of each verb, real limits (RLIMIT_FSIZE, a full file system, long names), and every system
 * call of every verb failing once.
 * This file defines openat, write, fsync and the like itself, so that the library's calls come here first; the real call is made
 * with syscall(2). When `fault.at` counts down to zero the call fails with `fault.err` instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base_crypt.h"
#include "base_file.h"

#include "test_base_file_calls.h"

/* ---- a directory for each test ---- */

static char root[] = "/tmp/test_base_file.XXXXXX";
static int root_fd = -1;

static int
setup(void **state)
{
	(void)state;
	memset(&fault, 0, sizeof(fault));
	memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
	if (mkdtemp(root) == NULL)
		return -1;
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -1 : 0;
}

/* Names under the directory fd (own: closed here), counted; those that start with `.tmp.` are counted apart. */
static int
count_names(int fd, int *temporary_r)
{
	DIR *d = fdopendir(fd);
	int n = 0;

	*temporary_r = 0;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		*temporary_r += strncmp(e->d_name, ".tmp.", 5) == 0;
	}
	assert_int_equal(closedir(d), 0);
	return n;
}

static void
remove_tree(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d;

	if (fd >= 0 && (d = fdopendir(fd)) != NULL) {
		for (struct dirent *e; (e = readdir(d)) != NULL;)
			if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
				remove_tree(fd, e->d_name);
		(void)closedir(d);
		(void)unlinkat(dirfd, name, AT_REMOVEDIR); /* the tests' own rubbish */
		return;
	}
	(void)unlinkat(dirfd, name, 0); /* as above */
}

static int
teardown(void **state)
{
	int temporary = 0;

	(void)state;
	memset(&fault, 0, sizeof(fault));
	(void)count_names(openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &temporary);
	(void)close(root_fd); /* a directory */
	remove_tree(AT_FDCWD, root);
	return temporary == 0 ? 0 : -1;
}

static int
open_files(void)
{
	int n, temporary;

	n = count_names(open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &temporary);
	return n;
}

/* The content of a file, or NULL; valid until the next call. */
static const char *
content(const char *path)
{
	static char text[1000];
	struct base_buf b;
	const char *result = NULL;

	base_buf_init(&b, sizeof(text) - 1);
	if (base_file_read(root_fd, path, &b, NULL) == GH_OK) {
		memcpy(text, base_buf_span(&b).p, base_buf_len(&b));
		text[base_buf_len(&b)] = '\0';
		result = text;
	}
	base_buf_done(&b);
	return result;
}

static void
put_raw(const char *path, const char *text, unsigned mode)
{
	int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

/* ---- what each verb promises ---- */

static void
test_create(void **state)
{
	struct base_fail f;
	struct stat st;

	(void)state;
	assert_int_equal(base_file_create_new(root_fd, "a", 0600, base_span_str("one"), &f), GH_OK);
	assert_string_equal(content("a"), "one");
	assert_int_equal(fstatat(root_fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(base_file_create_new(root_fd, "a", 0600, base_span_str("two"), &f), GH_E_EXISTS);
	assert_string_equal(f.text, "cannot name \"a\": File exists");
	assert_string_equal(content("a"), "one");
	assert_int_equal(base_file_create_new(root_fd, "empty", 0600, base_span(NULL, 0), &f), GH_OK);
	assert_string_equal(content("empty"), "");
	assert_int_equal(base_file_create_new(root_fd, "no/a", 0600, base_span_str("x"), &f), GH_E_MISSING);
	assert_string_equal(f.text, "cannot open the directory of \"no/a\": No such file or directory");
	assert_int_equal(base_file_create_new(root_fd, "a/b", 0600, base_span_str("x"), &f), GH_E_IO); /* ENOTDIR */
	assert_int_equal(base_file_create_new(root_fd, "x/", 0600, base_span_str("x"), &f), GH_E_PARSE);
	assert_int_equal(base_file_create_new(root_fd, "", 0600, base_span_str("x"), &f), GH_E_PARSE);
	assert_int_equal(base_file_create_new(root_fd, "..", 0600, base_span_str("x"), &f), GH_E_PARSE);
	/* a link that leads nowhere is a name too, and is not followed */
	assert_int_equal(symlinkat("target", root_fd, "link"), 0);
	assert_int_equal(base_file_create_new(root_fd, "link", 0600, base_span_str("x"), &f), GH_E_EXISTS);
	assert_null(content("target"));
}

static void
test_create_same(void **state)
{
	struct base_fail f;
	struct stat st;

	(void)state;
	assert_int_equal(base_file_create_same(root_fd, "x/y/z", 0640, base_span_str("one"), &f), GH_OK);
	assert_string_equal(content("x/y/z"), "one");
	assert_int_equal(fstatat(root_fd, "x/y", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(base_file_create_same(root_fd, "x/y/z", 0640, base_span_str("one"), &f), GH_OK);
	for (size_t i = 0; i < 4; i++) {
		static const char *const other[] = {"", "on", "onf", "one "};

		assert_int_equal(base_file_create_same(root_fd, "x/y/z", 0640, base_span_str(other[i]), &f), GH_E_EXISTS);
		assert_string_equal(f.text, "\"x/y/z\" exists with other content");
	}
	assert_string_equal(content("x/y/z"), "one");
	assert_int_equal(base_file_create_same(root_fd, "x/y/z/q", 0640, base_span_str("x"), &f), GH_E_IO);
	assert_int_equal(base_file_create_same(root_fd, "plain", 0600, base_span(NULL, 0), &f), GH_OK);
	assert_int_equal(base_file_create_same(root_fd, "plain", 0600, base_span(NULL, 0), &f), GH_OK);
	assert_int_equal(base_file_create_same(root_fd, "x/y", 0600, base_span_str("x"), &f), GH_E_UNSUPPORTED);
}

static void
test_replace(void **state)
{
	struct base_fail f;
	char name[300], path[100];

	(void)state;
	assert_int_equal(base_file_replace(root_fd, "a", 0600, base_span_str("one"), &f), GH_OK);
	assert_int_equal(base_file_replace(root_fd, "a", 0600, base_span_str("two"), &f), GH_OK);
	assert_string_equal(content("a"), "two");
	/* a link is replaced, what it points to is not touched */
	assert_int_equal(symlinkat("a", root_fd, "link"), 0);
	assert_int_equal(base_file_replace(root_fd, "link", 0600, base_span_str("three"), &f), GH_OK);
	assert_string_equal(content("a"), "two");
	assert_string_equal(content("link"), "three");
	assert_int_equal(mkdirat(root_fd, "d", 0700), 0);
	assert_int_equal(base_file_replace(root_fd, "d", 0600, base_span_str("x"), &f), GH_E_IO); /* EISDIR */
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(base_file_replace(root_fd, name, 0600, base_span_str("x"), &f), GH_E_IO); /* ENAMETOOLONG */
	(void)snprintf(path, sizeof(path), "%s/abs", root);
	assert_int_equal(base_file_replace(AT_FDCWD, path, 0600, base_span_str("abs"), &f), GH_OK);
	assert_string_equal(content("abs"), "abs");
}

static void
test_replace_many(void **state)
{
	struct base_file_item item[BASE_FILE_MANY];
	char path[BASE_FILE_MANY][20];
	struct base_fail f;

	(void)state;
	assert_int_equal(base_file_replace_many(root_fd, 0600, NULL, 0, &f), GH_OK);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < BASE_FILE_MANY; i++) {
			(void)snprintf(path[i], sizeof(path[i]), "%s%u/%u", i % 3 == 0 ? "x/y" : "z", i % 5, i);
			item[i] = (struct base_file_item){path[i], base_span_str(round == 0 ? "one" : "two")};
		}
		assert_int_equal(base_file_replace_many(root_fd, 0640, item, BASE_FILE_MANY, &f), GH_OK);
		for (unsigned i = 0; i < BASE_FILE_MANY; i++)
			assert_string_equal(content(path[i]), round == 0 ? "one" : "two");
	}
	/* one that cannot be written stops all before any has changed */
	item[60].path = "z1/1/no";
	item[3].data = base_span_str("three");
	assert_int_equal(base_file_replace_many(root_fd, 0640, item, BASE_FILE_MANY, &f), GH_E_IO); /* ENOTDIR */
	assert_string_equal(content(path[3]), "two");
	item[60].path = "";
	assert_int_equal(base_file_replace_many(root_fd, 0640, item, BASE_FILE_MANY, &f), GH_E_PARSE);
}

static void
test_remove(void **state)
{
	struct base_fail f;

	(void)state;
	put_raw("a", "x", 0600);
	assert_int_equal(base_file_remove(root_fd, "a", &f), GH_OK);
	assert_null(content("a"));
	assert_int_equal(base_file_remove(root_fd, "a", &f), GH_OK);
	assert_int_equal(base_file_remove(root_fd, "no/a", &f), GH_OK);
	assert_int_equal(mkdirat(root_fd, "d", 0700), 0);
	assert_int_equal(base_file_remove(root_fd, "d", &f), GH_E_IO); /* EISDIR */
}

static void
test_directory(void **state)
{
	static const char *const paths[] = {"a/b/c", "a/b/c", "a/b/c///", "a//e/./f", ".", "./g"};
	struct base_fail f;
	char path[100];
	int fd;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(paths); i++) {
		fd = base_file_dir(root_fd, paths[i], 0700, &f);
		assert_true(fd >= 0);
		assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		assert_int_equal(close(fd), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/deep/er", root);
	fd = base_file_dir(AT_FDCWD, path, 0700, &f);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	fd = base_file_dir(AT_FDCWD, "/", 0700, &f);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(base_file_dir(root_fd, "", 0700, &f), GH_E_MISSING);
	put_raw("file", "x", 0600);
	assert_int_equal(base_file_dir(root_fd, "file", 0700, &f), GH_E_IO);
	assert_int_equal(base_file_dir(root_fd, "file/x", 0700, &f), GH_E_IO);
	assert_int_equal(symlinkat("a", root_fd, "link"), 0);
	assert_int_equal(base_file_dir(root_fd, "link", 0700, &f), GH_E_IO);
	assert_true(f.hint[0] != '\0');
	assert_int_equal(base_file_dir(root_fd, "link/", 0700, &f), GH_E_IO);
	fd = base_file_dir(root_fd, "link/b", 0700, &f); /* before the last component links are followed */
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static void
test_read(void **state)
{
	struct base_fail f;
	struct base_buf b;

	(void)state;
	put_raw("a", "0123456789", 0600);
	for (size_t max = 0; max < 20; max++) { /* with two bytes in the buffer already */
		int want = max < 2 ? -100 : max < 12 ? GH_E_LIMIT : GH_OK;

		if (want == -100)
			continue;
		base_buf_init(&b, max);
		base_buf_str(&b, "->");
		assert_int_equal(base_file_read(root_fd, "a", &b, &f), want);
		assert_true(base_span_is(base_buf_span(&b), want == GH_OK ? "->0123456789" : "->"));
		assert_false(b.bad);
		base_buf_done(&b);
	}
	base_buf_init(&b, 1 << 20);
	assert_int_equal(base_file_read(root_fd, "none", &b, &f), GH_E_MISSING);
	assert_string_equal(f.text, "cannot open \"none\": No such file or directory");
	assert_int_equal(base_file_read(root_fd, ".", &b, &f), GH_E_UNSUPPORTED);
	assert_int_equal(mkfifoat(root_fd, "pipe", 0600), 0);
	assert_int_equal(base_file_read(root_fd, "pipe", &b, &f), GH_E_UNSUPPORTED); /* and does not hang */
	assert_int_equal(symlinkat("a", root_fd, "link"), 0);
	assert_int_equal(base_file_read(root_fd, "link", &b, &f), GH_E_IO); /* ELOOP */
	assert_int_equal(base_file_read(AT_FDCWD, "/proc/self/status", &b, &f), GH_OK); /* its size is said to be 0 */
	assert_true(base_buf_len(&b) > 100);
	base_buf_done(&b);
	/* memory is asked for once: a secret is never copied */
	for (size_t n = 255; n < 200000; n = n * 3 + 1) {
		char *text = malloc(n + 1);

		assert_non_null(text);
		memset(text, 'k', n);
		text[n] = '\0';
		put_raw("key", text, 0600);
		base_buf_init(&b, 1 << 20);
		assert_int_equal(base_file_read_secret(root_fd, "key", &b, &f), GH_OK);
		assert_int_equal(b.cap, n + 1);
		assert_int_equal(base_buf_len(&b), n);
		base_buf_done(&b);
		base_buf_init(&b, n); /* the same when it fills the buffer to the last byte */
		assert_int_equal(base_file_read_secret(root_fd, "key", &b, &f), GH_OK);
		assert_int_equal(b.cap, n);
		base_buf_done(&b);
		free(text);
	}
	base_buf_init(&b, 10);
	b.bad = true;
	assert_int_equal(base_file_read(root_fd, "a", &b, &f), GH_E_LIMIT);
	base_buf_done(&b);
}

static void
test_secret(void **state)
{
	static const struct {
		unsigned mode;
		int rc;
	} t[] = {{0600, GH_OK}, {0400, GH_OK}, {0700, GH_OK}, {0640, GH_E_DENIED}, {0604, GH_E_DENIED}, {0610, GH_E_DENIED}, {0620, GH_E_DENIED}, {0666, GH_E_DENIED}};
	struct base_fail f;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_buf b;

		base_buf_init(&b, 100);
		put_raw("key", "secret", t[i].mode);
		assert_int_equal(base_file_read_secret(root_fd, "key", &b, &f), t[i].rc);
		assert_int_equal(base_buf_len(&b), t[i].rc == GH_OK ? 6 : 0);
		base_buf_done(&b);
		assert_int_equal(unlinkat(root_fd, "key", 0), 0);
	}
	put_raw("key", "secret", 0600);
	if (geteuid() == 0 && fchownat(root_fd, "key", 12345, -1, 0) == 0) {
		struct base_buf b;

		base_buf_init(&b, 100);
		assert_int_equal(base_file_read_secret(root_fd, "key", &b, &f), GH_E_DENIED);
		assert_string_equal(f.text, "\"key\" belongs to user 12345, not to us or root");
		base_buf_done(&b);
	}
}

static void
test_segment(void **state)
{
	struct base_file_seg seg = {-1, 0, 0};
	struct base_fail f;
	struct base_buf b;
	struct stat st;

	(void)state;
	assert_int_equal(base_file_seg_create(root_fd, "s", 0600, 200001, &seg, &f), GH_OK);
	assert_int_equal(fstat(seg.fd, &st), 0);
	assert_int_equal(st.st_size, 200001);
	assert_true(st.st_blocks * 512 >= 200001); /* really there, not a hole */
	assert_int_equal(base_file_seg_write(&seg, base_span_str("abc"), &f), GH_OK);
	assert_int_equal(base_file_seg_write(&seg, base_span(NULL, 0), &f), GH_OK);
	assert_int_equal(base_file_seg_write(&seg, base_span_str("def"), &f), GH_OK);
	assert_int_equal(seg.pos, 6);
	assert_int_equal(base_file_seg_sync(&seg, &f), GH_OK);
	base_file_seg_close(&seg);
	assert_int_equal(seg.fd, -1);
	base_file_seg_close(&seg);
	assert_int_equal(base_file_seg_create(root_fd, "s", 0600, 10, &seg, &f), GH_E_EXISTS);
	assert_int_equal(base_file_seg_open(root_fd, "none", &seg, &f), GH_E_MISSING);
	assert_int_equal(base_file_seg_open(root_fd, "s", &seg, &f), GH_OK);
	assert_int_equal(seg.size, 200001);
	assert_int_equal(seg.pos, 0);
	seg.pos = 199999;
	assert_int_equal(base_file_seg_write(&seg, base_span_str("xyz"), &f), GH_E_LIMIT);
	assert_int_equal(seg.pos, 199999);
	assert_int_equal(base_file_seg_write(&seg, base_span_str("xy"), &f), GH_OK);
	assert_int_equal(base_file_seg_write(&seg, base_span_str("z"), &f), GH_E_LIMIT);
	seg.pos = UINT64_MAX;
	assert_int_equal(base_file_seg_write(&seg, base_span_str("z"), &f), GH_E_LIMIT);
	base_file_seg_close(&seg);
	base_buf_init(&b, 300000);
	assert_int_equal(base_file_read(root_fd, "s", &b, &f), GH_OK);
	assert_int_equal(base_buf_len(&b), 200001);
	assert_memory_equal(base_buf_span(&b).p, "abcdef\0\0", 8);
	assert_memory_equal(base_buf_span(&b).p + 199998, "\0xy", 3);
	base_buf_done(&b);
	assert_int_equal(mkdirat(root_fd, "d", 0700), 0);
	assert_int_equal(base_file_seg_open(root_fd, "d", &seg, &f), GH_E_IO); /* EISDIR */
}

/* ---- every system call failing once ---- */

/* The verbs under test; `old` lies under "old" before each. */
static int
verb(int which, struct base_fail *f)
{
	struct base_file_seg seg;
	struct base_buf b;
	int rc;

	switch (which) {
	case 0:
		return base_file_create_new(root_fd, "new", 0600, base_span_str("content"), f);
	case 1:
		return base_file_create_same(root_fd, "p/q/new", 0600, base_span_str("content"), f);
	case 2:
		return base_file_create_same(root_fd, "old", 0600, base_span_str("old content"), f);
	case 3:
		return base_file_replace(root_fd, "old", 0600, base_span_str("content"), f);
	case 4:
		return base_file_remove(root_fd, "old", f);
	case 5:
		rc = base_file_dir(root_fd, "p/q", 0700, f);
		if (rc < 0)
			return rc;
		(void)close(rc); /* may be the call that fails */
		return GH_OK;
	case 6:
	case 7:
		base_buf_init(&b, 100);
		rc = (which == 6 ? base_file_read : base_file_read_secret)(root_fd, "old", &b, f);
		assert_int_equal(base_buf_len(&b), rc == GH_OK ? 11 : 0);
		base_buf_done(&b);
		return rc;
	case 8:
		rc = base_file_seg_create(root_fd, "new", 0600, 100000, &seg, f);
		if (rc == GH_OK)
			base_file_seg_close(&seg);
		return rc;
	case 9:
		rc = base_file_seg_open(root_fd, "old", &seg, f);
		if (rc != GH_OK)
			return rc;
		rc = base_file_seg_write(&seg, base_span_str("OLD"), f);
		assert_int_equal(seg.pos, rc == GH_OK ? 3 : 0);
		if (rc == GH_OK)
			rc = base_file_seg_sync(&seg, f);
		base_file_seg_close(&seg);
		return rc;
	case 10:
		return base_file_replace_many(root_fd, 0600,
			(const struct base_file_item[]){{"old", base_span_str("content")}, {"p/q/new", base_span_str("content")},
				{"p/q/other", base_span(NULL, 0)}}, 3, f);
	case 11:
		return base_file_replace_many(root_fd, 0600,
			(const struct base_file_item[]){{"new", base_span_str("content")}, {"old", base_span_str("content")}}, 2, f);
	default:
		return 1; /* no more */
	}
}
#define VERBS 12

static bool
is_whole(const char *text)
{
	return text == NULL || strcmp(text, "content") == 0 || strcmp(text, "old content") == 0 || strcmp(text, "OLD content") == 0;
}

static void
reset(void)
{
	remove_tree(root_fd, "p");
	remove_tree(root_fd, "new");
	put_raw("old", "old content", 0600);
}

static void
test_each_call_fails(void **state)
{
	static const struct {
		int err, code;
	} t[] = {{EIO, GH_E_IO}, {ENOSPC, GH_E_FULL}, {EDQUOT, GH_E_FULL}, {EACCES, GH_E_DENIED}, {EMFILE, GH_E_IO}};
	int failed = 0;

	(void)state;
	for (size_t k = 0; k < BASE_COUNT(t); k++)
		for (int which = 0; which < VERBS; which++)
			for (int at = 1;; at++) {
				struct base_fail f = {0};
				int before, rc, left, temporary;

				reset();
				before = open_files();
				fault.err = t[k].err;
				fault.at = at;
				fault.in_close = false;
				rc = verb(which, &f);
				left = fault.at;
				fault.at = 0;
				if (left > 0) { /* the verb makes fewer calls than that */
					assert_int_equal(rc, GH_OK);
					break;
				}
				/* A failing close of something synced or only read is no failure; all else is, with its reason. */
				assert_int_equal(rc == GH_OK, fault.in_close);
				if (rc != GH_OK) {
					failed++;
					assert_int_equal(rc, t[k].code);
					assert_int_equal(f.code, rc);
					assert_true(strstr(f.text, strerrordesc_np(t[k].err)) != NULL);
				}
				assert_int_equal(open_files(), before);
				(void)count_names(openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &temporary);
				assert_int_equal(temporary, 0);
				assert_true(is_whole(content("old")));
				assert_true(which == 8 || is_whole(content("new")));
				assert_true(is_whole(content("p/q/new")));
				if (which != 4)
					assert_non_null(content("old"));
			}
	assert_true(failed >= 60 * (int)BASE_COUNT(t)); /* so many calls there are to fail */
}

/* The order is the promise: content, sync, name, sync of the directory. */
static void
test_order(void **state)
{
	static const struct {
		int which;
		const char *calls; /* o openat, w write, s fsync, r rename, u unlink, m mkdir, c close, p pwrite, d fdatasync, f fstat */
	} t[] = {
		{0, "oowsrscc"},
		{3, "oowsrscc"},
		{4, "ousc"},
		{5, "omoscmoscoc"},
		{8, "oowwsrscc"},
		{9, "ofpdc"},
		{11, "oowoowssrrscccc"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_fail f;

		reset();
		memset(fault.trace, 0, sizeof(fault.trace));
		assert_int_equal(verb(t[i].which, &f), GH_OK);
		assert_string_equal(fault.trace, t[i].calls);
	}
}

/* Interrupted calls are repeated and short ones continued: everything succeeds, byte by byte. */
static void
test_interrupted(void **state)
{
	(void)state;
	for (int which = 0; which < VERBS; which++) {
		struct base_fail f;

		reset();
		fault.brief = true;
		fault.calls = 0;
		assert_int_equal(verb(which, &f), GH_OK);
		fault.brief = false;
		assert_true(is_whole(content("old")));
		assert_true(which == 8 || is_whole(content("new")));
		assert_true(is_whole(content("p/q/new")));
	}
}

/* ---- limits of the system ---- */

static void
test_file_size_limit(void **state)
{
	struct rlimit old, low;
	struct base_file_seg seg;
	struct base_fail f;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = 70000;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(base_file_seg_create(root_fd, "s", 0600, 100000, &seg, &f), GH_E_IO);
	assert_string_equal(f.text, "cannot write \"s\": File too large");
	assert_int_equal(base_file_seg_create(root_fd, "s", 0600, 70000, &seg, &f), GH_OK);
	base_file_seg_close(&seg);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

/* In a child with its own mounts: a file system of 64 KiB. Returns 0 fine, 77 not possible here, else the failed step. */
static int
on_full_disk(void)
{
	uint8_t data[80000] = {0};
	struct base_file_seg seg;
	struct base_fail f;
	int fd, n, temporary;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", root, "tmpfs", 0, "size=64k") < 0)
		return 77;
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 1;
	if (base_file_replace(fd, "a", 0600, base_span_str("old"), &f) != GH_OK)
		return 2;
	if (base_file_replace(fd, "a", 0600, base_span(data, sizeof(data)), &f) != GH_E_FULL)
		return 3;
	if (strcmp(f.text, "cannot write \"a\": No space left on device") != 0)
		return 4;
	if (base_file_seg_create(fd, "s", 0600, sizeof(data), &seg, &f) != GH_E_FULL)
		return 5;
	if (base_file_create_new(fd, "n", 0600, base_span(data, sizeof(data)), &f) != GH_E_FULL)
		return 6;
	n = count_names(fd, &temporary);
	return n == 1 && temporary == 0 ? 0 : 7;
}

static void
test_full_disk(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(on_full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_call_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};

	/* The library behind random numbers may open files of its own at its start; not while calls fail. */
	base_crypt_init();
	(void)umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
