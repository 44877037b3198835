/* gate_link: one non-blocking byte connection, plain or TLS. */
#ifndef GATE_LINK_H
#define GATE_LINK_H

#include "base_buf.h"
#include "base_fail.h"
#include "base_loop.h"
#include "wire_tls.h"

struct gate_link {
	int fd;               /* -1 = closed */
	struct wire_tls *tls; /* own; NULL = plain */
	struct base_loop_io io;
	unsigned tls_extra;   /* BASE_LOOP_* that TLS itself needs to go on */
};

void gate_link_init(struct gate_link *l, int fd, void (*fn)(struct base_loop_io *, unsigned));
void gate_link_close(struct base_loop *loop, struct gate_link *l);
/* >0 bytes, 0 not now, GH_E_CLOSED end of stream, other <0 broken. */
BASE_CHECK long gate_link_read(struct gate_link *l, uint8_t *dst, size_t n, struct base_fail *fail);
BASE_CHECK long gate_link_write(struct gate_link *l, struct base_span s, struct base_fail *fail);
/* Asks for events, plus what TLS needs. */
void gate_link_want(struct base_loop *loop, struct gate_link *l, unsigned events);
/* TLS handshake step: 1 done, 0 wait (events are asked for), <0 failed. */
BASE_CHECK int gate_link_handshake(struct base_loop *loop, struct gate_link *l, struct base_fail *fail);

#endif
