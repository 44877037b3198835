/* policy_case: is a look-up explained by the company's own tickets? Pure: tickets of one subject come in, a word comes out.
 * Explanation of (actor, subject, time) is the existence of a path in business data (explanation-based auditing, Fabbri & LeFevre, PVLDB 5(1), 2011).
 * A declared case is not believed: it must be about this subject.
 *
 *   EXPLAINED    a ticket of the subject is assigned to the actor, or to a colleague (the assignee has the actor's employer in the people file; else the ticket or that
 *                file says the actor's team, also where a ticket waits for the team and has no assignee)
 *   WEAK         a ticket that only the actor was involved in (opener, and assignee if there is one), or one of another organisation or of nobody known only
 *   UNEXPLAINED  nothing, or the declared case is not one of these: when one is declared, tickets of other numbers do not count
 *
 * A ticket counts when the time is within it: from 30 minutes before it was opened until 24 hours after it was closed; while open, 14 days from its opening (a ticket
 * without a known opening time counts as open as long as `open where` holds).
 */
#ifndef POLICY_CASE_H
#define POLICY_CASE_H

#include "policy_people.h"

enum policy_class { POLICY_CLASS_NONE, POLICY_CLASS_EXPLAINED, POLICY_CLASS_WEAK, POLICY_CLASS_UNEXPLAINED }; /* NONE: not asked */

struct policy_ticket { /* one row of the table that `case from` names; spans borrow */
	struct base_span number, person, opener, team; /* empty = NULL or not said */
	bool open, has_opened, has_closed;             /* open: the condition holds; without one: closed is NULL */
	uint64_t opened_us, closed_us;                 /* wall */
};
struct policy_asker { struct base_span actor, employer, team; const struct policy_people *people; /* may be NULL */ };
#define POLICY_CASE_EARLY_US (30ull * 60 * 1000000)      /* a look-up may come so long before its ticket */
#define POLICY_CASE_LATE_US (24ull * 3600 * 1000000)
#define POLICY_CASE_OPEN_US (14ull * 24 * 3600 * 1000000)
#define POLICY_CASE_SETTLE_US (7ull * 24 * 3600 * 1000000) /* so long an unexplained look-up may still be settled */
/* declared: number of the case that was given; empty = none was. by_r: the ticket that explains best; SIZE_MAX. */
enum policy_class policy_case_weigh(const struct policy_ticket *tickets, size_t n, const struct policy_asker *asker, struct base_span declared, uint64_t at_us, size_t *by_r);
const char *policy_class_word(enum policy_class c); /* "explained", "weak", "unexplained", "" */

#endif
