/* cli_init_catalogue: see cli_init.h: the catalogue into the model, then bounded samples of tables into its tallies. Input: the server's answers through libpq, checked.
 * The connection may only read; a statement may wait for a lock one second and run three; what it reads of a table is at most CLI_INIT_ROWS rows, each value cut to 256
 * characters by the server. Values are counted by shape and freed with the answer: none is kept, printed or written.
 */
#include "cli_init.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_live.h"

#define MODEL_TABLES_MAX 20000u
#define MODEL_COLUMNS_MAX 500000u
#define SAMPLE_COLUMNS_MAX 300u /* of one table */
#define FIRST_OWN_OID 16384u   /* types from here on are not the system's */
#define PAGE_ROWS 40.0          /* assumed, where nothing was counted yet */
#define SMALL_ROWS 5000.0       /* tables up to here are read from their start */

/* Everybody's tables: not the system's, not an extension's, not parts of others. */
#define USER_TABLES \
	"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ('pg_catalog','information_schema','gatehouse') AND n.nspname !~ '^pg_(toast|temp)' " \
	"AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
static const char sql_tables[] =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpages, c.reltuples::int8, has_schema_privilege(n.oid, 'USAGE'), "
    "c.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(c.oid) p JOIN pg_class x ON x.oid = p.relid WHERE x.relkind = 'f') FROM " USER_TABLES
    " AND c.relkind IN ('r','p','v','m','f') ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";
static const char sql_columns[] =
    "SELECT c.oid, a.attnum, a.attname, b.oid, b.typname, b.typcategory, a.attnotnull, has_column_privilege(c.oid, a.attnum, 'SELECT'), coalesce(col_description(c.oid, a.attnum), '') "
    "FROM pg_attribute a JOIN (SELECT c.oid, n.nspname, c.relname FROM " USER_TABLES " AND c.relkind IN ('r','p')) c ON c.oid = a.attrelid "
    "JOIN LATERAL (WITH RECURSIVE d AS (SELECT y.* FROM pg_type y WHERE y.oid = a.atttypid UNION ALL SELECT y.* FROM d JOIN pg_type y ON y.oid = d.typbasetype WHERE d.typtype = 'd') "
    "SELECT d.oid, d.typname, d.typcategory FROM d WHERE d.typtype <> 'd') b ON true WHERE a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY c.nspname COLLATE \"C\", c.relname COLLATE \"C\", a.attnum";
static const char sql_unique[] =
    "SELECT indrelid, indkey[0], indisprimary FROM pg_index WHERE indisunique AND indnkeyatts = 1 AND indpred IS NULL AND indexprs IS NULL AND indisvalid ORDER BY indisprimary DESC, indexrelid";
static const char sql_foreign[] =
    "SELECT f.conrelid, k.here, f.confrelid, k.there FROM pg_constraint f CROSS JOIN LATERAL unnest(f.conkey, f.confkey) k(here, there) WHERE f.contype = 'f' AND f.conparentid = 0 ORDER BY f.oid";
static const char sql_roles[] =
    "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND NOT rolreplication AND rolname !~ '^pg_' AND rolname <> ALL ($1::name[]) ORDER BY rolname COLLATE \"C\" LIMIT 10000";

static void
ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

int
cli_init_connect(struct cli_init *x, const char *password, struct base_fail *fail)
{
	const char *const key[] = {"dbname", "fallback_application_name", "connect_timeout", "client_encoding", "password", NULL};
	const char *const value[] = {x->database, "gatehouse init", "10", "UTF8", password, NULL}; /* NULL: libpq's own sources */

	x->conn = PQconnectdbParams(key, value, 1);
	if (PQstatus(x->conn) != CONNECTION_OK) {
		cli_live_server_fail(x->conn, fail, "cannot reach the database");
		base_fail_hint(fail, "--database \"host=... port=... dbname=... user=...\"; a password comes from $PGPASSWORD or ~/.pgpass");
		return fail->code;
	}
	(void)PQsetNoticeReceiver(x->conn, ignore_notice, NULL);
	PGresult *r = PQexec(x->conn, "SET search_path = ''; SET default_transaction_read_only = on; SET statement_timeout = '30s'; SET lock_timeout = '1s'; SET datestyle = 'ISO'");
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
	PQclear(r);
	if (!ok) {
		cli_live_server_fail(x->conn, fail, "the database");
		return fail->code;
	}
	return 0;
}

static int
ask(struct cli_init *x, const char *sql, int columns, PGresult **r, struct base_fail *fail)
{
	int rc = cli_live_query(x->conn, sql, 0, NULL, columns, r, fail);

	if (rc == 0)
		x->held[x->nheld++] = *r;
	return rc;
}

static bool
yes(const PGresult *r, int row, int col)
{
	return *PQgetvalue(r, row, col) == 't';
}

/* -- places: (table's oid, attribute number) -> column of the model -- */

static struct base_span
place(const PGresult *r, int row, int oid_col, int number_col, uint8_t key[8])
{
	uint32_t oid = cli_live_oid(r, row, oid_col), number = cli_live_oid(r, row, number_col);

	memcpy(key, &oid, 4);
	memcpy(key + 4, &number, 4);
	return base_span(key, 8);
}

static size_t
find_place(struct base_map *places, const PGresult *r, int row, int oid_col, int number_col)
{
	uint8_t key[8];
	void *found = base_map_get(places, place(r, row, oid_col, number_col, key));

	return found ? (size_t)(uintptr_t)found - 1 : CLI_NOWHERE;
}

/* Both answers are in the same order: a table's columns are the next ones of its oid. */
static int
fill(struct cli_init *x, const PGresult *tables, const PGresult *columns, struct base_map *places)
{
	struct cli_model *m = &x->model;
	int at = 0;

	for (int i = 0; i < PQntuples(tables); i++) {
		char kind = *PQgetvalue(tables, i, 3);
		int64_t rows = -1, pages = 0;
		x->views += kind == 'v' || kind == 'm';
		x->foreign += kind == 'f';
		if (kind != 'r' && kind != 'p')
			continue;
		if (base_num_i64(cli_live_value(tables, i, 4), 0, INT32_MAX, &pages) < 0 || base_num_i64(cli_live_value(tables, i, 5), -1, INT64_MAX, &rows) < 0)
			pages = 0, rows = -1; /* unknown */
		struct cli_table *t = &m->tables[m->ntables];
		*t = (struct cli_table){.schema = PQgetvalue(tables, i, 1), .name = PQgetvalue(tables, i, 2), .first = m->ncolumns, .pages = (uint64_t)pages, .rows = (double)rows,
		                        .partitioned = kind == 'p', .key = CLI_NOWHERE};
		if (yes(tables, i, 7))
			(void)snprintf(t->unsampled, sizeof(t->unsampled), "%s", "a part of it is a foreign table");
		for (; at < PQntuples(columns) && cli_live_oid(columns, at, 0) == cli_live_oid(tables, i, 0); at++) {
			uint8_t key[8];
			if (base_map_put(places, place(columns, at, 0, 1, key), (void *)(uintptr_t)(m->ncolumns + 1)) < 0)
				return GH_E_NOMEM;
			m->columns[m->ncolumns++] = (struct cli_column){.name = PQgetvalue(columns, at, 2), .type_oid = cli_live_oid(columns, at, 3), .type = PQgetvalue(columns, at, 4),
			    .family = cli_kind_family(PQgetvalue(columns, at, 4), *PQgetvalue(columns, at, 5)), .not_null = yes(columns, at, 6),
			    .readable = yes(columns, at, 7) && yes(tables, i, 6), .comment = PQgetvalue(columns, at, 8), .table = m->ntables, .refers = CLI_NOWHERE};
			t->n++;
			t->readable = t->readable || m->columns[m->ncolumns - 1].readable;
		}
		m->ntables++;
	}
	return 0;
}

static void
fill_keys(struct cli_init *x, const PGresult *unique, const PGresult *foreign, struct base_map *places)
{
	struct cli_model *m = &x->model;

	for (int i = 0; i < PQntuples(unique); i++) {
		size_t c = find_place(places, unique, i, 0, 1);
		if (c == CLI_NOWHERE)
			continue;
		m->columns[c].unique = true;
		m->columns[c].primary = m->columns[c].primary || yes(unique, i, 2);
	}
	for (int i = 0; i < PQntuples(foreign); i++) {
		size_t here = find_place(places, foreign, i, 0, 1), there = find_place(places, foreign, i, 2, 3);
		if (here != CLI_NOWHERE && there != CLI_NOWHERE && m->columns[here].refers == CLI_NOWHERE)
			m->columns[here].refers = there;
	}
}

static int
read_roles(struct cli_init *x, struct base_fail *fail)
{
	struct base_span control = base_span_str("gatehouse_control");
	PQconninfoOption *option = PQconninfoParse(x->control, NULL);
	struct base_buf array;
	struct base_span leave[2] = {control, control};

	for (const PQconninfoOption *o = option; o && o->keyword; o++)
		if (o->val && base_span_is(base_span_str(o->keyword), "user"))
			leave[1] = base_span_str(o->val);
	base_buf_init(&array, 1u << 16);
	cli_live_array(&array, leave, 2);
	base_buf_u8(&array, 0);
	const char *const params[] = {(const char *)base_buf_span(&array).p};
	int rc = array.bad ? base_fail_set(fail, GH_E_NOMEM, "out of memory") : cli_live_query(x->conn, sql_roles, 1, params, 1, &x->roles, fail);
	base_buf_done(&array);
	PQconninfoFree(option);
	if (rc < 0)
		return rc;
	x->held[x->nheld++] = x->roles;
	x->role_set = base_map_new(0, NULL);
	for (int i = 0; i < PQntuples(x->roles); i++)
		if (base_map_put(x->role_set, cli_live_value(x->roles, i, 0), x) < 0)
			return base_fail_set(fail, GH_E_NOMEM, "out of memory");
	return 0;
}

int
cli_init_catalogue(struct cli_init *x, struct base_fail *fail)
{
	PGresult *tables = NULL, *columns = NULL, *unique = NULL, *foreign = NULL, *auth = NULL;
	struct base_map *places = base_map_new(0, NULL);
	int rc;

	if ((rc = ask(x, sql_tables, 8, &tables, fail)) < 0 || (rc = ask(x, sql_columns, 9, &columns, fail)) < 0 || (rc = ask(x, sql_unique, 3, &unique, fail)) < 0 ||
	    (rc = ask(x, sql_foreign, 4, &foreign, fail)) < 0 ||
	    (rc = ask(x, "SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'gatehouse' AND p.proname = 'get_auth'", 0, &auth, fail)) < 0 ||
	    (rc = read_roles(x, fail)) < 0)
		goto out;
	x->has_auth = PQntuples(auth) > 0;
	if (PQntuples(tables) > (int)MODEL_TABLES_MAX || PQntuples(columns) > (int)MODEL_COLUMNS_MAX) {
		rc = base_fail_set(fail, GH_E_LIMIT, "%d tables with %d columns are more than this command looks at", PQntuples(tables), PQntuples(columns));
		goto out;
	}
	x->model.tables = base_mem_new((size_t)PQntuples(tables) + 1, sizeof(*x->model.tables));
	x->model.columns = base_mem_new((size_t)PQntuples(columns) + 1, sizeof(*x->model.columns));
	x->model.year = base_time_year_utc(base_time_wall_us());
	rc = fill(x, tables, columns, places);
	if (rc < 0)
		(void)base_fail_set(fail, rc, "out of memory");
	else
		fill_keys(x, unique, foreign, places);
out:
	base_map_free(&places);
	return rc;
}

/* -- samples -- */

static bool
wanted(const struct cli_column *c)
{
	const unsigned families = CLI_FAMILY_TEXT | CLI_FAMILY_NUMBER | CLI_FAMILY_DATE | CLI_FAMILY_INET | CLI_FAMILY_JSON;

	return c->readable && ((unsigned)c->family & families) && c->refers == CLI_NOWHERE;
}

static void
quoted(struct base_buf *out, const char *name)
{
	base_buf_u8(out, '"');
	for (const char *p = name; *p; p++) {
		if (*p == '"')
			base_buf_u8(out, '"');
		base_buf_u8(out, (uint8_t)*p);
	}
	base_buf_u8(out, '"');
}

/* The pages of a table that the server has not counted yet. */
static int
count_pages(struct cli_init *x, struct cli_table *t, struct base_fail *fail)
{
	struct base_buf name;
	PGresult *r = NULL;
	int64_t pages = 0;

	if (t->pages > 0 || t->partitioned)
		return 0;
	base_buf_init(&name, 1u << 10);
	quoted(&name, t->schema);
	base_buf_u8(&name, '.');
	quoted(&name, t->name);
	base_buf_u8(&name, 0);
	const char *const params[] = {(const char *)base_buf_span(&name).p};
	int rc = cli_live_query(x->conn, "SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int", 1, params, 1, &r, fail);
	if (rc == 0 && base_num_i64(cli_live_value(r, 0, 0), 0, INT64_MAX, &pages) == 0)
		t->pages = (uint64_t)pages;
	PQclear(r);
	base_buf_done(&name);
	return rc;
}

/* SELECT left(...), ... FROM table [TABLESAMPLE ...] LIMIT n. Returns how many columns; column[] says which. */
static size_t
question(const struct cli_model *m, const struct cli_table *t, bool spread, size_t column[SAMPLE_COLUMNS_MAX], struct base_buf *sql)
{
	double rows = t->rows > 0 ? t->rows : (double)t->pages * PAGE_ROWS;
	size_t n = 0;

	base_buf_clear(sql);
	base_buf_str(sql, "SELECT ");
	for (size_t i = t->first; i < t->first + t->n && n < SAMPLE_COLUMNS_MAX; i++) {
		if (!wanted(&m->columns[i]))
			continue;
		/* A cast of somebody's own type may run that one's function with our rights; concat() asks the type's output function alone. */
		bool own = m->columns[i].type_oid >= FIRST_OWN_OID;
		base_buf_fmt(sql, "%sleft(%s", n ? ", " : "", own ? "concat(" : "");
		quoted(sql, m->columns[i].name);
		base_buf_str(sql, own ? "), 256)" : "::text, 256)");
		column[n++] = i;
	}
	base_buf_str(sql, t->partitioned ? " FROM " : " FROM ONLY "); /* children are tables of their own, perhaps foreign ones */
	quoted(sql, t->schema);
	base_buf_u8(sql, '.');
	quoted(sql, t->name);
	if (spread && rows > SMALL_ROWS) /* whole pages from all over the table; the same ones each time */
		base_buf_fmt(sql, " TABLESAMPLE SYSTEM (%.6f) REPEATABLE (1)", 110.0 * (double)CLI_INIT_ROWS / rows);
	base_buf_fmt(sql, " LIMIT %u", CLI_INIT_ROWS);
	base_buf_u8(sql, 0);
	return n;
}

static void
count_values(struct cli_init *x, const PGresult *r, const size_t *column, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		struct cli_column *c = &x->model.columns[column[k]];
		for (int i = 0; i < PQntuples(r); i++) {
			struct base_span v = cli_live_value(r, i, (int)k);
			if (v.n == 0)
				continue;
			cli_tally_add(&c->tally, v);
			c->roles += c->family == CLI_FAMILY_TEXT && base_map_get(x->role_set, v) != NULL;
		}
	}
}

/* 0: sampled, or why not is noted; GH_E_IO: the connection is gone. */
static int
sample_table(struct cli_init *x, struct cli_table *t, struct base_buf *sql, struct base_fail *fail)
{
	size_t column[SAMPLE_COLUMNS_MAX];
	PGresult *r = NULL;
	int rc = count_pages(x, t, fail);

	for (int again = 0; again < 2 && rc == 0; again++) {
		size_t n = question(&x->model, t, again == 0, column, sql);
		if (n == 0)
			return 0;
		PQclear(r);
		r = NULL;
		if (sql->bad)
			rc = base_fail_set(fail, GH_E_LIMIT, "its columns' names are too long");
		else
			rc = cli_live_query(x->conn, (const char *)base_buf_span(sql).p, 0, NULL, (int)n, &r, fail);
		if (rc == 0 && PQntuples(r) > 0) {
			count_values(x, r, column, n);
			t->sampled = (unsigned)PQntuples(r);
			x->sampled++;
			break;
		}
	} /* once more from its start: no page may have been drawn */
	PQclear(r);
	if (rc < 0 && PQstatus(x->conn) != CONNECTION_OK)
		return GH_E_IO;
	if (rc < 0) {
		const char *why = strncmp(fail->text, "control connection: ", 20) == 0 ? fail->text + 20 : fail->text;
		(void)snprintf(t->unsampled, sizeof(t->unsampled), "%.190s", why);
	} else if (t->sampled == 0) {
		(void)snprintf(t->unsampled, sizeof(t->unsampled), "it shows no rows");
	}
	return 0;
}

static const struct cli_model *sorting; /* qsort hands no context over; this command has one thread */

static int
likelier(const void *a, const void *b)
{
	const struct cli_table *x = &sorting->tables[*(const size_t *)a], *y = &sorting->tables[*(const size_t *)b];

	if (x->points != y->points)
		return x->points > y->points ? -1 : 1;
	if (x->referred != y->referred)
		return x->referred > y->referred ? -1 : 1;
	return x < y ? -1 : x > y;
}

static bool
can_sample(const struct cli_model *m, struct cli_table *t)
{
	bool any = false;

	for (size_t i = t->first; i < t->first + t->n; i++)
		any = any || wanted(&m->columns[i]);
	if (!t->readable && t->n > 0)
		(void)snprintf(t->unsampled, sizeof(t->unsampled), "no right to SELECT");
	return any && !*t->unsampled;
}

static void
announce(const struct cli_model *m, const size_t *order, size_t n)
{
	char a[128], b[128];
	size_t width = 0;

	printf("Sampling %zu table%s: at most %u rows of each, in a session that may only read, at most %u s each. Values are counted by their form and forgotten; none is written or\n"
	       "shown (--no-sample leaves this out):\n", n, n == 1 ? "" : "s", CLI_INIT_ROWS, CLI_INIT_TABLE_MS / 1000);
	for (size_t i = 0; i < n; i++) {
		const struct cli_table *t = &m->tables[order[i]];
		int wrote = printf("%s%s.%s", i == 0 ? "  " : width > 120 ? ",\n  " : ", ", base_text_quote(a, sizeof(a), base_span_str(t->schema), 63),
		                   base_text_quote(b, sizeof(b), base_span_str(t->name), 63));
		width = (i > 0 && width > 120 ? 0 : width) + (size_t)(wrote > 0 ? wrote : 0);
	}
	puts(n ? "\n" : "");
	(void)fflush(stdout);
}

int
cli_init_sample(struct cli_init *x, struct base_fail *fail)
{
	struct cli_model *m = &x->model;
	size_t *order = base_mem_new(m->ntables + 1, sizeof(*order)), n = 0;
	struct base_buf sql;
	char timeout[64];
	int rc = 0;

	base_buf_init(&sql, 1u << 20);
	for (size_t t = 0; t < m->ntables; t++)
		if (can_sample(m, &m->tables[t]))
			order[n++] = t;
	sorting = m;
	qsort(order, n, sizeof(*order), likelier);
	for (size_t i = CLI_INIT_TABLES; i < n; i++)
		(void)snprintf(m->tables[order[i]].unsampled, sizeof(m->tables[0].unsampled), "more than %u tables", CLI_INIT_TABLES);
	n = n > CLI_INIT_TABLES ? CLI_INIT_TABLES : n;
	announce(m, order, n);
	(void)snprintf(timeout, sizeof(timeout), "SET statement_timeout = %u", CLI_INIT_TABLE_MS);
	PGresult *r = PQexec(x->conn, timeout);
	if (PQresultStatus(r) != PGRES_COMMAND_OK) {
		cli_live_server_fail(x->conn, fail, "the database");
		rc = fail->code;
	}
	PQclear(r);
	uint64_t start = base_time_mono_us();
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (base_time_mono_us() - start > CLI_INIT_ALL_US)
			(void)snprintf(m->tables[order[i]].unsampled, sizeof(m->tables[0].unsampled), "%u s for all tables had passed", CLI_INIT_ALL_US / 1000000);
		else
			rc = sample_table(x, &m->tables[order[i]], &sql, fail);
	}
	base_buf_done(&sql);
	free(order);
	return rc;
}
