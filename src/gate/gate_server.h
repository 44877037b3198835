/* gate_server: the server's side of start-up: connect, TLS, log in as the same role, until ReadyForQuery. */
#ifndef GATE_SERVER_H
#define GATE_SERVER_H
#include "gate_session.h"
void gate_server_start(struct gate_session *s);
void gate_server_ready(struct gate_session *s, unsigned events); /* GATE_SERVER: the server's socket has an event */
#endif
