/* Tests of base_fail: codes, cutting, prefixes, arguments that alias the struct. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base_fail.h"

static char big[2000]; /* 1999 x */

static void
test_set(void **state)
{
	struct base_fail f = {.hint = "old"};

	(void)state;
	assert_int_equal(base_fail_set(&f, GH_E_PARSE, "line %d is odd", 7), GH_E_PARSE);
	assert_int_equal(f.code, GH_E_PARSE);
	assert_string_equal(f.text, "line 7 is odd");
	assert_string_equal(f.hint, "");
	base_fail_hint(&f, "remove %s", "it");
	assert_string_equal(f.hint, "remove it");
	base_fail_where(&f, "file %s", "a");
	assert_string_equal(f.text, "file a: line 7 is odd");
	assert_string_equal(f.hint, "remove it");
	/* the arguments are in the struct itself */
	assert_int_equal(base_fail_set(&f, GH_E_IO, "again: %s (%s)", f.text, f.hint), GH_E_IO);
	assert_string_equal(f.text, "again: file a: line 7 is odd (remove it)");
	base_fail_hint(&f, "see %s", f.text);
	assert_string_equal(f.hint, "see again: file a: line 7 is odd (remove it)");
}

static void
test_null(void **state)
{
	(void)state;
	assert_int_equal(base_fail_set(NULL, GH_E_BUSY, "x"), GH_E_BUSY);
	assert_int_equal(base_fail_errno(NULL, ENOENT, "x"), GH_E_MISSING);
	base_fail_hint(NULL, "x");
	base_fail_where(NULL, "x");
}

static void
test_errno(void **state)
{
	static const struct {
		int err, code;
		const char *text;
	} t[] = {
		{ENOSPC, GH_E_FULL, "cannot x: No space left on device"},
		{EDQUOT, GH_E_FULL, "cannot x: Disk quota exceeded"},
		{ENOENT, GH_E_MISSING, "cannot x: No such file or directory"},
		{EACCES, GH_E_DENIED, "cannot x: Permission denied"},
		{EPERM, GH_E_DENIED, "cannot x: Operation not permitted"},
		{EEXIST, GH_E_EXISTS, "cannot x: File exists"},
		{EIO, GH_E_IO, "cannot x: Input/output error"},
		{99999, GH_E_IO, "cannot x: error 99999"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_fail f;

		assert_int_equal(base_fail_errno(&f, t[i].err, "cannot %s", "x"), t[i].code);
		assert_int_equal(f.code, t[i].code);
		assert_string_equal(f.text, t[i].text);
	}
}

static void
test_cut(void **state)
{
	struct base_fail f;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	(void)base_fail_set(&f, GH_E_IO, "%s", big);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
	base_fail_hint(&f, "%s", big);
	assert_int_equal(strlen(f.hint), sizeof(f.hint) - 1);
	base_fail_where(&f, "here");
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
	assert_memory_equal(f.text, "here: xxx", 9);
	base_fail_where(&f, "%s", big);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
	assert_string_equal(f.text + sizeof(f.text) - 4, "x: ");
	(void)base_fail_errno(&f, EIO, "%s", big);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
