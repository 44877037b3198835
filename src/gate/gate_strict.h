/* gate_strict: a session that is enforced. The gate ends the protocol on both sides (SQL-RULES 8.4): client text goes only into Parse messages of the
 * gate's own making, under the gate's own names; nothing of the client's bytes is relayed but parameter values; every message towards the client is
 * made here. One batch of the client's messages (up to Sync, or one Query) is answered before the next is begun.
 *
 *   client --in--> gate_strict_request --(gate_strict_need: analysed, decided)--> owed queue + messages in `up` --> server
 *   server --back--> gate_strict_answer: head of the owed queue says what must come --> gate_strict_rows: mark, mask, record --> `down` --> client
 *
 * A handler of a client's message that needs the server's word (a tree, a BindComplete) returns STRICT_WAIT; the message stays at the head of `in` and
 * the handler runs again from its beginning when the word has come. Handlers therefore change nothing before their last wait.
 */
#ifndef GATE_STRICT_H
#define GATE_STRICT_H

#include "gate_session.h"

struct gate_who;

/* What a session has said of itself: who asks, for what. Immutable: each SET makes a new one. */
struct strict_self {
	unsigned refs;
	struct gate_who *who;          /* shared */
	char *purpose, *case_number;   /* own; NULL = not said */
};
const struct strict_self *gate_strict_self(const struct gate_session *s); /* in force; NULL: the session is observed, or has not begun. Good until the next statement */
/* Of an enforced session: the client's bytes, the server's bytes, as far as they are not worked off. */
struct base_buf *gate_strict_in(struct gate_session *s);
struct base_buf *gate_strict_back(struct gate_session *s);

/* Is this person enforced in this world? Makes s->strict when so. At log-in, before the server is asked. */
BASE_CHECK int gate_strict_choose(struct gate_session *s);
/* A new world: a session that it would treat otherwise (observe, enforce) ends. */
void gate_strict_adopt(struct gate_session *s, struct gate_world *w);
/* Has this log-in left, or is it suspended? Then the session ends, with an alarm. Observed ones too. */
bool gate_strict_let_in(struct gate_session *s, struct gate_world *w);
/* Somebody was suspended: is it the person who asks here? */
void gate_strict_suspended(struct gate_session *s);
void gate_strict_parted(struct gate_session *s); /* an entry was made of rows */
/* The keeper's word on the first entry on its way. */
void gate_strict_receipt(struct gate_session *s);
void gate_strict_failure(struct gate_session *s, bool unsure); /* unsure: it went without a word, and may have it on record */
/* Parameters of the start-up packet towards the server, "name NUL value NUL" each. */
void gate_strict_startup(struct gate_session *s, struct base_buf *out);
bool gate_strict_is_utf8(struct base_span encoding); /* a name of it */
/* A ParameterStatus of the server during log-in. */
void gate_strict_status(struct gate_session *s, struct base_span name, struct base_span value);
void gate_strict_begin(struct gate_session *s);   /* RELAY begins; `back` may hold bytes already */
void gate_strict_ending(struct gate_session *s);  /* the session has ended; its `close` is not recorded yet */
void gate_strict_free(struct gate_session *s);
void gate_strict_on_client(struct gate_session *s); /* bytes came into in */
void gate_strict_on_server(struct gate_session *s); /* bytes came into back */
bool gate_strict_idle(const struct gate_session *s); /* between statements, in no transaction */
bool gate_strict_server_turn(const struct gate_session *s);
bool gate_strict_waits(const struct gate_session *s); /* what is in down is worth no write yet: the server's answer follows */
void gate_strict_released(struct gate_session *s); /* a receipt came: rows that arrived meanwhile become the next entry */
bool gate_strict_reads_client(const struct gate_session *s);
bool gate_strict_reads_server(const struct gate_session *s);

#endif
