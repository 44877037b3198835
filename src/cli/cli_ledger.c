/* cli_ledger: the reader of the ledger component, entry decoding and the filters that commands share.
 * Input: the ledger's files (of this machine or a copy): decoded strictly, an entry that is not canonical ends the command.
 */
#include "cli_ledger.h"

#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "ledger_read.h"

struct cli_ledger {
	struct ledger_read *read;     /* own */
	struct event_decoded *now;    /* own: the entry last given, NULL = none */
	uint64_t size, position;
};

int
cli_ledger_open(const struct proc_conf *conf, struct cli_ledger **l_r, struct base_fail *fail)
{
	struct cli_ledger *l = base_mem_new(1, sizeof *l);
	int rc;

	/* Entries that are only in the journal so far count too: somebody may ask a second after the look-up. */
	rc = ledger_read_open(conf->ledger, true, &l->read, fail);
	if (rc >= 0)
		rc = ledger_read_size(l->read, &l->size, fail);
	if (rc < 0) {
		if (rc == GH_E_MISSING)
			base_fail_hint(fail, "the ledger begins when `gatehouse run` starts for the first time");
		else if (rc == GH_E_DENIED)
			base_fail_hint(fail, "run this as the user that runs the gate, or as one who may read the ledger's folder");
		cli_ledger_close(&l);
		return rc;
	}
	*l_r = l;
	return 0;
}

void
cli_ledger_close(struct cli_ledger **l)
{
	if (!*l)
		return;
	event_decoded_free(&(*l)->now);
	ledger_read_free(&(*l)->read);
	free(*l);
	*l = NULL;
}

uint64_t
cli_ledger_size(const struct cli_ledger *l)
{
	return l->size;
}

int
cli_ledger_refresh(struct cli_ledger *l, struct base_fail *fail)
{
	int rc = ledger_read_refresh(l->read, fail);

	return rc < 0 ? rc : ledger_read_size(l->read, &l->size, fail);
}

void
cli_ledger_seek(struct cli_ledger *l, uint64_t index)
{
	l->position = index;
	ledger_read_seek(l->read, index);
}

uint64_t
cli_ledger_position(const struct cli_ledger *l)
{
	return l->position;
}

int
cli_ledger_next(struct cli_ledger *l, struct cli_record *rec_r, struct base_fail *fail)
{
	struct base_span line;
	uint64_t index;

	event_decoded_free(&l->now);
	if (l->position >= l->size)
		return 0; /* the snapshot's end: what came since is the next refresh's */
	int rc = ledger_read_next(l->read, &index, &line, fail);
	if (rc <= 0)
		return rc;
	rc = event_decode(line, &l->now, fail);
	if (rc < 0) {
		base_fail_where(fail, "entry %llu", (unsigned long long)index);
		base_fail_hint(fail, "`gatehouse ledger verify` says what is wrong with the ledger");
		return rc;
	}
	l->position = index + 1;
	*rec_r = (struct cli_record){index, line, event_decoded_entry(l->now)};
	return 1;
}

static int
parse_time(const struct cli_args *args, const char *option, uint64_t none, uint64_t *us_r, struct base_fail *fail)
{
	const char *text = cli_args_get(args, option);
	char shown[80];

	if (!text) {
		*us_r = none;
		return 0;
	}
	if (base_time_parse(base_span_str(text), us_r) < 0) {
		base_fail_set(fail, GH_E_PARSE, "--%s: not a time: %s", option, base_text_quote(shown, sizeof shown, base_span_str(text), 40));
		base_fail_hint(fail, "2026-11-22, 2026-11-22T16:07Z or 2026-11-22T16:07:54+08:00");
		return GH_E_PARSE;
	}
	return 0;
}

int
cli_filter_parse(const struct cli_args *args, bool all, struct cli_filter *f_r, struct base_fail *fail)
{
	struct cli_filter f = {0};
	const char *kind = all ? cli_args_get(args, "kind") : NULL;
	const char *names[EVENT_KIND_COUNT];
	int rc;

	if ((rc = parse_time(args, "from", 0, &f.from_us, fail)) < 0 || (rc = parse_time(args, "to", UINT64_MAX, &f.to_us, fail)) < 0)
		return rc;
	f.actor = all ? cli_args_get(args, "actor") : NULL;
	if (kind && event_kind_parse(base_span_str(kind), &f.kind) < 0) {
		char shown[80];
		for (unsigned k = 0; k < EVENT_KIND_COUNT; k++)
			names[k] = event_kind_name((enum event_kind)k);
		const char *near = base_text_nearest(base_span_str(kind), names, EVENT_KIND_COUNT);
		base_fail_set(fail, GH_E_PARSE, "--kind: no such kind: %s", base_text_quote(shown, sizeof shown, base_span_str(kind), 40));
		if (near)
			base_fail_hint(fail, "did you mean %s?", near);
		else
			base_fail_hint(fail, "start stop open close deny read write refuse policy people alarm step ask approve suspend resume enroll settle");
		return GH_E_PARSE;
	}
	f.by_kind = kind != NULL;
	*f_r = f;
	return 0;
}

bool
cli_filter_passes(const struct cli_filter *f, const struct event_entry *e)
{
	return e->time_us >= f->from_us && e->time_us < f->to_us && (!f->actor || base_span_is(e->actor, f->actor)) && (!f->by_kind || e->kind == f->kind);
}
