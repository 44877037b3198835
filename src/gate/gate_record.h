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
/* A statement that was refused; text may be NULL. Nobody waits for it. rule: line 0 or NULL = none. budget: what was used up; NULL. mark: of the person whom
 * it was about, of this kind; 0: nobody. */
void gate_record_refuse(struct gate_session *s, struct gate_text *text, const char *why, const struct policy_where *rule, const char *budget, uint64_t mark, unsigned kind);
/* Somebody who has left, or is suspended, tried. */
void gate_record_alarm(struct gate_session *s, const char *actor, const char *why);
/* A one-time password: why NULL: right; "recovery code": right; else wrong, counter 0. */
void gate_record_step(struct gate_session *s, uint64_t counter, uint64_t until_us, const char *why);
struct gate_asked;
void gate_record_ask(struct gate_session *s, const struct gate_asked *a);
void gate_record_approve(struct gate_session *s, const struct gate_asked *a);
struct gate_settled;
void gate_record_settle(struct gate_worker *w, const struct gate_settled *l);
void gate_record_open(struct gate_session *s);
void gate_record_close(struct gate_session *s);
void gate_record_deny(struct gate_session *s, const char *why);
/* policy and people entries of a new world, and start/stop of the gate. */
void gate_record_world(struct gate_worker *w);
void gate_record_role(struct gate_worker *w, bool start);
#endif
