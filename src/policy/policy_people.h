/* policy_people: the `people` CSV (RFC 4180, UTF-8, header line required): role, name, employer, province, team, groups, vetted_until, left_on.
 * Columns may come in any order; role is required and unique; groups are separated by ';'; unknown columns are an error with a
 * suggestion; errors are "file:line: ...". Pure. Immutable, reference-counted.
 */
#ifndef POLICY_PEOPLE_H
#define POLICY_PEOPLE_H

#include "base_crypt.h"
#include "base_fail.h"
#include "base_span.h"

struct policy_person {
	struct base_span role, name, employer, province, team;
	struct base_span *groups; size_t ngroups;
	struct base_span vetted_until; /* "2027-01-31" or empty; checked to be a date; the last day on which it holds */
	struct base_span left_on;      /* "2026-09-30" or empty; checked to be a date; the last day of work */
};
struct policy_people;
#define POLICY_PEOPLE_SIZE_MAX (64u << 20)
BASE_CHECK int policy_people_parse(struct base_span text, const char *file, struct policy_people **people_r, struct base_fail *fail);
void policy_people_ref(struct policy_people *p);
void policy_people_unref(struct policy_people **p);
const struct policy_person *policy_people_find(const struct policy_people *p, struct base_span role); /* NULL: not listed */
size_t policy_people_count(const struct policy_people *p);
const struct policy_person *policy_people_at(const struct policy_people *p, size_t i); /* ascending role; NULL: there are no more */
const char *policy_people_hash(const struct policy_people *p); /* first 16 hex digits */

#endif
