/* Tests of gate_backoff: when delays begin, how they grow and end, for whom, and that memory is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base_crypt.h"
#include "gate_backoff.h"
#include "gate_limit.h"

#define NOW 1000000000u
#define MINUTE 60000000u

static struct base_span
s(const char *text)
{
	return base_span_str(text);
}

static void
test_delays_begin_with_the_fourth_failure_and_double(void **state)
{
	static const uint64_t want_ms[] = {0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000};
	struct gate_backoff *b = gate_backoff_new();
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(want_ms); i++) {
		assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("ann"), NOW), want_ms[i] * 1000);
		gate_backoff_failed(b, s("192.0.2.1"), s("ann"), NOW);
	}
	for (int i = 0; i < 5000; i++)
		gate_backoff_failed(b, s("192.0.2.1"), s("ann"), NOW);
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("ann"), NOW), 5000000);
	gate_backoff_free(&b);
	assert_null(b);
}

static void
test_address_and_user_count_each_for_itself(void **state)
{
	struct gate_backoff *b = gate_backoff_new();
	(void)state;
	for (int i = 0; i < 4; i++)
		gate_backoff_failed(b, s("192.0.2.1"), s("ann"), NOW);
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("bob"), NOW), 250000); /* the address */
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.2"), s("ann"), NOW), 250000); /* the name */
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.2"), s("bob"), NOW), 0);
	assert_int_equal(gate_backoff_delay(b, s("ann"), s("192.0.2.1"), NOW), 0); /* one is not the other */
	for (int i = 0; i < 9; i++)
		gate_backoff_failed(b, base_span(NULL, 0), s("local"), NOW); /* over a socket there is no address to blame */
	assert_int_equal(gate_backoff_delay(b, base_span(NULL, 0), s("bob"), NOW), 0);
	assert_int_equal(gate_backoff_delay(b, base_span(NULL, 0), s("local"), NOW), 5000000);
	gate_backoff_free(&b);
}

static void
test_success_and_time_forget(void **state)
{
	struct gate_backoff *b = gate_backoff_new();
	(void)state;
	for (int i = 0; i < 6; i++)
		gate_backoff_failed(b, s("192.0.2.1"), s("ann"), NOW);
	assert_true(gate_backoff_delay(b, s("192.0.2.1"), s("ann"), NOW + 10 * (uint64_t)MINUTE) > 0);
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("ann"), NOW + 10 * (uint64_t)MINUTE + 1), 0);
	gate_backoff_failed(b, s("192.0.2.1"), s("ann"), NOW + 11 * (uint64_t)MINUTE); /* begins anew */
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("ann"), NOW + 11 * (uint64_t)MINUTE), 0);
	for (int i = 0; i < 6; i++)
		gate_backoff_failed(b, s("192.0.2.1"), s("ann"), NOW);
	gate_backoff_ok(b, s("192.0.2.1"), s("ann"));
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("ann"), NOW), 0);
	gate_backoff_free(&b);
}

static void
test_promise_7_names_without_end(void **state)
{
	struct gate_backoff *b = gate_backoff_new();
	char name[400], long_a[400], long_b[400];
	(void)state;
	for (int i = 0; i < 4; i++)
		gate_backoff_failed(b, s("192.0.2.1"), s("first"), NOW);
	for (unsigned i = 0; i < GATE_BACKOFF_ENTRIES * 2; i++) {
		(void)snprintf(name, sizeof(name), "user%u", i);
		gate_backoff_failed(b, base_span(NULL, 0), s(name), NOW);
	}
	assert_int_equal(gate_backoff_delay(b, s("192.0.2.1"), s("first"), NOW), 0); /* the least recently seen are forgotten */
	/* names longer than a key share what fits: they are slowed down together, never less */
	memset(long_a, 'x', sizeof(long_a));
	memset(long_b, 'x', sizeof(long_b));
	long_b[399] = 'y';
	for (int i = 0; i < 4; i++)
		gate_backoff_failed(b, base_span(NULL, 0), base_span(long_a, 400), NOW);
	assert_int_equal(gate_backoff_delay(b, base_span(NULL, 0), base_span(long_b, 400), NOW), 250000);
	gate_backoff_free(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays_begin_with_the_fourth_failure_and_double),
		cmocka_unit_test(test_address_and_user_count_each_for_itself),
		cmocka_unit_test(test_success_and_time_forget),
		cmocka_unit_test(test_promise_7_names_without_end),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
