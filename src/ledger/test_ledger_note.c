/* test_ledger_note: a note that another implementation signed, our own, and damaged ones. */
#include "ledger_note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Signed and cosigned by other programs (Ed25519 keys of a trial log); the second signature is of a type that we skip. */
#define NAME "gatehouse.example/ledger/main"
#define VKEY NAME "+c2746141+Ae8nJ9rQGvyicFVA+Axj5Tc176sPs2f5ZrPQ6KPYBeIs"
#define BODY NAME "\n70123\nPLzt6jon8hfF/L5r1B5TiCURCbmshBOW9Z3/l0teZvU=\n"
#define SIG1 "\u2014 " NAME " wnRhQfzAPjwIembWPtn22sLm7ZUQ2CMBHyEqSUkVmrYfIF2Lw/ZjUBrZY3h6YceaZjjRsSe7LBlo8p9EJ/PKfmubvQg=\n"
#define SIG2 "\u2014 witness.example/w1 LdSzDwAAAABrAuwauIRJZJwjMsGmOy4yDRsOgSqxRl4kgawD/SMUD9bQcyD/qYYYECx/d6v/THu6JYULNJudNAz6OzHV+hPjOd7eBw==\n"

static const uint8_t seed[32] = "0123456789abcdef0123456789abcde";

static void
test_foreign(void **state)
{
	struct ledger_vkey k;
	struct ledger_note n;
	struct ledger_checkpoint c;
	struct base_fail fail;
	struct base_buf b;

	(void)state;
	assert_int_equal(ledger_vkey_parse(base_span_str(VKEY), &k, &fail), 0);
	assert_string_equal(k.name, NAME);
	assert_int_equal(k.id, 0xc2746141u);
	base_buf_init(&b, 1024);
	ledger_vkey_print(&k, &b);
	assert_true(base_span_is(base_buf_span(&b), VKEY));
	base_buf_done(&b);
	assert_int_equal(ledger_note_open(base_span_str(BODY "\n" SIG1 SIG2), &k, 1, &n, &fail), 0);
	assert_int_equal(n.verified, 1);
	assert_true(base_span_is(n.body, BODY));
	assert_int_equal(ledger_checkpoint_open(base_span_str(BODY "\n" SIG2 SIG1), &k, &c, &fail), 0);
	assert_int_equal(c.size, 70123);
	assert_true(base_span_is(c.origin, NAME));
	/* without our signature it is a note, but not ours */
	assert_int_equal(ledger_note_open(base_span_str(BODY "\n" SIG2), &k, 1, &n, &fail), 0);
	assert_int_equal(n.verified, 0);
	assert_int_equal(ledger_checkpoint_open(base_span_str(BODY "\n" SIG2), &k, &c, &fail), GH_E_VERIFY);
}

/* Every byte flipped: nothing that differs is ever accepted as signed, and nothing crashes. */
static void
test_flipped(void **state)
{
	static const char note[] = BODY "\n" SIG1;
	char copy[sizeof note];
	struct ledger_vkey k;
	struct ledger_checkpoint c;

	(void)state;
	assert_int_equal(ledger_vkey_parse(base_span_str(VKEY), &k, NULL), 0);
	for (size_t i = 0; i + 1 < sizeof note; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, note, sizeof note);
			copy[i] = (char)(copy[i] ^ 1 << bit);
			assert_true(ledger_checkpoint_open(base_span(copy, sizeof note - 1), &k, &c, NULL) < 0);
		}
	}
	for (size_t n = 0; n + 1 < sizeof note; n++)
		assert_true(ledger_checkpoint_open(base_span(note, n), &k, &c, NULL) < 0);
	for (size_t i = 0; i + 1 < sizeof VKEY; i++) {
		char key[sizeof VKEY];
		struct ledger_vkey other;

		memcpy(key, VKEY, sizeof VKEY);
		key[i] = (char)(key[i] ^ 1);
		assert_true(ledger_vkey_parse(base_span(key, sizeof VKEY - 1), &other, NULL) < 0);
		assert_true(ledger_vkey_parse(base_span(VKEY, i), &other, NULL) < 0);
	}
}

static void
test_own(void **state)
{
	struct ledger_signer s, again, stranger;
	struct ledger_note n;
	struct base_buf note, key;
	struct base_fail fail;
	struct ledger_vkey keys[2];

	(void)state;
	assert_int_equal(ledger_signer_make(base_span_str("log.example/a"), seed, &s, &fail), 0);
	assert_int_equal(ledger_signer_make(base_span_str("log.example/b"), seed, &stranger, &fail), 0);
	base_buf_init(&key, 1024);
	ledger_signer_print(&s, &key);
	assert_int_equal(ledger_signer_parse(base_buf_span(&key), &again, &fail), 0);
	assert_memory_equal(&s, &again, sizeof s);
	for (size_t cut = 0; cut < base_buf_len(&key); cut++)
		assert_true(ledger_signer_parse(base_span(base_buf_span(&key).p, cut), &again, &fail) < 0);
	base_buf_init(&note, 65536);
	assert_int_equal(ledger_note_sign(base_span_str("one\n\ntwo\n"), &s, &note, &fail), 0); /* the body may have blank lines */
	assert_int_equal(ledger_note_open(base_buf_span(&note), &s.vkey, 1, &n, &fail), 0);
	assert_true(base_span_is(n.body, "one\n\ntwo\n"));
	assert_int_equal(n.verified, 1);
	keys[0] = stranger.vkey;
	keys[1] = s.vkey;
	assert_int_equal(ledger_note_open(base_buf_span(&note), keys, 2, &n, &fail), 0);
	assert_int_equal(n.verified, 2);
	base_buf_clear(&note);
	assert_int_equal(ledger_note_sign(base_span_str("no newline"), &s, &note, &fail), GH_E_PARSE);
	assert_int_equal(ledger_note_sign(base_span_str("bell\a\n"), &s, &note, &fail), GH_E_PARSE);
	/* a checkpoint of another log, signed by a key of the right name: the origin decides */
	assert_int_equal(ledger_note_sign(base_span_str("log.example/b\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"), &s, &note, &fail), 0);
	struct ledger_checkpoint c;

	assert_int_equal(ledger_checkpoint_open(base_buf_span(&note), &s.vkey, &c, &fail), GH_E_VERIFY);
	base_buf_done(&note);
	base_buf_done(&key);
}

static const struct {
	const char *text;
	int result;
} notes[] = {
	{BODY "\n" SIG1, 0},
	{BODY "\n" SIG1 SIG1, 0}, /* a repeated signature is ignored */
	{BODY SIG1, GH_E_PARSE},  /* no blank line */
	{BODY "\n", GH_E_PARSE},
	{BODY "\n\n", GH_E_PARSE},
	{BODY "\n" SIG1 "\n", GH_E_PARSE},
	{BODY "\n- " NAME " wnRhQQ==\n", GH_E_PARSE},
	{BODY "\n\u2014 x y\n", GH_E_PARSE},
	{BODY "\n\u2014 x AAAAAA==\n", GH_E_PARSE},  /* an id and nothing signed */
	{BODY "\n\u2014 x AAAAAAA=\n", 0},           /* unknown: ignored */
	{BODY "\n\u2014 x+y AAAAAAA=\n", GH_E_PARSE},
	{BODY "\n\u2014 x  AAAAAAA=\n", GH_E_PARSE},
	{BODY "\n\u2014 " NAME " AAAAAAA=\n" SIG1, 0}, /* another key of the same name */
	{BODY "\n\u2014 " NAME " wnRhQQA=\n" SIG1, GH_E_VERIFY}, /* our key, a signature that is none */
	{"\r\n\n" SIG1, GH_E_PARSE},
	{"\xff\n\n" SIG1, GH_E_PARSE},
};

static void
test_notes(void **state)
{
	struct ledger_vkey k;

	(void)state;
	assert_int_equal(ledger_vkey_parse(base_span_str(VKEY), &k, NULL), 0);
	for (size_t i = 0; i < BASE_COUNT(notes); i++) {
		struct ledger_note n;

		if (ledger_note_open(base_span_str(notes[i].text), &k, 1, &n, NULL) != notes[i].result)
			fail_msg("note %zu", i);
	}
}

static const struct {
	const char *body;
	bool good;
} checkpoints[] = {
	{"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", true},
	{"a\n18446744073709551615\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", true},
	{"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n", true},
	{"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n", false},
	{"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension", false},
	{"a\n18446744073709551616\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", false},
	{"a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", false},
	{"a\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", false},
	{"a\n\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", false},
	{"\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", false},
	{"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n", false},
	{"a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", false},
	{"a\n1\n", false},
	{"", false},
};

static void
test_checkpoints(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(checkpoints); i++) {
		struct ledger_checkpoint c;
		struct base_buf b;
		int r = ledger_checkpoint_parse(base_span_str(checkpoints[i].body), &c, NULL);

		if ((r == 0) != checkpoints[i].good)
			fail_msg("checkpoint %zu", i);
		if (r != 0)
			continue;
		base_buf_init(&b, 1024);
		ledger_checkpoint_print(&c, &b);
		assert_memory_equal(base_buf_span(&b).p, checkpoints[i].body, base_buf_len(&b));
		base_buf_done(&b);
	}
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", " ", "a b", "a+b", "a\n", "a\u00a0b", "a\u3000", "\u2028", "a\x7f", "\xc0\x80", "\x80"};
	struct ledger_signer s;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_true(ledger_signer_make(base_span_str(bad[i]), seed, &s, NULL) < 0);
	assert_int_equal(ledger_signer_make(base_span_str("\u6d4b\u8bd5/\u00e9"), seed, &s, NULL), 0);
	assert_int_equal(ledger_vkey_parse(base_span_str("x+00000000+AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &s.vkey, NULL), GH_E_UNSUPPORTED);
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
