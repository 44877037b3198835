/* base_loop: one epoll loop per thread: descriptors, timers, and posts from other threads.
 * Level-triggered. Callbacks run on the loop's thread; a callback may change or free its own watcher or any other:
 * events of a watcher removed in the same turn are not delivered. Aborts when the kernel refuses a watch (no
 * memory, or a regular file, which is always ready).
 * A turn: events, due timers, posts, the after-turn hook.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base_defs.h"
#include <stdbool.h>

struct base_loop;
struct base_loop *base_loop_new(void);
void base_loop_free(struct base_loop **l);

enum base_loop_events {
	BASE_LOOP_READ = 1,
	BASE_LOOP_WRITE = 2,
	BASE_LOOP_HUP = 4,       /* reported, never asked for: hang-up or error */
	BASE_LOOP_EXCLUSIVE = 8, /* asked for only, at first add: EPOLLEXCLUSIVE, for listeners shared by threads */
};

struct base_loop_io { /* caller's storage, embedded in its owner; must be removed before it is freed */
	int fd;
	unsigned events; /* what is asked for now; 0 = registered but silent (HUP still comes) */
	void (*fn)(struct base_loop_io *io, unsigned events);
	bool added; /* private */
};
void base_loop_io_init(struct base_loop_io *io, int fd, void (*fn)(struct base_loop_io *, unsigned));
void base_loop_io_set(struct base_loop *l, struct base_loop_io *io, unsigned events); /* adds or changes; no-op when equal */
void base_loop_io_remove(struct base_loop *l, struct base_loop_io *io); /* before the fd is closed; does not close it */

struct base_loop_timer { /* caller's storage */
	uint64_t at_us; /* monotonic; 0 = not armed */
	void (*fn)(struct base_loop_timer *t);
	size_t slot; /* private */
};
void base_loop_timer_init(struct base_loop_timer *t, void (*fn)(struct base_loop_timer *));
/* (Re)arms. Never early, up to 1 ms late; a time in the past is due in this or the next turn. */
void base_loop_timer_set(struct base_loop *l, struct base_loop_timer *t, uint64_t at_us);
void base_loop_timer_cancel(struct base_loop *l, struct base_loop_timer *t);

/* Thread-safe: fn(ctx) runs on the loop's thread soon. Never dropped while the loop lives;
 * base_loop_free forgets those that have not run. */
void base_loop_post(struct base_loop *l, void (*fn)(void *ctx), void *ctx);
/* Called after all events of a turn were delivered: the place for "one write per turn". At most one hook. */
void base_loop_after_turn(struct base_loop *l, void (*fn)(void *ctx), void *ctx);

uint64_t base_loop_now_us(const struct base_loop *l); /* monotonic, taken once per turn */
void base_loop_run(struct base_loop *l);              /* until base_loop_stop */
void base_loop_stop(struct base_loop *l);             /* thread-safe; the current turn is finished */

#endif
