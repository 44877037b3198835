/* gate_strict_charge: each person whom a row shows is charged to the budgets of who asks, before the row may go out, and is to be explained by a case where the policy
 * says so. What is taken is pending until the row's entry is durable; then it is settled; where the row does not go out, it is given back. Input: rows of a hostile
 * server, verdicts of the case thread.
 *
 *   row -> strict_explained (verdicts are known, or asked for: wait) -> strict_charge_row (class, accounts) -> taken
 *   entry made -> taken becomes the last of waiting -> receipt: settled        failure, or no entry: released        keeper gone: gate_unsure finds out
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_relay.h"
#include "gate_step.h"
#include "gate_strict_int.h"
#include "gate_worker.h"
#include "mask_value.h"
#include "policy_words.h"
#include "wire_read.h"

#define VERDICTS 10000u /* remembered of one answer */
#define LIMITS_MAX (GATE_BUDGET_CHARGES_MAX * 8) /* budgets, step-ups and approvals that concern one look-up */

/* ---- the purse ---- */

struct strict_account { /* one of the accounts that a person's subjects are charged to */
	struct gate_account *account;  /* own reference of the budget's */
	enum policy_noun noun; enum policy_adjective adjective; size_t subject;
	struct gate_budget_limit *limit; size_t nlimits; /* own; rule: a strict_rule */
};
struct strict_rule { enum { RULE_BUDGET, RULE_STEP, RULE_ASK } kind; size_t index; }; /* in the scope's list of that kind */
struct strict_purse { /* all accounts of one person under one scope */
	struct gate_who *who;          /* shared: whose */
	struct strict_account *account; size_t naccounts;
	struct strict_rule *rule; size_t nrules;
};

static void
add_limit(struct gate_session *s, struct strict_purse *p, const struct policy_count *c, enum policy_holder holder, struct base_span holder_name, struct strict_rule rule)
{
	const struct gate_account_name name = {holder, holder_name, policy_count_what(policy_map_file(p->who->world->map), c), c->adjective};
	struct gate_budget *b = s->worker->shared->budget;
	struct gate_account *account = gate_budget_account(b, &name, c->window_us);
	struct strict_account *a = NULL;

	for (size_t i = 0; i < p->naccounts && !a; i++)
		if (p->account[i].account == account)
			a = &p->account[i];
	if (a) {
		gate_budget_drop(b, &account); /* it is kept once */
	} else {
		a = &p->account[p->naccounts++];
		*a = (struct strict_account){.account = account, .noun = c->noun, .adjective = c->adjective, .subject = c->subject};
	}
	p->rule[p->nrules] = rule;
	a->limit = base_mem_grow(a->limit, a->nlimits + 1, sizeof(*a->limit));
	if (!a->limit)
		abort(); /* a few hundred bytes: as base_mem_new */
	a->limit[a->nlimits++] = (struct gate_budget_limit){c->n, c->window_us, &p->rule[p->nrules++]};
}

static struct base_span
holder_name(const struct gate_who *who, const struct policy_scope_budget *b)
{
	switch (b->holder) {
	case POLICY_HOLDER_EMPLOYER: return base_span_str(who->employer);
	case POLICY_HOLDER_GROUP: return b->group;
	case POLICY_HOLDER_ACTOR:
	default: return base_span_str(who->actor);
	}
}

static struct strict_purse *
purse_new(struct gate_session *s, struct gate_who *who)
{
	const struct policy_scope *sc = who->scope;
	size_t most = sc->nbudgets + sc->nsteps + sc->nasks;
	struct strict_purse *p = base_mem_new(1, sizeof(*p));

	p->who = who;
	gate_who_ref(who);
	p->account = base_mem_new(most + 1, sizeof(*p->account));
	p->rule = base_mem_new(most + 1, sizeof(*p->rule));
	for (size_t i = 0; i < sc->nbudgets; i++)
		add_limit(s, p, &sc->budgets[i].count, sc->budgets[i].holder, holder_name(who, &sc->budgets[i]), (struct strict_rule){RULE_BUDGET, i});
	for (size_t i = 0; i < sc->nsteps; i++)
		if (!sc->steps[i].for_table)
			add_limit(s, p, &sc->steps[i].after, POLICY_HOLDER_ACTOR, base_span_str(who->actor), (struct strict_rule){RULE_STEP, i});
	for (size_t i = 0; i < sc->nasks; i++)
		add_limit(s, p, &sc->asks[i].after, POLICY_HOLDER_ACTOR, base_span_str(who->actor), (struct strict_rule){RULE_ASK, i});
	if (p->naccounts > GATE_BUDGET_CHARGES_MAX || p->nrules > LIMITS_MAX)
		base_log_error("%s is under %zu budgets of %zu kinds, which is more than %u and %u: look-ups may be refused; put the person into fewer groups", who->actor, p->nrules, p->naccounts, LIMITS_MAX, GATE_BUDGET_CHARGES_MAX);
	return p;
}

static void
purse_free(struct gate_session *s, struct strict_purse **pp)
{
	struct strict_purse *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	for (size_t i = 0; i < p->naccounts; i++) {
		gate_budget_drop(s->worker->shared->budget, &p->account[i].account);
		free(p->account[i].limit);
	}
	free(p->account);
	free(p->rule);
	gate_who_unref(&p->who);
	free(p);
}

/* Purses of persons before are kept as long as something is pending in one of their accounts. */
static void
tidy(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	if (t->taken.n > 0 || t->nwaiting > 0)
		return;
	for (size_t i = 0; i < t->nkept; i++)
		purse_free(s, &t->kept[i]);
	t->nkept = 0;
}

static struct strict_purse *
purse(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	struct gate_who *who = t->self->who;

	if (t->purse && t->purse->who == who)
		return t->purse;
	if (t->purse) {
		struct strict_purse **more = base_mem_grow(t->kept, t->nkept + 1, sizeof(struct strict_purse *));
		if (!more)
			abort();
		t->kept = more;
		t->kept[t->nkept++] = t->purse;
		t->purse = NULL;
		tidy(s);
	}
	return t->purse = purse_new(s, who);
}

void
strict_charge_done(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	strict_charge_lost(s);
	for (size_t i = 0; i < t->nwaiting; i++) /* the worker goes without its keeper: nobody will say more */
		free(t->waiting[i].item);
	t->nwaiting = 0;
	purse_free(s, &t->purse);
	tidy(s);
	free(t->waiting);
	free(t->kept);
	free(t->taken.item);
	base_map_free(&t->verdicts);
	if (t->case_ask)
		t->case_ask->session = NULL; /* its answer will find nobody */
	t->case_ask = NULL;
}

/* ---- taking ---- */

static void
note_taken(struct strict_batch *b, struct gate_account *account, uint64_t mark)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 32;
		struct gate_unsure_taken *more = base_mem_grow(b->item, cap, sizeof(*more));
		if (!more)
			abort(); /* at most a few for each mark of one entry */
		b->item = more;
		b->cap = cap;
	}
	b->item[b->n++] = (struct gate_unsure_taken){account, mark};
}

/* One limit as it holds now: a step-up or a leave lifts it. */
static bool
lifted(struct gate_session *s, const struct strict_purse *p, const struct gate_budget_limit *l)
{
	const struct strict_rule *r = l->rule;
	const struct policy_scope *sc = p->who->scope;
	char rule[300];

	if (r->kind == RULE_STEP)
		return strict_stepped_up(s, sc->steps[r->index].lasting_us);
	if (r->kind == RULE_ASK) {
		const struct policy_where *w = &sc->asks[r->index].rule;
		(void)snprintf(rule, sizeof(rule), "%s:%u", w->file, w->line);
		return gate_steps_leave(s->worker->shared->steps, base_span_str(p->who->actor), rule, base_time_wall_us()) != 0;
	}
	return false;
}

struct want { enum policy_noun noun; size_t subject; bool clear, unexplained; };

static bool
concerns(const struct strict_account *a, const struct want *w)
{
	return a->noun == w->noun && (w->noun == POLICY_NOUN_LOOKUPS || a->subject == w->subject) &&
	       (a->adjective == POLICY_ADJECTIVE_NONE || (a->adjective == POLICY_ADJECTIVE_CLEAR && w->clear) || (a->adjective == POLICY_ADJECTIVE_UNEXPLAINED && w->unexplained));
}

/* Takes a mark in all accounts that it concerns. Refused: by which limit. */
static enum gate_budget_answer
take(struct gate_session *s, const struct want *w, uint64_t mark, struct strict_batch *into, struct gate_budget_refusal *refusal)
{
	struct strict_purse *p = purse(s);
	struct gate_charge charge[GATE_BUDGET_CHARGES_MAX];
	struct gate_budget_limit standing[LIMITS_MAX];
	size_t n = 0, nl = 0;
	uint64_t now = base_time_mono_us();
	bool fresh_asked = false;

	for (int round = 0;; round++) {
		/* Steps and leaves are looked at only when a limit refuses: most rows are within all of them. */
		n = nl = 0;
		for (size_t i = 0; i < p->naccounts; i++) {
			struct strict_account *a = &p->account[i];
			if (!concerns(a, w))
				continue;
			if (n == BASE_COUNT(charge) || nl + a->nlimits > BASE_COUNT(standing))
				return GATE_BUDGET_FULL; /* logged when the purse was made */
			charge[n] = (struct gate_charge){a->account, &standing[nl], 0};
			for (size_t k = 0; k < a->nlimits; k++)
				if (!fresh_asked || !lifted(s, p, &a->limit[k])) {
					standing[nl++] = a->limit[k];
					charge[n].nlimits++;
				}
			n++;
		}
		enum gate_budget_answer answer = gate_budget_take(s->worker->shared->budget, charge, n, mark, now, refusal);
		if (answer == GATE_BUDGET_TAKEN) {
			for (size_t i = 0; i < n; i++)
				note_taken(into, charge[i].account, mark);
			return answer;
		}
		if (answer == GATE_BUDGET_FULL || round > 0) {
			for (size_t i = 0; answer == GATE_BUDGET_REFUSED && i < p->naccounts; i++) /* `standing` goes: point into the purse */
				for (size_t k = 0; k < p->account[i].nlimits; k++)
					if (p->account[i].limit[k].rule == refusal->limit->rule) {
						refusal->limit = &p->account[i].limit[k];
						return answer;
					}
			return answer;
		}
		fresh_asked = true;
	}
}

static void
give_back(struct gate_session *s, struct strict_batch *b, size_t from)
{
	uint64_t now = base_time_mono_us();

	for (size_t i = from; i < b->n; i++)
		gate_budget_release(s->worker->shared->budget, &b->item[i].account, 1, &b->item[i].mark, 1, now);
	b->n = from;
}

/* ---- refusals ---- */

static struct base_span
ask_error(struct gate_session *s, const struct policy_scope_ask *ask, const char *words)
{
	char rule[300];
	struct gate_asked a;

	(void)snprintf(rule, sizeof(rule), "%s:%u", ask->rule.file, ask->rule.line);
	if (gate_steps_ask(s->worker->shared->steps, base_span_str(s->strict->self->who->actor), rule, ask->group, words, ask->within_us, ask->lasting_us, base_time_wall_us(), &a))
		gate_record_ask(s, &a);
	char hint[200], when[BASE_TIME_LOCAL_SIZE];
	(void)snprintf(hint, sizeof(hint), "ask somebody of %.*s to run: gatehouse approve %s   (before %s), then ask again", (int)ask->group.n, (const char *)ask->group.p, a.id, base_time_local(a.expires_us, when));
	return strict_error("28Z02", hint, "more than %s need the approval of a second person: request %s (rule %s:%u)", words, a.id, strict_rule_file(&ask->rule), ask->rule.line);
}

/* The error for the client, and the entry of the refusal. */
static struct base_span
used_up(struct gate_session *s, struct base_span text, const struct gate_budget_refusal *r, uint64_t mark, unsigned kind, bool *soft_r)
{
	const struct gate_who *who = s->strict->self->who;
	const struct strict_rule *rule = r->limit->rule;
	const struct policy_scope *sc = who->scope;
	const struct policy_file *file = policy_map_file(who->world->map);
	const struct policy_where *where;
	char words[POLICY_WORDS_COUNT], budget[POLICY_WORDS_COUNT + 30], hint[240], when[BASE_TIME_LOCAL_SIZE];
	struct base_span error;

	*soft_r = rule->kind != RULE_BUDGET;
	if (rule->kind == RULE_BUDGET) {
		const struct policy_scope_budget *b = &sc->budgets[rule->index];
		uint64_t now = base_time_mono_us(), wall = base_time_wall_us();
		where = &b->rule;
		policy_budget_words(file, &b->count, b->holder, budget, sizeof(budget));
		if (b->count.n == 0)
			(void)snprintf(hint, sizeof(hint), "ask the policy's owner");
		else if (r->refill_us > now)
			(void)snprintf(hint, sizeof(hint), "the next place becomes free at %s; who counts in it already can be asked for at any time", base_time_local(wall + (r->refill_us - now), when));
		else
			(void)snprintf(hint, sizeof(hint), "the last places are being used by another session now: ask again in a moment");
		error = strict_error("53Z01", hint, "the budget of %s is used up (rule %s:%u)", budget, strict_rule_file(where), where->line);
	} else if (rule->kind == RULE_STEP) {
		where = &sc->steps[rule->index].rule;
		policy_count_words(file, &sc->steps[rule->index].after, words, sizeof(words));
		(void)snprintf(budget, sizeof(budget), "%s without step-up", words);
		char what[POLICY_WORDS_COUNT + 20];
		(void)snprintf(what, sizeof(what), "to go on after %s", words);
		error = strict_step_error(what, where);
	} else {
		where = &sc->asks[rule->index].rule;
		policy_count_words(file, &sc->asks[rule->index].after, words, sizeof(words));
		(void)snprintf(budget, sizeof(budget), "%s without approval", words);
		error = ask_error(s, &sc->asks[rule->index], words);
	}
	strict_refused_about(s, text, rule->kind == RULE_BUDGET ? "budget used up" : rule->kind == RULE_STEP ? "step-up needed" : "approval needed", where, budget, mark, kind);
	return error;
}

static struct base_span
budgets_full(struct gate_session *s, struct base_span text)
{
	strict_refused(s, text, "it cannot be counted", NULL);
	base_log_error("a look-up cannot be counted, so it is refused: the budgets' memory is full (budget_memory), or too many budgets hold for one person");
	return strict_error("53200", "tell the gate's operator: budget_memory is too small, or too many budgets hold for you", "the look-up cannot be counted, so it is refused");
}

/* ---- look-ups ---- */

/* A look-up tells something also when it finds nobody: it counts from when it is sent. */
struct base_span
strict_charge_lookup(struct gate_session *s, struct strict_portal *p)
{
	const struct want want = {.noun = POLICY_NOUN_LOOKUPS};
	struct strict_batch taken = {0};
	struct gate_budget_refusal r;
	bool soft;

	if (p->judged->scope->nbudgets == 0)
		return base_span(NULL, 0);
	enum gate_budget_answer answer = take(s, &want, p->probe_mark, &taken, &r);
	uint64_t now = base_time_mono_us();
	for (size_t i = 0; i < taken.n; i++)
		gate_budget_settle(s->worker->shared->budget, &taken.item[i].account, 1, &taken.item[i].mark, 1, now);
	free(taken.item);
	if (answer == GATE_BUDGET_TAKEN)
		return base_span(NULL, 0);
	return answer == GATE_BUDGET_FULL ? budgets_full(s, p->judged->text) : used_up(s, p->judged->text, &r, p->nasked > 0 ? p->asked[0] : 0, p->asked_kind[0], &soft);
}

/* ---- reasons ---- */

/* Is this column of the plan the key of somebody, and of which subject? */
static bool
is_key(const struct gate_plan_column *c, const struct gate_world *w, size_t *subject_r)
{
	const struct policy_file *f = policy_map_file(w->map);
	struct base_span kind = policy_map_kind(w->map, c->column->kind);

	if (c->column->role != POLICY_KEY && c->column->role != POLICY_LINK)
		return false;
	for (size_t i = 0; i < f->nsubjects; i++) {
		struct base_span name = f->subjects[i].name;
		if (kind.n == name.n + 4 && memcmp(kind.p, name.p, name.n) == 0 && memcmp(kind.p + name.n, ".key", 4) == 0) {
			*subject_r = i;
			return true;
		}
	}
	return false;
}

static const struct policy_occurrence *
occurrence_of(const struct gate_judged *j, const struct gate_plan_column *c)
{
	size_t i = j->decision->columns[c->index].occurrence;

	return i == SIZE_MAX ? NULL : &j->decision->occurrences[i];
}

/* The subject's key in a row, as text; false: NULL, or it cannot be read. */
static bool
key_text(struct base_span row, const struct gate_plan_column *c, uint8_t dst[MASK_VALUE_MAX], size_t *n_r)
{
	struct base_cursor cur = base_cursor(row);
	struct base_span v;
	bool null = true;
	uint16_t n = base_cursor_u16(&cur);

	if (c->index >= n)
		return false;
	for (uint16_t i = 0; i <= c->index; i++)
		if (wire_read_value_next(&cur, &v, &null) != 1)
			return false;
	return !null && mask_value_text(c->type, c->format, v, dst, n_r) == GH_OK;
}

static enum policy_class
verdict(const struct gate_strict *t, const uint8_t *key, size_t n)
{
	return (enum policy_class)((uintptr_t)(t->verdicts ? base_map_get(t->verdicts, base_span(key, n)) : NULL));
}

static void
remember(struct gate_strict *t, const char *key, enum policy_class class)
{
	if (!t->verdicts)
		t->verdicts = base_map_new(VERDICTS, NULL);
	if (base_map_put(t->verdicts, base_span_str(key), (void *)(uintptr_t)class) < 0)
		t->case_failed = true; /* no memory: nothing is known, so the answer is cut */
}

static void
take_verdicts(struct gate_strict *t, const struct gate_case_ask *ask)
{
	if (ask->failed) {
		t->case_failed = true;
		(void)snprintf(t->case_why, sizeof(t->case_why), "%s", ask->why);
	}
	for (size_t i = 0; i < ask->nkeys && !ask->failed; i++)
		remember(t, ask->key[i], ask->class_r[i] == POLICY_CLASS_NONE ? POLICY_CLASS_UNEXPLAINED : ask->class_r[i]);
}

static void
on_case(void *arg)
{
	struct gate_case_ask *ask = arg;
	struct gate_session *s = ask->session;

	if (s) {
		s->strict->case_ask = NULL;
		take_verdicts(s->strict, ask);
	}
	gate_case_ask_free(&ask);
	if (s && s->state == GATE_RELAY)
		gate_relay_looked(s);
}

/* Adds the keys of one row that are not known yet. */
static void
wanted_keys(const struct gate_session *s, const struct gate_judged *j, struct base_span row, struct gate_case_ask *ask)
{
	const struct gate_strict *t = s->strict;
	size_t of = policy_map_file(j->world->map)->case_from.of, subject = SIZE_MAX;
	uint8_t key[MASK_VALUE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < j->plan.nsubjects && ask->nkeys < GATE_CASE_ASK_MAX; i++) {
		struct gate_plan_column c = s->track.answer.begun && i < s->track.answer.plan.nsubjects ? s->track.answer.plan.subject[i] : j->plan.subject[i];
		if (!is_key(&c, j->world, &subject) || subject != of || !key_text(row, &c, key, &n) || verdict(t, key, n) != POLICY_CLASS_NONE)
			continue;
		bool there = false;
		for (size_t k = 0; k < ask->nkeys && !there; k++)
			there = strlen(ask->key[k]) == n && memcmp(ask->key[k], key, n) == 0;
		if (!there)
			ask->key[ask->nkeys++] = base_mem_str(base_span(key, n));
	}
}

bool
strict_explained(struct gate_session *s, uint8_t type, struct base_span row)
{
	struct gate_strict *t = s->strict;
	struct strict_owed *o = strict_head(t);

	if (type != WIRE_B_DATA_ROW || t->swallow || !o || o->kind != OWED_EXECUTE || o->utility || o->form == STRICT_MOVE || !o->portal->judged || !o->portal->judged->scope->explains || t->case_failed)
		return true;
	if (t->case_ask)
		return false;
	if (!o->begun)
		strict_rows_head(s, o); /* formats of the keys are known from here on */
	if (s->state != GATE_RELAY)
		return true;
	const struct gate_judged *j = o->portal->judged;
	struct gate_case_ask *ask = gate_case_ask_new();
	wanted_keys(s, j, row, ask);
	if (ask->nkeys == 0) {
		gate_case_ask_free(&ask);
		return true;
	}
	/* The rows behind it that are here already are asked for with it. */
	struct base_span have = base_buf_span(&t->back);
	struct wire_header h;
	struct base_fail fail;
	while (ask->nkeys < GATE_CASE_ASK_MAX && wire_frame_header(WIRE_B, have, &h, &fail) == 1 && h.type == WIRE_B_DATA_ROW && have.n - WIRE_HEADER >= h.len) {
		wanted_keys(s, j, base_span(have.p + WIRE_HEADER, h.len), ask);
		have = base_span(have.p + WIRE_HEADER + h.len, have.n - WIRE_HEADER - h.len);
	}
	const struct gate_who *who = o->portal->self->who;
	const char *declared = strict_case(o->portal);
	ask->loop = s->worker->loop;
	ask->done = on_case;
	ask->session = s;
	ask->world = j->world;
	gate_world_ref(ask->world);
	ask->actor = base_mem_str(base_span_str(who->actor));
	ask->employer = base_mem_str(base_span_str(who->employer));
	ask->team = base_mem_str(base_span_str(who->team));
	ask->declared = base_mem_str(base_span_str(declared ? declared : ""));
	if (gate_cases_ask(s->worker->shared->cases, ask)) {
		take_verdicts(t, ask);
		gate_case_ask_free(&ask);
		return true;
	}
	t->case_ask = ask;
	return false;
}

void
strict_verdicts_clear(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	if (t->verdicts && base_map_count(t->verdicts) > 0)
		base_map_clear(t->verdicts);
	t->case_failed = false;
}

/* ---- a row ---- */

static struct base_span
unexplained(struct gate_session *s, const struct strict_portal *p, uint64_t mark, unsigned kind)
{
	const struct policy_where *w = &p->judged->scope->unexplained_rule;
	const char *number = strict_case(p);

	strict_refused_about(s, p->judged->text, number ? "unexplained: the case given is not about this person, or not yours" : "unexplained: no open case is about this person", w, NULL, mark, kind);
	return number ? strict_error("42501", "SET gatehouse.case to the open case that this person's matter has", "the look-up is not explained: the case given is not an open one of yours, or your team's, about this person (rule %s:%u)", strict_rule_file(w), w->line)
	              : strict_error("42501", "SET gatehouse.case to the case that this person's matter has", "the look-up is not explained: there is no open case of yours, or your team's, about this person (rule %s:%u)", strict_rule_file(w), w->line);
}

/* The weaker of two reasons is the row's. */
static char
letter(enum policy_class class, bool clear)
{
	static const char of[] = "newu";
	char l = of[class];

	return clear ? (char)(l - 'a' + 'A') : l;
}

struct charged
strict_charge_row(struct gate_session *s, struct strict_owed *o, struct base_span row, const uint64_t *tuple, bool lost)
{
	struct gate_strict *t = s->strict;
	const struct strict_portal *p = o->portal;
	const struct gate_judged *j = p->judged;
	const struct gate_plan *plan = &s->track.answer.plan;
	struct charged c = {.letter = 'n'};
	size_t from = t->taken.n, subject;
	enum policy_class worst = POLICY_CLASS_NONE;
	bool any_clear = false, explains = j->scope->explains;

	if (!j->scope->counts)
		return (struct charged){.letter = 0};
	if (explains && t->case_failed) {
		strict_refused(s, j->text, "the reason could not be checked", NULL);
		c.error = strict_error("58030", "ask again in a moment, and tell the gate's operator if it lasts", "the reason of the look-up cannot be checked: %s", t->case_why);
	} else if (lost) {
		strict_refused(s, j->text, "whose row it is cannot be told", NULL);
		c.error = strict_error("54000", "tell the gate's operator", "a row does not say whose it is in a way that can be counted");
	}
	for (size_t i = 0; i < plan->nsubjects && !c.error.p; i++) {
		const struct gate_plan_column *col = &plan->subject[i];
		const struct policy_occurrence *occ = occurrence_of(j, col);
		uint8_t key[MASK_VALUE_MAX];
		size_t n = 0;
		struct gate_budget_refusal r;
		if (tuple[i] == 0 || !is_key(col, j->world, &subject))
			continue;
		enum policy_class class = POLICY_CLASS_NONE;
		if (explains && subject == policy_map_file(j->world->map)->case_from.of)
			class = key_text(row, col, key, &n) ? verdict(t, key, n) : POLICY_CLASS_UNEXPLAINED;
		bool hide = class == POLICY_CLASS_UNEXPLAINED && j->scope->unexplained == POLICY_UNEXPLAINED_MASK && occ;
		/* Where a row is compared with others, what these show, and how many there are, would tell of it: hiding its own columns would not do. */
		if (class == POLICY_CLASS_UNEXPLAINED && (j->scope->unexplained == POLICY_UNEXPLAINED_REFUSE || (hide && occ->compared))) {
			c.error = unexplained(s, p, tuple[i], col->column->kind);
			break;
		}
		if (hide)
			c.hide |= UINT64_C(1) << j->decision->columns[col->index].occurrence;
		bool clear = occ && occ->shows_clear && !hide;
		const struct want want = {POLICY_NOUN_SUBJECT, subject, clear, class == POLICY_CLASS_UNEXPLAINED};
		worst = class > worst ? class : worst;
		any_clear = any_clear || clear;
		switch (take(s, &want, tuple[i], &t->taken, &r)) {
		case GATE_BUDGET_TAKEN:
			break;
		case GATE_BUDGET_REFUSED:
			c.error = used_up(s, j->text, &r, tuple[i], col->column->kind, &c.soft);
			break;
		case GATE_BUDGET_FULL:
		default:
			c.error = budgets_full(s, j->text);
			break;
		}
	}
	if (c.error.p)
		give_back(s, &t->taken, from);
	c.letter = letter(worst, any_clear);
	return c;
}

/* ---- what becomes of what was taken ---- */

void
strict_charge_part(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	if (t->nwaiting == t->cap_waiting) {
		size_t cap = t->cap_waiting ? t->cap_waiting * 2 : 4;
		struct strict_batch *more = base_mem_grow(t->waiting, cap, sizeof(*more));
		if (!more)
			abort();
		t->waiting = more;
		t->cap_waiting = cap;
	}
	t->taken.seq = s->track.answer.seq;
	t->taken.part = s->track.answer.parts;
	t->taken.made_us = base_time_wall_us();
	t->waiting[t->nwaiting++] = t->taken;
	t->taken = (struct strict_batch){0};
}

static struct strict_batch
first_waiting(struct gate_strict *t)
{
	struct strict_batch b = {0};

	if (t->nwaiting == 0)
		return b;
	b = t->waiting[0];
	memmove(t->waiting, t->waiting + 1, --t->nwaiting * sizeof(*t->waiting));
	return b;
}

void
strict_charge_receipt(struct gate_session *s)
{
	struct strict_batch b = first_waiting(s->strict);
	uint64_t now = b.n > 0 ? base_time_mono_us() : 0;

	for (size_t i = 0; i < b.n; i++)
		gate_budget_settle(s->worker->shared->budget, &b.item[i].account, 1, &b.item[i].mark, 1, now);
	free(b.item);
	tidy(s);
}

void
strict_charge_failure(struct gate_session *s, bool unsure)
{
	struct strict_batch b = first_waiting(s->strict);

	if (unsure && b.n > 0) {
		gate_unsure_add(s->worker->shared->unsure, base_span(s->id, 16), b.seq, b.part, b.made_us, b.item, b.n); /* takes the items over */
		gate_control_unsure(s->worker->shared->control);
	} else {
		give_back(s, &b, 0);
		free(b.item);
	}
	tidy(s);
}

void
strict_charge_lost(struct gate_session *s)
{
	give_back(s, &s->strict->taken, 0);
}
