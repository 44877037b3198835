/* cli_refill: the ledger's text of a statement (sql_scan's normal form: tokens joined by one space, each literal "?") as one that the server can analyse again, with something
 * in place of each literal. Pure.
 */
#ifndef CLI_REFILL_H
#define CLI_REFILL_H

#include "base_buf.h"

enum cli_refill { CLI_REFILL_PARAMETER, CLI_REFILL_NUMBER, CLI_REFILL_STRING, CLI_REFILLS }; /* $n behind the client's own; 0; '0' */
/* Appends the text. Where the word before a literal says its type (date, interval), a value of that type, because no parameter may stand there. */
void cli_refill_text(struct base_span text, enum cli_refill how, struct base_buf *out);

#endif
