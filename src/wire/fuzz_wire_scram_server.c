/* fuzz_wire_scram_server: bit 0 of the first byte: TLS; bit 1: -PLUS; bit 2: doomed; bit 3: parse a verifier instead. Then client-first,
 * LF, client-final. Nobody without the password may get in.
 */
#include "wire_scram_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[32] = {1}, secret[32] = {2};
	struct base_cursor c = base_cursor(base_span(data, size));
	uint8_t bits = base_cursor_u8(&c), key[32];
	struct wire_scram_verifier v;
	struct wire_scram_server *s;
	struct base_span first;
	struct base_buf out;

	base_crypt_init();
	wire_scram_verifier_mock(secret, base_span_str("bo"), &v);
	if ((bits & 8) != 0 && wire_scram_verifier_parse(base_span(c.p, c.left), &v, NULL) == 0 && v.salt_len > sizeof(v.salt))
		__builtin_trap();
	s = wire_scram_server_new(&v, (bits & 4) != 0, base_span(hash, (bits & 1) != 0 ? sizeof(hash) : 0));
	wire_scram_server_fix(s, base_span_str("nonce"));
	base_buf_init(&out, 4096);
	if (!base_cursor_until(&c, '\n', &first))
		first = base_cursor_take(&c, c.left);
	if (wire_scram_server_first(s, base_span_str((bits & 2) != 0 ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256"), first, &out, NULL) == 0
	    && wire_scram_server_final(s, base_span(c.p, c.left), &out, key, NULL) == 0)
		__builtin_trap();
	base_buf_done(&out);
	wire_scram_server_free(&s);
	return 0;
}
