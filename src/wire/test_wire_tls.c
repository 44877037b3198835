/* test_wire_tls: both sides over a socket pair, with certificates made here: data, verification, client certificates, channel binding
 * data, closing, cut and changed handshakes, key file permissions, ALPN.
 */
#include "wire_tls.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

#include "test_wire_certs.h"

#define SPAN(s) base_span(s, sizeof(s) - 1)

/* ---- A pair of connections ---- */

struct side {
	struct wire_tls *tls;
	enum wire_tls_want want;
	struct base_fail fail;
	int rc; /* of the handshake */
};

struct pair {
	int fd[2]; /* 0: server, 1: client */
	struct side server, client;
};

static void
sockets(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

static struct wire_tls_ctx *
server_ctx(const char *name, const char *ca)
{
	struct wire_tls_ctx *ctx = NULL;
	struct base_fail fail = {.text = ""};

	if (wire_tls_server_new(path(name, "crt"), path(name, "key"), ca != NULL ? path(ca, "crt") : NULL, &ctx, &fail) != 0)
		fail_msg("%s", fail.text);
	return ctx;
}

static struct wire_tls_ctx *
client_ctx(const char *ca, const char *name)
{
	struct wire_tls_ctx *ctx = NULL;
	struct base_fail fail = {.text = ""};

	if (wire_tls_client_new(ca != NULL ? path(ca, "crt") : NULL, name != NULL ? path(name, "crt") : NULL,
	    name != NULL ? path(name, "key") : NULL, &ctx, &fail) != 0)
		fail_msg("%s", fail.text);
	return ctx;
}

/* Takes both contexts over: the connections keep them alive. */
static void
pair_start(struct pair *p, struct wire_tls_ctx *server, struct wire_tls_ctx *client, const char *host)
{
	*p = (struct pair){.fd = {-1, -1}};
	sockets(p->fd);
	assert_int_equal(wire_tls_new(server, p->fd[0], NULL, &p->server.tls, &p->server.fail), 0);
	assert_int_equal(wire_tls_new(client, p->fd[1], host, &p->client.tls, &p->client.fail), 0);
	wire_tls_ctx_unref(&server);
	wire_tls_ctx_unref(&client);
	assert_true(server == NULL && client == NULL);
}

static void
pair_handshake(struct pair *p)
{
	for (int i = 0; i < 20 && (p->client.rc == 0 || p->server.rc == 0); i++) {
		if (p->client.rc == 0)
			p->client.rc = wire_tls_handshake(p->client.tls, &p->client.want, &p->client.fail);
		if (p->server.rc == 0)
			p->server.rc = wire_tls_handshake(p->server.tls, &p->server.want, &p->server.fail);
	}
}

static void
pair_done(struct pair *p)
{
	wire_tls_free(&p->client.tls);
	wire_tls_free(&p->server.tls);
	assert_null(p->client.tls);
	(void)close(p->fd[0]);
	(void)close(p->fd[1]);
}

static void
pair_open(struct pair *p, struct wire_tls_ctx *server, struct wire_tls_ctx *client, const char *host)
{
	pair_start(p, server, client, host);
	pair_handshake(p);
	assert_int_equal(p->client.rc, 1);
	assert_int_equal(p->server.rc, 1);
}

/* ---- Tests ---- */

/* A megabyte each way through small socket buffers; each try writes from another address. */
static void
test_data(void **state)
{
	enum { TOTAL = 1 << 20 };
	struct pair p;
	uint8_t *data = malloc(TOTAL), *got = malloc(TOTAL);

	(void)state;
	assert_true(data != NULL && got != NULL);
	for (size_t i = 0; i < TOTAL; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 9));
	pair_open(&p, server_ctx("server", NULL), client_ctx(NULL, NULL), NULL);
	assert_string_equal(wire_tls_version(p.client.tls), "TLSv1.3");
	for (int round = 0; round < 2; round++) {
		struct side *from = round == 0 ? &p.client : &p.server, *to = round == 0 ? &p.server : &p.client;
		size_t put = 0, taken = 0;
		unsigned waits = 0;

		while (taken < TOTAL) {
			long n;

			do {
				uint8_t *moved = malloc(TOTAL - put + 1);

				assert_non_null(moved);
				memcpy(moved, data + put, TOTAL - put);
				n = wire_tls_write(from->tls, base_span(moved, TOTAL - put), &from->want, &from->fail);
				free(moved);
				assert_true(n >= 0);
				waits += n == 0 && put < TOTAL && from->want == WIRE_TLS_WRITE;
				put += (size_t)n;
			} while (n > 0);
			while ((n = wire_tls_read(to->tls, got + taken, TOTAL - taken, &to->want, &to->fail)) > 0)
				taken += (size_t)n;
			assert_int_equal(n, 0);
			assert_int_equal(to->want, WIRE_TLS_READ);
			assert_false(wire_tls_pending(to->tls));
		}
		assert_true(waits > 0); /* the test did meet a full socket */
		assert_memory_equal(data, got, TOTAL);
	}
	pair_done(&p);
	free(data);
	free(got);
}

/* Many records, one arrival: they are read to the end by wire_tls_pending alone, in small bites. */
static void
test_pending(void **state)
{
	struct pair p;
	uint8_t bite[10];
	size_t total = 0;
	long n;

	(void)state;
	pair_open(&p, server_ctx("server", NULL), client_ctx(NULL, NULL), NULL);
	for (int i = 0; i < 30; i++)
		assert_int_equal(wire_tls_write(p.server.tls, base_span("0123456789abcdefghijklm", 23), &p.server.want, &p.server.fail), 23);
	do {
		n = wire_tls_read(p.client.tls, bite, sizeof(bite), &p.client.want, &p.client.fail);
		assert_true(n >= 0);
		total += (size_t)n;
	} while (wire_tls_pending(p.client.tls));
	assert_int_equal(total, 30 * 23);
	assert_int_equal(wire_tls_read(p.client.tls, bite, 0, &p.client.want, &p.client.fail), 0);
	assert_int_equal(wire_tls_write(p.client.tls, base_span("", 0), &p.client.want, &p.client.fail), 0);
	pair_done(&p);
}

/* Half a record arrives: not now, and nothing pending (else a loop would spin); then the other half. */
static void
test_half_record(void **state)
{
	struct pair p;
	uint8_t raw[256], got[64];
	int relay[2];
	ssize_t n;

	(void)state;
	pair_open(&p, server_ctx("server", NULL), client_ctx(NULL, NULL), NULL);
	sockets(relay); /* from here on the client's socket is ours to fill */
	assert_int_equal(wire_tls_write(p.server.tls, SPAN("hello"), &p.server.want, &p.server.fail), 5);
	n = recv(p.fd[1], raw, sizeof(raw), 0);
	assert_true(n > 10);
	assert_true(dup2(relay[0], p.fd[1]) >= 0);
	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(wire_tls_read(p.client.tls, got, sizeof(got), &p.client.want, &p.client.fail), 0);
		assert_false(wire_tls_pending(p.client.tls));
		assert_int_equal(send(relay[1], raw + i, 1, 0), 1);
	}
	assert_int_equal(wire_tls_read(p.client.tls, got, sizeof(got), &p.client.want, &p.client.fail), 5);
	assert_memory_equal(got, "hello", 5);
	(void)close(relay[0]);
	(void)close(relay[1]);
	pair_done(&p);
}

static const struct {
	const char *name;
	const char *digest; /* NULL: none */
} end_points[] = {
	{"server", "sha256"}, {"sha384", "sha384"}, {"sha512", "sha512"}, {"sha1", "sha256"}, {"ed25519", NULL},
};

/* RFC 5929: compared with a hash over the DER bytes that is computed here in another way. */
static void
test_end_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(end_points); i++) {
		X509 *cert = load_cert(end_points[i].name);
		unsigned char *der = NULL, want[EVP_MAX_MD_SIZE];
		unsigned int want_len = 0;
		int der_len = i2d_X509(cert, &der);
		struct base_span a, b;
		struct pair p;

		assert_true(der_len > 0);
		if (end_points[i].digest != NULL)
			assert_int_equal(EVP_Digest(der, (size_t)der_len, want, &want_len, EVP_get_digestbyname(end_points[i].digest), NULL), 1);
		pair_open(&p, server_ctx(end_points[i].name, NULL), client_ctx(NULL, NULL), NULL);
		a = wire_tls_end_point(p.server.tls);
		b = wire_tls_end_point(p.client.tls);
		assert_true(a.n == want_len && b.n == want_len);
		if (want_len != 0) {
			assert_memory_equal(a.p, want, want_len);
			assert_memory_equal(b.p, want, want_len);
		}
		pair_done(&p);
		OPENSSL_free(der);
		X509_free(cert);
	}
}

static const struct {
	const char *cert, *ca, *host;
	const char *text; /* in the client's complaint; NULL: accepted */
} verifications[] = {
	{"server", NULL, NULL, NULL},
	{"server", NULL, "anything.org", NULL}, /* "require": no verification, the name is only indicated */
	{"server", "ca", NULL, NULL},
	{"server", "ca", "db.example.org", NULL},
	{"server", "ca", "DB.Example.ORG", NULL},
	{"server", "ca", "127.0.0.1", NULL},
	{"server", "ca", "::1", NULL},
	{"server", "ca", "a.wild.example.org", NULL},
	{"cnonly", "ca", "old.example.org", NULL},
	{"server", "otherca", NULL, "certificate verify failed"},
	{"server", "otherca", "db.example.org", "certificate verify failed"},
	{"server", "ca", "db.example.com", "hostname mismatch"},
	{"server", "ca", "ignored.example.org", "hostname mismatch"}, /* a CN beside alternative names does not count */
	{"server", "ca", "a.b.wild.example.org", "hostname mismatch"},
	{"server", "ca", "foo.part.example.org", "hostname mismatch"},
	{"server", "ca", "127.0.0.2", "IP address mismatch"},
	{"cnonly", "ca", "127.0.0.1", "IP address mismatch"},
	{"expired", "ca", "db.example.org", "expired"},
	{"future", "ca", "db.example.org", "not yet valid"},
};

static void
test_verification(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(verifications); i++) {
		const char *text = verifications[i].text;
		struct pair p;

		pair_start(&p, server_ctx(verifications[i].cert, NULL), client_ctx(verifications[i].ca, NULL), verifications[i].host);
		pair_handshake(&p);
		if (p.client.rc != (text == NULL ? 1 : GH_E_VERIFY))
			fail_msg("row %zu: %d %s", i, p.client.rc, p.client.fail.text);
		if (text != NULL && strstr(p.client.fail.text, text) == NULL)
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, p.client.fail.text, text);
		if (text != NULL) { /* the server hears of it, and a failed connection stays failed */
			assert_true(p.server.rc < 0);
			assert_true(wire_tls_handshake(p.client.tls, &p.client.want, &p.client.fail) < 0);
			assert_true(wire_tls_write(p.client.tls, SPAN("x"), &p.client.want, &p.client.fail) < 0);
			assert_int_equal(wire_tls_end_point(p.client.tls).n, 0);
		}
		pair_done(&p);
	}
}

static const struct {
	const char *client, *ca, *cn, *san; /* cn NULL: no names */
	bool accepted;
} client_certs[] = {
	{NULL, "ca", NULL, NULL, true},
	{"alice", "ca", "alice", "alice@example.org", true},
	{"bob", "ca", "bob", "bob.example.org", true},
	{"nocn", "ca", "", "only.san", true},
	{"twocn", "ca", "", "", true},
	{"nulcn", "ca", "", "", true},
	{"alice", NULL, NULL, NULL, true}, /* not asked for, not sent */
	{"mallory", "ca", NULL, NULL, false},
	{"expired", "ca", NULL, NULL, false},
};

static void
test_client_certificates(void **state)
{
	char cn[64], san[64];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(client_certs); i++) {
		struct pair p;

		pair_start(&p, server_ctx("server", client_certs[i].ca), client_ctx("ca", client_certs[i].client), NULL);
		pair_handshake(&p);
		if (p.server.rc != (client_certs[i].accepted ? 1 : GH_E_VERIFY))
			fail_msg("row %zu: %d %s", i, p.server.rc, p.server.fail.text);
		assert_int_equal(wire_tls_peer_names(p.server.tls, cn, sizeof(cn), san, sizeof(san)), client_certs[i].cn != NULL);
		if (client_certs[i].cn != NULL) {
			assert_string_equal(cn, client_certs[i].cn);
			assert_string_equal(san, client_certs[i].san);
			/* A name that does not fit is no name, not a shorter one. */
			assert_true(wire_tls_peer_names(p.server.tls, cn, 3, san, 3));
			assert_true(cn[0] == '\0' && san[0] == '\0');
			assert_false(wire_tls_peer_names(p.server.tls, cn, 0, san, sizeof(san)));
		}
		pair_done(&p);
	}
}

static void
test_close(void **state)
{
	uint8_t got[16];

	(void)state;
	for (int how = 0; how < 3; how++) {
		struct pair p;

		pair_open(&p, server_ctx("server", NULL), client_ctx(NULL, NULL), NULL);
		assert_int_equal(wire_tls_write(p.client.tls, SPAN("bye"), &p.client.want, &p.client.fail), 3);
		if (how == 0) /* close-notify */
			wire_tls_free(&p.client.tls);
		else if (how == 1) /* end of file without it */
			assert_int_equal(shutdown(p.fd[1], SHUT_WR), 0);
		else { /* gone */
			(void)close(p.fd[1]);
			p.fd[1] = -1;
		}
		assert_int_equal(wire_tls_read(p.server.tls, got, sizeof(got), &p.server.want, &p.server.fail), 3);
		assert_int_equal(wire_tls_read(p.server.tls, got, sizeof(got), &p.server.want, &p.server.fail), GH_E_CLOSED);
		assert_non_null(strstr(p.server.fail.text, how == 0 ? "closed the connection" : "without a TLS goodbye"));
		if (how == 2)
			assert_true(wire_tls_write(p.server.tls, SPAN("x"), &p.server.want, &p.server.fail) == GH_E_CLOSED);
		pair_done(&p);
	}
}

/* Writing to a peer that is gone: EPIPE, not a signal, and a name for it. */
static void
test_write_to_nobody(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, server_ctx("server", NULL), client_ctx(NULL, NULL), NULL);
	(void)close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(wire_tls_write(p.server.tls, SPAN("x"), &p.server.want, &p.server.fail), GH_E_CLOSED);
	assert_non_null(strstr(p.server.fail.text, "could not send data over TLS: the peer closed the connection"));
	assert_int_equal(wire_tls_write(p.server.tls, SPAN("x"), &p.server.want, &p.server.fail), GH_E_CLOSED);
	pair_done(&p);
}

/* The first flight of a client, as bytes. */
static size_t
record_hello(uint8_t *bytes, size_t size)
{
	struct wire_tls_ctx *ctx = client_ctx(NULL, NULL);
	struct wire_tls *t = NULL;
	enum wire_tls_want want;
	int fd[2];
	ssize_t n;

	sockets(fd);
	assert_int_equal(wire_tls_new(ctx, fd[1], "db.example.org", &t, NULL), 0);
	assert_int_equal(wire_tls_handshake(t, &want, NULL), 0);
	assert_int_equal(want, WIRE_TLS_READ);
	n = recv(fd[0], bytes, size, 0);
	assert_true(n > 100 && (size_t)n < size);
	wire_tls_free(&t);
	wire_tls_ctx_unref(&ctx);
	(void)close(fd[0]);
	(void)close(fd[1]);
	return (size_t)n;
}

/* What a fresh server makes of these bytes and an end of file behind them. */
static int
serve_bytes(struct wire_tls_ctx *ctx, const uint8_t *bytes, size_t n)
{
	struct wire_tls *t = NULL;
	enum wire_tls_want want;
	int fd[2], rc;

	sockets(fd);
	assert_int_equal(wire_tls_new(ctx, fd[0], NULL, &t, NULL), 0);
	assert_int_equal(send(fd[1], bytes, n, 0), (ssize_t)n);
	assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
	rc = wire_tls_handshake(t, &want, NULL);
	wire_tls_free(&t);
	(void)close(fd[0]);
	(void)close(fd[1]);
	return rc;
}

static void
test_cut_handshake(void **state)
{
	struct wire_tls_ctx *ctx = server_ctx("server", "ca");
	uint8_t hello[2048], changed[2048];
	size_t n = record_hello(hello, sizeof(hello));

	(void)state;
	for (size_t i = 0; i <= n; i++)
		assert_int_equal(serve_bytes(ctx, hello, i), GH_E_CLOSED);
	for (size_t i = 0; i < n; i++) {
		memcpy(changed, hello, n);
		changed[i] ^= 0x55;
		assert_true(serve_bytes(ctx, changed, n) < 0);
	}
	assert_int_equal(serve_bytes(ctx, (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18), GH_E_PARSE);
	assert_int_equal(serve_bytes(ctx, (const uint8_t *)"\0\0\0\x11\0\3\0\0user\0bo\0\0", 17), GH_E_PARSE);
	wire_tls_ctx_unref(&ctx);
}

/* A whole handshake with one byte of the server's answer changed, for every byte: the client never gets through. */
static void
test_changed_answer(void **state)
{
	uint8_t flight[8192];
	size_t len = 1;

	(void)state;
	for (size_t i = 0; i < len; i += 3) {
		struct pair p;
		ssize_t n;
		int rc;

		pair_start(&p, server_ctx("server", NULL), client_ctx(NULL, NULL), NULL);
		assert_int_equal(wire_tls_handshake(p.client.tls, &p.client.want, NULL), 0);
		assert_int_equal(wire_tls_handshake(p.server.tls, &p.server.want, NULL), 0);
		n = recv(p.fd[1], flight, sizeof(flight), 0);
		assert_true(n > 100);
		len = (size_t)n < 400 ? (size_t)n : 400; /* the rest is encrypted alike */
		flight[i < (size_t)n ? i : 0] ^= 0x55;
		assert_int_equal(send(p.fd[0], flight, (size_t)n, 0), n);
		assert_int_equal(shutdown(p.fd[0], SHUT_WR), 0);
		rc = wire_tls_handshake(p.client.tls, &p.client.want, &p.client.fail);
		if (rc >= 0)
			fail_msg("byte %zu changed: %d", i, rc);
		pair_done(&p);
	}
}

/* A client made with OpenSSL itself, for what ours never does. Returns our server's handshake result. */
struct foreign {
	const char *alpn; /* in wire format */
	int max_version;
};

static int
serve_foreign(const struct foreign *f, bool *alpn_r, char version_r[16])
{
	struct wire_tls_ctx *ctx = server_ctx("server", NULL);
	SSL_CTX *foreign_ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(foreign_ctx);
	struct wire_tls *t = NULL;
	enum wire_tls_want want;
	int fd[2], rc = 0, client = 0;

	sockets(fd);
	assert_non_null(ssl);
	assert_int_equal(wire_tls_new(ctx, fd[0], NULL, &t, NULL), 0);
	SSL_set_security_level(ssl, 0);
	assert_int_equal(SSL_set_min_proto_version(ssl, 0), 1);
	assert_int_equal(SSL_set_max_proto_version(ssl, f->max_version), 1);
	if (f->alpn != NULL)
		assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)f->alpn, (unsigned)strlen(f->alpn)), 0);
	assert_int_equal(SSL_set_fd(ssl, fd[1]), 1);
	SSL_set_connect_state(ssl);
	for (int i = 0; i < 10 && rc == 0; i++) {
		client = SSL_do_handshake(ssl);
		rc = wire_tls_handshake(t, &want, NULL);
	}
	if (rc == 1) {
		char byte;

		while (client != 1)
			client = SSL_do_handshake(ssl);
		assert_int_equal(SSL_read(ssl, &byte, 1), -1); /* takes a ticket, if there were one */
		assert_false(SSL_SESSION_has_ticket(SSL_get_session(ssl)));
		*alpn_r = wire_tls_alpn(t);
		assert_true(snprintf(version_r, 16, "%s", wire_tls_version(t)) < 16);
	}
	wire_tls_free(&t);
	wire_tls_ctx_unref(&ctx);
	SSL_free(ssl);
	SSL_CTX_free(foreign_ctx);
	(void)close(fd[0]);
	(void)close(fd[1]);
	return rc;
}

static void
test_foreign(void **state)
{
	static const struct {
		struct foreign f;
		bool accepted, alpn;
		const char *version;
	} rows[] = {
		{{NULL, TLS1_3_VERSION}, true, false, "TLSv1.3"},
		{{NULL, TLS1_2_VERSION}, true, false, "TLSv1.2"},
		{{NULL, TLS1_1_VERSION}, false, false, NULL},
		{{"\012postgresql", TLS1_3_VERSION}, true, true, "TLSv1.3"},
		{{"\002h2\012postgresql", TLS1_2_VERSION}, true, true, "TLSv1.2"},
		{{"\002h2\010http/1.1", TLS1_3_VERSION}, false, false, NULL},
		{{"\011postgresq", TLS1_3_VERSION}, false, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		char version[16];
		bool alpn = false;
		int rc = serve_foreign(&rows[i].f, &alpn, version);

		if (rows[i].accepted ? rc != 1 : rc >= 0)
			fail_msg("row %zu: %d", i, rc);
		assert_int_equal(alpn, rows[i].alpn);
		if (rc == 1)
			assert_string_equal(version, rows[i].version);
	}
}

static void
expect_refused(const char *cert, const char *key, const char *ca, int rc, const char *text)
{
	struct wire_tls_ctx *ctx = NULL;
	struct base_fail fail = {.text = ""};

	assert_int_equal(wire_tls_server_new(cert, key, ca, &ctx, &fail), rc);
	assert_null(ctx);
	if (strstr(fail.text, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", fail.text, text);
	assert_int_equal(wire_tls_server_new(cert, key, ca, &ctx, NULL), rc);
}

static void
test_files(void **state)
{
	static const mode_t wrong[] = {0640, 0604, 0610, 0602, 0666, 0777}, fine[] = {0600, 0400, 0700};
	struct wire_tls_ctx *ctx = NULL;
	struct base_fail fail;
	char *cert = strdup(path("server", "crt")), *key = strdup(path("server", "key")), *link = strdup(path("link", "key"));

	(void)state;
	assert_true(cert != NULL && key != NULL && link != NULL); /* path() has few buffers */
	for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
		assert_int_equal(chmod(key, wrong[i]), 0);
		expect_refused(cert, key, NULL, GH_E_DENIED, "may be read by others");
	}
	for (size_t i = 0; i < BASE_COUNT(fine); i++) {
		assert_int_equal(chmod(key, fine[i]), 0);
		ctx = server_ctx("server", "ca");
		wire_tls_ctx_unref(&ctx);
	}
	assert_int_equal(chmod(key, 0600), 0);
	assert_int_equal(symlink(key, link), 0);
	assert_int_equal(wire_tls_server_new(cert, link, NULL, &ctx, &fail), 0); /* certificate tools keep links */
	wire_tls_ctx_unref(&ctx);
	assert_int_equal(unlink(link), 0);
	expect_refused(cert, path("nosuch", "key"), NULL, GH_E_MISSING, "nosuch.key");
	expect_refused(path("nosuch", "crt"), key, NULL, GH_E_MISSING, "nosuch.crt");
	expect_refused(cert, key, path("nosuch", "crt"), GH_E_MISSING, "nosuch.crt");
	expect_refused(cert, key, key, GH_E_PARSE, "server.key");  /* no certificate in there */
	expect_refused(key, key, NULL, GH_E_PARSE, "server.key");
	expect_refused(cert, path("alice", "key"), NULL, GH_E_VERIFY, "alice.key"); /* somebody else's */
	expect_refused(path("locked", "crt"), path("locked", "key"), NULL, GH_E_PARSE, "locked.key"); /* and no question at the terminal */
	expect_refused(cert, dir, NULL, GH_E_UNSUPPORTED, "not a regular file");
	assert_int_equal(wire_tls_client_new(NULL, cert, NULL, &ctx, &fail), GH_E_PARSE);
	assert_int_equal(wire_tls_client_new(NULL, NULL, key, &ctx, &fail), GH_E_PARSE);
	assert_int_equal(wire_tls_client_new(path("nosuch", "crt"), NULL, NULL, &ctx, &fail), GH_E_MISSING);
	assert_null(ctx);
	free(cert);
	free(key);
	free(link);
}

static void
test_misuse(void **state)
{
	struct wire_tls_ctx *ctx = client_ctx("ca", NULL);
	struct wire_tls *t = NULL;
	struct base_fail fail;
	enum wire_tls_want want;
	uint8_t byte;
	int fd[2];

	(void)state;
	sockets(fd);
	assert_int_equal(wire_tls_new(ctx, fd[0], "", &t, &fail), GH_E_PARSE);
	assert_null(t);
	assert_int_equal(wire_tls_new(ctx, fd[0], NULL, &t, &fail), 0);
	assert_true(wire_tls_read(t, &byte, 1, &want, &fail) < 0); /* before the handshake */
	assert_true(wire_tls_write(t, SPAN("x"), &want, &fail) < 0);
	assert_false(wire_tls_pending(t) || wire_tls_alpn(t));
	wire_tls_free(&t);
	wire_tls_free(&t);
	wire_tls_ctx_unref(&ctx);
	wire_tls_ctx_unref(&ctx);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_half_record),
		cmocka_unit_test(test_end_point),
		cmocka_unit_test(test_verification),
		cmocka_unit_test(test_client_certificates),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_write_to_nobody),
		cmocka_unit_test(test_cut_handshake),
		cmocka_unit_test(test_changed_answer),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_misuse),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
