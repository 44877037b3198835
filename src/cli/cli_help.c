/* cli_help: `gatehouse help [COMMAND]` and `gatehouse version`: printed from the table, so that they cannot disagree with it. */
#include "cli_help.h"

#include "cli_out.h"
#include "base_text.h"

void
cli_help_all(FILE *f)
{
	fputs("gatehouse stands between people and a customer database and writes down whose record each of them looked at.\n\n"
	      "usage: gatehouse COMMAND [OPTION...]\n\n", f);
	for (const struct cli_row *row = cli_rows; row->name; row++)
		if (row->run)
			fprintf(f, "  %-16s %s\n", row->name, row->help);
	fputs("\n`gatehouse help COMMAND` or `gatehouse COMMAND --help` explains one; gatehouse(1) has it all.\n", f);
}

void
cli_help_command(FILE *f, const struct cli_row *command)
{
	bool first = true;

	fprintf(f, "usage: gatehouse %s%s%s%s\n\n  %s\n", command->name, command[1].name && !command[1].run ? " [OPTION...]" : "",
	    *command->arg ? " " : "", command->arg, command->help);
	for (const struct cli_row *row = command + 1; row->name && !row->run; row++) {
		char left[64];
		(void)snprintf(left, sizeof left, "--%s%s%s", row->name, *row->arg ? " " : "", row->arg);
		if (first)
			fputc('\n', f);
		first = false;
		if (row->letter)
			fprintf(f, "  -%c, %-22s %s\n", row->letter, left, row->help);
		else
			fprintf(f, "      %-22s %s\n", left, row->help);
	}
}

int
cli_help(const struct cli_args *args)
{
	int words = 0;
	char shown[128];

	if (args->count == 0) {
		cli_help_all(stdout);
		return CLI_EXIT_OK;
	}
	const struct cli_row *command = cli_args_command(args->count, args->operand, &words);
	if (command) {
		cli_help_command(stdout, command);
		return CLI_EXIT_OK;
	}
	/* The first word of two-word commands: explain all of them. */
	size_t n = strlen(args->operand[0]);
	bool any = false;
	for (const struct cli_row *row = cli_rows; row->name && args->count == 1; row++)
		if (row->run && strlen(row->name) > n && row->name[n] == ' ' && base_span_is(base_span(row->name, n), args->operand[0])) {
			if (any)
				putchar('\n');
			cli_help_command(stdout, row);
			any = true;
		}
	if (any)
		return CLI_EXIT_OK;
	return cli_out_error("there is no command %s; `gatehouse help` lists them", base_text_quote(shown, sizeof shown, base_span_str(args->operand[0]), 60));
}

int
cli_version(const struct cli_args *args)
{
	(void)args;
	puts("gatehouse " GH_VERSION);
	return CLI_EXIT_OK;
}
