/* cli_actor: see cli_actor.h. Input: the operator's statement, a trusted policy, the server's answers. The judge's connection has
 * default_transaction_read_only, so that nothing can be changed by a mistake here.
 */
#include "cli_actor.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "gate_judge.h"
#include "sql_command.h"

static char why_not[512];

static int
run(PGconn *conn, const char *sql, struct base_fail *fail)
{
	PGresult *r = PQexec(conn, sql);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;

	PQclear(r);
	if (ok)
		return 0;
	cli_live_server_fail(conn, fail, "the server refuses");
	return fail->code;
}

static int
set(PGconn *conn, const char *name, struct base_span value, struct base_fail *fail)
{
	char *text = base_mem_str(value);
	const char *const params[] = {name, text};
	PGresult *r = NULL;

	int rc = cli_live_query(conn, "SELECT pg_catalog.set_config($1, $2, false)", 2, params, 1, &r, fail);
	PQclear(r);
	free(text);
	return rc;
}

int
cli_actor_become(const struct cli_live *l, struct base_span role, const struct policy_person *p, const char **why_r, struct base_fail *fail)
{
	PGconn *conn = gate_judge_conn(l->judge);
	struct base_span none = base_span("", 0);
	struct base_buf sql;
	int rc;

	*why_r = NULL;
	if ((rc = run(conn, "RESET ROLE", fail)) < 0 || (rc = set(conn, "search_path", base_span_str(l->conf->search_path), fail)) < 0 ||
	    (rc = set(conn, "gatehouse.role", role, fail)) < 0 || (rc = set(conn, "gatehouse.employer", p ? p->employer : none, fail)) < 0 ||
	    (rc = set(conn, "gatehouse.province", p ? p->province : none, fail)) < 0 || (rc = set(conn, "gatehouse.team", p ? p->team : none, fail)) < 0)
		return rc;
	base_buf_init(&sql, 4096);
	base_buf_str(&sql, "SET ROLE ");
	sql_quote_identifier(role, &sql);
	base_buf_u8(&sql, 0);
	struct base_fail denied = {0};
	if (sql.bad || run(conn, (const char *)base_buf_span(&sql).p, &denied) < 0) {
		(void)snprintf(why_not, sizeof(why_not), "%s", sql.bad ? "the role's name is too long" : denied.text);
		*why_r = why_not;
	}
	base_buf_done(&sql);
	return 0;
}

int
cli_actor_decide(const struct cli_live *l, const struct policy_scope *s, const char *sql, bool explain, struct tree **tree_r, struct policy_decision **d_r,
    struct base_fail *fail)
{
	struct tree *tree = NULL;
	int rc = gate_judge_tree(l->judge, sql, &tree, fail);

	if (rc == 0)
		rc = policy_decide(s, policy_map_objects(l->map), tree_queries(tree), false, explain, d_r);
	if (rc < 0) {
		if (tree)
			(void)base_fail_set(fail, rc, "the statement could not be judged: not enough memory");
		tree_free(&tree);
		return rc;
	}
	*tree_r = tree;
	return 0;
}

int
cli_actor_count(const struct cli_live *l, const char *sql, uint64_t max, uint64_t *rows_r, struct base_fail *fail)
{
	PGconn *conn = gate_judge_conn(l->judge);
	uint64_t rows = 0;
	int rc = run(conn, "BEGIN READ ONLY", fail);

	if (rc < 0)
		return rc;
	if (!PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 0) || !PQsetSingleRowMode(conn)) {
		cli_live_server_fail(conn, fail, "the statement could not be run");
		rc = fail->code;
	}
	for (PGresult *r; rc == 0 && (r = PQgetResult(conn)) != NULL; PQclear(r)) {
		ExecStatusType s = PQresultStatus(r);
		if (s == PGRES_SINGLE_TUPLE)
			rows++;
		else if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK) {
			cli_live_server_fail(conn, fail, "the statement failed");
			rc = fail->code;
		}
		if (rows > max)
			rc = base_fail_set(fail, GH_E_LIMIT, "more than %llu rows", (unsigned long long)max);
	}
	if (rc == GH_E_LIMIT) { /* the rest is not wanted */
		PGcancel *c = PQgetCancel(conn);
		char text[256];
		(void)PQcancel(c, text, (int)sizeof(text));
		PQfreeCancel(c);
	}
	for (PGresult *r; (r = PQgetResult(conn)) != NULL;)
		PQclear(r);
	struct base_fail ignored;
	(void)run(conn, "ROLLBACK", &ignored);
	if (rc == 0)
		*rows_r = rows;
	return rc;
}
