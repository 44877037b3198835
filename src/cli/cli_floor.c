/* cli_floor: see cli_floor.h. Input: a bound policy, the people, the catalogue. Writes text; runs nothing but SELECTs. Identifiers are quoted by the server (format %I, regclass with an
 * empty search_path) or by sql_quote_identifier; names in comments by base_text_quote, so that no name ends a comment.
 *
 * The floor is the second of two walls, and the gate does not rest on it: masks need the right to read what they mask. Limits: privileges of PUBLIC that
 * others live by are taken from them too, which the script says where it does so.
 */
#include "cli_floor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "cli_check.h"
#include "cli_rows.h"
#include "sql_command.h"

#define SQL_MAX (16u << 20)

struct floor {
	const struct cli_live *l;
	struct base_buf *out;
	char *array; /* own: the people as an array literal */
	char *roles; /* own: the people as a list of identifiers */
	char schema[200]; /* the last one that usage was granted on */
	struct base_fail *fail;
};

static void
say(struct base_buf *out, const char *fmt, ...) BASE_PRINTF(2, 3);

static void
say(struct base_buf *out, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort(); /* a command line without memory has no answer to give */
	base_buf_cstr(out, text);
	free(text);
}

/* Each row's first column is a statement. $1: the people. */
static int
ask(struct floor *f, const char *title, const char *sql)
{
	const char *const params[] = {f->array};
	struct base_buf whole;
	PGresult *r = NULL;

	base_buf_init(&whole, SQL_MAX);
	base_buf_fmt(&whole, "WITH person AS (SELECT * FROM pg_roles WHERE rolname = ANY ($1::name[])) %s", sql);
	base_buf_u8(&whole, 0);
	int rc = cli_live_query(f->l->conn, (const char *)base_buf_span(&whole).p, 1, params, 1, &r, f->fail);
	base_buf_done(&whole);
	if (rc == 0 && PQntuples(r) > 0)
		say(f->out, "-- %s", title);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		say(f->out, "%s", PQgetvalue(r, i, 0));
	PQclear(r);
	return rc;
}

/* -- for all -- */

static const char sql_public[] =
    "SELECT format('REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC, %s;', current_database(), (SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM person)) "
    "UNION ALL SELECT * FROM (SELECT format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %s;', n.nspname, (SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM person)) FROM pg_namespace n "
    "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY n.nspname) x";
static const char sql_views[] =
    "SELECT unnest(ARRAY[format('REVOKE SELECT ON %I.%I FROM PUBLIC;', n.nspname, c.relname), format('GRANT SELECT ON %I.%I TO pg_monitor;', n.nspname, c.relname)]) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE (n.nspname = 'pg_catalog' AND c.relname IN ('pg_stats','pg_stats_ext','pg_stats_ext_exprs','pg_stat_activity','pg_stat_all_tables','pg_stat_user_tables','pg_stat_xact_all_tables','pg_stat_xact_user_tables')) "
    "OR (c.relkind = 'v' AND c.relname IN ('pg_stat_statements','pg_stat_statements_info')) "
    "UNION ALL SELECT unnest(ARRAY['REVOKE EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(integer) FROM PUBLIC;', 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(integer) TO pg_monitor;'])";
static const char sql_default[] =
    "SELECT DISTINCT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON ROUTINES FROM PUBLIC;', o.rolname) FROM pg_roles o WHERE o.oid IN ("
    "SELECT f.proowner FROM pg_proc f WHERE f.oid >= 16384 UNION SELECT n.nspowner FROM pg_namespace n WHERE n.oid >= 16384 UNION SELECT d.datdba FROM pg_database d WHERE d.datname = current_database())";

/* -- roles -- */

static const char sql_attributes[] =
    "SELECT format('ALTER ROLE %I%s%s%s%s%s;', p.rolname, CASE WHEN p.rolsuper THEN ' NOSUPERUSER' END, CASE WHEN p.rolbypassrls THEN ' NOBYPASSRLS' END, CASE WHEN p.rolcreaterole THEN ' NOCREATEROLE' END, "
    "CASE WHEN p.rolcreatedb THEN ' NOCREATEDB' END, CASE WHEN p.rolreplication THEN ' NOREPLICATION' END) FROM person p "
    "WHERE p.rolsuper OR p.rolbypassrls OR p.rolcreaterole OR p.rolcreatedb OR p.rolreplication ORDER BY p.rolname";
/* Roles that hold something in this database: by a grant, as an owner, by an attribute, or as one of the server's own. */
static const char sql_memberships[] =
    ", holder AS (SELECT a.grantee AS oid FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid >= 16384 UNION SELECT a.grantee FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid >= 16384 "
    "UNION SELECT c.relowner FROM pg_class c WHERE c.oid >= 16384 UNION SELECT a.grantee FROM pg_proc f, aclexplode(f.proacl) a WHERE f.oid >= 16384 AND f.prosecdef "
    "UNION SELECT a.grantee FROM pg_namespace n, aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE' UNION SELECT a.grantee FROM pg_database d, aclexplode(d.datacl) a "
    "WHERE d.datname = current_database() AND a.privilege_type IN ('TEMPORARY', 'CREATE') UNION SELECT r.oid FROM pg_roles r WHERE r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolname ~ '^pg_') "
    "SELECT format('REVOKE %I FROM %s;', g.rolname, string_agg(quote_ident(p.rolname), ', ' ORDER BY p.rolname)) FROM person p JOIN pg_auth_members m ON m.member = p.oid JOIN pg_roles g ON g.oid = m.roleid "
    "WHERE EXISTS (SELECT FROM holder h WHERE h.oid = g.oid OR (NOT g.rolsuper AND h.oid <> 0 AND h.oid IN (SELECT r.oid FROM pg_roles r) AND pg_has_role(g.oid, h.oid, 'MEMBER')) OR g.rolsuper) "
    "GROUP BY g.rolname ORDER BY g.rolname";
static const char sql_members[] =
    "SELECT format('REVOKE %I FROM %I;', p.rolname, m.rolname) FROM person p JOIN pg_auth_members a ON a.roleid = p.oid JOIN pg_roles m ON m.oid = a.member ORDER BY 1";
/* Whatever a table, a sequence or one of their columns gives to PUBLIC or to one of the people. Extensions' own relations are theirs. */
static const char sql_relations[] =
    ", given AS (SELECT c.oid, a.grantee FROM pg_class c, aclexplode(c.relacl) a UNION SELECT t.attrelid, a.grantee FROM pg_attribute t, aclexplode(t.attacl) a) "
    "SELECT format('REVOKE ALL ON %s %s FROM %s;', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, "
    "string_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(p.rolname) END, ', ' ORDER BY g.grantee <> 0, p.rolname)) "
    "FROM given g JOIN pg_class c ON c.oid = g.oid LEFT JOIN person p ON p.oid = g.grantee JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE (g.grantee = 0 OR p.oid IS NOT NULL) AND c.relkind IN ('r','p','v','m','f','S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') GROUP BY c.oid, c.relkind ORDER BY c.oid::regclass::text";
static const char sql_log[] = "SELECT format('ALTER ROLE %I SET log_min_messages = panic;', p.rolname) FROM person p ORDER BY p.rolname";

/* -- functions -- */

static int
make_functions(struct floor *f)
{
	static const char sql[] =
	    "WITH person AS (SELECT * FROM pg_roles WHERE rolname = ANY ($1::name[])) "
	    "SELECT f.oid, f.oid::regprocedure, coalesce((SELECT ', ' || string_agg(DISTINCT quote_ident(p.rolname), ', ') FROM aclexplode(f.proacl) a JOIN person p ON p.oid = a.grantee), ''), e.extname IS NOT NULL "
	    "FROM pg_proc f LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e' LEFT JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid "
	    "WHERE f.oid >= 16384 AND (e.extname IS NULL OR e.extname IN (" CLI_FLOOR_EXTENSIONS ")) AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY e.extname NULLS FIRST, f.oid::regprocedure::text";
	const char *const params[] = {f->array};
	PGresult *r = NULL;

	int rc = cli_live_query(f->l->conn, sql, 1, params, 4, &r, f->fail);
	if (rc == 0 && PQntuples(r) > 0)
		say(f->out, "-- Functions: every new one is PUBLIC's. Who else needs one: GRANT EXECUTE ON ROUTINE ... TO role. Functions in defaults, checks and views run as the asking role.");
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		bool trusted = PQgetvalue(r, i, 3)[0] == 'f' && !policy_objects_function(policy_map_objects(f->l->map), cli_live_oid(r, i, 0));
		say(f->out, "REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC%s;", PQgetvalue(r, i, 1), PQgetvalue(r, i, 2));
		if (trusted)
			say(f->out, "GRANT EXECUTE ON ROUTINE %s TO %s;", PQgetvalue(r, i, 1), f->roles);
	}
	PQclear(r);
	return rc == 0 ? ask(f, "... and functions that are made from now on", sql_default) : rc;
}

/* -- what the policy gives -- */

static bool
may_select(const struct policy_scope_relation *r, const struct policy_scope_column *c)
{
	return (r->actions & POLICY_READ) && (c->known || (r->key != 0 && c->attnum == r->key)); /* the key: the gate adds it to know whose a row is */
}

static void
grant_columns(struct floor *f, const struct policy_scope_relation *r, const char *table, const char *roles, unsigned action)
{
	static const char *const words[] = {"SELECT", "INSERT", "UPDATE"};
	const char *word = words[action == POLICY_READ ? 0 : action == POLICY_INSERT ? 1 : 2];
	struct base_buf b;
	bool any = false;

	base_buf_init(&b, SQL_MAX);
	base_buf_fmt(&b, "GRANT %s (", word);
	for (size_t i = 0; i < r->ncolumns; i++) {
		const struct policy_scope_column *c = &r->columns[i];
		if (!(r->actions & action) || !(action == POLICY_READ ? may_select(r, c) : action == POLICY_INSERT ? c->insert : c->update))
			continue;
		base_buf_str(&b, any ? ", " : "");
		sql_quote_identifier(c->name, &b);
		any = true;
	}
	base_buf_fmt(&b, ") ON TABLE %s TO %s;", table, roles);
	base_buf_u8(&b, 0);
	if (any)
		base_buf_cstr(f->out, (const char *)base_buf_span(&b).p);
	base_buf_done(&b);
}

static void
say_hidden(struct floor *f, const struct policy_scope_relation *r)
{
	struct base_span *name = base_mem_new(r->ncolumns + 1, sizeof(*name));
	char list[800], table[300];
	size_t n = 0;

	for (size_t i = 0; i < r->ncolumns; i++)
		if ((r->actions & POLICY_READ) && r->columns[i].known && r->columns[i].mask.kind != POLICY_MASK_NONE)
			name[n++] = r->columns[i].name;
	cli_check_names(name, n, list, sizeof(list));
	if (n > 0)
		say(f->out, "-- %s of %s %s masked or hidden by the gate: a statement that names a column needs the right to read it. This wall does not stand in front of %s.", list,
		    base_text_quote(table, sizeof(table), r->full_name, 280), n == 1 ? "is" : "are", n == 1 ? "it" : "them");
	free(name);
}

static int
grant_relation(struct floor *f, const struct policy_scope *s, const struct policy_scope_relation *r, const struct base_span *role, size_t nroles, const char *roles)
{
	static const char sql[] =
	    "SELECT c.oid::regclass, quote_ident(n.nspname), coalesce((SELECT string_agg(q.oid::regclass::text, ', ') FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' "
	    "WHERE d.classid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'), '') "
	    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid";
	char oid[16];
	const char *const params[] = {oid};
	PGresult *res = NULL;

	(void)snprintf(oid, sizeof(oid), "%u", r->oid);
	int rc = cli_live_query(f->l->conn, sql, 1, params, 3, &res, f->fail);
	if (rc == 0 && PQntuples(res) == 1) {
		const char *table = PQgetvalue(res, 0, 0), *sequences = PQgetvalue(res, 0, 2);
		if (strcmp(f->schema, PQgetvalue(res, 0, 1)) != 0)
			say(f->out, "GRANT USAGE ON SCHEMA %s TO %s;", PQgetvalue(res, 0, 1), roles);
		(void)snprintf(f->schema, sizeof(f->schema), "%s", PQgetvalue(res, 0, 1)); /* 63 bytes, doubled and quoted, fit */
		say_hidden(f, r);
		grant_columns(f, r, table, roles, POLICY_READ);
		grant_columns(f, r, table, roles, POLICY_INSERT);
		grant_columns(f, r, table, roles, POLICY_UPDATE);
		if (r->actions & POLICY_DELETE)
			say(f->out, "GRANT DELETE ON TABLE %s TO %s;", table, roles);
		if ((r->actions & POLICY_INSERT) && *sequences)
			say(f->out, "GRANT USAGE ON SEQUENCE %s TO %s;", sequences, roles);
		if (r->rows.line > 0 && memmem(r->rows_text.p, r->rows_text.n, "actor", 5))
			say(f->out, "-- This condition rests on settings that the gate makes; whoever comes beside the gate makes them as they like: let pg_hba.conf admit these people from the gate only.");
		if (r->rows.line > 0)
			rc = cli_rows_sql(f->l, s, r, role, nroles, f->out, f->fail);
	}
	PQclear(res);
	return rc;
}

/* People of the same groups have the same scope: they are granted together, at the first of them. */
static int
grant_people(struct floor *f, const struct cli_enforced_list *people)
{
	struct base_span *role = base_mem_new(people->n + 1, sizeof(*role));
	int rc = 0;

	for (size_t i = 0; i < people->n && rc == 0; i++) {
		const struct policy_scope *s = people->item[i].scope;
		struct base_buf roles;
		size_t n = 0;
		bool first = true;
		for (size_t k = 0; k < people->n; k++) {
			if (!base_span_eq(people->item[k].scope->group_words, s->group_words))
				continue;
			first = first && k >= i;
			role[n++] = people->item[k].person->role;
		}
		if (!first || s->nrelations == 0)
			continue;
		char groups[300];
		base_buf_init(&roles, SQL_MAX);
		cli_rows_roles(role, n, &roles);
		base_buf_u8(&roles, 0);
		f->schema[0] = '\0';
		say(f->out, "-- Group %s", base_text_quote(groups, sizeof(groups), s->group_words, 280));
		for (size_t k = 0; k < s->nrelations && rc == 0; k++)
			rc = grant_relation(f, s, &s->relations[k], role, n, (const char *)base_buf_span(&roles).p);
		base_buf_done(&roles);
	}
	free(role);
	return rc;
}

static void
grant_views(struct floor *f)
{
	const struct policy_file *p = f->l->policy;

	for (size_t i = 0; i < p->ntrusts; i++) {
		struct base_buf b;
		if (p->trusts[i].function)
			continue;
		base_buf_init(&b, 4096);
		sql_quote_identifier(p->trusts[i].name.schema.n ? p->trusts[i].name.schema : base_span_str("public"), &b);
		base_buf_u8(&b, '.');
		sql_quote_identifier(p->trusts[i].name.table, &b);
		base_buf_u8(&b, 0);
		say(f->out, "GRANT SELECT ON TABLE %s TO %s;", (const char *)base_buf_span(&b).p, f->roles);
		base_buf_done(&b);
	}
}

/* -- the script -- */

static void
begin(struct floor *f, const struct cli_enforced_list *people, struct base_span *role)
{
	struct base_buf b;

	for (size_t i = 0; i < people->n; i++)
		role[i] = people->item[i].person->role;
	base_buf_init(&b, SQL_MAX);
	cli_live_array(&b, role, people->n);
	f->array = base_mem_str(base_buf_span(&b));
	base_buf_clear(&b);
	cli_rows_roles(role, people->n, &b);
	f->roles = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
}

int
cli_floor_make(const struct cli_live *l, const struct cli_enforced_list *people, bool superuser, struct base_buf *out, struct base_fail *fail)
{
	struct floor f = {.l = l, .out = out, .fail = fail};
	struct base_span *role = base_mem_new(people->n + 1, sizeof(*role));
	int rc;

	begin(&f, people, role);
	if ((rc = ask(&f, "Nobody makes objects of their own. Who needs temporary tables: GRANT TEMPORARY ON DATABASE ... TO role", sql_public)) == 0 && (rc = make_functions(&f)) == 0 &&
	    (rc = ask(&f, "Samples of the data, and other sessions. Programs that watch the server: GRANT pg_monitor TO role", sql_views)) == 0 &&
	    (rc = ask(&f, "Roles that no privilege binds", sql_attributes)) == 0 && (rc = ask(&f, "One person, one role", sql_members)) == 0 &&
	    (rc = ask(&f, "Roles through which these people hold something in this database", sql_memberships)) == 0 &&
	    (rc = ask(&f, "What tables give to PUBLIC and to these people now; what the policy gives comes below", sql_relations)) == 0)
		rc = grant_people(&f, people);
	if (rc == 0)
		grant_views(&f);
	if (rc == 0 && superuser)
		rc = ask(&f, "The gate has the server print each statement's tree; without this it goes to the server's log too (only a superuser may)", sql_log);
	else if (rc == 0)
		say(out, "-- A superuser should: ALTER ROLE ... SET log_min_messages = panic; for each of these roles: the trees of their statements go to the server's log else");
	free(f.array);
	free(f.roles);
	free(role);
	if (rc == 0 && out->bad)
		rc = base_fail_set(fail, GH_E_LIMIT, "the script is too long; name some of the roles at a time");
	return rc;
}
