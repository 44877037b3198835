/* cli_marks: see cli_marks.h. Open addressing; marks are already the output of a keyed hash, so they are spread as they are. Input: marks of the ledger. */
#include "cli_marks.h"

#include <stdlib.h>

#include "base_mem.h"

#define FIRST 1024u

struct place { uint64_t mark; uint32_t owner; uint32_t flags; }; /* mark 0: free */
struct cli_marks {
	struct place *place; /* own */
	size_t places, count, max; /* places: a power of two */
};

struct cli_marks *
cli_marks_new(size_t max)
{
	struct cli_marks *m = base_mem_new(1, sizeof(*m));

	m->max = max < CLI_MARKS_MAX ? max : CLI_MARKS_MAX;
	m->places = FIRST;
	m->place = base_mem_new(m->places, sizeof(*m->place));
	return m;
}

void
cli_marks_free(struct cli_marks **m)
{
	if (!*m)
		return;
	free((*m)->place);
	free(*m);
	*m = NULL;
}

static struct place *
find(struct place *place, size_t places, uint32_t owner, uint64_t mark)
{
	uint64_t h = (mark ^ (uint64_t)owner * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	size_t at = (size_t)(h ^ h >> 32) & (places - 1);

	while (place[at].mark != 0 && (place[at].mark != mark || place[at].owner != owner))
		at = (at + 1) & (places - 1);
	return &place[at];
}

/* Three quarters full: twice as many places. */
static bool
grow(struct cli_marks *m)
{
	size_t places = m->places * 2;
	struct place *more = base_mem_try(places, sizeof(*more));

	if (!more)
		return false;
	for (size_t i = 0; i < m->places; i++)
		if (m->place[i].mark != 0)
			*find(more, places, m->place[i].owner, m->place[i].mark) = m->place[i];
	free(m->place);
	m->place = more;
	m->places = places;
	return true;
}

int
cli_marks_set(struct cli_marks *m, uint32_t owner, uint64_t mark, unsigned flags, unsigned *before_r)
{
	*before_r = 0;
	if (mark == 0)
		return 0;
	struct place *p = find(m->place, m->places, owner, mark);
	if (p->mark == 0) {
		if (m->count >= m->max)
			return GH_E_LIMIT;
		if (m->count >= m->places / 4 * 3) {
			if (!grow(m))
				return GH_E_LIMIT;
			p = find(m->place, m->places, owner, mark);
		}
		*p = (struct place){mark, owner, 0};
		m->count++;
	}
	*before_r = p->flags;
	p->flags |= flags;
	return 0;
}

size_t
cli_marks_count(const struct cli_marks *m)
{
	return m->count;
}
