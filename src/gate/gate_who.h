/* gate_who: the person who asks in an enforced session: by log-in, or by the signed token that an application gave for somebody. Immutable, counted without atomics:
 * one worker, one thread. Scopes are interned per worker and world, so that equal groups are one pointer.
 */
#ifndef GATE_WHO_H
#define GATE_WHO_H

#include "gate_world.h"
#include "policy_only.h"
#include "policy_scope.h"

struct gate_who {
	unsigned refs;
	struct gate_world *world;            /* shared: under which it was made */
	char *actor, *name, *employer, *province, *team; /* own; never NULL, may be empty */
	struct base_span *groups; size_t ngroups; /* own */
	const struct policy_person *person;  /* borrow: of the world's people; NULL: not listed */
	const struct policy_application *application; /* borrow: of the world's policy; NULL: a person's own log-in */
	bool nobody;                         /* an application that has not said for whom */
	char *token;                         /* own, secret: to be verified anew under another world; NULL */
	uint64_t expires_us;                 /* wall, with the leeway of ident_token_verify; 0 = does not */
	struct policy_scope *scope;          /* shared */
};

struct gate_whos; /* what one worker keeps: scopes by their groups, and who is behind tokens seen lately */
struct gate_whos *gate_whos_new(void);
void gate_whos_free(struct gate_whos **ws);
void gate_whos_clear(struct gate_whos *ws); /* at a new world */

/* The application whose log-in this role is; NULL. */
const struct policy_application *gate_who_application(const struct gate_world *w, struct base_span login);
/* Who a session of this role is before any token. Never NULL but when memory is refused. */
struct gate_who *gate_who_login(struct gate_whos *ws, struct gate_world *w, struct base_span login);
/* GH_E_* of ident_token_verify; GH_E_DENIED: the token names no group that it may name. fail says why, without a byte of the token; it is for the log and the ledger. */
BASE_CHECK int gate_who_token(struct gate_whos *ws, struct gate_world *w, const struct policy_application *a, struct base_span token, uint64_t now_us, struct gate_who **who_r, struct base_fail *fail);
void gate_who_ref(struct gate_who *who);
void gate_who_unref(struct gate_who **who);
bool gate_who_in(const struct gate_who *who, struct base_span group);
bool gate_who_same(const struct gate_who *a, const struct gate_who *b); /* the same actor with the same words about him, be it under two worlds */

#endif
