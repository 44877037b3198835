/* policy_question: what a bound policy asks the server once, and what is kept of the answers: the hash of each trusted view's expanded query, and
 * of each `rows where` as the server analysed it. Input: trees that a server sent, which may be hostile or of another statement: a tree is
 * taken only when it has the form of the question and speaks of the relation that was bound. An answer not taken leaves its view untrusted and
 * its rows refused. No I/O. Not for a map that is shared already.
 */
#include "policy_map_int.h"

#include <stdlib.h>

enum { QUESTION_SELECT = 1, QUESTION_RELATION = 0, QUESTION_SUBQUERY = 1 }; /* CMD_SELECT, RTE_RELATION, RTE_SUBQUERY */

size_t
policy_map_questions(const struct policy_map *m)
{
	return m->nquestions;
}

const struct policy_question *
policy_map_question(const struct policy_map *m, size_t i)
{
	return i < m->nquestions ? &m->questions[i].ask : NULL;
}

static int
question_refused(const struct policy_map_question *q, const char *what, struct base_fail *fail)
{
	return base_fail_set(fail, GH_E_PARSE, "%s:%u: %.*s: %s", q->ask.at.file, q->ask.at.line, (int)q->ask.about.n, (const char *)q->ask.about.p, what);
}

/* The only range table entry of a plain SELECT; NULL: it is something else. */
static const struct tree_node *
question_entry(struct tree_list queries)
{
	const struct tree_node *query = queries.n == 1 ? queries.item[0] : NULL;
	if (!query || query->kind != TREE_QUERY || tree_number(query, TREE_F_COMMAND_TYPE) != QUESTION_SELECT)
		return NULL;
	struct tree_list rtable = tree_list(query, TREE_F_RTABLE);
	return rtable.n == 1 && rtable.item[0] && rtable.item[0]->kind == TREE_RANGETBLENTRY ? rtable.item[0] : NULL;
}

/* Is the entry this view, expanded? The server keeps the view's OID in the entry (from 16 on), or in the OLD entry, the first of its query (15). */
static const struct tree_node *
question_view(const struct tree_node *rte, uint32_t oid)
{
	const struct tree_node *query = tree_child(rte, TREE_F_SUBQUERY);
	if (!query || query->kind != TREE_QUERY || tree_number(rte, TREE_F_RTEKIND) != QUESTION_SUBQUERY)
		return NULL;
	struct tree_list inner = tree_list(query, TREE_F_RTABLE);
	bool here = tree_oid(rte, TREE_F_RELID) == oid;
	bool old = tree_oid(rte, TREE_F_RELID) == 0 && inner.n > 0 && tree_oid(inner.item[0], TREE_F_RELID) == oid;
	return here || old ? query : NULL;
}

/* The condition, when the tree is SELECT ... FROM the one relation WHERE condition, and the condition holds no query. */
static const struct tree_node *
question_condition(const struct tree_node *query, const struct tree_node *rte, uint32_t oid)
{
	const struct tree_node *from = tree_child(query, TREE_F_JOINTREE);
	struct tree_list list = tree_list(from, TREE_F_FROMLIST);
	bool plain = tree_number(rte, TREE_F_RTEKIND) == QUESTION_RELATION && tree_oid(rte, TREE_F_RELID) == oid;
	if ((!plain && !question_view(rte, oid)) || list.n != 1 || !list.item[0] || list.item[0]->kind != TREE_RANGETBLREF ||
	    tree_number(list.item[0], TREE_F_RTINDEX) != 1 || tree_bool(query, TREE_F_HAS_SUB_LINKS))
		return NULL;
	return tree_child(from, TREE_F_QUALS);
}

int
policy_map_answer(struct policy_map *m, size_t i, struct tree_list queries, struct base_fail *fail)
{
	if (i >= m->nquestions)
		return base_fail_set(fail, GH_E_PARSE, "an answer to no question");
	struct policy_map_question *q = &m->questions[i];
	const struct tree_node *rte = question_entry(queries);
	const struct tree_node *node = !rte ? NULL : q->rows ? question_condition(queries.item[0], rte, q->oid) : question_view(rte, q->oid);
	if (!node)
		return question_refused(q, q->rows ? "the server's tree is not that of one condition over this table" : "the server's tree is not that of this view", fail);
	tree_hash(node, q->rows ? 1 : 0, q->hash);
	q->known = true;
	return 0;
}

void
policy_map_take_answers(struct policy_map *m, const struct policy_map *older)
{
	for (size_t i = 0; i < m->nquestions; i++) {
		struct policy_map_question *q = &m->questions[i];
		for (size_t k = 0; k < older->nquestions && !q->known; k++) {
			const struct policy_map_question *was = &older->questions[k];
			if (!was->known || was->oid != q->oid || was->rows != q->rows || strcmp(was->ask.sql, q->ask.sql) != 0)
				continue;
			memcpy(q->hash, was->hash, sizeof(q->hash));
			q->known = true;
		}
	}
}

static int
question_by_view(const void *key, const void *item)
{
	uint32_t x = *(const uint32_t *)key, y = ((const struct policy_map_trusted *)item)->oid;
	return x < y ? -1 : x > y;
}

bool
policy_map_trusted_view(const struct policy_map *m, uint32_t view_oid, const uint8_t **hash_r)
{
	const struct policy_map_trusted *t =
	    m->ntrusted == 0 ? NULL : bsearch(&view_oid, m->trusted, m->ntrusted, sizeof(*m->trusted), question_by_view);
	if (!t || !m->questions[t->question].known)
		return false;
	*hash_r = m->questions[t->question].hash;
	return true;
}

/* -- objects -- */

int
policy_map_give_objects(struct policy_map *m, const struct policy_cat_objects *c, struct base_fail *fail)
{
	struct policy_objects *o = NULL;
	int err = policy_objects_new(c, m->file->trusts, m->file->ntrusts, (const char *)m->file->file.p, &o, fail);
	if (err != 0)
		return err;
	policy_objects_free(&m->objects);
	m->objects = o;
	return 0;
}

const struct policy_objects *
policy_map_objects(const struct policy_map *m)
{
	return m->objects;
}
