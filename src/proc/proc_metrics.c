/* proc_metrics: serves the counters over HTTP with libmicrohttpd.
 * Input trust: anybody on this machine may connect: requests are bounded in number, size and time, and answered without looking at
 * anything but method and path.
 * Never: opens a file or a connection (the sandbox sees to it); shows anything about people.
 */
#include "proc_metrics.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base_log.h"
#include "proc_sandbox.h"

#define CONNECTIONS_MAX 16u
#define REQUEST_MEMORY 8192u
#define TIMEOUT_S 10u
#define PAGE_MAX (1u << 20)

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, const char *type, struct base_span body)
{
	/* MHD copies the body, so the cast away of const is not used to write. */
	struct MHD_Response *r = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok = MHD_NO;

	if (r == NULL)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED || MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
		ok = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *upload,
    size_t *upload_n, void **request)
{
	const struct proc_context *ctx = cls;
	struct base_buf page;
	enum MHD_Result ok;

	(void)version;
	(void)upload;
	(void)request;
	*upload_n = 0; /* a body is not read */
	if (strcmp(url, "/metrics") != 0)
		return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", base_span_str("not found; there is /metrics\n"));
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", base_span_str("GET only\n"));
	base_buf_init(&page, PAGE_MAX);
	proc_count_prometheus(ctx->counts, &page);
	if (page.bad)
		ok = answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", base_span_str("no memory\n"));
	else
		ok = answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", base_buf_span(&page));
	base_buf_done(&page);
	return ok;
}

/* libmicrohttpd writes to standard error itself unless told where to. Its messages quote requests: not for our log. */
static void __attribute__((format(printf, 2, 0)))
mhd_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

int
proc_metrics_run(const struct proc_context *ctx)
{
	struct pollfd p = {.fd = proc_signal_fd, .events = POLLIN};
	struct base_fail fail = {0};
	struct MHD_Daemon *daemon;

	if (proc_sandbox_enter(PROC_SANDBOX_METRICS, ctx->conf, &fail) < 0) {
		base_log_error("%s", fail.text);
		return 1;
	}
	/* MHD_USE_ITC: without it libmicrohttpd wakes its thread at the end with shutdown(2) on the listening socket, which would end it in the
	 * supervisor too. */
	daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
	    (void *)(uintptr_t)ctx, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, ctx->metrics, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY, MHD_OPTION_END);
	if (daemon == NULL) {
		base_log_error("cannot serve metrics: libmicrohttpd did not start");
		return 1;
	}
	if (write(ctx->ready, "1", 1) != 1)
		base_log_warn("cannot tell the supervisor that metrics are ready");
	(void)close(ctx->ready); /* nothing to do about a failure */
	while (!proc_stop_wanted) {
		uint64_t n;

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			break;
		if (read(proc_signal_fd, &n, sizeof(n)) < 0)
			continue; /* spurious; a reload has nothing to do here */
	}
	MHD_stop_daemon(daemon); /* closes the listening socket in this process only */
	return 0;
}
