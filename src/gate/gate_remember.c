/* gate_remember: one pass over the ledger's last entries. Input: entries that the keeper sends, decoded strictly by gate_recall. Blocking: control thread, or start. */
#include "gate_remember.h"

#include <stdio.h>

#include "base_log.h"
#include "base_time.h"
#include "gate_case.h"
#include "gate_rebuild.h"
#include "gate_recall.h"
#include "gate_standing.h"
#include "gate_step.h"
#include "gate_worker.h"

#define CODES_US (3600ull * 1000000)      /* wrong codes count for so long; used ones are of the last minutes */
#define AGAIN 3u                          /* passes after a reload */
#define MARGIN_US 60000000u
#define LEAVE_US (24ull * 3600 * 1000000) /* a leave may last so long */

struct remember {
	struct gate_shared *shared;
	struct gate_world *world;
	struct gate_rebuild *rebuild;
	bool cases;
};

/* A look-up that nothing explained: its ticket may come yet. */
static void
pending(struct remember *r, const struct event_entry *e)
{
	size_t width = e->kinds.count;

	for (size_t i = 0; width > 0 && i < e->classes.n && (i + 1) * width * 8 <= e->marks.n; i++) {
		uint8_t c = e->classes.p[i] | 0x20;
		if (c != 'u' && c != 'w')
			continue;
		for (size_t k = 0; k < width && k < EVENT_LIST_MAX; k++) {
			struct base_span kind = e->kinds.item[k];
			struct base_cursor m = base_cursor(base_span(e->marks.p + (i * width + k) * 8, 8));
			uint64_t mark = base_cursor_u64(&m);
			if (mark != 0 && kind.n > 4 && memcmp(kind.p + kind.n - 4, ".key", 4) == 0)
				gate_cases_pending(r->shared->cases, e->session, e->seq, e->time_us, e->actor, e->employer, e->team, e->case_number, mark, e->epoch);
		}
	}
}

static void
settled(struct remember *r, const struct event_entry *e)
{
	const uint8_t *blank = memchr(e->target.p, ' ', e->target.n);
	uint64_t seq = 0;

	if (!blank || e->marks.n != 8)
		return;
	for (const uint8_t *p = blank + 1; p < e->target.p + e->target.n && *p >= '0' && *p <= '9'; p++)
		seq = seq * 10 + (uint64_t)(*p - '0');
	struct base_cursor m = base_cursor(e->marks);
	gate_cases_was_settled(r->shared->cases, base_span(e->target.p, (size_t)(blank - e->target.p)), seq, base_cursor_u64(&m));
}

static void
each(void *ctx, const struct event_entry *e)
{
	struct remember *r = ctx;

	switch (e->kind) {
	case EVENT_SUSPEND:
	case EVENT_RESUME:
		(void)gate_standing_entry(r->shared->standing, e);
		break;
	case EVENT_STEP:
	case EVENT_ASK:
	case EVENT_APPROVE:
	case EVENT_ENROLL:
		if (!r->shared->recalled)
			gate_steps_entry(r->shared->steps, e);
		break;
	case EVENT_SETTLE:
		if (r->cases)
			settled(r, e);
		break;
	case EVENT_READ:
	case EVENT_WRITE:
		gate_rebuild_entry(r->rebuild, e);
		if (r->cases && e->classes.n > 0)
			pending(r, e);
		break;
	case EVENT_START:
	case EVENT_STOP:
	case EVENT_OPEN:
	case EVENT_CLOSE:
	case EVENT_DENY:
	case EVENT_REFUSE:
	case EVENT_POLICY:
	case EVENT_PEOPLE:
	case EVENT_ALARM:
	case EVENT_KIND_COUNT:
	default:
		break;
	}
}

/* One pass over the entries since then. was: the policy that the gate counted by until now. */
static int
pass(struct remember *r, const struct policy_map *was, uint64_t since_us, uint64_t now_us, uint64_t *count_r, struct base_fail *fail)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/keeper.sock", r->world->conf->run_dir);
	r->rebuild = gate_rebuild_new(r->shared->budget, r->world->map, was, now_us, base_time_mono_us());
	int rc = gate_recall(path, since_us, each, r, count_r, fail);
	gate_rebuild_free(&r->rebuild);
	return rc;
}

int
gate_remember(struct gate_shared *shared, struct gate_world *world, struct base_fail *fail)
{
	struct remember r = {.shared = shared, .world = world, .cases = policy_map_file(world->map)->case_from.line > 0 && !shared->recalled_cases};
	uint64_t now = base_time_wall_us(), reach = gate_rebuild_reach(world->map), count = 0;

	if (!shared->recalled && reach < CODES_US)
		reach = CODES_US;
	if (!shared->recalled && reach < LEAVE_US)
		reach = LEAVE_US;
	if (r.cases && reach < POLICY_CASE_SETTLE_US)
		reach = POLICY_CASE_SETTLE_US;
	if (shared->recalled && reach <= shared->recalled_us && strcmp(shared->recalled_of, policy_map_hash(world->map)) == 0)
		return GH_OK; /* the same policy on a changed catalogue */
	int rc = pass(&r, shared->recalled_map, now > reach ? now - reach : 0, now, &count, fail);
	if (rc < 0)
		return rc;
	shared->recalls_due = shared->recalled ? AGAIN : 0;
	shared->recalled_at_us = now;
	shared->recalled_till_us = base_time_wall_us();
	shared->recalled = true;
	shared->recalled_cases = shared->recalled_cases || r.cases;
	shared->recalled_us = reach;
	(void)snprintf(shared->recalled_of, sizeof(shared->recalled_of), "%s", policy_map_hash(world->map));
	policy_map_unref(&shared->recalled_was);
	shared->recalled_was = shared->recalled_map;
	shared->recalled_map = world->map;
	policy_map_ref(world->map);
	if (count > 0)
		base_log_info("read %llu entries of the ledger's last %llu hours: %zu budgets, %zu suspended", (unsigned long long)count, (unsigned long long)(reach / 3600000000ull), gate_budget_accounts(shared->budget),
		              gate_standing_count(shared->standing));
	return GH_OK;
}

bool
gate_remember_again(struct gate_shared *shared, struct gate_world *world)
{
	static const uint64_t due_us[AGAIN] = {4000000, 1000000, 250000}; /* the last first */
	struct remember r = {.shared = shared, .world = world};
	uint64_t now = base_time_wall_us(), count = 0;
	struct base_fail fail;

	if (shared->recalls_due == 0)
		return true;
	if (now >= shared->recalled_till_us && now - shared->recalled_till_us < due_us[shared->recalls_due - 1])
		return false;
	/* Entries of statements that began a little before are made under the policy before, too. The clock may have been set: what was read already changes nothing. */
	if (pass(&r, shared->recalled_was, shared->recalled_at_us > MARGIN_US ? shared->recalled_at_us - MARGIN_US : 0, now, &count, &fail) < 0)
		return false; /* the keeper is not there; it is asked again */
	return --shared->recalls_due == 0;
}

void
gate_remember_done(struct gate_shared *shared)
{
	policy_map_unref(&shared->recalled_map);
	policy_map_unref(&shared->recalled_was);
}
