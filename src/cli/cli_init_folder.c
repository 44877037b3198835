/* cli_init_folder: see cli_init.h: `gatehouse init DIR` from the command line to the written files. What it is to write is read back by the same parsers that the gate has
 * before a file is made; no file that is there is touched.
 */
#include "cli_init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"
#include "base_text.h"
#include "cli_live.h"
#include "cli_out.h"

#define CONF_MAX 65536u
#define DIR_MODE 0755u
#define FILE_MODE 0644u
#define SECRET_MODE 0600u
#define NOT_SAMPLED_SHOWN 8u

enum { CONF, POLICY, PEOPLE, FILES };

static int
absolute(const char *dir, char *dst, size_t size, struct base_fail *fail)
{
	size_t n = 0;

	if (*dir != '/') {
		if (!getcwd(dst, size - 1))
			return base_fail_errno(fail, errno, "the current folder");
		n = strlen(dst);
		dst[n++] = '/';
	}
	size_t length = strlen(dir);
	while (length > 1 && dir[length - 1] == '/')
		length--;
	if (length == 0 || length >= size - n)
		return base_fail_set(fail, GH_E_LIMIT, "the folder's name is empty or too long");
	memcpy(dst + n, dir, length);
	dst[n + length] = '\0';
	return 0;
}

/* Is a file of this name there already? */
static int
check_free(const struct cli_init *x, const char *name, struct base_fail *fail)
{
	char path[4300];

	(void)snprintf(path, sizeof(path), "%s/%s", x->dirname, name);
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	base_fail_set(fail, GH_E_EXISTS, "%s is there already; nothing was written", path);
	base_fail_hint(fail, "name another folder, or move the file away");
	return GH_E_EXISTS;
}

static void
policy_name(struct cli_init *x)
{
	const char *from = PQdb(x->conn);
	size_t n = 0;

	for (; *from && n < 60; from++) {
		char c = *from;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
		x->policy[n++] = plain ? c : '_';
	}
	(void)snprintf(x->policy + n, sizeof(x->policy) - n, ".gate");
}

/* By the parsers of the gate itself. */
static int
read_back(const struct cli_init *x, const struct base_buf text[FILES], struct base_fail *fail)
{
	char path[4300];
	struct proc_conf *conf = NULL;
	struct policy_file *policy = NULL;
	struct policy_people *people = NULL;
	int rc = 0;

	for (size_t i = 0; i < FILES; i++)
		if (text[i].bad)
			return base_fail_set(fail, GH_E_LIMIT, "%s would be too large", i == CONF ? "gatehouse.conf" : i == POLICY ? x->policy : "people.csv");
	(void)snprintf(path, sizeof(path), "%s/gatehouse.conf", x->dirname);
	if ((rc = proc_conf_parse(base_buf_span(&text[CONF]), path, &conf, fail)) >= 0)
		rc = policy_people_parse(base_buf_span(&text[PEOPLE]), "people.csv", &people, fail);
	if (rc >= 0 && x->model.subject != CLI_NOWHERE)
		rc = policy_file_parse(base_buf_span(&text[POLICY]), x->policy, &policy, fail);
	if (rc < 0)
		base_fail_where(fail, "what would be written does not hold, and nothing was");
	policy_people_unref(&people);
	policy_file_free(&policy);
	proc_conf_free(&conf);
	return rc < 0 ? rc : 0;
}

/* Does the connection string hold a password? Then others may not read the file. */
static bool
has_password(const char *control)
{
	PQconninfoOption *all = PQconninfoParse(control, NULL);
	bool found = false;

	for (const PQconninfoOption *o = all; o && o->keyword; o++)
		found = found || (o->val && *o->val && base_span_is(base_span_str(o->keyword), "password"));
	PQconninfoFree(all);
	return found;
}

static int
write_files(const struct cli_init *x, const struct base_buf text[FILES], struct base_fail *fail)
{
	const char *const names[FILES] = {"gatehouse.conf", x->policy, "people.csv"};
	const unsigned modes[FILES] = {has_password(x->control) ? SECRET_MODE : FILE_MODE, FILE_MODE, FILE_MODE};
	int rc = 0, dir = base_file_dir(AT_FDCWD, x->dirname, DIR_MODE, fail);

	if (dir < 0)
		return dir;
	for (size_t i = 0; i < FILES && rc == 0; i++)
		rc = check_free(x, names[i], fail);
	for (size_t i = 0; i < FILES && rc >= 0; i++)
		rc = base_file_create_new(dir, names[i], modes[i], base_buf_span(&text[i]), fail);
	(void)close(dir); /* nothing is written through it */
	return rc < 0 ? rc : 0;
}

/* -- what is said at the end -- */

static void
say_policy(const struct cli_init *x)
{
	const struct cli_model *m = &x->model;
	char a[200], b[200];
	size_t linked = 0, personal = 0;

	printf("made %s/%s: ", x->dirname, x->policy);
	if (m->subject == CLI_NOWHERE) {
		puts("no table looks as if its rows were persons; fill in the subject, or there is nothing to protect");
		return;
	}
	const struct cli_table *t = &m->tables[m->subject];
	for (size_t i = 0; i < m->ncolumns; i++) {
		linked += m->columns[i].carries;
		personal += m->columns[i].kind != CLI_KIND_NONE && m->columns[i].grounds != CLI_GROUNDS_AGAINST;
	}
	printf("each row of %s.%s is one person, a %s; %zu linked column%s; %zu columns of all tables look personal", base_text_quote(a, sizeof(a), base_span_str(t->schema), 63),
	    base_text_quote(b, sizeof(b), base_span_str(t->name), 63), cli_init_subject_name(m), linked, linked == 1 ? "" : "s", personal);
	if (m->ticket.table != CLI_NOWHERE)
		printf("; tickets: %s.%s%s", base_text_quote(a, sizeof(a), base_span_str(m->tables[m->ticket.table].schema), 63),
		    base_text_quote(b, sizeof(b), base_span_str(m->tables[m->ticket.table].name), 63), m->ticket.sure ? "" : " (uncertain)");
	putchar('\n');
}

static void
say_not_sampled(const struct cli_init *x)
{
	const struct cli_model *m = &x->model;
	char a[200], b[200], c[300];
	size_t n = 0;

	for (size_t t = 0; t < m->ntables && x->sample; t++) {
		const struct cli_table *y = &m->tables[t];
		if (*y->unsampled && n++ < NOT_SAMPLED_SHOWN)
			printf("not sampled: %s.%s: %s\n", base_text_quote(a, sizeof(a), base_span_str(y->schema), 63), base_text_quote(b, sizeof(b), base_span_str(y->name), 63),
			    base_text_quote(c, sizeof(c), base_span_str(y->unsampled), 200));
	}
	if (n > NOT_SAMPLED_SHOWN)
		printf("not sampled: %zu more tables; the policy names them\n", n - NOT_SAMPLED_SHOWN);
}

static void
say_next(const struct cli_init *x)
{
	const char *colon = strrchr(x->listen, ':'), *dot = strrchr(x->listen, '.');
	char shown[200];
	bool own = strstr(x->control, "/control.pass'") != NULL;

	printf("\nNext:\n  1. read %s/%s and people.csv: what is proposed, and why; who belongs to whom\n", x->dirname, x->policy);
	printf("  2. %s%sgatehouse init --keys -c %s/gatehouse.conf\n",
	    x->has_auth ? "" : "once, as a superuser: psql -f gatehouse-auth.sql (its role reads the verifiers); then ",
	    own ? "its password into control.pass (as .pgpass, mode 0600); " : "", x->dirname);
	printf("  3. gatehouse policy check -c %s/gatehouse.conf; gatehouse doctor -c %s/gatehouse.conf\n", x->dirname, x->dirname);
	printf("  4. gatehouse run -c %s/gatehouse.conf\n", x->dirname);
	(void)base_text_quote(shown, sizeof(shown), base_span_str(PQdb(x->conn)), 63);
	if (*x->listen == '/')
		printf("  5. psql -h %.*s -p %s -d %s: clients change host and port, nothing else\n", (int)(strrchr(x->listen, '/') - x->listen), x->listen, dot ? dot + 1 : "", shown);
	else
		printf("  5. psql -h %.*s -p %s -d %s: clients change host and port, nothing else\n", (int)(colon ? colon - x->listen : 0), x->listen, colon ? colon + 1 : "", shown);
}

/* -- the command -- */

static int
folder(struct cli_init *x, const struct cli_args *args, struct base_fail *fail)
{
	struct base_buf text[FILES];
	int rc;

	base_buf_init(&text[CONF], CONF_MAX);
	base_buf_init(&text[POLICY], POLICY_FILE_SIZE_MAX);
	base_buf_init(&text[PEOPLE], POLICY_PEOPLE_SIZE_MAX);
	if ((rc = absolute(args->operand[0], x->dirname, sizeof(x->dirname), fail)) < 0 || (rc = check_free(x, "gatehouse.conf", fail)) < 0 ||
	    (rc = check_free(x, "people.csv", fail)) < 0 || (rc = cli_init_ask(x, args, fail)) < 0)
		goto out;
	policy_name(x);
	if ((rc = check_free(x, x->policy, fail)) < 0 || (rc = cli_init_catalogue(x, fail)) < 0)
		goto out;
	cli_propose(&x->model); /* by names: the likeliest are sampled first */
	if (x->sample) {
		if ((rc = cli_init_sample(x, fail)) < 0)
			goto out;
		cli_propose(&x->model);
	}
	cli_init_conf(x, &text[CONF]);
	cli_init_policy(x, &text[POLICY]);
	cli_init_people(x, &text[PEOPLE]);
	if ((rc = read_back(x, text, fail)) < 0 || (rc = write_files(x, text, fail)) < 0)
		goto out;
	say_policy(x);
	printf("made %s/gatehouse.conf%s\nmade %s/people.csv: %d role%s that may log in, in no group yet\n", x->dirname,
	    has_password(x->control) ? ": it holds a password, and only its owner may read it" : "", x->dirname, PQntuples(x->roles), PQntuples(x->roles) == 1 ? "" : "s");
	say_not_sampled(x);
	say_next(x);
out:
	for (size_t i = 0; i < FILES; i++)
		base_buf_done(&text[i]);
	return rc;
}

int
cli_init_folder(const struct cli_args *args)
{
	struct cli_init *x = base_mem_new(1, sizeof(*x));
	struct base_fail fail = {0};
	int rc = folder(x, args, &fail);
	int status = rc < 0 ? cli_out_fail(&fail) : x->model.subject == CLI_NOWHERE ? CLI_EXIT_NONE : CLI_EXIT_OK;

	cli_model_free(&x->model);
	base_map_free(&x->role_set);
	for (size_t i = 0; i < x->nheld; i++)
		PQclear(x->held[i]);
	PQfinish(x->conn);
	char *const texts[] = {x->database, x->control, x->listen, x->origin, x->owner, x->country};
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		if (texts[i])
			base_secret_wipe(texts[i], strlen(texts[i])); /* a connection string may hold a password */
		free(texts[i]);
	}
	free(x);
	return status;
}
