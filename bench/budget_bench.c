/* budget_bench: what the store of budgets costs, without sessions around it. For bench/run.py; not installed.
 *   budget_bench THREADS MARKS
 * Each thread is a session of one person: a row's subject is taken in the person's account (two windows) and in the employer's (one window, one account for all
 * threads), and settled. MARKS of them are new, then the same ones again (free), then as many that are refused. Prints "name value" lines.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_crypt.h"
#include "base_num.h"
#include "base_time.h"
#include "gate_budget.h"

#define HOUR (UINT64_C(3600) * 1000000)
#define THREADS_MAX 64u
#define BATCH 64u /* marks of one entry are settled together */

static struct gate_budget *budget;
static uint64_t each; /* marks of one thread */
static uint64_t places;

struct session {
	pthread_t thread;
	unsigned id;
	enum { FRESH, AGAIN, REFUSED } what;
	struct gate_account *account[2]; /* of the person, of the employer */
	uint64_t wrong;
};

static void *
run(void *arg)
{
	struct session *s = arg;
	const uint64_t n = s->what == REFUSED ? 1 : places;
	const struct gate_budget_limit person[] = {{n, HOUR, NULL}, {n, 24 * HOUR, NULL}}, employer[] = {{n, 24 * HOUR, NULL}};
	const struct gate_charge charge[] = {{s->account[0], person, 2}, {s->account[1], employer, 1}};
	struct gate_budget_refusal r;
	uint64_t marks[BATCH], waiting = 0;

	for (uint64_t i = 0; i < each; i++) {
		/* marks are hashes: spread as those are */
		uint64_t mark = (i + 1 + (s->what == REFUSED ? each : 0)) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)s->id << 56;
		enum gate_budget_answer answer = gate_budget_take(budget, charge, 2, mark, base_time_mono_us(), &r);

		s->wrong += answer != (s->what == REFUSED ? GATE_BUDGET_REFUSED : GATE_BUDGET_TAKEN);
		if (answer == GATE_BUDGET_TAKEN)
			marks[waiting++] = mark;
		if (waiting == BATCH || i + 1 == each) {
			gate_budget_settle(budget, s->account, 2, marks, waiting, base_time_mono_us());
			waiting = 0;
		}
	}
	return NULL;
}

static uint64_t
resident(void)
{
	unsigned long long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL || fscanf(f, "%llu %llu", &total, &pages) != 2)
		exit(1);
	(void)fclose(f); /* read only */
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
phase(struct session *s, uint64_t threads, int what, const char *name)
{
	uint64_t start = base_time_mono_us(), took;

	for (uint64_t i = 0; i < threads; i++) {
		s[i].what = what;
		if (pthread_create(&s[i].thread, NULL, run, &s[i]) != 0)
			exit(1);
	}
	for (uint64_t i = 0; i < threads; i++)
		(void)pthread_join(s[i].thread, NULL); /* ours, joined once */
	took = base_time_mono_us() - start;
	for (uint64_t i = 0; i < threads; i++)
		if (s[i].wrong > 0) {
			(void)fprintf(stderr, "budget_bench: %s: %llu answers are wrong\n", name, (unsigned long long)s[i].wrong);
			exit(1);
		}
	(void)printf("%s_per_s %.0f\n", name, (double)(each * threads) * 1e6 / (double)took);
}

int
main(int argc, char **argv)
{
	static struct session s[THREADS_MAX];
	uint64_t threads, marks, before;

	if (argc != 3 || base_num_u64(base_span_str(argv[1]), 1, THREADS_MAX, &threads) < 0 || base_num_u64(base_span_str(argv[2]), 1000, 50000000, &marks) < 0) {
		(void)fprintf(stderr, "usage: budget_bench THREADS MARKS\n");
		return 2;
	}
	base_crypt_init();
	each = marks / threads;
	places = 2 * marks;
	before = resident();
	budget = gate_budget_new((size_t)marks * 3 * GATE_BUDGET_NODE);
	for (unsigned i = 0; i < threads; i++) {
		char who[16];
		(void)snprintf(who, sizeof(who), "person%u", i);
		const struct gate_account_name person = {POLICY_HOLDER_ACTOR, base_span_str(who), base_span_str("customer"), POLICY_ADJECTIVE_NONE};
		const struct gate_account_name employer = {POLICY_HOLDER_EMPLOYER, base_span_str("Acme"), base_span_str("customer"), POLICY_ADJECTIVE_NONE};

		s[i].id = i;
		s[i].account[0] = gate_budget_account(budget, &person, 24 * HOUR);
		s[i].account[1] = gate_budget_account(budget, &employer, 24 * HOUR);
	}
	phase(s, threads, FRESH, "new");
	(void)printf("bytes_per_mark %.1f\n", (double)(resident() - before) / (double)(each * threads * 2)); /* each is in two accounts */
	phase(s, threads, AGAIN, "again");
	phase(s, threads, REFUSED, "refused");
	for (uint64_t i = 0; i < threads; i++)
		for (int k = 0; k < 2; k++)
			gate_budget_drop(budget, &s[i].account[k]);
	gate_budget_free(&budget);
	return 0;
}
