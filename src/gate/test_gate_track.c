/* Tests of gate_track: the queue of requests, names of statements, portals and cursors, what ends with a transaction, ceilings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base_crypt.h"
#include "test_gate_shop.h"
#include "gate_track.h"

static struct gate_world *world;

static int
set_up(void **state)
{
	(void)state;
	world = shop_world(SHOP_POLICY, "/tmp", "");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	gate_world_unref(&world);
	return 0;
}

static struct gate_statement *
statement(size_t k)
{
	return gate_statement_new(gate_text_big(world), k);
}

static struct gate_portal *
portal(size_t k)
{
	struct gate_portal *p = base_mem_new(1, sizeof(*p));
	p->statement = statement(k);
	p->bind = base_mem_new(1, 16);
	return p;
}

static void
test_the_queue_keeps_order(void **state)
{
	struct gate_track t;
	(void)state;
	gate_track_init(&t, 'I');
	assert_null(gate_track_head(&t));
	uint32_t in = 0, out = 0;
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 7 + round % 5; i++) {
			struct gate_pend *p = gate_track_push(&t, GATE_PEND_FUNCTION);
			assert_non_null(p);
			assert_true(p->name == NULL && p->function == 0); /* zeroed, whatever was there before */
			p->function = in++;
			p->name = base_mem_str(base_span_str("name"));
		}
		for (int i = 0; i < 6; i++) {
			assert_int_equal(gate_track_at(&t, 1)->function, out + 1);
			assert_int_equal(gate_track_head(&t)->function, out++);
			gate_track_pop(&t);
		}
	}
	assert_int_equal(t.pends.count, in - out);
	/* taking out of the middle */
	gate_track_drop(&t, 3);
	assert_int_equal(gate_track_at(&t, 2)->function, out + 2);
	assert_int_equal(gate_track_at(&t, 3)->function, out + 4);
	gate_track_drop(&t, t.pends.count - 1);
	assert_int_equal(gate_track_at(&t, t.pends.count - 1)->function, in - 2);
	assert_null(gate_track_at(&t, t.pends.count));
	gate_track_done(&t);
}

static void
test_the_end_of_a_copy_that_is_over_is_forgotten(void **state)
{
	struct gate_track t;
	(void)state;
	gate_track_init(&t, 'I');
	(void)gate_track_push(&t, GATE_PEND_COPY_END);
	(void)gate_track_push(&t, GATE_PEND_COPY_END);
	assert_null(gate_track_head(&t));
	assert_int_equal(t.pends.count, 0);
	(void)gate_track_push(&t, GATE_PEND_QUERY);
	(void)gate_track_push(&t, GATE_PEND_COPY_END);
	(void)gate_track_push(&t, GATE_PEND_SYNC);
	assert_int_equal(gate_track_head(&t)->kind, GATE_PEND_QUERY);
	gate_track_pop(&t);
	assert_int_equal(gate_track_head(&t)->kind, GATE_PEND_SYNC);
	gate_track_done(&t);
}

static void
test_whose_turn_it_is(void **state)
{
	static const struct { enum gate_pend_kind kind; bool server; } turns[] = {
		{GATE_PEND_QUERY, true}, {GATE_PEND_PARSE, false}, {GATE_PEND_BIND, false}, {GATE_PEND_DESCRIBE, false}, {GATE_PEND_EXECUTE, true},
		{GATE_PEND_CLOSE, false}, {GATE_PEND_SYNC, true}, {GATE_PEND_FUNCTION, true},
	};
	struct gate_track t;
	(void)state;
	gate_track_init(&t, 'I');
	assert_false(gate_track_server_turn(&t));
	for (size_t i = 0; i < BASE_COUNT(turns); i++) {
		(void)gate_track_push(&t, turns[i].kind);
		assert_int_equal(gate_track_server_turn(&t), turns[i].server);
	}
	t.copy_in = true; /* the server waits for data */
	assert_false(gate_track_server_turn(&t));
	gate_track_done(&t);
}

static void
test_names(void **state)
{
	struct gate_track t;
	(void)state;
	gate_track_init(&t, 'I');
	assert_true(gate_track_statement(&t, NULL) == NULL && gate_track_statement(&t, "a") == NULL && gate_track_portal(&t, "a") == NULL);
	gate_track_remove_statement(&t, "a");
	gate_track_remove_portal(&t, NULL);
	gate_track_install_statement(&t, NULL, statement(1));
	gate_track_install_statement(&t, NULL, statement(2)); /* replaces */
	gate_track_install_statement(&t, "a", statement(3));
	gate_track_install_statement(&t, "a", statement(4));
	assert_true(gate_track_statement(&t, NULL)->k == 2 && gate_track_statement(&t, "a")->k == 4);
	gate_track_remove_statement(&t, "a");
	gate_track_remove_statement(&t, NULL);
	assert_true(gate_track_statement(&t, NULL) == NULL && gate_track_statement(&t, "a") == NULL);

	/* a portal hides a cursor of the same name; closing takes both; the end of a transaction takes the portals only */
	gate_track_install_cursor(&t, base_span_str("c"), portal(1));
	assert_int_equal(gate_track_portal(&t, "c")->statement->k, 1);
	gate_track_install_portal(&t, "c", portal(2));
	gate_track_install_portal(&t, NULL, portal(3));
	assert_true(gate_track_portal(&t, "c")->statement->k == 2 && gate_track_portal(&t, NULL)->statement->k == 3);
	gate_track_transaction_end(&t);
	assert_null(gate_track_portal(&t, NULL));
	assert_int_equal(gate_track_portal(&t, "c")->statement->k, 1); /* WITH HOLD, perhaps */
	gate_track_install_portal(&t, "c", portal(2));
	gate_track_remove_portal(&t, "c");
	assert_null(gate_track_portal(&t, "c"));
	gate_track_done(&t);
}

/* Names that the server may take for another one are not followed. */
static void
test_names_that_are_not_plain(void **state)
{
	char name[70];
	struct gate_track t;
	(void)state;
	gate_track_init(&t, 'I');
	for (size_t n = 1; n < sizeof(name); n++) {
		memset(name, 'n', n);
		name[n] = '\0';
		gate_track_install_statement(&t, name, statement(n));
		gate_track_install_portal(&t, name, portal(n));
		assert_int_equal(gate_track_statement(&t, name) != NULL, n <= GATE_NAME_MAX);
		assert_int_equal(gate_track_portal(&t, name) != NULL, n <= GATE_NAME_MAX);
	}
	gate_track_install_statement(&t, "\xc3\xa9", statement(1));
	gate_track_install_cursor(&t, base_span_str("caf\xe9"), portal(1));
	assert_true(gate_track_statement(&t, "\xc3\xa9") == NULL && gate_track_portal(&t, "caf\xe9") == NULL);
	gate_track_done(&t);
}

static void
test_promise_7_names_are_bounded(void **state)
{
	char name[16];
	struct gate_track t;
	(void)state;
	gate_track_init(&t, 'I');
	for (unsigned i = 0; i < GATE_NAMES_MAX + 10; i++) {
		(void)snprintf(name, sizeof(name), "s%u", i);
		gate_track_install_statement(&t, name, statement(i));
		gate_track_install_portal(&t, name, portal(i));
	}
	assert_int_equal(base_map_count(t.statements), GATE_NAMES_MAX);
	assert_int_equal(base_map_count(t.portals), GATE_NAMES_MAX);
	assert_null(gate_track_statement(&t, "s0")); /* forgotten: its answers are unknown, not unrecorded */
	assert_int_equal(gate_track_statement(&t, name)->k, GATE_NAMES_MAX + 9);
	gate_track_done(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_queue_keeps_order),
		cmocka_unit_test(test_the_end_of_a_copy_that_is_over_is_forgotten),
		cmocka_unit_test(test_whose_turn_it_is),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_that_are_not_plain),
		cmocka_unit_test(test_promise_7_names_are_bounded),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
