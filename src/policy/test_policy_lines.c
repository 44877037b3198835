/* Tests of policy_file: the lines that count, ask for reasons, restrict and name applications: what is read, every message with its place, each text cut at
 * every length. The rest of the language is in test_policy_file.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_buf.h"
#include "policy_file.h"

#define MINUTE (60ull * 1000000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const char good[] =
	"policy \"p\" version 1 {\n"
	"  group partner_staff {\n"
	"    budget 40 customers per hour, 120 per 2 days, 7 clear customer per 10 minutes, 9 per week for each actor\n"
	"    budget 0 unexplained customers per day for each employer\n"
	"    budget 60 lookups per hour for each group\n"
	"    need   purpose, case\n"
	"    unexplained refuse\n"
	"    only from network 10.20.0.0/16, # a comment\n"
	"      2001:db8:20::/48\n"
	"    only during Mon-Fri 07:30-19:00, sat 09:00-13:00, Fri-Mon 22:00-06:00 Europe/Berlin\n"
	"    only with certificate\n"
	"    only vetted\n"
	"    step up after 25 customers per hour with otp lasting 30 minutes\n"
	"    step up for table vip with otp lasting 2 days\n"
	"    ask group \"Shift Lead\" after 40 clear customers per hour within 10 minutes lasting 3 hours\n"
	"    ask group night after 41 lookups per 1 hour within 1 minute\n"
	"    treat enforce\n"
	"  }\n"
	"  group \"Shift Lead\" { unexplained mask only during Sun 00:00-24:00 only vetted }\n"
	"  group night { unexplained count only during Mon 08:00-08:00 UTC only from network 0.0.0.0/0 need case }\n"
	"  Zone Asia/Shanghai\n"
	"  subject customer { table public.customers key id linked public.orders.customer_id, public.tickets.customer_id\n"
	"    harmless province, since, public.orders.amount, public.customers.\"Plan\" }\n"
	"  subject Staff { table hr.people key id }\n"
	"  case from table tickets of customers {\n"
	"    case id   subject customer_id   person assigned_to\n"
	"    opener created_by   team team   opened created_at   closed closed_at\n"
	"    open where closed_at is null and state <> 'x}'   # to the line's end\n"
	"  }\n"
	"  application crm {\n"
	"    login crm_app   issuer \"https://sso.example\"   audience \"gatehouse\"   keys \"crm.jwks\"   algorithm ES256, EdDSA\n"
	"    actor claim sub   employer claim org   name claim \"displayName\"   province claim prov   team claim team\n"
	"    groups claim roles   within partner_staff, night\n"
	"    nobody in night\n"
	"  }\n"
	"  application wms { nobody in \"Shift Lead\", night actor claim sub algorithm rs256 keys \"w\" audience \"a\" issuer \"i\" login wms }\n"
	"  approved statements \"crm.statements\"\n"
	"  test \"t\" { as wang in night from 10.1.2.3 at 2026-11-22 14:30 with certificate team \"B\" run \"x\" expect deny by outside }\n"
	"  test \"u\" { as wang with certificate run \"x\" expect allow }\n"
	"  test \"v\" { as wang from local run \"x\" expect allow }\n"
	"}\n";

static struct policy_file *
parse(const char *text)
{
	struct policy_file *f = NULL;
	struct base_fail fail = {.code = 0};
	if (policy_file_parse(base_span_str(text), "c.gate", &f, &fail) != 0)
		fail_msg("%s", fail.text);
	return f;
}

static void
assert_count(const struct policy_count *c, uint64_t n, uint64_t window_us, enum policy_noun noun, enum policy_adjective adjective)
{
	assert_int_equal(c->n, n);
	assert_int_equal(c->window_us, window_us);
	assert_int_equal(c->noun, noun);
	assert_int_equal(c->adjective, adjective);
	assert_int_equal(c->subject, 0);
}

static void
test_counts(void **state)
{
	struct policy_file *f = parse(good);
	const struct policy_group *g = &f->groups[0];
	(void)state;
	static const struct { uint64_t n, window; enum policy_noun noun; enum policy_adjective adjective; enum policy_holder holder; unsigned line; } budgets[] = {
		{40, HOUR, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_NONE, POLICY_HOLDER_ACTOR, 3},
		{120, 2 * DAY, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_NONE, POLICY_HOLDER_ACTOR, 3},
		{7, 10 * MINUTE, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_CLEAR, POLICY_HOLDER_ACTOR, 3},
		{9, 7 * DAY, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_CLEAR, POLICY_HOLDER_ACTOR, 3},
		{0, DAY, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_UNEXPLAINED, POLICY_HOLDER_EMPLOYER, 4},
		{60, HOUR, POLICY_NOUN_LOOKUPS, POLICY_ADJECTIVE_NONE, POLICY_HOLDER_GROUP, 5},
	};
	assert_int_equal(g->nbudgets, BASE_COUNT(budgets));
	for (size_t i = 0; i < BASE_COUNT(budgets); i++) {
		assert_count(&g->budgets[i].count, budgets[i].n, budgets[i].window, budgets[i].noun, budgets[i].adjective);
		assert_int_equal(g->budgets[i].holder, budgets[i].holder);
		assert_int_equal(g->budgets[i].line, budgets[i].line);
	}
	assert_true(g->need_purpose_line == 6 && g->need_case_line == 6 && g->unexplained == POLICY_UNEXPLAINED_REFUSE && g->unexplained_line == 7);
	assert_int_equal(g->nsteps, 2);
	assert_count(&g->steps[0].after, 25, HOUR, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_NONE);
	assert_true(!g->steps[0].for_table && g->steps[0].lasting_us == 30 * MINUTE && g->steps[0].line == 13);
	assert_true(g->steps[1].for_table && g->steps[1].lasting_us == 2 * DAY && base_span_is(g->steps[1].table.table, "vip") && base_span_is(g->steps[1].table.schema, "public"));
	assert_int_equal(g->nasks, 2);
	assert_count(&g->asks[0].after, 40, HOUR, POLICY_NOUN_SUBJECT, POLICY_ADJECTIVE_CLEAR);
	assert_true(base_span_is(g->asks[0].group, "Shift Lead") && g->asks[0].within_us == 10 * MINUTE && g->asks[0].lasting_us == 3 * HOUR && g->asks[0].line == 15);
	assert_count(&g->asks[1].after, 41, HOUR, POLICY_NOUN_LOOKUPS, POLICY_ADJECTIVE_NONE);
	assert_true(g->asks[1].within_us == MINUTE && g->asks[1].lasting_us == HOUR);
	assert_int_equal(g->treat, POLICY_ENFORCE);
	assert_int_equal(f->groups[1].unexplained, POLICY_UNEXPLAINED_MASK);
	assert_int_equal(f->groups[2].unexplained, POLICY_UNEXPLAINED_COUNT);
	policy_file_free(&f);
}

static void
test_only(void **state)
{
	struct policy_file *f = parse(good);
	const struct policy_only *o = &f->groups[0].only;
	static const uint8_t v4[16] = {[10] = 0xff, 0xff, 10, 20}, v6[16] = {0x20, 1, 0x0d, 0xb8, 0, 0x20};
	(void)state;
	assert_true(o->nnetworks == 2 && o->networks_line == 8 && o->networks[0].bits == 112 && o->networks[1].bits == 48);
	assert_memory_equal(o->networks[0].address, v4, 16);
	assert_memory_equal(o->networks[1].address, v6, 16);
	assert_true(o->hours_line == 10 && o->certificate_line == 11 && o->vetted_line == 12 && base_span_is(o->zone, "Europe/Berlin"));
	static const struct policy_hours hours[] = {{0x1f, 450, 1140}, {0x20, 540, 780}, {0x71, 1320, 360}};
	assert_int_equal(o->nhours, BASE_COUNT(hours));
	for (size_t i = 0; i < BASE_COUNT(hours); i++)
		assert_true(o->hours[i].days == hours[i].days && o->hours[i].from == hours[i].from && o->hours[i].to == hours[i].to);
	o = &f->groups[1].only;
	assert_true(o->nhours == 1 && o->hours[0].days == 0x40 && o->hours[0].from == 0 && o->hours[0].to == 1440 && o->zone.n == 0 && o->vetted_line == 19);
	o = &f->groups[2].only;
	assert_true(o->nhours == 1 && o->hours[0].from == 480 && o->hours[0].to == 480 && base_span_is(o->zone, "UTC") && o->nnetworks == 1 && o->networks[0].bits == 96);
	assert_true(base_span_is(f->zone, "Asia/Shanghai"));
	policy_file_free(&f);
}

static void
test_case_and_applications(void **state)
{
	struct policy_file *f = parse(good);
	const struct policy_case_from *c = &f->case_from;
	(void)state;
	assert_true(c->line == 25 && c->of == 0 && base_span_is(c->table.schema, "public") && base_span_is(c->table.table, "tickets"));
	assert_true(base_span_is(c->number, "id") && base_span_is(c->subject, "customer_id") && base_span_is(c->person, "assigned_to") && base_span_is(c->opener, "created_by"));
	assert_true(base_span_is(c->team, "team") && base_span_is(c->opened, "created_at") && base_span_is(c->closed, "closed_at"));
	assert_true(base_span_is(c->open_where, "closed_at is null and state <> 'x}'") && c->open_line == 28);
	assert_int_equal(f->napplications, 2);
	const struct policy_application *a = &f->applications[0];
	assert_true(base_span_is(a->name, "crm") && a->line == 30 && base_span_is(a->login, "crm_app") && base_span_is(a->issuer, "https://sso.example"));
	assert_true(base_span_is(a->audience, "gatehouse") && base_span_is(a->keys, "crm.jwks") && a->algorithms == (POLICY_ALG_ES256 | POLICY_ALG_EDDSA));
	assert_true(base_span_is(a->actor, "sub") && base_span_is(a->employer, "org") && base_span_is(a->person_name, "displayName") && base_span_is(a->province, "prov"));
	assert_true(base_span_is(a->team, "team") && base_span_is(a->groups, "roles") && a->nwithin == 2 && base_span_is(a->within[1], "night"));
	assert_true(a->nnobody == 1 && base_span_is(a->nobody[0], "night"));
	a = &f->applications[1];
	assert_true(a->algorithms == POLICY_ALG_RS256 && a->nwithin == 0 && a->groups.n == 0 && a->nnobody == 2 && base_span_is(a->nobody[0], "Shift Lead"));
	assert_true(base_span_is(f->approved, "crm.statements") && f->approved_line == 37);
	const struct policy_subject *s = &f->subjects[0];
	assert_int_equal(s->nharmless, 4);
	assert_true(base_span_is(s->harmless[0].table, "customers") && base_span_is(s->harmless[0].schema, "public") && base_span_is(s->harmless[0].column, "province"));
	assert_true(base_span_is(s->harmless[2].table, "orders") && base_span_is(s->harmless[2].column, "amount") && base_span_is(s->harmless[3].column, "Plan"));
	const struct policy_test *t = f->tests;
	assert_true(base_span_is(t[0].from, "10.1.2.3") && base_span_is(t[0].at, "2026-11-22 14:30") && t[0].certificate && base_span_is(t[0].team, "B"));
	assert_true(t[1].certificate && t[1].from.n == 0 && t[1].at.n == 0 && base_span_is(t[2].from, "local") && !t[2].certificate);
	policy_file_free(&f);
}

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

#define HEAD "policy \"p\" version 1 { subject customer { table a.b key id linked x.y.z "
#define GROUP HEAD "}\ngroup g { "
#define CASE HEAD "}\ncase from table t { "
#define APP HEAD "} group g { }\napplication crm { "
#define APP_MOST "login l issuer \"i\" audience \"a\" keys \"k\" algorithm ES256 actor claim sub "
#define TICKETS " } case from table t { case a subject b person c }"

static const struct { const char *text, *message; } bad[] = {
	{GROUP "budgt", "f:2:11: unknown part of a group \"budgt\"; did you mean \"budget\"?"},
	{GROUP "budget", "f:2:17: expected a number, at most 1000000000, got the end of the file"},
	{GROUP "budget 1000000001 customers", "f:2:18: expected a number, at most 1000000000, got \"1000000001\""},
	{GROUP "budget 40 per hour", "f:2:21: expected what is counted: a subject's name or \"lookups\", got \"per\""},
	{GROUP "budget 40 customers", "f:2:30: expected \"per\", got the end of the file"},
	{GROUP "budget 40 customers a day", "f:2:31: expected \"per\", got \"a\""},
	{GROUP "budget 40 customers per huor", "f:2:35: unknown unit of time \"huor\"; did you mean \"hour\"?"},
	{GROUP "budget 40 customers per 0 hours", "f:2:35: expected a length of time such as 10 minutes, got \"0\""},
	{GROUP "budget 40 customers per 8 days", "f:2:35: this is longer than a week, and no window is"},
	{GROUP "budget 40 customers per 2 weeks", "f:2:35: this is longer than a week, and no window is"},
	{GROUP "budget 40 customers per hour }", "f:2:40: expected \"for\", got \"}\""},
	{GROUP "budget 40 customers per hour for evry", "f:2:44: expected \"each\", got \"evry\""},
	{GROUP "budget 40 customers per hour for each actro", "f:2:49: unknown holder of a budget \"actro\"; did you mean \"actor\"?"},
	{GROUP "budget 40 clear lookups per hour", "f:2:21: lookups are counted all alike; \"clear\" and \"unexplained\" are said of subjects"},
	{GROUP "budget 40 \"x\" per hour", "f:2:21: expected what is counted: a subject's name or \"lookups\", got \"x\""},
	{GROUP "budget 40 custmers per hour for each actor } }", "f:2:21: there is no subject \"custmers\"; did you mean \"customers\"?"},
	{GROUP "budget 40 agents per hour for each actor } }", "f:2:21: there is no subject \"agents\""},
	{GROUP "budget 4 unexplained customers per hour for each actor } }", "f:2:20: \"unexplained\" needs a \"case from table\", which says where the cases are"},
	{GROUP "need porpose", "f:2:16: unknown need \"porpose\"; did you mean \"purpose\"?"},
	{GROUP "need case, case", "f:2:22: \"need case\" is given twice; first in line 2"},
	{GROUP "need purpose\nneed purpose", "f:3:6: \"need purpose\" is given twice; first in line 2"},
	{GROUP "need purpose, case } }", "f:2:25: \"case\" needs a \"case from table\", which says where the cases are"},
	{GROUP "unexplained refues", "f:2:23: unknown answer to an unexplained look-up \"refues\"; did you mean \"refuse\"?"},
	{GROUP "unexplained mask\nunexplained count", "f:3:1: \"unexplained\" is given twice; first in line 2"},
	{GROUP "unexplained mask } }", "f:2:11: \"unexplained\" needs a \"case from table\", which says where the cases are"},
	{GROUP "only form", "f:2:16: unknown restriction \"form\"; did you mean \"from\"?"},
	{GROUP "only from netwrok", "f:2:21: expected \"network\", got \"netwrok\"; did you mean \"network\"?"},
	{GROUP "only from network }", "f:2:29: expected a network such as 10.20.0.0/16, got \"}\""},
	{GROUP "only from network 10.20.0.1/16", "f:2:29: \"10.20.0.1/16\" names one address of a network: behind its first bits all must be zero"},
	{GROUP "only from network 10.20.0.0", "f:2:29: \"10.20.0.0\" is not a network such as 10.20.0.0/16 or 2001:db8::/48"},
	{GROUP "only from network 10.0.0.0/8, only", "f:2:41: \"only\" is not a network such as 10.20.0.0/16 or 2001:db8::/48"},
	{GROUP "only from network 10.0.0.0/8\nonly from network 11.0.0.0/8", "f:3:1: \"only from\" is given twice; first in line 2"},
	{GROUP "only during", "f:2:22: expected days such as Mon-Fri, got the end of the file"},
	{GROUP "only during Mno 07:30-19:00", "f:2:23: expected days such as Mon-Fri, got \"Mno\"; did you mean \"Mon\"?"},
	{GROUP "only during Mon-Fri-Sat 07:30-19:00", "f:2:23: expected days such as Mon-Fri, got \"Mon-Fri-Sat\""},
	{GROUP "only during Mon- 07:30-19:00", "f:2:23: expected days such as Mon-Fri, got \"Mon-\""},
	{GROUP "only during Mon 7:30-19:00", "f:2:27: expected hours such as 07:30-19:00, got \"7:30-19:00\""},
	{GROUP "only during Mon 07:30-24:01", "f:2:27: expected hours such as 07:30-19:00, got \"07:30-24:01\""},
	{GROUP "only during Mon 24:00-08:00", "f:2:27: expected hours such as 07:30-19:00, got \"24:00-08:00\""},
	{GROUP "only during Mon 07:30-19:60", "f:2:27: expected hours such as 07:30-19:00, got \"07:30-19:60\""},
	{GROUP "only during Mon 07:30-19:00 Europe/../x", "f:2:39: expected a time zone such as Europe/Berlin, got \"Europe/../x\""},
	{GROUP "only during Mon 07:30-19:00 \"/etc\"", "f:2:39: expected a time zone such as Europe/Berlin, got \"/etc\""},
	{GROUP "only during Mon 07:30-19:00 onyl with", "f:2:39: unknown part of a group \"onyl\"; did you mean \"only\"?"},
	{GROUP "only during Mon 07:30-19:00;", "f:2:38: \";\" has no meaning here"},
	{GROUP "only during Mon 07:30-19:00\nonly during Tue 07:30-19:00", "f:3:1: \"only during\" is given twice; first in line 2"},
	{GROUP "only with otp", "f:2:21: expected \"certificate\", got \"otp\""},
	{GROUP "only with certificate only with certificate", "f:2:33: \"only with\" is given twice; first in line 2"},
	{GROUP "only vetted only vetted", "f:2:23: \"only vetted\" is given twice; first in line 2"},
	{GROUP "step in", "f:2:16: expected \"up\", got \"in\""},
	{GROUP "step up befor", "f:2:19: unknown occasion \"befor\"; did you mean \"for\"?"},
	{GROUP "step up for tabel", "f:2:23: expected \"table\", got \"tabel\"; did you mean \"table\"?"},
	{GROUP "step up for table vip with passkey", "f:2:38: expected \"otp\", got \"passkey\""},
	{GROUP "step up for table vip with otp for", "f:2:42: expected \"lasting\", got \"for\""},
	{GROUP "step up for table vip with otp lasting 32 days", "f:2:50: this is longer than 31 days"},
	{GROUP "step up for table vip with otp lasting forever", "f:2:50: expected a length of time such as 30 minutes, got \"forever\""},
	{GROUP "step up after 5 agents per hour with otp lasting 1 hour } }", "f:2:27: there is no subject \"agents\""},
	{GROUP "ask group", "f:2:20: expected a group's name, got the end of the file"},
	{GROUP "ask group lead after 4 customers per day", "f:2:51: expected \"within\", got the end of the file"},
	{GROUP "ask group h after 4 customers per day within 1 hour } }", "f:2:21: there is no group \"h\""},
	{GROUP "ask group g after 4 agent per day within 1 hour } }", "f:2:31: there is no subject \"agent\""},
	{HEAD "harmless }", "f:1:82: expected a column name, got \"}\""},
	{HEAD "harmless x.w }", "f:1:86: expected \".\" (a column of a linked table is named schema.table.column), got \"}\""},
	{HEAD "harmless q.y.w } }", "f:1:82: this column is neither of the subject's table nor of a linked one"},
	{HEAD "harmless id } }", "f:1:82: column \"a.b.id\" is named twice; first in line 1"},
	{HEAD "harmless w, w } }", "f:1:85: column \"a.b.w\" is named twice; first in line 1"},
	{HEAD "harmless x.y.z } }", "f:1:82: column \"x.y.z\" is named twice; first in line 1"},
	{HEAD "} zone }", "f:1:80: expected a time zone such as Europe/Berlin, got \"}\""},
	{HEAD "} zone a.b", "f:1:80: expected a time zone such as Europe/Berlin, got \"a.b\""},
	{HEAD "} zone UTC zone UTC", "f:1:84: \"zone\" is given twice; first in line 1"},
	{HEAD "} approved statments", "f:1:84: expected \"statements\", got \"statments\"; did you mean \"statements\"?"},
	{HEAD "} approved statements x", "f:1:95: expected the file of approved statements in quotes, got \"x\""},
	{HEAD "} case form", "f:1:80: expected \"from\", got \"form\"; did you mean \"from\"?"},
	{CASE "cas id", "f:2:21: unknown part of the cases \"cas\"; did you mean \"case\"?"},
	{CASE "case id case id", "f:2:29: \"case\" is given twice; first in line 2"},
	{CASE "case id subject s }", "f:2:1: the cases have no \"person\": which column is it?"},
	{CASE "case id person s }", "f:2:1: the cases have no \"subject\": which column is it?"},
	{CASE "case {", "f:2:26: expected a column name, got \"{\""},
	{CASE "open when", "f:2:26: expected \"where\", got \"when\"; did you mean \"where\"?"},
	{CASE "open where", "f:2:31: the condition is missing; it stands on the same line"},
	{CASE "open where a = actor.team", "f:2:32: no property of the actor may stand in this condition: it speaks of the table alone"},
	{CASE "open where a; drop", "f:2:32: this is not one condition of valid SQL over one row of the table"},
	{CASE "case a subject b person c }\ncase from table u { case a subject b person c }", "f:3:1: \"case from\" is given twice; first in line 2"},
	{HEAD TICKETS " subject staff { table c.d key e } }", "f:1:92: there are several subjects: whose cases are these? Write \"of\" and the subject's name behind the table"},
	{HEAD "} case from table t of custmer { case a subject b person c } }", "f:1:96: there is no subject \"custmer\"; did you mean \"customer\"?"},
	{HEAD "} aplication", "f:1:75: unknown item \"aplication\"; did you mean \"application\"?"},
	{APP "logni x", "f:2:19: unknown part of an application \"logni\"; did you mean \"login\"?"},
	{APP "login x login y", "f:2:27: \"login\" is given twice; first in line 2"},
	{APP "issuer x", "f:2:26: expected the issuer of the tokens in quotes, got \"x\""},
	{APP "algorithm none", "f:2:29: unknown algorithm \"none\""},
	{APP "algorithm ES256, HS256", "f:2:36: unknown algorithm \"hs256\"; did you mean \"RS256\"?"},
	{APP "actor sub", "f:2:25: expected \"claim\", got \"sub\""},
	{APP "actor claim }", "f:2:31: expected a claim's name, got \"}\""},
	{APP "nobody is", "f:2:26: expected \"in\", got \"is\"; did you mean \"in\"?"},
	{APP "nobody in g, g", "f:2:32: group \"g\" is given twice"},
	{APP APP_MOST "}", "f:2:13: application \"crm\" has no \"nobody\""},
	{APP "}", "f:2:13: application \"crm\" has no \"login\""},
	{APP APP_MOST "nobody in g groups claim roles }", "f:2:13: application \"crm\" takes groups from tokens: \"within\" must say which ones a token may name"},
	{APP APP_MOST "nobody in g within g }", "f:2:13: application \"crm\" has \"within\", but no \"groups claim\": its tokens name no groups"},
	{APP APP_MOST "nobody in h } }", "f:2:102: there is no group \"h\""},
	{APP APP_MOST "nobody in g groups claim r within gg } }", "f:2:126: there is no group \"gg\"; did you mean \"g\"?"},
	{APP APP_MOST "nobody in g }\napplication crm { " APP_MOST "nobody in g }", "f:3:13: application \"crm\" is declared twice; first in line 2"},
	{APP APP_MOST "nobody in g }\napplication wms { " APP_MOST "nobody in g }", "f:3:13: login \"l\" belongs to another application already; see line 2"},
	{HEAD "} test \"t\" { as a from 10.1.2", "f:1:96: \"10.1.2\" is not an address such as 10.20.3.7, and not \"local\""},
	{HEAD "} test \"t\" { as a from 10.0.0.0/8", "f:1:96: \"10.0.0.0/8\" is not an address such as 10.20.3.7, and not \"local\""},
	{HEAD "} test \"t\" { as a at 2026-02-30 10:00", "f:1:94: expected a date and a time such as 2026-11-22 14:30, got \"2026-02-30\""},
	{HEAD "} test \"t\" { as a at 2026-02-28 }", "f:1:105: expected a time such as 14:30, got \"}\""},
	{HEAD "} test \"t\" { as a at 2026-02-28 24:00", "f:1:105: expected a time such as 14:30, got \"24:00\""},
	{HEAD "} test \"t\" { as a with otp", "f:1:96: expected \"certificate\", got \"otp\""},
	{HEAD "} test \"t\" { as a from local from local", "f:1:102: \"from\" is given twice; first in line 1"},
};

static void
test_bad(void **state)
{
	size_t wrong = 0;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct policy_file *f = NULL;
		struct base_fail fail = {.code = 0};
		int err = policy_file_parse(base_span_str(bad[i].text), "f", &f, &fail);
		assert_int_equal(err, GH_E_PARSE);
		assert_null(f);
		if (strcmp(fail.text, bad[i].message) != 0) {
			print_error("%s\n  is   %s\n  want %s\n", bad[i].text, fail.text, bad[i].message);
			wrong++;
		}
		assert_int_equal(policy_file_parse(base_span_str(bad[i].text), "f", &f, NULL), err);
	}
	assert_int_equal(wrong, 0);
}

/* More of one thing than there may be. */
static void
test_limits(void **state)
{
	static const struct { const char *head, *piece; unsigned most; const char *message; } t[] = {
		{GROUP, "budget 1 lookups per day for each actor\n", 64, "f:66:1: more than 64 lines of this kind in one group"},
		{GROUP, "step up for table t with otp lasting 1 day\n", 64, "f:66:1: more than 64 lines of this kind in one group"},
		{GROUP, "ask group g after 1 lookups per day within 1 hour\n", 64, "f:66:1: more than 64 lines of this kind in one group"},
		{GROUP "only from network 1.0.0.0/8", "\n,1.0.0.0/8", 1023, "f:1026:2: more than 1024 networks in one group"},
		{GROUP "only during Mon 01:00-02:00", "\n,Mon 01:00-02:00", 63, "f:66:6: more than 64 spans of hours in one group"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		for (unsigned more = 0; more < 2; more++) {
			struct policy_file *f = NULL;
			struct base_fail fail = {.code = 0};
			struct base_buf b;
			base_buf_init(&b, POLICY_FILE_SIZE_MAX);
			base_buf_str(&b, t[i].head);
			for (unsigned k = 0; k < t[i].most + more; k++)
				base_buf_str(&b, t[i].piece);
			base_buf_str(&b, "\n} }");
			assert_int_equal(policy_file_parse(base_buf_span(&b), "f", &f, &fail), more ? GH_E_LIMIT : 0);
			assert_string_equal(fail.text, more ? t[i].message : "");
			policy_file_free(&f);
			base_buf_done(&b);
		}
	}
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
		cmocka_unit_test(test_counts),    cmocka_unit_test(test_only), cmocka_unit_test(test_case_and_applications),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_bad),  cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
