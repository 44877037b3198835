/* wire_scram_int: for this component's tests alone: makes an exchange repeatable, as the test vectors of RFC 7677 need it.
 * Nothing else may include it: a nonce that is not drawn at random gives the exchange away.
 */
#ifndef WIRE_SCRAM_INT_H
#define WIRE_SCRAM_INT_H

#include "wire_scram.h"

/* Before wire_scram_server_first: our part of the nonce. */
void wire_scram_server_fix(struct wire_scram_server *s, struct base_span nonce);
/* Before wire_scram_client_first: our nonce, and a user name for "n=" (PostgreSQL sends none). */
void wire_scram_client_fix(struct wire_scram_client *c, struct base_span user, struct base_span nonce);

#endif
