/* ledger_merkle: hashing, the growing tree, proofs.
 * Input: hashes and entries of our own log when writing; bytes of a suspected log when verifying. No input can make it fail other
 * than by "does not hold". Does no I/O, allocates nothing. Written from RFC 9162 section 2.1.
 */
#include "ledger_merkle.h"

#include <assert.h>

#include "base_crypt.h"

void
ledger_merkle_leaf(struct base_span entry, struct ledger_hash *hash_r)
{
	static const uint8_t zero = 0;
	const struct base_span parts[2] = {base_span(&zero, 1), entry};

	base_crypt_sha256v(parts, 2, hash_r->b);
}

void
ledger_merkle_node(const struct ledger_hash *left, const struct ledger_hash *right, struct ledger_hash *hash_r)
{
	uint8_t buf[1 + 2 * LEDGER_HASH_SIZE];

	buf[0] = 1;
	memcpy(buf + 1, left->b, LEDGER_HASH_SIZE);
	memcpy(buf + 1 + LEDGER_HASH_SIZE, right->b, LEDGER_HASH_SIZE);
	base_crypt_sha256(base_span(buf, sizeof buf), hash_r->b);
}

void
ledger_merkle_empty(struct ledger_hash *hash_r)
{
	base_crypt_sha256(base_span("", 0), hash_r->b);
}

/* Combines the peaks of a size from the lowest to the highest: each higher peak is the left sibling of all below it. */
static void
combine(const struct ledger_hash peak[64], uint64_t size, struct ledger_hash *root_r)
{
	struct ledger_hash acc;
	bool have = false;

	for (unsigned h = 0; h < 64; h++) {
		if (!(size >> h & 1))
			continue;
		if (have)
			ledger_merkle_node(&peak[h], &acc, &acc);
		else
			acc = peak[h];
		have = true;
	}
	if (!have)
		ledger_merkle_empty(&acc);
	*root_r = acc;
}

/* Adds a hash as the next leaf of the peaks; returns the height of the subtree that it completed. The complete subtrees whose
 * height is a multiple of 8 (they go into the tile of the next level) are left in up[height / 8 - 1]. */
static unsigned
carry(struct ledger_hash peak[64], uint64_t size, const struct ledger_hash *leaf, struct ledger_hash up[LEDGER_LEVELS])
{
	struct ledger_hash acc = *leaf;
	unsigned h = 0;

	while (size >> h & 1) {
		ledger_merkle_node(&peak[h], &acc, &acc);
		h++;
		if (up != NULL && h % LEDGER_TILE_HEIGHT == 0)
			up[h / LEDGER_TILE_HEIGHT - 1] = acc;
	}
	peak[h] = acc;
	return h;
}

void
ledger_merkle_fold(const struct ledger_hash *row, size_t n, struct ledger_hash *root_r)
{
	struct ledger_hash peak[64];

	for (size_t i = 0; i < n; i++)
		(void)carry(peak, i, &row[i], NULL); /* only the peaks matter */
	combine(peak, n, root_r);
}

void
ledger_tree_init(struct ledger_tree *t)
{
	memset(t, 0, sizeof *t);
}

unsigned
ledger_tree_append(struct ledger_tree *t, const struct ledger_hash *leaf)
{
	struct ledger_hash up[LEDGER_LEVELS];
	unsigned full, height;

	assert(t->size < UINT64_MAX);
	t->tile[0][ledger_tree_width(t->size, 0)] = *leaf;
	height = carry(t->peak, t->size, leaf, up);
	full = height / LEDGER_TILE_HEIGHT;
	for (unsigned l = 1; l <= full && l < LEDGER_LEVELS; l++)
		t->tile[l][ledger_tree_width(t->size, l)] = up[l - 1];
	t->size++;
	return full < LEDGER_LEVELS ? full : LEDGER_LEVELS;
}

void
ledger_tree_restore(struct ledger_tree *t, uint64_t size)
{
	t->size = size;
	for (unsigned l = 0; l < LEDGER_LEVELS; l++) {
		unsigned width = ledger_tree_width(size, l), at = 0;

		for (unsigned b = LEDGER_TILE_HEIGHT; b-- > 0;) {
			if (!(width >> b & 1))
				continue;
			ledger_merkle_fold(&t->tile[l][at], (size_t)1 << b, &t->peak[l * LEDGER_TILE_HEIGHT + b]);
			at += 1u << b;
		}
	}
}

void
ledger_tree_root(const struct ledger_tree *t, struct ledger_hash *root_r)
{
	combine(t->peak, t->size, root_r);
}

/* Root of the leaves [lo, lo + n) where lo is a multiple of the largest power of two <= n: the complete subtrees of n's bits,
 * from the left, largest first. */
static int
range(const struct ledger_merkle_source *src, uint64_t lo, uint64_t n, struct ledger_hash *root_r, struct base_fail *fail)
{
	struct ledger_hash peak[64];
	uint64_t at = lo;

	for (unsigned h = 64; h-- > 0;) {
		int r;

		if (!(n >> h & 1))
			continue;
		r = src->node(src->ctx, h, at >> h, &peak[h], fail);
		if (r < 0)
			return r;
		at += (uint64_t)1 << h;
	}
	combine(peak, n, root_r);
	return 0;
}

/* Largest power of two smaller than n, n > 1. */
static uint64_t
split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

int
ledger_merkle_root(const struct ledger_merkle_source *src, uint64_t size, struct ledger_hash *root_r, struct base_fail *fail)
{
	return range(src, 0, size, root_r, fail);
}

/* The recursions of the RFC collect siblings from the root down and want them from the leaf up. */
static void
reverse(struct ledger_proof *p)
{
	for (size_t i = 0; i < p->count / 2; i++) {
		struct ledger_hash swap = p->hash[i];

		p->hash[i] = p->hash[p->count - 1 - i];
		p->hash[p->count - 1 - i] = swap;
	}
}

int
ledger_merkle_inclusion(const struct ledger_merkle_source *src, uint64_t index, uint64_t size,
	struct ledger_proof *proof_r, struct base_fail *fail)
{
	struct ledger_proof p = {.count = 0};
	uint64_t lo = 0, n = size;

	if (index >= size)
		return base_fail_set(fail, GH_E_LIMIT, "entry %llu is not in a tree of %llu", (unsigned long long)index,
			(unsigned long long)size);
	while (n > 1) {
		uint64_t k = split(n);
		bool left = index - lo < k;
		int r = left ? range(src, lo + k, n - k, &p.hash[p.count], fail) : range(src, lo, k, &p.hash[p.count], fail);

		if (r < 0)
			return r;
		p.count++;
		lo = left ? lo : lo + k;
		n = left ? k : n - k;
	}
	reverse(&p);
	*proof_r = p;
	return 0;
}

int
ledger_merkle_consistency(const struct ledger_merkle_source *src, uint64_t old, uint64_t size,
	struct ledger_proof *proof_r, struct base_fail *fail)
{
	struct ledger_proof p = {.count = 0};
	uint64_t lo = 0, n = size, m = old;
	bool whole = true; /* SUBPROOF's b: the old tree is this subtree and the checker knows its hash */

	if (old == 0 || old > size)
		return base_fail_set(fail, GH_E_LIMIT, "no consistency proof from %llu to %llu", (unsigned long long)old,
			(unsigned long long)size);
	while (m < n) {
		uint64_t k = split(n);
		bool left = m <= k;
		int r = left ? range(src, lo + k, n - k, &p.hash[p.count], fail) : range(src, lo, k, &p.hash[p.count], fail);

		if (r < 0)
			return r;
		p.count++;
		if (left) {
			n = k;
		} else {
			lo += k;
			m -= k;
			n -= k;
			whole = false;
		}
	}
	if (!whole) {
		int r = range(src, lo, n, &p.hash[p.count], fail);

		if (r < 0)
			return r;
		p.count++;
	}
	reverse(&p);
	*proof_r = p;
	return 0;
}

int
ledger_merkle_inclusion_check(const struct ledger_hash *leaf, uint64_t index, uint64_t size,
	const struct ledger_hash *root, const struct ledger_proof *proof)
{
	struct ledger_hash r = *leaf;
	uint64_t fn = index, sn;

	if (index >= size || proof->count > LEDGER_PROOF_MAX)
		return GH_E_VERIFY;
	sn = size - 1;
	for (size_t i = 0; i < proof->count; i++) {
		if (sn == 0)
			return GH_E_VERIFY;
		if ((fn & 1) != 0 || fn == sn) {
			ledger_merkle_node(&proof->hash[i], &r, &r);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			ledger_merkle_node(&r, &proof->hash[i], &r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && ledger_hash_eq(&r, root) ? 0 : GH_E_VERIFY;
}

int
ledger_merkle_consistency_check(uint64_t old, const struct ledger_hash *old_root, uint64_t size,
	const struct ledger_hash *root, const struct ledger_proof *proof)
{
	struct ledger_hash fr, sr;
	uint64_t fn, sn;
	size_t i = 0;

	if (old == 0 || old > size || proof->count > LEDGER_PROOF_MAX)
		return GH_E_VERIFY;
	if (old == size)
		return proof->count == 0 && ledger_hash_eq(old_root, root) ? 0 : GH_E_VERIFY;
	fn = old - 1;
	sn = size - 1;
	while ((fn & 1) != 0) {
		fn >>= 1;
		sn >>= 1;
	}
	if (fn == 0) { /* old is a power of two: its root is the first hash of the path */
		fr = sr = *old_root;
	} else {
		if (proof->count == 0)
			return GH_E_VERIFY;
		fr = sr = proof->hash[i++];
	}
	for (; i < proof->count; i++) {
		if (sn == 0)
			return GH_E_VERIFY;
		if ((fn & 1) != 0 || fn == sn) {
			ledger_merkle_node(&proof->hash[i], &fr, &fr);
			ledger_merkle_node(&proof->hash[i], &sr, &sr);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			ledger_merkle_node(&sr, &proof->hash[i], &sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && ledger_hash_eq(&fr, old_root) && ledger_hash_eq(&sr, root) ? 0 : GH_E_VERIFY;
}
