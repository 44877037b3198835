/* gate_case: asks the company's ticket table about subjects: a thread with a connection of its own (conf->control), one query for all questions that wait, and a
 * short bounded cache (setting case_cache; GATE_CASES_MAX subjects, least recently used first). Also settles look-ups that came before their ticket. Input: the
 * server's rows (checked). It sees keys in clear, in memory only, for as long as the cache says.
 */
#ifndef GATE_CASE_H
#define GATE_CASE_H

#include "base_loop.h"
#include "gate_world.h"
#include "policy_case.h"
#include "proc_count.h"

#define GATE_CASES_MAX 20000u      /* subjects cached */
#define GATE_CASE_TICKETS 64u      /* of one subject that are looked at: the newest */
#define GATE_CASE_ASK_MAX 256u     /* subjects of one question */
#define GATE_PENDING_LOOKS 200000u /* unexplained look-ups of the last week that may still be settled; past it the oldest are orphans early */

struct gate_cases;
struct gate_case_ask { /* own of the asker until `done` runs on its loop; session may be set to NULL meanwhile */
	struct base_loop *loop;
	void (*done)(void *ask);
	void *session;
	struct gate_world *world;            /* own reference */
	char *actor, *employer, *team, *declared; /* own; never NULL, may be empty */
	size_t nkeys;
	char *key[GATE_CASE_ASK_MAX];        /* own: text form of the subject's key */
	enum policy_class class_r[GATE_CASE_ASK_MAX];
	bool failed;                         /* the table could not be asked: nothing is known */
	char why[300];
	struct gate_case_ask *next;          /* private */
};
struct gate_case_ask *gate_case_ask_new(void); /* its names are NULL until they are set, which stands for empty */
void gate_case_ask_free(struct gate_case_ask **a); /* and what it owns */

struct gate_settled { /* a look-up of days ago: explained now, or never */
	struct base_span session; uint64_t seq; uint64_t at_us; /* of its entry; wall */
	struct base_span actor; uint64_t mark; uint32_t epoch;
	enum policy_class class; struct base_span number; /* of the ticket */
	bool orphan;
};
/* settled: called on the case thread; what it is given lives for the call. */
struct gate_cases *gate_cases_new(struct gate_world *first, void (*settled)(void *ctx, const struct gate_settled *s), void *ctx);
void gate_cases_count(struct gate_cases *c, struct proc_count *counts, unsigned row); /* the metrics case_... are added to this row, from any thread */
void gate_cases_start(struct gate_cases *c);
void gate_cases_stop(struct gate_cases **c); /* joins; questions that still wait are freed, not answered: no loop of theirs runs any more */
void gate_cases_adopt(struct gate_cases *c, struct gate_world *w); /* thread-safe: the newest world (own reference is taken); what is cached of another policy is forgotten */
/* Thread-safe. True: all of it was cached, class_r is filled, done is not called. */
BASE_CHECK bool gate_cases_ask(struct gate_cases *c, struct gate_case_ask *ask);
/* Thread-safe: a look-up went out unexplained (or weak): it waits for its ticket. mark: of the subject. The same one again (at a reload) is one. */
void gate_cases_pending(struct gate_cases *c, struct base_span session, uint64_t seq, uint64_t at_us, struct base_span actor, struct base_span employer, struct base_span team,
                        struct base_span declared, uint64_t mark, uint32_t epoch);
/* From the ledger at start: it was settled already. */
void gate_cases_was_settled(struct gate_cases *c, struct base_span session, uint64_t seq, uint64_t mark);
struct gate_cases_numbers { uint64_t hits, misses, queries, cached, pending, failed; };
void gate_cases_numbers(struct gate_cases *c, struct gate_cases_numbers *n_r);

#endif
