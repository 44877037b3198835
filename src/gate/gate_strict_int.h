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
void strict_spoil(struct gate_session *s, struct gate_judged *j); /* never bound again: its text is analysed anew; the caller holds a reference */

/* ---- gate_strict_request.c ---- */
bool strict_await(struct gate_session *s); /* true: what changes something must wait until all before it in the batch is answered */
void strict_send(struct gate_session *s, uint8_t type, struct base_span payload);
void strict_send_sync(struct gate_session *s);
void strict_send_parse(struct gate_session *s, const char *name, struct base_span text, const uint32_t *types, size_t ntypes);
void strict_send_target(struct gate_session *s, uint8_t type, uint8_t what, const char *name); /* Describe, Close */
void strict_send_execute(struct gate_session *s, const char *portal, uint32_t max);
/* The client's message fails: error in its turn, then what is left of the batch is skipped. simple: the batch is this Query alone. bytes are taken over. */
void strict_fail(struct gate_session *s, bool simple, struct base_span bytes);
void strict_fail_analysis(struct gate_session *s, bool simple);
/* error(): builds an ErrorResponse in memory of its own. */
struct base_span strict_error(const char *sqlstate, const char *hint, const char *fmt, ...) BASE_PRINTF(3, 4);
const char *strict_rule_file(const struct policy_where *rule); /* without its folder: where the gate keeps its files is not the client's business */
struct base_span strict_refusal(const struct policy_refusal *r);
void strict_refused(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule); /* the entry of a refusal */
/* Binds judged to a portal of ours; params: the part of a Bind behind the two names up to the result formats, NULL = none. */
struct strict_portal *strict_bind(struct gate_session *s, struct gate_judged *j, const char *name, struct base_span params, struct base_span formats, uint16_t nformats, bool say);
/* Executes: owes the answer. */
struct strict_owed *strict_execute(struct gate_session *s, struct strict_portal *p, uint64_t max);

/* ---- gate_strict_command.c ---- */
/* A command that the gate carries out itself. simple: from a Query (the end of the batch is the caller's). */
enum strict_wait strict_command(struct gate_session *s, const struct sql_command *c, struct base_span text, bool simple);
bool strict_reset(struct gate_session *s, struct base_span text); /* carried out; false: it is no text of that kind */
/* RowDescription of a command, or false: it returns no rows. WAIT is not possible: what it stands for must be known (else no rows). */
bool strict_command_row(struct gate_session *s, const struct sql_command *c, struct base_buf *out);

/* ---- gate_strict_answer.c ---- */
void strict_protocol(struct gate_session *s, const char *what);
void strict_cut(struct gate_session *s, struct base_span error); /* the answer is cut with this error; the rest of the batch is dropped */

/* ---- gate_strict_rows.c ---- */
void strict_row(struct gate_session *s, struct strict_owed *o, struct base_span payload);
void strict_rows_end(struct gate_session *s, struct strict_owed *o, uint8_t type, struct base_span payload); /* CommandComplete, PortalSuspended, EmptyQueryResponse */
void strict_rows_failed(struct gate_session *s, struct strict_owed *o, const char *sqlstate);
void strict_too_long(struct gate_session *s); /* a message of the server: the session ends */
void strict_rows_lost(struct gate_session *s); /* look-ups on their way whose answers nobody will get are recorded; no answer is under way */
void strict_rows_part(struct gate_session *s); /* the rows so far become an entry */
void strict_write_row_description(struct base_buf *out, const struct gate_judged *j, struct base_span formats, int nformats);

#endif
