/* proc_count: counters in one anonymous shared mapping, made by the supervisor before it forks; each thread adds to a row of its own
 * (no contention); the metrics role sums rows. No user names, no personal data.
 */
#ifndef PROC_COUNT_H
#define PROC_COUNT_H

#include "base_buf.h"

enum proc_count_id {
#define PROC_COUNT(kind, name, labels, help) PROC_COUNT_##name,
#include "proc_count.def"
#undef PROC_COUNT
	PROC_COUNT_COUNT
};
struct proc_count; /* the mapping */
struct proc_count *proc_count_new(unsigned rows); /* aborts when refused */
/* Row of one thread: counters are added to with relaxed atomics; gauges by adding +1/-1. */
void proc_count_add(struct proc_count *c, unsigned row, enum proc_count_id id, int64_t n);
void proc_count_set(struct proc_count *c, unsigned row, enum proc_count_id id, int64_t v);
int64_t proc_count_sum(const struct proc_count *c, enum proc_count_id id);
void proc_count_clear_gauges(struct proc_count *c, unsigned first_row, unsigned rows); /* after a role died */
void proc_count_prometheus(const struct proc_count *c, struct base_buf *out); /* with gatehouse_build_info */

#endif
