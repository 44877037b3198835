/* gate_strict_int: what the files of the enforced session share. Each function lives in the file that the heading names. */
#ifndef GATE_STRICT_INT_H
#define GATE_STRICT_INT_H

#include "gate_strict.h"
#include "wire_frame.h"

/* ---- gate_strict.c ---- */
/* May the first `bytes` of `back`, an answer of a reviewed function, be looked into? Only when the catalogue was looked at after they had come, and no body had
 * been replaced; else a look is under way, or t->changed. */
BASE_CHECK bool strict_sure(struct gate_session *s, size_t bytes);

/* ---- gate_strict_owed.c: the queue, names and references ---- */
struct strict_owed *strict_owe(struct gate_session *s, enum strict_owed_kind kind); /* zeroed but for kind and limit; good until the next is owed */
struct strict_owed *strict_head(struct gate_strict *t);
struct strict_owed *strict_tail(struct gate_strict *t); /* what was owed last; there is one */
void strict_pop(struct gate_strict *t, struct gate_session *s);
/* Drops what is owed before the next SYNC, last first, taking names back. */
void strict_drop_batch(struct gate_session *s);
void strict_settle_says(struct gate_session *s); /* SAYs at the head go out */
struct strict_prepared *strict_prepared_find(struct gate_strict *t, struct base_span name);
struct strict_portal *strict_portal_find(struct gate_strict *t, struct base_span name);
/* It was decided under another policy or people file than is in force. */
bool strict_outdated(const struct gate_session *s, const struct strict_portal *p);
/* Name now means object (a reference is handed over; NULL: nothing); owed remembers what it meant. */
void strict_name_prepared(struct gate_session *s, struct strict_owed *owed, struct base_span name, struct strict_prepared *p);
void strict_name_portal(struct gate_session *s, struct strict_owed *owed, struct base_span name, struct strict_portal *p);
void strict_forget_portals(struct gate_session *s); /* the transaction has ended */
void strict_forget_prepared(struct gate_session *s);
void strict_prepared_unref(struct gate_session *s, struct strict_prepared **p);
void strict_portal_unref(struct gate_session *s, struct strict_portal **p);

/* ---- gate_strict_need.c: analysis, decision, cache ---- */
enum strict_need { NEED_READY, NEED_WAIT, NEED_FAILED }; /* FAILED: t->analysis.error says why; strict_fail_analysis tells the client */
bool strict_cached(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r); /* j_r borrowed */
enum strict_need strict_need(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r); /* j_r borrowed */
int strict_analysis_message(struct gate_session *s, uint8_t type, struct base_span payload); /* head is OWED_ANALYSIS */
void strict_analysis_error(struct gate_session *s, struct base_span payload);
void strict_analysis_drop(struct gate_session *s);
void strict_analysis_tree(struct gate_session *s, struct base_span detail);
void strict_new_world(struct gate_session *s); /* scope and judged of an older world go */
/* A tree came before BindComplete: the same, or decided anew. False: refused, error_r is the ErrorResponse (own bytes). */
BASE_CHECK bool strict_judge_again(struct gate_session *s, struct gate_judged *j, struct base_span detail, struct base_span *error_r);
bool strict_stale(const struct gate_session *s, const struct gate_judged *j); /* decided under another policy or for somebody else, or changed on the server */
void strict_spoil(struct gate_session *s, struct gate_judged *j); /* never bound again: its text is analysed anew; the caller holds a reference */

/* ---- gate_strict_self.c: what a session says of itself ---- */
bool strict_self_is(struct base_span name); /* a setting of the gate's own: gatehouse.* */
BASE_CHECK int strict_self_begin(struct gate_session *s, struct gate_who *who);
void strict_self_done(struct gate_session *s);
void strict_self_unref(struct strict_self **self);
/* Empty: done. Else the error (own bytes); soft_r: nothing of the transaction is lost by it. */
struct base_span strict_self_set(struct gate_session *s, struct base_span name, struct base_span value, bool local, bool *soft_r);
const char *strict_self_show(const struct gate_session *s, struct base_span name); /* NULL: not shown */
bool strict_self_options(struct gate_session *s, struct base_span options); /* of the start-up packet; false: something else is in them */
void strict_self_reset(struct gate_session *s);                 /* RESET ALL, DISCARD ALL */
void strict_self_ended(struct gate_session *s, bool committed); /* the transaction, explicit or not */
/* The server has made, gone back to or released a savepoint. */
void strict_self_point(struct gate_session *s, enum strict_point point, const char *name);
void strict_self_forget_server(struct gate_session *s);         /* what the server's settings say is not known any more */
void strict_self_world(struct gate_session *s, struct gate_world *w);
bool strict_self_told(const struct gate_session *s);            /* the server's settings speak of who asks */
void strict_self_tell_server(struct gate_session *s);
bool strict_self_turned_away(struct gate_session *s, const struct gate_who *who, char *why, size_t size); /* has left, or is suspended: an alarm is recorded */
struct base_span strict_self_host(const struct gate_session *s);

/* ---- gate_strict_admit.c ---- */
bool strict_only(struct gate_session *s, const struct gate_who *who, struct policy_where *rule_r, char *words, size_t size); /* `only` rules: may be here now */
struct base_span strict_admit(struct gate_session *s, struct strict_portal *p, bool *soft_r); /* empty: may run; else the error (own bytes) */
const char *strict_case(const struct strict_portal *p);    /* as it was given, in the text or by SET; NULL */
const char *strict_purpose(const struct strict_portal *p);
bool strict_stepped_up(struct gate_session *s, uint64_t lasting_us);
struct base_span strict_step_error(const char *what, const struct policy_where *rule);

/* ---- gate_strict_charge.c ---- */
struct base_span strict_charge_lookup(struct gate_session *s, struct strict_portal *p); /* empty: taken; else the error */
bool strict_explained(struct gate_session *s, uint8_t type, struct base_span row); /* false: the case thread is asked, wait */
struct charged { struct base_span error; bool soft; uint64_t hide; /* occurrences whose columns go out hidden */ char letter; /* of the entry's classes; 0: not counted */ };
struct charged strict_charge_row(struct gate_session *s, struct strict_owed *o, struct base_span row, const uint64_t *tuple, bool lost);
void strict_charge_part(struct gate_session *s);    /* what was taken goes with the entry that was just made */
void strict_charge_receipt(struct gate_session *s); /* the first entry on its way is durable */
void strict_charge_failure(struct gate_session *s, bool unsure); /* or never will be; or nobody knows */
void strict_charge_lost(struct gate_session *s);    /* rows without an entry do not go out */
void strict_charge_done(struct gate_session *s);
void strict_verdicts_clear(struct gate_session *s);

/* ---- gate_strict_send.c: towards the server ---- */
bool strict_await(struct gate_session *s); /* true: what changes something must wait until all before it in the batch is answered */
void strict_send(struct gate_session *s, uint8_t type, struct base_span payload);
void strict_send_sync(struct gate_session *s);
void strict_send_parse(struct gate_session *s, const char *name, struct base_span text, const uint32_t *types, size_t ntypes);
void strict_send_target(struct gate_session *s, uint8_t type, uint8_t what, const char *name); /* Describe, Close */
void strict_send_execute(struct gate_session *s, const char *portal, uint32_t max);
void strict_flush(struct gate_session *s); /* unless a Flush or Sync is the last that was sent */

/* ---- gate_strict_refuse.c ---- */
void strict_say(struct gate_session *s, struct base_span bytes); /* owed to the client, in its turn; bytes are taken over */
/* The client's message fails: error in its turn, then what is left of the batch is skipped. simple: the batch is this Query alone. bytes are taken over. */
void strict_fail(struct gate_session *s, bool simple, struct base_span bytes);
void strict_fail_analysis(struct gate_session *s, bool simple);
/* error(): builds an ErrorResponse in memory of its own. */
struct base_span strict_error(const char *sqlstate, const char *hint, const char *fmt, ...) BASE_PRINTF(3, 4);
const char *strict_rule_file(const struct policy_where *rule); /* without its folder: where the gate keeps its files is not the client's business */
struct base_span strict_refusal(const struct policy_refusal *r);
void strict_refused(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule); /* the entry of a refusal */
/* The same, with the budget that was used up (NULL: none) and the person whom it is about (mark 0: nobody). */
void strict_refused_about(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule, const char *budget, uint64_t mark, unsigned kind);
/* Tells the client a refusal that it can mend: nothing is sent to the server, the transaction lives on. bytes are taken over. */
void strict_soft(struct gate_session *s, bool simple, struct base_span bytes);

/* ---- gate_strict_request.c ---- */
/* Binds judged to a portal of ours; params: the part of a Bind behind the two names up to the result formats, NULL = none. NULL: not admitted, which the client was
 * told (simple: as the answer to a Query). */
struct strict_portal *strict_bind(struct gate_session *s, struct gate_judged *j, const char *name, struct base_span params, struct base_span formats, uint16_t nformats, bool say, bool simple);
/* Executes: owes the answer. */
struct strict_owed *strict_execute(struct gate_session *s, struct strict_portal *p, uint64_t max);

/* ---- gate_strict_command.c ---- */
void strict_quietly(struct gate_session *s, struct base_span text); /* a text of the gate's own business: nothing of its answer is for the client */
/* A command that the gate carries out itself. simple: from a Query (the end of the batch is the caller's). */
enum strict_wait strict_command(struct gate_session *s, const struct sql_command *c, struct base_span text, bool simple);
bool strict_reset(struct gate_session *s, struct base_span text); /* carried out; false: it is no text of that kind */
/* RowDescription of a command, or false: it returns no rows. WAIT is not possible: what it stands for must be known (else no rows). */
bool strict_command_row(struct gate_session *s, const struct sql_command *c, struct base_buf *out);

/* ---- gate_strict_answer.c ---- */
void strict_protocol(struct gate_session *s, const char *what);
void strict_cut(struct gate_session *s, struct base_span error, bool soft); /* the answer is cut with this error; the rest of the batch is dropped. soft: the transaction lives on */

/* ---- gate_strict_rows.c ---- */
void strict_rows_head(struct gate_session *s, struct strict_owed *o); /* what goes in front of the first row */
void strict_row(struct gate_session *s, struct strict_owed *o, struct base_span payload);
void strict_rows_end(struct gate_session *s, struct strict_owed *o, uint8_t type, struct base_span payload); /* CommandComplete, PortalSuspended, EmptyQueryResponse */
void strict_rows_failed(struct gate_session *s, struct strict_owed *o, const char *sqlstate);
void strict_too_long(struct gate_session *s); /* a message of the server: the session ends */
void strict_rows_lost(struct gate_session *s); /* look-ups on their way whose answers nobody will get are recorded; no answer is under way */
void strict_rows_part(struct gate_session *s); /* the rows so far become an entry */
void strict_write_row_description(struct base_buf *out, const struct gate_judged *j, struct base_span formats, int nformats);

#endif
