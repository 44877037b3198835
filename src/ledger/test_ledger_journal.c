/* test_ledger_journal: CRC, headers and records; every truncation and every flipped bit; holes. */
#include "ledger_journal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
test_crc(void **state)
{
	uint8_t data[300];

	(void)state;
	assert_int_equal(ledger_journal_crc32c(base_span_str("123456789")), 0xe3069283u);
	memset(data, 0, 32);
	assert_int_equal(ledger_journal_crc32c(base_span(data, 32)), 0x8a9136aau); /* RFC 3720 B.4 */
	memset(data, 0xff, 32);
	assert_int_equal(ledger_journal_crc32c(base_span(data, 32)), 0x62a8ab43u);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + 3);
	for (size_t n = 0; n <= sizeof data; n++)
		assert_int_equal(ledger_journal_crc32c(base_span(data, n)), ledger_journal_crc32c_table(base_span(data, n)));
}

static void
test_header(void **state)
{
	struct ledger_segment s = {.serial = 7, .first = 12345}, t;
	uint8_t bytes[LEDGER_SEGMENT_HEADER];
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4096);
	ledger_segment_encode(&b, &s);
	assert_int_equal(base_buf_len(&b), sizeof bytes);
	memcpy(bytes, base_buf_span(&b).p, sizeof bytes);
	assert_int_equal(ledger_segment_decode(base_span(bytes, sizeof bytes), &t), 1);
	assert_true(t.serial == 7 && t.first == 12345 && t.crc == s.crc);
	for (size_t n = 0; n < sizeof bytes; n++)
		assert_int_equal(ledger_segment_decode(base_span(bytes, n), &t), GH_E_PARSE);
	for (size_t i = 0; i < sizeof bytes * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(ledger_segment_decode(base_span(bytes, sizeof bytes), &t), GH_E_PARSE);
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(ledger_segment_decode(base_span(bytes, sizeof bytes), &t), 0);
	base_buf_done(&b);
}

static void
test_record(void **state)
{
	static const char text[] = "{\"kind\":\"read\",\"rows\":1}";
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4096);
	for (size_t n = 1; n < sizeof text; n++) {
		struct ledger_record r = {.seq = 900 + n, .synced = 900, .prev = 0xdeadbeef, .entry = base_span(text, n)}, d;
		uint8_t bytes[128];
		size_t used = 0, size;

		base_buf_clear(&b);
		ledger_record_encode(&b, &r);
		size = base_buf_len(&b);
		assert_int_equal(size, ledger_record_size(n));
		assert_int_equal(size % 8, 0);
		memcpy(bytes, base_buf_span(&b).p, size);
		memset(bytes + size, 0xee, 8); /* what follows does not matter */
		assert_int_equal(ledger_record_decode(base_span(bytes, size + 8), &d, &used), 1);
		assert_int_equal(used, size);
		assert_true(d.seq == r.seq && d.synced == 900 && d.prev == 0xdeadbeef && d.crc == r.crc);
		assert_true(base_span_eq(d.entry, r.entry));
		for (size_t cut = 0; cut < size; cut++)
			assert_int_equal(ledger_record_decode(base_span(bytes, cut), &d, &used), 0);
		for (size_t i = 0; i < size * 8; i++) {
			bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			assert_true(ledger_record_decode(base_span(bytes, size), &d, &used) <= 0);
			bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
	base_buf_done(&b);
}

static void
test_wrong(void **state)
{
	static const uint8_t zeros[64];
	struct ledger_record d;
	size_t used;

	(void)state;
	assert_int_equal(ledger_record_decode(base_span(zeros, sizeof zeros), &d, &used), GH_E_PARSE);
	assert_int_equal(ledger_record_decode(base_span(zeros, 4), &d, &used), GH_E_PARSE);
	assert_int_equal(ledger_record_decode(base_span(zeros, 3), &d, &used), 0);
}

/* Three batches: 0-1, 2-3 (knows that 0-1 were synced), 4 (knows of 0-3). */
static void
test_hole(void **state)
{
	static const uint64_t synced[5] = {0, 0, 2, 2, 4};
	struct ledger_record r = {.prev = 1};
	struct base_buf b;
	struct base_span all;
	size_t at[6];

	(void)state;
	base_buf_init(&b, 4096);
	for (size_t i = 0; i < 5; i++) {
		at[i] = base_buf_len(&b);
		r.seq = i;
		r.synced = synced[i];
		r.entry = base_span_str("{\"entry\":true}");
		ledger_record_encode(&b, &r);
		r.prev = r.crc;
	}
	all = base_buf_span(&b);
	at[5] = all.n;
	for (size_t i = 0; i < 5; i++) /* record i is unreadable: what lies behind it says whether it had been there */
		assert_int_equal(ledger_journal_hole(base_span(all.p + at[i] + 8, all.n - at[i] - 8), i), i < 4);
	assert_false(ledger_journal_hole(base_span(all.p + at[1], at[2] - at[1]), 0)); /* same batch: torn */
	assert_false(ledger_journal_hole(base_span(all.p + at[3], at[4] - at[3]), 2));
	assert_true(ledger_journal_hole(base_span(all.p + at[4], at[5] - at[4]), 2));
	for (size_t n = 0; n < at[5] - at[4]; n++)
		assert_false(ledger_journal_hole(base_span(all.p + at[4], n), 2));
	base_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
