/* cli_live: see cli_live.h. Input: trusted files, and the database server's answers through libpq, which are checked. With read_only the control
 * connection can change nothing; `policy floor --apply` alone asks for one that can.
 */
#include "cli_live.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_file.h"
#include "base_mem.h"
#include "base_num.h"
#include "gate_catalog.h"
#include "gate_judge.h"
#include "gate_objects.h"

int
cli_live_files(struct cli_live *l, const struct cli_args *args, const char *policy, struct base_fail *fail)
{
	struct base_buf text;
	int rc = cli_files_conf(args, &l->conf, fail);

	if (rc < 0)
		return rc;
	if (!policy) {
		rc = cli_files_policy(l->conf, &l->policy, fail);
	} else {
		base_buf_init(&text, POLICY_FILE_SIZE_MAX);
		rc = base_file_read(AT_FDCWD, policy, &text, fail);
		if (rc >= 0)
			rc = policy_file_parse(base_buf_span(&text), policy, &l->policy, fail);
		base_buf_done(&text);
	}
	if (rc >= 0 && *l->conf->people)
		rc = cli_files_people(l->conf, &l->people, fail);
	return rc < 0 ? rc : 0;
}

static void
ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

void
cli_live_server_fail(const PGconn *conn, struct base_fail *fail, const char *what)
{
	(void)base_fail_set(fail, GH_E_IO, "%s: %s", what, PQerrorMessage(conn));
	for (char *p = fail->text; *p; p++) /* libpq's messages have line ends */
		if (*p == '\n')
			*p = p[1] ? ' ' : '\0';
}

int
cli_live_connect(struct cli_live *l, bool read_only, struct base_fail *fail)
{
	char timeout[24];
	const char *const key[] = {"dbname", "fallback_application_name", "connect_timeout", "client_encoding", NULL};

	if (!*l->conf->control) {
		base_fail_set(fail, GH_E_MISSING, "%s: control is not set", l->conf->file);
		base_fail_hint(fail, "it says how to reach the database that is asked");
		return GH_E_MISSING;
	}
	(void)snprintf(timeout, sizeof(timeout), "%u", (unsigned)((l->conf->server_connect_timeout + 999999) / 1000000));
	const char *const value[] = {l->conf->control, "gatehouse", timeout, "UTF8", NULL};
	l->conn = PQconnectdbParams(key, value, 1);
	if (PQstatus(l->conn) != CONNECTION_OK) {
		cli_live_server_fail(l->conn, fail, "control connection");
		base_fail_hint(fail, "control = \"...\" in %s", l->conf->file);
		return fail->code;
	}
	(void)PQsetNoticeReceiver(l->conn, ignore_notice, NULL);
	PGresult *r = PQexec(l->conn, read_only ? "SET search_path = ''; SET default_transaction_read_only = on; SET statement_timeout = '60s'" : "SET search_path = ''");
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
	PQclear(r);
	if (!ok) {
		cli_live_server_fail(l->conn, fail, "control connection");
		return fail->code;
	}
	if (strcmp(PQdb(l->conn), l->conf->database) != 0)
		return base_fail_set(fail, GH_E_PARSE, "control connection is to database \"%s\", but database = \"%s\"", PQdb(l->conn), l->conf->database);
	return 0;
}

int
cli_live_judge(struct cli_live *l, struct base_fail *fail)
{
	int rc = gate_judge_open(l->conf, &l->judge, fail);

	return rc < 0 ? rc : gate_judge_golden(l->judge, fail);
}

int
cli_live_bind(struct cli_live *l, struct base_fail *fail)
{
	int rc = gate_catalog_bind(l->conn, l->policy, &l->map, fail);

	if (rc == 0)
		rc = gate_objects_give(l->conn, l->map, false, fail);
	if (rc == 0 && l->judge)
		rc = gate_judge_questions(l->judge, l->map, fail);
	return rc;
}

int
cli_live_open(struct cli_live *l, const struct cli_args *args, const char *policy, struct base_fail *fail)
{
	int rc;

	if ((rc = cli_live_files(l, args, policy, fail)) < 0 || (rc = cli_live_connect(l, true, fail)) < 0 || (rc = cli_live_judge(l, fail)) < 0)
		return rc;
	return cli_live_bind(l, fail);
}

void
cli_live_done(struct cli_live *l)
{
	policy_map_unref(&l->map);
	gate_judge_close(&l->judge);
	PQfinish(l->conn);
	policy_people_unref(&l->people);
	policy_file_free(&l->policy);
	proc_conf_free(&l->conf);
	*l = (struct cli_live){0};
}

int
cli_live_query(PGconn *conn, const char *sql, int nparams, const char *const *params, int columns, PGresult **r, struct base_fail *fail)
{
	*r = PQexecParams(conn, sql, nparams, NULL, params, NULL, NULL, 0);
	if (PQresultStatus(*r) == PGRES_TUPLES_OK && PQnfields(*r) == columns)
		return 0;
	cli_live_server_fail(conn, fail, "control connection");
	PQclear(*r);
	*r = NULL;
	return fail->code;
}

struct base_span
cli_live_value(const PGresult *r, int row, int col)
{
	return base_span(PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col));
}

uint32_t
cli_live_oid(const PGresult *r, int row, int col)
{
	uint64_t v = 0;

	return base_num_u64(cli_live_value(r, row, col), 0, UINT32_MAX, &v) == GH_OK ? (uint32_t)v : 0;
}

void
cli_live_array(struct base_buf *out, const struct base_span *item, size_t n)
{
	base_buf_u8(out, '{');
	for (size_t i = 0; i < n; i++) {
		base_buf_str(out, i ? ",\"" : "\"");
		for (size_t k = 0; k < item[i].n; k++) {
			if (item[i].p[k] == '"' || item[i].p[k] == '\\')
				base_buf_u8(out, '\\');
			base_buf_u8(out, item[i].p[k]);
		}
		base_buf_u8(out, '"');
	}
	base_buf_u8(out, '}');
}

int
cli_live_enforced(const struct cli_live *l, struct cli_enforced_list *list_r, struct base_fail *fail)
{
	size_t n = l->people ? policy_people_count(l->people) : 0;
	struct cli_enforced_list list = {base_mem_new(n + 1, sizeof(*list.item)), 0};
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct policy_person *p = policy_people_at(l->people, i);
		struct policy_scope *scope = NULL;
		rc = policy_scope_new(l->map, p->groups, p->ngroups, &scope);
		if (rc == 0 && scope->treat == POLICY_ENFORCE)
			list.item[list.n++] = (struct cli_enforced){p, scope};
		else
			policy_scope_unref(&scope);
	}
	if (rc < 0) {
		cli_enforced_done(&list);
		return base_fail_set(fail, rc, "not enough memory for what the people may do");
	}
	*list_r = list;
	return 0;
}

void
cli_enforced_done(struct cli_enforced_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		policy_scope_unref(&list->item[i].scope);
	free(list->item);
	*list = (struct cli_enforced_list){0};
}
