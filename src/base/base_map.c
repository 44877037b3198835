/* base_map: hash map from byte strings to pointers, optionally bounded with least-recently-used eviction.
 * Input: keys may come from a peer; SipHash with a key of this process keeps them from choosing collisions. Chained buckets
 * (a power of two, about one entry each) plus one doubly linked list of all entries, least recently used first, so get, put,
 * remove and evict are O(1). Never shrinks its bucket table. Not thread-safe: one owner.
 * free_value is called only after the entry is out of the map, and never for a NULL value.
 */
#include "base_map.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_mem.h"
#include "base_num.h"

#define MAP_BUCKETS 16 /* at first */

struct entry {
	struct entry *chain;         /* own: next in the bucket */
	struct entry *older, *newer; /* borrow: order of use */
	void *value;                 /* owned by the map when free_value is set, else borrowed */
	uint64_t hash;
	size_t n;
	uint8_t key[];
};

struct base_map {
	struct entry **buckets; /* own */
	size_t mask;            /* number of buckets - 1 */
	size_t count;
	size_t max; /* 0 = unbounded */
	struct entry *oldest, *newest;
	void (*free_value)(void *value);
};

static pthread_once_t map_once = PTHREAD_ONCE_INIT;
static uint8_t map_key[BASE_SIP_KEY_SIZE];

static void
map_draw_key(void)
{
	base_crypt_init();
	base_crypt_random(map_key, sizeof(map_key));
}

struct base_map *
base_map_new(size_t max_entries, void (*free_value)(void *value))
{
	struct base_map *m = base_mem_new(1, sizeof(*m));

	if (pthread_once(&map_once, map_draw_key) != 0)
		abort(); /* only possible with a broken once-control */
	m->buckets = base_mem_new(MAP_BUCKETS, sizeof(m->buckets[0]));
	m->mask = MAP_BUCKETS - 1;
	m->max = max_entries;
	m->free_value = free_value;
	return m;
}

void
base_map_free(struct base_map **m)
{
	if (*m == NULL)
		return;
	base_map_clear(*m);
	free((*m)->buckets);
	free(*m);
	*m = NULL;
}

static void
map_value_free(const struct base_map *m, void *value)
{
	if (m->free_value != NULL && value != NULL)
		m->free_value(value);
}

static void
order_remove(struct base_map *m, struct entry *e)
{
	*(e->older != NULL ? &e->older->newer : &m->oldest) = e->newer;
	*(e->newer != NULL ? &e->newer->older : &m->newest) = e->older;
	e->older = e->newer = NULL;
}

static void
order_append(struct base_map *m, struct entry *e)
{
	e->older = m->newest;
	e->newer = NULL;
	*(m->newest != NULL ? &m->newest->newer : &m->oldest) = e;
	m->newest = e;
}

/* Counts as use; an unbounded map keeps the order of first puts. */
static void
order_touch(struct base_map *m, struct entry *e)
{
	if (m->max == 0 || m->newest == e)
		return;
	order_remove(m, e);
	order_append(m, e);
}

/* The link that points to the entry with this key, or the NULL link at the end of its bucket. */
static struct entry **
map_find(struct base_map *m, struct base_span key, uint64_t hash)
{
	struct entry **link = &m->buckets[hash & m->mask];

	while (*link != NULL && ((*link)->hash != hash || !base_span_eq(base_span((*link)->key, (*link)->n), key)))
		link = &(*link)->chain;
	return link;
}

/* Takes the entry out and frees it; the value is the caller's now. */
static void *
map_unlink(struct base_map *m, struct entry **link)
{
	struct entry *e = *link;
	void *value = e->value;

	*link = e->chain;
	order_remove(m, e);
	m->count--;
	free(e);
	return value;
}

void *
base_map_get(struct base_map *m, struct base_span key)
{
	struct entry *e = *map_find(m, key, base_crypt_sip24(map_key, key));

	if (e == NULL)
		return NULL;
	order_touch(m, e);
	return e->value;
}

/* Doubles the table. Being refused memory only makes chains longer, so it is not an error. */
static void
map_grow(struct base_map *m)
{
	size_t count = (m->mask + 1) * 2;
	struct entry **buckets = base_mem_try(count, sizeof(buckets[0]));

	if (buckets == NULL)
		return;
	for (struct entry *e = m->oldest; e != NULL; e = e->newer) {
		struct entry **head = &buckets[e->hash & (count - 1)];

		e->chain = *head;
		*head = e;
	}
	free(m->buckets);
	m->buckets = buckets;
	m->mask = count - 1;
}

static void
map_evict(struct base_map *m)
{
	struct entry *e = m->oldest;
	struct entry **link = &m->buckets[e->hash & m->mask];

	while (*link != e)
		link = &(*link)->chain;
	map_value_free(m, map_unlink(m, link));
}

int
base_map_put(struct base_map *m, struct base_span key, void *value)
{
	uint64_t hash = base_crypt_sip24(map_key, key);
	struct entry **link = map_find(m, key, hash);
	struct entry *e = *link;
	size_t n;

	if (e != NULL) {
		void *old = e->value;

		e->value = value;
		order_touch(m, e);
		if (old != value) /* putting the same pointer again must not free it */
			map_value_free(m, old);
		return GH_OK;
	}
	if (!base_num_add(sizeof(*e), key.n, &n) || (e = base_mem_try(1, n)) == NULL)
		return GH_E_NOMEM;
	e->value = value;
	e->hash = hash;
	e->n = key.n;
	if (key.n > 0)
		memcpy(e->key, key.p, key.n);
	*link = e;
	order_append(m, e);
	m->count++;
	if (m->max != 0 && m->count > m->max)
		map_evict(m);
	else if (m->count > m->mask)
		map_grow(m);
	return GH_OK;
}

bool
base_map_remove(struct base_map *m, struct base_span key)
{
	struct entry **link = map_find(m, key, base_crypt_sip24(map_key, key));

	if (*link == NULL)
		return false;
	map_value_free(m, map_unlink(m, link));
	return true;
}

void *
base_map_steal(struct base_map *m, struct base_span key)
{
	struct entry **link = map_find(m, key, base_crypt_sip24(map_key, key));

	return *link == NULL ? NULL : map_unlink(m, link);
}

void
base_map_clear(struct base_map *m)
{
	while (m->oldest != NULL)
		map_evict(m);
}

size_t
base_map_count(const struct base_map *m)
{
	return m->count;
}

void
base_map_each(struct base_map *m, bool (*fn)(struct base_span key, void *value, void *ctx), void *ctx)
{
	for (struct entry *e = m->oldest; e != NULL; e = e->newer)
		if (!fn(base_span(e->key, e->n), e->value, ctx))
			return;
}
