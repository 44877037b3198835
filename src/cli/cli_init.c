/* cli_init: `gatehouse init --keys`: the secrets of an installation, made once; `--mask-key`, `--otp-key`: only the one that older installations lack.
 * `gatehouse init DIR` is in cli_init_folder.c.
 * Never overwrites, never prints a secret.
 */
#include "cli_files.h"
#include "cli_init.h"
#include "cli_out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_file.h"
#include "base_mem.h"
#include "base_time.h"
#include "ident_otp.h"
#include "ledger_key.h"
#include "mask_apply.h"

#define SECRET_MODE 0600u
#define PUBLIC_MODE 0644u
#define KEY_TEXT_MAX 1024u

static void
wipe(struct base_buf *b)
{
	if (b->mem)
		base_secret_wipe(b->mem, b->cap);
	base_buf_done(b);
}

/* Nothing is made when anything is there: half a set of keys is worse than none. */
static int
check_absent(const struct proc_conf *conf, struct base_fail *fail)
{
	const char *paths[] = {conf->mark_keys, conf->ledger_key, conf->mask_key, conf->otp_key};

	for (size_t i = 0; i < BASE_COUNT(paths); i++)
		if (*paths[i] && faccessat(AT_FDCWD, paths[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			base_fail_set(fail, GH_E_EXISTS, "%s is there already; nothing was made", paths[i]);
			base_fail_hint(fail, "keys are made once: if another one is lost, restore it from its copy");
			return GH_E_EXISTS;
		}
	return 0;
}

/* A secret that older installations may lack: made with the others, or alone. */
struct secret {
	const char *setting;
	size_t path;                         /* where proc_conf has it */
	void (*make)(struct base_buf *text); /* the file's text */
	const char *what, *once;             /* for people: what it is; why it is made once */
};

static void
mask_key_text(struct base_buf *text)
{
	base_buf_str(text, "# secret behind hashed and token values: who holds it can confirm guesses; another one changes them all\n");
	mask_secret_line(text);
}

static const struct secret mask_key = {"mask_key", offsetof(struct proc_conf, mask_key), mask_key_text, "secret behind hashed and token values",
    "the key is made once: another one would change every hash and token that has been shown"};
static const struct secret otp_key = {"otp_key", offsetof(struct proc_conf, otp_key), ident_otp_key_make, "key that seals one-time passwords",
    "the key is made once: with another one nobody's one-time password could be read"};

static const struct secret *const secrets[] = {&mask_key, &otp_key};

static const char *
secret_path(const struct proc_conf *conf, const struct secret *s)
{
	const char *path;

	memcpy(&path, (const char *)conf + s->path, sizeof(path));
	return path;
}

/* Writes the text to a new file and wipes it. */
static int
keep_secret(const char *path, struct base_buf *text, struct base_fail *fail)
{
	int rc = text->bad ? base_fail_set(fail, GH_E_NOMEM, "out of memory") : base_file_create_new(AT_FDCWD, path, SECRET_MODE, base_buf_span(text), fail);

	wipe(text);
	return rc;
}

static int
make_mark_keys(const struct proc_conf *conf, unsigned year, struct base_fail *fail)
{
	struct base_buf text;

	base_buf_init(&text, KEY_TEXT_MAX);
	base_buf_str(&text, "# keys of the marks: year, key; destroying a line makes that year's marks nobody's\n");
	mask_keys_line(year, &text);
	mask_keys_line(year + 1, &text);
	return keep_secret(conf->mark_keys, &text, fail);
}

static int
make_secret(const struct proc_conf *conf, const struct secret *s, struct base_fail *fail)
{
	struct base_buf text;

	base_buf_init(&text, KEY_TEXT_MAX);
	s->make(&text);
	return keep_secret(secret_path(conf, s), &text, fail);
}

/* The signing key, and beside it the verifier key that everybody may read. vkey: receives its text and a newline. */
static int
make_ledger_key(const struct proc_conf *conf, struct base_buf *vkey, struct base_fail *fail)
{
	struct ledger_vkey key;
	struct base_buf path;
	int rc;

	base_buf_init(&path, 8192);
	base_buf_fmt(&path, "%s" CLI_VKEY_SUFFIX, conf->ledger_key);
	base_buf_u8(&path, 0);
	rc = ledger_note_name_check(base_span_str(conf->ledger_origin), fail);
	if (rc < 0)
		base_fail_where(fail, "%s: ledger_origin", conf->file);
	else
		rc = ledger_key_create(conf->ledger_key, conf->ledger_origin, &key, fail);
	if (rc < 0)
		goto out;
	ledger_vkey_print(&key, vkey);
	base_buf_u8(vkey, '\n');
	if (vkey->bad || path.bad)
		rc = base_fail_set(fail, GH_E_NOMEM, "out of memory");
	else /* replaced: a verifier key left from an older signing key has no use */
		rc = base_file_replace(AT_FDCWD, (const char *)base_buf_span(&path).p, PUBLIC_MODE, base_buf_span(vkey), fail);
out:
	base_buf_done(&path);
	return rc;
}

static void
say(const struct proc_conf *conf, unsigned year, const struct base_buf *vkey)
{
	struct base_span key = base_buf_span(vkey);

	printf("made %s: keys of the marks for %u and %u\nmade %s: signing key of the ledger %s\n", conf->mark_keys, year, year + 1, conf->ledger_key,
	    conf->ledger_origin);
	for (size_t i = 0; i < BASE_COUNT(secrets); i++)
		if (*secret_path(conf, secrets[i]))
			printf("made %s: %s\n", secret_path(conf, secrets[i]), secrets[i]->what);
	putchar('\n');
	printf("The ledger's verifier key is not secret. Keep it away from this machine too, for those who are to check the ledger:\n\n  %.*s\n", (int)key.n,
	    (const char *)key.p);
	if (geteuid() == 0)
		puts("The files belong to root now: give them to the user that runs the gate (chown), or it cannot read them.\n");
	puts("Next:\n"
	     "  1. copy the files to a safe place, apart from the ledger: without the mark keys nobody can ask the ledger about a person\n"
	     "  2. in the database, once, as a superuser: psql -f gatehouse-auth.sql");
	printf("  3. gatehouse policy check -c %s\n  4. gatehouse run -c %s\n", conf->file, conf->file);
}

static int
init_secret(const struct cli_args *args, const struct secret *s)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	int rc = cli_files_conf(args, &conf, &fail);

	if (rc >= 0 && !*secret_path(conf, s))
		rc = base_fail_set(&fail, GH_E_MISSING, "%s: %s must be set", conf->file, s->setting);
	if (rc >= 0)
		rc = make_secret(conf, s, &fail);
	if (rc == GH_E_EXISTS)
		base_fail_hint(&fail, "%s", s->once);
	if (rc >= 0)
		printf("made %s: %s; give it to the user that runs the gate, and copy it to a safe place\n", secret_path(conf, s), s->what);
	proc_conf_free(&conf);
	return rc < 0 ? cli_out_fail(&fail) : CLI_EXIT_OK;
}

int
cli_init(const struct cli_args *args)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	struct base_buf vkey;
	unsigned year = base_time_year_utc(base_time_wall_us());
	int rc;

	bool keys = cli_args_get(args, "keys") != NULL;
	const struct secret *one = cli_args_get(args, "mask-key") ? &mask_key : cli_args_get(args, "otp-key") ? &otp_key : NULL;
	if (args->count > 0 && (keys || one || cli_args_get(args, "config")))
		return cli_out_error("init: a folder is made without --keys, --mask-key, --otp-key and --config, which are for one that is there");
	if (args->count > 0)
		return cli_init_folder(args);
	if (!keys)
		return one ? init_secret(args, one) : cli_out_error("init: say what to make: a new folder, --keys, --mask-key or --otp-key");
	base_buf_init(&vkey, KEY_TEXT_MAX);
	if ((rc = cli_files_conf(args, &conf, &fail)) < 0)
		goto out;
	if (!*conf->mark_keys || !*conf->ledger_key || !*conf->ledger_origin)
		rc = base_fail_set(&fail, GH_E_MISSING, "%s: mark_keys, ledger_key and ledger_origin must be set", conf->file);
	if (rc >= 0)
		rc = check_absent(conf, &fail);
	if (rc >= 0)
		rc = make_ledger_key(conf, &vkey, &fail); /* first: it checks ledger_origin */
	if (rc >= 0)
		rc = make_mark_keys(conf, year, &fail);
	for (size_t i = 0; rc >= 0 && i < BASE_COUNT(secrets); i++)
		if (*secret_path(conf, secrets[i]))
			rc = make_secret(conf, secrets[i], &fail);
	if (rc >= 0)
		say(conf, year, &vkey);
out:
	base_buf_done(&vkey);
	proc_conf_free(&conf);
	return rc < 0 ? cli_out_fail(&fail) : CLI_EXIT_OK;
}
