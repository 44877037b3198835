/* test_cli_diff: pairs of policies and the lines that tell them apart; each pair is compared in both directions, and what was gained one way is lost the other way. */
#include "cli_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base_buf.h"
#include "cli_rights.h"

#define HEAD "policy \"p\" version 1 { subject customer { table public.customers key id phone phone } case from table public.tickets { case id subject customer_id person assigned_to }\n"

struct try {
	const char *old, *new; /* behind HEAD */
	const char *want;      /* WAY who what: before -> after (old line, new line) */
};

#define T(rules) "group g { on table customers { " rules " } } }"
static const struct try tries[] = {
	{"}", "}", ""},
	{T("allow read show id # one\n"), T("show id\nallow read"), ""},
	{T("allow read show id mask phone as last 4"), T("allow read show id, phone"), "GAINS g public.customers.phone: masked last 4 -> clear (2, 2)\n"},
	{T("allow read show id mask phone as last 4"), T("allow read show id mask phone as last 2"), "LOSES g public.customers.phone: masked last 4 -> masked last 2 (2, 2)\n"},
	{T("allow read show id mask phone as fixed \"a\""), T("allow read show id mask phone as fixed \"b\""),
	    "CHANGES g public.customers.phone: masked fixed \"a\" -> masked fixed \"b\" (2, 2)\n"},
	{T("allow read show id"), T("allow read show id hide phone"), "GAINS g public.customers.phone: refused -> hidden (0, 2)\n"},
	{T("allow read show id mask phone as last 4"), T("allow read show id mask phone as last 4 look up by phone"),
	    "GAINS g public.customers.phone (find by it): not in conditions -> look-up (2, 2)\n"},
	{T("allow read show id, phone"), T("allow read show id, phone never filter on phone"),
	    "LOSES g public.customers.phone (find by it): any condition -> not in conditions (2, 2)\n"},
	{T("allow read show id"), T("allow read, update show id"), "GAINS g public.customers.id (update): refused -> allowed (0, 2)\n"},
	{T("allow read show id"), T("allow read, update of phone, delete show id"),
	    "GAINS g public.customers.phone (update): refused -> allowed (0, 2)\nGAINS g public.customers (delete): refused -> allowed (0, 2)\n"},
	{T("allow read"), T("allow delete"), "LOSES g public.customers (count rows): allowed -> refused (2, 0)\nGAINS g public.customers (delete): refused -> allowed (0, 2)\n"},
	{T("allow read show id\nrows where a = 1\n"), T("allow read show id"), "GAINS g public.customers (rows): where a = 1 -> all rows (3, 0)\n"},
	{T("allow read show id\nrows where a = 1\n"), T("allow read show id\nrows where a = 2\n"), "CHANGES g public.customers (rows): where a = 1 -> where a = 2 (3, 3)\n"},
	{"}", T("allow read show id"), "CHANGES g the group: not there -> there (0, 2)\nGAINS g public.customers.id: refused -> clear (0, 2)\n"},
	{"group g { limit 10 rows per statement }}", "group g { limit 20 rows per statement, no copy }}",
	    "GAINS g rows per statement: 10 -> 20 (2, 2)\nLOSES g COPY: allowed -> refused (0, 2)\n"},
	{"group g { treat enforce }}", "group g { treat observe }}", "GAINS g treatment: enforced -> observed: nothing is refused or masked (2, 2)\n"},
	{"treat observe group g { }}", "treat enforce group g { }}",
	    "LOSES everybody people in no group, and groups that do not say: observed -> enforced (0, 0)\n"
	    "LOSES g treatment: observed: nothing is refused or masked -> enforced (0, 0)\n"},
	{"owner \"a\" }", "owner \"b\" review by 2027-01-01 }", "CHANGES everybody owner: a -> b (0, 0)\nCHANGES everybody date of review: none -> 2027-01-01 (0, 0)\n"},
	{"}", "trust view v }", "GAINS everybody view public.v: not trusted -> trusted (0, 2)\n"},
	{"trust function f(text) body \"9b74c9897bac770ffc029102a200c5de\" }", "trust function f(text) body \"9b74c9897bac770ffc029102a200c5df\" }",
	    "CHANGES everybody function public.f(text): trusted with body 9b74c9897bac770ffc029102a200c5de -> trusted with body 9b74c9897bac770ffc029102a200c5df (2, 2)\n"},
};
static const struct try later[] = {
	{"group g { budget 40 customers per hour for each actor }}", "group g { budget 25 customers per hour, 60 per day for each actor }}",
	    "LOSES g budget: customers per hour for each actor: 40 -> 25 (2, 2)\nLOSES g budget: customers per day for each actor: no limit -> 60 (0, 2)\n"},
	{"group g { budget 60 lookups per hour for each actor budget 10 clear customers per day for each employer }}", "group g { }}",
	    "GAINS g budget: lookups per hour for each actor: 60 -> no limit (2, 0)\nGAINS g budget: clear customers per day for each employer: 10 -> no limit (2, 0)\n"},
	{"group g { need purpose }}", "group g { need purpose, case }}", "LOSES g case: not needed -> needed (0, 2)\n"},
	{"group g { unexplained count }}", "group g { unexplained refuse }}", "LOSES g unexplained look-ups: counted -> refused (2, 2)\n"},
	{"group g { }}", "group g { unexplained count }}", "CHANGES g unexplained look-ups: not asked -> counted (0, 2)\n"},
	{"group g { only from network 10.0.0.0/8 }}", "group g { only from network 10.1.0.0/16 }}", "LOSES g networks: 10.0.0.0/8 -> 10.1.0.0/16 (2, 2)\n"},
	{"group g { only from network 10.1.0.0/16 }}", "group g { only from network 10.2.0.0/16 }}", "CHANGES g networks: 10.1.0.0/16 -> 10.2.0.0/16 (2, 2)\n"},
	{"group g { }}", "group g { only from network 10.1.0.0/16 }}", "LOSES g networks: anywhere -> 10.1.0.0/16 (0, 2)\n"},
	{"group g { only during Mon-Fri 08:00-18:00 }}", "group g { only during Mon-Fri 07:30-19:00, Sat 09:00-13:00 }}",
	    "GAINS g hours: Mon-Fri 08:00-18:00 UTC -> Mon-Fri 07:30-19:00, Sat 09:00-13:00 UTC (2, 2)\n"},
	{"group g { only during Mon-Fri 08:00-18:00 }}", "group g { only during Mon-Fri 09:00-19:00 }}",
	    "CHANGES g hours: Mon-Fri 08:00-18:00 UTC -> Mon-Fri 09:00-19:00 UTC (2, 2)\n"},
	{"group g { only during Mon-Fri 08:00-18:00 }}", "zone Europe/Berlin group g { only during Mon-Fri 08:00-18:00 }}",
	    "CHANGES everybody time zone: UTC -> Europe/Berlin (0, 0)\nCHANGES g hours: Mon-Fri 08:00-18:00 UTC -> Mon-Fri 08:00-18:00 Europe/Berlin (2, 2)\n"},
	{"group g { only vetted }}", "group g { only with certificate }}", "LOSES g client certificate: not needed -> needed (0, 2)\nGAINS g vetting: needed -> not needed (2, 0)\n"},
	{"group g { }}", "group g { step up after 25 customers per hour with otp lasting 30 minutes }}",
	    "LOSES g step-up after customers per hour: none -> 25, lasting 30 minutes (0, 2)\n"},
	{"group g { step up for table public.vip with otp lasting 30 minutes }}", "group g { step up for table public.vip with otp lasting 1 hour }}",
	    "GAINS g step-up for public.vip: 0, lasting 30 minutes -> 0, lasting hour (2, 2)\n"},
	{"group g { ask group h after 40 customers per hour within 10 minutes lasting 1 hour } group h { }}", "group g { } group h { }}",
	    "GAINS g approval of h after customers per hour: 40, within 10 minutes, lasting hour -> none (2, 0)\n"},
};

static struct policy_file *
parse(const char *rest)
{
	struct policy_file *f = NULL;
	struct base_fail fail = {0};
	struct base_buf text;

	base_buf_init(&text, 65536);
	base_buf_str(&text, HEAD);
	base_buf_str(&text, rest);
	if (policy_file_parse(base_buf_span(&text), "p.gate", &f, &fail) < 0)
		fail_msg("%s: %s", rest, fail.text);
	base_buf_done(&text);
	return f;
}

static void
lines(const struct cli_changes *c, struct base_buf *out)
{
	for (size_t i = 0; i < c->n; i++)
		base_buf_fmt(out, "%s %s %s: %s -> %s (%u, %u)\n", cli_way_word(c->item[i].way), c->item[i].who, c->item[i].what, c->item[i].before, c->item[i].after, c->item[i].line_old,
		             c->item[i].line_new);
	base_buf_u8(out, 0);
}

static size_t
count(const struct cli_changes *c, enum cli_way way)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->item[i].way == way;
	return n;
}

static void
run(const struct try *try, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct policy_file *old = parse(try[i].old), *new = parse(try[i].new);
		struct cli_changes there = {0}, back = {0}, same = {0};
		struct base_buf got;

		base_buf_init(&got, 65536);
		cli_diff_files(old, new, &there);
		cli_diff_files(new, old, &back);
		cli_diff_files(new, new, &same);
		lines(&there, &got);
		assert_string_equal((const char *)base_buf_span(&got).p, try[i].want);
		assert_int_equal(there.n, back.n);
		assert_int_equal(count(&there, CLI_GAINS), count(&back, CLI_LOSES));
		assert_int_equal(count(&there, CLI_LOSES), count(&back, CLI_GAINS));
		assert_int_equal(same.n, 0);
		cli_changes_done(&there);
		cli_changes_done(&back);
		cli_changes_done(&same);
		base_buf_done(&got);
		policy_file_free(&old);
		policy_file_free(&new);
	}
}

static void
test_tries(void **state)
{
	(void)state;
	run(tries, BASE_COUNT(tries));
}

static void
test_limits(void **state)
{
	(void)state;
	run(later, BASE_COUNT(later));
}

/* All pairs of masks: the line says what policy_mask_stronger says. */
static void
test_masks(void **state)
{
	static const char *const rules[] = {"", "show phone", "mask phone as last 9", "mask phone as last 4", "mask phone as first 4", "mask phone as first 1", "mask phone as hash",
	    "mask phone as token", "mask phone as year", "mask phone as fixed \"x\"", "hide phone"}; /* 1..: from weak to strong */

	(void)state;
	for (size_t a = 0; a < BASE_COUNT(rules); a++)
		for (size_t b = 0; b < BASE_COUNT(rules); b++) {
			char x[300], y[300];
			struct cli_changes c = {0};
			size_t wa = a ? BASE_COUNT(rules) - a : 0, wb = b ? BASE_COUNT(rules) - b : 0; /* how much is seen */
			(void)snprintf(x, sizeof(x), T("allow read show id %s"), rules[a]);
			(void)snprintf(y, sizeof(y), T("allow read show id %s"), rules[b]);
			struct policy_file *old = parse(x), *new = parse(y);
			cli_diff_files(old, new, &c);
			assert_int_equal(c.n, a != b);
			if (c.n)
				assert_int_equal(c.item[0].way, wb > wa ? CLI_GAINS : CLI_LOSES);
			cli_changes_done(&c);
			policy_file_free(&old);
			policy_file_free(&new);
		}
}

/* Somebody in two groups: what one shows, the other may mask. */
static void
test_together(void **state)
{
	struct policy_file *old = parse("group a { on table customers { allow read show id mask phone as hash } } group b { on table customers { allow read show id hide phone } }}");
	struct policy_file *new = parse("group a { on table customers { allow read show id, phone } } group b { on table customers { allow read show id } }}");
	struct base_span names[] = {base_span_str("a"), base_span_str("b")};
	struct cli_changes c = {0};
	struct base_buf got;

	(void)state;
	base_buf_init(&got, 4096);
	cli_diff_together(old, new, names, 2, &c);
	lines(&c, &got);
	assert_string_equal((const char *)base_buf_span(&got).p, "GAINS a and b public.customers.phone: hidden -> clear (2, 2)\n");
	cli_changes_done(&c);
	cli_diff_together(old, new, names, 1, &c); /* one group: its own lines say it */
	assert_int_equal(c.n, 0);
	base_buf_done(&got);
	policy_file_free(&old);
	policy_file_free(&new);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tries), cmocka_unit_test(test_limits), cmocka_unit_test(test_masks), cmocka_unit_test(test_together)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
