/* gate_cancel: cancel requests: a client's, matched against our own keys, or the gate's own (statement time-out). */
#ifndef GATE_CANCEL_H
#define GATE_CANCEL_H
#include "gate_session.h"
/* The client's first packet was a CancelRequest (whole, in packet). Ends the session when done. */
void gate_cancel_client(struct gate_session *s, struct base_span packet);
void gate_cancel_forget(struct gate_session *s); /* the client who asked is gone */
/* Sends a CancelRequest for s's backend on a connection of its own; nobody waits for it. */
void gate_cancel_backend(struct gate_worker *w, const struct gate_world *world, const struct gate_backend_key *key);
#endif
