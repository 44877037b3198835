/* test_gate_strict_stage: the stage with an enforced session: ann is in group partner, the server is a small one that knows the statements of
 * test_gate_strict_trees.h, answers every message of the gate's as PostgreSQL does, and checks that the gate sends nothing else than it may.
 * Not for cmocka only: fuzz targets use it too.
 */
#ifndef TEST_GATE_STRICT_STAGE_H
#define TEST_GATE_STRICT_STAGE_H

#include "gate_budget.h"
#include "gate_strict_int.h"
#include "test_gate_scene.h"
#include "test_gate_strict_trees.h"
#include "wire_read.h"

#define SECRET "13812345678" /* in every protected value that the server sends */
#define STRICT_POLICY STRICT_POLICY_WITH("")
#define STRICT_POLICY_WITH(more) \
	"policy \"shop\" version 1 {\n" \
	"  subject customer { table public.customers key id phone phone country 86 email email linked public.orders.customer_id }\n" \
	"  group partner {\n" \
	"    treat enforce\n" \
	"    on table public.customers { allow read show id, name mask phone as last 4 mask email as fixed \"***\" hide note }\n" \
	"    on table public.orders { allow read, update show id, customer_id, item }\n" \
	"    on table public.other { allow read show id }\n" \
	"    limit 50 rows per statement\n" more "\n" \
	"  }\n" \
	"}\n"

#define STRICT_POLICY_COUNTS STRICT_POLICY_WITH("budget 2 customers per hour, 2 clear customers per day for each actor step up after 9 customers per day with otp lasting 1 hour") /* the third of the server's customers is cut off */

/* ---- the world ---- */

static inline void
strict_stage_before(struct gate_session *s)
{
	shop_must(gate_strict_choose(s) == 0 && s->strict, "ann is not enforced");
	gate_strict_status(s, base_span_str("server_encoding"), base_span_str("UTF8"));
	gate_strict_status(s, base_span_str("server_version"), base_span_str("15.20"));
}

static inline void
strict_stage_open_policy(struct stage *g, const char *policy, const char *settings)
{
	static const struct policy_cat_type types[] = {
		{16, SHOP_S("pg_catalog"), SHOP_S("bool"), 'b', 0, 0, 0, {NULL, 0}},  {20, SHOP_S("pg_catalog"), SHOP_S("int8"), 'b', 0, 0, 0, {NULL, 0}},
		{23, SHOP_S("pg_catalog"), SHOP_S("int4"), 'b', 0, 0, 0, {NULL, 0}},  {25, SHOP_S("pg_catalog"), SHOP_S("text"), 'b', 0, 0, 0, {NULL, 0}},
		{1043, SHOP_S("pg_catalog"), SHOP_S("varchar"), 'b', 0, 0, 0, {NULL, 0}},
	};
	const struct policy_cat_objects objects = {.types = types, .ntypes = BASE_COUNT(types)};
	struct base_fail fail;

	stage_open_policy(g, policy, settings);
	shop_must(policy_map_give_objects(g->world->map, &objects, &fail) == 0, fail.text);
	shop_must(policy_people_parse(base_span_str("role,name,groups\nann,Ann,partner\n"), "people.csv", &g->world->people, &fail) == 0, fail.text);
	g->shared.control = base_mem_new(1, 4096); /* all zero: one that nothing waits for, because nobody is enforced as far as it knows */
	g->before = strict_stage_before;
}

static inline void
strict_stage_open(struct stage *g, const char *settings)
{
	strict_stage_open_policy(g, STRICT_POLICY, settings);
}

/* How many customers count for ann now, in an hour. */
static inline uint64_t
strict_stage_counted(struct stage *s)
{
	const struct gate_account_name name = {POLICY_HOLDER_ACTOR, base_span_str("ann"), base_span_str("customer"), POLICY_ADJECTIVE_NONE};
	struct gate_account *a = gate_budget_account(s->shared.budget, &name, 0);
	uint64_t n = gate_budget_count(s->shared.budget, a, UINT64_C(3600000000), base_time_mono_us());

	gate_budget_drop(s->shared.budget, &a);
	return n;
}

static inline void
strict_stage_close(struct stage *g)
{
	free(g->shared.control);
	g->shared.control = NULL;
	stage_close(g);
}

/* ---- the server ---- */

enum { ROLE_NAMES = 600 };
struct role { /* the server's side of one session */
	struct { char name[16]; int tree; } statement[ROLE_NAMES], portal[ROLE_NAMES];
	size_t nstatements, nportals;
	bool skipping;
	char status, pending; /* of the transaction; as it will be at Sync */
	size_t parses, executes;
	struct scene c; /* its answers are made here */
};

static inline void
role_init(struct role *r)
{
	*r = (struct role){.status = 'I', .pending = 'I'};
	scene_init(&r->c);
	server_says(&r->c);
}

static inline int
role_tree_of(struct base_span text)
{
	for (int i = 0; i < T_COUNT; i++)
		if (base_span_is(text, shop_tree[i].sql))
			return i;
	return -1;
}

static inline void
tree_notice(struct scene *c, struct base_span detail)
{
	msg(c, 'N');
	base_buf_cstr(&c->m, "SLOG");
	base_buf_cstr(&c->m, "VLOG");
	base_buf_cstr(&c->m, "C00000");
	base_buf_cstr(&c->m, "Mrewritten parse tree:");
	base_buf_u8(&c->m, 'D');
	base_buf_put(&c->m, detail);
	base_buf_u8(&c->m, 0);
	base_buf_u8(&c->m, 0);
	end(c);
}

static inline void
describe_tree(struct scene *c, int t)
{
	static const struct origin phone[] = {{SHOP_CUSTOMERS, 1, SHOP_INT8, 0}, {SHOP_CUSTOMERS, 2, SHOP_VARCHAR, 0}}, email[] = {{SHOP_CUSTOMERS, 1, SHOP_INT8, 0}, {SHOP_CUSTOMERS, 3, SHOP_TEXT, 0}},
	                           spliced[] = {{SHOP_CUSTOMERS, 2, SHOP_VARCHAR, 0}, {SHOP_CUSTOMERS, 1, SHOP_INT8, 0}}, look[] = {{SHOP_CUSTOMERS, 1, SHOP_INT8, 0}, {SHOP_CUSTOMERS, 4, SHOP_TEXT, 0}}, one[] = {{0, 0, SHOP_TEXT, 0}};

	if (t == T_WRITE || t == T_BEGIN)
		simple(c, 'n');
	else
		described(c, t == T_PHONE ? phone : t == T_EMAIL ? email : t == T_SPLICED ? spliced : t == T_LOOK ? look : t == T_KEYLESS ? phone + 1 : one, t == T_PHONE || t == T_EMAIL || t == T_SPLICED || t == T_LOOK ? 2 : 1);
}

static inline void
params_of(struct scene *c, int t)
{
	msg(c, 't');
	base_buf_u16(&c->m, t == T_LOOK);
	if (t == T_LOOK)
		base_buf_u32(&c->m, SHOP_INT8);
	end(c);
}

static inline void
rows_of_tree(struct scene *c, int t, uint32_t max)
{
	uint32_t n = max > 0 && max < 3 ? max : 3;

	for (uint32_t i = 0; i < n; i++) {
		if (t == T_PHONE || t == T_LOOK || t == T_EMAIL)
			row2(c, (const char *const[]){"1", "2", "3"}[i], t == T_LOOK ? "Ann" : SECRET);
		else if (t == T_SPLICED)
			row2(c, SECRET, (const char *const[]){"1", "2", "3"}[i]);
		else if (t == T_OTHER || t == T_SHOW)
			data_row(c, (const char *const[]){"other"}, 1);
		else if (t == T_KEYLESS || t == T_SORTED)
			data_row(c, (const char *const[]){SECRET}, 1);
	}
	if (n < 3)
		simple(c, 's');
	else
		done(c, t == T_WRITE ? "UPDATE 3" : t == T_BEGIN ? "BEGIN" : t == T_SHOW ? "SHOW" : "SELECT 3");
}

static inline void
role_fails(struct role *r, const char *sqlstate)
{
	failed(&r->c, sqlstate);
	r->skipping = true;
	r->pending = r->pending == 'I' ? 'I' : 'E';
}

static inline int
role_find(struct base_span name, char (*names)[16], size_t n, size_t stride)
{
	for (size_t i = n; i > 0; i--)
		if (base_span_is(name, (const char *)names + (i - 1) * stride))
			return (int)(i - 1);
	return -1;
}
#define ROLE_FIND(list, n, what) role_find(what, &(list)[0].name, n, sizeof((list)[0]))

static inline void
role_one(struct role *r, uint8_t type, struct base_span payload)
{
	struct base_fail fail;
	struct wire_parse p;
	struct wire_bind b;
	struct wire_execute e;
	struct wire_target d;
	int at = -1;

	if (type == 'S') {
		ready(&r->c, r->status = r->pending);
		r->skipping = false;
		return;
	}
	shop_must(strchr("PBDECHX", type) != NULL, "the gate sends a message that it must not");
	if (r->skipping || type == 'H' || type == 'X')
		return;
	switch (type) {
	case 'P':
		shop_must(wire_read_parse(payload, &p, &fail) == 0, fail.text);
		r->parses++;
		if ((at = role_tree_of(p.text)) < 0) {
			role_fails(r, "42601");
			return;
		}
		shop_must(r->nstatements < ROLE_NAMES, "too many statements for the test");
		(void)snprintf(r->statement[r->nstatements].name, 16, "%.*s", (int)p.name.n, (const char *)p.name.p);
		r->statement[r->nstatements++].tree = at;
		tree_notice(&r->c, shop_tree[at].tree);
		simple(&r->c, '1');
		break;
	case 'B':
		shop_must(wire_read_bind(payload, &b, &fail) == 0, fail.text);
		at = ROLE_FIND(r->statement, r->nstatements, b.name);
		shop_must(at >= 0, "the gate binds a statement that it did not make");
		if (r->status == 'E') {
			role_fails(r, "25P02");
			return;
		}
		shop_must(r->nportals < ROLE_NAMES, "too many portals for the test");
		(void)snprintf(r->portal[r->nportals].name, 16, "%.*s", (int)b.portal.n, (const char *)b.portal.p);
		r->portal[r->nportals++].tree = r->statement[at].tree;
		simple(&r->c, '2');
		break;
	case 'D':
		shop_must(wire_read_target(payload, &d, &fail) == 0 && d.what == 'S' && (at = ROLE_FIND(r->statement, r->nstatements, d.name)) >= 0, "Describe");
		params_of(&r->c, r->statement[at].tree);
		describe_tree(&r->c, r->statement[at].tree);
		break;
	case 'E':
		shop_must(wire_read_execute(payload, &e, &fail) == 0 && (at = ROLE_FIND(r->portal, r->nportals, e.portal)) >= 0, "Execute");
		r->executes++;
		shop_must(r->portal[at].tree != T_SORTED && r->portal[at].tree != T_KEYLESS, "the gate runs what is refused");
		rows_of_tree(&r->c, r->portal[at].tree, e.max_rows);
		if (r->portal[at].tree == T_BEGIN)
			r->pending = 'T';
		break;
	default:
		shop_must(wire_read_target(payload, &d, &fail) == 0, fail.text);
		simple(&r->c, '3');
		break;
	}
}

/* Answers all that the gate has sent. True: something was. */
static inline bool
role_turn(struct stage *g, struct role *r)
{
	struct wire_header h;
	struct base_fail fail;
	bool any = false;

	for (;;) {
		struct base_span have = base_buf_span(&g->to_server);
		int rc = wire_frame_header(WIRE_F, have, &h, &fail);
		shop_must(rc >= 0, "the gate sends what is no message");
		if (rc == 0 || have.n - WIRE_HEADER < h.len)
			break;
		role_one(r, h.type, base_span(have.p + WIRE_HEADER, h.len));
		base_buf_consume(&g->to_server, WIRE_HEADER + h.len);
		any = true;
	}
	struct base_buf *b = &r->c.step[0].bytes;
	if (base_buf_len(b) > 0 && g->server >= 0)
		(void)stage_send(g, g->server, base_buf_span(b).p, base_buf_len(b));
	base_buf_clear(b);
	base_buf_clear(&r->c.step[0].want);
	return any;
}

/* Until nobody has anything to say. */
static inline void
role_settle(struct stage *g, struct role *r)
{
	do
		stage_settle(g);
	while (role_turn(g, r));
}

static inline void
role_done(struct role *r)
{
	scene_done(&r->c);
}

/* ---- what the client got ---- */

static inline bool
client_has(const struct stage *g, const char *text)
{
	struct base_span s = base_buf_span(&g->to_client);

	return s.n > 0 && memmem(s.p, s.n, text, strlen(text)) != NULL;
}

/* Types of the client's messages, in order; whole messages only. */
static inline void
client_kinds(const struct stage *g, char *dst, size_t size)
{
	struct base_cursor c = base_cursor(base_buf_span(&g->to_client));
	size_t n = 0;

	while (c.left > 0 && n + 1 < size) {
		dst[n++] = (char)base_cursor_u8(&c);
		uint32_t word = base_cursor_u32(&c);
		shop_must(base_cursor_ok(&c) && word >= 4 && word - 4 <= c.left, "the client gets what is no message");
		(void)base_cursor_take(&c, word - 4);
	}
	dst[n] = '\0';
}

#endif
