/* cli_out: errors, JSON text and progress for the commands. Writes to standard output and standard error only. */
#include "cli_out.h"

#include <stdarg.h>
#include <unistd.h>

#include "base_text.h"
#include "base_time.h"
#include "cli_args.h"

#define FIRST_DRAW_US 400000u /* quick work draws nothing */
#define DRAW_US 100000u

int
cli_out_fail(const struct base_fail *fail)
{
	fprintf(stderr, "gatehouse: %s\n", fail->text);
	if (*fail->hint)
		fprintf(stderr, "hint: %s\n", fail->hint);
	return CLI_EXIT_ERROR;
}

int
cli_out_error(const char *fmt, ...)
{
	va_list ap;

	fputs("gatehouse: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CLI_EXIT_ERROR;
}

/* Length of the valid UTF-8 character at the start of s, 0 when there is none. */
static size_t
utf8_char(struct base_span s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (base_text_utf8(base_span(s.p, n)))
			return n;
	return 0;
}

void
cli_out_json(struct base_buf *b, struct base_span s)
{
	base_buf_u8(b, '"');
	while (s.n > 0) {
		uint8_t c = s.p[0];
		size_t n = 1;
		if (c == '"' || c == '\\') {
			base_buf_u8(b, '\\');
			base_buf_u8(b, c);
		} else if (c < 0x20 || c == 0x7f) {
			base_buf_fmt(b, "\\u%04x", c);
		} else if ((n = utf8_char(s)) > 0) {
			base_buf_put(b, base_span(s.p, n));
		} else {
			n = 1;
			base_buf_str(b, "\xef\xbf\xbd");
		}
		s.p += n;
		s.n -= n;
	}
	base_buf_u8(b, '"');
}

bool
cli_out_write(struct base_buf *b)
{
	struct base_span s = base_buf_span(b);
	bool ok = !b->bad && fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0;

	base_buf_clear(b);
	return ok;
}

void
cli_progress_init(struct cli_progress *p, const char *what, uint64_t total)
{
	*p = (struct cli_progress){.what = what, .total = total, .tty = isatty(STDERR_FILENO) == 1};
	p->next_us = base_time_mono_us() + FIRST_DRAW_US;
}

void
cli_progress_step(struct cli_progress *p, uint64_t done)
{
	if (!p->tty)
		return;
	uint64_t now = base_time_mono_us();
	if (now < p->next_us)
		return;
	p->next_us = now + DRAW_US;
	p->drawn = true;
	if (p->total > 0)
		fprintf(stderr, "\r\033[K%s: %llu of %llu entries (%u %%)", p->what, (unsigned long long)done, (unsigned long long)p->total,
		    (unsigned)((double)done * 100.0 / (double)p->total));
	else
		fprintf(stderr, "\r\033[K%s: %llu entries", p->what, (unsigned long long)done);
}

void
cli_progress_done(struct cli_progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
