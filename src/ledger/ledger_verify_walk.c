/* ledger_verify_walk: looks for files that do not belong to the log, and checks older partial files against the full ones.
 * Input: a folder of a stranger; names are bytes. Opens for reading only, follows no symbolic link. Runs after the sums were right, so
 * the files of the checkpoint itself are known to be good.
 */
#include "ledger_verify_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_text.h"

#define PATH_LIMIT (LEDGER_TILE_PATH_MAX * 4)
#define DEPTH 12u /* "tile", level, 7 groups, ".p" folder, file: a log has no more */

static int
surplus(struct verify *v, const char *path, const char *what)
{
	char shown[PATH_LIMIT];

	return ledger_verify_find(v, LEDGER_VERIFY_SURPLUS, base_text_quote(shown, sizeof shown, base_span_str(path), sizeof shown / 5), 0, 0,
		0, what);
}

/* A partial file of an earlier checkpoint: it must be the beginning of what took its place. */
static int
check_older(struct verify *v, struct ledger_tile_name name)
{
	struct ledger_tile_name now = {name.level, name.index, LEDGER_TILE_WIDTH}, old = name;
	char path[LEDGER_TILE_PATH_MAX];
	uint64_t entry = name.index * LEDGER_TILE_WIDTH; /* for a bundle or leaf tile; above, the range is not worth the sum */
	struct base_span a, b;
	size_t n;
	bool extra;
	int r;

	if (name.index == ledger_verify_tiles(v->size, name.level))
		now.width = ledger_verify_width(v->size, name.level);
	r = ledger_verify_load(v, &old, &v->bundle);
	if (r == GH_E_MISSING || (r == 0 && old.width != name.width))
		return 0; /* the keeper has removed it meanwhile */
	if (r < 0)
		return r;
	r = ledger_verify_load(v, &now, &v->other);
	if (r < 0)
		return r;
	a = base_buf_span(&v->bundle);
	b = base_buf_span(&v->other);
	n = (size_t)name.width * LEDGER_HASH_SIZE;
	if (name.level == LEDGER_TILE_ENTRIES && ledger_bundle_head(b, name.width, &n, &extra) < 0)
		n = b.n; /* NEVER: the sums were right */
	v->report->files++;
	if (a.n == n && b.n >= n && memcmp(a.p, b.p, n) == 0)
		return 0;
	for (n = 0; n < a.n && n < b.n && a.p[n] == b.p[n];)
		n++;
	return ledger_verify_find(v, LEDGER_VERIFY_WRONG, ledger_tile_path(name, path), n, entry, entry + name.width - 1,
		"an older partial file differs from the entries");
}

static int
check_name(struct verify *v, const char *path)
{
	struct ledger_tile_name name;
	uint64_t tiles;
	unsigned width;

	if (ledger_tile_parse(base_span_str(path), &name) < 0)
		return surplus(v, path, "this is no name of a tile");
	if (name.level >= (int)LEDGER_LEVELS)
		return surplus(v, path, "no log has tiles of this level");
	tiles = ledger_verify_tiles(v->size, name.level);
	width = ledger_verify_width(v->size, name.level);
	if (name.width == LEDGER_TILE_WIDTH ? name.index < tiles : name.index == tiles && name.width == width)
		return 0; /* of this checkpoint, checked before */
	if (name.width < LEDGER_TILE_WIDTH && (name.index < tiles || (name.index == tiles && name.width < width)))
		return check_older(v, name);
	v->report->ahead++;
	return 0;
}

static int walk(struct verify *v, int parent, const char *name, char path[PATH_LIMIT], size_t at, unsigned depth);

static int
walk_entry(struct verify *v, int dir, const char *name, char path[PATH_LIMIT], size_t at, unsigned depth)
{
	int n = snprintf(path + at, PATH_LIMIT - at, "/%s", name);
	struct stat st;

	if (n < 0 || (size_t)n >= PATH_LIMIT - at) {
		path[at] = '\0';
		return surplus(v, path, "this folder has a name that no log has");
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : base_fail_errno(v->fail, errno, "cannot look at a file of the ledger");
	if (strncmp(name, ".tmp.", 5) == 0) {
		v->report->leftovers++;
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return walk(v, dir, name, path, at + (size_t)n, depth + 1);
	if (!S_ISREG(st.st_mode))
		return surplus(v, path, "this is no regular file");
	return check_name(v, path);
}

/* path holds the way to this folder in its first `at` bytes. */
static int
walk(struct verify *v, int parent, const char *name, char path[PATH_LIMIT], size_t at, unsigned depth)
{
	int fd, r = 0;
	struct dirent *e;
	DIR *dir;

	if (depth > DEPTH)
		return surplus(v, path, "no log has folders so deep");
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		r = errno == ENOENT ? 0 : base_fail_errno(v->fail, errno, "cannot list a folder of the ledger");
		if (fd >= 0)
			(void)close(fd); /* only read */
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = walk_entry(v, dirfd(dir), e->d_name, path, at, depth);
	if (r == 0 && errno != 0)
		r = base_fail_errno(v->fail, errno, "cannot list a folder of the ledger");
	(void)closedir(dir); /* only read */
	return r;
}

int
ledger_verify_walk(struct verify *v)
{
	char path[PATH_LIMIT] = "tile";

	return walk(v, v->dirfd, "tile", path, 4, 0);
}
