/* gate_strict_self: what a session says of itself: SET gatehouse.token, .case, .purpose, .otp, .approve, the same in the start-up options, and how these follow
 * transactions as PostgreSQL's settings do: SET holds from then on and is taken back by ROLLBACK and ROLLBACK TO, SET LOCAL ends with the transaction. Only a token
 * that does not hold is not forgotten by them: it leaves nobody. None of it is sent to the server but who asks (gatehouse.role, .employer, .province, .team, for row conditions). Input: hostile client. Tokens and codes are
 * never logged or recorded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_standing.h"
#include "gate_step.h"
#include "gate_strict_int.h"
#include "gate_worker.h"
#include "sql_command.h"
#include "wire_write.h"

#define WORDS_MAX 255u /* of a purpose or case */

enum own { OWN_NONE, OWN_TOKEN, OWN_CASE, OWN_PURPOSE, OWN_OTP, OWN_APPROVE, OWN_ACTOR };
static const struct { const char *name; enum own own; } names[] = {
	{"gatehouse.token", OWN_TOKEN}, {"gatehouse.case", OWN_CASE}, {"gatehouse.purpose", OWN_PURPOSE}, {"gatehouse.otp", OWN_OTP}, {"gatehouse.approve", OWN_APPROVE},
	{"gatehouse.actor", OWN_ACTOR}, /* shown only */
};

static enum own
own_of(struct base_span name)
{
	for (size_t i = 0; i < BASE_COUNT(names); i++)
		if (name.n == strlen(names[i].name) && strncasecmp(names[i].name, (const char *)name.p, name.n) == 0)
			return names[i].own;
	return OWN_NONE;
}

bool
strict_self_is(struct base_span name)
{
	return own_of(name) != OWN_NONE;
}

static bool
starts(struct base_span s, size_t at, const char *word)
{
	size_t n = strlen(word);

	return at <= s.n && s.n - at >= n && strncasecmp((const char *)s.p + at, word, n) == 0;
}

bool
strict_self_leaks(const struct sql_command *c, struct base_span text)
{
	enum { BETWEEN_MAX = 16 }; /* blanks, dot, quotes between the two words */

	if (c && (c->kind == SQL_C_SET || c->kind == SQL_C_SHOW) && strict_self_is(c->name))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if ((text.p[i] | 0x20) != 'g' || !starts(text, i, "gatehouse"))
			continue;
		size_t at = i + 9;
		while (at < text.n && at < i + 9 + BETWEEN_MAX && strchr(" \t\r\n.\"'", text.p[at]))
			at++;
		if (starts(text, at, "token") || starts(text, at, "otp"))
			return true;
	}
	return false;
}

/* ---- values ---- */

static struct strict_self *
self_ref(struct strict_self *self)
{
	self->refs++;
	return self;
}

void
strict_self_unref(struct strict_self **sp)
{
	struct strict_self *self = *sp;

	*sp = NULL;
	if (!self || --self->refs > 0)
		return;
	gate_who_unref(&self->who);
	free(self->purpose);
	free(self->case_number);
	free(self);
}

struct change { enum own own; struct gate_who *who; const char *words; }; /* who: shared, not taken over; words NULL: said no more */

static char *
copy(const char *s)
{
	return s ? base_mem_str(base_span_str(s)) : NULL;
}

static struct strict_self *
changed(const struct strict_self *old, const struct change *c)
{
	struct strict_self *new = base_mem_new(1, sizeof(*new));

	new->refs = 1;
	new->who = c->own == OWN_TOKEN ? c->who : old->who;
	gate_who_ref(new->who);
	new->purpose = copy(c->own == OWN_PURPOSE ? c->words : old->purpose);
	new->case_number = copy(c->own == OWN_CASE ? c->words : old->case_number);
	return new;
}

static void
put(struct strict_self **slot, struct strict_self *self)
{
	strict_self_unref(slot);
	*slot = self;
}

/* SET LOCAL changes what is in force; SET also what COMMIT leaves. */
static void
apply(struct gate_strict *t, const struct change *c, bool local)
{
	bool same = t->self == t->session;

	if (!local)
		put(&t->session, changed(t->session, c));
	if (!local && same)
		put(&t->self, self_ref(t->session));
	else
		put(&t->self, changed(t->self, c));
	t->only_us = 0;
}

/* From here on it is this person, whatever the end of a transaction or a savepoint brings back. */
static void
speak_for(struct gate_strict *t, struct gate_who *who)
{
	struct change c = {OWN_TOKEN, who, NULL};

	put(&t->session, changed(t->session, &c));
	put(&t->start, changed(t->start, &c));
	put(&t->self, changed(t->self, &c));
	for (size_t i = 0; i < t->nsave; i++) {
		put(&t->save[i].self, changed(t->save[i].self, &c));
		put(&t->save[i].session, changed(t->save[i].session, &c));
	}
	t->only_us = 0;
}

/* ---- savepoints ---- */

static void
drop_saves(struct gate_strict *t, size_t left)
{
	while (t->nsave > left) {
		struct strict_save *v = &t->save[--t->nsave];
		strict_self_unref(&v->self);
		strict_self_unref(&v->session);
		free(v->name);
		*v = (struct strict_save){0};
	}
}

static void
save(struct gate_strict *t, const char *name)
{
	if (t->nsave == t->cap_save) {
		size_t cap = t->cap_save ? t->cap_save * 2 : 4;
		struct strict_save *more = base_mem_grow(t->save, cap, sizeof(*more));
		if (!more)
			abort(); /* at most GATE_SAVEPOINTS */
		t->save = more;
		t->cap_save = cap;
	}
	t->save[t->nsave++] = (struct strict_save){base_mem_str(base_span_str(name)), self_ref(t->self), self_ref(t->session)};
}

static void
forget_who(struct gate_session *s)
{
	struct gate_who *who = gate_who_login(s->worker->whos, s->strict->world, base_span_str(s->user));

	if (!who) {
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the policy");
		return;
	}
	speak_for(s->strict, who);
	gate_who_unref(&who);
}

void
strict_self_point(struct gate_session *s, enum strict_point point, const char *name)
{
	struct gate_strict *t = s->strict;
	size_t at = t->nsave;

	if (point == POINT_SAVE) {
		save(t, name);
		return;
	}
	while (at > 0 && strcmp(t->save[at - 1].name, name) != 0)
		at--;
	if (at == 0) {
		forget_who(s); /* a savepoint that was never made: the server cannot mean it */
		return;
	}
	if (point == POINT_BACK) {
		put(&t->self, self_ref(t->save[at - 1].self));
		put(&t->session, self_ref(t->save[at - 1].session));
		t->only_us = 0;
	}
	drop_saves(t, point == POINT_BACK ? at : at - 1); /* it stands after one has gone back to it */
}

int
strict_self_begin(struct gate_session *s, struct gate_who *who)
{
	struct gate_strict *t = s->strict;

	t->self = base_mem_new(1, sizeof(*t->self));
	t->self->refs = 3;
	t->self->who = who;
	gate_who_ref(who);
	t->session = t->start = t->self;
	gate_who_ref(who);
	t->server_who = who; /* the start-up options speak of whom the log-in is */
	return GH_OK;
}

void
strict_self_done(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	strict_self_unref(&t->self);
	strict_self_unref(&t->session);
	strict_self_unref(&t->start);
	drop_saves(t, 0);
	free(t->save);
	gate_who_unref(&t->server_who);
}

void
strict_self_ended(struct gate_session *s, bool committed)
{
	struct gate_strict *t = s->strict;

	drop_saves(t, 0);
	if (!committed)
		put(&t->session, self_ref(t->start));
	if (t->self != t->session) {
		put(&t->self, self_ref(t->session));
		t->only_us = 0;
	}
	if (t->start != t->session)
		put(&t->start, self_ref(t->session));
	if (!committed && t->server_who_unsure)
		gate_who_unref(&t->server_who);
	t->server_who_unsure = false;
}

void
strict_self_forget_server(struct gate_session *s)
{
	gate_who_unref(&s->strict->server_who);
}

void
strict_self_reset(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	struct gate_who *who = gate_who_login(s->worker->whos, t->world, base_span_str(s->user));
	const struct change all[] = {{OWN_TOKEN, who, NULL}, {OWN_CASE, NULL, NULL}, {OWN_PURPOSE, NULL, NULL}};

	if (!who) {
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the policy");
		return;
	}
	for (size_t i = 0; i < BASE_COUNT(all); i++)
		apply(t, &all[i], false);
	gate_who_unref(&who);
}

/* ---- may this person be here at all? ---- */

static bool
turned_away(struct gate_session *s, const struct gate_who *who, char *why, size_t size)
{
	struct policy_moment m = {.wall_us = base_time_wall_us(), .local = gate_world_local, .ctx = who->world};
	char words[200];

	if (gate_standing_suspended(s->worker->shared->standing, base_span_str(who->actor), base_span_str(who->employer), words, sizeof(words)))
		(void)snprintf(why, size, "access is suspended: %s", words);
	else if (who->person && policy_only_left(who->person, &m))
		(void)snprintf(why, size, "left on %.*s", (int)who->person->left_on.n, (const char *)who->person->left_on.p);
	else
		return false;
	return true;
}

bool
strict_self_turned_away(struct gate_session *s, const struct gate_who *who, char *why, size_t size)
{
	if (!turned_away(s, who, why, size))
		return false;
	gate_record_alarm(s, who->actor, why);
	return true;
}

/* ---- a token ---- */

/* NULL: the session's actor is the token's; else why not (for the ledger; the client is told less). */
static const char *
take_token(struct gate_session *s, struct base_span token, bool local, char *why, size_t size)
{
	struct gate_strict *t = s->strict;
	const struct policy_application *a = gate_who_application(t->world, base_span_str(s->user));
	struct gate_who *who = NULL;
	struct base_fail fail = {.text = ""};

	if (!a)
		return "this log-in is not an application's";
	int rc = token.n == 0 ? GH_OK : gate_who_token(s->worker->whos, t->world, a, token, base_time_wall_us(), &who, &fail);
	if (rc == GH_OK && token.n == 0)
		who = gate_who_login(s->worker->whos, t->world, base_span_str(s->user));
	if (rc < 0 || !who) {
		(void)snprintf(why, size, "token refused: %.300s", fail.text);
		forget_who(s);
		return why;
	}
	if (strict_self_turned_away(s, who, why, size)) {
		gate_who_unref(&who);
		forget_who(s);
		return why;
	}
	struct change c = {OWN_TOKEN, who, NULL};
	apply(t, &c, local);
	gate_who_unref(&who);
	return NULL;
}

/* Who asks, under the new world. False: no memory. */
static bool
renew(struct gate_session *s, struct gate_world *w, struct strict_self **slot)
{
	const struct policy_application *a = gate_who_application(w, base_span_str(s->user));
	const char *token = (*slot)->who->token;
	struct gate_who *who = NULL;
	struct base_fail fail;

	if (a && token && gate_who_token(s->worker->whos, w, a, base_span_str(token), base_time_wall_us(), &who, &fail) < 0) {
		base_log_info("session %s: its token does not hold under the new policy: %s", s->id, fail.text);
		who = NULL;
	}
	if (!who)
		who = gate_who_login(s->worker->whos, w, base_span_str(s->user));
	if (!who)
		return false;
	struct change c = {OWN_TOKEN, who, NULL};
	put(slot, changed(*slot, &c));
	gate_who_unref(&who);
	return true;
}

void
strict_self_world(struct gate_session *s, struct gate_world *w)
{
	struct gate_strict *t = s->strict;
	struct strict_self **slot[] = {&t->session, &t->start, &t->self};
	bool alike[] = {false, t->start == t->session, t->self == t->session}, ok = true, somebody = !t->self->who->nobody;

	for (size_t i = 0; ok && i < BASE_COUNT(slot); i++) {
		if (alike[i])
			put(slot[i], self_ref(t->session));
		else
			ok = renew(s, w, slot[i]);
	}
	for (size_t i = 0; ok && i < t->nsave; i++)
		ok = renew(s, w, &t->save[i].self) && renew(s, w, &t->save[i].session);
	if (!ok)
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the policy");
	else if (somebody && t->self->who->nobody && t->owed_count > 0) /* what is still to come was begun as somebody whom the session cannot show any more to be */
		gate_session_end(s, GATE_END_POLICY, "57P01", "connect again, and SET gatehouse.token", "the policy was changed, and the token under which an answer was begun does not hold any more");
	t->only_us = 0;
}

/* ---- a code, an approval ---- */

struct base_span
strict_self_host(const struct gate_session *s)
{
	return base_span(s->address, s->address_host);
}

static struct gate_step_by
by(const struct gate_session *s)
{
	return (struct gate_step_by){base_span_str(s->strict->self->who->actor), base_span_str(s->user), strict_self_host(s)};
}

static void
say(struct gate_session *s, const char *severity, const char *sqlstate, const char *text)
{
	struct base_buf buf;

	base_buf_init(&buf, 4096);
	wire_write_error(&buf, severity, sqlstate, text, NULL);
	struct base_span m = base_buf_span(&buf);
	if (m.n > WIRE_HEADER) {
		struct base_buf out;
		base_buf_init(&out, 4096);
		wire_write_message(&out, WIRE_B_NOTICE_RESPONSE, base_span(m.p + WIRE_HEADER, m.n - WIRE_HEADER));
		strict_owe(s, OWED_SAY)->bytes = base_span(base_mem_str(base_buf_span(&out)), base_buf_len(&out));
		base_buf_done(&out);
	}
	base_buf_done(&buf);
}

static void
tell(struct gate_session *s, const char *fmt, const char *a, const char *b)
{
	char text[700];

	(void)snprintf(text, sizeof(text), fmt, a, b);
	say(s, "NOTICE", "00000", text);
}

static uint64_t
longest(const struct policy_scope *scope)
{
	uint64_t most = 0;

	for (size_t i = 0; i < scope->nsteps; i++)
		if (scope->steps[i].lasting_us > most)
			most = scope->steps[i].lasting_us;
	return most;
}

/* Empty: right. Else the error for the client. */
static struct base_span
take_code(struct gate_session *s, struct base_span code)
{
	struct gate_strict *t = s->strict;
	struct gate_who *who = t->self->who;
	struct gate_step_by me = by(s);
	uint64_t now = base_time_wall_us(), counter, wait, lasting = longest(who->scope);
	char when[BASE_TIME_LOCAL_SIZE];

	if (who->nobody)
		return strict_error("28Z01", "SET gatehouse.token first", "a one-time password needs an actor, and the application has not said for whom it asks");
	switch (gate_steps_try(s->worker->shared->steps, t->world->otp, &me, code, now, &counter, &wait)) {
	case GATE_STEP_RIGHT:
		gate_record_step(s, counter, now + lasting, NULL);
		tell(s, "stepped up until %s%s", base_time_local(now + lasting, when), "");
		return base_span(NULL, 0);
	case GATE_STEP_RECOVERED:
		gate_record_step(s, counter, now + lasting, "recovery code");
		tell(s, "stepped up until %s with a recovery code, which is used up now%s", base_time_local(now + lasting, when), "");
		return base_span(NULL, 0);
	case GATE_STEP_WAIT:
		return strict_error("28Z01", "wait, then give the code that is shown then", "too many wrong codes: the next is looked at in %llu seconds", (unsigned long long)(wait / 1000000 + 1));
	case GATE_STEP_REPLAYED:
		gate_record_step(s, 0, 0, "code used before");
		return strict_error("28Z01", "wait for the next code, at most 30 seconds", "this code was used before");
	case GATE_STEP_UNKNOWN:
		gate_record_step(s, 0, 0, "not enrolled");
		return strict_error("28Z01", "ask the gate's operator to run: gatehouse otp enroll ACTOR", "no one-time password is enrolled for this actor");
	case GATE_STEP_WRONG:
	default:
		gate_record_step(s, 0, 0, "wrong code");
		return strict_error("28Z01", "give the code that your authenticator shows now; if it is refused again, the clock of the telephone may be wrong", "this code is not right");
	}
}

static bool
in_group(void *ctx, struct base_span group)
{
	return gate_who_in(ctx, group);
}

static struct base_span
take_approval(struct gate_session *s, struct base_span id)
{
	struct gate_who *who = s->strict->self->who;
	struct gate_asked a = {.id = ""};
	char when[BASE_TIME_LOCAL_SIZE], words[500];

	if (who->nobody)
		return strict_error("28Z02", "SET gatehouse.token first", "an approval needs an actor, and the application has not said for whom it asks");
	switch (gate_steps_approve(s->worker->shared->steps, id, base_span_str(who->actor), in_group, who, base_time_wall_us(), &a)) {
	case GATE_APPROVE_DONE:
		gate_record_approve(s, &a);
		(void)snprintf(words, sizeof(words), "%s may look at more than %s", a.actor, a.words);
		tell(s, "approved: %s until %s", words, base_time_local(a.until_us, when));
		return base_span(NULL, 0);
	case GATE_APPROVE_OWN:
		return strict_error("28Z02", "somebody else has to approve it", "nobody approves a request of his own");
	case GATE_APPROVE_GROUP:
		return strict_error("28Z02", NULL, "this request is for somebody of the group \"%s\" to approve", a.group);
	case GATE_APPROVE_EXPIRED:
		return strict_error("28Z02", "let it be asked for again", "this request was approved already, or has expired");
	case GATE_APPROVE_UNKNOWN:
	default:
		return strict_error("28Z02", "give the six letters and digits of the refusal", "there is no such request");
	}
}

/* ---- SET and SHOW ---- */

static bool
fit(struct base_span v)
{
	if (v.n > WORDS_MAX || !base_text_utf8(v))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

static struct base_span
set_words(struct gate_session *s, enum own own, struct base_span v, bool local)
{
	if (!fit(v))
		return strict_error("22023", NULL, "a %s is at most %u bytes of UTF-8 without control characters", own == OWN_CASE ? "case" : "purpose", WORDS_MAX);
	char *words = v.n > 0 ? base_mem_str(v) : NULL;
	struct change c = {own, NULL, words};
	apply(s->strict, &c, local);
	free(words);
	return base_span(NULL, 0);
}

struct base_span
strict_self_set(struct gate_session *s, struct base_span name, struct base_span value, bool local, bool *soft_r)
{
	char why[400];
	const char *refused;
	enum own own = own_of(name);

	*soft_r = own == OWN_OTP || own == OWN_APPROVE;
	if (local && s->strict->status == 'I' && !s->strict->began)
		say(s, "WARNING", "25P01", "SET LOCAL can only be used in transaction blocks");
	switch (own) {
	case OWN_TOKEN:
		refused = take_token(s, value, local, why, sizeof(why));
		if (!refused)
			return base_span(NULL, 0);
		gate_record_deny(s, refused);
		return strict_error("28000", "the reason is in the gate's ledger; without a token the application gets what the policy gives to nobody", "the token was refused");
	case OWN_CASE:
	case OWN_PURPOSE:
		return set_words(s, own, value, local);
	case OWN_OTP:
		return take_code(s, value);
	case OWN_APPROVE:
		return take_approval(s, value);
	case OWN_ACTOR:
	case OWN_NONE:
	default:
		return strict_error("42501", "SET gatehouse.token", "gatehouse.actor is shown, not set");
	}
}

const char *
strict_self_show(const struct gate_session *s, struct base_span name)
{
	const struct strict_self *self = s->strict->self;

	switch (own_of(name)) {
	case OWN_CASE: return self->case_number ? self->case_number : "";
	case OWN_PURPOSE: return self->purpose ? self->purpose : "";
	case OWN_ACTOR: return self->who->nobody ? "" : self->who->actor;
	case OWN_TOKEN:
	case OWN_OTP:
	case OWN_APPROVE:
	case OWN_NONE:
	default: return NULL;
	}
}

/* ---- start-up options ---- */

/* The next word of `options` as PostgreSQL parts them: blanks part, a backslash takes the next byte as it is. False: no more. */
static bool
next_word(struct base_span *rest, struct base_buf *word)
{
	size_t i = 0;

	while (i < rest->n && strchr(" \t\n", rest->p[i]))
		i++;
	if (i == rest->n)
		return false;
	base_buf_clear(word);
	for (; i < rest->n && !strchr(" \t\n", rest->p[i]); i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		base_buf_u8(word, rest->p[i]);
	}
	*rest = base_span(rest->p + i, rest->n - i);
	return true;
}

static bool
option(struct gate_session *s, struct base_span word)
{
	const uint8_t *eq = memchr(word.p, '=', word.n);
	char name[64];
	bool soft;

	if (!eq || (size_t)(eq - word.p) >= sizeof(name))
		return false;
	size_t n = (size_t)(eq - word.p);
	for (size_t i = 0; i < n; i++)
		name[i] = word.p[i] == '-' ? '_' : (char)word.p[i];
	enum own own = own_of(base_span(name, n));
	if (own != OWN_TOKEN && own != OWN_CASE && own != OWN_PURPOSE)
		return false;
	struct base_span error = strict_self_set(s, base_span(name, n), base_span(eq + 1, word.n - n - 1), false, &soft);
	if (!error.p)
		return true;
	free((void *)(uintptr_t)error.p);
	gate_session_end(s, GATE_END_REFUSED, own == OWN_TOKEN ? "28000" : "22023", NULL, "the start-up option %.*s was refused", (int)n, name);
	return true;
}

bool
strict_self_options(struct gate_session *s, struct base_span options)
{
	struct base_buf word;
	bool ok = true, dash_c = false;

	base_buf_init(&word, 65536);
	while (ok && s->state < GATE_DRAIN && next_word(&options, &word)) {
		struct base_span w = base_buf_span(&word);
		if (dash_c)
			ok = option(s, w);
		else if (w.n > 2 && (memcmp(w.p, "-c", 2) == 0 || memcmp(w.p, "--", 2) == 0))
			ok = option(s, base_span(w.p + 2, w.n - 2));
		else if (!base_span_is(w, "-c"))
			ok = false;
		dash_c = !dash_c && base_span_is(w, "-c");
	}
	struct gate_strict *t = s->strict;
	put(&t->start, self_ref(t->session));
	base_secret_wipe(word.mem, word.cap);
	base_buf_done(&word);
	return ok && !dash_c;
}

/* ---- the server ---- */

bool
strict_self_told(const struct gate_session *s)
{
	const struct gate_strict *t = s->strict;
	const struct gate_who *is = t->self->who, *told = t->server_who;

	return told && (is == told || (strcmp(is->actor, told->actor) == 0 && strcmp(is->employer, told->employer) == 0 && strcmp(is->province, told->province) == 0 && strcmp(is->team, told->team) == 0));
}

void
strict_self_tell_server(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	const struct gate_who *who = t->self->who;
	const struct { const char *name, *value; } say[] = {
		{"gatehouse.role", who->actor}, {"gatehouse.employer", who->employer}, {"gatehouse.province", who->province}, {"gatehouse.team", who->team},
	};
	struct base_buf text;

	if (strict_self_told(s))
		return;
	base_buf_init(&text, 65536);
	base_buf_str(&text, "SELECT ");
	for (size_t i = 0; i < BASE_COUNT(say); i++) {
		base_buf_str(&text, i > 0 ? ", pg_catalog.set_config('" : "pg_catalog.set_config('");
		base_buf_str(&text, say[i].name);
		base_buf_str(&text, "', ");
		sql_quote_literal(base_span_str(say[i].value), &text);
		base_buf_str(&text, ", false)");
	}
	strict_quietly(s, base_buf_span(&text));
	base_buf_done(&text);
	gate_who_unref(&t->server_who);
	t->server_who = t->self->who;
	gate_who_ref(t->server_who);
	t->server_who_unsure = true; /* until this transaction, explicit or not, has ended well */
}
