/* cli_files: what most commands read first: the configuration, and the files that it names. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "cli_args.h"
#include "mask_mark.h"
#include "policy_file.h"
#include "policy_people.h"
#include "proc_conf.h"

/* The verifier key lies beside the signing key, under its name and this: readers of the ledger need it and may not read the other. */
#define CLI_VKEY_SUFFIX ".vkey"

BASE_CHECK int cli_files_conf(const struct cli_args *args, struct proc_conf **conf_r, struct base_fail *fail);
/* Each names in its error the setting that is missing. */
BASE_CHECK int cli_files_policy(const struct proc_conf *conf, struct policy_file **policy_r, struct base_fail *fail);
BASE_CHECK int cli_files_people(const struct proc_conf *conf, struct policy_people **people_r, struct base_fail *fail);
BASE_CHECK int cli_files_marks(const struct proc_conf *conf, struct mask_keys **keys_r, struct base_fail *fail);

#endif
