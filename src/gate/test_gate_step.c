/* test_gate_step: step-ups hold for one actor, log-in and host and no code works twice, also across a restart; a leave needs a second person of the right group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base_crypt.h"
#include "gate_standing.h"
#include "gate_step.h"

#define T0 1790000000000000ull
#define STR(s) base_span_str(s)

static const uint8_t key[IDENT_OTP_KEY] = {7};

struct enrolled { struct ident_otp_file *file; struct ident_otp_new new; };

static void
enroll(struct enrolled *e, const char *actor)
{
	struct base_buf b;
	struct base_fail fail;

	ident_otp_make(&e->new);
	base_buf_init(&b, 65536);
	assert_int_equal(ident_otp_change(base_span("", 0), key, STR(actor), "2026-11-22", &e->new, &b, &fail), 0);
	assert_int_equal(ident_otp_parse(base_buf_span(&b), "otp", key, &e->file, &fail), 0);
	base_buf_done(&b);
}

/* The code of this moment, found by trying: the library that makes codes is ident's business. */
static void
code_at(const struct enrolled *e, const char *actor, uint64_t now, char code[8])
{
	uint64_t counter;

	for (unsigned n = 0; n < 1000000; n++) {
		(void)snprintf(code, 8, "%06u", n);
		if (ident_otp_check(e->file, STR(actor), STR(code), now, now / IDENT_OTP_STEP_US - 1, 0, &counter) == IDENT_OTP_RIGHT && counter == now / IDENT_OTP_STEP_US)
			return;
	}
	fail_msg("no code is right");
}

static const struct gate_step_by wang = {{(const uint8_t *)"wang", 4}, {(const uint8_t *)"wang", 4}, {(const uint8_t *)"10.0.0.7", 8}};

static void
test_a_code_works_once_and_for_one_host(void **state)
{
	struct gate_steps *s = gate_steps_new(), *after = gate_steps_new();
	struct enrolled e;
	uint64_t counter, wait;
	char code[8];
	struct gate_step_by other = wang;

	(void)state;
	enroll(&e, "wang");
	code_at(&e, "wang", T0, code);
	assert_int_equal(gate_steps_at(s, &wang), 0);
	assert_int_equal(gate_steps_try(s, NULL, &wang, STR(code), T0, &counter, &wait), GATE_STEP_UNKNOWN);
	assert_int_equal(gate_steps_try(s, e.file, &wang, STR(code), T0, &counter, &wait), GATE_STEP_RIGHT);
	assert_true(gate_steps_at(s, &wang) == T0);
	other.host = STR("10.0.0.8");
	assert_int_equal(gate_steps_at(s, &other), 0);
	assert_int_equal(gate_steps_try(s, e.file, &other, STR(code), T0 + 1000000, &counter, &wait), GATE_STEP_REPLAYED);
	assert_int_equal(gate_steps_at(s, &other), 0);
	/* Another process, told by the ledger, knows it too. */
	struct event_entry entry = {.kind = EVENT_STEP, .time_us = T0, .actor = STR("wang"), .address = STR("10.0.0.7:5555"), .counter = T0 / IDENT_OTP_STEP_US};
	gate_steps_entry(after, &entry);
	assert_true(gate_steps_at(after, &wang) == T0);
	assert_int_equal(gate_steps_try(after, e.file, &wang, STR(code), T0 + 1000000, &counter, &wait), GATE_STEP_REPLAYED);
	ident_otp_unref(&e.file);
	gate_steps_free(&s);
	gate_steps_free(&after);
}

static void
test_recovery_codes_are_used_up(void **state)
{
	struct gate_steps *s = gate_steps_new(), *after = gate_steps_new();
	struct enrolled e;
	uint64_t counter, wait;

	(void)state;
	enroll(&e, "wang");
	assert_int_equal(gate_steps_try(s, e.file, &wang, STR(e.new.recovery[3]), T0, &counter, &wait), GATE_STEP_RECOVERED);
	assert_int_equal(counter, 4);
	assert_int_equal(gate_steps_try(s, e.file, &wang, STR(e.new.recovery[3]), T0, &counter, &wait), GATE_STEP_REPLAYED);
	struct event_entry entry = {.kind = EVENT_STEP, .time_us = T0, .actor = STR("wang"), .why = STR("recovery code"), .counter = 4};
	gate_steps_entry(after, &entry);
	assert_int_equal(gate_steps_try(after, e.file, &wang, STR(e.new.recovery[3]), T0 + 86400000000ull, &counter, &wait), GATE_STEP_REPLAYED);
	assert_int_equal(gate_steps_try(after, e.file, &wang, STR(e.new.recovery[9]), T0 + 86400000000ull, &counter, &wait), GATE_STEP_RECOVERED);
	/* A new enrolment begins anew. */
	struct event_entry enrolled = {.kind = EVENT_ENROLL, .target = STR("actor wang")};
	gate_steps_entry(after, &enrolled);
	assert_int_equal(gate_steps_try(after, e.file, &wang, STR(e.new.recovery[3]), T0 + 86400000000ull, &counter, &wait), GATE_STEP_RECOVERED);
	ident_otp_unref(&e.file);
	gate_steps_free(&s);
	gate_steps_free(&after);
}

static void
test_wrong_codes_are_looked_at_ever_more_slowly(void **state)
{
	struct gate_steps *s = gate_steps_new();
	struct enrolled e;
	uint64_t counter, wait, now = T0, pause = 2000000;
	char right[8];

	(void)state;
	enroll(&e, "wang");
	for (int i = 0; i < 3; i++)
		assert_int_equal(gate_steps_try(s, e.file, &wang, STR("abcdef"), now, &counter, &wait), GATE_STEP_WRONG);
	for (int i = 0; i < 12; i++) {
		code_at(&e, "wang", now, right);
		assert_int_equal(gate_steps_try(s, e.file, &wang, STR(right), now + pause - 1, &counter, &wait), GATE_STEP_WAIT);
		assert_true(wait == 1);
		now += pause;
		assert_int_equal(gate_steps_try(s, e.file, &wang, STR("abcdef"), now, &counter, &wait), GATE_STEP_WRONG);
		pause = pause * 2 < 900000000ull ? pause * 2 : 900000000ull;
		if (i == 3)
			break; /* finding codes by trying takes its time */
	}
	now += 900000000ull;
	code_at(&e, "wang", now, right);
	assert_int_equal(gate_steps_try(s, e.file, &wang, STR(right), now, &counter, &wait), GATE_STEP_RIGHT);
	assert_int_equal(gate_steps_try(s, e.file, &wang, STR("abcdef"), now + 1, &counter, &wait), GATE_STEP_WRONG);
	ident_otp_unref(&e.file);
	gate_steps_free(&s);
}

static bool
in_leads(void *ctx, struct base_span group)
{
	return base_span_is(group, ctx);
}

static void
test_a_leave_needs_somebody_else_of_the_group(void **state)
{
	struct gate_steps *s = gate_steps_new(), *after = gate_steps_new();
	struct gate_asked a, b;
	const char *rule = "/etc/x.gate:12";

	(void)state;
	assert_true(gate_steps_ask(s, STR("wang"), rule, STR("leads"), "40 customers per hour", 600000000, 3600000000ull, T0, &a));
	assert_int_equal(strlen(a.id), 6);
	assert_false(gate_steps_ask(s, STR("wang"), rule, STR("leads"), "40 customers per hour", 600000000, 3600000000ull, T0 + 1, &b));
	assert_string_equal(a.id, b.id);
	assert_int_equal(gate_steps_leave(s, STR("wang"), rule, T0), 0);
	assert_int_equal(gate_steps_approve(s, STR("ZZZZZZ"), STR("mia"), in_leads, (void *)(uintptr_t)"leads", T0, &b), GATE_APPROVE_UNKNOWN);
	assert_int_equal(gate_steps_approve(s, STR(a.id), STR("wang"), in_leads, (void *)(uintptr_t)"leads", T0, &b), GATE_APPROVE_OWN);
	assert_int_equal(gate_steps_approve(s, STR(a.id), STR("mia"), in_leads, (void *)(uintptr_t)"others", T0, &b), GATE_APPROVE_GROUP);
	assert_int_equal(gate_steps_approve(s, STR(a.id), STR("mia"), in_leads, (void *)(uintptr_t)"leads", T0 + 600000000, &b), GATE_APPROVE_EXPIRED);
	assert_int_equal(gate_steps_approve(s, STR(a.id), STR("mia"), in_leads, (void *)(uintptr_t)"leads", T0 + 5, &b), GATE_APPROVE_DONE);
	assert_int_equal(gate_steps_approve(s, STR(a.id), STR("mia"), in_leads, (void *)(uintptr_t)"leads", T0 + 6, &b), GATE_APPROVE_EXPIRED);
	assert_true(gate_steps_leave(s, STR("wang"), rule, T0 + 6) == T0 + 5 + 3600000000ull);
	assert_int_equal(gate_steps_leave(s, STR("li"), rule, T0 + 6), 0);
	assert_int_equal(gate_steps_leave(s, STR("wang"), "/etc/x.gate:13", T0 + 6), 0);
	assert_int_equal(gate_steps_leave(s, STR("wang"), rule, T0 + 5 + 3600000000ull), 0);
	/* The same from the ledger. */
	struct event_entry ask = {.kind = EVENT_ASK, .time_us = T0, .actor = STR("wang"), .target = STR(a.id), .why = STR("leads"), .rule = STR(rule), .budget = STR("40 customers per hour"), .counter = 3600, .until_us = T0 + 600000000};
	struct event_entry approve = {.kind = EVENT_APPROVE, .time_us = T0 + 5, .actor = STR("mia"), .target = STR(a.id), .until_us = T0 + 5 + 3600000000ull};
	gate_steps_entry(after, &ask);
	assert_int_equal(gate_steps_leave(after, STR("wang"), rule, T0 + 6), 0);
	assert_false(gate_steps_ask(after, STR("wang"), rule, STR("leads"), "40 customers per hour", 600000000, 3600000000ull, T0 + 6, &b));
	assert_string_equal(a.id, b.id);
	gate_steps_entry(after, &approve);
	assert_true(gate_steps_leave(after, STR("wang"), rule, T0 + 6) == T0 + 5 + 3600000000ull);
	gate_steps_free(&s);
	gate_steps_free(&after);
}

static void
test_suspensions_stand_until_taken_back(void **state)
{
	struct gate_standing *s = gate_standing_new();
	struct event_entry e = {.kind = EVENT_SUSPEND, .target = STR("employer Acme"), .why = STR("contract ended")};
	char why[64];

	(void)state;
	assert_false(gate_standing_suspended(s, STR("wang"), STR("Acme"), why, sizeof(why)));
	assert_true(gate_standing_entry(s, &e));
	assert_false(gate_standing_entry(s, &e));
	assert_true(gate_standing_suspended(s, STR("wang"), STR("Acme"), why, sizeof(why)));
	assert_string_equal(why, "contract ended");
	assert_false(gate_standing_suspended(s, STR("Acme"), STR("Other"), why, sizeof(why)));
	assert_false(gate_standing_suspended(s, STR("wang"), STR(""), why, sizeof(why)));
	e.kind = EVENT_RESUME;
	assert_false(gate_standing_entry(s, &e));
	assert_int_equal(gate_standing_count(s), 0);
	assert_false(gate_standing_suspended(s, STR("wang"), STR("Acme"), why, sizeof(why)));
	gate_standing_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_code_works_once_and_for_one_host),
		cmocka_unit_test(test_recovery_codes_are_used_up),
		cmocka_unit_test(test_wrong_codes_are_looked_at_ever_more_slowly),
		cmocka_unit_test(test_a_leave_needs_somebody_else_of_the_group),
		cmocka_unit_test(test_suspensions_stand_until_taken_back),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
