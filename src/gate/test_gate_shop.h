/* test_gate_shop: a small shop for the tests and fuzz targets of the gate: policy, catalogue, mark keys, a world made of them. */
#ifndef TEST_GATE_SHOP_H
#define TEST_GATE_SHOP_H

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_time.h"
#include "gate_world.h"

#define SHOP_S(text) {(const uint8_t *)(text), sizeof(text) - 1}

enum { SHOP_INT8 = 20, SHOP_INT4 = 23, SHOP_TEXT = 25, SHOP_VARCHAR = 1043 };
enum { SHOP_CUSTOMERS = 20000, SHOP_ORDERS, SHOP_CARD, SHOP_OTHER };

static const struct policy_cat_relation shop_relations[] = {
	{SHOP_CUSTOMERS, SHOP_S("public"), SHOP_S("customers"), 'r'}, {SHOP_ORDERS, SHOP_S("public"), SHOP_S("orders"), 'r'},
	{SHOP_CARD, SHOP_S("public"), SHOP_S("card"), 'v'},           {SHOP_OTHER, SHOP_S("public"), SHOP_S("other"), 'r'},
};
static const struct policy_cat_column shop_columns[] = {
	{SHOP_CUSTOMERS, 1, SHOP_S("id"), SHOP_INT8, SHOP_S("int8"), false, false},
	{SHOP_CUSTOMERS, 2, SHOP_S("phone"), SHOP_VARCHAR, SHOP_S("varchar"), false, false},
	{SHOP_CUSTOMERS, 3, SHOP_S("email"), SHOP_TEXT, SHOP_S("text"), false, false},
	{SHOP_CUSTOMERS, 4, SHOP_S("name"), SHOP_TEXT, SHOP_S("text"), false, false},
	{SHOP_CUSTOMERS, 5, SHOP_S("note"), SHOP_TEXT, SHOP_S("text"), false, false},
	{SHOP_CUSTOMERS, 6, SHOP_S("initial"), SHOP_TEXT, SHOP_S("text"), false, true},
	{SHOP_ORDERS, 1, SHOP_S("id"), SHOP_INT8, SHOP_S("int8"), false, false},
	{SHOP_ORDERS, 2, SHOP_S("customer_id"), SHOP_INT8, SHOP_S("int8"), false, false},
	{SHOP_ORDERS, 3, SHOP_S("item"), SHOP_TEXT, SHOP_S("text"), false, false},
	{SHOP_CARD, 1, SHOP_S("cid"), SHOP_INT8, SHOP_S("int8"), false, false},
	{SHOP_CARD, 2, SHOP_S("tel"), SHOP_VARCHAR, SHOP_S("varchar"), false, false},
	{SHOP_CARD, 3, SHOP_S("shout"), SHOP_TEXT, SHOP_S("text"), false, false},
	{SHOP_OTHER, 1, SHOP_S("id"), SHOP_INT8, SHOP_S("int8"), false, false},
};
static const struct policy_cat_view shop_views[] = {{SHOP_CARD, 1, SHOP_CUSTOMERS, 1}, {SHOP_CARD, 2, SHOP_CUSTOMERS, 2}};
static const struct policy_cat_edge shop_reads[] = {{SHOP_CARD, SHOP_CUSTOMERS}};
static const struct base_span shop_functions[] = {SHOP_S("find_customer")};
static const struct policy_catalogue shop_catalogue = {
	shop_relations, BASE_COUNT(shop_relations), shop_columns, BASE_COUNT(shop_columns), shop_views, BASE_COUNT(shop_views),
	shop_reads, BASE_COUNT(shop_reads), NULL, 0, shop_functions, BASE_COUNT(shop_functions),
};
#define SHOP_POLICY \
	"policy \"shop\" version 1 {\n" \
	"  subject customer { table public.customers key id phone phone country 86 email email linked public.orders.customer_id }\n" \
	"}\n"

static inline void
shop_must(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s\n", what);
		abort();
	}
}

static inline struct policy_map *
shop_map(const char *policy)
{
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct base_fail fail;

	shop_must(policy_file_parse(base_span_str(policy), "shop.gate", &f, &fail) == 0, fail.text);
	shop_must(policy_map_bind(f, &shop_catalogue, &m, &fail) == 0, fail.text);
	policy_file_free(&f);
	return m;
}

static inline struct mask_marker *
shop_marker(const struct policy_map *m, unsigned year)
{
	struct mask_keys *keys = NULL;
	struct mask_marker *marker = NULL;
	struct base_fail fail;
	struct base_span kinds[16];
	char text[80];

	(void)snprintf(text, sizeof(text), "%u 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", year);
	shop_must(mask_keys_parse(base_span_str(text), "mark.keys", &keys, &fail) == 0, fail.text);
	for (size_t i = 0; i < policy_map_kinds(m); i++)
		kinds[i] = policy_map_kind(m, (unsigned)i);
	shop_must(mask_marker_new(keys, year, kinds, policy_map_kinds(m), &marker, &fail) == 0, fail.text);
	mask_keys_unref(&keys);
	return marker;
}

/* The mark that an entry must hold: of the canonical text, made without anything of the gate's. */
static inline uint64_t
shop_mark(const struct policy_map *m, const struct mask_marker *marker, const char *kind, const char *canonical)
{
	for (unsigned i = 0; i < policy_map_kinds(m); i++)
		if (base_span_is(policy_map_kind(m, i), kind))
			return mask_marker_mark(marker, i, base_span_str(canonical));
	abort();
}

/* A world without files; dir: run_dir of its configuration; more: further settings. */
static inline struct gate_world *
shop_world(const char *policy, const char *dir, const char *more)
{
	struct gate_world *w = base_mem_new(1, sizeof(*w));
	struct base_fail fail;
	char text[1024];

	(void)snprintf(text, sizeof(text), "database = shop\ncontrol = \"dbname=shop\"\npolicy = shop.gate\nledger_origin = shop.example/log\n"
	               "run_dir = %s\nhold_size = 64KiB\nserver_tls = off\n%s", dir, more);
	shop_must(proc_conf_parse(base_span_str(text), "/nowhere/gatehouse.conf", &w->conf, &fail) == 0, fail.text);
	atomic_init(&w->refs, 1);
	w->version = 1;
	w->map = shop_map(policy);
	w->marker[0] = shop_marker(w->map, base_time_year_utc(base_time_wall_us()));
	w->nmarkers = 1;
	(void)snprintf(w->where, sizeof(w->where), "127.0.0.1:1");
	return w;
}

#endif
