/* gate_worker: a thread: accepts, owns its sessions, frees them at the end of a turn. Input: addresses of peers. */
#include "gate_budget.h"
#include "gate_case.h"
#include "gate_keeper.h"
#include "gate_standing.h"
#include "gate_step.h"
#include "gate_who.h"
#include "gate_worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "event_entry.h"
#include "gate_record.h"
#include "gate_relay.h"
#include "gate_strict.h"

#define ACCEPTS_PER_TURN 64
#define ACCEPT_REST_US 100000u
#define SWEEP_US 10000000u

struct listener { /* io first: the loop hands it back */
	struct base_loop_io io;
	struct gate_worker *worker;
};

static struct listener *
listener_of(struct gate_worker *w, size_t i)
{
	return (struct listener *)(void *)w->listener + i;
}

static size_t
name_peer(const struct sockaddr_storage *a, char *dst, size_t size, bool *local_r)
{
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)a;

	*local_r = false;
	if (a->ss_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host))) {
		(void)snprintf(dst, size, "%s:%u", host, ntohs(in->sin_port));
		return strlen(host);
	}
	if (a->ss_family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host))) {
		(void)snprintf(dst, size, "[%s]:%u", host, ntohs(in6->sin6_port));
		return strlen(host) + 2;
	}
	(void)snprintf(dst, size, "local");
	*local_r = true;
	return 0;
}

static void
set_listening(struct gate_worker *w, bool on)
{
	for (size_t i = 0; i < w->nlisteners; i++)
		if (on)
			base_loop_io_set(w->loop, &listener_of(w, i)->io, BASE_LOOP_READ | BASE_LOOP_EXCLUSIVE);
		else
			base_loop_io_remove(w->loop, &listener_of(w, i)->io);
}

static void
on_accept_rest(struct base_loop_timer *t)
{
	struct gate_worker *w = (struct gate_worker *)((char *)t - offsetof(struct gate_worker, accept_timer));

	if (!w->stopping)
		set_listening(w, true);
}

static void
on_accept(struct base_loop_io *io, unsigned events)
{
	struct listener *l = (struct listener *)(void *)io;
	struct gate_worker *w = l->worker;
	char address[64];
	bool local;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
				base_log_error("could not accept a connection: %s; resting", strerror(errno));
				set_listening(w, false);
				base_loop_timer_set(w->loop, &w->accept_timer, base_time_mono_us() + ACCEPT_REST_US);
			}
			return;
		}
		if (atomic_load(&w->shared->strangers) >= w->world->conf->max_unauthenticated) {
			(void)close(fd); /* no word: it would cost more than the stranger's connection */
			continue;
		}
		size_t host = name_peer(&peer, address, sizeof(address), &local);
		if (!local) {
			int on = 1;
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* slower without, not wrong */
			(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)); /* the same */
		}
		(void)gate_session_new(w, fd, address, host, local); /* lives on the worker's list */
	}
}

static void
reap(struct gate_worker *w)
{
	struct gate_session *next;

	w->reap = false;
	for (struct gate_session *s = w->sessions; s; s = next) {
		next = s->next;
		if (gate_session_reapable(s))
			gate_session_free(&s);
	}
	if (w->stopping && w->nsessions == 0)
		base_loop_stop(w->loop);
}

static void
after_turn(void *ctx)
{
	struct gate_worker *w = ctx;

	if (w->number == 0 && !w->announced && gate_keeper_up(w->keeper)) {
		w->announced = true;
		gate_record_role(w, true);
		gate_record_world(w);
	}
	gate_keeper_flush(w->keeper);
	if (w->reap)
		reap(w);
}

static void
on_drained(void *ctx)
{
	struct gate_worker *w = ctx;

	for (struct gate_session *s = w->sessions; s; s = s->next)
		gate_relay_drained(s);
}

/* Budgets of people who are gone shrink, too. */
static void
on_sweep(struct base_loop_timer *t)
{
	struct gate_worker *w = (struct gate_worker *)((char *)t - offsetof(struct gate_worker, sweep_timer));
	uint64_t now = base_time_mono_us();

	gate_budget_sweep(w->shared->budget, now);
	proc_count_set(w->shared->counts, w->number, PROC_COUNT_budget_bytes, (int64_t)gate_budget_bytes(w->shared->budget));
	proc_count_set(w->shared->counts, w->number, PROC_COUNT_budget_accounts, (int64_t)gate_budget_accounts(w->shared->budget));
	base_loop_timer_set(w->loop, t, now + SWEEP_US);
}

static void
on_stop_time(struct base_loop_timer *t)
{
	struct gate_worker *w = (struct gate_worker *)((char *)t - offsetof(struct gate_worker, stop_timer));

	for (struct gate_session *s = w->sessions; s; s = s->next)
		gate_session_shutdown(s, true);
	/* What cannot even be told in half a second more is left. */
	base_loop_timer_set(w->loop, t, base_time_mono_us() + 500000);
	if (w->reap)
		reap(w);
	static const uint64_t grace_us = 2000000;
	if (base_time_mono_us() > t->at_us + grace_us)
		base_loop_stop(w->loop);
}

/* The keeper tells every worker: an operator suspended somebody, or gave access back. */
static void
on_notice(void *ctx, struct base_span entry)
{
	struct gate_worker *w = ctx;
	struct event_decoded *d = NULL;
	struct base_fail fail;

	if (event_decode(entry, &d, &fail) < 0) {
		base_log_error("the keeper's notice cannot be read: %s", fail.text);
		return;
	}
	const struct event_entry *e = event_decoded_entry(d);
	(void)gate_standing_entry(w->shared->standing, e);
	if (e->kind == EVENT_ENROLL && w->number == 0)
		gate_steps_entry(w->shared->steps, e);
	for (struct gate_session *s = w->sessions, *next; e->kind == EVENT_SUSPEND && s; s = next) {
		next = s->next;
		gate_strict_suspended(s);
		gate_session_events(s);
	}
	event_decoded_free(&d);
}

struct gate_worker *
gate_worker_new(unsigned number, struct gate_shared *shared, struct gate_world *world, const int *listeners, size_t nlisteners)
{
	struct gate_worker *w = base_mem_new(1, sizeof(*w));
	char path[4096];

	w->number = number;
	w->shared = shared;
	w->world = world;
	gate_world_ref(world);
	w->loop = base_loop_new();
	w->texts = gate_texts_new();
	w->whos = gate_whos_new();
	base_buf_init(&w->entry, EVENT_ENTRY_MAX);
	(void)snprintf(path, sizeof(path), "%s/keeper.sock", world->conf->run_dir);
	w->keeper = gate_keeper_new(w->loop, path, shared->counts, number, gate_session_receipt, gate_session_failure, on_drained, on_notice, w);
	struct listener *l = base_mem_new(nlisteners + 1, sizeof(*l));
	w->listener = &l->io;
	w->nlisteners = nlisteners;
	for (size_t i = 0; i < nlisteners; i++) {
		l[i].worker = w;
		base_loop_io_init(&l[i].io, listeners[i], on_accept);
	}
	base_loop_timer_init(&w->stop_timer, on_stop_time);
	base_loop_timer_init(&w->accept_timer, on_accept_rest);
	base_loop_timer_init(&w->sweep_timer, on_sweep);
	if (number == 0)
		base_loop_timer_set(w->loop, &w->sweep_timer, base_time_mono_us() + SWEEP_US);
	base_loop_after_turn(w->loop, after_turn, w);
	set_listening(w, true);
	return w;
}

void
gate_worker_run(struct gate_worker *w)
{
	base_loop_run(w->loop);
	gate_keeper_drain(w->keeper, 2000000);
}

void
gate_worker_free(struct gate_worker **wp)
{
	struct gate_worker *w = *wp;

	*wp = NULL;
	for (struct gate_session *s = w->sessions, *next; s; s = next) {
		next = s->next;
		gate_session_shutdown(s, true);
		if (s->state != GATE_DEAD) {
			gate_link_close(w->loop, &s->client);
			gate_link_close(w->loop, &s->server);
			base_loop_timer_cancel(w->loop, &s->timer);
			gate_session_enter(s, GATE_DEAD);
		}
		s->outstanding = 0; /* the channel goes with us: nobody will call back */
		gate_session_free(&s);
	}
	set_listening(w, false);
	gate_keeper_free(&w->keeper);
	gate_texts_free(&w->texts);
	gate_whos_free(&w->whos);
	gate_world_unref(&w->world);
	base_buf_done(&w->entry);
	free(w->listener);
	base_loop_timer_cancel(w->loop, &w->stop_timer);
	base_loop_timer_cancel(w->loop, &w->accept_timer);
	base_loop_timer_cancel(w->loop, &w->sweep_timer);
	base_loop_free(&w->loop);
	free(w);
}

struct adoption { struct gate_worker *worker; struct gate_world *world; };

static void
adopt(void *ctx)
{
	struct adoption *a = ctx;

	gate_texts_clear(a->worker->texts);
	gate_whos_clear(a->worker->whos);
	gate_world_unref(&a->worker->world);
	a->worker->world = a->world;
	for (struct gate_session *x = a->worker->sessions, *next; x; x = next) {
		next = x->next;
		gate_strict_adopt(x, a->world);
	}
	if (a->worker->number == 0)
		gate_record_world(a->worker);
	free(a);
}

void
gate_worker_adopt(struct gate_worker *w, struct gate_world *world)
{
	struct adoption *a = base_mem_new(1, sizeof(*a));

	*a = (struct adoption){w, world};
	base_loop_post(w->loop, adopt, a);
}

struct settled { struct gate_worker *worker; struct gate_settled l; char session[64], actor[256], number[256]; };

static void
record_settled(void *ctx)
{
	struct settled *d = ctx;

	gate_record_settle(d->worker, &d->l);
	free(d);
}

static struct base_span
keep(char *dst, size_t size, struct base_span s)
{
	size_t n = s.n < size ? s.n : size;

	memcpy(dst, n ? s.p : (const uint8_t *)"", n);
	return base_span(dst, n);
}

void
gate_worker_settled(struct gate_worker *w, const struct gate_settled *l)
{
	struct settled *d = base_mem_new(1, sizeof(*d));

	d->worker = w;
	d->l = *l;
	d->l.session = keep(d->session, sizeof(d->session), l->session);
	d->l.actor = keep(d->actor, sizeof(d->actor), l->actor);
	d->l.number = keep(d->number, sizeof(d->number), l->number);
	base_loop_post(w->loop, record_settled, d);
}

static void
stop(void *ctx)
{
	struct gate_worker *w = ctx;

	if (w->stopping)
		return;
	w->stopping = true;
	set_listening(w, false);
	for (struct gate_session *s = w->sessions; s; s = s->next)
		gate_session_shutdown(s, false);
	base_loop_timer_set(w->loop, &w->stop_timer, base_time_mono_us() + w->world->conf->shutdown_timeout);
	if (w->nsessions == 0)
		base_loop_stop(w->loop);
}

void
gate_worker_stop(struct gate_worker *w)
{
	base_loop_post(w->loop, stop, w);
}
