/* cli_rows: see cli_rows.h. The condition is the one that the server was asked about when the policy was bound (policy_question): schema-qualified, actor.*
 * already current_setting('gatehouse.*', true), which the gate sets for each session. Input: a bound policy, the catalogue. Runs nothing but SELECTs.
 */
#include "cli_rows.h"

#include <stdio.h>

#include "base_text.h"
#include "sql_command.h"

#define SQL_MAX (1u << 20)
#define POLICY_NAME_MAX 63u /* of an identifier in PostgreSQL */

/* Does some rule of the file stand in this line with this condition? Its table, or NULL. */
static const struct policy_name *
rule_at(const struct policy_file *f, unsigned line, struct base_span where)
{
	for (size_t g = 0; g < f->ngroups; g++)
		for (size_t t = 0; t < f->groups[g].ntables; t++) {
			const struct policy_on_table *on = &f->groups[g].tables[t];
			if (on->rows_line == line && base_span_eq(on->rows_where, where))
				return &on->table;
		}
	return NULL;
}

static void
table_name(const struct policy_name *name, struct base_buf *out)
{
	sql_quote_identifier(name->schema.n > 0 ? name->schema : base_span_str("public"), out);
	base_buf_u8(out, '.');
	sql_quote_identifier(name->table, out);
}

/* The condition, between the parentheses of the question that was asked for it. */
static struct base_span
condition(const struct policy_map *map, const struct policy_scope_relation *r, const struct policy_name *table)
{
	struct base_span found = base_span("", 0);
	struct base_buf head;

	base_buf_init(&head, 4096);
	base_buf_str(&head, "SELECT 1 FROM ");
	table_name(table, &head);
	base_buf_str(&head, " WHERE (");
	for (size_t i = 0; i < policy_map_questions(map) && found.n == 0; i++) {
		const struct policy_question *q = policy_map_question(map, i);
		struct base_span sql = base_span_str(q->sql), h = base_buf_span(&head);
		if (sql.n > h.n + 1 && memcmp(sql.p, h.p, h.n) == 0 && rule_at(policy_map_file(map), q->at.line, r->rows_text))
			found = base_span(sql.p + h.n, sql.n - h.n - 1);
	}
	base_buf_done(&head);
	return found;
}

bool
cli_rows_question(const struct policy_map *map, const struct policy_scope_relation *r, struct base_buf *out)
{
	const struct policy_name *table = rule_at(policy_map_file(map), r->rows.line, r->rows_text);
	struct base_span where = table ? condition(map, r, table) : base_span("", 0);

	base_buf_str(out, "SELECT 1 FROM ");
	if (table)
		table_name(table, out);
	base_buf_fmt(out, " WHERE (%.*s)", (int)where.n, (const char *)where.p);
	base_buf_u8(out, 0);
	return where.n > 0;
}

void
cli_rows_roles(const struct base_span *roles, size_t nroles, struct base_buf *out)
{
	for (size_t i = 0; i < nroles; i++) {
		if (i > 0)
			base_buf_str(out, ", ");
		sql_quote_identifier(roles[i], out);
	}
}

/* The policy's name: of the groups, so that groups with other conditions have other policies. */
static void
policy_name(const struct policy_scope *s, struct base_buf *out)
{
	char name[POLICY_NAME_MAX + 1];
	size_t n = s->group_words.n < POLICY_NAME_MAX - 10 ? s->group_words.n : POLICY_NAME_MAX - 10;

	while (n > 0 && n < s->group_words.n && (s->group_words.p[n] & 0xc0) == 0x80) /* not in the middle of a character */
		n--;
	(void)snprintf(name, sizeof(name), "gatehouse_%.*s", (int)n, (const char *)s->group_words.p);
	sql_quote_identifier(base_span_str(name), out);
}

int
cli_rows_sql(const struct cli_live *l, const struct policy_scope *s, const struct policy_scope_relation *r, const struct base_span *roles, size_t nroles,
    struct base_buf *out, struct base_fail *fail)
{
	static const char sql[] =
	    "SELECT c.relkind, c.relrowsecurity, EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polname <> 'gatehouse_others') "
	    "FROM pg_class c WHERE c.oid = $1::oid";
	const struct policy_name *table = rule_at(policy_map_file(l->map), r->rows.line, r->rows_text);
	struct base_span where = table ? condition(l->map, r, table) : base_span("", 0);
	struct base_buf name, policy;
	char oid[16], quoted[300];
	const char *const params[] = {oid};
	PGresult *res = NULL;

	(void)snprintf(oid, sizeof(oid), "%u", r->oid);
	(void)base_text_quote(quoted, sizeof(quoted), r->full_name, 280);
	int rc = cli_live_query(l->conn, sql, 1, params, 3, &res, fail);
	if (rc < 0)
		return rc;
	char kind = PQntuples(res) == 1 ? PQgetvalue(res, 0, 0)[0] : ' ';
	bool on = kind != ' ' && PQgetvalue(res, 0, 1)[0] == 't', others = kind != ' ' && PQgetvalue(res, 0, 2)[0] == 't';
	PQclear(res);
	if (r->rows_other.line > 0) {
		base_buf_fmt(out, "-- %s: lines %u and %u give the same people different conditions; the gate refuses its rows until they are one", quoted, r->rows.line, r->rows_other.line);
		base_buf_u8(out, 0);
		return 0;
	}
	if (where.n == 0 || nroles == 0) {
		base_buf_fmt(out, "-- %s: %s", quoted, nroles == 0 ? "nobody is bound by this condition" : "the condition is not known");
		base_buf_u8(out, 0);
		return 0;
	}
	if (kind != 'r' && kind != 'p') {
		base_buf_fmt(out, "-- %s is not a table: have its rows chosen by a view WITH (security_barrier) that holds this condition", quoted);
		base_buf_u8(out, 0);
		return 0;
	}
	base_buf_init(&name, SQL_MAX);
	base_buf_init(&policy, SQL_MAX);
	table_name(table, &name);
	policy_name(s, &policy);
	struct base_span t = base_buf_span(&name), p = base_buf_span(&policy);
	base_buf_fmt(out, "ALTER TABLE %.*s ENABLE ROW LEVEL SECURITY;", (int)t.n, (const char *)t.p);
	base_buf_u8(out, 0);
	if (!on && !others) {
		base_buf_fmt(out, "DROP POLICY IF EXISTS gatehouse_others ON %.*s;", (int)t.n, (const char *)t.p);
		base_buf_u8(out, 0);
		base_buf_fmt(out, "CREATE POLICY gatehouse_others ON %.*s USING (true) WITH CHECK (true);", (int)t.n, (const char *)t.p);
		base_buf_u8(out, 0);
	}
	base_buf_fmt(out, "DROP POLICY IF EXISTS %.*s ON %.*s;", (int)p.n, (const char *)p.p, (int)t.n, (const char *)t.p);
	base_buf_u8(out, 0);
	base_buf_fmt(out, "CREATE POLICY %.*s ON %.*s AS RESTRICTIVE TO ", (int)p.n, (const char *)p.p, (int)t.n, (const char *)t.p);
	cli_rows_roles(roles, nroles, out);
	base_buf_fmt(out, " USING (%.*s);", (int)where.n, (const char *)where.p);
	base_buf_u8(out, 0);
	base_buf_done(&name);
	base_buf_done(&policy);
	return 0;
}
