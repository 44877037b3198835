/* shim: one failure at a chosen call. Preloaded into `gatehouse run`; acts in the keeper alone, which it knows by the name that the role gives
 * itself (PR_SET_NAME). run.py maps the same file and arms it. Counts the calls of the keeper's way to the disk and to the gate, in all its
 * threads together; at the wanted one (the n-th of its kind) it fails, shortens the write, or kills the process before or after the call.
 * Only regular files and folders count for read, write and close: a failing eventfd or pipe is no disk and no peer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum call { OPENAT, MKDIRAT, WRITE, PWRITE, FSYNC, FDATASYNC, RENAMEAT2, UNLINKAT, FTRUNCATE, FLOCK, CLOSE, READ, PREAD, SEND, RECV, ACCEPT, CALLS };
enum { KILL_BEFORE = -1, KILL_AFTER = -2, SHORT = -3 };
#define TRACE 4096u

struct control { /* run.py has the same layout */
	_Atomic uint32_t armed;    /* 1: count and act; 2: begin with the next keeper's start */
	_Atomic uint32_t count;    /* calls since it was armed */
	_Atomic uint32_t of_kind;  /* of those, calls of the wanted kind */
	uint32_t kind;             /* 1 + enum call */
	uint32_t at;               /* act at this one of that kind; 0 = only count */
	int32_t action;            /* an errno, or one of the above */
	_Atomic uint32_t fired;    /* 1 + enum call */
	uint8_t trace[TRACE];      /* the calls, in order */
};
static struct control *control;
static int keeper;

static void __attribute__((constructor))
begin(void)
{
	const char *path = getenv("GATEHOUSE_FAULT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED)
		control = NULL;
	(void)close(fd);
}

/* 0: do the call as it is; else the action for it. */
static int
turn(enum call c)
{
	if (!keeper || !control || atomic_load(&control->armed) != 1)
		return 0;
	uint32_t n = atomic_fetch_add(&control->count, 1);
	if (n < TRACE)
		control->trace[n] = (uint8_t)(c + 1);
	if (control->kind != (uint32_t)c + 1 || atomic_fetch_add(&control->of_kind, 1) + 1 != control->at)
		return 0;
	atomic_store(&control->fired, (uint32_t)c + 1);
	if (control->action == KILL_BEFORE)
		(void)kill(getpid(), SIGKILL);
	return control->action;
}

static int
on_disk(int fd)
{
	struct stat st;
	int saved = errno, is = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));

	errno = saved;
	return is;
}

static void
after(int action)
{
	if (action == KILL_AFTER)
		(void)kill(getpid(), SIGKILL);
}

#define REAL(name) \
	static __typeof__(name) *real; \
	if (!real) \
		real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define FAIL(action, value) \
	if ((action) > 0) { \
		errno = (action); \
		return value; \
	}
#define SIMPLE(type, name, which, params, args) \
	type name params \
	{ \
		REAL(name); \
		int a = turn(which); \
		FAIL(a, -1) \
		type r = real args; \
		after(a); \
		return r; \
	}

int
prctl(int option, ...)
{
	static int (*real)(int, ...);
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NAME && strcmp((const char *)a[0], "gh-keeper") == 0) { /* NOLINT: the kernel takes it as a pointer, too */
		keeper = 1;
		if (control && atomic_load(&control->armed) == 2)
			atomic_store(&control->armed, 1);
	}
	if (!real)
		real = (int (*)(int, ...))dlsym(RTLD_NEXT, "prctl");
	return real(option, a[0], a[1], a[2], a[3]);
}

int
openat64(int dir, const char *path, int flags, ...)
{
	REAL(openat64);
	mode_t mode = 0;
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	int a = turn(OPENAT);
	FAIL(a, -1)
	int r = real(dir, path, flags, mode);
	after(a);
	return r;
}

SIMPLE(int, mkdirat, MKDIRAT, (int dir, const char *path, mode_t mode), (dir, path, mode))
SIMPLE(int, fsync, FSYNC, (int fd), (fd))
SIMPLE(int, fdatasync, FDATASYNC, (int fd), (fd))
SIMPLE(int, renameat2, RENAMEAT2, (int d, const char *p, int e, const char *q, unsigned f), (d, p, e, q, f))
SIMPLE(int, unlinkat, UNLINKAT, (int dir, const char *path, int flags), (dir, path, flags))
SIMPLE(int, ftruncate64, FTRUNCATE, (int fd, off64_t n), (fd, n))
SIMPLE(int, flock, FLOCK, (int fd, int op), (fd, op))
SIMPLE(ssize_t, pread64, PREAD, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
SIMPLE(ssize_t, send, SEND, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
SIMPLE(ssize_t, recv, RECV, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
SIMPLE(int, accept4, ACCEPT, (int fd, struct sockaddr *s, socklen_t *n, int flags), (fd, s, n, flags))

ssize_t
read(int fd, void *p, size_t n)
{
	REAL(read);
	int a = keeper && on_disk(fd) ? turn(READ) : 0;
	FAIL(a, -1)
	ssize_t r = real(fd, p, n);
	after(a);
	return r;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	REAL(write);
	int a = keeper && fd != 2 && on_disk(fd) ? turn(WRITE) : 0;
	FAIL(a, -1)
	ssize_t r = real(fd, p, a == SHORT && n > 1 ? n / 2 : n);
	after(a);
	return r;
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	REAL(pwrite64);
	int a = turn(PWRITE);
	FAIL(a, -1)
	ssize_t r = real(fd, p, a == SHORT && n > 1 ? n / 2 : n, at);
	after(a);
	return r;
}

int
close(int fd)
{
	REAL(close);
	int a = keeper && on_disk(fd) ? turn(CLOSE) : 0;
	int r = real(fd); /* as on Linux: the descriptor is gone even when close fails */
	FAIL(a, -1)
	after(a);
	return r;
}
