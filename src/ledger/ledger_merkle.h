/* ledger_merkle: the hash tree of RFC 6962 / RFC 9162 section 2.1 and the tile view of it (C2SP tlog-tiles). Pure.
 *
 *   leaf  SHA-256(0x00 || entry)      node  SHA-256(0x01 || left || right)      empty tree  SHA-256("")
 *   A tree of n > 1 leaves splits at k, the largest power of two smaller than n.
 * A complete subtree of height h and index i covers the leaves [i << h, (i + 1) << h).
 * A tile of level l holds up to 256 hashes: hash i of tile n is the complete subtree of height 8l and index n * 256 + i.
 */
#ifndef LEDGER_MERKLE_H
#define LEDGER_MERKLE_H

#include "base_fail.h"
#include "base_span.h"

#define LEDGER_HASH_SIZE 32u
#define LEDGER_TILE_HEIGHT 8u
#define LEDGER_TILE_WIDTH 256u
#define LEDGER_LEVELS 8u      /* 256^8 leaves: any 64-bit size */
#define LEDGER_PROOF_MAX 65u  /* hashes in the longest inclusion or consistency proof */

struct ledger_hash {
	uint8_t b[LEDGER_HASH_SIZE];
};

static inline bool
ledger_hash_eq(const struct ledger_hash *a, const struct ledger_hash *b)
{
	return memcmp(a->b, b->b, LEDGER_HASH_SIZE) == 0;
}

void ledger_merkle_leaf(struct base_span entry, struct ledger_hash *hash_r);
void ledger_merkle_node(const struct ledger_hash *left, const struct ledger_hash *right, struct ledger_hash *hash_r);
void ledger_merkle_empty(struct ledger_hash *hash_r);
/* Root of n hashes taken as the bottom row (a tile, or the leaf hashes of a small tree); n = 0 gives the empty tree. */
void ledger_merkle_fold(const struct ledger_hash *row, size_t n, struct ledger_hash *root_r);

/* A growing tree: the peaks, and at each level the hashes of the rightmost tile. The width of that tile is
 * (size >> 8 * level) & 255; a tile that has just become full (width 256) stays readable until the next append.
 * Invariants: (1) bit h of size set <=> peak[h] is the root of a complete subtree of height h;
 *             (2) tile[l][i], i < width, is the complete subtree of height 8l and index (size >> 8l) - width + i. */
struct ledger_tree {
	uint64_t size;
	struct ledger_hash peak[64];
	struct ledger_hash tile[LEDGER_LEVELS][LEDGER_TILE_WIDTH];
};

void ledger_tree_init(struct ledger_tree *t);
static inline unsigned
ledger_tree_width(uint64_t size, unsigned level)
{
	return (unsigned)(size >> (LEDGER_TILE_HEIGHT * level)) & (LEDGER_TILE_WIDTH - 1);
}
/* Number of full tiles at a level = index of the tile that is growing. level < LEDGER_LEVELS. */
static inline uint64_t
ledger_tree_tiles(uint64_t size, unsigned level)
{
	return level + 1 >= LEDGER_LEVELS ? 0 : size >> (LEDGER_TILE_HEIGHT * (level + 1));
}
/* Adds one leaf hash. Returns how many levels, counted from 0, have just filled their tile: tile[l] of those is complete and
 * has the index ledger_tree_tiles(size, l) - 1. */
unsigned ledger_tree_append(struct ledger_tree *t, const struct ledger_hash *leaf);
/* Sets size and takes the peaks from tile[][], which the caller has filled for every level with width > 0. */
void ledger_tree_restore(struct ledger_tree *t, uint64_t size);
void ledger_tree_root(const struct ledger_tree *t, struct ledger_hash *root_r);

/* Where proofs get complete subtrees from. node returns 0 or GH_E_* (then fail is filled). */
struct ledger_merkle_source {
	int (*node)(void *ctx, unsigned height, uint64_t index, struct ledger_hash *hash_r, struct base_fail *fail);
	void *ctx; /* borrow */
};
struct ledger_proof {
	size_t count;
	struct ledger_hash hash[LEDGER_PROOF_MAX];
};
/* RFC 9162 2.1.3.1 and 2.1.4.1. index < size; 0 < old <= size (GH_E_LIMIT otherwise). A root can be had the same way. */
BASE_CHECK int ledger_merkle_inclusion(const struct ledger_merkle_source *src, uint64_t index, uint64_t size,
	struct ledger_proof *proof_r, struct base_fail *fail);
BASE_CHECK int ledger_merkle_consistency(const struct ledger_merkle_source *src, uint64_t old, uint64_t size,
	struct ledger_proof *proof_r, struct base_fail *fail);
BASE_CHECK int ledger_merkle_root(const struct ledger_merkle_source *src, uint64_t size, struct ledger_hash *root_r,
	struct base_fail *fail);
/* RFC 9162 2.1.3.2 and 2.1.4.2: 0, or GH_E_VERIFY (also for a proof of the wrong length). */
BASE_CHECK int ledger_merkle_inclusion_check(const struct ledger_hash *leaf, uint64_t index, uint64_t size,
	const struct ledger_hash *root, const struct ledger_proof *proof);
BASE_CHECK int ledger_merkle_consistency_check(uint64_t old, const struct ledger_hash *old_root, uint64_t size,
	const struct ledger_hash *root, const struct ledger_proof *proof);

#endif
