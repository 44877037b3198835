/* keeper_work: the thread that makes tiles and checkpoints, beside the loop that appends. It shares nothing with the loop but the log,
 * whose two halves are made for it. Input: none. It never touches a connection: results are posted.
 */
#include "keeper_int.h"

#include <errno.h>
#include <time.h>

#include "base_log.h"
#include "base_time.h"

#define PUBLISH_RETRY_US 1000000u

static void
published(void *ctx)
{
	struct keeper *k = ctx;

	proc_count_set(k->ctx->counts, k->row, PROC_COUNT_ledger_tree_size, (int64_t)ledger_log_published(k->log));
}

/* One round; says once that it fails and once that it works again. False: try again in a while. */
static bool
publish(struct keeper_work *w)
{
	struct base_fail fail = {.text = ""};
	int r = ledger_log_checkpoint(w->k->log, &fail);

	if (r < 0 && !w->publish_failed)
		base_log_error("cannot write tiles or checkpoint, entries stay in the journal: %s", fail.text);
	if (r >= 0 && w->publish_failed)
		base_log_info("tiles and checkpoints are written again");
	w->publish_failed = r < 0;
	if (r < 0)
		return false;
	r = ledger_log_tidy(w->k->log, &fail);
	if (r < 0 && !w->tidy_failed)
		base_log_warn("cannot tidy the ledger: %s", fail.text);
	w->tidy_failed = r < 0;
	base_loop_post(w->k->loop, published, w->k);
	return true;
}

/* Waits on the condition until a monotonic time; 0 = for ever. The mutex is held. */
static void
wait_until(struct keeper_work *w, uint64_t at_us)
{
	struct timespec ts = {.tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000};

	if (at_us == 0)
		pthread_cond_wait(&w->wake_publisher, &w->mutex);
	else
		(void)pthread_cond_timedwait(&w->wake_publisher, &w->mutex, &ts); /* the caller looks again either way */
}

static void *
publisher(void *arg)
{
	struct keeper_work *w = arg;
	uint64_t since_us = 0; /* when the oldest entry without a checkpoint was noticed; 0 = there is none */
	uint64_t not_before_us = 0;

	pthread_mutex_lock(&w->mutex);
	while (!w->stop_publisher) {
		uint64_t news = ledger_log_size(w->k->log) - ledger_log_published(w->k->log), now = base_time_mono_us(), due;
		bool ok;

		if (news == 0) {
			since_us = 0;
			w->asleep = true;
			wait_until(w, 0);
			w->asleep = false;
			continue;
		}
		if (since_us == 0)
			since_us = now;
		due = news >= KEEPER_CHECKPOINT_ENTRIES ? now : since_us + w->interval_us;
		if (due < not_before_us)
			due = not_before_us;
		if (due > now) {
			wait_until(w, due);
			continue;
		}
		pthread_mutex_unlock(&w->mutex);
		ok = publish(w);
		pthread_mutex_lock(&w->mutex);
		since_us = 0;
		not_before_us = ok ? 0 : base_time_mono_us() + PUBLISH_RETRY_US;
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

int
keeper_work_start(struct keeper *k, struct base_fail *fail)
{
	struct keeper_work *w = &k->work;
	pthread_condattr_t attr;
	int e;

	w->k = k;
	w->interval_us = k->ctx->conf->ledger_checkpoint;
	(void)pthread_mutex_init(&w->mutex, NULL); /* these cannot fail on Linux */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->wake_publisher, &attr);
	(void)pthread_condattr_destroy(&attr);
	e = pthread_create(&w->publisher, NULL, publisher, w);
	w->publisher_runs = e == 0;
	if (e == 0)
		return 0;
	keeper_work_stop(k);
	return base_fail_errno(fail, e, "cannot start a thread");
}

void
keeper_work_news(struct keeper *k)
{
	pthread_mutex_lock(&k->work.mutex);
	bool wake = k->work.asleep || ledger_log_size(k->log) - ledger_log_published(k->log) >= KEEPER_CHECKPOINT_ENTRIES;
	pthread_mutex_unlock(&k->work.mutex);
	if (wake) /* after unlocking: the woken thread needs the mutex */
		pthread_cond_signal(&k->work.wake_publisher);
}

void
keeper_work_stop(struct keeper *k)
{
	struct keeper_work *w = &k->work;

	pthread_mutex_lock(&w->mutex);
	w->stop_publisher = true;
	pthread_cond_signal(&w->wake_publisher);
	pthread_mutex_unlock(&w->mutex);
	if (w->publisher_runs)
		(void)pthread_join(w->publisher, NULL); /* ours, joinable, joined once */
	w->publisher_runs = false;
	(void)pthread_cond_destroy(&w->wake_publisher); /* nobody waits any more */
	(void)pthread_mutex_destroy(&w->mutex);
}
