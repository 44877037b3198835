/* cli_match: the rules of cli_match.h over decoded ledger entries. Input: entries of the ledger, verified or not; lengths are checked.
 * Pure: no I/O.
 */
#include "cli_match.h"

#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"

#define MARK_SIZE 8u

/* What is known of a mark: the map's value, as a number behind the pointer (never dereferenced). */
enum known { UNKNOWN, LEARNED, ASKED };

struct cli_match {
	struct base_map *marks; /* own: (epoch, mark, kind) -> enum known */
};

struct cli_match *
cli_match_new(void)
{
	struct cli_match *m = base_mem_new(1, sizeof *m);

	m->marks = base_map_new(0, NULL);
	return m;
}

void
cli_match_free(struct cli_match **m)
{
	if (!*m)
		return;
	base_map_free(&(*m)->marks);
	free(*m);
	*m = NULL;
}

struct mark_id {
	uint8_t bytes[4 + MARK_SIZE + 120];
	size_t n;
};

/* false: the kind's name is longer than any that a policy can declare. */
static bool
mark_id(unsigned epoch, struct base_span kind, uint64_t mark, struct mark_id *id_r)
{
	if (kind.n > sizeof id_r->bytes - 4 - MARK_SIZE)
		return false;
	uint32_t e = epoch;
	memcpy(id_r->bytes, &e, 4);
	memcpy(id_r->bytes + 4, &mark, MARK_SIZE);
	if (kind.n > 0)
		memcpy(id_r->bytes + 4 + MARK_SIZE, kind.p, kind.n);
	id_r->n = 4 + MARK_SIZE + kind.n;
	return true;
}

static enum known
look_up(const struct cli_match *m, unsigned epoch, struct base_span kind, uint64_t mark)
{
	struct mark_id id;

	if (mark == 0 || !mark_id(epoch, kind, mark, &id))
		return UNKNOWN;
	return (enum known)(uintptr_t)base_map_get(m->marks, base_span(id.bytes, id.n));
}

/* true when it was not known before. */
static bool
remember(struct cli_match *m, unsigned epoch, struct base_span kind, uint64_t mark, enum known known)
{
	struct mark_id id;

	if (mark == 0 || look_up(m, epoch, kind, mark) >= known || !mark_id(epoch, kind, mark, &id))
		return false;
	return base_map_put(m->marks, base_span(id.bytes, id.n), (void *)(uintptr_t)known) == 0;
}

void
cli_match_ask(struct cli_match *m, unsigned epoch, struct base_span kind, uint64_t mark)
{
	(void)remember(m, epoch, kind, mark, ASKED); /* asked twice is asked */
}

static struct base_span
subject_of(struct base_span kind)
{
	const uint8_t *dot = kind.n > 0 ? memchr(kind.p, '.', kind.n) : NULL;

	return dot ? base_span(kind.p, (size_t)(dot - kind.p)) : kind;
}

static bool
is_key(struct base_span kind)
{
	struct base_span subject = subject_of(kind);

	return kind.n - subject.n == 4 && memcmp(kind.p + subject.n, ".key", 4) == 0;
}

/* One subject's part of one tuple: the kinds of e from `first` on that have first's subject. */
struct part {
	bool has_key;
	enum known key, other; /* the best known of the key and of the identifiers */
	bool twice;            /* a kind comes twice (a self-join): two persons in one row, nothing can be learned from it */
};

static uint64_t
mark_at(const struct event_entry *e, size_t tuple, size_t kind)
{
	struct base_cursor c = base_cursor(base_span(e->marks.p + (tuple * e->kinds.count + kind) * MARK_SIZE, MARK_SIZE));

	return base_cursor_u64(&c);
}

static size_t
tuples_of(const struct event_entry *e)
{
	return e->kinds.count == 0 || e->kinds.count > EVENT_LIST_MAX ? 0 : e->marks.n / (e->kinds.count * MARK_SIZE);
}

static bool
same_subject(const struct event_entry *e, size_t a, size_t b)
{
	return base_span_eq(subject_of(e->kinds.item[a]), subject_of(e->kinds.item[b]));
}

static bool
is_first(const struct event_entry *e, size_t kind)
{
	for (size_t i = 0; i < kind; i++)
		if (same_subject(e, i, kind))
			return false;
	return true;
}

static struct part
read_part(const struct cli_match *m, const struct event_entry *e, size_t tuple, size_t first)
{
	struct part p = {0};

	for (size_t i = first; i < e->kinds.count; i++) {
		if (!same_subject(e, first, i))
			continue;
		uint64_t mark = mark_at(e, tuple, i);
		enum known known = look_up(m, e->epoch, e->kinds.item[i], mark);
		if (is_key(e->kinds.item[i])) {
			p.has_key = p.has_key || mark != 0;
			p.key = known > p.key ? known : p.key;
		} else {
			p.other = known > p.other ? known : p.other;
		}
		for (size_t j = first; j < i; j++)
			p.twice = p.twice || base_span_eq(e->kinds.item[j], e->kinds.item[i]);
	}
	return p;
}

bool
cli_match_learn(struct cli_match *m, const struct event_entry *e)
{
	bool learned = false;
	size_t tuples = tuples_of(e);

	for (size_t first = 0; first < e->kinds.count && tuples > 0; first++) {
		if (!is_first(e, first))
			continue;
		for (size_t t = 0; t < tuples; t++) {
			struct part p = read_part(m, e, t, first);
			if (p.twice || (p.key == UNKNOWN && p.other != ASKED))
				continue;
			for (size_t i = first; i < e->kinds.count; i++)
				if (same_subject(e, first, i) && remember(m, e->epoch, e->kinds.item[i], mark_at(e, t, i), LEARNED))
					learned = true;
		}
	}
	return learned;
}

static void
add_through(struct cli_hit *hit, size_t kind)
{
	for (size_t i = 0; i < hit->nthrough; i++)
		if (hit->through[i] == kind)
			return;
	hit->through[hit->nthrough++] = kind;
}

bool
cli_match_entry(const struct cli_match *m, const struct event_entry *e, struct cli_hit *hit_r)
{
	struct cli_hit hit = {0};
	size_t tuples = tuples_of(e);

	for (size_t t = 0; t < tuples; t++) {
		bool matched = false;
		for (size_t first = 0; first < e->kinds.count; first++) {
			if (!is_first(e, first))
				continue;
			struct part p = read_part(m, e, t, first);
			bool foreign_key = p.has_key && p.key == UNKNOWN;
			if (p.other != ASKED && (foreign_key || (p.key == UNKNOWN && p.other == UNKNOWN)))
				continue;
			matched = true;
			for (size_t i = first; i < e->kinds.count; i++) {
				enum known known = same_subject(e, first, i) ? look_up(m, e->epoch, e->kinds.item[i], mark_at(e, t, i)) : UNKNOWN;
				if (known == ASKED || (known == LEARNED && !foreign_key))
					add_through(&hit, i);
			}
		}
		hit.tuples += matched;
	}
	if (hit.tuples == 0)
		return false;
	*hit_r = hit;
	return true;
}
