/* bench_ledger: entries per second of one log in a folder: appended (journal only), appended with tiles and checkpoints beside, verified.
 * Usage: bench_ledger FOLDER [ENTRIES]. Prints a table; `make bench` puts it in RESULTS.md.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_num.h"
#include "base_time.h"
#include "ledger_log.h"
#include "ledger_tile.h"
#include "ledger_verify.h"

#define ENTRY 300u

static atomic_bool done;

static void
die(const char *what, const struct base_fail *fail)
{
	(void)fprintf(stderr, "bench_ledger: %s: %s\n", what, fail->text);
	exit(1);
}

static void *
publisher(void *arg)
{
	struct ledger_log *log = arg;
	struct base_fail fail = {.text = ""};
	bool last;

	do {
		last = atomic_load(&done);
		if (ledger_log_checkpoint(log, &fail) < 0 || ledger_log_tidy(log, &fail) < 0)
			die("publish", &fail);
	} while (!last);
	return NULL;
}

static double
run_append(struct ledger_log *log, uint64_t total, size_t batch)
{
	struct base_fail fail = {.text = ""};
	uint64_t t = base_time_mono_us();
	uint8_t entry[ENTRY];
	struct base_buf b;

	memset(entry, 'x', sizeof entry);
	entry[0] = '{';
	entry[ENTRY - 1] = '}';
	base_buf_init(&b, 16u << 20);
	for (size_t i = 0; i < batch; i++)
		ledger_bundle_put(&b, base_span(entry, sizeof entry));
	for (uint64_t n = 0; n < total; n += batch)
		if (ledger_log_append(log, base_buf_span(&b), batch, &fail) < 0)
			die("append", &fail);
	base_buf_done(&b);
	return (double)total / (double)(base_time_mono_us() - t);
}

int
main(int argc, char **argv)
{
	static const size_t batches[] = {1, 8, 32, 128, 1000, 8000};
	struct ledger_log_options o = {.flush = true};
	struct ledger_verify_report rep;
	struct base_fail fail = {.text = ""};
	struct ledger_signer signer;
	struct ledger_log *log;
	uint64_t total = 1024000, t, u;
	double rate;
	pthread_t th;

	if (argc < 2 || (argc > 2 && base_num_u64(base_span_str(argv[2]), 8000, 1u << 30, &total) < 0)) {
		(void)fprintf(stderr, "usage: bench_ledger FOLDER [ENTRIES]\n");
		return 2;
	}
	base_crypt_init();
	o.dir = argv[1];
	o.signer = &signer;
	if (ledger_signer_make(base_span_str("bench.example/ledger"), (const uint8_t *)"a seed for the bench; no secret.", &signer, &fail) < 0 ||
		ledger_log_open(&o, &log, &fail) < 0)
		die("open", &fail);
	for (size_t i = 0; i < BASE_COUNT(batches); i++) {
		uint64_t n = batches[i] * 256 < total ? batches[i] * 256 : total;

		(void)printf("append, journal only, fdatasync each %5zu   %8.3f M entries/s\n", batches[i], run_append(log, n, batches[i]));
	}
	t = base_time_mono_us();
	u = ledger_log_size(log) - ledger_log_published(log);
	if (ledger_log_checkpoint(log, &fail) < 0 || ledger_log_tidy(log, &fail) < 0)
		die("publish", &fail);
	(void)printf("tiles and checkpoint of %8llu entries     %8.3f M entries/s\n", (unsigned long long)u,
		(double)u / (double)(base_time_mono_us() - t));
	t = base_time_mono_us();
	if (pthread_create(&th, NULL, publisher, log) != 0)
		return 1;
	rate = run_append(log, total, 1000);
	atomic_store(&done, true);
	(void)pthread_join(th, NULL);
	(void)printf("append, fdatasync each 1000, tiles beside   %8.3f M entries/s\n", rate);
	(void)printf("the same until the last checkpoint          %8.3f M entries/s\n", (double)total / (double)(base_time_mono_us() - t));
	ledger_log_close(&log);
	t = base_time_mono_us();
	if (ledger_verify(o.dir, &signer.vkey, NULL, NULL, &rep, &fail) < 0)
		die("verify", &fail);
	(void)printf("verify %8llu entries                      %8.3f M entries/s\n", (unsigned long long)rep.size,
		(double)rep.size / (double)(base_time_mono_us() - t));
	return 0;
}
