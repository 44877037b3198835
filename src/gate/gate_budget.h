/* gate_budget: how many distinct subjects a holder has seen in a sliding window; one for the process, shared by all threads (one mutex; nothing under it
 * allocates without bound or does I/O). An account holds the marks that one holder (actor, employer, group) has seen of one kind of thing, with when last.
 *
 *   take     before release: is there room in every window of every account? Then all of them note the mark as pending; else none does
 *   settle   its entry is durable: the marks are seen, now
 *   release  it was not delivered: what nobody else has seen or waits for is taken out
 *
 * Exact: a mark counts in a window of w when it was last settled within w, or is pending. A mark that counts in a window is free there. Time is monotonic (the
 * caller's); a clock that is set has no effect while the gate runs. Memory: GATE_BUDGET_NODE bytes for each mark of each account; an account never holds more marks
 * than its largest limit allows, and all accounts together no more than `max` bytes: then take says FULL.
 */
#ifndef GATE_BUDGET_H
#define GATE_BUDGET_H

#include "base_span.h"
#include "policy_rule.h"

#define GATE_BUDGET_NODE 48u
#define GATE_BUDGET_CHARGES_MAX 24u

struct gate_budget;
struct gate_account; /* reference-counted by the budget */
struct gate_account_name { enum policy_holder holder; struct base_span who; /* "wang", "Acme", "partner_staff" */
	struct base_span what; /* "customer", or "lookups" */ enum policy_adjective adjective; };

struct gate_budget_limit { uint64_t n, window_us; const void *rule; }; /* rule: the caller's, given back */
struct gate_charge { struct gate_account *account; const struct gate_budget_limit *limit; size_t nlimits; /* none: it is only noted */ };
struct gate_budget_refusal { size_t charge; const struct gate_budget_limit *limit; uint64_t refill_us; /* monotonic: when the first place becomes free; 0: not before a pending one is settled or released */ uint64_t seen; };
enum gate_budget_answer { GATE_BUDGET_TAKEN, GATE_BUDGET_REFUSED, GATE_BUDGET_FULL };

struct gate_budget *gate_budget_new(size_t max_bytes);
void gate_budget_free(struct gate_budget **b);
/* Keeps marks of this account for `keep_us` (the largest of all calls; at most a week). */
struct gate_account *gate_budget_account(struct gate_budget *b, const struct gate_account_name *name, uint64_t keep_us); /* never NULL; give back with _drop */
void gate_budget_drop(struct gate_budget *b, struct gate_account **a);
/* All or nothing. Of several limits that refuse, the first in the order of charges and limits is told. A mark that this taker holds pending already is taken again: each
 * take needs its own settle or release. */
enum gate_budget_answer gate_budget_take(struct gate_budget *b, const struct gate_charge *charges, size_t ncharges, uint64_t mark, uint64_t now_us, struct gate_budget_refusal *r);
void gate_budget_settle(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us);
void gate_budget_release(struct gate_budget *b, struct gate_account *const *accounts, size_t naccounts, const uint64_t *marks, size_t nmarks, uint64_t now_us);
/* From the ledger, at start: seen_us is monotonic, of before the process too (as negative as need be). */
void gate_budget_seed(struct gate_budget *b, struct gate_account *a, uint64_t mark, int64_t seen_us, uint64_t now_us);
/* Distinct marks that count in this window now. */
uint64_t gate_budget_count(struct gate_budget *b, struct gate_account *a, uint64_t window_us, uint64_t now_us);
size_t gate_budget_bytes(struct gate_budget *b);
size_t gate_budget_accounts(struct gate_budget *b);

#endif
