/* gate_step: step-ups and leaves. Input: codes and ids that people type (hostile), entries of the ledger. Bounded: the least recently used actors' step-ups and the
 * oldest requests are forgotten, which only makes people ask again; counters of used passwords are kept apart and are never forgotten within their time.
 */
#include "gate_step.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_map.h"
#include "base_mem.h"

#define STEPS_MAX 100000u
#define ASKS_MAX 10000u
#define FREE_TRIES 3u
#define PAUSE_FIRST_US 2000000ull
#define PAUSE_MOST_US 900000000ull

struct code_state { uint64_t last; uint32_t used; unsigned wrong; uint64_t wrong_us; }; /* of one actor: last time step, used recovery codes (bits), wrong codes in a row */

struct gate_steps {
	pthread_mutex_t lock;
	struct base_map *codes; /* actor -> code_state: as many as are enrolled */
	struct base_map *steps; /* actor NUL login NUL host -> uint64_t */
	struct base_map *asks;  /* id -> gate_asked */
};

struct gate_steps *
gate_steps_new(void)
{
	struct gate_steps *s = base_mem_new(1, sizeof(*s));

	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes */
	s->codes = base_map_new(0, free);
	s->steps = base_map_new(STEPS_MAX, free);
	s->asks = base_map_new(ASKS_MAX, free);
	return s;
}

void
gate_steps_free(struct gate_steps **sp)
{
	struct gate_steps *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	base_map_free(&s->codes);
	base_map_free(&s->steps);
	base_map_free(&s->asks);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static void *
keep(struct base_map *m, struct base_span key, size_t size)
{
	void *v = base_map_get(m, key);

	if (v)
		return v;
	v = base_mem_new(1, size);
	if (base_map_put(m, key, v) < 0)
		abort(); /* out of memory, as base_mem_new does */
	return v;
}

/* ---- one-time passwords ---- */

static void
step_key(const struct gate_step_by *by, struct base_buf *key)
{
	base_buf_init(key, 2048);
	base_buf_put(key, by->actor);
	base_buf_u8(key, 0);
	base_buf_put(key, by->login);
	base_buf_u8(key, 0);
	base_buf_put(key, by->host);
}

static void
stepped_up(struct gate_steps *s, const struct gate_step_by *by, uint64_t now_us)
{
	struct base_buf key;

	step_key(by, &key);
	if (!key.bad)
		*(uint64_t *)keep(s->steps, base_buf_span(&key), sizeof(uint64_t)) = now_us;
	base_buf_done(&key);
}

static uint64_t
pause_us(const struct code_state *c)
{
	uint64_t pause = PAUSE_FIRST_US;

	if (c->wrong < FREE_TRIES)
		return 0;
	for (unsigned i = FREE_TRIES; i < c->wrong && pause < PAUSE_MOST_US; i++)
		pause *= 2;
	return pause < PAUSE_MOST_US ? pause : PAUSE_MOST_US;
}

enum gate_step_answer
gate_steps_try(struct gate_steps *s, const struct ident_otp_file *otp, const struct gate_step_by *by, struct base_span code, uint64_t now_us, uint64_t *counter_r, uint64_t *wait_us_r)
{
	enum gate_step_answer answer = GATE_STEP_UNKNOWN;

	*counter_r = *wait_us_r = 0;
	if (!otp || !ident_otp_has(otp, by->actor))
		return answer;
	(void)pthread_mutex_lock(&s->lock);
	struct code_state *c = keep(s->codes, by->actor, sizeof(*c));
	uint64_t free_at = c->wrong_us + pause_us(c);
	if (c->wrong >= FREE_TRIES && now_us < free_at && now_us + PAUSE_MOST_US > c->wrong_us) { /* a clock that was set back far does not lock anybody out for ever */
		*wait_us_r = free_at - now_us;
		answer = GATE_STEP_WAIT;
	} else {
		switch (ident_otp_check(otp, by->actor, code, now_us, c->last, c->used, counter_r)) {
		case IDENT_OTP_RIGHT:
			c->last = *counter_r;
			answer = GATE_STEP_RIGHT;
			break;
		case IDENT_OTP_RECOVERED:
			c->used |= 1u << *counter_r;
			++*counter_r;
			answer = GATE_STEP_RECOVERED;
			break;
		case IDENT_OTP_REPLAYED:
			answer = GATE_STEP_REPLAYED;
			break;
		case IDENT_OTP_WRONG:
		case IDENT_OTP_UNKNOWN:
		default:
			answer = GATE_STEP_WRONG;
			break;
		}
		bool right = answer == GATE_STEP_RIGHT || answer == GATE_STEP_RECOVERED;
		c->wrong = right ? 0 : c->wrong < 64 ? c->wrong + 1 : c->wrong;
		c->wrong_us = now_us;
		if (right)
			stepped_up(s, by, now_us);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return answer;
}

uint64_t
gate_steps_at(struct gate_steps *s, const struct gate_step_by *by)
{
	struct base_buf key;

	step_key(by, &key);
	(void)pthread_mutex_lock(&s->lock);
	const uint64_t *at = key.bad ? NULL : base_map_get(s->steps, base_buf_span(&key));
	uint64_t us = at ? *at : 0;
	(void)pthread_mutex_unlock(&s->lock);
	base_buf_done(&key);
	return us;
}

/* ---- leave by a second person ---- */

static void
make_id(char id[GATE_ASK_ID])
{
	static const char letters[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"; /* 32, none that is read as another */
	uint8_t r[GATE_ASK_ID - 2];

	base_crypt_random(r, sizeof(r));
	for (size_t i = 0; i < sizeof(r); i++)
		id[i] = letters[r[i] & 31];
	id[sizeof(r)] = '\0';
}

struct search { struct base_span actor; const char *rule; uint64_t now_us; struct gate_asked *open; uint64_t until_us; };

static bool
look_at(struct base_span key, void *value, void *ctx)
{
	struct search *q = ctx;
	struct gate_asked *a = value;

	(void)key;
	if (!base_span_eq(base_span_str(a->actor), q->actor) || strcmp(a->rule, q->rule) != 0)
		return true;
	if (a->until_us > q->until_us && a->until_us > q->now_us)
		q->until_us = a->until_us;
	if (a->until_us == 0 && a->expires_us > q->now_us)
		q->open = a;
	return true;
}

static void
copy_words(char *dst, size_t size, struct base_span s)
{
	(void)snprintf(dst, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.p ? (const char *)s.p : "");
}

bool
gate_steps_ask(struct gate_steps *s, struct base_span actor, const char *rule, struct base_span group, const char *words, uint64_t within_us, uint64_t lasting_us, uint64_t now_us, struct gate_asked *r)
{
	struct search q = {.actor = actor, .rule = rule, .now_us = now_us};

	(void)pthread_mutex_lock(&s->lock);
	base_map_each(s->asks, look_at, &q);
	bool new = q.open == NULL;
	if (new) {
		char id[GATE_ASK_ID];
		do
			make_id(id);
		while (base_map_get(s->asks, base_span_str(id)));
		q.open = keep(s->asks, base_span_str(id), sizeof(*q.open));
		memcpy(q.open->id, id, sizeof(id));
		copy_words(q.open->actor, sizeof(q.open->actor), actor);
		copy_words(q.open->rule, sizeof(q.open->rule), base_span_str(rule));
		copy_words(q.open->group, sizeof(q.open->group), group);
		copy_words(q.open->words, sizeof(q.open->words), base_span_str(words));
		q.open->expires_us = now_us + within_us;
		q.open->lasting_us = lasting_us;
	}
	*r = *q.open;
	(void)pthread_mutex_unlock(&s->lock);
	return new;
}

uint64_t
gate_steps_leave(struct gate_steps *s, struct base_span actor, const char *rule, uint64_t now_us)
{
	struct search q = {.actor = actor, .rule = rule, .now_us = now_us};

	(void)pthread_mutex_lock(&s->lock);
	if (base_map_count(s->asks) > 0)
		base_map_each(s->asks, look_at, &q);
	(void)pthread_mutex_unlock(&s->lock);
	return q.until_us;
}

enum gate_approve_answer
gate_steps_approve(struct gate_steps *s, struct base_span id, struct base_span approver, bool (*in_group)(void *ctx, struct base_span group), void *ctx, uint64_t now_us, struct gate_asked *r)
{
	enum gate_approve_answer answer = GATE_APPROVE_DONE;

	(void)pthread_mutex_lock(&s->lock);
	struct gate_asked *a = base_map_get(s->asks, id);
	if (!a)
		answer = GATE_APPROVE_UNKNOWN;
	else if (a->until_us != 0 || a->expires_us <= now_us)
		answer = GATE_APPROVE_EXPIRED;
	else if (base_span_eq(base_span_str(a->actor), approver))
		answer = GATE_APPROVE_OWN;
	else if (!in_group(ctx, base_span_str(a->group)))
		answer = GATE_APPROVE_GROUP;
	else
		a->until_us = now_us + a->lasting_us;
	if (a)
		*r = *a;
	(void)pthread_mutex_unlock(&s->lock);
	return answer;
}

/* ---- from the ledger ---- */

static void
recalled_step(struct gate_steps *s, const struct event_entry *e)
{
	struct code_state *c = keep(s->codes, e->actor, sizeof(*c));
	struct base_span host = e->address;
	bool recovery = base_span_is(e->why, "recovery code");

	if (e->counter == 0) { /* a wrong one */
		c->wrong = c->wrong < 64 ? c->wrong + 1 : c->wrong;
		c->wrong_us = e->time_us;
		return;
	}
	if (recovery && e->counter <= IDENT_OTP_RECOVERY)
		c->used |= 1u << (e->counter - 1);
	else if (!recovery && e->counter > c->last)
		c->last = e->counter;
	c->wrong = 0;
	while (host.n > 0 && host.p[host.n - 1] != ':')
		host.n--;
	host.n -= host.n > 0;
	stepped_up(s, &(struct gate_step_by){e->actor, e->login.n > 0 ? e->login : e->actor, host}, e->time_us);
}

void
gate_steps_entry(struct gate_steps *s, const struct event_entry *e)
{
	(void)pthread_mutex_lock(&s->lock);
	if (e->kind == EVENT_STEP && e->actor.n > 0) {
		recalled_step(s, e);
	} else if (e->kind == EVENT_ASK && e->target.n > 0 && e->target.n < GATE_ASK_ID) {
		struct gate_asked *a = keep(s->asks, e->target, sizeof(*a));
		copy_words(a->id, sizeof(a->id), e->target);
		copy_words(a->actor, sizeof(a->actor), e->actor);
		copy_words(a->rule, sizeof(a->rule), e->rule);
		copy_words(a->group, sizeof(a->group), e->why);
		copy_words(a->words, sizeof(a->words), e->budget);
		a->expires_us = e->until_us;
		a->lasting_us = e->counter * 1000000; /* seconds */
	} else if (e->kind == EVENT_ENROLL && e->target.n > 6 && memcmp(e->target.p, "actor ", 6) == 0) {
		(void)base_map_remove(s->codes, base_span(e->target.p + 6, e->target.n - 6));
	} else if (e->kind == EVENT_APPROVE && e->target.n > 0) {
		struct gate_asked *a = base_map_get(s->asks, e->target);
		if (a)
			a->until_us = e->until_us;
	}
	(void)pthread_mutex_unlock(&s->lock);
}
