/* cli_main: finds the command in the table (cli_commands.def) and runs it. */
#ifndef CLI_MAIN_H
#define CLI_MAIN_H
int cli_main(int argc, char **argv);
#endif
