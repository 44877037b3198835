/* test_ledger_log: write, restart, read; a crash after every state of the files; damage; two writers; an older copy. */
#include "test_ledger_util.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "ledger_log_int.h"
#include "ledger_tail.h"

static void
must(int r, const struct base_fail *fail)
{
	if (r != 0)
		fail_msg("%d: %s", r, fail->text);
}

static void
test_cycle(void **state)
{
	static const uint64_t steps[] = {1, 1, 253, 1, 1, 700, 0, 64000, 600, 300, 1};
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct place p;
	uint64_t total = 0;

	(void)state;
	place_init(&p);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	verify_ok(&p, 0); /* an empty log is signed too */
	for (size_t i = 0; i < BASE_COUNT(steps); i++) {
		for (uint64_t left = steps[i]; left > 0;) {
			uint64_t n = left > 5000 ? 5000 : left;

			must(append(log, n, &fail), &fail);
			left -= n;
		}
		total += steps[i];
		assert_true(ledger_log_size(log) == total);
		assert_int_equal(read_all_entries(p.dir, true), total);
		if (i % 3 == 1)
			must(ledger_log_integrate(log, &fail), &fail);
		must(ledger_log_checkpoint(log, &fail), &fail);
		must(ledger_log_tidy(log, &fail), &fail);
		assert_true(ledger_log_published(log) == total);
		assert_int_equal(read_all_entries(p.dir, false), total);
		verify_ok(&p, total);
		if (i % 2 == 0) {
			ledger_log_close(&log);
			must(place_open(&p, 0, i % 4 == 0, &log, &fail), &fail);
			assert_true(ledger_log_size(log) == total);
		}
	}
	ledger_log_close(&log);
	place_done(&p);
}

/* Small segments: many rotations; close without checkpoint = crash; all entries come back. */
static void
test_rotation(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct place p;
	uint64_t total = 0;

	(void)state;
	place_init(&p);
	for (unsigned round = 0; round < 6; round++) {
		must(place_open(&p, 8192, round % 2 == 0, &log, &fail), &fail);
		assert_true(ledger_log_size(log) == total);
		for (unsigned i = 0; i < 40; i++) {
			must(append(log, 1 + i % 13, &fail), &fail);
			total += 1 + i % 13;
			if (i % 16 == 15)
				must(ledger_log_checkpoint(log, &fail), &fail);
			if (i % 16 == 12)
				must(ledger_log_tidy(log, &fail), &fail);
		}
		assert_int_equal(read_all_entries(p.dir, true), total);
		if (round == 3)
			assert_int_equal(append(log, 200, &fail), GH_E_LIMIT);
		ledger_log_close(&log);
	}
	must(place_open(&p, 8192, true, &log, &fail), &fail);
	ledger_log_close(&log);
	assert_int_equal(read_all_entries(p.dir, false), total);
	verify_ok(&p, total);
	place_done(&p);
}

static void
journal_name(const char *dir, bool last, char dst[64])
{
	char path[128];
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof path, "%s/journal", dir);
	d = opendir(path);
	assert_non_null(d);
	dst[0] = '\0';
	while ((e = readdir(d)) != NULL) {
		int c = dst[0] == '\0' ? 0 : strcmp(e->d_name, dst + 8);

		if (strlen(e->d_name) == 16 && (dst[0] == '\0' || (last ? c > 0 : c < 0)))
			(void)snprintf(dst, 64, "journal/%.16s", e->d_name);
	}
	(void)closedir(d);
	assert_true(dst[0] != '\0');
}

/* The state of a fresh log with only this journal segment in it. */
static void
restore(const struct place *p, const char *saved, const char *name)
{
	struct base_fail fail;
	struct base_buf b;
	int from = open(saved, O_RDONLY | O_DIRECTORY), to;

	place_remove(p->dir);
	(void)unlink(p->head);
	base_buf_init(&b, 1 << 20);
	assert_int_equal(mkdir(p->dir, 0750), 0);
	to = open(p->dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(to, "journal", 0750), 0);
	must(base_file_read(from, name, &b, &fail), &fail);
	must(base_file_create_new(to, name, 0640, base_buf_span(&b), &fail), &fail);
	base_buf_done(&b);
	(void)close(from);
	(void)close(to);
}

/* Replay after every prefix of the journal and after every flipped byte: with the tail cut or damaged in its last batch the log is
 * shorter; with damage before a later batch it is refused; nothing else ever happens. */
static void
test_every_byte(void **state)
{
	static const uint64_t batch[4] = {2, 1, 3, 2}; /* entries 0-1, 2, 3-5, 6-7 */
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct place p;
	char name[64], saved[96];
	off_t end[5] = {LEDGER_SEGMENT_HEADER};
	uint64_t n = 0, first_of[9];

	(void)state;
	place_init(&p);
	must(place_open(&p, 4096, true, &log, &fail), &fail);
	off_t record_end[9] = {LEDGER_SEGMENT_HEADER}, entry_end[9]; /* zeros follow the entry in any case */

	for (unsigned b = 0; b < 4; b++) {
		must(append(log, batch[b], &fail), &fail);
		for (uint64_t i = 0; i < batch[b]; i++, n++) {
			char text[400];

			first_of[n] = n - i;
			record_end[n + 1] = record_end[n] + (off_t)ledger_record_size(entry_text(n, text).n);
			entry_end[n + 1] = record_end[n] + LEDGER_RECORD_HEADER + (off_t)entry_text(n, text).n;
		}
		end[b + 1] = record_end[n];
	}
	ledger_log_close(&log);
	journal_name(p.dir, false, name);
	(void)snprintf(saved, sizeof saved, "%s/saved", p.root);
	place_copy(p.dir, saved);
	for (off_t at = 0; at < end[4]; at++) {
		for (int cut = 0; cut < 2; cut++) {
			static const uint8_t zeros[4096];
			uint64_t good = 0, size;
			bool hole;
			int r;

			restore(&p, saved, name);
			if (cut)
				poke(p.dir, name, at, zeros, 4096 - (size_t)at);
			else
				flip(p.dir, name, at);
			while (good < 8 && (cut ? entry_end : record_end)[good + 1] <= at)
				good++;
			if (at < LEDGER_SEGMENT_HEADER)
				good = 0;
			/* a later batch proves the damaged one: then it was durable */
			hole = !cut && (at < LEDGER_SEGMENT_HEADER || first_of[good] != first_of[7]);
			r = place_open(&p, 4096, true, &log, &fail);
			if (r != (hole ? GH_E_VERIFY : 0))
				fail_msg("byte %ld %s: %d %s", (long)at, cut ? "cut" : "flipped", r, fail.text);
			if (r != 0)
				continue;
			size = ledger_log_size(log);
			if (size != good)
				fail_msg("byte %ld %s: %llu entries, not %llu", (long)at, cut ? "cut" : "flipped", (unsigned long long)size,
					(unsigned long long)good);
			must(append(log, 3, &fail), &fail);
			must(ledger_log_checkpoint(log, &fail), &fail);
			ledger_log_close(&log);
			if (at % 16 == 0) {
				assert_int_equal(read_all_entries(p.dir, false), good + 3);
				verify_ok(&p, good + 3);
			}
		}
	}
	place_done(&p);
}

static void
test_two_writers(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log, *second;
	struct place p;

	(void)state;
	place_init(&p);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	assert_int_equal(place_open(&p, 0, true, &second, &fail), GH_E_BUSY);
	ledger_log_close(&log);
	must(place_open(&p, 0, true, &second, &fail), &fail);
	ledger_log_close(&second);
	place_done(&p);
}

static void
test_older_copy(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_signer other;
	struct ledger_log *log;
	struct place p;
	char saved[96], head[96];

	(void)state;
	place_init(&p);
	(void)snprintf(saved, sizeof saved, "%s/saved", p.root);
	(void)snprintf(head, sizeof head, "%s/saved.head", p.root);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	must(append(log, 300, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	ledger_log_close(&log);
	place_copy(p.dir, saved);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	must(append(log, 5, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	ledger_log_close(&log);
	place_remove(p.dir);
	place_copy(saved, p.dir); /* restored from a backup: going on would sign two different trees of 301 entries */
	assert_int_equal(place_open(&p, 0, true, &log, &fail), GH_E_VERIFY);
	assert_non_null(strstr(fail.hint, "older copy"));
	place_remove(p.dir); /* begun anew */
	assert_int_equal(place_open(&p, 0, true, &log, &fail), GH_E_VERIFY);
	/* another history of the same length, with the same key */
	place_remove(p.dir);
	place_copy(p.head, head);
	(void)unlink(p.head);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	must(append(log, 306, &fail), &fail);
	struct base_buf b;

	base_buf_init(&b, 100);
	ledger_bundle_put(&b, base_span_str("{}"));
	must(ledger_log_append(log, base_buf_span(&b), 1, &fail), &fail);
	base_buf_done(&b);
	must(ledger_log_checkpoint(log, &fail), &fail);
	ledger_log_close(&log);
	(void)unlink(p.head);
	place_copy(head, p.head);
	must(place_open(&p, 0, true, &log, &fail), &fail); /* it continues the one of 305 entries: the same entries came first */
	ledger_log_close(&log);
	/* another key */
	assert_int_equal(ledger_signer_make(base_span_str(ORIGIN), (const uint8_t *)"another seed for tests; 32 bytes", &other, &fail), 0);
	p.signer = other;
	assert_int_equal(place_open(&p, 0, true, &log, &fail), GH_E_VERIFY);
	place_done(&p);
}

static void
test_other_history(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct base_buf b;
	struct place p;
	char head[96];

	(void)state;
	place_init(&p);
	(void)snprintf(head, sizeof head, "%s/saved.head", p.root);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	must(append(log, 10, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	ledger_log_close(&log);
	place_copy(p.head, head);
	place_remove(p.dir);
	(void)unlink(p.head);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	base_buf_init(&b, 100);
	ledger_bundle_put(&b, base_span_str("{}"));
	for (int i = 0; i < 20; i++)
		must(ledger_log_append(log, base_buf_span(&b), 1, &fail), &fail);
	base_buf_done(&b);
	must(ledger_log_checkpoint(log, &fail), &fail);
	ledger_log_close(&log);
	(void)unlink(p.head);
	place_copy(head, p.head);
	assert_int_equal(place_open(&p, 0, true, &log, &fail), GH_E_VERIFY);
	assert_non_null(strstr(fail.text, "not a continuation"));
	place_done(&p);
}

/* A crash between head and checkpoint, a lost head, a lost checkpoint, lost tiles. */
static void
test_lost_files(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct place p;
	char path[128], old[128];

	(void)state;
	place_init(&p);
	(void)snprintf(path, sizeof path, "%s/checkpoint", p.dir);
	(void)snprintf(old, sizeof old, "%s/old", p.root);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	must(append(log, 1000, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	place_copy(path, old);
	must(append(log, 100, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	ledger_log_close(&log);
	assert_int_equal(rename(old, path), 0); /* as if it had not been replaced yet */
	must(place_open(&p, 0, true, &log, &fail), &fail);
	ledger_log_close(&log);
	verify_ok(&p, 1100);
	assert_int_equal(unlink(p.head), 0);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	ledger_log_close(&log);
	assert_int_equal(unlink(path), 0); /* the head has it */
	must(place_open(&p, 0, true, &log, &fail), &fail);
	ledger_log_close(&log);
	verify_ok(&p, 1100);
	assert_int_equal(unlink(path), 0); /* both: tiles alone prove nothing */
	assert_int_equal(unlink(p.head), 0);
	assert_int_equal(place_open(&p, 0, true, &log, &fail), GH_E_VERIFY);
	place_done(&p);
}

/* Writes that fail for lack of room (a file size limit stands for the full disk), then room again. */
static void
test_full(void **state)
{
	struct rlimit none, tight;
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct place p;
	char text[400];
	struct base_buf b;

	(void)state;
	place_init(&p);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &none), 0);
	tight = none;
	must(place_open(&p, 65536, true, &log, &fail), &fail);
	must(append(log, 100, &fail), &fail);
	for (unsigned round = 0; round < 40; round++) {
		uint64_t size = ledger_log_size(log);

		/* a batch that is never acknowledged, cut off somewhere in it (or in the zeros of a new segment) */
		tight.rlim_cur = log->seg.fd < 0 ? 4096 : log->seg.pos + round * 997 % 12000;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		base_buf_init(&b, 1 << 20);
		for (unsigned i = 0; i < 100; i++)
			ledger_bundle_put(&b, entry_text(100000 + i, text));
		int r = ledger_log_append(log, base_buf_span(&b), 100, &fail);

		base_buf_done(&b);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		assert_true(r < 0);
		assert_true(ledger_log_size(log) == size);
		must(append(log, 1 + round % 3, &fail), &fail);
		assert_int_equal(read_all_entries(p.dir, true), ledger_log_size(log));
		if (round % 4 == 3) {
			uint64_t now = ledger_log_size(log);

			ledger_log_close(&log);
			must(place_open(&p, 65536, true, &log, &fail), &fail);
			assert_true(ledger_log_size(log) == now);
			must(append(log, 90, &fail), &fail);
		}
		if (round % 7 == 6) { /* tiles that cannot be written do not hurt either */
			tight.rlim_cur = 100;
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
			assert_true(ledger_log_checkpoint(log, &fail) < 0);
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
			must(ledger_log_checkpoint(log, &fail), &fail);
			verify_ok(&p, ledger_log_size(log));
		}
	}
	uint64_t size = ledger_log_size(log);

	ledger_log_close(&log);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	assert_true(ledger_log_size(log) == size);
	ledger_log_close(&log);
	verify_ok(&p, size);
	assert_int_equal(read_all_entries(p.dir, false), size);
	place_done(&p);
}

static void
test_malformed(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct place p;

	(void)state;
	place_init(&p);
	must(place_open(&p, 0, false, &log, &fail), &fail);
	assert_int_equal(ledger_log_append(log, base_span("\0\1", 2), 1, &fail), GH_E_PARSE);
	assert_int_equal(ledger_log_append(log, base_span("\0\1a", 3), 2, &fail), GH_E_PARSE);
	assert_int_equal(ledger_log_append(log, base_span("\0\1a\0", 4), 1, &fail), GH_E_PARSE);
	assert_int_equal(ledger_log_append(log, base_span("\0\0", 2), 1, &fail), GH_E_PARSE);
	assert_int_equal(ledger_log_append(log, base_span("", 0), 0, &fail), 0);
	assert_true(ledger_log_size(log) == 0);
	ledger_log_close(&log);
	place_done(&p);
}

/* Proofs out of the tile files, for a log whose partial tiles have been superseded. */
static void
test_proofs(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_checkpoint cp;
	struct ledger_note note;
	struct ledger_read *r;
	struct ledger_log *log;
	struct place p;

	(void)state;
	place_init(&p);
	must(place_open(&p, 0, true, &log, &fail), &fail);
	must(append(log, 700, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	must(ledger_read_open(p.dir, false, &r, &fail), &fail);
	must(append(log, 700, &fail), &fail);
	must(ledger_log_checkpoint(log, &fail), &fail);
	must(ledger_log_tidy(log, &fail), &fail);
	for (int again = 0; again < 2; again++) {
		struct ledger_merkle_source src = ledger_read_source(r);
		struct ledger_proof proof;
		struct ledger_hash root, old, leaf;
		char text[400];

		assert_int_equal(ledger_note_open(ledger_read_checkpoint(r), &p.signer.vkey, 1, &note, &fail), 0);
		must(ledger_checkpoint_parse(note.body, &cp, &fail), &fail);
		must(ledger_merkle_root(&src, cp.size, &root, &fail), &fail);
		assert_true(ledger_hash_eq(&root, &cp.root));
		for (uint64_t i = 0; i < cp.size; i += 13) {
			must(ledger_merkle_inclusion(&src, i, cp.size, &proof, &fail), &fail);
			ledger_merkle_leaf(entry_text(i, text), &leaf);
			assert_int_equal(ledger_merkle_inclusion_check(&leaf, i, cp.size, &cp.root, &proof), 0);
		}
		for (uint64_t i = 1; i < cp.size; i += 31) {
			must(ledger_merkle_root(&src, i, &old, &fail), &fail);
			must(ledger_merkle_consistency(&src, i, cp.size, &proof, &fail), &fail);
			assert_int_equal(ledger_merkle_consistency_check(i, &old, cp.size, &cp.root, &proof), 0);
		}
		must(ledger_read_refresh(r, &fail), &fail);
		assert_true(ledger_read_published(r) == 1400);
	}
	ledger_read_free(&r);
	ledger_log_close(&log);
	place_done(&p);
}

/* A reader that stays open while the log grows, is published and tidied under it. */
static void
test_following(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct ledger_read *r;
	struct base_span e;
	struct place p;
	uint64_t index, seen = 0, size;
	char text[400];

	(void)state;
	place_init(&p);
	must(place_open(&p, 8192, true, &log, &fail), &fail);
	must(ledger_read_open(p.dir, true, &r, &fail), &fail);
	for (unsigned i = 0; i < 200; i++) {
		int rc, limit = (int)(i * 5 % 31);

		must(append(log, 1 + i % 9, &fail), &fail);
		if (i % 5 == 0)
			must(ledger_log_checkpoint(log, &fail), &fail);
		if (i % 5 == 0)
			must(ledger_log_tidy(log, &fail), &fail);
		if (i % 3 == 0)
			must(ledger_read_refresh(r, &fail), &fail);
		while (limit-- > 0 && (rc = ledger_read_next(r, &index, &e, &fail)) != 0) {
			must(rc - 1, &fail);
			assert_true(index == seen && base_span_eq(e, entry_text(seen, text)));
			seen++;
		}
	}
	must(ledger_read_refresh(r, &fail), &fail);
	must(ledger_read_size(r, &size, &fail), &fail);
	assert_true(size == ledger_log_size(log));
	while (ledger_read_next(r, &index, &e, &fail) == 1)
		assert_true(index == seen++);
	assert_true(seen == size);
	ledger_read_seek(r, 77);
	assert_int_equal(ledger_read_next(r, &index, &e, &fail), 1);
	assert_true(index == 77 && base_span_eq(e, entry_text(77, text)));
	ledger_read_free(&r);
	ledger_log_close(&log);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_older_copy),
		cmocka_unit_test(test_other_history),
		cmocka_unit_test(test_lost_files),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_following),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
