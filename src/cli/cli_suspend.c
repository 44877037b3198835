/* cli_suspend: `gatehouse suspend` and `gatehouse resume`: takes an actor's or an employer's access away, and gives it back. An entry in the ledger and nothing else:
 * the keeper tells the gates as soon as it is durable, and again after every restart. Input: the operator's words; the people file, asked whether it knows the name.
 * Never changes the people file or the policy.
 */
#include "cli_entry.h"
#include "cli_files.h"
#include "cli_out.h"

#include "base_text.h"
#include "base_time.h"

#define NAME_MAX_BYTES 200u /* well below what an entry holds: a name that were cut would be another's */
#define WHY_MAX_BYTES 400u

/* The operator's text: of 1 to max bytes, readable, on one line. */
static int
check_text(const char *what, const char *text, size_t max, struct base_fail *fail)
{
	struct base_span s = base_span_str(text);

	if (s.n == 0)
		return base_fail_set(fail, GH_E_PARSE, "%s is empty", what);
	if (s.n > max)
		return base_fail_set(fail, GH_E_LIMIT, "%s is longer than %zu bytes", what, max);
	if (!base_text_utf8(s))
		return base_fail_set(fail, GH_E_PARSE, "%s is not valid UTF-8", what);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return base_fail_set(fail, GH_E_PARSE, "%s has a control character", what);
	return 0;
}

static int
check_words(const struct cli_args *args, const char *command, struct base_fail *fail)
{
	const char *employer = cli_args_get(args, "employer"), *why = cli_args_get(args, "why");
	int rc = 0;

	if ((args->count == 1) == (employer != NULL))
		rc = base_fail_set(fail, GH_E_PARSE, "%s", employer ? "ACTOR and --employer are both given: one at a time" : "ACTOR or --employer NAME is missing");
	else if (!why)
		rc = base_fail_set(fail, GH_E_PARSE, "--why TEXT is missing: the ledger keeps the reason");
	if (rc < 0) {
		base_fail_hint(fail, "gatehouse help %s", command);
		return rc;
	}
	rc = employer ? check_text("the employer's name", employer, NAME_MAX_BYTES, fail) : check_text("the actor's name", args->operand[0], NAME_MAX_BYTES, fail);
	return rc < 0 ? rc : check_text("the reason", why, WHY_MAX_BYTES, fail);
}

/* Whether anybody in the people file has this role, or this employer. */
static bool
is_known(const struct policy_people *people, const char *actor, const char *employer)
{
	if (actor)
		return policy_people_find(people, base_span_str(actor)) != NULL;
	for (size_t i = 0; i < policy_people_count(people); i++)
		if (base_span_is(policy_people_at(people, i)->employer, employer))
			return true;
	return false;
}

/* Says on standard error that the name may be mistyped. It is recorded all the same: who must be stopped now may be listed nowhere. */
static bool
warn_unknown(const struct proc_conf *conf, const char *actor, const char *employer)
{
	struct policy_people *people = NULL;
	struct base_fail fail = {0};
	char shown[NAME_MAX_BYTES * 4 + 8];
	bool known;

	if (!*conf->people)
		return false;
	if (cli_files_people(conf, &people, &fail) < 0) {
		fprintf(stderr, "gatehouse: warning: whether the people file knows the name could not be looked up: %s\n", fail.text);
		return false;
	}
	known = is_known(people, actor, employer);
	if (!known)
		fprintf(stderr, "gatehouse: warning: nobody in %s has the %s %s; is it spelled as there?\n", conf->people, actor ? "role" : "employer",
		    base_text_quote(shown, sizeof(shown), base_span_str(actor ? actor : employer), NAME_MAX_BYTES));
	policy_people_unref(&people);
	return known;
}

static bool
print_json(const struct event_entry *e, bool known)
{
	struct base_buf b;
	bool ok;

	base_buf_init(&b, 65536);
	base_buf_fmt(&b, "{\"done\":\"%s\",\"target\":", event_kind_name(e->kind));
	cli_out_json(&b, e->target);
	base_buf_str(&b, ",\"why\":");
	cli_out_json(&b, e->why);
	base_buf_str(&b, ",\"operator\":");
	cli_out_json(&b, e->operator);
	base_buf_fmt(&b, ",\"known\":%s}\n", known ? "true" : "false");
	ok = cli_out_write(&b);
	base_buf_done(&b);
	return ok;
}

/* What happened, in words. */
static bool
print_words(const struct event_entry *e, const char *name, bool actor)
{
	char shown[NAME_MAX_BYTES * 4 + 8];

	(void)base_text_quote(shown, sizeof(shown), base_span_str(name), NAME_MAX_BYTES);
	if (e->kind == EVENT_RESUME)
		printf("%s%s may log in again; recorded as %s's doing\n", actor ? "" : "everybody of ", shown, cli_entry_operator());
	else
		printf("%s%s is suspended: running sessions are ended, log-ins are refused and alarmed; recorded as %s's doing\n", actor ? "" : "everybody of ", shown,
		    cli_entry_operator());
	return fflush(stdout) == 0;
}

static int
record(const struct cli_args *args, enum event_kind kind)
{
	const char *employer = cli_args_get(args, "employer"), *why = cli_args_get(args, "why");
	struct event_entry e = {.kind = kind, .time_us = base_time_wall_us(), .operator = base_span_str(cli_entry_operator())};
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	struct base_buf target;
	bool known = false, printed = true;
	int rc;

	base_buf_init(&target, NAME_MAX_BYTES + 32);
	rc = check_words(args, event_kind_name(kind), &fail);
	if (rc == 0)
		rc = cli_files_conf(args, &conf, &fail);
	if (rc == 0) {
		const char *name = employer ? employer : args->operand[0];

		known = warn_unknown(conf, employer ? NULL : name, employer);
		base_buf_str(&target, employer ? "employer " : "actor ");
		base_buf_str(&target, name);
		e.target = base_buf_span(&target);
		e.why = base_span_str(why);
		e.node = base_span_str(conf->node);
		rc = target.bad ? base_fail_set(&fail, GH_E_NOMEM, "no memory") : cli_entry_record(conf, &e, &fail);
		if (rc == 0)
			printed = cli_args_get(args, "json") ? print_json(&e, known) : print_words(&e, name, !employer);
	}
	base_buf_done(&target);
	proc_conf_free(&conf);
	if (rc < 0)
		return cli_out_fail(&fail);
	return printed ? CLI_EXIT_OK : cli_out_error("it is recorded, but standard output cannot be written to");
}

int
cli_suspend(const struct cli_args *args)
{
	return record(args, EVENT_SUSPEND);
}

int
cli_resume(const struct cli_args *args)
{
	return record(args, EVENT_RESUME);
}
