/* gate_case: see gate_case.h; the case thread, its questions and answers. Input: keys of subjects from rows, names from sessions and tokens, rows of the table of
 * cases. It never touches a client's connection; a slow table delays the rows that have to be explained, nothing else.
 *
 * All questions that wait are answered by one query. What is fetched are tickets, and they are weighed anew for each question: who asks, and when, differs.
 */
#include "gate_case_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"

_Static_assert(GATE_CASE_BATCH >= GATE_CASE_ASK_MAX, "a question must fit a batch");
_Static_assert(GATE_CASE_BATCH >= GATE_CASE_PAGE, "a page's subjects must fit a query");

#define SWEEP_US 1000000u

struct gate_case_ask *
gate_case_ask_new(void)
{
	return base_mem_new(1, sizeof(struct gate_case_ask));
}

void
gate_case_ask_free(struct gate_case_ask **ap)
{
	struct gate_case_ask *a = *ap;

	*ap = NULL;
	if (!a)
		return;
	for (size_t i = 0; i < a->nkeys; i++)
		free(a->key[i]);
	free(a->actor);
	free(a->employer);
	free(a->team);
	free(a->declared);
	gate_world_unref(&a->world);
	free(a);
}

static struct base_span
word(const char *s)
{
	return base_span_str(s ? s : "");
}

static enum policy_class
weigh(const struct gate_case_ask *a, const struct gate_case_tickets *t)
{
	struct policy_asker asker = {word(a->actor), word(a->employer), word(a->team), a->world ? a->world->people : NULL};
	size_t by;

	return policy_case_weigh(t->ticket, t->n, &asker, word(a->declared), base_time_wall_us(), &by);
}

/* ---- life ---- */

static void
adopt(struct gate_cases *c, struct gate_world *w)
{
	gate_world_ref(w);
	gate_world_unref(&c->world);
	c->world = w;
	c->generation++;
	c->ttl_us = w->conf->case_cache;
	c->settle_us = w->conf->case_settle;
}

struct gate_cases *
gate_cases_new(struct gate_world *first, void (*settled)(void *ctx, const struct gate_settled *s), void *ctx)
{
	struct gate_cases *c = base_mem_new(1, sizeof(*c));
	pthread_condattr_t monotonic;

	(void)pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_condattr_init(&monotonic);  /* the same for these */
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	c->last = &c->first;
	c->settled = settled;
	c->ctx = ctx;
	gate_case_cache_init(&c->cache);
	gate_case_pending_init(&c->pending);
	adopt(c, first);
	return c;
}

void
gate_cases_adopt(struct gate_cases *c, struct gate_world *w)
{
	(void)pthread_mutex_lock(&c->lock);
	bool same = strcmp(policy_map_hash(c->world->map), policy_map_hash(w->map)) == 0 && strcmp(c->world->conf->control, w->conf->control) == 0;
	adopt(c, w);
	if (!same) {
		c->policy++;
		gate_case_cache_clear(&c->cache);
	}
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

void
gate_case_bind(struct gate_cases *c)
{
	(void)pthread_mutex_lock(&c->lock);
	struct gate_world *w = c->world;
	uint64_t generation = c->generation;
	gate_world_ref(w);
	(void)pthread_mutex_unlock(&c->lock);
	if (generation != c->table.generation)
		gate_case_table_bind(&c->table, w, generation);
	gate_world_unref(&w);
}

void
gate_case_blind(struct gate_cases *c, const struct base_fail *fail)
{
	if (fail && !c->blind)
		base_log_error("look-ups cannot be explained: %s", fail->text);
	else if (!fail && c->blind)
		base_log_info("look-ups can be explained again");
	c->blind = fail != NULL;
}

/* ---- answers: case thread ---- */

struct batch {
	struct gate_case_ask *asks;                 /* own */
	struct base_map *place;                     /* own: key -> place + 1 */
	size_t n;
	const char *key[GATE_CASE_BATCH];           /* borrow: of an ask */
	struct gate_case_tickets *tickets[GATE_CASE_BATCH];
	uint64_t policy;
};

/* The lock is held. */
static void
take_batch(struct gate_cases *c, struct batch *b)
{
	struct gate_case_ask **end = &b->asks;
	size_t room = GATE_CASE_BATCH;

	b->policy = c->policy;
	while (c->first && c->first->nkeys <= room) {
		room -= c->first->nkeys;
		*end = c->first;
		c->first = c->first->next;
		end = &(*end)->next;
	}
	*end = NULL;
	if (!c->first)
		c->last = &c->first;
}

static void
list_keys(struct batch *b)
{
	b->place = base_map_new(0, NULL);
	for (struct gate_case_ask *a = b->asks; a; a = a->next)
		for (size_t i = 0; i < a->nkeys; i++) {
			if (a->class_r[i] != POLICY_CLASS_NONE || base_map_get(b->place, word(a->key[i])))
				continue;
			b->key[b->n++] = a->key[i];
			if (base_map_put(b->place, word(a->key[i]), (void *)(uintptr_t)b->n) < 0)
				abort(); /* a small control allocation */
		}
}

static void
give(struct batch *b, int rc, const struct base_fail *fail)
{
	for (struct gate_case_ask *a = b->asks; a; a = a->next) {
		a->failed = rc < 0;
		if (rc < 0)
			(void)snprintf(a->why, sizeof(a->why), "%.299s", fail->text);
		for (size_t i = 0; i < a->nkeys && rc == GH_OK; i++) {
			size_t place = (size_t)(uintptr_t)base_map_get(b->place, word(a->key[i]));
			if (a->class_r[i] == POLICY_CLASS_NONE && place > 0)
				a->class_r[i] = weigh(a, b->tickets[place - 1]);
		}
	}
}

static void
answer(struct gate_cases *c, struct batch *b)
{
	struct base_fail fail = {.code = 0};
	uint64_t queries = 0, failed = 0;
	struct gate_case_ask *next;

	gate_case_bind(c);
	list_keys(b);
	int rc = b->n > 0 ? gate_case_table_fetch(&c->table, b->key, b->n, b->tickets, &queries, &fail) : GH_OK;
	gate_case_blind(c, rc < 0 ? &fail : NULL);
	give(b, rc, &fail);
	for (struct gate_case_ask *a = b->asks; a; a = a->next)
		failed += a->failed;
	(void)pthread_mutex_lock(&c->lock);
	gate_case_count(c, 0, 0, queries, failed);
	for (size_t i = 0; i < b->n && rc == GH_OK; i++) {
		if (c->ttl_us > 0 && b->policy == c->policy)
			gate_case_cache_put(&c->cache, b->key[i], b->tickets[i]);
		else
			gate_case_tickets_free(b->tickets[i]);
	}
	(void)pthread_mutex_unlock(&c->lock);
	base_map_free(&b->place);
	for (struct gate_case_ask *a = b->asks; a; a = next) {
		next = a->next;
		base_loop_post(a->loop, a->done, a); /* the asker's from here on: it may be freed at once */
	}
}

/* ---- the thread ---- */

/* The lock is held. Until when nothing is to do; 0: until somebody says so. */
static uint64_t
quiet_until(const struct gate_cases *c)
{
	uint64_t search = c->settle_us > 0 && c->pending.count > 0 ? c->search.next_us : 0;
	uint64_t sweep = base_map_count(c->cache.map) > 0 ? c->sweep_us : 0;

	return search == 0 || (sweep != 0 && sweep < search) ? sweep : search;
}

static void
wait_for_work(struct gate_cases *c)
{
	uint64_t at = quiet_until(c);
	struct timespec until = {(time_t)(at / 1000000), (long)(at % 1000000) * 1000};

	(void)(at ? pthread_cond_timedwait(&c->wake, &c->lock, &until) : pthread_cond_wait(&c->wake, &c->lock)); /* the loop looks why */
}

static void
turn(struct gate_cases *c, struct batch *b)
{
	uint64_t now = base_time_mono_us();

	if (now >= c->sweep_us) {
		gate_case_cache_sweep(&c->cache, now, c->ttl_us);
		c->sweep_us = now + (c->ttl_us < SWEEP_US && c->ttl_us > 0 ? c->ttl_us : SWEEP_US);
	}
	if (c->pending.count > GATE_PENDING_LOOKS) {
		(void)pthread_mutex_unlock(&c->lock);
		gate_case_settle_overflow(c);
		(void)pthread_mutex_lock(&c->lock);
	} else if (c->first) {
		*b = (struct batch){0};
		take_batch(c, b);
		(void)pthread_mutex_unlock(&c->lock);
		answer(c, b);
		(void)pthread_mutex_lock(&c->lock);
	} else if (gate_case_settle_due(c, now)) {
		(void)pthread_mutex_unlock(&c->lock);
		gate_case_settle_step(c);
		(void)pthread_mutex_lock(&c->lock);
	} else {
		wait_for_work(c);
	}
}

static void *
case_main(void *arg)
{
	struct gate_cases *c = arg;
	struct batch *b = base_mem_new(1, sizeof(*b));

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stop)
		turn(c, b);
	(void)pthread_mutex_unlock(&c->lock);
	free(b);
	return NULL;
}

void
gate_cases_start(struct gate_cases *c)
{
	c->running = pthread_create(&c->thread, NULL, case_main, c) == 0;
	if (!c->running)
		base_log_error("could not start the case thread");
}

void
gate_cases_stop(struct gate_cases **cp)
{
	struct gate_cases *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	if (c->running)
		(void)pthread_join(c->thread, NULL);
	while (c->first) {
		struct gate_case_ask *a = c->first;
		c->first = a->next;
		gate_case_ask_free(&a); /* no loop runs any more that it could be given back to */
	}
	gate_case_settle_done(c);
	gate_case_table_done(&c->table);
	gate_case_cache_done(&c->cache);
	gate_case_pending_done(&c->pending);
	gate_world_unref(&c->world);
	(void)pthread_cond_destroy(&c->wake);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- for all threads ---- */

void
gate_cases_count(struct gate_cases *c, struct proc_count *counts, unsigned row)
{
	(void)pthread_mutex_lock(&c->lock);
	c->counts = counts;
	c->row = row;
	(void)pthread_mutex_unlock(&c->lock);
}

void
gate_case_count(struct gate_cases *c, uint64_t hits, uint64_t misses, uint64_t queries, uint64_t failed)
{
	c->numbers.hits += hits;
	c->numbers.misses += misses;
	c->numbers.queries += queries;
	c->numbers.failed += failed;
	if (!c->counts)
		return;
	proc_count_add(c->counts, c->row, PROC_COUNT_case_hits_total, (int64_t)hits);
	proc_count_add(c->counts, c->row, PROC_COUNT_case_misses_total, (int64_t)misses);
	proc_count_add(c->counts, c->row, PROC_COUNT_case_queries_total, (int64_t)queries);
	proc_count_add(c->counts, c->row, PROC_COUNT_cases_failed_total, (int64_t)failed);
}

bool
gate_cases_ask(struct gate_cases *c, struct gate_case_ask *ask)
{
	uint64_t now = base_time_mono_us();
	size_t hits = 0;

	ask->failed = false;
	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < ask->nkeys; i++) {
		const struct gate_case_tickets *t = gate_case_cache_get(&c->cache, ask->key[i], now, c->ttl_us);
		ask->class_r[i] = t ? weigh(ask, t) : POLICY_CLASS_NONE;
		hits += t != NULL;
	}
	bool all = hits == ask->nkeys;
	gate_case_count(c, hits, ask->nkeys - hits, 0, 0);
	if (!all) {
		ask->next = NULL;
		*c->last = ask;
		c->last = &ask->next;
		(void)pthread_cond_signal(&c->wake);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return all;
}

void
gate_cases_pending(struct gate_cases *c, struct base_span session, uint64_t seq, uint64_t at_us, struct base_span actor, struct base_span employer, struct base_span team,
                   struct base_span declared, uint64_t mark, uint32_t epoch)
{
	struct gate_case_look look = {.mark = mark, .seq = seq, .at_us = at_us, .epoch = epoch, .session = session, .actor = actor, .employer = employer, .team = team,
	                              .declared = declared};

	(void)pthread_mutex_lock(&c->lock);
	bool ok = c->settle_us == 0 || gate_case_pending_add(&c->pending, &look), first = false;
	if (c->pending.count > GATE_CASE_PENDING_MOST) {
		struct gate_case_look *gone = c->pending.oldest; /* at a start the case thread is not there yet, and most of these are settled further on in the ledger */
		gate_case_pending_take(&c->pending, gone);
		free(gone);
		first = !c->full;
		c->full = true;
	}
	if (c->pending.count == 1 || c->pending.count > GATE_PENDING_LOOKS)
		(void)pthread_cond_signal(&c->wake); /* it waits for the next search from now on */
	(void)pthread_mutex_unlock(&c->lock);
	if (first)
		base_log_info("more than %u look-ups wait for their tickets: the oldest stay as they were recorded", GATE_CASE_PENDING_MOST);
	if (!ok)
		base_log_error("no memory to remember a look-up that may be settled later: it stays as it was recorded");
}

void
gate_cases_was_settled(struct gate_cases *c, struct base_span session, uint64_t seq, uint64_t mark)
{
	(void)pthread_mutex_lock(&c->lock);
	struct gate_case_look *l = gate_case_pending_named(&c->pending, session, seq, mark);
	if (l)
		gate_case_pending_take(&c->pending, l);
	(void)pthread_mutex_unlock(&c->lock);
	free(l);
}

void
gate_cases_numbers(struct gate_cases *c, struct gate_cases_numbers *n_r)
{
	(void)pthread_mutex_lock(&c->lock);
	*n_r = c->numbers;
	n_r->cached = base_map_count(c->cache.map);
	n_r->pending = c->pending.count;
	(void)pthread_mutex_unlock(&c->lock);
}
