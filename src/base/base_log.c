/* base_log: one line an event to standard error, in one write(2).
 * Input: messages of our own that may hold quoted peer text; the whole message goes through base_text_quote again, so nothing
 * in it can start a line or disturb a terminal, and what comes out is valid UTF-8. Longer messages are cut. Never allocates,
 * never fails (a log that cannot be written must not stop the gateway), leaves errno as it was.
 */
#include "base_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base_text.h"
#include "base_time.h"

#define LOG_MESSAGE 1900 /* bytes of a message, with its NUL */
#define LOG_LINE 4096    /* PIPE_BUF: a line written to a pipe is not mixed with another's */
#define LOG_HEAD 256     /* time, level, role, pid and punctuation */

/* every byte of the message may become two in JSON */
_Static_assert(LOG_HEAD + 2 * LOG_MESSAGE <= LOG_LINE, "a line must fit");

static bool log_json;
static enum base_log_level log_least = BASE_LOG_INFO;
static const char *log_role = "gatehouse"; /* borrow: static string */

static const struct {
	const char *text, *json;
} log_names[] = {
	[BASE_LOG_DEBUG] = {"DEBUG", "debug"},
	[BASE_LOG_INFO] = {"INFO", "info"},
	[BASE_LOG_WARN] = {"WARN", "warn"},
	[BASE_LOG_ERROR] = {"ERROR", "error"},
};

void
base_log_setup(bool json, enum base_log_level least, const char *role)
{
	log_json = json;
	log_least = least;
	log_role = role;
}

/* Text that holds no control characters (it was quoted), as the inside of a JSON string. */
static size_t
log_put_json(char *dst, const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			dst[n++] = '\\';
		dst[n++] = *s;
	}
	return n;
}

static size_t
log_line(char line[LOG_LINE], enum base_log_level level, const char *message)
{
	char time[BASE_TIME_UTC_SIZE];
	int head;
	size_t n;

	base_time_utc(base_time_wall_us(), time);
	/* The role is cut so that the head always fits. */
	head = snprintf(line, LOG_HEAD - 4,
	    log_json ? "{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%.64s\",\"pid\":%ld,\"message\":\"" : "%s %s %.64s[%ld]: ", time,
	    log_json ? log_names[level].json : log_names[level].text, log_role, (long)getpid());
	n = head < 0 ? 0 : (size_t)head;
	if (log_json) {
		n += log_put_json(line + n, message);
		line[n++] = '"';
		line[n++] = '}';
	} else {
		size_t len = strlen(message);

		memcpy(line + n, message, len);
		n += len;
	}
	line[n++] = '\n';
	return n;
}

void
base_log(enum base_log_level level, const char *fmt, ...)
{
	char raw[LOG_MESSAGE + 16]; /* longer than what is shown, so that quoting marks the cut with "..." */
	char message[LOG_MESSAGE], line[LOG_LINE];
	int saved = errno;
	size_t n;
	ssize_t done;
	va_list ap;

	if (level < log_least)
		return;
	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	base_text_quote(message, sizeof(message), base_span_str(raw), SIZE_MAX);
	n = log_line(line, level, message);
	do
		done = write(STDERR_FILENO, line, n);
	while (done < 0 && errno == EINTR);
	errno = saved; /* a line that could not be written is lost: there is nowhere to say so */
}
