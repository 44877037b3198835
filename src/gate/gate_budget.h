/* gate_budget: how many distinct subjects a holder has seen in a sliding window; one for the process, shared by all threads (one mutex; nothing under it
 * allocates without bound or does I/O). An account holds the marks that one holder (actor, employer, group) has seen of one kind of thing, with when last.
 *
 *   take     before release: is there room in every window of every account? Then all of them note the mark as pending; else none does
 *   settle   its entry is durable: the marks are seen, now
 *   release  it was not delivered: what nobody else has seen or waits for is taken out
 *
 * Exact: a mark counts in a window of w when it was last settled within w, or is pending. A mark that counts in a window is free there. Time is monotonic (the
 * caller's; the latest of all threads holds); a clock that is set has no effect while the gate runs. Each call is O(charges, limits) amortised, however many marks
 * an account holds; so long as an account is not asked for more than GATE_BUDGET_WINDOWS different windows.
 *
 * Memory: GATE_BUDGET_NODE bytes for each mark of each account. An account holds what its limits let through within its keep_us, and what is pending; all accounts
 * together take no more than `max` bytes: then take says FULL. What was once used is kept for the marks to come, not given back to the system. Marks of which every
 * window has passed go a few with each take, of whichever account, and all with sweep; an account without marks and without handles goes too.
 */
#ifndef GATE_BUDGET_H
#define GATE_BUDGET_H

#include "base_span.h"
#include "policy_rule.h"

#define GATE_BUDGET_NODE 48u
#define GATE_BUDGET_CHARGES_MAX 24u /* of one take; asserted */
#define GATE_BUDGET_WINDOWS 16u     /* of different length on one account */
#define GATE_BUDGET_KEEP_MAX (UINT64_C(7) * 86400 * 1000000) /* a week; longer windows count as a week */

struct gate_budget;
struct gate_account; /* reference-counted by the budget */
struct gate_account_name { enum policy_holder holder; struct base_span who; /* "wang", "Acme", "partner_staff" */
	struct base_span what; /* "customer", or "lookups" */ enum policy_adjective adjective; };

struct gate_budget_limit { uint64_t n, window_us; const void *rule; }; /* rule: the caller's, given back */
struct gate_charge { struct gate_account *account; const struct gate_budget_limit *limit; size_t nlimits; /* none: it is only noted */ };
struct gate_budget_refusal { size_t charge; const struct gate_budget_limit *limit;
	uint64_t refill_us; /* monotonic: when the first place becomes free; 0: not before a pending one is settled or released, or never (n is 0). Of an account that is
	                       over its limit by thousands, because that was lowered: not after the first place becomes free */
	uint64_t seen; };   /* counted in the window now */
enum gate_budget_answer { GATE_BUDGET_TAKEN, GATE_BUDGET_REFUSED, GATE_BUDGET_FULL };

struct gate_budget *gate_budget_new(size_t max_bytes);
void gate_budget_free(struct gate_budget **b);
/* Keeps marks of this account for `keep_us` (the largest of all calls, and of all windows asked for; at most a week). The same name is the same account, while somebody
 * has it or it has marks. */
struct gate_account *gate_budget_account(struct gate_budget *b, const struct gate_account_name *name, uint64_t keep_us); /* never NULL; give back with _drop */
void gate_budget_drop(struct gate_budget *b, struct gate_account **a);
/* All or nothing. Of several limits that refuse, the first in the order of charges and limits is told. A mark that this taker holds pending already is taken again: each
 * take needs its own settle or release. An account that stands in several charges notes the mark once (and is settled or released once). */
enum gate_budget_answer gate_budget_take(struct gate_budget *b, const struct gate_charge *charges, size_t ncharges, uint64_t mark, uint64_t now_us, struct gate_budget_refusal *r);
/* An account listed twice counts once, a mark listed twice counts twice. A mark settled without a take is seen all the same, if there is room; one released without is
 * left alone. */
void gate_budget_settle(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us);
void gate_budget_release(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us);
/* From the ledger, at start: seen_us is monotonic, of before the process too (as negative as need be); in any order, cheap when ascending. The latest sight of a mark
 * holds; one of the future is now; one older than keep_us is left out. False: there is no room, it was not noted. */
BASE_CHECK bool gate_budget_seed(struct gate_budget *b, struct gate_account *a, uint64_t mark, int64_t seen_us, uint64_t now_us);
/* Forgets the oldest marks that nobody waits for, until n of them are left. What limits of at most n say is the same as before, and when they refill: with more, they
 * refused. Only that a mark that is forgotten is not free any more. */
void gate_budget_trim(struct gate_budget *b, struct gate_account *a, uint64_t n, uint64_t now_us);
/* Frees what is too old to count: for a timer, so that a gate at rest shrinks. Holds the mutex for a few hundred marks at a time. */
void gate_budget_sweep(struct gate_budget *b, uint64_t now_us);
/* Distinct marks that count in this window now. */
uint64_t gate_budget_count(struct gate_budget *b, struct gate_account *a, uint64_t window_us, uint64_t now_us);
size_t gate_budget_bytes(struct gate_budget *b); /* in use */
size_t gate_budget_accounts(struct gate_budget *b);
bool gate_budget_sane(struct gate_budget *b); /* for tests: the numbered invariants of gate_budget.c hold; O(everything) */

#endif
