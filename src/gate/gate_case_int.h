/* gate_case_int: what the files gate_case*.c share. Private to them.
 *
 *   gate_case.c          the thread, its questions and answers
 *   gate_case_query.c    the SQL that is sent, and what comes back; no I/O
 *   gate_case_table.c    connections, and the table that the policy in force names (libpq)
 *   gate_case_cache.c    tickets of the last seconds; no I/O
 *   gate_case_pending.c  look-ups that wait for their ticket; no I/O
 *   gate_case_settle.c   looks for those tickets
 */
#ifndef GATE_CASE_INT_H
#define GATE_CASE_INT_H

#include <libpq-fe.h>
#include <pthread.h>

#include "base_buf.h"
#include "base_map.h"
#include "gate_case.h"

#define GATE_CASE_BATCH 1024u          /* subjects of one query; not less than GATE_CASE_ASK_MAX */
#define GATE_CASE_BYTES (32u << 20)    /* of all cached tickets; past it all are forgotten */
#define GATE_CASE_FIELD 255u           /* a longer number or name is none */
#define GATE_CASE_PAGE 1000            /* tickets read at once while settling */
#define GATE_CASE_SCAN_MAX 1000000u    /* tickets read in one search */
#define GATE_CASE_PENDING_MOST (2 * GATE_PENDING_LOOKS) /* the case thread is not there, or far behind: past it the oldest are forgotten */
#define GATE_CASE_WHOLE 60u            /* every so many searches, and the first, one goes back to the oldest look-up that waits */

/* ---- query ---- */
struct gate_case_type { char schema[64], name[64]; }; /* of the subject's column; of a domain: its base type */
enum { GATE_CASE_R_KEY, GATE_CASE_R_NUMBER, GATE_CASE_R_PERSON, GATE_CASE_R_OPENER, GATE_CASE_R_TEAM, GATE_CASE_R_OPEN, GATE_CASE_R_OPENED, GATE_CASE_R_CLOSED, GATE_CASE_R_COUNT };
/* One parameter: the keys as text[]. Result columns: GATE_CASE_R_*; the key's place in the array, from 1; times as microseconds since 1970, may be NULL. */
void gate_case_query_ask(const struct policy_case_from *f, const struct gate_case_type *type, struct base_buf *out);
/* One parameter, a key: is it a value of the column's type? The server refuses it when it is none. */
void gate_case_query_cast(const struct gate_case_type *type, struct base_buf *out);
/* A cursor over the subjects of tickets opened since then; without a column that says when: of those that are open. */
void gate_case_query_scan(const struct policy_case_from *f, uint64_t since_us, struct base_buf *out);
/* '{"a","b"}' */
void gate_case_query_array(const char *const *key, size_t n, struct base_buf *out);

struct gate_case_tickets { /* one allocation; the spans point into it */
	uint64_t at_us;  /* monotonic: before the server was asked */
	size_t bytes;
	size_t *total;   /* NULL, or where bytes are counted while cached */
	size_t n;
	struct policy_ticket ticket[];
};
/* Values of one row, GATE_CASE_R_NUMBER to _CLOSED as text; p NULL: NULL. */
struct gate_case_row { struct base_span value[GATE_CASE_R_COUNT]; };
/* NULL: no memory. */
struct gate_case_tickets *gate_case_query_tickets(const struct gate_case_row *rows, size_t n, uint64_t at_us);
void gate_case_tickets_free(void *tickets);

/* ---- table: case thread only ---- */
struct gate_case_table {
	struct gate_world *world;          /* shared; NULL: not bound yet */
	uint64_t generation;               /* of what gate_cases_adopt gave */
	const struct policy_case_from *from; /* borrow: world's; line 0: the policy has none */
	struct policy_column key;          /* how the subject's key becomes a mark */
	char *control;                     /* own: what conn was connected to */
	PGconn *conn;                      /* own: for questions */
	bool prepared;
	char cast[512];                    /* gate_case_query_cast */
};
void gate_case_table_bind(struct gate_case_table *t, struct gate_world *w, uint64_t generation); /* takes a reference of its own */
void gate_case_table_done(struct gate_case_table *t);
/* Tickets of each key, own of the caller; [i] never NULL on success. GH_E_IO, GH_E_NOMEM: nothing is known; tickets_r is all NULL. */
BASE_CHECK int gate_case_table_fetch(struct gate_case_table *t, const char *const *key, size_t n, struct gate_case_tickets **tickets_r, uint64_t *queries, struct base_fail *fail);
/* A connection of its own, for a search: read-only. */
BASE_CHECK int gate_case_table_connect(const struct gate_case_table *t, const char *name, const char *timeout, PGconn **conn_r, struct base_fail *fail);
int gate_case_table_failed(const struct gate_case_table *t, const PGresult *r, PGconn *conn, struct base_fail *fail);
/* Mark of a value of the ticket's subject column, as text; 0: it has none. */
uint64_t gate_case_table_mark(const struct gate_case_table *t, struct base_span value, const struct mask_marker *m);

/* ---- cache ---- */
struct gate_case_cache { struct base_map *map; size_t bytes; };
void gate_case_cache_init(struct gate_case_cache *c);
void gate_case_cache_done(struct gate_case_cache *c);
void gate_case_cache_put(struct gate_case_cache *c, const char *key, struct gate_case_tickets *t); /* takes t over */
const struct gate_case_tickets *gate_case_cache_get(struct gate_case_cache *c, const char *key, uint64_t now_us, uint64_t ttl_us); /* NULL: ask. Until the next put */
void gate_case_cache_sweep(struct gate_case_cache *c, uint64_t now_us, uint64_t ttl_us); /* forgets what is older */
void gate_case_cache_clear(struct gate_case_cache *c);

/* ---- pending ---- */
struct gate_case_look { /* one allocation: the spans point into it */
	struct gate_case_look *older, *newer; /* borrow: all, by time */
	struct gate_case_look *next, *before; /* borrow: of the same mark; next also: of a list of those taken out */
	uint64_t mark, seq, at_us;
	uint32_t epoch;
	struct base_span session, actor, employer, team, declared;
};
struct gate_case_pending {
	struct base_map *by_mark; /* own: mark -> first look */
	struct base_map *by_name; /* own: mark, sequence, session -> look */
	struct gate_case_look *oldest, *newest;
	size_t count;
};
void gate_case_pending_init(struct gate_case_pending *p);
void gate_case_pending_done(struct gate_case_pending *p);
/* One that is there already is not added again. False: no memory. */
bool gate_case_pending_add(struct gate_case_pending *p, const struct gate_case_look *look);
struct gate_case_look *gate_case_pending_find(const struct gate_case_pending *p, uint64_t mark); /* the first of its mark; NULL */
struct gate_case_look *gate_case_pending_named(const struct gate_case_pending *p, struct base_span session, uint64_t seq, uint64_t mark); /* NULL */
void gate_case_pending_take(struct gate_case_pending *p, struct gate_case_look *look); /* out of all lists: the caller frees it */
/* Takes out those that are explained by these tickets (class and ticket are told), in a list. */
struct gate_case_explained { struct gate_case_look *look; size_t by; struct gate_case_explained *next; };
struct gate_case_explained *gate_case_pending_weigh(struct gate_case_pending *p, uint64_t mark, uint32_t epoch, const struct gate_case_tickets *t, const struct policy_people *people);
/* Takes out the oldest: those that came before, and those past `most`. */
struct gate_case_look *gate_case_pending_expire(struct gate_case_pending *p, uint64_t before_us, size_t most);

/* ---- the whole ---- */
struct gate_case_search { /* case thread only */
	PGconn *conn;       /* own; NULL: none runs */
	bool whole;
	unsigned count;     /* of searches begun since the last whole one */
	uint64_t next_us;   /* monotonic: when the next one begins */
	uint64_t begun_us;  /* wall */
	uint64_t last_us;   /* wall: when the last complete one began; 0: none did */
	uint64_t rows;
};
struct gate_cases {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* guards everything down to the line */
	pthread_cond_t wake;
	bool stop;
	struct gate_case_ask *first, **last;
	struct gate_world *world;  /* shared: the newest */
	uint64_t generation;       /* of world */
	uint64_t policy;           /* counts up when what is cached no longer holds */
	uint64_t ttl_us, settle_us;
	struct gate_case_cache cache;
	struct gate_case_pending pending;
	struct gate_cases_numbers numbers; /* cached, pending: not kept here */
	struct proc_count *counts;         /* borrow; NULL: nobody counts */
	unsigned row;
	bool full;                         /* look-ups were forgotten, and that is logged */
	/* ---- case thread only */
	struct gate_case_table table;
	struct gate_case_search search;
	uint64_t sweep_us;
	bool blind; /* the table could not be asked, and that is logged */
	void (*settled)(void *ctx, const struct gate_settled *s);
	void *ctx;
};
/* The lock is held. */
void gate_case_count(struct gate_cases *c, uint64_t hits, uint64_t misses, uint64_t queries, uint64_t failed);
/* settle: the lock is not held. One page, or the beginning or the end of a search; quick, so that questions do not wait. */
void gate_case_settle_step(struct gate_cases *c);
bool gate_case_settle_due(const struct gate_cases *c, uint64_t now_us); /* the lock is held */
void gate_case_settle_done(struct gate_cases *c);
void gate_case_settle_overflow(struct gate_cases *c); /* tells of those that there is no room for */
void gate_case_bind(struct gate_cases *c); /* the table to the newest world */
void gate_case_blind(struct gate_cases *c, const struct base_fail *fail); /* logs the first failure, and (NULL) the first success after it */

#endif
