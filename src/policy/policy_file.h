/* policy_file: the .gate language: lexer and recursive-descent parser. Input: a trusted person's file, read as if hostile (size and
 * depth limits). Pure. Deny by default, order never matters. Errors are "file:line:column: what; did you mean ...?".
 *
 *   policy "name" version 3 {
 *     purpose "..."   owner "..."   review by 2027-03-31
 *     treat observe
 *     subject customer {
 *       table    public.customers
 *       key      id
 *       phone    phone, mobile  country 86          # digits with country code (E.164 without '+')
 *       email    apple_id                           # folded text
 *       account  account_id                         # folded text
 *       linked   public.orders.customer_id, public.devices.customer_id
 *     }
 *     group partner_staff { ... }   trust view ...   trust function ...   test "..." { ... }     # policy_rule.h
 *   }
 * '#' to end of line is a comment; line ends mean nothing else. Names: bare (folded to lower case) or "quoted". `identifier WORD columns`
 * declares further kinds. Each subject has exactly one table and one key; no column is named twice; items come in any order.
 * Every column of a subject's table is protected data of the subject; a linked column says whose the other table's rows are.
 */
#ifndef POLICY_FILE_H
#define POLICY_FILE_H

#include "base_crypt.h"
#include "base_fail.h"
#include "policy_rule.h"

enum policy_norm {
	POLICY_NORM_KEY,     /* the value's canonical text: integers decimal, uuid lower case, text as it is */
	POLICY_NORM_PHONE,   /* digits only; leading 00 or + dropped; a number without country code gets it; */
	POLICY_NORM_TEXT,    /* e-mail, account, other identifiers: Unicode simple case fold for ASCII, trimmed of white space */
};
#define POLICY_KIND_KEY "key" /* kinds of identifiers are "phone", "email", "account" or any word after `identifier WORD` */

struct policy_identifier { struct base_span kind; enum policy_norm norm; struct base_span country; struct policy_name column; };
struct policy_subject {
	struct base_span name; unsigned line, col;
	struct policy_name table, key;
	struct policy_identifier *identifiers; size_t nidentifiers;
	struct policy_name *linked; size_t nlinked;
	struct policy_name *harmless; size_t nharmless; /* columns of its table or of linked tables that tell nothing of a person: they do not count for budgets.
	                                                   `harmless province, since, public.orders.amount` */
};
struct policy_file {
	struct base_span file;      /* name as given, for messages */
	struct base_span name, purpose, owner;
	uint64_t version;
	struct base_span review_by; /* "2027-03-31" or empty */
	enum policy_treat treat;    /* of everyone whose groups say nothing */
	struct policy_subject *subjects; size_t nsubjects;
	struct policy_group *groups; size_t ngroups; /* see policy_rule.h */
	struct policy_trust *trusts; size_t ntrusts;
	struct policy_test *tests; size_t ntests;
	struct base_span zone;      /* "Europe/Berlin"; empty: UTC. That it exists is the loader's to check */
	struct policy_case_from case_from;
	struct policy_application *applications; size_t napplications;
	struct base_span approved; unsigned approved_line; /* path of the file of approved statements, relative to the policy's folder; empty: none */
	uint8_t hash[BASE_SHA256_SIZE]; /* of the exact file bytes */
};
#define POLICY_FILE_SIZE_MAX (1u << 20)
#define POLICY_SUBJECTS_MAX 64u
#define POLICY_COLUMNS_MAX 4096u /* named in one file */
/* The first mistake only. GH_E_PARSE, GH_E_LIMIT, GH_E_UNSUPPORTED. */
BASE_CHECK int policy_file_parse(struct base_span text, const char *file, struct policy_file **file_r, struct base_fail *fail);
void policy_file_free(struct policy_file **f);
/* The path of a file that the policy at path `policy` names: relative to the policy's folder unless it begins with '/'. NUL-terminated; the caller frees it. */
char *policy_file_beside(struct base_span policy, struct base_span name);
/* Is anybody enforced? Some group, or the policy's default, is treated so; or an application is declared, which always is: a token must not be passed on. */
bool policy_file_enforces(const struct policy_file *f);

#endif
