/* test_gate_stage: one session in RELAY on a stage of its own: a worker with its loop, a client and a server that are the test itself
 * (socket pairs), and a keeper (a Unix socket in a folder of its own) that gives receipts when it is told. Everything runs on the test's
 * thread, turn by turn, so that what can be seen after a turn is all that there is. Not for cmocka only: fuzz targets use it too.
 */
#ifndef TEST_GATE_STAGE_H
#define TEST_GATE_STAGE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_log.h"
#include "event_entry.h"
#include "gate_backoff.h"
#include "gate_keeper.h"
#include "gate_standing.h"
#include "gate_step.h"
#include "gate_unsure.h"
#include "proc_msg.h"
#include "test_gate_shop.h"
#include "gate_record.h"
#include "gate_relay.h"
#include "gate_track.h"
#include "gate_worker.h"

struct stage {
	char dir[64], path[96];
	struct gate_shared shared;
	struct gate_world *world;
	struct gate_worker *worker;
	struct gate_session *session; /* NULL once it is gone */
	int listener, keeper;         /* the keeper's ends */
	struct base_buf from_gate;    /* what the keeper received and has not read */
	struct event_decoded **entry; /* own: all entries, in order */
	size_t nentries;
	bool at_once;                 /* receipts come with the next turn */
	uint64_t received, receipts;  /* entry ids */
	int client, server;           /* our ends */
	bool client_asleep;           /* the client does not read */
	struct base_buf to_client, to_server; /* what arrived there */
	size_t most_held;             /* greatest length of the answer buffer seen */
	void (*before)(struct gate_session *); /* called before RELAY begins; NULL: nothing */
};

/* ---- the keeper ---- */

static inline void
stage_keeper_send(struct stage *g, const struct base_buf *b)
{
	struct base_span s = base_buf_span(b);
	shop_must(send(g->keeper, s.p, s.n, MSG_NOSIGNAL) == (ssize_t)s.n, "keeper: could not send");
}

/* Receipts for the next n entries that have none (n 0: all). */
static inline void
stage_receipts(struct stage *g, uint64_t n)
{
	struct base_buf b;

	if (g->receipts == g->received || g->keeper < 0)
		return;
	g->receipts = n && g->receipts + n < g->received ? g->receipts + n : g->received;
	base_buf_init(&b, 64);
	proc_msg_receipt(&b, g->receipts);
	stage_keeper_send(g, &b);
	base_buf_done(&b);
}

static inline void
stage_keeper_fails(struct stage *g, enum proc_msg_failure code, const char *text)
{
	struct base_buf b;

	base_buf_init(&b, 1024);
	g->receipts = g->received;
	proc_msg_failed(&b, g->received, code, text);
	stage_keeper_send(g, &b);
	base_buf_done(&b);
}

static inline void
stage_keeper_goes(struct stage *g)
{
	if (g->keeper >= 0)
		(void)close(g->keeper); /* a socket: nothing to lose */
	if (g->listener >= 0)
		(void)close(g->listener); /* the same */
	(void)unlink(g->path); /* may be gone */
	g->keeper = g->listener = -1;
}

/* All that has come on fd into b. */
static inline bool
stage_drain(int fd, struct base_buf *b)
{
	bool any = false;

	for (;;) {
		uint8_t *room = base_buf_reserve(b, 65536);
		shop_must(room != NULL, "more than a test expects");
		ssize_t n = recv(fd, room, 65536, MSG_DONTWAIT);
		if (n <= 0)
			return any;
		base_buf_commit(b, (size_t)n);
		any = true;
	}
}

static inline bool
stage_keeper_turn(struct stage *g)
{
	struct proc_msg m;
	struct base_fail fail;
	size_t used;

	if (g->listener >= 0 && g->keeper < 0 && (g->keeper = accept4(g->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct base_buf b;
		base_buf_init(&b, 64);
		proc_msg_hello(&b, 0);
		stage_keeper_send(g, &b);
		base_buf_done(&b);
		return true;
	}
	if (g->keeper < 0)
		return false;
	bool any = stage_drain(g->keeper, &g->from_gate);
	while (proc_msg_next(base_buf_span(&g->from_gate), true, &m, &used, &fail) > 0) {
		g->entry = base_mem_grow(g->entry, g->nentries + 1, sizeof(struct event_decoded *));
		shop_must(g->entry != NULL && event_decode(m.body, &g->entry[g->nentries], &fail) == 0, "the keeper could not read an entry");
		g->nentries++;
		g->received = m.id;
		base_buf_consume(&g->from_gate, used);
	}
	if (g->at_once && g->receipts < g->received) {
		stage_receipts(g, 0);
		any = true;
	}
	return any;
}

/* ---- turns ---- */

static inline void
stage_stop(void *loop)
{
	base_loop_stop(loop);
}

static inline void
stage_loop_turn(struct stage *g)
{
	base_loop_post(g->worker->loop, stage_stop, g->worker->loop);
	base_loop_run(g->worker->loop);
	if (g->worker->nsessions == 0)
		g->session = NULL;
}

static inline bool
stage_turn(struct stage *g)
{
	bool any = stage_keeper_turn(g);

	stage_loop_turn(g);
	if (g->session && base_buf_len(&g->session->down) > g->most_held)
		g->most_held = base_buf_len(&g->session->down);
	any |= stage_keeper_turn(g);
	if (g->client >= 0 && !g->client_asleep)
		any |= stage_drain(g->client, &g->to_client);
	if (g->server >= 0)
		any |= stage_drain(g->server, &g->to_server);
	return any;
}

/* Turns until nothing moves. */
static inline void
stage_settle(struct stage *g)
{
	for (int quiet = 0; quiet < 2;)
		quiet = stage_turn(g) ? 0 : quiet + 1;
}

/* Sends all of it, letting the gate run when its end is full; what cannot be sent (the gate does not read) is left out. Bytes sent. */
static inline size_t
stage_send(struct stage *g, int fd, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	for (int stuck = 0; at < n && stuck < 3 && fd >= 0;) {
		ssize_t w = send(fd, bytes + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (w < 0 && errno != EAGAIN)
			break;
		if (w > 0)
			at += (size_t)w;
		stuck = stage_turn(g) || w > 0 ? 0 : stuck + 1;
	}
	return at;
}

/* ---- life ---- */

static inline void
stage_keeper_comes(struct stage *g)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", g->path);
	g->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	shop_must(g->listener >= 0 && bind(g->listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(g->listener, 8) == 0, "could not listen");
	g->received = g->receipts = 0;
	base_buf_clear(&g->from_gate);
}

static inline void
stage_open_policy(struct stage *g, const char *policy, const char *settings)
{
	*g = (struct stage){.keeper = -1, .listener = -1, .client = -1, .server = -1};
	(void)snprintf(g->dir, sizeof(g->dir), "/tmp/test-gate-XXXXXX");
	shop_must(mkdtemp(g->dir) != NULL, "no folder");
	(void)snprintf(g->path, sizeof(g->path), "%s/keeper.sock", g->dir);
	base_buf_init(&g->from_gate, 1u << 26);
	base_buf_init(&g->to_client, 1u << 27);
	base_buf_init(&g->to_server, 1u << 27);
	stage_keeper_comes(g);
	g->shared.counts = proc_count_new(2);
	g->shared.backoff = gate_backoff_new();
	g->shared.registry = gate_registry_new();
	g->shared.budget = gate_budget_new(1u << 20);
	g->shared.unsure = gate_unsure_new(g->shared.budget);
	g->shared.steps = gate_steps_new();
	g->shared.standing = gate_standing_new();
	g->world = shop_world(policy, g->dir, settings);
	g->worker = gate_worker_new(1, &g->shared, g->world, NULL, 0); /* number 1: without the entries of the gate's own start */
	while (!gate_keeper_up(g->worker->keeper))
		(void)stage_turn(g);
}

static inline void
stage_open(struct stage *g, const char *settings)
{
	stage_open_policy(g, SHOP_POLICY, settings);
}

static inline void
stage_forget_entries(struct stage *g)
{
	for (size_t i = 0; i < g->nentries; i++)
		event_decoded_free(&g->entry[i]);
	g->nentries = 0;
}

/* A logged-in session of ann, idle; its open entry is received (and forgotten, with its receipt). */
static inline void
stage_log_in(struct stage *g)
{
	int c[2], v[2];

	shop_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, c) == 0, "no socket pair");
	shop_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, v) == 0, "no socket pair");
	struct gate_session *s = gate_session_new(g->worker, c[0], "192.0.2.1:5555", 9, false);
	gate_session_enter(s, GATE_VERIFIER);
	gate_session_enter(s, GATE_SERVER);
	s->reserved = true;
	(void)atomic_fetch_add(&g->shared.sessions, 1);
	s->user = base_mem_str(base_span_str("ann"));
	s->database = base_mem_str(base_span_str("shop"));
	s->auth = "scram-sha-256";
	s->track.status = 'I';
	gate_link_init(&s->server, v[0], gate_relay_on_server);
	g->client = c[1];
	g->server = v[1];
	g->session = s;
	if (g->before)
		g->before(s);
	gate_relay_begin(s);
	gate_session_events(s);
	bool at_once = g->at_once;
	g->at_once = true;
	stage_settle(g);
	g->at_once = at_once;
	stage_forget_entries(g);
	g->most_held = 0;
}

/* Both peers close; the session ends and is freed, if the keeper has answered for it. */
static inline void
stage_log_out(struct stage *g)
{
	if (g->client >= 0)
		(void)close(g->client); /* a socket: nothing to lose */
	if (g->server >= 0)
		(void)close(g->server); /* the same */
	g->client = g->server = -1;
	g->at_once = true;
	for (int i = 0; i < 1000 && g->session; i++)
		stage_settle(g);
	shop_must(g->session == NULL, "the session outlives its peers");
	g->at_once = false;
	stage_forget_entries(g);
	base_buf_clear(&g->to_client);
	base_buf_clear(&g->to_server);
}

static inline void
stage_close(struct stage *g)
{
	if (g->client >= 0)
		stage_log_out(g);
	gate_worker_free(&g->worker);
	stage_keeper_goes(g);
	gate_world_unref(&g->world);
	gate_backoff_free(&g->shared.backoff);
	gate_registry_free(&g->shared.registry);
	gate_unsure_free(&g->shared.unsure);
	gate_budget_free(&g->shared.budget);
	gate_steps_free(&g->shared.steps);
	gate_standing_free(&g->shared.standing);
	stage_forget_entries(g);
	free(g->entry);
	base_buf_done(&g->from_gate);
	base_buf_done(&g->to_client);
	base_buf_done(&g->to_server);
	(void)rmdir(g->dir);
}

#endif
