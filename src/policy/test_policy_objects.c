/* Tests of policy_objects: built-in functions by list and family, rows that lie, extensions, trusted functions, types and their elements,
 * operators, system relations and hidden columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base_text.h"
#include "policy_objects.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define NONE {(const uint8_t *)"", 0}

enum { UPPER = 871, MD5 = 2311, NEXTVAL = 1574, QUERY_TO_XML = 2925, TS_REWRITE3 = 3684, TS_REWRITE2 = 3685, LOWER = 870, TEXTEQ = 67, INT4IN = 42 };
#define BODY "0123456789abcdef0123456789abcdef"

static const struct policy_cat_function functions[] = {
	{QUERY_TO_XML, S("pg_catalog"), S("query_to_xml"), S("text, boolean, boolean, text"), NONE, NONE, false},
	{TS_REWRITE2, S("pg_catalog"), S("ts_rewrite"), S("tsquery, text"), NONE, NONE, false},
	{TS_REWRITE3, S("pg_catalog"), S("ts_rewrite"), S("tsquery, tsquery, tsquery"), NONE, NONE, false},
	{LOWER, S("pg_catalog"), S("something_else"), S("text"), NONE, NONE, false},     /* a fork gave the number to another function */
	{UPPER, S("pg_catalog"), S("upper"), S("text"), NONE, NONE, false},
	{NEXTVAL, S("pg_catalog"), S("nextval"), S("regclass"), NONE, NONE, false},
	{INT4IN, S("pg_catalog"), S("int4in"), S("cstring"), NONE, NONE, false},
	{9998, S("pg_catalog"), S("brand_new"), S("text"), NONE, NONE, false},           /* of a newer server */
	{9997, S("information_schema"), S("with_fixed_number"), S("text"), NONE, NONE, false},
	{13208, S("information_schema"), S("_pg_expandarray"), S("anyarray"), NONE, NONE, false},
	{13561, S("pg_catalog"), S("plpgsql_inline_handler"), S("internal"), NONE, NONE, false},
	{20001, S("public"), S("region_of"), S("text, character varying"), S(BODY), NONE, false},
	{20002, S("public"), S("region_of"), S("text"), S(BODY), NONE, true},
	{20003, S("public"), S("digest"), S("text, text"), NONE, S("pgcrypto"), false},
	{20004, S("public"), S("encrypt_something_new"), S("text"), NONE, S("pgcrypto"), false},
	{20005, S("public"), S("citext_eq"), S("public.citext, public.citext"), NONE, S("citext"), false},
	{20006, S("public"), S("citext_inner"), S("internal, public.citext"), NONE, S("citext"), false},
	{20007, S("public"), S("citext_definer"), S("text"), NONE, S("citext"), true},
	{20008, S("public"), S("dblink"), S("text"), NONE, S("dblink"), false},
	{20009, S("public"), S("st_area"), S("public.geometry"), NONE, S("postgis"), false},
	{20010, S("pg_catalog"), S("upper"), S("integer"), S(BODY), NONE, false},        /* somebody's, in a system schema */
	{20011, S("information_schema"), S("_pg_mine"), S(""), S(BODY), NONE, false},
	{20012, S("public"), S("in_c"), S("text"), NONE, NONE, false},
	{20013, S("public"), S("set_limit"), S("real"), NONE, S("pg_trgm"), false},
	{20014, S("public"), S("similarity"), S("text, text"), NONE, S("pg_trgm"), false},
	{20014, S("public"), S("similarity"), S("text, text"), NONE, NONE, false},       /* the same number twice, once of nobody's extension */
};

static const struct policy_cat_type types[] = {
	{25, S("pg_catalog"), S("text"), 'b', 0, 0, 0, NONE},        {1009, S("pg_catalog"), S("_text"), 'b', 0, 25, 0, NONE},
	{2249, S("pg_catalog"), S("record"), 'p', 0, 0, 0, NONE},    {2281, S("pg_catalog"), S("internal"), 'p', 0, 0, 0, NONE},
	{83, S("pg_catalog"), S("pg_class"), 'c', 0, 0, 1259, NONE}, {10029, S("pg_catalog"), S("pg_statistic"), 'c', 0, 0, 2619, NONE},
	{10028, S("pg_catalog"), S("_pg_statistic"), 'b', 0, 10029, 0, NONE},
	{13293, S("information_schema"), S("sql_identifier"), 'd', 19, 0, 0, NONE},
	{30001, S("public"), S("mood"), 'e', 0, 0, 0, NONE},         {30002, S("public"), S("_mood"), 'b', 0, 30001, 0, NONE},
	{30003, S("public"), S("mine"), 'e', 0, 0, 0, NONE},         {30004, S("public"), S("_mine"), 'b', 0, 30003, 0, NONE},
	{30005, S("public"), S("citext"), 'b', 0, 0, 0, S("citext")}, {30006, S("public"), S("_citext"), 'b', 0, 30005, 0, S("citext")},
	{30007, S("public"), S("geometry"), 'b', 0, 0, 0, S("postgis")},
	{30008, S("public"), S("round"), 'b', 0, 30009, 0, NONE},    {30009, S("public"), S("and_round"), 'b', 0, 30008, 0, NONE},
	{30010, S("pg_temp_3"), S("text"), 'd', 25, 0, 0, NONE},
};
static const uint32_t column_types[] = {30001, 25, 30001, 31000};

static const struct policy_cat_system systems[] = {
	{1259, S("pg_catalog"), S("pg_class"), 'r'},     {2619, S("pg_catalog"), S("pg_statistic"), 'r'},
	{1260, S("pg_catalog"), S("pg_authid"), 'r'},    {12100, S("pg_catalog"), S("pg_stat_activity"), 'v'},
	{12101, S("pg_catalog"), S("pg_new_view"), 'v'}, {12102, S("information_schema"), S("columns"), 'v'},
	{12103, S("pg_catalog"), S("columns"), 'v'},     {22000, S("pg_catalog"), S("pg_class"), 'v'},
	{12104, S("pg_catalog"), S("pg_stats"), 'v'},    {12105, S("pg_catalog"), S("pg_statistic_ext"), 'r'},
};
static const struct policy_cat_operator operators[] = {{40001, 20005}, {40002, 20009}, {40003, 99999}, {40004, UPPER}};

static struct policy_objects *
build(const struct policy_trust *trusts, size_t n)
{
	struct policy_cat_objects c = {functions, BASE_COUNT(functions), types, BASE_COUNT(types), systems, BASE_COUNT(systems),
	                               operators, BASE_COUNT(operators), column_types, BASE_COUNT(column_types), false};
	struct policy_objects *o = NULL;
	struct base_fail fail = {0};
	int rc = policy_objects_new(&c, trusts, n, "shop.gate", &o, &fail);
	if (rc != 0)
		print_error("%s\n", fail.text);
	assert_int_equal(rc, 0);
	return o;
}

struct want { uint32_t oid; const char *why; /* NULL: allowed; else part of the reason */ const char *name; };

static void
check(const struct want *w, size_t n, const struct policy_objects *o, const char *(*ask)(const struct policy_objects *, uint32_t))
{
	for (size_t i = 0; i < n; i++) {
		const char *why = ask(o, w[i].oid);
		if (w[i].why ? !why || !strstr(why, w[i].why) : why != NULL)
			fail_msg("OID %u: wanted %s, got %s", w[i].oid, w[i].why ? w[i].why : "allowed", why ? why : "allowed");
		if (w[i].name && ask == policy_objects_function)
			assert_true(base_span_is(policy_objects_function_name(o, w[i].oid), w[i].name));
		if (w[i].name && ask == policy_objects_system)
			assert_true(base_span_is(policy_objects_system_name(o, w[i].oid), w[i].name));
	}
}

static void
functions_by_oid(void **state)
{
	static const struct want want[] = {
		{UPPER, NULL, "pg_catalog.upper"}, {MD5, NULL, "pg_catalog.md5"}, {TEXTEQ, NULL, "pg_catalog.texteq"},
		{QUERY_TO_XML, "runs SQL text", "pg_catalog.query_to_xml"}, {TS_REWRITE2, "runs SQL text", NULL}, {TS_REWRITE3, NULL, NULL},
		{LOWER, "not the name", "pg_catalog.something_else"}, {NEXTVAL, "counter", NULL}, {INT4IN, "write a cast", NULL},
		{9998, "not on the list", NULL}, {9997, "not on the list", NULL}, {9999, "not on the list", ""}, {0, "not on the list", ""},
		{13208, NULL, "information_schema._pg_expandarray"}, {13561, "only the server itself", NULL}, {13000, "does not know", ""},
		{20001, "trust function", "public.region_of"}, {20003, NULL, NULL}, {20004, "not among the functions", NULL}, {20005, NULL, NULL},
		{20006, "not among", NULL}, {20007, "not among", NULL}, {20008, "extension dblink: its functions run SQL text", NULL},
		{20009, "extension postgis: its functions have not been reviewed", NULL}, {20010, "trust function", NULL}, {20011, "trust function", NULL},
		{20013, "not among", NULL}, {20014, "trust function", NULL}, {4000000000u, "does not know", ""},
	};
	struct policy_objects *o = build(NULL, 0);
	(void)state;
	check(want, BASE_COUNT(want), o, policy_objects_function);
	assert_true(policy_objects_default_function(NEXTVAL));
	assert_false(policy_objects_default_function(UPPER));
	policy_objects_free(&o);
	assert_null(o);
	policy_objects_free(&o);
}

static void
types_by_oid(void **state)
{
	static const struct want want[] = {
		{25, NULL, NULL}, {1009, NULL, NULL}, {23, NULL, NULL} /* no row, fixed number */, {2249, NULL, NULL}, {2281, "server's own use", NULL},
		{2276, "server's own use", NULL} /* no row */, {83, NULL, NULL}, {10029, "values of rows", NULL}, {10028, "values of rows", NULL},
		{13293, NULL, NULL}, {12345, "does not know", NULL}, {0, "does not know", NULL}, {30001, NULL, NULL}, {30002, NULL, NULL},
		{30003, "somebody made", NULL}, {30004, "somebody made", NULL}, {30005, NULL, NULL}, {30006, NULL, NULL}, {30007, "extension postgis", NULL},
		{30008, "somebody made", NULL}, {30009, "somebody made", NULL}, {30010, "somebody made", NULL}, {31000, NULL, NULL}, {31001, "does not know", NULL},
	};
	struct policy_objects *o = build(NULL, 0);
	(void)state;
	check(want, BASE_COUNT(want), o, policy_objects_type);
	policy_objects_free(&o);
}

static void
operators_by_oid(void **state)
{
	static const struct want want[] = {
		{98, NULL, NULL}, {40001, NULL, NULL}, {40002, "postgis", NULL}, {40003, "does not know", NULL}, {40004, NULL, NULL},
		{40005, "does not know", NULL}, {0, "does not know", NULL}, {12000, "does not know", NULL},
	};
	struct policy_objects *o = build(NULL, 0);
	(void)state;
	check(want, BASE_COUNT(want), o, policy_objects_operator);
	policy_objects_free(&o);
}

static void
systems_by_oid(void **state)
{
	static const struct want want[] = {
		{1259, NULL, "pg_catalog.pg_class"}, {2619, "values of rows", "pg_catalog.pg_statistic"}, {1260, NULL, NULL}, {12100, "other sessions", NULL},
		{12101, "not on the list", NULL}, {12102, NULL, "information_schema.columns"}, {12103, "not on the list", NULL},
		{22000, "somebody put it", NULL}, {12104, "values of rows", NULL}, {12105, NULL, NULL}, {77, "not a system relation", ""},
	};
	struct policy_objects *o = build(NULL, 0);
	(void)state;
	check(want, BASE_COUNT(want), o, policy_objects_system);
	assert_null(policy_objects_system_column(o, 1259, 0));
	assert_null(policy_objects_system_column(o, 1260, 2));
	assert_null(policy_objects_system_column(o, 1260, -1));
	assert_non_null(policy_objects_system_column(o, 1260, 11));
	assert_non_null(policy_objects_system_column(o, 1260, 0)); /* the whole row holds it */
	assert_non_null(policy_objects_system_column(o, 2619, 1));
	policy_objects_free(&o);
}

/* What a trust item does; part of the failure's text, or NULL: the functions with these OIDs are allowed. */
static const struct {
	const char *label;
	struct policy_trust trust;
	uint32_t allowed;
	const char *fails;
} trusting[] = {
	{"as written", {true, {S("public"), S("region_of"), NONE, 7, 3}, S("text, character varying"), S(BODY)}, 20001, NULL},
	{"no schema, other spaces, capital digits", {true, {NONE, S("region_of"), NONE, 7, 3}, S("text,character  varying"), S("0123456789ABCDEF0123456789ABCDEF")}, 20001, NULL},
	{"security definer: it was reviewed", {true, {S("public"), S("region_of"), NONE, 7, 3}, S("text"), S(BODY)}, 20002, NULL},
	{"no arguments", {true, {S("information_schema"), S("_pg_mine"), NONE, 7, 3}, S(""), S(BODY)}, 20011, NULL},
	{"another body", {true, {S("public"), S("region_of"), NONE, 7, 3}, S("text"), S("ff23456789abcdef0123456789abcdef")}, 0, "shop.gate:7: function public.region_of(text) has another body"},
	{"a cut hash", {true, {S("public"), S("region_of"), NONE, 7, 3}, S("text"), S("0123456789abcdef")}, 0, "another body"},
	{"other arguments", {true, {S("public"), S("region_of"), NONE, 7, 3}, S("integer"), S(BODY)}, 0, "region_of(integer) does not exist"},
	{"other schema", {true, {S("app"), S("region_of"), NONE, 7, 3}, S("text"), S(BODY)}, 0, "app.region_of(text) does not exist"},
	{"in C", {true, {S("public"), S("in_c"), NONE, 7, 3}, S("text"), S(BODY)}, 0, "no body that can be reviewed"},
	{"a built-in function", {true, {S("pg_catalog"), S("query_to_xml"), NONE, 7, 3}, S("text, boolean, boolean, text"), S(BODY)}, 0, "does not exist"},
	{"a view is not looked at", {false, {S("public"), S("no_such_view"), NONE, 7, 3}, NONE, NONE}, 0, NULL},
};

static void
trusts(void **state)
{
	struct policy_cat_objects c = {functions, BASE_COUNT(functions), NULL, 0, NULL, 0, NULL, 0, NULL, 0, false};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(trusting); i++) {
		struct policy_objects *o = NULL;
		struct base_fail fail = {0};
		int rc = policy_objects_new(&c, &trusting[i].trust, 1, "shop.gate", &o, &fail);
		if (trusting[i].fails) {
			if (rc != GH_E_VERIFY || !strstr(fail.text, trusting[i].fails) || o || fail.hint[0] == '\0')
				fail_msg("%s: %d %s", trusting[i].label, rc, fail.text);
			continue;
		}
		if (rc != 0)
			fail_msg("%s: %s", trusting[i].label, fail.text);
		for (uint32_t oid = 20001; oid <= 20002; oid++)
			assert_int_equal(policy_objects_function(o, oid) == NULL, oid == trusting[i].allowed);
		if (trusting[i].allowed)
			assert_null(policy_objects_function(o, trusting[i].allowed));
		policy_objects_free(&o);
	}
}

/* Between reloads a trust that does not hold any more costs this function only. */
static void
later(void **state)
{
	struct policy_cat_objects c = {.functions = functions, .nfunctions = BASE_COUNT(functions), .later = true};
	struct policy_trust t[] = {trusting[4].trust, trusting[0].trust};
	struct policy_objects *o = NULL;
	struct base_fail fail = {0};
	(void)state;
	assert_int_equal(policy_objects_new(&c, t, 2, "shop.gate", &o, &fail), 0);
	assert_non_null(policy_objects_function(o, 20002));
	assert_null(policy_objects_function(o, 20001));
	assert_non_null(strstr(policy_objects_lost(o), "region_of(text) has another body"));
	policy_objects_free(&o);
	t[0] = trusting[6].trust;
	assert_int_equal(policy_objects_new(&c, t, 2, "shop.gate", &o, &fail), 0);
	assert_non_null(strstr(policy_objects_lost(o), "does not exist"));
	policy_objects_free(&o);
	assert_int_equal(policy_objects_new(&c, &t[1], 1, "shop.gate", &o, &fail), 0);
	assert_null(policy_objects_lost(o));
	policy_objects_free(&o);
}

/* No rows at all: what has a fixed number is judged by it, nothing else is allowed. */
static void
empty(void **state)
{
	struct policy_cat_objects c = {NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, false};
	struct policy_objects *o = NULL;
	(void)state;
	assert_int_equal(policy_objects_new(&c, NULL, 0, "shop.gate", &o, NULL), 0);
	assert_null(policy_objects_function(o, UPPER));
	assert_non_null(policy_objects_function(o, QUERY_TO_XML));
	assert_non_null(policy_objects_function(o, 20003));
	assert_null(policy_objects_type(o, 25));
	assert_non_null(policy_objects_type(o, 30001));
	assert_non_null(policy_objects_system(o, 1259));
	assert_non_null(policy_objects_operator(o, 40001));
	policy_objects_free(&o);
}

static void
too_many(void **state)
{
	struct policy_cat_objects c = {functions, (size_t)1 << 40, NULL, 0, NULL, 0, NULL, 0, NULL, 0, false};
	struct policy_objects *o = NULL;
	struct base_fail fail = {0};
	(void)state;
	assert_int_equal(policy_objects_new(&c, NULL, 0, "shop.gate", &o, &fail), GH_E_LIMIT);
	c = (struct policy_cat_objects){NULL, 0, types, (size_t)1 << 40, NULL, 0, NULL, 0, NULL, 0, false};
	assert_int_equal(policy_objects_new(&c, NULL, 0, "shop.gate", &o, &fail), GH_E_LIMIT);
	c = (struct policy_cat_objects){NULL, 0, NULL, 0, NULL, 0, NULL, 0, column_types, SIZE_MAX, false};
	assert_int_equal(policy_objects_new(&c, NULL, 0, "shop.gate", &o, &fail), GH_E_LIMIT);
	assert_null(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_by_oid), cmocka_unit_test(types_by_oid), cmocka_unit_test(operators_by_oid), cmocka_unit_test(systems_by_oid),
		cmocka_unit_test(trusts), cmocka_unit_test(later), cmocka_unit_test(empty), cmocka_unit_test(too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
