/* cli_main: from argv to the command's function. Input: the operator's command line. Does nothing itself. */
#include "cli_main.h"

#include <locale.h>

#include "base_crypt.h"
#include "base_text.h"
#include "cli_args.h"
#include "cli_help.h"
#include "cli_out.h"

#define NAMES_MAX 64u

/* The word that looks like what was typed: a command, or the first or second word of one. */
static int
unknown(int argc, char **argv)
{
	const char *names[NAMES_MAX];
	size_t count = 0;
	char shown[128], joined[64];
	struct base_buf typed;

	base_buf_init(&typed, sizeof joined);
	base_buf_str(&typed, argv[0]);
	bool group = false; /* argv[0] is the first word of two-word commands */
	for (const struct cli_row *row = cli_rows; row->name; row++) {
		if (!row->run || count == NAMES_MAX)
			continue;
		names[count++] = row->name;
		const char *space = strchr(row->name, ' ');
		group = group || (space && base_span_is(base_span(row->name, (size_t)(space - row->name)), argv[0]));
	}
	if (argc > 1 && argv[1][0] != '-') {
		base_buf_u8(&typed, ' ');
		base_buf_str(&typed, argv[1]);
	}
	const char *near = typed.bad ? NULL : base_text_nearest(base_buf_span(&typed), names, count);
	if (!near)
		near = base_text_nearest(base_span_str(argv[0]), names, count);
	cli_out_error("unknown command %s", base_text_quote(shown, sizeof shown, typed.bad || !group ? base_span_str(argv[0]) : base_buf_span(&typed), 80));
	base_buf_done(&typed);
	if (near)
		fprintf(stderr, "hint: did you mean `gatehouse %s`?\n", near);
	else if (group) {
		fputs("hint: one of:", stderr);
		for (const struct cli_row *row = cli_rows; row->name; row++)
			if (row->run && strncmp(row->name, argv[0], strlen(argv[0])) == 0 && row->name[strlen(argv[0])] == ' ')
				fprintf(stderr, " `gatehouse %s`", row->name);
		fputc('\n', stderr);
	} else
		fputs("hint: gatehouse help\n", stderr);
	return CLI_EXIT_ERROR;
}

int
cli_main(int argc, char **argv)
{
	struct cli_args args;
	struct base_fail fail = {0};
	int words = 0;

	(void)setlocale(LC_ALL, ""); /* widths of names in tables; a missing locale leaves "C" */
	base_crypt_init();
	if (argc < 2) {
		cli_help_all(stderr);
		return CLI_EXIT_ERROR;
	}
	argc--;
	argv++;
	if (base_span_is(base_span_str(argv[0]), "--help") || base_span_is(base_span_str(argv[0]), "-h")) {
		cli_help_all(stdout);
		return CLI_EXIT_OK;
	}
	if (base_span_is(base_span_str(argv[0]), "--version") || base_span_is(base_span_str(argv[0]), "-V"))
		return cli_version(NULL);
	const struct cli_row *command = cli_args_command(argc, argv, &words);
	if (!command)
		return unknown(argc, argv);
	int rc = cli_args_parse(command, argc - (words - 1), argv + (words - 1), &args, &fail);
	if (rc == GH_E_MISSING && !*fail.text) {
		cli_help_command(stdout, command);
		return CLI_EXIT_OK;
	}
	if (rc < 0) {
		base_fail_where(&fail, "%s", command->name);
		return cli_out_fail(&fail);
	}
	return command->run(&args);
}
