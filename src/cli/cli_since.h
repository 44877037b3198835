/* cli_since: `--since`: a time, or how long ago: 30d, 12h, 45min. */
#ifndef CLI_SINCE_H
#define CLI_SINCE_H

#include "cli_args.h"

/* Given as text, or `none` when NULL (both as --since would be). */
BASE_CHECK int cli_since_parse(const char *text, const char *none, uint64_t now_us, uint64_t *since_us_r, struct base_fail *fail);

#endif
