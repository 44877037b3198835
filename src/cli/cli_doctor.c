/* cli_doctor: `gatehouse doctor`: what the database leaves open beside the gate, for the people who are enforced, and the SQL that closes it. What is asked is in
 * cli_doctor.def. Input: trusted files, the server's answers. Changes nothing. A check that cannot look says so; it never counts as passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base_mem.h"
#include "base_text.h"
#include "cli_check.h"
#include "cli_floor.h"
#include "cli_out.h"
#include "gate_judge.h"

#define OUT_MAX (64u << 20)
#define SQL_MAX (64u << 10)

/* Pieces of the SQL in cli_doctor.def. The control connection is taken to come from where the gate's sessions come from. */
#define NAMES(p) \
	"array_to_string((array_agg(DISTINCT quote_ident(" p ".rolname)))[1:5], ', ') || CASE WHEN count(DISTINCT " p ".oid) > 5 THEN ' and ' || count(DISTINCT " p ".oid) - 5 || ' more' ELSE '' END"
#define LOOPBACK(a) "(" a " <<= '127.0.0.0/8' OR host(" a ") = '::1')"
#define GATE_LOCAL "(inet_client_addr() IS NULL OR " LOOPBACK("inet_client_addr()") ")"
#define GATE_IS(a) "(CASE WHEN " GATE_LOCAL " THEN " a " IS NULL OR " LOOPBACK(a) " ELSE host(" a ") = host(inet_client_addr()) END)"
#define DANGEROUS CLI_FLOOR_EXTENSIONS

struct check {
	const char *id;
	enum cli_severity severity;
	const char *title, *why, *needs, *sql;
};
static const struct check checks[] = {
#define CHECK(id, severity, title, why, needs, sql) {id, severity, title, why, needs, sql},
#include "cli_doctor.def"
#undef CHECK
};

/* What a check came to, for the table. */
struct seen {
	const char *id, *title;
	bool blind; /* it could not look */
	size_t found;
};
#define SEEN_MAX 64u

struct doctor {
	struct cli_live live;
	struct cli_findings found;
	struct cli_enforced_list people;
	char *roles; /* own: array literal */
	struct seen seen[SEEN_MAX];
	size_t nseen;
};

static struct seen *
begin(struct doctor *d, const char *id, const char *title)
{
	struct seen *s = &d->seen[d->nseen < SEEN_MAX - 1 ? d->nseen++ : d->nseen];

	*s = (struct seen){.id = id, .title = title};
	return s;
}

static void
found(struct doctor *d, struct seen *s, enum cli_severity severity, const char *what, const char *why, const char *fix)
{
	s->found++;
	cli_findings_add(&d->found, severity, s->id, what, why, fix);
}

static void
blind(struct doctor *d, struct seen *s, const char *why, const char *fix)
{
	char what[700];

	s->blind = true;
	(void)snprintf(what, sizeof(what), "not looked at: %s: %s", s->title, why);
	cli_findings_add(&d->found, CLI_NOTE, s->id, what, NULL, fix);
}

/* -- the table of checks -- */

static bool
may_look(struct doctor *d, const struct check *c)
{
	PGresult *r = NULL;
	struct base_fail ignored;
	bool may = !*c->needs;

	if (!may && cli_live_query(d->live.conn, c->needs, 0, NULL, 1, &r, &ignored) == 0)
		may = PQntuples(r) == 1 && PQgetvalue(r, 0, 0)[0] == 't';
	PQclear(r);
	return may;
}

static void
run_check(struct doctor *d, const struct check *c)
{
	struct seen *s = begin(d, c->id, c->title);
	const char *const params[] = {d->roles};
	struct base_fail fail = {0};
	struct base_buf sql;
	PGresult *r = NULL;
	char fix[300], user[160];

	if (!may_look(d, c)) {
		(void)snprintf(fix, sizeof(fix), "GRANT pg_monitor TO %s; (and, for pg_hba.conf, EXECUTE ON FUNCTION pg_hba_file_rules() and SELECT ON pg_hba_file_rules)",
		               base_text_quote(user, sizeof(user), base_span_str(PQuser(d->live.conn)), 128));
		blind(d, s, "the control role may not see it", fix);
		return;
	}
	base_buf_init(&sql, SQL_MAX);
	/* person is named in each, so that its parameter always has a type. */
	base_buf_fmt(&sql, "WITH person AS (SELECT * FROM pg_roles r WHERE r.rolname = ANY ($1::name[])) SELECT x.* FROM (%s) x(what, fix, severity)", c->sql);
	base_buf_u8(&sql, 0);
	if (cli_live_query(d->live.conn, (const char *)base_buf_span(&sql).p, 1, params, 3, &r, &fail) < 0)
		blind(d, s, fail.text, NULL);
	for (int i = 0; r && i < PQntuples(r); i++) {
		const char *severity = PQgetvalue(r, i, 2);
		found(d, s, strcmp(severity, "note") == 0 ? CLI_NOTE : strcmp(severity, "error") == 0 ? CLI_ERROR : c->severity, PQgetvalue(r, i, 0), c->why, PQgetvalue(r, i, 1));
	}
	PQclear(r);
	base_buf_done(&sql);
}

/* -- what no SQL says -- */

static void
check_server(struct doctor *d)
{
	struct seen *s = begin(d, "server", "the server's version, its encoding and its query trees");
	struct base_fail fail = {0};

	if (cli_live_judge(&d->live, &fail) < 0) {
		gate_judge_close(&d->live.judge);
		found(d, s, CLI_ERROR, fail.text, "the gate decides by the server's analysed tree; without it, it serves no enforced session", *fail.hint ? fail.hint : NULL);
	}
}

static void
check_tls(struct doctor *d)
{
	struct seen *s = begin(d, "tls", "the way from the gate to the server");
	const struct proc_conf *c = d->live.conf;
	bool local = c->server_host[0] == '/' || strcasecmp(c->server_host, "localhost") == 0 || strncmp(c->server_host, "127.", 4) == 0 || strcmp(c->server_host, "::1") == 0;
	static const char why[] = "who stands between can read what the masks hide, and answer in the server's name";

	if (!local && c->server_tls == PROC_SERVER_TLS_OFF)
		found(d, s, CLI_ERROR, "server_tls = off, and the server is another machine", why, "server_tls = verify-full and server_ca in the configuration");
	else if (!local && c->server_tls == PROC_SERVER_TLS_REQUIRE)
		found(d, s, CLI_WARNING, "server_tls = require: the server's certificate is not verified", why, "server_tls = verify-full and server_ca in the configuration");
	const char *host = PQhost(d->live.conn);
	if (host && host[0] != '/' && !PQsslInUse(d->live.conn) && strcasecmp(host, "localhost") != 0 && strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0)
		found(d, s, CLI_WARNING, "the control connection is not encrypted", why, "sslmode=verify-full and sslrootcert in control");
}

static void
check_columns(struct doctor *d)
{
	struct seen *s = begin(d, "columns", "columns that can be read although no rule names them");
	struct base_fail fail = {0};

	if (!d->live.map) {
		blind(d, s, "the policy does not fit the database; see gatehouse policy check", NULL);
		return;
	}
	size_t before = d->found.n;
	if (cli_floor_excess(&d->live, &d->people, s->id, &d->found, &fail) < 0)
		blind(d, s, fail.text, NULL);
	s->found += d->found.n - before;
}

/* -- who -- */

static int
find_people(struct doctor *d, struct base_fail *fail)
{
	struct base_buf b;
	struct seen *s;
	int rc = cli_live_bind(&d->live, fail);

	if (rc == GH_E_IO)
		return rc;
	s = begin(d, "policy", "the policy and the people");
	if (rc < 0) {
		found(d, s, CLI_ERROR, fail->text, "the gate does not start with this policy", "gatehouse policy check -c FILE");
		policy_map_unref(&d->live.map);
	} else if ((rc = cli_live_enforced(&d->live, &d->people, fail)) < 0) {
		return rc;
	} else if (d->people.n == 0) {
		found(d, s, CLI_NOTE, "nobody is enforced: all people of the people file are looked at as if they were", NULL, "treat enforce in a group of the policy");
	}
	size_t all = d->live.people ? policy_people_count(d->live.people) : 0, n = 0;
	struct base_span *role = base_mem_new(all + 1, sizeof(*role));
	for (size_t i = 0; i < all; i++) { /* enforced: ascending as people are */
		const struct policy_person *p = policy_people_at(d->live.people, i);
		bool enforced = d->people.n == 0;
		for (size_t k = 0; k < d->people.n && !enforced; k++)
			enforced = d->people.item[k].person == p;
		if (enforced)
			role[n++] = p->role;
	}
	if (n == 0)
		found(d, s, CLI_WARNING, "there are no people to look for: most of what follows has nothing to find", NULL, "people = \"people.csv\" in the configuration");
	base_buf_init(&b, 64u << 20);
	cli_live_array(&b, role, n);
	d->roles = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	free(role);
	return 0;
}

/* -- out -- */

static void
say_text(const struct doctor *d, struct base_buf *out)
{
	for (size_t i = 0; i < d->nseen; i++) {
		char result[32];
		if (d->seen[i].blind)
			(void)snprintf(result, sizeof(result), "not seen");
		else if (d->seen[i].found == 0)
			(void)snprintf(result, sizeof(result), "ok");
		else
			(void)snprintf(result, sizeof(result), "%zu found", d->seen[i].found);
		base_buf_fmt(out, "%-13s %-10s %s\n", d->seen[i].id, result, d->seen[i].title);
	}
	base_buf_u8(out, '\n');
	cli_findings_text(&d->found, out);
	base_buf_fmt(out, "%zu errors, %zu warnings, %zu notes\n", d->found.count[CLI_ERROR], d->found.count[CLI_WARNING], d->found.count[CLI_NOTE]);
}

static void
say_json(const struct doctor *d, struct base_buf *out)
{
	base_buf_str(out, "{\"checks\":[");
	for (size_t i = 0; i < d->nseen; i++)
		base_buf_fmt(out, "%s{\"check\":\"%s\",\"looked\":%s,\"found\":%zu}", i ? "," : "", d->seen[i].id, d->seen[i].blind ? "false" : "true", d->seen[i].found);
	base_buf_str(out, "],");
	cli_findings_json(&d->found, out);
	base_buf_str(out, "}\n");
}

int
cli_doctor(const struct cli_args *args)
{
	struct doctor d = {0};
	struct base_fail fail = {0};
	struct base_buf out;
	int rc, status;

	cli_findings_init(&d.found);
	base_buf_init(&out, OUT_MAX);
	if ((rc = cli_live_files(&d.live, args, NULL, &fail)) == 0 && (rc = cli_live_connect(&d.live, true, &fail)) == 0) {
		check_server(&d);
		check_tls(&d);
		rc = find_people(&d, &fail);
	}
	for (size_t i = 0; rc == 0 && i < BASE_COUNT(checks); i++)
		run_check(&d, &checks[i]);
	if (rc == 0)
		check_columns(&d);
	if (rc < 0) {
		status = cli_out_fail(&fail);
	} else {
		if (cli_args_get(args, "json"))
			say_json(&d, &out);
		else
			say_text(&d, &out);
		status = cli_out_write(&out) ? cli_findings_status(&d.found) : cli_out_error("cannot write to standard output");
	}
	free(d.roles);
	cli_enforced_done(&d.people);
	base_buf_done(&out);
	cli_findings_done(&d.found);
	cli_live_done(&d.live);
	return status;
}
