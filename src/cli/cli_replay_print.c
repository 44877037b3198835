/* cli_replay_print: a replay told to people, and as JSON. Input: sums of a replay; every text is quoted for a terminal. */
#include "cli_replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_out.h"
#include "cli_table.h"

#define OUT_MAX (256u << 20)
#define CAUSES_SHOWN 3u

static const char *const unknowable[] = {
    "constants are not in the ledger: of a statement with $1 in their place, a decision that depends on the constant itself is not seen",
    "everybody is taken to have gone on as they did: somebody who is stopped, or asked for a password, may do something else",
    "a step-up or an approval is taken to be given whenever it is asked for",
    "reasons are as they were then: where no case was asked for, none was looked for",
};

static bool
touched(const struct cli_replay_actor *a)
{
	return a->did[CLI_REPLAY_REFUSED] || a->did[CLI_REPLAY_CUT] || a->did[CLI_REPLAY_STEP] || a->did[CLI_REPLAY_ASK] || a->more || a->less || a->released || a->unknown;
}

static int
by_loss(const void *a, const void *b)
{
	const struct cli_replay_actor *x = *(const struct cli_replay_actor *const *)a, *y = *(const struct cli_replay_actor *const *)b;
	uint64_t m = x->did[CLI_REPLAY_REFUSED] + x->did[CLI_REPLAY_CUT], n = y->did[CLI_REPLAY_REFUSED] + y->did[CLI_REPLAY_CUT];

	if (x->fewer != y->fewer)
		return x->fewer < y->fewer ? 1 : -1;
	if (m != n)
		return m < n ? 1 : -1;
	return strcmp(x->actor, y->actor);
}

static int
by_number(const void *a, const void *b)
{
	const struct cli_replay_cause *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n ? 1 : -1) : x->what != y->what ? (x->what < y->what ? -1 : 1) : strcmp(x->words, y->words);
}

/* The actors in the order in which they are told; their number. */
static size_t
ordered(const struct cli_replay_tally *t, const struct cli_replay_about *about, struct cli_replay_actor **list)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nactors; i++)
		if (!about->only_actor || strcmp(t->actor[i]->actor, about->only_actor) == 0)
			list[n++] = t->actor[i];
	if (n > 0)
		qsort(list, n, sizeof(*list), by_loss);
	for (size_t i = 0; i < n; i++)
		if (list[i]->ncauses > 0)
			qsort(list[i]->cause, list[i]->ncauses, sizeof(*list[i]->cause), by_number);
	return n;
}

struct sums { uint64_t looks, refused, cut, steps, asks, more, less, released, unknown, persons, fewer; size_t people, stopped; };

static struct sums
sum(struct cli_replay_actor *const *list, size_t n)
{
	struct sums s = {.people = n};

	for (size_t i = 0; i < n; i++) {
		const struct cli_replay_actor *a = list[i];
		s.looks += a->looks;
		s.refused += a->did[CLI_REPLAY_REFUSED];
		s.cut += a->did[CLI_REPLAY_CUT];
		s.steps += a->did[CLI_REPLAY_STEP];
		s.asks += a->did[CLI_REPLAY_ASK];
		s.more += a->more;
		s.less += a->less;
		s.released += a->released;
		s.unknown += a->unknown;
		s.persons += a->persons;
		s.fewer += a->fewer;
		s.stopped += a->did[CLI_REPLAY_REFUSED] + a->did[CLI_REPLAY_CUT] > 0;
	}
	return s;
}

static void
cause_words(const struct cli_replay_cause *c, struct base_buf *b)
{
	static const char *const what[] = {"refused", "cut", "asked", "asked"};

	base_buf_fmt(b, "%llu %s: %s", (unsigned long long)c->n, what[c->what], c->words);
	if (*c->rule)
		base_buf_fmt(b, " (%s)", c->rule);
}

static void
row(struct cli_table *t, const struct cli_replay_actor *a)
{
	char number[6][24], first[BASE_TIME_LOCAL_SIZE] = "", who[600];
	const uint64_t value[6] = {a->looks, a->did[CLI_REPLAY_REFUSED], a->did[CLI_REPLAY_CUT], a->persons, a->fewer, 0};
	struct base_buf why;

	for (size_t i = 0; i < BASE_COUNT(number); i++)
		(void)snprintf(number[i], sizeof(number[i]), "%llu", (unsigned long long)value[i]);
	(void)snprintf(who, sizeof(who), *a->name ? "%s (%s)" : "%s%s", *a->name ? a->name : a->actor, *a->name ? a->actor : "");
	if (a->first_us)
		(void)base_time_local(a->first_us, first);
	base_buf_init(&why, 65536);
	for (size_t i = 0; i < a->ncauses && i < CAUSES_SHOWN; i++) {
		base_buf_str(&why, i ? "; " : "");
		cause_words(&a->cause[i], &why);
	}
	if (a->ncauses > CAUSES_SHOWN)
		base_buf_fmt(&why, "; and %zu more (--actor has them)", a->ncauses - CAUSES_SHOWN);
	const struct { uint64_t n; const char *words; } more[] = {{a->less, "masked more"}, {a->more, "masked less"}, {a->released, "allowed that was refused"}, {a->unknown, "not analysed"}};
	for (size_t i = 0; i < BASE_COUNT(more); i++)
		if (more[i].n)
			base_buf_fmt(&why, "%s%llu %s", base_buf_len(&why) ? "; " : "", (unsigned long long)more[i].n, more[i].words);
	base_buf_u8(&why, 0);
	cli_table_row(t, (const char *const[]){who, a->employer, number[0], number[1], number[2], number[3], number[4], first, (const char *)base_buf_span(&why).p});
	base_buf_done(&why);
}

static void
say_causes(const struct cli_replay_actor *a)
{
	char quoted[1200], first[BASE_TIME_LOCAL_SIZE];
	struct base_buf b;

	base_buf_init(&b, 65536);
	for (size_t i = 0; i < a->ncauses; i++) {
		base_buf_clear(&b);
		cause_words(&a->cause[i], &b);
		printf("  %s, first %s\n", base_text_quote(quoted, sizeof(quoted), base_buf_span(&b), 1100), base_time_local(a->cause[i].first_us, first));
	}
	base_buf_done(&b);
}

static const char *
many(uint64_t n, const char *one, const char *more)
{
	return n == 1 ? one : more;
}

static void
say_sums(const struct cli_replay_tally *t, const struct sums *s)
{
	char why[500];

	printf("%llu of %llu %s would have been refused and %llu cut short, to %zu of %zu %s; %llu of %llu persons would not have been seen\n", (unsigned long long)s->refused,
	       (unsigned long long)s->looks, many(s->looks, "look-up", "look-ups"), (unsigned long long)s->cut, s->stopped, s->people, many(s->people, "actor", "actors"),
	       (unsigned long long)s->fewer, (unsigned long long)s->persons);
	const struct { uint64_t n; const char *words; } line[] = {{s->less, "look-ups would show less of the person (masked more)"}, {s->more, "look-ups would show more (masked less)"},
	    {s->released, "statements that were refused then would be allowed"}, {s->steps, "one-time passwords would have been asked for"}, {s->asks, "approvals would have been asked for"}};
	for (size_t i = 0; i < BASE_COUNT(line); i++)
		if (line[i].n)
			printf("%llu %s\n", (unsigned long long)line[i].n, line[i].words);
	printf("\nnot known from a ledger:\n");
	if (s->unknown)
		printf("  %llu %s could not be analysed, and %s decided without columns; the first: %s\n", (unsigned long long)s->unknown, many(s->unknown, "look-up", "look-ups"),
		       many(s->unknown, "was", "were"), base_text_quote(why, sizeof(why), base_span_str(t->unknown ? t->unknown : ""), 400));
	if (t->nobody)
		printf("  %llu %s whose rows name no person: no budget could count them\n", (unsigned long long)t->nobody, many(t->nobody, "look-up", "look-ups"));
	if (t->unasked)
		printf("  %llu %s whose reason nobody asked for then: `unexplained` was not applied to them\n", (unsigned long long)t->unasked, many(t->unasked, "row", "rows"));
	for (size_t i = 0; i < BASE_COUNT(unknowable); i++)
		printf("  %s\n", unknowable[i]);
}

int
cli_replay_print(const struct cli_replay_tally *t, const struct cli_replay_about *about)
{
	static const struct cli_table_column columns[] = {{"WHO", false, true}, {"EMPLOYER", false, true}, {"LOOK-UPS", true, false}, {"REFUSED", true, false}, {"CUT", true, false},
	    {"PERSONS", true, false}, {"FEWER", true, false}, {"FIRST", false, false}, {"WHY", false, true}};
	struct cli_replay_actor **list = base_mem_new(t->nactors + 1, sizeof(struct cli_replay_actor *));
	size_t n = ordered(t, about, list), shown = 0;
	char from[BASE_TIME_LOCAL_SIZE], to[BASE_TIME_LOCAL_SIZE], file[512], name[256];
	bool ok = true;

	printf("under %s (\"%s\" version %llu)", base_text_quote(file, sizeof(file), about->policy->file, 480), base_text_quote(name, sizeof(name), about->policy->name, 200),
	       (unsigned long long)about->policy->version);
	if (t->to_us)
		printf(", from %s to %s", base_time_local(t->from_us, from), base_time_local(t->to_us, to));
	printf("\n\n");
	struct cli_table *table = cli_table_new(columns, BASE_COUNT(columns));
	for (size_t i = 0; i < n; i++)
		if (about->only_actor || touched(list[i])) {
			row(table, list[i]);
			shown++;
		}
	if (shown > 0)
		ok = cli_table_print(&table);
	cli_table_free(&table);
	if (shown > 0 && n > shown)
		printf("and %zu more, to whom nothing would have been different\n", n - shown);
	if (shown > 0)
		putchar('\n');
	for (size_t i = 0; i < n && about->only_actor; i++)
		say_causes(list[i]);
	struct sums s = sum(list, n);
	say_sums(t, &s);
	free(list);
	return ok && fflush(stdout) == 0 ? 0 : GH_E_IO;
}

/* -- JSON -- */

static void
number(struct base_buf *b, const char *name, uint64_t n)
{
	base_buf_fmt(b, ",\"%s\":%llu", name, (unsigned long long)n);
}

static void
text(struct base_buf *b, const char *name, const char *value)
{
	if (!*value)
		return;
	base_buf_fmt(b, ",\"%s\":", name);
	cli_out_json(b, base_span_str(value));
}

static void
json_actor(struct base_buf *b, const struct cli_replay_actor *a)
{
	static const char *const what[] = {"refused", "cut", "step-up", "approval"};
	char time[BASE_TIME_UTC_SIZE];

	base_buf_str(b, "{\"actor\":");
	cli_out_json(b, base_span_str(a->actor));
	text(b, "name", a->name);
	text(b, "employer", a->employer);
	number(b, "lookups", a->looks);
	number(b, "refused", a->did[CLI_REPLAY_REFUSED]);
	number(b, "cut", a->did[CLI_REPLAY_CUT]);
	number(b, "step_ups", a->did[CLI_REPLAY_STEP]);
	number(b, "approvals", a->did[CLI_REPLAY_ASK]);
	number(b, "masked_more", a->less);
	number(b, "masked_less", a->more);
	number(b, "allowed_now", a->released);
	number(b, "not_analysed", a->unknown);
	number(b, "persons", a->persons);
	number(b, "fewer", a->fewer);
	if (a->first_us)
		base_buf_fmt(b, ",\"first\":\"%s\"", base_time_utc(a->first_us, time));
	base_buf_str(b, ",\"causes\":[");
	for (size_t i = 0; i < a->ncauses; i++) {
		const struct cli_replay_cause *c = &a->cause[i];
		base_buf_fmt(b, "%s{\"what\":\"%s\",\"n\":%llu,\"first\":\"%s\"", i ? "," : "", what[c->what], (unsigned long long)c->n, base_time_utc(c->first_us, time));
		text(b, "why", c->words);
		text(b, "rule", c->rule);
		base_buf_u8(b, '}');
	}
	base_buf_str(b, "]}");
}

int
cli_replay_json(const struct cli_replay_tally *t, const struct cli_replay_about *about)
{
	struct cli_replay_actor **list = base_mem_new(t->nactors + 1, sizeof(struct cli_replay_actor *));
	size_t n = ordered(t, about, list);
	struct sums s = sum(list, n);
	char time[BASE_TIME_UTC_SIZE];
	struct base_buf b;

	base_buf_init(&b, OUT_MAX);
	base_buf_str(&b, "{\"policy\":");
	cli_out_json(&b, about->policy->file);
	base_buf_fmt(&b, ",\"since\":\"%s\"", base_time_utc(about->since_us, time));
	number(&b, "statements", about->statements);
	number(&b, "lookups", s.looks);
	number(&b, "refused", s.refused);
	number(&b, "cut", s.cut);
	number(&b, "step_ups", s.steps);
	number(&b, "approvals", s.asks);
	number(&b, "masked_more", s.less);
	number(&b, "masked_less", s.more);
	number(&b, "allowed_now", s.released);
	number(&b, "not_analysed", s.unknown);
	number(&b, "persons", s.persons);
	number(&b, "fewer", s.fewer);
	number(&b, "rows_without_reason", t->unasked);
	number(&b, "lookups_of_nobody", t->nobody);
	text(&b, "not_analysed_first", t->unknown ? t->unknown : "");
	base_buf_str(&b, ",\"actors\":[");
	for (size_t i = 0; i < n; i++) {
		base_buf_str(&b, i ? "," : "");
		json_actor(&b, list[i]);
	}
	base_buf_str(&b, "],\"not_known\":[");
	for (size_t i = 0; i < BASE_COUNT(unknowable); i++) {
		base_buf_str(&b, i ? "," : "");
		cli_out_json(&b, base_span_str(unknowable[i]));
	}
	base_buf_str(&b, "]}\n");
	bool ok = cli_out_write(&b);
	base_buf_done(&b);
	free(list);
	return ok ? 0 : GH_E_IO;
}
