/* gate_track: what a session's protocol state holds: prepared statements, portals, cursors, requests on the way. Names change only
 * when the server confirms (SQL-RULES 4.9).
 */
#ifndef GATE_TRACK_H
#define GATE_TRACK_H

#include "gate_session.h"

void gate_track_init(struct gate_track *t, char status);
void gate_track_done(struct gate_track *t);

/* The queue. push: NULL when memory is refused; the caller fills the zeroed element. */
struct gate_pend *gate_track_push(struct gate_track *t, enum gate_pend_kind kind);
struct gate_pend *gate_track_head(struct gate_track *t); /* NULL: nothing is expected */
struct gate_pend *gate_track_at(struct gate_track *t, size_t i); /* i-th from the head */
void gate_track_pop(struct gate_track *t);
void gate_track_drop(struct gate_track *t, size_t i);    /* takes out the i-th */
void gate_track_weigh(struct gate_track *t, struct gate_pend *p, size_t bytes); /* so many bytes are kept for p */
bool gate_track_full(const struct gate_track *t);        /* as many requests as may be on the way */
bool gate_track_server_turn(const struct gate_track *t); /* the server has something to finish (else it waits for the client) */

struct gate_statement *gate_statement_new(struct gate_text *text, size_t k); /* takes over the reference to text */
void gate_statement_unref(struct gate_statement **s);
void gate_portal_free(struct gate_portal **p);

/* name NULL = unnamed. Lookups borrow; install takes over. */
struct gate_statement *gate_track_statement(struct gate_track *t, const char *name);
void gate_track_install_statement(struct gate_track *t, const char *name, struct gate_statement *s);
void gate_track_remove_statement(struct gate_track *t, const char *name);
struct gate_portal *gate_track_portal(struct gate_track *t, const char *name); /* portals, then cursors */
void gate_track_install_portal(struct gate_track *t, const char *name, struct gate_portal *p);
void gate_track_install_cursor(struct gate_track *t, struct base_span name, struct gate_portal *p);
void gate_track_remove_portal(struct gate_track *t, const char *name);
void gate_track_transaction_end(struct gate_track *t);

void gate_answer_clear(struct gate_answer *a); /* forgets, keeps memory */

#endif
