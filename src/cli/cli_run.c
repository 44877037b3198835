/* cli_run: `gatehouse run`: the table of roles for the supervisor. Input: the configuration. Serves nothing itself. */
#include "cli_files.h"
#include "cli_out.h"

#include "base_log.h"
#include "gate_run.h"
#include "keeper_run.h"
#include "proc_metrics.h"

int
cli_run(const struct cli_args *args)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};

	if (cli_files_conf(args, &conf, &fail) < 0)
		return cli_out_fail(&fail);
	base_log_setup(conf->log_format == 1, (enum base_log_level)conf->log_level, "supervisor");
	/* The keeper first: the gate releases nothing without it. */
	const struct proc_role roles[] = {
		{"keeper", keeper_run, true},
		{"gate", gate_run, true},
		{"metrics", proc_metrics_run, *conf->metrics != '\0'},
	};
	int status = proc_supervise(conf, roles, BASE_COUNT(roles));
	proc_conf_free(&conf);
	return status;
}
