/* Tests of base_crypt: published vectors (FIPS 180-4, RFC 4231, the SipHash paper, RFC 8032), threads, incremental use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_text.h"

static void
assert_hex(const uint8_t *got, size_t n, const char *want)
{
	uint8_t bytes[64];

	assert_true(n <= sizeof(bytes));
	assert_int_equal(base_text_unhex(base_span_str(want), bytes, n), GH_OK);
	assert_memory_equal(got, bytes, n);
}

static const struct {
	const char *text, *hash;
} sha_cases[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void
test_sha256(void **state)
{
	struct base_sha256 *h = base_sha256_new();

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(sha_cases); i++) {
		struct base_span s = base_span_str(sha_cases[i].text);
		uint8_t out[BASE_SHA256_SIZE];

		base_crypt_sha256(s, out);
		assert_hex(out, sizeof(out), sha_cases[i].hash);
		for (size_t cut = 0; cut <= s.n; cut++) {
			struct base_span parts[] = {base_span(s.p, cut), base_span(NULL, 0), base_span(s.p + cut, s.n - cut)};

			base_crypt_sha256v(parts, BASE_COUNT(parts), out);
			assert_hex(out, sizeof(out), sha_cases[i].hash);
			base_sha256_add(h, parts[0]);
			base_crypt_sha256(base_span_str("another text in between"), out);
			base_sha256_add(h, parts[2]);
			base_sha256_end(h, out); /* and ready again */
			assert_hex(out, sizeof(out), sha_cases[i].hash);
		}
	}
	base_sha256_free(&h);
	assert_null(h);
	base_sha256_free(&h);
	{
		uint8_t out[BASE_SHA256_SIZE];

		base_crypt_sha256v(NULL, 0, out);
		assert_hex(out, sizeof(out), sha_cases[0].hash);
	}
}

static void
test_hmac(void **state)
{
	static const struct {
		const char *key;
		uint8_t key_byte;
		size_t key_n; /* key NULL: key_n times key_byte */
		const char *text;
		const char *mac;
	} t[] = {
		{NULL, 0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"Jefe", 0, 4, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{NULL, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
		 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{NULL, 0, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		uint8_t key[131], out[BASE_SHA256_SIZE];

		memset(key, t[i].key_byte, sizeof(key));
		if (t[i].key != NULL)
			memcpy(key, t[i].key, t[i].key_n);
		base_crypt_hmac256(base_span(key, t[i].key_n), base_span_str(t[i].text), out);
		assert_hex(out, sizeof(out), t[i].mac);
	}
}

static void
test_sip(void **state)
{
	uint8_t key[BASE_SIP_KEY_SIZE], in[15];

	(void)state;
	for (uint8_t i = 0; i < sizeof(key); i++)
		key[i] = i;
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	assert_true(base_crypt_sip24(key, base_span(in, 15)) == UINT64_C(0xa129ca6149be45e5));
	assert_true(base_crypt_sip24(key, base_span(NULL, 0)) == UINT64_C(0x726fdb47dd0e0e31));
}

static void
test_ed25519(void **state)
{
	static const struct {
		const char *seed, *pub, *msg, *sig;
	} t[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		uint8_t seed[BASE_ED25519_SEED], pub[BASE_ED25519_PUB], sig[BASE_ED25519_SIG], msg[8];
		struct base_span m = {msg, strlen(t[i].msg) / 2};

		assert_int_equal(base_text_unhex(base_span_str(t[i].seed), seed, sizeof(seed)), GH_OK);
		assert_int_equal(base_text_unhex(base_span_str(t[i].msg), msg, m.n), GH_OK);
		base_ed25519_public(seed, pub);
		assert_hex(pub, sizeof(pub), t[i].pub);
		base_ed25519_sign(seed, m, sig);
		assert_hex(sig, sizeof(sig), t[i].sig);
		assert_true(base_ed25519_verify(pub, m, base_span(sig, sizeof(sig))));
		for (size_t n = 0; n < sizeof(sig); n++) /* every shorter signature, every flipped byte */
			assert_false(base_ed25519_verify(pub, m, base_span(sig, n)));
		for (size_t n = 0; n < sizeof(sig); n++) {
			sig[n] ^= 0x10;
			assert_false(base_ed25519_verify(pub, m, base_span(sig, sizeof(sig))));
			sig[n] ^= 0x10;
		}
		assert_false(base_ed25519_verify(pub, base_span_str("other"), base_span(sig, sizeof(sig))));
	}
}

static void *
hash_thread(void *arg)
{
	(void)arg;
	for (int round = 0; round < 300; round++) {
		const size_t i = (size_t)round % BASE_COUNT(sha_cases);
		uint8_t out[BASE_SHA256_SIZE], want[BASE_SHA256_SIZE];

		base_crypt_sha256(base_span_str(sha_cases[i].text), out);
		if (base_text_unhex(base_span_str(sha_cases[i].hash), want, sizeof(want)) != GH_OK || !base_secret_eq(out, want, sizeof(want)))
			return "a hash is wrong";
		base_crypt_random(out, sizeof(out));
	}
	return NULL;
}

/* Each thread has its own context; ends of threads free them (the leak checker looks). */
static void
test_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_thread, NULL), 0);
	for (size_t i = 0; i < BASE_COUNT(threads); i++) {
		void *what;

		assert_int_equal(pthread_join(threads[i], &what), 0);
		assert_null(what);
	}
}

static void
test_secrets(void **state)
{
	uint8_t a[40], b[40], zero[40] = {0};

	(void)state;
	base_crypt_random(a, sizeof(a));
	base_crypt_random(b, sizeof(b));
	assert_false(base_secret_eq(a, b, sizeof(a)));
	memcpy(b, a, sizeof(a));
	assert_true(base_secret_eq(a, b, sizeof(a)));
	b[39] ^= 1;
	assert_false(base_secret_eq(a, b, sizeof(a)));
	assert_true(base_secret_eq(NULL, NULL, 0));
	base_secret_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
	base_secret_wipe(NULL, 0);
	base_crypt_random(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads), /* first: the contexts and the libraries start in several threads at once */
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_sip),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
