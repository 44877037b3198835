/* Tests of gate_registry: a cancel key fits its own session only, whole, and only while that lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_crypt.h"
#include "gate_registry.h"

#define SESSIONS 500u

static void
test_a_key_fits_its_own_session_only(void **state)
{
	static uint8_t key[SESSIONS][GATE_CANCEL_KEY_LONG];
	static uint32_t pid[SESSIONS];
	struct gate_registry *r = gate_registry_new();
	struct gate_backend_key found;
	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct gate_backend_key k = {.pid = 1000 + i, .key = {(uint8_t)i, (uint8_t)(i >> 8)}, .key_len = 4};
		gate_registry_add(r, &k, i % 2 ? GATE_CANCEL_KEY_LONG : GATE_CANCEL_KEY_SHORT, &pid[i], key[i]);
		assert_true(pid[i] > 0 && pid[i] <= INT32_MAX);
		for (uint32_t j = 0; j < i; j++)
			assert_true(pid[j] != pid[i]);
	}
	for (uint32_t i = 0; i < SESSIONS; i++) {
		size_t n = i % 2 ? GATE_CANCEL_KEY_LONG : GATE_CANCEL_KEY_SHORT;
		found.pid = 0;
		assert_true(gate_registry_find(r, pid[i], base_span(key[i], n), &found));
		assert_true(found.pid == 1000 + i && found.key_len == 4 && found.key[0] == (uint8_t)i);
		assert_false(gate_registry_find(r, pid[(i + 1) % SESSIONS], base_span(key[i], n), &found));
		for (size_t k = 0; k < GATE_CANCEL_KEY_LONG; k++) /* a prefix, or more than it, is another key */
			if (k != n)
				assert_false(gate_registry_find(r, pid[i], base_span(key[i], k), &found));
		for (size_t k = 0; k < n; k++) {
			key[i][k] ^= 1;
			assert_false(gate_registry_find(r, pid[i], base_span(key[i], n), &found));
			key[i][k] ^= 1;
		}
	}
	gate_registry_remove(r, pid[7]);
	assert_false(gate_registry_find(r, pid[7], base_span(key[7], GATE_CANCEL_KEY_LONG), &found));
	gate_registry_remove(r, pid[7]); /* absent is as good */
	assert_false(gate_registry_find(r, 0, base_span(key[7], 4), &found));
	gate_registry_free(&r);
	gate_registry_free(&r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_key_fits_its_own_session_only)};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
