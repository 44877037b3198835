/* cli_approve: `gatehouse approve ID`: a second person gives leave. It logs in to the gate like any other client, as that person, and says SET gatehouse.approve; the gate
 * checks the person's group and records who approved what. So the approval is as good as a log-in, and needs no rights on the gate's machine. Input: the operator's own
 * command line, the gate's answer.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_mem.h"
#include "cli_args.h"
#include "cli_out.h"
#include "proc_conf.h"

static void
on_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)fprintf(stdout, "%s\n", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
}

/* Where the configured gate listens, as keywords of libpq; what --connect says wins. */
static PGconn *
connect_gate(const struct cli_args *args, struct base_fail *fail)
{
	const char *said = cli_args_get(args, "connect");
	struct proc_conf *conf = NULL;
	char *host = NULL;
	const char *key[6] = {0}, *value[6] = {0};
	size_t n = 0;

	if (!said) {
		if (proc_conf_load(cli_args_config(args), &conf, fail) < 0)
			return NULL;
		if (conf->listen.count > 0) {
			host = base_mem_str(base_span_str(conf->listen.item[0]));
			char *colon = strrchr(host, ':');
			if (colon) {
				*colon = '\0';
				key[n] = "port";
				value[n++] = colon + 1;
			}
			key[n] = "host";
			value[n++] = host;
		}
	}
	key[n] = "dbname";
	value[n++] = said ? said : conf->database;
	key[n] = "fallback_application_name";
	value[n++] = "gatehouse approve";
	PGconn *c = PQconnectdbParams(key, value, 1);
	free(host);
	proc_conf_free(&conf);
	if (PQstatus(c) != CONNECTION_OK) {
		(void)base_fail_set(fail, GH_E_IO, "%s", PQerrorMessage(c));
		for (char *p = fail->text; *p; p++)
			if (*p == '\n')
				*p = p[1] ? ' ' : '\0';
		PQfinish(c);
		return NULL;
	}
	return c;
}

int
cli_approve(const struct cli_args *args)
{
	struct base_fail fail = {.text = ""};

	PGconn *c = connect_gate(args, &fail);
	if (!c)
		return cli_out_fail(&fail);
	(void)PQsetNoticeReceiver(c, on_notice, NULL);
	char *id = PQescapeLiteral(c, args->operand[0], strlen(args->operand[0]));
	char sql[256];
	int rc = CLI_EXIT_ERROR;
	if (id && (size_t)snprintf(sql, sizeof(sql), "SET gatehouse.approve = %s", id) < sizeof(sql)) {
		PGresult *r = PQexec(c, sql);
		if (PQresultStatus(r) == PGRES_COMMAND_OK) {
			rc = CLI_EXIT_OK;
		} else {
			const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), *hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
			(void)base_fail_set(&fail, GH_E_DENIED, "%s", text ? text : PQerrorMessage(c));
			if (hint)
				base_fail_hint(&fail, "%s", hint);
			(void)cli_out_fail(&fail);
			rc = CLI_EXIT_NONE;
		}
		PQclear(r);
	} else {
		(void)cli_out_error("that is no request's id");
	}
	PQfreemem(id);
	PQfinish(c);
	return rc;
}
