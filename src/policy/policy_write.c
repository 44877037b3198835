/* policy_write: INSERT, UPDATE, DELETE. One target, listed columns, no secret anywhere, no relation read but the target itself: FROM, USING, WITH,
 * sub-selects and INSERT ... SELECT hold constants and functions only. RETURNING gives open columns. What the server itself put in (defaults of columns that the statement
 * does not name, row-level security, WITH CHECK) is the owner's word and is not judged.
 * Disadvantage: a written secret column with a unique index tells by the error whether a value is there; the policy decides that by `insert of`
 * and `update of`. Pure. */
#include "policy_decide_int.h"

#define COLUMN_BIT 7 /* the server counts system columns in: bit = attribute number + 7 */

static int
malformed(struct policy_judge *j, const char *what)
{
	return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str(what), {0}, {0}));
}

static bool
has_bit(struct tree_numbers set, int64_t bit)
{
	for (size_t i = 0; i < set.n; i++) {
		if (set.item[i] == bit)
			return true;
	}
	return false;
}

static bool
uses(const struct tree_node *fromlist, int64_t index)
{
	const struct tree_list items = tree_list(fromlist, TREE_F_FROMLIST);

	for (size_t i = 0; i < items.n; i++) {
		if (items.item[i] && items.item[i]->kind == TREE_RANGETBLREF && tree_number(items.item[i], TREE_F_RTINDEX) == index)
			return true;
	}
	return false;
}

/* Beside the target there may be what reads no relation: VALUES, functions, sub-selects of these. */
static int
check_sources(struct policy_judge *j, struct policy_level *l)
{
	const bool inserts = tree_number(l->query, TREE_F_COMMAND_TYPE) == 3;
	struct policy_entry *e;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->ncte; i++)
		rc = policy_from_cte(j, l, i);
	for (size_t i = 0; rc == 0 && i < l->rtable.n; i++) {
		j->insert_value = inserts && tree_number(l->rtable.item[i], TREE_F_RTEKIND) == 5;
		rc = policy_from_entry(j, l, (int64_t)i + 1, &e);
		j->insert_value = false;
		if (rc == 0 && (int64_t)i + 1 == l->excluded && e->relation != l->entry[l->write_target - 1].relation)
			return malformed(j, "the excluded row is of another relation");
	}
	return rc;
}

/* harmless: what is written there can be read without being counted. */
static int
check_value(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, bool insert, bool harmless)
{
	const enum policy_place place = j->place;
	int rc;

	j->insert_value = insert;
	j->held = (struct policy_held){0};
	rc = policy_flow_at(j, l, n, POLICY_PLACE_WRITTEN);
	j->insert_value = false;
	if (rc == 0 && harmless && policy_count_judges(j)) {
		j->place = POLICY_PLACE_WRITTEN;
		j->writes_others = j->writes_others || j->held.others;
		rc = j->held.counted != 0 ? policy_refuse_counted(j, &j->held) : 0;
		j->place = place;
	}
	j->held = (struct policy_held){0};
	return rc;
}

/* One `column = value`. set: UPDATE's right is asked for, else INSERT's. */
static int
check_column(struct policy_judge *j, struct policy_level *l, const struct policy_scope_relation *r, const struct tree_node *t, bool set)
{
	const int64_t attnum = tree_number(t, TREE_F_RESNO);
	const struct policy_scope_column *c = attnum > 0 && attnum <= INT16_MAX ? policy_scope_column(r, (int16_t)attnum) : NULL;
	const struct base_span name = tree_text(t, TREE_F_RESNAME);

	if (!t || t->kind != TREE_TARGETENTRY)
		return malformed(j, "a target list holds something else");
	if (tree_bool(t, TREE_F_RESJUNK))
		return malformed(j, "a written column that is none");
	if (!c || !(set ? c->update : c->insert))
		return policy_refuse(j, POLICY_REFUSE_WRITE_COLUMN, r->at, POLICY_ARGS(c ? c->name : name.p ? name : base_span_str("?"), j->scope->group_words, {0}));
	policy_refuse_note(j, 2, set ? c->updated : c->inserted, "column %.*s is written", (int)c->name.n, (const char *)c->name.p);
	if (!c->open)
		j->d->touches_protected = true;
	return check_value(j, l, tree_child(t, TREE_F_EXPR), !set, !r->subject || c->harmless);
}

static int
check_targets(struct policy_judge *j, struct policy_level *l, const struct policy_scope_relation *r)
{
	const struct tree_list targets = tree_list(l->query, TREE_F_TARGET_LIST);
	const struct tree_node *target = l->rtable.item[l->write_target - 1];
	const struct tree_numbers named = tree_numbers(target, TREE_F_INSERTED_COLS);
	const bool told = tree_value(target, TREE_F_INSERTED_COLS) != NULL; /* a version that does not say what was named: all of it */
	const int64_t command = tree_number(l->query, TREE_F_COMMAND_TYPE);

	for (size_t i = 0; i < targets.n; i++) {
		const struct tree_node *t = targets.item[i];
		int rc;

		if (command == 4)
			return malformed(j, "DELETE with values");
		/* A column that the statement does not name: its default, as the database's owner wrote it. */
		if (command == 3 && told && !has_bit(named, tree_number(t, TREE_F_RESNO) + COLUMN_BIT))
			rc = policy_from_touch(j, t);
		else
			rc = check_column(j, l, r, t, command == 2);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
check_conflict(struct policy_judge *j, struct policy_level *l, const struct policy_scope_relation *r, const struct tree_node *c)
{
	const struct tree_list arbiters = tree_list(c, TREE_F_ARBITER_ELEMS), sets = tree_list(c, TREE_F_ON_CONFLICT_SET);
	int rc = 0;

	if (!c)
		return 0;
	if (c->kind != TREE_ONCONFLICTEXPR || tree_number(l->query, TREE_F_COMMAND_TYPE) != 3)
		return malformed(j, "ON CONFLICT where it does not belong");
	if (tree_oid(c, TREE_F_CONSTRAINT) != 0)
		return policy_refuse(j, POLICY_REFUSE_CONFLICT_CONSTRAINT, POLICY_NO_RULE, POLICY_NO_ARGS);
	for (size_t i = 0; rc == 0 && i < arbiters.n; i++) {
		if (!arbiters.item[i] || arbiters.item[i]->kind != TREE_INFERENCEELEM)
			return malformed(j, "ON CONFLICT names something else");
		rc = policy_flow_at(j, l, tree_child(arbiters.item[i], TREE_F_EXPR), POLICY_PLACE_CONFLICT);
	}
	if (rc == 0)
		rc = policy_flow_at(j, l, tree_child(c, TREE_F_ARBITER_WHERE), POLICY_PLACE_CONFLICT);
	if (rc == 0 && tree_number(c, TREE_F_ACTION) == 1)
		return sets.n == 0 ? 0 : malformed(j, "DO NOTHING with values");
	if (rc == 0 && !(r->actions & POLICY_UPDATE))
		return policy_refuse(j, POLICY_REFUSE_ACTION, r->at, POLICY_ARGS(r->full_name, j->scope->group_words, base_span_str("updating")));
	for (size_t i = 0; rc == 0 && i < sets.n; i++)
		rc = check_column(j, l, r, sets.item[i], true);
	return rc == 0 ? policy_flow_test(j, l, tree_child(c, TREE_F_ON_CONFLICT_WHERE), POLICY_PLACE_CONFLICT) : rc;
}

static int
check_clauses(struct policy_judge *j, struct policy_level *l)
{
	static const enum tree_field none[] = {TREE_F_GROUP_CLAUSE, TREE_F_GROUPING_SETS, TREE_F_WINDOW_CLAUSE, TREE_F_DISTINCT_CLAUSE, TREE_F_SORT_CLAUSE};
	static const enum tree_field none_node[] = {TREE_F_HAVING_QUAL, TREE_F_LIMIT_OFFSET, TREE_F_LIMIT_COUNT, TREE_F_SET_OPERATIONS};

	for (size_t i = 0; i < BASE_COUNT(none); i++) {
		if (tree_list(l->query, none[i]).n > 0)
			return malformed(j, "a statement that writes with clauses of SELECT");
	}
	for (size_t i = 0; i < BASE_COUNT(none_node); i++) {
		if (tree_child(l->query, none_node[i]))
			return malformed(j, "a statement that writes with clauses of SELECT");
	}
	return 0;
}

/* WHERE: open columns only; the terms joined by AND say whose rows are meant. */
static int
check_where(struct policy_judge *j, struct policy_level *l)
{
	const struct tree_node *from = tree_child(l->query, TREE_F_JOINTREE);
	int rc = policy_level_quals(j, l, from);

	if (rc == 0 && tree_number(l->query, TREE_F_COMMAND_TYPE) != 3 && !uses(from, l->write_target))
		rc = malformed(j, "the target is not among what is read");
	return rc == 0 ? policy_equal_where(j, l, tree_child(from, TREE_F_QUALS)) : rc;
}

int
policy_write_judge(struct policy_judge *j, const struct tree_node *query, struct policy_level **l_r)
{
	static const struct { unsigned action; enum policy_statement statement; const char *words; } classes[] = { /* command type 2, 3, 4 */
		{POLICY_UPDATE, POLICY_UPDATE_SET, "updating"}, {POLICY_INSERT, POLICY_INSERT_INTO, "inserting"}, {POLICY_DELETE, POLICY_DELETE_FROM, "deleting"},
	};
	const int64_t command = tree_number(query, TREE_F_COMMAND_TYPE);
	const struct policy_scope_relation *r;
	struct policy_level *l = NULL;
	struct policy_entry *e;
	int rc = policy_level_new(j, NULL, query, &l);

	if (rc != 0)
		return rc;
	j->d->statement = classes[command - 2].statement;
	l->write_target = tree_number(query, TREE_F_RESULT_RELATION);
	l->excluded = tree_number(tree_child(query, TREE_F_ON_CONFLICT), TREE_F_EXCL_REL_INDEX);
	if (l->write_target == 0)
		return malformed(j, "a statement that writes to nothing");
	rc = policy_from_entry(j, l, l->write_target, &e);
	if (rc != 0)
		return rc;
	r = e->relation;
	if (e->kind != POLICY_ENTRY_RELATION)
		return policy_refuse(j, POLICY_REFUSE_RELATION, POLICY_NO_RULE, POLICY_ARGS(tree_text(tree_child(e->rte, TREE_F_EREF), TREE_F_ALIASNAME), j->scope->group_words, {0}));
	if (!(r->actions & classes[command - 2].action))
		return policy_refuse(j, POLICY_REFUSE_ACTION, r->at, POLICY_ARGS(r->full_name, j->scope->group_words, base_span_str(classes[command - 2].words)));
	rc = check_sources(j, l);
	if (rc == 0)
		rc = check_clauses(j, l);
	if (rc == 0)
		rc = check_where(j, l);
	if (rc == 0)
		rc = check_targets(j, l, r);
	if (rc == 0)
		rc = check_conflict(j, l, r, tree_child(query, TREE_F_ON_CONFLICT));
	for (size_t i = 0; rc == 0 && i < tree_list(query, TREE_F_WITH_CHECK_OPTIONS).n; i++)
		rc = policy_from_touch(j, tree_list(query, TREE_F_WITH_CHECK_OPTIONS).item[i]);
	if (rc == 0)
		rc = policy_level_outputs(j, l, tree_list(query, TREE_F_RETURNING_LIST));
	if (rc == 0)
		*l_r = l;
	return rc;
}
