/* proc_rundir: see the header.
 * Input trust: the folder belongs to our user or to nobody: one that others own is refused, links are not followed. The number in an
 * existing pid file is used for a message and for kill(pid, 0) only.
 * The pid file is no durable data and a lock needs the very same inode, so it is not written with base_file.
 */
#include "proc_rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base_file.h"
#include "base_num.h"
#include "base_time.h"

static int
check_folder(int dir, const char *run_dir, struct base_fail *fail)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return base_fail_errno(fail, errno, "run_dir %s", run_dir);
	if (st.st_uid != geteuid())
		return base_fail_set(fail, GH_E_DENIED, "run_dir %s belongs to user %u, not to us (%u)", run_dir, (unsigned)st.st_uid,
		    (unsigned)geteuid());
	if ((st.st_mode & 077) != 0 && fchmod(dir, 0700) != 0)
		return base_fail_errno(fail, errno, "run_dir %s: cannot set mode 0700", run_dir);
	return GH_OK;
}

/* The process that wrote the file; 0 when it does not say. */
static pid_t
read_pid(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	uint64_t pid;

	if (n < 2 || text[n - 1] != '\n' || base_num_u64(base_span(text, (size_t)n - 1), 1, INT32_MAX, &pid) < 0)
		return 0;
	return (pid_t)pid;
}

static int
take_lock(int fd, const char *run_dir, uint64_t wait_us, struct base_fail *fail)
{
	uint64_t until = base_time_mono_us() + wait_us;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		const struct timespec pause = {.tv_nsec = 50000000};
		pid_t pid;

		if (errno != EWOULDBLOCK)
			return base_fail_errno(fail, errno, "cannot lock %s/gatehouse.pid", run_dir);
		pid = read_pid(fd);
		if (pid == 0 || kill(pid, 0) == 0 || errno != ESRCH)
			return base_fail_set(fail, GH_E_BUSY, "another gatehouse runs with run_dir %s (process %d)", run_dir, (int)pid);
		if (base_time_mono_us() >= until)
			return base_fail_set(fail, GH_E_BUSY, "roles of a gatehouse that was killed (process %d) still run with run_dir %s", (int)pid,
			    run_dir);
		(void)nanosleep(&pause, NULL); /* a shorter pause does no harm */
	}
	return GH_OK;
}

static int
write_pid(int fd, const char *run_dir, struct base_fail *fail)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return base_fail_errno(fail, errno, "cannot write %s/gatehouse.pid", run_dir);
	return GH_OK;
}

int
proc_rundir_take(const char *run_dir, uint64_t wait_us, int *lock_r, struct base_fail *fail)
{
	int dir = base_file_dir(AT_FDCWD, run_dir, 0700, fail);
	int fd = -1, rc;

	if (dir < 0)
		return dir;
	rc = check_folder(dir, run_dir, fail);
	if (rc < 0)
		goto out;
	fd = openat(dir, "gatehouse.pid", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		rc = base_fail_errno(fail, errno, "cannot open %s/gatehouse.pid", run_dir);
		goto out;
	}
	rc = take_lock(fd, run_dir, wait_us, fail);
	if (rc == GH_OK)
		rc = write_pid(fd, run_dir, fail);
	if (rc == GH_OK) {
		*lock_r = fd;
		fd = -1;
	}
out:
	if (fd >= 0)
		(void)close(fd); /* nothing was written through it that anybody needs */
	(void)close(dir);        /* as above */
	return rc;
}

void
proc_rundir_release(int lock)
{
	if (ftruncate(lock, 0) != 0) {
		/* The number of a process that is gone stays there: readers find that out. */
	}
	(void)close(lock); /* ends the lock */
}
