/* gate_track: bookkeeping of names and of requests on the way. Input: hostile names, as keys only. No I/O. */
#include "gate_track.h"

#include <assert.h>
#include <stdlib.h>

#include "base_mem.h"
#include "gate_limit.h"

/* ---- objects ---- */

struct gate_statement *
gate_statement_new(struct gate_text *text, size_t k)
{
	struct gate_statement *s = base_mem_new(1, sizeof(*s));
	s->refs = 1;
	s->text = text;
	s->k = k;
	return s;
}

void
gate_statement_unref(struct gate_statement **sp)
{
	struct gate_statement *s = *sp;

	*sp = NULL;
	if (!s || --s->refs > 0)
		return;
	gate_text_unref(&s->text);
	gate_describe_unref(&s->describe);
	free(s->types);
	free(s);
}

void
gate_portal_free(struct gate_portal **pp)
{
	struct gate_portal *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	gate_statement_unref(&p->statement);
	free(p->bind);
	free((void *)(uintptr_t)p->formats.p);
	free(p);
}

static void
statement_value(void *v)
{
	struct gate_statement *s = v;
	gate_statement_unref(&s);
}

static void
portal_value(void *v)
{
	struct gate_portal *p = v;
	gate_portal_free(&p);
}

static void
pend_clear(struct gate_pend *p)
{
	free(p->name);
	free(p->portal);
	gate_text_unref(&p->text);
	gate_statement_unref(&p->statement);
	gate_portal_free(&p->bound);
}

/* ---- life ---- */

void
gate_track_init(struct gate_track *t, char status)
{
	*t = (struct gate_track){.status = status};
}

void
gate_answer_clear(struct gate_answer *a)
{
	gate_text_unref(&a->text);
	gate_text_unref(&a->behind);
	gate_world_unref(&a->world);
	a->begun = a->touched = a->copy = a->copy_in = a->copy_known = a->plan_known = a->mid_row = a->ended_part = false;
	a->touch = NULL;
	a->marker = NULL;
	a->nasked = 0;
	a->parts = 0;
	a->why = NULL;
	gate_tuples_reset(&a->tuples, 0);
}

void
gate_track_done(struct gate_track *t)
{
	while (t->pends.count > 0)
		gate_track_pop(t);
	free(t->pends.ring);
	gate_statement_unref(&t->unnamed);
	gate_portal_free(&t->unnamed_portal);
	base_map_free(&t->statements);
	base_map_free(&t->portals);
	base_map_free(&t->cursors);
	gate_answer_clear(&t->answer);
	gate_tuples_done(&t->answer.tuples);
}

/* ---- requests on the way ---- */

struct gate_pend *
gate_track_push(struct gate_track *t, enum gate_pend_kind kind)
{
	struct gate_pends *q = &t->pends;

	if (q->count == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 8;
		struct gate_pend *ring = base_mem_try(cap, sizeof(*ring));
		if (!ring)
			return NULL;
		for (size_t i = 0; i < q->count; i++)
			ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
		free(q->ring);
		q->ring = ring;
		q->cap = cap;
		q->first = 0;
	}
	struct gate_pend *p = &q->ring[(q->first + q->count++) & (q->cap - 1)];
	*p = (struct gate_pend){.kind = kind};
	return p;
}

struct gate_pend *
gate_track_at(struct gate_track *t, size_t i)
{
	struct gate_pends *q = &t->pends;
	return i < q->count ? &q->ring[(q->first + i) & (q->cap - 1)] : NULL;
}

/* A COPY_END that has become the head ended a COPY that was over already: the server ignores it, and so do we. */
struct gate_pend *
gate_track_head(struct gate_track *t)
{
	struct gate_pend *p;

	while ((p = gate_track_at(t, 0)) != NULL && p->kind == GATE_PEND_COPY_END)
		gate_track_pop(t);
	return p;
}

void
gate_track_pop(struct gate_track *t)
{
	struct gate_pends *q = &t->pends;

	assert(q->count > 0);
	do {
		q->weight -= q->ring[q->first].weight;
		pend_clear(&q->ring[q->first]);
		q->first = (q->first + 1) & (q->cap - 1);
		q->count--;
	} while (q->count > 0 && q->ring[q->first].kind == GATE_PEND_COPY_END); /* see gate_track_head; not left to look like work */
}

void
gate_track_drop(struct gate_track *t, size_t i)
{
	struct gate_pends *q = &t->pends;

	assert(i < q->count);
	q->weight -= gate_track_at(t, i)->weight;
	pend_clear(gate_track_at(t, i));
	for (; i + 1 < q->count; i++)
		*gate_track_at(t, i) = *gate_track_at(t, i + 1);
	q->count--;
}

void
gate_track_weigh(struct gate_track *t, struct gate_pend *p, size_t bytes)
{
	p->weight += bytes;
	t->pends.weight += bytes;
}

bool
gate_track_full(const struct gate_track *t)
{
	return t->pends.count >= GATE_PENDING_MAX || t->pends.weight >= GATE_PENDING_BYTES;
}

bool
gate_track_server_turn(const struct gate_track *t)
{
	const struct gate_pends *q = &t->pends;

	if (q->count == 0 || t->copy_in)
		return false;
	const struct gate_pend *p = &q->ring[(q->first + q->count - 1) & (q->cap - 1)];
	if (p->ghost)
		return false;
	enum gate_pend_kind last = p->kind;
	return last == GATE_PEND_QUERY || last == GATE_PEND_SYNC || last == GATE_PEND_FUNCTION || last == GATE_PEND_EXECUTE || last == GATE_PEND_COPY_END;
}

/* ---- names ---- */

/* The server looks at the first 63 bytes of a name after it has converted it to its own encoding (NAMEDATALEN): names that are not short
 * and plain may mean other than they say. Such a one is not followed: its answers are `unknown`. */
static bool
plain(struct base_span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] >= 0x80)
			return false;
	return name.n <= GATE_NAME_MAX;
}

static void
put(struct base_map **m, void (*free_value)(void *), struct base_span name, void *value)
{
	if (!plain(name)) {
		free_value(value);
		return;
	}
	if (!*m)
		*m = base_map_new(GATE_NAMES_MAX, free_value);
	if (base_map_put(*m, name, value) < 0)
		free_value(value);
}

struct gate_statement *
gate_track_statement(struct gate_track *t, const char *name)
{
	if (!name)
		return t->unnamed;
	return t->statements ? base_map_get(t->statements, base_span_str(name)) : NULL;
}

void
gate_track_install_statement(struct gate_track *t, const char *name, struct gate_statement *s)
{
	if (name) {
		put(&t->statements, statement_value, base_span_str(name), s);
	} else {
		gate_statement_unref(&t->unnamed);
		t->unnamed = s;
	}
}

void
gate_track_remove_statement(struct gate_track *t, const char *name)
{
	if (!name)
		gate_statement_unref(&t->unnamed);
	else if (t->statements)
		(void)base_map_remove(t->statements, base_span_str(name)); /* absent is as good */
}

struct gate_portal *
gate_track_portal(struct gate_track *t, const char *name)
{
	struct gate_portal *p = NULL;

	if (!name)
		return t->unnamed_portal;
	if (t->portals)
		p = base_map_get(t->portals, base_span_str(name));
	if (!p && t->cursors)
		p = base_map_get(t->cursors, base_span_str(name));
	return p;
}

void
gate_track_install_portal(struct gate_track *t, const char *name, struct gate_portal *p)
{
	if (name) {
		put(&t->portals, portal_value, base_span_str(name), p);
	} else {
		gate_portal_free(&t->unnamed_portal);
		t->unnamed_portal = p;
	}
}

void
gate_track_install_cursor(struct gate_track *t, struct base_span name, struct gate_portal *p)
{
	put(&t->cursors, portal_value, name, p);
}

void
gate_track_remove_portal(struct gate_track *t, const char *name)
{
	if (!name) {
		gate_portal_free(&t->unnamed_portal);
		return;
	}
	if (t->portals)
		(void)base_map_remove(t->portals, base_span_str(name)); /* absent is as good */
	if (t->cursors)
		(void)base_map_remove(t->cursors, base_span_str(name)); /* the same */
}

void
gate_track_transaction_end(struct gate_track *t)
{
	gate_portal_free(&t->unnamed_portal);
	if (t->portals && base_map_count(t->portals) > 0)
		base_map_clear(t->portals);
}
