/* test_ledger_merkle: against known roots (RFC 6962 test data of certificate transparency) and against a naive implementation that
 * follows the recursive definitions of RFC 9162 word for word. */
#include "ledger_merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base_crypt.h"
#include "base_text.h"

#define MANY 65800u

static struct ledger_hash *leaves;           /* MANY of them */
static struct ledger_hash *row[3];           /* complete subtrees of height 0, 8, 16 */
static struct ledger_tree tree, other;

/* MTH(D[lo:hi]) */
static struct ledger_hash
mth(uint64_t lo, uint64_t hi)
{
	struct ledger_hash l, r, out;
	uint64_t k = 1;

	if (lo == hi) {
		ledger_merkle_empty(&out);
		return out;
	}
	if (hi - lo == 1)
		return leaves[lo];
	while (k * 2 < hi - lo)
		k *= 2;
	l = mth(lo, lo + k);
	r = mth(lo + k, hi);
	ledger_merkle_node(&l, &r, &out);
	return out;
}

/* PATH(m, D[lo:hi]) */
static void
path(uint64_t m, uint64_t lo, uint64_t hi, struct ledger_proof *p)
{
	uint64_t k = 1;

	if (hi - lo == 1)
		return;
	while (k * 2 < hi - lo)
		k *= 2;
	if (m < k) {
		path(m, lo, lo + k, p);
		p->hash[p->count++] = mth(lo + k, hi);
	} else {
		path(m - k, lo + k, hi, p);
		p->hash[p->count++] = mth(lo, lo + k);
	}
}

/* SUBPROOF(m, D[lo:hi], b) */
static void
subproof(uint64_t m, uint64_t lo, uint64_t hi, bool b, struct ledger_proof *p)
{
	uint64_t k = 1;

	if (m == hi - lo) {
		if (!b)
			p->hash[p->count++] = mth(lo, hi);
		return;
	}
	while (k * 2 < hi - lo)
		k *= 2;
	if (m <= k) {
		subproof(m, lo, lo + k, b, p);
		p->hash[p->count++] = mth(lo + k, hi);
	} else {
		subproof(m - k, lo + k, hi, false, p);
		p->hash[p->count++] = mth(lo, lo + k);
	}
}

static int
node(void *ctx, unsigned height, uint64_t index, struct ledger_hash *hash_r, struct base_fail *fail)
{
	uint64_t size = *(const uint64_t *)ctx;

	(void)fail;
	assert_true(height < 20 && ((index + 1) << height) <= size); /* only complete subtrees are ever asked for */
	*hash_r = mth(index << height, (index + 1) << height);
	return 0;
}

static bool
same_proof(const struct ledger_proof *a, const struct ledger_proof *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!ledger_hash_eq(&a->hash[i], &b->hash[i]))
			return false;
	return true;
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	leaves = calloc(MANY, sizeof *leaves);
	for (unsigned l = 0; l < 3; l++)
		row[l] = calloc((MANY >> (8 * l)) + 1, sizeof *leaves);
	for (uint64_t i = 0; i < MANY; i++) {
		char text[32];

		(void)snprintf(text, sizeof text, "entry %llu", (unsigned long long)i);
		ledger_merkle_leaf(base_span_str(text), &leaves[i]);
		row[0][i] = leaves[i];
	}
	for (unsigned l = 1; l < 3; l++)
		for (uint64_t i = 0; i < MANY >> (8 * l); i++)
			row[l][i] = mth(i << (8 * l), (i + 1) << (8 * l));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(leaves);
	for (unsigned l = 0; l < 3; l++)
		free(row[l]);
	return 0;
}

static void
test_known(void **state)
{
	static const char *const data[8] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
	static const char *const roots[9] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};

	(void)state;
	ledger_tree_init(&tree);
	for (size_t n = 0; n <= 8; n++) {
		struct ledger_hash root, want, leaf;
		uint8_t bytes[16];

		assert_int_equal(base_text_unhex(base_span_str(roots[n]), want.b, 32), 0);
		ledger_tree_root(&tree, &root);
		assert_true(ledger_hash_eq(&root, &want));
		if (n == 8)
			break;
		assert_int_equal(base_text_unhex(base_span_str(data[n]), bytes, strlen(data[n]) / 2), 0);
		ledger_merkle_leaf(base_span(bytes, strlen(data[n]) / 2), &leaf);
		(void)ledger_tree_append(&tree, &leaf);
	}
}

/* The growing tree, its tiles and its restoration, for every size in [0, to) of which `from` on is compared. */
static void
grow(uint64_t from, uint64_t to)
{
	ledger_tree_init(&tree);
	for (uint64_t n = 0; n < to; n++) {
		struct ledger_hash root, want;

		if (n >= from) {
			want = mth(0, n);
			ledger_tree_root(&tree, &root);
			assert_true(ledger_hash_eq(&root, &want));
			ledger_tree_init(&other);
			for (unsigned l = 0; l < 3; l++) {
				unsigned width = ledger_tree_width(n, l);
				uint64_t first = ledger_tree_tiles(n, l) * 256;

				for (unsigned i = 0; i < width; i++) {
					assert_true(ledger_hash_eq(&tree.tile[l][i], &row[l][first + i]));
					other.tile[l][i] = tree.tile[l][i];
				}
			}
			ledger_tree_restore(&other, n);
			ledger_tree_root(&other, &root);
			assert_true(ledger_hash_eq(&root, &want));
		}
		unsigned full = ledger_tree_append(&tree, &leaves[n]), expect = 0;

		for (uint64_t m = n + 1; m % 256 == 0; m /= 256)
			expect++;
		assert_int_equal(full, expect);
		for (unsigned l = 0; l < full && l < 2; l++)
			for (unsigned i = 0; i < 256; i++)
				assert_true(ledger_hash_eq(&tree.tile[l][i], &row[l][(ledger_tree_tiles(n + 1, l) - 1) * 256 + i]));
	}
}

static void
test_small(void **state)
{
	(void)state;
	grow(0, 1000);
}

static void
test_around_two_levels(void **state)
{
	(void)state;
	grow(65534, 65540);
	grow(65790, 65795); /* 257 full tiles */
}

static void
check_inclusion(uint64_t index, uint64_t size, bool tamper)
{
	const struct ledger_merkle_source src = {node, &size};
	struct ledger_proof p, want = {.count = 0};
	struct ledger_hash root = mth(0, size);

	path(index, 0, size, &want);
	assert_int_equal(ledger_merkle_inclusion(&src, index, size, &p, NULL), 0);
	assert_true(same_proof(&p, &want));
	assert_int_equal(ledger_merkle_inclusion_check(&leaves[index], index, size, &root, &p), 0);
	if (!tamper)
		return;
	for (size_t i = 0; i < p.count; i++) {
		p.hash[i].b[i % 32] ^= 1;
		assert_int_equal(ledger_merkle_inclusion_check(&leaves[index], index, size, &root, &p), GH_E_VERIFY);
		p.hash[i].b[i % 32] ^= 1;
	}
	assert_int_equal(ledger_merkle_inclusion_check(&leaves[index + 1], index, size, &root, &p), GH_E_VERIFY);
	if (size > 1)
		assert_int_equal(ledger_merkle_inclusion_check(&leaves[index], (index + 1) % size, size, &root, &p), GH_E_VERIFY);
	if (p.count > 0) {
		p.count--;
		assert_int_equal(ledger_merkle_inclusion_check(&leaves[index], index, size, &root, &p), GH_E_VERIFY);
		p.count += 2;
		p.hash[p.count - 1] = leaves[0];
		assert_int_equal(ledger_merkle_inclusion_check(&leaves[index], index, size, &root, &p), GH_E_VERIFY);
	}
}

static void
check_consistency(uint64_t old, uint64_t size, bool tamper)
{
	const struct ledger_merkle_source src = {node, &size};
	struct ledger_proof p, want = {.count = 0};
	struct ledger_hash root = mth(0, size), old_root = mth(0, old), bad;

	subproof(old, 0, size, true, &want);
	assert_int_equal(ledger_merkle_consistency(&src, old, size, &p, NULL), 0);
	assert_true(same_proof(&p, &want));
	assert_int_equal(ledger_merkle_consistency_check(old, &old_root, size, &root, &p), 0);
	if (!tamper)
		return;
	for (size_t i = 0; i < p.count; i++) {
		p.hash[i].b[i % 32] ^= 1;
		assert_int_equal(ledger_merkle_consistency_check(old, &old_root, size, &root, &p), GH_E_VERIFY);
		p.hash[i].b[i % 32] ^= 1;
	}
	bad = old_root;
	bad.b[0] ^= 1;
	assert_int_equal(ledger_merkle_consistency_check(old, &bad, size, &root, &p), GH_E_VERIFY);
	bad = root;
	bad.b[31] ^= 1;
	assert_int_equal(ledger_merkle_consistency_check(old, &old_root, size, &bad, &p), GH_E_VERIFY);
	if (p.count > 0) {
		p.count--;
		assert_int_equal(ledger_merkle_consistency_check(old, &old_root, size, &root, &p), GH_E_VERIFY);
		p.count++;
	}
	p.hash[p.count++] = leaves[0];
	assert_int_equal(ledger_merkle_consistency_check(old, &old_root, size, &root, &p), GH_E_VERIFY);
}

static void
test_proofs(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= 70; size++) {
		for (uint64_t i = 0; i < size; i++)
			check_inclusion(i, size, true);
		for (uint64_t old = 1; old <= size; old++)
			check_consistency(old, size, true);
	}
	for (uint64_t size = 71; size < 1000; size += 37) {
		for (uint64_t i = 0; i < size; i += 41)
			check_inclusion(i, size, false);
		for (uint64_t old = 1; old <= size; old += 43)
			check_consistency(old, size, false);
	}
	check_inclusion(65535, 65536, false);
	check_inclusion(65536, 65537, false);
	check_inclusion(70, 65799, false);
	check_consistency(65535, 65537, false);
	check_consistency(65536, 65799, false);
}

static void
test_limits(void **state)
{
	uint64_t size = 5;
	const struct ledger_merkle_source src = {node, &size};
	struct ledger_proof p;
	struct ledger_hash root, want = mth(0, 5);

	(void)state;
	assert_int_equal(ledger_merkle_inclusion(&src, 5, 5, &p, NULL), GH_E_LIMIT);
	assert_int_equal(ledger_merkle_inclusion(&src, 0, 0, &p, NULL), GH_E_LIMIT);
	assert_int_equal(ledger_merkle_consistency(&src, 0, 5, &p, NULL), GH_E_LIMIT);
	assert_int_equal(ledger_merkle_consistency(&src, 6, 5, &p, NULL), GH_E_LIMIT);
	assert_int_equal(ledger_merkle_root(&src, 5, &root, NULL), 0);
	assert_true(ledger_hash_eq(&root, &want));
	p.count = LEDGER_PROOF_MAX + 1;
	assert_int_equal(ledger_merkle_inclusion_check(&want, 0, 5, &root, &p), GH_E_VERIFY);
	assert_int_equal(ledger_merkle_consistency_check(1, &want, 5, &root, &p), GH_E_VERIFY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_around_two_levels),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
