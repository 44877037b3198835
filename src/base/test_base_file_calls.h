/* test_base_file_calls: the system calls that base_file makes, each able to fail once, to be cut short or to be counted. Included by
 * test_base_file.c alone, which is linked with them in the place of the C library's.
 */
#ifndef TEST_BASE_FILE_CALLS_H
#define TEST_BASE_FILE_CALLS_H

/* ---- failing system calls ---- */

static struct {
	int at;    /* this call from now fails; 0 = none */
	int err;   /* with this errno */
	bool brief; /* reads and writes move one byte only, and every other call is interrupted first */
	bool in_close; /* the call that failed was close */
	unsigned calls;
	char trace[32]; /* a letter a call, as far as it fits */
} fault;

static bool
fails(char letter)
{
	size_t n = strlen(fault.trace);

	if (n < sizeof(fault.trace) - 1)
		fault.trace[n] = letter;
	fault.calls++;
	if (fault.at > 0 && --fault.at == 0) {
		errno = fault.err;
		return true;
	}
	if (fault.brief && fault.calls % 2 == 0) {
		errno = EINTR;
		return true;
	}
	return false;
}

static size_t
shortened(size_t n)
{
	return fault.brief && n > 1 ? 1 : n;
}

/* With 64-bit offsets the C library's names of some calls are others. */
#if defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64
#define OFFSET "64"
#else
#define OFFSET ""
#endif

int fake_openat(int dirfd, const char *path, int flags, unsigned mode) __asm__("openat" OFFSET);
int fake_fsync(int fd) __asm__("fsync");
int fake_fdatasync(int fd) __asm__("fdatasync");
int fake_renameat2(int a, const char *from, int b, const char *to, unsigned flags) __asm__("renameat2");
int fake_unlinkat(int dirfd, const char *path, int flags) __asm__("unlinkat");
int fake_mkdirat(int dirfd, const char *path, mode_t mode) __asm__("mkdirat");
int fake_fstat(int fd, struct stat *st) __asm__("fstat" OFFSET);
ssize_t fake_write(int fd, const void *p, size_t n) __asm__("write");
ssize_t fake_pwrite(int fd, const void *p, size_t n, off_t at) __asm__("pwrite" OFFSET);
ssize_t fake_read(int fd, void *p, size_t n) __asm__("read");
int fake_close(int fd) __asm__("close");

int
fake_openat(int dirfd, const char *path, int flags, unsigned mode)
{
	return fails('o') ? -1 : (int)syscall(SYS_openat, dirfd, path, flags, mode);
}

int
fake_fsync(int fd)
{
	return fails('s') ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fake_fdatasync(int fd)
{
	return fails('d') ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
fake_renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	return fault.brief || !fails('r') ? (int)syscall(SYS_renameat2, a, from, b, to, flags) : -1; /* is never interrupted */
}

int
fake_unlinkat(int dirfd, const char *path, int flags)
{
	return fault.brief || !fails('u') ? (int)syscall(SYS_unlinkat, dirfd, path, flags) : -1;
}

int
fake_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return fault.brief || !fails('m') ? (int)syscall(SYS_mkdirat, dirfd, path, mode) : -1;
}

int
fake_fstat(int fd, struct stat *st)
{
	return fault.brief || !fails('f') ? fstatat(fd, "", st, AT_EMPTY_PATH) : -1;
}

ssize_t
fake_write(int fd, const void *p, size_t n)
{
	return fails('w') ? -1 : syscall(SYS_write, fd, p, shortened(n));
}

ssize_t
fake_pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails('p') ? -1 : syscall(SYS_pwrite64, fd, p, shortened(n), at);
}

ssize_t
fake_read(int fd, void *p, size_t n)
{
	return fails('g') ? -1 : syscall(SYS_read, fd, p, shortened(n));
}

/* Like the kernel's, it closes even when it fails. */
int
fake_close(int fd)
{
	bool armed = fault.at > 0, failing = fails('c');
	int err = errno;

	if (armed && failing)
		fault.in_close = true;
	if (syscall(SYS_close, fd) == 0 && failing) {
		errno = err;
		return -1;
	}
	return failing ? -1 : 0;
}

#endif
