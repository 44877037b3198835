/* Fuzz: bytes of a server to an enforced client's requests. What the client gets are messages; no row is among them before its receipt; the rest of a good
 * answer in front (first byte: how many of its messages) reaches the states behind.
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

static void
script(struct scene *c)
{
	scene_init(c);
	client_says(c);
	query(c, shop_tree[T_PHONE].sql);
	parse(c, "s", shop_tree[T_PHONE].sql);
	bind_portal(c, "p", "s", NULL, 1);
	execute(c, "p", 2);
	sync_up(c);
	query(c, "COPY (SELECT id, email FROM customers) TO STDOUT");
	for (int i = 0; i < 3; i++) { /* three times: analysed, bound, run */
		server_says(c);
		if (i == 0) {
			tree_notice(c, shop_tree[T_PHONE].tree);
			simple(c, '1');
			params_of(c, T_PHONE);
			describe_tree(c, T_PHONE);
		} else if (i == 1) {
			simple(c, '2');
		} else {
			row2(c, "1", SECRET);
			done(c, "SELECT 1");
			ready(c, 'I');
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scene c;
	uint32_t seed = 1;
	char kinds[64];

	if (!g.worker) {
		base_crypt_init();
		base_log_setup(false, BASE_LOG_ERROR + 1, "fuzz");
		strict_stage_open_policy(&g, STRICT_POLICY_COUNTS, "");
		(void)atexit(finish); /* else a folder is left behind */
		script(&c);
	}
	if (size < 1)
		return 0;
	stage_log_in(&g);
	for (size_t i = 0; i <= 1u + data[0] % 3u; i++)
		shop_must(scene_send(&g, &c, i, WHOLE, &seed) && g.session, "the beginning is good");
	size_t sent = stage_send(&g, g.server, data + 1, size - 1);
	stage_settle(&g);
	client_kinds(&g, kinds, sizeof(kinds));
	shop_must(!client_has(&g, SECRET) && strcspn(kinds, "Dd") == strlen(kinds), "a row is out before its receipt, or not masked");
	g.at_once = true;
	(void)stage_send(&g, g.server, data + 1 + sent, size - 1 - sent);
	stage_settle(&g);
	client_kinds(&g, kinds, sizeof(kinds));
	stage_log_out(&g);
	shop_must(strict_stage_counted(&g) <= 2 && gate_budget_sane(g.shared.budget), "more than the budget");
	return 0;
}
