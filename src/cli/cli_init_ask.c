/* cli_init_ask: see cli_init.h: the four questions of `gatehouse init DIR`. Input: options or lines of the person at the terminal (trusted, often mistyped): a wrong answer is
 * told and asked again. A password that is typed goes to the server and is wiped; it is never shown or written.
 */
#include "cli_init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base_buf.h"
#include "base_crypt.h"
#include "base_mem.h"
#include "cli_out.h"
#include "ledger_note.h"
#include "proc_addr.h"

#define ANSWER_MAX 4096u
#define TRIES 3
#define LISTEN_DEFAULT "127.0.0.1:6432"
#define CONTROL_DEFAULT "gatehouse_control"

static char *
text_of(struct base_buf *b)
{
	char *s = base_mem_str(base_buf_span(b));

	base_buf_done(b);
	return s;
}

/* One line of standard input without its end. Own; NULL: it has ended. */
static char *
read_line(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, stdin);

	if (n < 0 || n > (ssize_t)ANSWER_MAX) {
		free(line);
		return NULL;
	}
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r' || line[n - 1] == ' '))
		line[--n] = '\0';
	return line;
}

/* The option's value, the default under --yes, or what is typed; own. NULL: nobody to ask, or no more answers. */
static char *
answer(const struct cli_init *x, const char *option, const char *question, const char *standard)
{
	if (option || !x->ask)
		return base_mem_str(base_span_str(option ? option : standard));
	printf("%s\n  [%s] ", question, standard);
	(void)fflush(stdout);
	char *line = read_line();
	if (line && !*line) {
		free(line);
		line = base_mem_str(base_span_str(standard));
	}
	return line;
}

static int
no_answer(struct base_fail *fail)
{
	return base_fail_set(fail, GH_E_CLOSED, "no answer");
}

/* value of a connection string: quoted where it must be. */
static void
put_option(struct base_buf *out, const char *keyword, const char *value)
{
	base_buf_fmt(out, "%s%s='", base_buf_len(out) ? " " : "", keyword);
	for (const char *p = value; *p; p++) {
		if (*p == '\'' || *p == '\\')
			base_buf_u8(out, '\\');
		base_buf_u8(out, (uint8_t)*p);
	}
	base_buf_u8(out, '\'');
}

/* What libpq would take by itself: PG* in the environment, else its own defaults. */
static char *
default_database(void)
{
	static const char *const words[] = {"host", "port", "dbname", "user"};
	PQconninfoOption *all = PQconndefaults();
	const char *user = NULL;
	struct base_buf out;

	base_buf_init(&out, ANSWER_MAX);
	for (const PQconninfoOption *o = all; o && o->keyword; o++)
		if (base_span_is(base_span_str(o->keyword), "user"))
			user = o->val;
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		for (const PQconninfoOption *o = all; o && o->keyword; o++) {
			if (!base_span_is(base_span_str(o->keyword), words[i]))
				continue;
			const char *value = o->val && *o->val ? o->val : i == 2 ? user : NULL; /* the database is called like the user */
			if (value)
				base_buf_fmt(&out, "%s%s=%s", base_buf_len(&out) ? " " : "", words[i], value);
		}
	PQconninfoFree(all);
	return text_of(&out);
}

/* Without echo. Own, at most ANSWER_MAX bytes; NULL: none. */
static char *
read_password(void)
{
	struct termios before, quiet;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return NULL;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &quiet) < 0) /* before it is asked: somebody may type fast */
		return NULL;
	fputs("  Password: ", stdout);
	(void)fflush(stdout);
	char *line = read_line();
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before); /* it was possible a moment ago */
	putchar('\n');
	return line;
}

static int
connect_asking(struct cli_init *x, struct base_fail *fail)
{
	int rc = cli_init_connect(x, NULL, fail);

	if (rc == 0 || !x->ask || !PQconnectionNeedsPassword(x->conn))
		return rc;
	char *password = read_password();
	if (!password)
		return rc;
	PQfinish(x->conn);
	x->conn = NULL;
	rc = cli_init_connect(x, password, fail);
	base_secret_wipe(password, strlen(password));
	free(password);
	return rc;
}

static int
ask_database(struct cli_init *x, const char *option, struct base_fail *fail)
{
	char *standard = default_database();
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		free(x->database);
		x->database = answer(x, option, "1. The database, as libpq reaches it: as somebody who may read its tables", standard);
		rc = x->database ? connect_asking(x, fail) : no_answer(fail);
		if (rc == 0 || !x->ask || option || !x->database || i == TRIES - 1)
			break;
		(void)cli_out_fail(fail);
		PQfinish(x->conn);
		x->conn = NULL;
	}
	free(standard);
	return rc;
}

/* From the answer: a connection string as it is, a role's name, or "same": as the database was reached just now. */
static char *
control_of(const struct cli_init *x, const char *said)
{
	bool same = base_span_is(base_span_str(said), "same");
	PQconninfoOption *all = PQconninfoParse(x->database, NULL);
	const char *host = PQhost(x->conn);
	struct base_buf out;

	if (!same && (strchr(said, '=') || strncmp(said, "postgres:", 9) == 0 || strncmp(said, "postgresql:", 11) == 0)) {
		PQconninfoFree(all);
		return base_mem_str(base_span_str(said));
	}
	base_buf_init(&out, 4 * ANSWER_MAX);
	if (host && *host)
		put_option(&out, "host", host);
	put_option(&out, "port", PQport(x->conn));
	put_option(&out, "dbname", PQdb(x->conn));
	put_option(&out, "user", same ? PQuser(x->conn) : said);
	for (const PQconninfoOption *o = all; o && o->keyword; o++) {
		struct base_span k = base_span_str(o->keyword);
		bool ours = base_span_is(k, "host") || base_span_is(k, "port") || base_span_is(k, "dbname") || base_span_is(k, "user");
		bool theirs = base_span_is(k, "password") || base_span_is(k, "passfile"); /* another role has its own */
		if (o->val && *o->val && !ours && (same || !theirs) && *o->dispchar != 'D')
			put_option(&out, o->keyword, o->val);
		else if (o->val && *o->val && same && base_span_is(k, "password"))
			put_option(&out, o->keyword, o->val);
	}
	if (!same) {
		struct base_buf path;
		base_buf_init(&path, ANSWER_MAX + 64);
		base_buf_fmt(&path, "%s/control.pass", x->dirname);
		char *file = text_of(&path);
		put_option(&out, "passfile", file);
		free(file);
	}
	PQconninfoFree(all);
	return text_of(&out);
}

static int
ask_listen(struct cli_init *x, const char *option, struct base_fail *fail)
{
	struct proc_addr addr;
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		free(x->listen);
		x->listen = answer(x, option, "3. Where people shall connect: host:port, or the path of a Unix socket (.../.s.PGSQL.PORT)", LISTEN_DEFAULT);
		if (!x->listen)
			return no_answer(fail);
		rc = *x->listen == '/' ? proc_addr_unix(x->listen, &addr, fail) : proc_addr_parse(x->listen, &addr, fail);
		if (rc == 0 || !x->ask || option)
			break;
		(void)cli_out_fail(fail);
	}
	return rc;
}

static char *
default_origin(const struct cli_init *x)
{
	char host[256] = "";
	struct base_buf out;

	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		(void)snprintf(host, sizeof(host), "gatehouse.example");
	base_buf_init(&out, 1024);
	base_buf_fmt(&out, "%s/gatehouse/%s", host, PQdb(x->conn));
	char *s = text_of(&out);
	for (char *p = s; *p; p++)
		if ((uint8_t)*p <= ' ' || *p == '+' || (uint8_t)*p >= 0x7f || *p == '"' || *p == '\\')
			*p = '-';
	return s;
}

static int
ask_origin(struct cli_init *x, const char *option, struct base_fail *fail)
{
	char *standard = default_origin(x);
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		free(x->origin);
		x->origin = answer(x, option, "4. The name of the ledger, for ever: like a web address of yours", standard);
		rc = x->origin ? ledger_note_name_check(base_span_str(x->origin), fail) : no_answer(fail);
		if (rc == 0 || !x->ask || option || !x->origin)
			break;
		(void)cli_out_fail(fail);
	}
	free(standard);
	return rc;
}

/* What no question asks: options with defaults. */
static int
take_options(struct cli_init *x, const struct cli_args *args, struct base_fail *fail)
{
	const char *owner = cli_args_get(args, "owner"), *country = cli_args_get(args, "country");

	x->owner = base_mem_str(base_span_str(owner ? owner : "data protection officer"));
	x->country = base_mem_str(base_span_str(country ? country : ""));
	if (strlen(x->country) > 3 || x->country[strspn(x->country, "0123456789")] || *x->country == '0')
		return base_fail_set(fail, GH_E_PARSE, "--country: a calling code has one to three digits, e.g. 49");
	if (strpbrk(x->owner, "\r\n"))
		return base_fail_set(fail, GH_E_PARSE, "--owner is one line");
	x->sample = !cli_args_get(args, "no-sample");
	return 0;
}

int
cli_init_ask(struct cli_init *x, const struct cli_args *args, struct base_fail *fail)
{
	const char *const names[] = {"database", "control", "listen", "origin"};
	bool whole = cli_args_get(args, "yes") != NULL;
	int rc = take_options(x, args, fail);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < BASE_COUNT(names) && !whole; i++)
		x->ask = x->ask || !cli_args_get(args, names[i]);
	if (x->ask && isatty(STDIN_FILENO) != 1) {
		base_fail_set(fail, GH_E_MISSING, "there are questions, and standard input is no terminal");
		base_fail_hint(fail, "--yes takes the defaults; --database, --control, --listen and --origin answer");
		return GH_E_MISSING;
	}
	if (x->ask)
		puts("Four questions; an empty line takes what stands in brackets. Nothing in the database is changed, and no file that is there.\n");
	if ((rc = ask_database(x, cli_args_get(args, "database"), fail)) < 0)
		return rc;
	char *said = answer(x, cli_args_get(args, "control"), "2. The gate's own role there (gatehouse-auth.sql makes this one), a connection string of its own, or \"same\"", CONTROL_DEFAULT);
	if (!said)
		return no_answer(fail);
	x->control = control_of(x, said);
	free(said);
	if ((rc = ask_listen(x, cli_args_get(args, "listen"), fail)) < 0 || (rc = ask_origin(x, cli_args_get(args, "origin"), fail)) < 0)
		return rc;
	if (x->ask)
		putchar('\n');
	return 0;
}
