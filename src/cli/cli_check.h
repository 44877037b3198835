/* cli_check: what `policy check` looks for: in the files alone, and against the live catalogue. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli_finding.h"
#include "cli_live.h"

/* Rules that another rule makes void, look-ups that cannot be, dates that have passed. today: "2026-11-22". */
void cli_check_rules(const struct policy_file *f, const char *today, struct cli_findings *out);
/* Budgets, step-ups and approvals that another budget makes void, cases that never close, zones that are not there. Part of cli_check_rules. */
void cli_check_counts(const struct policy_file *f, struct cli_findings *out);
/* Groups without people, people in groups that are not there, vetting that has passed. people may be NULL. */
void cli_check_people(const struct policy_file *f, const struct policy_people *people, const char *today, struct cli_findings *out);
/* Names, columns without a rule, trusted functions, row conditions, roles. l has its files and no connection yet. Failure: the database gave no answer. */
BASE_CHECK int cli_check_live(struct cli_live *l, struct cli_findings *out, struct base_fail *fail);

/* "a, b, c and 7 more" of names, quoted, for messages. */
void cli_check_names(const struct base_span *name, size_t n, char *dst, size_t size);

#endif
