/* gate_rebuild: what the budgets knew, again from the ledger's entries: at start, and when a policy counts what the one before did not. Input: entries decoded
 * strictly, in the ledger's order. Does no I/O.
 *
 * Every read and write whose rows went out counts for the groups that its entry names, as the policy counts now, observed people's too (masked or not is not
 * recorded of them: as clear). What an entry cannot tell is counted, not left out. Times are of the wall clock: an entry of the future was seen now.
 *
 * Bounded: an account is given no more marks than the largest limit that the policy has for its kind, the newest of them; with so many it refuses as with all of
 * them. In a gate that serves already, sessions charge by the policy before until they have taken over the new one: its limits bound the marks, too, and look-ups that
 * it has counted are passed over, because what was looked up, which the budget counts by, is not always what the answer shows, which the entry has.
 * All accounts are kept for gate_rebuild_reach, so that somebody who changes groups finds what was seen.
 */
#ifndef GATE_REBUILD_H
#define GATE_REBUILD_H

#include "event_entry.h"
#include "gate_budget.h"
#include "policy_map.h"

struct gate_rebuild;
/* Borrows all three until it is freed. was: the policy that was in force until now; NULL: none, at start. The two clocks at one moment. */
struct gate_rebuild *gate_rebuild_new(struct gate_budget *b, const struct policy_map *map, const struct policy_map *was, uint64_t now_wall_us, uint64_t now_mono_us);
void gate_rebuild_entry(struct gate_rebuild *r, const struct event_entry *e); /* other kinds are ignored; the same entry again changes nothing */
uint64_t gate_rebuild_lost(const struct gate_rebuild *r); /* marks for which the budgets' memory had no room: until they are old, budgets let through too much */
void gate_rebuild_free(struct gate_rebuild **r);
uint64_t gate_rebuild_reach(const struct policy_map *map); /* the longest window of any budget, step or ask; 0: none */

#endif
