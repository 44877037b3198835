/* fuzz_wire_scram_client: bit 0 of the first byte: TLS; bit 1: -PLUS. Then server-first, LF, server-final. No server without the
 * verifier may be believed.
 */
#include "wire_scram_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[32] = {1}, client_key[32] = {2}, server_key[32] = {3};
	struct base_cursor c = base_cursor(base_span(data, size));
	uint8_t bits = base_cursor_u8(&c);
	struct wire_scram_client *x;
	struct base_span first;
	struct base_buf out;

	base_crypt_init();
	x = wire_scram_client_new(client_key, server_key, base_span(hash, (bits & 1) != 0 ? sizeof(hash) : 0), (bits & 2) != 0);
	wire_scram_client_fix(x, base_span_str(""), base_span_str("nonce"));
	base_buf_init(&out, 4096);
	wire_scram_client_first(x, &out);
	if (!base_cursor_until(&c, '\n', &first))
		first = base_cursor_take(&c, c.left);
	if (wire_scram_client_final(x, first, &out, NULL) == 0 && wire_scram_client_check(x, base_span(c.p, c.left), NULL) == 0)
		__builtin_trap();
	base_buf_done(&out);
	wire_scram_client_free(&x);
	return 0;
}
