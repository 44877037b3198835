/* gate_strict_admit: before a statement runs: is the person still let in, at this hour and from here, was the reason given that the policy asks for, is the table's
 * step-up there, may one more value be looked up? What the person can mend by a SET is refused without a word to the server, so that the transaction lives on.
 * Input: what others of the gate have checked; the client's claims of purpose and case.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_time.h"
#include "gate_record.h"
#include "gate_standing.h"
#include "gate_step.h"
#include "gate_strict_int.h"
#include "gate_worker.h"

#define ONLY_US 1000000u /* `only` is looked at once a second per session */

/* ---- here, now ---- */

static struct base_span
not_here(struct gate_session *s, struct base_span text, const char *words, const struct policy_where *rule)
{
	strict_refused(s, text, words, rule);
	if (rule->line > 0)
		return strict_error("42501", "ask the policy's owner if this is wrong", "%s (rule %s:%u)", words, strict_rule_file(rule), rule->line);
	return strict_error("42501", "ask the policy's owner if this is wrong", "%s", words);
}

bool
strict_only(struct gate_session *s, const struct gate_who *who, struct policy_where *rule_r, char *words, size_t size)
{
	struct base_span host = base_span(s->address, s->address_host);
	struct policy_moment m = {.wall_us = base_time_wall_us(), .local = gate_world_local, .ctx = who->world};

	if (host.n > 2 && host.p[0] == '[')
		host = base_span(host.p + 1, host.n - 2);
	m.address = s->local ? base_span_str("local") : host;
	m.certificate = s->certificate;
	return policy_only_check(who->scope, who->person, &m, rule_r, words, size) == POLICY_ONLY_YES;
}

/* Looked at once a second; a person who is refused is looked at with each statement. */
static struct base_span
here_and_now(struct gate_session *s, struct base_span text)
{
	struct gate_strict *t = s->strict;
	struct gate_who *who = t->self->who;
	struct policy_where rule = {NULL, 0};
	uint64_t now = base_loop_now_us(s->worker->loop), wall = base_time_wall_us();
	char words[300];

	if (who->expires_us != 0 && wall >= who->expires_us)
		return strict_error("28000", "SET gatehouse.token to a new one", "the token has expired");
	if (t->only_us != 0 && now - t->only_us < ONLY_US)
		return base_span(NULL, 0);
	if (strict_self_turned_away(s, who, words, sizeof(words)) || !strict_only(s, who, &rule, words, sizeof(words))) {
		t->only_us = 0;
		return not_here(s, text, words, &rule);
	}
	t->only_us = now;
	return base_span(NULL, 0);
}

/* ---- the reason ---- */

const char *
strict_case(const struct strict_portal *p)
{
	return p->judged && p->judged->said_case ? p->judged->said_case : p->self ? p->self->case_number : NULL;
}

const char *
strict_purpose(const struct strict_portal *p)
{
	return p->judged && p->judged->said_purpose ? p->judged->said_purpose : p->self ? p->self->purpose : NULL;
}

static struct base_span
reason(struct gate_session *s, const struct strict_portal *p)
{
	const struct policy_scope *scope = p->judged->scope;
	const struct policy_where *rule = NULL;
	const char *what = NULL;

	if (scope->need_purpose.line > 0 && !strict_purpose(p)) {
		rule = &scope->need_purpose;
		what = "purpose";
	} else if (scope->need_case.line > 0 && !strict_case(p)) {
		rule = &scope->need_case;
		what = "case";
	}
	if (!rule)
		return base_span(NULL, 0);
	char words[100], hint[120];
	(void)snprintf(words, sizeof(words), "the look-up needs a %s, and none was given", what);
	(void)snprintf(hint, sizeof(hint), "SET gatehouse.%s = '...', then ask again", what);
	strict_refused(s, p->judged->text, words, rule);
	return strict_error("28Z03", hint, "%s (rule %s:%u)", words, strict_rule_file(rule), rule->line);
}

/* ---- step-up for a table ---- */

bool
strict_stepped_up(struct gate_session *s, uint64_t lasting_us)
{
	const struct gate_who *who = s->strict->self->who;
	const struct gate_step_by by = {base_span_str(who->actor), base_span_str(s->user), strict_self_host(s)};
	uint64_t at = gate_steps_at(s->worker->shared->steps, &by), now = base_time_wall_us();

	return at != 0 && at <= now && now - at < lasting_us;
}

static bool
names_table(const struct policy_map *map, const struct policy_decision *d, uint32_t oid)
{
	for (size_t i = 0; i < d->noccurrences; i++)
		if (policy_map_step_shows(map, oid, d->occurrences[i].relation->oid))
			return true;
	return false;
}

struct base_span
strict_step_error(const char *what, const struct policy_where *rule)
{
	return strict_error("28Z01", "SET gatehouse.otp = 'the code of your authenticator', then ask again", "%s needs a one-time password (rule %s:%u)", what, strict_rule_file(rule), rule->line);
}

static struct base_span
table_step(struct gate_session *s, const struct gate_judged *j)
{
	const struct policy_scope *scope = j->scope;

	for (size_t i = 0; i < scope->nsteps; i++) {
		const struct policy_scope_step *step = &scope->steps[i];
		if (!step->for_table || !names_table(j->world->map, j->decision, step->oid) || strict_stepped_up(s, step->lasting_us))
			continue;
		strict_refused(s, j->text, "a one-time password is needed for this table", &step->rule);
		return strict_step_error("this table", &step->rule);
	}
	return base_span(NULL, 0);
}

/* ---- all of it ---- */

/* A portal may be read on for hours: by then the shift is over, the token has expired, or the step-up. */
struct base_span
strict_still(struct gate_session *s, const struct strict_portal *p, bool *soft_r)
{
	struct base_span error = here_and_now(s, p->judged->text);

	*soft_r = !error.p;
	return error.p || !p->judged->decision->touches_subjects ? error : table_step(s, p->judged);
}

struct base_span
strict_admit(struct gate_session *s, struct strict_portal *p, bool *soft_r)
{
	const struct gate_judged *j = p->judged;

	*soft_r = false;
	struct base_span error = here_and_now(s, j->text);
	if (error.p || !j->decision->touches_subjects)
		return error;
	*soft_r = true;
	error = reason(s, p);
	if (!error.p)
		error = table_step(s, j);
	if (!error.p && p->looks_up)
		error = strict_charge_lookup(s, p);
	return error;
}
