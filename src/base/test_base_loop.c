/* Tests of base_loop: delivery, removal and reuse within a turn, timers, posts from several threads, the after-turn hook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_loop.h"
#include "base_mem.h"
#include "base_time.h"

static struct base_loop *loop;

static int
setup(void **state)
{
	(void)state;
	loop = base_loop_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	base_loop_free(&loop);
	base_loop_free(&loop); /* accepts what is freed */
	return loop == NULL ? 0 : -1;
}

static void
stop(void *ctx)
{
	base_loop_stop(ctx);
}

/* Runs exactly one turn. */
static void
turn(void)
{
	base_loop_after_turn(loop, stop, loop);
	base_loop_post(loop, stop, loop); /* so that the wait does not wait */
	base_loop_run(loop);
	base_loop_after_turn(loop, NULL, NULL);
}

struct watch {
	struct base_loop_io io; /* first: the callback casts */
	unsigned events;        /* of the last call */
	int calls;
	struct watch *victim; /* removed, closed and freed by the callback */
	struct watch *other;  /* silenced by the callback */
};

static void
make_pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
}

static void
on_event(struct base_loop_io *io, unsigned events)
{
	struct watch *w = (struct watch *)io;

	w->events = events;
	w->calls++;
}

static void
test_events(void **state)
{
	struct watch w = {.calls = 0};
	int fd[2];

	(void)state;
	make_pair(fd);
	base_loop_io_init(&w.io, fd[0], on_event);
	base_loop_io_remove(loop, &w.io); /* not added: nothing */
	base_loop_io_set(loop, &w.io, BASE_LOOP_READ | BASE_LOOP_WRITE);
	turn();
	assert_int_equal(w.events, BASE_LOOP_WRITE);
	assert_int_equal(write(fd[1], "x", 1), 1);
	turn();
	assert_int_equal(w.events, BASE_LOOP_READ | BASE_LOOP_WRITE);
	base_loop_io_set(loop, &w.io, BASE_LOOP_READ);
	turn();
	assert_int_equal(w.events, BASE_LOOP_READ);
	turn(); /* level-triggered */
	assert_int_equal(w.calls, 4);
	base_loop_io_set(loop, &w.io, 0);
	turn();
	assert_int_equal(w.calls, 4);
	assert_int_equal(close(fd[1]), 0);
	turn(); /* a hang-up comes unasked */
	assert_int_equal(w.calls, 5);
	assert_int_equal(w.events, BASE_LOOP_HUP);
	base_loop_io_remove(loop, &w.io);
	turn();
	assert_int_equal(w.calls, 5);
	base_loop_io_set(loop, &w.io, BASE_LOOP_READ); /* may be added again */
	turn();
	assert_int_equal(w.events, BASE_LOOP_READ | BASE_LOOP_HUP);
	base_loop_io_remove(loop, &w.io);
	assert_int_equal(close(fd[0]), 0);
}

static void
on_event_kill(struct base_loop_io *io, unsigned events)
{
	struct watch *w = (struct watch *)io;

	on_event(io, events);
	if (w->victim == NULL)
		return;
	base_loop_io_remove(loop, &w->victim->io);
	assert_int_equal(close(w->victim->io.fd), 0);
	free(w->victim);
	w->victim = NULL;
}

/* Two watchers are ready in the same turn; whichever is called first destroys the other, whose event must vanish with it. */
static void
test_removed_in_turn(void **state)
{
	struct watch *a = base_mem_new(1, sizeof(*a)), *b = base_mem_new(1, sizeof(*b)), *survivor;
	int p[2], q[2];

	(void)state;
	make_pair(p);
	make_pair(q);
	base_loop_io_init(&a->io, p[0], on_event_kill);
	base_loop_io_init(&b->io, q[0], on_event_kill);
	a->victim = b;
	b->victim = a;
	base_loop_io_set(loop, &a->io, BASE_LOOP_READ);
	base_loop_io_set(loop, &b->io, BASE_LOOP_READ);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(write(q[1], "x", 1), 1);
	turn();
	survivor = fcntl(p[0], F_GETFD) >= 0 ? a : b;
	assert_int_equal(survivor->calls, 1);
	assert_null(survivor->victim);
	base_loop_io_remove(loop, &survivor->io);
	assert_int_equal(close(survivor->io.fd), 0);
	free(survivor);
	assert_int_equal(close(p[1]), 0);
	assert_int_equal(close(q[1]), 0);
}

static struct watch *reuse[2];
static struct watch fresh;
static int fresh_pair[2];

/* Removes and closes the other one, then watches a new descriptor with the same number in its place. */
static void
on_event_reuse(struct base_loop_io *io, unsigned events)
{
	struct watch *other = (struct watch *)io == reuse[0] ? reuse[1] : reuse[0];
	int pair[2], number = other->io.fd;

	on_event(io, events);
	if (fresh.io.added)
		return;
	base_loop_io_remove(loop, &other->io);
	make_pair(pair);
	assert_int_equal(dup3(pair[0], number, O_CLOEXEC), number); /* closes the old one and takes its number in one step */
	assert_int_equal(close(pair[0]), 0);
	fresh_pair[0] = number;
	fresh_pair[1] = pair[1];
	base_loop_io_init(&fresh.io, number, on_event);
	base_loop_io_set(loop, &fresh.io, BASE_LOOP_READ);
}

static void
test_number_reused_in_turn(void **state)
{
	struct watch w[2] = {{.calls = 0}};
	int pair[2][2];

	(void)state;
	memset(&fresh, 0, sizeof(fresh));
	for (int i = 0; i < 2; i++) {
		make_pair(pair[i]);
		reuse[i] = &w[i];
		base_loop_io_init(&w[i].io, pair[i][0], on_event_reuse);
		base_loop_io_set(loop, &w[i].io, BASE_LOOP_READ);
		assert_int_equal(write(pair[i][1], "x", 1), 1);
	}
	turn();
	assert_int_equal(w[0].calls + w[1].calls, 1);
	assert_int_equal(fresh.calls, 0); /* the old event is not the new descriptor's */
	assert_int_equal(write(fresh_pair[1], "y", 1), 1);
	turn();
	assert_int_equal(fresh.calls, 1);
	assert_int_equal(fresh.events, BASE_LOOP_READ);
	base_loop_io_remove(loop, &fresh.io);
	for (int i = 0; i < 2; i++) {
		base_loop_io_remove(loop, &w[i].io);
		assert_int_equal(close(pair[i][0]), 0); /* one of them is fresh's by now */
		assert_int_equal(close(pair[i][1]), 0);
	}
	assert_int_equal(close(fresh_pair[1]), 0);
}

static void
on_event_silence(struct base_loop_io *io, unsigned events)
{
	on_event(io, events);
	base_loop_io_set(loop, &((struct watch *)io)->other->io, 0);
}

/* What is no longer asked for is not delivered even when it is fetched already. */
static void
test_silenced_in_turn(void **state)
{
	struct watch w[2] = {{.calls = 0}};
	int pair[2][2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		make_pair(pair[i]);
		w[i].other = &w[1 - i];
		base_loop_io_init(&w[i].io, pair[i][0], on_event_silence);
		base_loop_io_set(loop, &w[i].io, BASE_LOOP_READ);
		assert_int_equal(write(pair[i][1], "x", 1), 1);
	}
	turn();
	assert_int_equal(w[0].calls + w[1].calls, 1);
	for (int i = 0; i < 2; i++) {
		base_loop_io_remove(loop, &w[i].io);
		assert_int_equal(close(pair[i][0]), 0);
		assert_int_equal(close(pair[i][1]), 0);
	}
}

static void
test_exclusive(void **state)
{
	struct watch w = {.calls = 0};
	int fd[2];

	(void)state;
	make_pair(fd);
	base_loop_io_init(&w.io, fd[0], on_event);
	base_loop_io_set(loop, &w.io, BASE_LOOP_READ | BASE_LOOP_EXCLUSIVE);
	assert_int_equal(write(fd[1], "x", 1), 1);
	turn();
	assert_int_equal(w.calls, 1);
	base_loop_io_set(loop, &w.io, 0);
	turn();
	assert_int_equal(w.calls, 1);
	base_loop_io_set(loop, &w.io, BASE_LOOP_READ);
	turn();
	assert_int_equal(w.calls, 2);
	base_loop_io_remove(loop, &w.io);
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(close(fd[1]), 0);
}

/* More ready descriptors than one wait fetches: all get their turn. */
static void
test_many(void **state)
{
	enum { COUNT = 300 };
	static struct watch w[COUNT];
	int fd[COUNT][2];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		make_pair(fd[i]);
		base_loop_io_init(&w[i].io, fd[i][0], on_event);
		base_loop_io_set(loop, &w[i].io, BASE_LOOP_READ);
		assert_int_equal(write(fd[i][1], "x", 1), 1);
	}
	for (int i = 0; i < 6; i++)
		turn();
	for (int i = 0; i < COUNT; i++) {
		assert_true(w[i].calls > 0);
		base_loop_io_remove(loop, &w[i].io);
		assert_int_equal(close(fd[i][0]), 0);
		assert_int_equal(close(fd[i][1]), 0);
	}
}

/* ---- timers ---- */

struct alarm {
	struct base_loop_timer t; /* first: the callback casts */
	uint64_t want;            /* when it was set for; 0 = cancelled */
	int calls;
};

static uint64_t last_alarm;
static int alarm_calls;

static void
on_alarm(struct base_loop_timer *t)
{
	struct alarm *a = (struct alarm *)t;

	assert_true(t->at_us == 0); /* not armed any more: may be armed again */
	assert_true(a->want >= last_alarm);
	last_alarm = a->want;
	a->calls++;
	alarm_calls++;
}

static void
test_timer_order(void **state)
{
	enum { COUNT = 700 };
	static struct alarm a[COUNT];
	unsigned seed = 8;
	int armed = 0;

	(void)state;
	last_alarm = 0;
	alarm_calls = 0;
	for (int i = 0; i < COUNT; i++)
		base_loop_timer_init(&a[i].t, on_alarm);
	for (int step = 0; step < 5000; step++) { /* all in the past, set, set again and cancelled at random */
		struct alarm *x = &a[rand_r(&seed) % COUNT];

		x->want = rand_r(&seed) % 3 == 0 ? 0 : 1 + (uint64_t)rand_r(&seed) % 1000;
		if (x->want == 0)
			base_loop_timer_cancel(loop, &x->t);
		else
			base_loop_timer_set(loop, &x->t, x->want);
	}
	turn();
	for (int i = 0; i < COUNT; i++) {
		armed += a[i].want != 0;
		assert_int_equal(a[i].calls, a[i].want != 0);
	}
	assert_int_equal(alarm_calls, armed);
	assert_true(armed > 300);
}

static void
test_timer_time(void **state)
{
	struct alarm soon = {.calls = 0}, late = {.calls = 0};
	uint64_t start = base_time_mono_us();

	(void)state;
	last_alarm = 0;
	base_loop_timer_init(&soon.t, on_alarm);
	base_loop_timer_init(&late.t, on_alarm);
	soon.want = start + 3500;
	late.want = start + UINT64_C(3600000000);
	base_loop_timer_set(loop, &late.t, late.want);
	base_loop_timer_set(loop, &soon.t, soon.want);
	base_loop_after_turn(loop, stop, loop);
	base_loop_run(loop);
	assert_int_equal(soon.calls, 1); /* the wait ended with it, not before */
	assert_int_equal(late.calls, 0);
	assert_true(base_loop_now_us(loop) >= soon.want);
	assert_true(base_time_mono_us() - start >= 3500);
	base_loop_timer_cancel(loop, &late.t);
	base_loop_timer_cancel(loop, &late.t);
}

static void
on_alarm_again(struct base_loop_timer *t)
{
	struct alarm *a = (struct alarm *)t;

	a->calls++;
	base_loop_timer_set(loop, t, 0); /* due at once, for ever */
}

static void
test_timer_again(void **state)
{
	struct alarm a = {.calls = 0};

	(void)state;
	base_loop_timer_init(&a.t, on_alarm_again);
	base_loop_timer_set(loop, &a.t, 0);
	turn(); /* comes back */
	assert_int_equal(a.calls, 1);
	turn();
	assert_int_equal(a.calls, 2);
	base_loop_timer_cancel(loop, &a.t);
	turn();
	assert_int_equal(a.calls, 2);
}

/* ---- posts ---- */

enum { THREADS = 4, POSTS = 5000 };

struct poster {
	int number;
	int seen; /* by the loop's thread: the last number of this poster */
};

struct note {
	struct poster *from;
	int number;
};

static int posts_seen;

static void
on_post(void *ctx)
{
	struct note *n = ctx;

	assert_int_equal(n->number, n->from->seen + 1); /* in the order of posting */
	n->from->seen = n->number;
	free(n);
	if (++posts_seen == THREADS * POSTS)
		base_loop_stop(loop);
}

static void *
post_thread(void *arg)
{
	struct poster *p = arg;

	for (int i = 1; i <= POSTS; i++) {
		struct note *n = base_mem_new(1, sizeof(*n));

		n->from = p;
		n->number = i;
		base_loop_post(loop, on_post, n);
	}
	return NULL;
}

static void
test_post_threads(void **state)
{
	struct poster posters[THREADS] = {{0, 0}};
	pthread_t threads[THREADS];

	(void)state;
	posts_seen = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_thread, &posters[i]), 0);
	base_loop_run(loop);
	assert_int_equal(posts_seen, THREADS * POSTS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void
on_post_more(void *ctx)
{
	int *left = ctx;

	if (--*left > 0)
		base_loop_post(loop, on_post_more, left);
	else
		base_loop_stop(loop);
}

/* The loop's own thread may post, also from a post. */
static void
test_post_self(void **state)
{
	int left = 100;

	(void)state;
	base_loop_post(loop, on_post_more, &left);
	base_loop_run(loop);
	assert_int_equal(left, 0);
	base_loop_post(loop, on_post_more, &left); /* still there when the loop is freed: forgotten */
}

static void *
stop_thread(void *arg)
{
	base_loop_stop(arg);
	return NULL;
}

/* The loop is freed as soon as run returns, while the stopping thread may still be inside base_loop_stop. */
static void
test_stop_and_free(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct base_loop *l = base_loop_new();
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, stop_thread, l), 0);
		base_loop_run(l);
		base_loop_free(&l);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
}

static char turn_order[16];

static void
note(char c)
{
	size_t n = strlen(turn_order);

	assert_true(n < sizeof(turn_order) - 1);
	turn_order[n] = c;
}

static void
note_event(struct base_loop_io *io, unsigned events)
{
	(void)events;
	note('e');
	base_loop_io_remove(loop, io);
}

static void
note_timer(struct base_loop_timer *t)
{
	(void)t;
	note('t');
}

static void
note_post(void *ctx)
{
	(void)ctx;
	note('p');
}

static void
note_after(void *ctx)
{
	note('a');
	base_loop_stop(ctx);
}

static void
test_turn_order(void **state)
{
	struct base_loop_io io;
	struct base_loop_timer t;
	int fd[2];

	(void)state;
	make_pair(fd);
	assert_int_equal(write(fd[1], "x", 1), 1);
	base_loop_io_init(&io, fd[0], note_event);
	base_loop_io_set(loop, &io, BASE_LOOP_READ);
	base_loop_timer_init(&t, note_timer);
	base_loop_timer_set(loop, &t, 1);
	base_loop_post(loop, note_post, NULL);
	base_loop_after_turn(loop, note_after, loop);
	base_loop_run(loop);
	assert_string_equal(turn_order, "etpa");
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(close(fd[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_number_reused_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silenced_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exclusive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_post_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_post_self, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_free, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turn_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
