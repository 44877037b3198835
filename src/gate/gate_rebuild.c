/* gate_rebuild: see gate_rebuild.h. Input: entries that this ledger's gates wrote, decoded strictly; of another policy, perhaps, and of an older gate: nothing is
 * taken for granted about which fields are there. Never logs.
 */
#include "gate_rebuild.h"

#include <stdlib.h>

#include "base_mem.h"
#include "policy_words.h"

/* One thing that the policy counts. A group's line "40 per hour, 120 per day" is two with the same account. */
struct rule {
	size_t group; /* index in the policy */
	enum policy_holder holder;
	const struct policy_count *count;
	struct base_span what;
	uint64_t most; /* the largest n of any rule of this holder, what and adjective */
};
struct target { /* an account that the entry at hand counts for */
	struct gate_account *account;
	const struct rule *rule;
};
struct gate_rebuild {
	struct gate_budget *budget;      /* borrow */
	const struct policy_file *file;  /* borrow: the map's */
	const struct policy_file *file_was; /* borrow: of the policy before; NULL = none */
	uint64_t now_wall_us, now_mono_us, reach, lost;
	struct rule *rule; size_t nrules;       /* own */
	struct rule *was; size_t nwas;          /* own: of the policy before */
	struct target *target; size_t ntargets; /* own: room for nrules */
};

static void
add_rule(struct rule *list, size_t *n, const struct policy_file *f, size_t group, enum policy_holder holder, const struct policy_count *c)
{
	struct base_span what = c->noun == POLICY_NOUN_LOOKUPS ? base_span_str("lookups") : f->subjects[c->subject].name;

	list[(*n)++] = (struct rule){group, holder, c, what, c->n};
}

/* All that a policy counts; own. */
static struct rule *
rules_of(const struct policy_file *f, size_t *n_r)
{
	size_t most = 0;

	for (size_t i = 0; i < f->ngroups; i++)
		most += f->groups[i].nbudgets + f->groups[i].nsteps + f->groups[i].nasks;
	struct rule *list = base_mem_new(most + 1, sizeof(*list));
	*n_r = 0;
	for (size_t i = 0; i < f->ngroups; i++) {
		const struct policy_group *g = &f->groups[i];

		for (size_t k = 0; k < g->nbudgets; k++)
			add_rule(list, n_r, f, i, g->budgets[k].holder, &g->budgets[k].count);
		for (size_t k = 0; k < g->nsteps; k++)
			if (!g->steps[k].for_table)
				add_rule(list, n_r, f, i, POLICY_HOLDER_ACTOR, &g->steps[k].after);
		for (size_t k = 0; k < g->nasks; k++)
			add_rule(list, n_r, f, i, POLICY_HOLDER_ACTOR, &g->asks[k].after);
	}
	return list;
}

static bool
same_kind(const struct rule *a, const struct rule *b)
{
	return a->holder == b->holder && a->count->adjective == b->count->adjective && base_span_eq(a->what, b->what);
}

static void
raise_most(struct rule *rule, const struct rule *others, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (same_kind(rule, &others[k]) && others[k].count->n > rule->most)
			rule->most = others[k].count->n;
}

struct gate_rebuild *
gate_rebuild_new(struct gate_budget *b, const struct policy_map *map, const struct policy_map *was, uint64_t now_wall_us, uint64_t now_mono_us)
{
	struct gate_rebuild *r = base_mem_new(1, sizeof(*r));

	*r = (struct gate_rebuild){.budget = b, .file = policy_map_file(map), .now_wall_us = now_wall_us, .now_mono_us = now_mono_us};
	r->rule = rules_of(r->file, &r->nrules);
	r->target = base_mem_new(r->nrules + 1, sizeof(*r->target));
	if (was) {
		r->file_was = policy_map_file(was);
		r->was = rules_of(r->file_was, &r->nwas);
	}
	for (size_t i = 0; i < r->nrules; i++) {
		if (r->rule[i].count->window_us > r->reach)
			r->reach = r->rule[i].count->window_us;
		raise_most(&r->rule[i], r->rule, r->nrules);
		raise_most(&r->rule[i], r->was, r->nwas);
	}
	return r;
}

uint64_t
gate_rebuild_reach(const struct policy_map *map)
{
	struct gate_rebuild *r = gate_rebuild_new(NULL, map, NULL, 0, 0);
	uint64_t reach = r->reach;

	gate_rebuild_free(&r);
	return reach;
}

uint64_t
gate_rebuild_lost(const struct gate_rebuild *r)
{
	return r->lost;
}

void
gate_rebuild_free(struct gate_rebuild **r)
{
	if (*r == NULL)
		return;
	free((*r)->rule);
	free((*r)->was);
	free((*r)->target);
	free(*r);
	*r = NULL;
}

/* ---- an entry's accounts ---- */

static bool
in_group(const struct event_entry *e, struct base_span name)
{
	for (size_t i = 0; i < e->groups.count && i < EVENT_LIST_MAX; i++)
		if (base_span_eq(e->groups.item[i], name))
			return true;
	return false;
}

static void
find_targets(struct gate_rebuild *r, const struct event_entry *e)
{
	r->ntargets = 0;
	for (size_t i = 0; i < r->nrules; i++) {
		const struct rule *rule = &r->rule[i];
		struct base_span group = r->file->groups[rule->group].name;
		struct base_span who = rule->holder == POLICY_HOLDER_ACTOR ? e->actor : rule->holder == POLICY_HOLDER_EMPLOYER ? e->employer : group;
		const struct gate_account_name name = {rule->holder, who, rule->what, rule->count->adjective};
		struct gate_account *a;
		bool there = false;

		if (!in_group(e, group))
			continue;
		a = gate_budget_account(r->budget, &name, r->reach);
		for (size_t k = 0; k < r->ntargets && !there; k++)
			there = r->target[k].account == a;
		if (there)
			gate_budget_drop(r->budget, &a); /* it is kept once */
		else
			r->target[r->ntargets++] = (struct target){a, rule};
	}
}

static int64_t
seen_at(const struct gate_rebuild *r, const struct event_entry *e)
{
	uint64_t ago = e->time_us < r->now_wall_us ? r->now_wall_us - e->time_us : 0;

	return ago > INT64_MAX / 2 ? INT64_MIN / 2 : (int64_t)(r->now_mono_us > INT64_MAX / 2 ? INT64_MAX / 2 : r->now_mono_us) - (int64_t)ago;
}

static void
seed(struct gate_rebuild *r, const struct target *t, uint64_t mark, int64_t seen_us)
{
	if (!gate_budget_seed(r->budget, t->account, mark, seen_us, r->now_mono_us))
		r->lost++;
	gate_budget_trim(r->budget, t->account, t->rule->most, r->now_mono_us);
}

/* ---- its marks ---- */

static uint64_t
mark_at(const struct event_entry *e, size_t tuple, size_t kind)
{
	struct base_cursor c = base_cursor(e->marks);

	(void)base_cursor_take(&c, (tuple * e->kinds.count + kind) * 8);
	return base_cursor_u64(&c); /* 0 behind the end, as for what is absent */
}

/* Is kind "NAME.key"? name empty: of whatever subject. */
static bool
is_key(struct base_span kind, struct base_span name)
{
	static const char dot[] = "." POLICY_KIND_KEY;
	const size_t n = sizeof(dot) - 1;

	return kind.n > n && memcmp(kind.p + kind.n - n, dot, n) == 0 && (name.n == 0 || base_span_eq(base_span(kind.p, kind.n - n), name));
}

static bool
concerns(enum policy_adjective adjective, const struct event_entry *e, size_t tuple)
{
	uint8_t letter;

	if (adjective == POLICY_ADJECTIVE_NONE)
		return true;
	if (e->classes.n == 0) /* observed: all of it went out as it is, and no reason was asked */
		return adjective == POLICY_ADJECTIVE_CLEAR;
	letter = tuple < e->classes.n ? e->classes.p[tuple] : 'U'; /* cut: it may have been */
	switch (letter) {
	case 'n': case 'e': case 'w':
		return false;
	case 'N': case 'E': case 'W':
		return adjective == POLICY_ADJECTIVE_CLEAR;
	case 'u':
		return adjective == POLICY_ADJECTIVE_UNEXPLAINED;
	case 'U':
	default:
		return true;
	}
}

static void
subjects(struct gate_rebuild *r, const struct target *t, const struct event_entry *e, int64_t seen_us)
{
	const size_t width = e->kinds.count, tuples = width > 0 ? e->marks.n / 8 / width : 0;

	for (size_t k = 0; k < width; k++) {
		if (!is_key(e->kinds.item[k], t->rule->what))
			continue;
		for (size_t i = 0; i < tuples; i++) {
			uint64_t mark = mark_at(e, i, k);
			if (mark != 0 && concerns(t->rule->count->adjective, e, i))
				seed(r, t, mark, seen_us);
		}
	}
}

/* What stands for the value that was looked up: a mark of the first row, of an identifier rather than of the key, which nobody looks up. Nothing marked: the statement
 * itself, so that it counts. */
static uint64_t
probe_mark(const struct event_entry *e)
{
	const size_t width = e->kinds.count;
	uint64_t mark = 0, h = UINT64_C(0xcbf29ce484222325);

	for (size_t k = 0; k < width && mark == 0; k++)
		mark = is_key(e->kinds.item[k], base_span(NULL, 0)) ? 0 : mark_at(e, 0, k);
	for (size_t k = 0; k < width && mark == 0; k++)
		mark = mark_at(e, 0, k);
	if (mark != 0)
		return mark;
	for (size_t i = 0; i < e->session.n; i++)
		h = (h ^ e->session.p[i]) * UINT64_C(0x100000001b3); /* FNV-1a: session ids are random already */
	return (h ^ e->seq * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

/* Was this look-up counted by the policy before, as it was made? */
static bool
counted_before(const struct gate_rebuild *r, const struct rule *rule, const struct event_entry *e, int64_t seen_us)
{
	for (size_t i = 0; i < r->nwas; i++) {
		const struct rule *w = &r->was[i];
		uint64_t window = w->count->window_us < GATE_BUDGET_KEEP_MAX ? w->count->window_us : GATE_BUDGET_KEEP_MAX;

		if (same_kind(w, rule) && in_group(e, r->file_was->groups[w->group].name) && seen_us > (int64_t)r->now_mono_us - (int64_t)window)
			return true;
	}
	return false;
}

/* A write that returns nothing names whom it wrote, and what was not given out says so where it was a look-up. */
static bool
shown(const struct event_entry *e)
{
	return e->rows > 0 && !(e->kind == EVENT_WRITE && base_span_is(e->via, "request")) && !base_span_is(e->probe, "unanswered");
}

void
gate_rebuild_entry(struct gate_rebuild *r, const struct event_entry *e)
{
	const bool probe = e->probe.n > 0 && e->part <= 1; /* one look-up, however many parts its answer has */
	int64_t seen_us = seen_at(r, e);

	if ((e->kind != EVENT_READ && e->kind != EVENT_WRITE) || e->kinds.count > EVENT_LIST_MAX || (!probe && !shown(e)))
		return;
	find_targets(r, e);
	for (size_t i = 0; i < r->ntargets; i++) {
		struct target *t = &r->target[i];

		if (t->rule->count->noun == POLICY_NOUN_SUBJECT && shown(e))
			subjects(r, t, e, seen_us);
		else if (t->rule->count->noun == POLICY_NOUN_LOOKUPS && probe && !counted_before(r, t->rule, e, seen_us))
			seed(r, t, probe_mark(e), seen_us);
		gate_budget_drop(r->budget, &t->account);
	}
}
