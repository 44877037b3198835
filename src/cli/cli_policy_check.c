/* cli_policy_check: `gatehouse policy check`: finds mistakes in the policy and the people file, alone or against the live catalogue. Exit status: 0 when nothing
 * refuses service, 1 when something does, 2 when there is no answer. Input: trusted files, the database's answers.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base_file.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_check.h"
#include "cli_out.h"

#define OUT_MAX (64u << 20)

struct check {
	struct cli_live live;
	struct cli_findings found;
	bool asked; /* the database */
	bool wrong; /* a file is not well-formed: nothing further can be said */
};

static void
say_hash(const uint8_t hash[BASE_SHA256_SIZE], struct base_buf *b)
{
	for (size_t i = 0; i < 8; i++)
		base_buf_fmt(b, "%02x", hash[i]);
}

static void
say_subject(const struct policy_subject *s, struct base_buf *out)
{
	char a[128], b[128], c[128], d[128];

	base_buf_fmt(out, "  subject %s: table %s.%s, key %s\n", base_text_quote(a, sizeof a, s->name, 60), base_text_quote(b, sizeof b, s->table.schema, 60),
	    base_text_quote(c, sizeof c, s->table.table, 60), base_text_quote(d, sizeof d, s->key.column, 60));
	for (size_t i = 0; i < s->nidentifiers; i++) {
		const struct policy_identifier *id = &s->identifiers[i];
		base_buf_fmt(out, "    %s in column %s", base_text_quote(a, sizeof a, id->kind, 60), base_text_quote(b, sizeof b, id->column.column, 60));
		if (id->norm == POLICY_NORM_PHONE && id->country.n > 0)
			base_buf_fmt(out, " (numbers without country code get %s)", base_text_quote(c, sizeof c, id->country, 8));
		base_buf_u8(out, '\n');
	}
	for (size_t i = 0; i < s->nlinked; i++)
		base_buf_fmt(out, "    rows of %s.%s belong to the person in %s\n", base_text_quote(a, sizeof a, s->linked[i].schema, 60),
		    base_text_quote(b, sizeof b, s->linked[i].table, 60), base_text_quote(c, sizeof c, s->linked[i].column, 60));
}

static void
say_policy(const struct policy_file *p, struct base_buf *out)
{
	char a[512], b[256];

	base_buf_fmt(out, "policy %s: \"%s\" version %llu, hash ", base_text_quote(a, sizeof a, p->file, 500), base_text_quote(b, sizeof b, p->name, 200), (unsigned long long)p->version);
	say_hash(p->hash, out);
	base_buf_u8(out, '\n');
	if (p->review_by.n > 0)
		base_buf_fmt(out, "  review by %s\n", base_text_quote(a, sizeof a, p->review_by, 20));
	for (size_t i = 0; i < p->nsubjects; i++)
		say_subject(&p->subjects[i], out);
	for (size_t i = 0; i < p->ngroups; i++) {
		const struct policy_group *g = &p->groups[i];
		enum policy_treat treat = g->treat != POLICY_TREAT_UNSET ? g->treat : p->treat;
		base_buf_fmt(out, "  group %s: %s, %zu tables\n", base_text_quote(a, sizeof a, g->name, 60), treat == POLICY_ENFORCE ? "enforced" : "observed", g->ntables);
	}
	if (p->ntests > 0)
		base_buf_fmt(out, "  %zu tests: `gatehouse policy test` runs them\n", p->ntests);
}

/* A mistake in a file is a finding; a file that cannot be read is no answer. */
static int
take_mistake(struct check *x, int rc, const struct base_fail *fail)
{
	if (rc != GH_E_PARSE && rc != GH_E_LIMIT && rc != GH_E_UNSUPPORTED)
		return rc;
	cli_findings_add(&x->found, CLI_ERROR, "syntax", fail->text, NULL, *fail->hint ? fail->hint : NULL);
	x->wrong = true;
	return 0;
}

static int
read_files(struct check *x, const struct cli_args *args, const char *file, bool conf, struct base_fail *fail)
{
	struct base_buf text;
	int rc = 0;

	if (conf && (rc = cli_files_conf(args, &x->live.conf, fail)) < 0)
		return rc;
	if (file) {
		base_buf_init(&text, POLICY_FILE_SIZE_MAX);
		if ((rc = base_file_read(AT_FDCWD, file, &text, fail)) >= 0)
			rc = policy_file_parse(base_buf_span(&text), file, &x->live.policy, fail);
		base_buf_done(&text);
	} else {
		rc = cli_files_policy(x->live.conf, &x->live.policy, fail);
	}
	if (rc < 0 && (rc = take_mistake(x, rc, fail)) < 0)
		return rc;
	if (conf && *x->live.conf->people && (rc = cli_files_people(x->live.conf, &x->live.people, fail)) < 0)
		rc = take_mistake(x, rc, fail); /* both files are looked at: one run shows both errors */
	return rc < 0 ? rc : 0;
}

static void
say_text(const struct check *x, struct base_buf *out)
{
	if (x->live.policy)
		say_policy(x->live.policy, out);
	if (x->live.people)
		base_buf_fmt(out, "people %s: %zu, hash %s\n", x->live.conf->people, policy_people_count(x->live.people), policy_people_hash(x->live.people));
	else if (x->live.conf && !*x->live.conf->people)
		base_buf_str(out, "people: none configured; entries will name roles only\n");
	cli_findings_text(&x->found, out);
	base_buf_fmt(out, "%zu errors, %zu warnings, %zu notes", x->found.count[CLI_ERROR], x->found.count[CLI_WARNING], x->found.count[CLI_NOTE]);
	base_buf_str(out, x->asked ? "; checked against the database\n" : x->wrong ? "\n" : "; no database was asked whether these tables and columns exist (-c does)\n");
}

static void
say_json(const struct check *x, struct base_buf *out)
{
	base_buf_str(out, "{");
	if (x->live.policy) {
		base_buf_str(out, "\"policy\":");
		cli_out_json(out, x->live.policy->name);
		base_buf_fmt(out, ",\"version\":%llu,\"hash\":\"", (unsigned long long)x->live.policy->version);
		say_hash(x->live.policy->hash, out);
		base_buf_str(out, "\",");
	}
	base_buf_fmt(out, "\"live\":%s,", x->asked ? "true" : "false");
	cli_findings_json(&x->found, out);
	base_buf_str(out, "}\n");
}

int
cli_policy_check(const struct cli_args *args)
{
	const char *file = args->count > 0 ? args->operand[0] : NULL;
	/* A file alone needs no configuration; with one, there is a database to ask. */
	bool conf = cli_args_get(args, "config") || cli_args_get(args, "live") || !file, live = conf && !cli_args_get(args, "offline");
	char now[BASE_TIME_UTC_SIZE];
	struct check x = {0};
	struct base_fail fail = {0};
	struct base_buf out;

	cli_findings_init(&x.found);
	base_buf_init(&out, OUT_MAX);
	(void)base_time_utc(base_time_wall_us(), now);
	now[10] = '\0'; /* the date */
	int rc = read_files(&x, args, file, conf, &fail);
	if (rc == 0 && x.live.policy) {
		cli_check_rules(x.live.policy, now, &x.found);
		if (x.live.conf)
			cli_check_people(x.live.policy, x.live.people, now, &x.found);
	}
	if (rc == 0 && live && !x.wrong) {
		rc = cli_check_live(&x.live, &x.found, &fail);
		x.asked = rc == 0;
		if (rc < 0)
			base_fail_hint(&fail, "--offline checks the files alone");
	}
	int status = cli_findings_status(&x.found);
	if (rc < 0)
		status = cli_out_fail(&fail);
	if (cli_args_get(args, "json") && rc == 0)
		say_json(&x, &out);
	else if (!cli_args_get(args, "json") && (rc == 0 || x.live.policy)) /* what the files say stands, although the database gave no answer */
		say_text(&x, &out);
	if (!cli_out_write(&out))
		status = cli_out_error("cannot write to standard output");
	base_buf_done(&out);
	cli_findings_done(&x.found);
	cli_live_done(&x.live);
	return status;
}
