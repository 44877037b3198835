#ifndef GATE_REBUILD_H
#define GATE_REBUILD_H
#include "event_entry.h"
#include "gate_budget.h"
#include "policy_map.h"
struct gate_rebuild;
struct gate_rebuild *gate_rebuild_new(struct gate_budget *b, const struct policy_map *map, uint64_t now_wall_us, uint64_t now_mono_us);
void gate_rebuild_entry(struct gate_rebuild *r, const struct event_entry *e);
void gate_rebuild_free(struct gate_rebuild **r);
uint64_t gate_rebuild_reach(const struct policy_map *map);
#endif
