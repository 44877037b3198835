/* gate_record: from what a session did to ledger entries; what must be durable before bytes leave, and which bytes. */
#ifndef GATE_RECORD_H
#define GATE_RECORD_H
#include "gate_session.h"
/* Tuples of a part: so many marks fit an entry whatever its other fields are (they are cut, marks are not). */
#define GATE_RECORD_MARKS 4096u
/* Hands the rows collected in s->track.answer to the keeper as one part, and puts a hold on the bytes from s->open_at on. Ends the
 * session when that cannot be done. */
void gate_record_part(struct gate_session *s, bool last);
/* The same for a row that is larger than the buffer: its first pieces go out when this is durable; the subject follows with its end. */
void gate_record_giant(struct gate_session *s);
/* A look-up that the server was given and whose answer nobody will get: how long it took may have told. s->track.answer speaks of it. Nobody waits. */
void gate_record_unanswered(struct gate_session *s);
/* A statement that was refused; text may be NULL. Nobody waits for it. rule: line 0 or NULL = none. */
void gate_record_refuse(struct gate_session *s, struct gate_text *text, const char *why, const struct policy_where *rule);
void gate_record_open(struct gate_session *s);
void gate_record_close(struct gate_session *s);
void gate_record_deny(struct gate_session *s, const char *why);
/* policy and people entries of a new world, and start/stop of the gate. */
void gate_record_world(struct gate_worker *w);
void gate_record_role(struct gate_worker *w, bool start);
#endif
