/* cli_completion: `gatehouse completion bash`: a script made from the table of commands. */
#include "cli_args.h"

#include "base_text.h"
#include "cli_out.h"

/* Second words of the commands that start with this word (n bytes), or all first words (n = 0), each once. */
static void
print_words(const char *first, size_t n)
{
	const char *last = "";
	size_t last_n = 0;

	for (const struct cli_row *row = cli_rows; row->name; row++) {
		size_t words = strcspn(row->name, " ");
		if (!row->run)
			continue;
		if (n > 0) {
			if (row->name[words] == ' ' && words == n && memcmp(row->name, first, n) == 0)
				printf(" %s", row->name + n + 1);
			continue;
		}
		if (words == last_n && memcmp(row->name, last, words) == 0)
			continue;
		printf(" %.*s", (int)words, row->name);
		last = row->name;
		last_n = words;
	}
}

static void
print_options(const struct cli_row *command)
{
	for (const struct cli_row *row = command + 1; row->name && !row->run; row++)
		printf(" --%s", row->name);
	fputs(" --help", stdout);
}

int
cli_completion(const struct cli_args *args)
{
	char shown[64];
	struct base_span shell = base_span_str(args->operand[0]);

	if (!base_span_is(shell, "bash"))
		return cli_out_error("no completion for %s; there is one for bash", base_text_quote(shown, sizeof shown, shell, 40));
	fputs("# bash completion of gatehouse; made by `gatehouse completion bash`\n"
	      "_gatehouse()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
	      "\tcase $prev in\n"
	      "\t-c|--config|-l|--ledger|--policy|--keys) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	      "\tesac\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords='", stdout);
	print_words("", 0);
	fputs("'\n\telse\n\t\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", stdout);
	for (const struct cli_row *row = cli_rows; row->name; row++) {
		if (!row->run)
			continue;
		printf("\t\t'%s'%s) words='", row->name, strchr(row->name, ' ') ? "" : "\\ *");
		print_options(row);
		fputs("' ;;\n", stdout);
	}
	for (const struct cli_row *row = cli_rows; row->name; row++) {
		size_t n = strcspn(row->name, " ");
		bool first = row->run && row->name[n] == ' ';
		for (const struct cli_row *before = cli_rows; first && before < row; before++)
			first = !(before->run && strncmp(before->name, row->name, n + 1) == 0);
		if (!first)
			continue;
		printf("\t\t%.*s\\ *) [ \"$COMP_CWORD\" = 2 ] && words='", (int)n, row->name);
		print_words(row->name, n);
		fputs("' ;;\n", stdout);
	}
	fputs("\t\tesac\n\tfi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _gatehouse gatehouse\n", stdout);
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}
