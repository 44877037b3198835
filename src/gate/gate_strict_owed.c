/* gate_strict_owed: what is owed to the client of an enforced session, in its order, and what names mean. A name that a failed batch gave is taken back:
 * PostgreSQL would not have read the message that gave it (SQL-RULES 4.9). Input: none directly.
 */
#include <stdlib.h>
#include <string.h>

#include "base_mem.h"
#include "gate_limit.h"
#include "gate_strict_int.h"
#include "gate_worker.h"

struct strict_owed *
strict_owe(struct gate_session *s, enum strict_owed_kind kind)
{
	struct gate_strict *t = s->strict;

	if (t->owed_count == t->owed_cap) {
		size_t cap = t->owed_cap ? t->owed_cap * 2 : 8;
		struct strict_owed *more = base_mem_new(cap, sizeof(*more)); /* bounded by GATE_OWED_MAX: on_client stops before */
		for (size_t i = 0; i < t->owed_count; i++)
			more[i] = t->owed[(t->owed_first + i) & (t->owed_cap - 1)];
		free(t->owed);
		t->owed = more;
		t->owed_cap = cap;
		t->owed_first = 0;
	}
	struct strict_owed *o = &t->owed[(t->owed_first + t->owed_count++) & (t->owed_cap - 1)];
	*o = (struct strict_owed){.kind = kind, .limit = UINT64_MAX};
	return o;
}

struct strict_owed *
strict_head(struct gate_strict *t)
{
	return t->owed_count > 0 ? &t->owed[t->owed_first & (t->owed_cap - 1)] : NULL;
}

struct strict_owed *
strict_tail(struct gate_strict *t)
{
	return &t->owed[(t->owed_first + t->owed_count - 1) & (t->owed_cap - 1)];
}

static void
owed_done(struct gate_session *s, struct strict_owed *o)
{
	s->strict->ending -= o->ends_transaction || o->point == POINT_BACK;
	free((void *)(uintptr_t)o->bytes.p);
	strict_portal_unref(s, &o->portal);
	if (o->undo == UNDO_PREPARED)
		strict_prepared_unref(s, (struct strict_prepared **)&o->undo_old);
	else if (o->undo == UNDO_PORTAL)
		strict_portal_unref(s, (struct strict_portal **)&o->undo_old);
	free(o->undo_name);
	free(o->point_name);
	*o = (struct strict_owed){0};
}

void
strict_pop(struct gate_strict *t, struct gate_session *s)
{
	struct strict_owed o = *strict_head(t);

	t->owed_first++;
	t->owed_count--;
	owed_done(s, &o);
}

/* ---- names ---- */

struct strict_prepared *
strict_prepared_find(struct gate_strict *t, struct base_span name)
{
	return base_map_get(t->prepared, name);
}

struct strict_portal *
strict_portal_find(struct gate_strict *t, struct base_span name)
{
	return base_map_get(t->portals, name);
}

void
strict_prepared_unref(struct gate_session *s, struct strict_prepared **pp)
{
	struct strict_prepared *p = *pp;

	*pp = NULL;
	if (!p || --p->refs > 0)
		return;
	gate_judged_unref(s, &p->judged);
	sql_command_free(&p->command);
	free((void *)(uintptr_t)p->text.p);
	free(p->types);
	free(p);
}

void
strict_portal_unref(struct gate_session *s, struct strict_portal **pp)
{
	struct strict_portal *p = *pp;

	*pp = NULL;
	if (!p || --p->refs > 0)
		return;
	gate_judged_unref(s, &p->judged);
	strict_prepared_unref(s, &p->prepared);
	strict_self_unref(&p->self);
	free((void *)(uintptr_t)p->formats.p);
	free(p);
}

/* Also when somebody else asks now than bound it, or its answer was cut.
 * A newer world may also be the same policy on a changed catalogue: the locks of a portal keep what it was decided by. */
bool
strict_outdated(const struct gate_session *s, const struct strict_portal *p)
{
	const struct gate_world *now = s->strict->world, *then = p->judged ? p->judged->world : now;

	if (p->cut || (p->self && !gate_who_same(p->self->who, s->strict->self->who)))
		return true;
	if (strcmp(policy_map_hash(now->map), policy_map_hash(then->map)) != 0 || (now->people == NULL) != (then->people == NULL))
		return true;
	return now->people && strcmp(policy_people_hash(now->people), policy_people_hash(then->people)) != 0;
}

static void
put(struct gate_session *s, struct base_map *m, struct base_span name, void *object)
{
	if (!object)
		(void)base_map_steal(m, name);
	else if (base_map_put(m, name, object) != GH_OK)
		gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the name of a statement or portal");
}

void
strict_name_prepared(struct gate_session *s, struct strict_owed *owed, struct base_span name, struct strict_prepared *p)
{
	struct strict_prepared *old = base_map_steal(s->strict->prepared, name);

	put(s, s->strict->prepared, name, p);
	if (owed) {
		owed->undo = UNDO_PREPARED;
		owed->undo_name = base_mem_str(name);
		owed->undo_old = old;
	} else {
		strict_prepared_unref(s, &old);
	}
}

void
strict_name_portal(struct gate_session *s, struct strict_owed *owed, struct base_span name, struct strict_portal *p)
{
	struct strict_portal *old = base_map_steal(s->strict->portals, name);

	put(s, s->strict->portals, name, p);
	if (owed) {
		owed->undo = UNDO_PORTAL;
		owed->undo_name = base_mem_str(name);
		owed->undo_old = old;
	} else {
		strict_portal_unref(s, &old);
	}
}

static void
take_back(struct gate_session *s, struct strict_owed *o)
{
	struct gate_strict *t = s->strict;
	struct base_span name = o->undo_name ? base_span_str(o->undo_name) : base_span("", 0);

	if (o->undo == UNDO_PREPARED) {
		struct strict_prepared *now = base_map_steal(t->prepared, name);
		put(s, t->prepared, name, o->undo_old);
		strict_prepared_unref(s, &now);
	} else if (o->undo == UNDO_PORTAL) {
		struct strict_portal *now = base_map_steal(t->portals, name);
		put(s, t->portals, name, o->undo_old);
		strict_portal_unref(s, &now);
	}
	o->undo = UNDO_NOTHING; /* the old object has its name again */
	o->undo_old = NULL;
}

void
strict_drop_batch(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	size_t n = 0;

	while (n < t->owed_count && t->owed[(t->owed_first + n) & (t->owed_cap - 1)].kind != OWED_SYNC)
		n++;
	for (size_t i = n; i > 0; i--)
		take_back(s, &t->owed[(t->owed_first + i - 1) & (t->owed_cap - 1)]);
	while (n-- > 0) {
		if (strict_head(t)->kind == OWED_ANALYSIS)
			strict_analysis_drop(s); /* the server skips it; so will the message that waits for it */
		strict_pop(t, s);
	}
}

void
strict_settle_says(struct gate_session *s)
{
	struct strict_owed *o;

	while ((o = strict_head(s->strict)) != NULL && o->kind == OWED_SAY) {
		base_buf_put(&s->down, o->bytes);
		strict_pop(s->strict, s);
	}
}

struct sweep { struct gate_session *s; struct base_map *m; bool portals; };

static bool
sweep_one(struct base_span name, void *value, void *ctx)
{
	struct sweep *w = ctx;

	(void)name;
	if (w->portals) {
		struct strict_portal *p = value;
		strict_portal_unref(w->s, &p);
	} else {
		struct strict_prepared *p = value;
		strict_prepared_unref(w->s, &p);
	}
	return true;
}

static void
sweep(struct gate_session *s, struct base_map **m, bool portals)
{
	struct sweep w = {s, *m, portals};

	if (base_map_count(*m) == 0)
		return;
	base_map_each(*m, sweep_one, &w);
	base_map_free(m); /* values are not the map's to free */
	*m = base_map_new(0, NULL);
}

void
strict_forget_portals(struct gate_session *s)
{
	sweep(s, &s->strict->portals, true);
}

void
strict_forget_prepared(struct gate_session *s)
{
	sweep(s, &s->strict->prepared, false);
}
