/* policy_decide: the judge. From the server's own analysed tree and a person's scope to a refusal or a plan. Pure; no I/O, no clock, no cache.
 * The rules in words: docs/DECISION.md.
 *
 * A protected column may be named only by a plain reference that is a whole entry of a target list (through sub-selects, views, CTEs, join aliases,
 * relabelling between text types), in any Query of the statement; so no expression holds one, and what a result column carries is one column of
 * one occurrence of a relation, or nothing protected. It may not occur in any test, order, grouping, window, limit, sample, function argument or
 * written value. The exceptions: the look-up rule (one `column = constant` on AND level of the outermost WHERE per statement), and GROUP BY /
 * DISTINCT where the same occurrence's subject key is grouped by too and ORDER BY names all that is open in the list (else the rows would come in
 * the order of the secret's hashes). Whatever is not understood is refused.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "policy_objects.h"
#include "policy_scope.h"
#include "tree_read.h"

#define POLICY_OCCURRENCES_MAX 64u
#define POLICY_COLUMNS_OUT_MAX 1664u

enum policy_statement { POLICY_SELECT, POLICY_INSERT_INTO, POLICY_UPDATE_SET, POLICY_DELETE_FROM };

struct policy_occurrence { /* one appearance of a relation of the scope, anywhere in the statement */
	const struct policy_scope_relation *relation; /* borrow: scope's */
	struct base_span alias, key_name; /* how its key is called in the outermost query: alias.key_name; empty when it cannot be named there */
	bool delivers;             /* a protected or identifying column of it reaches the result */
	bool must_key;             /* its rows are of a subject, and a protected column of it reaches the result or, where scope->counts, any that is not harmless: its key must
	                              be delivered too */
	bool shows;                /* scope->counts: a column of it that is not harmless reaches the result: its rows are charged */
	bool shows_clear;          /* and one of these, other than its key, goes out as it is */
	bool compared;             /* scope->counts: its rows are compared with other rows, or order a window: the rest of the row, or how many there are, tells of it */
	size_t key_column;         /* result column that is its key, bare; SIZE_MAX = none */
	bool can_splice;           /* `, alias.key_name` may be added to the outermost select list without changing the rows: a table, or a view or sub-select that
	                              shows its key, in the outermost FROM; no DISTINCT, GROUP BY, aggregate, set operation, window */
};
struct policy_result_column {
	struct base_span name;
	uint32_t type_oid;
	size_t occurrence;         /* SIZE_MAX: not a bare column of a relation of the scope */
	int16_t attnum;            /* of the occurrence's relation; 0 = none */
	struct policy_mask mask;   /* NONE: goes out as it is */
	struct policy_where rule;  /* of the mask */
	bool counted;              /* scope->counts: not harmless, not the key */
};
struct policy_equality { /* AND level of the outermost WHERE: column of a subject's relation = constant or parameter */
	const struct policy_scope_relation *relation;
	int16_t attnum;
	bool lookup;               /* the probe of the look-up exception: recorded hit or miss */
	uint32_t param;            /* $n, from 1; 0: constant */
	struct base_span value;    /* of a constant: its canonical text; in the decision's memory */
};
struct policy_reason { unsigned depth; const char *text; struct policy_where rule; };
struct policy_refusal {
	const char *id;            /* of policy_refuse.def, "SECRET_MASKED": for tests, logs and metrics; static */
	char sqlstate[6];          /* 42501, 0A000, 54000 */
	char text[512];            /* what was refused and why: "column phone of public.customers may not be used in WHERE: it is masked for partner_staff" */
	char hint[256];            /* what to write instead */
	struct policy_where rule;  /* line 0: no rule allows it, file given */
};
struct policy_decision {
	bool refused; struct policy_refusal refusal;
	enum policy_statement statement;
	struct policy_result_column *columns; size_t ncolumns; /* of SELECT and RETURNING, in order, without junk */
	struct policy_occurrence *occurrences; size_t noccurrences;
	struct policy_equality *equalities; size_t nequalities;
	bool touches_protected;    /* a protected column is named anywhere: errors after Bind say nothing of data */
	bool touches_subjects;     /* a relation of a subject is read or written: there must be a record */
	bool masks;                /* some result column is masked */
	bool calls_reviewed;       /* a function of `trust function` runs: rows go out only when its body is seen to be the reviewed one still */
	bool row_marks;            /* FOR UPDATE / SHARE (always refused today) */
	struct policy_reason *reasons; size_t nreasons; /* only when asked for */
	struct base_arena *arena;  /* own: everything above */
};
/* Where scope->counts, a column of a subject's relation that is not harmless may be tested freely when it is open, but may not go into an expression, an aggregate or
 * a set that reaches the result: nobody could say whose it was. Rows that are compared with other rows than their own count as shown: must_key. A key that is
 * wanted for that and is neither there nor can be added refuses the statement here (COUNTED_KEY, COUNTED_TEST); under the older rule for secrets alone, the gate does. */
/* approved: the owner approved this text with this tree (policy_approved.h): protected columns may be used in expressions and tests, and must_key, masks and
 * counting hold all the same. A result column that is computed from protected ones goes out hidden (and needs no key) unless all of them go out clear for this scope.
 * queries: tree_queries() of the statement; exactly one is accepted. explain: collect reasons.
 * A refusal is a result, not a failure. GH_E_NOMEM, GH_E_LIMIT (also a refusal 54000 is preferred). scope's map and the tree must outlive the decision only
 * as far as borrowed scope pointers go; texts are copied. */
BASE_CHECK int policy_decide(const struct policy_scope *scope, const struct policy_objects *objects, struct tree_list queries, bool approved, bool explain, struct policy_decision **d_r);
void policy_decision_free(struct policy_decision **d);

#endif
