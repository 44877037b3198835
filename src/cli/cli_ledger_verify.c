/* cli_ledger_verify: `gatehouse ledger verify`: the verifier of the ledger component, told to people or as JSON.
 * Input: a ledger folder that nobody need trust; the verifier key is the one thing that is believed. Writes nothing.
 */
#include "cli_files.h"
#include "cli_out.h"

#include <fcntl.h>

#include "base_file.h"
#include "base_text.h"
#include "base_time.h"
#include "ledger_key.h"
#include "ledger_verify.h"

#define VKEY_MAX 1024u
#define TRIES 4u

/* --vkey, else the file beside the signing key. from_r: where the key is from, for the answer. */
static int
find_vkey(const struct cli_args *args, const struct proc_conf *conf, struct ledger_vkey *key_r, const char **from_r, struct base_fail *fail)
{
	const char *given = cli_args_get(args, "vkey");
	struct base_buf path, text;
	int rc;

	if (given) {
		*from_r = "given";
		rc = ledger_vkey_parse(base_span_str(given), key_r, fail);
		if (rc < 0)
			base_fail_where(fail, "--vkey");
		return rc;
	}
	*from_r = "file";
	base_buf_init(&path, 8192);
	base_buf_init(&text, VKEY_MAX);
	base_buf_fmt(&path, "%s" CLI_VKEY_SUFFIX, conf->ledger_key);
	base_buf_u8(&path, 0);
	const char *name = (const char *)base_buf_span(&path).p;
	rc = path.bad ? base_fail_set(fail, GH_E_LIMIT, "the path of the verifier key is too long") : base_file_read(AT_FDCWD, name, &text, fail);
	if (rc >= 0) {
		struct base_span line = base_buf_span(&text);
		if (line.n > 0 && line.p[line.n - 1] == '\n')
			line.n--;
		rc = ledger_vkey_parse(line, key_r, fail);
		if (rc < 0)
			base_fail_where(fail, "%s", name);
	} else {
		base_fail_hint(fail, "give the verifier key that `gatehouse init` printed: --vkey VKEY");
	}
	base_buf_done(&path);
	base_buf_done(&text);
	return rc;
}

static void
on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct cli_progress *p = ctx;

	p->total = total;
	cli_progress_step(p, done);
}

/* The checkpoint's bytes, to notice that it moved on. Missing or unreadable: empty; the verifier will say why. */
static void
read_checkpoint(const char *dir, struct base_buf *b)
{
	struct base_buf path;

	base_buf_init(&path, 8192);
	base_buf_clear(b);
	base_buf_fmt(&path, "%s/checkpoint", dir);
	base_buf_u8(&path, 0);
	if (path.bad || base_file_read(AT_FDCWD, (const char *)base_buf_span(&path).p, b, NULL) < 0)
		base_buf_clear(b);
	base_buf_done(&path);
}

/* Verifies. A running keeper removes partial tiles of older checkpoints: when something seems wrong and the checkpoint has moved on
 * meanwhile, what was looked at may just have gone; then the newer checkpoint is verified in its place. A fault stays a fault. */
static int
verify(const char *dir, const struct ledger_vkey *key, struct ledger_verify_report *report, struct base_fail *fail)
{
	struct base_buf before, after;
	struct cli_progress progress;
	int rc = 0;

	base_buf_init(&before, LEDGER_NOTE_MAX);
	base_buf_init(&after, LEDGER_NOTE_MAX);
	for (unsigned i = 0; i < TRIES; i++) {
		read_checkpoint(dir, &before);
		cli_progress_init(&progress, "verifying", 0);
		rc = ledger_verify(dir, key, on_progress, &progress, report, fail);
		cli_progress_done(&progress);
		if (rc != GH_E_VERIFY && rc != GH_E_MISSING)
			break;
		read_checkpoint(dir, &after);
		if (base_span_eq(base_buf_span(&before), base_buf_span(&after)))
			break;
	}
	base_buf_done(&before);
	base_buf_done(&after);
	return rc;
}

static const char *
kind_name(enum ledger_verify_kind kind)
{
	static const char *const names[] = {[LEDGER_VERIFY_OK] = "ok", [LEDGER_VERIFY_CHECKPOINT] = "checkpoint", [LEDGER_VERIFY_MISSING] = "missing",
	    [LEDGER_VERIFY_WRONG] = "wrong", [LEDGER_VERIFY_REWRITTEN] = "rewritten", [LEDGER_VERIFY_SURPLUS] = "surplus"};

	return (size_t)kind < BASE_COUNT(names) ? names[kind] : "wrong";
}

static int
say_json(const struct ledger_verify_report *r, const struct ledger_vkey *key, const char *from, int rc, const struct base_fail *fail)
{
	struct base_buf b;

	base_buf_init(&b, 65536);
	base_buf_fmt(&b, "{\"holds\":%s,\"origin\":", rc < 0 ? "false" : "true");
	cli_out_json(&b, base_span_str(key->name));
	base_buf_fmt(&b, ",\"size\":%llu,\"root\":\"", (unsigned long long)r->size);
	base_text_base64(&b, base_span(&r->root, sizeof r->root));
	base_buf_fmt(&b, "\",\"key\":\"%s\",\"entries\":%llu,\"files\":%llu,\"ahead\":%llu,\"leftovers\":%llu", from, (unsigned long long)r->entries,
	    (unsigned long long)r->files, (unsigned long long)r->ahead, (unsigned long long)r->leftovers);
	if (rc < 0) {
		base_buf_fmt(&b, ",\"fault\":\"%s\",\"file\":", kind_name(r->kind));
		cli_out_json(&b, base_span_str(r->file));
		base_buf_fmt(&b, ",\"offset\":%llu,\"first\":%llu,\"last\":%llu,\"text\":", (unsigned long long)r->offset, (unsigned long long)r->first,
		    (unsigned long long)r->last);
		cli_out_json(&b, base_span_str(fail->text));
	}
	base_buf_str(&b, "}\n");
	bool ok = cli_out_write(&b);
	base_buf_done(&b);
	return !ok ? cli_out_error("cannot write to standard output") : rc < 0 ? CLI_EXIT_NONE : CLI_EXIT_OK;
}

static int
say(const struct ledger_verify_report *r, const struct ledger_vkey *key, const char *from, uint64_t us, int rc, const struct base_fail *fail)
{
	struct base_buf root;

	if (rc < 0) {
		printf("THE LEDGER DOES NOT VERIFY: %s\n", fail->text);
		if (*fail->hint)
			printf("hint: %s\n", fail->hint);
		return CLI_EXIT_NONE;
	}
	base_buf_init(&root, 128);
	base_text_base64(&root, base_span(&r->root, sizeof r->root));
	printf("%s: all %llu entries and %llu files verify; root %.*s, signed by the key %s (%.1f s)\n", key->name, (unsigned long long)r->entries,
	    (unsigned long long)r->files, (int)base_buf_len(&root), (const char *)base_buf_span(&root).p,
	    *from == 'g' ? "that was given" : "beside the signing key", (double)us / 1e6);
	if (r->ahead > 0)
		printf("%llu files are ahead of the checkpoint and were not checked\n", (unsigned long long)r->ahead);
	base_buf_done(&root);
	return CLI_EXIT_OK;
}

int
cli_ledger_verify(const struct cli_args *args)
{
	const char *dir = cli_args_get(args, "ledger"), *from = "";
	struct ledger_verify_report report = {0};
	struct proc_conf *conf = NULL;
	struct ledger_vkey key;
	struct base_fail fail = {0};
	int rc = 0, status;

	if (dir && !cli_args_get(args, "vkey"))
		return cli_out_error("ledger verify: --ledger needs --vkey: the key that must have signed it");
	if ((!dir && (rc = cli_files_conf(args, &conf, &fail)) < 0) || (rc = find_vkey(args, conf, &key, &from, &fail)) < 0) {
		proc_conf_free(&conf);
		return cli_out_fail(&fail);
	}
	uint64_t began = base_time_mono_us();
	rc = verify(dir ? dir : conf->ledger, &key, &report, &fail);
	if (rc < 0 && rc != GH_E_VERIFY)
		status = cli_out_fail(&fail); /* not read to the end: neither sound nor unsound */
	else if (cli_args_get(args, "json"))
		status = say_json(&report, &key, from, rc, &fail);
	else
		status = say(&report, &key, from, base_time_mono_us() - began, rc, &fail);
	proc_conf_free(&conf);
	return status;
}
