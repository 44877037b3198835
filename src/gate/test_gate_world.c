/* Tests of gate_world: files that load and files that do not, rules of the certificate map, mark keys and years, the server's address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_file.h"
#include "test_gate_shop.h"
#include "gate_world.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char dir[] = "/tmp/test-world-XXXXXX";
static const char *const files[] = {"policy", "people", "certs", "keys", "mask", "missing"};

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
tear_down(void **state)
{
	char path[64];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path); /* some are there */
	}
	return rmdir(dir);
}

static void
put(const char *name, const char *text, unsigned mode)
{
	struct base_fail fail;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	shop_must(base_file_replace(AT_FDCWD, path, mode, base_span_str(text), &fail) == 0, fail.text);
}

/* Everything good; each test spoils one thing. */
static void
put_all(void)
{
	char keys[300];
	unsigned year = base_time_year_utc(base_time_wall_us());

	put("policy", SHOP_POLICY, 0644);
	put("people", "role,name,employer\nann,Ann,Lin Ltd\n", 0644);
	put("certs", "# who is who\n\ncn ann ann\r\n  san (.*)@example\\.org  \\1 # mail\ncn (app)-[0-9]+ \\1_role\n", 0644);
	(void)snprintf(keys, sizeof(keys), "%u " KEY "\n%u " KEY "\n", year - 1, year);
	put("keys", keys, 0600);
}

static int
load(const char *settings, struct gate_world **w_r, struct base_fail *fail)
{
	struct proc_conf *conf = NULL;
	struct policy_file *policy = NULL;
	char text[2048];

	(void)snprintf(text, sizeof(text), "database = shop\ncontrol = \"dbname=shop\"\nledger_origin = shop.example/log\npolicy = %s/policy\n"
	               "people = %s/people\nmark_keys = %s/keys\nserver_tls = off\ntls = off\n%s", dir, dir, dir, settings);
	shop_must(proc_conf_parse(base_span_str(text), "/nowhere/gatehouse.conf", &conf, fail) == 0, fail->text);
	free(conf->cert_map); /* a file would have to name certificates as well */
	(void)snprintf(text, sizeof(text), "%s/certs", dir);
	conf->cert_map = base_mem_str(base_span_str(text));
	int rc = gate_world_load(conf, 7, w_r, &policy, fail);
	policy_file_free(&policy);
	return rc;
}

static struct gate_world *
loaded(const char *settings)
{
	struct gate_world *w = NULL;
	struct base_fail fail;

	shop_must(load(settings, &w, &fail) == 0, fail.text);
	return w;
}

static void
test_a_world_of_good_files(void **state)
{
	struct base_fail fail;
	(void)state;
	put_all();
	struct gate_world *w = loaded("server_host = 127.0.0.1\nserver_port = 15432\n");
	assert_true(w->version == 7 && w->naddresses >= 1 && w->ncert_rules == 3);
	assert_string_equal(w->where, "127.0.0.1:15432");
	assert_int_equal(ntohs(w->address[0].u.in.sin_port), 15432);
	assert_non_null(policy_people_find(w->people, base_span_str("ann")));
	shop_must(gate_world_bind(w, shop_map(SHOP_POLICY), &fail) == 0, fail.text);
	assert_int_equal(w->nmarkers, 2);
	uint64_t now = base_time_wall_us();
	assert_int_equal(mask_marker_epoch(gate_world_marker(w, now)), base_time_year_utc(now));
	assert_null(gate_world_marker(w, 0)); /* no key for 1970 */
	/* references: the last one frees */
	struct gate_world *second = w;
	gate_world_ref(w);
	gate_world_unref(&w);
	assert_null(w);
	assert_int_equal(second->version, 7);
	gate_world_unref(&second);
	gate_world_unref(&second); /* NULL is fine */
}

static void
test_address_of_a_unix_socket(void **state)
{
	struct gate_world *w;
	struct base_fail fail;
	char long_path[300];
	(void)state;
	put_all();
	w = loaded("server_host = /run/pg\nserver_port = 5433\n");
	assert_string_equal(w->where, "/run/pg/.s.PGSQL.5433");
	assert_true(w->naddresses == 1 && w->address[0].u.any.sa_family == AF_UNIX);
	assert_string_equal(w->address[0].u.un.sun_path, "/run/pg/.s.PGSQL.5433");
	gate_world_unref(&w);
	(void)snprintf(long_path, sizeof(long_path), "server_host = /%0120d\n", 0);
	assert_int_equal(load(long_path, &w, &fail), GH_E_LIMIT);
	assert_int_equal(load("server_host = no-such-host.invalid\n", &w, &fail), GH_E_MISSING);
}

static void
test_certificates_and_roles(void **state)
{
	static const struct { const char *cn, *san, *role; bool allowed; } cases[] = {
		{"ann", "", "ann", true}, {"joanna", "", "ann", false}, {"ann", "", "ann2", false}, {"ann2", "", "ann", false}, {"", "", "ann", false},
		{"ann", "", "", false},   {"ANN", "", "ann", false},
		{"x", "bob@example.org", "bob", true}, {"x", "bob@example.org", "bo", false}, {"x", "bob@example.org", "bobb", false},
		{"x", "bob@exampleXorg", "bob", false}, {"bob@example.org", "", "bob", false} /* that rule is for the SAN */,
		{"x", "bob@example.org.evil", "bob", false}, {"x", "@example.org", "", true} /* an empty group is an empty role: never a user */,
		{"app-12", "", "app_role", true}, {"app-", "", "app_role", false}, {"app-12", "", "app-12", false}, {"xapp-12", "", "app_role", false},
	};
	(void)state;
	put_all();
	struct gate_world *w = loaded("");
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		if (gate_world_cert_allows(w, cases[i].cn, cases[i].san, cases[i].role) != cases[i].allowed)
			fail_msg("cn %s, san %s, role %s", cases[i].cn, cases[i].san, cases[i].role);
	gate_world_unref(&w);
	/* alternatives stay inside the anchors; a group that did not take part gives nothing */
	put("certs", "cn ann|bob eve\ncn (ann)?x \\1\ncn both \\1\n", 0644);
	w = loaded("");
	assert_true(gate_world_cert_allows(w, "ann", "", "eve") && gate_world_cert_allows(w, "bob", "", "eve"));
	assert_false(gate_world_cert_allows(w, "annx", "", "eve"));
	assert_false(gate_world_cert_allows(w, "xbob", "", "eve"));
	assert_true(gate_world_cert_allows(w, "annx", "", "ann"));
	assert_false(gate_world_cert_allows(w, "x", "", ""));
	assert_false(gate_world_cert_allows(w, "both", "", "both"));
	gate_world_unref(&w);
	put("certs", "", 0644);
	w = loaded("");
	assert_false(gate_world_cert_allows(w, "ann", "", "ann"));
	gate_world_unref(&w);
}

static void
test_bad_files(void **state)
{
	static const struct { const char *file, *text; int code; const char *says; } bad[] = {
		{"policy", "policy \"x\" version {", GH_E_PARSE, "policy:1"},
		{"people", "role,name\nann,Ann\nann,Again\n", GH_E_EXISTS, "people:3"},
		{"certs", "cn ann\n", GH_E_PARSE, "certs:1"},
		{"certs", "cn ann ann more\n", GH_E_PARSE, "certs:1"},
		{"certs", "# fine\ndn ann ann\n", GH_E_PARSE, "certs:2"},
		{"certs", "cn ann ann\ncn (ann ann\n", GH_E_PARSE, "certs:2"},
		{"certs", "cn [[:nothing:]] ann\n", GH_E_PARSE, "certs:1"},
	};
	struct gate_world *w = NULL;
	struct base_fail fail;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		put_all();
		put(bad[i].file, bad[i].text, 0644);
		assert_int_equal(load("", &w, &fail), bad[i].code);
		if (!strstr(fail.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, fail.text);
	}
	for (size_t i = 0; i < 3; i++) { /* and files that are not there */
		char path[64];
		put_all();
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(load("", &w, &fail), GH_E_MISSING);
	}
	put_all();
	char *much = base_mem_new(1, (1u << 20) + 2); /* a certificate map over its ceiling */
	memset(much, '#', (1u << 20) + 1);
	put("certs", much, 0644);
	free(much);
	assert_int_equal(load("", &w, &fail), GH_E_LIMIT);
	assert_null(w);
}

static void
test_bad_mark_keys(void **state)
{
	static const struct { const char *text; unsigned mode; int code; } bad[] = {
		{"2020 " KEY "\n", 0600, GH_E_MISSING}, /* none for this year */
		{"2020 xyz\n", 0600, GH_E_PARSE},
		{NULL, 0644, GH_E_DENIED}, /* others may read it */
		{NULL, 0640, GH_E_DENIED},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct base_fail fail;
		put_all();
		struct gate_world *w = loaded("");
		if (bad[i].text) {
			put("keys", bad[i].text, bad[i].mode);
		} else {
			char path[64];
			(void)snprintf(path, sizeof(path), "%s/keys", dir);
			assert_int_equal(chmod(path, bad[i].mode), 0);
		}
		assert_int_equal(gate_world_bind(w, shop_map(SHOP_POLICY), &fail), bad[i].code);
		assert_true(fail.hint[0] != '\0'); /* what to do */
		gate_world_unref(&w);
	}
}

/* A map that was bound anew gets a world of the same files, which live as long as one of these worlds does. */
static void
test_a_world_again(void **state)
{
	struct base_fail fail;
	(void)state;
	put_all();
	struct gate_world *w = loaded("server_host = 127.0.0.1\nserver_port = 15432\n"), *next, *third;
	shop_must(gate_world_bind(w, shop_map(SHOP_POLICY), &fail) == 0, fail.text);
	const struct policy_map *map = w->map;
	next = gate_world_again(w, 8, shop_map(SHOP_POLICY));
	third = gate_world_again(next, 9, shop_map(SHOP_POLICY));
	assert_int_equal(third->version, 9);
	assert_ptr_equal(third->conf, w->conf);
	assert_ptr_equal(third->files, w);
	assert_ptr_not_equal(third->map, map);
	assert_ptr_equal(gate_world_marker(third, base_time_wall_us()), gate_world_marker(w, base_time_wall_us()));
	gate_world_unref(&w);
	gate_world_unref(&next);
	assert_non_null(policy_people_find(third->people, base_span_str("ann")));
	assert_string_equal(third->where, "127.0.0.1:15432");
	gate_world_unref(&third);
}

/* The mask key: needed where the policy shows hashes or tokens, and good wherever it is there. */
static void
test_mask_key(void **state)
{
	static const char *const says[] = {"show id", "mask phone as last 4", "mask phone as hash", "mask phone as token"};
	static const struct { const char *key; unsigned mode; int code, needed; } keys[] = {
		{"mask " KEY "\n", 0600, GH_OK, GH_OK}, {NULL, 0, GH_OK, GH_E_MISSING}, {"mask " KEY "\n", 0640, GH_E_DENIED, GH_E_DENIED},
		{"mask xyz\n", 0600, GH_E_PARSE, GH_E_PARSE}, {"", 0600, GH_E_PARSE, GH_E_PARSE},
	};
	char settings[100], path[64], policy[1024];
	(void)state;
	(void)snprintf(settings, sizeof(settings), "mask_key = %s/mask\n", dir);
	(void)snprintf(path, sizeof(path), "%s/mask", dir);
	for (size_t i = 0; i < BASE_COUNT(says) * BASE_COUNT(keys); i++) {
		struct gate_world *w = NULL;
		struct base_fail fail = {0};
		size_t k = i / BASE_COUNT(says), s = i % BASE_COUNT(says);
		put_all();
		(void)snprintf(policy, sizeof(policy), "%.*s  group g {\n    treat enforce\n    on table public.customers {\n      allow read\n      %s\n    }\n  }\n}\n",
		               (int)strlen(SHOP_POLICY) - 2, SHOP_POLICY, says[s]);
		put("policy", policy, 0644);
		(void)unlink(path);
		if (keys[k].key)
			put("mask", keys[k].key, keys[k].mode);
		int code = s >= 2 ? keys[k].needed : keys[k].code;
		if (load(settings, &w, &fail) != code)
			fail_msg("%s, %s: %s", says[s], keys[k].key ? keys[k].key : "no file", fail.text);
		if (code == GH_OK)
			assert_true((w->secret != NULL) == (keys[k].key != NULL));
		else
			assert_true(fail.hint[0] != '\0' || code != GH_E_MISSING);
		gate_world_unref(&w);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_world_of_good_files),
		cmocka_unit_test(test_a_world_again),
		cmocka_unit_test(test_address_of_a_unix_socket),
		cmocka_unit_test(test_certificates_and_roles),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_bad_mark_keys),
		cmocka_unit_test(test_mask_key),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
