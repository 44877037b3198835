/* gate_strict: birth, start-up parameters, and end of an enforced session's engine. Input: the client's start-up parameters (allow-listed by gate_login).
 * The settings in `options` win over ALTER ROLE ... SET, and RESET ALL returns to them (SQL-RULES 7.4).
 */
#include "gate_strict.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_num.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_relay.h"
#include "gate_standing.h"
#include "gate_strict_int.h"
#include "gate_track.h"
#include "gate_worker.h"

/* Who this log-in is in this world, when enforced there; NULL: observed. An application is always enforced. */
static int
enforced(const struct gate_session *s, struct gate_world *w, struct gate_who **who_r)
{
	*who_r = NULL;
	if (!policy_map_enforces(w->map))
		return GH_OK;
	*who_r = gate_who_login(s->worker->whos, w, base_span_str(s->user));
	if (!*who_r)
		return GH_E_NOMEM;
	if ((*who_r)->scope->treat != POLICY_ENFORCE && !(*who_r)->application)
		gate_who_unref(who_r);
	return GH_OK;
}

void
gate_strict_adopt(struct gate_session *s, struct gate_world *w)
{
	struct gate_who *who;

	if (s->state != GATE_RELAY && s->state != GATE_SERVER)
		return;
	if (enforced(s, w, &who) < 0 || (who != NULL) != (s->strict != NULL))
		gate_session_end(s, GATE_END_POLICY, "57P01", "connect again", "the policy was changed, and this session would be treated otherwise");
	gate_who_unref(&who);
	gate_strict_let_in(s, w);
}

bool
gate_strict_let_in(struct gate_session *s, struct gate_world *w)
{
	struct gate_who *who = gate_who_login(s->worker->whos, w, base_span_str(s->user));
	char why[300];
	bool away = who && strict_self_turned_away(s, who, why, sizeof(why));

	if (away)
		gate_session_end(s, GATE_END_TURNED_AWAY, "28000", "ask the gate's operator if this is wrong", "access is not granted any more");
	gate_who_unref(&who);
	return !away;
}

/* `only` rules at log-in: a person who may not be here is told so at once; an application's people are looked at with their statements. */
static bool
may_come(struct gate_session *s, const struct gate_who *who)
{
	struct policy_where rule = {NULL, 0};
	char words[300];

	if (strict_only(s, who, &rule, words, sizeof(words)))
		return true;
	gate_record_deny(s, words);
	gate_session_end(s, GATE_END_REFUSED, "28000", "ask the policy's owner if this is wrong", "%s (rule %s:%u)", words, rule.file ? strict_rule_file(&rule) : "", rule.line);
	return false;
}

int
gate_strict_choose(struct gate_session *s)
{
	struct gate_world *w = s->world;
	struct gate_who *who;

	int rc = enforced(s, w, &who);
	if (rc < 0 || !who)
		return rc;
	if (!may_come(s, who)) {
		gate_who_unref(&who);
		return GH_OK;
	}
	struct gate_strict *t = s->strict = base_mem_new(1, sizeof(*t));
	t->world = w;
	gate_world_ref(w);
	rc = strict_self_begin(s, who);
	gate_who_unref(&who);
	t->prepared = base_map_new(0, NULL);
	t->portals = base_map_new(0, NULL);
	t->judged = base_map_new(0, NULL);
	base_buf_init(&t->in, GATE_STRICT_MESSAGE + GATE_UP_MAX);
	base_buf_init(&t->back, GATE_STRICT_RAW + GATE_UP_MAX);
	base_buf_init(&t->closing, 1u << 20);
	s->up.max = GATE_STRICT_MESSAGE + GATE_UP_MAX;
	return rc;
}

/* A value inside `options`: blanks and backslashes are escaped with a backslash. */
static void
option(struct base_buf *out, const char *name, struct base_span value)
{
	base_buf_str(out, "-c ");
	base_buf_str(out, name);
	base_buf_u8(out, '=');
	for (size_t i = 0; i < value.n; i++) {
		if (strchr(" \t\n\\", value.p[i]))
			base_buf_u8(out, '\\');
		base_buf_u8(out, value.p[i]);
	}
	base_buf_u8(out, ' ');
}

/* As PostgreSQL reads names of encodings: letters and digits count. `auto` is libpq's word for the locale's. */
bool
gate_strict_is_utf8(struct base_span value)
{
	char plain[16];
	size_t n = 0;

	for (size_t i = 0; i < value.n && n + 1 < sizeof(plain); i++)
		if (isalnum(value.p[i]))
			plain[n++] = (char)tolower(value.p[i]);
	plain[n] = '\0';
	return strcmp(plain, "utf8") == 0 || strcmp(plain, "unicode") == 0 || strcmp(plain, "auto") == 0;
}

static bool
taken_over(struct base_span name)
{
	static const char *const names[] = {"application_name", "DateStyle", "TimeZone", "IntervalStyle", "extra_float_digits", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"};

	for (size_t i = 0; i < BASE_COUNT(names); i++)
		if (name.n == strlen(names[i]) && strncasecmp(names[i], (const char *)name.p, name.n) == 0)
			return true;
	return false;
}

void
gate_strict_startup(struct gate_session *s, struct base_buf *out)
{
	const struct gate_world *w = s->world;
	const struct gate_who *who = s->strict->server_who;
	struct base_cursor c = base_cursor(base_buf_span(&s->params));

	while (c.left > 0) {
		struct base_span name = base_cursor_cstr(&c), value = base_cursor_cstr(&c);
		if (taken_over(name)) {
			base_buf_put(out, base_span(name.p, name.n + 1));
			base_buf_put(out, base_span(value.p, value.n + 1));
		} else if (name.n == 15 && strncasecmp((const char *)name.p, "client_encoding", 15) == 0 && !gate_strict_is_utf8(value)) {
			gate_session_end(s, GATE_END_REFUSED, "0A000", "set client_encoding to UTF8", "an enforced session speaks UTF-8 only");
			return;
		} else if (name.n == 7 && memcmp(name.p, "options", 7) == 0 && value.n > 0) {
			if (!strict_self_options(s, value))
				gate_session_end(s, GATE_END_REFUSED, "0A000", "set what is needed after connecting", "an enforced session accepts no \"options\" at start-up but -c gatehouse.token, gatehouse.case, gatehouse.purpose");
			if (s->state >= GATE_DRAIN)
				return;
		} /* the rest has one value only in an enforced session */
	}
	base_buf_str(out, "client_encoding");
	base_buf_u8(out, 0);
	base_buf_str(out, "UTF8");
	base_buf_u8(out, 0);
	base_buf_str(out, "options");
	base_buf_u8(out, 0);
	option(out, "debug_print_rewritten", base_span_str("on"));
	option(out, "debug_pretty_print", base_span_str("off"));
	option(out, "client_min_messages", base_span_str("log"));
	option(out, "log_parameter_max_length_on_error", base_span_str("0")); /* else a Bind's tree has a context, as only those within functions should */
	option(out, "standard_conforming_strings", base_span_str("on"));
	option(out, "row_security", base_span_str("on"));
	option(out, "search_path", base_span_str(w->conf->search_path));
	option(out, "gatehouse.role", base_span_str(s->user));
	option(out, "gatehouse.employer", base_span_str(who->employer));
	option(out, "gatehouse.province", base_span_str(who->province));
	option(out, "gatehouse.team", base_span_str(who->team));
	base_buf_u8(out, 0);
}

void
gate_strict_status(struct gate_session *s, struct base_span name, struct base_span value)
{
	struct gate_strict *t = s->strict;
	uint64_t major = 0;
	size_t n = 0;

	if (base_span_is(name, "server_encoding"))
		t->utf8 = base_span_is(value, "UTF8");
	if (!base_span_is(name, "server_version"))
		return;
	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	if (base_num_u64(base_span(value.p, n), 0, 1000, &major) == GH_OK)
		t->major = (unsigned)major;
}

void
gate_strict_begin(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	t->status = s->track.status;
	s->down.max = (size_t)s->world->conf->hold_size + 2 * (size_t)GATE_STRICT_MESSAGE; /* read on only below hold_size: one message more may come */
	if (!t->utf8 || !tree_supported(t->major))
		gate_session_end(s, GATE_END_REFUSED, "0A000", "tell the gate's operator", "an enforced session needs a UTF-8 database of a PostgreSQL version that the gate can read trees of");
	else if (t->status != 'I')
		strict_protocol(s, "the session does not begin idle");
	gate_session_say(s);
}

void
gate_strict_ending(struct gate_session *s)
{
	strict_rows_lost(s);
	strict_charge_lost(s);
}

void
gate_strict_free(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	if (!t)
		return;
	if (t->look)
		t->look->session = NULL; /* its answer will find nobody */
	while (t->owed_count > 0)
		strict_pop(t, s);
	strict_forget_portals(s);
	strict_forget_prepared(s);
	strict_portal_unref(s, &t->confirm);
	gate_judged_unref(s, &t->analysis.judged);
	tree_free(&t->analysis.tree);
	free((void *)(uintptr_t)t->analysis.error.p);
	while (t->oldest) {
		struct gate_judged *j = t->oldest;
		t->oldest = j->newer;
		gate_judged_unref(s, &j);
	}
	base_map_free(&t->prepared);
	base_map_free(&t->portals);
	base_map_free(&t->judged);
	sql_command_free(&t->command);
	free(t->command_text);
	base_buf_done(&t->in);
	base_buf_done(&t->back);
	base_buf_done(&t->closing);
	strict_charge_done(s);
	strict_self_done(s);
	gate_world_unref(&t->world);
	free(t->owed);
	free(t);
	s->strict = NULL;
}

/* The catalogue was looked at after these rows had come. */
static void
on_look(void *ctx)
{
	struct gate_look *look = ctx;
	struct gate_session *s = look->session;
	bool seen = look->seen;

	free(look);
	if (!s)
		return; /* the session has ended meanwhile */
	struct gate_strict *t = s->strict;
	t->look = NULL;
	if (seen && t->world == s->worker->world)
		t->sure = t->asked;
	else
		t->changed = true;
	if (s->state == GATE_RELAY)
		gate_relay_looked(s);
}

bool
strict_sure(struct gate_session *s, size_t bytes)
{
	struct gate_strict *t = s->strict;

	if (t->changed || t->sure >= bytes)
		return true;
	if (t->look)
		return false;
	struct gate_look *look = base_mem_new(1, sizeof(*look));
	*look = (struct gate_look){.loop = s->worker->loop, .done = on_look, .session = s};
	t->look = look;
	t->asked = base_buf_len(&t->back);
	gate_control_look(s->worker->shared->control, look);
	return false;
}

const struct strict_self *
gate_strict_self(const struct gate_session *s)
{
	return s->strict ? s->strict->self : NULL;
}

struct base_buf *
gate_strict_in(struct gate_session *s)
{
	return &s->strict->in;
}

struct base_buf *
gate_strict_back(struct gate_session *s)
{
	return &s->strict->back;
}

bool
gate_strict_idle(const struct gate_session *s)
{
	return s->strict->owed_count == 0 && !s->strict->half && s->strict->status == 'I';
}

bool
gate_strict_server_turn(const struct gate_session *s)
{
	return s->strict->owed_count > 0;
}

bool
gate_strict_waits(const struct gate_session *s)
{
	const struct gate_strict *t = s->strict;

	return t->small && t->flushed && t->owed_count > 0 && base_buf_len(&s->down) < GATE_READ_LEAST;
}

bool
gate_strict_reads_client(const struct gate_session *s)
{
	return base_buf_len(&s->strict->in) < GATE_UP_MAX || !gate_strict_server_turn(s);
}

bool
gate_strict_reads_server(const struct gate_session *s)
{
	return base_buf_len(&s->down) < (size_t)s->world->conf->hold_size && !s->strict->look && !s->strict->case_ask;
}

void
gate_strict_suspended(struct gate_session *s)
{
	const struct gate_who *who = s->strict && s->strict->self ? s->strict->self->who : NULL;

	if (s->state >= GATE_DRAIN || !s->user || !s->authenticated || !gate_strict_let_in(s, s->worker->world) || !who)
		return;
	/* An application's connection serves others too: it ends only when it speaks for this person now. */
	if (who->application && !who->nobody && gate_standing_suspended(s->worker->shared->standing, base_span_str(who->actor), base_span_str(who->employer), NULL, 0)) {
		gate_record_alarm(s, who->actor, "suspended while connected");
		gate_session_end(s, GATE_END_TURNED_AWAY, "28000", "ask the gate's operator if this is wrong", "access is not granted any more");
	}
}

void
gate_strict_receipt(struct gate_session *s)
{
	strict_charge_receipt(s);
}

void
gate_strict_failure(struct gate_session *s, bool unsure)
{
	strict_charge_failure(s, unsure);
}

void
gate_strict_parted(struct gate_session *s)
{
	strict_charge_part(s);
}
