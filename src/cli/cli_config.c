/* cli_config: `gatehouse config`: every setting as a commented line of a configuration file. Reads nothing. */
#include <stdio.h>

#include "cli_args.h"
#include "cli_out.h"

/* A value with blanks, '#' or nothing in it must be quoted to be read back as it is. */
static void
setting(const char *name, const char *kind, const char *value, const char *help)
{
	const char *quote = *value == '\0' || strpbrk(value, " #\"") ? "\"" : "";

	printf("# %s (%s)\n#%s = %s%s%s\n\n", help, kind, name, quote, value, quote);
}

int
cli_config(const struct cli_args *args)
{
	(void)args;
	fputs("# Every setting of gatehouse.conf with its default. A relative path is relative to this file's folder.\n\n", stdout);
#define PROC_TEXT(name, def, help) setting(#name, "text", def, help);
#define PROC_PATH(name, def, help) setting(#name, "path", def, help);
#define PROC_LIST(name, def, help) setting(#name, "list, comma-separated", def, help);
#define PROC_NUM(name, def, lo, hi, help) setting(#name, "number from " #lo " to " #hi, def, help);
#define PROC_SIZE(name, def, lo, hi, help) setting(#name, "size from " #lo " to " #hi " bytes", def, help);
#define PROC_TIME(name, def, help) setting(#name, "duration: 500ms, 5s, 10min, 2h", def, help);
#define PROC_ENUM(name, def, words, help) setting(#name, "one of: " words, def, help);
#include "proc_conf.def"
	return fflush(stdout) == 0 ? CLI_EXIT_OK : cli_out_error("cannot write to standard output");
}
