/* test_cli_kind: names of columns and tables in several languages and ways of writing. */
#include "cli_kind.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base_defs.h"

#define T CLI_FAMILY_TEXT
#define N CLI_FAMILY_NUMBER
#define D CLI_FAMILY_DATE
#define B CLI_FAMILY_BOOL

static const struct { const char *name; enum cli_family family; enum cli_kind kind; bool certain; } columns[] = {
	{"full_name", T, CLI_KIND_NAME, true}, {"firstName", T, CLI_KIND_NAME, true}, {"Vorname", T, CLI_KIND_NAME, true}, {"NACHNAME", T, CLI_KIND_NAME, true},
	{"prenom", T, CLI_KIND_NAME, true}, {"prénom", T, CLI_KIND_NAME, true}, {"PRÉNOM", T, CLI_KIND_NAME, true}, {"apellidos", T, CLI_KIND_NAME, true}, {"xm", T, CLI_KIND_NAME, true},
	{"姓名", T, CLI_KIND_NAME, true}, {"客户姓名", T, CLI_KIND_NAME, true}, {"name", T, CLI_KIND_NAME, false}, {"name", N, CLI_KIND_NONE, false},
	{"product_name", T, CLI_KIND_NONE, true}, {"file_name", T, CLI_KIND_NONE, true}, {"fileName", T, CLI_KIND_NONE, true},
	{"phone", T, CLI_KIND_PHONE, true}, {"phone", N, CLI_KIND_PHONE, true}, {"phone_2", T, CLI_KIND_PHONE, true}, {"tel1", T, CLI_KIND_PHONE, true}, {"TelNr", T, CLI_KIND_PHONE, true},
	{"Kunden-Telefon", T, CLI_KIND_PHONE, true}, {"kundentelefon", T, CLI_KIND_PHONE, true}, {"handynummer", T, CLI_KIND_PHONE, true}, {"sjh", T, CLI_KIND_PHONE, true},
	{"手机号码", T, CLI_KIND_PHONE, true}, {"phone_verified", B, CLI_KIND_NONE, false}, {"phone_type", T, CLI_KIND_NONE, false}, {"phone_id", N, CLI_KIND_NONE, false},
	{"has_phone", T, CLI_KIND_NONE, false}, {"hotel", T, CLI_KIND_NONE, false}, {"telephone", T, CLI_KIND_PHONE, true},
	{"email", T, CLI_KIND_EMAIL, true}, {"EMail", T, CLI_KIND_EMAIL, true}, {"e_mail", T, CLI_KIND_EMAIL, true}, {"email_address", T, CLI_KIND_EMAIL, true},
	{"emailSentAt", D, CLI_KIND_NONE, false}, {"correo", T, CLI_KIND_EMAIL, true}, {"邮箱", T, CLI_KIND_EMAIL, true},
	{"address", T, CLI_KIND_ADDRESS, true}, {"ip_address", T, CLI_KIND_IP, true}, {"ip", CLI_FAMILY_INET, CLI_KIND_IP, true}, {"zip", T, CLI_KIND_POSTAL, true},
	{"mac_address", T, CLI_KIND_NONE, true}, {"strasse", T, CLI_KIND_ADDRESS, true}, {"Straße", T, CLI_KIND_ADDRESS, true}, {"dizhi", T, CLI_KIND_ADDRESS, true}, {"ship", T, CLI_KIND_NONE, false},
	{"PLZ", T, CLI_KIND_POSTAL, true}, {"geburtsdatum", D, CLI_KIND_BIRTH, true}, {"dob", D, CLI_KIND_BIRTH, true}, {"birth_date", D, CLI_KIND_BIRTH, true}, {"csrq", T, CLI_KIND_BIRTH, true},
	{"iban", T, CLI_KIND_IBAN, true}, {"kreditkarte", T, CLI_KIND_CARD, true}, {"card_type", T, CLI_KIND_NONE, true}, {"ssn", T, CLI_KIND_US_SSN, true},
	{"svnr", T, CLI_KIND_NATIONAL_ID, true}, {"sfzh", T, CLI_KIND_CN_ID, true}, {"身份证号", T, CLI_KIND_CN_ID, true}, {"ausweis_nr", T, CLI_KIND_NATIONAL_ID, true},
	{"steuer_id", T, CLI_KIND_TAX, true}, {"tax_rate", N, CLI_KIND_NONE, true}, {"geschlecht", T, CLI_KIND_GENDER, true}, {"password_hash", T, CLI_KIND_SECRET, true},
	{"username", T, CLI_KIND_ACCOUNT, true}, {"apple_id", T, CLI_KIND_ACCOUNT, true}, {"imei", T, CLI_KIND_DEVICE, true}, {"beizhu", T, CLI_KIND_NOTE, false}, {"created_at", D, CLI_KIND_NONE, false},
	{"", T, CLI_KIND_NONE, false}, {"_", T, CLI_KIND_NONE, false}, {"42", N, CLI_KIND_NONE, false}, {"diagnose", T, CLI_KIND_HEALTH, true},
	{"a_very_long_name_of_a_column_that_goes_on_and_on_and_on_and_on_and_on_for_ever_and_ever_phone", T, CLI_KIND_NAME, false}, /* the end is past CLI_PLAIN_MAX */
};

static void
of_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(columns); i++) {
		bool certain = columns[i].certain;
		enum cli_kind kind = cli_kind_of_column(base_span_str(columns[i].name), columns[i].family, &certain);
		if (kind != columns[i].kind || certain != columns[i].certain)
			print_error("%s: %s, %d\n", columns[i].name, cli_kind_row(kind)->words, certain), fail();
	}
}

static const struct { const char *name; enum cli_role role; const char *called; } tables[] = {
	{"customers", CLI_ROLE_SUBJECT, "customer"}, {"Customer", CLI_ROLE_SUBJECT, "customer"}, {"tbl_customer", CLI_ROLE_SUBJECT, "customer"}, {"customer_orders", CLI_ROLE_NONE, NULL},
	{"customer_master", CLI_ROLE_SUBJECT, "customer"}, {"customer_entity", CLI_ROLE_SUBJECT, "customer"}, {"kunden", CLI_ROLE_SUBJECT, "customer"}, {"KundenStamm", CLI_ROLE_SUBJECT, "customer"},
	{"versicherungsnehmer", CLI_ROLE_SUBJECT, "policyholder"}, {"res_partner", CLI_ROLE_SUBJECT, "person"}, {"res_users", CLI_ROLE_STAFF, "employee"}, {"t_user", CLI_ROLE_SUBJECT, "user"},
	{"yonghu", CLI_ROLE_SUBJECT, "user"}, {"kehu_xinxi", CLI_ROLE_SUBJECT, "customer"}, {"客户", CLI_ROLE_SUBJECT, "customer"}, {"tickets", CLI_ROLE_CASE, "ticket"}, {"ticket_comments", CLI_ROLE_NONE, NULL},
	{"Schaeden", CLI_ROLE_CASE, "ticket"}, {"gongdan", CLI_ROLE_CASE, "ticket"}, {"mitarbeiter", CLI_ROLE_STAFF, "employee"}, {"products", CLI_ROLE_NONE, NULL}, {"", CLI_ROLE_NONE, NULL},
};

static void
of_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tables); i++) {
		const char *called = "?";
		enum cli_role role = cli_kind_of_table(base_span_str(tables[i].name), &called);
		if (role != tables[i].role || (called == NULL) != (tables[i].called == NULL) || (called && strcmp(called, tables[i].called) != 0))
			print_error("%s: %d, %s\n", tables[i].name, role, called ? called : "-"), fail();
	}
}

/* Each name cut at every length, and bytes of all values: nothing but an answer. */
static void
any_bytes(void **state)
{
	uint8_t name[200];
	bool certain;

	(void)state;
	for (unsigned seed = 0; seed < 400; seed++) {
		const char *called;
		for (size_t i = 0; i < sizeof(name); i++)
			name[i] = (uint8_t)((i + 1) * (seed * 2654435761u + 40503u) >> 11);
		(void)cli_kind_of_column(base_span(name, seed % sizeof(name)), T, &certain);
		(void)cli_kind_of_table(base_span(name, seed % sizeof(name)), &called);
	}
	for (size_t i = 0; i < BASE_COUNT(columns); i++)
		for (size_t n = 0; n <= strlen(columns[i].name); n++)
			(void)cli_kind_of_column(base_span(columns[i].name, n), T, &certain);
}

static void
families(void **state)
{
	(void)state;
	assert_int_equal(cli_kind_family("citext", 'S'), T);
	assert_int_equal(cli_kind_family("text", 'S'), T);
	assert_int_equal(cli_kind_family("jsonb", 'U'), CLI_FAMILY_JSON);
	assert_int_equal(cli_kind_family("uuid", 'U'), CLI_FAMILY_UUID);
	assert_int_equal(cli_kind_family("int8", 'N'), N);
	assert_int_equal(cli_kind_family("time", 'D'), CLI_FAMILY_OTHER);
	assert_int_equal(cli_kind_family("timestamptz", 'D'), D);
	assert_int_equal(cli_kind_family("inet", 'I'), CLI_FAMILY_INET);
	assert_int_equal(cli_kind_family("bytea", 'U'), CLI_FAMILY_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(of_columns), cmocka_unit_test(of_tables), cmocka_unit_test(any_bytes), cmocka_unit_test(families)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
