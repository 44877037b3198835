/* cli_files: reads the configuration and the files that it names (written by a trusted person; read as if hostile by their parsers).
 * Writes nothing.
 */
#include "cli_files.h"

#include <fcntl.h>

#include "base_file.h"

#define MARK_KEYS_SIZE_MAX 65536u

int
cli_files_conf(const struct cli_args *args, struct proc_conf **conf_r, struct base_fail *fail)
{
	int rc = proc_conf_load(cli_args_config(args), conf_r, fail);

	if (rc == GH_E_MISSING)
		base_fail_hint(fail, "name the configuration with -c FILE or $GATEHOUSE_CONF");
	return rc;
}

static int
missing(const struct proc_conf *conf, const char *setting, struct base_fail *fail)
{
	base_fail_set(fail, GH_E_MISSING, "%s: %s is not set", conf->file, setting);
	base_fail_hint(fail, "`gatehouse config` lists the settings");
	return GH_E_MISSING;
}

int
cli_files_policy(const struct proc_conf *conf, struct policy_file **policy_r, struct base_fail *fail)
{
	struct base_buf text;

	if (!*conf->policy)
		return missing(conf, "policy", fail);
	base_buf_init(&text, POLICY_FILE_SIZE_MAX);
	int rc = base_file_read(AT_FDCWD, conf->policy, &text, fail);
	if (rc >= 0)
		rc = policy_file_parse(base_buf_span(&text), conf->policy, policy_r, fail);
	base_buf_done(&text);
	return rc < 0 ? rc : 0;
}

int
cli_files_people(const struct proc_conf *conf, struct policy_people **people_r, struct base_fail *fail)
{
	struct base_buf text;

	if (!*conf->people)
		return missing(conf, "people", fail);
	base_buf_init(&text, POLICY_PEOPLE_SIZE_MAX);
	int rc = base_file_read(AT_FDCWD, conf->people, &text, fail);
	if (rc >= 0)
		rc = policy_people_parse(base_buf_span(&text), conf->people, people_r, fail);
	base_buf_done(&text);
	return rc < 0 ? rc : 0;
}

int
cli_files_marks(const struct proc_conf *conf, struct mask_keys **keys_r, struct base_fail *fail)
{
	struct base_buf text;

	if (!*conf->mark_keys)
		return missing(conf, "mark_keys", fail);
	base_buf_init(&text, MARK_KEYS_SIZE_MAX);
	int rc = base_file_read_secret(AT_FDCWD, conf->mark_keys, &text, fail);
	if (rc == GH_E_MISSING)
		base_fail_hint(fail, "gatehouse init --keys -c %s", conf->file);
	if (rc >= 0)
		rc = mask_keys_parse(base_buf_span(&text), conf->mark_keys, keys_r, fail);
	if (text.mem)
		base_secret_wipe(text.mem, text.cap);
	base_buf_done(&text);
	return rc < 0 ? rc : 0;
}
