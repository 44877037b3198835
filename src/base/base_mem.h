/* base_mem: allocation. Small fixed-size control allocations may abort (base_mem_new); anything sized by a peer uses the
 * try_ form and a limit. All memory is zeroed.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base_span.h"

void *base_mem_new(size_t count, size_t size); /* aborts when refused */
BASE_CHECK void *base_mem_try(size_t count, size_t size); /* NULL when refused or count*size overflows */
BASE_CHECK void *base_mem_grow(void *p, size_t count, size_t size); /* realloc, checked; the added part is NOT zeroed */
char *base_mem_str(struct base_span s); /* NUL-terminated copy; aborts when refused; contains no check for inner NULs */

/* Arena: everything freed at once; a budget in bytes. base_arena_get returns NULL past the budget. Aligned to 16. */
struct base_arena;
struct base_arena *base_arena_new(size_t budget);
void base_arena_free(struct base_arena **a);
BASE_CHECK void *base_arena_get(struct base_arena *a, size_t n);
BASE_CHECK char *base_arena_str(struct base_arena *a, struct base_span s);

#endif
