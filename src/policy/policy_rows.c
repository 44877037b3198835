/* policy_rows: `rows where`: is the condition on the server? Each appearance of the relation must carry it, as row-level security or as the
 * condition of a security_barrier view; the gate never edits a WHERE (SQL-RULES 5.2). Pure. */
#include "policy_decide_int.h"

static bool
is_condition(const struct tree_node *n, int64_t index, const struct policy_scope_relation *r)
{
	uint8_t hash[BASE_SHA256_SIZE];

	if (!n)
		return false;
	tree_hash(n, index, hash);
	return memcmp(hash, r->rows_hash, sizeof(hash)) == 0;
}

/* n itself, or one of the terms of an AND. */
static bool
holds(const struct tree_node *n, int64_t index, const struct policy_scope_relation *r)
{
	const struct tree_list args = tree_list(n, TREE_F_ARGS);

	if (is_condition(n, index, r))
		return true;
	if (!n || n->kind != TREE_BOOLEXPR || !base_span_is(tree_text(n, TREE_F_BOOLOP), "and"))
		return false;
	for (size_t i = 0; i < args.n; i++) {
		if (is_condition(args.item[i], index, r))
			return true;
	}
	return false;
}

/* The entry of the query above that holds this query, when that is a security_barrier view. */
static bool
in_barrier(const struct policy_level *l)
{
	if (!l->up)
		return false;
	for (size_t i = 0; i < l->up->rtable.n; i++) {
		const struct tree_node *rte = l->up->rtable.item[i];

		if (tree_child(rte, TREE_F_SUBQUERY) == l->query)
			return tree_bool(rte, TREE_F_SECURITY_BARRIER);
	}
	return false;
}

int
policy_rows_check(struct policy_judge *j, struct policy_level *l, int64_t index, const struct policy_scope_relation *r)
{
	const struct tree_node *rte = l->rtable.item[index - 1];
	const struct tree_list quals = tree_list(rte, TREE_F_SECURITY_QUALS), checks = tree_list(l->query, TREE_F_WITH_CHECK_OPTIONS);
	const bool inserts = index == l->write_target && tree_number(l->query, TREE_F_COMMAND_TYPE) == 3;
	bool found = false;

	if (r->rows.line == 0)
		return 0;
	if (inserts) {
		for (size_t i = 0; r->rows_hash_known && i < checks.n; i++)
			found = found || holds(tree_child(checks.item[i], TREE_F_QUAL), index, r);
	} else {
		for (size_t i = 0; r->rows_hash_known && i < quals.n; i++)
			found = found || holds(quals.item[i], index, r);
		if (r->rows_hash_known && !found && in_barrier(l))
			found = holds(tree_child(tree_child(l->query, TREE_F_JOINTREE), TREE_F_QUALS), index, r);
	}
	if (found) {
		policy_refuse_note(j, 2, r->rows, "its rows: where %.*s; the server holds this rule", (int)r->rows_text.n, (const char *)r->rows_text.p);
		return 0;
	}
	return policy_refuse(j, POLICY_REFUSE_ROWS, r->rows, POLICY_ARGS(r->full_name, {0}, {0}));
}

/* A vouched-for view may still not show rows that a rule keeps away: each relation in it with a row rule has the condition, from row-level security
 * or in the WHERE that was vouched for. */
static int
inside_child(const struct tree_node *child, enum tree_field f, void *ctx)
{
	(void)f;
	return policy_rows_inside(ctx, child);
}

int
policy_rows_inside(struct policy_judge *j, const struct tree_node *n)
{
	const struct tree_list rtable = tree_list(n, TREE_F_RTABLE);
	int rc;

	j->depth++;
	rc = policy_refuse_step(j);
	for (size_t i = 0; rc == 0 && i < rtable.n; i++) {
		const struct tree_node *rte = rtable.item[i];
		const struct policy_scope_relation *r = tree_number(rte, TREE_F_RTEKIND) == 0 ? policy_scope_relation(j->scope, tree_oid(rte, TREE_F_RELID)) : NULL;
		const struct tree_list quals = tree_list(rte, TREE_F_SECURITY_QUALS);
		bool found = false;

		if (!r || r->rows.line == 0 || tree_number(rte, TREE_F_RELKIND) == 'v')
			continue;
		for (size_t k = 0; r->rows_hash_known && k < quals.n; k++)
			found = found || holds(quals.item[k], (int64_t)i + 1, r);
		if (!(found || (r->rows_hash_known && holds(tree_child(tree_child(n, TREE_F_JOINTREE), TREE_F_QUALS), (int64_t)i + 1, r))))
			rc = policy_refuse(j, POLICY_REFUSE_ROWS, r->rows, POLICY_ARGS(r->full_name, {0}, {0}));
	}
	if (rc == 0)
		rc = tree_each(n, inside_child, j);
	j->depth--;
	return rc;
}
