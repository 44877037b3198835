/* gate_case_cache: tickets of subjects that were asked about in the last seconds. Input: what was fetched. Bounded by subjects (GATE_CASES_MAX, least recently used
 * first) and by bytes. Never answers with what is older than it may be; the caller guards it. No I/O.
 */
#include "gate_case_int.h"

#include <stdlib.h>

#include "base_mem.h"

void
gate_case_cache_init(struct gate_case_cache *c)
{
	c->map = base_map_new(GATE_CASES_MAX, gate_case_tickets_free);
	c->bytes = 0;
}

void
gate_case_cache_done(struct gate_case_cache *c)
{
	base_map_free(&c->map);
}

void
gate_case_cache_put(struct gate_case_cache *c, const char *key, struct gate_case_tickets *t)
{
	if (t->bytes > GATE_CASE_BYTES - (c->bytes < GATE_CASE_BYTES ? c->bytes : GATE_CASE_BYTES))
		base_map_clear(c->map); /* tickets of everybody have dozens of rows with long names: start anew */
	t->total = &c->bytes;
	c->bytes += t->bytes;
	if (base_map_put(c->map, base_span_str(key), t) < 0)
		gate_case_tickets_free(t); /* no memory: then it is asked again */
}

const struct gate_case_tickets *
gate_case_cache_get(struct gate_case_cache *c, const char *key, uint64_t now_us, uint64_t ttl_us)
{
	const struct gate_case_tickets *t = base_map_get(c->map, base_span_str(key));

	return t && (now_us <= t->at_us ? ttl_us > 0 : now_us - t->at_us < ttl_us) ? t : NULL;
}

struct sweep { struct base_span *key; size_t n; uint64_t now_us, ttl_us; };

static bool
sweep_each(struct base_span key, void *value, void *ctx)
{
	struct sweep *s = ctx;
	const struct gate_case_tickets *t = value;

	if (s->now_us > t->at_us && s->now_us - t->at_us >= s->ttl_us)
		s->key[s->n++] = key;
	return true;
}

void
gate_case_cache_sweep(struct gate_case_cache *c, uint64_t now_us, uint64_t ttl_us)
{
	struct sweep s = {.now_us = now_us, .ttl_us = ttl_us};

	s.key = base_mem_try(base_map_count(c->map) + 1, sizeof(*s.key));
	if (!s.key) {
		base_map_clear(c->map); /* what may be kept is less important than what must be forgotten */
		return;
	}
	base_map_each(c->map, sweep_each, &s);
	for (size_t i = 0; i < s.n; i++)
		(void)base_map_remove(c->map, s.key[i]); /* it is there */
	free(s.key);
}

void
gate_case_cache_clear(struct gate_case_cache *c)
{
	base_map_clear(c->map);
}
