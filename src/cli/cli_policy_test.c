/* cli_policy_test: `gatehouse policy test`: the test blocks of a policy against the real server: its own analysed tree is decided upon, and `rows` counts the
 * rows that the role gets, in a transaction that may only read. `from`, `at` and `with certificate` are held against `only` and left_on. TAP version 13 on standard output. Input: trusted files, the server's answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "base_time.h"
#include "base_zone.h"
#include "cli_out.h"
#include "cli_verdict.h"
#include "policy_only.h"

#define ROWS_MAX 10000000u
#define MINUTE_US 60000000ull
#define QUARTER_US (15 * MINUTE_US)

struct outcome {
	bool ok;
	char why[1600];  /* of what is not ok */
	char skip[700];  /* what could not be looked at, although all else is well */
};

static void
wrong(struct outcome *o, unsigned line, const char *want, const char *got)
{
	if (!o->ok)
		return; /* the first one is said */
	o->ok = false;
	(void)snprintf(o->why, sizeof(o->why), "line %u expects %s; %s", line, want, got);
}

static const struct policy_result_column *
column(const struct policy_decision *d, struct base_span name, size_t *count_r)
{
	const struct policy_result_column *found = NULL;

	*count_r = 0;
	for (size_t i = 0; d && i < d->ncolumns; i++)
		if (base_span_eq(d->columns[i].name, name)) {
			(*count_r)++;
			found = &d->columns[i];
		}
	return found;
}

/* Without regard to the case of ASCII letters. */
static bool
holds(const char *text, struct base_span words)
{
	size_t n = strlen(text);

	for (size_t at = 0; words.n <= n && at <= n - words.n; at++)
		if (strncasecmp(text + at, (const char *)words.p, words.n) == 0)
			return true;
	return false;
}

static void
say_verdict(const struct cli_verdict *v, char *dst, size_t size)
{
	if (v->refused && v->rule.line > 0)
		(void)snprintf(dst, size, "it is refused by line %u: %s", v->rule.line, v->text);
	else
		(void)snprintf(dst, size, v->refused ? "it is refused: %s" : "it is allowed%s", v->refused ? v->text : "");
}

/* "never filter" is what the file calls it; a refusal says it in other words. The rule's own line in the file counts as words too. */
static bool
refused_by(const struct cli_live *l, const struct cli_verdict *v, struct base_span words)
{
	const struct policy_file *f = l->policy;

	if (words.n == 0 || holds(v->text, words) || (v->decision && v->decision->refused && holds(v->decision->refusal.id, words)))
		return true;
	for (size_t g = 0; v->rule.line > 0 && g < f->ngroups; g++)
		for (size_t t = 0; t < f->groups[g].ntables; t++)
			for (size_t i = 0; i < f->groups[g].tables[t].nsays; i++) {
				const struct policy_say_column *s = &f->groups[g].tables[t].says[i];
				static const char *const word[] = {"show", "mask", "hide", "look up by", "never filter", "update", "insert"};
				if (s->line == v->rule.line && holds(word[s->say], words))
					return true;
			}
	return false;
}

static void
check_column(const struct policy_expect *e, const struct cli_verdict *v, struct outcome *o)
{
	char want[256], got[768], name[140], words[100], has[100];
	size_t count;
	const struct policy_result_column *c = column(v->refused ? NULL : v->decision, e->words, &count);

	(void)base_text_quote(name, sizeof(name), e->words, 128);
	policy_mask_words(&e->mask, words, sizeof(words));
	(void)snprintf(want, sizeof(want), "%s %s%s", name, e->what == POLICY_EXPECT_CLEAR ? "clear" : e->what == POLICY_EXPECT_HIDDEN ? "hidden" : "masked ",
	               e->what == POLICY_EXPECT_MASKED ? words : "");
	if (v->refused || !v->decision) {
		say_verdict(v, got, sizeof(got));
	} else if (count != 1) {
		(void)snprintf(got, sizeof(got), "the answer has %zu columns of that name", count);
	} else {
		enum policy_mask_kind k = c->mask.kind;
		bool same = e->what == POLICY_EXPECT_CLEAR ? k == POLICY_MASK_NONE
		            : e->what == POLICY_EXPECT_HIDDEN ? k == POLICY_MASK_HIDE
		            : k == e->mask.kind && ((k != POLICY_MASK_LAST && k != POLICY_MASK_FIRST) || c->mask.n == e->mask.n) &&
		              (k != POLICY_MASK_FIXED || base_span_eq(c->mask.fixed, e->mask.fixed));
		if (same)
			return;
		policy_mask_words(&c->mask, has, sizeof(has));
		(void)snprintf(got, sizeof(got), "it is %s%s", k == POLICY_MASK_NONE ? "clear" : k == POLICY_MASK_HIDE ? "hidden" : "masked ", k > POLICY_MASK_NONE && k < POLICY_MASK_HIDE ? has : "");
	}
	wrong(o, e->line, want, got);
}

static void
check_rows(const struct cli_live *l, const char *sql, const struct policy_expect *e, const struct cli_verdict *v, const char *why_not, struct outcome *o)
{
	char want[64], got[700];
	struct base_fail fail = {0};
	uint64_t rows = 0;

	(void)snprintf(want, sizeof(want), "rows %llu", (unsigned long long)e->rows);
	if (v->refused || !v->decision) {
		say_verdict(v, got, sizeof(got));
		wrong(o, e->line, want, got);
	} else if (v->decision->statement != POLICY_SELECT) {
		(void)snprintf(o->skip, sizeof(o->skip), "rows are not counted: the statement would write");
	} else if (why_not) {
		(void)snprintf(o->skip, sizeof(o->skip), "rows are not counted: %s", why_not);
	} else if (cli_actor_count(l, sql, ROWS_MAX, &rows, &fail) < 0) {
		wrong(o, e->line, want, fail.text);
	} else if (rows != e->rows) {
		(void)snprintf(got, sizeof(got), "there are %llu", (unsigned long long)rows);
		wrong(o, e->line, want, got);
	}
}

static void
check_all(const struct cli_live *l, const struct policy_test *t, const char *sql, const struct cli_verdict *v, const char *why_not, struct outcome *o)
{
	char got[768], want[300], words[256];

	say_verdict(v, got, sizeof(got));
	for (size_t i = 0; i < t->nexpects; i++) {
		const struct policy_expect *e = &t->expects[i];
		switch (e->what) {
		case POLICY_EXPECT_ALLOW:
			if (v->refused)
				wrong(o, e->line, "allow", got);
			break;
		case POLICY_EXPECT_DENY:
			(void)snprintf(want, sizeof(want), "deny%s%s", e->words.n ? " by " : "", base_text_quote(words, sizeof(words), e->words, 240));
			if (!v->refused || !refused_by(l, v, e->words))
				wrong(o, e->line, want, got);
			break;
		case POLICY_EXPECT_MASKED:
		case POLICY_EXPECT_CLEAR:
		case POLICY_EXPECT_HIDDEN:
			check_column(e, v, o);
			break;
		case POLICY_EXPECT_ROWS:
			check_rows(l, sql, e, v, why_not, o);
			break;
		}
	}
}

/* -- when and from where -- */

/* Zones that the test needs, opened one after another. */
static bool
local_time(void *ctx, struct base_span zone, uint64_t wall_us, struct policy_local *l_r)
{
	const struct policy_file *f = ctx;
	struct base_span name = zone.n > 0 ? zone : f->zone.n > 0 ? f->zone : base_span_str("UTC");
	struct base_zone *z = NULL;
	struct base_zone_time t;

	if (base_zone_open(name, &z, NULL) < 0)
		return false;
	base_zone_local(z, wall_us, &t);
	base_zone_close(&z);
	l_r->weekday = t.weekday;
	l_r->minute = t.hour * 60 + t.minute;
	(void)snprintf(l_r->date, sizeof(l_r->date), "%04u-%02u-%02u", (unsigned)t.year % 10000, t.month % 100, t.day % 100);
	return true;
}

static bool
shows(struct policy_file *f, uint64_t wall_us, const char *date, unsigned minute)
{
	struct policy_local l;

	return local_time(f, base_span("", 0), wall_us, &l) && strcmp(l.date, date) == 0 && l.minute == minute;
}

/* When do the clocks of the policy's zone show "2026-11-22 14:30"? The earlier time when they do twice; GH_E_MISSING when never. */
static int
moment_at(struct policy_file *f, struct base_span at, uint64_t *wall_us_r)
{
	char date[11];
	uint64_t day, hour, minute, utc;

	(void)snprintf(date, sizeof(date), "%.*s", 10, (const char *)at.p);
	int rc = base_time_parse(base_span(at.p, 10), &day);
	if (rc == 0)
		rc = base_num_u64(base_span(at.p + 11, 2), 0, 23, &hour);
	if (rc == 0)
		rc = base_num_u64(base_span(at.p + 14, 2), 0, 59, &minute);
	if (rc < 0)
		return rc;
	utc = day + (hour * 60 + minute) * MINUTE_US;
	/* Offsets are whole quarters of an hour, from 14 hours ahead to 12 behind: the earliest time first. */
	for (unsigned i = 0; i <= (14 + 12) * 4; i++) {
		uint64_t wall = utc + i * QUARTER_US;
		if (wall >= 14 * 4 * QUARTER_US && shows(f, wall - 14 * 4 * QUARTER_US, date, (unsigned)(hour * 60 + minute))) {
			*wall_us_r = wall - 14 * 4 * QUARTER_US;
			return 0;
		}
	}
	return GH_E_MISSING;
}

/* `only` and left_on, where the test says from where or when somebody comes. A refusal becomes the verdict; true: it is one. */
static bool
refused_at_all(const struct cli_live *l, const struct policy_test *t, const struct policy_scope *s, const struct policy_person *p, struct cli_verdict *v, struct outcome *o)
{
	struct policy_moment m = {.wall_us = base_time_wall_us(), .local = local_time, .ctx = l->policy, .address = t->from.n > 0 ? t->from : base_span_str("local"),
	                          .certificate = t->certificate};
	char words[500] = "";

	if (t->from.n == 0 && t->at.n == 0 && !t->certificate)
		return false;
	if (t->at.n > 0 && moment_at(l->policy, t->at, &m.wall_us) < 0) {
		wrong(o, t->line, "a time that the clocks show", "in the policy's zone they are set forward over it");
		return true;
	}
	if (policy_only_check(s, p, &m, &v->rule, words, sizeof(words)) == POLICY_ONLY_YES)
		return false;
	v->refused = true;
	(void)snprintf(v->sqlstate, sizeof(v->sqlstate), "28000");
	(void)snprintf(v->text, sizeof(v->text), "%s", words);
	return true;
}

static int
run_test(const struct cli_live *l, const struct policy_test *t, struct outcome *o, struct base_fail *fail)
{
	const struct policy_person *listed = l->people ? policy_people_find(l->people, t->role) : NULL;
	struct policy_person p = listed ? *listed : (struct policy_person){.role = t->role, .name = t->role};
	struct policy_scope *scope = NULL;
	struct cli_verdict v = {0};
	const char *why_not = NULL;

	if (t->ngroups > 0) { /* the test says who this is; else the people file does */
		p.groups = t->groups;
		p.ngroups = t->ngroups;
	}
	p.team = t->team.n > 0 ? t->team : p.team;
	p.employer = t->employer.n > 0 ? t->employer : p.employer;
	p.province = t->province.n > 0 ? t->province : p.province;
	*o = (struct outcome){.ok = true};
	int rc = policy_scope_new(l->map, p.groups, p.ngroups, &scope);
	if (rc < 0)
		return base_fail_set(fail, rc, "not enough memory for what the person may do");
	char *sql = base_mem_str(t->run);
	rc = cli_actor_become(l, t->role, &p, &why_not, fail);
	if (rc == 0 && refused_at_all(l, t, scope, &p, &v, o)) {
		if (o->ok)
			check_all(l, t, sql, &v, why_not, o);
	} else if (rc == 0) {
		struct base_fail refused = {0};
		if (cli_verdict_make(l, scope, sql, false, &v, &refused) < 0)
			wrong(o, t->line, "a statement that can be judged", refused.text);
		else if (why_not && v.decision && v.decision->refused && strcmp(v.decision->refusal.id, "ROWS") == 0) /* it may be held for the role alone */
			(void)snprintf(o->skip, sizeof(o->skip), "the role's row-level security cannot be seen: %s", why_not);
		else
			check_all(l, t, sql, &v, why_not, o);
	}
	cli_verdict_done(&v);
	free(sql);
	policy_scope_unref(&scope);
	return rc;
}

/* In a TAP line '#' begins a directive. */
static void
put_name(struct base_span name)
{
	char quoted[512];

	(void)base_text_quote(quoted, sizeof(quoted), name, 480);
	for (const char *p = quoted; *p; p++)
		if (*p == '#' || *p == '\\')
			printf("\\%c", *p);
		else
			putchar(*p);
}

static void
put_yaml(const char *name, const char *text)
{
	struct base_buf b;

	base_buf_init(&b, 1u << 16);
	cli_out_json(&b, base_span_str(text)); /* a JSON string is a YAML string */
	struct base_span s = base_buf_span(&b);
	printf("  %s: %.*s\n", name, (int)s.n, (const char *)s.p);
	base_buf_done(&b);
}

static void
report(const struct cli_live *l, size_t number, const struct policy_test *t, const struct outcome *o)
{
	char at[600], file[512];

	printf("%sok %zu - ", o->ok ? "" : "not ", number);
	put_name(t->name);
	if (o->ok && *o->skip)
		printf(" # SKIP %s", o->skip);
	putchar('\n');
	if (o->ok)
		return;
	(void)snprintf(at, sizeof(at), "%s:%u", base_text_quote(file, sizeof(file), l->policy->file, 480), t->line);
	puts("  ---");
	put_yaml("at", at);
	put_yaml("message", o->why);
	puts("  ...");
}

int
cli_policy_test(const struct cli_args *args)
{
	struct cli_live l = {0};
	struct base_fail fail = {0};
	size_t failed = 0;

	int rc = cli_live_open(&l, args, args->count > 0 ? args->operand[0] : NULL, &fail);
	if (rc == 0)
		printf("TAP version 13\n1..%zu%s\n", l.policy->ntests, l.policy->ntests ? "" : " # SKIP the policy has no tests");
	for (size_t i = 0; rc == 0 && i < l.policy->ntests; i++) {
		struct outcome o;
		rc = run_test(&l, &l.policy->tests[i], &o, &fail);
		if (rc < 0)
			break;
		report(&l, i + 1, &l.policy->tests[i], &o);
		failed += !o.ok;
	}
	int status = failed > 0 ? CLI_EXIT_NONE : CLI_EXIT_OK;
	if (rc < 0) {
		if (l.map)
			printf("Bail out! %s\n", fail.text);
		status = cli_out_fail(&fail);
	}
	cli_live_done(&l);
	return fflush(stdout) == 0 ? status : cli_out_error("cannot write to standard output");
}
