/* cli_marks: an exact set of (owner, mark) pairs with a few flags each, for counting distinct persons. Pure. Bounded: CLI_MARKS_MAX pairs; CLI_MARKS_BYTES of memory for
 * each at most (16 bytes a place, at least half of the places taken when it has grown). Past it, adding fails and the command says so: a count is exact or there is none.
 */
#ifndef CLI_MARKS_H
#define CLI_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base_defs.h"

#define CLI_MARKS_MAX (24u << 20)
#define CLI_MARKS_BYTES 43u

struct cli_marks;
struct cli_marks *cli_marks_new(size_t max); /* pairs; at most CLI_MARKS_MAX */
void cli_marks_free(struct cli_marks **m);
/* Sets these flags (1..255) of the pair. before_r: those that it had, 0 when it was not there. GH_E_LIMIT. Mark 0 is no mark: nothing happens. */
BASE_CHECK int cli_marks_set(struct cli_marks *m, uint32_t owner, uint64_t mark, unsigned flags, unsigned *before_r);
size_t cli_marks_count(const struct cli_marks *m);

#endif
