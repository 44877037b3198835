/* wire_tls: TLS over a non-blocking socket, with OpenSSL 3.0, both sides.
 * Job: contexts from certificate files (trusted), connections over descriptors (hostile peers).
 * Calls base and OpenSSL. Never renegotiates, resumes, compresses, asks for a passphrase or reads a key that others may read;
 * never continues a connection after an error. The process must ignore SIGPIPE: OpenSSL writes with write(2).
 *
 * Memory: sessions are neither cached nor ticketed and record buffers are given back when empty (SSL_MODE_RELEASE_BUFFERS), so that an
 * idle connection holds no 16 KiB buffers. Disadvantage: a reconnecting client makes a whole handshake.
 * Read-ahead: OpenSSL reads whatever is there in one system call, instead of header and body of each record in two. It follows that
 * undecrypted records may lie in its buffer; wire_tls_pending() knows of them.
 * Errors: OpenSSL keeps a queue a thread; it is emptied before each operation, so that what is reported is about that operation.
 */
#include "wire_tls.h"

#include <errno.h>
#include <fcntl.h> /* AT_FDCWD only */
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base_crypt.h"
#include "base_file.h"
#include "base_mem.h"
#include "base_text.h"

#define KEY_FILE_MAX 65536u

static const unsigned char alpn_postgresql[] = "\012postgresql"; /* length byte (octal 12 = 10), then the name */

struct tls_hash {
	uint8_t bytes[EVP_MAX_MD_SIZE];
	size_t len; /* 0: cannot be had */
};

struct wire_tls_ctx {
	SSL_CTX *ssl; /* own */
	atomic_uint refs;
	bool server;
	bool verify;              /* there is a CA file */
	struct tls_hash end_point; /* server: of our certificate */
};

struct wire_tls {
	SSL *ssl;                 /* own */
	struct wire_tls_ctx *ctx; /* shared: counted */
	struct tls_hash end_point;
	bool ready;  /* the handshake is done */
	bool broken; /* an operation failed: OpenSSL forbids any other, also the goodbye */
	bool more;   /* the last read ended because dst was full, not for want of bytes */
};

/* ---- Errors ---- */

/* An entry of the error queue as text. Empties the queue. */
static int
tls_fail_entry(struct base_fail *fail, int code, const char *what, unsigned long e)
{
	const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	if (e != 0 && ERR_SYSTEM_ERROR(e))
		return base_fail_errno(fail, ERR_GET_REASON(e), "%s", what);
	return base_fail_set(fail, code, "%s: %s", what, reason != NULL ? reason : "unknown TLS error");
}

/* With files the oldest entry says most ("No such file"), what follows is who passed it on. */
static int
tls_fail(struct base_fail *fail, int code, const char *what)
{
	return tls_fail_entry(fail, code, what, ERR_peek_error());
}

/* After an operation that returned ret <= 0: 0 with *want_r when it is only a matter of waiting, else the connection is broken.
 * saved_errno: as the operation left it. */
static int
tls_result(struct wire_tls *t, int ret, int saved_errno, const char *what, enum wire_tls_want *want_r, struct base_fail *fail)
{
	unsigned long e;
	long verify;

	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		*want_r = WIRE_TLS_READ;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*want_r = WIRE_TLS_WRITE;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return base_fail_set(fail, GH_E_CLOSED, "%s: the peer closed the connection", what);
	case SSL_ERROR_SYSCALL:
		t->broken = true;
		ERR_clear_error();
		if (saved_errno == 0 || saved_errno == ECONNRESET || saved_errno == EPIPE)
			return base_fail_set(fail, GH_E_CLOSED, "%s: the peer closed the connection", what);
		return base_fail_errno(fail, saved_errno, "%s", what);
	default:
		t->broken = true;
		break;
	}
	e = ERR_peek_last_error(); /* of a connection the newest says most: the reason in terms of TLS */
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ERR_clear_error();
		return base_fail_set(fail, GH_E_CLOSED, "%s: the peer closed the connection without a TLS goodbye", what);
	}
	verify = SSL_get_verify_result(t->ssl);
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK) {
		ERR_clear_error();
		return base_fail_set(fail, GH_E_VERIFY, "%s: certificate verify failed: %s", what, X509_verify_cert_error_string(verify));
	}
	return tls_fail_entry(fail, GH_E_PARSE, what, e);
}

/* ---- Contexts ---- */

/* RFC 5929 section 4.1. A certificate whose signature names no hash (Ed25519) has no such data. */
static void
tls_hash_certificate(X509 *cert, struct tls_hash *r)
{
	int digest = NID_undef;
	unsigned int len = 0;
	const EVP_MD *md;

	r->len = 0;
	if (cert == NULL || !X509_get_signature_info(cert, &digest, NULL, NULL, NULL) || digest == NID_undef)
		return;
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	md = EVP_get_digestbynid(digest);
	if (md != NULL && X509_digest(cert, md, r->bytes, &len))
		r->len = len;
}

/* Encrypted keys are refused: without this OpenSSL would ask at the terminal. */
static int
tls_no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

/* "postgresql" or nothing: who offers only other protocols believes to talk to another server, and is refused. */
static int
tls_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned int in_len, void *arg)
{
	unsigned char *chosen;

	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&chosen, out_len, alpn_postgresql, sizeof(alpn_postgresql) - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* The private key of the certificate that ssl has already, from a file that its owner alone may read. The links on the way
 * (certificate tools make them) are followed first; the file itself is then opened once, checked and read. */
static int
tls_load_key(SSL_CTX *ssl, const char *path, struct base_fail *fail)
{
	char *real = realpath(path, NULL);
	struct base_buf text;
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	int rc;

	base_buf_init(&text, KEY_FILE_MAX);
	if (real == NULL) {
		rc = base_fail_errno(fail, errno, "could not read private key file \"%s\"", path);
		goto out;
	}
	rc = base_file_read_secret(AT_FDCWD, real, &text, fail);
	if (rc < 0) {
		base_fail_where(fail, "private key");
		goto out;
	}
	ERR_clear_error();
	bio = BIO_new_mem_buf(base_buf_span(&text).p, (int)base_buf_len(&text));
	key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, NULL) : NULL;
	if (key == NULL)
		rc = tls_fail(fail, GH_E_PARSE, "could not load private key file");
	else if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1)
		rc = tls_fail(fail, GH_E_VERIFY, "private key does not fit the certificate");
	if (rc < 0)
		base_fail_where(fail, "\"%s\"", path);
out:
	EVP_PKEY_free(key);
	BIO_free(bio);
	if (text.mem != NULL)
		base_secret_wipe(text.mem, text.cap);
	base_buf_done(&text);
	free(real);
	return rc;
}

static int
tls_load_pair(SSL_CTX *ssl, const char *cert_file, const char *key_file, struct base_fail *fail)
{
	int rc;

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ssl, cert_file) != 1) {
		rc = tls_fail(fail, GH_E_PARSE, "could not load certificate file");
		base_fail_where(fail, "\"%s\"", cert_file);
		return rc;
	}
	return tls_load_key(ssl, key_file, fail);
}

static int
tls_load_ca(struct wire_tls_ctx *ctx, const char *ca_file, struct base_fail *fail)
{
	STACK_OF(X509_NAME) *names;
	int rc;

	ERR_clear_error();
	if (SSL_CTX_load_verify_locations(ctx->ssl, ca_file, NULL) != 1)
		goto failed;
	if (ctx->server) {
		names = SSL_load_client_CA_file(ca_file);
		if (names == NULL)
			goto failed;
		SSL_CTX_set_client_CA_list(ctx->ssl, names); /* free the stack NOT: the context owns it */
	}
	/* On the server side: ask, and refuse one that does not verify, but let in who has none. */
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
	ctx->verify = true;
	return 0;
failed:
	rc = tls_fail(fail, GH_E_PARSE, "could not load certificate authority file");
	base_fail_where(fail, "\"%s\"", ca_file);
	return rc;
}

static struct wire_tls_ctx *
tls_ctx_new(bool server)
{
	struct wire_tls_ctx *ctx = base_mem_new(1, sizeof(*ctx));

	ERR_clear_error();
	atomic_init(&ctx->refs, 1);
	ctx->server = server;
	ctx->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (ctx->ssl == NULL)
		return ctx;
	(void)SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION); /* fails for unknown versions only */
	(void)SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx->ssl, 0); /* always 1 */
	(void)SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ctx->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx->ssl, 1);
	SSL_CTX_set_default_passwd_cb(ctx->ssl, tls_no_passphrase);
	if (server)
		SSL_CTX_set_alpn_select_cb(ctx->ssl, tls_alpn_select, NULL);
	return ctx;
}

/* Hands a finished context out, or takes a failed one down. */
static int
tls_ctx_end(struct wire_tls_ctx *ctx, int rc, struct wire_tls_ctx **ctx_r)
{
	if (rc < 0)
		wire_tls_ctx_unref(&ctx);
	else
		*ctx_r = ctx;
	return rc;
}

int
wire_tls_server_new(const char *cert_file, const char *key_file, const char *ca_file, struct wire_tls_ctx **ctx_r, struct base_fail *fail)
{
	struct wire_tls_ctx *ctx = tls_ctx_new(true);
	int rc = 0;

	if (ctx->ssl == NULL)
		rc = tls_fail(fail, GH_E_NOMEM, "could not make a TLS context");
	if (rc == 0)
		rc = tls_load_pair(ctx->ssl, cert_file, key_file, fail);
	if (rc == 0 && ca_file != NULL)
		rc = tls_load_ca(ctx, ca_file, fail);
	if (rc == 0)
		tls_hash_certificate(SSL_CTX_get0_certificate(ctx->ssl), &ctx->end_point);
	return tls_ctx_end(ctx, rc, ctx_r);
}

int
wire_tls_client_new(const char *ca_file, const char *cert_file, const char *key_file, struct wire_tls_ctx **ctx_r, struct base_fail *fail)
{
	struct wire_tls_ctx *ctx = tls_ctx_new(false);
	int rc = 0;

	if (ctx->ssl == NULL)
		rc = tls_fail(fail, GH_E_NOMEM, "could not make a TLS context");
	else if ((cert_file == NULL) != (key_file == NULL))
		rc = base_fail_set(fail, GH_E_PARSE, "a client certificate needs both a certificate file and a key file");
	if (rc == 0 && ca_file != NULL)
		rc = tls_load_ca(ctx, ca_file, fail);
	if (rc == 0 && cert_file != NULL)
		rc = tls_load_pair(ctx->ssl, cert_file, key_file, fail);
	return tls_ctx_end(ctx, rc, ctx_r);
}

void
wire_tls_ctx_ref(struct wire_tls_ctx *ctx)
{
	(void)atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
}

void
wire_tls_ctx_unref(struct wire_tls_ctx **ctx)
{
	struct wire_tls_ctx *x = *ctx;

	*ctx = NULL;
	if (x == NULL || atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(x->ssl);
	free(x);
}

/* ---- Connections ---- */

/* Server name indication (names only, RFC 6066 section 3) and the name that the certificate must carry. */
static bool
tls_set_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (*host == '\0')
		return false;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return true;
	ERR_clear_error(); /* not an address */
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int
wire_tls_new(struct wire_tls_ctx *ctx, int fd, const char *host, struct wire_tls **tls_r, struct base_fail *fail)
{
	struct wire_tls *t = base_mem_new(1, sizeof(*t));
	int rc = 0;

	ERR_clear_error();
	t->ctx = ctx;
	wire_tls_ctx_ref(ctx);
	t->ssl = SSL_new(ctx->ssl);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		rc = tls_fail(fail, GH_E_NOMEM, "could not start TLS");
	} else if (ctx->server) {
		SSL_set_accept_state(t->ssl);
	} else {
		SSL_set_connect_state(t->ssl);
		if (host != NULL && !tls_set_host(t->ssl, host))
			rc = tls_fail(fail, GH_E_PARSE, "could not use the host name for TLS");
	}
	if (rc < 0)
		wire_tls_free(&t);
	else
		*tls_r = t;
	return rc;
}

void
wire_tls_free(struct wire_tls **t)
{
	struct wire_tls *x = *t;

	*t = NULL;
	if (x == NULL)
		return;
	ERR_clear_error();
	if (x->ready && !x->broken)
		(void)SSL_shutdown(x->ssl); /* one try: the peer may be gone, and we do not wait for its answer */
	ERR_clear_error();
	SSL_free(x->ssl);
	wire_tls_ctx_unref(&x->ctx);
	free(x);
}

static int
tls_refuse_broken(struct base_fail *fail)
{
	return base_fail_set(fail, GH_E_CLOSED, "the TLS connection has failed before");
}

int
wire_tls_handshake(struct wire_tls *t, enum wire_tls_want *want_r, struct base_fail *fail)
{
	int ret;

	if (t->broken)
		return tls_refuse_broken(fail);
	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(t->ssl);
	if (ret != 1) {
		ret = tls_result(t, ret, errno, "TLS handshake failed", want_r, fail);
		t->broken = ret < 0;
		return ret;
	}
	if (!t->ctx->server && !t->ready)
		tls_hash_certificate(SSL_get0_peer_certificate(t->ssl), &t->end_point);
	t->ready = true;
	t->more = true; /* with read-ahead, data may have come along with the end of the handshake */
	return 1;
}

/* What one call may carry: fits the int inside OpenSSL and the long that we return. */
static size_t
tls_clamp(size_t n)
{
	return n < (1u << 30) ? n : (1u << 30);
}

long
wire_tls_read(struct wire_tls *t, uint8_t *dst, size_t n, enum wire_tls_want *want_r, struct base_fail *fail)
{
	size_t got = 0;
	int ret;

	if (t->broken || !t->ready)
		return tls_refuse_broken(fail);
	if (n == 0) { /* no room is not the end */
		*want_r = WIRE_TLS_READ;
		return 0;
	}
	ERR_clear_error();
	errno = 0;
	ret = SSL_read_ex(t->ssl, dst, tls_clamp(n), &got);
	t->more = ret == 1;
	if (ret == 1)
		return (long)got;
	return tls_result(t, ret, errno, "could not receive data over TLS", want_r, fail);
}

long
wire_tls_write(struct wire_tls *t, struct base_span s, enum wire_tls_want *want_r, struct base_fail *fail)
{
	size_t put = 0;
	int ret;

	if (t->broken || !t->ready)
		return tls_refuse_broken(fail);
	if (s.n == 0) {
		*want_r = WIRE_TLS_WRITE;
		return 0;
	}
	ERR_clear_error();
	errno = 0;
	ret = SSL_write_ex(t->ssl, s.p, tls_clamp(s.n), &put);
	if (ret == 1)
		return (long)put;
	return tls_result(t, ret, errno, "could not send data over TLS", want_r, fail);
}

bool
wire_tls_pending(const struct wire_tls *t)
{
	/* A read that ended for want of bytes has used all that was whole; a part of a record may be left, and is no reason to
	 * read again before the socket has more. */
	return t->more && !t->broken && SSL_has_pending(t->ssl) == 1;
}

bool
wire_tls_alpn(const struct wire_tls *t)
{
	const unsigned char *name = NULL;
	unsigned int len = 0;

	SSL_get0_alpn_selected(t->ssl, &name, &len);
	return base_span_is(base_span(name, len), "postgresql");
}

struct base_span
wire_tls_end_point(const struct wire_tls *t)
{
	const struct tls_hash *h = t->ctx->server ? &t->ctx->end_point : &t->end_point;

	return base_span(h->bytes, h->len);
}

/* An ASN.1 string as text into dst. Empty when it does not fit or is not plain text: a name that is cut, or that ends early at a
 * NUL (CVE-2009-2408 and its relatives), would be somebody else's. */
static void
tls_name_text(const ASN1_STRING *name, char *dst, size_t size)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, name);
	struct base_span s = base_span(utf8, len > 0 ? (size_t)len : 0);

	dst[0] = '\0';
	if (s.n != 0 && s.n < size && memchr(s.p, 0, s.n) == NULL && base_text_utf8(s)) {
		memcpy(dst, s.p, s.n);
		dst[s.n] = '\0';
	}
	OPENSSL_free(utf8);
}

static void
tls_common_name(X509 *cert, char *dst, size_t size)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	dst[0] = '\0';
	/* Two common names are one too many to know who this is. */
	if (at >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0)
		tls_name_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), dst, size);
}

static void
tls_first_alt_name(X509 *cert, char *dst, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	dst[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) { /* -1 for NULL */
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS && name->type != GEN_EMAIL)
			continue;
		tls_name_text(name->d.ia5, dst, size);
		break;
	}
	GENERAL_NAMES_free(names);
}

bool
wire_tls_peer_names(const struct wire_tls *t, char *cn, size_t cn_size, char *san, size_t san_size)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);

	if (!t->ready || !t->ctx->verify || cert == NULL || SSL_get_verify_result(t->ssl) != X509_V_OK || cn_size == 0 || san_size == 0)
		return false;
	ERR_clear_error();
	tls_common_name(cert, cn, cn_size);
	tls_first_alt_name(cert, san, san_size);
	ERR_clear_error();
	return true;
}

const char *
wire_tls_version(const struct wire_tls *t)
{
	return SSL_get_version(t->ssl);
}
