/* base_loop: one epoll loop per thread.
 * Input: readiness from the kernel and posts from our own threads; never reads or writes a watched descriptor. The kernel
 * refusing a watch (out of memory, or a descriptor that was never valid) aborts: a session that is silently not watched
 * would hang for ever.
 *
 * A turn: wait; take the time; deliver events; run due timers; run posts; call the after-turn hook.
 * Removal within a turn: the events of this turn lie in `pending`; removing a watcher blanks what is not yet delivered, so its
 * memory, and its descriptor's number, may be reused at once. Timers lie in a binary heap by time; each knows its slot.
 * Resolution is one millisecond, rounded up: a timer is never early.
 */
#include "base_loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base_mem.h"
#include "base_time.h"

#define LOOP_EVENTS 128 /* fetched in one turn; more come in the next */

struct post {
	struct post *next; /* own */
	void (*fn)(void *ctx);
	void *ctx; /* borrow: fn knows */
};

struct base_loop {
	int epoll;                /* own */
	int event;                /* own: made readable by posts and by stop */
	struct base_loop_io wake; /* watches `event`; its owner is found by container */
	struct epoll_event pending[LOOP_EVENTS];
	int next, count; /* of pending: not yet delivered are [next, count) */

	struct base_loop_timer **heap; /* own; the timers are borrowed */
	size_t timers, heap_cap;

	void (*after)(void *ctx);
	void *after_ctx;
	uint64_t now_us;

	pthread_mutex_t lock; /* guards posts, and each write to `event` (so that nobody writes while the loop is freed) */
	struct post *posts, **posts_end;
	atomic_bool stop;
};

static void __attribute__((noreturn))
loop_die(const char *what)
{
	(void)fprintf(stderr, "gatehouse: %s: %s\n", what, strerrordesc_np(errno)); /* we abort next */
	abort();
}

/* ---- descriptors ---- */

void
base_loop_io_init(struct base_loop_io *io, int fd, void (*fn)(struct base_loop_io *, unsigned))
{
	*io = (struct base_loop_io){.fd = fd, .fn = fn};
}

static uint32_t
epoll_mask(unsigned events)
{
	return (events & BASE_LOOP_READ ? (uint32_t)EPOLLIN : 0) | (events & BASE_LOOP_WRITE ? (uint32_t)EPOLLOUT : 0) |
	       (events & BASE_LOOP_EXCLUSIVE ? (uint32_t)EPOLLEXCLUSIVE : 0);
}

static void
loop_control(struct base_loop *l, int op, struct base_loop_io *io)
{
	struct epoll_event e = {.events = epoll_mask(io->events), .data.ptr = io};

	if (epoll_ctl(l->epoll, op, io->fd, &e) < 0)
		loop_die("cannot watch a descriptor");
}

void
base_loop_io_set(struct base_loop *l, struct base_loop_io *io, unsigned events)
{
	events &= BASE_LOOP_READ | BASE_LOOP_WRITE | BASE_LOOP_EXCLUSIVE;
	if (!io->added) {
		io->events = events;
		loop_control(l, EPOLL_CTL_ADD, io);
		io->added = true;
		return;
	}
	events |= io->events & BASE_LOOP_EXCLUSIVE;
	assert(((events ^ io->events) & BASE_LOOP_EXCLUSIVE) == 0); /* asked for at first add only */
	if (events == io->events)
		return;
	io->events = events;
	if (events & BASE_LOOP_EXCLUSIVE) { /* the kernel does not modify exclusive watches */
		loop_control(l, EPOLL_CTL_DEL, io);
		loop_control(l, EPOLL_CTL_ADD, io);
	} else {
		loop_control(l, EPOLL_CTL_MOD, io);
	}
}

void
base_loop_io_remove(struct base_loop *l, struct base_loop_io *io)
{
	if (!io->added)
		return;
	loop_control(l, EPOLL_CTL_DEL, io);
	for (int i = l->next; i < l->count; i++)
		if (l->pending[i].data.ptr == io)
			l->pending[i].data.ptr = NULL;
	io->added = false;
	io->events = 0;
}

static void
loop_deliver(struct base_loop *l)
{
	while (l->next < l->count) {
		const struct epoll_event *e = &l->pending[l->next++];
		struct base_loop_io *io = e->data.ptr;
		unsigned events;

		if (io == NULL)
			continue;
		/* what a callback before us has ceased to ask for is not reported */
		events = (e->events & EPOLLIN ? BASE_LOOP_READ : 0u) | (e->events & EPOLLOUT ? BASE_LOOP_WRITE : 0u);
		events &= io->events;
		if (e->events & (EPOLLHUP | EPOLLERR))
			events |= BASE_LOOP_HUP;
		if (events != 0)
			io->fn(io, events);
	}
}

/* ---- timers ---- */

static void
heap_place(struct base_loop *l, size_t slot, struct base_loop_timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

/* Moves t from `slot` towards the root while its parent is later. */
static void
heap_up(struct base_loop *l, size_t slot, struct base_loop_timer *t)
{
	while (slot > 0 && l->heap[(slot - 1) / 2]->at_us > t->at_us) {
		heap_place(l, slot, l->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	heap_place(l, slot, t);
}

/* Moves t from `slot` towards the leaves while a child is earlier. */
static void
heap_down(struct base_loop *l, size_t slot, struct base_loop_timer *t)
{
	for (;;) {
		size_t child = 2 * slot + 1;

		if (child >= l->timers)
			break;
		if (child + 1 < l->timers && l->heap[child + 1]->at_us < l->heap[child]->at_us)
			child++;
		if (l->heap[child]->at_us >= t->at_us)
			break;
		heap_place(l, slot, l->heap[child]);
		slot = child;
	}
	heap_place(l, slot, t);
}

void
base_loop_timer_init(struct base_loop_timer *t, void (*fn)(struct base_loop_timer *))
{
	*t = (struct base_loop_timer){.fn = fn};
}

void
base_loop_timer_set(struct base_loop *l, struct base_loop_timer *t, uint64_t at_us)
{
	base_loop_timer_cancel(l, t);
	if (l->timers == l->heap_cap) {
		size_t cap = l->heap_cap == 0 ? 64 : l->heap_cap * 2;
		struct base_loop_timer **heap = base_mem_grow(l->heap, cap, sizeof(heap[0]));

		if (heap == NULL)
			loop_die("no memory for timers");
		l->heap = heap;
		l->heap_cap = cap;
	}
	t->at_us = at_us == 0 ? 1 : at_us; /* 0 means not armed */
	heap_up(l, l->timers++, t);
}

void
base_loop_timer_cancel(struct base_loop *l, struct base_loop_timer *t)
{
	struct base_loop_timer *last;

	if (t->at_us == 0)
		return;
	assert(t->slot < l->timers && l->heap[t->slot] == t);
	last = l->heap[--l->timers];
	if (last != t) {
		/* the last one takes the hole; only one of the two directions moves it */
		heap_down(l, t->slot, last);
		heap_up(l, last->slot, last);
	}
	t->at_us = 0;
	t->slot = 0;
}

/* Runs what is due. A callback that arms a timer for now or earlier must not keep us here for ever: at most as many run as
 * were armed at first. */
static void
loop_run_timers(struct base_loop *l)
{
	for (size_t n = l->timers; n > 0 && l->timers > 0 && l->heap[0]->at_us <= l->now_us; n--) {
		struct base_loop_timer *t = l->heap[0];

		base_loop_timer_cancel(l, t);
		t->fn(t);
	}
}

static int
loop_timeout_ms(const struct base_loop *l)
{
	uint64_t now, ms;

	if (l->timers == 0)
		return -1;
	now = base_time_mono_us();
	if (l->heap[0]->at_us <= now)
		return 0;
	ms = (l->heap[0]->at_us - now - 1) / 1000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* ---- posts ---- */

/* Makes the loop's wait return; under the lock. EAGAIN: the counter is full, so it is readable anyway. */
static void
loop_wake(struct base_loop *l)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(l->event, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		loop_die("cannot wake the loop");
}

static void
loop_lock(struct base_loop *l)
{
	if (pthread_mutex_lock(&l->lock) != 0)
		abort(); /* only possible with a broken mutex */
}

static void
loop_unlock(struct base_loop *l)
{
	if (pthread_mutex_unlock(&l->lock) != 0)
		abort(); /* as above */
}

void
base_loop_post(struct base_loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct post *p = base_mem_new(1, sizeof(*p));

	p->fn = fn;
	p->ctx = ctx;
	loop_lock(l);
	if (l->posts == NULL)
		loop_wake(l); /* else somebody has, and the loop has not looked since */
	*l->posts_end = p;
	l->posts_end = &p->next;
	loop_unlock(l);
}

void
base_loop_stop(struct base_loop *l)
{
	loop_lock(l);
	atomic_store(&l->stop, true);
	loop_wake(l);
	loop_unlock(l);
}

static struct post *
loop_take_posts(struct base_loop *l)
{
	struct post *p;

	loop_lock(l);
	p = l->posts;
	l->posts = NULL;
	l->posts_end = &l->posts;
	loop_unlock(l);
	return p;
}

/* In the order of posting; what these post themselves runs in the next turn. */
static void
loop_run_posts(struct base_loop *l)
{
	struct post *p = loop_take_posts(l), *next;

	for (; p != NULL; p = next) {
		next = p->next;
		p->fn(p->ctx);
		free(p);
	}
}

/* Emptying the counter comes before taking the list (posts run after events): a post in between wakes us once too often,
 * never once too seldom. */
static void
loop_woken(struct base_loop_io *io, unsigned events)
{
	uint64_t count;
	ssize_t n;

	(void)events; /* only READ is asked for */
	n = read(io->fd, &count, sizeof(count));
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		loop_die("cannot read the wake-up counter");
}

/* ---- the loop ---- */

struct base_loop *
base_loop_new(void)
{
	struct base_loop *l = base_mem_new(1, sizeof(*l));

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll < 0 || l->event < 0)
		loop_die("cannot make an event loop");
	if (pthread_mutex_init(&l->lock, NULL) != 0)
		loop_die("cannot make a mutex");
	l->posts_end = &l->posts;
	l->now_us = base_time_mono_us();
	base_loop_io_init(&l->wake, l->event, loop_woken);
	base_loop_io_set(l, &l->wake, BASE_LOOP_READ);
	return l;
}

void
base_loop_free(struct base_loop **l)
{
	struct post *p, *next;

	if (*l == NULL)
		return;
	/* Taking the lock once waits for a poster that is still inside. */
	for (p = loop_take_posts(*l); p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	(void)close((*l)->event); /* nothing is written through either */
	(void)close((*l)->epoll);
	(void)pthread_mutex_destroy(&(*l)->lock); /* nobody holds it */
	free((*l)->heap);
	free(*l);
	*l = NULL;
}

void
base_loop_after_turn(struct base_loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->after = fn;
	l->after_ctx = ctx;
}

uint64_t
base_loop_now_us(const struct base_loop *l)
{
	return l->now_us;
}

static void
loop_turn(struct base_loop *l)
{
	int n = epoll_wait(l->epoll, l->pending, LOOP_EVENTS, loop_timeout_ms(l));

	if (n < 0 && errno != EINTR)
		loop_die("cannot wait for events");
	l->next = 0;
	l->count = n < 0 ? 0 : n;
	l->now_us = base_time_mono_us();
	loop_deliver(l);
	loop_run_timers(l);
	loop_run_posts(l);
	if (l->after != NULL)
		l->after(l->after_ctx);
}

void
base_loop_run(struct base_loop *l)
{
	while (!atomic_load(&l->stop))
		loop_turn(l);
	atomic_store(&l->stop, false); /* it may be run again */
}
