/* keeper_standing: see keeper_standing.h. Input: entries that keeper_check let pass; the ledger's own files; its own file, which is read as if anybody had
 * written it (a wrong one is rebuilt). Never the source of anything: what it says is in the ledger.
 *
 *   offset 0  8  "GHSTND01"
 *          8  8  size: the ledger's entries below this index are taken in
 *         16  4  count
 *         20  ..  count times: u64 index, u16 length, the entry
 *       end-4  4  CRC-32C of everything before
 * Valid if and only if: the first field, count and CRC hold, nothing is left over, indices rise and lie below size, every entry is an administrative one (enroll is
 * not kept), and no two say something of the same target (or of the same code of an actor).
 */
#include "keeper_standing.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base_file.h"
#include "base_log.h"
#include "base_mem.h"
#include "base_time.h"
#include "ledger_journal.h"
#include "ledger_read.h"
#include "ledger_tile.h"

#define MAGIC "GHSTND01"
#define HEAD_SIZE 20u
#define FILE_MAX (KEEPER_STANDING_BYTES + KEEPER_STANDING_MOST * 10u + HEAD_SIZE + 4u)
#define FILE_MODE 0600u
#define PROGRESS_US 5000000u

static void
forget(struct keeper_standing *s, size_t i)
{
	s->bytes -= s->item[i].text.n;
	free((void *)(uintptr_t)s->item[i].text.p); /* ours */
	s->count--;
	memmove(s->item + i, s->item + i + 1, (s->count - i) * sizeof(*s->item));
}

static void
forget_all(struct keeper_standing *s)
{
	while (s->count > 0)
		forget(s, s->count - 1);
}

void
keeper_standing_done(struct keeper_standing *s)
{
	forget_all(s);
	free(s->item);
	free(s->path);
	*s = (struct keeper_standing){.path = NULL};
}

/* Whether `old` says nothing any more once `new` is recorded. */
static bool
superseded(const struct keeper_admin *old, const struct keeper_admin *new)
{
	switch (new->kind) {
	case KEEPER_ADMIN_SUSPEND:
	case KEEPER_ADMIN_RESUME:
		return old->kind != KEEPER_ADMIN_STEP && base_span_eq(old->target, new->target);
	case KEEPER_ADMIN_ENROLL: /* other codes, or none */
		return old->kind == KEEPER_ADMIN_STEP && base_span_eq(old->target, keeper_admin_actor(new->target));
	case KEEPER_ADMIN_STEP:
	default:
		return old->kind == KEEPER_ADMIN_STEP && old->code == new->code && base_span_eq(old->target, new->target);
	}
}

/* Past a limit nothing is kept at all: half of it would be taken for the whole. */
static void
give_up(struct keeper_standing *s)
{
	if (!s->over)
		base_log_warn("too many administrative entries stand to be kept aside: a starting gate is sent the whole ledger");
	s->over = true;
	forget_all(s);
}

static void
keep(struct keeper_standing *s, uint64_t index, struct base_span entry)
{
	struct keeper_standing_item it = {.index = index};

	if (s->count == KEEPER_STANDING_MOST || entry.n > KEEPER_STANDING_BYTES - s->bytes) {
		give_up(s);
		return;
	}
	if (s->count == s->cap) {
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;
		struct keeper_standing_item *grown = base_mem_grow(s->item, cap, sizeof(*grown));

		if (grown == NULL) {
			give_up(s);
			return;
		}
		s->item = grown;
		s->cap = cap;
	}
	uint8_t *copy = base_mem_try(entry.n, 1);
	if (copy == NULL) {
		give_up(s);
		return;
	}
	memcpy(copy, entry.p, entry.n);
	it.text = base_span(copy, entry.n);
	if (keeper_admin_read(it.text, &it.admin) != 1) { /* NEVER: the caller has read it */
		free(copy);
		return;
	}
	s->item[s->count++] = it;
	s->bytes += entry.n;
}

/* One entry of the ledger, in order. */
static void
take(struct keeper_standing *s, uint64_t index, struct base_span entry)
{
	struct keeper_admin a;

	if (s->over || keeper_admin_read(entry, &a) != 1)
		return;
	for (size_t i = s->count; i-- > 0;)
		if (superseded(&s->item[i].admin, &a))
			forget(s, i);
	s->changed = true;
	if (a.kind != KEEPER_ADMIN_ENROLL)
		keep(s, index, entry);
}

void
keeper_standing_take(struct keeper_standing *s, struct base_span packed)
{
	struct base_cursor c = base_cursor(packed);
	struct base_span entry;

	while (ledger_bundle_next(&c, &entry) == 1)
		take(s, s->size++, entry);
}

void
keeper_standing_pass(struct keeper_standing *s, uint64_t count)
{
	s->size += count;
}

/* ---- the file ---- */

void
keeper_standing_save(struct keeper_standing *s, bool always)
{
	struct base_fail fail = {.text = ""};
	struct base_buf b;
	int rc;

	if (s->over || s->path == NULL || (!s->changed && (s->size == s->written || (!always && s->size - s->written < KEEPER_STANDING_EVERY))))
		return;
	base_buf_init(&b, FILE_MAX);
	base_buf_str(&b, MAGIC);
	base_buf_u64(&b, s->size);
	base_buf_u32(&b, (uint32_t)s->count);
	for (size_t i = 0; i < s->count; i++) {
		base_buf_u64(&b, s->item[i].index);
		ledger_bundle_put(&b, s->item[i].text);
	}
	base_buf_u32(&b, ledger_journal_crc32c(base_buf_span(&b)));
	rc = b.bad ? base_fail_set(&fail, GH_E_NOMEM, "no memory for it") : base_file_replace(AT_FDCWD, s->path, FILE_MODE, base_buf_span(&b), &fail);
	base_buf_done(&b);
	if (rc < 0 && s->changed)
		base_log_warn("the file of standing entries could not be written, the next start reads them from the ledger: %s", fail.text);
	s->changed = false; /* not again before the next such entry */
	s->written = s->size;
}

/* The body between head and CRC. */
static int
read_items(struct keeper_standing *s, struct base_cursor *c, uint32_t count)
{
	struct base_span entry;
	struct keeper_admin a;
	uint64_t least = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t index = base_cursor_u64(c);

		if (ledger_bundle_next(c, &entry) != 1 || index < least || index >= s->size || keeper_admin_read(entry, &a) != 1 || a.kind == KEEPER_ADMIN_ENROLL)
			return GH_E_PARSE;
		for (size_t k = 0; k < s->count; k++)
			if (superseded(&s->item[k].admin, &a))
				return GH_E_PARSE;
		keep(s, index, entry);
		least = index + 1;
	}
	return s->over || !base_cursor_done(c) ? GH_E_PARSE : 0;
}

int
keeper_standing_decode(struct keeper_standing *s, struct base_span file, uint64_t size)
{
	struct base_cursor c = base_cursor(file);
	uint32_t count;

	if (file.n < HEAD_SIZE + 4 || memcmp(file.p, MAGIC, 8) != 0)
		return GH_E_PARSE;
	struct base_cursor crc = base_cursor(base_span(file.p + file.n - 4, 4));
	if (base_cursor_u32(&crc) != ledger_journal_crc32c(base_span(file.p, file.n - 4)))
		return GH_E_PARSE;
	(void)base_cursor_take(&c, 8); /* the magic */
	s->size = base_cursor_u64(&c);
	count = base_cursor_u32(&c);
	if (s->size > size || count > KEEPER_STANDING_MOST)
		return GH_E_PARSE;
	c.left -= 4; /* the CRC */
	return read_items(s, &c, count);
}

/* True: the file was there and right. Else nothing is taken in. */
static bool
load(struct keeper_standing *s, uint64_t size)
{
	struct base_fail fail = {.text = ""};
	struct base_buf b;
	int rc;

	base_buf_init(&b, FILE_MAX);
	rc = base_file_read(AT_FDCWD, s->path, &b, &fail);
	if (rc == 0) {
		rc = keeper_standing_decode(s, base_buf_span(&b), size);
		if (rc < 0) {
			uint64_t said = s->size;

			forget_all(s);
			s->over = false;
			s->size = 0;
			base_log_warn("%s is %s: it is made anew from the ledger", s->path, said > size ? "ahead of the ledger" : "damaged");
		}
	} else if (rc == GH_E_MISSING) {
		if (size > 0)
			base_log_info("%s is not there: it is made from the ledger", s->path);
	} else {
		base_log_warn("%s; it is made anew from the ledger", fail.text);
	}
	base_buf_done(&b);
	s->written = s->size;
	s->changed = rc < 0;
	return rc == 0;
}

/* Takes in the ledger's entries from s->size up to `size`. */
static int
scan(struct keeper_standing *s, const char *ledger, uint64_t size, struct base_fail *fail)
{
	struct ledger_read *r = NULL;
	struct base_span entry;
	uint64_t index, tell = base_time_mono_us() + PROGRESS_US;
	int rc = ledger_read_open(ledger, true, &r, fail);

	if (rc < 0)
		return rc;
	ledger_read_seek(r, s->size);
	while (s->size < size && (rc = ledger_read_next(r, &index, &entry, fail)) == 1) {
		take(s, index, entry);
		s->size = index + 1;
		if (s->size % 4096 == 0 && base_time_mono_us() >= tell) {
			base_log_info("looking for standing entries: %" PRIu64 " of %" PRIu64, s->size, size);
			tell = base_time_mono_us() + PROGRESS_US;
		}
	}
	ledger_read_free(&r);
	if (rc < 0)
		return rc;
	if (s->size < size)
		return base_fail_set(fail, GH_E_VERIFY, "the ledger ends at entry %" PRIu64 ", it has %" PRIu64, s->size, size);
	return 0;
}

int
keeper_standing_open(struct keeper_standing *s, const char *path, const char *ledger, uint64_t size, struct base_fail *fail)
{
	int rc = 0;

	*s = (struct keeper_standing){.path = base_mem_str(base_span_str(path))};
	(void)load(s, size); /* what it could not say, the ledger does */
	if (s->size < size)
		rc = scan(s, ledger, size, fail);
	if (rc == 0)
		keeper_standing_save(s, true);
	return rc;
}
