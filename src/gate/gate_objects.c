/* gate_objects: catalogue rows for policy_map_give_objects, and the catalogue's fingerprint (gate_objects.h has the contract).
 *
 * Input: the server's answers through libpq; numbers are checked, and policy_objects reads the rows as if hostile.
 * Calls: libpq, policy_map. Never: runs anything but these SELECTs; keeps rows beyond the call.
 */
#include "gate_objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"

/* The extension that owns x.oid of a catalogue, or ''. */
#define EXTENSION(catalogue, x) \
	"coalesce((SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid WHERE d.classid = 'pg_catalog." catalogue \
	"'::pg_catalog.regclass AND d.objid = " x ".oid AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1), '')"

/* A body that can be reviewed: SQL and procedural languages. One written as BEGIN ATOMIC is stored as a tree: its text is what the server makes of that. */
static const char sql_functions[] =
    "SELECT p.oid, n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes), "
    "CASE WHEN p.oid < 16384 OR l.lanname IN ('c','internal') OR p.prokind = 'a' THEN '' "
    "ELSE pg_catalog.md5(coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)) END, " EXTENSION("pg_proc", "p") ", p.prosecdef "
    "FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang";
static const char sql_types[] =
    "SELECT t.oid, n.nspname, t.typname, t.typtype, t.typbasetype, "
    "CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc THEN t.typelem ELSE 0 END, t.typrelid, " EXTENSION("pg_type", "t")
    " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace";
static const char sql_systems[] =
    "SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('pg_catalog','information_schema') AND c.relkind IN ('r','p','v','m','f')";
static const char sql_operators[] = "SELECT o.oid, o.oprcode::pg_catalog.oid FROM pg_catalog.pg_operator o WHERE o.oid >= 10000 AND o.oprcode <> 0";
/* Types of users' making that the columns of relations have, and what these are made of; and each relation's row type. */
static const char sql_columns[] =
    "WITH RECURSIVE t(relid, oid) AS ("
    "SELECT a.attrelid, a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384 AND c.oid >= 16384 AND c.relkind IN ('r','p','v','m','f') AND c.relpersistence <> 't' "
    "UNION SELECT c.oid, c.reltype FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.reltype <> 0 AND c.relkind IN ('r','p','v','m','f') AND c.relpersistence <> 't' "
    "UNION SELECT t.relid, x.oid FROM t JOIN pg_catalog.pg_type y ON y.oid = t.oid CROSS JOIN LATERAL ("
    "SELECT y.typelem WHERE y.typelem <> 0 UNION ALL SELECT y.typbasetype WHERE y.typbasetype <> 0 "
    "UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = y.oid "
    "UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = y.oid "
    "UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = y.typrelid AND y.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped"
    ") x(oid) WHERE x.oid >= 16384) "
    "SELECT c.oid, n.nspname, c.relname, t.oid FROM t JOIN pg_catalog.pg_class c ON c.oid = t.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/* Each definition's row has another xmin after every change; pg_class and pg_type rows are also rewritten for other reasons, so what counts there are
 * their columns. Sums do not depend on the order of rows. hash_record_extended exists from PostgreSQL 14 on. */
#define PRINT(from, row) "(SELECT pg_catalog.count(*) || ':' || coalesce(pg_catalog.sum(pg_catalog.hash_record_extended(ROW(" row "), 0)), 0) FROM " from ")"
static const char sql_print[] =
    "SELECT pg_catalog.md5(pg_catalog.concat_ws(',', "
    PRINT("pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_(toast_)?temp_'", "n.oid, n.nspname") ", "
    PRINT("pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_temp_'", "p.oid, p.xmin") ", "
    PRINT("pg_catalog.pg_class c WHERE c.relpersistence <> 't' AND c.relkind IN ('r','p','v','m','f','c')",
          "c.oid, c.relname, c.relnamespace, c.reltype, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.reloptions") ", "
    PRINT("pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0 AND c.relpersistence <> 't' AND c.relkind IN ('r','p','v','m','f','c')",
          "a.attrelid, a.attnum, a.xmin") ", "
    PRINT("pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname !~ '^pg_(toast_)?temp_'", "t.oid, t.typname, t.typnamespace, t.typbasetype") ", "
    PRINT("pg_catalog.pg_operator o", "o.oid, o.xmin") ", "
    PRINT("pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class WHERE c.relpersistence <> 't'", "r.oid, r.xmin") ", "
    PRINT("pg_catalog.pg_policy p", "p.oid, p.xmin") ", "
    PRINT("pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE c.relpersistence <> 't'", "i.inhrelid, i.inhparent, i.inhseqno") ", "
    PRINT("pg_catalog.pg_extension e", "e.oid, e.xmin") "))";

struct reading {
	PGresult *result[5];
	size_t nresults;
	struct policy_cat_objects cat;
	struct policy_cat_function *functions; /* own: these arrays */
	struct policy_cat_type *types;
	struct policy_cat_system *systems;
	struct policy_cat_operator *operators;
	uint32_t *columns;
};

static int
query(PGconn *conn, struct reading *rd, const char *sql, int columns, PGresult **r, size_t *n_r, struct base_fail *fail)
{
	*r = PQexec(conn, sql);
	rd->result[rd->nresults++] = *r;
	if (PQresultStatus(*r) != PGRES_TUPLES_OK || PQnfields(*r) != columns)
		return base_fail_set(fail, GH_E_IO, "control connection: could not read what functions and types there are: %s", PQerrorMessage(conn));
	*n_r = (size_t)PQntuples(*r);
	return GH_OK;
}

static struct base_span
text(const PGresult *r, size_t row, int col)
{
	return base_span(PQgetvalue(r, (int)row, col), (size_t)PQgetlength(r, (int)row, col));
}

static uint32_t
oid(const PGresult *r, size_t row, int col)
{
	uint64_t v = 0;
	return base_num_u64(text(r, row, col), 0, UINT32_MAX, &v) == GH_OK ? (uint32_t)v : 0;
}

static int
read_functions(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	PGresult *r;
	size_t n;
	int rc = query(conn, rd, sql_functions, 7, &r, &n, fail);

	if (rc < 0)
		return rc;
	rd->functions = base_mem_new(n + 1, sizeof(*rd->functions));
	for (size_t i = 0; i < n; i++)
		rd->functions[i] = (struct policy_cat_function){.oid = oid(r, i, 0), .schema = text(r, i, 1), .name = text(r, i, 2), .arguments = text(r, i, 3),
		                                                .body_md5 = text(r, i, 4), .extension = text(r, i, 5),
		                                                .security_definer = PQgetvalue(r, (int)i, 6)[0] == 't'};
	rd->cat.functions = rd->functions;
	rd->cat.nfunctions = n;
	return GH_OK;
}

static int
read_types(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	PGresult *r;
	size_t n;
	int rc = query(conn, rd, sql_types, 8, &r, &n, fail);

	if (rc < 0)
		return rc;
	rd->types = base_mem_new(n + 1, sizeof(*rd->types));
	for (size_t i = 0; i < n; i++)
		rd->types[i] = (struct policy_cat_type){.oid = oid(r, i, 0), .schema = text(r, i, 1), .name = text(r, i, 2), .typtype = PQgetvalue(r, (int)i, 3)[0],
		                                        .base_oid = oid(r, i, 4), .element_oid = oid(r, i, 5), .relation_oid = oid(r, i, 6), .extension = text(r, i, 7)};
	rd->cat.types = rd->types;
	rd->cat.ntypes = n;
	return GH_OK;
}

static int
read_systems(PGconn *conn, struct reading *rd, struct base_fail *fail)
{
	PGresult *r;
	size_t n;
	int rc = query(conn, rd, sql_systems, 4, &r, &n, fail);

	if (rc < 0)
		return rc;
	rd->systems = base_mem_new(n + 1, sizeof(*rd->systems));
	for (size_t i = 0; i < n; i++)
		rd->systems[i] = (struct policy_cat_system){oid(r, i, 0), text(r, i, 1), text(r, i, 2), PQgetvalue(r, (int)i, 3)[0]};
	rd->cat.systems = rd->systems;
	rd->cat.nsystems = n;
	if ((rc = query(conn, rd, sql_operators, 2, &r, &n, fail)) < 0)
		return rc;
	rd->operators = base_mem_new(n + 1, sizeof(*rd->operators));
	for (size_t i = 0; i < n; i++)
		rd->operators[i] = (struct policy_cat_operator){oid(r, i, 0), oid(r, i, 1)};
	rd->cat.operators = rd->operators;
	rd->cat.noperators = n;
	return GH_OK;
}

/* Does a group of the policy name this relation? */
static bool
named(const struct policy_file *f, struct base_span schema, struct base_span name)
{
	for (size_t i = 0; i < f->ngroups; i++)
		for (size_t k = 0; k < f->groups[i].ntables; k++) {
			const struct policy_name *t = &f->groups[i].tables[k].table;
			if (base_span_eq(t->table, name) && base_span_eq(t->schema.n ? t->schema : base_span_str("public"), schema))
				return true;
		}
	return false;
}

static int
read_columns(PGconn *conn, struct reading *rd, const struct policy_map *map, struct base_fail *fail)
{
	PGresult *r;
	size_t n, kept = 0;
	int rc = query(conn, rd, sql_columns, 4, &r, &n, fail);

	if (rc < 0)
		return rc;
	rd->columns = base_mem_new(n + 1, sizeof(*rd->columns));
	for (size_t i = 0; i < n; i++)
		if (policy_map_relation(map, oid(r, i, 0)) || named(policy_map_file(map), text(r, i, 1), text(r, i, 2)))
			rd->columns[kept++] = oid(r, i, 3);
	rd->cat.column_types = rd->columns;
	rd->cat.ncolumn_types = kept;
	return GH_OK;
}

int
gate_objects_give(PGconn *conn, struct policy_map *map, bool later, struct base_fail *fail)
{
	struct reading rd = {.cat = {.later = later}};
	int rc;

	if ((rc = read_functions(conn, &rd, fail)) == GH_OK && (rc = read_types(conn, &rd, fail)) == GH_OK && (rc = read_systems(conn, &rd, fail)) == GH_OK &&
	    (rc = read_columns(conn, &rd, map, fail)) == GH_OK)
		rc = policy_map_give_objects(map, &rd.cat, fail);
	free(rd.functions);
	free(rd.types);
	free(rd.systems);
	free(rd.operators);
	free(rd.columns);
	for (size_t i = 0; i < rd.nresults; i++)
		PQclear(rd.result[i]);
	return rc;
}

int
gate_objects_print(PGconn *conn, char print_r[GATE_OBJECTS_PRINT], struct base_fail *fail)
{
	PGresult *r = PQexec(conn, sql_print);
	int rc = GH_OK;

	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1 || PQnfields(r) != 1 || PQgetlength(r, 0, 0) != GATE_OBJECTS_PRINT - 1)
		rc = base_fail_set(fail, GH_E_IO, "control connection: could not tell whether the catalogue was changed: %s", PQerrorMessage(conn));
	else
		memcpy(print_r, PQgetvalue(r, 0, 0), GATE_OBJECTS_PRINT);
	PQclear(r);
	return rc;
}

int
gate_objects_snapshot(PGconn *conn, char snapshot_r[GATE_OBJECTS_SNAPSHOT], struct base_fail *fail)
{
	PGresult *r = PQexec(conn, "SELECT pg_catalog.pg_current_snapshot()");
	int rc = GH_OK;

	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1 || PQnfields(r) != 1) {
		rc = base_fail_set(fail, GH_E_IO, "control connection: could not tell whether the catalogue was changed: %s", PQerrorMessage(conn));
	} else {
		/* The backend's number belongs to it: another connection may be one to another server. */
		int n = snprintf(snapshot_r, GATE_OBJECTS_SNAPSHOT, "%d %s", PQbackendPID(conn), PQgetvalue(r, 0, 0));
		if (n < 0 || n >= GATE_OBJECTS_SNAPSHOT)
			snapshot_r[0] = '\0';
	}
	PQclear(r);
	return rc;
}
