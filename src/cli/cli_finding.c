/* cli_finding: see cli_finding.h. Input: texts that hold names of a catalogue or of files; they are quoted on the way out. Writes into buffers only. */
#include "cli_finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "cli_args.h"
#include "cli_out.h"

#define WHAT_MAX 2048u
#define LINES_SHOWN 20u /* of one fix */

void
cli_findings_init(struct cli_findings *f)
{
	*f = (struct cli_findings){0};
}

void
cli_findings_done(struct cli_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->item[i].what);
		free(f->item[i].why);
		free(f->item[i].fix);
	}
	free(f->item);
	*f = (struct cli_findings){0};
}

void
cli_findings_add(struct cli_findings *f, enum cli_severity severity, const char *check, const char *what, const char *why, const char *fix)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 32;
		struct cli_finding *more = base_mem_grow(f->item, cap, sizeof(*more));
		if (!more)
			abort(); /* a command line without memory has no answer to give */
		f->item = more;
		f->cap = cap;
	}
	f->item[f->n++] = (struct cli_finding){severity, check, base_mem_str(base_span_str(what)), base_mem_str(base_span_str(why ? why : "")),
	                                       base_mem_str(base_span_str(fix ? fix : ""))};
	f->count[severity]++;
}

void
cli_findings_say(struct cli_findings *f, enum cli_severity severity, const char *check, const char *why, const char *fix, const char *what, ...)
{
	char text[WHAT_MAX];
	va_list ap;

	va_start(ap, what);
	(void)vsnprintf(text, sizeof(text), what, ap); /* what is too long is cut: the place stands first */
	va_end(ap);
	cli_findings_add(f, severity, check, text, why, fix);
}

const char *
cli_severity_word(enum cli_severity s)
{
	static const char *const words[CLI_SEVERITIES] = {"note", "warning", "error"};

	return words[s];
}

/* Lines of a text, each quoted, behind `first` or, from the second on, `next`. */
static void
say_lines(struct base_buf *out, const char *text, const char *first, const char *next)
{
	size_t lines = 0;

	for (const char *lead = first; *text; lead = next) {
		size_t n = strcspn(text, "\n");
		if (lines++ == LINES_SHOWN) {
			base_buf_fmt(out, "%s... and more; --json has all of it\n", next);
			return;
		}
		char *quoted = base_mem_new(4 * n + 8, 1);
		base_buf_str(out, lead);
		base_buf_str(out, base_text_quote(quoted, 4 * n + 8, base_span(text, n), n));
		base_buf_u8(out, '\n');
		free(quoted);
		text += n;
		text += *text == '\n';
	}
}

void
cli_findings_text(const struct cli_findings *f, struct base_buf *out)
{
	for (int s = CLI_ERROR; s >= CLI_NOTE; s--)
		for (size_t i = 0; i < f->n; i++) {
			const struct cli_finding *x = &f->item[i];
			char lead[48];
			if (x->severity != (enum cli_severity)s)
				continue;
			(void)snprintf(lead, sizeof(lead), "%-8s", cli_severity_word(x->severity));
			say_lines(out, x->what, lead, "        ");
			say_lines(out, x->why, "        why: ", "             ");
			say_lines(out, x->fix, "        fix: ", "             ");
		}
}

void
cli_findings_json(const struct cli_findings *f, struct base_buf *out)
{
	base_buf_str(out, "\"findings\":[");
	for (size_t i = 0; i < f->n; i++) {
		const struct cli_finding *x = &f->item[i];
		base_buf_fmt(out, "%s{\"severity\":\"%s\",\"check\":\"%s\",\"what\":", i ? "," : "", cli_severity_word(x->severity), x->check);
		cli_out_json(out, base_span_str(x->what));
		if (*x->why) {
			base_buf_str(out, ",\"why\":");
			cli_out_json(out, base_span_str(x->why));
		}
		if (*x->fix) {
			base_buf_str(out, ",\"fix\":");
			cli_out_json(out, base_span_str(x->fix));
		}
		base_buf_u8(out, '}');
	}
	base_buf_fmt(out, "],\"errors\":%zu,\"warnings\":%zu,\"notes\":%zu", f->count[CLI_ERROR], f->count[CLI_WARNING], f->count[CLI_NOTE]);
}

int
cli_findings_status(const struct cli_findings *f)
{
	return f->count[CLI_ERROR] > 0 ? CLI_EXIT_NONE : CLI_EXIT_OK;
}
