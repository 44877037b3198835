/* policy_case: see policy_case.h. Input: the company's ticket table, which many people write to, and names that a session or a token claims: any of it may be empty,
 * absurd or forged. Decides from what it is given alone: asks nothing, keeps nothing, changes nothing.
 *
 * Why so strict in one place: a declared number narrows what counts to the tickets of that number, also where another ticket of the subject would have explained the
 * look-up. A number that is not the subject's was made up or copied from another call, and must not be repaired silently.
 * Disadvantage: a statement that shows several subjects under one declared case explains the one subject that the case is about.
 */
#include "policy_case.h"

/* Ascending: the better explanation. */
enum case_rank { CASE_NOTHING, CASE_ELSEWHERE, CASE_ALONE, CASE_COLLEAGUE, CASE_OWN };

/* Two names that are both known, and the same. */
static bool
case_same(struct base_span a, struct base_span b)
{
	return a.n > 0 && base_span_eq(a, b);
}

/* A ticket that nobody knows the opening time of bounds nothing at its beginning. */
static bool
case_in_time(const struct policy_ticket *t, uint64_t at_us)
{
	if (t->has_opened && at_us < t->opened_us && t->opened_us - at_us > POLICY_CASE_EARLY_US)
		return false;
	if (t->open && (!t->has_opened || at_us <= t->opened_us || at_us - t->opened_us <= POLICY_CASE_OPEN_US))
		return true;
	return t->has_closed && (at_us <= t->closed_us || at_us - t->closed_us <= POLICY_CASE_LATE_US);
}

/* Does somebody of the asker's organisation work on it? The people file knows who belongs where; the ticket's own word for a team counts unless that file says that
 * the assignee is another employer's, because two employers may both have a team "B2". */
static bool
case_colleague(const struct policy_ticket *t, const struct policy_asker *a)
{
	const struct policy_person *p = a->people && t->person.n > 0 ? policy_people_find(a->people, t->person) : NULL;

	if (p && p->employer.n > 0 && a->employer.n > 0)
		return base_span_eq(p->employer, a->employer);
	return case_same(t->team, a->team) || (p && case_same(p->team, a->team));
}

static enum case_rank
case_rank(const struct policy_ticket *t, const struct policy_asker *a)
{
	bool own = case_same(t->person, a->actor);

	if (case_same(t->opener, a->actor) && (own || t->person.n == 0))
		return CASE_ALONE; /* also one that waits in the team's queue: nobody else has seen it */
	if (own)
		return CASE_OWN;
	return case_colleague(t, a) ? CASE_COLLEAGUE : CASE_ELSEWHERE;
}

enum policy_class
policy_case_weigh(const struct policy_ticket *tickets, size_t n, const struct policy_asker *asker, struct base_span declared, uint64_t at_us, size_t *by_r)
{
	enum case_rank best = CASE_NOTHING;
	size_t by = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct policy_ticket *t = &tickets[i];
		if ((declared.n > 0 && !base_span_eq(t->number, declared)) || !case_in_time(t, at_us))
			continue;
		enum case_rank rank = case_rank(t, asker);
		if (rank > best) {
			best = rank;
			by = i;
		}
	}
	*by_r = by;
	return best >= CASE_COLLEAGUE ? POLICY_CLASS_EXPLAINED : best > CASE_NOTHING ? POLICY_CLASS_WEAK : POLICY_CLASS_UNEXPLAINED;
}

const char *
policy_class_word(enum policy_class c)
{
	static const char *const word[] = {
		[POLICY_CLASS_NONE] = "", [POLICY_CLASS_EXPLAINED] = "explained", [POLICY_CLASS_WEAK] = "weak", [POLICY_CLASS_UNEXPLAINED] = "unexplained"};

	return (size_t)c < BASE_COUNT(word) ? word[c] : "";
}
