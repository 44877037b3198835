/* policy_only: may this person be here now? `only from network`, `only during`, `only with certificate`, `only vetted` of all of a person's groups, and the
 * people file's left_on. Pure: local time comes through a function, so that time zones are the caller's.
 */
#ifndef POLICY_ONLY_H
#define POLICY_ONLY_H

#include "policy_people.h"
#include "policy_scope.h"

struct policy_local { unsigned weekday; /* 0 Monday */ unsigned minute; /* of the day */ char date[11]; /* "2026-11-22" */ };
struct policy_moment {
	uint64_t wall_us;
	/* Local time at wall_us; zone empty: the policy's own. False: no such zone (loading has checked; then the answer is no). */
	bool (*local)(void *ctx, struct base_span zone, uint64_t wall_us, struct policy_local *l_r);
	void *ctx;
	struct base_span address;   /* "10.1.2.3", "2001:db8::1" or "local" (a Unix socket: in no network but where no `only from` is said) */
	bool certificate;           /* logged in by a client certificate, or one was verified in the handshake */
};
enum policy_only_answer { POLICY_ONLY_YES, POLICY_ONLY_NETWORK, POLICY_ONLY_HOURS, POLICY_ONLY_CERTIFICATE, POLICY_ONLY_VETTED, POLICY_ONLY_LEFT };
/* person NULL: not in the people file (vetted then fails; left_on cannot). rule_r: the line that says no; line 0 for LEFT; untouched, as words_r is, when the answer is yes.
 * words_r: a sentence without a full stop, for the person: "outside Mon-Fri 07:30-19:00 Europe/Berlin", "vetting lapsed on 2026-10-01". */
enum policy_only_answer policy_only_check(const struct policy_scope *s, const struct policy_person *person, const struct policy_moment *m, struct policy_where *rule_r, char *words_r, size_t size);
/* The person's left_on alone: holds for everybody, observed or enforced. */
bool policy_only_left(const struct policy_person *person, const struct policy_moment *m);
/* Parses "10.20.0.0/16" or "2001:db8::/48" and tells whether an address is inside. GH_E_PARSE: not a network; GH_E_LIMIT: host bits that are not zero. */
BASE_CHECK int policy_network_parse(struct base_span s, struct policy_network *n_r);
bool policy_network_has(const struct policy_network *n, struct base_span address);

#endif
