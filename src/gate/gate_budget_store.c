/* gate_budget_store: nodes, their table and the windows of an account; see gate_budget_int.h. Input: marks (keyed hashes, so nobody outside can choose where they
 * fall). Never locks, never walks an account but where a window is asked for that it did not have.
 */
#include "gate_budget_int.h"

#include <stdlib.h>

#include "base_mem.h"

/* ---- nodes and their table ---- */

uint32_t *
budget_bucket(const struct gate_budget *b, uint64_t mark, uint32_t account)
{
	uint32_t h = (uint32_t)(mark ^ mark >> 32) ^ account * 2654435761u;
	uint32_t mask = b->nbuckets > 1 ? UINT32_MAX >> __builtin_clz(b->nbuckets - 1) : 0;
	uint32_t i = h & mask;

	if (i >= b->nbuckets)
		i &= mask >> 1; /* not split yet */
	return &b->bucket[i / BUCKET_CHUNK][i % BUCKET_CHUNK];
}

uint32_t
budget_find(const struct gate_budget *b, const struct gate_account *a, uint64_t mark)
{
	uint32_t i = *budget_bucket(b, mark, a->id);

	while (i != 0 && !(budget_node(b, i)->mark == mark && budget_node(b, i)->account == a->id))
		i = budget_node(b, i)->chain;
	return i;
}

/* One bucket more: half of what an older one has belongs there now. Without memory for it the chains grow instead. */
static void
grow_table(struct gate_budget *b)
{
	uint32_t add = b->nbuckets, from = add - (UINT32_C(1) << (31 - __builtin_clz(add))), i, *old;

	if (b->bucket[add / BUCKET_CHUNK] == NULL && (b->bucket[add / BUCKET_CHUNK] = base_mem_try(BUCKET_CHUNK, sizeof(uint32_t))) == NULL)
		return;
	old = &b->bucket[from / BUCKET_CHUNK][from % BUCKET_CHUNK];
	i = *old;
	*old = 0;
	b->nbuckets++;
	while (i != 0) {
		struct node *n = budget_node(b, i);
		uint32_t next = n->chain, *to = budget_bucket(b, n->mark, n->account);

		n->chain = *to;
		*to = i;
		i = next;
	}
}

bool
budget_reserve(struct gate_budget *b, uint32_t n)
{
	if (budget_bytes(b) > b->max || b->max - budget_bytes(b) < (size_t)n * GATE_BUDGET_NODE || b->node_max - b->used < n)
		return false;
	/* Nodes freed and not used again are fresh - 1 - used; the rest comes from the chunks' ends, at most two of them. */
	for (uint32_t k = 0; k < n; k++) {
		struct node **c = &b->chunk[(b->fresh + k) / NODE_CHUNK];
		if (*c == NULL && (*c = base_mem_try(NODE_CHUNK, sizeof(struct node))) == NULL)
			return false;
	}
	return true;
}

uint32_t
budget_add(struct gate_budget *b, struct gate_account *a, uint64_t mark)
{
	uint32_t i = b->free_node, *to;

	if (i != 0)
		b->free_node = budget_node(b, i)->chain;
	else
		i = b->fresh++;
	b->used++;
	if (b->used > b->nbuckets)
		grow_table(b);
	to = budget_bucket(b, mark, a->id);
	*budget_node(b, i) = (struct node){.mark = mark, .seen = NEVER, .account = a->id, .chain = *to};
	*to = i;
	a->nodes++;
	return i;
}

/* ---- windows ---- */

void
budget_uncount(struct gate_budget *b, struct gate_account *a, uint32_t i)
{
	for (uint32_t k = 0; k < a->nwindows; k++)
		a->window[k].count -= budget_counts(b, budget_node(b, i), a->window[k].length);
}

void
budget_count(struct gate_budget *b, struct gate_account *a, uint32_t i)
{
	for (uint32_t k = 0; k < a->nwindows; k++)
		a->window[k].count += budget_counts(b, budget_node(b, i), a->window[k].length);
}

void
budget_advance(struct gate_budget *b, struct gate_account *a)
{
	for (uint32_t k = 0; k < a->nwindows; k++) {
		struct window *w = &a->window[k];
		while (w->first != 0 && !budget_inside(b, budget_node(b, w->first), w->length)) {
			w->count -= budget_node(b, w->first)->pending == 0;
			w->first = budget_node(b, w->first)->next;
		}
	}
}

void
budget_unlink(struct gate_budget *b, struct gate_account *a, uint32_t i)
{
	struct node *n = budget_node(b, i);

	for (uint32_t k = 0; k < a->nwindows; k++)
		if (a->window[k].first == i)
			a->window[k].first = n->next;
	if (a->hint == i)
		a->hint = n->prev;
	if (n->prev != 0)
		budget_node(b, n->prev)->next = n->next;
	else
		a->head = n->next;
	if (n->next != 0)
		budget_node(b, n->next)->prev = n->prev;
	else
		a->tail = n->prev;
	n->seen = NEVER;
	n->prev = n->next = 0;
}

void
budget_link(struct gate_budget *b, struct gate_account *a, uint32_t i, int64_t seen, uint32_t prev)
{
	struct node *n = budget_node(b, i);

	n->seen = seen;
	n->prev = prev;
	n->next = prev != 0 ? budget_node(b, prev)->next : a->head;
	if (n->prev != 0)
		budget_node(b, n->prev)->next = i;
	else
		a->head = i;
	if (n->next != 0)
		budget_node(b, n->next)->prev = i;
	else
		a->tail = i;
	/* Inside, and nothing inside before it: then what was the first is next to it, because the list ascends. */
	for (uint32_t k = 0; k < a->nwindows; k++)
		if (budget_inside(b, n, a->window[k].length) && a->window[k].first == n->next)
			a->window[k].first = i;
}

void
budget_remove(struct gate_budget *b, struct gate_account *a, uint32_t i)
{
	struct node *n = budget_node(b, i);
	uint32_t *at = budget_bucket(b, n->mark, a->id);

	budget_uncount(b, a, i);
	if (n->seen != NEVER)
		budget_unlink(b, a, i);
	while (*at != i)
		at = &budget_node(b, *at)->chain;
	*at = n->chain;
	n->chain = b->free_node;
	b->free_node = i;
	b->used--;
	a->nodes--;
}

/* After budget_advance no window's first is among them, because no window is longer than keep. */
uint32_t
budget_expire(struct gate_budget *b, struct gate_account *a, uint32_t most)
{
	uint32_t done = 0;

	while (done < most && a->head != 0 && !budget_inside(b, budget_node(b, a->head), a->keep)) {
		uint32_t i = a->head;
		if (budget_node(b, i)->pending > 0)
			budget_unlink(b, a, i); /* counted before and after, because it is pending */
		else
			budget_remove(b, a, i);
		done++;
	}
	return done;
}

/* A window that was not asked for before: the one walk over an account's marks, once. */
void
budget_recount(struct gate_budget *b, struct gate_account *a, struct window *w)
{
	uint32_t pending_inside = 0, n = 0;

	w->first = 0;
	for (uint32_t i = a->tail; i != 0 && budget_inside(b, budget_node(b, i), w->length); i = budget_node(b, i)->prev) {
		w->first = i;
		n++;
		pending_inside += budget_node(b, i)->pending > 0;
	}
	w->count = n + (a->npending - pending_inside);
}

struct window *
budget_window(struct gate_budget *b, struct gate_account *a, uint64_t length)
{
	struct window *w = NULL;

	if (length > GATE_BUDGET_KEEP_MAX)
		length = GATE_BUDGET_KEEP_MAX;
	if (length > a->keep)
		a->keep = length;
	for (uint32_t k = 0; k < a->nwindows; k++) {
		if (a->window[k].length == length) {
			a->window[k].used = ++b->tick;
			return &a->window[k];
		}
		if (w == NULL || a->window[k].used < w->used)
			w = &a->window[k];
	}
	if (a->nwindows < GATE_BUDGET_WINDOWS)
		w = &a->window[a->nwindows++];
	*w = (struct window){.length = length, .used = ++b->tick};
	budget_recount(b, a, w);
	return w;
}
