/* proc_count: counters that the processes share.
 *
 * Job: one anonymous shared mapping, inherited over fork; a row for each thread that counts, on cache lines of its own, so that
 * counting is one uncontended atomic addition. Readers add up the rows.
 * Input trust: the roles share the mapping, so a role gone wrong can spoil the figures: nothing but the metrics page reads them.
 * Never: holds names or values of people; blocks.
 */
#include "proc_count.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base_num.h"

#define CACHE_LINE 128 /* two lines of 64: the neighbour line is prefetched in pairs */

struct row {
	_Alignas(CACHE_LINE) _Atomic int64_t value[PROC_COUNT_COUNT];
};

struct proc_count {
	_Alignas(CACHE_LINE) unsigned nrows; /* written before the first fork only */
	struct row rows[];
};

enum kind { KIND_counter, KIND_gauge };

static const struct {
	const char *name, *labels, *help;
	enum kind kind;
} counts[] = {
#define PROC_COUNT(kind, name, labels, help) {#name, labels, help, KIND_##kind},
#include "proc_count.def"
#undef PROC_COUNT
};

struct proc_count *
proc_count_new(unsigned rows)
{
	struct proc_count *c;
	size_t size;

	if (!base_num_mul(rows, sizeof(struct row), &size) || !base_num_add(size, sizeof(*c), &size))
		abort();
	c = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		abort(); /* a few kilobytes at start */
	c->nrows = rows;
	return c;
}

void
proc_count_add(struct proc_count *c, unsigned row, enum proc_count_id id, int64_t n)
{
	assert(row < c->nrows && id < PROC_COUNT_COUNT);
	atomic_fetch_add_explicit(&c->rows[row].value[id], n, memory_order_relaxed);
}

void
proc_count_set(struct proc_count *c, unsigned row, enum proc_count_id id, int64_t v)
{
	assert(row < c->nrows && id < PROC_COUNT_COUNT);
	atomic_store_explicit(&c->rows[row].value[id], v, memory_order_relaxed);
}

int64_t
proc_count_sum(const struct proc_count *c, enum proc_count_id id)
{
	uint64_t sum = 0; /* unsigned: a wrap is no undefined behaviour */

	for (unsigned r = 0; r < c->nrows; r++)
		sum += (uint64_t)atomic_load_explicit(&c->rows[r].value[id], memory_order_relaxed);
	return (int64_t)sum;
}

void
proc_count_clear_gauges(struct proc_count *c, unsigned first_row, unsigned rows)
{
	assert(first_row <= c->nrows && rows <= c->nrows - first_row);
	for (unsigned id = 0; id < PROC_COUNT_COUNT; id++)
		for (unsigned r = first_row; counts[id].kind == KIND_gauge && r < first_row + rows; r++)
			proc_count_set(c, r, (enum proc_count_id)id, 0);
}

/* Prometheus text exposition format 0.0.4: HELP and TYPE once for each name, then the sample. */
void
proc_count_prometheus(const struct proc_count *c, struct base_buf *out)
{
	base_buf_str(out, "# HELP gatehouse_build_info version of gatehouse\n# TYPE gatehouse_build_info gauge\n"
			  "gatehouse_build_info{version=\"" GH_VERSION "\"} 1\n");
	for (unsigned id = 0; id < PROC_COUNT_COUNT; id++) {
		const char *name = counts[id].name, *labels = counts[id].labels;

		base_buf_fmt(out, "# HELP gatehouse_%s %s\n# TYPE gatehouse_%s %s\n", name, counts[id].help, name,
		    counts[id].kind == KIND_gauge ? "gauge" : "counter");
		base_buf_fmt(out, "gatehouse_%s%s%s%s %" PRId64 "\n", name, *labels != '\0' ? "{" : "", labels, *labels != '\0' ? "}" : "",
		    proc_count_sum(c, (enum proc_count_id)id));
	}
}
