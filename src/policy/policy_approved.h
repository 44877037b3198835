/* policy_approved: statements of an application that its owner read and approved: exact text and tree. A file that people read and edit:
 *
 *   # comment
 *   application crm
 *   statement 3f2a...64 hex          SHA-256 of the exact text as the program sends it
 *     tree 91bc...64 hex             tree_hash of what the server made of it
 *     approved by "Maria Klein" on 2026-11-22        or: proposed (not in force)
 *     seen 1204 times, last 2026-11-20               (for people; optional)
 *     text
 *       | select id, name from customers
 *       | where phone like $1 || '%'
 *
 * Pure. Immutable after parsing, reference-counted. The text is the one that the ledger keeps (literals taken out) or the exact one; it is shown, not matched.
 */
#ifndef POLICY_APPROVED_H
#define POLICY_APPROVED_H

#include "base_crypt.h"
#include "base_fail.h"
#include "base_buf.h"

struct policy_approval {
	struct base_span application;
	uint8_t text_hash[BASE_SHA256_SIZE], tree_hash[BASE_SHA256_SIZE];
	bool approved;
	struct base_span by, on;   /* who and when; empty while proposed */
	uint64_t seen; struct base_span last;
	struct base_span text;     /* lines joined by \n */
	unsigned line;
};
struct policy_approved;
#define POLICY_APPROVED_SIZE_MAX (16u << 20)
BASE_CHECK int policy_approved_parse(struct base_span text, const char *file, struct policy_approved **a_r, struct base_fail *fail);
void policy_approved_ref(struct policy_approved *a);
void policy_approved_unref(struct policy_approved **a);
size_t policy_approved_count(const struct policy_approved *a);
const struct policy_approval *policy_approved_at(const struct policy_approved *a, size_t i);
/* In force (approved) for this application and text; NULL. */
const struct policy_approval *policy_approved_find(const struct policy_approved *a, struct base_span application, const uint8_t text_hash[BASE_SHA256_SIZE]);
void policy_approved_print(const struct policy_approval *a, struct base_buf *out); /* parses back to the same */

#endif
