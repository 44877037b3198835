/* gate_worker: one thread of the gate: its loop, listeners, sessions, keeper channel, caches. */
#ifndef GATE_WORKER_H
#define GATE_WORKER_H

#include <stdatomic.h>

#include "base_buf.h"
#include "base_loop.h"
#include "proc_count.h"

struct gate_session;
struct gate_settled;

/* Shared by all workers of the process. */
struct gate_shared {
	struct proc_count *counts;
	struct gate_control *control;
	struct gate_backoff *backoff;
	struct gate_registry *registry;
	uint8_t mock_secret[32];  /* of mock SCRAM exchanges */
	struct gate_budget *budget;
	struct gate_unsure *unsure;
	struct gate_cases *cases;
	struct gate_steps *steps;
	struct gate_standing *standing;
	/* control thread (and start): what of the ledger was read back, under which policy, and under which before */
	bool recalled, recalled_cases; uint64_t recalled_us; char recalled_of[24];
	struct policy_map *recalled_map, *recalled_was; /* shared; NULL = none */
	uint64_t recalled_at_us, recalled_till_us; unsigned recalls_due; /* wall: when that began and ended; how often it is to be read again from there on */
	atomic_uint sessions;     /* logged in */
	atomic_uint strangers;    /* not logged in yet */
	atomic_bool stopping;
};

struct gate_worker {
	unsigned number;           /* row of counters */
	struct gate_shared *shared;
	struct base_loop *loop;
	struct gate_world *world;  /* shared: the newest */
	struct gate_keeper *keeper;
	struct gate_texts *texts;
	struct gate_whos *whos;
	struct base_loop_io *listener; /* own */
	size_t nlisteners;
	struct gate_session *sessions; /* list of all */
	size_t nsessions;
	char masked_words[64][192]; /* room for one entry's list of masked columns (EVENT_LIST_MAX) */
	bool announced;            /* worker 0: start and policy entries are written */
	bool reap;                 /* some session died this turn */
	struct base_buf entry;     /* scratch for encoding */
	bool stopping;
	struct base_loop_timer stop_timer, accept_timer, sweep_timer;
};

struct gate_worker *gate_worker_new(unsigned number, struct gate_shared *shared, struct gate_world *world, const int *listeners, size_t nlisteners);
void gate_worker_run(struct gate_worker *w);  /* on its thread, until stopped */
void gate_worker_free(struct gate_worker **w);
void gate_worker_adopt(struct gate_worker *w, struct gate_world *world); /* thread-safe; takes over the reference */
/* Thread-safe: a look-up of before was settled, or never will be: recorded by this worker. */
void gate_worker_settled(struct gate_worker *w, const struct gate_settled *l);
void gate_worker_stop(struct gate_worker *w);  /* thread-safe: graceful, then within shutdown_timeout */

static inline void
gate_worker_count(struct gate_worker *w, enum proc_count_id id, int64_t n)
{
	proc_count_add(w->shared->counts, w->number, id, n);
}

#endif
