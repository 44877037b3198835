/* test_gate_scene: scripts for two peers. A scene is a list of steps; in each, one peer sends bytes and the other must get what the script
 * says, which is the same but for the gate's own Describe. Played whole, byte by byte, or in random pieces.
 */
#ifndef TEST_GATE_SCENE_H
#define TEST_GATE_SCENE_H

#include "test_gate_stage.h"
#include "wire_write.h"

#define SCENE_STEPS 24

struct scene {
	struct {
		bool server;
		struct base_buf bytes, want;
		size_t held; /* of `want` so many bytes may leave without a receipt; SIZE_MAX: all */
	} step[SCENE_STEPS];
	size_t n;
	bool sent, wanted;    /* what is added now is sent; is expected */
	bool big;             /* too long to be played byte by byte */
	uint64_t rows;        /* that the entries must count together */
	const char *whose[8]; /* keys (canonical) that the entries must name, in order of first appearance, and no others */
	bool unknown;         /* some entry says that subjects are unknown */
	size_t entries;       /* least number of read and write entries */
	struct base_buf m; /* the message being made */
	uint8_t type;
};

static inline void
scene_init(struct scene *c)
{
	*c = (struct scene){.sent = true, .wanted = true};
	base_buf_init(&c->m, 1u << 26);
}

static inline void
scene_done(struct scene *c)
{
	for (size_t i = 0; i < c->n; i++) {
		base_buf_done(&c->step[i].bytes);
		base_buf_done(&c->step[i].want);
	}
	base_buf_done(&c->m);
}

static inline void
scene_step(struct scene *c, bool server)
{
	shop_must(c->n < SCENE_STEPS, "too many steps");
	base_buf_init(&c->step[c->n].bytes, 1u << 26);
	base_buf_init(&c->step[c->n].want, 1u << 26);
	c->step[c->n].held = SIZE_MAX;
	c->step[c->n++].server = server;
}

static inline void client_says(struct scene *c) { scene_step(c, false); }
static inline void server_says(struct scene *c) { scene_step(c, true); }
/* What follows is put in by the gate (towards the server), or taken out by it (towards the client). */
static inline void gate_adds(struct scene *c) { c->sent = false; c->wanted = true; }
static inline void gate_takes(struct scene *c) { c->sent = true; c->wanted = false; }
static inline void as_it_is(struct scene *c) { c->sent = c->wanted = true; }

/* From here on what the client gets is held until the entry about it has its receipt. */
static inline void
held_from_here(struct scene *c)
{
	c->step[c->n - 1].held = base_buf_len(&c->step[c->n - 1].want);
}

static inline void
msg(struct scene *c, char type)
{
	base_buf_clear(&c->m);
	c->type = (uint8_t)type;
}

static inline void
end(struct scene *c)
{
	shop_must(!c->m.bad, "message");
	if (c->sent)
		wire_write_message(&c->step[c->n - 1].bytes, c->type, base_buf_span(&c->m));
	if (c->wanted)
		wire_write_message(&c->step[c->n - 1].want, c->type, base_buf_span(&c->m));
	shop_must(!c->step[c->n - 1].bytes.bad && !c->step[c->n - 1].want.bad, "message is not legal");
}

static inline void
simple(struct scene *c, char type)
{
	msg(c, type);
	end(c);
}

/* ---- requests ---- */

static inline void
query(struct scene *c, const char *sql)
{
	msg(c, 'Q');
	base_buf_cstr(&c->m, sql);
	end(c);
}

static inline void
parse(struct scene *c, const char *name, const char *sql)
{
	msg(c, 'P');
	base_buf_cstr(&c->m, name);
	base_buf_cstr(&c->m, sql);
	base_buf_u16(&c->m, 0);
	end(c);
}

/* param NULL: none; else one, as text. format: of all columns. */
static inline void
bind_portal(struct scene *c, const char *portal, const char *name, const char *param, int format)
{
	msg(c, 'B');
	base_buf_cstr(&c->m, portal);
	base_buf_cstr(&c->m, name);
	base_buf_u16(&c->m, 0);
	base_buf_u16(&c->m, param != NULL);
	if (param) {
		base_buf_u32(&c->m, (uint32_t)strlen(param));
		base_buf_str(&c->m, param);
	}
	base_buf_u16(&c->m, 1);
	base_buf_u16(&c->m, (uint16_t)format);
	end(c);
}

static inline void
target(struct scene *c, char type, char what, const char *name)
{
	msg(c, type);
	base_buf_u8(&c->m, (uint8_t)what);
	base_buf_cstr(&c->m, name);
	end(c);
}

static inline void
execute(struct scene *c, const char *portal, uint32_t rows)
{
	msg(c, 'E');
	base_buf_cstr(&c->m, portal);
	base_buf_u32(&c->m, rows);
	end(c);
}

static inline void sync_up(struct scene *c) { simple(c, 'S'); }

static inline void
copy_data(struct scene *c, const void *bytes, size_t n)
{
	msg(c, 'd');
	base_buf_put(&c->m, base_span(bytes, n));
	end(c);
}

/* ---- answers ---- */

struct origin { uint32_t oid; int16_t attnum; uint32_t type; int16_t format; };

static inline void
described(struct scene *c, const struct origin *o, size_t n)
{
	msg(c, 'T');
	base_buf_u16(&c->m, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		base_buf_cstr(&c->m, "column");
		base_buf_u32(&c->m, o[i].oid);
		base_buf_u16(&c->m, (uint16_t)o[i].attnum);
		base_buf_u32(&c->m, o[i].type);
		base_buf_u16(&c->m, 8);
		base_buf_u32(&c->m, UINT32_MAX);
		base_buf_u16(&c->m, (uint16_t)o[i].format);
	}
	end(c);
}

static inline void
data_row(struct scene *c, const char *const *values, size_t n)
{
	msg(c, 'D');
	base_buf_u16(&c->m, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		base_buf_u32(&c->m, values[i] ? (uint32_t)strlen(values[i]) : UINT32_MAX);
		if (values[i])
			base_buf_str(&c->m, values[i]);
	}
	end(c);
}

static const struct origin id_phone[] = {{SHOP_CUSTOMERS, 1, SHOP_INT8, 0}, {SHOP_CUSTOMERS, 2, SHOP_VARCHAR, 0}};
static const struct origin plain[] = {{SHOP_OTHER, 1, SHOP_INT8, 0}, {0, 0, SHOP_TEXT, 0}};

static inline void describe_id_phone(struct scene *c) { described(c, id_phone, 2); }
static inline void row2(struct scene *c, const char *a, const char *b) { data_row(c, (const char *const[]){a, b}, 2); }

static inline void
done(struct scene *c, const char *tag)
{
	msg(c, 'C');
	base_buf_cstr(&c->m, tag);
	end(c);
}

static inline void
ready(struct scene *c, char status)
{
	msg(c, 'Z');
	base_buf_u8(&c->m, (uint8_t)status);
	end(c);
}

static inline void
failed(struct scene *c, const char *sqlstate)
{
	msg(c, 'E');
	base_buf_cstr(&c->m, "SERROR");
	base_buf_cstr(&c->m, "VERROR");
	base_buf_u8(&c->m, 'C');
	base_buf_cstr(&c->m, sqlstate);
	base_buf_cstr(&c->m, "Mit did not work");
	base_buf_u8(&c->m, 0);
	end(c);
}

static inline void
copy_response(struct scene *c, char type, unsigned columns)
{
	msg(c, type);
	base_buf_u8(&c->m, 0);
	base_buf_u16(&c->m, (uint16_t)columns);
	for (unsigned i = 0; i < columns; i++)
		base_buf_u16(&c->m, 0);
	end(c);
}

/* ---- playing ---- */

enum pieces { WHOLE, BYTES, RANDOM };

static inline uint32_t
scene_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* One step; true when all bytes could be sent. */
static inline bool
scene_send(struct stage *g, const struct scene *c, size_t i, enum pieces how, uint32_t *seed)
{
	struct base_span s = base_buf_span(&c->step[i].bytes);
	int fd = c->step[i].server ? g->server : g->client;

	for (size_t at = 0; at < s.n;) {
		size_t n = how == WHOLE ? s.n : how == BYTES ? 1 : 1 + scene_random(seed) % 40;
		if (n > s.n - at)
			n = s.n - at;
		if (stage_send(g, fd, s.p + at, n) < n)
			return false;
		at += n;
	}
	stage_settle(g);
	return true;
}

#endif
