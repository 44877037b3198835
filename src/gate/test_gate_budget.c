/* Tests of gate_budget: against a naive model (a table of when each mark was seen, counted anew for each question) with random operations, limits that change, and
 * clocks that differ between threads; the edges of windows; refill times; memory; threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "gate_budget_int.h"

#define HOUR (UINT64_C(3600) * 1000000)
#define MB (UINT64_C(1) << 20)

static struct gate_account *
account(struct gate_budget *b, const char *who, uint64_t keep)
{
	const struct gate_account_name name = {POLICY_HOLDER_ACTOR, base_span_str(who), base_span_str("customer"), POLICY_ADJECTIVE_NONE};

	return gate_budget_account(b, &name, keep);
}

static enum gate_budget_answer
take1(struct gate_budget *b, struct gate_account *a, uint64_t n, uint64_t window, uint64_t mark, uint64_t now, struct gate_budget_refusal *r)
{
	const struct gate_budget_limit l = {n, window, NULL};
	const struct gate_charge c = {a, &l, 1};
	struct gate_budget_refusal none;

	return gate_budget_take(b, &c, 1, mark, now, r ? r : &none);
}

/* ---- the model ---- */

#define ACCOUNTS 5
#define MARKS 48
#define KEEP UINT64_C(1000)
#define OUT 64

struct cell {
	int64_t seen; /* NEVER */
	unsigned pending;
};
struct taking {
	struct gate_account *account[4];
	unsigned which[4], n, mark;
};
struct model {
	struct gate_budget *b;
	struct gate_account *account[ACCOUNTS];
	struct cell cell[ACCOUNTS][MARKS];
	struct taking out[OUT];
	unsigned nout;
	int64_t now;
	uint64_t random;
	uint64_t taken, refused;
};

static unsigned
roll(struct model *m, unsigned below)
{
	m->random ^= m->random << 13; /* xorshift64 */
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (unsigned)(m->random >> 11) % below;
}

static bool
in(const struct model *m, const struct cell *c, uint64_t window)
{
	return c->pending > 0 || (c->seen != NEVER && m->now < c->seen + (int64_t)window);
}

static uint64_t
model_count(const struct model *m, unsigned a, uint64_t window)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < MARKS; i++)
		n += in(m, &m->cell[a][i], window);
	return n;
}

/* The first moment at which the window counts fewer than n, if nothing happens before. */
static uint64_t
model_refill(const struct model *m, unsigned a, uint64_t n, uint64_t window)
{
	struct model later = *m;

	for (unsigned i = 0; i < MARKS; i++)
		if (m->cell[a][i].pending > 0)
			later.cell[a][i].pending = 1;
	for (later.now = m->now; later.now <= m->now + (int64_t)KEEP + 1; later.now++)
		if (model_count(&later, a, window) < n)
			return (uint64_t)later.now;
	return 0;
}

static const uint64_t windows[] = {1, 10, 33, 120, 500, 1000};

static void
op_take(struct model *m)
{
	struct gate_budget_limit limit[4][3];
	struct gate_charge charge[4];
	struct gate_budget_refusal r = {0};
	struct taking t = {.mark = roll(m, MARKS), .n = 1 + roll(m, 4)};
	enum gate_budget_answer want = GATE_BUDGET_TAKEN;
	unsigned at = 0, which = 0;
	uint64_t now;

	for (unsigned i = 0; i < t.n; i++) {
		t.which[i] = roll(m, ACCOUNTS); /* may be twice the same */
		t.account[i] = m->account[t.which[i]];
		charge[i] = (struct gate_charge){t.account[i], limit[i], roll(m, 4)};
		for (unsigned k = 0; k < charge[i].nlimits; k++) {
			limit[i][k] = (struct gate_budget_limit){roll(m, 20), windows[roll(m, BASE_COUNT(windows))], NULL};
			if (want == GATE_BUDGET_TAKEN && !in(m, &m->cell[t.which[i]][t.mark], limit[i][k].window_us) &&
			    model_count(m, t.which[i], limit[i][k].window_us) >= limit[i][k].n) {
				want = GATE_BUDGET_REFUSED;
				at = i;
				which = k;
			}
		}
	}
	now = (uint64_t)m->now - roll(m, 2) * roll(m, 50); /* a thread that read its clock a while ago */
	assert_int_equal(gate_budget_take(m->b, charge, t.n, t.mark, now, &r), want);
	if (want == GATE_BUDGET_REFUSED) {
		assert_int_equal(r.charge, at);
		assert_ptr_equal(r.limit, &limit[at][which]);
		assert_int_equal(r.seen, model_count(m, t.which[at], r.limit->window_us));
		assert_int_equal(r.refill_us, r.limit->n == 0 ? 0 : model_refill(m, t.which[at], r.limit->n, r.limit->window_us));
		m->refused++;
		return;
	}
	m->taken++;
	for (unsigned i = 0; i < t.n; i++) {
		bool before = false;
		for (unsigned k = 0; k < i; k++)
			before = before || t.which[k] == t.which[i];
		m->cell[t.which[i]][t.mark].pending += !before;
	}
	m->out[m->nout++] = t;
}

static void
op_end(struct model *m, bool settle)
{
	unsigned k = roll(m, m->nout);
	struct taking t = m->out[k];
	const uint64_t mark = t.mark;

	m->out[k] = m->out[--m->nout];
	if (settle)
		gate_budget_settle(m->b, t.account, t.n, &mark, 1, (uint64_t)m->now);
	else
		gate_budget_release(m->b, t.account, t.n, &mark, 1, (uint64_t)m->now);
	for (unsigned i = 0; i < t.n; i++) {
		bool before = false;
		for (unsigned j = 0; j < i; j++)
			before = before || t.which[j] == t.which[i];
		if (before)
			continue;
		m->cell[t.which[i]][t.mark].pending--;
		if (settle)
			m->cell[t.which[i]][t.mark].seen = m->now;
	}
}

static void
op_seed(struct model *m)
{
	unsigned a = roll(m, ACCOUNTS), i = roll(m, MARKS);
	int64_t seen = m->now - (int64_t)roll(m, (unsigned)KEEP + 100) + 20;

	assert_true(gate_budget_seed(m->b, m->account[a], i, seen, (uint64_t)m->now));
	if (seen > m->now)
		seen = m->now;
	if (m->cell[a][i].seen == NEVER || seen > m->cell[a][i].seen)
		m->cell[a][i].seen = seen;
}

/* The model's oldest go until n are there that count (nothing is pending here). */
static void
op_trim(struct model *m)
{
	unsigned a = roll(m, ACCOUNTS), n = 10 + roll(m, 30);

	gate_budget_sweep(m->b, (uint64_t)m->now);
	gate_budget_trim(m->b, m->account[a], n, (uint64_t)m->now);
	while (model_count(m, a, KEEP) > n) {
		struct cell *oldest = NULL;
		for (unsigned i = 0; i < MARKS; i++) {
			struct cell *c = &m->cell[a][i];
			if (c->pending == 0 && in(m, c, KEEP) && (oldest == NULL || c->seen < oldest->seen))
				oldest = c;
		}
		if (oldest == NULL)
			return;
		oldest->seen = NEVER;
	}
}

static void
step(struct model *m)
{
	unsigned op = roll(m, 100);

	if (op < 45 && m->nout < OUT)
		op_take(m);
	else if (op < 75 && m->nout > 0)
		op_end(m, op < 65);
	else if (op < 80)
		op_seed(m);
	else if (op < 95)
		m->now += roll(m, 8);
	else if (op < 96)
		m->now += roll(m, 1500);
	else if (op < 98)
		gate_budget_sweep(m->b, (uint64_t)m->now);
	else
		assert_true(gate_budget_sane(m->b));
}

static void
run_model(uint64_t seed, unsigned steps, bool trims)
{
	static struct model m;

	m = (struct model){.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .now = 5000};
	m.b = gate_budget_new(MB);
	for (unsigned a = 0; a < ACCOUNTS; a++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "a%u", a);
		m.account[a] = account(m.b, name, KEEP);
		for (unsigned i = 0; i < MARKS; i++)
			m.cell[a][i].seen = NEVER;
	}
	for (unsigned i = 0; i < steps; i++) {
		unsigned a = roll(&m, ACCOUNTS);
		uint64_t window = windows[roll(&m, BASE_COUNT(windows))];

		step(&m);
		/* Two marks of the same time are trimmed in either order, so that the model could forget the other one. */
		if (trims && roll(&m, 200) == 0 && m.nout == 0) {
			for (unsigned k = 0; k < ACCOUNTS; k++)
				for (unsigned j = 0; j < MARKS; j++)
					assert_int_equal(m.cell[k][j].pending, 0);
			op_trim(&m);
			assert_int_equal(gate_budget_count(m.b, m.account[a], KEEP, (uint64_t)m.now), model_count(&m, a, KEEP));
			break;
		}
		assert_int_equal(gate_budget_count(m.b, m.account[a], window, (uint64_t)m.now), model_count(&m, a, window));
	}
	assert_true(gate_budget_sane(m.b));
	assert_true(trims || (m.taken > steps / 20 && m.refused > steps / 50));
	/* what is out comes back, what was seen grows old: nothing is left */
	while (m.nout > 0)
		op_end(&m, roll(&m, 2) == 0);
	assert_true(gate_budget_sane(m.b));
	gate_budget_sweep(m.b, (uint64_t)m.now + KEEP);
	for (unsigned a = 0; a < ACCOUNTS; a++) {
		assert_int_equal(m.account[a]->nodes, 0);
		gate_budget_drop(m.b, &m.account[a]);
		assert_null(m.account[a]);
	}
	assert_int_equal(gate_budget_accounts(m.b), 0);
	assert_int_equal(gate_budget_bytes(m.b), 0);
	gate_budget_free(&m.b);
	assert_null(m.b);
}

static void
test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		run_model(seed, 10000, false);
	for (uint64_t seed = 1000; seed < 1300; seed++)
		run_model(seed, 500, true);
}

/* ---- edges ---- */

static void
test_window(void **state)
{
	static const struct {
		uint64_t at;
		enum gate_budget_answer answer;
		uint64_t mark, refill, count;
	} t[] = { /* 2 per hour, from an hour on; each that is taken is settled at once */
		{0, GATE_BUDGET_TAKEN, 1, 0, 1},
		{10, GATE_BUDGET_TAKEN, 2, 0, 2},
		{20, GATE_BUDGET_REFUSED, 3, HOUR, 2},
		{20, GATE_BUDGET_TAKEN, 2, 0, 2},       /* seen before: free, and seen later now */
		{HOUR - 1, GATE_BUDGET_REFUSED, 3, HOUR, 2},
		{HOUR, GATE_BUDGET_TAKEN, 3, 0, 2},     /* mark 1 left at this very moment */
		{HOUR, GATE_BUDGET_REFUSED, 1, HOUR + 20, 2},
		{HOUR + 19, GATE_BUDGET_REFUSED, 1, HOUR + 20, 2},
		{HOUR + 20, GATE_BUDGET_TAKEN, 4, 0, 2},
		{3 * HOUR, GATE_BUDGET_TAKEN, 5, 0, 1},
	};
	struct gate_budget *b = gate_budget_new(MB);
	struct gate_account *a = account(b, "wang", HOUR);

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct gate_budget_refusal r = {.refill_us = HOUR};
		uint64_t now = HOUR + t[i].at;

		assert_int_equal(take1(b, a, 2, HOUR, t[i].mark, now, &r), t[i].answer);
		if (t[i].answer == GATE_BUDGET_TAKEN)
			gate_budget_settle(b, &a, 1, &t[i].mark, 1, now);
		else
			assert_int_equal(r.refill_us, HOUR + t[i].refill);
		assert_int_equal(gate_budget_count(b, a, HOUR, now), t[i].count);
	}
	gate_budget_drop(b, &a);
	gate_budget_free(&b);
}

/* Two limits on one account; a third account that is only noted; nothing of a refused take remains. */
static void
test_all_or_nothing(void **state)
{
	struct gate_budget *b = gate_budget_new(MB);
	struct gate_account *wang = account(b, "wang", HOUR), *team = account(b, "team", HOUR), *noted = account(b, "noted", HOUR);
	const struct gate_budget_limit of_wang[] = {{3, HOUR, "a"}, {2, HOUR / 2, "b"}}, of_team[] = {{4, HOUR, "c"}, {4, HOUR, "d"}};
	const struct gate_charge c[] = {{noted, NULL, 0}, {wang, of_wang, 2}, {team, of_team, 2}};
	struct gate_account *all[] = {noted, wang, team};
	struct gate_budget_refusal r;
	uint64_t now = HOUR, m;

	(void)state;
	for (m = 1; m <= 2; m++)
		assert_int_equal(gate_budget_take(b, c, 3, m, now, &r), GATE_BUDGET_TAKEN);
	assert_int_equal(gate_budget_take(b, c, 3, 3, now, &r), GATE_BUDGET_REFUSED);
	assert_string_equal(r.limit->rule, "b");
	assert_int_equal(r.charge, 1);
	assert_int_equal(r.refill_us, 0); /* only pending ones are in the way */
	assert_int_equal(gate_budget_count(b, noted, HOUR, now), 2);
	assert_int_equal(gate_budget_count(b, team, HOUR, now), 2);
	m = 1;
	gate_budget_settle(b, all, 3, &m, 1, now);
	assert_int_equal(gate_budget_take(b, c, 3, 3, now, &r), GATE_BUDGET_REFUSED);
	assert_int_equal(r.refill_us, now + HOUR / 2);
	m = 2;
	gate_budget_release(b, all, 3, &m, 1, now);
	assert_int_equal(gate_budget_take(b, c, 3, 3, now, &r), GATE_BUDGET_TAKEN);
	/* the same mark twice pending: one release leaves it */
	assert_int_equal(gate_budget_take(b, c, 3, 3, now, &r), GATE_BUDGET_TAKEN);
	m = 3;
	gate_budget_release(b, all, 3, &m, 1, now);
	assert_int_equal(gate_budget_count(b, wang, HOUR, now), 2);
	gate_budget_release(b, all, 3, &m, 1, now);
	assert_int_equal(gate_budget_count(b, wang, HOUR, now), 1);
	gate_budget_release(b, all, 3, &m, 1, now); /* once too often: nothing */
	assert_int_equal(gate_budget_count(b, wang, HOUR, now), 1);
	/* pending for longer than any window: it counts all the while, and afterwards from when it was settled */
	assert_int_equal(gate_budget_take(b, c, 3, 1, now + HOUR / 4, &r), GATE_BUDGET_TAKEN);
	gate_budget_sweep(b, now + 9 * HOUR);
	assert_int_equal(gate_budget_count(b, wang, HOUR, now + 9 * HOUR), 1);
	m = 1;
	gate_budget_settle(b, all, 3, &m, 1, now + 9 * HOUR);
	assert_int_equal(gate_budget_count(b, wang, HOUR, now + 10 * HOUR - 1), 1);
	assert_int_equal(gate_budget_count(b, wang, HOUR, now + 10 * HOUR), 0);
	/* settled without having been taken: seen */
	m = 77;
	gate_budget_settle(b, all, 2, &m, 1, now + 10 * HOUR);
	assert_int_equal(gate_budget_count(b, wang, HOUR, now + 10 * HOUR), 1);
	assert_true(gate_budget_sane(b));
	for (size_t i = 0; i < 3; i++)
		gate_budget_drop(b, &all[i]);
	gate_budget_free(&b);
}

/* A policy is loaded: limits go down and up, windows grow; and more windows than an account remembers. */
static void
test_limits_change(void **state)
{
	struct gate_budget *b = gate_budget_new(16 * MB);
	struct gate_account *a = account(b, "wang", HOUR);
	struct gate_budget_refusal r;
	uint64_t now = 9 * HOUR;

	(void)state;
	for (uint64_t m = 1; m <= 20000; m++) {
		assert_int_equal(take1(b, a, 20000, HOUR, m, now + m, NULL), GATE_BUDGET_TAKEN);
		gate_budget_settle(b, &a, 1, &m, 1, now + m);
	}
	now += 20000;
	assert_int_equal(take1(b, a, 20000, HOUR, 50000, now, &r), GATE_BUDGET_REFUSED);
	assert_int_equal(r.refill_us, 9 * HOUR + 1 + HOUR);
	assert_int_equal(take1(b, a, 100, HOUR, 50000, now, &r), GATE_BUDGET_REFUSED);
	assert_int_equal(r.seen, 20000);
	assert_int_equal(r.refill_us, 9 * HOUR + 19901 + HOUR); /* when 99 are left */
	assert_int_equal(take1(b, a, 19000, HOUR, 50000, now, &r), GATE_BUDGET_REFUSED);
	assert_int_equal(r.refill_us, 9 * HOUR + 1001 + HOUR);
	assert_int_equal(take1(b, a, 10000, HOUR, 50000, now, &r), GATE_BUDGET_REFUSED);
	assert_true(r.refill_us > now && r.refill_us <= 9 * HOUR + 10001 + HOUR); /* thousands over: not later than the truth */
	assert_int_equal(take1(b, a, 100, HOUR, 19999, now, &r), GATE_BUDGET_TAKEN); /* seen before: free all the same */
	gate_budget_release(b, &a, 1, (uint64_t[]){19999}, 1, now);
	assert_int_equal(take1(b, a, 20001, HOUR, 50000, now, &r), GATE_BUDGET_TAKEN);
	gate_budget_release(b, &a, 1, (uint64_t[]){50000}, 1, now);
	for (uint64_t w = 1; w <= 3 * GATE_BUDGET_WINDOWS; w++) /* the least recently used makes room */
		assert_int_equal(gate_budget_count(b, a, w, now), w <= 20000 ? w : 20000);
	assert_int_equal(gate_budget_count(b, a, HOUR, now), 20000);
	/* a window longer than what was kept: from now on it is kept */
	assert_int_equal(take1(b, a, 30000, 24 * HOUR, 50001, now + 2 * HOUR, &r), GATE_BUDGET_TAKEN);
	gate_budget_settle(b, &a, 1, (uint64_t[]){50001}, 1, now + 2 * HOUR);
	assert_true(gate_budget_count(b, a, 24 * HOUR, now + 25 * HOUR) >= 1);
	assert_int_equal(gate_budget_count(b, a, 24 * HOUR, now + 26 * HOUR), 0);
	gate_budget_sweep(b, now + 30 * HOUR); /* or what is not freed yet would be told of, rightly */
	/* nobody sees more than a week */
	assert_int_equal(take1(b, a, 1, 1000 * HOUR, 1, now + 30 * HOUR, &r), GATE_BUDGET_TAKEN);
	gate_budget_settle(b, &a, 1, (uint64_t[]){1}, 1, now + 30 * HOUR);
	assert_int_equal(gate_budget_count(b, a, UINT64_MAX, now + 30 * HOUR + GATE_BUDGET_KEEP_MAX - 1), 1);
	assert_int_equal(gate_budget_count(b, a, UINT64_MAX, now + 30 * HOUR + GATE_BUDGET_KEEP_MAX), 0);
	gate_budget_drop(b, &a);
	gate_budget_free(&b);
}

static void
test_seed(void **state)
{
	struct gate_budget *b = gate_budget_new(MB);
	struct gate_account *a = account(b, "wang", HOUR);
	struct gate_budget_refusal r;
	const uint64_t now = 1000; /* a second after the machine started: what was seen before is negative */

	(void)state;
	assert_true(gate_budget_seed(b, a, 1, -(int64_t)HOUR + 1001, now)); /* leaves in one microsecond */
	assert_true(gate_budget_seed(b, a, 2, -(int64_t)HOUR + 1000, now)); /* has left */
	assert_true(gate_budget_seed(b, a, 3, INT64_MIN + 1, now));
	assert_true(gate_budget_seed(b, a, 4, INT64_MAX, now)); /* of the future: now */
	assert_true(gate_budget_seed(b, a, 5, -5, now));
	assert_true(gate_budget_seed(b, a, 5, -7, now)); /* the latest holds */
	assert_int_equal(gate_budget_count(b, a, HOUR, now), 3);
	assert_int_equal(take1(b, a, 3, HOUR, 9, now, &r), GATE_BUDGET_REFUSED);
	assert_int_equal(r.refill_us, 1001);
	assert_int_equal(gate_budget_count(b, a, HOUR, now + 1), 2);
	assert_int_equal(gate_budget_count(b, a, HOUR, HOUR - 6), 2);
	assert_int_equal(gate_budget_count(b, a, HOUR, HOUR - 5), 1);
	assert_int_equal(gate_budget_count(b, a, HOUR, HOUR + 999), 1);
	assert_int_equal(gate_budget_count(b, a, HOUR, HOUR + 1000), 0);
	gate_budget_drop(b, &a);
	gate_budget_free(&b);
}

static void
test_names(void **state)
{
	struct gate_account_name n[] = {
		{POLICY_HOLDER_ACTOR, base_span_str("ab"), base_span_str("c"), POLICY_ADJECTIVE_NONE},
		{POLICY_HOLDER_ACTOR, base_span_str("a"), base_span_str("bc"), POLICY_ADJECTIVE_NONE},
		{POLICY_HOLDER_EMPLOYER, base_span_str("ab"), base_span_str("c"), POLICY_ADJECTIVE_NONE},
		{POLICY_HOLDER_ACTOR, base_span_str("ab"), base_span_str("c"), POLICY_ADJECTIVE_CLEAR},
		{POLICY_HOLDER_ACTOR, base_span_str(""), base_span_str("abc"), POLICY_ADJECTIVE_NONE},
	};
	struct gate_account *a[BASE_COUNT(n)], *again;
	struct gate_budget *b = gate_budget_new(MB);

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(n); i++) {
		a[i] = gate_budget_account(b, &n[i], HOUR);
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(a[i], a[k]);
	}
	assert_int_equal(gate_budget_accounts(b), BASE_COUNT(n));
	again = gate_budget_account(b, &n[0], HOUR / 2);
	assert_ptr_equal(again, a[0]);
	/* the same mark in two accounts is two */
	assert_int_equal(take1(b, a[0], 1, HOUR, 5, HOUR, NULL), GATE_BUDGET_TAKEN);
	assert_int_equal(gate_budget_count(b, a[1], HOUR, HOUR), 0);
	gate_budget_drop(b, &again);
	gate_budget_settle(b, &a[0], 1, (uint64_t[]){5}, 1, HOUR);
	for (size_t i = 0; i < BASE_COUNT(n); i++)
		gate_budget_drop(b, &a[i]);
	assert_int_equal(gate_budget_accounts(b), 1); /* a reconnect finds what was seen */
	a[0] = gate_budget_account(b, &n[0], 0);
	assert_int_equal(gate_budget_count(b, a[0], HOUR, HOUR + 1), 1);
	gate_budget_drop(b, &a[0]);
	gate_budget_sweep(b, 2 * HOUR);
	assert_int_equal(gate_budget_accounts(b), 0);
	assert_int_equal(gate_budget_bytes(b), 0);
	gate_budget_free(&b);
	gate_budget_free(&b);
}

/* Full of marks that count: FULL; what is seen already goes on; when they are old there is room again, although nobody sweeps. */
static void
test_full(void **state)
{
	const size_t max = 100 * 1024;
	struct gate_budget *b = gate_budget_new(max);
	struct gate_account *a = account(b, "wang", HOUR), *other = account(b, "zhang", HOUR);
	const struct gate_charge both[] = {{a, NULL, 0}, {other, NULL, 0}};
	struct gate_budget_refusal r;
	uint64_t n = 0, now = HOUR;

	(void)state;
	while (take1(b, a, UINT64_MAX, HOUR, n, now, NULL) == GATE_BUDGET_TAKEN) {
		gate_budget_settle(b, &a, 1, &n, 1, now);
		n++;
	}
	assert_true(n > 1500 && n <= max / GATE_BUDGET_NODE);
	assert_true(gate_budget_bytes(b) <= max);
	assert_int_equal(take1(b, a, UINT64_MAX, HOUR, n, now, NULL), GATE_BUDGET_FULL);
	assert_int_equal(take1(b, a, n, HOUR, n, now, NULL), GATE_BUDGET_REFUSED); /* a limit says more than the memory */
	assert_int_equal(take1(b, a, UINT64_MAX, HOUR, 0, now, NULL), GATE_BUDGET_TAKEN);
	gate_budget_release(b, &a, 1, (uint64_t[]){0}, 1, now);
	assert_int_equal(gate_budget_take(b, both, 2, 0, now, &r), GATE_BUDGET_FULL); /* one of the two would fit: nothing is noted */
	assert_int_equal(gate_budget_count(b, other, HOUR, now), 0);
	assert_false(gate_budget_seed(b, other, 7, (int64_t)now, now));
	gate_budget_settle(b, &other, 1, (uint64_t[]){7}, 1, now);
	assert_int_equal(gate_budget_count(b, other, HOUR, now), 0);
	assert_true(gate_budget_sane(b));
	now += HOUR;
	for (uint64_t m = 0; m < n; m++) {
		assert_int_equal(take1(b, other, UINT64_MAX, HOUR, n + m, now, NULL), GATE_BUDGET_TAKEN);
		gate_budget_settle(b, &other, 1, (uint64_t[]){n + m}, 1, now);
	}
	assert_int_equal(gate_budget_count(b, other, HOUR, now), n);
	assert_int_equal(gate_budget_count(b, a, HOUR, now), 0);
	assert_true(gate_budget_sane(b));
	gate_budget_drop(b, &a);
	gate_budget_drop(b, &other);
	gate_budget_free(&b);
}

/* A million marks in one account: the table grew by a million buckets, every mark is found, and a refusal is told at once. */
static void
test_million(void **state)
{
	const uint64_t n = 1000000, now = 100 * HOUR;
	struct gate_budget *b = gate_budget_new(64 * MB);
	struct gate_account *a = account(b, "wang", HOUR);
	struct gate_budget_refusal r;

	(void)state;
	for (uint64_t m = 1; m <= n; m++) {
		uint64_t mark = m * UINT64_C(0x9e3779b97f4a7c15);
		assert_int_equal(take1(b, a, n, HOUR, mark, now + m, NULL), GATE_BUDGET_TAKEN);
		gate_budget_settle(b, &a, 1, &mark, 1, now + m);
	}
	assert_true(gate_budget_sane(b));
	assert_int_equal(gate_budget_count(b, a, HOUR, now + n), n);
	for (uint64_t m = n + 1; m <= n + 10000; m++)
		assert_int_equal(take1(b, a, n, HOUR, m * UINT64_C(0x9e3779b97f4a7c15), now + n, &r), GATE_BUDGET_REFUSED);
	assert_int_equal(r.refill_us, now + 1 + HOUR);
	for (uint64_t m = 1; m <= 1000; m++) { /* ascending, and long past the older ones */
		assert_true(gate_budget_seed(b, a, m, (int64_t)(now - HOUR / 2 + m), now + n));
	}
	assert_int_equal(gate_budget_count(b, a, HOUR, now + n), n + 1000);
	gate_budget_trim(b, a, 500, now + n);
	assert_int_equal(gate_budget_count(b, a, HOUR, now + n), 500);
	assert_true(gate_budget_sane(b));
	gate_budget_drop(b, &a);
	gate_budget_free(&b);
}

/* ---- threads ---- */

#define THREADS 8
#define PLACES 1000u
struct racer {
	struct gate_budget *b;
	struct gate_account *account, *employer;
	unsigned id;
	uint64_t taken[4000];
	unsigned ntaken;
};
static atomic_uint_fast64_t clock_us = 10 * HOUR;

static void *
race(void *arg)
{
	struct racer *r = arg;
	const struct gate_budget_limit l[] = {{PLACES, HOUR, NULL}, {PLACES + 7, 24 * HOUR, NULL}};
	const struct gate_charge c[] = {{r->account, l, 2}, {r->employer, NULL, 0}};
	struct gate_budget_refusal refusal;

	for (uint64_t i = 0; i < 4000; i++) {
		uint64_t mark = i % 3 == 0 ? i : (uint64_t)r->id << 32 | i; /* a third is everybody's */
		uint64_t now = atomic_fetch_add(&clock_us, 1);

		if (gate_budget_take(r->b, c, 2, mark, now, &refusal) == GATE_BUDGET_TAKEN)
			r->taken[r->ntaken++] = mark;
		if (i % 64 == 0)
			gate_budget_sweep(r->b, now);
	}
	return NULL;
}

static void *
race_end(void *arg)
{
	struct racer *r = arg;
	struct gate_account *both[] = {r->account, r->employer};

	/* the first half is delivered, the rest is not */
	gate_budget_settle(r->b, both, 2, r->taken, r->ntaken / 2, atomic_fetch_add(&clock_us, 1));
	gate_budget_release(r->b, both, 2, r->taken + r->ntaken / 2, r->ntaken - r->ntaken / 2, atomic_fetch_add(&clock_us, 1));
	return NULL;
}

static void
together(struct racer *r, void *(*fn)(void *))
{
	pthread_t t[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, fn, &r[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
}

static void
test_threads(void **state)
{
	static struct racer r[THREADS];

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct gate_budget *b = gate_budget_new(16 * MB);
		uint64_t after;

		for (unsigned i = 0; i < THREADS; i++) /* each session has its own handles */
			r[i] = (struct racer){.b = b, .account = account(b, "wang", HOUR), .employer = account(b, "Acme", HOUR), .id = i + 1};
		together(r, race);
		after = atomic_load(&clock_us);
		/* exactly so many different ones, although more takes than that: what two took together counts once */
		assert_int_equal(gate_budget_count(b, r[0].account, HOUR, after), PLACES);
		assert_int_equal(gate_budget_count(b, r[0].employer, HOUR, after), PLACES);
		together(r, race_end);
		assert_true(gate_budget_count(b, r[0].account, HOUR, after) < PLACES);
		for (unsigned i = 0; i < THREADS; i++)
			r[i].ntaken = 0;
		together(r, race); /* what came back is taken, to the last place */
		assert_int_equal(gate_budget_count(b, r[0].account, HOUR, atomic_load(&clock_us)), PLACES);
		assert_true(gate_budget_sane(b));
		for (unsigned i = 0; i < THREADS; i++) {
			gate_budget_drop(b, &r[i].account);
			gate_budget_drop(b, &r[i].employer);
		}
		gate_budget_free(&b);
	}
}

/* Sessions come and go while others sweep. */
static void *
come_and_go(void *arg)
{
	struct gate_budget *b = arg;

	for (unsigned i = 0; i < 2000; i++) {
		char name[16];
		struct gate_account *a;
		uint64_t now = atomic_fetch_add(&clock_us, 1), mark = i;

		(void)snprintf(name, sizeof(name), "p%u", i % 37);
		a = account(b, name, 20);
		if (take1(b, a, 5, 20, mark, now, NULL) == GATE_BUDGET_TAKEN && i % 2 == 0)
			gate_budget_settle(b, &a, 1, &mark, 1, now);
		else
			gate_budget_release(b, &a, 1, &mark, 1, now);
		gate_budget_drop(b, &a);
		if (i % 16 == 0)
			gate_budget_sweep(b, now);
	}
	return NULL;
}

static void
test_come_and_go(void **state)
{
	struct gate_budget *b = gate_budget_new(MB);
	pthread_t t[4];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, come_and_go, b), 0);
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_true(gate_budget_sane(b));
	gate_budget_sweep(b, atomic_load(&clock_us) + 100);
	assert_int_equal(gate_budget_accounts(b), 0);
	assert_int_equal(gate_budget_bytes(b), 0);
	gate_budget_free(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_limits_change),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_come_and_go),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
