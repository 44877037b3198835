/* Tests of policy_map: a small shop's catalogue bound to a policy; roles through children, parents and views; missing names; catalogues
 * that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "policy_map.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

enum { INT4 = 23, INT8 = 20, TEXT = 25, VARCHAR = 1043, DATE = 1082, JSON = 114, CITEXT = 70001 };
enum { CUSTOMERS = 100, ORDERS, ORDERS_A, ORDERS_B, ORDERS_ALL, CARD, CARD2, MONTHLY, OTHER, PEOPLE, AUDIT, AUDIT_X };

static const struct policy_cat_relation relations[] = {
	{CARD2, S("app"), S("card2"), 'v'},       {CUSTOMERS, S("public"), S("customers"), 'r'}, {ORDERS, S("public"), S("orders"), 'p'},
	{ORDERS_A, S("public"), S("orders_a"), 'r'}, {ORDERS_B, S("public"), S("orders_b"), 'r'},   {ORDERS_ALL, S("public"), S("orders_all"), 'r'},
	{CARD, S("public"), S("card"), 'v'},      {MONTHLY, S("public"), S("monthly"), 'm'},     {OTHER, S("public"), S("other"), 'r'},
	{PEOPLE, S("hr"), S("customers"), 'r'},   {AUDIT, S("public"), S("audit"), 'r'},         {AUDIT_X, S("public"), S("customers_pkey"), 'i'},
	{CARD, S("public"), S("card"), 'v'}, /* twice */
};

static const struct policy_cat_column columns[] = {
	{ORDERS, 2, S("customer_id"), INT8, S("int8"), false, false}, {ORDERS, 1, S("id"), INT8, S("int8"), false, false},
	{CUSTOMERS, 1, S("id"), INT8, S("int8"), false, false},
	{CUSTOMERS, 2, S("........pg.dropped.2........"), 0, S(""), true, false},
	{CUSTOMERS, 3, S("phone"), VARCHAR, S("varchar"), false, false},
	{CUSTOMERS, 4, S("email"), CITEXT, S("citext"), false, false},
	{CUSTOMERS, 5, S("born"), DATE, S("date"), false, false},
	{CUSTOMERS, 6, S("initial"), TEXT, S("text"), false, true},
	{CUSTOMERS, -1, S("ctid"), 27, S("tid"), false, false},
	/* a partition with another column order, one with the column in a type that tells nobody */
	{ORDERS_A, 1, S("customer_id"), INT8, S("int8"), false, false}, {ORDERS_A, 2, S("id"), INT8, S("int8"), false, false},
	{ORDERS_B, 1, S("id"), INT8, S("int8"), false, false}, {ORDERS_B, 2, S("customer_id"), JSON, S("json"), false, false},
	{ORDERS_ALL, 1, S("customer_id"), INT8, S("int8"), false, false},
	{CARD, 1, S("cid"), INT8, S("int8"), false, false}, {CARD, 2, S("phone"), VARCHAR, S("varchar"), false, false},
	{CARD, 3, S("upper"), TEXT, S("text"), false, false},
	{CARD2, 1, S("a"), VARCHAR, S("varchar"), false, false}, {CARD2, 2, S("b"), INT8, S("int8"), false, false},
	{MONTHLY, 1, S("n"), INT8, S("int8"), false, false},
	{OTHER, 1, S("id"), INT8, S("int8"), false, false},
	{PEOPLE, 1, S("id"), INT4, S("int4"), false, false},
	{AUDIT, 1, S("customer_id"), INT8, S("int8"), false, false},
	{999, 1, S("orphan"), INT4, S("int4"), false, false},
};
static const struct policy_cat_view views[] = {
	{CARD2, 1, CARD, 2}, {CARD2, 2, CARD, 1}, {CARD, 1, CUSTOMERS, 1}, {CARD, 2, CUSTOMERS, 3}, {CARD, 3, 4711, 3}, {OTHER, 1, CUSTOMERS, 1},
	{CARD, 9, CUSTOMERS, 1},
};
static const struct policy_cat_edge reads[] = {
	{CARD, CUSTOMERS}, {CARD2, CARD}, {MONTHLY, ORDERS_B}, {MONTHLY, ORDERS_B}, {4711, CUSTOMERS}, {CARD, CARD2} /* a cycle */,
};
/* orders_all is the parent of orders (and of audit, which nobody named); the partitions are children of orders */
static const struct policy_cat_edge children[] = {
	{ORDERS_A, ORDERS}, {ORDERS_B, ORDERS}, {ORDERS, ORDERS_ALL}, {AUDIT, ORDERS_ALL}, {4711, ORDERS}, {ORDERS, ORDERS},
};
static const struct base_span functions[] = {S("zeta"), S("alpha"), S("find_customer")};

static const struct policy_catalogue shop = {
	relations, BASE_COUNT(relations), columns, BASE_COUNT(columns), views, BASE_COUNT(views), reads, BASE_COUNT(reads),
	children, BASE_COUNT(children), functions, BASE_COUNT(functions),
};

static int
bind(const char *text, const struct policy_catalogue *c, struct policy_map **m_r, struct base_fail *fail)
{
	struct policy_file *f = NULL;
	int err = policy_file_parse(base_span_str(text), "c.gate", &f, fail);
	assert_int_equal(err, 0);
	err = policy_map_bind(f, c, m_r, fail);
	policy_file_free(&f); /* the map keeps it for itself */
	return err;
}

static const char policy[] =
	"policy \"shop\" version 1 {\n"
	"  subject customer {\n"
	"    table public.customers key id\n"
	"    phone phone country 86\n"
	"    email email\n"
	"    linked public.orders.customer_id\n"
	"  }\n"
	"  subject staff { table hr.customers key id }\n"
	"}\n";

static void
assert_column(const struct policy_map *m, uint32_t oid, int16_t attnum, enum policy_role role, const char *kind, const char *full_name)
{
	const struct policy_column *c = policy_map_column(m, oid, attnum);
	assert_non_null(c);
	assert_int_equal(c->oid, oid);
	assert_int_equal(c->attnum, attnum);
	assert_int_equal(c->role, role);
	assert_true(base_span_is(c->full_name, full_name));
	if (role != POLICY_DATA)
		assert_true(base_span_is(policy_map_kind(m, c->kind), kind));
}

static void
test_roles(void **state)
{
	struct policy_map *m = NULL;
	struct base_fail fail = {.code = 0};
	(void)state;
	if (bind(policy, &shop, &m, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_int_equal(policy_map_kinds(m), 4);
	assert_true(base_span_is(policy_map_kind(m, 0), "customer.key"));
	assert_true(base_span_is(policy_map_kind(m, 1), "customer.phone"));
	assert_true(base_span_is(policy_map_kind(m, 2), "customer.email"));
	assert_true(base_span_is(policy_map_kind(m, 3), "staff.key"));
	assert_int_equal(policy_map_kind(m, 4).n, 0);

	assert_column(m, CUSTOMERS, 1, POLICY_KEY, "customer.key", "public.customers.id");
	assert_column(m, CUSTOMERS, 3, POLICY_IDENTIFIER, "customer.phone", "public.customers.phone");
	assert_column(m, CUSTOMERS, 4, POLICY_IDENTIFIER, "customer.email", "public.customers.email");
	assert_column(m, CUSTOMERS, 5, POLICY_DATA, NULL, "public.customers.born");
	assert_column(m, CUSTOMERS, 6, POLICY_DATA, NULL, "public.customers.initial");
	assert_null(policy_map_column(m, CUSTOMERS, 2)); /* dropped */
	assert_null(policy_map_column(m, CUSTOMERS, 7));
	assert_null(policy_map_column(m, CUSTOMERS, 0));
	assert_null(policy_map_column(m, CUSTOMERS, -1));
	assert_null(policy_map_column(m, CUSTOMERS, INT16_MIN));
	const struct policy_column *phone = policy_map_column(m, CUSTOMERS, 3), *email = policy_map_column(m, CUSTOMERS, 4);
	assert_true(base_span_is(phone->country, "86") && phone->norm == POLICY_NORM_PHONE && phone->type_oid == VARCHAR);
	assert_true(email->country.n == 0 && email->norm == POLICY_NORM_TEXT && email->type_oid == TEXT);
	assert_true(base_span_is(phone->name, "phone"));

	assert_column(m, ORDERS, 2, POLICY_LINK, "customer.key", "public.orders.customer_id");
	assert_column(m, ORDERS, 1, POLICY_DATA, NULL, "public.orders.id");
	assert_column(m, ORDERS_A, 1, POLICY_LINK, "customer.key", "public.orders_a.customer_id");
	assert_column(m, ORDERS_A, 2, POLICY_DATA, NULL, "public.orders_a.id");
	assert_column(m, ORDERS_B, 2, POLICY_DATA, NULL, "public.orders_b.customer_id"); /* json tells nobody */
	assert_column(m, ORDERS_ALL, 1, POLICY_LINK, "customer.key", "public.orders_all.customer_id");
	assert_column(m, CARD, 1, POLICY_KEY, "customer.key", "public.card.cid");
	assert_column(m, CARD, 2, POLICY_IDENTIFIER, "customer.phone", "public.card.phone");
	assert_true(base_span_is(policy_map_column(m, CARD, 2)->country, "86"));
	assert_column(m, CARD, 3, POLICY_DATA, NULL, "public.card.upper");
	assert_column(m, CARD2, 1, POLICY_IDENTIFIER, "customer.phone", "app.card2.a");
	assert_column(m, CARD2, 2, POLICY_KEY, "customer.key", "app.card2.b");
	assert_column(m, MONTHLY, 1, POLICY_DATA, NULL, "public.monthly.n"); /* a view over a child of a linked table */
	assert_column(m, PEOPLE, 1, POLICY_KEY, "staff.key", "hr.customers.id");
	assert_null(policy_map_relation(m, AUDIT)); /* its parent is protected, it is not */
	assert_null(policy_map_relation(m, OTHER));
	assert_null(policy_map_column(m, OTHER, 1));
	assert_null(policy_map_relation(m, AUDIT_X));
	assert_null(policy_map_relation(m, 0));
	assert_null(policy_map_relation(m, 4711));

	const struct policy_relation *r = policy_map_relation(m, CUSTOMERS);
	assert_int_equal(r->ncolumns, 5);
	assert_true(base_span_is(r->full_name, "public.customers"));
	assert_true(base_span_is(r->schema, "public") && base_span_is(r->name, "customers"));
	assert_true(r->generated[4] && !r->generated[3]);
	policy_map_ref(m);
	struct policy_map *second = m;
	policy_map_unref(&second);
	assert_null(second);
	policy_map_unref(&m);
	policy_map_unref(&m);
}

static void
test_named(void **state)
{
	struct policy_map *m = NULL;
	struct base_span none = base_span("", 0), customers = base_span_str("customers");
	(void)state;
	assert_int_equal(bind(policy, &shop, &m, NULL), 0);
	assert_int_equal(policy_map_named(m, none, customers, 0)->oid, PEOPLE); /* hr before public */
	assert_int_equal(policy_map_named(m, none, customers, 1)->oid, CUSTOMERS);
	assert_null(policy_map_named(m, none, customers, 2));
	assert_int_equal(policy_map_named(m, base_span_str("public"), customers, 0)->oid, CUSTOMERS);
	assert_null(policy_map_named(m, base_span_str("public"), customers, 1));
	assert_null(policy_map_named(m, base_span_str("app"), customers, 0));
	assert_null(policy_map_named(m, none, base_span_str("audit"), 0));
	assert_null(policy_map_named(m, none, base_span_str("zzz"), 0));
	const struct policy_relation *r = policy_map_relation(m, CUSTOMERS);
	assert_int_equal(policy_map_column_named(r, base_span_str("email"))->attnum, 4);
	assert_null(policy_map_column_named(r, base_span_str("Email")));
	assert_true(policy_map_function(m, base_span_str("alpha")));
	assert_true(policy_map_function(m, base_span_str("zeta")));
	assert_true(policy_map_function(m, base_span_str("find_customer")));
	assert_false(policy_map_function(m, base_span_str("lower")));
	assert_int_equal(strlen(policy_map_hash(m)), 16);
	assert_int_equal(strspn(policy_map_hash(m), "0123456789abcdef"), 16);
	policy_map_unref(&m);
}

static void
test_missing(void **state)
{
	static const struct { const char *subject; int err; const char *message; } t[] = {
		{"table public.custmers key id", GH_E_MISSING, "c.gate:2:19: table \"public.custmers\" does not exist; did you mean \"customers\"?"},
		{"table pub.customers key id", GH_E_MISSING, "c.gate:2:19: table \"pub.customers\" does not exist"},
		{"table public.customers_pkey key id", GH_E_MISSING, "c.gate:2:19: table \"public.customers_pkey\" does not exist"},
		{"table public.customers key ix", GH_E_MISSING,
		 "c.gate:2:40: column \"ix\" does not exist in this table; did you mean \"id\"?"},
		{"table public.customers key \"........pg.dropped.2........\"", GH_E_MISSING,
		 "c.gate:2:40: column \"........pg.dropped.2........\" does not exist in this table"},
		{"table public.customers key id phone phon", GH_E_MISSING,
		 "c.gate:2:49: column \"phon\" does not exist in this table; did you mean \"phone\"?"},
		{"table public.customers key id linked public.orders.x", GH_E_MISSING, "c.gate:2:50: column \"x\" does not exist in this table"},
		{"table public.customers key id linked public.oders.x", GH_E_MISSING,
		 "c.gate:2:50: table \"public.oders\" does not exist; did you mean \"orders\"?"},
		{"table public.customers key born", GH_E_UNSUPPORTED,
		 "c.gate:2:40: column \"born\" has a type that cannot tell a person (possible are int2, int4, int8, oid, numeric, uuid, text, "
		 "varchar, char, name and citext)"},
		{"table public.customers key id linked public.orders_b.customer_id", GH_E_UNSUPPORTED, NULL},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[300];
		struct policy_map *m = NULL;
		struct base_fail fail = {.code = 0};
		assert_true(snprintf(text, sizeof(text), "policy \"p\" version 1 {\nsubject c { %s }\n}", t[i].subject) > 0);
		assert_int_equal(bind(text, &shop, &m, &fail), t[i].err);
		assert_null(m);
		if (t[i].message)
			assert_string_equal(fail.text, t[i].message);
		assert_int_equal(bind(text, &shop, &m, NULL), t[i].err);
	}
	static const struct policy_catalogue nothing = {NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0};
	struct policy_map *m = NULL;
	assert_int_equal(bind(policy, &nothing, &m, NULL), GH_E_MISSING);
}

/* Names of a key on a citext column compare without case at the server: so do their marks. */
static void
test_citext_key(void **state)
{
	struct policy_map *m = NULL;
	(void)state;
	assert_int_equal(bind("policy \"p\" version 1 { subject c { table public.customers key email linked public.orders.id } }", &shop, &m, NULL), 0);
	assert_int_equal(policy_map_column(m, CUSTOMERS, 4)->norm, POLICY_NORM_TEXT);
	assert_int_equal(policy_map_column(m, ORDERS, 1)->norm, POLICY_NORM_TEXT);
	policy_map_unref(&m);
}

/* What groups name is bound too, with a place for every mistake. */
static void
test_groups(void **state)
{
	static const struct { const char *rules; int err; const char *message; } t[] = {
		{"on table customers { show id, phone hide email, born, initial }", 0, NULL},
		{"on table audit { show customer_id } on table app.card2 { show a }", 0, NULL},
		{"on table custmers { }", GH_E_MISSING, "c.gate:3:20: table \"public.custmers\" does not exist; did you mean \"customers\"?"},
		{"on table app.orders { }", GH_E_MISSING, "c.gate:3:20: table \"app.orders\" does not exist"},
		{"on table customers_pkey { }", GH_E_MISSING, "c.gate:3:20: table \"public.customers_pkey\" does not exist"},
		{"on table customers { show id,\n emial }", GH_E_MISSING,
		 "c.gate:4:2: column \"emial\" does not exist in this table; did you mean \"email\"?"},
		{"on table customers { show \"........pg.dropped.2........\" }", GH_E_MISSING,
		 "c.gate:3:37: column \"........pg.dropped.2........\" does not exist in this table"},
		{"on table customers { show ctid }", GH_E_MISSING, "c.gate:3:37: column \"ctid\" does not exist in this table"},
		{"on table customers { allow update of fone }", GH_E_MISSING, "c.gate:3:48: column \"fone\" does not exist in this table; did you mean \"phone\"?"},
		{"on table customers { look up by born }", GH_E_UNSUPPORTED,
		 "c.gate:3:43: column \"born\" has a type that cannot be looked up by (possible are int2, int4, int8, oid, numeric, uuid, text, varchar, "
		 "char, name and citext)"},
		{"on table customers { look up by id, phone, email, initial }", 0, NULL},
		{"on table customers { mask phone as last 4 mask email as token mask born as year }", 0, NULL},
		{"on table customers { mask id as last 2 }", GH_E_UNSUPPORTED,
		 "c.gate:3:37: column \"id\" is of type int8 and cannot be masked as last 2: characters can be shown of text only; hide and fixed suit other types"},
		{"on table customers { mask id as fixed \"x\" }", GH_E_UNSUPPORTED,
		 "c.gate:3:37: column \"id\" is of type int8 and cannot be masked as fixed: a fixed value of a bigint is a whole number in its range"},
		{"on table customers { mask id as fixed \"0\" mask born as fixed \"1970-01-01\" }", 0, NULL},
		{"on table customers { mask id as year }", GH_E_UNSUPPORTED,
		 "c.gate:3:37: column \"id\" is of type int8 and cannot be masked as year: a year needs a date, a timestamp or text"},
		{"on table orders_b { hide customer_id }", 0, NULL},
		{"on table orders_b { mask customer_id as fixed \"{}\" }", GH_E_UNSUPPORTED,
		 "c.gate:3:36: column \"customer_id\" is of type json and cannot be masked as fixed: a fixed value needs text, an integer, a date or a boolean; "
		 "hide suits every type"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[400];
		struct policy_map *m = NULL;
		struct base_fail fail = {.code = 0};
		assert_true(snprintf(text, sizeof(text), "policy \"p\" version 1 {\nsubject c { table public.customers key id }\ngroup g { %s } }", t[i].rules) > 0);
		assert_int_equal(bind(text, &shop, &m, &fail), t[i].err);
		if (t[i].message)
			assert_memory_equal(fail.text, t[i].message, strlen(t[i].message));
		assert_int_equal(m != NULL, t[i].err == 0);
		if (m)
			assert_int_equal(policy_map_file(m)->ngroups, 1);
		policy_map_unref(&m);
	}
}

/* Many relations: every one is found, nothing else is. */
static void
test_many(void **state)
{
	enum { N = 5000 };
	struct policy_cat_relation *rel = base_mem_new(N, sizeof(*rel));
	struct policy_cat_column *col = base_mem_new(N, sizeof(*col));
	struct policy_cat_edge *edge = base_mem_new(N, sizeof(*edge));
	char (*name)[16] = base_mem_new(N, sizeof(*name));
	(void)state;
	for (unsigned i = 0; i < N; i++) { /* a chain: each a child of the one before */
		assert_true(snprintf(name[i], sizeof(name[i]), "t%u", i) > 0);
		rel[i] = (struct policy_cat_relation){i * 7919 + 16384, base_span_str("s"), base_span_str(name[i]), 'r'};
		col[i] = (struct policy_cat_column){rel[i].oid, 1, base_span_str("id"), INT8, base_span_str("int8"), false, false};
		edge[i] = (struct policy_cat_edge){rel[i].oid, i == 0 ? 0 : rel[i - 1].oid};
	}
	struct policy_catalogue c = {rel, N, col, N, NULL, 0, NULL, 0, edge, N, NULL, 0};
	struct policy_map *m = NULL;
	assert_int_equal(bind("policy \"p\" version 1 { subject c { table s.t0 key id } }", &c, &m, NULL), 0);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(policy_map_relation(m, rel[i].oid)->oid, rel[i].oid);
		assert_int_equal(policy_map_column(m, rel[i].oid, 1)->role, POLICY_KEY);
		assert_ptr_equal(policy_map_named(m, base_span_str("s"), rel[i].name, 0), policy_map_relation(m, rel[i].oid));
		assert_null(policy_map_relation(m, rel[i].oid + 1));
	}
	policy_map_unref(&m);
	free(rel);
	free(col);
	free(edge);
	free(name);
}

/* What tells nothing of a person goes with its column: to partitions, to parents, through views, but never onto a key. */
static void
test_harmless(void **state)
{
	static const struct { uint32_t oid; int16_t attnum; bool harmless; } t[] = {
		{CUSTOMERS, 1, false}, {CUSTOMERS, 3, false}, {CUSTOMERS, 5, true}, {CUSTOMERS, 6, false}, {ORDERS, 1, true}, {ORDERS, 2, false}, {ORDERS_A, 1, false}, {ORDERS_A, 2, true},
		{ORDERS_B, 1, true}, {ORDERS_B, 2, false}, {ORDERS_ALL, 1, false}, {CARD, 1, false}, {CARD, 2, true}, {CARD, 3, false}, {CARD2, 1, true}, {CARD2, 2, false}, {MONTHLY, 1, false},
	};
	static const struct { const char *harmless, *message; } wrong[] = {
		{"bron", "c.gate:1:115: column \"bron\" does not exist in this table; did you mean \"born\"?"},
		{"public.orders.total", "c.gate:1:115: column \"total\" does not exist in this table"},
	};
	struct policy_cat_view shown[] = {{CARD, 1, CUSTOMERS, 1}, {CARD, 2, CUSTOMERS, 5}, {CARD2, 1, CARD, 2}, {CARD2, 2, CARD, 1}};
	struct policy_catalogue c = shop;
	struct policy_map *m = NULL;
	struct base_fail fail = {.code = 0};
	(void)state;
	c.views = shown;
	c.nviews = BASE_COUNT(shown);
	assert_int_equal(bind("policy \"p\" version 1 { subject customer { table public.customers key id linked public.orders.customer_id harmless born, public.orders.id } }", &c, &m, &fail), 0);
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		const struct policy_relation *r = policy_map_relation(m, t[i].oid);
		assert_non_null(r);
		for (size_t k = 0; k < r->ncolumns; k++)
			if (r->columns[k].attnum == t[i].attnum && r->harmless[k] != t[i].harmless)
				fail_msg("column %d of %u", t[i].attnum, t[i].oid);
	}
	policy_map_unref(&m);
	for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
		char text[300];
		assert_true(snprintf(text, sizeof(text), "policy \"p\" version 1 { subject customer { table public.customers key id linked public.orders.customer_id harmless %s } }", wrong[i].harmless) > 0);
		assert_int_equal(bind(text, &shop, &m, &fail), GH_E_MISSING);
		assert_string_equal(fail.text, wrong[i].message);
	}
}

static void
test_case(void **state)
{
	static const struct { const char *text; int err; const char *message; } t[] = {
		{"case from table audit { case customer_id subject customer_id person customer_id }", GH_E_UNSUPPORTED, "c.gate:2:17: column \"customer_id\" is not of type text, varchar, char, name or citext"},
		{"case from table audits { case customer_id subject customer_id person customer_id }", GH_E_MISSING, "c.gate:2:17: table \"public.audits\" does not exist; did you mean \"audit\"?"},
		{"case from table customers { case id subject id person fone }", GH_E_MISSING, "c.gate:2:17: column \"fone\" does not exist in this table; did you mean \"phone\"?"},
		{"case from table customers { case born subject id person phone }", GH_E_UNSUPPORTED,
		 "c.gate:2:17: column \"born\" has a type without one canonical text (possible are int2, int4, int8, oid, numeric, uuid, text, varchar, char, name and citext)"},
		{"case from table customers { case id subject id person phone opened born }", GH_E_UNSUPPORTED, "c.gate:2:17: column \"born\" is not of type timestamp with or without time zone"},
		{"group g { step up for table vip with otp lasting 1 day }", GH_E_MISSING, "c.gate:2:29: table \"public.vip\" does not exist"},
		{"case from table customers { case id subject id person email opener phone team initial }", 0, NULL},
		{"case from table card { case cid subject cid person phone opener upper }", 0, NULL}, /* a view is as good */
	};
	struct policy_map *m = NULL;
	struct base_fail fail = {.code = 0};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		char text[400];
		assert_true(snprintf(text, sizeof(text), "policy \"p\" version 1 { subject customer { table public.customers key id }\n%s }", t[i].text) > 0);
		assert_int_equal(bind(text, &shop, &m, &fail), t[i].err);
		if (t[i].message)
			assert_string_equal(fail.text, t[i].message);
		else if (i + 1 < BASE_COUNT(t))
			policy_map_unref(&m);
	}
	const struct policy_case_table *c = policy_map_case(m);
	assert_true(c->oid == CARD && c->number_type == INT8 && c->subject_type == INT8 && c->person_type == VARCHAR && c->opener_type == TEXT && c->team_type == 0 && c->opened_type == 0);
	policy_map_unref(&m);
	assert_int_equal(bind(policy, &shop, &m, &fail), 0);
	assert_null(policy_map_case(m));
	policy_map_unref(&m);
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles), cmocka_unit_test(test_named),      cmocka_unit_test(test_missing),
		cmocka_unit_test(test_citext_key), cmocka_unit_test(test_many), cmocka_unit_test(test_groups), cmocka_unit_test(test_harmless), cmocka_unit_test(test_case),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
