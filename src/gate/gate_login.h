/* gate_login: the client's side of start-up: first packet, TLS, start-up parameters, SCRAM. */
#ifndef GATE_LOGIN_H
#define GATE_LOGIN_H
#include "gate_session.h"
void gate_login_readable(struct gate_session *s);
void gate_login_handshake(struct gate_session *s); /* GATE_TLS: the socket is ready */
void gate_login_resume(struct gate_session *s);    /* the back-off is over */
#endif
