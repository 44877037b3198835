/* test_ledger_key: the key's file: made once, read back, refused when others may read it. */
#include "test_ledger_util.h"

#include "ledger_key.h"

static void
test_key(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_vkey vkey, again;
	struct ledger_signer s;
	struct place p;
	struct stat st;
	char path[128];

	(void)state;
	place_init(&p);
	(void)snprintf(path, sizeof path, "%s/ledger.key", p.root);
	assert_int_equal(ledger_key_load(path, ORIGIN, &s, &fail), GH_E_MISSING);
	assert_int_equal(ledger_key_create(path, "a name", &vkey, &fail), GH_E_PARSE);
	assert_int_equal(ledger_key_create(path, ORIGIN, &vkey, &fail), 0);
	assert_int_equal(ledger_key_create(path, ORIGIN, &again, &fail), GH_E_EXISTS);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ledger_key_load(path, ORIGIN, &s, &fail), 0);
	assert_memory_equal(&s.vkey, &vkey, sizeof vkey);
	assert_int_equal(ledger_key_load(path, NULL, &s, &fail), 0);
	assert_int_equal(ledger_key_load(path, "other.example/log", &s, &fail), GH_E_VERIFY);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(ledger_key_load(path, ORIGIN, &s, &fail), GH_E_DENIED);
	assert_int_equal(chmod(path, 0600), 0);
	flip(p.root, "ledger.key", 60);
	assert_true(ledger_key_load(path, ORIGIN, &s, &fail) < 0);
	ledger_signer_done(&s);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_key)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
