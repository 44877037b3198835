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
#include "policy_lexer.h"

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
	"  test \"phone is masked\" {\n"
	"    as wang in partner_staff, \"Night Shift\" province \"Gansu\" team \"B2\" employer \"Acme\"\n"
	"    run \"select \"\"Fax No\"\", phone from customers where id = 7\"\n"
	"    expect allow, phone masked last 4, \"Fax No\" hidden, id clear, rows 1\n"
	"    expect nick masked fixed \"***\"\n"
	"  }\n"
	"  test \"no guessing\" { expect deny by Never filter run \"select 1\" as \"o'neil@acme\" }\n"
	"  test \"in words\" { as li run \"select 1\" expect deny by \"WHERE, or ORDER BY\", rows 0 expect x clear }\n"
	"  group partner_staff {\n"
	"    treat enforce\n"
	"    on table customers {\n"
	"      allow  read, update of note, \"read\", insert of note, delete\n"
	"      show   id, Province, created_at\n"
	"      mask   phone, mobile as last 4\n"
	"      mask   apple_id as first 64\n"
	"      mask   birthday as year   mask serial as hash   mask account_id as token\n"
	"      mask   nick as fixed \"***\" mask nothing as fixed \"\"\n"
	"      hide   address, \"Fax No\"\n"
	"      look   up by phone, apple_id\n"
	"      never  filter on full_name\n"
	"      rows   where \t assigned_team = actor.Team AND note <> 'a # } ''b' and \"x}#\" is null   # a comment\n"
	"    }\n"
	"    on table hr.people { allow update, insert rows where lower(x) = any (array[actor.role, 'b']) or true }\n"
	"    limit 100 rows per statement, no copy\n"
	"    no cursor\n"
	"  }\n"
	"  group \"Night Shift\" { treat observe on table public.customers { rows where ((a) or (b)) } limit 5 rows per statement }\n"
	"  group idle { }\n"
	"  trust view public.\"Customers public\"\n"
	"  trust view safe\n"
	"  trust function public.region_of( Text ,\tinteger,\"My type\"  ) body \"9b74c9897bac770ffc029102a200c5de\"\n"
	"  trust function region_of() body \"9b74c9897bac770ffc029102a200c5de\"\n"
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

static const struct policy_file *
parse_good(struct policy_file **f)
{
	struct base_fail fail = {.code = 0};
	if (policy_file_parse(base_span(good, strlen(good)), "c.gate", f, &fail) != 0)
		fail_msg("%s", fail.text);
	return *f;
}

static void
test_group(void **state)
{
	struct policy_file *own = NULL;
	const struct policy_file *f = parse_good(&own);
	(void)state;
	assert_int_equal(f->ngroups, 3);
	const struct policy_group *g = &f->groups[0];
	assert_true(base_span_is(g->name, "partner_staff") && g->line == 24 && g->col == 9);
	assert_true(g->treat == POLICY_ENFORCE && g->treat_line == 25);
	assert_true(g->limit_rows == 100 && g->limit_line == 39 && g->no_copy_line == 39 && g->no_cursor_line == 40);
	assert_int_equal(g->ntables, 2);
	const struct policy_on_table *t = &g->tables[0];
	assert_name(&t->table, "public", "customers", "", 26, 14);
	assert_int_equal(t->actions, POLICY_READ | POLICY_INSERT | POLICY_UPDATE | POLICY_DELETE);
	assert_true(t->actions_line == 27 && !t->update_all && !t->insert_all);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(t->action_line[i], 27);
	static const struct { enum policy_say say; const char *column; enum policy_mask_kind mask; unsigned n, line, col; } says[] = {
		{POLICY_SAY_UPDATE, "note", 0, 0, 27, 30}, {POLICY_SAY_UPDATE, "read", 0, 0, 27, 36}, {POLICY_SAY_INSERT, "note", 0, 0, 27, 54},
		{POLICY_SAY_SHOW, "id", 0, 0, 28, 14}, {POLICY_SAY_SHOW, "province", 0, 0, 28, 18}, {POLICY_SAY_SHOW, "created_at", 0, 0, 28, 28},
		{POLICY_SAY_MASK, "phone", POLICY_MASK_LAST, 4, 29, 14}, {POLICY_SAY_MASK, "mobile", POLICY_MASK_LAST, 4, 29, 21},
		{POLICY_SAY_MASK, "apple_id", POLICY_MASK_FIRST, 64, 30, 14}, {POLICY_SAY_MASK, "birthday", POLICY_MASK_YEAR, 0, 31, 14},
		{POLICY_SAY_MASK, "serial", POLICY_MASK_HASH, 0, 31, 38}, {POLICY_SAY_MASK, "account_id", POLICY_MASK_TOKEN, 0, 31, 60},
		{POLICY_SAY_MASK, "nick", POLICY_MASK_FIXED, 0, 32, 14}, {POLICY_SAY_MASK, "nothing", POLICY_MASK_FIXED, 0, 32, 39},
		{POLICY_SAY_HIDE, "address", 0, 0, 33, 14}, {POLICY_SAY_HIDE, "Fax No", 0, 0, 33, 23},
		{POLICY_SAY_LOOKUP, "phone", 0, 0, 34, 20}, {POLICY_SAY_LOOKUP, "apple_id", 0, 0, 34, 27},
		{POLICY_SAY_NEVER_FILTER, "full_name", 0, 0, 35, 24},
	};
	assert_int_equal(t->nsays, BASE_COUNT(says));
	for (size_t i = 0; i < BASE_COUNT(says); i++) {
		assert_true(base_span_is(t->says[i].column, says[i].column));
		assert_int_equal(t->says[i].say, says[i].say);
		assert_int_equal(t->says[i].mask.kind, says[i].mask);
		assert_int_equal(t->says[i].mask.n, says[i].n);
		assert_int_equal(t->says[i].line, says[i].line);
		assert_int_equal(t->says[i].col, says[i].col);
	}
	assert_true(base_span_is(t->says[12].mask.fixed, "***") && t->says[13].mask.fixed.n == 0);
	assert_true(base_span_is(t->rows_where, "assigned_team = actor.Team AND note <> 'a # } \'\'b' and \"x}#\" is null"));
	assert_true(t->rows_line == 36 && t->rows_col == 22);
	t = &g->tables[1];
	assert_name(&t->table, "hr", "people", "", 38, 14);
	assert_true(t->update_all && t->insert_all && t->actions == (POLICY_UPDATE | POLICY_INSERT) && t->nsays == 0);
	assert_true(base_span_is(t->rows_where, "lower(x) = any (array[actor.role, 'b']) or true"));
	g = &f->groups[1];
	assert_true(base_span_is(g->name, "Night Shift") && g->treat == POLICY_OBSERVE && g->limit_rows == 5 && g->no_copy_line == 0);
	assert_true(base_span_is(g->tables[0].rows_where, "((a) or (b))") && g->tables[0].actions == 0);
	assert_true(base_span_is(f->groups[2].name, "idle") && f->groups[2].ntables == 0 && f->groups[2].treat == POLICY_TREAT_UNSET);
	policy_file_free(&own);
}

static void
test_trust_and_tests(void **state)
{
	struct policy_file *own = NULL;
	const struct policy_file *f = parse_good(&own);
	(void)state;
	assert_int_equal(f->ntrusts, 4);
	assert_false(f->trusts[0].function);
	assert_name(&f->trusts[0].name, "public", "Customers public", "", 44, 14);
	assert_name(&f->trusts[1].name, "public", "safe", "", 45, 14);
	assert_true(f->trusts[2].function && base_span_is(f->trusts[2].arguments, "text, integer, \"My type\""));
	assert_true(base_span_is(f->trusts[2].body, "9b74c9897bac770ffc029102a200c5de"));
	assert_name(&f->trusts[2].name, "public", "region_of", "", 46, 18);
	assert_true(f->trusts[3].function && f->trusts[3].arguments.n == 0);

	assert_int_equal(f->ntests, 3);
	const struct policy_test *t = &f->tests[0];
	assert_true(base_span_is(t->name, "phone is masked") && t->line == 16 && base_span_is(t->role, "wang"));
	assert_true(t->ngroups == 2 && base_span_is(t->groups[0], "partner_staff") && base_span_is(t->groups[1], "Night Shift"));
	assert_true(base_span_is(t->team, "B2") && base_span_is(t->employer, "Acme") && base_span_is(t->province, "Gansu"));
	assert_true(base_span_is(t->run, "select \"Fax No\", phone from customers where id = 7"));
	assert_int_equal(t->nexpects, 6);
	assert_true(t->expects[0].what == POLICY_EXPECT_ALLOW && t->expects[0].line == 19);
	assert_true(t->expects[1].what == POLICY_EXPECT_MASKED && base_span_is(t->expects[1].words, "phone"));
	assert_true(t->expects[1].mask.kind == POLICY_MASK_LAST && t->expects[1].mask.n == 4);
	assert_true(t->expects[2].what == POLICY_EXPECT_HIDDEN && base_span_is(t->expects[2].words, "Fax No"));
	assert_true(t->expects[3].what == POLICY_EXPECT_CLEAR && t->expects[4].what == POLICY_EXPECT_ROWS && t->expects[4].rows == 1);
	assert_true(t->expects[5].mask.kind == POLICY_MASK_FIXED && base_span_is(t->expects[5].mask.fixed, "***") && t->expects[5].line == 20);
	t = &f->tests[1];
	assert_true(base_span_is(t->role, "o'neil@acme") && t->ngroups == 0 && t->team.n == 0);
	assert_true(t->nexpects == 1 && t->expects[0].what == POLICY_EXPECT_DENY && base_span_is(t->expects[0].words, "never filter"));
	t = &f->tests[2];
	assert_true(t->nexpects == 3 && base_span_is(t->expects[0].words, "WHERE, or ORDER BY") && t->expects[1].what == POLICY_EXPECT_ROWS);
	policy_file_free(&own);
}

/* Strength: the greater kind; of the same kind the fewer characters; never by which is named first. */
static void
test_masks(void **state)
{
	static const struct { struct policy_mask m; const char *words; } ascending[] = {
		{{.kind = POLICY_MASK_NONE}, "clear"},          {{.kind = POLICY_MASK_LAST, .n = 64}, "last 64"}, {{.kind = POLICY_MASK_LAST, .n = 1}, "last 1"},
		{{.kind = POLICY_MASK_FIRST, .n = 2}, "first 2"}, {{.kind = POLICY_MASK_FIRST, .n = 1}, "first 1"}, {{.kind = POLICY_MASK_HASH}, "hash"},
		{{.kind = POLICY_MASK_TOKEN}, "token"},         {{.kind = POLICY_MASK_YEAR}, "year"},
		{{.kind = POLICY_MASK_FIXED, .fixed = {(const uint8_t *)"b", 1}}, "fixed"}, {{.kind = POLICY_MASK_FIXED, .fixed = {(const uint8_t *)"a", 1}}, "fixed"},
		{{.kind = POLICY_MASK_HIDE}, "hide"},
	};
	(void)state;
	for (size_t a = 0; a < BASE_COUNT(ascending); a++) {
		char words[32];
		policy_mask_words(&ascending[a].m, words, sizeof(words));
		assert_string_equal(words, ascending[a].words);
		for (size_t b = 0; b <= a; b++) {
			assert_ptr_equal(policy_mask_stronger(&ascending[a].m, &ascending[b].m), &ascending[a].m);
			assert_ptr_equal(policy_mask_stronger(&ascending[b].m, &ascending[a].m), &ascending[a].m);
		}
	}
}

static void
test_suits(void **state)
{
	enum { BOOL = 16, NAME = 19, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25, BPCHAR = 1042, VARCHAR = 1043, DATE = 1082, STAMP = 1114, STAMPTZ = 1184, UUID = 2950 };
	static const struct { enum policy_mask_kind kind; const char *fixed; uint32_t type; bool suits; } t[] = {
		{POLICY_MASK_LAST, "", TEXT, true}, {POLICY_MASK_FIRST, "", VARCHAR, true}, {POLICY_MASK_HASH, "", BPCHAR, true}, {POLICY_MASK_TOKEN, "", NAME, true},
		{POLICY_MASK_LAST, "", INT4, false}, {POLICY_MASK_FIRST, "", UUID, false}, {POLICY_MASK_HASH, "", INT8, false}, {POLICY_MASK_TOKEN, "", DATE, false},
		{POLICY_MASK_YEAR, "", DATE, true}, {POLICY_MASK_YEAR, "", STAMP, true}, {POLICY_MASK_YEAR, "", STAMPTZ, true}, {POLICY_MASK_YEAR, "", TEXT, true},
		{POLICY_MASK_YEAR, "", UUID, false}, {POLICY_MASK_YEAR, "", INT4, false},
		{POLICY_MASK_HIDE, "", UUID, true}, {POLICY_MASK_HIDE, "", 70001, true}, {POLICY_MASK_NONE, "", 70001, true},
		{POLICY_MASK_FIXED, "", TEXT, true}, {POLICY_MASK_FIXED, "x", VARCHAR, true}, {POLICY_MASK_FIXED, "0", UUID, false}, {POLICY_MASK_FIXED, "0", 1700, false},
		{POLICY_MASK_FIXED, "true", BOOL, true}, {POLICY_MASK_FIXED, "false", BOOL, true}, {POLICY_MASK_FIXED, "t", BOOL, false}, {POLICY_MASK_FIXED, "TRUE", BOOL, false},
		{POLICY_MASK_FIXED, "-1", INT4, true}, {POLICY_MASK_FIXED, "2147483647", INT4, true}, {POLICY_MASK_FIXED, "2147483648", INT4, false},
		{POLICY_MASK_FIXED, "2147483648", INT8, true}, {POLICY_MASK_FIXED, "32767", INT2, true}, {POLICY_MASK_FIXED, "32768", INT2, false},
		{POLICY_MASK_FIXED, "", INT4, false}, {POLICY_MASK_FIXED, "1 ", INT4, false}, {POLICY_MASK_FIXED, "1.0", INT8, false},
		{POLICY_MASK_FIXED, "1970-01-01", DATE, true}, {POLICY_MASK_FIXED, "1970-02-30", DATE, false}, {POLICY_MASK_FIXED, "1970-01-01T00:00Z", DATE, false},
		{POLICY_MASK_FIXED, "1970-01-01", STAMP, false},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_mask m = {.kind = t[i].kind, .n = 1, .fixed = base_span_str(t[i].fixed)};
		const char *why = policy_mask_unsuitable(&m, t[i].type);
		if ((why == NULL) != t[i].suits)
			fail_msg("mask %d \"%s\" on type %u: %s", (int)t[i].kind, t[i].fixed, t[i].type, why ? why : "suits");
	}
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
#define GROUP HEAD "group g { "
#define TABLE HEAD "group g { on table t {\n"
#define ROWS "f:3:12: "
#define BODY "body \"9b74c9897bac770ffc029102a200c5de\""
#define TEST "test \"t\" { "
#define WHOLE "test \"t\" { as a run \"x\" expect allow }"

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
	{HEAD "group", "f:2:6: expected a group's name, got the end of the file"},
	{HEAD "group g", "f:2:8: expected \"{\", got the end of the file"},
	{HEAD "grup g {", "f:2:1: unknown item \"grup\"; did you mean \"group\"?"},
	{GROUP "}\ngroup g {", "f:3:7: group \"g\" is declared twice; first in line 2"},
	{GROUP "shwo", "f:2:11: unknown part of a group \"shwo\""},
	{GROUP "limt 5", "f:2:11: unknown part of a group \"limt\"; did you mean \"limit\"?"},
	{GROUP "treat enforec", "f:2:17: unknown treatment \"enforec\"; did you mean \"enforce\"?"},
	{GROUP "treat enforce treat observe", "f:2:25: \"treat\" is given twice; first in line 2"},
	{GROUP "on tabel a {", "f:2:14: expected \"table\", got \"tabel\"; did you mean \"table\"?"},
	{GROUP "on table {", "f:2:20: expected a table's name, got \"{\""},
	{GROUP "on table a.", "f:2:22: expected a table's name, got the end of the file"},
	{GROUP "on table a.b.c {", "f:2:23: expected \"{\", got \".\""},
	{GROUP "on table a { } on table public.a {", "f:2:35: table \"public.a\" is given twice in this group; first in line 2"},
	{GROUP "on table a { } }\n", "f:3:1: expected \"}\" at the end of the policy, got the end of the file"},
	{GROUP "on table a {", "f:2:23: expected \"}\" at the end of the table's rules, got the end of the file"},
	{GROUP "limit 0 rows", "f:2:17: expected a number of rows from 1, got \"0\""},
	{GROUP "limit 5 row", "f:2:19: expected \"rows\", got \"row\"; did you mean \"rows\"?"},
	{GROUP "limit 5 rows a statement", "f:2:24: expected \"per\", got \"a\""},
	{GROUP "limit 5 rows per hour", "f:2:28: expected \"statement\", got \"hour\""},
	{GROUP "limit 5 rows per statement, limit 6", "f:2:39: \"limit\" is given twice; first in line 2"},
	{GROUP "no cpoy", "f:2:14: unknown thing to forbid \"cpoy\"; did you mean \"copy\"?"},
	{GROUP "no copy, no copy", "f:2:20: \"no copy\" is given twice; first in line 2"},
	{GROUP "no cursor\nno cursor", "f:3:1: \"no cursor\" is given twice; first in line 2"},
	{GROUP "no copy, nope", "f:2:20: unknown limit \"nope\"; did you mean \"no\"?"},
	{TABLE "hied x", "f:3:1: unknown rule \"hied\"; did you mean \"hide\"?"},
	{TABLE "budget 5", "f:3:1: unknown rule \"budget\""},
	{TABLE "allow", "f:3:6: unknown action the end of the file"},
	{TABLE "allow raed", "f:3:7: unknown action \"raed\"; did you mean \"read\"?"},
	{TABLE "allow read, read", "f:3:13: \"read\" is given twice; first in line 3"},
	{TABLE "allow update\nallow update of x", "f:4:7: \"update\" is given twice; first in line 3"},
	{TABLE "allow update of read", "f:3:17: expected a column name (in quotes, when it is called so), got \"read\""},
	{TABLE "allow update of x, y, x", "f:3:23: column \"x\" is named twice under \"update of\"; first in line 3"},
	{TABLE "allow update of x, delete of", "f:3:27: unknown rule \"of\""},
	{TABLE "allow insert of", "f:3:16: expected a column name, got the end of the file"},
	{TABLE "show x,", "f:3:8: expected a column name, got the end of the file"},
	{TABLE "show x, x", "f:3:9: column \"x\" is named twice under \"show\"; first in line 3"},
	{TABLE "show x\nshow X", "f:4:6: column \"x\" is named twice under \"show\"; first in line 3"},
	{TABLE "hide x hide x", "f:3:13: column \"x\" is named twice under \"hide\"; first in line 3"},
	{TABLE "mask x", "f:3:7: expected \"as\", got the end of the file"},
	{TABLE "mask x, x as year", "f:3:9: column \"x\" is named twice under \"mask\"; first in line 3"},
	{TABLE "mask x as year\nmask x as year", "f:4:6: column \"x\" is named twice under \"mask\"; first in line 3"},
	{TABLE "mask x as last 2 mask x as last 4", "f:3:23: column \"x\" is named twice under \"mask\"; first in line 3"},
	{TABLE "mask x as lsat 4", "f:3:11: unknown mask \"lsat\"; did you mean \"last\"?"},
	{TABLE "mask x as last", "f:3:15: expected how many characters are shown, 1 to 64, got the end of the file"},
	{TABLE "mask x as last 0", "f:3:16: expected how many characters are shown, 1 to 64, got \"0\""},
	{TABLE "mask x as first 65", "f:3:17: expected how many characters are shown, 1 to 64, got \"65\""},
	{TABLE "mask x as fixed y", "f:3:17: expected the fixed value in quotes, got \"y\""},
	{TABLE "look by x", "f:3:6: expected \"up\", got \"by\""},
	{TABLE "look up x", "f:3:9: expected \"by\", got \"x\""},
	{TABLE "look up by x, x", "f:3:15: column \"x\" is named twice under \"look up by\"; first in line 3"},
	{TABLE "never fitler on x", "f:3:7: expected \"filter\", got \"fitler\"; did you mean \"filter\"?"},
	{TABLE "never filter x", "f:3:14: expected \"on\", got \"x\""},
	{TABLE "look up by x\nnever filter on x",
	 "f:4:17: column \"x\" is under \"never filter on\" and, in line 3, under \"look up by\": one denies the other"},
	{TABLE "never filter on x look up by x",
	 "f:3:30: column \"x\" is under \"look up by\" and, in line 3, under \"never filter on\": one denies the other"},
	{TABLE "rows x", "f:3:6: expected \"where\", got \"x\""},
	{TABLE "rows where", "f:3:11: the condition is missing; it stands on the same line"},
	{TABLE "rows where   # x", "f:3:14: the condition is missing; it stands on the same line"},
	{TABLE "rows where }", "f:3:12: the condition is missing; it stands on the same line"},
	{TABLE "rows where a\nrows where b", "f:4:1: \"rows\" is given twice; first in line 3"},
	{TABLE "rows where a = 'x", "f:3:16: the closing quote is missing on this line"},
	{TABLE "rows where \"x", "f:3:12: the closing quote is missing on this line"},
	{TABLE "rows where a =", ROWS "this is not one condition of valid SQL over one row of the table"},
	{TABLE "rows where a) or (b", ROWS "this is not one condition of valid SQL over one row of the table"},
	{TABLE "rows where (a", ROWS "this is not one condition of valid SQL over one row of the table"},
	{TABLE "rows where a, b", ROWS "this is not one condition of valid SQL over one row of the table"},
	{TABLE "rows where a order by b", ROWS "this is not one condition of valid SQL over one row of the table"},
	{TABLE "rows where true; drop b", ROWS "this is not one condition of valid SQL over one row of the table"},
	{TABLE "rows where a -- b", ROWS "a condition holds no comment of SQL"},
	{TABLE "rows where a = /* b */ 1", ROWS "a condition holds no comment of SQL"},
	{TABLE "rows where a /* b", ROWS "the condition is not valid SQL"},
	{TABLE "rows where a in (select b from c)", ROWS "a condition holds no query of its own; it speaks of one row of the table"},
	{TABLE "rows where exists (Table c)", ROWS "a condition holds no query of its own; it speaks of one row of the table"},
	{TABLE "rows where a in (values (1))", ROWS "a condition holds no query of its own; it speaks of one row of the table"},
	{TABLE "rows where a = $1", ROWS "a condition is written without \"\\\", \"$\" and U&\"...\": what they mean depends on settings"},
	{TABLE "rows where a = E'\\'' # '", ROWS "a condition is written without \"\\\", \"$\" and U&\"...\": what they mean depends on settings"},
	{TABLE "rows where U&\"a\" = b", ROWS "a condition is written without \"\\\", \"$\" and U&\"...\": what they mean depends on settings"},
	{TABLE "rows where a = actor.taem", ROWS "\"actor.taem\" is not known; did you mean \"actor.team\"?"},
	{TABLE "rows where a = actor.name", ROWS "\"actor.name\" is not known (there are actor.team, actor.employer, actor.province and actor.role)"},
	{TABLE "rows where a = actor.team.x", ROWS "nothing stands behind a property of the actor"},
	{HEAD "trust veiw a", "f:2:7: unknown thing to trust \"veiw\"; did you mean \"view\"?"},
	{HEAD "trust view", "f:2:11: expected a view's name, got the end of the file"},
	{HEAD "trust view a\ntrust view public.a", "f:3:12: view \"public.a\" is trusted twice; first in line 2"},
	{HEAD "trust function f", "f:2:17: expected \"(\" and the types of the arguments, got the end of the file"},
	{HEAD "trust function f(text\n)", "f:2:18: the closing \")\" is missing on this line"},
	{HEAD "trust function f(\"x", "f:2:18: the closing quote is missing on this line"},
	{HEAD "trust function f() bdoy", "f:2:20: expected \"body\", got \"bdoy\"; did you mean \"body\"?"},
	{HEAD "trust function f() body \"x\"", "f:2:25: a body's md5 is 32 hexadecimal digits in lower case"},
	{HEAD "trust function f() body \"9B74c9897bac770ffc029102a200c5de\"", "f:2:25: a body's md5 is 32 hexadecimal digits in lower case"},
	{HEAD "trust function f( TEXT) " BODY "\ntrust function f(text ) " BODY, "f:3:16: function \"public.f\" is trusted twice; first in line 2"},
	{HEAD "test x", "f:2:6: expected the test's name in quotes, got \"x\""},
	{HEAD "test \"t\" {}", "f:2:6: the test has no \"as\""},
	{HEAD "test \"t\" { as a }", "f:2:6: the test has no \"run\""},
	{HEAD "test \"t\" { as a run \"x\" }", "f:2:6: the test has no \"expect\""},
	{HEAD TEST "as a as b", "f:2:17: \"as\" is given twice; first in line 2"},
	{HEAD TEST "run \"x\" run", "f:2:20: \"run\" is given twice; first in line 2"},
	{HEAD TEST "run x", "f:2:16: expected the statement in quotes, got \"x\""},
	{HEAD TEST "ru x", "f:2:12: unknown part of a test \"ru\"; did you mean \"run\"?"},
	{HEAD TEST "exepct allow", "f:2:12: unknown part of a test \"exepct\"; did you mean \"expect\"?"},
	{HEAD TEST "as a in", "f:2:19: expected a group's name, got the end of the file"},
	{HEAD TEST "as a team B2", "f:2:22: expected a text in quotes, got \"b2\""},
	{HEAD TEST "as a team \"x\" team \"y\"", "f:2:26: \"team\" is given twice; first in line 2"},
	{HEAD TEST "expect", "f:2:18: expected \"allow\", \"deny\", \"rows\" or a column's name, got the end of the file"},
	{HEAD TEST "expect allow, deny", "f:2:26: \"allow\" or \"deny\" is expected already"},
	{HEAD TEST "expect deny by", "f:2:26: expected what the refusal says, got the end of the file"},
	{HEAD TEST "expect deny by run", "f:2:27: expected what the refusal says, got \"run\""},
	{HEAD TEST "expect rows x", "f:2:24: expected a number of rows, got \"x\""},
	{HEAD TEST "expect x maksed", "f:2:21: unknown expectation of a column \"maksed\"; did you mean \"masked\"?"},
	{HEAD TEST "expect x masked yaer", "f:2:28: unknown mask \"yaer\"; did you mean \"year\"?"},
	{HEAD WHOLE "\ntest \"t\" {", "f:3:6: test \"t\" is there twice; first in line 2"},
	{HEAD "subject c {" OK_PART "} group staff { } test \"t\" { as a in staf run \"x\" expect allow } }",
	 "f:2:66: there is no group \"staf\"; did you mean \"staff\"?"},
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

/* The deepest conditions that fit: the SQL parser must be left with stack enough. */
static void
test_deep(void **state)
{
	static const struct { const char *head, *piece, *middle, *tail; } t[] = {
		{"", "a+", "a", ""}, {"", "(", "a", ")"}, {"", "not ", "a", ""}, {"", "a or ", "b", ""}, {"", "- ", "1", ""}, {"a", "::text", "", ""},
		{"", "case a when 1 then ", "b", " end"}, {"", "f(", "", ")"}, {"", "\"a\".", "b", ""}, {"", "actor.team||", "a", ""},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		size_t room = POLICY_RAW_MAX - strlen(t[i].head) - strlen(t[i].middle), n = room / (strlen(t[i].piece) + strlen(t[i].tail));
		struct policy_file *f = NULL;
		struct base_buf b;
		base_buf_init(&b, POLICY_FILE_SIZE_MAX);
		base_buf_fmt(&b, TABLE "rows where %s", t[i].head);
		for (size_t k = 0; k < n; k++)
			base_buf_str(&b, t[i].piece);
		base_buf_str(&b, t[i].middle);
		for (size_t k = 0; k < n; k++)
			base_buf_str(&b, t[i].tail);
		base_buf_str(&b, "\n} } subject c { table a.b key c } }");
		int err = policy_file_parse(base_buf_span(&b), "f", &f, NULL);
		assert_true(err == 0 || err == GH_E_PARSE); /* the grammar has a limit of its own */
		policy_file_free(&f);
		base_buf_done(&b);
	}
	struct policy_file *f = NULL;
	struct base_fail fail;
	struct base_buf b;
	base_buf_init(&b, POLICY_FILE_SIZE_MAX);
	base_buf_str(&b, TABLE "rows where ");
	for (size_t i = 0; i < POLICY_RAW_MAX; i++)
		base_buf_u8(&b, 'a');
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_PARSE); /* as long as may be: what fails is the file's early end */
	base_buf_u8(&b, 'a');
	assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), GH_E_LIMIT);
	base_buf_done(&b);
	assert_string_equal(fail.text, "f:3:12: longer than 4096 bytes");
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	return 0;
}

static void
test_beside(void **state)
{
	static const struct { const char *policy, *name, *path; } tries[] = {
		{"/etc/g/shop.gate", "crm.jwks", "/etc/g/crm.jwks"}, {"/etc/g/shop.gate", "keys/crm.jwks", "/etc/g/keys/crm.jwks"}, {"/etc/g/shop.gate", "/var/crm.jwks", "/var/crm.jwks"},
		{"shop.gate", "crm.jwks", "crm.jwks"}, {"g/shop.gate", "../crm.jwks", "g/../crm.jwks"}, {"/shop.gate", "crm.jwks", "/crm.jwks"}, {"", "", ""}, {"g/shop.gate", "", "g/"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		char *path = policy_file_beside(base_span_str(tries[i].policy), base_span_str(tries[i].name));
		assert_string_equal(path, tries[i].path);
		free(path);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_trust_and_tests),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_suits),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_beside),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
