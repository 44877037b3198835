/* cli_args: the table of commands and one parsed command line. Input: the operator's own command line. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base_fail.h"
#include "base_span.h"

#define CLI_EXIT_OK 0
#define CLI_EXIT_NONE 1  /* nothing found; or what was checked does not hold */
#define CLI_EXIT_ERROR 2 /* wrong flags, unreadable files: no answer was given */

#define CLI_OPTIONS_MAX 16u

struct cli_args;

/* A command (run set) or, below it, an option of that command (run NULL). Ends with name NULL. */
struct cli_row {
	const char *name;
	int (*run)(const struct cli_args *args);
	char letter;      /* options only; 0 = none */
	const char *arg;  /* options: argument's name or ""; commands: operands */
	const char *help;
};
extern const struct cli_row cli_rows[];

struct cli_args {
	const struct cli_row *command;
	const char *value[CLI_OPTIONS_MAX]; /* borrow from argv; index = place below the command; "" for a flag; NULL = not given */
	int count;                          /* operands */
	char **operand;                     /* borrow */
};

/* Value of an option, "" for a flag that was given, NULL when it was not. The name must be one of the command's: asserted. */
const char *cli_args_get(const struct cli_args *args, const char *name);

/* The command that argv names (one or two words; *words_r says how many), NULL when there is none. */
const struct cli_row *cli_args_command(int argc, char **argv, int *words_r);
/* Options and operands behind the command's words (argv[0] is the last of them). Permutes argv like getopt_long. "--help" gives
 * GH_E_MISSING with an empty text: the caller prints the command's help. */
BASE_CHECK int cli_args_parse(const struct cli_row *command, int argc, char **argv, struct cli_args *args_r, struct base_fail *fail);

/* The configuration file: --config, else $GATEHOUSE_CONF, else the system's. */
#define CLI_CONFIG_DEFAULT "/etc/gatehouse/gatehouse.conf"
#define CLI_CONFIG_HELP "configuration (default $GATEHOUSE_CONF, else " CLI_CONFIG_DEFAULT ")"
const char *cli_args_config(const struct cli_args *args);

/* The commands, one file each. Each returns the process's exit status. */
#define CLI_COMMAND(name, function, operands, help) int function(const struct cli_args *args);
#define CLI_OPTION(name, letter, arg, help)
#include "cli_commands.def"
#undef CLI_COMMAND
#undef CLI_OPTION

#endif
