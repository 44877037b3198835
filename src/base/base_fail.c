/* base_fail: fills the human part of an error.
 * Input: our own formats; arguments may carry peer text that the caller has quoted. Never allocates, never logs, and accepts
 * a format whose arguments point into the very struct it fills (text is built aside first). Text that is too long is cut.
 */
#include "base_fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies src, cut to fit, with its NUL. */
static void
fail_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size)
		n = size - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

/* A failing vsnprintf (only possible with wide characters) leaves no text at all rather than stale bytes. */
static void __attribute__((format(printf, 3, 0)))
fail_vformat(char *dst, size_t size, const char *fmt, va_list ap)
{
	if (vsnprintf(dst, size, fmt, ap) < 0)
		dst[0] = '\0';
}

int
base_fail_set(struct base_fail *f, int code, const char *fmt, ...)
{
	char text[sizeof(f->text)];
	va_list ap;

	if (f == NULL)
		return code;
	va_start(ap, fmt);
	fail_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail_copy(f->text, sizeof(f->text), text);
	f->hint[0] = '\0';
	f->code = code;
	return code;
}

static int
fail_code(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
		return GH_E_FULL;
	case ENOENT:
		return GH_E_MISSING;
	case EACCES:
	case EPERM:
		return GH_E_DENIED;
	case EEXIST:
		return GH_E_EXISTS;
	default:
		return GH_E_IO;
	}
}

int
base_fail_errno(struct base_fail *f, int err, const char *fmt, ...)
{
	char text[sizeof(f->text)];
	/* The untranslated text: strerror() is not thread-safe and would follow the locale. */
	const char *why = strerrordesc_np(err);
	int code = fail_code(err);
	va_list ap;

	if (f == NULL)
		return code;
	va_start(ap, fmt);
	fail_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (why != NULL)
		return base_fail_set(f, code, "%s: %s", text, why);
	return base_fail_set(f, code, "%s: error %d", text, err);
}

void
base_fail_hint(struct base_fail *f, const char *fmt, ...)
{
	char hint[sizeof(f->hint)];
	va_list ap;

	if (f == NULL)
		return;
	va_start(ap, fmt);
	fail_vformat(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	fail_copy(f->hint, sizeof(f->hint), hint);
}

void
base_fail_where(struct base_fail *f, const char *fmt, ...)
{
	char text[sizeof(f->text)];
	size_t n, old;
	va_list ap;

	if (f == NULL)
		return;
	va_start(ap, fmt);
	fail_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (n > sizeof(text) - 3)
		n = sizeof(text) - 3; /* ": " and the NUL */
	text[n++] = ':';
	text[n++] = ' ';
	old = strlen(f->text);
	if (old > sizeof(text) - 1 - n)
		old = sizeof(text) - 1 - n;
	memcpy(text + n, f->text, old);
	text[n + old] = '\0';
	fail_copy(f->text, sizeof(f->text), text);
}
