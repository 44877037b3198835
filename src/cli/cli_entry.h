/* cli_entry: one entry of an operator's command, handed to the running keeper like a gate's: it is in the ledger before the command goes on.
 */
#ifndef CLI_ENTRY_H
#define CLI_ENTRY_H

#include "event_entry.h"
#include "proc_conf.h"

/* 0: the entry is durable. The keeper's answer is waited for, for some seconds. GH_E_CLOSED: no keeper is running, or it went away (the text says whether
 * the entry had been sent); GH_E_DENIED: we are another user; GH_E_TIMEOUT; GH_E_FULL, GH_E_IO, GH_E_PARSE: not recorded, as the keeper says. */
BASE_CHECK int cli_entry_record(const struct proc_conf *conf, const struct event_entry *e, struct base_fail *fail);
/* Who runs this command, for the entry's `operator`: the operating system's user; under sudo the one who called it. Lives as long as the process. */
const char *cli_entry_operator(void);

#endif
