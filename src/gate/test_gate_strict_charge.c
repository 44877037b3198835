/* Tests of gate_strict_charge: what a row takes from the budgets is pending until its entry is durable, counts from then on, and is given back when the row does not go
 * out; an answer is cut at the last person allowed; what that does to the transaction and to the portal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gate_budget.h"
#include "test_gate_strict_stage.h"

#define HOUR UINT64_C(3600000000)

struct ground {
	struct stage g;
	struct role r;
	struct scene c;
};

static void
open_ground(struct ground *x, const char *policy)
{
	strict_stage_open_policy(&x->g, policy, "");
	stage_log_in(&x->g);
	role_init(&x->r);
	scene_init(&x->c);
	client_says(&x->c);
}

static void
close_ground(struct ground *x)
{
	assert_true(gate_budget_sane(x->g.shared.budget));
	stage_log_out(&x->g);
	role_done(&x->r);
	scene_done(&x->c);
	strict_stage_close(&x->g);
}

/* What was put into c; answered by the server as far as the gate asks. */
static void
say(struct ground *x)
{
	uint32_t seed = 1;

	assert_true(scene_send(&x->g, &x->c, 0, WHOLE, &seed));
	role_settle(&x->g, &x->r);
	base_buf_clear(&x->c.step[0].bytes);
	base_buf_clear(&x->c.step[0].want);
}

static void
receipts(struct ground *x, uint64_t n)
{
	stage_receipts(&x->g, n);
	role_settle(&x->g, &x->r);
}

static uint64_t
counted(struct ground *x, enum policy_adjective adjective)
{
	const struct gate_account_name name = {POLICY_HOLDER_ACTOR, base_span_str("ann"), base_span_str("customer"), adjective};
	struct gate_account *a = gate_budget_account(x->g.shared.budget, &name, 0);
	uint64_t n = gate_budget_count(x->g.shared.budget, a, HOUR, base_time_mono_us());

	gate_budget_drop(x->g.shared.budget, &a);
	return n;
}

/* Kinds of the messages since the last time, then forgotten. */
static void
client_got(struct ground *x, const char *want)
{
	char kinds[200];

	client_kinds(&x->g, kinds, sizeof(kinds));
	assert_string_equal(kinds, want);
	assert_false(client_has(&x->g, SECRET));
}

static void
forget(struct ground *x)
{
	base_buf_clear(&x->g.to_client);
}

static char
status(struct ground *x)
{
	struct base_span s = base_buf_span(&x->g.to_client);

	assert_true(s.n >= 6 && s.p[s.n - 6] == 'Z');
	return (char)s.p[s.n - 1];
}

static const struct event_entry *
last_entry(struct ground *x)
{
	assert_true(x->g.nentries > 0);
	return event_decoded_entry(x->g.entry[x->g.nentries - 1]);
}

/* ---- pending, settled, released ---- */

static void
test_settled_on_receipt(void **state)
{
	struct ground x;
	(void)state;
	open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
	query(&x.c, shop_tree[T_PHONE].sql);
	say(&x);
	client_got(&x, "");
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3); /* pending counts: nobody else takes these places */
	receipts(&x, 0);
	client_got(&x, "TDDDCZ");
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3);
	/* Seen again: free. */
	query(&x.c, shop_tree[T_EMAIL].sql);
	x.g.at_once = true;
	say(&x);
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3);
	close_ground(&x);
}

static void
test_released_on_failure(void **state)
{
	static const enum proc_msg_failure codes[] = {PROC_MSG_DISK_FULL, PROC_MSG_MALFORMED};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(codes); i++) {
		struct ground x;
		open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
		query(&x.c, shop_tree[T_PHONE].sql);
		say(&x);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3);
		stage_keeper_fails(&x.g, codes[i], "no");
		role_settle(&x.g, &x.r);
		assert_null(x.g.session);
		client_got(&x, "TE"); /* the description is no row */
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 0);
		close_ground(&x);
	}
}

/* A keeper that goes without a word may have the entry: the places stay taken until the ledger was asked. */
static void
test_unsure_without_a_word(void **state)
{
	(void)state;
	for (int recorded = 0; recorded < 2; recorded++) {
		struct ground x;
		open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
		query(&x.c, shop_tree[T_PHONE].sql);
		say(&x);
		const struct event_entry *e = last_entry(&x);
		stage_keeper_goes(&x.g);
		role_settle(&x.g, &x.r);
		assert_null(x.g.session);
		client_got(&x, "TE");
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3);
		struct gate_unsure_search *q = gate_unsure_begin(x.g.shared.unsure);
		assert_non_null(q);
		if (recorded)
			gate_unsure_entry(q, e);
		gate_unsure_end(&q, true);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), recorded ? 3 : 0);
		close_ground(&x);
	}
}

/* Several entries on their way: each receipt settles its own, a failure gives back the rest. */
static void
test_parts(void **state)
{
	(void)state;
	for (uint64_t good = 0; good <= 3; good++) {
		struct ground x;
		char want[16] = "";
		open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
		parse(&x.c, "a", shop_tree[T_PHONE].sql);
		bind_portal(&x.c, "p", "a", NULL, 0);
		for (int i = 0; i < 3; i++)
			execute(&x.c, "p", 1); /* the server gives customer 1 each time: one person, three entries */
		sync_up(&x.c);
		say(&x);
		assert_int_equal(x.g.nentries, 3);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 1);
		if (good > 0)
			receipts(&x, good);
		if (good < 3)
			stage_keeper_fails(&x.g, PROC_MSG_DISK_FULL, "no");
		role_settle(&x.g, &x.r);
		(void)snprintf(want, sizeof(want), "12%.*s%s", (int)(2 * good), "DsDsDs", good < 3 ? "E" : "Z");
		client_got(&x, want);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), good > 0);
		close_ground(&x);
	}
}

/* The client goes while its rows wait: what becomes of the entry decides, not whether somebody read it. */
static void
test_client_goes(void **state)
{
	(void)state;
	for (int fails = 0; fails < 2; fails++) {
		struct ground x;
		open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
		query(&x.c, shop_tree[T_PHONE].sql);
		say(&x);
		(void)close(x.g.client); /* a socket: nothing to lose */
		x.g.client = -1;
		stage_settle(&x.g);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3);
		if (fails)
			stage_keeper_fails(&x.g, PROC_MSG_DISK_FULL, "no");
		else
			stage_receipts(&x.g, 0);
		stage_settle(&x.g);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), fails ? 0 : 3);
		if (x.g.server >= 0)
			stage_log_out(&x.g);
		close_ground(&x);
	}
}

/* The server goes, or says nonsense, before the answer's end: rows that are in no entry yet are in no budget either. */
static void
test_rows_without_an_entry(void **state)
{
	struct ground x;
	uint32_t seed = 1;
	(void)state;
	open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
	x.g.at_once = true;
	query(&x.c, shop_tree[T_PHONE].sql);
	assert_true(scene_send(&x.g, &x.c, 0, WHOLE, &seed));
	struct scene server;
	scene_init(&server);
	server_says(&server);
	tree_notice(&server, shop_tree[T_PHONE].tree);
	simple(&server, '1');
	params_of(&server, T_PHONE);
	describe_tree(&server, T_PHONE);
	server_says(&server);
	simple(&server, '2');
	row2(&server, "1", SECRET);
	server_says(&server);
	row2(&server, "2", SECRET);
	simple(&server, 'W'); /* nobody asked for a CopyBoth */
	assert_true(scene_send(&x.g, &server, 0, WHOLE, &seed));
	assert_true(scene_send(&x.g, &server, 1, WHOLE, &seed));
	uint64_t first = counted(&x, POLICY_ADJECTIVE_NONE);
	assert_int_equal(first, 1);
	(void)scene_send(&x.g, &server, 2, WHOLE, &seed);
	stage_settle(&x.g);
	assert_null(x.g.session);
	/* What is counted is what is on record. */
	uint64_t recorded = 0;
	for (size_t i = 0; i < x.g.nentries; i++)
		recorded += event_decoded_entry(x.g.entry[i])->kind == EVENT_READ ? event_decoded_entry(x.g.entry[i])->rows : 0;
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), recorded);
	scene_done(&server);
	close_ground(&x);
}

/* ---- cut ---- */

static void
test_cut_at_the_last_one(void **state)
{
	struct ground x;
	(void)state;
	open_ground(&x, STRICT_POLICY_WITH("budget 2 customers per hour for each actor"));
	x.g.at_once = true;
	query(&x.c, shop_tree[T_PHONE].sql);
	say(&x);
	client_got(&x, "TDDEZ");
	assert_true(client_has(&x.g, "53Z01") && client_has(&x.g, "2 customers per hour for each actor") && client_has(&x.g, "shop.gate:"));
	assert_int_equal(status(&x), 'I');
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 2);
	/* Two entries: whom the rows showed; that somebody was refused, and who would have been the next. */
	unsigned reads = 0, refusals = 0;
	for (size_t i = 0; i < x.g.nentries; i++) {
		const struct event_entry *e = event_decoded_entry(x.g.entry[i]);
		if (e->kind == EVENT_READ) {
			reads++;
			assert_int_equal(e->rows, 2);
			assert_true(e->kinds.count == 2 && e->marks.n == 32); /* key and phone of each */
			assert_true(base_span_is(e->classes, "nn") && base_span_is(e->sqlstate, "53Z01"));
		} else if (e->kind == EVENT_REFUSE) {
			refusals++;
			assert_true(base_span_is(e->budget, "2 customers per hour for each actor") && e->marks.n == 8);
		}
	}
	assert_true(reads == 1 && refusals == 1);
	/* The next statement is analysed and answered as ever. */
	forget(&x);
	query(&x.c, shop_tree[T_OTHER].sql);
	say(&x);
	client_got(&x, "TDDDCZ");
	close_ground(&x);
}

/* A budget that is used up fails the transaction; a step-up that is missing does not: it can be made within it. */
static void
test_transaction_after_a_cut(void **state)
{
	static const struct { const char *policy, *code; char after; } cases[] = {
		{STRICT_POLICY_WITH("budget 2 customers per hour for each actor"), "53Z01", 'E'},
		{STRICT_POLICY_WITH("step up after 2 customers per hour with otp lasting 30 minutes"), "28Z01", 'T'},
		{STRICT_POLICY_WITH("ask group partner after 2 customers per hour within 10 minutes lasting 1 hour"), "28Z02", 'T'},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct ground x;
		open_ground(&x, cases[i].policy);
		x.g.at_once = true;
		query(&x.c, "BEGIN");
		say(&x);
		forget(&x);
		query(&x.c, shop_tree[T_PHONE].sql);
		say(&x);
		client_got(&x, "TDDEZ");
		if (!client_has(&x.g, cases[i].code) || status(&x) != cases[i].after)
			fail_msg("case %zu: status %c", i, status(&x));
		forget(&x);
		query(&x.c, shop_tree[T_OTHER].sql);
		say(&x);
		client_got(&x, cases[i].after == 'T' ? "TDDDCZ" : "EZ");
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 2);
		close_ground(&x);
	}
}

/* What is left of a portal behind its cut stays on the server, however often it is asked for. */
static void
test_portal_is_cut(void **state)
{
	static const char *const policies[] = {STRICT_POLICY_WITH("step up after 2 customers per hour with otp lasting 30 minutes"),
	                                       STRICT_POLICY_WITH("ask group partner after 2 customers per hour within 10 minutes lasting 1 hour")};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(policies); i++) {
		struct ground x;
		open_ground(&x, policies[i]);
		x.g.at_once = true;
		query(&x.c, "BEGIN");
		parse(&x.c, "a", shop_tree[T_PHONE].sql);
		bind_portal(&x.c, "p", "a", NULL, 0);
		execute(&x.c, "p", 0);
		sync_up(&x.c);
		say(&x);
		client_got(&x, "CZ12DDEZ");
		for (int again = 0; again < 2; again++) {
			size_t executes = x.r.executes;
			forget(&x);
			execute(&x.c, "p", 1);
			sync_up(&x.c);
			say(&x);
			client_got(&x, "EZ");
			assert_true(client_has(&x.g, "0A000") && client_has(&x.g, "the portal's answer was cut"));
			assert_int_equal(x.r.executes, executes);
		}
		close_ground(&x);
	}
}

static void
test_nobody_at_all(void **state)
{
	struct ground x;
	(void)state;
	open_ground(&x, STRICT_POLICY_WITH("budget 0 customers per hour for each actor"));
	x.g.at_once = true;
	query(&x.c, shop_tree[T_PHONE].sql);
	say(&x);
	client_got(&x, "TEZ");
	assert_true(client_has(&x.g, "ask the policy's owner"));
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 0);
	close_ground(&x);
}

/* ---- what counts ---- */

/* The letters of `classes`: whether something of the person was shown as it is; each is charged to what concerns it. */
static void
test_letters(void **state)
{
	static const struct { int tree; const char *param, *letters; uint64_t clear; } cases[] = {{T_PHONE, NULL, "nnn", 0}, {T_EMAIL, NULL, "nnn", 0}, {T_LOOK, "1", "NNN", 3}};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct ground x;
		open_ground(&x, STRICT_POLICY_WITH("budget 9 clear customers per hour, 9 clear customers per day for each actor budget 8 customers per hour for each actor"));
		x.g.at_once = true;
		parse(&x.c, "a", shop_tree[cases[i].tree].sql);
		bind_portal(&x.c, "", "a", cases[i].param, 0);
		execute(&x.c, "", 0);
		sync_up(&x.c);
		say(&x);
		client_got(&x, "12DDDCZ");
		if (!base_span_is(last_entry(&x)->classes, cases[i].letters))
			fail_msg("case %zu: %.*s", i, (int)last_entry(&x)->classes.n, (const char *)last_entry(&x)->classes.p);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 3);
		assert_int_equal(counted(&x, POLICY_ADJECTIVE_CLEAR), cases[i].clear);
		close_ground(&x);
	}
}

/* Nothing counts: no letters, and nothing in the budgets. */
static void
test_without_budgets(void **state)
{
	struct ground x;
	(void)state;
	open_ground(&x, STRICT_POLICY);
	x.g.at_once = true;
	query(&x.c, shop_tree[T_PHONE].sql);
	say(&x);
	client_got(&x, "TDDDCZ");
	assert_int_equal(last_entry(&x)->classes.n, 0);
	assert_int_equal(gate_budget_accounts(x.g.shared.budget), 0);
	close_ground(&x);
}

/* A row that does not say whose it is in a way that can be counted does not go out. */
static void
test_a_row_of_nobody_knows_whom(void **state)
{
	struct ground x;
	uint32_t seed = 1;
	struct scene server;
	(void)state;
	open_ground(&x, STRICT_POLICY_WITH("budget 5 customers per hour for each actor"));
	x.g.at_once = true;
	query(&x.c, shop_tree[T_PHONE].sql);
	assert_true(scene_send(&x.g, &x.c, 0, WHOLE, &seed));
	scene_init(&server);
	server_says(&server);
	tree_notice(&server, shop_tree[T_PHONE].tree);
	simple(&server, '1');
	params_of(&server, T_PHONE);
	describe_tree(&server, T_PHONE);
	server_says(&server);
	simple(&server, '2');
	row2(&server, "1", SECRET);
	row2(&server, "one", SECRET); /* no number */
	row2(&server, "3", SECRET);
	done(&server, "SELECT 3");
	ready(&server, 'I');
	assert_true(scene_send(&x.g, &server, 0, WHOLE, &seed));
	assert_true(scene_send(&x.g, &server, 1, WHOLE, &seed));
	stage_settle(&x.g);
	client_got(&x, "TDEZ");
	assert_int_equal(counted(&x, POLICY_ADJECTIVE_NONE), 1);
	scene_done(&server);
	close_ground(&x);
}

/* Two persons in a row: SELECT a.id, b.id FROM customers a, customers b. */
#define TWO_SQL "SELECT a.id, b.id FROM customers a, customers b"
#define TWO_TABLE(name) "{RANGETBLENTRY :alias {ALIAS :aliasname " name " :colnames <>} :eref {ALIAS :aliasname " name " :colnames (\"id\" \"phone\" \"email\" \"name\" \"note\" \"initial\")} :rtekind 0 :relid 20000 " \
	":relkind r :rellockmode 1 :tablesample <> :lateral false :inh true :inFromCl true :requiredPerms 2 :checkAsUser 0 :selectedCols (b 8) :insertedCols (b) :updatedCols (b) :extraUpdatedCols (b) :securityQuals <>}"
#define TWO_COLUMN(n) "{TARGETENTRY :expr {VAR :varno " n " :varattno 1 :vartype 20 :vartypmod -1 :varcollid 0 :varlevelsup 0 :varnosyn " n " :varattnosyn 1 :location 7} :resno " n " :resname id :ressortgroupref 0 :resorigtbl 20000 :resorigcol 1 :resjunk false}"
static const char two_line[] = "({QUERY :commandType 1 :querySource 0 :canSetTag true :utilityStmt <> :resultRelation 0 :hasAggs false :hasWindowFuncs false :hasTargetSRFs false "
	":hasSubLinks false :hasDistinctOn false :hasRecursive false :hasModifyingCTE false :hasForUpdate false :hasRowSecurity false :isReturn false :cteList <> "
	":rtable (" TWO_TABLE("a") " " TWO_TABLE("b") ") :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex 1} {RANGETBLREF :rtindex 2}) :quals <>} :targetList (" TWO_COLUMN("1") " " TWO_COLUMN("2") ") "
	":override 0 :onConflict <> :returningList <> :groupClause <> :groupDistinct false :groupingSets <> :havingQual <> :windowClause <> :distinctClause <> :sortClause <> :limitOffset <> :limitCount <> :limitOption "
	"0 :rowMarks <> :setOperations <> :constraintDeps <> :withCheckOptions <> :mergeActionList <> :mergeUseOuterJoin false :stmt_location 0 :stmt_len 0})";

/* As PostgreSQL prints it: lines of at most 78 bytes. */
static struct base_span
two_tree(char dst[sizeof(two_line) + 1])
{
	size_t line = 0, blank = 0;

	memcpy(dst, two_line, sizeof(two_line));
	for (size_t i = 0; dst[i]; i++) {
		if (dst[i] == ' ')
			blank = i;
		if (i - line >= 78 && blank > line) {
			dst[blank] = '\n';
			line = blank + 1;
		}
	}
	memcpy(dst + sizeof(two_line) - 1, "\n", 2);
	return base_span_str(dst);
}

/* All of a row's persons are charged, or none: one who would have fitted is given back with the row. */
static void
test_two_persons_in_a_row(void **state)
{
	static const struct { const char *policy, *rows[3][2], *got; uint64_t counts; } cases[] = {
		{STRICT_POLICY_WITH("budget 3 customers per hour for each actor"), {{"1", "2"}, {"2", "3"}, {"3", "1"}}, "TDDDCZ", 3},
		{STRICT_POLICY_WITH("budget 3 customers per hour for each actor"), {{"1", "2"}, {"3", "4"}, {"1", "2"}}, "TDEZ", 2},
		{STRICT_POLICY_WITH("budget 3 customers per hour for each actor"), {{"1", "1"}, {"2", "2"}, {"3", "3"}}, "TDDDCZ", 3},
		{STRICT_POLICY_WITH("budget 1 customers per hour for each actor"), {{"1", "2"}, {"1", "1"}, {"1", "1"}}, "TEZ", 0},
		{STRICT_POLICY_WITH("budget 2 customers per hour for each actor"), {{"1", NULL}, {NULL, "2"}, {NULL, NULL}}, "TDDDCZ", 2},
		{STRICT_POLICY_WITH("budget 2 customers per hour for each actor"), {{"1", NULL}, {"1", "2"}, {"3", "1"}}, "TDDEZ", 2},
	};
	static const struct origin origins[] = {{SHOP_CUSTOMERS, 1, SHOP_INT8, 0}, {SHOP_CUSTOMERS, 1, SHOP_INT8, 0}};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct ground x;
		struct scene server;
		uint32_t seed = 1;
		char kinds[32], tree[sizeof(two_line) + 1];
		open_ground(&x, cases[i].policy);
		x.g.at_once = true;
		query(&x.c, TWO_SQL);
		assert_true(scene_send(&x.g, &x.c, 0, WHOLE, &seed));
		scene_init(&server);
		server_says(&server);
		tree_notice(&server, two_tree(tree));
		simple(&server, '1');
		msg(&server, 't');
		base_buf_u16(&server.m, 0);
		end(&server);
		described(&server, origins, 2);
		server_says(&server);
		simple(&server, '2');
		for (size_t k = 0; k < 3; k++)
			data_row(&server, cases[i].rows[k], 2);
		done(&server, "SELECT 3");
		ready(&server, 'I');
		assert_true(scene_send(&x.g, &server, 0, WHOLE, &seed));
		assert_true(scene_send(&x.g, &server, 1, WHOLE, &seed));
		stage_settle(&x.g);
		client_kinds(&x.g, kinds, sizeof(kinds));
		if (strcmp(kinds, cases[i].got) != 0 || counted(&x, POLICY_ADJECTIVE_NONE) != cases[i].counts)
			fail_msg("case %zu: %s, %llu counted", i, kinds, (unsigned long long)counted(&x, POLICY_ADJECTIVE_NONE));
		scene_done(&server);
		close_ground(&x);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settled_on_receipt), cmocka_unit_test(test_released_on_failure), cmocka_unit_test(test_unsure_without_a_word),
		cmocka_unit_test(test_parts), cmocka_unit_test(test_client_goes), cmocka_unit_test(test_rows_without_an_entry),
		cmocka_unit_test(test_cut_at_the_last_one), cmocka_unit_test(test_transaction_after_a_cut), cmocka_unit_test(test_portal_is_cut),
		cmocka_unit_test(test_nobody_at_all), cmocka_unit_test(test_letters), cmocka_unit_test(test_without_budgets), cmocka_unit_test(test_a_row_of_nobody_knows_whom),
		cmocka_unit_test(test_two_persons_in_a_row),
	};

	base_crypt_init();
	base_log_setup(false, BASE_LOG_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
