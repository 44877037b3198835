/* gate_budget_int: the inside of the budgets' store, shared by gate_budget_store.c (nodes, table, windows) and gate_budget.c (accounts, and what gate_budget.h says).
 * Everything here is called with the mutex held.
 *
 *   account   list of its nodes in order of when they were last seen, oldest first; a few windows, each with the first node of the list that is inside and how
 *             many nodes count. Time moves `first` towards the end of the list; each node is passed once for each window each time it is seen: O(1) amortised.
 *   node      one mark of one account; found through one hash table for all accounts. Linear hashing: the table grows by one bucket with each node, so that
 *             no take ever pays for a rehash. Nodes and buckets live in chunks that never move and are never freed before the budget is.
 *
 * A node that is pending and was never seen, or was seen too long ago, is in no list: it counts because it is pending.
 *
 * Invariants (gate_budget_sane runs them):
 *   1 a node is in its account's list exactly when seen != NEVER, and the list ascends by seen
 *   2 a node that is not in the list is pending
 *   3 after budget_advance: a window's `first` is the first node of the list with now < seen + length, 0 when there is none
 *   4 after budget_advance: a window's `count` is the number of the account's nodes that are in the window or pending
 *   5 no window is longer than its account's keep
 *   6 account.nodes and account.npending are what a walk finds; the sum of nodes is budget.used
 *
 * The clock of all of it is budget.now. An account is advanced to it before anything of the account is looked at or changed.
 */
#ifndef GATE_BUDGET_INT_H
#define GATE_BUDGET_INT_H

#include <pthread.h>

#include "gate_budget.h"

#define NEVER INT64_MIN
#define NODE_CHUNK 4096u
#define BUCKET_CHUNK 16384u
struct node {
	uint64_t mark;
	int64_t seen;       /* monotonic, or NEVER */
	uint32_t account;   /* id */
	uint32_t pending;   /* takes that are neither settled nor released */
	uint32_t prev, next; /* of the account's list, 0: end */
	uint32_t chain;     /* of the bucket, or of the free nodes */
	uint32_t spare;
};
_Static_assert(sizeof(struct node) + sizeof(uint32_t) <= GATE_BUDGET_NODE, "a node and its bucket");

struct window {
	uint64_t length;
	uint64_t used; /* tick of its last use: the least recently used one is replaced */
	uint32_t first, count;
};

struct gate_account {
	uint32_t id, refs;
	uint32_t head, tail;
	uint32_t hint; /* a node near which the next seed may belong, or 0 */
	uint32_t nodes, npending;
	uint32_t nwindows;
	uint64_t keep;
	struct window window[GATE_BUDGET_WINDOWS];
	struct gate_account *before, *after; /* ring of all accounts */
	size_t bytes;
	size_t nkey;
	uint8_t key[]; /* name in the map */
};

struct gate_budget {
	pthread_mutex_t mutex;
	size_t max, bytes; /* bytes: of accounts; nodes are `used` */
	int64_t now;       /* the latest time that any caller told */
	uint64_t tick;
	struct base_map *names; /* borrows struct gate_account */
	struct gate_account *ring; /* the one that is swept next, NULL: there are none */
	uint32_t *ids;             /* own: given back by accounts that went */
	uint32_t nids, ids_cap, next_id;
	struct node **chunk; /* own */
	uint32_t used, fresh, free_node, node_max; /* fresh: the first node never used */
	uint32_t **bucket;   /* own */
	uint32_t nbuckets;
};

static inline struct node *
budget_node(const struct gate_budget *b, uint32_t i)
{
	return &b->chunk[i / NODE_CHUNK][i % NODE_CHUNK];
}

static inline bool
budget_inside(const struct gate_budget *b, const struct node *n, uint64_t length)
{
	return n->seen != NEVER && b->now < n->seen + (int64_t)length;
}

static inline bool
budget_counts(const struct gate_budget *b, const struct node *n, uint64_t length)
{
	return n->pending > 0 || budget_inside(b, n, length);
}

static inline size_t
budget_bytes(const struct gate_budget *b)
{
	return b->bytes + (size_t)b->used * GATE_BUDGET_NODE;
}

/* A mark's bucket as the table stands. */
uint32_t *budget_bucket(const struct gate_budget *b, uint64_t mark, uint32_t account);
uint32_t budget_find(const struct gate_budget *b, const struct gate_account *a, uint64_t mark); /* 0: none */
BASE_CHECK bool budget_reserve(struct gate_budget *b, uint32_t n); /* room for n nodes more: they can then be had without fail */
uint32_t budget_add(struct gate_budget *b, struct gate_account *a, uint64_t mark); /* after reserve; never seen, not pending: the caller makes it one of both at once */
void budget_remove(struct gate_budget *b, struct gate_account *a, uint32_t i);
void budget_link(struct gate_budget *b, struct gate_account *a, uint32_t i, int64_t seen, uint32_t prev); /* behind prev; 0: as the first */
void budget_unlink(struct gate_budget *b, struct gate_account *a, uint32_t i);
/* Around each change of a node: what it adds to the account's windows. */
void budget_uncount(struct gate_budget *b, struct gate_account *a, uint32_t i);
void budget_count(struct gate_budget *b, struct gate_account *a, uint32_t i);
void budget_advance(struct gate_budget *b, struct gate_account *a);
uint32_t budget_expire(struct gate_budget *b, struct gate_account *a, uint32_t most); /* frees so many that no window can count any more; how many it were */
struct window *budget_window(struct gate_budget *b, struct gate_account *a, uint64_t length); /* lives until the next call */
void budget_recount(struct gate_budget *b, struct gate_account *a, struct window *w);

#endif
