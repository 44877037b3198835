/* wire_tls: TLS over a non-blocking socket, with OpenSSL; both sides. TLS 1.2 or later, no renegotiation, no compression,
 * no early data, no resumption. The private key and certificate files are read when a context is made. The key file must
 * belong to us or to root and have no permissions for group and others (GH_E_DENIED). The process must ignore SIGPIPE.
 * Thread use: a context may be shared by threads; a connection belongs to one.
 */
#ifndef WIRE_TLS_H
#define WIRE_TLS_H

#include "base_buf.h"
#include "base_fail.h"

struct wire_tls_ctx;

/* Server context. ca_file (may be NULL): client certificates are asked for and, when given, must verify against it.
 * ALPN "postgresql" is selected when offered (required for direct TLS; ask wire_tls_alpn); an offer without it is refused. */
BASE_CHECK int wire_tls_server_new(const char *cert_file, const char *key_file, const char *ca_file, struct wire_tls_ctx **ctx_r, struct base_fail *fail);
/* Client context: ca_file NULL = no verification ("require"), else verify-ca; verify host at connection time (verify-full).
 * cert/key NULL = no client certificate. */
BASE_CHECK int wire_tls_client_new(const char *ca_file, const char *cert_file, const char *key_file, struct wire_tls_ctx **ctx_r, struct base_fail *fail);
void wire_tls_ctx_ref(struct wire_tls_ctx *ctx);
void wire_tls_ctx_unref(struct wire_tls_ctx **ctx); /* thread-safe count */

struct wire_tls;
/* host: NULL for the server side; on the client side the name (or IP) for verify-full and SNI, NULL = do not check the name. */
BASE_CHECK int wire_tls_new(struct wire_tls_ctx *ctx, int fd, const char *host, struct wire_tls **tls_r, struct base_fail *fail);
void wire_tls_free(struct wire_tls **t); /* sends close-notify if it can at once; does not close the fd */

enum wire_tls_want { WIRE_TLS_READ = 1, WIRE_TLS_WRITE = 2 };
/* Handshake step: 1 done; 0 call again when the socket is ready for *want_r; <0 failed (fail has OpenSSL's reason). */
BASE_CHECK int wire_tls_handshake(struct wire_tls *t, enum wire_tls_want *want_r, struct base_fail *fail);
/* read/write: >0 bytes; 0 not now (*want_r says for what) or n was 0; GH_E_CLOSED on close-notify or EOF; other <0 broken.
 * Partial writes are enabled; the buffer may move between tries, but after a 0 the next try must begin with the same bytes and
 * have no fewer (they may be encrypted already). After the handshake: read, or ask wire_tls_pending, before polling. */
BASE_CHECK long wire_tls_read(struct wire_tls *t, uint8_t *dst, size_t n, enum wire_tls_want *want_r, struct base_fail *fail);
BASE_CHECK long wire_tls_write(struct wire_tls *t, struct base_span s, enum wire_tls_want *want_r, struct base_fail *fail);
bool wire_tls_pending(const struct wire_tls *t); /* bytes may wait inside OpenSSL: read again before polling (false after a 0) */

bool wire_tls_alpn(const struct wire_tls *t); /* the peer negotiated ALPN "postgresql" */
/* RFC 5929 tls-server-end-point: hash of the server certificate (ours on the server side, the peer's on the client side);
 * hash by the certificate's signature algorithm, MD5/SHA-1 replaced by SHA-256. n = 0 when it cannot be had. Lives with t. */
struct base_span wire_tls_end_point(const struct wire_tls *t);
/* Verified client certificate: subject CN and the first DNS/e-mail SAN as text; false when none was given. Each is "" when it is
 * absent, does not fit, is not plain UTF-8 (a NUL inside), or, for the CN, occurs twice: never cut. */
bool wire_tls_peer_names(const struct wire_tls *t, char *cn, size_t cn_size, char *san, size_t san_size);
const char *wire_tls_version(const struct wire_tls *t); /* "TLSv1.3" */

#endif
