/* cli_check_live: see cli_check.h: a policy against the live catalogue. All unknown names are said, where binding stops at the first. Then the policy is bound as the gate
 * does it, and what only a bound policy shows is looked at: columns without a rule, keys that cannot be recorded, row conditions that the server does not hold.
 * Input: trusted files, the server's answers (checked). Changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "cli_actor.h"
#include "cli_check.h"
#include "cli_rows.h"
#include "gate_judge.h"

/* -- names -- */

/* One row a column, or one with an empty column for a relation that has none; ascending bytes of schema, relation. search_path is empty: pg_catalog only. */
static const char sql_names[] =
    "SELECT n.nspname, c.relname, coalesce(a.attname, '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE c.relkind IN ('r','p','v','m','f') AND n.nspname NOT IN ('pg_catalog','information_schema') AND n.nspname !~ '^pg_(toast|temp)' "
    "ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\", a.attnum";

struct names {
	const struct policy_file *f;
	PGresult *r;
	struct cli_findings *out;
};

static int
compare(const PGresult *r, int row, struct base_span schema, struct base_span table)
{
	int order = base_span_cmp(cli_live_value(r, row, 0), schema);

	return order ? order : base_span_cmp(cli_live_value(r, row, 1), table);
}

/* First row of the relation, -1 when there is none. */
static int
find(const PGresult *r, struct base_span schema, struct base_span table)
{
	int low = 0, high = PQntuples(r);

	while (low < high) {
		int mid = low + (high - low) / 2;
		if (compare(r, mid, schema, table) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < PQntuples(r) && compare(r, low, schema, table) == 0 ? low : -1;
}

/* The nearest value of a column among rows [from, to) whose other columns are as in row `like` up to column `col`; NULL: none is near. */
static const char *
nearest(const PGresult *r, int from, int to, int col, struct base_span word)
{
	const char **names = base_mem_new((size_t)(to > from ? to - from : 0) + 1, sizeof(*names));
	size_t n = 0;

	for (int i = from; i < to; i++)
		if (*PQgetvalue(r, i, col) && (n == 0 || strcmp(names[n - 1], PQgetvalue(r, i, col)) != 0))
			names[n++] = PQgetvalue(r, i, col);
	const char *near = base_text_nearest(word, names, n);
	free(names);
	return near;
}

static void
unknown(const struct names *x, unsigned line, unsigned col, const char *what, struct base_span name, const char *rest, const char *near)
{
	char file[512], shown[200], quoted[200];

	cli_findings_say(x->out, CLI_ERROR, "name", NULL, NULL, "%s:%u:%u: %s \"%s\" does not exist%s%s%s%s", base_text_quote(file, sizeof(file), x->f->file, 480), line, col, what,
	                 base_text_quote(shown, sizeof(shown), name, 150), rest, near ? "; did you mean \"" : "",
	                 near ? base_text_quote(quoted, sizeof(quoted), base_span_str(near), 150) : "", near ? "\"?" : "");
}

/* The relation's rows [*from, *to); false: unknown, and said. */
static bool
check_table(const struct names *x, const struct policy_name *name, const char *what, int *from, int *to)
{
	struct base_span schema = name->schema.n > 0 ? name->schema : base_span_str("public");
	char full[300], a[150], b[150];

	*from = find(x->r, schema, name->table);
	if (*from >= 0) {
		for (*to = *from; *to < PQntuples(x->r) && compare(x->r, *to, schema, name->table) == 0;)
			(*to)++;
		return true;
	}
	int low = 0, high = PQntuples(x->r);
	while (low < high && !base_span_eq(cli_live_value(x->r, low, 0), schema))
		low++;
	while (high > low && !base_span_eq(cli_live_value(x->r, high - 1, 0), schema))
		high--;
	(void)snprintf(full, sizeof(full), "%s.%s", base_text_quote(a, sizeof(a), schema, 128), base_text_quote(b, sizeof(b), name->table, 128));
	const char *near = low < high ? nearest(x->r, low, high, 1, name->table) : nearest(x->r, 0, PQntuples(x->r), 0, schema);
	unknown(x, name->line, name->col, what, base_span_str(full), "", near);
	return false;
}

static void
check_column(const struct names *x, int from, int to, struct base_span column, unsigned line, unsigned col)
{
	for (int i = from; i < to; i++)
		if (base_span_eq(cli_live_value(x->r, i, 2), column))
			return;
	unknown(x, line, col, "column", column, " in this table", nearest(x->r, from, to, 2, column));
}

static void
check_name(const struct names *x, const struct policy_name *name)
{
	int from, to;

	if (check_table(x, name, "table", &from, &to))
		check_column(x, from, to, name->column, name->line, name->col);
}

/* Of `case from`: its columns have no place of their own. */
static void
check_case(const struct names *x, const struct policy_case_from *c)
{
	const struct base_span columns[] = {c->number, c->subject, c->person, c->opener, c->team, c->opened, c->closed};
	int from, to;

	if (c->line == 0 || !check_table(x, &c->table, "table", &from, &to))
		return;
	for (size_t i = 0; i < BASE_COUNT(columns); i++)
		if (columns[i].n > 0)
			check_column(x, from, to, columns[i], c->table.line, c->table.col);
}

static void
check_names(const struct names *x)
{
	const struct policy_file *f = x->f;
	int from, to;

	for (size_t i = 0; i < f->nsubjects; i++) {
		const struct policy_subject *s = &f->subjects[i];
		if (!check_table(x, &s->table, "table", &from, &to))
			continue; /* its columns are unknown too, and that says nothing new */
		check_column(x, from, to, s->key.column, s->key.line, s->key.col);
		for (size_t k = 0; k < s->nidentifiers; k++)
			check_column(x, from, to, s->identifiers[k].column.column, s->identifiers[k].column.line, s->identifiers[k].column.col);
		for (size_t k = 0; k < s->nlinked; k++)
			check_name(x, &s->linked[k]);
		for (size_t k = 0; k < s->nharmless; k++)
			check_name(x, &s->harmless[k]);
	}
	check_case(x, &f->case_from);
	for (size_t g = 0; g < f->ngroups; g++)
		for (size_t t = 0; t < f->groups[g].ntables; t++) {
			const struct policy_on_table *on = &f->groups[g].tables[t];
			if (!check_table(x, &on->table, "table", &from, &to))
				continue;
			for (size_t i = 0; i < on->nsays; i++)
				check_column(x, from, to, on->says[i].column, on->says[i].line, on->says[i].col);
		}
	for (size_t g = 0; g < f->ngroups; g++)
		for (size_t i = 0; i < f->groups[g].nsteps; i++)
			if (f->groups[g].steps[i].for_table)
				(void)check_table(x, &f->groups[g].steps[i].table, "table", &from, &to); /* said there */
	for (size_t i = 0; i < f->ntrusts; i++)
		if (!f->trusts[i].function)
			(void)check_table(x, &f->trusts[i].name, "view", &from, &to); /* said there */
}

/* -- trusted functions -- */

static const char sql_functions[] =
    "SELECT n.nspname, p.proname, oidvectortypes(p.proargtypes), md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) "
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname = ANY ($1::name[])";

static void
check_function(const struct names *x, const struct policy_trust *t)
{
	struct base_span schema = t->name.schema.n > 0 ? t->name.schema : base_span_str("public");
	char file[512], name[300], s[150], n[150], a[300], fix[200], others[600] = "";

	(void)snprintf(name, sizeof(name), "%s.%s", base_text_quote(s, sizeof(s), schema, 128), base_text_quote(n, sizeof(n), t->name.table, 128));
	(void)base_text_quote(file, sizeof(file), x->f->file, 480);
	for (int i = 0; i < PQntuples(x->r); i++) {
		if (!base_span_eq(cli_live_value(x->r, i, 0), schema) || !base_span_eq(cli_live_value(x->r, i, 1), t->name.table))
			continue;
		if (!base_span_eq(cli_live_value(x->r, i, 2), t->arguments)) {
			(void)snprintf(others, sizeof(others), "; there is one of (%s)", base_text_quote(a, sizeof(a), cli_live_value(x->r, i, 2), 250));
			continue;
		}
		if (base_span_eq(cli_live_value(x->r, i, 3), t->body))
			return;
		(void)snprintf(fix, sizeof(fix), "read the function again; when it is still harmless: body \"%s\"", PQgetvalue(x->r, i, 3));
		cli_findings_say(x->out, CLI_ERROR, "trust", "what was reviewed is not what would run", fix, "%s:%u:%u: trusted function %s(%s) has another body than the one that was reviewed",
		                 file, t->name.line, t->name.col, name, base_text_quote(a, sizeof(a), t->arguments, 250));
		return;
	}
	cli_findings_say(x->out, CLI_ERROR, "trust", NULL, NULL, "%s:%u:%u: trusted function %s(%s) does not exist%s", file, t->name.line, t->name.col, name,
	                 base_text_quote(a, sizeof(a), t->arguments, 250), others);
}

static int
check_functions(const struct cli_live *l, struct cli_findings *out, struct base_fail *fail)
{
	const struct policy_file *f = l->policy;
	struct base_span *name = base_mem_new(f->ntrusts + 1, sizeof(*name));
	struct names x = {f, NULL, out};
	struct base_buf array;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < f->ntrusts; i++)
		if (f->trusts[i].function)
			name[n++] = f->trusts[i].name.table;
	base_buf_init(&array, 1u << 20);
	cli_live_array(&array, name, n);
	base_buf_u8(&array, 0);
	if (n > 0) {
		const char *const params[] = {(const char *)base_buf_span(&array).p};
		rc = cli_live_query(l->conn, sql_functions, 1, params, 4, &x.r, fail);
	}
	for (size_t i = 0; i < f->ntrusts && n > 0 && rc == 0; i++)
		if (f->trusts[i].function)
			check_function(&x, &f->trusts[i]);
	PQclear(x.r);
	base_buf_done(&array);
	free(name);
	return rc;
}

/* -- what a bound policy shows -- */

struct bound {
	const struct cli_live *l;
	const struct policy_group *group;
	const struct policy_scope *scope;
	struct cli_findings *out;
	const PGresult *roles; /* names of roles that may log in */
};

static void
check_columns(const struct bound *x, const struct policy_scope_relation *r)
{
	struct base_span *name = base_mem_new(r->ncolumns + 1, sizeof(*name));
	char file[512], table[300], group[160], list[800], key[160];
	size_t n = 0;

	(void)base_text_quote(file, sizeof(file), x->l->policy->file, 480);
	(void)base_text_quote(table, sizeof(table), r->full_name, 280);
	(void)base_text_quote(group, sizeof(group), x->group->name, 128);
	for (size_t i = 0; i < r->ncolumns; i++)
		if (!r->columns[i].known)
			name[n++] = r->columns[i].name;
	if (n > 0 && (r->actions & POLICY_READ)) {
		cli_check_names(name, n, list, sizeof(list));
		cli_findings_say(x->out, CLI_WARNING, "no-rule", n == 1 ? "every statement that names it is refused, SELECT * too" : "every statement that names one of them is refused, SELECT * too",
		                 NULL, "%s:%u: %s %s of %s %s no rule for group %s", file, r->at.line, n == 1 ? "column" : "columns", list, table, n == 1 ? "has" : "have", group);
	}
	free(name);
	const struct policy_scope_column *c = r->key ? policy_scope_column(r, r->key) : NULL;
	bool secret = false;
	for (size_t i = 0; i < r->ncolumns; i++)
		secret = secret || (r->columns[i].known && !r->columns[i].open);
	if (c && !c->known && secret && (r->actions & POLICY_READ))
		cli_findings_say(x->out, CLI_WARNING, "key", "an answer with protected columns is recorded by this column, so statements that deliver them are refused", NULL,
		                 "%s:%u: column %s of %s says whose a row is, and has no rule for group %s", file, r->at.line, base_text_quote(key, sizeof(key), c->name, 128), table, group);
}

/* Do two expressions mean the same, whether a cast was written or implied? What the server gives back of a policy's condition has all casts written. */
static bool
alike(const struct tree_node *a, const struct tree_node *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	for (int f = 0; f < TREE_FIELD_COUNT; f++) {
		if (f == TREE_F_LOCATION || f == TREE_F_FUNCFORMAT || f == TREE_F_RELABELFORMAT || f == TREE_F_COERCEFORMAT || f == TREE_F_CONVERTFORMAT || f == TREE_F_COERCIONFORMAT)
			continue;
		const struct tree_value *x = tree_value(a, (enum tree_field)f), *y = tree_value(b, (enum tree_field)f);
		if (!x || !y || x->shape != y->shape) {
			if (x != y)
				return false;
			continue;
		}
		if (x->shape == TREE_NODE) {
			if (!alike(x->u.node, y->u.node))
				return false;
		} else if (x->shape == TREE_LIST) {
			bool same = x->u.list.n == y->u.list.n;
			for (size_t i = 0; same && i < x->u.list.n; i++)
				same = alike(x->u.list.item[i], y->u.list.item[i]);
			if (!same)
				return false;
		} else if (x->shape == TREE_NUMBERS) {
			if (x->u.numbers.n != y->u.numbers.n || (x->u.numbers.n > 0 && memcmp(x->u.numbers.item, y->u.numbers.item, x->u.numbers.n * sizeof(x->u.numbers.item[0])) != 0))
				return false;
		} else if (x->shape == TREE_TEXT || x->shape == TREE_REAL || x->shape == TREE_DATUM || x->shape == TREE_OPAQUE) {
			if (!base_span_eq(x->u.text, y->u.text))
				return false;
		} else if (x->u.number != y->u.number) {
			return false;
		}
	}
	return true;
}

/* The condition of SELECT 1 FROM t WHERE condition. */
static const struct tree_node *
quals(const struct tree *t)
{
	return tree_child(tree_child(tree_queries(t).item[0], TREE_F_JOINTREE), TREE_F_QUALS);
}

/* Is there a row-level policy on the table with this condition? By the catalogue, for where the role itself cannot be taken: less exact, since it is seen that
 * the policy is there, not that it is applied. */
static int
held_by_catalogue(const struct cli_live *l, const struct policy_scope_relation *r, bool *held_r, struct base_fail *fail)
{
	static const char sql[] =
	    "SELECT format('SELECT 1 FROM %s WHERE (%s)', c.oid::regclass, pg_get_expr(p.polqual, p.polrelid)) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid "
	    "WHERE c.oid = $1::oid AND c.relrowsecurity AND p.polcmd IN ('*', 'r') AND p.polqual IS NOT NULL";
	struct tree *want = NULL;
	struct base_buf question;
	char oid[16];
	const char *const params[] = {oid};
	PGresult *res = NULL;

	(void)snprintf(oid, sizeof(oid), "%u", r->oid);
	*held_r = false;
	base_buf_init(&question, 1u << 20);
	int rc = cli_rows_question(l->map, r, &question) ? gate_judge_tree(l->judge, (const char *)base_buf_span(&question).p, &want, fail) : 0;
	if (rc == 0)
		rc = cli_live_query(l->conn, sql, 1, params, 1, &res, fail);
	for (int i = 0; rc == 0 && want && i < PQntuples(res); i++) {
		struct tree *t = NULL;
		struct base_fail ignored;
		if (gate_judge_tree(l->judge, PQgetvalue(res, i, 0), &t, &ignored) < 0)
			continue;
		*held_r = *held_r || (quals(t) && alike(quals(t), quals(want)));
		tree_free(&t);
	}
	PQclear(res);
	tree_free(&want);
	base_buf_done(&question);
	return rc;
}

static bool
role_there(const PGresult *roles, struct base_span role)
{
	for (int i = 0; i < PQntuples(roles); i++)
		if (base_span_eq(cli_live_value(roles, i, 0), role))
			return true;
	return false;
}

/* Does the gate find the condition in this person's trees? */
static int
held_for(const struct bound *x, const struct policy_scope_relation *r, const struct policy_person *p, bool *held_r, struct base_fail *fail)
{
	static const char sql[] = "SELECT format('SELECT 1 FROM %s', $1::oid::regclass)";
	struct policy_decision *d = NULL;
	struct tree *t = NULL;
	PGresult *res = NULL;
	const char *why_not = NULL;
	char oid[16];
	const char *const params[] = {oid};

	(void)snprintf(oid, sizeof(oid), "%u", r->oid);
	int rc = cli_actor_become(x->l, p->role, p, &why_not, fail);
	if (rc == 0)
		rc = cli_live_query(x->l->conn, sql, 1, params, 1, &res, fail);
	if (rc == 0)
		rc = cli_actor_decide(x->l, x->scope, PQgetvalue(res, 0, 0), false, &t, &d, fail);
	if (rc == 0)
		*held_r = !(d->refused && strcmp(d->refusal.id, "ROWS") == 0);
	policy_decision_free(&d);
	tree_free(&t);
	PQclear(res);
	if (rc == 0 && !*held_r && why_not)
		rc = held_by_catalogue(x->l, r, held_r, fail);
	return rc;
}

static int
check_rows(const struct bound *x, const struct policy_scope_relation *r, struct base_fail *fail)
{
	size_t people = x->l->people ? policy_people_count(x->l->people) : 0, n = 0;
	struct base_span *role = base_mem_new(people + 1, sizeof(*role));
	const struct policy_person *first = NULL;
	char file[512], table[300], group[160];
	bool held = true;
	int rc = 0;

	for (size_t i = 0; i < people; i++) {
		const struct policy_person *p = policy_people_at(x->l->people, i);
		bool member = false;
		for (size_t k = 0; k < p->ngroups; k++)
			member = member || base_span_eq(p->groups[k], x->group->name);
		if (!member || !role_there(x->roles, p->role))
			continue;
		first = first ? first : p;
		role[n++] = p->role;
	}
	(void)base_text_quote(file, sizeof(file), x->l->policy->file, 480);
	(void)base_text_quote(table, sizeof(table), r->full_name, 280);
	(void)base_text_quote(group, sizeof(group), x->group->name, 128);
	if (!first)
		cli_findings_say(x->out, CLI_NOTE, "rows", NULL, NULL, "%s:%u: whether the server holds this condition on %s was not looked at: nobody in group %s has a role there", file,
		                 r->rows.line, table, group);
	else
		rc = held_for(x, r, first, &held, fail);
	if (rc == 0 && !held) {
		struct base_buf sql;
		base_buf_init(&sql, 1u << 20);
		rc = cli_rows_sql(x->l, x->scope, r, role, n, &sql, fail);
		for (size_t i = 0; i < base_buf_len(&sql); i++) /* a fix has one statement a line */
			if (sql.mem[sql.start + i] == '\0')
				sql.mem[sql.start + i] = '\n';
		base_buf_u8(&sql, 0);
		if (rc == 0)
			cli_findings_say(x->out, CLI_ERROR, "rows", "the gate edits no WHERE: without row-level security, or a security_barrier view, with this condition it refuses every statement on this table",
			                 (const char *)base_buf_span(&sql).p, "%s:%u: the server does not hold the condition on the rows of %s for group %s", file, r->rows.line, table, group);
		base_buf_done(&sql);
	}
	free(role);
	return rc;
}

static int
check_groups(const struct cli_live *l, struct cli_findings *out, struct base_fail *fail)
{
	PGresult *roles = NULL;
	struct policy_scope *scope = NULL;
	int rc = cli_live_query(l->conn, "SELECT rolname FROM pg_roles WHERE rolcanlogin", 0, NULL, 1, &roles, fail);

	for (size_t g = 0; g < l->policy->ngroups && rc == 0; g++) {
		const struct policy_group *group = &l->policy->groups[g];
		if ((rc = policy_scope_new(l->map, &group->name, 1, &scope)) < 0) {
			base_fail_set(fail, rc, "not enough memory for what the people may do");
			break;
		}
		struct bound x = {l, group, scope, out, roles};
		for (size_t i = 0; i < scope->nrelations && rc == 0; i++) {
			check_columns(&x, &scope->relations[i]);
			if (l->judge && scope->relations[i].rows.line > 0)
				rc = check_rows(&x, &scope->relations[i], fail);
		}
		policy_scope_unref(&scope);
	}
	size_t people = l->people ? policy_people_count(l->people) : 0, n = 0;
	struct base_span *role = base_mem_new(people + 1, sizeof(*role));
	char names[800];
	for (size_t i = 0; i < people && rc == 0; i++)
		if (!role_there(roles, policy_people_at(l->people, i)->role))
			role[n++] = policy_people_at(l->people, i)->role;
	cli_check_names(role, n, names, sizeof(names));
	if (n > 0)
		cli_findings_say(out, CLI_WARNING, "role", NULL, NULL, "%s of the people file cannot log in to the database: there is no such role, or it has no LOGIN", names);
	free(role);
	PQclear(roles);
	return rc;
}

/* A mistake in the policy is a finding, a broken connection no answer. */
static int
as_finding(int rc, const char *check, const struct base_fail *fail, struct cli_findings *out)
{
	if (rc == GH_E_IO || rc == GH_E_NOMEM || rc == 0)
		return rc;
	cli_findings_add(out, CLI_ERROR, check, fail->text, NULL, *fail->hint ? fail->hint : NULL);
	return 0;
}

int
cli_check_live(struct cli_live *l, struct cli_findings *out, struct base_fail *fail)
{
	struct names x = {l->policy, NULL, out};
	size_t before = out->count[CLI_ERROR];

	int rc = cli_live_connect(l, true, fail);
	if (rc == 0)
		rc = cli_live_query(l->conn, sql_names, 0, NULL, 3, &x.r, fail);
	if (rc == 0)
		check_names(&x);
	PQclear(x.r);
	if (rc == 0)
		rc = check_functions(l, out, fail);
	if (rc < 0 || out->count[CLI_ERROR] > before)
		return rc;
	if (policy_file_enforces(l->policy) && (rc = cli_live_judge(l, fail)) < 0) {
		gate_judge_close(&l->judge);
		if ((rc = as_finding(rc, "server", fail, out)) < 0)
			return rc;
	}
	if ((rc = cli_live_bind(l, fail)) < 0)
		return as_finding(rc, "bind", fail, out);
	return check_groups(l, out, fail);
}
