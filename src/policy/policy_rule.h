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
 *     budget 40 customers per hour, 120 per day for each actor    # distinct subjects; also: each employer, each group
 *     budget 10 clear customers per day for each actor            # only those of whom something went out unmasked
 *     budget 5 unexplained customers per day for each actor
 *     budget 60 lookups per hour for each actor                   # distinct values that were looked up by a protected column, found or not
 *     need   purpose, case
 *     unexplained refuse                                          # or: mask, count
 *     only from network 10.20.0.0/16, 2001:db8:20::/48
 *     only during Mon-Fri 07:30-19:00, Sat 09:00-13:00 Europe/Berlin
 *     only with certificate
 *     only vetted                                                 # until the person's vetted_until
 *     step up after 25 customers per hour with otp lasting 30 minutes
 *     step up for table public.vip with otp lasting 30 minutes
 *     ask group shift_lead after 30 customers per hour within 10 minutes lasting 1 hour
 *   }
 *   zone Europe/Berlin                                            # of dates (vetted_until, left_on) and of hours that name none; else UTC
 *   case from table public.tickets {
 *     case id   subject customer_id   person assigned_to            # these are needed: number, the subject's key, role name of who works on it
 *     opener created_by   team team   opened created_at   closed closed_at
 *     open where closed_at is null
 *   }
 *   application crm {
 *     login crm_app   issuer "https://sso.example"   audience "gatehouse"   keys "crm.jwks"   algorithm ES256, EdDSA
 *     actor claim sub   employer claim org   name claim name   province claim prov   team claim team
 *     groups claim roles   within partner_staff, agent             # a token may name no other groups; without this line: the people file's
 *     nobody in crm_nobody                                         # the groups of a session without a token
 *   }
 *   approved statements "crm.statements"
 *   trust view public.customers_public                          # its columns count as declassified
 *   trust function public.region_of(text) body "9b74c9897bac770ffc029102a200c5de"   # md5 of prosrc, 32 hex digits
 *   test "phone is masked" {
 *     as wang in partner_staff [team "B2"] [employer "Acme"] [province "Gansu"] [from 10.20.3.7] [at 2026-11-22 14:30] [with certificate]
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
/* ---- how many, why, who ---- */
enum policy_noun { POLICY_NOUN_SUBJECT, POLICY_NOUN_LOOKUPS };
enum policy_adjective { POLICY_ADJECTIVE_NONE, POLICY_ADJECTIVE_CLEAR, POLICY_ADJECTIVE_UNEXPLAINED }; /* only of subjects */
enum policy_holder { POLICY_HOLDER_ACTOR, POLICY_HOLDER_EMPLOYER, POLICY_HOLDER_GROUP };
struct policy_count { /* "40 clear customers per hour" */
	uint64_t n, window_us;
	enum policy_noun noun; enum policy_adjective adjective;
	size_t subject;               /* index in policy_file.subjects; 0 for lookups */
};
/* Windows slide: what was seen longer ago than window_us does not count any more. "hour" is 60 minutes, "day" 24 hours, "week" 7 days. */
struct policy_budget { struct policy_count count; enum policy_holder holder; unsigned line; }; /* "40 per hour, 120 per day" are two */
struct policy_step { bool for_table; struct policy_name table; struct policy_count after; uint64_t lasting_us; unsigned line; }; /* after: per actor */
struct policy_ask { struct base_span group; struct policy_count after; uint64_t within_us, lasting_us; unsigned line; }; /* lasting: 1 hour when not said */
struct policy_network { uint8_t address[16]; unsigned bits; }; /* IPv4 as ::ffff:a.b.c.d, bits counted from there (96 more) */
struct policy_hours { uint8_t days; uint16_t from, to; };      /* days: bit 0 Monday; minutes of the day; to <= from: until the next day */
enum policy_unexplained { POLICY_UNEXPLAINED_UNSET, POLICY_UNEXPLAINED_COUNT, POLICY_UNEXPLAINED_MASK, POLICY_UNEXPLAINED_REFUSE }; /* ascending strength */
struct policy_only {
	struct policy_network *networks; size_t nnetworks; unsigned networks_line; /* line 0: not said */
	struct policy_hours *hours; size_t nhours; struct base_span zone; unsigned hours_line; /* zone empty: the policy's */
	unsigned certificate_line, vetted_line;
};
struct policy_case_from { unsigned line; /* 0: the policy has none */ struct policy_name table; struct base_span number, subject, person, opener, team, opened, closed; /* columns; empty = not said */
	struct base_span open_where; unsigned open_line; /* SQL over the table's columns, from `where` to the line's end, checked like `rows where`, without actor.* */ size_t of; /* index of the policy's subject: its only one, or `of NAME` behind the table */ };
enum policy_algorithm { POLICY_ALG_RS256 = 1, POLICY_ALG_ES256 = 2, POLICY_ALG_EDDSA = 4 };
struct policy_application {
	struct base_span name, login, issuer, audience, keys; /* keys: path, relative to the policy's folder */
	unsigned algorithms, line;
	struct base_span actor, person_name, employer, province, team, groups; /* names of claims; empty = not said (the people file's word counts) */
	struct base_span *within; size_t nwithin;             /* groups that a token may name */
	struct base_span *nobody; size_t nnobody;             /* groups of a session without a token; at least one */
};

struct policy_group {
	struct base_span name; unsigned line, col;
	enum policy_treat treat; unsigned treat_line;
	struct policy_on_table *tables; size_t ntables;
	uint64_t limit_rows; unsigned limit_line;   /* 0 = none */
	unsigned no_copy_line, no_cursor_line;      /* 0 = not said */
	struct policy_budget *budgets; size_t nbudgets;
	unsigned need_purpose_line, need_case_line; /* 0 = not said */
	enum policy_unexplained unexplained; unsigned unexplained_line;
	struct policy_only only;
	struct policy_step *steps; size_t nsteps;
	struct policy_ask *asks; size_t nasks;
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
	struct base_span from;                /* "10.20.3.7", "local". Where none of from, at and certificate is said, `only` is not looked at */
	struct base_span at;                  /* "2026-11-22 14:30" in the policy's zone; empty: now */
	bool certificate;
	struct base_span run;
	struct policy_expect *expects; size_t nexpects;
};

#endif
