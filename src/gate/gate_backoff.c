/* gate_backoff: see the header. Input: hostile names and addresses, used as map keys only. */
#include "gate_backoff.h"

#include <pthread.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "gate_limit.h"

#define FREE_FAILURES 3u
#define FIRST_US 250000u
#define MOST_US 5000000u
#define FORGET_US 600000000u

struct gate_backoff {
	pthread_mutex_t lock;
	struct base_map *map; /* "a" address or "u" user -> struct memory */
};
struct memory { unsigned failures; uint64_t last_us; };

struct gate_backoff *
gate_backoff_new(void)
{
	struct gate_backoff *b = base_mem_new(1, sizeof(*b));
	(void)pthread_mutex_init(&b->lock, NULL); /* cannot fail with default attributes */
	b->map = base_map_new(GATE_BACKOFF_ENTRIES, free);
	return b;
}

void
gate_backoff_free(struct gate_backoff **bp)
{
	struct gate_backoff *b = *bp;

	*bp = NULL;
	if (!b)
		return;
	base_map_free(&b->map);
	(void)pthread_mutex_destroy(&b->lock); /* nobody else is left */
	free(b);
}

static size_t
key(uint8_t *dst, size_t size, char what, struct base_span s)
{
	size_t n = s.n < size - 1 ? s.n : size - 1;

	dst[0] = (uint8_t)what;
	memcpy(dst + 1, s.p, n);
	return n + 1;
}

static uint64_t
delay(struct gate_backoff *b, char what, struct base_span s, uint64_t now_us)
{
	uint8_t k[200];

	if (s.n == 0)
		return 0;
	struct memory *m = base_map_get(b->map, base_span(k, key(k, sizeof(k), what, s)));
	if (!m || m->failures <= FREE_FAILURES || now_us - m->last_us > FORGET_US)
		return 0;
	unsigned doublings = m->failures - FREE_FAILURES - 1;
	return doublings >= 5 ? MOST_US : (uint64_t)FIRST_US << doublings;
}

uint64_t
gate_backoff_delay(struct gate_backoff *b, struct base_span address, struct base_span user, uint64_t now_us)
{
	(void)pthread_mutex_lock(&b->lock);
	uint64_t a = delay(b, 'a', address, now_us), u = delay(b, 'u', user, now_us);
	(void)pthread_mutex_unlock(&b->lock);
	return a > u ? a : u;
}

static void
failed(struct gate_backoff *b, char what, struct base_span s, uint64_t now_us)
{
	uint8_t k[200];

	if (s.n == 0)
		return;
	struct base_span ks = base_span(k, key(k, sizeof(k), what, s));
	struct memory *m = base_map_get(b->map, ks);
	if (!m) {
		m = base_mem_new(1, sizeof(*m));
		if (base_map_put(b->map, ks, m) < 0) {
			free(m);
			return;
		}
	}
	if (now_us - m->last_us > FORGET_US)
		m->failures = 0;
	if (m->failures < 1000)
		m->failures++;
	m->last_us = now_us;
}

void
gate_backoff_failed(struct gate_backoff *b, struct base_span address, struct base_span user, uint64_t now_us)
{
	(void)pthread_mutex_lock(&b->lock);
	failed(b, 'a', address, now_us);
	failed(b, 'u', user, now_us);
	(void)pthread_mutex_unlock(&b->lock);
}

void
gate_backoff_ok(struct gate_backoff *b, struct base_span address, struct base_span user)
{
	uint8_t k[200];

	(void)pthread_mutex_lock(&b->lock);
	(void)base_map_remove(b->map, base_span(k, key(k, sizeof(k), 'a', address)));
	(void)base_map_remove(b->map, base_span(k, key(k, sizeof(k), 'u', user)));
	(void)pthread_mutex_unlock(&b->lock);
}
