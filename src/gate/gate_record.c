/* gate_record: builds entries (event_entry) and hands them to the keeper. No personal data but marks goes in; texts are the
 * normalised ones. An answer that cannot be recorded is not given out.
 */
#include "gate_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_time.h"
#include "event_entry.h"
#include "gate_case.h"
#include "gate_keeper.h"
#include "gate_step.h"
#include "gate_strict.h"
#include "gate_who.h"
#include "gate_worker.h"
#include "policy_decide.h"

static struct base_span
str(const char *s)
{
	return s ? base_span_str(s) : base_span(NULL, 0);
}

static void
list_add(struct event_list *l, struct base_span item)
{
	for (size_t i = 0; i < l->count && i < EVENT_LIST_MAX; i++)
		if (base_span_eq(l->item[i], item))
			return;
	if (l->count < EVENT_LIST_MAX)
		l->item[l->count] = item;
	l->count++; /* past the ceiling the entry says that it is cut */
}

/* What every entry of a session says. */
static void
about_session(const struct gate_session *s, struct event_entry *e)
{
	const struct gate_world *w = s->worker->world;
	const struct policy_person *p = w->people && s->user ? policy_people_find(w->people, str(s->user)) : NULL;
	const struct strict_self *self = gate_strict_self(s);
	const struct gate_who *who = self ? self->who : NULL;

	e->time_us = base_time_wall_us();
	e->session = base_span(s->id, 16);
	e->actor = str(who ? who->actor : s->user);
	if (who) {
		if (who->application)
			e->login = str(s->user);
		e->name = str(who->name);
		e->employer = str(who->employer);
		e->province = str(who->province);
		e->team = str(who->team);
		for (size_t i = 0; i < who->ngroups; i++)
			list_add(&e->groups, who->groups[i]);
	} else if (p) {
		e->name = p->name;
		e->employer = p->employer;
		e->province = p->province;
		e->team = p->team;
		for (size_t i = 0; i < p->ngroups; i++)
			list_add(&e->groups, p->groups[i]);
	}
	e->application = str(s->application);
	e->address = str(s->address);
	e->policy = str(policy_map_hash(w->map));
	if (w->people)
		e->people = str(policy_people_hash(w->people));
	e->node = str(w->conf->node);
}

/* Encodes and queues. 0 or GH_E_*. */
static int
add(struct gate_worker *w, const struct event_entry *e, void *owner, struct base_fail *fail)
{
	base_buf_clear(&w->entry);
	int rc = event_entry_encode(e, &w->entry, fail);
	if (rc == GH_OK) {
		rc = gate_keeper_add(w->keeper, base_buf_span(&w->entry), owner);
		if (rc < 0)
			(void)base_fail_set(fail, rc, "the ledger is not available");
	}
	return rc;
}

static void
hold(struct gate_session *s)
{
	if (s->nholds == s->cap_holds) {
		size_t cap = s->cap_holds ? s->cap_holds * 2 : 4;
		uint64_t *more = base_mem_grow(s->holds, cap, sizeof(*more));
		if (!more) {
			gate_session_end(s, GATE_END_MEMORY, "53200", NULL, "out of memory for the record of the answer");
			return;
		}
		s->holds = more;
		s->cap_holds = cap;
	}
	if (s->nholds == 0)
		s->held_since_us = base_loop_now_us(s->worker->loop);
	s->holds[s->nholds++] = s->open_at;
	s->open_at = UINT64_MAX;
}

static void
relations_and_columns(const struct gate_answer *a, struct event_entry *e)
{
	const struct policy_map *map = a->world->map;

	for (size_t i = 0; a->plan_known && i < a->plan.nprotected; i++) {
		const struct policy_column *c = a->plan.protected[i];
		const struct policy_relation *r = policy_map_relation(map, c->oid);
		if (r)
			list_add(&e->tables, r->full_name);
		list_add(&e->columns, c->full_name);
	}
	for (size_t i = 0; a->touch && i < a->touch->nrelations; i++)
		list_add(&e->tables, a->touch->relations[i]->full_name);
}

/* Does a row of the answer show that somebody was found? A count or another aggregate gives a row for nobody, too. */
static bool
shows_rows(const struct policy_decision *d)
{
	for (size_t i = 0; d && i < d->ncolumns; i++)
		if (d->columns[i].occurrence != SIZE_MAX)
			return true;
	return false;
}

/* Which columns went out masked, and how; words: room for the items. */
static void
masked(const struct gate_answer *a, struct event_entry *e, char (*words)[192])
{
	const struct policy_decision *d = a->masked;

	for (size_t i = 0; d && i < d->ncolumns && e->masked.count < EVENT_LIST_MAX; i++) {
		const struct policy_result_column *c = &d->columns[i];
		char how[96];
		if (c->mask.kind == POLICY_MASK_NONE || c->occurrence == SIZE_MAX)
			continue;
		const struct policy_scope_relation *r = d->occurrences[c->occurrence].relation;
		const struct policy_scope_column *sc = policy_scope_column(r, c->attnum);
		policy_mask_words(&c->mask, how, sizeof(how));
		(void)snprintf(words[e->masked.count], sizeof(words[0]), "%.*s.%.*s %s", (int)r->full_name.n, (const char *)r->full_name.p, sc ? (int)sc->name.n : 0, sc ? (const char *)sc->name.p : "", how);
		list_add(&e->masked, str(words[e->masked.count]));
	}
	if (a->probe)
		e->probe = str(a->tuples.rows == 0 ? "miss" : shows_rows(d) ? "hit" : "counted");
}

static void
be64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* Whose rows these are. bytes: room for the marks, freed by the caller after encoding. */
static void
whose(const struct gate_answer *a, struct event_entry *e, uint8_t **bytes)
{
	const struct policy_map *map = a->world->map;
	size_t width = a->tuples.width, n = a->tuples.count;
	const uint64_t *mark = a->tuples.mark;
	/* Rows that show no subject, or a look-up that found nothing: what was asked for says whose. */
	bool request = n == 0 && a->nasked > 0 && ((width == 0 && a->tuples.rows > 0) || (a->parts == 1 && a->tuples.rows == 0));

	if (request) {
		width = a->nasked;
		n = 1;
		mark = a->asked;
		for (size_t i = 0; i < width; i++)
			e->kinds.item[e->kinds.count++] = policy_map_kind(map, a->asked_kind[i]);
	} else {
		for (size_t i = 0; i < width; i++)
			e->kinds.item[e->kinds.count++] = policy_map_kind(map, a->plan.subject[i].column->kind);
	}
	bool more = e->rows > 0 && a->plan.more;
	bool unknown = a->tuples.lost > 0 || more || (e->rows > 0 && width == 0) || a->why != NULL || (request && a->touch && a->touch->own > 1);
	if (unknown) {
		e->subjects = EVENT_SUBJECTS_UNKNOWN;
		e->why = str(a->why ? a->why : a->tuples.lost > 0 ? "a subject's value could not be read" : more ? "more subject columns than are marked" : width == 0 ? "no subject column in the answer" : "the request names several subjects' rows");
	} else if (n > 0) {
		e->subjects = EVENT_SUBJECTS_KNOWN;
	}
	if (n == 0 || width == 0) {
		e->kinds.count = 0;
		return;
	}
	e->via = str(request ? "request" : "answer");
	e->epoch = mask_marker_epoch(a->marker);
	*bytes = base_mem_new(n, width * 8);
	for (size_t i = 0; i < n * width; i++)
		be64(*bytes + i * 8, mark[i]);
	e->marks = base_span(*bytes, n * width * 8);
}

/* What was taken of budgets goes with this entry; look-ups that no case explains wait for theirs. */
static void
strict_parted(struct gate_session *s, const struct gate_answer *a, const struct event_entry *e)
{
	const size_t width = a->tuples.width;

	gate_strict_parted(s);
	for (size_t i = 0; i < e->classes.n; i++) {
		uint8_t c = e->classes.p[i] | 0x20;
		if (c != 'u' && c != 'w')
			continue;
		for (size_t k = 0; k < width; k++)
			if (a->tuples.mark[i * width + k] != 0 && (a->plan.subject[k].column->role == POLICY_KEY || a->plan.subject[k].column->role == POLICY_LINK))
				gate_cases_pending(s->worker->shared->cases, e->session, e->seq, e->time_us, e->actor, e->employer, e->team, e->case_number, a->tuples.mark[i * width + k], e->epoch);
	}
}

static void
part(struct gate_session *s, bool last, bool giant, bool waited)
{
	struct gate_answer *a = &s->track.answer;
	struct event_entry e = {.kind = a->touch && a->touch->written ? EVENT_WRITE : EVENT_READ};
	struct base_fail fail;
	uint8_t *bytes = NULL;

	about_session(s, &e);
	e.policy = str(policy_map_hash(a->world->map));
	e.seq = a->seq;
	e.part = ++a->parts;
	e.last = last;
	e.rows = giant ? 0 : a->tuples.rows;
	if (a->text) {
		e.statement = str(gate_text_hash(a->text));
		e.text = a->behind ? a->behind->norm : a->text->norm;
	}
	e.sqlstate = str(s->sqlstate);
	relations_and_columns(a, &e);
	if (a->masked)
		masked(a, &e, s->worker->masked_words);
	e.purpose = str(a->purpose);
	e.case_number = str(a->case_number);
	if (!waited && a->probe)
		e.probe = str("unanswered");
	if (giant) {
		e.subjects = EVENT_SUBJECTS_UNKNOWN;
		e.why = str("a row larger than hold_size begins here: its subject is in the next part");
	} else {
		whose(a, &e, &bytes);
		if (a->lettered && a->tuples.letter && e.marks.n == a->tuples.count * a->tuples.width * 8)
			e.classes = base_span(a->tuples.letter, a->tuples.count);
	}
	gate_worker_count(s->worker, PROC_COUNT_rows_recorded_total, (int64_t)e.rows);
	int rc = add(s->worker, &e, waited ? s : NULL, &fail);
	free(bytes);
	if (!waited)
		return; /* nothing is to be given out */
	if (rc < 0) {
		gate_session_end(s, GATE_END_NOT_RECORDED, "58030", "ask again in a moment, and tell the gate's operator if it lasts",
		                 "the answer could not be recorded, so it is not given out: %s", fail.text);
		return;
	}
	s->outstanding++;
	a->ended_part = true;
	if (s->strict)
		strict_parted(s, a, &e);
	if (!giant)
		gate_tuples_reset(&a->tuples, a->tuples.width);
	hold(s);
}

void
gate_record_part(struct gate_session *s, bool last)
{
	part(s, last, false, true);
}

void
gate_record_unanswered(struct gate_session *s)
{
	part(s, true, false, false);
}

void
gate_record_giant(struct gate_session *s)
{
	part(s, false, true, true);
}

/* Entries nobody waits for: a failure is counted and logged by the channel; the entry order keeps `open` before what follows. */
static void
add_unwaited(struct gate_worker *w, const struct event_entry *e)
{
	(void)add(w, e, NULL, NULL); /* without a keeper there is nothing to add to; log-ins are refused then */
}

void
gate_record_refuse(struct gate_session *s, struct gate_text *text, const char *why, const struct policy_where *rule, const char *budget, uint64_t mark, unsigned kind)
{
	struct event_entry e = {.kind = EVENT_REFUSE};
	const struct mask_marker *marker = mark ? gate_world_marker(s->worker->world, base_time_wall_us()) : NULL;
	char where[512];
	uint8_t bytes[8];

	about_session(s, &e);
	e.seq = ++s->track.seq;
	e.why = str(why);
	if (text) {
		e.statement = str(gate_text_hash(text));
		e.text = text->norm;
	}
	if (rule && rule->line > 0) {
		(void)snprintf(where, sizeof(where), "%s:%u", rule->file, rule->line);
		e.rule = str(where);
	}
	e.budget = str(budget);
	const struct strict_self *self = gate_strict_self(s);
	if (self) {
		e.purpose = str(self->purpose);
		e.case_number = str(self->case_number);
	}
	if (marker) {
		be64(bytes, mark);
		e.subjects = EVENT_SUBJECTS_KNOWN;
		e.epoch = mask_marker_epoch(marker);
		e.kinds.item[e.kinds.count++] = policy_map_kind(s->worker->world->map, kind);
		e.marks = base_span(bytes, sizeof(bytes));
	}
	add_unwaited(s->worker, &e);
}

void
gate_record_alarm(struct gate_session *s, const char *actor, const char *why)
{
	struct event_entry e = {.kind = EVENT_ALARM};

	about_session(s, &e);
	if (strcmp(actor, s->user) != 0)
		e.login = str(s->user);
	e.actor = str(actor);
	e.why = str(why);
	add_unwaited(s->worker, &e);
	gate_worker_count(s->worker, PROC_COUNT_alarms_total, 1);
}

void
gate_record_step(struct gate_session *s, uint64_t counter, uint64_t until_us, const char *why)
{
	struct event_entry e = {.kind = EVENT_STEP};

	about_session(s, &e);
	e.counter = counter;
	e.until_us = until_us;
	e.why = str(why);
	add_unwaited(s->worker, &e);
}

void
gate_record_ask(struct gate_session *s, const struct gate_asked *a)
{
	struct event_entry e = {.kind = EVENT_ASK};

	about_session(s, &e);
	e.target = str(a->id);
	e.why = str(a->group);
	e.rule = str(a->rule);
	e.budget = str(a->words);
	e.counter = a->lasting_us / 1000000;
	e.until_us = a->expires_us;
	add_unwaited(s->worker, &e);
}

void
gate_record_approve(struct gate_session *s, const struct gate_asked *a)
{
	struct event_entry e = {.kind = EVENT_APPROVE};

	about_session(s, &e);
	e.operator = e.actor;
	e.target = str(a->id);
	e.rule = str(a->rule);
	e.budget = str(a->words);
	e.why = str(a->actor);
	e.until_us = a->until_us;
	add_unwaited(s->worker, &e);
}

void
gate_record_settle(struct gate_worker *w, const struct gate_settled *l)
{
	struct event_entry e = {.kind = EVENT_SETTLE, .time_us = base_time_wall_us(), .node = str(w->world->conf->node)};
	char target[64];
	uint8_t bytes[8];
	const struct policy_file *f = policy_map_file(w->world->map);
	char kind[128];

	(void)snprintf(target, sizeof(target), "%.*s %llu", (int)l->session.n, (const char *)l->session.p, (unsigned long long)l->seq);
	e.target = str(target);
	e.actor = l->actor;
	e.case_number = l->number;
	e.why = str(l->orphan ? "orphan" : "settled");
	e.policy = str(policy_map_hash(w->world->map));
	if (f->case_from.of < f->nsubjects) {
		(void)snprintf(kind, sizeof(kind), "%.*s.key", (int)f->subjects[f->case_from.of].name.n, (const char *)f->subjects[f->case_from.of].name.p);
		be64(bytes, l->mark);
		e.epoch = l->epoch;
		e.kinds.item[e.kinds.count++] = str(kind);
		e.marks = base_span(bytes, sizeof(bytes));
	}
	add_unwaited(w, &e);
}

void
gate_record_open(struct gate_session *s)
{
	struct event_entry e = {.kind = EVENT_OPEN};

	about_session(s, &e);
	e.auth = str(s->auth);
	e.tls = str(s->tls);
	e.database = str(s->database);
	struct base_fail fail;
	if (add(s->worker, &e, NULL, &fail) < 0)
		gate_session_end(s, GATE_END_NOT_RECORDED, "58030", "connect again in a moment", "the log-in could not be recorded: %s", fail.text);
}

void
gate_record_close(struct gate_session *s)
{
	struct event_entry e = {.kind = EVENT_CLOSE};

	about_session(s, &e);
	e.why = str(gate_end_words(s->end));
	e.sqlstate = str(s->sqlstate);
	add_unwaited(s->worker, &e);
}

void
gate_record_deny(struct gate_session *s, const char *why)
{
	struct event_entry e = {.kind = EVENT_DENY};

	about_session(s, &e);
	e.auth = str(s->auth);
	e.tls = str(s->tls);
	e.database = str(s->database);
	e.why = str(why);
	add_unwaited(s->worker, &e);
}

void
gate_record_world(struct gate_worker *w)
{
	struct event_entry e = {.kind = EVENT_POLICY, .time_us = base_time_wall_us(), .node = str(w->world->conf->node)};

	e.policy = str(policy_map_hash(w->world->map));
	e.file = str(w->world->conf->policy);
	e.owner = policy_map_file(w->world->map)->owner;
	add_unwaited(w, &e);
	e.owner = base_span(NULL, 0);
	if (w->world->people) {
		e.kind = EVENT_PEOPLE;
		e.policy = base_span(NULL, 0);
		e.people = str(policy_people_hash(w->world->people));
		e.file = str(w->world->conf->people);
		add_unwaited(w, &e);
	}
}

void
gate_record_role(struct gate_worker *w, bool start)
{
	struct event_entry e = {.kind = start ? EVENT_START : EVENT_STOP, .time_us = base_time_wall_us(), .node = str(w->world->conf->node)};

	e.why = str("gate");
	add_unwaited(w, &e);
}
