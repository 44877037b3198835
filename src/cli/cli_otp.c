/* cli_otp: `gatehouse otp enroll | remove | list`: who has a one-time password. Input: the operator's command line; the sealed file and its key, parsed strictly.
 *
 * Order of a change: everything that can be wrong is looked at first; then the entry (kind enroll) is made durable; then the file is replaced. A crash between the
 * two leaves an entry without a change, which the next attempt repeats; the other order could leave a password that nobody had to answer for. Commands that
 * run at once queue on a lock of the file's folder, so that none writes back what another one has changed.
 * Never: prints a secret twice; writes one anywhere but, sealed, to the file; changes anything when the ledger refuses.
 */
#include "cli_entry.h"
#include "cli_files.h"
#include "cli_out.h"
#include "cli_qr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "ident_otp.h"

#define SECRET_MODE 0600u
#define PROOFS 3 /* tries at the code that proves the app */
#define SHOW_MAX 1024u

struct otp {
	struct proc_conf *conf;      /* own */
	uint8_t key[IDENT_OTP_KEY];
	struct base_buf key_text;    /* own: the key file to be made; empty: it is there */
	struct base_buf text;        /* own: the file as it is */
	struct ident_otp_file *file; /* own: the same, opened */
	int lock;                    /* own: descriptor of the file's folder; -1 */
};

static void
wipe(struct base_buf *b)
{
	if (b->mem)
		base_secret_wipe(b->mem, b->cap);
	base_buf_done(b);
}

static void
otp_done(struct otp *o)
{
	ident_otp_unref(&o->file);
	wipe(&o->key_text);
	wipe(&o->text);
	base_secret_wipe(o->key, sizeof(o->key));
	if (o->lock >= 0)
		(void)close(o->lock); /* nothing was written through it */
	proc_conf_free(&o->conf);
}

/* What replaces the file would belong to us: when we are somebody else (root), the gate could not read it any more. */
static int
check_owner(const char *path, struct base_fail *fail)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : base_fail_errno(fail, errno, "%s", path);
	if (st.st_uid != geteuid()) {
		base_fail_set(fail, GH_E_DENIED, "%s belongs to another user", path);
		base_fail_hint(fail, "run this as the user that runs the gate: sudo -u '#%u' gatehouse otp ...", (unsigned)st.st_uid);
		return GH_E_DENIED;
	}
	return 0;
}

static int
read_key(struct otp *o, bool make, struct base_fail *fail)
{
	struct base_buf text;

	base_buf_init(&text, 4096);
	int rc = base_file_read_secret(AT_FDCWD, o->conf->otp_key, &text, fail);
	if (rc == GH_E_MISSING && make && base_buf_len(&o->text) == 0) {
		ident_otp_key_make(&o->key_text);
		rc = ident_otp_key_parse(base_buf_span(&o->key_text), o->conf->otp_key, o->key, fail);
	} else if (rc >= 0) {
		rc = ident_otp_key_parse(base_buf_span(&text), o->conf->otp_key, o->key, fail);
	} else if (rc == GH_E_MISSING) {
		base_fail_hint(fail, "restore it from its copy: without it nobody's one-time password can be read");
	}
	wipe(&text);
	return rc;
}

/* The file as it is now. Absent: nobody is enrolled. make: a missing key may be made, if nothing is sealed under the lost one. */
static int
otp_read(struct otp *o, bool make, struct base_fail *fail)
{
	base_buf_clear(&o->text);
	ident_otp_unref(&o->file);
	wipe(&o->key_text);
	base_buf_init(&o->key_text, 4096);
	int rc = base_file_read_secret(AT_FDCWD, o->conf->otp, &o->text, fail);
	if (rc == GH_E_MISSING)
		rc = 0;
	if (rc >= 0 && (make || base_buf_len(&o->text) > 0)) /* an empty list needs no key */
		rc = read_key(o, make, fail);
	if (rc >= 0)
		rc = ident_otp_parse(base_buf_span(&o->text), o->conf->otp, o->key, &o->file, fail);
	return rc < 0 ? rc : 0;
}

/* Also after a failure the caller calls otp_done. */
static int
otp_open(struct otp *o, const struct cli_args *args, bool change, bool make, struct base_fail *fail)
{
	*o = (struct otp){.lock = -1};
	base_buf_init(&o->key_text, 4096);
	base_buf_init(&o->text, IDENT_OTP_SIZE_MAX);
	int rc = cli_files_conf(args, &o->conf, fail);
	if (rc >= 0 && (!*o->conf->otp || !*o->conf->otp_key)) {
		rc = base_fail_set(fail, GH_E_MISSING, "%s: otp and otp_key must be set: the file of one-time passwords and the key that seals it", o->conf->file);
		base_fail_hint(fail, "for example: otp = otp.sealed");
	}
	const char *const paths[] = {o->conf ? o->conf->run_dir : "", o->conf ? o->conf->otp : "", o->conf ? o->conf->otp_key : ""};
	for (size_t i = 0; change && rc >= 0 && i < BASE_COUNT(paths); i++)
		rc = check_owner(paths[i], fail);
	return rc < 0 ? rc : otp_read(o, make, fail);
}

static int
otp_lock(struct otp *o, struct base_fail *fail)
{
	const char *slash = strrchr(o->conf->otp, '/');
	char *folder = slash ? base_mem_str(base_span(o->conf->otp, (size_t)(slash - o->conf->otp) + 1)) : base_mem_str(base_span_str("."));
	int rc = 0;

	o->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->lock < 0 || flock(o->lock, LOCK_EX) != 0)
		rc = base_fail_errno(fail, errno, "cannot lock %s", folder);
	free(folder);
	return rc;
}

static int
record(const struct otp *o, const char *actor, const char *why, struct base_fail *fail)
{
	struct base_buf target;

	base_buf_init(&target, 1024);
	base_buf_fmt(&target, "actor %s", actor);
	struct event_entry e = {.kind = EVENT_ENROLL, .time_us = base_time_wall_us(), .target = base_buf_span(&target), .operator = base_span_str(cli_entry_operator()),
	                        .why = base_span_str(why), .node = base_span_str(o->conf->node)};
	int rc = target.bad ? base_fail_set(fail, GH_E_NOMEM, "out of memory") : cli_entry_record(o->conf, &e, fail);
	base_buf_done(&target);
	return rc;
}

/* The file with this actor's line put in (n) or taken out (NULL); under the lock, from the file as it is now. */
static int
otp_change(struct otp *o, const char *actor, const struct ident_otp_new *n, bool replace, struct base_fail *fail)
{
	char utc[BASE_TIME_UTC_SIZE], date[11] = "";
	struct base_buf out;
	int rc;

	base_buf_init(&out, IDENT_OTP_SIZE_MAX);
	if ((rc = otp_lock(o, fail)) < 0 || (rc = otp_read(o, n != NULL, fail)) < 0)
		goto out;
	bool has = ident_otp_has(o->file, base_span_str(actor));
	if (n && has && !replace) {
		rc = base_fail_set(fail, GH_E_EXISTS, "this actor has a one-time password already; nothing was changed");
		base_fail_hint(fail, "--replace makes a new one; the old one and its recovery codes end");
		goto out;
	}
	memcpy(date, base_time_utc(base_time_wall_us(), utc), 10);
	if ((rc = ident_otp_change(base_buf_span(&o->text), o->key, base_span_str(actor), date, n, &out, fail)) < 0)
		goto out;
	if ((rc = record(o, actor, !n ? "removed" : has ? "replaced" : "enrolled", fail)) < 0) /* nothing is changed then */
		goto out;
	if (base_buf_len(&o->key_text) > 0)
		rc = base_file_create_new(AT_FDCWD, o->conf->otp_key, SECRET_MODE, base_buf_span(&o->key_text), fail);
	if (rc >= 0)
		rc = base_file_replace(AT_FDCWD, o->conf->otp, SECRET_MODE, base_buf_span(&out), fail);
	if (rc < 0)
		base_fail_where(fail, "the entry is in the ledger, but the change was not made");
out:
	wipe(&out);
	return rc < 0 ? rc : 0;
}

/* ---- enroll */

/* True: a code of this secret was typed. */
static bool
proved(const struct ident_otp_new *n)
{
	char *line = NULL;
	size_t cap = 0;
	bool right = false;

	for (int i = 0; i < PROOFS && !right; i++) {
		fputs("Code that the app shows now (empty: stop): ", stdout);
		(void)fflush(stdout);
		ssize_t got = getline(&line, &cap, stdin);
		if (got <= 1)
			break;
		right = ident_otp_new_check(n, base_span(line, (size_t)got - (line[got - 1] == '\n')), base_time_wall_us());
		if (!right)
			puts("That is not its code. The app's clock and this machine's must agree.");
	}
	free(line);
	return right;
}

/* A name that nobody has is most often a slip. */
static void
note_unknown(const struct proc_conf *conf, const char *actor)
{
	struct policy_people *people = NULL;
	char shown[SHOW_MAX];

	if (*conf->people && cli_files_people(conf, &people, NULL) == 0 && !policy_people_find(people, base_span_str(actor)))
		fprintf(stderr, "note: %s is not in the people file %s\n", base_text_quote(shown, sizeof shown, base_span_str(actor), 255), conf->people);
	policy_people_unref(&people);
}

static void
print_uri(const char *uri, bool tty)
{
	struct base_buf qr;

	base_buf_init(&qr, 1u << 20);
	if (tty && cli_qr_draw(uri, &qr)) {
		puts("Scan this with an authenticator app, or give it the address below.\n");
		(void)cli_out_write(&qr);
		putchar('\n');
	}
	puts(uri);
	wipe(&qr);
}

static void
say_reload(const struct proc_conf *conf)
{
	printf("The gate reads it at the next reload: systemctl reload gatehouse, or kill -HUP $(cat %s/gatehouse.pid)\n", conf->run_dir);
}

static int
enroll(struct otp *o, const char *actor, bool replace, bool verify, struct base_fail *fail)
{
	struct ident_otp_new n;
	struct base_buf uri;
	bool tty = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
	int rc = 0;

	if (!replace && ident_otp_has(o->file, base_span_str(actor))) { /* asked again under the lock; here it saves a scan */
		rc = base_fail_set(fail, GH_E_EXISTS, "this actor has a one-time password already; nothing was changed");
		base_fail_hint(fail, "--replace makes a new one; the old one and its recovery codes end");
		return rc;
	}
	note_unknown(o->conf, actor);
	ident_otp_make(&n);
	base_buf_init(&uri, 8192);
	ident_otp_uri(&n, base_span_str(o->conf->node), base_span_str(actor), &uri);
	base_buf_u8(&uri, 0);
	if (uri.bad) {
		rc = base_fail_set(fail, GH_E_NOMEM, "out of memory");
		goto out;
	}
	const char *text = (const char *)base_buf_span(&uri).p;
	if (tty)
		print_uri(text, true);
	if (tty && verify && !proved(&n)) {
		rc = base_fail_set(fail, GH_E_VERIFY, "no right code was given; nothing was changed");
		goto out;
	}
	if ((rc = otp_change(o, actor, &n, replace, fail)) < 0)
		goto out;
	if (!tty)
		print_uri(text, false);
	puts(tty ? "\nRecovery codes, for a lost telephone: each holds once. They are shown now and never again.\n" : "");
	for (size_t i = 0; i < IDENT_OTP_RECOVERY; i++)
		printf("%s%s\n", tty ? "  " : "", n.recovery[i]);
	if (tty) {
		putchar('\n');
		say_reload(o->conf);
	}
	if (fflush(stdout) != 0)
		rc = base_fail_set(fail, GH_E_IO, "the codes could not be printed: repeat with --replace");
out:
	base_secret_wipe(&n, sizeof(n));
	wipe(&uri);
	return rc;
}

int
cli_otp_enroll(const struct cli_args *args)
{
	struct otp o;
	struct base_fail fail = {0};

	int rc = otp_open(&o, args, true, true, &fail);
	if (rc >= 0)
		rc = enroll(&o, args->operand[0], cli_args_get(args, "replace") != NULL, !cli_args_get(args, "no-verify"), &fail);
	otp_done(&o);
	return rc < 0 ? cli_out_fail(&fail) : CLI_EXIT_OK;
}

int
cli_otp_remove(const struct cli_args *args)
{
	struct otp o;
	struct base_fail fail = {0};
	char shown[SHOW_MAX];

	int rc = otp_open(&o, args, true, false, &fail);
	if (rc >= 0)
		rc = otp_change(&o, args->operand[0], NULL, false, &fail);
	if (rc >= 0) {
		printf("removed the one-time password of %s\n", base_text_quote(shown, sizeof shown, base_span_str(args->operand[0]), 255));
		say_reload(o.conf);
	}
	otp_done(&o);
	return rc < 0 ? cli_out_fail(&fail) : CLI_EXIT_OK;
}

int
cli_otp_list(const struct cli_args *args)
{
	struct otp o;
	struct base_fail fail = {0};
	struct base_buf out;
	char shown[SHOW_MAX];
	const char *date;
	bool json = cli_args_get(args, "json") != NULL;
	int status = CLI_EXIT_OK;

	base_buf_init(&out, 4 * IDENT_OTP_SIZE_MAX);
	if (otp_open(&o, args, false, false, &fail) < 0) {
		status = cli_out_fail(&fail);
		goto out;
	}
	base_buf_str(&out, json ? "[" : "");
	for (size_t i = 0; i < ident_otp_count(o.file); i++) {
		struct base_span actor = ident_otp_actor(o.file, i, &date);
		if (json) {
			base_buf_str(&out, i > 0 ? ",{\"actor\":" : "{\"actor\":");
			cli_out_json(&out, actor);
			base_buf_fmt(&out, ",\"since\":\"%s\"}", date);
		} else {
			base_buf_fmt(&out, "%s  %s\n", date, base_text_quote(shown, sizeof shown, actor, 255));
		}
	}
	base_buf_str(&out, json ? "]\n" : "");
	if (!cli_out_write(&out))
		status = CLI_EXIT_ERROR;
out:
	base_buf_done(&out);
	otp_done(&o);
	return status;
}
