/* test_wire_frame: every row of wire_types.def at its limits, every first packet, each truncated at every length. */
#include "wire_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
	enum wire_side side;
	uint8_t type;
	const char *text;
	uint32_t least, greatest;
};

static const struct row rows[] = {
#define WIRE_TYPE(side, byte, name, text, least, greatest) {WIRE_##side, byte, text, least, greatest},
#include "wire_types.def"
#undef WIRE_TYPE
};

/* Exactly n bytes on the heap, so that the sanitizer sees one byte too many being read. */
static int
header_of(enum wire_side side, const uint8_t *bytes, size_t n, struct wire_header *h, struct base_fail *fail)
{
	uint8_t *exact = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	rc = wire_frame_header(side, base_span(exact, n), h, fail);
	free(exact);
	return rc;
}

static int
header_with(enum wire_side side, uint8_t type, uint32_t word, struct wire_header *h, struct base_fail *fail)
{
	uint8_t bytes[5] = {type, (uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};

	return header_of(side, bytes, sizeof(bytes), h, fail);
}

static void
test_limits(void **state)
{
	struct base_fail fail;
	struct wire_header h;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		const uint32_t wrong[] = {0, 3, r->least + 3, r->greatest + 5, 0x40000000, 0x7fffffff, 0x80000000, 0xffffffff};

		assert_int_equal(header_with(r->side, r->type, r->least + 4, &h, &fail), 1);
		assert_int_equal(h.type, r->type);
		assert_int_equal(h.len, r->least);
		assert_int_equal(header_with(r->side, r->type, r->greatest + 4, &h, &fail), 1);
		assert_int_equal(h.len, r->greatest);
		for (size_t k = 0; k < BASE_COUNT(wrong); k++) {
			h.len = 77;
			assert_int_equal(header_with(r->side, r->type, wrong[k], &h, &fail), GH_E_PARSE);
			assert_int_equal(h.len, 77);
			assert_int_equal(header_with(r->side, r->type, wrong[k], &h, NULL), GH_E_PARSE);
			assert_non_null(strstr(fail.text, r->text));
		}
		assert_string_equal(wire_frame_name(r->side, r->type), r->text);
	}
}

static void
test_unknown(void **state)
{
	struct base_fail fail;
	struct wire_header h;

	(void)state;
	for (unsigned side = WIRE_F; side <= WIRE_B; side++)
		for (unsigned type = 0; type < 256; type++) {
			bool known = false;

			for (size_t i = 0; i < BASE_COUNT(rows); i++)
				known = known || (rows[i].side == side && rows[i].type == type);
			if (known)
				continue;
			assert_int_equal(header_with((enum wire_side)side, (uint8_t)type, 4, &h, &fail), GH_E_PARSE);
			assert_non_null(strstr(fail.text, side == WIRE_F ? "from the client" : "from the server"));
			assert_string_equal(wire_frame_name((enum wire_side)side, (uint8_t)type), "?");
		}
}

static void
test_header_short(void **state)
{
	static const uint8_t query[] = {'Q', 0, 0, 0, 9, 'h', 'e', 'l', 'l', 0};
	struct wire_header h;

	(void)state;
	for (size_t n = 0; n <= sizeof(query); n++)
		assert_int_equal(header_of(WIRE_F, query, n, &h, NULL), n >= 5);
	assert_int_equal(h.type, WIRE_F_QUERY);
	assert_int_equal(h.len, 5);
}

static int
first_of(const void *bytes, size_t n, struct wire_first_packet *p, struct base_fail *fail)
{
	uint8_t *exact = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	rc = wire_frame_first(base_span(exact, n), p, fail);
	free(exact);
	return rc;
}

static const struct {
	const char *bytes;
	size_t n;
	enum wire_first kind;
	uint32_t version;
} firsts[] = {
	{"\0\0\0\x08\x04\xd2\x16\x2f", 8, WIRE_FIRST_SSL, 0},
	{"\0\0\0\x08\x04\xd2\x16\x30", 8, WIRE_FIRST_GSSENC, 0},
	{"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x2a\1\2\3\4", 16, WIRE_FIRST_CANCEL, 0},
	{"\0\0\0\x18\x04\xd2\x16\x2e\0\0\0\x2a\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c", 24, WIRE_FIRST_CANCEL, 0},
	{"\0\0\0\x11\0\3\0\0user\0bo\0\0", 17, WIRE_FIRST_STARTUP, 0x30000},
	{"\0\0\0\x09\0\3\0\2\0", 9, WIRE_FIRST_STARTUP, 0x30002},
	{"\0\0\0\x08\0\3\x27\x0f", 8, WIRE_FIRST_STARTUP, 0x3270f},
};

static void
test_first(void **state)
{
	struct wire_first_packet p;
	struct base_fail fail;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(firsts); i++) {
		for (size_t n = 0; n < firsts[i].n; n++)
			assert_int_equal(first_of(firsts[i].bytes, n, &p, &fail), 0);
		assert_int_equal(first_of(firsts[i].bytes, firsts[i].n, &p, &fail), 1);
		assert_int_equal(p.kind, firsts[i].kind);
		assert_int_equal(p.size, firsts[i].n);
		assert_int_equal(p.version, firsts[i].version);
	}
}

/* Each is refused from `at` bytes on, and waited for before. */
static const struct {
	const char *bytes;
	size_t n, at;
} wrong_firsts[] = {
	{"\0\0\0\0\0\3\0\0", 8, 4},
	{"\0\0\0\x07\0\3\0\0", 8, 4},
	{"\0\0\x27\x11\0\3\0\0", 8, 4},              /* 10001 */
	{"\x80\0\0\x08\0\3\0\0", 8, 4},
	{"\xff\xff\xff\xff\0\3\0\0", 8, 4},
	{"\x16\x03\x01\x02\0\1\0\1", 8, 4},           /* a TLS ClientHello */
	{"GET / HT", 8, 4},
	{"\0\0\0\x09\x04\xd2\x16\x2f\0", 9, 8},       /* SSLRequest and one */
	{"\0\0\0\x09\x04\xd2\x16\x30\0", 9, 8},
	{"\0\0\0\x08\x04\xd2\x16\x2e", 8, 8},         /* CancelRequest without a key */
	{"\0\0\0\x0f\x04\xd2\x16\x2e\0\0\0\1\0\0\0", 15, 8},
	{"\0\0\1\x0d\x04\xd2\x16\x2e\0\0\0\1", 12, 8}, /* 269 */
	{"\0\0\0\x09\0\2\0\0\0", 9, 8},
	{"\0\0\0\x09\0\4\0\0\0", 9, 8},
	{"\0\0\0\x09\x04\xd2\x16\x31\0", 9, 8},
};

static void
test_first_wrong(void **state)
{
	struct wire_first_packet p = {.size = 77};
	struct base_fail fail;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrong_firsts); i++)
		for (size_t n = 0; n <= wrong_firsts[i].n; n++) {
			int rc = first_of(wrong_firsts[i].bytes, n, &p, &fail);

			assert_int_equal(rc, n < wrong_firsts[i].at ? 0 : GH_E_PARSE);
			assert_int_equal(p.size, 77);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_header_short),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_first_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
