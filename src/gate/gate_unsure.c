/* gate_unsure: see gate_unsure.h. Input: what the session says of its own entries; entries that the keeper recalls, decoded strictly. Never gives back what may be on
 * record: a place too few for a moment rather than a person too many.
 */
#include "gate_unsure.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base_buf.h"
#include "base_map.h"
#include "base_mem.h"
#include "base_time.h"
#include "gate_recall.h"

#define MARGIN_US 60000000u /* clocks are set */

struct batch {
	struct batch *next;
	uint64_t made_us, seq, part;
	struct gate_unsure_taken *item; size_t n; /* own */
	bool recorded;
	size_t nsession;
	uint8_t session[]; /* id */
};
struct gate_unsure {
	struct gate_budget *budget; /* borrow */
	pthread_mutex_t lock;
	struct batch *first; /* own */
};
struct gate_unsure_search {
	struct gate_unsure *of;   /* borrow */
	struct batch *first;      /* own */
	struct base_map *entries; /* key of the entry -> batch, borrowed */
	uint64_t since_us;
};

struct gate_unsure *
gate_unsure_new(struct gate_budget *b)
{
	struct gate_unsure *u = base_mem_new(1, sizeof(*u));

	(void)pthread_mutex_init(&u->lock, NULL); /* cannot fail with default attributes */
	u->budget = b;
	return u;
}

static void
free_batches(struct batch *b)
{
	for (struct batch *next; b; b = next) {
		next = b->next;
		free(b->item);
		free(b);
	}
}

void
gate_unsure_free(struct gate_unsure **up)
{
	struct gate_unsure *u = *up;

	*up = NULL;
	if (!u)
		return;
	free_batches(u->first);
	(void)pthread_mutex_destroy(&u->lock);
	free(u);
}

void
gate_unsure_add(struct gate_unsure *u, struct base_span session, uint64_t seq, uint64_t part, uint64_t made_us, struct gate_unsure_taken *item, size_t n)
{
	struct batch *b = base_mem_new(1, sizeof(*b) + session.n);

	*b = (struct batch){.made_us = made_us, .seq = seq, .part = part, .item = item, .n = n, .nsession = session.n};
	memcpy(b->session, session.p, session.n);
	(void)pthread_mutex_lock(&u->lock);
	b->next = u->first;
	u->first = b;
	(void)pthread_mutex_unlock(&u->lock);
}

static void
key_of(struct base_buf *key, struct base_span session, uint64_t seq, uint64_t part)
{
	base_buf_clear(key);
	base_buf_u64(key, seq);
	base_buf_u64(key, part);
	base_buf_put(key, session);
}

struct gate_unsure_search *
gate_unsure_begin(struct gate_unsure *u)
{
	(void)pthread_mutex_lock(&u->lock);
	struct batch *first = u->first;
	u->first = NULL;
	(void)pthread_mutex_unlock(&u->lock);
	if (!first)
		return NULL;
	struct gate_unsure_search *q = base_mem_new(1, sizeof(*q));
	struct base_buf key;
	*q = (struct gate_unsure_search){.of = u, .first = first, .entries = base_map_new(0, NULL), .since_us = UINT64_MAX};
	base_buf_init(&key, 4096);
	for (struct batch *b = first; b; b = b->next) {
		key_of(&key, base_span(b->session, b->nsession), b->seq, b->part);
		assert(!base_map_get(q->entries, base_buf_span(&key))); /* each entry is handed over once */
		if (key.bad || base_map_put(q->entries, base_buf_span(&key), b) < 0)
			abort(); /* a hundred bytes for each session at most, as base_mem_new */
		if (b->made_us < q->since_us)
			q->since_us = b->made_us;
	}
	q->since_us = q->since_us > MARGIN_US ? q->since_us - MARGIN_US : 0;
	base_buf_done(&key);
	return q;
}

uint64_t
gate_unsure_since(const struct gate_unsure_search *q)
{
	return q->since_us;
}

void
gate_unsure_entry(struct gate_unsure_search *q, const struct event_entry *e)
{
	struct base_buf key;

	if (e->kind != EVENT_READ && e->kind != EVENT_WRITE)
		return;
	base_buf_init(&key, e->session.n + 64);
	key_of(&key, e->session, e->seq, e->part);
	struct batch *b = key.bad ? NULL : base_map_get(q->entries, base_buf_span(&key));
	if (b)
		b->recorded = true;
	base_buf_done(&key);
}

void
gate_unsure_end(struct gate_unsure_search **qp, bool all_seen)
{
	struct gate_unsure_search *q = *qp;
	struct gate_unsure *u = q->of;
	uint64_t now = base_time_mono_us();

	*qp = NULL;
	base_map_free(&q->entries);
	if (all_seen) {
		for (struct batch *b = q->first; b; b = b->next)
			for (size_t i = 0; i < b->n; i++)
				(b->recorded ? gate_budget_settle : gate_budget_release)(u->budget, &b->item[i].account, 1, &b->item[i].mark, 1, now);
		free_batches(q->first);
	} else {
		struct batch *last = q->first;
		while (last->next)
			last = last->next;
		(void)pthread_mutex_lock(&u->lock);
		last->next = u->first;
		u->first = q->first;
		(void)pthread_mutex_unlock(&u->lock);
	}
	free(q);
}

static void
each(void *ctx, const struct event_entry *e)
{
	gate_unsure_entry(ctx, e);
}

int
gate_unsure_ask(struct gate_unsure *u, const char *keeper_socket, struct base_fail *fail)
{
	struct gate_unsure_search *q = gate_unsure_begin(u);
	uint64_t count = 0;

	if (!q)
		return GH_OK;
	int rc = gate_recall(keeper_socket, gate_unsure_since(q), each, q, &count, fail);
	gate_unsure_end(&q, rc == GH_OK);
	return rc;
}
