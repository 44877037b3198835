/* test_cli_check_file: what `policy check` says of the files alone, and how findings are printed. */
#include "cli_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cli_args.h"

#define HEAD "policy \"p\" version 1 { subject c { table public.t key id phone phone }\n"

struct try {
	const char *policy; /* behind HEAD */
	const char *people; /* NULL: none */
	const char *want;   /* severity check what, in order; "" = nothing */
};

static const struct try tries[] = {
	{"}", NULL, ""},
	{"review by 2026-11-22 }", NULL, ""},
	{"review by 2026-11-21 }", NULL, "warning review p.gate: the date of review, 2026-11-21, has passed\n"},
	{"group g { on table t { allow read show id mask phone as last 2 } } }", "role,groups\na,g\n", ""},
	{"group g { on table t { allow read show id, phone mask phone as last 2 } } }", "role,groups\na,g\n",
	    "warning shadowed p.gate:2:44: column phone of t: `show` has no effect: it is masked as last 2 by line 2 of the same group\n"},
	{"group g { on table t { allow read show id hide phone mask phone as fixed \"x\" } } }", "role,groups\na,g\n",
	    "warning shadowed p.gate:2:59: column phone of t: this mask has no effect: it is hidden by line 2 of the same group\n"},
	{"group g { on table t { allow read show id mask phone as last 4 mask phone as year } } }", "role,groups\na,g\n",
	    "warning shadowed p.gate:2:48: column phone of t: this mask has no effect: it is masked as year by line 2 of the same group\n"},
	{"group g { on table t { allow read show id look up by id } } }", "role,groups\na,g\n",
	    "note shadowed p.gate:2:54: column id of t: `look up by` has no effect: the column is shown, so any condition on it is allowed\n"},
	{"group g { on table t { allow read show id look up by phone } } }", "role,groups\na,g\n",
	    "warning shadowed p.gate:2:54: column phone of t: `look up by` has no effect: no show, mask or hide of this group names it, so every statement that does is refused\n"},
	{"group g { on table t { allow read show id never filter on phone } } }", "role,groups\na,g\n",
	    "warning shadowed p.gate:2:59: column phone of t: `never filter on` has no effect: no show, mask or hide of this group names it, so every statement that does is refused\n"},
	{"group g { on table t { allow read show id hide phone never filter on phone } } }", "role,groups\na,g\n",
	    "note shadowed p.gate:2:70: column phone of t: `never filter on` says nothing new: a masked or hidden column cannot be filtered by, but for `look up by` of another group\n"},
	{"group g { on table t { allow insert show id } } }", "role,groups\na,g\n",
	    "warning shadowed p.gate:2:20: table t: its show, mask and hide rules have no effect for reading: there is no `allow read`\n"},
	{"group g { on table t { allow read } } }", "role,groups\na,g\n", "warning no-rule p.gate:2:20: table t: no column of it has a rule, so rows can only be counted\n"},
	{"group g { treat enforce } }", NULL, "warning group the policy has groups, but no people file says who is in them\n"},
	{"group g { treat enforce } group partner { treat observe } }", "role,groups,vetted_until\na,g;partnr,2026-11-22\nb,x,2026-11-21\n",
	    "warning group p.gate:2:33: nobody is in group partner\n"
	    "warning group group partnr, which a is in, is not in the policy and gives nothing; did you mean \"partner\"?\n"
	    "note group group x, which b is in, is not in the policy and gives nothing\n"
	    "note group b is in no group of the policy: they are observed, and nothing is refused to them\n"
	    "warning vetted the vetting of b has run out (vetted_until)\n"},
	{"treat enforce group g { } }", "role,groups\na,g\nb,\nc,\n", "note group b and c are in no group of the policy: everything is refused to them\n"},
	/* how many, and when */
	{"treat enforce group g { budget 40 cs per hour, 120 per day for each actor budget 600 cs per day for each employer } }", "role,groups\na,g\n", ""},
	{"treat enforce group g { budget 40 cs per hour, 30 per day for each actor } }", "role,groups\na,g\n",
	    "warning budget p.gate:2: this budget, 40 cs per hour, is never reached: line 2 allows 30 cs per day\n"},
	{"treat enforce group g { budget 40 cs per hour, 960 per day, 959 per day for each actor } }", "role,groups\na,g\n",
	    "warning budget p.gate:2: this budget, 960 cs per day, is never reached: line 2 allows 40 cs per hour\n"},
	{"treat enforce group g {\nbudget 40 cs per hour for each actor\nbudget 40 cs per hour for each actor } }", "role,groups\na,g\n",
	    "warning budget p.gate:4: this budget, 40 cs per hour, is never reached: line 3 allows 40 cs per hour\n"},
	{"treat enforce group g { budget 40 cs per 10 minutes for each actor budget 40 clear cs per 10 minutes for each actor } }", "role,groups\na,g\n",
	    "warning budget p.gate:2: this budget, 40 clear cs per 10 minutes, is never reached: line 2 allows 40 cs per 10 minutes\n"},
	{"treat enforce group g { budget 40 cs per hour for each actor step up after 39 cs per hour with otp lasting 1 hour ask group g after 40 cs per hour within 1 hour } }",
	    "role,groups\na,g\n", "warning budget p.gate:2: this approval, 40 cs per hour, is never reached: line 2 allows 40 cs per hour\n"},
	{"treat enforce group g { budget 40 lookups per hour for each actor step up after 50 cs per hour with otp lasting 1 hour } }", "role,groups\na,g\n", ""},
	{"treat enforce group g { budget 40 cs per hour for each actor on table t { allow read mask phone as year look up by phone } } }", "role,groups\na,g\n",
	    "note budget p.gate:2:21: group g: look-ups that find nobody are not limited: there is no budget of lookups\n"},
	{"treat enforce group g { budget 40 cs per hour for each actor on table t { allow read, update of id show id } } }", "role,groups\na,g\n", "warning budget p.gate:2:97: group g is under a budget and may change id, which says whose a row is\n"},
	{"treat enforce group g { budget 40 lookups per hour for each actor on table t { allow read, update show id } } }", "role,groups\na,g\n", ""},
	{"treat enforce group g { budget 40 cs per hour for each actor on table t { allow read, update show id } } }", "role,groups\na,g\n", "warning budget p.gate:2:99: group g is under a budget and may change id, which says whose a row is\n"},
	{"group g { budget 40 cs per hour for each actor } }", "role,groups\na,g\n",
	    "note observed p.gate:2:7: group g is observed: its budgets, needs, step-ups and approvals hold for nobody but who is in an enforced group too\n"},
	{"zone Europe/Berlin group g { only during Mon 07:30-19:00 Europe/Berlni } }", "role,groups\na,g\n", "error zone p.gate:2: there is no time zone \"Europe/Berlni\"\n"},
	{"case from table t { case id subject id person name } }", NULL,
	    "note case p.gate:2: `case from` has no effect: no group says `need case` or `unexplained`\n"
	    "warning case p.gate:2: the cases have neither `closed` nor `open where`: no case is ever closed\n"
	    "note case p.gate:2: the cases have no `opened`: how long a case is open already, and whether a look came before it, is not known\n"},
	{"treat enforce group g { only vetted ask group h after 4 cs per day within 1 hour } group h { } group i { }\n"
	    "application crm { login crm issuer \"i\" audience \"a\" keys \"k\" algorithm ES256 actor claim sub nobody in i } }", "role,groups,left_on\na,g,\nb,g,2026-11-21\ncrm,g,2026-11-22\n",
	    "warning group p.gate:2:90: nobody is in group h\n"
	    "warning approve p.gate:2: nobody can approve: nobody is in group h\n"
	    "warning vetted p.gate:2: everything is refused to a, b and crm: no vetted_until is in the people file\n"
	    "warning application p.gate:3: crm, with which an application logs in, is listed in the people file: what is said there does not hold for it\n"
	    "note left b has left (left_on): every log-in is refused, and an alarm\n"},
};

static void
test_tries(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		struct policy_file *f = NULL;
		struct policy_people *people = NULL;
		struct cli_findings found;
		struct base_fail fail = {0};
		struct base_buf text, got;

		base_buf_init(&text, 4096);
		base_buf_init(&got, 65536);
		base_buf_str(&text, HEAD);
		base_buf_str(&text, tries[i].policy);
		if (policy_file_parse(base_buf_span(&text), "p.gate", &f, &fail) < 0)
			fail_msg("%s: %s", tries[i].policy, fail.text);
		if (tries[i].people && policy_people_parse(base_span_str(tries[i].people), "p.csv", &people, &fail) < 0)
			fail_msg("%s: %s", tries[i].people, fail.text);
		cli_findings_init(&found);
		cli_check_rules(f, "2026-11-22", &found);
		cli_check_people(f, people, "2026-11-22", &found);
		for (size_t k = 0; k < found.n; k++)
			base_buf_fmt(&got, "%s %s %s\n", cli_severity_word(found.item[k].severity), found.item[k].check, found.item[k].what);
		base_buf_u8(&got, 0);
		assert_string_equal((const char *)base_buf_span(&got).p, tries[i].want);
		cli_findings_done(&found);
		policy_people_unref(&people);
		policy_file_free(&f);
		base_buf_done(&got);
		base_buf_done(&text);
	}
}

static void
test_findings(void **state)
{
	struct cli_findings f;
	struct base_buf out;

	(void)state;
	cli_findings_init(&f);
	assert_int_equal(cli_findings_status(&f), CLI_EXIT_OK);
	cli_findings_add(&f, CLI_NOTE, "a", "a note", NULL, NULL);
	cli_findings_say(&f, CLI_WARNING, "b", "why", "one;\ntwo \x1b[2J;\n", "warned %d times", 2);
	assert_int_equal(cli_findings_status(&f), CLI_EXIT_OK);
	cli_findings_add(&f, CLI_ERROR, "c", "a \"quote\"", "", "");
	assert_int_equal(cli_findings_status(&f), CLI_EXIT_NONE);
	base_buf_init(&out, 65536);
	cli_findings_text(&f, &out);
	base_buf_u8(&out, 0);
	assert_string_equal((const char *)base_buf_span(&out).p, "error   a \"quote\"\n"
	                                                         "warning warned 2 times\n"
	                                                         "        why: why\n"
	                                                         "        fix: one;\n"
	                                                         "             two \\x1b[2J;\n"
	                                                         "note    a note\n");
	base_buf_clear(&out);
	cli_findings_json(&f, &out);
	base_buf_u8(&out, 0);
	assert_string_equal((const char *)base_buf_span(&out).p,
	    "\"findings\":[{\"severity\":\"note\",\"check\":\"a\",\"what\":\"a note\"},"
	    "{\"severity\":\"warning\",\"check\":\"b\",\"what\":\"warned 2 times\",\"why\":\"why\",\"fix\":\"one;\\u000atwo \\u001b[2J;\\u000a\"},"
	    "{\"severity\":\"error\",\"check\":\"c\",\"what\":\"a \\\"quote\\\"\"}],\"errors\":1,\"warnings\":1,\"notes\":1");
	base_buf_clear(&out);
	cli_findings_done(&f);
	cli_findings_add(&f, CLI_NOTE, "d", "long", NULL, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n");
	cli_findings_text(&f, &out);
	base_buf_u8(&out, 0);
	assert_non_null(strstr((const char *)base_buf_span(&out).p, "             20\n             ... and more; --json has all of it\n"));
	assert_null(strstr((const char *)base_buf_span(&out).p, "21"));
	base_buf_done(&out);
	cli_findings_done(&f);
}

static void
test_names(void **state)
{
	struct base_span name[7];
	char text[200];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(name); i++)
		name[i] = base_span(&"abcdefg"[i], 1);
	static const char *const want[] = {"", "a", "a and b", "a, b and c", "a, b, c and d", "a, b, c, d and e", "a, b, c, d, e and 1 more", "a, b, c, d, e and 2 more"};
	for (size_t n = 0; n < BASE_COUNT(want); n++) {
		cli_check_names(name, n, text, sizeof(text));
		assert_string_equal(text, want[n]);
	}
	cli_check_names(name, 7, text, 5);
	assert_string_equal(text, "a, b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tries), cmocka_unit_test(test_findings), cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
