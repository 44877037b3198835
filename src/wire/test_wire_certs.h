/* test_wire_certs: certificates and keys for test_wire_tls, made with OpenSSL in a folder of their own and removed again.
 * To be included behind cmocka.h.
 */
#ifndef TEST_WIRE_CERTS_H
#define TEST_WIRE_CERTS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base_defs.h"

static char dir[] = "/tmp/test_wire_tls.XXXXXX";

struct spec {
	const char *name;   /* of the files: name.crt, name.key */
	const char *cn;     /* NULL: none */
	const char *cn2;    /* a second one */
	const char *san;    /* "DNS:a,IP:127.0.0.1", NULL: none */
	const char *issuer; /* name of the CA; NULL: self-signed CA */
	const char *digest; /* NULL: sha256; "": Ed25519, which has none */
	long from, until;   /* seconds from now; 0, 0: an hour around now */
};

static const struct spec specs[] = {
	{"ca", "test ca", NULL, NULL, NULL, NULL, 0, 0},
	{"otherca", "test ca", NULL, NULL, NULL, NULL, 0, 0},
	{"server", "ignored.example.org", NULL,
	    "DNS:db.example.org,DNS:*.wild.example.org,DNS:f*.part.example.org,IP:127.0.0.1,IP:::1", "ca", NULL, 0, 0},
	{"cnonly", "old.example.org", NULL, NULL, "ca", NULL, 0, 0},
	{"expired", "x", NULL, "DNS:db.example.org", "ca", NULL, -7200, -3600},
	{"future", "x", NULL, "DNS:db.example.org", "ca", NULL, 3600, 7200},
	{"sha384", "x", NULL, NULL, "ca", "sha384", 0, 0},
	{"sha512", "x", NULL, NULL, "ca", "sha512", 0, 0},
	{"sha1", "x", NULL, NULL, NULL, "sha1", 0, 0},
	{"ed25519", "x", NULL, NULL, NULL, "", 0, 0},
	{"alice", "alice", NULL, "email:alice@example.org,DNS:laptop.example.org", "ca", NULL, 0, 0},
	{"bob", "bob", NULL, "URI:urn:x,DNS:bob.example.org,email:bob@example.org", "ca", NULL, 0, 0},
	{"twocn", "alice", "bob", NULL, "ca", NULL, 0, 0},
	{"nocn", NULL, NULL, "DNS:only.san", "ca", NULL, 0, 0},
	{"mallory", "alice", NULL, NULL, "otherca", NULL, 0, 0},
};

/* Several may stand in one argument list. */
static const char *
path(const char *name, const char *suffix)
{
	static char texts[8][128];
	static unsigned next;
	char *p = texts[next++ % BASE_COUNT(texts)];

	assert_true(snprintf(p, sizeof(texts[0]), "%s/%s.%s", dir, name, suffix) < (int)sizeof(texts[0]));
	return p;
}

static X509 *
load_cert(const char *name)
{
	FILE *f = fopen(path(name, "crt"), "r");
	X509 *cert;

	assert_non_null(f);
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	(void)fclose(f);
	assert_non_null(cert);
	return cert;
}

static EVP_PKEY *
load_key(const char *name)
{
	FILE *f = fopen(path(name, "key"), "r");
	EVP_PKEY *key;

	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	assert_non_null(key);
	return key;
}

static void
save(const char *name, X509 *cert, EVP_PKEY *key, const char *passphrase)
{
	FILE *f = fopen(path(name, "crt"), "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	assert_int_equal(fclose(f), 0);
	f = fopen(path(name, "key"), "w");
	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_int_equal(PEM_write_PrivateKey(f, key, passphrase != NULL ? EVP_aes_128_cbc() : NULL, (const unsigned char *)passphrase,
	    passphrase != NULL ? (int)strlen(passphrase) : 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
}

static void
extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (value == NULL)
		return;
	e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
add_cn(X509_NAME *name, const char *cn, int len)
{
	if (cn != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, (const unsigned char *)cn, len, -1, 0), 1);
}

static void
make(const struct spec *s, const char *cn, int cn_len)
{
	static long serial = 1;
	bool ed = s->digest != NULL && s->digest[0] == '\0';
	EVP_PKEY *key = ed ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256");
	EVP_PKEY *issuer_key = s->issuer != NULL ? load_key(s->issuer) : NULL;
	X509 *issuer = s->issuer != NULL ? load_cert(s->issuer) : NULL, *cert = X509_new();
	const EVP_MD *md = ed ? NULL : EVP_get_digestbyname(s->digest != NULL ? s->digest : "sha256");

	assert_true(key != NULL && cert != NULL);
	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), s->from != 0 ? s->from : -3600));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), s->until != 0 ? s->until : 3600));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	add_cn(X509_get_subject_name(cert), cn, cn_len);
	add_cn(X509_get_subject_name(cert), s->cn2, -1);
	assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert)), 1);
	extend(cert, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
	extend(cert, NID_subject_alt_name, s->san);
	assert_true(X509_sign(cert, issuer_key != NULL ? issuer_key : key, md) > 0);
	save(s->name, cert, key, NULL);
	X509_free(cert);
	X509_free(issuer);
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
}

static int
set_up(void **state)
{
	static const struct spec nul = {"nulcn", NULL, NULL, NULL, "ca", NULL, 0, 0};
	EVP_PKEY *key;
	X509 *cert;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < BASE_COUNT(specs); i++)
		make(&specs[i], specs[i].cn, -1);
	make(&nul, "alice\0.evil.org", 15);
	cert = load_cert("server");
	key = load_key("server");
	save("locked", cert, key, "secret");
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const more[] = {"nulcn", "locked"};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(specs) + BASE_COUNT(more); i++) {
		const char *name = i < BASE_COUNT(specs) ? specs[i].name : more[i - BASE_COUNT(specs)];

		(void)unlink(path(name, "crt")); /* what is left shows in rmdir */
		(void)unlink(path(name, "key"));
	}
	return rmdir(dir);
}

#endif
