/* test_proc_conf: values of every type, every error with its exact text, the printed form read back. */
#include "proc_conf.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUIRED "database = crm\ncontrol = host=/run/pg dbname=crm\npolicy = crm.gate\nledger_origin = example/ledger\n"

static struct proc_conf *
parse(const char *text, const char *path)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};

	if (proc_conf_parse(base_span_str(text), path, &conf, &fail) < 0)
		fail_msg("%s", fail.text);
	return conf;
}

static void
test_defaults(void **state)
{
	struct proc_conf *c = parse(REQUIRED, "/etc/gatehouse/gatehouse.conf");

	(void)state;
	assert_string_equal(c->file, "/etc/gatehouse/gatehouse.conf");
	assert_string_equal(c->dir, "/etc/gatehouse");
	assert_string_equal(c->node, "gatehouse");
	assert_int_equal(c->listen.count, 1);
	assert_string_equal(c->listen.item[0], "127.0.0.1:6432");
	assert_string_equal(c->listen_socket, "");
	assert_int_equal(c->tls, PROC_TLS_ALLOW);
	assert_int_equal(c->server_tls, PROC_SERVER_TLS_OFF);
	assert_int_equal(c->ledger_durability, PROC_DURABILITY_FLUSH);
	assert_string_equal(c->policy, "/etc/gatehouse/crm.gate");
	assert_string_equal(c->mark_keys, "/etc/gatehouse/mark.keys");
	assert_string_equal(c->control, "host=/run/pg dbname=crm");
	assert_string_equal(c->auth_query, "SELECT usename, passwd FROM gatehouse.get_auth($1)");
	assert_int_equal(c->startup_parameters.count, 18);
	assert_int_equal(c->server_port, 5432);
	assert_int_equal(c->hold_size, 256 * 1024);
	assert_int_equal(c->login_timeout, 15000000);
	assert_int_equal(c->idle_timeout, 0);
	proc_conf_free(&c);
	assert_null(c);
	proc_conf_free(&c);
}

static void
test_values(void **state)
{
	struct proc_conf *c = parse("# comment\n\n \t# another\n" REQUIRED
				    "  node =  north gate  # the first\n"
				    "listen = 0.0.0.0:6432 , [::1]:6433,localhost:1\n"
				    "listen_socket=/run/gh/.s.PGSQL.6432\n"
				    "auth_query = \"SELECT \\\"a#b\\\" \\\\ # $1\" # quoted\n"
				    "people = people#1.csv\n"
				    "cert_map = \"\"\n"
				    "mark_keys = /k\n"
				    "workers = 256\ntls = off\nserver_tls = verify-full\nledger_durability = write\nhold_size = 1MiB\n"
				    "login_timeout = 500ms\nidle_timeout = 2h\nmetrics = run/metrics.sock\nlog_level = error",
	    "gatehouse.conf");

	(void)state;
	assert_string_equal(c->file, "gatehouse.conf");
	assert_string_equal(c->dir, ".");
	assert_string_equal(c->node, "north gate");
	assert_int_equal(c->listen.count, 3);
	assert_string_equal(c->listen.item[1], "[::1]:6433");
	assert_string_equal(c->auth_query, "SELECT \"a#b\" \\ # $1");
	assert_string_equal(c->people, "./people#1.csv");
	assert_string_equal(c->cert_map, "");
	assert_string_equal(c->mark_keys, "/k");
	assert_int_equal(c->workers, 256);
	assert_int_equal(c->tls, PROC_TLS_OFF);
	assert_int_equal(c->server_tls, PROC_SERVER_TLS_VERIFY_FULL);
	assert_int_equal(c->ledger_durability, PROC_DURABILITY_WRITE);
	assert_int_equal(c->hold_size, 1 << 20);
	assert_int_equal(c->login_timeout, 500000);
	assert_int_equal(c->idle_timeout, UINT64_C(7200) * 1000000);
	assert_string_equal(c->metrics, "./run/metrics.sock");
	assert_int_equal(c->log_level, 3);
	proc_conf_free(&c);
	c = parse(REQUIRED "listen =\nlisten_socket = s\n", "/gatehouse.conf");
	assert_int_equal(c->listen.count, 0);
	assert_string_equal(c->listen_socket, "/s");
	proc_conf_free(&c);
}

static const struct {
	const char *text; /* REQUIRED comes in front, so its lines are 1 to 4 */
	const char *message;
} bad[] = {
	{"listn = x", "c:5: unknown setting \"listn\"; did you mean \"listen\"?"},
	{"\nLISTEN = x", "c:6: unknown setting \"LISTEN\""},
	{"wholly_unknown = x", "c:5: unknown setting \"wholly_unknown\""},
	{"node", "c:5: expected: name = value"},
	{"= x", "c:5: expected: name = value"},
	{"node = a\n\nnode = b", "c:7: node is set twice, first on line 5"},
	{"node = \"a", "c:5: node: the closing quote is missing"},
	{"node = \"a\\", "c:5: node: a backslash in quotes must come before \" or \\"},
	{"node = \"a\\n\"", "c:5: node: a backslash in quotes must come before \" or \\"},
	{"node = \"a\" b", "c:5: node: text after the closing quote"},
	{"node = a\rb", "c:5: control character \\x0d"},
	{"node = a\xff", "c:5: invalid UTF-8"},
	{"workers = many", "c:5: workers: \"many\" is not a number"},
	{"workers =", "c:5: workers: \"\" is not a number"},
	{"workers = 257", "c:5: workers: 257 is outside 0..256"},
	{"workers = 99999999999999999999999", "c:5: workers: 99999999999999999999999 is outside 0..256"},
	{"workers = -1", "c:5: workers: \"-1\" is not a number"},
	{"server_port = 0", "c:5: server_port: 0 is outside 1..65535"},
	{"hold_size = 1", "c:5: hold_size: 1 is outside 65536..16777216"},
	{"hold_size = 64 KB", "c:5: hold_size: \"64 KB\" is not a size (4096, 64KiB, 1MiB)"},
	{"idle_timeout = 5 s", "c:5: idle_timeout: \"5 s\" is not a duration (500ms, 5s, 10min, 2h, 1d)"},
	{"idle_timeout = 367d", "c:5: idle_timeout: 367d is more than 366d"},
	{"tls = yes", "c:5: tls: \"yes\" is none of: off, allow, require"},
	{"tls = of", "c:5: tls: \"of\" is none of: off, allow, require"},
	{"tls =", "c:5: tls: \"\" is none of: off, allow, require"},
	{"startup_parameters = a,,b", "c:5: startup_parameters: empty item in the list"},
	{"startup_parameters = a,", "c:5: startup_parameters: empty item in the list"},
	{"listen = 127.0.0.1", "c: listen: \"127.0.0.1\" is not host:port or [v6]:port"},
	{"listen = db.example:5432", "c: listen: \"db.example:5432\" is not host:port or [v6]:port"},
	{"listen = ::1:5432", "c: listen: \"::1:5432\" is not host:port or [v6]:port"},
	{"listen = [::1]5432", "c: listen: \"[::1]5432\" is not host:port or [v6]:port"},
	{"listen = [127.0.0.1]:5432", "c: listen: \"[127.0.0.1]:5432\" is not host:port or [v6]:port"},
	{"listen = :5432", "c: listen: \":5432\" is not host:port or [v6]:port"},
	{"listen = 1.2.3.4:0", "c: listen: \"1.2.3.4:0\" is not host:port or [v6]:port"},
	{"listen = 1.2.3.4:65536", "c: listen: \"1.2.3.4:65536\" is not host:port or [v6]:port"},
	{"listen = 1.2.3.4:1, 1.2.3.4:1", "c: listen: 1.2.3.4:1 is there twice"},
	{"listen =", "c: nothing to listen on"},
	{"metrics = 10.0.0.1:9187", "c: metrics: 10.0.0.1:9187 is not a loopback address"},
	{"metrics = 0.0.0.0:9187", "c: metrics: 0.0.0.0:9187 is not a loopback address"},
	{"metrics = [::]:9187", "c: metrics: [::]:9187 is not a loopback address"},
	{"metrics = 9187", "c: metrics: \"9187\" is not host:port or [v6]:port"},
	{"tls = require", "c: tls = require needs tls_cert and tls_key"},
	{"tls_cert = a", "c: tls_cert is set, so tls_key must be"},
	{"server_key = a", "c: server_key is set, so server_cert must be"},
	{"tls_client_ca = a", "c: tls_client_ca needs TLS: tls, tls_cert and tls_key"},
	{"cert_map = a", "c: cert_map needs tls_client_ca"},
	{"login_timeout = 0", "c: login_timeout must be at least 10ms"},
	{"node = \"\"", "c: node must not be empty"},
	{"run_dir =", "c: run_dir must not be empty"},
};

static void
check_error(const char *text, const char *message)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	int rc = proc_conf_parse(base_span_str(text), "c", &conf, &fail);

	assert_true(rc < 0);
	assert_int_equal(fail.code, rc);
	assert_string_equal(fail.text, message);
	assert_null(conf);
}

static void
test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct base_buf b;

		base_buf_init(&b, 1u << 16);
		base_buf_str(&b, REQUIRED);
		base_buf_cstr(&b, bad[i].text);
		check_error((const char *)base_buf_span(&b).p, bad[i].message);
		base_buf_done(&b);
	}
	check_error("", "c: database is not set");
	check_error("database = \"\"\n", "c: database is not set");
	check_error("database = x\ncontrol = y\nledger_origin = o\n", "c: policy is not set");
}

static void
test_long(void **state)
{
	static char text[2u << 20];
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(proc_conf_parse(base_span(text, sizeof(text)), "c", &conf, &fail), GH_E_LIMIT);
	assert_string_equal(fail.text, "c: file is longer than 1048576 bytes");
	assert_int_equal(proc_conf_parse(base_span(text, 8193), "c", &conf, &fail), GH_E_LIMIT);
	assert_string_equal(fail.text, "c:1: line is longer than 8192 bytes");
	memset(text, '\n', sizeof(text));
	assert_int_equal(proc_conf_parse(base_span(text, 1u << 20), "c", &conf, &fail), GH_E_PARSE);
	memcpy(text, REQUIRED "run_dir = ", sizeof(REQUIRED "run_dir = ") - 1);
	memset(text + sizeof(REQUIRED "run_dir = ") - 1, 'r', 200);
	assert_int_equal(proc_conf_parse(base_span(text, 1000), "c", &conf, &fail), GH_E_LIMIT);
	memcpy(text, REQUIRED "listen_socket = ", sizeof(REQUIRED "listen_socket = ") - 1);
	assert_int_equal(proc_conf_parse(base_span(text, 1000), "c", &conf, &fail), GH_E_LIMIT);
}

/* Truncated at every length: an error with a reason, or a configuration; never a crash. */
static void
test_truncated(void **state)
{
	static const char text[] = REQUIRED "node = \"a \\\" b\" # c\nlisten = [::1]:5, 127.0.0.1:6\nhold_size = 64KiB\ntls = off\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		struct proc_conf *conf = NULL;
		struct base_fail fail = {0};
		uint8_t *exact = malloc(n > 0 ? n : 1);

		assert_non_null(exact);
		memcpy(exact, text, n);
		if (proc_conf_parse(base_span(exact, n), "c", &conf, &fail) < 0)
			assert_true(fail.text[0] != '\0');
		proc_conf_free(&conf);
		free(exact);
	}
}

/* The printed defaults, uncommented, are a configuration with the same values. */
static void
test_print(void **state)
{
	struct base_buf printed, text;
	struct proc_conf *a, *b;
	struct base_span line;
	struct base_cursor c;

	(void)state;
	base_buf_init(&printed, 1u << 20);
	base_buf_init(&text, 1u << 20);
	proc_conf_print(&printed);
	c = base_cursor(base_buf_span(&printed));
	while (base_cursor_until(&c, '\n', &line)) {
		static const char *const required[] = {"#database =", "#control =", "#policy =", "#ledger_origin ="};
		bool skip = line.n < 2 || line.p[0] != '#' || line.p[1] == ' ';

		for (size_t i = 0; i < BASE_COUNT(required); i++)
			skip = skip || (line.n >= strlen(required[i]) && memcmp(line.p, required[i], strlen(required[i])) == 0);
		if (skip)
			continue;
		base_buf_put(&text, base_span(line.p + 1, line.n - 1));
		base_buf_u8(&text, '\n');
	}
	base_buf_cstr(&text, REQUIRED);
	a = parse((const char *)base_buf_span(&text).p, "/d/c");
	b = parse(REQUIRED, "/d/c");
#define PROC_TEXT(name, def, help) assert_string_equal(a->name, b->name);
#define PROC_PATH(name, def, help) assert_string_equal(a->name, b->name);
#define PROC_LIST(name, def, help) assert_int_equal(a->name.count, b->name.count);
#define PROC_NUM(name, def, lo, hi, help) assert_int_equal(a->name, b->name);
#define PROC_SIZE(name, def, lo, hi, help) assert_int_equal(a->name, b->name);
#define PROC_TIME(name, def, help) assert_int_equal(a->name, b->name);
#define PROC_ENUM(name, def, words, help) assert_int_equal(a->name, b->name);
#include "proc_conf.def"
	proc_conf_free(&a);
	proc_conf_free(&b);
	base_buf_done(&printed);
	base_buf_done(&text);
}

static void
test_load(void **state)
{
	char folder[] = "/tmp/test_proc_conf_XXXXXX";
	char path[64];
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/c", folder); /* fits */
	assert_int_equal(proc_conf_load(path, &conf, &fail), GH_E_MISSING);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(REQUIRED, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(proc_conf_load("c", &conf, &fail), GH_OK);
	assert_string_equal(conf->file, path);
	assert_string_equal(conf->dir, folder);
	proc_conf_free(&conf);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
