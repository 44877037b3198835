/* keeper_int: the keeper's state. One loop thread owns everything but what struct keeper_work says.
 *
 *   gate --ENTRY--> keeper_conn: check, queue --> batch (filling)
 *                                                   | swap, at the end of each turn of the loop
 *                                                   v
 *                                        keeper_run: ledger_log_append (write, fdatasync)
 *                                                   |
 *   gate <--RECEIPT/FAILED-- keeper_conn <----------+----> keeper_work, a thread of its own: tiles, checkpoint, tidy
 *
 *   gate --RECALL--> keeper_recall: standing entries, then the ledger from a time on, read from its files piece by piece
 *   gate <--NOTICE-- keeper_conn: administrative entries that are durable; keeper_standing keeps those that stand
 *
 * Everything that arrives while a batch is being flushed waits in the sockets and goes with the next one. Memory: two batches of at most
 * KEEPER_BATCH_MAX, and KEEPER_INPUT_MAX for each connection; when the filling batch is full nobody is read from until it has been swapped.
 */
#ifndef KEEPER_INT_H
#define KEEPER_INT_H

#include <pthread.h>

#include "base_buf.h"
#include "base_loop.h"
#include "keeper_standing.h"
#include "ledger_log.h"
#include "proc_msg.h"
#include "proc_supervisor.h"

#define KEEPER_BATCH_MAX (4u * 1024u * 1024u)   /* journal bytes of one batch */
#define KEEPER_INPUT_MAX (256u * 1024u)         /* unread bytes of one connection; more than one whole message */
#define KEEPER_OUTPUT_MAX (256u * 1024u)        /* a gate that does not read its receipts and notices is cut off */
#define KEEPER_RECALLS_MAX 4u                   /* at once; each has a bundle and a piece of the journal in memory */
#define KEEPER_RECALL_STALL_US 60000000u        /* an asker that takes nothing for so long is cut off */
#define KEEPER_CONNECTIONS_MAX 1024u
#define KEEPER_CHECKPOINT_ENTRIES 16384u         /* so many entries do not wait for ledger_checkpoint to pass */
#define KEEPER_RETRY_LEAST_US 100000u           /* pause after a failed batch: doubles from here */
#define KEEPER_RETRY_MOST_US 1000000u           /* up to here */

struct keeper;
struct keeper_conn;

/* What one connection has in a batch. */
struct keeper_member {
	struct keeper_conn *conn; /* borrow; NULL once the connection is gone */
	uint64_t upto;            /* its last id in the batch */
};
struct keeper_batch {
	struct base_buf packed; /* as ledger_log_append wants it */
	size_t count, cost;
	size_t admin;           /* how many of them keeper_admin knows */
	struct keeper_member *member; /* own */
	size_t nmember, cap;
	int result;
	struct base_fail fail;
};

/* The publishing thread and what it shares with the loop thread, under one mutex. */
struct keeper_work {
	struct keeper *k; /* borrow */
	pthread_t publisher;
	bool publisher_runs; /* started, to be joined */
	pthread_mutex_t mutex;
	pthread_cond_t wake_publisher;
	bool stop_publisher;
	bool asleep; /* the publisher waits without a deadline: the first news must wake it */
	uint64_t interval_us;
	bool publish_failed; /* publisher thread only: said once */
	bool tidy_failed;
};

struct keeper {
	const struct proc_context *ctx; /* borrow */
	unsigned row;
	struct ledger_signer signer;
	struct ledger_log *log; /* own */
	struct keeper_standing standing; /* speaks for all that is acknowledged */
	struct base_loop *loop; /* own */
	struct base_loop_io listener, signals;
	struct base_loop_timer retry;
	struct keeper_conn *conns; /* own: doubly linked */
	size_t nconns, nrecalls;
	struct keeper_batch batch[2];
	unsigned filling;  /* index of the batch that takes entries */
	bool failing;      /* the last batch was not recorded */
	bool stopping;
	uint64_t backoff_us, retry_at_us;
	struct keeper_work work;
};

/* keeper_conn.c */
int keeper_conn_listen(struct keeper *k, struct base_fail *fail); /* makes run_dir/keeper.sock and watches it */
void keeper_conn_unlisten(struct keeper *k);
void keeper_conn_settle(struct keeper *k, struct keeper_batch *b); /* tells the members what became of the batch */
void keeper_conn_resume(struct keeper *k); /* there is room again: take up what was left in the input buffers */
void keeper_conn_drain(struct keeper *k);  /* at the end: read what has arrived, and no more */
void keeper_conn_close_all(struct keeper *k);

/* keeper_work.c */
int keeper_work_start(struct keeper *k, struct base_fail *fail);
void keeper_work_news(struct keeper *k); /* entries were recorded: a checkpoint will be due */
void keeper_work_stop(struct keeper *k); /* waits for the thread */

/* keeper_run.c */
void keeper_run_kick(struct keeper *k); /* records what is queued, and answers */

#endif
