/* cli_policy_replay: `gatehouse policy replay`: what would another policy have done with the look-ups that the ledger has? Reads the ledger once, in its order; asks the server for
 * the tree of each different statement and runs nothing; changes nothing. Input: trusted files, the ledger, the server's answers.
 *
 * Each look-up (a statement of a session, however many entries its answer took) is refused when the person has left or may not be here, when a reason is missing, when the statement
 * is refused; else its rows go out until a limit or a budget stops them. To have the windows full when --since begins, the accounts are filled from before it, for as long as
 * the longest window of the policy.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_time.h"
#include "base_zone.h"
#include "cli_ledger.h"
#include "cli_out.h"
#include "cli_replay.h"
#include "cli_since.h"

#define SINCE "30d"
#define BUDGET_BYTES ((size_t)1 << 30)
#define SESSIONS_MAX 100000u

struct replay {
	struct cli_live live;
	struct cli_ledger *ledger;
	struct cli_replay_judge *judge;
	struct cli_replay_count *count;
	struct cli_replay_tally tally;
	struct base_map *sessions; /* own: session -> struct cli_replay_look */
	struct base_map *zones;    /* own: name -> struct base_zone */
	uint64_t since_us, now_us; /* now_us: of the entries, never going back */
};

/* -- time -- */

static void
zone_free(void *value)
{
	struct base_zone *z = value;

	base_zone_close(&z);
}

static bool
local(void *ctx, struct base_span zone, uint64_t wall_us, struct policy_local *l_r)
{
	struct replay *x = ctx;
	struct base_span name = zone.n ? zone : x->live.policy->zone.n ? x->live.policy->zone : base_span_str("UTC");
	struct base_zone *z = base_map_get(x->zones, name);
	struct base_zone_time t;

	if (!z && (base_zone_open(name, &z, NULL) < 0 || base_map_put(x->zones, name, z) < 0))
		return false;
	base_zone_local(z, wall_us, &t);
	*l_r = (struct policy_local){.weekday = t.weekday, .minute = t.hour * 60 + t.minute};
	(void)snprintf(l_r->date, sizeof(l_r->date), "%04u-%02u-%02u", (unsigned)t.year % 10000u, t.month % 100u, t.day % 100u);
	return true;
}

static uint64_t
longest_window(const struct policy_file *f)
{
	uint64_t most = 0;

	for (size_t g = 0; g < f->ngroups; g++) {
		const struct policy_group *x = &f->groups[g];
		for (size_t i = 0; i < x->nbudgets; i++)
			most = x->budgets[i].count.window_us > most ? x->budgets[i].count.window_us : most;
		for (size_t i = 0; i < x->nsteps; i++)
			most = x->steps[i].after.window_us > most ? x->steps[i].after.window_us : most;
		for (size_t i = 0; i < x->nasks; i++)
			most = x->asks[i].after.window_us > most ? x->asks[i].after.window_us : most;
	}
	return most;
}

/* -- one look-up -- */

/* "10.1.2.3" of "10.1.2.3:5432", "2001:db8::1" of "[2001:db8::1]:5432"; "local" stays. */
static struct base_span
host_of(struct base_span address)
{
	if (address.n > 1 && address.p[0] == '[') {
		const uint8_t *end = memchr(address.p, ']', address.n);
		return end ? base_span(address.p + 1, (size_t)(end - address.p) - 1) : address;
	}
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == ':')
			return base_span(address.p, i - 1);
	return address;
}

/* Rules that need no tree. True: refused by one. */
static bool
by_person(struct replay *x, const struct event_entry *e, const struct policy_person *p, const struct policy_scope *s, struct cli_replay_actor *a)
{
	struct policy_moment m = {.wall_us = e->time_us, .local = local, .ctx = x, .address = host_of(e->address), .certificate = base_span_is(e->auth, "certificate")};
	struct policy_where rule = {0};
	char words[300] = "";

	if (policy_only_left(p, &m)) {
		(void)snprintf(words, sizeof(words), "left on %.*s", (int)p->left_on.n, (const char *)p->left_on.p);
	} else if (s->treat == POLICY_ENFORCE) {
		if (policy_only_check(s, p, &m, &rule, words, sizeof(words)) == POLICY_ONLY_YES) {
			if (s->need_purpose.line > 0 && e->purpose.n == 0) {
				rule = s->need_purpose;
				(void)snprintf(words, sizeof(words), "no purpose was given");
			} else if (s->need_case.line > 0 && e->case_number.n == 0) {
				rule = s->need_case;
				(void)snprintf(words, sizeof(words), "no case was given");
			}
		} else if (!*words) {
			(void)snprintf(words, sizeof(words), "not here, or not now");
		}
	}
	if (*words && a)
		cli_replay_note(a, CLI_REPLAY_REFUSED, words, &rule, e->time_us);
	return *words != '\0';
}

static bool
has_word(struct base_span masked, struct base_span column)
{
	return masked.n > column.n && memcmp(masked.p, column.p, column.n) == 0 && masked.p[column.n] == ' ';
}

/* "last 4" to a mask; what cannot be read is nothing. */
static struct policy_mask
mask_of(struct base_span words)
{
	struct policy_mask m = {.kind = POLICY_MASK_NONE};
	char own[96];

	for (unsigned kind = POLICY_MASK_LAST; kind <= POLICY_MASK_HIDE; kind++)
		for (unsigned n = 1; n <= 64; n++) {
			struct policy_mask try = {.kind = (enum policy_mask_kind)kind, .n = n};
			policy_mask_words(&try, own, sizeof(own));
			if (base_span_is(words, own))
				return try;
		}
	return m;
}

static struct policy_mask
mask_in(struct base_span column, const struct base_span *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_word(list[i], column))
			return mask_of(base_span(list[i].p + column.n + 1, list[i].n - column.n - 1));
	return (struct policy_mask){.kind = POLICY_MASK_NONE};
}

/* How each protected column of the answer went out, and how it would now. */
static void
compare_masks(const struct event_entry *e, const struct cli_verdict_kept *k, bool enforced, struct cli_replay_look *look)
{
	size_t n = enforced && k->query ? k->nmasked : 0;
	struct base_span *now = base_mem_new(n + 1, sizeof(*now));

	for (size_t i = 0; i < n; i++)
		now[i] = base_span_str(k->masked[i]);
	for (size_t i = 0; i < e->columns.count && i < EVENT_LIST_MAX; i++) {
		struct policy_mask a = mask_in(e->columns.item[i], e->masked.item, e->masked.count < EVENT_LIST_MAX ? e->masked.count : EVENT_LIST_MAX);
		struct policy_mask b = mask_in(e->columns.item[i], now, n);
		if (a.kind == b.kind && a.n == b.n)
			continue;
		if (policy_mask_stronger(&a, &b) == &b)
			look->less = true;
		else
			look->more = true;
	}
	free(now);
}

/* The first entry of an answer, or of a refusal. */
static int
begin(struct replay *x, const struct event_entry *e, const struct policy_person *p, struct policy_scope *s, struct cli_replay_look *look, struct cli_replay_actor *a, struct base_fail *fail)
{
	struct cli_verdict_kept *k = NULL;
	bool enforced = s->treat == POLICY_ENFORCE;

	*look = (struct cli_replay_look){.seq = e->seq};
	if (by_person(x, e, p, s, e->kind == EVENT_REFUSE ? NULL : a)) {
		look->refused = true;
		return 0;
	}
	int rc = cli_replay_judge(x->judge, e, p, s, &k, fail);
	if (rc < 0)
		return rc;
	if (e->kind == EVENT_REFUSE) {
		look->refused = true; /* nothing went out then, so that there is nothing to count */
		bool counted = e->budget.n > 0 || e->marks.n > 0; /* a budget, a step or a missing reason refused a row, not the statement */
		if (a && k->known && !counted && !(enforced && k->refused))
			a->released++;
		return 0;
	}
	if (a && !k->known && enforced) {
		a->unknown++;
		if (!x->tally.unknown && k->words)
			x->tally.unknown = base_mem_str(base_span_str(k->words));
	}
	if (k->known && k->refused && enforced) {
		struct policy_where rule = {k->rule, k->line};
		if (a)
			cli_replay_note(a, CLI_REPLAY_REFUSED, k->words, &rule, e->time_us);
		look->refused = true;
	} else if (a && k->known) {
		compare_masks(e, k, enforced, look);
		a->less += look->less;
		a->more += look->more;
	}
	return 0;
}

/* How the rows of each kind's person would go out; where the statement could not be analysed, as they did. */
static void
shows_of(const struct event_entry *e, const struct cli_verdict_kept *k, struct cli_replay_shows *shows)
{
	bool clear = e->columns.count > e->masked.count;

	for (size_t i = 0; i < e->classes.n; i++)
		clear = (i > 0 && clear) || (e->classes.p[i] & 0x20) == 0;
	for (size_t i = 0; i < e->kinds.count && i < EVENT_LIST_MAX; i++) {
		shows[i] = k && k->query ? (struct cli_replay_shows){false, false} : (struct cli_replay_shows){true, clear};
		for (size_t n = 0; k && k->query && n < k->nkinds; n++)
			if (base_span_is(e->kinds.item[i], k->kinds[n].kind))
				shows[i] = k->kinds[n].shows;
	}
}

static int
take(struct replay *x, const struct event_entry *e, struct base_fail *fail)
{
	struct cli_replay_shows shows[EVENT_LIST_MAX] = {0};
	struct cli_verdict_kept *k = NULL;
	struct cli_replay_look *look = base_map_get(x->sessions, e->session);
	const struct policy_person *p = NULL;
	struct policy_scope *s = NULL;
	int rc = cli_replay_scope(x->judge, e, &p, &s, fail);

	if (rc < 0)
		return rc;
	struct cli_replay_actor *a = e->time_us >= x->since_us ? cli_replay_actor(&x->tally, e) : NULL;
	if (!look) {
		look = base_mem_new(1, sizeof(*look));
		if (base_map_put(x->sessions, e->session, look) < 0)
			abort(); /* a command without memory has no answer */
	}
	if (e->kind == EVENT_REFUSE || e->part <= 1 || look->seq != e->seq) {
		if (a && e->kind != EVENT_REFUSE)
			a->looks++;
		if ((rc = begin(x, e, p, s, look, a, fail)) < 0 || e->kind == EVENT_REFUSE)
			return rc;
	}
	/* Asked again for each part: between two of them a decision may have been forgotten for newer ones. */
	if (!look->refused && (rc = cli_replay_judge(x->judge, e, p, s, &k, fail)) == 0)
		shows_of(e, k, shows);
	if (rc == 0)
		rc = cli_replay_charge(x->count, s, x->live.policy, e, shows, x->now_us, look, a ? &x->tally : NULL, a, fail);
	if (rc == 0 && a && e->last && !look->named && look->rows == 0 && e->rows > 0)
		x->tally.nobody++;
	return rc;
}

static int
scan(struct replay *x, struct base_fail *fail)
{
	uint64_t window = longest_window(x->live.policy), from = window < x->since_us ? x->since_us - window : 0;
	struct cli_progress progress;
	struct cli_record rec;
	int rc;

	cli_progress_init(&progress, "deciding", cli_ledger_size(x->ledger));
	cli_ledger_seek(x->ledger, 0);
	while ((rc = cli_ledger_next(x->ledger, &rec, fail)) > 0) {
		const struct event_entry *e = rec.e;
		cli_progress_step(&progress, rec.index);
		if (e->kind == EVENT_CLOSE)
			(void)base_map_remove(x->sessions, e->session); /* it may have asked nothing */
		if ((e->kind != EVENT_READ && e->kind != EVENT_WRITE && e->kind != EVENT_REFUSE) || e->time_us < from)
			continue;
		x->now_us = e->time_us > x->now_us ? e->time_us : x->now_us;
		if (e->time_us >= x->since_us) {
			x->tally.from_us = e->time_us < x->tally.from_us ? e->time_us : x->tally.from_us;
			x->tally.to_us = e->time_us > x->tally.to_us ? e->time_us : x->tally.to_us;
		}
		if ((rc = take(x, e, fail)) < 0) {
			if (rc == GH_E_LIMIT)
				base_fail_hint(fail, "give --since a later time");
			break;
		}
	}
	cli_progress_done(&progress);
	return rc < 0 ? rc : 0;
}

int
cli_policy_replay(const struct cli_args *args)
{
	struct replay x = {.zones = base_map_new(0, zone_free), .sessions = base_map_new(SESSIONS_MAX, free)};
	struct base_fail fail = {0};
	int rc, status = CLI_EXIT_OK;

	cli_replay_tally_init(&x.tally);
	if ((rc = cli_since_parse(cli_args_get(args, "since"), SINCE, base_time_wall_us(), &x.since_us, &fail)) < 0 ||
	    (rc = cli_live_open(&x.live, args, cli_args_get(args, "policy"), &fail)) < 0 || (rc = cli_ledger_open(x.live.conf, &x.ledger, &fail)) < 0 ||
	    (rc = cli_replay_judge_new(&x.live, &x.judge, &fail)) < 0)
		goto out;
	x.count = cli_replay_count_new(BUDGET_BYTES);
	if ((rc = scan(&x, &fail)) < 0)
		goto out;
	struct cli_replay_about about = {x.live.policy, x.since_us, cli_args_get(args, "actor"), cli_replay_statements(x.judge)};
	if ((cli_args_get(args, "json") ? cli_replay_json(&x.tally, &about) : cli_replay_print(&x.tally, &about)) < 0)
		status = cli_out_error("cannot write to standard output");
out:
	if (rc < 0)
		status = cli_out_fail(&fail);
	cli_replay_tally_done(&x.tally);
	cli_replay_count_free(&x.count);
	cli_replay_judge_free(&x.judge);
	base_map_free(&x.sessions);
	base_map_free(&x.zones);
	cli_ledger_close(&x.ledger);
	cli_live_done(&x.live);
	return status;
}
