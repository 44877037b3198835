/* gate_case_pending: look-ups that nothing explained when they were made, until their ticket comes or a week is over. Input: what sessions recorded. Holds marks of
 * subjects, never keys. About 400 bytes each with their places in two maps: 80 MiB when all GATE_PENDING_LOOKS are taken. The caller guards it. No I/O.
 */
#include "gate_case_int.h"

#include <stdlib.h>

#include "base_mem.h"

void
gate_case_pending_init(struct gate_case_pending *p)
{
	*p = (struct gate_case_pending){.by_mark = base_map_new(0, NULL), .by_name = base_map_new(0, NULL)};
}

void
gate_case_pending_done(struct gate_case_pending *p)
{
	while (p->oldest) {
		struct gate_case_look *l = p->oldest;
		gate_case_pending_take(p, l);
		free(l);
	}
	base_map_free(&p->by_mark);
	base_map_free(&p->by_name);
}

static struct base_span
keep(struct base_span s, uint8_t **at)
{
	struct base_span copy = base_span(*at, s.n);

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

static struct base_span
bytes_of(const uint64_t *mark)
{
	return base_span(mark, sizeof(*mark));
}

#define NAME_MAX_BYTES (2 * sizeof(uint64_t) + 256)

/* A longer session's name is cut: the gate gives them, and they are short. */
static struct base_span
name_of(uint8_t dst[NAME_MAX_BYTES], struct base_span session, uint64_t seq, uint64_t mark)
{
	size_t n = session.n < 256 ? session.n : 256;

	memcpy(dst, &mark, sizeof(mark));
	memcpy(dst + sizeof(mark), &seq, sizeof(seq));
	if (n > 0)
		memcpy(dst + 2 * sizeof(mark), session.p, n);
	return base_span(dst, 2 * sizeof(mark) + n);
}

struct gate_case_look *
gate_case_pending_named(const struct gate_case_pending *p, struct base_span session, uint64_t seq, uint64_t mark)
{
	uint8_t name[NAME_MAX_BYTES];

	return base_map_get(p->by_name, name_of(name, session, seq, mark));
}

struct gate_case_look *
gate_case_pending_find(const struct gate_case_pending *p, uint64_t mark)
{
	return base_map_get(p->by_mark, bytes_of(&mark));
}

/* By time. They come in that order, or nearly: several workers, a clock that was put right. */
static void
insert(struct gate_case_pending *p, struct gate_case_look *l)
{
	struct gate_case_look *before = p->newest;

	while (before && before->at_us > l->at_us)
		before = before->older;
	l->older = before;
	l->newer = before ? before->newer : p->oldest;
	*(l->older ? &l->older->newer : &p->oldest) = l;
	*(l->newer ? &l->newer->older : &p->newest) = l;
}

bool
gate_case_pending_add(struct gate_case_pending *p, const struct gate_case_look *look)
{
	size_t text = look->session.n + look->actor.n + look->employer.n + look->team.n + look->declared.n; /* names: each far below 64 KiB */
	uint8_t name[NAME_MAX_BYTES];
	struct base_span own = name_of(name, look->session, look->seq, look->mark);

	if (base_map_get(p->by_name, own))
		return true;
	struct gate_case_look *l = base_mem_try(1, sizeof(*l) + text);
	if (!l)
		return false;
	uint8_t *at = (uint8_t *)l + sizeof(*l);
	*l = (struct gate_case_look){.mark = look->mark, .seq = look->seq, .at_us = look->at_us, .epoch = look->epoch};
	l->session = keep(look->session, &at);
	l->actor = keep(look->actor, &at);
	l->employer = keep(look->employer, &at);
	l->team = keep(look->team, &at);
	l->declared = keep(look->declared, &at);
	if (base_map_put(p->by_name, own, l) < 0) {
		free(l);
		return false;
	}
	struct gate_case_look *next = gate_case_pending_find(p, l->mark);
	if (base_map_put(p->by_mark, bytes_of(&l->mark), l) < 0) {
		(void)base_map_remove(p->by_name, own); /* it is there */
		free(l);
		return false;
	}
	l->next = next;
	if (next)
		next->before = l;
	insert(p, l);
	p->count++;
	return true;
}

void
gate_case_pending_take(struct gate_case_pending *p, struct gate_case_look *look)
{
	uint8_t name[NAME_MAX_BYTES];

	(void)base_map_remove(p->by_name, name_of(name, look->session, look->seq, look->mark)); /* it is there */
	if (look->next)
		look->next->before = look->before;
	if (look->before)
		look->before->next = look->next;
	else if (!look->next)
		(void)base_map_remove(p->by_mark, bytes_of(&look->mark)); /* it is there */
	else if (base_map_put(p->by_mark, bytes_of(&look->mark), look->next) < 0)
		abort(); /* cannot happen: its key is there, so no memory is needed */
	*(look->older ? &look->older->newer : &p->oldest) = look->newer;
	*(look->newer ? &look->newer->older : &p->newest) = look->older;
	look->older = look->newer = look->next = look->before = NULL;
	p->count--;
}

struct gate_case_explained *
gate_case_pending_weigh(struct gate_case_pending *p, uint64_t mark, uint32_t epoch, const struct gate_case_tickets *t, const struct policy_people *people)
{
	struct gate_case_explained *list = NULL;
	struct gate_case_look *next;

	for (struct gate_case_look *l = gate_case_pending_find(p, mark); l; l = next) {
		struct policy_asker asker = {l->actor, l->employer, l->team, people};
		size_t by;
		next = l->next;
		if (l->epoch != epoch || policy_case_weigh(t->ticket, t->n, &asker, l->declared, l->at_us, &by) != POLICY_CLASS_EXPLAINED)
			continue;
		struct gate_case_explained *e = base_mem_new(1, sizeof(*e));
		gate_case_pending_take(p, l);
		*e = (struct gate_case_explained){l, by, list};
		list = e;
	}
	return list;
}

struct gate_case_look *
gate_case_pending_expire(struct gate_case_pending *p, uint64_t before_us, size_t most)
{
	struct gate_case_look *list = NULL, **end = &list;

	while (p->oldest && (p->oldest->at_us < before_us || p->count > most)) {
		struct gate_case_look *l = p->oldest;
		gate_case_pending_take(p, l);
		*end = l;
		end = &l->next;
	}
	return list;
}
