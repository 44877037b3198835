/* ledger_bench: how fast src/ledger takes entries in and verifies them, without a keeper around it. For bench/run.py; not installed.
 *   ledger_bench FOLDER flush|write ENTRIES SIZE BATCH
 * One thread appends batches (the keeper's flusher), another makes tiles and checkpoints behind it (the keeper's publisher), then the
 * finished log is verified from its entries. Also takes the time of a bare 4 KiB pwrite + fdatasync in the same folder, the floor of `flush`.
 * Prints "name value" lines. FOLDER must not exist; the caller removes it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_crypt.h"
#include "base_num.h"
#include "base_time.h"
#include "ledger_log.h"
#include "ledger_tile.h"
#include "ledger_verify.h"

#define ORIGIN "gatehouse.example/ledger/bench"
#define PUBLISH_ENTRIES 1000u /* as the keeper does */
#define PROBES 200u
#define PROBE_SIZE 4096u
#define ENTRY_LEAST 32u
#define ENTRY_MOST 60000u

struct bench {
	struct ledger_log *log;
	atomic_bool stop;
	struct base_fail fail;
	int result;
};

static void
die(const char *what, const struct base_fail *fail)
{
	(void)fprintf(stderr, "ledger_bench: %s: %s\n", what, fail ? fail->text : "");
	exit(1);
}

static double
cpu_us(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r); /* cannot fail for oneself */
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Into a file written beforehand, as a journal segment is. */
static void
probe_sync(const char *dir)
{
	static uint8_t page[PROBE_SIZE];
	uint64_t took[PROBES];
	char path[512];
	int fd;

	if (snprintf(path, sizeof path, "%s/probe", dir) >= (int)sizeof path)
		die("path too long", NULL);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	for (unsigned i = 0; i < PROBES; i++)
		if (fd < 0 || pwrite(fd, page, sizeof page, (off_t)i * PROBE_SIZE) != sizeof page)
			die("cannot write the probe", NULL);
	if (fsync(fd) < 0)
		die("cannot sync the probe", NULL);
	memset(page, 1, sizeof page);
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t start = base_time_mono_us();
		if (pwrite(fd, page, sizeof page, (off_t)i * PROBE_SIZE) != sizeof page || fdatasync(fd) < 0)
			die("cannot sync the probe", NULL);
		took[i] = base_time_mono_us() - start;
	}
	(void)close(fd);
	(void)unlink(path);
	qsort(took, PROBES, sizeof took[0], by_value);
	(void)printf("fdatasync_p50_us %llu\nfdatasync_p99_us %llu\n", (unsigned long long)took[PROBES / 2], (unsigned long long)took[PROBES * 99 / 100]);
}

static void *
publisher(void *arg)
{
	struct bench *b = arg;

	while (!atomic_load(&b->stop) && b->result == 0) {
		if (ledger_log_size(b->log) - ledger_log_published(b->log) < PUBLISH_ENTRIES) {
			(void)usleep(1000);
			continue;
		}
		b->result = ledger_log_checkpoint(b->log, &b->fail);
		if (b->result == 0)
			b->result = ledger_log_tidy(b->log, &b->fail);
	}
	return NULL;
}

static void
append(struct bench *b, uint64_t entries, size_t size, uint64_t batch)
{
	static char entry[ENTRY_MOST];
	struct base_buf packed;
	struct base_fail fail;

	memset(entry, 'x', sizeof entry);
	base_buf_init(&packed, 64u << 20);
	for (uint64_t done = 0; done < entries;) {
		uint64_t n = entries - done < batch ? entries - done : batch;

		base_buf_clear(&packed);
		for (uint64_t i = 0; i < n; i++) {
			(void)snprintf(entry, ENTRY_LEAST, "%020llu", (unsigned long long)(done + i)); /* no two alike */
			ledger_bundle_put(&packed, base_span(entry, size));
		}
		if (packed.bad || ledger_log_append(b->log, base_buf_span(&packed), n, &fail) < 0)
			die("append", packed.bad ? NULL : &fail);
		done += n;
	}
	base_buf_done(&packed);
}

int
main(int argc, char **argv)
{
	static const uint8_t seed[BASE_ED25519_SEED] = "a seed for measuring, no more.";
	struct ledger_log_options o = {.flush = argc == 6 && strcmp(argv[2], "flush") == 0};
	struct ledger_verify_report report;
	struct ledger_signer signer;
	struct base_fail fail = {.text = ""};
	struct bench b = {.result = 0};
	uint64_t entries, size, batch, start, t;
	char dir[256], head[256];
	pthread_t thread;
	double cpu;

	if (argc != 6 || base_num_u64(base_span_str(argv[3]), 1, 100000000, &entries) < 0 ||
	    base_num_u64(base_span_str(argv[4]), ENTRY_LEAST, ENTRY_MOST, &size) < 0 || base_num_u64(base_span_str(argv[5]), 1, 10000, &batch) < 0) {
		(void)fprintf(stderr, "usage: ledger_bench FOLDER flush|write ENTRIES SIZE BATCH\n");
		return 2;
	}
	base_crypt_init();
	if (mkdir(argv[1], 0700) < 0)
		die("cannot make the folder", NULL);
	probe_sync(argv[1]);
	if (snprintf(dir, sizeof dir, "%s/ledger", argv[1]) >= (int)sizeof dir || snprintf(head, sizeof head, "%s/ledger.head", argv[1]) >= (int)sizeof head)
		die("path too long", NULL);
	if (ledger_signer_make(base_span_str(ORIGIN), seed, &signer, &fail) < 0)
		die("key", &fail);
	o.dir = dir, o.head = head, o.signer = &signer;
	if (ledger_log_open(&o, &b.log, &fail) < 0)
		die("open", &fail);

	start = base_time_mono_us();
	cpu = cpu_us();
	if (pthread_create(&thread, NULL, publisher, &b) != 0)
		die("thread", NULL);
	append(&b, entries, size, batch);
	t = base_time_mono_us() - start;
	atomic_store(&b.stop, true);
	(void)pthread_join(thread, NULL); /* ours, joined once */
	if (b.result < 0)
		die("publish", &b.fail);
	if (ledger_log_checkpoint(b.log, &fail) < 0)
		die("checkpoint", &fail);
	(void)printf("append_per_s %.0f\n", (double)entries * 1e6 / (double)t);
	t = base_time_mono_us() - start;
	(void)printf("published_per_s %.0f\nappend_cpu_us %.3f\n", (double)entries * 1e6 / (double)t, (cpu_us() - cpu) / (double)entries);
	ledger_log_close(&b.log);

	start = base_time_mono_us();
	cpu = cpu_us();
	if (ledger_verify(dir, &signer.vkey, NULL, NULL, &report, &fail) < 0)
		die("verify", &fail);
	t = base_time_mono_us() - start;
	(void)printf("verify_per_s %.0f\nverify_cpu_us %.3f\n", (double)report.entries * 1e6 / (double)t, (cpu_us() - cpu) / (double)report.entries);
	ledger_signer_done(&signer);
	return report.entries == entries ? 0 : 1;
}
