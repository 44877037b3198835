/* Fuzz: bytes of an enforced client, before a server that answers as PostgreSQL does and checks what it gets. The client never sees a protected value, and what
 * it sees are messages. First byte: into how many pieces the rest is cut.
 */
#include "test_gate_strict_stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stage g;

static void
finish(void)
{
	stage_keeper_goes(&g);
	(void)rmdir(g.dir); /* nothing else is in it */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct role r;
	char kinds[64];

	if (!g.worker) {
		base_crypt_init();
		base_log_setup(false, BASE_LOG_ERROR + 1, "fuzz");
		strict_stage_open_policy(&g, STRICT_POLICY_COUNTS, "");
		(void)atexit(finish); /* else a folder is left behind */
	}
	if (size < 1 || size > 4096) /* more statements than the server has places for */
		return 0;
	stage_log_in(&g);
	g.at_once = true;
	role_init(&r);
	size_t step = data[0] ? (size - 1) / data[0] + 1 : size;
	for (size_t at = 1; at < size && g.session; at += step) {
		(void)stage_send(&g, g.client, data + at, step < size - at ? step : size - at);
		role_settle(&g, &r);
	}
	shop_must(!client_has(&g, SECRET), "a protected value goes out");
	client_kinds(&g, kinds, sizeof(kinds));
	stage_log_out(&g);
	shop_must(strict_stage_counted(&g) <= 2 && gate_budget_sane(g.shared.budget), "more than the budget");
	role_done(&r);
	return 0;
}
