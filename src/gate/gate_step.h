/* gate_step: who has stepped up by a one-time password, and who was given leave by a second person. One for the process, thread-safe; it holds no secret.
 * A step-up holds for the actor through the same log-in role from the same host: somebody else's connection gains nothing by it, ten pooled connections of one
 * application do. Rebuilt from the ledger's step, ask and approve entries at start, so that no code works twice across a restart. Times are wall times: they must
 * mean the same after a restart.
 *
 * Wrong codes: three are free, then the next is looked at only after a pause of 2 s, doubling to 15 minutes, per actor.
 */
#ifndef GATE_STEP_H
#define GATE_STEP_H

#include "event_entry.h"
#include "ident_otp.h"

struct gate_steps;
struct gate_steps *gate_steps_new(void);
void gate_steps_free(struct gate_steps **s);
/* From the ledger: step, ask, approve; enroll (also by a notice): what was used before means nothing for the new secret. Others are passed over. */
void gate_steps_entry(struct gate_steps *s, const struct event_entry *e);

struct gate_step_by { struct base_span actor, login, host; }; /* host: address without port; empty = local */

enum gate_step_answer { GATE_STEP_RIGHT, GATE_STEP_RECOVERED, GATE_STEP_WRONG, GATE_STEP_REPLAYED, GATE_STEP_UNKNOWN, GATE_STEP_WAIT };
/* wait_us_r: WAIT: how long yet. counter_r: RIGHT, RECOVERED (from 1). The step-up holds from now on RIGHT and RECOVERED. */
enum gate_step_answer gate_steps_try(struct gate_steps *s, const struct ident_otp_file *otp, const struct gate_step_by *by, struct base_span code, uint64_t now_us, uint64_t *counter_r, uint64_t *wait_us_r);
/* When it was, 0 = never: a rule that lasts L holds while now < that + L. */
uint64_t gate_steps_at(struct gate_steps *s, const struct gate_step_by *by);

#define GATE_ASK_ID 8 /* "K7Q2M9" and NUL */
struct gate_asked { /* one request for leave */
	char id[GATE_ASK_ID];
	char actor[256], rule[300], group[64], words[160]; /* rule: FILE:LINE; words: "40 customers per hour" */
	uint64_t expires_us;      /* of the request */
	uint64_t lasting_us;      /* of the leave */
	uint64_t until_us;        /* of the leave once given; 0: not given */
};
/* The actor's open request under this rule, or a new one. True: new (to be recorded). */
bool gate_steps_ask(struct gate_steps *s, struct base_span actor, const char *rule, struct base_span group, const char *words, uint64_t within_us, uint64_t lasting_us, uint64_t now_us, struct gate_asked *r);
/* Leave under this rule: until when; 0 = none. */
uint64_t gate_steps_leave(struct gate_steps *s, struct base_span actor, const char *rule, uint64_t now_us);
enum gate_approve_answer { GATE_APPROVE_DONE, GATE_APPROVE_UNKNOWN, GATE_APPROVE_EXPIRED, GATE_APPROVE_OWN, GATE_APPROVE_GROUP };
/* in_group: is the approver in that group? *r: what was approved, as far as it is known. */
enum gate_approve_answer gate_steps_approve(struct gate_steps *s, struct base_span id, struct base_span approver, bool (*in_group)(void *ctx, struct base_span group), void *ctx, uint64_t now_us, struct gate_asked *r);

#endif
