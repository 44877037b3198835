/* keeper_recall: see keeper_recall.h. Input: the ledger's own files, read by ledger_read (bundles, then the journal); the time asked for. Writes nothing.
 *
 * Where to begin: entries carry the time at which they were made and are recorded a little later, several threads' mixed, so their times rise nearly, not
 * quite. A binary search over the first entries of the bundles finds one around `since` less a margin; from the bundle before it on, every entry is looked at and those
 * below `since` are left out. A clock that was set back by more than the margin can hide entries that were made before it was; the entries themselves are
 * all in the ledger. An entry whose time cannot be read is sent: its reader is to say what is wrong with it.
 *
 * Where to end: at the first moment at which all that is durable has been sent. What becomes durable later is told by notices (keeper_conn).
 */
#include "keeper_recall.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_time.h"
#include "keeper_admin.h"
#include "ledger_merkle.h"
#include "ledger_read.h"
#include "ledger_tile.h"
#include "proc_msg.h"

#define MARGIN_US (UINT64_C(10) * 60 * 1000000)
#define TURN_US 5000u      /* the keeper's loop is everybody's */
#define LOOK_EVERY 64u     /* entries between two looks at the clock */

struct keeper_recall {
	struct ledger_read *read; /* own */
	struct base_buf standing; /* a bundle of those that the second part will not bring */
	struct base_cursor c;     /* into standing */
	uint64_t since_us;
	uint64_t next;            /* index of the entry to look at next */
	uint64_t sent;
};

/* The time of the first entry of a bundle, or of the first after it that has one; false: none up to `size`. */
static int
time_at(struct keeper_recall *r, uint64_t index, uint64_t size, uint64_t *us_r, struct base_fail *fail)
{
	struct base_span entry;
	uint64_t at;
	int rc = 0;

	ledger_read_seek(r->read, index);
	while (index < size && (rc = ledger_read_next(r->read, &at, &entry, fail)) == 1) {
		if (keeper_admin_time(entry, us_r))
			return 1;
		index = at + 1;
	}
	return rc < 0 ? rc : 0;
}

/* Sets r->next to an index before which no entry (but for the clock, see above) is of since_us or later. */
static int
find_begin(struct keeper_recall *r, uint64_t size, struct base_fail *fail)
{
	uint64_t from = r->since_us > MARGIN_US ? r->since_us - MARGIN_US : 0;
	uint64_t low = 0, high = (size + LEDGER_TILE_WIDTH - 1) / LEDGER_TILE_WIDTH; /* bundles; those below low begin before `from`, those from high on do not */

	while (low < high && from > 0) {
		uint64_t mid = low + (high - low) / 2, us = 0;
		int rc = time_at(r, mid * LEDGER_TILE_WIDTH, size, &us, fail);

		if (rc < 0)
			return rc;
		if (rc == 1 && us < from)
			low = mid + 1;
		else
			high = mid;
	}
	r->next = from > 0 && low > 0 ? (low - 1) * LEDGER_TILE_WIDTH : 0;
	return 0;
}

/* Those that the second part will not send: of before since_us, or of before its beginning. */
static int
copy_standing(struct keeper_recall *r, const struct keeper_standing *s, struct base_fail *fail)
{
	for (size_t i = 0; i < s->count; i++) {
		uint64_t us = 0;
		bool timed = keeper_admin_time(s->item[i].text, &us);

		if (s->item[i].index < r->next || (timed && us < r->since_us))
			ledger_bundle_put(&r->standing, s->item[i].text);
	}
	if (r->standing.bad)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for a recall");
	r->c = base_cursor(base_buf_span(&r->standing));
	return 0;
}

int
keeper_recall_new(const struct keeper_standing *standing, const char *ledger, uint64_t since_us, uint64_t size, struct keeper_recall **r_r, struct base_fail *fail)
{
	struct keeper_recall *r = base_mem_new(1, sizeof(*r));
	int rc;

	r->since_us = standing->over ? 0 : since_us; /* what stands is somewhere in the ledger: all of it, then */
	base_buf_init(&r->standing, KEEPER_STANDING_BYTES + KEEPER_STANDING_MOST * 2u);
	rc = ledger_read_open(ledger, true, &r->read, fail);
	if (rc == 0)
		rc = find_begin(r, size, fail);
	if (rc == 0)
		rc = copy_standing(r, standing, fail);
	if (rc < 0) {
		keeper_recall_free(&r);
		return rc;
	}
	ledger_read_seek(r->read, r->next);
	*r_r = r;
	return 0;
}

void
keeper_recall_free(struct keeper_recall **r)
{
	if (*r == NULL)
		return;
	ledger_read_free(&(*r)->read);
	base_buf_done(&(*r)->standing);
	free(*r);
	*r = NULL;
}

static void
put(struct keeper_recall *r, struct base_span entry, struct base_buf *out)
{
	proc_msg_recalled(out, entry);
	r->sent++;
}

static bool
room(const struct base_buf *out)
{
	return KEEPER_RECALL_PIECE - base_buf_len(out) >= PROC_MSG_MAX + 4;
}

/* The next entry of the ledger, which is durable and so must be there. */
static int
next(struct keeper_recall *r, struct base_span *entry_r, struct base_fail *fail)
{
	uint64_t index = 0;
	int rc = ledger_read_next(r->read, &index, entry_r, fail);

	if (rc == 0) { /* it came after the reader's last look */
		rc = ledger_read_refresh(r->read, fail);
		if (rc == 0)
			rc = ledger_read_next(r->read, &index, entry_r, fail);
	}
	if (rc == 0 || (rc == 1 && index != r->next))
		return base_fail_set(fail, GH_E_VERIFY, "entry %" PRIu64 " is durable and cannot be found", r->next);
	return rc < 0 ? rc : 0;
}

int
keeper_recall_fill(struct keeper_recall *r, uint64_t size, struct base_buf *out, struct base_fail *fail)
{
	uint64_t end = base_time_mono_us() + TURN_US, us;
	struct base_span entry;
	int rc;

	if (base_buf_len(out) >= KEEPER_RECALL_PIECE)
		return 0;
	for (unsigned n = 1; room(out) && r->c.left > 0; n++) {
		if (ledger_bundle_next(&r->c, &entry) != 1) /* NEVER: ours */
			return base_fail_set(fail, GH_E_PARSE, "standing entries are malformed");
		put(r, entry, out);
	}
	for (unsigned n = 1; room(out) && r->next < size; n++) {
		rc = next(r, &entry, fail);
		if (rc < 0)
			return rc;
		r->next++;
		if (!keeper_admin_time(entry, &us) || us >= r->since_us)
			put(r, entry, out);
		if (n % LOOK_EVERY == 0 && base_time_mono_us() >= end)
			break;
	}
	if (out->bad)
		return base_fail_set(fail, GH_E_NOMEM, "no memory for a recall");
	if (r->c.left > 0 || r->next < size || !room(out))
		return 0;
	proc_msg_recall_end(out, r->sent);
	return 1;
}
