/* Tests of gate_names: a policy that is bound anew after renames, drops and new objects that take over names is bound to what it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gate_names.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

enum { CUSTOMERS = 20001, ORDERS, ORDERS_A, PRODUCTS, OTHER, NEW, VIP, TICKETS };
enum { INT8 = 20, TEXT = 25 };

static const char policy_text[] =
	"policy \"p\" version 1 { purpose \"t\" owner \"t\" treat observe\n"
	"subject customer { table public.customers key id phone phone country 86 linked public.orders.customer_id }\n"
	"group g { treat enforce on table public.products { allow read show id } step up for table public.vip with otp lasting 1 hour }\n"
	"case from table public.tickets { case id subject id person agent }\n"
	"}";

#define COLUMN(o, n, label, t) {.oid = o, .attnum = n, .name = S(label), .type_oid = t, .type_name = S("x")}
static const struct policy_cat_relation before_relations[] = {
	{PRODUCTS, S("public"), S("products"), 'r'}, {CUSTOMERS, S("public"), S("customers"), 'r'}, {OTHER, S("public"), S("other"), 'r'},
	{ORDERS, S("public"), S("orders"), 'p'},     {ORDERS_A, S("public"), S("orders_a"), 'r'},   {CUSTOMERS, S("public"), S("customers"), 'r'},
	{VIP, S("public"), S("vip"), 'r'},           {TICKETS, S("public"), S("tickets"), 'r'},
};
static const struct policy_cat_column before_columns[] = {
	COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 3, "note", TEXT), COLUMN(CUSTOMERS, 2, "phone", TEXT),
	COLUMN(ORDERS, 1, "customer_id", INT8), COLUMN(ORDERS_A, 1, "customer_id", INT8), COLUMN(PRODUCTS, 1, "id", INT8), COLUMN(OTHER, 1, "id", INT8),
	COLUMN(OTHER, 2, "phone", TEXT), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(TICKETS, 1, "id", INT8), COLUMN(TICKETS, 2, "agent", TEXT),
};
static const struct policy_cat_edge children[] = {{ORDERS_A, ORDERS}};

static struct policy_file *
policy(void)
{
	struct policy_file *f = NULL;
	struct base_fail fail = {0};
	int rc = policy_file_parse(base_span_str(policy_text), "p.gate", &f, &fail);
	if (rc != 0)
		fail_msg("%s", fail.text);
	return f;
}

static struct policy_catalogue
before(void)
{
	return (struct policy_catalogue){.relations = before_relations, .nrelations = BASE_COUNT(before_relations), .columns = before_columns,
	                                 .ncolumns = BASE_COUNT(before_columns), .children = children, .nchildren = 1};
}

/* What came afterwards; the columns of relations not named here are as before. */
struct after {
	const char *label;
	struct policy_cat_relation relations[9];
	struct policy_cat_column columns[14];
	const char *changed[3]; /* parts of what is said; none: nothing is said */
};

#define REST {ORDERS, S("public"), S("orders"), 'p'}, {ORDERS_A, S("public"), S("orders_a"), 'r'}, {PRODUCTS, S("public"), S("products"), 'r'}, {VIP, S("public"), S("vip"), 'r'}, TICKETS_AS("tickets")
#define TICKETS_AS(label) {TICKETS, S("public"), S(label), 'r'}
#define TICKETS_COLUMNS COLUMN(TICKETS, 1, "id", INT8), COLUMN(TICKETS, 2, "agent", TEXT)
#define REST_COLUMNS COLUMN(ORDERS, 1, "customer_id", INT8), COLUMN(ORDERS_A, 1, "customer_id", INT8), COLUMN(PRODUCTS, 1, "id", INT8), TICKETS_COLUMNS
static const struct after cases[] = {
	{"nothing", {{CUSTOMERS, S("public"), S("customers"), 'r'}, REST},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), REST_COLUMNS}, {NULL}},
	{"what the policy does not name", {{CUSTOMERS, S("public"), S("customers"), 'r'}, REST, {OTHER, S("x"), S("y"), 'r'}, {NEW, S("public"), S("new"), 'r'}},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), COLUMN(CUSTOMERS, 4, "new", TEXT), REST_COLUMNS}, {NULL}},
	{"a column renamed", {{CUSTOMERS, S("public"), S("customers"), 'r'}, REST},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "telephone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), REST_COLUMNS},
	 {"column public.customers.phone has another name now"}},
	{"two columns change names", {{CUSTOMERS, S("public"), S("customers"), 'r'}, REST},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "note", TEXT), COLUMN(CUSTOMERS, 3, "phone", TEXT), REST_COLUMNS},
	 {"column public.customers.phone has another name now", "column public.customers.note has another name now"}},
	{"a column dropped, and made again", {{CUSTOMERS, S("public"), S("customers"), 'r'}, REST},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), {.oid = CUSTOMERS, .attnum = 2, .name = S("...pg.dropped.2..."), .dropped = true, .type_name = S("")},
	  COLUMN(CUSTOMERS, 3, "note", TEXT), COLUMN(CUSTOMERS, 4, "phone", TEXT), REST_COLUMNS},
	 {"column public.customers.phone is gone", "column public.customers.phone is another one now"}},
	{"a table renamed, its schema too", {{CUSTOMERS, S("crm"), S("clients"), 'r'}, REST},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), REST_COLUMNS},
	 {"relation public.customers has another name now"}},
	{"a table renamed, and another in its place", {{NEW, S("public"), S("customers"), 'r'}, {CUSTOMERS, S("public"), S("old"), 'r'}, REST},
	 {COLUMN(NEW, 1, "id", INT8), COLUMN(NEW, 2, "phone", TEXT), COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), REST_COLUMNS},
	 {"relation public.customers is another one now", "relation public.customers has another name now"}},
	{"a table dropped, and made again", {{NEW, S("public"), S("customers"), 'r'}, REST}, {COLUMN(NEW, 1, "id", INT8), COLUMN(NEW, 2, "phone", TEXT), REST_COLUMNS},
	 {"relation public.customers is another one now", "relation public.customers is gone"}},
	{"a column of a partition renamed", {{CUSTOMERS, S("public"), S("customers"), 'r'}, REST},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), COLUMN(ORDERS, 1, "who", INT8), COLUMN(ORDERS_A, 1, "who", INT8),
	  COLUMN(PRODUCTS, 1, "id", INT8), TICKETS_COLUMNS}, {"public.orders.customer_id has", "public.orders_a.customer_id has"}},
	{"the tables of cases and of step-up renamed", {{CUSTOMERS, S("public"), S("customers"), 'r'}, {ORDERS, S("public"), S("orders"), 'p'}, {ORDERS_A, S("public"), S("orders_a"), 'r'},
	  {PRODUCTS, S("public"), S("products"), 'r'}, {VIP, S("public"), S("plain"), 'r'}, TICKETS_AS("old")},
	 {COLUMN(CUSTOMERS, 1, "id", INT8), COLUMN(CUSTOMERS, 2, "phone", TEXT), COLUMN(CUSTOMERS, 3, "note", TEXT), REST_COLUMNS},
	 {"relation public.vip has another name now", "relation public.tickets has another name now"}},
};

static void
check_role(const struct after *a, const struct policy_map *m, uint32_t oid, int16_t attnum, enum policy_role role)
{
	const struct policy_column *c = policy_map_column(m, oid, attnum);
	if (!c || c->role != role)
		fail_msg("%s: column %d of %u: %s", a->label, attnum, oid, c ? "another role" : "not protected");
}

static void
check_case(const struct after *a, const struct policy_file *f, const struct gate_names *n)
{
	struct policy_catalogue c = {.relations = a->relations, .columns = a->columns, .children = children, .nchildren = 1}, held;
	struct base_arena *arena = base_arena_new(1u << 20);
	struct policy_map *m = NULL;
	struct base_fail fail = {0};
	char changed[400];

	while (c.nrelations < BASE_COUNT(a->relations) && a->relations[c.nrelations].oid)
		c.nrelations++;
	while (c.ncolumns < BASE_COUNT(a->columns) && a->columns[c.ncolumns].oid)
		c.ncolumns++;
	assert_int_equal(gate_names_hold(n, &c, arena, &held, changed, sizeof(changed), &fail), 0);
	if (policy_map_bind(f, &held, &m, &fail) != 0)
		fail_msg("%s: %s", a->label, fail.text);
	for (size_t i = 0; i < BASE_COUNT(a->changed) && a->changed[i]; i++)
		if (!strstr(changed, a->changed[i]))
			fail_msg("%s: said \"%s\"", a->label, changed);
	assert_int_equal(changed[0] == '\0', a->changed[0] == NULL);
	check_role(a, m, CUSTOMERS, 1, POLICY_KEY);
	check_role(a, m, CUSTOMERS, 2, POLICY_IDENTIFIER);
	check_role(a, m, ORDERS, 1, POLICY_LINK);
	check_role(a, m, ORDERS_A, 1, POLICY_LINK);
	assert_null(policy_map_relation(m, NEW));
	const struct policy_column *fresh = policy_map_column(m, CUSTOMERS, 4);
	if (fresh)
		assert_int_equal(fresh->role, POLICY_DATA);
	policy_map_unref(&m);
	base_arena_free(&arena);
}

static void
changes(void **state)
{
	struct policy_file *f = policy();
	struct policy_catalogue c = before();
	struct policy_map *m = NULL;
	struct base_fail fail = {0};
	(void)state;
	if (policy_map_bind(f, &c, &m, &fail) != 0)
		fail_msg("%s", fail.text);
	struct gate_names *n = gate_names_new(&c, f, m);
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		check_case(&cases[i], f, n);
	gate_names_free(&n);
	assert_null(n);
	gate_names_free(&n);
	policy_map_unref(&m);
	policy_file_free(&f);
}

/* An arena without room, and a text without. */
static void
limits(void **state)
{
	struct policy_file *f = policy();
	struct policy_catalogue c = before(), held, none = {0};
	struct policy_map *m = NULL;
	struct base_arena *arena = base_arena_new(64);
	char changed[20];
	(void)state;
	assert_int_equal(policy_map_bind(f, &c, &m, NULL), 0);
	struct gate_names *n = gate_names_new(&c, f, m);
	assert_int_equal(gate_names_hold(n, &c, arena, &held, changed, sizeof(changed), NULL), GH_E_LIMIT);
	base_arena_free(&arena);
	arena = base_arena_new(1u << 20);
	assert_int_equal(gate_names_hold(n, &none, arena, &held, changed, sizeof(changed), NULL), 0);
	assert_int_equal(strlen(changed), sizeof(changed) - 1); /* the first, cut */
	assert_int_equal(held.nrelations, 6);
	base_arena_free(&arena);
	gate_names_free(&n);
	policy_map_unref(&m);
	policy_file_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(changes), cmocka_unit_test(limits)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
