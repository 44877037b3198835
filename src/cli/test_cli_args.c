/* test_cli_args: the table of commands is sound, and wrong words get clear answers. */
#include "cli_args.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct try {
	const char *line;  /* words, one blank between */
	int rc;
	const char *text;  /* of the error */
	const char *hint;
};

static const struct try tries[] = {
	{"run -c x.conf", 0, "", ""},
	{"run --config=x.conf", 0, "", ""},
	{"run --confg x", GH_E_PARSE, "unknown option --confg", "did you mean --config?"},
	{"run -c", GH_E_PARSE, "-c needs an argument", ""},
	{"run -x", GH_E_PARSE, "unknown option -x", "gatehouse help run"},
	{"run --zzzzzz", GH_E_PARSE, "unknown option --zzzzzz", "gatehouse help run"},
	{"run -c a -c b", GH_E_PARSE, "--config is given twice", ""},
	{"run now", GH_E_PARSE, "unexpected word now", "gatehouse help run"},
	{"run --help", GH_E_MISSING, "", ""},
	{"ledger verify --json=yes", GH_E_PARSE, "--json=yes takes no argument", "gatehouse help ledger verify"},
	{"ledger tail -n 5 -f", 0, "", ""},
	{"key add", GH_E_PARSE, "YEAR is missing", "gatehouse help key add"},
	{"key add 2027 2028", GH_E_PARSE, "unexpected word 2028", "gatehouse help key add"},
	{"seen --kind customer.phone 138", 0, "", ""},
	{"suspend wang --why left", 0, "", ""},
	{"suspend --employer North -w left -j", 0, "", ""},
	{"suspend wang li", GH_E_PARSE, "unexpected word li", "gatehouse help suspend"},
	{"resume wang --wy x", GH_E_PARSE, "unknown option --wy", "did you mean --why?"},
	{"seen", 0, "", ""},
	{"policy floor a b c d", 0, "", ""},
	{"policy floor --role a b -c x", 0, "", ""},
	{"policy explain bo", GH_E_PARSE, "SQL is missing", "gatehouse help policy explain"},
	{"policy check a b", GH_E_PARSE, "unexpected word b", "gatehouse help policy check"},
};

static void
test_tries(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		char line[128], *argv[16];
		int argc = 0, words = 0;
		struct cli_args args;
		struct base_fail fail = {0};

		memcpy(line, tries[i].line, strlen(tries[i].line) + 1);
		for (char *p = line; *p;) {
			argv[argc++] = p;
			p += strcspn(p, " ");
			if (*p)
				*p++ = '\0';
		}
		argv[argc] = NULL;
		const struct cli_row *command = cli_args_command(argc, argv, &words);
		assert_non_null(command);
		int rc = cli_args_parse(command, argc - (words - 1), argv + (words - 1), &args, &fail);
		if (rc != tries[i].rc || strcmp(fail.text, tries[i].text) != 0 || strcmp(fail.hint, tries[i].hint) != 0)
			fail_msg("%s: %d \"%s\" \"%s\"", tries[i].line, rc, fail.text, fail.hint);
	}
}

static void
test_values(void **state)
{
	char *argv[] = {"tail", "-f", "--lines", "7", NULL}, *two[] = {"ledger", "tail", NULL}, *none[] = {"ledger", "tale", NULL};
	struct cli_args args;
	int words = 0;

	(void)state;
	assert_null(cli_args_command(2, none, &words));
	assert_null(cli_args_command(1, two, &words));
	const struct cli_row *command = cli_args_command(2, two, &words);
	assert_int_equal(words, 2);
	assert_int_equal(cli_args_parse(command, 4, argv, &args, NULL), 0);
	assert_string_equal(cli_args_get(&args, "lines"), "7");
	assert_string_equal(cli_args_get(&args, "follow"), "");
	assert_null(cli_args_get(&args, "json"));
}

/* The first row is a command; no command has an option or a letter twice, nor more options than fit; all have help. */
static void
test_table(void **state)
{
	(void)state;
	assert_non_null(cli_rows[0].run);
	for (const struct cli_row *c = cli_rows; c->name; c++) {
		assert_true(*c->name && *c->help);
		if (!c->run)
			continue;
		size_t n = 0;
		for (const struct cli_row *o = c + 1; o->name && !o->run; o++, n++)
			for (const struct cli_row *other = c + 1; other < o; other++) {
				assert_string_not_equal(o->name, other->name);
				assert_true(o->letter == 0 || o->letter != other->letter);
			}
		assert_true(n <= CLI_OPTIONS_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tries), cmocka_unit_test(test_values), cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
