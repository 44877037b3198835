/* proc_addr: the addresses that a configuration may name: "127.0.0.1:6432", "[::1]:6432", "localhost:6432" (RFC 6761: always the
 * loopback, so no name is resolved). Pure.
 */
#ifndef PROC_ADDR_H
#define PROC_ADDR_H

#include <sys/socket.h>

#include "base_fail.h"
#include "base_span.h"

#define PROC_ADDR_PATH_MAX 107u /* what fits sun_path with its NUL */

struct proc_addr {
	struct sockaddr_storage sa;
	socklen_t len;
};
/* Numeric addresses only, port 1..65535. GH_E_PARSE. */
BASE_CHECK int proc_addr_parse(const char *text, struct proc_addr *addr_r, struct base_fail *fail);
/* A Unix socket's path: GH_E_LIMIT when it is too long. */
BASE_CHECK int proc_addr_unix(const char *path, struct proc_addr *addr_r, struct base_fail *fail);
bool proc_addr_is_loopback(const struct proc_addr *addr);

#endif
