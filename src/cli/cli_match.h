/* cli_match: which ledger entries speak of one person. Pure: entries in, answers out.
 *
 * The asked identifiers (marks) are the start. A tuple that pairs an asked mark with others of the same subject teaches those others:
 * asked phone -> the key beside it -> the e-mail beside that key. The key is the centre: an identifier that was only learned is never
 * followed to another key, since two customers may share a telephone. So:
 *   learned from a tuple  if it holds an asked mark, or its key is asked or learned
 *   a tuple matches       if it holds an asked mark, or its key is asked or learned, or it has no key and holds a learned mark
 * A disadvantage: an identifier that passed to somebody else later (a recycled number), in an answer without the key, matches both.
 * Marks of different years never meet: what is learned in one epoch says nothing in another.
 */
#ifndef CLI_MATCH_H
#define CLI_MATCH_H

#include "event_entry.h"

struct cli_match;
struct cli_match *cli_match_new(void);
void cli_match_free(struct cli_match **m);
/* kind: "customer.phone". Mark 0 (absent) is ignored. */
void cli_match_ask(struct cli_match *m, unsigned epoch, struct base_span kind, uint64_t mark);
/* Looks at one entry for pairs; true when something new was learned. Call for all entries until a whole pass learns nothing. */
bool cli_match_learn(struct cli_match *m, const struct event_entry *e);

struct cli_hit {
	uint64_t tuples;    /* rows of the entry that speak of the person */
	size_t nthrough;    /* kinds by which they matched; indices into e->kinds, each once */
	size_t through[EVENT_LIST_MAX];
};
bool cli_match_entry(const struct cli_match *m, const struct event_entry *e, struct cli_hit *hit_r);

#endif
