/* cli_looks: the look-ups that `gatehouse seen` found, and how they are told. A look-up is one statement of one session, however many
 * entries (parts) its answer took.
 */
#ifndef CLI_LOOKS_H
#define CLI_LOOKS_H

#include "cli_ledger.h"
#include "cli_match.h"

struct cli_look;
struct cli_looks {
	struct cli_look **item; /* own */
	size_t count, room;
	struct base_map *by_statement; /* own: session and sequence -> struct cli_look, borrowed */
	uint64_t unknown;              /* look-ups in the same time whose persons could not be told */
};
void cli_looks_init(struct cli_looks *l);
void cli_looks_done(struct cli_looks *l);
void cli_looks_add(struct cli_looks *l, const struct cli_record *rec, const struct cli_hit *hit); /* copies; aborts without memory */
/* To standard output: summary line and table, or one JSON object. Returns the exit status: CLI_EXIT_OK, CLI_EXIT_NONE, CLI_EXIT_ERROR. */
int cli_looks_print(const struct cli_looks *l, bool json);

#endif
