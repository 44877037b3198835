/* cli_finding: what `policy check` and `doctor` have found: collected, printed for people or as JSON, and made an exit status. */
#ifndef CLI_FINDING_H
#define CLI_FINDING_H

#include "base_buf.h"
#include "base_fail.h"

enum cli_severity { CLI_NOTE, CLI_WARNING, CLI_ERROR };
#define CLI_SEVERITIES 3u

struct cli_finding {
	enum cli_severity severity;
	const char *check;      /* borrow: static word, "definer" */
	char *what, *why, *fix; /* own; why and fix may be empty; line ends separate statements of a fix */
};
struct cli_findings {
	struct cli_finding *item; /* own */
	size_t n, cap;
	size_t count[CLI_SEVERITIES];
};

void cli_findings_init(struct cli_findings *f);
void cli_findings_done(struct cli_findings *f);
/* Copies the texts; any of why and fix may be NULL. */
void cli_findings_add(struct cli_findings *f, enum cli_severity severity, const char *check, const char *what, const char *why, const char *fix);
/* The same with what as a format; why and fix as above. */
void cli_findings_say(struct cli_findings *f, enum cli_severity severity, const char *check, const char *why, const char *fix, const char *what, ...) BASE_PRINTF(6, 7);

const char *cli_severity_word(enum cli_severity s);
void cli_findings_text(const struct cli_findings *f, struct base_buf *out); /* worst first */
/* "findings":[...],"errors":N,"warnings":N,"notes":N: members of an object that the caller opens and closes. */
void cli_findings_json(const struct cli_findings *f, struct base_buf *out);
/* CLI_EXIT_NONE when there is an error, else CLI_EXIT_OK. */
int cli_findings_status(const struct cli_findings *f);

#endif
