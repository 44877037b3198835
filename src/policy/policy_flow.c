/* policy_flow: expressions. No expression may hold a secret (policy_decide_int.h), so the walk refuses at the first secret column, the first
 * function, operator or type that is not on the lists, and the first node that is not in policy_flow_node.def. Recursion is counted. Pure. */
#include "policy_decide_int.h"

#include <stdio.h>

const struct policy_flow policy_flow_nothing = {.occurrence = SIZE_MAX};

enum treat { /* how a kind of node is treated where an expression stands */
	NOT_HERE,   /* never an expression: a Query, a range table entry ... */
	PLAIN,      /* its objects are looked up, then its children are walked */
	GATHERS,    /* PLAIN, and its children stand in an aggregate or window function */
	VARIABLE, PARAMETER, SUBLINK, CALL, ORDERING, WORD, WRITES_ONLY, CURSOR
};
/* All kinds; those that policy_flow_node.def does not name are NOT_HERE. */
static const struct {
	enum treat treat;
	enum tree_field function, function2, function3; /* TREE_FIELD_COUNT: none */
	enum tree_field op, type;
} nodes[TREE_KIND_COUNT] = {
#define NONE TREE_FIELD_COUNT
#define NODE(kind, treat, function, function2, function3, op, type) [TREE_##kind] = {treat, function, function2, function3, op, type},
#include "policy_flow_node.def"
#undef NODE
#undef NONE
};

static struct base_span
number_words(char *dst, size_t size, uint32_t oid)
{
	(void)snprintf(dst, size, "%u", oid);
	return base_span_str(dst);
}

static int
check_function(struct policy_judge *j, uint32_t oid)
{
	const char *why = j->trust > 0 ? NULL : policy_objects_function(j->objects, oid);
	struct base_span name;
	char words[32];

	if (oid >= POLICY_FIRST_USER_OID)
		j->d->touches_protected = true; /* reviewed for what it returns, not for its errors */
	if (!why) {
		if (oid >= POLICY_FIRST_USER_OID && policy_objects_reviewed(j->objects, oid))
			j->d->calls_reviewed = true;
		return 0;
	}
	name = policy_objects_function_name(j->objects, oid);
	return policy_refuse(j, POLICY_REFUSE_FUNCTION, POLICY_NO_RULE, POLICY_ARGS(name.n > 0 ? name : number_words(words, sizeof(words), oid), base_span_str(why), {0}));
}

static int
check_type(struct policy_judge *j, uint32_t oid)
{
	const char *why = j->trust > 0 ? NULL : policy_objects_type(j->objects, oid);
	char words[32];

	return why ? policy_refuse(j, POLICY_REFUSE_TYPE, POLICY_NO_RULE, POLICY_ARGS(number_words(words, sizeof(words), oid), base_span_str(why), {0})) : 0;
}

static int
check_operator(struct policy_judge *j, uint32_t oid)
{
	const char *why = j->trust > 0 ? NULL : policy_objects_operator(j->objects, oid);
	char words[32];

	return why ? policy_refuse(j, POLICY_REFUSE_OPERATOR, POLICY_NO_RULE, POLICY_ARGS(number_words(words, sizeof(words), oid), base_span_str(why), {0})) : 0;
}

/* hashfuncid and negfuncid of x = ANY (...) are zero where the planner has not been, and opfuncid in what the rewriter makes of CYCLE: the
 * operator is looked up all the same, and its function with it. */
static int
check_objects(struct policy_judge *j, const struct tree_node *n)
{
	const enum tree_field function[] = {nodes[n->kind].function, nodes[n->kind].function2, nodes[n->kind].function3};
	struct tree_numbers ops;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < BASE_COUNT(function); i++) {
		if (function[i] != TREE_FIELD_COUNT && ((i == 0 && function[i] != TREE_F_OPFUNCID) || tree_oid(n, function[i]) != 0))
			rc = check_function(j, tree_oid(n, function[i]));
	}
	if (rc == 0 && nodes[n->kind].op == TREE_F_OPNOS) {
		ops = tree_numbers(n, TREE_F_OPNOS);
		if (ops.n == 0)
			return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str("a comparison of rows without operators"), {0}, {0}));
		for (size_t i = 0; rc == 0 && i < ops.n; i++)
			rc = check_operator(j, (uint32_t)ops.item[i]);
	} else if (rc == 0 && nodes[n->kind].op != TREE_FIELD_COUNT) {
		rc = check_operator(j, tree_oid(n, nodes[n->kind].op));
	}
	if (rc == 0 && nodes[n->kind].type != TREE_FIELD_COUNT)
		rc = check_type(j, tree_oid(n, nodes[n->kind].type));
	return rc;
}

int
policy_flow_sorts(struct policy_judge *j, const struct tree_list sorts)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sorts.n; i++) {
		const struct tree_node *s = sorts.item[i];

		if (!s || s->kind != TREE_SORTGROUPCLAUSE)
			return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str("a list of sort clauses holds something else"), {0}, {0}));
		rc = tree_oid(s, TREE_F_EQOP) != 0 ? check_operator(j, tree_oid(s, TREE_F_EQOP)) : 0;
		if (rc == 0 && tree_oid(s, TREE_F_SORTOP) != 0)
			rc = check_operator(j, tree_oid(s, TREE_F_SORTOP));
	}
	return rc;
}

struct walk { struct policy_judge *j; struct policy_level *l; };

static bool
treats_values(enum tree_kind kind)
{
	return kind == TREE_FUNCEXPR || kind == TREE_COERCEVIAIO || kind == TREE_ARRAYCOERCEEXPR || kind == TREE_COERCETODOMAIN || kind == TREE_XMLEXPR;
}

static int
walk_child(const struct tree_node *child, enum tree_field f, void *ctx)
{
	struct walk *w = ctx;

	(void)f; /* the kind of the child says all */
	return policy_flow_expression(w->j, w->l, child);
}

static int
variable(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	struct policy_flow f;
	int rc = policy_from_var(j, l, n, &f);

	if (rc != 0)
		return rc;
	if (f.secret && j->trust == 0 && (f.unknown || !j->approved))
		return policy_refuse_secret(j, &f);
	policy_count_hold(&j->held, &f.held);
	return 0;
}

/* `key = ` what a sub-select of one key gives. */
static bool
links(struct policy_judge *j, struct policy_level *l, const struct tree_node *test, const struct policy_flow *inner)
{
	const struct tree_list args = tree_list(test, TREE_F_ARGS);
	const struct tree_node *column = args.n == 2 ? policy_flow_strip(args.item[0]) : NULL;
	struct policy_flow f;

	return policy_count_judges(j) && test && test->kind == TREE_OPEXPR && policy_equal_built_in(tree_oid(test, TREE_F_OPFUNCID)) && column && column->kind == TREE_VAR && args.item[1] && policy_flow_strip(args.item[1])->kind == TREE_PARAM &&
	    tree_number(column, TREE_F_VARATTNO) > 0 && policy_from_var(j, l, column, &f) == 0 && policy_count_same(&f, inner);
}

/* EXISTS tells whether there are rows, and the sub-select's own tests were judged; every other kind gives its columns' values away. */
static int
sublink(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	const int64_t type = tree_number(n, TREE_F_SUB_LINK_TYPE);
	const struct policy_held before = j->held;
	struct policy_level *inner = NULL;
	int rc;

	if (type < 0 || type > 6 || type == 5)
		return policy_refuse(j, POLICY_REFUSE_UNKNOWN_NODE, POLICY_NO_RULE, POLICY_ARGS(base_span_str("a kind of sub-select"), {0}, {0}));
	rc = policy_flow_expression(j, l, tree_child(n, TREE_F_TESTEXPR));
	if (rc == 0)
		rc = policy_level_judge(j, l, tree_child(n, TREE_F_SUBSELECT), &inner);
	policy_count_hold(&j->held, &before);
	for (size_t i = 0; rc == 0 && i < inner->nout && type != 0; i++) {
		enum policy_place place = j->place;

		j->place = POLICY_PLACE_SUBSELECT;
		if (inner->out[i].secret && j->trust == 0 && (inner->out[i].unknown || !j->approved))
			rc = policy_refuse_secret(j, &inner->out[i]);
		j->place = place;
		policy_count_hold(&j->held, &inner->out[i].held);
	}
	if (rc == 0 && type == 2 && inner->nout == 1 && links(j, l, tree_child(n, TREE_F_TESTEXPR), &inner->out[0]))
		j->link = n;
	return rc;
}

/* Where it is counted: what may say a value in an error, and what makes rows. */
static int
counted_node(struct policy_judge *j, struct walk *w, const struct tree_node *n)
{
	const struct policy_held before = j->held;
	const bool set = tree_bool(n, TREE_F_FUNCRETSET) || tree_bool(n, TREE_F_OPRETSET);
	int rc;

	j->held = (struct policy_held){0};
	rc = tree_each(n, walk_child, w);
	if (rc == 0 && n->kind == TREE_WINDOWFUNC)
		rc = policy_count_window(j, w->l, n);
	if (j->held.counted != 0 && (treats_values(n->kind) || (n->kind == TREE_OPEXPR && tree_oid(n, TREE_F_OPRESULTTYPE) != 16)))
		j->d->touches_protected = true; /* "invalid input syntax for type integer: ..." says the value */
	if (set) { /* as many rows as the value says */
		policy_count_tested(j, j->held.counted, j->held.clear);
		j->held.others = true;
	}
	policy_count_hold(&j->held, &before);
	return rc;
}

/* A column's default of the kind "next value of this sequence", which the server wrote into an INSERT: what a client wrote has a place. */
static bool
default_sequence(const struct policy_judge *j, const struct tree_node *n)
{
	const struct tree_list args = tree_list(n, TREE_F_ARGS);

	return j->insert_value && policy_objects_default_function(tree_oid(n, TREE_F_FUNCID)) && tree_number(n, TREE_F_LOCATION) == -1 && args.n == 1 && args.item[0] &&
	       args.item[0]->kind == TREE_CONST;
}

static int
walk_node(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	const enum treat treat = nodes[n->kind].treat;
	const enum policy_place place = j->place;
	const uint64_t counted = j->held.counted, clear = j->held.clear;
	struct walk w = {j, l};
	int rc;

	switch (treat) {
	case VARIABLE:
		return variable(j, l, n);
	case SUBLINK:
		return sublink(j, l, n);
	case WORD:
		return 0;
	case ORDERING:
		return policy_flow_sorts(j, (struct tree_list){&n, 1});
	case PARAMETER: /* of the client, or the place of a sub-select's column in its test; UPDATE ... SET (a, b) = (SELECT ...) has another kind */
		if (tree_number(n, TREE_F_PARAMKIND) == 3 && l->write_target != 0)
			return policy_refuse(j, POLICY_REFUSE_WRITE_READS, POLICY_NO_RULE, POLICY_ARGS(base_span_str("several columns from a sub-select"), {0}, {0}));
		if (tree_number(n, TREE_F_PARAMKIND) != 0 && tree_number(n, TREE_F_PARAMKIND) != 2)
			return policy_refuse(j, POLICY_REFUSE_PARAMETER, POLICY_NO_RULE, POLICY_NO_ARGS);
		return check_type(j, tree_oid(n, TREE_F_PARAMTYPE));
	case CURSOR:
		return policy_refuse(j, POLICY_REFUSE_CURSOR, POLICY_NO_RULE, POLICY_NO_ARGS);
	case WRITES_ONLY:
		if (j->insert_value || j->trust > 0)
			return 0;
		break;
	case CALL:
		if (default_sequence(j, n))
			return 0;
		/* fallthrough */
	case GATHERS:
	case PLAIN:
		rc = check_objects(j, n);
		if (treat == GATHERS && j->place == POLICY_PLACE_SELECT)
			j->place = POLICY_PLACE_AGGREGATE;
		if (rc == 0)
			rc = policy_count_judges(j) ? counted_node(j, &w, n) : tree_each(n, walk_child, &w);
		if (rc == 0 && n->kind == TREE_WINDOWFUNC && j->approved && j->trust == 0)
			rc = policy_count_window(j, l, n);
		if (n->kind == TREE_AGGREF && j->trust > 0) { /* over many: the word of who trusts the view */
			j->held.counted = counted;
			j->held.clear = clear;
		}
		j->place = place;
		return rc;
	case NOT_HERE:
		break;
	}
	return policy_refuse(j, POLICY_REFUSE_UNKNOWN_NODE, POLICY_NO_RULE, POLICY_ARGS(base_span_str(tree_kind_name(n->kind)), {0}, {0}));
}

int
policy_flow_expression(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	int rc;

	if (!n)
		return 0;
	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0 && (unsigned)n->kind >= TREE_KIND_COUNT)
		rc = policy_refuse(j, POLICY_REFUSE_UNKNOWN_NODE, POLICY_NO_RULE, POLICY_ARGS(base_span_str("?"), {0}, {0}));
	if (rc == 0)
		rc = walk_node(j, l, n);
	j->depth--;
	return rc;
}

int
policy_flow_at(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, enum policy_place place)
{
	const enum policy_place before = j->place;
	int rc;

	j->place = place;
	rc = policy_flow_expression(j, l, n);
	j->place = before;
	return rc;
}

/* What rows are chosen by: the terms of an AND one by one, because rows meet only what stands in one term. */
int
policy_flow_test(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, enum policy_place place)
{
	const struct tree_list args = tree_list(n, TREE_F_ARGS);
	const struct policy_held before = j->held;
	int rc = 0;

	if (!n || !policy_count_judges(j))
		return policy_flow_at(j, l, n, place);
	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0 && n->kind == TREE_BOOLEXPR && base_span_is(tree_text(n, TREE_F_BOOLOP), "and")) {
		for (size_t i = 0; rc == 0 && i < args.n; i++)
			rc = policy_flow_test(j, l, args.item[i], place);
	} else if (rc == 0) {
		j->held = (struct policy_held){0};
		j->link = NULL;
		rc = policy_flow_at(j, l, n, place);
		if (rc == 0 && !policy_count_link(j, l, n))
			policy_count_test(j, &j->held);
	}
	j->held = before;
	j->depth--;
	return rc;
}

/* text, varchar and bpchar are the same bytes; a relabelled value is the value. Other types keep their node: an expression. */
const struct tree_node *
policy_flow_strip(const struct tree_node *n)
{
	while (n && n->kind == TREE_RELABELTYPE) {
		const uint32_t type = tree_oid(n, TREE_F_RESULTTYPE);

		if (type != 25 && type != 1042 && type != 1043)
			break;
		n = tree_child(n, TREE_F_ARG);
	}
	return n;
}

int
policy_flow_target(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, struct policy_flow *f_r)
{
	const struct tree_node *bare = policy_flow_strip(n);
	const struct policy_held before = j->held;
	struct policy_flow f = policy_flow_nothing;
	int rc;

	if (!n)
		return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str("a result column without a value"), {0}, {0}));
	if (bare && bare->kind == TREE_VAR) {
		j->depth++;
		rc = policy_refuse_step(j);
		if (rc == 0)
			rc = policy_from_var(j, l, bare, &f);
		j->depth--;
	} else {
		j->held = (struct policy_held){0};
		rc = policy_flow_at(j, l, n, POLICY_PLACE_SELECT);
		f.held = j->held;
		f.vouched = j->approved && j->trust == 0;
		if (f.held.rows == 0 && bare && bare->kind != TREE_CONST && bare->kind != TREE_PARAM)
			f.held.others = true; /* random(), count(*), nextval(): another value in each row, for all that can be told */
		j->held = before;
	}
	if (rc == 0)
		*f_r = f;
	return rc;
}

uint32_t
policy_flow_type(const struct tree_node *n)
{
	struct tree_list targets;

	if (!n || (unsigned)n->kind >= TREE_KIND_COUNT)
		return 0;
	switch (n->kind) {
	case TREE_VAR:
		return tree_oid(n, TREE_F_VARTYPE);
	case TREE_PARAM:
		return tree_oid(n, TREE_F_PARAMTYPE);
	case TREE_BOOLEXPR:
	case TREE_NULLTEST:
	case TREE_BOOLEANTEST:
	case TREE_SCALARARRAYOPEXPR:
	case TREE_ROWCOMPARE:
		return 16;
	case TREE_GROUPINGFUNC:
		return 23;
	case TREE_NAMEDARGEXPR:
	case TREE_COLLATE:
		return policy_flow_type(tree_child(n, TREE_F_ARG));
	case TREE_SUBLINK:
		if (tree_number(n, TREE_F_SUB_LINK_TYPE) != 4)
			return tree_number(n, TREE_F_SUB_LINK_TYPE) == 6 ? 0 : 16;
		targets = tree_list(tree_child(n, TREE_F_SUBSELECT), TREE_F_TARGET_LIST);
		return targets.n > 0 ? policy_flow_type(tree_child(targets.item[0], TREE_F_EXPR)) : 0;
	default:
		return nodes[n->kind].type == TREE_FIELD_COUNT || nodes[n->kind].type == 0 ? 0 : tree_oid(n, nodes[n->kind].type);
	}
}
