/* Tests of policy_file (and of policy_lexer through it): what is read, every message with its place, each text cut at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_buf.h"
#include "policy_file.h"

static const char good[] =
	"\xef\xbb\xbf# comment: \"not a string\" {\r\n"
	"policy \"Customer \"\"care\"\"\" version 3 {\r\n"
	"  purpose \"\xe5\xae\xa2\xe6\x88\xb7\"  owner \"DPO <dpo@example.com>\"  review by 2027-03-31\n"
	"  treat observe\n"
	"  subject customer {\n"
	"    key      ID\n"
	"    phone    phone, mobile country 86\n"
	"    phone    \"Fax No\" country 1\n"
	"    email    apple_id\n"
	"    account  account_id,account_2   # two\n"
	"    identifier passport passport_no\n"
	"    table    Public.customers\n"
	"    linked   public.orders.customer_id, public.\"Devices\".customer_id\n"
	"  }\n"
	"  subject staff { table hr.people key id linked public.customers.agent_id }\n"
	"}\n";

static void
assert_name(const struct policy_name *n, const char *schema, const char *table, const char *column, unsigned line, unsigned col)
{
	assert_true(base_span_is(n->schema, schema));
	assert_true(base_span_is(n->table, table));
	assert_true(base_span_is(n->column, column));
	assert_int_equal(n->line, line);
	assert_int_equal(n->col, col);
}

static void
test_good(void **state)
{
	struct policy_file *f = NULL;
	struct base_fail fail = {.code = 0};
	uint8_t hash[BASE_SHA256_SIZE];
	(void)state;
	if (policy_file_parse(base_span(good, strlen(good)), "c.gate", &f, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_true(base_span_is(f->file, "c.gate"));
	assert_true(base_span_is(f->name, "Customer \"care\""));
	assert_true(base_span_is(f->purpose, "\xe5\xae\xa2\xe6\x88\xb7"));
	assert_true(base_span_is(f->owner, "DPO <dpo@example.com>"));
	assert_true(base_span_is(f->review_by, "2027-03-31"));
	assert_int_equal(f->version, 3);
	assert_int_equal(f->treat, POLICY_OBSERVE);
	assert_int_equal(f->nsubjects, 2);
	base_crypt_sha256(base_span(good, strlen(good)), hash);
	assert_memory_equal(f->hash, hash, sizeof(hash));

	const struct policy_subject *s = &f->subjects[0];
	assert_true(base_span_is(s->name, "customer"));
	assert_name(&s->table, "public", "customers", "", 12, 14);
	assert_name(&s->key, "public", "customers", "id", 6, 14);
	assert_int_equal(s->nidentifiers, 7);
	static const struct { const char *kind; enum policy_norm norm; const char *country, *column; } ids[] = {
		{"phone", POLICY_NORM_PHONE, "86", "phone"}, {"phone", POLICY_NORM_PHONE, "86", "mobile"},
		{"phone", POLICY_NORM_PHONE, "1", "Fax No"}, {"email", POLICY_NORM_TEXT, "", "apple_id"},
		{"account", POLICY_NORM_TEXT, "", "account_id"}, {"account", POLICY_NORM_TEXT, "", "account_2"},
		{"passport", POLICY_NORM_TEXT, "", "passport_no"},
	};
	for (size_t i = 0; i < BASE_COUNT(ids); i++) {
		assert_true(base_span_is(s->identifiers[i].kind, ids[i].kind));
		assert_int_equal(s->identifiers[i].norm, ids[i].norm);
		assert_true(base_span_is(s->identifiers[i].country, ids[i].country));
		assert_true(base_span_is(s->identifiers[i].column.column, ids[i].column));
		assert_true(base_span_is(s->identifiers[i].column.table, "customers"));
	}
	assert_int_equal(s->nlinked, 2);
	assert_name(&s->linked[1], "public", "Devices", "customer_id", 13, 41);
	assert_name(&f->subjects[1].linked[0], "public", "customers", "agent_id", 15, 49);
	policy_file_free(&f);
	assert_null(f);
	policy_file_free(&f);
}

/* Every prefix of a good file is refused with a place, but for the last bytes that are only white space. */
static void
test_truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(good); len++) {
		struct policy_file *f = NULL;
		struct base_fail fail = {.code = 0};
		char *exact = malloc(len == 0 ? 1 : len);
		assert_non_null(exact);
		memcpy(exact, good, len);
		int err = policy_file_parse(base_span(exact, len), "c.gate", &f, &fail);
		assert_true(len == strlen(good) - 1 ? err == 0 : err == GH_E_PARSE);
		if (err != 0)
			assert_memory_equal(fail.text, "c.gate:", 7);
		policy_file_free(&f);
		free(exact);
	}
}

#define HEAD "policy \"p\" version 1 {\n"
#define SUB HEAD "subject c {\n"
#define OK_PART "table a.b key id "

static const struct { const char *text, *message; } bad[] = {
	{"", "f:1:1: expected \"policy\", got the end of the file"},
	{"polcy \"p\"", "f:1:1: expected \"policy\", got \"polcy\"; did you mean \"policy\"?"},
	{"policy p", "f:1:8: expected the policy's name in quotes, got \"p\""},
	{"policy \"\"", "f:1:8: the quotes are empty"},
	{"policy \"p\" versoin 1", "f:1:12: expected \"version\", got \"versoin\"; did you mean \"version\"?"},
	{"policy \"p\" version x", "f:1:20: expected a version number from 1, got \"x\""},
	{"policy \"p\" version 0 {", "f:1:20: expected a version number from 1, got \"0\""},
	{"policy \"p\" version 99999999999999999999 {", "f:1:20: expected a version number from 1, got \"99999999999999999999\""},
	{"policy \"p\" version 1 subject", "f:1:22: expected \"{\", got \"subject\""},
	{"policy \"p\n\" version", "f:1:8: the closing quote is missing on this line"},
	{"policy \"p\tq\" version", "f:1:8: a control character stands inside the quotes"},
	{"policy \"p\" version 1 {}", "f:1:1: the policy declares no subject"},
	{HEAD "subjct c {", "f:2:1: unknown item \"subjct\"; did you mean \"subject\"?"},
	{HEAD "hide x", "f:2:1: unknown item \"hide\""},
	{HEAD "{", "f:2:1: unknown item \"{\""},
	{HEAD "purpose \"a\" owner \"b\"\n purpose \"c\"", "f:3:2: \"purpose\" is given twice; first in line 2"},
	{HEAD "purpose x", "f:2:9: expected the purpose in quotes, got \"x\""},
	{HEAD "review on", "f:2:8: expected \"by\", got \"on\""},
	{HEAD "review by 2027-02-30", "f:2:11: expected a date such as 2027-03-31, got \"2027-02-30\""},
	{HEAD "review by 2027-1-1", "f:2:11: expected a date such as 2027-03-31, got \"2027-1-1\""},
	{HEAD "treat obsrve", "f:2:7: unknown treatment \"obsrve\"; did you mean \"observe\"?"},
	{HEAD "treat enforced", "f:2:7: unknown treatment \"enforced\"; did you mean \"enforce\"?"},
	{SUB "}", "f:2:9: subject \"c\" has no table"},
	{SUB "table a.b }", "f:2:9: subject \"c\" has no key"},
	{SUB "table a }", "f:3:9: expected \".\" (a table is named schema.table), got \"}\""},
	{SUB "table a.b key x key y }", "f:3:17: \"key\" is given twice; first in line 3"},
	{SUB "table a.b table c.d }", "f:3:11: \"table\" is given twice; first in line 3"},
	{SUB "table a.b key x, y }", "f:3:16: a key is one column"},
	{SUB "fone x", "f:3:1: unknown part of a subject \"fone\"; did you mean \"phone\"?"},
	{SUB "phone", "f:3:6: expected a column name, got the end of the file"},
	{SUB "phone x,", "f:3:9: expected a column name, got the end of the file"},
	{SUB "phone x country 086", "f:3:17: a country calling code does not begin with 0"},
	{SUB "phone x country 1234", "f:3:17: expected a country calling code such as 86, got \"1234\""},
	{SUB "phone x country CN", "f:3:17: expected a country calling code such as 86, got \"cn\""},
	{SUB "email x country 86", "f:3:9: unknown part of a subject \"country\""},
	{SUB "identifier key x", "f:3:12: \"key\" has a meaning of its own and cannot be an identifier's kind"},
	{SUB "identifier a$b x", "f:3:12: an identifier's kind is made of letters a to z, digits and \"_\""},
	{SUB "linked a.b", "f:3:11: expected \".\" (a linked column is named schema.table.column), got the end of the file"},
	{SUB "linked a.b.c, ", "f:3:15: expected schema.table.column, got the end of the file"},
	{SUB OK_PART, "f:3:18: expected \"}\" at the end of the subject, got the end of the file"},
	{SUB OK_PART "}", "f:3:19: expected \"}\" at the end of the policy, got the end of the file"},
	{SUB OK_PART "} } x", "f:3:22: expected the end of the file, got \"x\""},
	{SUB OK_PART "}\nsubject c {" OK_PART "} }", "f:4:9: subject \"c\" is declared twice; first in line 2"},
	{SUB OK_PART "}\nsubject d {" OK_PART "} }", "f:4:18: table \"a.b\" belongs to another subject already; see line 3"},
	{SUB OK_PART "email x phone\nx } }", "f:4:1: column \"a.b.x\" is named twice; first in line 3"},
	{SUB OK_PART "email id } }", "f:3:24: column \"a.b.id\" is named twice; first in line 3"},
	{SUB OK_PART "linked a.b.id } }", "f:3:25: column \"a.b.id\" is named twice; first in line 3"},
	{SUB OK_PART "linked x.y.z }\nsubject d { table x.y key z } }", "f:4:27: column \"x.y.z\" is named twice; first in line 3"},
	{SUB "table a.\"\" ", "f:3:9: expected schema.table, got \"\""},
	{HEAD "\xe5\xae\xa2 ", "f:2:1: unknown item \"\xe5\xae\xa2\""},
	{HEAD "treat \xe5\xae\xa2\xe5\xae\xa2 ;", "f:2:10: \";\" has no meaning here"},
	{HEAD ";", "f:2:1: \";\" has no meaning here"},
	{"policy \"p\" version -1", "f:1:20: \"-\" has no meaning here"},
	{"policy \"p\\q\" version 1 {} ", "f:1:1: the policy declares no subject"},
	{"policy \"\xff\"", "f: the policy is not valid UTF-8 text"},
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct policy_file *f = NULL;
		struct base_fail fail = {.code = 0};
		int err = policy_file_parse(base_span_str(bad[i].text), "f", &f, &fail);
		assert_true(err == GH_E_PARSE || err == GH_E_UNSUPPORTED);
		assert_null(f);
		assert_string_equal(fail.text, bad[i].message);
		assert_int_equal(policy_file_parse(base_span_str(bad[i].text), "f", &f, NULL), err);
	}
}

static void
test_limits(void **state)
{
	struct policy_file *f = NULL;
	struct base_fail fail;
	struct base_buf b;
	(void)state;
	base_buf_init(&b, 2 * POLICY_FILE_SIZE_MAX);
	base_buf_str(&b, SUB OK_PART "linked ");
	for (unsigned i = 0; i < POLICY_COLUMNS_MAX - 1; i++)
		base_buf_fmt(&b, "%sx.y.z%u", i == 0 ? "" : ",", i);
	struct base_span most = base_buf_span(&b);
	base_buf_str(&b, "}}");
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), 0);
	assert_int_equal(f->subjects[0].nlinked, POLICY_COLUMNS_MAX - 1);
	policy_file_free(&f);
	b.end = b.start + most.n;
	base_buf_str(&b, ",x.y.q }}");
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_LIMIT);

	base_buf_clear(&b);
	base_buf_str(&b, HEAD);
	for (unsigned i = 0; i <= POLICY_SUBJECTS_MAX; i++)
		base_buf_fmt(&b, "subject s%u { table a.t%u key id }\n", i, i);
	base_buf_str(&b, "}");
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_LIMIT);
	assert_string_equal(fail.text, "f:66:9: more than 64 subjects");

	base_buf_clear(&b);
	base_buf_str(&b, "policy \"");
	for (unsigned i = 0; i < 1025; i++)
		base_buf_u8(&b, 'x');
	base_buf_str(&b, "\"");
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_LIMIT);
	base_buf_clear(&b);
	for (unsigned i = 0; i < 64; i++)
		base_buf_u8(&b, 'x');
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_LIMIT);
	for (size_t i = 0; i <= POLICY_FILE_SIZE_MAX; i++)
		base_buf_u8(&b, ' ');
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_LIMIT);
	base_buf_done(&b);
	assert_null(f);
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
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
