/* base_mem: allocation and arenas.
 * Input: sizes, of which the try_ forms' may come from a peer (products are checked). Never returns NULL for a size of zero, so
 * that NULL always means refused. Everything handed out is zeroed except the grown part of base_mem_grow.
 */
#include "base_mem.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_num.h"

/* Small control allocations only: going on without them would leave half-built state everywhere. */
static void *
mem_or_abort(void *p)
{
	if (p == NULL) {
		(void)fputs("gatehouse: out of memory\n", stderr); /* we abort next; nothing to do if this fails */
		abort();
	}
	return p;
}

void *
base_mem_try(size_t count, size_t size)
{
	size_t n;

	if (!base_num_mul(count, size, &n))
		return NULL;
	return calloc(1, n == 0 ? 1 : n);
}

void *
base_mem_new(size_t count, size_t size)
{
	return mem_or_abort(base_mem_try(count, size));
}

void *
base_mem_grow(void *p, size_t count, size_t size)
{
	size_t n;

	if (!base_num_mul(count, size, &n))
		return NULL;
	return realloc(p, n == 0 ? 1 : n);
}

char *
base_mem_str(struct base_span s)
{
	size_t n;
	char *copy;

	if (!base_num_add(s.n, 1, &n))
		mem_or_abort(NULL);
	copy = base_mem_new(n, 1);
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return copy;
}

/* An arena is a list of chunks; only the first one is being filled. A request that is large against the chunk size gets a
 * chunk of its own behind the first, so at most a quarter of each shared chunk is wasted. The budget counts what callers
 * asked for, rounded up to 16. Disadvantage: the memory taken from the system may pass the budget by that quarter.
 */
#define ARENA_ALIGN 16
#define ARENA_CHUNK 4096

struct chunk {
	struct chunk *next; /* own */
	size_t used;
	size_t size;
	size_t pad;      /* keeps data at a multiple of 16 */
	uint8_t data[];
};
_Static_assert(offsetof(struct chunk, data) % ARENA_ALIGN == 0, "arena data must be aligned");

struct base_arena {
	struct chunk *first; /* own */
	size_t left;         /* of the budget */
};

struct base_arena *
base_arena_new(size_t budget)
{
	struct base_arena *a = base_mem_new(1, sizeof(*a));

	a->left = budget;
	return a;
}

void
base_arena_free(struct base_arena **a)
{
	struct chunk *c, *next;

	if (*a == NULL)
		return;
	for (c = (*a)->first; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(*a);
	*a = NULL;
}

static struct chunk *
chunk_new(size_t size)
{
	size_t n;
	struct chunk *c;

	if (!base_num_add(sizeof(*c), size, &n))
		return NULL;
	c = base_mem_try(1, n);
	if (c != NULL)
		c->size = size;
	return c;
}

void *
base_arena_get(struct base_arena *a, size_t n)
{
	struct chunk *c = a->first;
	size_t need;
	uint8_t *p;

	if (!base_num_add(n == 0 ? 1 : n, ARENA_ALIGN - 1, &need))
		return NULL;
	need -= need % ARENA_ALIGN;
	if (need > a->left)
		return NULL;
	if (c == NULL || need > c->size - c->used) {
		bool own = need > ARENA_CHUNK / 4;

		c = chunk_new(own ? need : ARENA_CHUNK);
		if (c == NULL)
			return NULL;
		if (own && a->first != NULL) {
			c->next = a->first->next;
			a->first->next = c;
		} else {
			c->next = a->first;
			a->first = c;
		}
	}
	p = c->data + c->used;
	c->used += need;
	a->left -= need;
	return p;
}

char *
base_arena_str(struct base_arena *a, struct base_span s)
{
	size_t n;
	char *copy;

	if (!base_num_add(s.n, 1, &n))
		return NULL;
	copy = base_arena_get(a, n);
	if (copy != NULL && s.n > 0)
		memcpy(copy, s.p, s.n); /* the NUL is there: arena memory is zeroed */
	return copy;
}
