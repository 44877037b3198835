/* base_map: hash map from byte strings to pointers. Keys are copied; hashing is SipHash with a key drawn at process start,
 * so peers cannot choose collisions. Optionally bounded with least-recently-used order.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base_span.h"

struct base_map;

/* free_value may be NULL; it is called for values replaced (unless by the same pointer), removed, evicted,
 * cleared or left at base_map_free; never for NULL values, which are allowed but look like absence to base_map_get.
 * max_entries 0 = unbounded; otherwise putting one more evicts the least recently used (get and put count as use). */
struct base_map *base_map_new(size_t max_entries, void (*free_value)(void *value));
void base_map_free(struct base_map **m);
void *base_map_get(struct base_map *m, struct base_span key); /* NULL when absent */
BASE_CHECK int base_map_put(struct base_map *m, struct base_span key, void *value); /* replaces; GH_E_NOMEM leaves value to the caller */
bool base_map_remove(struct base_map *m, struct base_span key);
void *base_map_steal(struct base_map *m, struct base_span key); /* removes without free_value */
void base_map_clear(struct base_map *m);
size_t base_map_count(const struct base_map *m);
/* Calls fn for each pair until it returns false, least recently used first (an unbounded map: in the order of first puts).
 * fn must not change or use the map. */
void base_map_each(struct base_map *m, bool (*fn)(struct base_span key, void *value, void *ctx), void *ctx);

#endif
