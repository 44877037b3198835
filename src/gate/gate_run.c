/* gate_run: the gate role: control thread, workers, signals. Input: configuration. */
#include "gate_run.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_crypt.h"
#include "base_log.h"
#include "base_mem.h"
#include "gate_backoff.h"
#include "gate_case.h"
#include "gate_keeper.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_remember.h"
#include "gate_standing.h"
#include "gate_step.h"
#include "gate_unsure.h"
#include "gate_worker.h"
#include "proc_sandbox.h"

struct gate {
	struct gate_shared shared;
	struct gate_worker **worker;
	pthread_t *thread;
	unsigned workers;
};

static void
world_made(void *ctx, struct gate_world *world)
{
	struct gate *g = ctx;

	struct base_fail fail;

	/* A longer window than before, or one of another kind: what it counts is in the ledger. Until that was read the old policy stays. */
	if (gate_remember(&g->shared, world, &fail) < 0)
		base_log_error("what the ledger says of the last days cannot be had, budgets begin with what is known: %s", fail.text);
	gate_cases_adopt(g->shared.cases, world);
	for (unsigned i = 0; i < g->workers; i++) {
		gate_world_ref(world);
		gate_worker_adopt(g->worker[i], world);
	}
	gate_world_unref(&world);
}

/* On the control thread. */
static bool
unsure(void *ctx, struct gate_world *world)
{
	struct gate *g = ctx;
	struct base_fail fail;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/keeper.sock", world->conf->run_dir);
	bool known = gate_unsure_ask(g->shared.unsure, path, &fail) == GH_OK; /* the workers have logged that there is no keeper */
	return gate_remember_again(&g->shared, world) && known;
}

/* On the case thread. */
static void
settled(void *ctx, const struct gate_settled *l)
{
	struct gate *g = ctx;

	gate_worker_settled(g->worker[0], l);
}

static void *
thread_main(void *arg)
{
	gate_worker_run(arg);
	return NULL;
}

static int
start_workers(struct gate *g, const struct proc_context *ctx, struct gate_world *world)
{
	pthread_attr_t attr;
	size_t n = ctx->naddresses + (ctx->local >= 0);
	int *fds = base_mem_new(n + 1, sizeof(*fds));

	g->workers = ctx->workers;
	g->worker = base_mem_new(g->workers, sizeof(*g->worker));
	g->thread = base_mem_new(g->workers, sizeof(*g->thread));
	for (unsigned i = 0; i < g->workers; i++) {
		for (size_t a = 0; a < ctx->naddresses; a++)
			fds[a] = ctx->tcp[a * ctx->workers + i];
		if (ctx->local >= 0)
			fds[n - 1] = ctx->local;
		g->worker[i] = gate_worker_new(i, &g->shared, world, fds, n);
	}
	free(fds);
	if (pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, GATE_STACK) != 0)
		return -1;
	for (unsigned i = 0; i < g->workers; i++)
		if (pthread_create(&g->thread[i], &attr, thread_main, g->worker[i]) != 0) {
			base_log_error("could not start a worker thread");
			return -1;
		}
	(void)pthread_attr_destroy(&attr); /* cannot fail for an initialised one */
	return 0;
}

/* Until told to stop: hands reloads to the control thread. */
static void
wait_for_signals(struct gate *g)
{
	while (!proc_stop_wanted) {
		struct pollfd p = {.fd = proc_signal_fd, .events = POLLIN};
		uint64_t scrap;
		if (poll(&p, 1, -1) > 0 && read(proc_signal_fd, &scrap, sizeof(scrap)) < 0)
			continue; /* another reader was faster; the flags count */
		if (proc_reload_wanted) {
			proc_reload_wanted = 0;
			gate_control_reload(g->shared.control);
		}
	}
}

int
gate_run(const struct proc_context *ctx)
{
	struct gate g = {0};
	struct gate_world *world = NULL;
	struct proc_conf *conf = NULL;
	struct base_fail fail;

	base_crypt_init();
	g.shared.standing = gate_standing_new();
	g.shared.steps = gate_steps_new();
	g.shared.counts = ctx->counts;
	atomic_init(&g.shared.sessions, 0);
	atomic_init(&g.shared.strangers, 0);
	atomic_init(&g.shared.stopping, false);
	base_crypt_random(g.shared.mock_secret, sizeof(g.shared.mock_secret));
	g.shared.control = gate_control_new(world_made, unsure, &g);
	int rc = proc_conf_load(ctx->conf->file, &conf, &fail);
	if (rc == GH_OK)
		rc = gate_control_first(g.shared.control, conf, &world, &fail);
	if (rc < 0) {
		base_log_error("%s%s%s", fail.text, fail.hint[0] ? "; " : "", fail.hint);
		gate_control_stop(&g.shared.control);
		/* A database that is down comes back; a broken file does not mend itself. */
		return rc == GH_E_IO || rc == GH_E_TIMEOUT ? 1 : 2;
	}
	if (proc_sandbox_enter(PROC_SANDBOX_GATE, ctx->conf, &fail) < 0) {
		base_log_error("%s", fail.text);
		return 2;
	}
	g.shared.backoff = gate_backoff_new();
	g.shared.registry = gate_registry_new();
	g.shared.budget = gate_budget_new((size_t)world->conf->budget_memory);
	g.shared.unsure = gate_unsure_new(g.shared.budget);
	g.shared.cases = gate_cases_new(world, settled, &g);
	gate_cases_count(g.shared.cases, ctx->counts, ctx->workers); /* the row behind the workers' */
	if (gate_remember(&g.shared, world, &fail) < 0) {
		base_log_error("what the ledger says of the last days cannot be had: %s", fail.text);
		return 1;
	}
	if (start_workers(&g, ctx, world) < 0)
		return 1;
	gate_cases_start(g.shared.cases);
	gate_control_start(g.shared.control);
	/* Ready means: a person who connects now is served. The keeper was started first; its channels open within a turn. */
	for (int i = 0; i < 500 && !proc_stop_wanted && proc_count_sum(ctx->counts, PROC_COUNT_keeper_channels) < (int64_t)g.workers; i++)
		(void)usleep(10000);
	base_log_info("serving database \"%s\" at %s: policy %s", world->conf->database, world->where, policy_map_hash(world->map));
	if (write(ctx->ready, "", 1) != 1)
		base_log_warn("could not tell the supervisor that the gate is ready");
	(void)close(ctx->ready); /* said what it had to say */
	wait_for_signals(&g);

	atomic_store(&g.shared.stopping, true);
	for (unsigned i = 0; i < g.workers; i++)
		gate_worker_stop(g.worker[i]);
	for (unsigned i = 0; i < g.workers; i++)
		(void)pthread_join(g.thread[i], NULL);
	gate_record_role(g.worker[0], false);
	gate_keeper_drain(g.worker[0]->keeper, 1000000);
	gate_control_stop(&g.shared.control);
	gate_cases_stop(&g.shared.cases);
	for (unsigned i = 0; i < g.workers; i++)
		gate_worker_free(&g.worker[i]);
	gate_world_unref(&world);
	gate_registry_free(&g.shared.registry);
	gate_backoff_free(&g.shared.backoff);
	gate_unsure_free(&g.shared.unsure);
	gate_remember_done(&g.shared);
	gate_budget_free(&g.shared.budget);
	gate_steps_free(&g.shared.steps);
	gate_standing_free(&g.shared.standing);
	free(g.worker);
	free(g.thread);
	return 0;
}
