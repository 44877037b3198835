/* gate_request: follows the client's requests: what is asked, so that the answers can be read. */
#ifndef GATE_REQUEST_H
#define GATE_REQUEST_H
#include "gate_session.h"
/* Scans s->up from up_scan; advances up_scan over what may go to the server; may insert a Describe of the gate's own. */
void gate_request_scan(struct gate_session *s);
#endif
