/* cli_help: help texts from the table of commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli_args.h"

void cli_help_all(FILE *f);
void cli_help_command(FILE *f, const struct cli_row *command);

#endif
