/* policy_level: one Query of a statement: which clauses it has, what may stand in each, and what its result columns carry. Every clause is
 * named here; a Query has no other place for an expression. Pure. */
#include "policy_decide_int.h"

static int
malformed(struct policy_judge *j, const char *what)
{
	return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str(what), {0}, {0}));
}

/* What no Query may have, whatever it does. */
static int
check_class(struct policy_judge *j, const struct tree_node *q)
{
	if (!q || q->kind != TREE_QUERY)
		return malformed(j, "a sub-select is not a query");
	if (tree_has(q, TREE_F_UTILITY_STMT) || tree_number(q, TREE_F_COMMAND_TYPE) == 6)
		return policy_refuse(j, POLICY_REFUSE_UTILITY, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (tree_number(q, TREE_F_QUERY_SOURCE) != 0)
		return policy_refuse(j, POLICY_REFUSE_RULE, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (tree_bool(q, TREE_F_HAS_FOR_UPDATE) || tree_list(q, TREE_F_ROW_MARKS).n > 0) {
		j->d->row_marks = true;
		return policy_refuse(j, POLICY_REFUSE_LOCKING, POLICY_NO_RULE, POLICY_NO_ARGS);
	}
	if (tree_bool(q, TREE_F_HAS_MODIFYING_CTE))
		return policy_refuse(j, POLICY_REFUSE_MODIFYING_WITH, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (tree_list(q, TREE_F_MERGE_ACTION_LIST).n > 0)
		return policy_refuse(j, POLICY_REFUSE_MERGE, POLICY_NO_RULE, POLICY_NO_ARGS);
	return 0;
}

int
policy_level_new(struct policy_judge *j, struct policy_level *up, const struct tree_node *query, struct policy_level **l_r)
{
	struct policy_level *l;
	struct tree_list ctes;
	int rc = check_class(j, query);

	if (rc != 0)
		return rc;
	l = base_arena_get(j->scratch, sizeof(*l));
	if (!l)
		return GH_E_NOMEM;
	ctes = tree_list(query, TREE_F_CTE_LIST);
	l->query = query;
	l->up = up;
	l->trust = j->trust;
	l->rtable = tree_list(query, TREE_F_RTABLE);
	l->entry = base_arena_get(j->scratch, (l->rtable.n + 1) * sizeof(l->entry[0]));
	l->ncte = ctes.n;
	l->cte = base_arena_get(j->scratch, (ctes.n + 1) * sizeof(l->cte[0]));
	if (!l->entry || !l->cte)
		return GH_E_NOMEM;
	for (size_t i = 0; i < ctes.n; i++)
		l->cte[i].node = ctes.item[i];
	*l_r = l;
	return 0;
}

/* ---- FROM and WHERE ---- */
static int
from_item(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	struct policy_entry *e;
	struct tree_list items;
	int rc;

	if (!n)
		return malformed(j, "an empty FROM item");
	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0 && n->kind == TREE_RANGETBLREF) {
		rc = policy_from_entry(j, l, tree_number(n, TREE_F_RTINDEX), &e);
		if (rc == 0 && e->kind == POLICY_ENTRY_DEAD)
			rc = policy_refuse(j, POLICY_REFUSE_VIEW_ROW, POLICY_NO_RULE, POLICY_NO_ARGS);
	} else if (rc == 0 && n->kind == TREE_JOINEXPR) {
		rc = from_item(j, l, tree_child(n, TREE_F_LARG));
		if (rc == 0)
			rc = from_item(j, l, tree_child(n, TREE_F_RARG));
		if (rc == 0)
			rc = policy_flow_test(j, l, tree_child(n, TREE_F_QUALS), POLICY_PLACE_JOIN);
		if (rc == 0)
			policy_count_outer(j, l, n);
	} else if (rc == 0 && n->kind == TREE_FROMEXPR) {
		items = tree_list(n, TREE_F_FROMLIST);
		for (size_t i = 0; rc == 0 && i < items.n; i++)
			rc = from_item(j, l, items.item[i]);
		if (rc == 0)
			rc = l->up || l->write_target ? policy_flow_test(j, l, tree_child(n, TREE_F_QUALS), POLICY_PLACE_WHERE) : policy_equal_where(j, l, tree_child(n, TREE_F_QUALS));
	} else if (rc == 0) {
		rc = malformed(j, "an unknown FROM item");
	}
	j->depth--;
	return rc;
}

int
policy_level_quals(struct policy_judge *j, struct policy_level *l, const struct tree_node *jointree)
{
	if (!jointree || jointree->kind != TREE_FROMEXPR)
		return malformed(j, "a query without FROM");
	return from_item(j, l, jointree);
}

/* ---- result columns ---- */
int
policy_level_outputs(struct policy_judge *j, struct policy_level *l, struct tree_list targets)
{
	l->target = base_arena_get(j->scratch, (targets.n + 1) * sizeof(l->target[0]));
	l->out = base_arena_get(j->scratch, (targets.n + 1) * sizeof(l->out[0]));
	if (!l->target || !l->out)
		return GH_E_NOMEM;
	for (size_t i = 0; i < targets.n; i++) {
		const struct tree_node *t = targets.item[i];
		int rc;

		if (!t || t->kind != TREE_TARGETENTRY)
			return malformed(j, "a target list holds something else");
		rc = policy_flow_target(j, l, tree_child(t, TREE_F_EXPR), &l->target[i]);
		if (rc != 0)
			return rc;
		if (tree_bool(t, TREE_F_RESJUNK))
			continue;
		if (tree_number(t, TREE_F_RESNO) != (int64_t)l->nout + 1 && !l->write_target)
			return malformed(j, "result columns are not in order");
		l->out[l->nout++] = l->target[i];
	}
	return 0;
}

/* ---- UNION ALL and its relatives ---- */
static bool
same_mask(const struct policy_mask *a, const struct policy_mask *b)
{
	return a->kind == b->kind && a->n == b->n && base_span_eq(a->fixed, b->fixed);
}

/* One column of two branches. The same column of the same relation in both stays that column, of an occurrence that is "a row of either";
 * an open column beside a secret one makes a column of which nothing can be said. */
static int
merge_column(struct policy_judge *j, const struct tree_node *op, const struct policy_flow *a, const struct policy_flow *b, struct policy_flow *f_r)
{
	struct policy_seen seen = {.made_by = op, .of = a->occurrence, .and_of = b->occurrence};
	const bool same = a->relation && a->relation == b->relation && a->column == b->column && a->secret == b->secret && same_mask(&a->mask, &b->mask) && !a->mixed && !b->mixed && a->computed == b->computed;
	struct policy_flow f = a->secret ? *a : b->secret ? *b : policy_flow_nothing;
	int rc;

	f.occurrence = SIZE_MAX;
	f.vouched = j->approved;
	if (same) {
		f = *a;
		f.occurrence = SIZE_MAX;
		f.unknown = a->unknown || b->unknown;
		if (a->occurrence != SIZE_MAX && b->occurrence != SIZE_MAX && (a->relation->subject || a->secret)) {
			seen.pub.relation = a->relation;
			seen.table = j->seen[a->occurrence].table && j->seen[b->occurrence].table;
			rc = policy_from_occurrence(j, &seen, &f.occurrence);
			if (rc != 0)
				return rc;
			policy_count_column(j, &f); /* of the row of either, and no longer of one of them */
			if (f.column && policy_from_identifies(f.relation, f.column->attnum, false))
				f.held.named |= UINT64_C(1) << f.occurrence;
			f.held.named |= a->held.named | b->held.named;
			*f_r = f;
			return 0;
		}
	} else if (f.secret) {
		f.mixed = true;
		f.unknown = a->unknown || b->unknown;
	}
	f.held = a->held;
	policy_count_hold(&f.held, &b->held);
	f.held.others = true; /* constants in branches make rows, too */
	*f_r = f;
	return 0;
}

static int merge_tree(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, struct policy_flow **flow_r, size_t *n_r);

static int
merge_branches(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, struct policy_flow **flow_r, size_t *n_r)
{
	const bool all = tree_bool(n, TREE_F_ALL) && tree_number(n, TREE_F_OP) == 1;
	struct policy_flow *a, *b, *both;
	const enum policy_place place = j->place;
	size_t na, nb;
	int rc = merge_tree(j, l, tree_child(n, TREE_F_LARG), &a, &na);

	if (rc == 0)
		rc = merge_tree(j, l, tree_child(n, TREE_F_RARG), &b, &nb);
	if (rc == 0)
		rc = policy_flow_sorts(j, tree_list(n, TREE_F_GROUP_CLAUSES));
	if (rc != 0)
		return rc;
	if (na != nb)
		return malformed(j, "branches of a set operation differ in columns");
	both = base_arena_get(j->scratch, (na + 1) * sizeof(both[0]));
	if (!both)
		return GH_E_NOMEM;
	j->place = POLICY_PLACE_SET_OPERATION;
	for (size_t i = 0; rc == 0 && i < na; i++) {
		const struct policy_flow *f = a[i].secret && (a[i].unknown || !b[i].unknown) ? &a[i] : &b[i];

		if (!all && j->trust == 0 && f->secret && (f->unknown || !j->approved))
			rc = policy_refuse_secret(j, f);
		else
			rc = merge_column(j, n, &a[i], &b[i], &both[i]);
	}
	j->place = place;
	*flow_r = both;
	*n_r = na;
	return rc;
}

static int
merge_tree(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, struct policy_flow **flow_r, size_t *n_r)
{
	struct policy_entry *e;
	int rc;

	if (!n)
		return malformed(j, "a set operation without a branch");
	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0 && n->kind == TREE_RANGETBLREF) {
		rc = policy_from_entry(j, l, tree_number(n, TREE_F_RTINDEX), &e);
		if (rc == 0 && e->kind != POLICY_ENTRY_FLOWS)
			rc = malformed(j, "a branch of a set operation is not a sub-select");
		if (rc == 0) {
			*flow_r = e->flow;
			*n_r = e->nflow;
		}
	} else if (rc == 0 && n->kind == TREE_SETOPERATIONSTMT) {
		rc = merge_branches(j, l, n, flow_r, n_r);
	} else if (rc == 0) {
		rc = malformed(j, "an unknown part of a set operation");
	}
	j->depth--;
	return rc;
}

/* The target list of a set operation names the first branch's columns; what comes out is of all of them. */
static int
set_operation(struct policy_judge *j, struct policy_level *l)
{
	const struct tree_list targets = tree_list(l->query, TREE_F_TARGET_LIST);
	struct policy_flow *flow;
	size_t n;
	int rc = merge_tree(j, l, tree_child(l->query, TREE_F_SET_OPERATIONS), &flow, &n);

	if (rc != 0)
		return rc;
	if (n != targets.n || l->nout != n)
		return malformed(j, "a set operation has other columns than its branches");
	for (size_t i = 0; i < n; i++) {
		if (!tree_child(targets.item[i], TREE_F_EXPR) || tree_child(targets.item[i], TREE_F_EXPR)->kind != TREE_VAR)
			return malformed(j, "a set operation computes");
		l->target[i] = l->out[i] = flow[i];
	}
	return 0;
}

/* ---- clauses that name target list entries by number ---- */
static const struct policy_flow *
sorted_target(const struct policy_level *l, const struct tree_node *sort)
{
	const struct tree_list targets = tree_list(l->query, TREE_F_TARGET_LIST);
	const int64_t ref = tree_number(sort, TREE_F_TLE_SORT_GROUP_REF);

	for (size_t i = 0; i < targets.n && ref > 0; i++) {
		if (tree_number(targets.item[i], TREE_F_RESSORTGROUPREF) == ref)
			return &l->target[i];
	}
	return NULL;
}

/* Equal secret values fall together when rows are grouped or made distinct; not so when the same row source's key is in the list as well,
 * because then no two of its rows fall together. The key must be the subject's own, for a linked column repeats, and open. */
static bool
keyed(const struct policy_judge *j, const struct policy_level *l, struct tree_list sorts, const struct policy_flow *f)
{
	for (size_t i = 0; i < sorts.n; i++) {
		const struct policy_flow *k = sorted_target(l, sorts.item[i]);

		if (k && !k->secret && k->occurrence == f->occurrence && k->occurrence != SIZE_MAX && k->relation == f->relation && k->column && k->relation->key != 0 &&
		    k->column->attnum == k->relation->key && j->seen[k->occurrence].table && policy_from_identifies(k->relation, k->relation->key, true))
			return true;
	}
	return false;
}

/* Grouped or distinct rows come in the order of a hash or a sort of all that is in the list, the secret too, unless ORDER BY names everything
 * else of it: then no two rows are equal in what they are ordered by, and the server sorts by the secret last, if at all. */
static bool
ordered(const struct policy_level *l, struct tree_list sorts)
{
	const struct tree_list order = tree_list(l->query, TREE_F_SORT_CLAUSE);

	for (size_t i = 0; i < sorts.n; i++) {
		const struct policy_flow *f = sorted_target(l, sorts.item[i]);
		bool found = f && f->secret;

		for (size_t k = 0; k < order.n && !found; k++)
			found = tree_number(order.item[k], TREE_F_TLE_SORT_GROUP_REF) == tree_number(sorts.item[i], TREE_F_TLE_SORT_GROUP_REF);
		if (!found)
			return false;
	}
	return true;
}

static int
refuse_unordered(struct policy_judge *j, const struct policy_flow *f)
{
	return policy_refuse(j, POLICY_REFUSE_UNORDERED, f->rule, POLICY_ARGS(f->column ? f->column->name : base_span_str("?"), f->relation->full_name, base_span_str(policy_refuse_place(j->place))));
}

static int
check_sorts(struct policy_judge *j, struct policy_level *l, struct tree_list sorts, enum policy_place place, bool may_key)
{
	const enum policy_place before = j->place;
	int rc = policy_flow_sorts(j, sorts);

	j->place = place;
	for (size_t i = 0; rc == 0 && i < sorts.n; i++) {
		const struct policy_flow *f = sorted_target(l, sorts.item[i]);

		if (!f)
			rc = malformed(j, "a clause names a result column that is not there");
		else if (f->secret && j->approved && !f->unknown)
			policy_count_test(j, &f->held);
		else if (f->secret && j->trust == 0 && !(may_key && keyed(j, l, sorts, f)))
			rc = policy_refuse_secret(j, f);
		else if (f->secret && j->trust == 0 && !ordered(l, sorts))
			rc = refuse_unordered(j, f);
		else
			policy_count_test(j, &f->held);
	}
	j->place = before;
	return rc;
}

static int
windows(struct policy_judge *j, struct policy_level *l)
{
	const struct tree_list all = tree_list(l->query, TREE_F_WINDOW_CLAUSE);
	static const enum tree_field in_range[] = {TREE_F_START_IN_RANGE_FUNC, TREE_F_END_IN_RANGE_FUNC};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		const struct tree_node *w = all.item[i];

		if (!w || w->kind != TREE_WINDOWCLAUSE)
			return malformed(j, "a window list holds something else");
		rc = check_sorts(j, l, tree_list(w, TREE_F_PARTITION_CLAUSE), POLICY_PLACE_WINDOW, false);
		if (rc == 0)
			rc = check_sorts(j, l, tree_list(w, TREE_F_ORDER_CLAUSE), POLICY_PLACE_WINDOW, false);
		if (rc == 0)
			rc = policy_flow_at(j, l, tree_child(w, TREE_F_START_OFFSET), POLICY_PLACE_WINDOW);
		if (rc == 0)
			rc = policy_flow_at(j, l, tree_child(w, TREE_F_END_OFFSET), POLICY_PLACE_WINDOW);
		for (size_t k = 0; rc == 0 && j->trust == 0 && k < BASE_COUNT(in_range); k++) { /* RANGE frames: the types' own in_range functions */
			if (tree_oid(w, in_range[k]) >= POLICY_FIRST_USER_OID)
				rc = policy_refuse(j, POLICY_REFUSE_FUNCTION, POLICY_NO_RULE, POLICY_ARGS(base_span_str("of a window frame"), base_span_str("it is not one of the server's own"), {0}));
		}
	}
	return rc;
}

/* The number of rows would say the value. */
static int
limit(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	const struct policy_held before = j->held;
	const enum policy_place place = j->place;
	int rc;

	j->held = (struct policy_held){0};
	rc = policy_flow_at(j, l, n, POLICY_PLACE_LIMIT);
	j->place = POLICY_PLACE_LIMIT;
	if (rc == 0 && j->held.counted != 0 && policy_count_judges(j))
		rc = policy_refuse_counted(j, &j->held);
	j->place = place;
	j->held = before;
	return rc;
}

/* In rows of some of the sets the key is NULL where other columns are not: what is grouped by is nobody's own column any more. */
static void
grouped_in_sets(struct policy_judge *j, struct policy_level *l)
{
	const struct tree_list targets = tree_list(l->query, TREE_F_TARGET_LIST), group = tree_list(l->query, TREE_F_GROUP_CLAUSE);
	size_t k = 0;

	for (size_t i = 0; i < targets.n; i++) {
		struct policy_flow *f = &l->target[i];
		const bool out = !tree_bool(targets.item[i], TREE_F_RESJUNK);

		for (size_t g = 0; g < group.n && f->held.counted != 0 && j->trust == 0; g++) {
			if (sorted_target(l, group.item[g]) != f)
				continue;
			f->relation = NULL;
			f->column = NULL;
			f->occurrence = SIZE_MAX;
			f->mask = (struct policy_mask){.kind = POLICY_MASK_NONE};
			f->secret = f->vouched = false;
			f->held.others = true;
		}
		if (out && k < l->nout)
			l->out[k++] = *f;
	}
}

static int
clauses(struct policy_judge *j, struct policy_level *l)
{
	const struct tree_node *q = l->query;
	int rc = check_sorts(j, l, tree_list(q, TREE_F_GROUP_CLAUSE), POLICY_PLACE_GROUP, tree_list(q, TREE_F_GROUPING_SETS).n == 0);

	if (rc == 0)
		rc = policy_flow_test(j, l, tree_child(q, TREE_F_HAVING_QUAL), POLICY_PLACE_HAVING);
	if (rc == 0)
		rc = windows(j, l);
	if (rc == 0)
		rc = check_sorts(j, l, tree_list(q, TREE_F_DISTINCT_CLAUSE), POLICY_PLACE_DISTINCT, true);
	if (rc == 0)
		rc = check_sorts(j, l, tree_list(q, TREE_F_SORT_CLAUSE), POLICY_PLACE_ORDER, false);
	if (rc == 0)
		rc = limit(j, l, tree_child(q, TREE_F_LIMIT_OFFSET));
	if (rc == 0)
		rc = limit(j, l, tree_child(q, TREE_F_LIMIT_COUNT));
	if (rc == 0 && tree_list(q, TREE_F_GROUPING_SETS).n > 0)
		grouped_in_sets(j, l);
	return rc;
}

/* What only a writing statement has. */
static int
check_reads_only(struct policy_judge *j, const struct tree_node *q)
{
	if (tree_number(q, TREE_F_COMMAND_TYPE) != 1)
		return policy_refuse(j, POLICY_REFUSE_MODIFYING_WITH, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (tree_number(q, TREE_F_RESULT_RELATION) != 0 || tree_has(q, TREE_F_ON_CONFLICT) || tree_list(q, TREE_F_RETURNING_LIST).n > 0 || tree_list(q, TREE_F_WITH_CHECK_OPTIONS).n > 0)
		return malformed(j, "a SELECT that writes");
	return 0;
}

static int
judge(struct policy_judge *j, struct policy_level *l)
{
	struct policy_entry *e;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->ncte; i++)
		rc = policy_from_cte(j, l, i);
	for (size_t i = 0; rc == 0 && i < l->rtable.n; i++)
		rc = policy_from_entry(j, l, (int64_t)i + 1, &e);
	if (rc == 0)
		rc = policy_level_quals(j, l, tree_child(l->query, TREE_F_JOINTREE));
	if (rc == 0)
		rc = policy_level_outputs(j, l, tree_list(l->query, TREE_F_TARGET_LIST));
	if (rc == 0 && tree_has(l->query, TREE_F_SET_OPERATIONS))
		rc = set_operation(j, l);
	policy_count_combines(j, l);
	return rc == 0 ? clauses(j, l) : rc;
}

int
policy_level_judge(struct policy_judge *j, struct policy_level *up, const struct tree_node *query, struct policy_level **l_r)
{
	const struct policy_held held = j->held;
	const enum policy_place place = j->place;
	struct policy_level *l = NULL;
	int rc;

	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0)
		rc = policy_level_new(j, up, query, &l);
	if (rc == 0)
		rc = check_reads_only(j, query);
	j->place = POLICY_PLACE_SELECT;
	if (rc == 0)
		rc = judge(j, l);
	j->place = place;
	j->held = held;
	j->depth--;
	if (rc == 0)
		*l_r = l;
	return rc;
}
