/* policy_decide_int: what the files of the decision share: the judge (one statement), levels (one Query each), entries (one range table entry
 * each) and flows (what a column carries). Private to policy_decide*.c, policy_level.c, policy_from.c, policy_flow.c, policy_equal.c,
 * policy_write.c, policy_count.c and policy_refuse.c. Input: trees of a hostile client's statements, printed by a server that may be hostile too: every index
 * is checked, every kind has a case, depth and work are bounded. Everything of a judge lives in its scratch arena; only what the decision
 * keeps is in the decision's own.
 *
 * One idea carries it: a secret column (masked, hidden, not to be filtered by, or without a rule) may be named by a plain column reference
 * that is a whole entry of a target list, and nowhere else. So no expression ever holds a secret, in any query of the statement, used or
 * not; what is left to follow are chains of plain references, and a flow is one column or none.
 */
#ifndef POLICY_DECIDE_INT_H
#define POLICY_DECIDE_INT_H

#include "base_mem.h"
#include "policy_decide.h"

#define POLICY_DEPTH_MAX 640u        /* nested queries and expressions; TREE_DEPTH_MAX and the hops between entries */
#define POLICY_STEPS_MAX 2000000u    /* nodes looked at, recursion repeated included */
#define POLICY_SCRATCH_MAX (32u << 20)
#define POLICY_DECISION_MAX (4u << 20)
#define POLICY_REASONS_MAX 512u

enum policy_refuse {
#define REFUSE(id, sqlstate, text, hint) POLICY_REFUSE_##id,
#include "policy_refuse.def"
#undef REFUSE
	POLICY_REFUSE_COUNT
};
enum policy_place { /* where in a query an expression stands, for messages */
#define PLACE(id, words) POLICY_PLACE_##id,
#include "policy_place.def"
#undef PLACE
	POLICY_PLACE_COUNT
};

/* What is in an expression, or in a column. An open column of a person's row that tells of the person is *counted* (policy_decide.h): it may be tested, and
 * every value that was made of it keeps a bit of its occurrence until it is delivered, or not. Bits are of judge.seen. */
struct policy_held {
	uint64_t named;     /* a key or identifier of it is in here */
	uint64_t counted;   /* a counted column of it is; under an approval a secret one, too */
	uint64_t clear;     /* the same, other than its key */
	uint64_t rows;      /* the value changes with its rows; gathered where scope->counts */
	bool others;        /* it changes with rows that are nobody's, too: of a function, of VALUES, of the server's own relations, of a recursion, of a window */
	bool hidden;        /* under an approval: a secret is in it that this scope does not see as it is; and the strongest mask of those, with its rule: */
	struct policy_mask mask;
	struct policy_where rule;
	const struct policy_scope_relation *relation; /* borrow: of the first counted column, for messages; NULL: none */
	const struct policy_scope_column *column;     /* borrow */
};
struct policy_flow { /* what a column carries; all zero but occurrence: nothing */
	const struct policy_scope_relation *relation; /* borrow: of the bare column; NULL: an expression */
	const struct policy_scope_column *column;     /* borrow */
	size_t occurrence;  /* SIZE_MAX: cannot be told; never so of what goes out masked */
	struct policy_mask mask;
	struct policy_where rule;
	bool secret;        /* may not be computed with, tested or compared */
	bool unknown;       /* secret because no rule classifies it: not delivered either */
	bool mixed;         /* secret, and not from one column of one row: not delivered either */
	bool computed;      /* secret by a view's rule only: an expression over open columns, nobody's key is asked for */
	bool vouched;       /* computed of counted columns where a trusted view, or an approval, lets it out: beside their keys */
	struct policy_held held;
};
struct policy_entry { /* a range table entry, resolved when first asked for */
	enum { POLICY_ENTRY_NEW, POLICY_ENTRY_BUSY, POLICY_ENTRY_READY } state;
	enum { POLICY_ENTRY_PLAIN, POLICY_ENTRY_FLOWS, POLICY_ENTRY_RELATION, POLICY_ENTRY_JOIN, POLICY_ENTRY_DEAD } kind;
	const struct tree_node *rte;
	struct policy_flow *flow; size_t nflow; /* FLOWS */
	const struct policy_scope_relation *relation; size_t occurrence; /* RELATION */
	struct policy_held held; uint32_t system; /* PLAIN; OID of a system relation, or 0 */
};
struct policy_cte {
	const struct tree_node *node;
	enum { POLICY_CTE_NEW, POLICY_CTE_BUSY, POLICY_CTE_READY } state;
	struct policy_flow *flow; size_t nflow; /* BUSY: what the recursion is taken to be so far */
	unsigned uses;
	uint64_t marks; /* occurrences in it whose rows its tests show */
};
struct policy_level { /* one Query */
	const struct tree_node *query;
	struct policy_level *up;  /* where its outer references point; NULL: the statement itself */
	struct tree_list rtable;
	struct policy_entry *entry;
	struct policy_cte *cte; size_t ncte;
	struct policy_flow *target; /* one for each entry of its target list, junk included */
	struct policy_flow *out; size_t nout; /* result columns in order */
	unsigned trust;
	int64_t write_target;     /* RTE index of INSERT, UPDATE, DELETE; 0: reads */
	int64_t excluded;         /* RTE index of ON CONFLICT's excluded row */
};
struct policy_seen { /* an occurrence, and what made it: the same again is the same occurrence, however often a query is judged */
	struct policy_occurrence pub;
	const void *made_by;
	size_t of, and_of; /* renamed or merged occurrences; SIZE_MAX */
	bool table;        /* rows of a table: its subject's key does not repeat, as it may in a view */
	bool marked;       /* its rows were compared with other rows: what is delivered of those tells of them */
	bool tested;       /* the same, other than by the order of a window */
	bool direct;       /* an entry of the statement's own range table, not derived */
	int64_t index;     /* direct: its place there */
};
struct policy_judge {
	const struct policy_scope *scope;     /* borrow */
	const struct policy_objects *objects; /* borrow */
	struct policy_decision *d;            /* borrow: being made */
	struct base_arena *scratch;           /* own */
	bool explain, approved;
	bool insert_value;                    /* in a value of INSERT: nextval of a constant is the column's default */
	unsigned depth, steps, trust;         /* trust > 0: inside what the policy or the server vouches for */
	enum policy_place place;
	struct policy_held held;              /* gathered while an expression is walked */
	uint64_t nullable;                    /* occurrences whose rows an outer join may leave out: their key is NULL then, and nobody is counted */
	const char *combines;                 /* what makes rows of one person depend on rows of others, in any query; NULL: nothing */
	uint64_t marks;                       /* occurrences marked, of the WITH query that is being judged or of all */
	const struct tree_node *link;         /* the last sub-select found to be `key IN (SELECT key ...)` */
	bool writes_others;                   /* a harmless column is written with what changes from row to row */
	struct policy_seen seen[POLICY_OCCURRENCES_MAX];
	size_t nseen;
	struct policy_equality equality[POLICY_OCCURRENCES_MAX];
	size_t nequality;
	const char *file;                     /* borrow: the policy's name, for refusals without a rule */
};

/* All of these return 0, GH_E_DENIED (the refusal is in j->d) or GH_E_NOMEM. */

/* ---- policy_refuse.c ---- */
struct policy_args { struct base_span a, b, c; }; /* fill %1, %2, %3 of a refusal's text and hint */
BASE_CHECK int policy_refuse(struct policy_judge *j, enum policy_refuse id, struct policy_where rule, struct policy_args args);
BASE_CHECK int policy_refuse_secret(struct policy_judge *j, const struct policy_flow *f); /* at j->place */
BASE_CHECK int policy_refuse_counted(struct policy_judge *j, const struct policy_held *h); /* at j->place */
const char *policy_refuse_place(enum policy_place p);
const char *policy_refuse_why(const struct policy_judge *j, const struct policy_flow *f, char *dst, size_t size); /* "it is masked for partner_staff" */
void policy_refuse_note(struct policy_judge *j, unsigned depth, struct policy_where rule, const char *fmt, ...) BASE_PRINTF(4, 5);
BASE_CHECK int policy_refuse_step(struct policy_judge *j); /* one node more: refused past the ceilings */
#define POLICY_NO_RULE ((struct policy_where){NULL, 0})
#define POLICY_ARGS(...) ((struct policy_args){__VA_ARGS__})
#define POLICY_NO_ARGS ((struct policy_args){.a = {NULL, 0}})

/* ---- policy_flow.c ---- */
BASE_CHECK int policy_flow_expression(struct policy_judge *j, struct policy_level *l, const struct tree_node *n); /* no secret in it */
BASE_CHECK int policy_flow_at(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, enum policy_place place);
BASE_CHECK int policy_flow_test(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, enum policy_place place); /* what rows are chosen by */
BASE_CHECK int policy_flow_target(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, struct policy_flow *f_r); /* bare or no secret */
BASE_CHECK int policy_flow_sorts(struct policy_judge *j, const struct tree_list sorts); /* operators of SORTGROUPCLAUSEs */
const struct tree_node *policy_flow_strip(const struct tree_node *n); /* without relabelling between text types */
uint32_t policy_flow_type(const struct tree_node *n); /* type of an expression's value; 0: not said in the tree */
extern const struct policy_flow policy_flow_nothing;

/* ---- policy_count.c ---- */
bool policy_count_judges(const struct policy_judge *j); /* is it to be looked after what is counted, here? */
void policy_count_hold(struct policy_held *into, const struct policy_held *more);
void policy_count_column(const struct policy_judge *j, struct policy_flow *f); /* what a bare column of a relation holds */
void policy_count_mark(struct policy_judge *j, uint64_t bits, uint64_t clear); /* the rows of these occurrences count as shown */
void policy_count_tested(struct policy_judge *j, uint64_t bits, uint64_t clear); /* the same, and what rows there are says what is in them */
void policy_count_test(struct policy_judge *j, const struct policy_held *h);   /* marks what is compared with other rows than its own */
void policy_count_outer(struct policy_judge *j, const struct policy_level *l, const struct tree_node *join); /* a join of l, when its sides are resolved */
void policy_count_combines(struct policy_judge *j, const struct policy_level *l); /* clauses of l by which rows depend on others */
bool policy_count_link(struct policy_judge *j, struct policy_level *l, const struct tree_node *n); /* key = key of one subject? */
bool policy_count_same(const struct policy_flow *a, const struct policy_flow *b); /* both the bare key of one subject? */
BASE_CHECK int policy_count_rename(struct policy_judge *j, const void *made_by, uint64_t bits, uint64_t *bits_r);
BASE_CHECK int policy_count_window(struct policy_judge *j, struct policy_level *l, const struct tree_node *n); /* what a window function goes by */
BASE_CHECK int policy_count_deliver(struct policy_judge *j, const struct policy_flow *f, bool key); /* one result column */
BASE_CHECK int policy_count_settle(struct policy_judge *j, size_t i); /* one occurrence, when all is known */

/* ---- policy_from.c ---- */
BASE_CHECK int policy_from_entry(struct policy_judge *j, struct policy_level *l, int64_t index, struct policy_entry **e_r);
BASE_CHECK int policy_from_var(struct policy_judge *j, struct policy_level *l, const struct tree_node *var, struct policy_flow *f_r);
BASE_CHECK int policy_from_cte(struct policy_judge *j, struct policy_level *l, size_t i);
BASE_CHECK int policy_from_occurrence(struct policy_judge *j, const struct policy_seen *like, size_t *i_r);
BASE_CHECK int policy_from_touch(struct policy_judge *j, const struct tree_node *n); /* all that a vouched-for part reads */
struct policy_flow policy_from_column(const struct policy_judge *j, const struct policy_scope_relation *r, const struct policy_scope_column *c, size_t occurrence);
bool policy_from_identifies(const struct policy_scope_relation *r, int16_t attnum, bool key_only);

/* ---- policy_level.c ---- */
BASE_CHECK int policy_level_new(struct policy_judge *j, struct policy_level *up, const struct tree_node *query, struct policy_level **l_r);
BASE_CHECK int policy_level_judge(struct policy_judge *j, struct policy_level *up, const struct tree_node *query, struct policy_level **l_r);
BASE_CHECK int policy_level_quals(struct policy_judge *j, struct policy_level *l, const struct tree_node *jointree);
BASE_CHECK int policy_level_outputs(struct policy_judge *j, struct policy_level *l, struct tree_list targets);

/* ---- policy_equal.c ---- */
bool policy_equal_built_in(uint32_t function);
BASE_CHECK int policy_equal_where(struct policy_judge *j, struct policy_level *l, const struct tree_node *quals);

/* ---- policy_rows.c ---- */
BASE_CHECK int policy_rows_inside(struct policy_judge *j, const struct tree_node *n); /* below a view that is not judged */
BASE_CHECK int policy_rows_check(struct policy_judge *j, struct policy_level *l, int64_t index, const struct policy_scope_relation *r);

/* ---- policy_write.c ---- */
BASE_CHECK int policy_write_judge(struct policy_judge *j, const struct tree_node *query, struct policy_level **l_r);

#endif
