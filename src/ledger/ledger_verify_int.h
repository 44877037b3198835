/* ledger_verify_int: shared by ledger_verify.c (the sums) and ledger_verify_walk.c (the folder). */
#ifndef LEDGER_VERIFY_INT_H
#define LEDGER_VERIFY_INT_H

#include "ledger_merkle.h"
#include "ledger_verify.h"

#define LEDGER_VERIFY_BUNDLE_MAX (LEDGER_TILE_WIDTH * (2u + LEDGER_ENTRY_MAX))

struct verify {
	int dirfd;                          /* own */
	uint64_t size;
	struct ledger_hash root;            /* signed */
	struct ledger_verify_report *report; /* borrow */
	struct base_fail *fail;             /* borrow, may be NULL */
	struct ledger_tree tree;            /* recomputed */
	struct base_buf bundle, stored, other;
};

/* Width that the growing tile of a level has at the checkpoint, for level or LEDGER_TILE_ENTRIES. */
static inline unsigned
ledger_verify_width(uint64_t size, int level)
{
	return ledger_tree_width(size, level == LEDGER_TILE_ENTRIES ? 0 : (unsigned)level);
}
static inline uint64_t
ledger_verify_tiles(uint64_t size, int level)
{
	return ledger_tree_tiles(size, level == LEDGER_TILE_ENTRIES ? 0 : (unsigned)level);
}
/* Reads a file; a partial one that has been superseded is taken from the full one. name->width says what was read. */
BASE_CHECK int ledger_verify_load(struct verify *v, struct ledger_tile_name *name, struct base_buf *b);
/* Records the finding and returns GH_E_VERIFY. */
BASE_CHECK int ledger_verify_find(struct verify *v, enum ledger_verify_kind kind, const char *file, uint64_t offset, uint64_t first,
	uint64_t last, const char *what);
/* Walks tile/ after all sums were right. */
BASE_CHECK int ledger_verify_walk(struct verify *v);

#endif
