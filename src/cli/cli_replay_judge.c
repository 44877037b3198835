/* cli_replay_judge: asks the server what each recorded text means and decides upon it under the new policy: once for each text and set of groups. Nothing is run. Input: texts
 * of the ledger, with $n for their constants (the server infers the types, or says that it cannot); the server's trees; trusted files.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "cli_refill.h"
#include "cli_replay.h"
#include "cli_verdict.h"

#define KEPT_MAX 50000u
#define SCOPES_MAX 10000u
#define TEXT_MAX (4u * 65536u)
#define CUT "\xe2\x80\xa6" /* ends a text of which the ledger has the beginning only */

struct cli_replay_judge {
	const struct cli_live *live;   /* borrow */
	struct base_map *scopes;       /* own: groups -> struct policy_scope */
	struct base_map *kept;         /* own: groups and text -> struct cli_verdict_kept; the least used are forgotten */
	size_t statements;             /* decided upon */
	char *role;                    /* own: whom the judge's connection is; NULL: nobody yet */
	bool role_taken;
};

static void
scope_free(void *value)
{
	struct policy_scope *s = value;

	policy_scope_unref(&s);
}

static void
kept_free(void *value)
{
	struct cli_verdict_kept *k = value;

	for (size_t i = 0; i < k->nmasked; i++)
		free(k->masked[i]);
	free(k->masked);
	free(k->words);
	free(k->rule);
	free(k);
}

struct cli_replay_judge *
cli_replay_judge_new(const struct cli_live *l)
{
	struct cli_replay_judge *j = base_mem_new(1, sizeof(*j));

	j->live = l;
	j->scopes = base_map_new(0, scope_free);
	j->kept = base_map_new(KEPT_MAX, kept_free);
	return j;
}

void
cli_replay_judge_free(struct cli_replay_judge **jp)
{
	struct cli_replay_judge *j = *jp;

	*jp = NULL;
	if (!j)
		return;
	base_map_free(&j->kept);
	base_map_free(&j->scopes);
	free(j->role);
	free(j);
}

size_t
cli_replay_statements(const struct cli_replay_judge *j)
{
	return j->statements;
}

int
cli_replay_scope(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person **person_r, struct policy_scope **scope_r, struct base_fail *fail)
{
	const struct policy_person *p = j->live->people ? policy_people_find(j->live->people, e->actor) : NULL;
	/* Of an application's actor the token said the groups; they are in the entry. */
	bool listed = p && (e->login.n == 0 || e->groups.count == 0);
	const struct base_span *groups = listed ? p->groups : e->groups.item;
	size_t n = listed ? p->ngroups : e->groups.count < EVENT_LIST_MAX ? e->groups.count : EVENT_LIST_MAX;
	struct base_buf key;

	base_buf_init(&key, POLICY_PEOPLE_SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		base_buf_put(&key, groups[i]);
		base_buf_u8(&key, 0);
	}
	struct policy_scope *s = base_map_get(j->scopes, base_buf_span(&key));
	int rc = 0;
	if (!s) {
		rc = base_map_count(j->scopes) >= SCOPES_MAX ? GH_E_LIMIT : policy_scope_new(j->live->map, groups, n, &s);
		if (rc == 0 && base_map_put(j->scopes, base_buf_span(&key), s) < 0)
			abort(); /* a command without memory has no answer */
	}
	base_buf_done(&key);
	if (rc < 0)
		return base_fail_set(fail, rc, "too many sets of groups for what the people may do");
	*person_r = p;
	*scope_r = s;
	return 0;
}

static void
keep_shows(struct cli_verdict_kept *k, const struct policy_map *map, const struct policy_occurrence *o)
{
	const struct policy_column *key = o->relation->key ? policy_map_column(map, o->relation->oid, o->relation->key) : NULL;
	size_t i = 0;

	if (!key)
		return;
	struct base_span kind = policy_map_kind(map, key->kind);
	while (i < k->nkinds && !base_span_is(kind, k->kinds[i].kind))
		i++;
	if (i == CLI_REPLAY_KINDS)
		return;
	if (i == k->nkinds) {
		(void)snprintf(k->kinds[i].kind, sizeof(k->kinds[i].kind), "%.*s", (int)kind.n, (const char *)kind.p);
		k->nkinds++;
	}
	k->kinds[i].shows.shows = k->kinds[i].shows.shows || o->shows;
	k->kinds[i].shows.clear = k->kinds[i].shows.clear || o->shows_clear;
}

static void
keep_masked(struct cli_verdict_kept *k, const struct policy_decision *d)
{
	k->masked = base_mem_new(d->ncolumns + 1, sizeof(char *));
	for (size_t i = 0; i < d->ncolumns; i++) {
		const struct policy_result_column *c = &d->columns[i];
		if (c->mask.kind == POLICY_MASK_NONE || c->occurrence == SIZE_MAX)
			continue;
		const struct policy_scope_relation *r = d->occurrences[c->occurrence].relation;
		const struct policy_scope_column *sc = policy_scope_column(r, c->attnum);
		char how[96];
		struct base_buf b;
		policy_mask_words(&c->mask, how, sizeof(how));
		base_buf_init(&b, 4096);
		base_buf_put(&b, r->full_name);
		base_buf_u8(&b, '.');
		if (sc)
			base_buf_put(&b, sc->name);
		base_buf_fmt(&b, " %s", how);
		k->masked[k->nmasked++] = base_mem_str(base_buf_span(&b));
		base_buf_done(&b);
	}
}

static void
keep(struct cli_verdict_kept *k, const struct policy_map *map, const struct cli_verdict *v)
{
	const struct policy_decision *d = v->decision;

	k->known = true;
	k->refused = v->refused;
	if (v->refused) {
		k->words = base_mem_str(base_span_str(v->text));
		k->rule = base_mem_str(base_span_str(v->rule.line > 0 && v->rule.file ? v->rule.file : ""));
		k->line = v->rule.line;
		return;
	}
	k->query = d != NULL;
	for (size_t i = 0; d && i < d->noccurrences; i++)
		keep_shows(k, map, &d->occurrences[i]);
	if (d)
		keep_masked(k, d);
}

/* The judge's connection as this actor, whose row security belongs to the tree. */
static int
become(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person *p, struct base_fail *fail)
{
	const char *why_not = NULL;
	int rc = 0;

	if (j->role && base_span_is(e->actor, j->role))
		return 0;
	free(j->role);
	j->role = NULL;
	rc = cli_actor_become(j->live, e->login.n ? e->login : e->actor, p, &why_not, fail);
	if (rc == 0) {
		j->role = base_mem_str(e->actor);
		j->role_taken = why_not == NULL;
	}
	return rc;
}

static bool
whole(struct base_span text)
{
	const size_t n = sizeof(CUT) - 1;

	return text.n > 0 && (text.n < n || memcmp(text.p + text.n - n, CUT, n) != 0) && !memchr(text.p, 0, text.n);
}

/* The text with parameters in place of its constants, and where the server cannot tell their types, with others. */
static int
analyse(struct cli_replay_judge *j, struct base_span text, struct policy_scope *scope, struct cli_verdict_kept *k, struct base_fail *fail)
{
	struct base_fail refused = {0}, first = {0};
	struct base_buf sql;
	int rc = GH_E_PARSE;

	base_buf_init(&sql, TEXT_MAX);
	for (unsigned how = 0; how < CLI_REFILLS && rc == GH_E_PARSE; how++) {
		struct cli_verdict v = {0};
		base_buf_clear(&sql);
		cli_refill_text(text, (enum cli_refill)how, &sql);
		base_buf_u8(&sql, 0);
		rc = sql.bad ? base_fail_set(&refused, GH_E_LIMIT, "its text is too long") : cli_verdict_make(j->live, scope, (const char *)base_buf_span(&sql).p, false, &v, &refused);
		/* Row security that only the role itself would show: nothing can be said. */
		bool rows = rc == 0 && v.decision && v.decision->refused && strcmp(v.decision->refusal.id, "ROWS") == 0 && !j->role_taken;
		if (rows)
			(void)base_fail_set(&refused, GH_E_DENIED, "the control role may not see the actor's row-level security");
		else if (rc == 0)
			keep(k, j->live->map, &v);
		if (how == 0)
			first = refused;
		cli_verdict_done(&v);
	}
	base_buf_done(&sql);
	if (rc == GH_E_IO) {
		*fail = refused;
		return rc;
	}
	if (!k->known)
		k->words = base_mem_str(base_span_str(first.text));
	return 0;
}

int
cli_replay_judge(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person *p, struct policy_scope *scope, struct cli_verdict_kept **kept_r,
    struct base_fail *fail)
{
	struct base_buf key;
	int rc = 0;

	base_buf_init(&key, 2 * POLICY_FILE_SIZE_MAX);
	base_buf_put(&key, scope->group_words);
	base_buf_u8(&key, 0);
	base_buf_put(&key, e->text);
	struct cli_verdict_kept *k = base_map_get(j->kept, base_buf_span(&key));
	if (!k) {
		k = base_mem_new(1, sizeof(*k));
		if (!whole(e->text)) {
			k->words = base_mem_str(base_span_str("the ledger has the beginning of its text only"));
		} else if ((rc = become(j, e, p, fail)) == 0) {
			rc = analyse(j, e->text, scope, k, fail);
		}
		j->statements++;
		if (rc < 0)
			kept_free(k);
		else if (base_map_put(j->kept, base_buf_span(&key), k) < 0)
			abort(); /* a command without memory has no answer */
	}
	base_buf_done(&key);
	if (rc == 0)
		*kept_r = k;
	return rc;
}
