/* keeper_check: whether bytes from a gate may become a ledger entry. Pure. The keeper does not know what an entry says; it only keeps
 * the ledger readable for ever: one line, valid UTF-8, shaped like one JSON object; an administrative entry (keeper_admin.h) says whom it is about. */
#ifndef KEEPER_CHECK_H
#define KEEPER_CHECK_H

#include "base_span.h"

/* NULL = acceptable; else what is wrong with it, as text for the gate (static). */
const char *keeper_check_entry(struct base_span entry);

#endif
