/* case_drive: for tests/case/run.py. Argument: a gatehouse.conf. Standard input: one command a line, words separated by tabs; empty words count. Answers come when
 * they are there, one line each, from other threads too:
 *
 *   ask TAG ACTOR EMPLOYER TEAM DECLARED KEY...   -> "answer TAG cached|asked explained,weak,..." or "answer TAG failed WHY"
 *   pending SESSION SEQ SECONDS-AGO ACTOR EMPLOYER TEAM DECLARED KEY    later: "settled SESSION SEQ CLASS NUMBER" or "orphan SESSION SEQ"
 *   was SESSION SEQ KEY
 *   numbers                                       -> "numbers HITS MISSES QUERIES CACHED PENDING FAILED"
 *   sql                                           -> "sql TEXT" (line feeds as spaces): the query for a bigint subject
 *   reload                                        -> "reloaded"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_num.h"
#include "base_time.h"
#include "gate_case_int.h"
#include "gate_catalog.h"
#include "gate_row.h"

#define WORDS 300

static struct base_loop *loop;
static struct gate_cases *cases;
static struct gate_world *world;
static uint64_t version;
static pthread_mutex_t out = PTHREAD_MUTEX_INITIALIZER;

static void
must(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static struct gate_world *
load(const char *path)
{
	struct proc_conf *conf = NULL;
	struct policy_file *policy = NULL;
	struct policy_map *map = NULL;
	struct gate_world *w = NULL;
	struct base_fail fail;

	must(proc_conf_load(path, &conf, &fail) == GH_OK, path, fail.text);
	must(gate_world_load(conf, ++version, &w, &policy, &fail) == GH_OK, "world", fail.text);
	PGconn *conn = PQconnectdb(w->conf->control);
	must(PQstatus(conn) == CONNECTION_OK, "connection", PQerrorMessage(conn));
	must(gate_catalog_bind(conn, policy, &map, &fail) == GH_OK, "policy", fail.text);
	must(gate_world_bind(w, map, &fail) == GH_OK, "keys", fail.text);
	PQfinish(conn);
	policy_file_free(&policy);
	return w;
}

static void
say(const struct gate_case_ask *a, const char *how)
{
	(void)pthread_mutex_lock(&out);
	(void)printf("answer %s ", (const char *)a->session);
	if (a->failed)
		(void)printf("failed %s", a->why);
	else
		(void)printf("%s ", how);
	for (size_t i = 0; i < a->nkeys && !a->failed; i++)
		(void)printf("%s%s", i ? "," : "", policy_class_word(a->class_r[i]));
	(void)printf("\n");
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&out);
}

static void
finish(struct gate_case_ask *a, const char *how)
{
	say(a, how);
	free(a->session);
	gate_case_ask_free(&a);
}

static void
on_done(void *ask)
{
	finish(ask, "asked");
}

static void
on_settled(void *ctx, const struct gate_settled *s)
{
	(void)ctx;
	(void)pthread_mutex_lock(&out);
	(void)printf("%s %.*s %llu", s->orphan ? "orphan" : "settled", (int)s->session.n, (const char *)s->session.p, (unsigned long long)s->seq);
	if (!s->orphan)
		(void)printf(" %s %.*s", policy_class_word(s->class), (int)s->number.n, (const char *)s->number.p);
	(void)printf("\n");
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&out);
}

static uint64_t
number(const char *s)
{
	uint64_t v = 0;

	must(base_num_u64(base_span_str(s), 0, UINT64_MAX, &v) == GH_OK, "not a number", s);
	return v;
}

static char *
copy(const char *s)
{
	return base_mem_str(base_span_str(s));
}

static void
ask(char **word, size_t n)
{
	struct gate_case_ask *a = gate_case_ask_new();

	a->session = copy(word[1]);
	a->loop = loop;
	a->done = on_done;
	a->world = world;
	gate_world_ref(world);
	a->actor = copy(word[2]);
	a->employer = copy(word[3]);
	a->team = copy(word[4]);
	a->declared = copy(word[5]);
	for (size_t i = 6; i < n && a->nkeys < GATE_CASE_ASK_MAX; i++)
		a->key[a->nkeys++] = copy(word[i]);
	if (gate_cases_ask(cases, a))
		finish(a, "cached");
}

/* As a session does: the mark of the key that a row of customers holds. */
static uint64_t
mark_of(const char *key, uint64_t at_us, uint32_t *epoch_r)
{
	const struct policy_relation *r = policy_map_named(world->map, base_span_str("public"), base_span_str("customers"), 0);
	const struct policy_column *c = r ? policy_map_column_named(r, base_span_str("id")) : NULL;
	const struct mask_marker *m = gate_world_marker(world, at_us);

	must(c && m, "no mark", key);
	*epoch_r = mask_marker_epoch(m);
	return gate_row_mark(c, c->type_oid, 0, base_span_str(key), m);
}

static void
pending(char **word)
{
	uint64_t at = base_time_wall_us() - number(word[3]) * 1000000;
	uint32_t epoch;
	uint64_t mark = mark_of(word[8], at, &epoch);

	gate_cases_pending(cases, base_span_str(word[1]), number(word[2]), at, base_span_str(word[4]), base_span_str(word[5]), base_span_str(word[6]), base_span_str(word[7]), mark, epoch);
}

static void
show_numbers(void)
{
	struct gate_cases_numbers n;

	gate_cases_numbers(cases, &n);
	(void)pthread_mutex_lock(&out);
	(void)printf("numbers %llu %llu %llu %llu %llu %llu\n", (unsigned long long)n.hits, (unsigned long long)n.misses, (unsigned long long)n.queries, (unsigned long long)n.cached,
	             (unsigned long long)n.pending, (unsigned long long)n.failed);
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&out);
}

static void
show_sql(void)
{
	struct base_buf b;

	base_buf_init(&b, 65536);
	gate_case_query_ask(&policy_map_file(world->map)->case_from, &(struct gate_case_type){"pg_catalog", "int8"}, &b);
	base_buf_u8(&b, 0);
	must(!b.bad, "sql", "too long");
	char *text = copy((const char *)base_buf_span(&b).p);
	for (char *p = text; *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	(void)pthread_mutex_lock(&out);
	(void)printf("sql %s\n", text);
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&out);
	free(text);
	base_buf_done(&b);
}

static void
command(char *line, const char *conf)
{
	char *word[WORDS] = {NULL}, *rest = line;
	size_t n = 0;

	while (rest && n < WORDS)
		word[n++] = strsep(&rest, "\t");
	if (strcmp(word[0], "ask") == 0 && n >= 7) {
		ask(word, n);
	} else if (strcmp(word[0], "pending") == 0 && n == 9) {
		pending(word);
	} else if (strcmp(word[0], "was") == 0 && n == 4) {
		uint32_t epoch;
		gate_cases_was_settled(cases, base_span_str(word[1]), number(word[2]), mark_of(word[3], base_time_wall_us(), &epoch));
	} else if (strcmp(word[0], "numbers") == 0) {
		show_numbers();
	} else if (strcmp(word[0], "sql") == 0) {
		show_sql();
	} else if (strcmp(word[0], "reload") == 0) {
		struct gate_world *w = load(conf);
		gate_cases_adopt(cases, w);
		gate_world_unref(&world);
		world = w;
		(void)pthread_mutex_lock(&out);
		(void)printf("reloaded\n");
		(void)fflush(stdout);
		(void)pthread_mutex_unlock(&out);
	} else {
		must(false, "no such command", line);
	}
}

static void *
run_loop(void *arg)
{
	base_loop_run(arg);
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t thread;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	must(argc == 2, "usage", "case_drive CONF");
	world = load(argv[1]);
	loop = base_loop_new();
	cases = gate_cases_new(world, on_settled, NULL);
	gate_cases_start(cases);
	must(pthread_create(&thread, NULL, run_loop, loop) == 0, "thread", "not started");
	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		command(line, argv[1]);
	}
	free(line);
	base_loop_stop(loop);
	(void)pthread_join(thread, NULL);
	gate_cases_stop(&cases);
	base_loop_free(&loop);
	gate_world_unref(&world);
	return 0;
}
