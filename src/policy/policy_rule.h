/* policy_rule: what a .gate file says about groups, as parsed: names are not bound yet. Part of struct policy_file. Pure.
 *
 *   group partner_staff {
 *     treat enforce
 *     on table public.customers {
 *       allow  read, update of note, insert of note, delete     # `update`, `insert` alone: every column that is shown
 *       show   id, province, created_at
 *       mask   phone as last 4
 *       mask   apple_id as first 1
 *       mask   birthday as year
 *       mask   serial as hash
 *       mask   account_id as token
 *       mask   nick as fixed "***"
 *       hide   address                                          # always NULL
 *       look up by phone, apple_id                              # one `column = constant` per statement, although masked
 *       never filter on full_name                               # shown, but not in WHERE, JOIN, ORDER BY, GROUP BY
 *       rows   where assigned_team = actor.team                 # checked to exist on the server, not edited in
 *     }
 *     limit 100 rows per statement, no copy, no cursor
 *   }
 *   trust view public.customers_public                          # its columns count as declassified
 *   trust function public.region_of(text) body "9b74c9897bac770ffc029102a200c5de"   # md5 of prosrc, 32 hex digits
 *   test "phone is masked" {
 *     as wang in partner_staff [team "B2"] [employer "Acme"] [province "Gansu"]
 *     run "select name, phone from customers where id = 7"
 *     expect allow, phone masked last 4         # items: allow | deny [by WORDS]; COLUMN masked MASK | clear | hidden; rows N
 *   }
 *
 * Deny by default: a table, column or action not named is refused; a column without show, mask or hide is unclassified and refused.
 * Order never matters. In one group: hide beats mask beats show; the strongest mask wins. A person in several groups may do what any of
 * them allows; `never`, `hide`, `no`, `rows where` and the strongest mask of any of them win; the smallest limit wins.
 * Strength of masks: hide > fixed > year > token > hash > first > last; of the same kind the smaller number is stronger.
 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include "base_span.h"

struct policy_name { struct base_span schema, table, column; unsigned line, col; };

struct policy_where { const char *file; unsigned line; }; /* a rule's place; line 0: no rule */

enum policy_treat { POLICY_TREAT_UNSET, POLICY_OBSERVE, POLICY_ENFORCE };

enum policy_action { POLICY_READ = 1, POLICY_INSERT = 2, POLICY_UPDATE = 4, POLICY_DELETE = 8 };

enum policy_mask_kind { /* ascending strength */
	POLICY_MASK_NONE, POLICY_MASK_LAST, POLICY_MASK_FIRST, POLICY_MASK_HASH, POLICY_MASK_TOKEN, POLICY_MASK_YEAR, POLICY_MASK_FIXED, POLICY_MASK_HIDE
};
struct policy_mask {
	enum policy_mask_kind kind;
	unsigned n;             /* LAST, FIRST: characters shown, 1..64 */
	struct base_span fixed; /* FIXED: the text */
};
/* Which of two is shown when both apply. */
const struct policy_mask *policy_mask_stronger(const struct policy_mask *a, const struct policy_mask *b);
/* "last 4", "hide", "fixed", for messages, explain and tests. */
void policy_mask_words(const struct policy_mask *m, char *dst, size_t size);

/* May a column of this type be masked so? NULL: yes; else why not, a sentence without a full stop. citext and domains: by the base type, citext as text (25).
 * A fixed value of an integer, a date (YYYY-MM-DD) or a boolean ("true", "false") must be of the type's form. */
const char *policy_mask_unsuitable(const struct policy_mask *m, uint32_t type_oid);

enum policy_say { POLICY_SAY_SHOW, POLICY_SAY_MASK, POLICY_SAY_HIDE, POLICY_SAY_LOOKUP, POLICY_SAY_NEVER_FILTER, POLICY_SAY_UPDATE, POLICY_SAY_INSERT };
struct policy_say_column { enum policy_say say; struct base_span column; struct policy_mask mask; unsigned line, col; };

struct policy_on_table {
	struct policy_name table;             /* written without a schema: public */
	unsigned actions, actions_line;       /* POLICY_READ | ... */
	unsigned action_line[4];              /* of read, insert, update, delete */
	bool update_all, insert_all;          /* named without `of` */
	struct policy_say_column *says; size_t nsays;
	struct base_span rows_where; unsigned rows_line, rows_col; /* exact text of the file between `where` and the line's end, actor.* inside; empty = all rows */
};
struct policy_group {
	struct base_span name; unsigned line, col;
	enum policy_treat treat; unsigned treat_line;
	struct policy_on_table *tables; size_t ntables;
	uint64_t limit_rows; unsigned limit_line;   /* 0 = none */
	unsigned no_copy_line, no_cursor_line;      /* 0 = not said */
};
struct policy_trust {
	bool function;
	struct policy_name name;              /* table = the view's or the function's name */
	struct base_span arguments;           /* function: "text, integer" as written, white space folded */
	struct base_span body;                /* function: md5 of its prosrc */
};
struct policy_expect {
	enum { POLICY_EXPECT_ALLOW, POLICY_EXPECT_DENY, POLICY_EXPECT_MASKED, POLICY_EXPECT_CLEAR, POLICY_EXPECT_HIDDEN, POLICY_EXPECT_ROWS } what;
	struct base_span words;               /* DENY: text that the refusal must hold; else the column's name */
	struct policy_mask mask; uint64_t rows; unsigned line;
};
struct policy_test {
	struct base_span name; unsigned line;
	struct base_span role; struct base_span *groups; size_t ngroups;
	struct base_span team, employer, province;
	struct base_span run;
	struct policy_expect *expects; size_t nexpects;
};

#endif
