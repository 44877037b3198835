/* gate_catalog: the catalogue's rows for policy_map_bind. Input: the server's answers, through libpq; numbers are checked.
 *
 * A view's columns are traced by the server itself: the view's own definition is prepared on the control connection and
 * described; RowDescription then names the base column of each output column (SQL-RULES 3: trustworthy for SELECT). Nothing is run.
 */
#include "gate_catalog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_num.h"

#define CATALOGUE_MAX ((size_t)1 << 30) /* bytes of rows under other names */

/* User relations: not the system's, not TOAST's, not temporary. */
#define USER_RELATIONS \
	"pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " \
	"WHERE c.relkind IN ('r','p','v','m','f') AND n.nspname NOT IN ('pg_catalog','information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

static const char sql_relations[] = "SELECT c.oid, n.nspname, c.relname, c.relkind FROM " USER_RELATIONS;
static const char sql_columns[] =
    /* A domain's base type: what RowDescription will say. */
    "SELECT a.attrelid, a.attnum, a.attname, t.oid, t.typname, a.attisdropped, a.attgenerated <> '' FROM pg_catalog.pg_attribute a "
    "LEFT JOIN LATERAL (WITH RECURSIVE b AS (SELECT y.oid, y.typname, y.typtype, y.typbasetype FROM pg_catalog.pg_type y WHERE y.oid = a.atttypid "
    "UNION ALL SELECT y.oid, y.typname, y.typtype, y.typbasetype FROM b JOIN pg_catalog.pg_type y ON y.oid = b.typbasetype WHERE b.typtype = 'd') "
    "SELECT b.oid, b.typname FROM b WHERE b.typtype <> 'd') t ON true "
    "WHERE a.attnum > 0 AND a.attrelid IN (SELECT c.oid FROM " USER_RELATIONS ") ORDER BY 1, 2";
static const char sql_reads[] =
    "SELECT DISTINCT r.ev_class, d.refobjid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid "
    "WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "AND r.ev_type = '1' AND d.refobjid <> r.ev_class";
static const char sql_children[] = "SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits";
static const char sql_views[] = "SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) FROM " USER_RELATIONS " AND c.relkind IN ('v','m')";
/* Functions that people wrote (not the system's, not an extension's): a call of one may read anything. */
static const char sql_functions[] =
    "SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
    "JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE n.nspname NOT IN ('pg_catalog','information_schema') "
    "AND l.lanname NOT IN ('c','internal') AND p.prokind IN ('f','p','w') AND p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype "
    "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')";

/* Everything read, and the results that hold the text. */
struct reading {
	PGresult *result[6];
	size_t nresults;
	struct policy_catalogue cat;
	struct policy_cat_view *views;
	size_t nviews, cap_views;
};

static int
query(PGconn *conn, struct reading *rd, const char *sql, int columns, PGresult **r, struct base_fail *fail)
{
	*r = PQexec(conn, sql);
	rd->result[rd->nresults++] = *r;
	if (PQresultStatus(*r) != PGRES_TUPLES_OK || PQnfields(*r) != columns)
		return base_fail_set(fail, GH_E_IO, "control connection: could not read the catalogue: %s", PQerrorMessage(conn));
	return GH_OK;
}

static struct base_span
text(const PGresult *r, int row, int col)
{
	return base_span(PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col));
}

static uint32_t
oid(const PGresult *r, int row, int col)
{
	uint64_t v = 0;
	return base_num_u64(text(r, row, col), 0, UINT32_MAX, &v) == GH_OK ? (uint32_t)v : 0;
}

static int16_t
small(const PGresult *r, int row, int col)
{
	int64_t v = 0;
	return base_num_i64(text(r, row, col), INT16_MIN, INT16_MAX, &v) == GH_OK ? (int16_t)v : 0;
}

static bool
yes(const PGresult *r, int row, int col)
{
	return PQgetvalue(r, row, col)[0] == 't';
}

static struct policy_cat_edge *
edges(const PGresult *r, size_t *n_r)
{
	size_t n = (size_t)PQntuples(r);
	struct policy_cat_edge *e = base_mem_new(n + 1, sizeof(*e));

	for (size_t i = 0; i < n; i++)
		e[i] = (struct policy_cat_edge){oid(r, (int)i, 0), oid(r, (int)i, 1)};
	*n_r = n;
	return e;
}

static int
read_relations(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	PGresult *r;
	int rc;

	if ((rc = query(conn, rd, sql_relations, 4, &r, fail)) < 0)
		return rc;
	size_t n = (size_t)PQntuples(r);
	struct policy_cat_relation *rel = base_mem_new(n + 1, sizeof(*rel));
	for (size_t i = 0; i < n; i++)
		rel[i] = (struct policy_cat_relation){oid(r, (int)i, 0), text(r, (int)i, 1), text(r, (int)i, 2), PQgetvalue(r, (int)i, 3)[0]};
	rd->cat.relations = rel;
	rd->cat.nrelations = n;

	if ((rc = query(conn, rd, sql_columns, 7, &r, fail)) < 0)
		return rc;
	n = (size_t)PQntuples(r);
	struct policy_cat_column *col = base_mem_new(n + 1, sizeof(*col));
	for (size_t i = 0; i < n; i++)
		col[i] = (struct policy_cat_column){.oid = oid(r, (int)i, 0), .attnum = small(r, (int)i, 1), .name = text(r, (int)i, 2), .type_oid = oid(r, (int)i, 3),
		                                    .type_name = text(r, (int)i, 4), .dropped = yes(r, (int)i, 5), .generated = yes(r, (int)i, 6)};
	rd->cat.columns = col;
	rd->cat.ncolumns = n;
	return GH_OK;
}

static int
read_edges(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	PGresult *r;
	int rc;

	if ((rc = query(conn, rd, sql_reads, 2, &r, fail)) < 0)
		return rc;
	rd->cat.reads = edges(r, &rd->cat.nreads);
	if ((rc = query(conn, rd, sql_children, 2, &r, fail)) < 0)
		return rc;
	rd->cat.children = edges(r, &rd->cat.nchildren);
	if ((rc = query(conn, rd, sql_functions, 1, &r, fail)) < 0)
		return rc;
	size_t n = (size_t)PQntuples(r);
	struct base_span *f = base_mem_new(n + 1, sizeof(*f));
	for (size_t i = 0; i < n; i++)
		f[i] = text(r, (int)i, 0);
	rd->cat.functions = f;
	rd->cat.nfunctions = n;
	return GH_OK;
}

static void
add_view(struct reading *rd, uint32_t view, int attnum, uint32_t base, int base_attnum)
{
	if (rd->nviews == rd->cap_views) {
		size_t cap = rd->cap_views ? rd->cap_views * 2 : 64;
		struct policy_cat_view *more = base_mem_grow(rd->views, cap, sizeof(*more));
		if (!more)
			return;
		rd->views = more;
		rd->cap_views = cap;
	}
	rd->views[rd->nviews++] = (struct policy_cat_view){view, (int16_t)attnum, base, (int16_t)base_attnum};
}

/* One view: prepare its definition, describe it, note the origins. A view that cannot be prepared keeps no mapping: its rows are then
 * recorded as `subjects: unknown`, which is true. */
static int
trace_view(PGconn *conn, struct reading *rd, uint32_t view, const char *definition, struct base_fail *fail)
{
	PGresult *r = PQprepare(conn, "gatehouse_view", definition, 0, NULL);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	bool locked = state && strcmp(state, "55P03") == 0;

	PQclear(r);
	if (locked) /* only where lock_timeout is set: between reloads */
		return base_fail_set(fail, GH_E_IO, "a table is locked by a change that waits for somebody's transaction");
	if (!ok) {
		base_log_warn("the columns of view with OID %u could not be traced: %s", view, PQerrorMessage(conn));
		return GH_OK;
	}
	r = PQdescribePrepared(conn, "gatehouse_view");
	if (PQresultStatus(r) == PGRES_COMMAND_OK)
		for (int i = 0; i < PQnfields(r); i++)
			if (PQftable(r, i) != 0 && PQftablecol(r, i) > 0)
				add_view(rd, view, i + 1, PQftable(r, i), PQftablecol(r, i));
	PQclear(r);
	PQclear(PQexec(conn, "DEALLOCATE gatehouse_view"));
	return GH_OK;
}

static int
read_views(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	PGresult *r;

	int rc = query(conn, rd, sql_views, 2, &r, fail);
	for (int i = 0; rc == GH_OK && i < PQntuples(r); i++)
		if (!PQgetisnull(r, i, 1))
			rc = trace_view(conn, rd, oid(r, i, 0), PQgetvalue(r, i, 1), fail);
	rd->cat.views = rd->views;
	rd->cat.nviews = rd->nviews;
	return rc;
}

static void
drop(const void *p)
{
	free((void *)(uintptr_t)p);
}

static int
read_all(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	int rc = read_relations(conn, rd, fail);

	if (rc == GH_OK)
		rc = read_edges(conn, rd, fail);
	return rc == GH_OK ? read_views(conn, rd, fail) : rc;
}

static void
reading_done(struct reading *rd)
{
	drop(rd->cat.relations);
	drop(rd->cat.columns);
	drop(rd->cat.reads);
	drop(rd->cat.children);
	drop(rd->cat.functions);
	free(rd->views);
	for (size_t i = 0; i < rd->nresults; i++)
		PQclear(rd->result[i]);
}

int
gate_catalog_bind_names(PGconn *conn, const struct policy_file *policy, struct gate_names **names_r, struct policy_map **map_r, struct base_fail *fail)
{
	struct reading rd = {0};
	int rc = read_all(conn, &rd, fail);

	if (rc == GH_OK)
		rc = policy_map_bind(policy, &rd.cat, map_r, fail);
	if (rc == GH_OK && names_r)
		*names_r = gate_names_new(&rd.cat, policy, *map_r);
	reading_done(&rd);
	return rc;
}

int
gate_catalog_bind(PGconn *conn, const struct policy_file *policy, struct policy_map **map_r, struct base_fail *fail)
{
	return gate_catalog_bind_names(conn, policy, NULL, map_r, fail);
}

int
gate_catalog_bind_held(PGconn *conn, const struct policy_file *policy, const struct gate_names *names, struct policy_map **map_r, char *changed, size_t size,
                       struct base_fail *fail)
{
	struct reading rd = {0};
	struct policy_catalogue held;
	struct base_arena *a = base_arena_new(CATALOGUE_MAX);
	int rc = read_all(conn, &rd, fail);

	if (rc == GH_OK)
		rc = gate_names_hold(names, &rd.cat, a, &held, changed, size, fail);
	if (rc == GH_OK)
		rc = policy_map_bind(policy, &held, map_r, fail);
	base_arena_free(&a);
	reading_done(&rd);
	return rc;
}
