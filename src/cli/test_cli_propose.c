/* test_cli_propose: small schemas written as tables of columns: who is the subject, what is linked, which tickets there are, and on which grounds. */
#include "cli_propose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base_defs.h"

/* "table.column type [-> table.column] [values]": type: k primary key int8, i int8, t text, d date, z timestamptz; values: a sample of 100 of a form. */
static char words[64][3][48];

static void
sample(struct cli_column *c, const char *form)
{
	char v[64];

	for (unsigned i = 0; i < 100; i++) {
		if (strcmp(form, "phones") == 0)
			(void)snprintf(v, sizeof(v), "138%08u", i);
		else if (strcmp(form, "mails") == 0)
			(void)snprintf(v, sizeof(v), "m%u@example.com", i);
		else if (strcmp(form, "names") == 0)
			(void)snprintf(v, sizeof(v), "Anna %c%c", 'A' + i / 10, 'a' + i % 10);
		else if (strcmp(form, "goods") == 0)
			(void)snprintf(v, sizeof(v), "Red Chair");
		else if (strcmp(form, "births") == 0)
			(void)snprintf(v, sizeof(v), "%u-05-06", 1930 + i % 80);
		else if (strcmp(form, "dates") == 0)
			(void)snprintf(v, sizeof(v), "%u-05-06", 2020 + i % 5);
		else
			(void)snprintf(v, sizeof(v), "%s", form);
		cli_tally_add(&c->tally, base_span_str(v));
		c->roles += strcmp(form, "roles") == 0;
	}
}

static size_t
column(const struct cli_model *m, const char *table, const char *name)
{
	for (size_t i = 0; i < m->ncolumns; i++)
		if (strcmp(m->columns[i].name, name) == 0 && strcmp(m->tables[m->columns[i].table].name, table) == 0)
			return i;
	return CLI_NOWHERE;
}

static void
make(struct cli_model *m, const char *const *lines)
{
	char to[2][48], form[48], type;

	*m = (struct cli_model){.tables = calloc(64, sizeof(struct cli_table)), .columns = calloc(64, sizeof(struct cli_column)), .year = 2026};
	for (size_t i = 0; lines[i]; i++) {
		struct cli_column *c = &m->columns[m->ncolumns];
		assert_true(sscanf(lines[i], "%47[^.].%47s %c", words[i][0], words[i][1], &type) == 3);
		if (m->ntables == 0 || strcmp(m->tables[m->ntables - 1].name, words[i][0]) != 0)
			m->tables[m->ntables++] = (struct cli_table){.schema = "public", .name = words[i][0], .first = m->ncolumns, .readable = true};
		m->tables[m->ntables - 1].n++;
		m->ncolumns++;
		bool number = type == 'k' || type == 'i';
		*c = (struct cli_column){.name = words[i][1], .type = number ? "int8" : type == 't' ? "text" : type == 'd' ? "date" : "timestamptz", .comment = "", .table = m->ntables - 1,
		    .family = number ? CLI_FAMILY_NUMBER : type == 't' ? CLI_FAMILY_TEXT : CLI_FAMILY_DATE, .type_oid = number ? 20 : type == 't' ? 25 : type == 'd' ? 1082 : 1184,
		    .primary = type == 'k', .unique = type == 'k', .not_null = type == 'k', .readable = true, .refers = CLI_NOWHERE};
	}
	for (size_t i = 0; lines[i]; i++) {
		const char *arrow = strstr(lines[i], "-> "), *star = strstr(lines[i], "= ");
		if (arrow && sscanf(arrow, "-> %47[^.].%47s", to[0], to[1]) == 2)
			assert_true((m->columns[i].refers = column(m, to[0], to[1])) != CLI_NOWHERE);
		if (star && sscanf(star, "= %47s", form) == 1)
			sample(&m->columns[i], form);
	}
	cli_propose(m);
	cli_propose(m); /* twice is once */
}

static const char *const shop[] = {
	"customers.id k", "customers.name t = names", "customers.phone t = phones", "customers.contact t = mails", "customers.born d = births", "customers.since d = dates", "customers.email t = goods",
	"orders.id k", "orders.customer_id i -> customers.id", "orders.name t", "orders.item t = goods", "orders.ordered d = dates",
	"addresses.id k", "addresses.owner i -> customers.id", "addresses.phone t", "addresses.street t", "addresses.name t",
	"profiles.customer_id k -> customers.id", "badges.id k", "badges.profile i -> profiles.customer_id", "visits.customer_id i", "visits.id k",
	"products.id k", "products.name t = goods", "products.card t",
	"staff.id k", "staff.name t", "staff.email t",
	"tickets.id k", "tickets.customer_id i -> customers.id", "tickets.assigned_to t = roles", "tickets.created_at z", "tickets.closed_at z", NULL,
};

static void
a_shop(void **state)
{
	struct cli_model m;
	static const struct { const char *table, *column; enum cli_kind kind; enum cli_grounds grounds; } want[] = {
		{"customers", "name", CLI_KIND_NAME, CLI_GROUNDS_BOTH}, {"customers", "phone", CLI_KIND_PHONE, CLI_GROUNDS_BOTH}, {"customers", "contact", CLI_KIND_EMAIL, CLI_GROUNDS_VALUES},
		{"customers", "born", CLI_KIND_BIRTH, CLI_GROUNDS_BOTH}, {"customers", "since", CLI_KIND_NONE, CLI_GROUNDS_NONE}, {"customers", "email", CLI_KIND_EMAIL, CLI_GROUNDS_AGAINST},
		{"customers", "id", CLI_KIND_NONE, CLI_GROUNDS_NONE}, {"orders", "name", CLI_KIND_NONE, CLI_GROUNDS_NONE}, {"orders", "item", CLI_KIND_NONE, CLI_GROUNDS_NONE},
		{"addresses", "name", CLI_KIND_NAME, CLI_GROUNDS_NAME}, {"products", "name", CLI_KIND_NONE, CLI_GROUNDS_NONE}, {"staff", "name", CLI_KIND_NAME, CLI_GROUNDS_NAME},
	};
	static const char *const linked[][2] = {{"orders", "customer_id"}, {"addresses", "owner"}, {"profiles", "customer_id"}, {"badges", "profile"}, {"tickets", "customer_id"}};
	size_t carries = 0;

	(void)state;
	make(&m, shop);
	assert_int_not_equal(m.subject, CLI_NOWHERE);
	assert_string_equal(m.tables[m.subject].name, "customers");
	assert_string_equal(m.tables[m.subject].called, "customer");
	for (size_t i = 0; i < BASE_COUNT(want); i++) {
		const struct cli_column *c = &m.columns[column(&m, want[i].table, want[i].column)];
		if (c->kind != want[i].kind || c->grounds != want[i].grounds)
			print_error("%s.%s: %s, %d\n", want[i].table, want[i].column, cli_kind_row(c->kind)->words, c->grounds), fail();
	}
	for (size_t i = 0; i < BASE_COUNT(linked); i++)
		assert_true(m.columns[column(&m, linked[i][0], linked[i][1])].carries);
	for (size_t i = 0; i < m.ncolumns; i++)
		carries += m.columns[i].carries;
	assert_int_equal(carries, BASE_COUNT(linked));
	assert_true(m.columns[column(&m, "visits", "customer_id")].perhaps);
	assert_true(m.ticket.sure);
	assert_int_equal(m.ticket.person, column(&m, "tickets", "assigned_to"));
	assert_int_equal(m.ticket.closed, column(&m, "tickets", "closed_at"));
	cli_model_free(&m);
}

static void
evidence(void **state)
{
	struct cli_model m;
	char text[300];

	(void)state;
	make(&m, shop);
	assert_string_equal(cli_propose_evidence(&m.columns[column(&m, "customers", "phone")], text, sizeof(text)), "telephone number by its name, and 100 % of 100 sampled values look like telephone numbers");
	assert_string_equal(cli_propose_evidence(&m.columns[column(&m, "customers", "contact")], text, sizeof(text)), "e-mail address: 100 % of 100 sampled values look like e-mail addresses");
	assert_string_equal(cli_propose_evidence(&m.columns[column(&m, "customers", "email")], text, sizeof(text)),
	    "uncertain: e-mail address by its name, but 0 % of 100 sampled values look like e-mail addresses");
	assert_string_equal(cli_propose_evidence(&m.columns[column(&m, "addresses", "street")], text, sizeof(text)), "address by its name, nothing sampled");
	cli_model_free(&m);
}

static void
others(void **state)
{
	static const char *const nobody[] = {"sensors.id k", "sensors.name t = goods", "readings.id k", "readings.sensor i -> sensors.id", "readings.value i", NULL};
	static const char *const staff_only[] = {"employees.id k", "employees.vorname t", "employees.email t", "employees.phone t", NULL};
	static const char *const keyless[] = {"customers.name t", "customers.email t", "customers.phone t", NULL};
	static const char *const unsure[] = {"customers.id k", "customers.full_name t", "customers.email t", "cases.id k", "cases.customer_id i", "cases.owner i", "cases.closed_at z", NULL};
	static const char *const empty[] = {NULL};
	static const char *const *const none[] = {nobody, keyless, empty};
	struct cli_model m;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(none); i++) {
		make(&m, none[i]);
		assert_int_equal(m.subject, CLI_NOWHERE);
		assert_int_equal(m.ticket.table, CLI_NOWHERE);
		cli_model_free(&m);
	}
	make(&m, staff_only); /* nobody else is there to protect */
	assert_string_equal(m.tables[m.subject].name, "employees");
	cli_model_free(&m);
	make(&m, unsure);
	assert_false(m.ticket.sure);
	assert_int_equal(m.ticket.person, column(&m, "cases", "owner"));
	assert_int_equal(m.ticket.subject, column(&m, "cases", "customer_id"));
	cli_model_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_shop), cmocka_unit_test(evidence), cmocka_unit_test(others)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
