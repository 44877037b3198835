/* keeper_run: start, the loop, stop.
 * Input: configuration and key of our own; entries through keeper_conn. Owns the ledger's folder and the signing key and touches
 * no network. What it cannot record it says it could not: it never gives a receipt for a batch that ledger_log_append refused.
 *
 * Start: key, ledger (lock, replay, checkpoint), socket, sandbox, threads, `start` entry, ready. Stop (SIGTERM; the gate has been
 * stopped before us): read what has arrived, flush it, answer, `stop` entry, last checkpoint.
 */
#include "keeper_run.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_log.h"
#include "base_time.h"
#include "event_entry.h"
#include "keeper_int.h"
#include "ledger_key.h"
#include "ledger_tile.h"
#include "proc_sandbox.h"

#define EXIT_AGAIN 1 /* the supervisor starts us again */
#define EXIT_NEVER 2 /* bad configuration */

/* ---- batches ---- */

/* Success and failure are logged when they change, not for each batch. */
static void
note_result(struct keeper *k, const struct keeper_batch *b)
{
	if (b->result == 0) {
		if (k->failing)
			base_log_info("entries are recorded again");
		k->failing = false;
		k->backoff_us = 0;
		proc_count_add(k->ctx->counts, k->row, PROC_COUNT_ledger_entries_total, (int64_t)b->count);
		proc_count_add(k->ctx->counts, k->row, PROC_COUNT_ledger_flushes_total, k->ctx->conf->ledger_durability == PROC_DURABILITY_FLUSH);
		return;
	}
	if (!k->failing)
		base_log_error("entries cannot be recorded, rows are held back: %s", b->fail.text);
	k->failing = true;
	k->backoff_us = k->backoff_us == 0 ? KEEPER_RETRY_LEAST_US : k->backoff_us * 2;
	if (k->backoff_us > KEEPER_RETRY_MOST_US)
		k->backoff_us = KEEPER_RETRY_MOST_US;
	k->retry_at_us = base_time_mono_us() + k->backoff_us;
	base_loop_timer_set(k->loop, &k->retry, k->retry_at_us);
}

/* Before the receipts: who has one finds the entry among those that stand, whatever happens to us next. */
static void
note_standing(struct keeper *k, const struct keeper_batch *b)
{
	if (b->admin > 0)
		keeper_standing_take(&k->standing, base_buf_span(&b->packed));
	else
		keeper_standing_pass(&k->standing, b->count);
	keeper_standing_save(&k->standing, false);
}

/* Records what has come in, one batch after the other. The loop waits for the disk here, on purpose: what arrives meanwhile stays in
 * the sockets and goes with the next batch, and no entry pays for a hand-over between threads (measured: 30 us of 40 us per entry). */
void
keeper_run_kick(struct keeper *k)
{
	while (k->batch[k->filling].count > 0) {
		struct keeper_batch *b = &k->batch[k->filling];
		if (k->failing && !k->stopping && base_loop_now_us(k->loop) < k->retry_at_us)
			return; /* the timer comes back here */
		k->filling ^= 1;
		b->result = ledger_log_append(k->log, base_buf_span(&b->packed), b->count, &b->fail);
		note_result(k, b);
		if (b->result == 0) {
			note_standing(k, b);
			keeper_work_news(k);
		}
		keeper_conn_settle(k, b);
		keeper_conn_resume(k);
	}
	if (k->stopping)
		base_loop_stop(k->loop);
}

static void
after_turn(void *ctx)
{
	keeper_run_kick(ctx);
}

static void
on_retry(struct base_loop_timer *t)
{
	keeper_run_kick((struct keeper *)(void *)((char *)t - offsetof(struct keeper, retry)));
}

/* ---- signals ---- */

static void
on_signal(struct base_loop_io *io, unsigned events)
{
	struct keeper *k = (struct keeper *)(void *)((char *)io - offsetof(struct keeper, signals));
	uint64_t count;

	(void)events;
	while (read(io->fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	if (proc_reload_wanted) {
		proc_reload_wanted = 0;
		base_log_info("nothing to reload in the keeper: its settings are those of its start");
	}
	if (proc_stop_wanted && !k->stopping) {
		base_loop_io_remove(k->loop, io);
		keeper_conn_unlisten(k);
		keeper_conn_drain(k);
		k->stopping = true;
	}
}

/* ---- start and stop ---- */

/* Records an entry of the keeper's own; the threads are not running or idle. */
static int
record_own(struct keeper *k, enum event_kind kind, struct base_fail *fail)
{
	struct event_entry e = {.kind = kind, .time_us = base_time_wall_us(), .node = base_span_str(k->ctx->conf->node)};
	struct base_buf line, packed;
	int r;

	e.why = base_span_str("keeper");
	if (kind == EVENT_START)
		e.version = base_span_str(GH_VERSION);
	base_buf_init(&line, EVENT_ENTRY_MAX);
	base_buf_init(&packed, EVENT_ENTRY_MAX + 2);
	r = event_entry_encode(&e, &line, fail);
	if (r == 0) {
		ledger_bundle_put(&packed, base_buf_span(&line));
		r = packed.bad ? base_fail_set(fail, GH_E_NOMEM, "no memory for an entry") : ledger_log_append(k->log, base_buf_span(&packed), 1, fail);
	}
	if (r == 0) {
		proc_count_add(k->ctx->counts, k->row, PROC_COUNT_ledger_entries_total, 1);
		keeper_standing_pass(&k->standing, 1);
	}
	base_buf_done(&line);
	base_buf_done(&packed);
	return r;
}

/* One head for each key, in run_dir: a new log with a new key does not meet the head of the old one. The same for the standing entries. */
static int
open_log(struct keeper *k, struct base_fail *fail)
{
	const struct proc_conf *conf = k->ctx->conf;
	struct ledger_log_options o = {.dir = conf->ledger, .signer = &k->signer, .flush = conf->ledger_durability == PROC_DURABILITY_FLUSH};
	struct base_buf head, standing;
	int r;

	base_buf_init(&head, 4096);
	base_buf_init(&standing, 4096);
	base_buf_fmt(&head, "%s/ledger-%08x.head", conf->run_dir, (unsigned)k->signer.vkey.id);
	base_buf_u8(&head, 0);
	base_buf_fmt(&standing, "%s/ledger-%08x.standing", conf->run_dir, (unsigned)k->signer.vkey.id);
	base_buf_u8(&standing, 0);
	if (head.bad || standing.bad) {
		r = base_fail_set(fail, GH_E_LIMIT, "run_dir is too long");
	} else {
		o.head = (const char *)base_buf_span(&head).p;
		r = ledger_log_open(&o, &k->log, fail);
		if (r == 0)
			r = keeper_standing_open(&k->standing, (const char *)base_buf_span(&standing).p, conf->ledger, ledger_log_size(k->log), fail);
	}
	base_buf_done(&head);
	base_buf_done(&standing);
	return r;
}

/* Everything that can fail at the start. *never_r: a new attempt would fail the same way. */
static int
set_up(struct keeper *k, bool *never_r, struct base_fail *fail)
{
	int r = ledger_key_load(k->ctx->conf->ledger_key, k->ctx->conf->ledger_origin, &k->signer, fail);

	*never_r = r < 0;
	if (r < 0)
		return r;
	r = open_log(k, fail);
	if (r < 0) {
		*never_r = r == GH_E_VERIFY || r == GH_E_DENIED;
		return r;
	}
	r = keeper_conn_listen(k, fail);
	if (r == 0)
		r = proc_sandbox_enter(PROC_SANDBOX_KEEPER, k->ctx->conf, fail);
	if (r == 0)
		r = record_own(k, EVENT_START, fail);
	if (r == 0)
		r = ledger_log_checkpoint(k->log, fail);
	if (r == 0)
		r = keeper_work_start(k, fail);
	return r;
}

static void
serve(struct keeper *k)
{
	proc_count_set(k->ctx->counts, k->row, PROC_COUNT_ledger_tree_size, (int64_t)ledger_log_published(k->log));
	base_loop_io_init(&k->signals, proc_signal_fd, on_signal);
	base_loop_io_set(k->loop, &k->signals, BASE_LOOP_READ);
	base_loop_io_set(k->loop, &k->listener, BASE_LOOP_READ);
	base_loop_after_turn(k->loop, after_turn, k);
	if (k->ctx->ready >= 0) {
		while (write(k->ctx->ready, "", 1) < 0 && errno == EINTR)
			;
		(void)close(k->ctx->ready); /* said */
	}
	base_log_info("keeper ready: %llu entries in %s", (unsigned long long)ledger_log_size(k->log), k->ctx->conf->ledger);
	base_loop_run(k->loop);
	keeper_work_stop(k);
}

static int
wind_up(struct keeper *k)
{
	struct base_fail fail = {.text = ""};
	int r = record_own(k, EVENT_STOP, &fail);

	if (r < 0)
		base_log_error("the stop could not be recorded: %s", fail.text);
	keeper_standing_save(&k->standing, true);
	r = ledger_log_checkpoint(k->log, &fail);
	if (r == 0)
		r = ledger_log_tidy(k->log, &fail);
	if (r < 0)
		base_log_error("no last checkpoint, the next start makes up for it: %s", fail.text);
	else
		base_log_info("keeper stops: %llu entries", (unsigned long long)ledger_log_size(k->log));
	return r < 0 ? EXIT_AGAIN : 0;
}

int
keeper_run(const struct proc_context *ctx)
{
	struct keeper k = {.ctx = ctx, .row = ctx->workers + 1};
	struct base_fail fail = {.text = ""};
	bool never = false;
	int status;

	base_crypt_init();
	k.listener.fd = -1;
	k.loop = base_loop_new();
	base_loop_timer_init(&k.retry, on_retry);
	for (unsigned i = 0; i < 2; i++)
		base_buf_init(&k.batch[i].packed, KEEPER_BATCH_MAX + LEDGER_ENTRY_MAX + 2);
	if (set_up(&k, &never, &fail) == 0) {
		serve(&k);
		status = wind_up(&k);
	} else {
		base_log_error("keeper cannot start: %s%s%s", fail.text, fail.hint[0] != '\0' ? "; " : "", fail.hint);
		status = never ? EXIT_NEVER : EXIT_AGAIN;
	}
	keeper_conn_close_all(&k);
	keeper_conn_unlisten(&k);
	ledger_log_close(&k.log);
	keeper_standing_done(&k.standing);
	base_loop_timer_cancel(k.loop, &k.retry);
	base_loop_free(&k.loop);
	for (unsigned i = 0; i < 2; i++) {
		base_buf_done(&k.batch[i].packed);
		free(k.batch[i].member);
	}
	ledger_signer_done(&k.signer);
	return status;
}
