/* gate_case_table: the connection over which tickets are asked for, and the table that the policy in force names. Input: the database server's answers through libpq
 * (checked: number of columns, places of keys). Blocking; runs on the case thread only. Never writes: its sessions are read-only.
 *
 * A key that is no value of the column's type ("abc" where the tickets count their subjects by number) makes the server refuse the whole query. Then the keys are
 * asked for one by one, and one that the server will not cast has no tickets: nothing in the column can be equal to it. Any other refusal leaves all unknown.
 */
#include "gate_case_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"
#include "base_time.h"
#include "gate_row.h"

#define STATEMENT "gatehouse_case"
#define SQL_MAX 65536u

static void
ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static int
fail_up_to(struct base_fail *fail, const char *what, const char *text, const char *end)
{
	int n = (int)strcspn(text, end);

	return base_fail_set(fail, GH_E_IO, "%s: %.*s", what, n < 300 ? n : 300, text);
}

/* The first line only, and of a complaint about a value not the value: this is logged. */
int
gate_case_table_failed(const struct gate_case_table *t, const PGresult *r, PGconn *conn, struct base_fail *fail)
{
	const struct policy_name *n = &t->from->table;
	const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL, *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	char what[200];

	(void)snprintf(what, sizeof(what), "table %.*s.%.*s could not be asked", (int)n->schema.n, (const char *)n->schema.p, (int)n->table.n, (const char *)n->table.p);
	return fail_up_to(fail, what, text ? text : PQerrorMessage(conn), state && strncmp(state, "22", 2) == 0 ? ":\n" : "\n");
}

int
gate_case_table_connect(const struct gate_case_table *t, const char *name, const char *timeout, PGconn **conn_r, struct base_fail *fail)
{
	const struct proc_conf *conf = t->world->conf;
	char seconds[24], sql[160];

	(void)snprintf(seconds, sizeof(seconds), "%u", (unsigned)((conf->server_connect_timeout + 999999) / 1000000));
	(void)snprintf(sql, sizeof(sql), "SET search_path = ''; SET default_transaction_read_only = on; SET statement_timeout = '%s'", timeout);
	const char *const key[] = {"dbname", "fallback_application_name", "connect_timeout", "client_encoding", "tcp_user_timeout", NULL};
	const char *const value[] = {conf->control, name, seconds, "UTF8", "10000", NULL};
	PGconn *conn = PQconnectdbParams(key, value, 1);
	PGresult *r = NULL;
	int rc = GH_E_IO;
	if (PQstatus(conn) == CONNECTION_OK) {
		(void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
		r = PQexec(conn, sql);
		rc = PQresultStatus(r) == PGRES_COMMAND_OK ? GH_OK : GH_E_IO;
	}
	if (rc < 0)
		rc = fail_up_to(fail, "connection for cases", PQerrorMessage(conn), "\n");
	else if (strcmp(PQdb(conn), conf->database) != 0)
		rc = base_fail_set(fail, GH_E_IO, "connection for cases is to database \"%s\", but database = \"%s\"", PQdb(conn), conf->database);
	PQclear(r);
	if (rc < 0)
		PQfinish(conn);
	else
		*conn_r = conn;
	return rc;
}

/* ---- what the policy says ---- */

static void
bind_key(struct gate_case_table *t, const struct policy_file *f)
{
	const struct policy_subject *s = &f->subjects[t->from->of];
	const struct policy_relation *r = policy_map_named(t->world->map, s->table.schema, s->table.table, 0);
	const struct policy_column *c = r ? policy_map_column_named(r, s->key.column) : NULL;

	if (c && c->role == POLICY_KEY)
		t->key = *c;
	/* else it was renamed since the policy was bound: the column is still the same, and so is what makes its marks */
	for (unsigned k = 0; k < policy_map_kinds(t->world->map); k++) {
		struct base_span kind = policy_map_kind(t->world->map, k);
		if (kind.n == s->name.n + 4 && memcmp(kind.p, s->name.p, s->name.n) == 0 && memcmp(kind.p + s->name.n, ".key", 4) == 0)
			t->key.kind = k;
	}
}

void
gate_case_table_bind(struct gate_case_table *t, struct gate_world *w, uint64_t generation)
{
	static const struct policy_case_from none = {.line = 0};

	gate_world_ref(w);
	gate_world_unref(&t->world);
	t->world = w;
	t->generation = generation;
	t->prepared = false;
	if (!t->control || strcmp(t->control, w->conf->control) != 0) {
		free(t->control);
		t->control = base_mem_str(base_span_str(w->conf->control));
		PQfinish(t->conn);
		t->conn = NULL;
	}
	const struct policy_file *f = policy_map_file(w->map);
	t->from = policy_map_case(w->map) && f->case_from.of < f->nsubjects ? &f->case_from : &none;
	if (t->from->line != 0)
		bind_key(t, f);
}

void
gate_case_table_done(struct gate_case_table *t)
{
	PQfinish(t->conn);
	free(t->control);
	gate_world_unref(&t->world);
	*t = (struct gate_case_table){0};
}

uint64_t
gate_case_table_mark(const struct gate_case_table *t, struct base_span value, const struct mask_marker *m)
{
	return gate_row_mark(&t->key, policy_map_case(t->world->map)->subject_type, 0, value, m);
}

/* ---- asking ---- */

/* Another table may have taken the name since: then it is not asked. */
static int
ask_type(const struct gate_case_table *t, struct gate_case_type *type_r, struct base_fail *fail)
{
	static const char sql[] =
	    "WITH RECURSIVE d(oid) AS (SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
	    "JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace WHERE a.attrelid = $1::pg_catalog.oid AND a.attname = $2::pg_catalog.text AND NOT a.attisdropped "
	    "AND s.nspname = $3::pg_catalog.text AND c.relname = $4::pg_catalog.text "
	    "UNION ALL SELECT y.typbasetype FROM d JOIN pg_catalog.pg_type y ON y.oid = d.oid WHERE y.typtype = 'd') "
	    "SELECT n.nspname, y.typname FROM d JOIN pg_catalog.pg_type y ON y.oid = d.oid JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace WHERE y.typtype <> 'd'";
	char oid[16], column[64], schema[64], table[64];
	const char *const value[] = {oid, column, schema, table};

	(void)snprintf(oid, sizeof(oid), "%u", (unsigned)policy_map_case(t->world->map)->oid);
	(void)snprintf(column, sizeof(column), "%.*s", (int)t->from->subject.n, (const char *)t->from->subject.p);
	(void)snprintf(schema, sizeof(schema), "%.*s", (int)t->from->table.schema.n, (const char *)t->from->table.schema.p);
	(void)snprintf(table, sizeof(table), "%.*s", (int)t->from->table.table.n, (const char *)t->from->table.table.p);
	PGresult *r = PQexecParams(t->conn, sql, 4, NULL, value, NULL, NULL, 0);
	int rc = GH_OK;
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = gate_case_table_failed(t, r, t->conn, fail);
	else if (PQntuples(r) != 1 || PQnfields(r) != 2 || PQgetlength(r, 0, 0) >= (int)sizeof(type_r->schema) || PQgetlength(r, 0, 1) >= (int)sizeof(type_r->name))
		rc = base_fail_set(fail, GH_E_IO, "table %s.%s with its column %s is not the one that the policy was bound to: check, and reload", schema, table, column);
	if (rc == GH_OK) {
		(void)snprintf(type_r->schema, sizeof(type_r->schema), "%s", PQgetvalue(r, 0, 0));
		(void)snprintf(type_r->name, sizeof(type_r->name), "%s", PQgetvalue(r, 0, 1));
	}
	PQclear(r);
	return rc;
}

static int
prepare(struct gate_case_table *t, struct base_fail *fail)
{
	struct gate_case_type type;
	struct base_buf sql, cast;

	int rc = ask_type(t, &type, fail);
	if (rc < 0)
		return rc;
	base_buf_init(&sql, SQL_MAX);
	base_buf_init(&cast, sizeof(t->cast));
	gate_case_query_ask(t->from, &type, &sql);
	gate_case_query_cast(&type, &cast);
	base_buf_u8(&sql, 0);
	base_buf_u8(&cast, 0);
	if (sql.bad || cast.bad) {
		rc = base_fail_set(fail, GH_E_NOMEM, "no memory for the query of cases");
	} else {
		memcpy(t->cast, base_buf_span(&cast).p, base_buf_len(&cast));
		PGresult *gone = PQexec(t->conn, "DEALLOCATE ALL"); /* of a policy before */
		PQclear(gone);
		PGresult *r = PQprepare(t->conn, STATEMENT, (const char *)base_buf_span(&sql).p, 1, NULL);
		if (PQresultStatus(r) != PGRES_COMMAND_OK)
			rc = gate_case_table_failed(t, r, t->conn, fail);
		PQclear(r);
	}
	base_buf_done(&sql);
	base_buf_done(&cast);
	t->prepared = rc == GH_OK;
	return rc;
}

/* The server says that the key is no value of the type, and says so of the cast alone. */
static bool
is_no_value(struct gate_case_table *t, const char *key)
{
	const char *const value[] = {key};
	PGresult *r = PQexecParams(t->conn, t->cast, 1, NULL, value, NULL, NULL, 0);
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	bool no = PQresultStatus(r) == PGRES_FATAL_ERROR && state && strncmp(state, "22", 2) == 0;

	PQclear(r);
	return no;
}

static struct base_span
value_of(const PGresult *r, int row, int column)
{
	if (PQgetisnull(r, row, column))
		return (struct base_span){NULL, 0};
	return base_span(PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
}

/* Rows of one key stand together, by what the query is; one that comes again later would replace what came first, so it is refused. */
static int
take_rows(const PGresult *r, size_t nkeys, uint64_t at_us, struct gate_case_tickets **tickets_r, struct base_fail *fail)
{
	struct gate_case_row rows[GATE_CASE_TICKETS];
	int count = PQntuples(r);

	if (PQnfields(r) != GATE_CASE_R_COUNT)
		return base_fail_set(fail, GH_E_IO, "the server's answer about cases has another form");
	for (int i = 0; i < count;) {
		struct base_span key = value_of(r, i, GATE_CASE_R_KEY);
		uint64_t place;
		size_t n = 0;
		if (!key.p || base_num_u64(key, 1, nkeys, &place) < 0 || tickets_r[place - 1])
			return base_fail_set(fail, GH_E_IO, "the server's answer about cases has another form");
		for (; i < count && n < GATE_CASE_TICKETS && base_span_eq(value_of(r, i, GATE_CASE_R_KEY), key); i++, n++)
			for (int k = 0; k < GATE_CASE_R_COUNT; k++)
				rows[n].value[k] = value_of(r, i, k);
		tickets_r[place - 1] = gate_case_query_tickets(rows, n, at_us);
		if (!tickets_r[place - 1])
			return base_fail_set(fail, GH_E_NOMEM, "no memory for tickets");
	}
	for (size_t i = 0; i < nkeys; i++) {
		if (!tickets_r[i])
			tickets_r[i] = gate_case_query_tickets(rows, 0, at_us);
		if (!tickets_r[i])
			return base_fail_set(fail, GH_E_NOMEM, "no memory for tickets");
	}
	return GH_OK;
}

static void
forget(struct gate_case_tickets **tickets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		gate_case_tickets_free(tickets[i]);
		tickets[i] = NULL;
	}
}

/* GH_E_PARSE: some key, or something else, is not what the server can read. */
static int
fetch_once(struct gate_case_table *t, const char *const *key, size_t n, struct gate_case_tickets **tickets_r, uint64_t *queries, struct base_fail *fail)
{
	struct base_buf array;
	uint64_t at_us = base_time_mono_us();

	base_buf_init(&array, GATE_CASE_BATCH * (2 * MASK_VALUE_MAX + 3) + 3);
	gate_case_query_array(key, n, &array);
	base_buf_u8(&array, 0);
	if (array.bad) {
		base_buf_done(&array);
		return base_fail_set(fail, GH_E_NOMEM, "no memory for the keys of a query");
	}
	const char *const value[] = {(const char *)base_buf_span(&array).p};
	PGresult *r = PQexecPrepared(t->conn, STATEMENT, 1, value, NULL, NULL, 0);
	base_buf_done(&array);
	(*queries)++;
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	int rc = GH_OK;
	if (PQresultStatus(r) == PGRES_TUPLES_OK)
		rc = take_rows(r, n, at_us, tickets_r, fail);
	else {
		rc = gate_case_table_failed(t, r, t->conn, fail);
		if (state && strncmp(state, "22", 2) == 0)
			rc = GH_E_PARSE;
	}
	PQclear(r);
	if (rc < 0)
		forget(tickets_r, n);
	return rc;
}

static int
fetch_each(struct gate_case_table *t, const char *const *key, size_t n, struct gate_case_tickets **tickets_r, uint64_t *queries, struct base_fail *fail)
{
	int rc = GH_OK;

	for (size_t i = 0; i < n && rc == GH_OK; i++) {
		rc = fetch_once(t, &key[i], 1, &tickets_r[i], queries, fail);
		if (rc == GH_E_PARSE && is_no_value(t, key[i])) {
			tickets_r[i] = gate_case_query_tickets(NULL, 0, base_time_mono_us());
			rc = tickets_r[i] ? GH_OK : base_fail_set(fail, GH_E_NOMEM, "no memory for tickets");
		}
	}
	if (rc < 0)
		forget(tickets_r, n);
	return rc == GH_E_PARSE ? GH_E_IO : rc;
}

static int
fetch(struct gate_case_table *t, const char *const *key, size_t n, struct gate_case_tickets **tickets_r, uint64_t *queries, struct base_fail *fail)
{
	int rc = GH_OK;

	if (!t->conn) {
		t->prepared = false;
		rc = gate_case_table_connect(t, "gatehouse cases", "5s", &t->conn, fail);
	}
	if (rc == GH_OK && !t->prepared)
		rc = prepare(t, fail);
	if (rc == GH_OK)
		rc = fetch_once(t, key, n, tickets_r, queries, fail);
	return rc == GH_E_PARSE ? fetch_each(t, key, n, tickets_r, queries, fail) : rc;
}

int
gate_case_table_fetch(struct gate_case_table *t, const char *const *key, size_t n, struct gate_case_tickets **tickets_r, uint64_t *queries, struct base_fail *fail)
{
	bool fresh = !t->conn;

	for (size_t i = 0; i < n; i++)
		tickets_r[i] = NULL;
	if (t->from->line == 0)
		return base_fail_set(fail, GH_E_IO, "the policy in force names no table of cases");
	int rc = fetch(t, key, n, tickets_r, queries, fail);
	if (rc < 0 && t->conn && PQstatus(t->conn) != CONNECTION_OK) {
		PQfinish(t->conn);
		t->conn = NULL;
		if (!fresh)
			rc = fetch(t, key, n, tickets_r, queries, fail); /* the server was restarted: one more try on a new connection */
	} else if (rc < 0) {
		t->prepared = false; /* the table may have been made anew */
	}
	return rc;
}
