/* cli_policy_check: `gatehouse policy check`: parses the policy and the people file and says what they declare. Uses no database:
 * whether the tables and columns exist is checked when the gate starts or reloads, and the output says so.
 */
#include <stdio.h>

#include "cli_files.h"
#include "cli_out.h"

#include "base_text.h"

static void
say_hash(const uint8_t hash[BASE_SHA256_SIZE])
{
	for (size_t i = 0; i < 8; i++)
		printf("%02x", hash[i]);
}

static void
say_subject(const struct policy_subject *s)
{
	char a[128], b[128], c[128];

	printf("  subject %s: table %s.%s, key %s", base_text_quote(a, sizeof a, s->name, 60), base_text_quote(b, sizeof b, s->table.schema, 60),
	    base_text_quote(c, sizeof c, s->table.table, 60), "");
	printf("%s\n", base_text_quote(a, sizeof a, s->key.column, 60));
	for (size_t i = 0; i < s->nidentifiers; i++) {
		const struct policy_identifier *id = &s->identifiers[i];
		printf("    %s in column %s", base_text_quote(a, sizeof a, id->kind, 60), base_text_quote(b, sizeof b, id->column.column, 60));
		if (id->norm == POLICY_NORM_PHONE && id->country.n > 0)
			printf(" (numbers without country code get %s)", base_text_quote(c, sizeof c, id->country, 8));
		putchar('\n');
	}
	for (size_t i = 0; i < s->nlinked; i++)
		printf("    rows of %s.%s belong to the person in %s\n", base_text_quote(a, sizeof a, s->linked[i].schema, 60),
		    base_text_quote(b, sizeof b, s->linked[i].table, 60), base_text_quote(c, sizeof c, s->linked[i].column, 60));
}

static void
say_policy(const struct proc_conf *conf, const struct policy_file *p)
{
	char a[256];

	printf("policy %s: \"%s\" version %llu, hash ", conf->policy, base_text_quote(a, sizeof a, p->name, 200), (unsigned long long)p->version);
	say_hash(p->hash);
	putchar('\n');
	if (p->review_by.n > 0)
		printf("  review by %s\n", base_text_quote(a, sizeof a, p->review_by, 20));
	for (size_t i = 0; i < p->nsubjects; i++)
		say_subject(&p->subjects[i]);
}

int
cli_policy_check(const struct cli_args *args)
{
	struct proc_conf *conf = NULL;
	struct policy_file *policy = NULL;
	struct policy_people *people = NULL;
	struct base_fail fail = {0};
	int status = CLI_EXIT_OK;

	if (cli_files_conf(args, &conf, &fail) < 0)
		return cli_out_fail(&fail);
	if (cli_files_policy(conf, &policy, &fail) < 0)
		status = cli_out_fail(&fail);
	else
		say_policy(conf, policy);
	if (!*conf->people)
		puts("people: none configured; entries will name roles only");
	else if (cli_files_people(conf, &people, &fail) < 0)
		status = cli_out_fail(&fail); /* both files are looked at: one run shows both errors */
	else
		printf("people %s: %zu, hash %s\n", conf->people, policy_people_count(people), policy_people_hash(people));
	if (status == CLI_EXIT_OK)
		puts("well-formed; whether these tables and columns exist was not checked (no database was asked): the gate does that when it starts");
	policy_people_unref(&people);
	policy_file_free(&policy);
	proc_conf_free(&conf);
	return status;
}
