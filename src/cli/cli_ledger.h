/* cli_ledger: reading the ledger entry by entry, for the commands that ask it. Read-only; works while the keeper writes: a snapshot is
 * taken at open and at refresh. Entries are decoded strictly; they are not verified (that is `gatehouse ledger verify`).
 */
#ifndef CLI_LEDGER_H
#define CLI_LEDGER_H

#include "cli_args.h"
#include "event_entry.h"
#include "proc_conf.h"

struct cli_ledger;
BASE_CHECK int cli_ledger_open(const struct proc_conf *conf, struct cli_ledger **l_r, struct base_fail *fail);
void cli_ledger_close(struct cli_ledger **l);
uint64_t cli_ledger_size(const struct cli_ledger *l);          /* entries in the snapshot */
BASE_CHECK int cli_ledger_refresh(struct cli_ledger *l, struct base_fail *fail); /* a newer snapshot; the position stays */
void cli_ledger_seek(struct cli_ledger *l, uint64_t index);
uint64_t cli_ledger_position(const struct cli_ledger *l);

struct cli_record {
	uint64_t index;
	struct base_span line;       /* canonical JSON */
	const struct event_entry *e; /* all borrow until the next call */
};
/* 1: the entry at the position, which moves on; 0: the snapshot ends here. A broken entry is an error with its index. */
BASE_CHECK int cli_ledger_next(struct cli_ledger *l, struct cli_record *rec_r, struct base_fail *fail);

struct cli_filter {
	uint64_t from_us, to_us; /* to_us UINT64_MAX = open */
	const char *actor;       /* NULL = all */
	bool by_kind;
	enum event_kind kind;
};
/* --from, --to; and --actor, --kind when `all` (the command has them with these meanings). */
BASE_CHECK int cli_filter_parse(const struct cli_args *args, bool all, struct cli_filter *f_r, struct base_fail *fail);
bool cli_filter_passes(const struct cli_filter *f, const struct event_entry *e);

#endif
