/* proc_listen: opens listening sockets: TCP with SO_REUSEPORT (one socket for each worker and address, the kernel spreads connections
 * among them), and Unix sockets.
 * Input trust: addresses come from the checked configuration. Never accepts, never reads.
 */
#include "proc_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_mem.h"
#include "proc_addr.h"

#define BACKLOG 4096 /* the kernel takes the lesser of this and net.core.somaxconn */
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

static int
set_on(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

/* One listening TCP socket, or GH_E_*. share: SO_REUSEPORT. */
static int
open_tcp(const char *text, const struct proc_addr *addr, bool share, struct base_fail *fail)
{
	int fd = socket(addr->sa.ss_family, SOCKET_FLAGS, 0);
	int rc, err;

	if (fd < 0)
		return base_fail_errno(fail, errno, "cannot make a socket for %s", text);
	if (set_on(fd, SOL_SOCKET, SO_REUSEADDR) != 0 || (share && set_on(fd, SOL_SOCKET, SO_REUSEPORT) != 0) ||
	    (addr->sa.ss_family == AF_INET6 && set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0) ||
	    bind(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0 || listen(fd, BACKLOG) != 0) {
		err = errno;
		rc = base_fail_errno(fail, err, "cannot listen on %s", text);
		if (err == EADDRINUSE)
			rc = base_fail_set(fail, GH_E_BUSY, "cannot listen on %s: somebody else does", text);
		(void)close(fd); /* never used */
		return rc;
	}
	return fd;
}

static int
open_address(const char *text, int *fds, unsigned workers, struct base_fail *fail)
{
	struct proc_addr addr;
	int fd, rc = proc_addr_parse(text, &addr, fail);

	if (rc < 0)
		return rc;
	/* A socket without SO_REUSEPORT cannot be bound beside one that listens already: this finds another server of the same user,
	 * with which SO_REUSEPORT would make us share connections. */
	fd = open_tcp(text, &addr, false, fail);
	if (fd < 0)
		return fd;
	(void)close(fd); /* a probe */
	for (unsigned w = 0; w < workers; w++) {
		fd = open_tcp(text, &addr, true, fail);
		if (fd < 0)
			return fd;
		fds[w] = fd;
	}
	return GH_OK;
}

/* Removes a socket that nobody listens on (its server was killed); refuses when somebody does, or when it is no socket. */
static int
remove_stale(const char *path, const struct proc_addr *addr, struct base_fail *fail)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? GH_OK : base_fail_errno(fail, errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return base_fail_set(fail, GH_E_EXISTS, "%s is there and is not a socket", path);
	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return base_fail_errno(fail, errno, "cannot make a socket for %s", path);
	err = connect(fd, (const struct sockaddr *)&addr->sa, addr->len) == 0 ? 0 : errno;
	(void)close(fd); /* a probe */
	if (err == ENOENT)
		return GH_OK;
	if (err != ECONNREFUSED) /* connected, or EAGAIN: its queue is full, so it is alive */
		return base_fail_set(fail, GH_E_BUSY, "cannot listen on %s: somebody else does", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return base_fail_errno(fail, errno, "cannot remove the stale socket %s", path);
	return GH_OK;
}

/* Mode 0777, as PostgreSQL's own: who may log in is decided by the log-in. Called while the process has one thread: umask is global. */
static int
open_unix(const char *path, struct base_fail *fail)
{
	struct proc_addr addr;
	int fd, rc = proc_addr_unix(path, &addr, fail);
	mode_t old;

	if (rc == GH_OK)
		rc = remove_stale(path, &addr, fail);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return base_fail_errno(fail, errno, "cannot make a socket for %s", path);
	old = umask(0);
	rc = bind(fd, (const struct sockaddr *)&addr.sa, addr.len) == 0 && listen(fd, BACKLOG) == 0 ? GH_OK :
	    base_fail_errno(fail, errno, "cannot listen on %s", path);
	(void)umask(old); /* cannot fail */
	if (rc < 0) {
		(void)close(fd); /* never used */
		return rc;
	}
	return fd;
}

static int
open_all(const struct proc_conf *conf, bool metrics, struct proc_listen *l, struct base_fail *fail)
{
	struct proc_addr addr;
	int rc;

	for (size_t a = 0; a < l->naddresses; a++) {
		rc = open_address(conf->listen.item[a], l->tcp + a * l->workers, l->workers, fail);
		if (rc < 0)
			return rc;
	}
	if (*conf->listen_socket != '\0') {
		rc = open_unix(conf->listen_socket, fail);
		if (rc < 0)
			return rc;
		l->local = rc;
		l->local_path = conf->listen_socket;
	}
	if (!metrics || *conf->metrics == '\0')
		return GH_OK;
	if (strchr(conf->metrics, '/') != NULL) {
		rc = open_unix(conf->metrics, fail);
		if (rc >= 0)
			l->metrics_path = conf->metrics;
	} else {
		rc = proc_addr_parse(conf->metrics, &addr, fail);
		if (rc == GH_OK && !proc_addr_is_loopback(&addr)) /* proc_conf has refused it already */
			rc = base_fail_set(fail, GH_E_DENIED, "%s is not a loopback address", conf->metrics);
		if (rc == GH_OK)
			rc = open_tcp(conf->metrics, &addr, false, fail);
	}
	if (rc < 0)
		return rc;
	l->metrics = rc;
	return GH_OK;
}

int
proc_listen_open(const struct proc_conf *conf, unsigned workers, bool metrics, struct proc_listen *l_r, struct base_fail *fail)
{
	struct proc_listen l = {.naddresses = conf->listen.count, .workers = workers, .local = -1, .metrics = -1};
	int rc;

	l.tcp = base_mem_new(l.naddresses * workers + 1, sizeof(int)); /* both are bounded by proc_conf */
	for (size_t i = 0; i < l.naddresses * workers; i++)
		l.tcp[i] = -1;
	rc = open_all(conf, metrics, &l, fail);
	if (rc < 0)
		proc_listen_close(&l, true);
	else
		*l_r = l;
	return rc;
}

void
proc_listen_close(struct proc_listen *l, bool unlink_paths)
{
	for (size_t i = 0; i < l->naddresses * l->workers; i++)
		if (l->tcp[i] >= 0)
			(void)close(l->tcp[i]); /* listening only: nothing can be lost */
	free(l->tcp);
	l->tcp = NULL;
	l->naddresses = 0;
	if (l->local >= 0)
		(void)close(l->local); /* as above */
	if (l->metrics >= 0)
		(void)close(l->metrics); /* as above */
	l->local = l->metrics = -1;
	/* A name that cannot be removed is taken away at the next start. */
	if (unlink_paths && l->local_path != NULL)
		(void)unlink(l->local_path);
	if (unlink_paths && l->metrics_path != NULL)
		(void)unlink(l->metrics_path);
}
