/* gate_standing: the set of suspended actors and employers, by the words of their entries ("actor wang", "employer Acme"). Input: entries of the ledger. */
#include "gate_standing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"

struct gate_standing {
	pthread_mutex_t lock;
	struct base_map *why; /* target -> words (own) */
	atomic_size_t count;
};

struct gate_standing *
gate_standing_new(void)
{
	struct gate_standing *s = base_mem_new(1, sizeof(*s));

	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes */
	s->why = base_map_new(0, free);
	return s;
}

void
gate_standing_free(struct gate_standing **sp)
{
	struct gate_standing *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	base_map_free(&s->why);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
gate_standing_entry(struct gate_standing *s, const struct event_entry *e)
{
	bool added = false;

	if ((e->kind != EVENT_SUSPEND && e->kind != EVENT_RESUME) || e->target.n == 0)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	if (e->kind == EVENT_RESUME) {
		(void)base_map_remove(s->why, e->target);
	} else {
		char *words = base_mem_str(e->why);
		added = base_map_get(s->why, e->target) == NULL;
		if (base_map_put(s->why, e->target, words) < 0)
			abort(); /* to forget a suspension would let somebody in */
	}
	atomic_store(&s->count, base_map_count(s->why));
	(void)pthread_mutex_unlock(&s->lock);
	return added;
}

bool
gate_standing_suspended(struct gate_standing *s, struct base_span actor, struct base_span employer, char *why_r, size_t size)
{
	const struct { const char *word; struct base_span name; } asked[] = {{"actor", actor}, {"employer", employer}};
	const char *why = NULL;
	char target[320];

	if (atomic_load(&s->count) == 0)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < BASE_COUNT(asked) && !why; i++) {
		int n = snprintf(target, sizeof(target), "%s %.*s", asked[i].word, (int)asked[i].name.n, (const char *)asked[i].name.p);
		if (asked[i].name.n > 0 && n > 0 && (size_t)n < sizeof(target))
			why = base_map_get(s->why, base_span(target, (size_t)n));
	}
	if (why && why_r)
		(void)snprintf(why_r, size, "%s", why);
	(void)pthread_mutex_unlock(&s->lock);
	return why != NULL;
}

size_t
gate_standing_count(struct gate_standing *s)
{
	return atomic_load(&s->count);
}
