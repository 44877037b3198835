/* Tests of base_map: replace, steal, eviction order, growth, and who frees which value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"

static char freed[64]; /* the first letters of freed values, in order */

static void
note_free(void *value)
{
	size_t n = strlen(freed);

	assert_true(n < sizeof(freed) - 1);
	freed[n] = *(const char *)value;
	freed[n + 1] = '\0';
}

static bool
note_key(struct base_span key, void *value, void *ctx)
{
	char *text = ctx;
	size_t n = strlen(text);

	assert_non_null(value);
	text[n] = (char)key.p[0];
	text[n + 1] = '\0';
	return key.p[0] != '!';
}

static const char *
order(struct base_map *m)
{
	static char text[64];

	text[0] = '\0';
	base_map_each(m, note_key, text);
	return text;
}

static void
put(struct base_map *m, const char *key, const char *value)
{
	assert_int_equal(base_map_put(m, base_span_str(key), (void *)(uintptr_t)value), GH_OK);
}

static const char *
get(struct base_map *m, const char *key)
{
	return base_map_get(m, base_span_str(key));
}

static void
test_values(void **state)
{
	struct base_map *m = base_map_new(0, note_free);
	static const char one[] = "1";

	(void)state;
	freed[0] = '\0';
	put(m, "a", one);
	put(m, "a", one); /* the same pointer is not freed */
	assert_string_equal(freed, "");
	put(m, "a", "2");
	assert_string_equal(freed, "1");
	assert_string_equal(get(m, "a"), "2");
	assert_null(get(m, "A"));
	put(m, "", "empty");
	assert_string_equal(base_map_get(m, base_span(NULL, 0)), "empty");
	assert_int_equal(base_map_put(m, base_span("a\0b", 3), (void *)(uintptr_t)"3"), GH_OK);
	assert_string_equal(get(m, "a"), "2");
	assert_int_equal(base_map_count(m), 3);
	assert_string_equal(base_map_steal(m, base_span_str("a")), "2");
	assert_null(base_map_steal(m, base_span_str("a")));
	assert_string_equal(freed, "1");
	assert_true(base_map_remove(m, base_span("a\0b", 3)));
	assert_false(base_map_remove(m, base_span("a\0b", 3)));
	assert_string_equal(freed, "13");
	put(m, "null", NULL);
	assert_null(get(m, "null"));
	assert_true(base_map_remove(m, base_span_str("null"))); /* and note_free was not called with NULL */
	base_map_clear(m);
	assert_string_equal(freed, "13e");
	assert_int_equal(base_map_count(m), 0);
	put(m, "z", "z");
	base_map_free(&m);
	assert_null(m);
	assert_string_equal(freed, "13ez");
	base_map_free(&m);
}

static void
test_eviction(void **state)
{
	struct base_map *m = base_map_new(3, note_free);

	(void)state;
	freed[0] = '\0';
	put(m, "a", "a");
	put(m, "b", "b");
	put(m, "c", "c");
	assert_string_equal(order(m), "abc");
	assert_non_null(get(m, "a")); /* get counts as use */
	assert_string_equal(order(m), "bca");
	put(m, "d", "d");
	assert_string_equal(freed, "b");
	assert_string_equal(order(m), "cad");
	put(m, "c", "C"); /* so does put */
	assert_string_equal(freed, "bc");
	assert_string_equal(order(m), "adc");
	assert_non_null(get(m, "d"));
	assert_string_equal(order(m), "acd");
	assert_true(base_map_remove(m, base_span_str("c")));
	assert_string_equal(order(m), "ad");
	put(m, "e", "e");
	assert_string_equal(freed, "bcC");
	put(m, "f", "f");
	assert_string_equal(freed, "bcCa");
	assert_null(get(m, "a"));
	assert_int_equal(base_map_count(m), 3);
	base_map_free(&m);
	assert_string_equal(freed, "bcCadef");

	m = base_map_new(1, NULL);
	put(m, "a", "a");
	put(m, "b", "b");
	assert_null(get(m, "a"));
	assert_string_equal(get(m, "b"), "b");
	base_map_free(&m);
}

static void
test_each_stops(void **state)
{
	struct base_map *m = base_map_new(0, NULL);

	(void)state;
	put(m, "a", "a");
	put(m, "!", "b");
	put(m, "c", "c");
	assert_non_null(get(m, "a")); /* an unbounded map keeps the order of first puts */
	assert_string_equal(order(m), "a!");
	base_map_free(&m);
}

/* Many keys, each put, replaced and half removed: against the number itself as the model. */
static void
test_many(void **state)
{
	enum { COUNT = 20000 };
	struct base_map *m = base_map_new(0, NULL);
	char key[24];

	(void)state;
	for (uintptr_t round = 1; round <= 2; round++)
		for (uintptr_t i = 1; i <= COUNT; i++) {
			(void)snprintf(key, sizeof(key), "key %ju", (uintmax_t)i);
			assert_int_equal(base_map_put(m, base_span_str(key), (void *)(i * round)), GH_OK);
		}
	assert_int_equal(base_map_count(m), COUNT);
	for (uintptr_t i = 1; i <= COUNT; i += 2) {
		(void)snprintf(key, sizeof(key), "key %ju", (uintmax_t)i);
		assert_true(base_map_remove(m, base_span_str(key)));
	}
	for (uintptr_t i = 1; i <= COUNT; i++) {
		(void)snprintf(key, sizeof(key), "key %ju", (uintmax_t)i);
		assert_ptr_equal(base_map_get(m, base_span_str(key)), i % 2 == 1 ? NULL : (void *)(i * 2));
	}
	assert_int_equal(base_map_count(m), COUNT / 2);
	base_map_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_each_stops),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
