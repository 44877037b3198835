/* cli_replay_count: budgets over the marks that the ledger recorded, in their order, with the gate's own accounts (gate_budget). Everybody is taken to have gone on as they did:
 * who is stopped asks for the next customer all the same. Input: decoded entries, a merged policy. No I/O, no clock: time is the entries'.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"
#include "cli_replay.h"
#include "gate_budget.h"
#include "policy_words.h"

#define MARK 8u

struct cli_replay_count {
	struct gate_budget *budget;  /* own */
	struct base_map *accounts;   /* own: name -> struct gate_account, kept until the end */
	struct base_map *passed;     /* own: actor and rule -> until when a step-up or an approval holds, own */
	struct base_buf key;         /* own */
};

struct cli_replay_count *
cli_replay_count_new(size_t max_bytes)
{
	struct cli_replay_count *c = base_mem_new(1, sizeof(*c));

	c->budget = gate_budget_new(max_bytes);
	c->accounts = base_map_new(0, NULL);
	c->passed = base_map_new(0, free);
	base_buf_init(&c->key, 65536);
	return c;
}

static bool
drop(struct base_span key, void *value, void *ctx)
{
	struct gate_account *a = value;

	(void)key;
	gate_budget_drop(ctx, &a);
	return true;
}

void
cli_replay_count_free(struct cli_replay_count **cp)
{
	struct cli_replay_count *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	base_map_each(c->accounts, drop, c->budget);
	base_map_free(&c->accounts);
	base_map_free(&c->passed);
	gate_budget_free(&c->budget);
	base_buf_done(&c->key);
	free(c);
}

static struct gate_account *
account(struct cli_replay_count *c, enum policy_holder holder, struct base_span who, const char *what, enum policy_adjective adjective, uint64_t keep_us)
{
	const struct gate_account_name name = {holder, who, base_span_str(what), adjective};

	base_buf_clear(&c->key);
	base_buf_u8(&c->key, (uint8_t)holder);
	base_buf_u8(&c->key, (uint8_t)adjective);
	base_buf_cstr(&c->key, what);
	base_buf_put(&c->key, who);
	base_buf_u64(&c->key, keep_us);
	struct gate_account *a = base_map_get(c->accounts, base_buf_span(&c->key));
	if (!a) {
		a = gate_budget_account(c->budget, &name, keep_us);
		if (c->key.bad || base_map_put(c->accounts, base_buf_span(&c->key), a) < 0)
			abort(); /* names of a few hundred bytes */
	}
	return a;
}

/* -- what one row, or one look-up, is charged to -- */

struct charges {
	struct gate_charge charge[GATE_BUDGET_CHARGES_MAX];
	struct gate_budget_limit limit[GATE_BUDGET_CHARGES_MAX];
	struct gate_account *account[GATE_BUDGET_CHARGES_MAX];
	size_t n;
};
struct one { /* that is counted */
	enum policy_noun noun;
	size_t subject;
	bool clear, unexplained;
	uint64_t mark, now_us;
};
struct turn { /* what stays the same for all rows of one entry */
	struct cli_replay_count *c;
	const struct policy_scope *scope;
	const struct policy_file *policy;
	const struct event_entry *e;
	uint64_t now_us;
	struct cli_replay_look *look;
	struct cli_replay_tally *t;
	struct cli_replay_actor *a;
};

static bool
counts(const struct policy_count *c, const struct one *o)
{
	if (c->noun != o->noun)
		return false;
	if (c->noun == POLICY_NOUN_LOOKUPS)
		return true;
	return c->subject == o->subject && (c->adjective != POLICY_ADJECTIVE_CLEAR || o->clear) && (c->adjective != POLICY_ADJECTIVE_UNEXPLAINED || o->unexplained);
}

static const char *
what_of(const struct turn *u, const struct policy_count *c, char *dst, size_t size)
{
	const struct base_span name = policy_count_what(u->policy, c);

	(void)snprintf(dst, size, "%.*s", (int)name.n, (const char *)name.p);
	return dst;
}

static void
add(struct charges *x, struct gate_account *a, uint64_t n, uint64_t window_us, const void *rule)
{
	if (x->n == GATE_BUDGET_CHARGES_MAX)
		return; /* as many as the gate itself charges at once */
	x->limit[x->n] = (struct gate_budget_limit){n, window_us, rule};
	x->charge[x->n] = (struct gate_charge){a, &x->limit[x->n], 1};
	x->account[x->n++] = a;
}

static void
collect(const struct turn *u, const struct one *o, struct charges *x)
{
	char what[200];

	x->n = 0;
	for (size_t i = 0; i < u->scope->nbudgets; i++) {
		const struct policy_scope_budget *b = &u->scope->budgets[i];
		struct base_span who = b->holder == POLICY_HOLDER_ACTOR ? u->e->actor : b->holder == POLICY_HOLDER_EMPLOYER ? u->e->employer : b->group;
		if (counts(&b->count, o) && who.n > 0)
			add(x, account(u->c, b->holder, who, what_of(u, &b->count, what, sizeof(what)), b->count.adjective, b->count.window_us), b->count.n, b->count.window_us, b);
	}
}

static int
take(const struct turn *u, const struct one *o, const struct charges *x, const struct policy_scope_budget **full_r, struct base_fail *fail)
{
	struct gate_budget_refusal r;

	*full_r = NULL;
	if (x->n == 0 || o->mark == 0)
		return 0;
	enum gate_budget_answer answer = gate_budget_take(u->c->budget, x->charge, x->n, o->mark, u->now_us, &r);
	if (answer == GATE_BUDGET_FULL)
		return base_fail_set(fail, GH_E_LIMIT, "the accounts of the budgets need more memory than this command takes");
	if (answer == GATE_BUDGET_REFUSED)
		*full_r = r.limit->rule;
	return 0;
}

static void
release(const struct turn *u, const struct one *o, const struct charges *x)
{
	gate_budget_release(u->c->budget, x->account, x->n, &o->mark, 1, u->now_us);
}

static void
settle(const struct turn *u, const struct one *o, const struct charges *x)
{
	if (x->n > 0 && o->mark != 0)
		gate_budget_settle(u->c->budget, x->account, x->n, &o->mark, 1, u->now_us);
}

static void
stop(const struct turn *u, const struct policy_scope_budget *b, enum cli_replay_what what)
{
	char budget[POLICY_WORDS_COUNT], words[POLICY_WORDS_COUNT + 10];

	policy_budget_words(u->policy, &b->count, b->holder, budget, sizeof(budget));
	(void)snprintf(words, sizeof(words), "budget of %s", budget);
	if (u->a)
		cli_replay_note(u->a, what, words, &b->rule, u->e->time_us);
}

/* -- step-up and approval: the actor is asked, and taken to pass -- */

static bool
holds(const struct turn *u, const struct policy_where *rule, uint64_t lasting_us)
{
	base_buf_clear(&u->c->key);
	base_buf_fmt(&u->c->key, "%u ", rule->line);
	base_buf_put(&u->c->key, u->e->actor);
	uint64_t *until = base_map_get(u->c->passed, base_buf_span(&u->c->key));
	if (until && *until > u->now_us)
		return true;
	if (!until) {
		until = base_mem_new(1, sizeof(*until));
		if (u->c->key.bad || base_map_put(u->c->passed, base_buf_span(&u->c->key), until) < 0)
			abort(); /* names of a few hundred bytes */
	}
	*until = u->now_us + lasting_us;
	return false;
}

/* Counts o in the threshold's own account; true: there is no room below it. */
static bool
passes_threshold(const struct turn *u, const struct one *o, const struct policy_count *after, const struct policy_where *rule)
{
	struct gate_budget_refusal r;
	struct charges x = {.n = 0};
	char what[64];

	if (!counts(after, o) || o->mark == 0)
		return false;
	(void)snprintf(what, sizeof(what), " after %u", rule->line); /* no subject begins with a space */
	add(&x, account(u->c, POLICY_HOLDER_ACTOR, u->e->actor, what, after->adjective, after->window_us), after->n, after->window_us, NULL);
	bool over = gate_budget_take(u->c->budget, x.charge, x.n, o->mark, u->now_us, &r) == GATE_BUDGET_REFUSED;
	settle(u, o, &x);
	return over;
}

static void
thresholds(const struct turn *u, const struct one *o)
{
	char count[POLICY_WORDS_COUNT], words[400];

	for (size_t i = 0; i < u->scope->nsteps; i++) {
		const struct policy_scope_step *s = &u->scope->steps[i];
		if (s->for_table || !passes_threshold(u, o, &s->after, &s->rule) || holds(u, &s->rule, s->lasting_us) || !u->a)
			continue;
		policy_count_words(u->policy, &s->after, count, sizeof(count));
		(void)snprintf(words, sizeof(words), "step-up after %s", count);
		cli_replay_note(u->a, CLI_REPLAY_STEP, words, &s->rule, u->e->time_us);
	}
	for (size_t i = 0; i < u->scope->nasks; i++) {
		const struct policy_scope_ask *s = &u->scope->asks[i];
		char group[200];
		if (!passes_threshold(u, o, &s->after, &s->rule) || holds(u, &s->rule, s->lasting_us) || !u->a)
			continue;
		policy_count_words(u->policy, &s->after, count, sizeof(count));
		(void)snprintf(words, sizeof(words), "approval of %s after %s", base_text_quote(group, sizeof(group), s->group, 60), count);
		cli_replay_note(u->a, CLI_REPLAY_ASK, words, &s->rule, u->e->time_us);
	}
}

static void
table_steps(const struct turn *u)
{
	for (size_t i = 0; i < u->scope->nsteps && !u->look->stepped; i++) {
		const struct policy_scope_step *s = &u->scope->steps[i];
		const struct policy_scope_relation *r = s->for_table ? policy_scope_relation(u->scope, s->oid) : NULL;
		char words[400], name[300];
		for (size_t k = 0; r && k < u->e->tables.count && k < EVENT_LIST_MAX; k++) {
			if (!base_span_eq(u->e->tables.item[k], r->full_name) || holds(u, &s->rule, s->lasting_us))
				continue;
			(void)snprintf(words, sizeof(words), "step-up for %s", base_text_quote(name, sizeof(name), r->full_name, 290));
			if (u->a)
				cli_replay_note(u->a, CLI_REPLAY_STEP, words, &s->rule, u->e->time_us);
		}
	}
	u->look->stepped = true; /* looked at once a look-up */
}

/* -- entries -- */

static uint64_t
mark_at(const struct event_entry *e, size_t tuple, size_t kind)
{
	struct base_cursor c = base_cursor(base_span(e->marks.p + (tuple * e->kinds.count + kind) * MARK, MARK));

	return base_cursor_u64(&c);
}

/* The policy's subject whose key this kind is; SIZE_MAX: none. */
static size_t
subject_of(const struct policy_file *f, struct base_span kind)
{
	for (size_t i = 0; i < f->nsubjects; i++) {
		struct base_span name = f->subjects[i].name;
		if (kind.n == name.n + 4 && memcmp(kind.p, name.p, name.n) == 0 && memcmp(kind.p + name.n, ".key", 4) == 0)
			return i;
	}
	return SIZE_MAX;
}

static bool
is_key(struct base_span kind)
{
	return kind.n > 4 && memcmp(kind.p + kind.n - 4, ".key", 4) == 0;
}

/* A look-up by a protected column: the mark of what was asked for, where the entry has it; else of who was found. */
static int
probe(const struct turn *u, size_t tuples, struct base_fail *fail)
{
	struct one o = {.noun = POLICY_NOUN_LOOKUPS, .now_us = u->now_us};
	const struct policy_scope_budget *full;
	struct charges x;
	uint64_t found = 0;

	for (size_t k = 0; k < u->e->kinds.count && tuples > 0; k++) {
		uint64_t m = mark_at(u->e, 0, k);
		if (is_key(u->e->kinds.item[k]))
			found = found ? found : m;
		else
			o.mark = o.mark ? o.mark : m;
	}
	o.mark = o.mark ? o.mark : found;
	if (o.mark == 0) { /* a value that the entry does not tell: another one than any before */
		base_buf_clear(&u->c->key);
		base_buf_put(&u->c->key, u->e->session);
		base_buf_u64(&u->c->key, u->look->seq);
		struct base_span s = base_buf_span(&u->c->key);
		for (size_t i = 0; i < s.n; i++)
			o.mark = (o.mark ^ s.p[i]) * 0x100000001b3u;
		o.mark |= 1;
	}
	collect(u, &o, &x);
	int rc = take(u, &o, &x, &full, fail);
	if (rc < 0)
		return rc;
	if (full) {
		stop(u, full, CLI_REPLAY_REFUSED);
		u->look->refused = true;
	} else {
		settle(u, &o, &x);
		thresholds(u, &o);
	}
	return 0;
}

/* One row's subjects: all of them have room, or the row is the first that does not go out. */
static int
row(const struct turn *u, size_t tuple, const struct cli_replay_shows *shows, const size_t *subject, struct base_fail *fail)
{
	struct one o[EVENT_LIST_MAX];
	struct charges x[EVENT_LIST_MAX > 8 ? 8 : EVENT_LIST_MAX]; /* a row that names more than eight persons' keys is counted for eight */
	const struct policy_scope_budget *full = NULL;
	uint8_t letter = tuple < u->e->classes.n ? u->e->classes.p[tuple] : 'n';
	size_t n = 0;
	int rc = 0;

	for (size_t k = 0; k < u->e->kinds.count && n < BASE_COUNT(x); k++) {
		if (subject[k] == SIZE_MAX || !shows[k].shows)
			continue;
		o[n] = (struct one){POLICY_NOUN_SUBJECT, subject[k], shows[k].clear, (letter | 0x20) == 'u', mark_at(u->e, tuple, k), u->now_us};
		collect(u, &o[n], &x[n]);
		rc = take(u, &o[n], &x[n], &full, fail);
		if (rc < 0 || full)
			break;
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		if (rc < 0 || full) {
			if (x[i].n > 0 && o[i].mark != 0)
				release(u, &o[i], &x[i]);
			continue;
		}
		settle(u, &o[i], &x[i]);
		thresholds(u, &o[i]);
	}
	if (full) {
		stop(u, full, CLI_REPLAY_CUT);
		u->look->cut = true;
	}
	return rc;
}

static void
row_rules(const struct turn *u, size_t tuple)
{
	char words[100];
	uint8_t letter = tuple < u->e->classes.n ? u->e->classes.p[tuple] | 0x20 : 'n';

	if (u->scope->unexplained == POLICY_UNEXPLAINED_REFUSE && letter == 'u') {
		if (u->a)
			cli_replay_note(u->a, CLI_REPLAY_CUT, "no case explains the look-up", &u->scope->unexplained_rule, u->e->time_us);
		u->look->cut = true;
	} else if (u->scope->explains && letter == 'n' && u->t) {
		u->t->unasked++;
	}
	if (!u->look->cut && u->scope->limit_rows > 0 && u->look->rows >= u->scope->limit_rows) {
		(void)snprintf(words, sizeof(words), "limit of %llu rows per statement", (unsigned long long)u->scope->limit_rows);
		if (u->a)
			cli_replay_note(u->a, CLI_REPLAY_CUT, words, &u->scope->limit, u->e->time_us);
		u->look->cut = true;
	}
	u->look->rows++;
}

int
cli_replay_charge(struct cli_replay_count *c, const struct policy_scope *scope, const struct policy_file *policy, const struct event_entry *e, const struct cli_replay_shows *shows,
    uint64_t now_us, struct cli_replay_look *look, struct cli_replay_tally *t, struct cli_replay_actor *a, struct base_fail *fail)
{
	const struct turn u = {c, scope, policy, e, now_us, look, t, a};
	size_t subject[EVENT_LIST_MAX], width = e->kinds.count <= EVENT_LIST_MAX ? e->kinds.count : 0, tuples = width ? e->marks.n / (width * MARK) : 0;
	bool enforced = scope->treat == POLICY_ENFORCE, keys = false;
	int rc = 0;

	for (size_t k = 0; k < width; k++) {
		subject[k] = subject_of(policy, e->kinds.item[k]);
		keys = keys || subject[k] != SIZE_MAX;
	}
	if (enforced && !look->refused)
		table_steps(&u);
	if (enforced && !look->refused && e->probe.n > 0 && e->part <= 1)
		rc = probe(&u, tuples, fail);
	look->named = look->named || (keys && tuples > 0);
	for (size_t i = 0; i < tuples && rc == 0; i++) {
		if (enforced && !look->refused && !look->cut && e->rows > 0)
			row_rules(&u, i);
		if (enforced && !look->refused && !look->cut && e->rows > 0)
			rc = row(&u, i, shows, subject, fail);
		for (size_t k = 0; k < width && rc == 0 && t && a && e->rows > 0; k++)
			if (subject[k] != SIZE_MAX) {
				rc = cli_replay_person(t, a, e->kinds.item[k], e->epoch, mark_at(e, i, k), !look->refused && !look->cut);
				if (rc < 0)
					(void)base_fail_set(fail, rc, "more than %u persons and actors: give --since a later time", CLI_MARKS_MAX);
			}
	}
	return rc;
}
