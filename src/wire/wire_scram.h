/* wire_scram: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; channel binding tls-server-end-point, RFC 5929),
 * both sides, as PostgreSQL speaks them. Pure: bytes in, bytes out. State is private to this file; secrets are wiped.
 *
 * Server side works from a verifier "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>" (pg_authid.rolpassword) and
 * recovers the ClientKey (ClientProof XOR HMAC(StoredKey, AuthMessage)), with which the client side logs in elsewhere as the
 * same role, given that the other server holds the SAME verifier (same salt, iterations). An unknown user gets a mock exchange
 * of the same cost that fails at the end (salt from HMAC(mock secret, user)), as auth-scram.c does.
 */
#ifndef WIRE_SCRAM_H
#define WIRE_SCRAM_H

#include "base_buf.h"
#include "base_crypt.h"
#include "base_fail.h"

struct wire_scram_verifier {
	uint32_t iterations;
	uint8_t salt[64];
	size_t salt_len;
	uint8_t stored_key[32];
	uint8_t server_key[32];
};
/* GH_E_PARSE: not a SCRAM-SHA-256 verifier (md5, plain text, malformed). */
BASE_CHECK int wire_scram_verifier_parse(struct base_span text, struct wire_scram_verifier *r, struct base_fail *fail);
/* Deterministic fake for unknown users. */
void wire_scram_verifier_mock(const uint8_t secret[32], struct base_span user, struct wire_scram_verifier *r);

struct wire_scram_server;
/* doomed: the user is unknown; the exchange runs to the end and fails. cbind: the data of tls-server-end-point (our own
 * certificate's hash), n = 0 when the connection has no TLS. Copies all it needs. */
struct wire_scram_server *wire_scram_server_new(const struct wire_scram_verifier *v, bool doomed, struct base_span cbind);
void wire_scram_server_free(struct wire_scram_server **s); /* wipes */
/* client-first -> server-first. GH_E_PARSE: malformed; GH_E_DENIED: channel binding rule broken (PLUS chosen without TLS;
 * 'y' flag though we offered PLUS: downgrade). */
BASE_CHECK int wire_scram_server_first(struct wire_scram_server *s, struct base_span mechanism, struct base_span client_first, struct base_buf *server_first, struct base_fail *fail);
/* client-final -> server-final. GH_E_DENIED: wrong password or unknown user (same text for both). On success client_key_r holds
 * the ClientKey (caller wipes). */
BASE_CHECK int wire_scram_server_final(struct wire_scram_server *s, struct base_span client_final, struct base_buf *server_final, uint8_t client_key_r[32], struct base_fail *fail);

struct wire_scram_client;
/* cbind: tls-server-end-point data of the server's certificate, n = 0 without TLS. plus: mechanism chosen is -PLUS; with n = 0
 * (a certificate that has no such data) the exchange fails in wire_scram_client_final with GH_E_DENIED. */
struct wire_scram_client *wire_scram_client_new(const uint8_t client_key[32], const uint8_t server_key[32], struct base_span cbind, bool plus);
void wire_scram_client_free(struct wire_scram_client **c);
void wire_scram_client_first(struct wire_scram_client *c, struct base_buf *client_first);
/* server-first -> client-final (GH_E_PARSE, GH_E_VERIFY: nonce not an extension of ours). */
BASE_CHECK int wire_scram_client_final(struct wire_scram_client *c, struct base_span server_first, struct base_buf *client_final, struct base_fail *fail);
/* server-final: GH_E_VERIFY when the server's signature is wrong (it does not hold the verifier); GH_E_DENIED: it says "e=...".
 * All these calls: once each, in this order, and none after a failure (GH_E_PARSE). */
BASE_CHECK int wire_scram_client_check(struct wire_scram_client *c, struct base_span server_final, struct base_fail *fail);

#endif
