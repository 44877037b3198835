/* gate_who: who asks. Input: claims of a token that was verified (ident_token), trusted files. Never keeps a token longer than the session that gave it, or the
 * worker's small cache of those seen lately, needs it; never logs one.
 */
#include "gate_who.h"

#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "ident_token.h"

#define TOKENS 1000u  /* seen lately, per worker */
#define SCOPES 4096u  /* sets of groups */

struct gate_whos {
	struct base_map *scopes; /* names of groups, each behind a NUL -> policy_scope */
	struct base_map *tokens; /* SHA-256 of application and token -> gate_who */
};

static void
scope_done(void *value)
{
	struct policy_scope *s = value;

	policy_scope_unref(&s);
}

static void
who_done(void *value)
{
	struct gate_who *w = value;

	gate_who_unref(&w);
}

struct gate_whos *
gate_whos_new(void)
{
	struct gate_whos *ws = base_mem_new(1, sizeof(*ws));

	ws->scopes = base_map_new(SCOPES, scope_done);
	ws->tokens = base_map_new(TOKENS, who_done);
	return ws;
}

void
gate_whos_free(struct gate_whos **wsp)
{
	struct gate_whos *ws = *wsp;

	*wsp = NULL;
	if (!ws)
		return;
	base_map_free(&ws->scopes);
	base_map_free(&ws->tokens);
	free(ws);
}

void
gate_whos_clear(struct gate_whos *ws)
{
	base_map_clear(ws->scopes);
	base_map_clear(ws->tokens);
}

const struct policy_application *
gate_who_application(const struct gate_world *w, struct base_span login)
{
	const struct policy_file *f = policy_map_file(w->map);

	for (size_t i = 0; i < f->napplications; i++)
		if (base_span_eq(f->applications[i].login, login))
			return &f->applications[i];
	return NULL;
}

/* ---- scopes ---- */

static int
scope_of(struct gate_whos *ws, struct gate_world *w, const struct base_span *groups, size_t ngroups, struct policy_scope **scope_r)
{
	struct base_buf key;
	struct policy_scope *s;
	int rc = GH_OK;

	base_buf_init(&key, 1u << 20);
	for (size_t i = 0; i < ngroups; i++) {
		base_buf_u8(&key, 0);
		base_buf_put(&key, groups[i]);
	}
	if (key.bad) {
		base_buf_done(&key);
		return GH_E_LIMIT;
	}
	s = base_map_get(ws->scopes, base_buf_span(&key));
	if (s && s->map != w->map) {
		base_map_clear(ws->scopes); /* of an older world */
		s = NULL;
	}
	if (s) {
		policy_scope_ref(s);
	} else {
		rc = policy_scope_new(w->map, groups, ngroups, &s);
		if (rc == GH_OK) {
			policy_scope_ref(s);
			if (base_map_put(ws->scopes, base_buf_span(&key), s) < 0)
				policy_scope_unref(&s); /* not kept: this one reference is the caller's */
		}
	}
	base_buf_done(&key);
	*scope_r = s;
	return rc;
}

/* ---- making one ---- */

static struct gate_who *
blank(struct gate_world *w, struct base_span actor)
{
	struct gate_who *who = base_mem_new(1, sizeof(*who));

	who->refs = 1;
	who->world = w;
	gate_world_ref(w);
	who->actor = base_mem_str(actor);
	who->person = w->people ? policy_people_find(w->people, actor) : NULL;
	return who;
}

static char *
words(bool said, struct base_span claim, bool listed, struct base_span file)
{
	return base_mem_str(said ? claim : listed ? file : base_span("", 0));
}

static void
take_groups(struct gate_who *who, const struct base_span *groups, size_t n)
{
	who->groups = base_mem_new(n + 1, sizeof(*who->groups));
	for (size_t i = 0; i < n; i++)
		who->groups[who->ngroups++] = base_span_str(base_mem_str(groups[i])); /* names hold no NUL: the lexer and the CSV reader have seen to it */
}

struct gate_who *
gate_who_login(struct gate_whos *ws, struct gate_world *w, struct base_span login)
{
	struct gate_who *who = blank(w, login);
	const struct policy_person *p = who->person;
	struct base_span none = base_span("", 0);

	who->application = gate_who_application(w, login);
	who->nobody = who->application != NULL;
	who->name = base_mem_str(p ? p->name : none);
	who->employer = base_mem_str(p ? p->employer : none);
	who->province = base_mem_str(p ? p->province : none);
	who->team = base_mem_str(p ? p->team : none);
	if (who->nobody)
		take_groups(who, who->application->nobody, who->application->nnobody);
	else
		take_groups(who, p ? p->groups : NULL, p ? p->ngroups : 0);
	if (scope_of(ws, w, who->groups, who->ngroups, &who->scope) < 0)
		gate_who_unref(&who);
	return who;
}

static bool
within(const struct policy_application *a, struct base_span group)
{
	for (size_t i = 0; i < a->nwithin; i++)
		if (base_span_eq(a->within[i], group))
			return true;
	return false;
}

/* Groups that the token names and may name; where the policy asks no claim for them, the people file's. */
static int
token_groups(struct gate_who *who, const struct policy_application *a, const struct ident_claims *c, struct base_fail *fail)
{
	struct base_span group, named[256];
	size_t n = 0;

	if (a->groups.n == 0) {
		take_groups(who, who->person ? who->person->groups : NULL, who->person ? who->person->ngroups : 0);
		return who->ngroups > 0 ? GH_OK : base_fail_set(fail, GH_E_DENIED, "the token's person is in no group");
	}
	for (size_t i = 0; i < BASE_COUNT(named) && ident_claims_item(c, a->groups, i, &group); i++)
		if (within(a, group))
			named[n++] = group;
	take_groups(who, named, n);
	return n > 0 ? GH_OK : base_fail_set(fail, GH_E_DENIED, "the token names none of the groups that it may name");
}

static int
from_claims(struct gate_whos *ws, struct gate_world *w, const struct policy_application *a, const struct ident_claims *c, struct gate_who **who_r, struct base_fail *fail)
{
	const struct { struct base_span claim; size_t at; } said[] = {
		{a->person_name, offsetof(struct gate_who, name)}, {a->employer, offsetof(struct gate_who, employer)},
		{a->province, offsetof(struct gate_who, province)}, {a->team, offsetof(struct gate_who, team)},
	};
	struct base_span actor, value;

	if (!ident_claims_text(c, a->actor.n > 0 ? a->actor : base_span("sub", 3), &actor) || actor.n == 0)
		return base_fail_set(fail, GH_E_VERIFY, "the token does not say who the actor is");
	struct gate_who *who = blank(w, actor);
	const struct policy_person *p = who->person;
	struct base_span listed[4] = {base_span("", 0), base_span("", 0), base_span("", 0), base_span("", 0)};
	if (p) {
		listed[0] = p->name;
		listed[1] = p->employer;
		listed[2] = p->province;
		listed[3] = p->team;
	}
	who->application = a;
	for (size_t i = 0; i < BASE_COUNT(said); i++) {
		bool has = said[i].claim.n > 0 && ident_claims_text(c, said[i].claim, &value);
		*(char **)((char *)who + said[i].at) = words(has, value, p != NULL, listed[i]);
	}
	who->expires_us = ident_claims_expires_us(c) + IDENT_LEEWAY_US; /* as long as it would be taken anew */
	int rc = token_groups(who, a, c, fail);
	if (rc == GH_OK && scope_of(ws, w, who->groups, who->ngroups, &who->scope) < 0)
		rc = base_fail_set(fail, GH_E_NOMEM, "out of memory for the policy");
	if (rc < 0)
		gate_who_unref(&who);
	*who_r = who;
	return rc;
}

static const struct ident_jwks *
keys_of(const struct gate_world *w, const struct policy_application *a)
{
	const struct policy_file *f = policy_map_file(w->map);

	return w->jwks[a - f->applications];
}

static unsigned
algorithms(unsigned of_policy)
{
	_Static_assert((int)IDENT_RS256 == (int)POLICY_ALG_RS256 && (int)IDENT_ES256 == (int)POLICY_ALG_ES256 && (int)IDENT_EDDSA == (int)POLICY_ALG_EDDSA, "the same bits");
	return of_policy;
}

int
gate_who_token(struct gate_whos *ws, struct gate_world *w, const struct policy_application *a, struct base_span token, uint64_t now_us, struct gate_who **who_r, struct base_fail *fail)
{
	const struct ident_expect expect = {a->issuer, a->audience, algorithms(a->algorithms), now_us};
	struct base_span part[3] = {a->name, base_span("", 1), token};
	uint8_t key[BASE_SHA256_SIZE];
	struct ident_claims *claims = NULL;

	base_crypt_sha256v(part, BASE_COUNT(part), key);
	struct gate_who *who = base_map_get(ws->tokens, base_span(key, sizeof(key)));
	if (who && who->world == w && who->expires_us > now_us) {
		gate_who_ref(who);
		*who_r = who;
		return GH_OK;
	}
	if (who)
		(void)base_map_remove(ws->tokens, base_span(key, sizeof(key)));
	int rc = ident_token_verify(keys_of(w, a), token, &expect, &claims, fail);
	if (rc == GH_OK)
		rc = from_claims(ws, w, a, claims, who_r, fail);
	ident_claims_free(&claims);
	if (rc < 0)
		return rc;
	(*who_r)->token = base_mem_str(token);
	gate_who_ref(*who_r);
	if (base_map_put(ws->tokens, base_span(key, sizeof(key)), *who_r) < 0) {
		struct gate_who *extra = *who_r;
		gate_who_unref(&extra);
	}
	return GH_OK;
}

void
gate_who_ref(struct gate_who *who)
{
	who->refs++;
}

void
gate_who_unref(struct gate_who **whop)
{
	struct gate_who *who = *whop;

	*whop = NULL;
	if (!who || --who->refs > 0)
		return;
	if (who->token)
		base_secret_wipe(who->token, strlen(who->token));
	free(who->token);
	free(who->actor);
	free(who->name);
	free(who->employer);
	free(who->province);
	free(who->team);
	for (size_t i = 0; i < who->ngroups; i++)
		free((void *)(uintptr_t)who->groups[i].p);
	free(who->groups);
	policy_scope_unref(&who->scope);
	gate_world_unref(&who->world);
	free(who);
}

bool
gate_who_in(const struct gate_who *who, struct base_span group)
{
	for (size_t i = 0; i < who->ngroups; i++)
		if (base_span_eq(who->groups[i], group))
			return true;
	return false;
}

static bool
same_groups(const struct gate_who *a, const struct gate_who *b)
{
	bool same = a->ngroups == b->ngroups;

	for (size_t i = 0; same && i < a->ngroups; i++)
		same = base_span_eq(a->groups[i], b->groups[i]);
	return same;
}

bool
gate_who_same(const struct gate_who *a, const struct gate_who *b)
{
	return a == b || (a && b && same_groups(a, b) && a->nobody == b->nobody && strcmp(a->actor, b->actor) == 0 && strcmp(a->employer, b->employer) == 0 &&
	                  strcmp(a->province, b->province) == 0 && strcmp(a->team, b->team) == 0);
}
