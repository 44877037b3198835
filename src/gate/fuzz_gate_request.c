/* Fuzz: bytes of a client. The server gets a beginning of them, and the gate's own Describes in between; what is kept stays bounded.
 * First byte: how often the server is ready in between.
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

/* Length of the message at c, as far as it is there. */
static size_t
message(struct base_cursor c)
{
	size_t all = c.left;

	if (all < WIRE_HEADER)
		return all;
	(void)base_cursor_u8(&c);
	uint32_t word = base_cursor_u32(&c);
	return word < 4 || word - 4 > c.left ? all : word + 1;
}

static void
same_but_describes(struct base_span sent, struct base_span got)
{
	struct base_cursor s = base_cursor(sent), o = base_cursor(got);

	while (o.left > 0) {
		size_t n = message(o);
		if (n <= s.left && memcmp(s.p, o.p, n) == 0)
			(void)base_cursor_take(&s, n);
		else
			shop_must(o.p[0] == 'D' && n > 6 && o.p[5] == 'P', "the server has other bytes than the client sent");
		(void)base_cursor_take(&o, n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ready[] = {'Z', 0, 0, 0, 5, 'I'};

	if (!g.worker) {
		base_crypt_init();
		base_log_setup(false, BASE_LOG_ERROR + 1, "fuzz");
		stage_open(&g, "");
		(void)atexit(finish); /* else a folder is left behind */
	}
	if (size < 1)
		return 0;
	stage_log_in(&g);
	g.at_once = true;
	size_t step = data[0] ? (size - 1) / data[0] + 1 : size;
	for (size_t at = 1; at < size && g.session; at += step) {
		(void)stage_send(&g, g.client, data + at, step < size - at ? step : size - at);
		stage_settle(&g);
		if (data[0] && g.session)
			(void)stage_send(&g, g.server, ready, sizeof(ready));
	}
	stage_settle(&g);
	same_but_describes(base_span(data + 1, size - 1), base_buf_span(&g.to_server));
	stage_log_out(&g);
	return 0;
}
