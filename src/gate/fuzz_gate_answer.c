/* Fuzz: bytes of a server in answer to requests that all touch customers. No row is with the client before its receipt; with the receipts
 * the client has a beginning of the server's bytes and at most one message of the gate's.
 */
#include "test_gate_scenes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stage g;

static void
finish(void)
{
	stage_keeper_goes(&g);
	(void)rmdir(g.dir); /* nothing else is in it */
}

static void
no_row_in(struct base_span s)
{
	for (struct base_cursor c = base_cursor(s); c.left > 0;) {
		uint8_t type = base_cursor_u8(&c);
		shop_must(type != 'D' && type != 'd', "a row left before its receipt");
		uint32_t word = base_cursor_u32(&c);
		(void)base_cursor_take(&c, word < 4 ? 0 : word - 4 < c.left ? word - 4 : c.left);
	}
}

static void
requests(struct scene *c)
{
	scene_init(c);
	client_says(c);
	query(c, "SELECT id, phone FROM customers; COPY customers TO STDOUT");
	parse(c, "s", "SELECT id, phone FROM customers");
	bind_portal(c, "p", "s", NULL, 0);
	target(c, 'D', 'P', "p");
	execute(c, "p", 0);
	target(c, 'C', 'S', "s");
	sync_up(c);
	query(c, "COPY customers FROM STDIN");
	query(c, "COPY customers TO STDOUT (FORMAT binary)");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scene c;
	uint32_t seed = 1;

	if (!g.worker) {
		base_crypt_init();
		base_log_setup(false, BASE_LOG_ERROR + 1, "fuzz");
		stage_open(&g, "");
		(void)atexit(finish); /* else a folder is left behind */
		requests(&c);
	}
	stage_log_in(&g);
	shop_must(scene_send(&g, &c, 0, WHOLE, &seed) && g.session, "the requests are good");
	size_t sent = stage_send(&g, g.server, data, size);
	stage_settle(&g);
	no_row_in(base_buf_span(&g.to_client));
	g.at_once = true;
	(void)stage_send(&g, g.server, data + sent, size - sent);
	stage_settle(&g);
	struct base_span got = base_buf_span(&g.to_client);
	size_t same = 0;
	while (same < got.n && same < size && got.p[same] == data[same])
		same++;
	shop_must(got.n - same < 1200, "the client has other bytes than the server sent");
	shop_must(g.most_held <= g.world->conf->hold_size, "more than hold_size is held");
	stage_log_out(&g);
	return 0;
}
