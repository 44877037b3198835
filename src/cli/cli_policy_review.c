/* cli_policy_review: `gatehouse policy review`: what the owner of a policy should look at: rights that nobody used, people whose vetting is over or soon will be, people who have left,
 * groups by how many persons they saw, and the policy's own date. Reads files and the ledger; asks no database, changes nothing. Exit status 1: there is something to decide.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_check.h"
#include "cli_files.h"
#include "cli_ledger.h"
#include "cli_out.h"
#include "cli_review.h"
#include "cli_rights.h"
#include "cli_since.h"
#include "cli_table.h"

#define SINCE "90d"
#define SOON_US (30ull * 86400 * 1000000)
#define OUT_MAX (64u << 20)

struct unused { char *group, *right, *name; unsigned line; }; /* own */
struct review {
	struct proc_conf *conf;
	struct policy_file *policy;
	struct policy_people *people;
	struct cli_ledger *ledger;
	struct cli_review sums;
	struct cli_findings found;
	struct unused *unused; size_t nunused; /* own */
	struct base_buf untold;                /* tables that the ledger does not tell of, joined */
	struct base_map *untold_names;         /* own: the same, each once */
	uint64_t since_us, now_us, first_us;   /* first_us: of the ledger's entries since then; 0: none */
};

static char *
copy(const char *s)
{
	return base_mem_str(base_span_str(s));
}

static void
add_unused(struct review *x, struct base_span group, const char *right, const char *name, unsigned line)
{
	char quoted[200];

	x->unused = base_mem_grow(x->unused, x->nunused + 1, sizeof(*x->unused));
	if (!x->unused)
		abort(); /* a command without memory has no answer */
	x->unused[x->nunused++] = (struct unused){copy(base_text_quote(quoted, sizeof(quoted), group, 190)), copy(right), copy(name), line};
}

static int
scan(struct review *x, struct base_fail *fail)
{
	struct cli_progress progress;
	struct cli_record rec;
	int rc;

	cli_progress_init(&progress, "reading", cli_ledger_size(x->ledger));
	cli_ledger_seek(x->ledger, 0);
	while ((rc = cli_ledger_next(x->ledger, &rec, fail)) > 0) {
		cli_progress_step(&progress, rec.index);
		if (rec.e->time_us < x->since_us)
			continue;
		if (x->first_us == 0)
			x->first_us = rec.e->time_us;
		if (rec.e->kind != EVENT_READ && rec.e->kind != EVENT_WRITE)
			continue;
		if ((rc = cli_review_add(&x->sums, rec.e)) < 0) {
			base_fail_set(fail, rc, "more than %u persons and groups: the counts would not be exact", CLI_MARKS_MAX);
			base_fail_hint(fail, "give --since a later time");
			break;
		}
	}
	cli_progress_done(&progress);
	return rc < 0 ? rc : 0;
}

/* -- rights -- */

static void
table_rights(struct review *x, const struct policy_group *g, const struct cli_right_table *t)
{
	static const struct { unsigned action; enum cli_use use; const char *word; } write[] = {{POLICY_INSERT, CLI_USE_INSERT, "insert"}, {POLICY_UPDATE, CLI_USE_UPDATE, "update"},
	    {POLICY_DELETE, CLI_USE_DELETE, "delete"}};
	char table[520], column[700], how[300];

	(void)snprintf(table, sizeof(table), "%.*s.%.*s", (int)t->schema.n, (const char *)t->schema.p, (int)t->name.n, (const char *)t->name.p);
	if (!cli_review_told(x->policy, t->schema, t->name)) {
		if (!base_map_get(x->untold_names, base_span_str(table)) && base_map_put(x->untold_names, base_span_str(table), x) == 0)
			base_buf_fmt(&x->untold, "%s%s", base_buf_len(&x->untold) ? ", " : "", table);
		return;
	}
	for (size_t i = 0; i < t->ncolumns && t->actions & POLICY_READ; i++) {
		const struct cli_right_column *c = &t->columns[i];
		(void)snprintf(column, sizeof(column), "%s.%.*s", table, (int)c->name.n, (const char *)c->name.p);
		cli_mask_words(&c->mask, how, sizeof(how));
		char right[320];
		(void)snprintf(right, sizeof(right), "read, %s", how);
		if (c->known && c->mask.kind != POLICY_MASK_HIDE && !cli_review_used(&x->sums, g->name, CLI_USE_READ, column))
			add_unused(x, g->name, right, column, c->seen_line);
		if (c->reach != CLI_REACH_LOOKUP || cli_review_used(&x->sums, g->name, CLI_USE_LOOKUP, column))
			continue;
		bool identifier = false; /* of others the ledger does not say by what somebody was looked up */
		for (size_t s = 0; s < x->policy->nsubjects; s++)
			for (size_t k = 0; k < x->policy->subjects[s].nidentifiers; k++)
				identifier = identifier || (base_span_eq(x->policy->subjects[s].identifiers[k].column.column, c->name) && base_span_eq(x->policy->subjects[s].table.table, t->name) &&
				                            base_span_eq(x->policy->subjects[s].table.schema, t->schema));
		if (identifier)
			add_unused(x, g->name, "look up by", column, c->reach_line);
	}
	for (size_t i = 0; i < BASE_COUNT(write); i++)
		if (t->actions & write[i].action && !cli_review_used(&x->sums, g->name, write[i].use, table))
			add_unused(x, g->name, write[i].word, table, t->action_line[write[i].action == POLICY_INSERT ? 1 : write[i].action == POLICY_UPDATE ? 2 : 3]);
}

static void
rights(struct review *x)
{
	for (size_t i = 0; i < x->policy->ngroups; i++) {
		const struct policy_group *g = &x->policy->groups[i];
		struct cli_rights *r = cli_rights_new(&g, 1);
		for (size_t t = 0; t < r->ntables; t++)
			table_rights(x, g, &r->tables[t]);
		cli_rights_free(&r);
	}
}

/* -- people -- */

static void
people(struct review *x)
{
	char today[BASE_TIME_UTC_SIZE], soon[BASE_TIME_UTC_SIZE], role[200];
	size_t idle = 0;

	(void)base_time_utc(x->now_us, today);
	(void)base_time_utc(x->now_us + SOON_US, soon);
	today[10] = soon[10] = '\0';
	if (x->policy->review_by.n > 0 && base_span_cmp(x->policy->review_by, base_span_str(today)) < 0)
		cli_findings_say(&x->found, CLI_WARNING, "review", NULL, NULL, "the policy was to be reviewed by %.*s", (int)x->policy->review_by.n, (const char *)x->policy->review_by.p);
	else if (x->policy->review_by.n > 0)
		cli_findings_say(&x->found, CLI_NOTE, "review", NULL, NULL, "the policy is to be reviewed by %.*s", (int)x->policy->review_by.n, (const char *)x->policy->review_by.p);
	else
		cli_findings_add(&x->found, CLI_NOTE, "review", "the policy has no date of review", NULL, "review by 2027-03-31");
	for (size_t i = 0; x->people && i < policy_people_count(x->people); i++) {
		const struct policy_person *p = policy_people_at(x->people, i);
		bool left = p->left_on.n > 0 && base_span_cmp(p->left_on, base_span_str(today)) < 0, known = false;
		(void)base_text_quote(role, sizeof(role), p->role, 190);
		if (left && p->ngroups > 0)
			cli_findings_say(&x->found, CLI_WARNING, "left", NULL, "take the person out of the groups, and the role out of the database", "%s left on %.*s and is still in %zu %s", role, (int)p->left_on.n,
			                 (const char *)p->left_on.p, p->ngroups, p->ngroups == 1 ? "group" : "groups");
		if (!left && p->vetted_until.n > 0 && base_span_cmp(p->vetted_until, base_span_str(today)) < 0)
			cli_findings_say(&x->found, CLI_WARNING, "vetted", NULL, NULL, "vetting of %s lapsed on %.*s", role, (int)p->vetted_until.n, (const char *)p->vetted_until.p);
		else if (!left && p->vetted_until.n > 0 && base_span_cmp(p->vetted_until, base_span_str(soon)) < 0)
			cli_findings_say(&x->found, CLI_NOTE, "vetted", NULL, NULL, "vetting of %s lapses on %.*s", role, (int)p->vetted_until.n, (const char *)p->vetted_until.p);
		for (size_t g = 0; g < p->ngroups; g++) {
			bool there = cli_rights_group(x->policy, p->groups[g]) != NULL;
			char group[200];
			known = known || there;
			if (!there)
				cli_findings_say(&x->found, CLI_WARNING, "group", NULL, NULL, "%s is in group %s, which the policy does not know", role, base_text_quote(group, sizeof(group), p->groups[g], 190));
		}
		struct base_buf key; /* as cli_review keeps them */
		base_buf_init(&key, 65536);
		base_buf_u32(&key, 0);
		base_buf_u32(&key, (uint32_t)p->role.n);
		base_buf_put(&key, p->role);
		idle += known && !left && base_map_get(x->sums.active, base_buf_span(&key)) == NULL;
		base_buf_done(&key);
	}
	if (idle > 0)
		cli_findings_say(&x->found, CLI_NOTE, "idle", NULL, NULL, "%zu people with rights looked at nobody's record in this time", idle);
}

static void
about_ledger(struct review *x)
{
	char day[BASE_TIME_LOCAL_SIZE];

	if (x->first_us == 0)
		cli_findings_add(&x->found, CLI_WARNING, "ledger", "the ledger has no entry of this time: no right was used", NULL, NULL);
	else if (x->first_us > x->since_us + 86400000000ull)
		cli_findings_say(&x->found, CLI_NOTE, "ledger", NULL, NULL, "the ledger's first entry of this time is of %s: a right may have been used before", base_time_local(x->first_us, day));
	if (x->sums.cut > 0)
		cli_findings_say(&x->found, CLI_NOTE, "ledger", NULL, NULL, "%llu entries name more columns or tables than fit: a right that is used there only is called unused", (unsigned long long)x->sums.cut);
	if (x->sums.strange > 0)
		cli_findings_say(&x->found, CLI_NOTE, "group", NULL, NULL, "%llu look-ups were of actors in no group of this policy", (unsigned long long)x->sums.strange);
	if (base_buf_len(&x->untold) > 0) {
		base_buf_u8(&x->untold, 0);
		cli_findings_say(&x->found, CLI_NOTE, "ledger", NULL, NULL, "whether rights on %s were used is not known: the ledger tells of tables of persons only", (const char *)base_buf_span(&x->untold).p);
	}
}

/* -- telling -- */

static int
by_persons(const void *a, const void *b, void *ctx)
{
	const struct cli_exposure *g = ctx;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return g[x].persons != g[y].persons ? (g[x].persons < g[y].persons ? 1 : -1) : x < y ? -1 : 1;
}

static bool
say_exposure(const struct review *x, const size_t *order)
{
	static const struct cli_table_column columns[] = {{"GROUP", false, false}, {"ACTORS", true, false}, {"LOOK-UPS", true, false}, {"PERSONS SEEN", true, false}, {"OF THEM CLEAR", true, false}};
	struct cli_table *t = cli_table_new(columns, BASE_COUNT(columns));

	for (size_t i = 0; i < x->policy->ngroups; i++) {
		const struct cli_exposure *e = &x->sums.group[order[i]];
		char number[4][24], name[200];
		const uint64_t value[4] = {e->actors, e->looks, e->persons, e->clear};
		for (size_t k = 0; k < BASE_COUNT(number); k++)
			(void)snprintf(number[k], sizeof(number[k]), "%llu", (unsigned long long)value[k]);
		cli_table_row(t, (const char *const[]){base_text_quote(name, sizeof(name), x->policy->groups[order[i]].name, 190), number[0], number[1], number[2], number[3]});
	}
	return cli_table_print(&t);
}

static bool
say_unused(const struct review *x)
{
	static const struct cli_table_column columns[] = {{"GROUP", false, false}, {"RIGHT", false, true}, {"OF", false, true}, {"RULE", false, true}};
	struct cli_table *t = cli_table_new(columns, BASE_COUNT(columns));
	char rule[600], file[512];

	for (size_t i = 0; i < x->nunused; i++) {
		const struct unused *u = &x->unused[i];
		(void)snprintf(rule, sizeof(rule), "%s:%u", base_text_quote(file, sizeof(file), x->policy->file, 480), u->line);
		cli_table_row(t, (const char *const[]){u->group, u->right, u->name, rule});
	}
	return cli_table_print(&t);
}

static bool
say_text(struct review *x, const size_t *order)
{
	char since[BASE_TIME_LOCAL_SIZE];
	struct base_buf b;
	bool ok = true;

	base_buf_init(&b, OUT_MAX);
	cli_findings_text(&x->found, &b);
	ok = cli_out_write(&b);
	base_buf_done(&b);
	printf("\nwho saw how many, since %s\n", base_time_local(x->since_us, since));
	ok = ok && (x->policy->ngroups == 0 || say_exposure(x, order));
	printf("\nrights that nobody used\n");
	if (x->nunused == 0)
		puts("none");
	else
		ok = ok && say_unused(x);
	printf("\n%zu unused rights, %zu warnings, %zu notes\n", x->nunused, x->found.count[CLI_WARNING], x->found.count[CLI_NOTE]);
	return ok && fflush(stdout) == 0;
}

static bool
say_json(struct review *x, const size_t *order)
{
	char time[BASE_TIME_UTC_SIZE];
	struct base_buf b;

	base_buf_init(&b, OUT_MAX);
	base_buf_fmt(&b, "{\"since\":\"%s\",\"groups\":[", base_time_utc(x->since_us, time));
	for (size_t i = 0; i < x->policy->ngroups; i++) {
		const struct cli_exposure *e = &x->sums.group[order[i]];
		base_buf_str(&b, i ? ",{\"group\":" : "{\"group\":");
		cli_out_json(&b, x->policy->groups[order[i]].name);
		base_buf_fmt(&b, ",\"actors\":%zu,\"lookups\":%llu,\"persons\":%llu,\"clear\":%llu}", e->actors, (unsigned long long)e->looks, (unsigned long long)e->persons, (unsigned long long)e->clear);
	}
	base_buf_str(&b, "],\"unused\":[");
	for (size_t i = 0; i < x->nunused; i++) {
		base_buf_str(&b, i ? ",{\"group\":" : "{\"group\":");
		cli_out_json(&b, base_span_str(x->unused[i].group));
		base_buf_str(&b, ",\"right\":");
		cli_out_json(&b, base_span_str(x->unused[i].right));
		base_buf_str(&b, ",\"of\":");
		cli_out_json(&b, base_span_str(x->unused[i].name));
		base_buf_fmt(&b, ",\"line\":%u}", x->unused[i].line);
	}
	base_buf_str(&b, "],");
	cli_findings_json(&x->found, &b);
	base_buf_str(&b, "}\n");
	bool ok = cli_out_write(&b);
	base_buf_done(&b);
	return ok;
}

int
cli_policy_review(const struct cli_args *args)
{
	struct review x = {.now_us = base_time_wall_us(), .untold_names = base_map_new(0, NULL)};
	struct base_fail fail = {0};
	int rc, status;
	bool ok = true;

	cli_findings_init(&x.found);
	base_buf_init(&x.untold, 65536);
	if ((rc = cli_since_parse(cli_args_get(args, "since"), SINCE, x.now_us, &x.since_us, &fail)) < 0 || (rc = cli_files_conf(args, &x.conf, &fail)) < 0 ||
	    (rc = cli_files_policy(x.conf, &x.policy, &fail)) < 0 || (*x.conf->people && (rc = cli_files_people(x.conf, &x.people, &fail)) < 0) ||
	    (rc = cli_ledger_open(x.conf, &x.ledger, &fail)) < 0)
		goto out;
	cli_review_init(&x.sums, x.policy);
	if ((rc = scan(&x, &fail)) < 0)
		goto out;
	rights(&x);
	people(&x);
	about_ledger(&x);
	size_t *order = base_mem_new(x.policy->ngroups + 1, sizeof(*order));
	for (size_t i = 0; i < x.policy->ngroups; i++)
		order[i] = i;
	if (x.policy->ngroups > 0)
		qsort_r(order, x.policy->ngroups, sizeof(*order), by_persons, x.sums.group);
	ok = cli_args_get(args, "json") ? say_json(&x, order) : say_text(&x, order);
	free(order);
out:
	status = rc < 0 ? cli_out_fail(&fail) : !ok ? cli_out_error("cannot write to standard output") : x.nunused || x.found.count[CLI_WARNING] ? CLI_EXIT_NONE : CLI_EXIT_OK;
	for (size_t i = 0; i < x.nunused; i++) {
		free(x.unused[i].group);
		free(x.unused[i].right);
		free(x.unused[i].name);
	}
	free(x.unused);
	if (x.sums.policy)
		cli_review_done(&x.sums);
	base_buf_done(&x.untold);
	base_map_free(&x.untold_names);
	cli_findings_done(&x.found);
	cli_ledger_close(&x.ledger);
	policy_people_unref(&x.people);
	policy_file_free(&x.policy);
	proc_conf_free(&x.conf);
	return status;
}
