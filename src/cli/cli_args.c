/* cli_args: finds the command and reads its options with getopt_long; wrong words are answered with the nearest right one.
 * Input: the operator's own command line (trusted, often mistyped). Opens nothing.
 */
#include "cli_args.h"

#include <assert.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

#include "base_text.h"

const struct cli_row cli_rows[] = {
#define CLI_COMMAND(name, function, operands, help) {name, function, 0, operands, help},
#define CLI_OPTION(name, letter, arg, help) {name, NULL, letter, arg, help},
#include "cli_commands.def"
#undef CLI_COMMAND
#undef CLI_OPTION
	{NULL, NULL, 0, NULL, NULL},
};

/* getopt_long's values for long options start here, so that they never meet a letter; the first two are built in. */
#define CODE_HELP 256
#define CODE_OPTION 257

static bool
is_option(const struct cli_row *row)
{
	return row->name && !row->run;
}

static bool
same(const char *a, const char *b)
{
	return base_span_eq(base_span_str(a), base_span_str(b));
}

const char *
cli_args_get(const struct cli_args *args, const char *name)
{
	for (size_t i = 0; is_option(&args->command[1 + i]); i++)
		if (same(args->command[1 + i].name, name))
			return args->value[i];
	abort(); /* our bug: the command asks for an option that its row does not have */
}

const struct cli_row *
cli_args_command(int argc, char **argv, int *words_r)
{
	for (const struct cli_row *row = cli_rows; row->name; row++) {
		if (!row->run || argc < 1)
			continue;
		const char *space = strchr(row->name, ' ');
		if (!space && same(row->name, argv[0])) {
			*words_r = 1;
			return row;
		}
		if (space && argc > 1 && base_span_is(base_span(row->name, (size_t)(space - row->name)), argv[0]) && same(space + 1, argv[1])) {
			*words_r = 2;
			return row;
		}
	}
	return NULL;
}

const char *
cli_args_config(const struct cli_args *args)
{
	const char *file = cli_args_get(args, "config");
	if (!file)
		file = getenv("GATEHOUSE_CONF");
	return file && *file ? file : CLI_CONFIG_DEFAULT;
}

/* What getopt_long did not like: `word` is the argument it stands in. */
static int
bad_option(const struct cli_row *command, int code, const char *word, struct base_fail *fail)
{
	const char *names[CLI_OPTIONS_MAX + 1];
	size_t count = 0;
	char shown[128], letter[2] = {(char)optopt, 0};

	for (const struct cli_row *row = command + 1; is_option(row); row++)
		names[count++] = row->name;
	names[count++] = "help";
	if (code == ':') {
		base_fail_set(fail, GH_E_PARSE, "%s needs an argument", base_text_quote(shown, sizeof shown, base_span_str(word), 60));
		return GH_E_PARSE;
	}
	if (optopt > 0 && optopt < CODE_HELP) {
		base_fail_set(fail, GH_E_PARSE, "unknown option -%s", base_text_quote(shown, sizeof shown, base_span_str(letter), 1));
	} else if (optopt >= CODE_HELP) {
		base_fail_set(fail, GH_E_PARSE, "%s takes no argument", base_text_quote(shown, sizeof shown, base_span_str(word), 60));
	} else {
		struct base_span typed = base_span_str(word);
		while (typed.n > 0 && typed.p[0] == '-') {
			typed.p++;
			typed.n--;
		}
		const uint8_t *eq = typed.n > 0 ? memchr(typed.p, '=', typed.n) : NULL;
		if (eq)
			typed.n = (size_t)(eq - typed.p);
		base_fail_set(fail, GH_E_PARSE, "unknown option --%s", base_text_quote(shown, sizeof shown, typed, 60));
		const char *near = base_text_nearest(typed, names, count);
		if (near) {
			base_fail_hint(fail, "did you mean --%s?", near);
			return GH_E_PARSE;
		}
	}
	base_fail_hint(fail, "gatehouse help %s", command->name);
	return GH_E_PARSE;
}

/* The table's operands against what was given: words in brackets may be left out, "..." stands for any number. */
static int
check_operands(const struct cli_row *command, int count, char **operand, struct base_fail *fail)
{
	int needed = 0, allowed = 0;
	struct base_span first_missing = base_span("", 0);
	char shown[128];

	for (const char *p = command->arg; *p;) {
		size_t n = strcspn(p, " ");
		if (memmem(p, n, "...", 3))
			allowed = INT_MAX;
		else
			allowed++;
		if (*p != '[') {
			needed++;
			if (needed > count && first_missing.n == 0)
				first_missing = base_span(p, n);
		}
		p += n;
		p += strspn(p, " ");
	}
	if (count < needed) {
		base_fail_set(fail, GH_E_PARSE, "%.*s is missing", (int)first_missing.n, (const char *)first_missing.p);
		base_fail_hint(fail, "gatehouse help %s", command->name);
		return GH_E_PARSE;
	}
	if (count > allowed) {
		base_fail_set(fail, GH_E_PARSE, "unexpected word %s", base_text_quote(shown, sizeof shown, base_span_str(operand[allowed]), 60));
		base_fail_hint(fail, "gatehouse help %s", command->name);
		return GH_E_PARSE;
	}
	return 0;
}

int
cli_args_parse(const struct cli_row *command, int argc, char **argv, struct cli_args *args_r, struct base_fail *fail)
{
	struct option longs[CLI_OPTIONS_MAX + 2] = {0};
	char letters[2 * CLI_OPTIONS_MAX + 4] = ":h"; /* ':' first: getopt_long returns ':' for a missing argument and stays quiet */
	size_t used = 2, count = 0;
	struct cli_args args = {.command = command};
	int code;

	for (; is_option(&command[1 + count]); count++) {
		const struct cli_row *row = &command[1 + count];
		assert(count < CLI_OPTIONS_MAX);
		longs[count] = (struct option){row->name, *row->arg ? required_argument : no_argument, NULL, CODE_OPTION + (int)count};
		if (row->letter) {
			letters[used++] = row->letter;
			if (*row->arg)
				letters[used++] = ':';
		}
	}
	longs[count] = (struct option){"help", no_argument, NULL, CODE_HELP};
	optind = 0; /* GNU: start over, whatever ran before in this process */
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (code == 'h' || code == CODE_HELP)
			return base_fail_set(fail, GH_E_MISSING, "%s", "");
		if (code == '?' || code == ':')
			return bad_option(command, code, argv[optind - 1], fail);
		for (size_t i = 0; i < count; i++)
			if (code == CODE_OPTION + (int)i || (code == command[1 + i].letter && code != 0)) {
				if (args.value[i])
					return base_fail_set(fail, GH_E_PARSE, "--%s is given twice", command[1 + i].name);
				args.value[i] = *command[1 + i].arg ? optarg : "";
			}
	}
	args.count = argc - optind;
	args.operand = argv + optind;
	int rc = check_operands(command, args.count, args.operand, fail);
	if (rc < 0)
		return rc;
	*args_r = args;
	return 0;
}
