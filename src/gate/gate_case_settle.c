/* gate_case_settle: looks for tickets that came after their look-up. Input: the server's rows. Runs on the case thread, a page at a time, so that questions of
 * sessions wait for one page at most; over a connection of its own, which is open while a search runs only.
 *
 * We hold marks of subjects, not keys, so the search goes the other way: it reads whose the late tickets are, makes the mark of each, and sees whether a look-up
 * waits for it. Every search reads what was opened since ten minutes before the search before; each GATE_CASE_WHOLE-th reads back to an hour before the oldest
 * look-up that waits, because tickets may be written down late, with the time of the call. A table without opening times is searched whole, its open tickets only,
 * and only in those. Disadvantages: a ticket that is opened and closed between two such searches is not seen there; of more than GATE_CASE_SCAN_MAX tickets the rest
 * is not looked at.
 *
 * A look-up is an orphan when a week is over, and a search that went back to it found nothing: while the table cannot be read, nobody becomes one.
 */
#include "gate_case_int.h"

#include <stdlib.h>

#include "base_log.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_time.h"

#define HOUR_US (3600ull * 1000000)
#define OVERLAP_US (600ull * 1000000)

bool
gate_case_settle_due(const struct gate_cases *c, uint64_t now_us)
{
	return c->search.conn || (c->settle_us > 0 && c->pending.count > 0 && now_us >= c->search.next_us);
}

static void
tell_orphans(struct gate_cases *c, struct gate_case_look *list)
{
	struct gate_case_look *next;

	for (; list; list = next) {
		next = list->next;
		struct gate_settled s = {.session = list->session, .seq = list->seq, .at_us = list->at_us, .actor = list->actor, .mark = list->mark, .epoch = list->epoch,
		                         .class = POLICY_CLASS_UNEXPLAINED, .number = base_span("", 0), .orphan = true};
		c->settled(c->ctx, &s);
		free(list);
	}
}

static void
expire(struct gate_cases *c, uint64_t before_us)
{
	(void)pthread_mutex_lock(&c->lock);
	struct gate_case_look *list = gate_case_pending_expire(&c->pending, before_us, GATE_PENDING_LOOKS);
	(void)pthread_mutex_unlock(&c->lock);
	tell_orphans(c, list);
}

void
gate_case_settle_overflow(struct gate_cases *c)
{
	expire(c, 0);
}

static void
end(struct gate_cases *c, bool complete)
{
	struct gate_case_search *s = &c->search;

	PQfinish(s->conn); /* with it the transaction and the cursor */
	s->conn = NULL;
	if (!complete)
		return;
	s->last_us = s->begun_us;
	s->count = s->whole ? 1 : s->count + 1;
	if (s->whole && s->begun_us > POLICY_CASE_SETTLE_US)
		expire(c, s->begun_us - POLICY_CASE_SETTLE_US);
}

void
gate_case_settle_done(struct gate_cases *c)
{
	end(c, false);
}

/* From when on tickets are read. */
static uint64_t
since(struct gate_cases *c)
{
	struct gate_case_search *s = &c->search;

	(void)pthread_mutex_lock(&c->lock);
	uint64_t oldest = c->pending.oldest ? c->pending.oldest->at_us : 0;
	(void)pthread_mutex_unlock(&c->lock);
	uint64_t from = oldest > HOUR_US ? oldest - HOUR_US : 0, lately = s->last_us > OVERLAP_US ? s->last_us - OVERLAP_US : 0;
	return s->whole || lately < from ? from : lately;
}

static int
open_search(struct gate_cases *c, struct base_fail *fail)
{
	struct gate_case_search *s = &c->search;
	struct base_buf sql;

	int rc = gate_case_table_connect(&c->table, "gatehouse settling", "30s", &s->conn, fail);
	if (rc < 0)
		return rc;
	base_buf_init(&sql, 65536);
	base_buf_str(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; ");
	gate_case_query_scan(c->table.from, since(c), &sql);
	base_buf_u8(&sql, 0);
	if (sql.bad) {
		rc = base_fail_set(fail, GH_E_NOMEM, "no memory for the query of cases");
	} else {
		PGresult *r = PQexec(s->conn, (const char *)base_buf_span(&sql).p);
		if (PQresultStatus(r) != PGRES_COMMAND_OK)
			rc = gate_case_table_failed(&c->table, r, s->conn, fail);
		PQclear(r);
	}
	base_buf_done(&sql);
	return rc;
}

static void
begin(struct gate_cases *c, uint64_t settle_us)
{
	struct gate_case_search *s = &c->search;
	struct base_fail fail;

	gate_case_bind(c);
	s->next_us = base_time_mono_us() + settle_us;
	s->begun_us = base_time_wall_us();
	s->rows = 0;
	s->whole = s->last_us == 0 || s->count >= GATE_CASE_WHOLE;
	if (c->table.from->line == 0) { /* the policy has no cases any more: nothing will explain what waits */
		expire(c, s->begun_us > POLICY_CASE_SETTLE_US ? s->begun_us - POLICY_CASE_SETTLE_US : 0);
		return;
	}
	if (c->table.from->opened.n == 0 && !s->whole) {
		s->count++;
		return;
	}
	int rc = open_search(c, &fail);
	if (rc < 0)
		end(c, false);
	gate_case_blind(c, rc < 0 ? &fail : NULL);
}

/* ---- a page ---- */

struct found { /* subjects of a page for whom look-ups wait; each (subject, epoch) once, or nearly */
	size_t n;
	char *key[GATE_CASE_PAGE];        /* own */
	uint64_t mark[GATE_CASE_PAGE];
	uint32_t epoch[GATE_CASE_PAGE];
};

/* Is somebody waiting for this subject, under the key of some year? */
static void
match(struct gate_cases *c, struct base_span value, uint32_t first, uint32_t last, struct found *f)
{
	const struct gate_world *w = c->table.world;

	for (size_t i = 0; i < w->nmarkers && f->n < GATE_CASE_PAGE; i++) {
		uint32_t epoch = mask_marker_epoch(w->marker[i]);
		if (epoch < first || epoch > last)
			continue;
		uint64_t mark = gate_case_table_mark(&c->table, value, w->marker[i]);
		if (mark == 0)
			continue;
		(void)pthread_mutex_lock(&c->lock);
		bool waits = gate_case_pending_find(&c->pending, mark) != NULL;
		(void)pthread_mutex_unlock(&c->lock);
		if (!waits || (f->n > 0 && f->mark[f->n - 1] == mark))
			continue;
		f->key[f->n] = base_mem_str(value);
		f->mark[f->n] = mark;
		f->epoch[f->n++] = epoch;
	}
}

static void
tell_explained(struct gate_cases *c, struct gate_case_explained *list, const struct gate_case_tickets *t)
{
	struct gate_case_explained *next;

	for (; list; list = next) {
		const struct gate_case_look *l = list->look;
		struct gate_settled s = {.session = l->session, .seq = l->seq, .at_us = l->at_us, .actor = l->actor, .mark = l->mark, .epoch = l->epoch,
		                         .class = POLICY_CLASS_EXPLAINED, .number = t->ticket[list->by].number, .orphan = false};
		c->settled(c->ctx, &s);
		next = list->next;
		free(list->look);
		free(list);
	}
}

/* All tickets of the subjects found: one that was there before may be somebody else's by now. */
static int
weigh(struct gate_cases *c, struct found *f, struct base_fail *fail)
{
	struct gate_case_tickets **tickets = base_mem_new(GATE_CASE_PAGE, sizeof(struct gate_case_tickets *));
	uint64_t queries = 0;

	int rc = gate_case_table_fetch(&c->table, (const char *const *)f->key, f->n, tickets, &queries, fail);
	(void)pthread_mutex_lock(&c->lock);
	gate_case_count(c, 0, 0, queries, 0);
	(void)pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < f->n && rc == GH_OK; i++) {
		(void)pthread_mutex_lock(&c->lock);
		struct gate_case_explained *list = gate_case_pending_weigh(&c->pending, f->mark[i], f->epoch[i], tickets[i], c->table.world->people);
		(void)pthread_mutex_unlock(&c->lock);
		tell_explained(c, list, tickets[i]);
		gate_case_tickets_free(tickets[i]);
	}
	free(tickets);
	return rc;
}

static int
page(struct gate_cases *c, bool *end_r, struct base_fail *fail)
{
	struct gate_case_search *s = &c->search;
	struct found *f = base_mem_new(1, sizeof(*f));
	uint32_t first = UINT32_MAX, last = 0;
	int rc = GH_OK;

	(void)pthread_mutex_lock(&c->lock);
	if (c->pending.oldest) {
		first = c->pending.oldest->epoch < c->pending.newest->epoch ? c->pending.oldest->epoch : c->pending.newest->epoch;
		last = c->pending.oldest->epoch < c->pending.newest->epoch ? c->pending.newest->epoch : c->pending.oldest->epoch;
	}
	(void)pthread_mutex_unlock(&c->lock);
	PGresult *r = PQexec(s->conn, "FETCH FORWARD 1000 FROM gatehouse_scan");
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQnfields(r) != 1) {
		rc = gate_case_table_failed(&c->table, r, s->conn, fail);
	} else {
		int n = PQntuples(r);
		for (int i = 0; i < n; i++)
			if (!PQgetisnull(r, i, 0))
				match(c, base_span(PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0)), first, last, f);
		s->rows += (uint64_t)n;
		*end_r = n < GATE_CASE_PAGE || last == 0;
	}
	PQclear(r);
	if (rc == GH_OK && f->n > 0)
		rc = weigh(c, f, fail);
	for (size_t i = 0; i < f->n; i++)
		free(f->key[i]);
	free(f);
	return rc;
}

void
gate_case_settle_step(struct gate_cases *c)
{
	struct base_fail fail;
	bool last = false;

	(void)pthread_mutex_lock(&c->lock);
	uint64_t settle_us = c->settle_us, generation = c->generation;
	(void)pthread_mutex_unlock(&c->lock);
	if (!c->search.conn) {
		begin(c, settle_us);
		return;
	}
	if (generation != c->table.generation) {
		end(c, false); /* another policy: what was found by the old one does not count */
		c->search.next_us = base_time_mono_us();
		return;
	}
	int rc = page(c, &last, &fail);
	if (rc < 0)
		end(c, false);
	else if (last)
		end(c, true);
	gate_case_blind(c, rc < 0 ? &fail : NULL);
}
