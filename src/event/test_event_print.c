/* test_event_print: golden lines, in UTC and in a zone of its own. */
#include "event_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define T UINT64_C(1795363674123456)

static const struct {
	struct event_entry e;
	const char *line;
} golden[] = {
	{{.kind = EVENT_START, .time_us = T, .node = S("gate1"), .version = S("0.1.0"), .why = S("keeper")},
	    "2026-11-22 16:07:54 +0000  gate gate1  start  version 0.1.0  role keeper"},
	{{.kind = EVENT_STOP, .time_us = T}, "2026-11-22 16:07:54 +0000  gate ?  stop"},
	{{.kind = EVENT_OPEN, .time_us = T, .actor = S("li.na"), .name = S("Li Na"), .employer = S("North Star"), .address = S("10.0.0.7:5"),
		.auth = S("scram-sha-256"), .tls = S("TLSv1.3"), .database = S("crm"), .application = S("ps\nql"), .node = S("gate1")},
	    "2026-11-22 16:07:54 +0000  li.na (Li Na, North Star)  open  from 10.0.0.7:5  by scram-sha-256  TLSv1.3  to crm  with ps\\x0aql"},
	{{.kind = EVENT_CLOSE, .time_us = T, .actor = S("li.na"), .employer = S("North Star"), .why = S("client went away")},
	    "2026-11-22 16:07:54 +0000  li.na (North Star)  close  because: client went away"},
	{{.kind = EVENT_READ, .time_us = T, .actor = S("li.na"), .rows = 3, .part = 1, .last = true, .subjects = EVENT_SUBJECTS_KNOWN,
		.tables = {1, {S("public.customers")}},
		.columns = {4, {S("public.customers.id"), S("public.customers.name"), S("public.orders.id"), S("x")}},
		.kinds = {1, {S("customer.key")}}, .marks = S("AAAAAAAABBBBBBBBAAAAAAAA"), .text = S("select 1")},
	    "2026-11-22 16:07:54 +0000  li.na  read  3 rows, 2 subjects  public.customers.id, .name, public.orders.id, x  | select 1"},
	{{.kind = EVENT_READ, .time_us = T, .actor = S("li.na"), .rows = 1, .part = 2, .subjects = EVENT_SUBJECTS_UNKNOWN,
		.tables = {2, {S("public.customers"), S("public.orders")}}, .why = S("no key in the answer"), .sqlstate = S("57014")},
	    "2026-11-22 16:07:54 +0000  li.na  read  1 row, subjects unknown (part 2)  public.customers, public.orders"
	    "  because: no key in the answer  error 57014"},
	{{.kind = EVENT_POLICY, .time_us = T, .node = S("g"), .file = S("etc/a.gate"), .policy = S("00ff"), .people = S("1122")},
	    "2026-11-22 16:07:54 +0000  gate g  policy  file etc/a.gate  hash 00ff"},
	{{.kind = EVENT_POLICY, .time_us = T, .node = S("g"), .file = S("a.gate"), .policy = S("00ff"), .owner = S("Zhao, data office")},
	    "2026-11-22 16:07:54 +0000  gate g  policy  file a.gate  hash 00ff  owner Zhao, data office"},
	{{.kind = EVENT_SUSPEND, .time_us = T, .target = S("actor wang"), .why = S("left\nthe company"), .operator = S("maria"), .node = S("g")},
	    "2026-11-22 16:07:54 +0000  gate g  suspend  suspended actor wang: left\\x0athe company (by maria)"},
	{{.kind = EVENT_RESUME, .time_us = T, .target = S("employer North Star"), .why = S("cleared"), .operator = S("maria"), .node = S("g")},
	    "2026-11-22 16:07:54 +0000  gate g  resume  gave access back to employer North Star: cleared (by maria)"},
	{{.kind = EVENT_ENROLL, .time_us = T, .target = S("actor li.na"), .operator = S("root"), .node = S("g")},
	    "2026-11-22 16:07:54 +0000  gate g  enroll  one-time password of actor li.na (by root)"},
	{{.kind = EVENT_ALARM, .time_us = T, .actor = S("wang"), .login = S("crm_app"), .name = S("Wang"), .why = S("left on 2014-03-31")},
	    "2026-11-22 16:07:54 +0000  wang through crm_app (Wang)  alarm  tried: left on 2014-03-31"},
	{{.kind = EVENT_STEP, .time_us = T, .actor = S("li.na"), .counter = 59845455, .until_us = T + 1800000000},
	    "2026-11-22 16:07:54 +0000  li.na  step  one-time password: right, until 2026-11-22 16:37:54 +0000"},
	{{.kind = EVENT_STEP, .time_us = T, .actor = S("li.na"), .why = S("recovery code"), .counter = 3, .until_us = T},
	    "2026-11-22 16:07:54 +0000  li.na  step  one-time password: recovery code number 3, until 2026-11-22 16:07:54 +0000"},
	{{.kind = EVENT_ASK, .time_us = T, .actor = S("li.na"), .target = S("K7Q2M9"), .why = S("shift_lead"), .budget = S("25 customers per hour")},
	    "2026-11-22 16:07:54 +0000  li.na  ask  asked group shift_lead for leave, request K7Q2M9  budget: 25 customers per hour"},
	{{.kind = EVENT_APPROVE, .time_us = T, .actor = S("zhao"), .operator = S("zhao"), .target = S("K7Q2M9"), .why = S("li.na"), .until_us = T},
	    "2026-11-22 16:07:54 +0000  zhao  approve  approved request K7Q2M9 of li.na, until 2026-11-22 16:07:54 +0000"},
	{{.kind = EVENT_SETTLE, .time_us = T, .actor = S("li.na"), .target = S("0123456789abcdef 7"), .why = S("settled"), .case_number = S("8841")},
	    "2026-11-22 16:07:54 +0000  li.na  settle  look-up 0123456789abcdef 7: settled  case 8841"},
	{{.kind = EVENT_READ, .time_us = T, .actor = S("li.na"), .rows = 1, .kinds = {1, {S("customer.key")}}, .marks = S("AAAAAAAA"), .classes = S("e"), .purpose = S("refund"),
		.case_number = S("8841"), .text = S("select 1")},
	    "2026-11-22 16:07:54 +0000  li.na  read  1 row, 1 subject  case 8841  for refund  | select 1"},
	{{.kind = EVENT_REFUSE, .time_us = T, .actor = S("li.na"), .why = S("budget used up"), .budget = S("40 customers per hour for each actor"), .sqlstate = S("53400")},
	    "2026-11-22 16:07:54 +0000  li.na  refuse  because: budget used up  budget: 40 customers per hour for each actor  error 53400"},
};

static void
check(const struct event_entry *e, size_t text_max, const char *want)
{
	struct base_buf out;

	base_buf_init(&out, 1u << 16);
	event_print_line(e, text_max, &out);
	base_buf_u8(&out, 0);
	assert_string_equal((const char *)base_buf_span(&out).p, want);
	base_buf_done(&out);
}

static void
test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(golden); i++)
		check(&golden[i].e, 200, golden[i].line);
	check(&golden[4].e, 0, "2026-11-22 16:07:54 +0000  li.na  read  3 rows, 2 subjects  public.customers.id, .name, public.orders.id, x");
	check(&golden[4].e, 6,
	    "2026-11-22 16:07:54 +0000  li.na  read  3 rows, 2 subjects  public.customers.id, .name, public.orders.id, x  | select...");
	assert_int_equal(setenv("TZ", "CST-8", 1), 0);
	tzset();
	check(&golden[1].e, 0, "2026-11-23 00:07:54 +0800  gate ?  stop");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};

	if (setenv("TZ", "UTC", 1) != 0)
		return 1;
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
