/* cli_replay: what `policy replay` is made of: what the ledger recorded, decided upon once more under another policy.
 *
 *   cli_replay_judge   would this statement be allowed to this person?   (asks the server for the tree of each text once for each set of groups)
 *   cli_replay_count   whom would the budgets have stopped, and when?    (pure: the same accounts as the gate's, gate_budget)
 *   cli_replay_tally   what came of it, actor by actor, cause by cause   (pure)
 *   cli_replay_print   tables and JSON
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "cli_live.h"
#include "cli_marks.h"
#include "event_entry.h"
#include "policy_only.h"

/* ---- tally ---- */
enum cli_replay_what { CLI_REPLAY_REFUSED, CLI_REPLAY_CUT, CLI_REPLAY_STEP, CLI_REPLAY_ASK, CLI_REPLAY_WHATS };
struct cli_replay_cause {
	enum cli_replay_what what;
	char *words, *rule;   /* own: "column phone ... is masked", "shop.gate:31" or "" */
	uint64_t n, first_us; /* look-ups */
};
struct cli_replay_actor {
	char *actor, *name, *employer; /* own */
	uint64_t looks, did[CLI_REPLAY_WHATS]; /* look-ups by what came of them; one may be in STEP or ASK and in another */
	uint64_t more, less;        /* look-ups that would show more of the person, or less */
	uint64_t released;          /* refused then, allowed now */
	uint64_t unknown;           /* statements that could not be analysed: only the rules that need no tree were applied */
	uint64_t persons, fewer;    /* distinct persons seen, and those of them who would not have been */
	uint64_t first_us;          /* of what was refused or cut; 0 = never */
	struct cli_replay_cause *cause; size_t ncauses; /* own */
};
struct cli_replay_tally {
	struct cli_replay_actor **actor; size_t nactors; /* own */
	struct base_map *by_name;                        /* own; borrows actor */
	struct cli_marks *marks;                         /* own */
	struct base_map *owners;                         /* own: (actor, kind, year) -> number from 1 */
	uint64_t unasked;    /* rows whose reason was not asked for then, under a policy that asks */
	uint64_t nobody;     /* look-ups whose rows name no person: no budget can count them */
	char *unknown;       /* own: why the first statement that could not be analysed could not; NULL */
	uint64_t from_us, to_us; /* times of what was looked at; to_us 0: nothing was */
};
void cli_replay_tally_init(struct cli_replay_tally *t);
void cli_replay_tally_done(struct cli_replay_tally *t);
struct cli_replay_actor *cli_replay_actor(struct cli_replay_tally *t, const struct event_entry *e); /* made when it is not there */
void cli_replay_note(struct cli_replay_actor *a, enum cli_replay_what what, const char *words, const struct policy_where *rule, uint64_t time_us);
/* One person in an answer; goes: it would still have gone out. GH_E_LIMIT: more persons than cli_marks holds. */
BASE_CHECK int cli_replay_person(struct cli_replay_tally *t, struct cli_replay_actor *a, struct base_span kind, uint32_t epoch, uint64_t mark, bool goes);

/* ---- one look-up ---- */
#define CLI_REPLAY_KINDS 16u
struct cli_replay_look { /* of one statement of one session; lives while its answer's entries come */
	uint64_t seq;
	bool refused;   /* nothing of it goes out */
	bool cut;       /* from here on nothing more goes out */
	bool less, more, stepped, named; /* stepped: its tables were looked at; named: some row of it named a person */
	uint64_t rows;
};

/* ---- budgets ---- */
struct cli_replay_count;
struct cli_replay_count *cli_replay_count_new(size_t max_bytes);
void cli_replay_count_free(struct cli_replay_count **c);
/* How a subject's rows go out under the new policy. */
struct cli_replay_shows { bool shows, clear; };
/* The rows of one entry, in order, against all of scope's budgets, steps and asks. shows: of each of e->kinds; t NULL: only the accounts are filled (before --since).
 * policy: names of subjects. now_us: the entry's time, never less than the one before. GH_E_LIMIT: more than max_bytes. */
BASE_CHECK int cli_replay_charge(struct cli_replay_count *c, const struct policy_scope *scope, const struct policy_file *policy, const struct event_entry *e,
    const struct cli_replay_shows *shows, uint64_t now_us, struct cli_replay_look *look, struct cli_replay_tally *t, struct cli_replay_actor *a, struct base_fail *fail);

/* ---- decisions ---- */
struct cli_verdict_kept { /* what is kept of a decision */
	bool known, refused, query;          /* known: the statement could be analysed; query: there is a decision about columns */
	char *words, *rule; unsigned line;   /* own: of a refusal, or why it is not known; line of rule, 0 = none */
	size_t nmasked; char **masked;       /* own: "public.customers.phone last 4" */
	size_t nkinds; struct { char kind[130]; struct cli_replay_shows shows; } kinds[CLI_REPLAY_KINDS]; /* subjects whose rows would go out */
};
struct cli_replay_judge;
BASE_CHECK int cli_replay_judge_new(const struct cli_live *l, struct cli_replay_judge **j_r, struct base_fail *fail); /* reads the approved statements that the policy names */
void cli_replay_judge_free(struct cli_replay_judge **j);
/* The scope of this entry's actor: by the people file, else by the groups that the entry has. Borrowed. */
BASE_CHECK int cli_replay_scope(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person **person_r, struct policy_scope **scope_r, struct base_fail *fail);
BASE_CHECK int cli_replay_judge(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person *p, struct policy_scope *scope, struct cli_verdict_kept **kept_r,
    struct base_fail *fail);
size_t cli_replay_statements(const struct cli_replay_judge *j); /* different ones, with the groups */

/* ---- print ---- */
struct cli_replay_about { const struct policy_file *policy; uint64_t since_us; const char *only_actor; size_t statements; };
BASE_CHECK int cli_replay_print(const struct cli_replay_tally *t, const struct cli_replay_about *about); /* GH_E_IO */
BASE_CHECK int cli_replay_json(const struct cli_replay_tally *t, const struct cli_replay_about *about);

#endif
