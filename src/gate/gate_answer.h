/* gate_answer: follows the server's messages: confirms names, reads rows, decides what must be recorded before it leaves. */
#ifndef GATE_ANSWER_H
#define GATE_ANSWER_H
#include "gate_session.h"
/* Scans s->down from s->scan; advances s->scan; takes out answers to the gate's own requests; records what is complete. */
void gate_answer_scan(struct gate_session *s);
#endif
