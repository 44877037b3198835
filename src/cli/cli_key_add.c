/* cli_key_add: `gatehouse key add YEAR`: one more line in the mark key file, by atomic replacement. Never changes a line that is there. */
#include "cli_files.h"
#include "cli_out.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_file.h"
#include "base_num.h"
#include "base_time.h"

#define SECRET_MODE 0600u
#define MARK_KEYS_SIZE_MAX 65536u
#define YEARS_AHEAD 20u

/* The file's replacement would belong to us: when we are somebody else (root), the gate could not read it any more. */
static int
check_owner(const char *path, struct base_fail *fail)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return base_fail_errno(fail, errno, "%s", path);
	if (st.st_uid != geteuid()) {
		base_fail_set(fail, GH_E_DENIED, "%s belongs to another user", path);
		base_fail_hint(fail, "run this as the user that owns it: sudo -u '#%u' gatehouse key add ...", (unsigned)st.st_uid);
		return GH_E_DENIED;
	}
	return 0;
}

static int
add(const struct proc_conf *conf, unsigned year, struct base_fail *fail)
{
	struct mask_keys *keys = NULL;
	struct base_buf text;
	int rc;

	base_buf_init(&text, MARK_KEYS_SIZE_MAX);
	if ((rc = cli_files_marks(conf, &keys, fail)) < 0 || (rc = check_owner(conf->mark_keys, fail)) < 0)
		goto out;
	if (mask_keys_has(keys, year)) {
		rc = base_fail_set(fail, GH_E_EXISTS, "%s has a key for %u already; nothing was changed", conf->mark_keys, year);
		goto out;
	}
	rc = base_file_read_secret(AT_FDCWD, conf->mark_keys, &text, fail);
	if (rc < 0)
		goto out;
	size_t n = base_buf_len(&text);
	if (n > 0 && base_buf_span(&text).p[n - 1] != '\n')
		base_buf_u8(&text, '\n');
	mask_keys_line(year, &text);
	rc = text.bad ? base_fail_set(fail, GH_E_LIMIT, "%s: too large", conf->mark_keys) :
	                base_file_replace(AT_FDCWD, conf->mark_keys, SECRET_MODE, base_buf_span(&text), fail);
out:
	if (text.mem)
		base_secret_wipe(text.mem, text.cap);
	base_buf_done(&text);
	mask_keys_unref(&keys);
	return rc < 0 ? rc : 0;
}

int
cli_key_add(const struct cli_args *args)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	uint64_t year = 0, now = base_time_year_utc(base_time_wall_us());

	if (base_num_u64(base_span_str(args->operand[0]), now, now + YEARS_AHEAD, &year) < 0)
		return cli_out_error("key add: YEAR must be from %llu to %llu: a key for a year that is over would make no mark", (unsigned long long)now,
		    (unsigned long long)now + YEARS_AHEAD);
	if (cli_files_conf(args, &conf, &fail) < 0)
		return cli_out_fail(&fail);
	int rc = add(conf, (unsigned)year, &fail);
	if (rc < 0)
		cli_out_fail(&fail);
	else
		printf("added the key of %llu to %s; copy the file to its safe place again, then reload the gate (SIGHUP)\n", (unsigned long long)year, conf->mark_keys);
	proc_conf_free(&conf);
	return rc < 0 ? CLI_EXIT_ERROR : CLI_EXIT_OK;
}
