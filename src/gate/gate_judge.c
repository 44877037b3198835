/* gate_judge: has the server analyse statements and takes the trees that it prints (gate_judge.h has the contract).
 *
 * Input: the server's answers through libpq, not trusted: the tree goes through the strict reader with its ceilings. The statements are the
 * gate's own and the policy's, never a client's (the command line gives it an operator's). Nothing is executed: a statement is prepared
 * under the unnamed name, and the notice that comes before ParseComplete is the tree. PostgreSQL never translates that notice's
 * text, and the severity is read from the field that is not translated either.
 */
#include "gate_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_mem.h"
#include "tree_golden.h"

struct gate_judge {
	PGconn *conn; /* own */
	unsigned major;
	unsigned trees;       /* notices since the statement was sent */
	struct base_buf tree; /* DETAIL of the first */
};

static void
take_notice(void *arg, const PGresult *r)
{
	struct gate_judge *j = arg;
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED), *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);

	if (!severity || !text || strcmp(severity, "LOG") != 0 || strcmp(text, "rewritten parse tree:") != 0)
		return;
	if (j->trees++ == 0 && detail)
		base_buf_str(&j->tree, detail);
}

/* libpq's messages have line ends. */
static int
server_fail(const PGconn *conn, int code, const char *what, struct base_fail *fail)
{
	int rc = base_fail_set(fail, code, "%s: %s", what, PQerrorMessage(conn));

	for (char *p = fail ? fail->text : NULL; p && *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : '\0';
	return rc;
}

/* The operator's own `options` of the control connection come first: ours win. */
static char *
judge_options(const struct proc_conf *conf)
{
	static const char ours[] = "-c debug_print_rewritten=on -c debug_print_parse=off -c debug_print_plan=off -c debug_pretty_print=off -c client_min_messages=log "
	                           "-c search_path= -c default_transaction_read_only=on -c statement_timeout=30s";
	PQconninfoOption *all = PQconninfoParse(conf->control, NULL);
	struct base_buf b;

	base_buf_init(&b, 65536);
	for (PQconninfoOption *o = all; o && o->keyword; o++)
		if (strcmp(o->keyword, "options") == 0 && o->val)
			base_buf_fmt(&b, "%s ", o->val);
	base_buf_str(&b, ours);
	PQconninfoFree(all);
	char *s = b.bad ? NULL : base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	return s;
}

int
gate_judge_open(const struct proc_conf *conf, struct gate_judge **j_r, struct base_fail *fail)
{
	char timeout[24], *options = judge_options(conf);

	if (!options)
		return base_fail_set(fail, GH_E_LIMIT, "control: the connection string's options are too long");
	(void)snprintf(timeout, sizeof(timeout), "%u", (unsigned)((conf->server_connect_timeout + 999999) / 1000000));
	const char *const key[] = {"dbname", "fallback_application_name", "connect_timeout", "client_encoding", "options", NULL};
	const char *const value[] = {conf->control, "gatehouse judge", timeout, "UTF8", options, NULL};
	struct gate_judge *j = base_mem_new(1, sizeof(*j));
	base_buf_init(&j->tree, TREE_TEXT_MAX + 1);
	j->conn = PQconnectdbParams(key, value, 1);
	free(options);
	int rc = GH_OK;
	if (PQstatus(j->conn) != CONNECTION_OK) {
		rc = server_fail(j->conn, GH_E_IO, "second control connection", fail);
	} else {
		int version = PQserverVersion(j->conn);
		const char *encoding = PQparameterStatus(j->conn, "server_encoding");
		j->major = version > 0 ? (unsigned)version / 10000 : 0;
		(void)PQsetNoticeReceiver(j->conn, take_notice, j);
		if (!tree_supported(j->major)) {
			rc = base_fail_set(fail, GH_E_UNSUPPORTED, "the server is PostgreSQL %u, whose query trees this gate does not know", j->major);
			base_fail_hint(fail, "treat every group with observe, or use a gate that knows this version");
		} else if (!encoding || strcmp(encoding, "UTF8") != 0) {
			rc = base_fail_set(fail, GH_E_UNSUPPORTED, "the database's encoding is %s; a policy can be enforced with UTF8 only", encoding ? encoding : "not known");
		}
	}
	if (rc < 0)
		gate_judge_close(&j);
	else
		*j_r = j;
	return rc;
}

void
gate_judge_close(struct gate_judge **jp)
{
	struct gate_judge *j = *jp;

	*jp = NULL;
	if (!j)
		return;
	PQfinish(j->conn);
	base_buf_done(&j->tree);
	free(j);
}

unsigned
gate_judge_major(const struct gate_judge *j)
{
	return j->major;
}

PGconn *
gate_judge_conn(const struct gate_judge *j)
{
	return j->conn;
}

/* The text of the one tree, in j->tree. */
static int
analyse(struct gate_judge *j, const char *sql, struct base_fail *fail)
{
	base_buf_clear(&j->tree);
	j->trees = 0;
	PGresult *r = PQprepare(j->conn, "", sql, 0, NULL);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;

	PQclear(r);
	if (!ok)
		return server_fail(j->conn, PQstatus(j->conn) == CONNECTION_OK ? GH_E_PARSE : GH_E_IO, "the server cannot analyse it", fail);
	if (j->tree.bad)
		return base_fail_set(fail, GH_E_LIMIT, "the server's tree is longer than %u bytes", TREE_TEXT_MAX);
	if (j->trees != 1) {
		int rc = base_fail_set(fail, GH_E_VERIFY, "the server printed %u trees for one statement", j->trees);
		base_fail_hint(fail, "the control connection must reach PostgreSQL itself: a pooler may drop the start-up options");
		return rc;
	}
	return GH_OK;
}

int
gate_judge_tree(struct gate_judge *j, const char *sql, struct tree **tree_r, struct base_fail *fail)
{
	struct tree *t = NULL;
	int rc = analyse(j, sql, fail);

	if (rc == GH_OK)
		rc = tree_read(base_buf_span(&j->tree), j->major, &t, fail);
	if (rc == GH_OK && tree_queries(t).n != 1)
		rc = base_fail_set(fail, GH_E_VERIFY, "the server made %zu queries of one statement", tree_queries(t).n);
	if (rc == GH_OK)
		*tree_r = t;
	else
		tree_free(&t);
	return rc;
}

int
gate_judge_golden(struct gate_judge *j, struct base_fail *fail)
{
	size_t n = 0;
	const struct tree_golden *g = tree_golden(j->major, &n);
	int rc = g ? GH_OK : base_fail_set(fail, GH_E_UNSUPPORTED, "no known statements for PostgreSQL %u", j->major);

	for (size_t i = 0; i < n && rc == GH_OK; i++) {
		rc = analyse(j, g[i].sql, fail);
		if (rc < 0)
			base_fail_where(fail, "known statement \"%s\"", g[i].name);
		else
			rc = tree_golden_check(&g[i], j->major, base_buf_span(&j->tree), fail);
	}
	if (rc < 0)
		base_fail_where(fail, "the server's query trees cannot be relied upon, so no policy can be enforced");
	return rc;
}

int
gate_judge_questions(struct gate_judge *j, struct policy_map *map, struct base_fail *fail)
{
	int rc = GH_OK;

	for (size_t i = 0; i < policy_map_questions(map) && rc == GH_OK; i++) {
		const struct policy_question *q = policy_map_question(map, i);
		struct tree *t = NULL;
		rc = gate_judge_tree(j, q->sql, &t, fail);
		if (rc < 0)
			base_fail_where(fail, "%s:%u: %.*s", q->at.file, q->at.line, (int)q->about.n, (const char *)q->about.p);
		else
			rc = policy_map_answer(map, i, tree_queries(t), fail);
		tree_free(&t);
	}
	return rc;
}
