/* cli_policy_floor: `gatehouse policy floor`: prints the SQL of the second wall, or runs it in one transaction. Input: the operator's words, trusted files, the catalogue.
 * Without --apply the control connection may only read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "cli_floor.h"
#include "cli_out.h"

#define SCRIPT_MAX (256u << 20)

static bool
asked_for(const struct cli_args *args, struct base_span role)
{
	const char *one = cli_args_get(args, "role");
	bool found = !one && args->count == 0;

	found = found || (one && base_span_is(role, one));
	for (int i = 0; i < args->count && !found; i++)
		found = base_span_is(role, args->operand[i]);
	return found;
}

/* A role that was named has to be one of the people who are enforced. */
static int
check_named(const struct cli_live *l, const struct cli_enforced_list *people, const char *name, struct base_fail *fail)
{
	char shown[160];
	struct base_span role = base_span_str(name);

	for (size_t i = 0; i < people->n; i++)
		if (base_span_eq(people->item[i].person->role, role))
			return 0;
	bool listed = l->people && policy_people_find(l->people, role);
	base_fail_set(fail, GH_E_MISSING, "%s %s", base_text_quote(shown, sizeof(shown), role, 128),
	              listed ? "is observed, not enforced: there is nothing to take from it" : "is not in the people file");
	base_fail_hint(fail, "%s", listed ? "`treat enforce` in a group of the policy" : "people = \"people.csv\" in the configuration");
	return GH_E_MISSING;
}

static int
choose(const struct cli_live *l, const struct cli_args *args, struct cli_enforced_list *people, struct base_fail *fail)
{
	const char *one = cli_args_get(args, "role");
	PGresult *r = NULL;
	char shown[160];
	size_t n = 0;
	int rc = one ? check_named(l, people, one, fail) : 0;

	for (int i = 0; i < args->count && rc == 0; i++)
		rc = check_named(l, people, args->operand[i], fail);
	if (rc == 0)
		rc = cli_live_query(l->conn, "SELECT rolname FROM pg_roles", 0, NULL, 1, &r, fail);
	for (size_t i = 0; i < people->n && rc == 0; i++) {
		struct cli_enforced e = people->item[i];
		bool there = false;
		for (int k = 0; k < PQntuples(r) && !there; k++)
			there = base_span_eq(cli_live_value(r, k, 0), e.person->role);
		if (!there && asked_for(args, e.person->role))
			fprintf(stderr, "gatehouse: %s is left out: there is no such role in the database\n", base_text_quote(shown, sizeof(shown), e.person->role, 128));
		if (there && asked_for(args, e.person->role))
			people->item[n++] = e;
		else
			policy_scope_unref(&e.scope);
	}
	PQclear(r);
	if (rc == 0) {
		people->n = n;
		if (n == 0)
			rc = base_fail_set(fail, GH_E_MISSING, "nobody is enforced who has a role in the database: there is nothing to take from anybody");
	}
	return rc;
}

static bool
run(PGconn *conn, const char *sql)
{
	PGresult *r = PQexec(conn, sql);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;

	PQclear(r);
	return ok;
}

static int
apply(PGconn *conn, struct base_span script, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(script);
	size_t done = 0;
	char shown[300];

	bool ok = run(conn, "BEGIN");
	while (ok && c.left > 0) {
		struct base_span line = base_cursor_cstr(&c);
		if (line.n >= 2 && memcmp(line.p, "--", 2) == 0)
			continue;
		ok = run(conn, (const char *)line.p);
		if (!ok) {
			cli_live_server_fail(conn, fail, "nothing was changed");
			base_fail_hint(fail, "the statement was: %s", base_text_quote(shown, sizeof(shown), line, 200));
		}
		done++;
	}
	if (ok && !run(conn, "COMMIT")) {
		cli_live_server_fail(conn, fail, "nothing was changed");
		ok = false;
	}
	if (!ok) {
		(void)run(conn, "ROLLBACK");
		return fail->code < 0 ? fail->code : base_fail_set(fail, GH_E_IO, "nothing was changed: the server did not begin a transaction");
	}
	printf("%zu statements were run and committed\n", done);
	return 0;
}

static int
print(struct base_span script)
{
	struct base_cursor c = base_cursor(script);

	puts("BEGIN;");
	while (c.left > 0) {
		struct base_span line = base_cursor_cstr(&c);
		printf("%s%s\n", line.n > 2 && memcmp(line.p, "--", 2) == 0 ? "\n" : "", (const char *)line.p);
	}
	puts("\nCOMMIT;");
	return 0;
}

int
cli_policy_floor(const struct cli_args *args)
{
	struct cli_enforced_list people = {0};
	struct cli_live l = {0};
	struct base_fail fail = {0};
	struct base_buf script;
	bool applies = cli_args_get(args, "apply") != NULL;
	int rc;

	base_buf_init(&script, SCRIPT_MAX);
	if ((rc = cli_live_files(&l, args, NULL, &fail)) == 0 && (rc = cli_live_connect(&l, !applies, &fail)) == 0 &&
	    (rc = cli_live_bind(&l, &fail)) == 0 && (rc = cli_live_enforced(&l, &people, &fail)) == 0 && (rc = choose(&l, args, &people, &fail)) == 0) {
		const char *superuser = PQparameterStatus(l.conn, "is_superuser");
		rc = cli_floor_make(&l, &people, !applies || (superuser && strcmp(superuser, "on") == 0), &script, &fail);
	}
	if (rc == 0)
		rc = applies ? apply(l.conn, base_buf_span(&script), &fail) : print(base_buf_span(&script));
	int status = rc < 0 ? cli_out_fail(&fail) : fflush(stdout) == 0 ? CLI_EXIT_OK : cli_out_error("cannot write to standard output");
	cli_enforced_done(&people);
	base_buf_done(&script);
	cli_live_done(&l);
	return status;
}
