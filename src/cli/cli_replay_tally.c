/* cli_replay_tally: sums of a replay, actor by actor (see cli_replay.h). Input: decoded entries. No I/O. */
#include "cli_replay.h"

#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"

#define SEEN 1u
#define GOES 2u

void
cli_replay_tally_init(struct cli_replay_tally *t)
{
	*t = (struct cli_replay_tally){.by_name = base_map_new(0, NULL), .owners = base_map_new(0, NULL), .marks = cli_marks_new(CLI_MARKS_MAX), .from_us = UINT64_MAX};
}

static void
actor_free(struct cli_replay_actor *a)
{
	for (size_t i = 0; i < a->ncauses; i++) {
		free(a->cause[i].words);
		free(a->cause[i].rule);
	}
	free(a->cause);
	free(a->actor);
	free(a->name);
	free(a->employer);
	free(a);
}

void
cli_replay_tally_done(struct cli_replay_tally *t)
{
	for (size_t i = 0; i < t->nactors; i++)
		actor_free(t->actor[i]);
	free(t->actor);
	free(t->unknown);
	base_map_free(&t->by_name);
	base_map_free(&t->owners);
	cli_marks_free(&t->marks);
	*t = (struct cli_replay_tally){0};
}

struct cli_replay_actor *
cli_replay_actor(struct cli_replay_tally *t, const struct event_entry *e)
{
	struct cli_replay_actor *a = base_map_get(t->by_name, e->actor);

	if (a)
		return a;
	a = base_mem_new(1, sizeof(*a));
	a->actor = base_mem_str(e->actor);
	a->name = base_mem_str(e->name);
	a->employer = base_mem_str(e->employer);
	t->actor = base_mem_grow(t->actor, t->nactors + 1, sizeof(struct cli_replay_actor *));
	if (!t->actor || base_map_put(t->by_name, e->actor, a) < 0)
		abort(); /* a command without memory has no answer */
	t->actor[t->nactors++] = a;
	return a;
}

void
cli_replay_note(struct cli_replay_actor *a, enum cli_replay_what what, const char *words, const struct policy_where *rule, uint64_t time_us)
{
	struct base_buf at;
	size_t i = 0;

	a->did[what]++;
	if ((what == CLI_REPLAY_REFUSED || what == CLI_REPLAY_CUT) && a->first_us == 0)
		a->first_us = time_us;
	base_buf_init(&at, 4096);
	if (rule && rule->line > 0 && rule->file)
		base_buf_fmt(&at, "%s:%u", rule->file, rule->line);
	while (i < a->ncauses && (a->cause[i].what != what || strcmp(a->cause[i].words, words) != 0 || !base_span_is(base_buf_span(&at), a->cause[i].rule)))
		i++;
	if (i == a->ncauses) {
		a->cause = base_mem_grow(a->cause, a->ncauses + 1, sizeof(*a->cause));
		if (!a->cause)
			abort(); /* a command without memory has no answer */
		a->cause[a->ncauses++] = (struct cli_replay_cause){what, base_mem_str(base_span_str(words)), base_mem_str(base_buf_span(&at)), 0, time_us};
	}
	a->cause[i].n++;
	base_buf_done(&at);
}

int
cli_replay_person(struct cli_replay_tally *t, struct cli_replay_actor *a, struct base_span kind, uint32_t epoch, uint64_t mark, bool goes)
{
	struct base_buf key;
	unsigned before = 0;

	if (mark == 0)
		return 0;
	base_buf_init(&key, 4096);
	base_buf_cstr(&key, a->actor);
	base_buf_u32(&key, epoch);
	base_buf_put(&key, kind);
	uintptr_t owner = (uintptr_t)base_map_get(t->owners, base_buf_span(&key));
	if (owner == 0) {
		owner = base_map_count(t->owners) + 1;
		if (key.bad || base_map_put(t->owners, base_buf_span(&key), (void *)owner) < 0)
			abort(); /* names of a few hundred bytes */
	}
	base_buf_done(&key);
	int rc = cli_marks_set(t->marks, (uint32_t)owner, mark, SEEN | (goes ? GOES : 0), &before);
	if (rc < 0)
		return rc;
	if (before == 0) {
		a->persons++;
		a->fewer += !goes;
	} else if (goes && !(before & GOES)) {
		a->fewer--;
	}
	return 0;
}
