/* gate_budget: see gate_budget.h; gate_budget_int.h has how it is stored. Input: marks, and names of people from the gate's own tables. Never does I/O, never
 * reads a clock.
 */
#include "gate_budget_int.h"

#include <assert.h>
#include <stdlib.h>

#include "base_buf.h"
#include "base_map.h"
#include "base_mem.h"

#define NODES_MAX 0xfffff000u
#define OVERHEAD 160u    /* of an account, in the map of names */
#define EXPIRE_TAKE 8u   /* nodes freed of an account with each take of it; it gains one */
#define EXPIRE_OTHER 16u /* and of one other account */
#define SWEEP_STEP 256u  /* nodes freed, or accounts looked at, between two holdings of the mutex */
#define WALK_MAX 4096u   /* nodes looked at to tell when a place becomes free */

/* When the window's count falls below n. k marks must leave before: the k-th of those that are not pending, from the old end, or the one that is left before as
 * many as stay, from the new end, whichever is nearer. */
static uint64_t
refill(const struct gate_budget *b, const struct gate_account *a, const struct window *w, uint64_t n)
{
	uint64_t may = w->count - a->npending, go = w->count - n + 1, left, steps = 0; /* may: those inside that are not pending */
	bool back;
	uint32_t i, at = 0;

	if (n == 0 || go > may)
		return 0;
	back = may - go < go;
	left = back ? may - go + 1 : go;
	for (i = back ? a->tail : w->first; i != 0 && left > 0 && steps < WALK_MAX; steps++) {
		if (budget_node(b, i)->pending == 0) {
			at = i;
			left--;
		}
		i = back ? budget_node(b, i)->prev : budget_node(b, i)->next;
	}
	if (at == 0 || (back && left > 0))
		at = w->first; /* too far: this is not later than the answer */
	return (uint64_t)(budget_node(b, at)->seen + (int64_t)w->length);
}

/* ---- accounts ---- */

static void
enter(struct gate_budget *b, uint64_t now_us)
{
	int64_t now = now_us > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)now_us; /* sums with a window cannot overflow */
	int rc = pthread_mutex_lock(&b->mutex);

	assert(rc == 0);
	(void)rc; /* cannot fail: initialised, not recursive */
	if (now > b->now)
		b->now = now; /* threads read the clock before they wait for the mutex */
}

static void
leave(struct gate_budget *b)
{
	(void)pthread_mutex_unlock(&b->mutex); /* ours */
}

static void
free_account(struct gate_budget *b, struct gate_account *a)
{
	(void)base_map_remove(b->names, base_span(a->key, a->nkey)); /* it is there */
	if (b->ring == a)
		b->ring = a->after == a ? NULL : a->after;
	a->before->after = a->after;
	a->after->before = a->before;
	b->bytes -= a->bytes;
	b->ids[b->nids++] = a->id; /* there is room for every id ever given */
	free(a);
}

/* Frees up to `most` nodes of the next account of the ring. True: on to the one behind it; false: it may have more, and is the next still (only if `stay`). */
static bool
sweep_next(struct gate_budget *b, uint32_t most, bool stay, uint32_t *done_r)
{
	struct gate_account *a = b->ring;

	budget_advance(b, a);
	*done_r = budget_expire(b, a, most);
	if (stay && *done_r == most)
		return false;
	b->ring = a->after;
	if (a->refs == 0 && a->nodes == 0)
		free_account(b, a);
	return true;
}

static uint32_t
take_id(struct gate_budget *b)
{
	if (b->nids > 0)
		return b->ids[--b->nids];
	if (b->next_id == b->ids_cap) {
		uint32_t cap = b->ids_cap * 2 + 64;
		uint32_t *more = base_mem_grow(b->ids, cap, sizeof(uint32_t));
		if (more == NULL)
			abort(); /* four bytes an account, as base_mem_new */
		b->ids = more;
		b->ids_cap = cap;
	}
	return b->next_id++;
}

static struct gate_account *
new_account(struct gate_budget *b, struct base_span key)
{
	struct gate_account *a = base_mem_new(1, sizeof(*a) + key.n);

	a->nkey = key.n;
	memcpy(a->key, key.p, key.n);
	a->id = take_id(b);
	a->bytes = sizeof(*a) + 2 * key.n + OVERHEAD;
	b->bytes += a->bytes;
	if (b->ring == NULL) {
		b->ring = a->before = a->after = a;
	} else {
		a->after = b->ring;
		a->before = b->ring->before;
		a->before->after = a;
		a->after->before = a;
	}
	if (base_map_put(b->names, key, a) < 0)
		abort(); /* a small fixed allocation, as base_mem_new */
	return a;
}

struct gate_budget *
gate_budget_new(size_t max_bytes)
{
	struct gate_budget *b = base_mem_new(1, sizeof(*b));
	size_t most = max_bytes / GATE_BUDGET_NODE;

	if (pthread_mutex_init(&b->mutex, NULL) != 0)
		abort(); /* never with default attributes */
	b->max = max_bytes;
	b->node_max = most < NODES_MAX ? (uint32_t)most : NODES_MAX;
	b->names = base_map_new(0, NULL);
	b->chunk = base_mem_new(b->node_max / NODE_CHUNK + 2, sizeof(*b->chunk));
	b->bucket = base_mem_new(b->node_max / BUCKET_CHUNK + 2, sizeof(*b->bucket));
	b->bucket[0] = base_mem_new(BUCKET_CHUNK, sizeof(uint32_t));
	b->nbuckets = 1;
	b->fresh = 1; /* node 0 is none */
	return b;
}

void
gate_budget_free(struct gate_budget **bp)
{
	struct gate_budget *b = *bp;

	if (b == NULL)
		return;
	while (b->ring)
		free_account(b, b->ring);
	base_map_free(&b->names);
	for (uint32_t i = 0; i < b->node_max / NODE_CHUNK + 2; i++)
		free(b->chunk[i]);
	for (uint32_t i = 0; i < b->node_max / BUCKET_CHUNK + 2; i++)
		free(b->bucket[i]);
	free(b->chunk);
	free(b->bucket);
	free(b->ids);
	(void)pthread_mutex_destroy(&b->mutex); /* nobody has it */
	free(b);
	*bp = NULL;
}

struct gate_account *
gate_budget_account(struct gate_budget *b, const struct gate_account_name *name, uint64_t keep_us)
{
	struct gate_account *a;
	struct base_buf key;

	base_buf_init(&key, name->who.n + name->what.n + 16);
	base_buf_u8(&key, (uint8_t)name->holder);
	base_buf_u8(&key, (uint8_t)name->adjective);
	base_buf_u64(&key, name->who.n); /* so that "ab" of "c" is not "a" of "bc" */
	base_buf_put(&key, name->who);
	base_buf_put(&key, name->what);
	if (key.bad)
		abort(); /* names are of a few hundred bytes: as base_mem_new */
	enter(b, 0);
	a = base_map_get(b->names, base_buf_span(&key));
	if (a == NULL)
		a = new_account(b, base_buf_span(&key));
	a->refs++;
	if (keep_us > GATE_BUDGET_KEEP_MAX)
		keep_us = GATE_BUDGET_KEEP_MAX;
	if (keep_us > a->keep)
		a->keep = keep_us;
	leave(b);
	base_buf_done(&key);
	return a;
}

void
gate_budget_drop(struct gate_budget *b, struct gate_account **ap)
{
	struct gate_account *a = *ap;

	*ap = NULL;
	if (a == NULL)
		return;
	enter(b, 0);
	assert(a->refs > 0);
	if (--a->refs == 0 && a->nodes == 0)
		free_account(b, a);
	leave(b);
}

/* ---- take, settle, release ---- */

static bool
charged_before(const struct gate_charge *charges, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (charges[k].account == charges[i].account)
			return true;
	return false;
}

/* Is there room in every window of every charge? */
static bool
within(struct gate_budget *b, const struct gate_charge *charges, size_t ncharges, uint64_t mark, struct gate_budget_refusal *r)
{
	for (size_t i = 0; i < ncharges; i++) {
		struct gate_account *a = charges[i].account;

		budget_advance(b, a);
		(void)budget_expire(b, a, EXPIRE_TAKE); /* how many is nobody's concern */
		uint32_t at = budget_find(b, a, mark);
		for (size_t k = 0; k < charges[i].nlimits; k++) {
			const struct gate_budget_limit *l = &charges[i].limit[k];
			const struct window *w = budget_window(b, a, l->window_us);

			if (w->count < l->n || (at != 0 && budget_counts(b, budget_node(b, at), w->length)))
				continue;
			*r = (struct gate_budget_refusal){i, l, refill(b, a, w, l->n), w->count};
			return false;
		}
	}
	return true;
}

/* Can every charge have its node? */
static bool
fits(struct gate_budget *b, const struct gate_charge *charges, size_t ncharges, uint64_t mark)
{
	uint32_t need = 0;

	for (size_t i = 0; i < ncharges; i++) {
		uint32_t at = budget_find(b, charges[i].account, mark);
		if (at != 0 && budget_node(b, at)->pending == UINT32_MAX)
			return false;
		need += at == 0 && !charged_before(charges, i);
	}
	return budget_reserve(b, need);
}

enum gate_budget_answer
gate_budget_take(struct gate_budget *b, const struct gate_charge *charges, size_t ncharges, uint64_t mark, uint64_t now_us, struct gate_budget_refusal *r)
{
	enum gate_budget_answer answer = GATE_BUDGET_TAKEN;
	uint32_t freed;

	assert(ncharges <= GATE_BUDGET_CHARGES_MAX);
	enter(b, now_us);
	if (!within(b, charges, ncharges, mark, r))
		answer = GATE_BUDGET_REFUSED;
	/* Each take frees a little of what nobody needs any more; a full store looks for more of it, within bounds. */
	for (uint32_t i = 0; b->ring && (i == 0 || (i < SWEEP_STEP && answer == GATE_BUDGET_TAKEN && !fits(b, charges, ncharges, mark))); i++)
		(void)sweep_next(b, EXPIRE_OTHER, false, &freed); /* it goes on by itself */
	if (answer == GATE_BUDGET_TAKEN && !fits(b, charges, ncharges, mark))
		answer = GATE_BUDGET_FULL;
	for (size_t i = 0; answer == GATE_BUDGET_TAKEN && i < ncharges; i++) {
		struct gate_account *a = charges[i].account;
		uint32_t at;

		if (charged_before(charges, i))
			continue;
		at = budget_find(b, a, mark);
		if (at == 0)
			at = budget_add(b, a, mark);
		budget_uncount(b, a, at);
		a->npending += budget_node(b, at)->pending++ == 0;
		budget_count(b, a, at);
	}
	leave(b);
	return answer;
}

static bool
listed_before(struct gate_account *const *accounts, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (accounts[k] == accounts[i])
			return true;
	return false;
}

/* Every mark of every account, once. */
static void
each(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us,
    void (*one)(struct gate_budget *b, struct gate_account *a, uint64_t mark))
{
	enter(b, now_us);
	for (size_t i = 0; i < naccounts; i++) {
		if (listed_before(accounts, i))
			continue;
		budget_advance(b, accounts[i]);
		for (size_t k = 0; k < nmarks; k++)
			one(b, accounts[i], marks[k]);
	}
	leave(b);
}

static void
settle(struct gate_budget *b, struct gate_account *a, uint64_t mark)
{
	uint32_t at = budget_find(b, a, mark);

	if (at == 0) {
		if (!budget_reserve(b, 1))
			return;
		at = budget_add(b, a, mark);
	}
	budget_uncount(b, a, at);
	if (budget_node(b, at)->pending > 0)
		a->npending -= --budget_node(b, at)->pending == 0;
	if (budget_node(b, at)->seen != NEVER)
		budget_unlink(b, a, at);
	budget_link(b, a, at, b->now, a->tail);
	budget_count(b, a, at);
}

void
gate_budget_settle(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us)
{
	each(b, accounts, naccounts, marks, nmarks, now_us, settle);
}

static void
release(struct gate_budget *b, struct gate_account *a, uint64_t mark)
{
	uint32_t at = budget_find(b, a, mark);

	if (at == 0 || budget_node(b, at)->pending == 0)
		return;
	budget_uncount(b, a, at);
	a->npending -= --budget_node(b, at)->pending == 0;
	budget_count(b, a, at);
	if (budget_node(b, at)->pending == 0 && budget_node(b, at)->seen == NEVER)
		budget_remove(b, a, at);
}

void
gate_budget_release(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us)
{
	each(b, accounts, naccounts, marks, nmarks, now_us, release);
}

/* ---- from the ledger, and upkeep ---- */

/* The node behind which `seen` belongs. Seeds come nearly in order, so the way from the last one is short. */
static uint32_t
place(const struct gate_budget *b, const struct gate_account *a, int64_t seen)
{
	uint32_t i = a->hint != 0 ? a->hint : a->tail;

	while (i != 0 && budget_node(b, i)->seen > seen)
		i = budget_node(b, i)->prev;
	while (i != 0 && budget_node(b, i)->next != 0 && budget_node(b, budget_node(b, i)->next)->seen <= seen)
		i = budget_node(b, i)->next;
	return i;
}

bool
gate_budget_seed(struct gate_budget *b, struct gate_account *a, uint64_t mark, int64_t seen_us, uint64_t now_us)
{
	bool ok = true;
	uint32_t at;

	enter(b, now_us);
	if (seen_us > b->now)
		seen_us = b->now;
	budget_advance(b, a);
	(void)budget_expire(b, a, EXPIRE_TAKE); /* how many is nobody's concern */
	at = budget_find(b, a, mark);
	if (seen_us <= b->now - (int64_t)a->keep || (at != 0 && budget_node(b, at)->seen >= seen_us)) {
		leave(b);
		return true;
	}
	if (at == 0 && (ok = budget_reserve(b, 1)))
		at = budget_add(b, a, mark);
	if (at != 0) {
		budget_uncount(b, a, at);
		if (budget_node(b, at)->seen != NEVER)
			budget_unlink(b, a, at);
		budget_link(b, a, at, seen_us, place(b, a, seen_us));
		a->hint = at;
		budget_count(b, a, at);
	}
	leave(b);
	return ok;
}

void
gate_budget_trim(struct gate_budget *b, struct gate_account *a, uint64_t n, uint64_t now_us)
{
	uint32_t next;

	enter(b, now_us);
	budget_advance(b, a);
	for (uint32_t i = a->head; i != 0 && a->nodes - a->npending > n; i = next) { /* what is pending may be released: it stands for nothing */
		next = budget_node(b, i)->next;
		if (budget_node(b, i)->pending == 0)
			budget_remove(b, a, i);
	}
	leave(b);
}

void
gate_budget_sweep(struct gate_budget *b, uint64_t now_us)
{
	size_t left = gate_budget_accounts(b); /* to look at */

	while (left > 0) {
		uint32_t done = 0, freed;

		enter(b, now_us);
		for (uint32_t seen = 0; left > 0 && seen < SWEEP_STEP && done < SWEEP_STEP; seen++, done += freed) {
			freed = 0;
			if (b->ring == NULL || sweep_next(b, SWEEP_STEP, true, &freed))
				left--;
		}
		leave(b);
	}
}

uint64_t
gate_budget_count(struct gate_budget *b, struct gate_account *a, uint64_t window_us, uint64_t now_us)
{
	uint64_t n;

	enter(b, now_us);
	budget_advance(b, a);
	n = budget_window(b, a, window_us)->count;
	leave(b);
	return n;
}

size_t
gate_budget_bytes(struct gate_budget *b)
{
	size_t n;

	enter(b, 0);
	n = budget_bytes(b);
	leave(b);
	return n;
}

size_t
gate_budget_accounts(struct gate_budget *b)
{
	size_t n;

	enter(b, 0);
	n = base_map_count(b->names);
	leave(b);
	return n;
}

/* ---- for tests ---- */

static bool
account_sane(struct gate_budget *b, struct gate_account *a, uint32_t nodes, uint32_t npending)
{
	uint32_t last = 0, listed = 0;

	budget_advance(b, a);
	for (uint32_t i = a->head; i != 0; last = i, i = budget_node(b, i)->next, listed++)
		if (budget_node(b, i)->prev != last || budget_node(b, i)->seen == NEVER || budget_node(b, i)->account != a->id || (last != 0 && budget_node(b, last)->seen > budget_node(b, i)->seen))
			return false;
	if (a->tail != last || a->nodes != nodes || a->npending != npending || listed > nodes)
		return false;
	for (uint32_t k = 0; k < a->nwindows; k++) {
		struct window *w = &a->window[k], found = {.length = w->length};

		budget_recount(b, a, &found);
		if (found.first != w->first || found.count != w->count || w->length > a->keep)
			return false;
	}
	return true;
}

static bool
sane(struct gate_budget *b)
{
	uint32_t *nodes = base_mem_new(b->next_id + 1, sizeof(uint32_t)), *npending = base_mem_new(b->next_id + 1, sizeof(uint32_t)), all = 0;
	struct gate_account *a = b->ring;
	bool ok = true;

	for (uint32_t k = 0; k < b->nbuckets; k++)
		for (uint32_t i = b->bucket[k / BUCKET_CHUNK][k % BUCKET_CHUNK]; i != 0; i = budget_node(b, i)->chain) {
			const struct node *n = budget_node(b, i);
			ok = ok && budget_bucket(b, n->mark, n->account) == &b->bucket[k / BUCKET_CHUNK][k % BUCKET_CHUNK] && (n->seen != NEVER || n->pending > 0);
			nodes[n->account]++;
			npending[n->account] += n->pending > 0;
			all++;
		}
	ok = ok && all == b->used;
	for (size_t i = 0; i < base_map_count(b->names); i++, a = a->after) {
		ok = ok && account_sane(b, a, nodes[a->id], npending[a->id]);
		all -= a->nodes;
	}
	free(nodes);
	free(npending);
	return ok && a == b->ring && all == 0;
}

bool
gate_budget_sane(struct gate_budget *b)
{
	bool ok;

	enter(b, 0);
	ok = sane(b);
	leave(b);
	return ok;
}
