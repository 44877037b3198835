/* proc_addr: text to socket address.
 * Input: the configuration file, read as if hostile. Never resolves names, never opens a socket.
 */
#include "proc_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base_num.h"
#include "base_text.h"

_Static_assert(sizeof(((struct sockaddr_un *)NULL)->sun_path) == PROC_ADDR_PATH_MAX + 1, "sun_path holds the longest path");

static int
malformed(const char *text, struct base_fail *fail)
{
	char shown[200];
	int rc = base_fail_set(fail, GH_E_PARSE, "\"%s\" is not host:port or [v6]:port",
	    base_text_quote(shown, sizeof(shown), base_span_str(text), 100));

	base_fail_hint(fail, "give a numeric address and a port: 127.0.0.1:6432, 0.0.0.0:6432 for all, [::]:6432 for all of IPv6");
	return rc;
}

/* Splits at the colon before the port; brackets come off and say that it is IPv6. */
static bool
split(struct base_span s, struct base_span *host_r, struct base_span *port_r, bool *v6_r)
{
	size_t colon = s.n;
	bool v6 = s.n > 0 && s.p[0] == '[';

	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return false;
	*port_r = base_span(s.p + colon, s.n - colon);
	s.n = colon - 1;
	if (v6) {
		if (s.n < 3 || s.p[s.n - 1] != ']')
			return false;
		s = base_span(s.p + 1, s.n - 2);
	}
	*host_r = s;
	*v6_r = v6;
	return true;
}

int
proc_addr_parse(const char *text, struct proc_addr *addr_r, struct base_fail *fail)
{
	struct proc_addr a = {.len = 0};
	struct base_span host, port_text;
	char host_text[INET6_ADDRSTRLEN + 1];
	uint64_t port;
	bool v6;

	if (!split(base_span_str(text), &host, &port_text, &v6) || base_num_u64(port_text, 1, 65535, &port) < 0)
		return malformed(text, fail);
	if (!v6 && base_span_is(host, "localhost"))
		host = base_span_str("127.0.0.1");
	if (host.n >= sizeof(host_text))
		return malformed(text, fail);
	memcpy(host_text, host.p, host.n);
	host_text[host.n] = '\0';
	if (v6) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

		if (inet_pton(AF_INET6, host_text, &in6.sin6_addr) != 1)
			return malformed(text, fail);
		memcpy(&a.sa, &in6, sizeof(in6));
		a.len = sizeof(in6);
	} else {
		struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

		if (inet_pton(AF_INET, host_text, &in4.sin_addr) != 1)
			return malformed(text, fail);
		memcpy(&a.sa, &in4, sizeof(in4));
		a.len = sizeof(in4);
	}
	*addr_r = a;
	return GH_OK;
}

int
proc_addr_unix(const char *path, struct proc_addr *addr_r, struct base_fail *fail)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct proc_addr a = {.len = sizeof(un)};
	size_t n = strlen(path);

	if (n == 0 || n > PROC_ADDR_PATH_MAX)
		return base_fail_set(fail, GH_E_LIMIT, "path of the Unix socket has %zu bytes, at most %u are possible", n, PROC_ADDR_PATH_MAX);
	memcpy(un.sun_path, path, n + 1);
	memcpy(&a.sa, &un, sizeof(un));
	*addr_r = a;
	return GH_OK;
}

bool
proc_addr_is_loopback(const struct proc_addr *addr)
{
	if (addr->sa.ss_family == AF_INET) {
		struct sockaddr_in in4;

		memcpy(&in4, &addr->sa, sizeof(in4));
		return ntohl(in4.sin_addr.s_addr) >> 24 == 127;
	}
	if (addr->sa.ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &addr->sa, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	}
	return addr->sa.ss_family == AF_UNIX;
}
