/* keeper_admin: the few entries that the keeper itself must know: suspend, resume, enroll, and step by a recovery code. Pure.
 *
 * No JSON parser: one in the process that holds the key would be more risk than it removes. An entry that the readers accept has exactly one form
 * (docs/FORMATS.md): `{"v":1,"kind":"K","time":"T"` and then fields in one order. In that form a quote inside a string has a backslash in front, so
 * the bytes `,"target":"` can only be the name of a field. A line of another form is no entry to any reader, and here it is none of these kinds.
 */
#ifndef KEEPER_ADMIN_H
#define KEEPER_ADMIN_H

#include "base_fail.h"
#include "base_span.h"

#define KEEPER_ADMIN_MAX 16384u /* bytes of one such entry; an honest one has a few hundred */

enum keeper_admin_kind { KEEPER_ADMIN_SUSPEND, KEEPER_ADMIN_RESUME, KEEPER_ADMIN_ENROLL, KEEPER_ADMIN_STEP };

struct keeper_admin {
	enum keeper_admin_kind kind;
	struct base_span target; /* "actor NAME" or "employer NAME"; STEP: the actor's name; escaped as it stands in the entry; borrowed */
	unsigned code;           /* STEP: number of the recovery code, 1.. */
};
#define KEEPER_ADMIN_CODES 10u

/* 1: one of them; 0: none of them (a step by a password is none); GH_E_PARSE: one of them without a target that makes sense: it may not be recorded. */
BASE_CHECK int keeper_admin_read(struct base_span entry, struct keeper_admin *a_r);
/* The actor of an enroll's target: what a STEP's target is compared with. Empty when the target is no actor. */
struct base_span keeper_admin_actor(struct base_span target);
/* The entry's time; false when it is not where every entry has it. */
bool keeper_admin_time(struct base_span entry, uint64_t *wall_us_r);

#endif
