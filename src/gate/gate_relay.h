/* gate_relay: moves bytes between the two connections of a session, scanning both directions in place. */
#ifndef GATE_RELAY_H
#define GATE_RELAY_H
#include "gate_session.h"
void gate_relay_on_client(struct base_loop_io *io, unsigned events);
void gate_relay_on_server(struct base_loop_io *io, unsigned events);
void gate_relay_begin(struct gate_session *s);       /* log-in is over on both sides */
void gate_relay_push_server(struct gate_session *s); /* writes what may go to the server */
void gate_relay_released(struct gate_session *s);    /* a receipt moved the release point */
void gate_relay_looked(struct gate_session *s);       /* the catalogue was looked at for an enforced session */
void gate_relay_drained(struct gate_session *s);     /* the keeper takes entries again */
#endif
