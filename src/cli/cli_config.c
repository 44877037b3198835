/* cli_config: `gatehouse config`: every setting as a commented line of a configuration file. Reads nothing. */
#include <stdio.h>

#include "base_buf.h"
#include "cli_args.h"
#include "cli_out.h"
#include "proc_conf.h"

int
cli_config(const struct cli_args *args)
{
	struct base_buf text;

	(void)args;
	base_buf_init(&text, 1u << 20);
	proc_conf_print(&text);
	struct base_span s = base_buf_span(&text);
	size_t written = fwrite(s.p, 1, s.n, stdout);
	bool whole = !text.bad && written == s.n && fflush(stdout) == 0;
	base_buf_done(&text);
	return whole ? CLI_EXIT_OK : cli_out_error("cannot write to standard output");
}
