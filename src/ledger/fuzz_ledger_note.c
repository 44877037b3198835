/* fuzz_ledger_note: notes, checkpoints and both kinds of key. */
#include "ledger_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char vkey[] = "gatehouse.example/ledger/main+c2746141+Ae8nJ9rQGvyicFVA+Axj5Tc176sPs2f5ZrPQ6KPYBeIs";
	struct ledger_checkpoint c;
	struct ledger_signer s;
	struct ledger_vkey k;

	base_crypt_init();
	if (ledger_vkey_parse(base_span_str(vkey), &k, NULL) == 0)
		(void)!ledger_checkpoint_open(base_span(data, n), &k, &c, NULL);
	(void)!ledger_checkpoint_parse(base_span(data, n), &c, NULL);
	(void)!ledger_signer_parse(base_span(data, n), &s, NULL);
	(void)!ledger_vkey_parse(base_span(data, n), &k, NULL);
	return 0;
}
