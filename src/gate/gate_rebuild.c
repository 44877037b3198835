#include "gate_rebuild.h"
#include "base_mem.h"
#include <stdlib.h>
struct gate_rebuild { int x; };
struct gate_rebuild *gate_rebuild_new(struct gate_budget *b, const struct policy_map *map, uint64_t now_wall_us, uint64_t now_mono_us) { (void)b; (void)map; (void)now_wall_us; (void)now_mono_us; return base_mem_new(1, sizeof(struct gate_rebuild)); }
void gate_rebuild_entry(struct gate_rebuild *r, const struct event_entry *e) { (void)r; (void)e; }
void gate_rebuild_free(struct gate_rebuild **r) { free(*r); *r = NULL; }
uint64_t gate_rebuild_reach(const struct policy_map *map) { (void)map; return 0; }
