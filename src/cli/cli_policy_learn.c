/* cli_policy_learn: `gatehouse policy learn`: which statements of an application would need its owner's approval. The ledger has their normalised texts and the hashes
 * of the exact ones; the server analyses each as the application's login, and the policy decides for each group that the application may speak for. What is allowed
 * without an approval needs none; what an approval would not change is not proposed. The file keeps every byte that was in it: new statements are added behind.
 *
 * Disadvantages: a statement with constants cannot be proposed, because the ledger keeps no constants: its exact tree is not known, and each other constant is another
 * text. A program that declares other types for its parameters than the server would find has another tree, and the approval does not hold.
 * Input: trusted files, ledger entries (their text is a client's), the server's answers. Runs nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_file.h"
#include "base_map.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_actor.h"
#include "cli_ledger.h"
#include "cli_out.h"
#include "gate_judge.h"
#include "policy_approved.h"

#define SINCE_DEFAULT "30d"
#define SINCE_MAX_US (UINT64_C(36500) * 86400 * 1000000)
#define STATEMENTS_MAX 100000u

enum fate { PROPOSED, ALLOWED, KNOWN, CONSTANTS, CUT, NOT_ANALYSED, NOT_HELPED, FATE_COUNT };

struct found {
	char *hex, *text;       /* own: SHA-256 of the exact text as 64 hex digits; the normalised text */
	uint64_t times, last_us;
	enum fate fate;
	char why[640];          /* NOT_ANALYSED, NOT_HELPED; of PROPOSED: what is refused without */
	uint8_t tree[BASE_SHA256_SIZE];
};

struct learn {
	struct cli_live live;
	const struct policy_application *application; /* borrow: live.policy's */
	const char *file;                  /* borrow; NULL: standard output */
	struct base_buf before;            /* what the file holds */
	struct policy_approved *approved;  /* shared; of it */
	struct found **item; size_t n, room; /* own */
	struct base_map *by_hash;          /* hex -> struct found, borrowed */
	struct policy_scope **scope; size_t nscopes; /* own; shared each */
	size_t count[FATE_COUNT];
};

/* ---- what the ledger has ---- */
static int
take(struct learn *x, const struct event_entry *e, struct base_fail *fail)
{
	struct found *f = base_map_get(x->by_hash, e->statement);

	if (!f) {
		if (x->n == STATEMENTS_MAX)
			return base_fail_set(fail, GH_E_LIMIT, "more than %u different statements: ask for less time with --since", STATEMENTS_MAX);
		if (x->n == x->room) {
			x->room = x->room ? 2 * x->room : 64;
			x->item = base_mem_grow(x->item, x->room, sizeof(*x->item));
			if (!x->item)
				abort(); /* a command without memory has no answer */
		}
		f = x->item[x->n++] = base_mem_new(1, sizeof(*f));
		f->hex = base_mem_str(e->statement);
		f->text = base_mem_str(e->text);
		if (base_map_put(x->by_hash, e->statement, f) < 0)
			abort();
	}
	f->times++;
	f->last_us = e->time_us > f->last_us ? e->time_us : f->last_us;
	return 0;
}

static int
read_ledger(struct learn *x, uint64_t from_us, struct base_fail *fail)
{
	const struct base_span login = x->application->login;
	struct cli_ledger *ledger = NULL;
	struct cli_progress progress;
	struct cli_record rec;
	int rc = cli_ledger_open(x->live.conf, &ledger, fail);

	if (rc < 0)
		return rc;
	cli_progress_init(&progress, "reading the ledger", cli_ledger_size(ledger));
	while (rc >= 0 && (rc = cli_ledger_next(ledger, &rec, fail)) > 0) {
		const struct event_entry *e = rec.e;
		cli_progress_step(&progress, rec.index);
		if ((e->kind != EVENT_READ && e->kind != EVENT_WRITE && e->kind != EVENT_REFUSE) || e->time_us < from_us || e->part > 1 || e->statement.n != 2 * BASE_SHA256_SIZE)
			continue;
		if (base_span_eq(e->login.n > 0 ? e->login : e->actor, login))
			rc = take(x, e, fail);
	}
	cli_progress_done(&progress);
	cli_ledger_close(&ledger);
	return rc;
}

/* ---- what becomes of each ---- */

/* The normal form has "?" for each constant, between spaces; identifiers in quotes may hold it, too. */
static bool
has_constants(const char *text)
{
	bool quoted = false;

	for (const char *p = text; *p; p++) {
		quoted ^= *p == '"';
		if (*p == '?' && !quoted && (p == text || p[-1] == ' ') && (p[1] == '\0' || p[1] == ' '))
			return true;
	}
	return false;
}

static bool
was_cut(const char *text)
{
	size_t n = strlen(text);

	return n >= 3 && memcmp(text + n - 3, "\xe2\x80\xa6", 3) == 0;
}

/* Would the gate let it through? why: what it says instead. */
static int
allows(const struct learn *x, const struct policy_scope *s, const struct tree *tree, bool approved, char why[640], bool *allows_r)
{
	struct policy_decision *d = NULL;
	int rc = policy_decide(s, policy_map_objects(x->live.map), tree_queries(tree), approved, false, &d);

	if (rc < 0)
		return rc;
	*allows_r = !d->refused;
	if (d->refused)
		(void)snprintf(why, 640, "%s", d->refusal.text);
	for (size_t i = 0; *allows_r && i < d->noccurrences; i++) {
		const struct policy_occurrence *o = &d->occurrences[i];
		char name[200];
		if (!o->must_key || o->key_column != SIZE_MAX || o->can_splice)
			continue;
		*allows_r = false;
		(void)snprintf(why, 640, "the answer would show columns of %s without saying whose they are", base_text_quote(name, sizeof(name), o->relation->full_name, 180));
	}
	policy_decision_free(&d);
	return 0;
}

static int
judge(const struct learn *x, struct found *f, struct base_fail *fail)
{
	struct base_fail server = {0};
	struct tree *tree = NULL;
	char refused[640] = "", ignored[640];
	int rc = gate_judge_tree(x->live.judge, f->text, &tree, &server);

	if (rc == GH_E_IO || rc == GH_E_NOMEM)
		return base_fail_set(fail, rc, "%s", server.text);
	if (rc < 0) {
		f->fate = NOT_ANALYSED;
		(void)snprintf(f->why, sizeof(f->why), "%s", server.text);
		return 0;
	}
	f->fate = NOT_HELPED;
	tree_hash(tree_queries(tree).item[0], 0, f->tree);
	for (size_t i = 0; rc == 0 && i < x->nscopes && f->fate != PROPOSED; i++) {
		bool plain = false, helped = true;
		rc = allows(x, x->scope[i], tree, false, f->why, &plain);
		if (rc == 0 && !plain)
			rc = allows(x, x->scope[i], tree, true, *refused ? ignored : refused, &helped); /* the first group's reason tells most */
		if (rc == 0 && helped && f->fate != PROPOSED) /* what is for one of the groups need not be for the others */
			f->fate = plain ? ALLOWED : PROPOSED;
	}
	if (f->fate == NOT_HELPED)
		(void)snprintf(f->why, sizeof(f->why), "%s", refused);
	tree_free(&tree);
	return rc < 0 ? base_fail_set(fail, rc, "not enough memory to judge a statement") : 0;
}

static bool
in_file(const struct learn *x, const struct found *f)
{
	const struct base_span text = base_buf_span(&x->before), hex = base_span_str(f->hex);

	for (size_t i = 0; x->approved && i < policy_approved_count(x->approved); i++) {
		const struct policy_approval *a = policy_approved_at(x->approved, i);
		uint8_t hash[BASE_SHA256_SIZE];
		if (base_span_eq(a->application, x->application->name) && base_text_unhex(hex, hash, sizeof(hash)) == 0 && memcmp(hash, a->text_hash, sizeof(hash)) == 0)
			return true;
	}
	/* in a comment: said before why not */
	return text.n > 0 && f->fate != PROPOSED && memmem(text.p, text.n, hex.p, hex.n) != NULL;
}

static int
by_times(const void *a, const void *b)
{
	const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;

	if (x->times != y->times)
		return x->times < y->times ? 1 : -1;
	return strcmp(x->hex, y->hex);
}

static int
judge_all(struct learn *x, struct base_fail *fail)
{
	struct cli_progress progress;
	int rc = 0;

	if (x->n > 0)
		qsort(x->item, x->n, sizeof(x->item[0]), by_times);
	cli_progress_init(&progress, "analysing", x->n);
	for (size_t i = 0; rc == 0 && i < x->n; i++) {
		struct found *f = x->item[i];
		cli_progress_step(&progress, i);
		if (has_constants(f->text))
			f->fate = CONSTANTS;
		else if (was_cut(f->text))
			f->fate = CUT;
		else
			rc = judge(x, f, fail);
		if (rc == 0 && f->fate != ALLOWED && in_file(x, f))
			f->fate = KNOWN;
		x->count[f->fate]++;
	}
	cli_progress_done(&progress);
	return rc;
}

/* ---- for whom ---- */

/* One scope for each group that a token may name, because a person may be in that one alone; and one of a session without a token. */
static int
make_scopes(struct learn *x, struct base_fail *fail)
{
	const struct policy_application *a = x->application;
	const struct policy_file *p = x->live.policy;
	size_t n = a->nwithin > 0 ? a->nwithin : p->ngroups;
	int rc = 0;

	x->scope = base_mem_new(n + 1, sizeof(struct policy_scope *));
	for (size_t i = 0; rc == 0 && i < n; i++, x->nscopes += rc == 0)
		rc = policy_scope_new(x->live.map, a->nwithin > 0 ? &a->within[i] : &p->groups[i].name, 1, &x->scope[x->nscopes]);
	if (rc == 0 && a->nnobody > 0) {
		rc = policy_scope_new(x->live.map, a->nobody, a->nnobody, &x->scope[x->nscopes]);
		x->nscopes += rc == 0;
	}
	return rc == 0 ? 0 : base_fail_set(fail, rc, "not enough memory for what the application may do");
}

static int
find_application(struct learn *x, const char *name, struct base_fail *fail)
{
	const struct policy_file *p = x->live.policy;
	struct base_buf names;

	base_buf_init(&names, 400);
	for (size_t i = 0; i < p->napplications; i++) {
		if (base_span_is(p->applications[i].name, name))
			x->application = &p->applications[i];
		base_buf_str(&names, i ? ", " : "");
		base_buf_put(&names, p->applications[i].name);
	}
	if (!x->application) {
		base_fail_set(fail, GH_E_MISSING, "the policy has no application %s", name);
		if (p->napplications > 0)
			base_fail_hint(fail, "--application: %.*s", (int)base_buf_len(&names), (const char *)base_buf_span(&names).p);
		else
			base_fail_hint(fail, "declare it in the policy: application %s { login ROLE ... }", name);
	}
	base_buf_done(&names);
	return x->application ? 0 : GH_E_MISSING;
}

/* ---- the file ---- */
static int
read_file(struct learn *x, struct base_fail *fail)
{
	int rc = x->file ? base_file_read(AT_FDCWD, x->file, &x->before, fail) : GH_E_MISSING;

	if (rc == GH_E_MISSING) {
		*fail = (struct base_fail){0};
		return 0;
	}
	return rc < 0 ? rc : policy_approved_parse(base_buf_span(&x->before), x->file, &x->approved, fail);
}

/* A comment of several lines. */
static void
put_comment(struct base_buf *out, const char *head, const char *text)
{
	char quoted[1200];

	base_buf_fmt(out, "# %s%s\n", head, base_text_quote(quoted, sizeof(quoted), base_span_str(text), 1000));
}

static void
put_found(const struct learn *x, const struct found *f, struct base_buf *out)
{
	static const char *const why[FATE_COUNT] = {
		[CONSTANTS] = "its exact text is unknown: it held constants, which the ledger does not keep; have the program send parameters",
		[CUT] = "its exact text is unknown: the ledger cut it", [NOT_ANALYSED] = "the server cannot analyse it: ", [NOT_HELPED] = "an approval would not help: ",
	};
	struct policy_approval a = {.application = x->application->name, .seen = f->times, .text = base_span_str(f->text)};
	char last[BASE_TIME_UTC_SIZE];

	(void)base_time_utc(f->last_us, last);
	base_buf_u8(out, '\n');
	if (f->fate == PROPOSED) {
		put_comment(out, "refused without approval: ", f->why);
		if (base_text_unhex(base_span_str(f->hex), a.text_hash, sizeof(a.text_hash)) != 0)
			return; /* not a hash: no entry of the gate's */
		memcpy(a.tree_hash, f->tree, sizeof(a.tree_hash));
		a.last = base_span(last, 10);
		policy_approved_print(&a, out);
		return;
	}
	base_buf_fmt(out, "# not proposed: statement %s, seen %llu times, last %.10s\n", f->hex, (unsigned long long)f->times, last);
	put_comment(out, why[f->fate], f->why);
	put_comment(out, "  | ", f->text);
}

static int
write_file(struct learn *x, struct base_fail *fail)
{
	struct base_buf out;
	char now[BASE_TIME_UTC_SIZE];
	int rc = 0;

	base_buf_init(&out, POLICY_APPROVED_SIZE_MAX);
	base_buf_put(&out, base_buf_span(&x->before));
	if (base_buf_len(&x->before) > 0 && base_buf_span(&x->before).p[base_buf_len(&x->before) - 1] != '\n')
		base_buf_u8(&out, '\n');
	if (x->count[KNOWN] + x->count[ALLOWED] < x->n)
		base_buf_fmt(&out, "%s# Statements of %.*s, from the ledger on %.10s. Read each; what may run is marked `approved by \"YOUR NAME\" on %.10s`\n# in place of `proposed`.\n",
		    base_buf_len(&x->before) > 0 ? "\n" : "", (int)x->application->name.n, (const char *)x->application->name.p, base_time_utc(base_time_wall_us(), now), now);
	for (unsigned pass = 0; pass < 2; pass++) /* what can be approved stands in front */
		for (size_t i = 0; i < x->n; i++)
			if (x->item[i]->fate != KNOWN && x->item[i]->fate != ALLOWED && (x->item[i]->fate == PROPOSED) == (pass == 0))
				put_found(x, x->item[i], &out);
	if (out.bad)
		rc = base_fail_set(fail, GH_E_LIMIT, "the file would be longer than %u MiB: ask for less time with --since", POLICY_APPROVED_SIZE_MAX >> 20);
	else if (x->file)
		rc = base_file_replace(AT_FDCWD, x->file, 0644, base_buf_span(&out), fail);
	else if (!cli_out_write(&out))
		rc = base_fail_set(fail, GH_E_IO, "cannot write to standard output");
	base_buf_done(&out);
	return rc;
}

static void
say_count(size_t n, const char *words)
{
	if (n > 0)
		fprintf(stderr, "  %6zu %s\n", n, words);
}

static void
say(const struct learn *x, const char *since)
{
	fprintf(stderr, "%zu different statements of %.*s in the last %s:\n", x->n, (int)x->application->name.n, (const char *)x->application->name.p, since);
	say_count(x->count[ALLOWED], "need no approval");
	say_count(x->count[KNOWN], "are in the file already");
	say_count(x->count[PROPOSED], "are proposed");
	say_count(x->count[CONSTANTS] + x->count[CUT], "are not proposed: their exact text is unknown (constants were taken out of it)");
	say_count(x->count[NOT_ANALYSED], "are not proposed: the server cannot analyse them");
	say_count(x->count[NOT_HELPED], "are not proposed: they are refused even if approved");
	if (x->count[PROPOSED] == 0)
		return;
	fprintf(stderr, "Read each text. In force is what stands as `approved by \"NAME\" on DATE` in place of `proposed`");
	if (x->live.policy->approved.n == 0)
		fprintf(stderr, ",\nin the file that the policy names: add `approved statements \"FILE\"` to it");
	fprintf(stderr, ".\nAn approved statement may test and compute with protected columns; what it computes from them goes out hidden.\n");
}

static int
learn(struct learn *x, const struct cli_args *args, struct base_fail *fail)
{
	const char *name = cli_args_get(args, "application"), *since = cli_args_get(args, "since"), *why_not = NULL;
	uint64_t now = base_time_wall_us(), us = 0;
	int rc;

	if (!name) {
		base_fail_set(fail, GH_E_PARSE, "--application is missing: which one?");
		return GH_E_PARSE;
	}
	since = since ? since : SINCE_DEFAULT;
	if (base_num_duration(base_span_str(since), SINCE_MAX_US, &us) != 0)
		return base_fail_set(fail, GH_E_PARSE, "--since %s: a length of time is written 30d, 12h", since);
	if ((rc = cli_live_open(&x->live, args, NULL, fail)) < 0 || (rc = find_application(x, name, fail)) < 0 || (rc = read_file(x, fail)) < 0 || (rc = make_scopes(x, fail)) < 0 ||
	    (rc = read_ledger(x, us < now ? now - us : 0, fail)) < 0 || (rc = cli_actor_become(&x->live, x->application->login, NULL, &why_not, fail)) < 0)
		return rc;
	if (why_not)
		fprintf(stderr, "gatehouse: analysed as the control role, whose row-level security may be another: %s\n", why_not);
	if ((rc = judge_all(x, fail)) < 0 || (rc = write_file(x, fail)) < 0)
		return rc;
	say(x, since);
	return CLI_EXIT_OK;
}

int
cli_policy_learn(const struct cli_args *args)
{
	struct learn x = {.file = cli_args_get(args, "output"), .by_hash = base_map_new(0, NULL)};
	struct base_fail fail = {0};

	base_buf_init(&x.before, POLICY_APPROVED_SIZE_MAX);
	int status = learn(&x, args, &fail);
	if (status < 0)
		status = cli_out_fail(&fail);
	for (size_t i = 0; i < x.nscopes; i++)
		policy_scope_unref(&x.scope[i]);
	free(x.scope);
	for (size_t i = 0; i < x.n; i++) {
		free(x.item[i]->hex);
		free(x.item[i]->text);
		free(x.item[i]);
	}
	free(x.item);
	base_map_free(&x.by_hash);
	policy_approved_unref(&x.approved);
	base_buf_done(&x.before);
	cli_live_done(&x.live);
	return status;
}
