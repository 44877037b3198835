/* gate_control: the control thread: the one blocking connection (libpq) that reads verifiers and the catalogue, and makes worlds:
 * at a reload, and, where a policy is enforced, after changes of the catalogue (gate_ddl.h).
 * Workers ask for verifiers; answers come back on the asking worker's loop. Verifiers are cached for at most auth_cache.
 */
#ifndef GATE_CONTROL_H
#define GATE_CONTROL_H

#include "base_loop.h"
#include "gate_world.h"
#include "proc_count.h"
#include "wire_scram.h"

struct gate_control;

/* One question. The asker owns it until `done` is called on its loop; `session` may be set to NULL meanwhile by the asker only. */
struct gate_ask {
	char user[256];
	struct base_loop *loop;
	void (*done)(void *ask); /* runs on loop */
	void *session;
	/* answer */
	enum { GATE_ASK_FOUND, GATE_ASK_UNKNOWN, GATE_ASK_UNUSABLE, GATE_ASK_FAILED } result; /* UNUSABLE: no SCRAM verifier */
	struct wire_scram_verifier verifier; /* secret */
	char why[520];
	struct gate_ask *next; /* private */
};

/* world_made: called on the control thread with each new world (a reference is handed over). unsure: called there after gate_control_unsure and a reload, soon, and
 * every tenth of a second until it returns true. */
struct gate_control *gate_control_new(void (*world_made)(void *ctx, struct gate_world *w), bool (*unsure)(void *ctx, struct gate_world *w), void *ctx);
/* Loads the first world, blocking; conf is taken over. */
BASE_CHECK int gate_control_first(struct gate_control *c, struct proc_conf *conf, struct gate_world **world_r, struct base_fail *fail);
void gate_control_start(struct gate_control *c); /* starts the thread */
void gate_control_stop(struct gate_control **c); /* joins it */
void gate_control_reload(struct gate_control *c); /* thread-safe: reads all files again; failure leaves the old world and is logged */
void gate_control_unsure(struct gate_control *c); /* thread-safe: gate_unsure has something to ask */
/* Thread-safe. True: answered from the cache at once (done is NOT called). False: done will be called. */
BASE_CHECK bool gate_control_ask(struct gate_control *c, struct gate_ask *ask);
/* One look at the catalogue that begins after it was asked for. The asker owns it until `done` is called on its loop. */
struct gate_look {
	struct base_loop *loop;
	void (*done)(void *look);
	void *session;
	bool seen;              /* answer: it is as the newest world has it (which may be a newer one than the asker's) */
	struct gate_look *next; /* private */
};
void gate_control_look(struct gate_control *c, struct gate_look *look); /* thread-safe */
/* Thread-safe. Was the catalogue seen to be as the worlds have it, within the last three ddl_check? True when nobody is enforced. */
bool gate_control_fresh(const struct gate_control *c);
/* After a failed log-in: the next one reads the verifier anew (the password may have been changed). */
void gate_control_forget(struct gate_control *c, const char *user);

#endif
