/* mask_apply: one value of an answer to what may be shown of it. Pure. Input: hostile server (a value that is not of its type's form, or not
 * UTF-8, becomes NULL). NULL stays NULL. Types are kept: HIDE gives NULL; FIXED its constant in the type's form; YEAR the first of January
 * (date, timestamp, timestamptz in the ISO date style or binary; of text that begins with four digits and no fifth: those four).
 * LAST and FIRST show n characters of text (not bytes; combining marks stay with their base), each other character becomes '*', at least one
 * is always hidden: a value of n characters or fewer becomes stars only. The blanks that fill a char(n) are dropped. HASH is 32 hex digits
 * of HMAC-SHA-256(key(employer, kind), normalised value); TOKEN is "tk-" and 16 characters of base32 of the same with another label. Both
 * are stable per employer and kind, and differ between employers. Which mask suits which type: policy_mask_unsuitable.
 */
#ifndef MASK_APPLY_H
#define MASK_APPLY_H

#include "base_buf.h"
#include "policy_rule.h"
#include "policy_file.h"

/* The secret behind HASH and TOKEN: a file of one line "mask <64 hex digits>" (mode 0600, made by `gatehouse init --keys`). Wiped when freed; immutable, counted. */
struct mask_secret;
BASE_CHECK int mask_secret_parse(struct base_span text, const char *file, struct mask_secret **s_r, struct base_fail *fail);
void mask_secret_line(struct base_buf *out); /* a new random one */
void mask_secret_ref(struct mask_secret *s);
void mask_secret_unref(struct mask_secret **s);

/* May a column of this type be masked so? NULL: yes; else why not ("year needs a date; this is uuid"). For binding a policy. */
const char *mask_unsuitable(const struct policy_mask *m, uint32_t type_oid);

/* One masked column of one statement, made once and used for each row. */
struct mask_column;
/* kind: what HASH and TOKEN are separated by besides the employer: "customer.phone" for identifiers, else "schema.table.column"; norm and country: how the
 * value is normalised before hashing. secret may be NULL: then HASH and TOKEN give GH_E_MISSING. GH_E_UNSUPPORTED: the mask does not
 * suit the type or is NONE, or the format is neither 0 nor 1. Everything is copied. */
BASE_CHECK int mask_column_new(const struct policy_mask *m, uint32_t type_oid, int format, const struct mask_secret *secret, struct base_span employer, struct base_span kind,
    enum policy_norm norm, struct base_span country, struct mask_column **c_r);
void mask_column_free(struct mask_column **c);
/* Appends the field as in a DataRow: Int32 length (-1 = NULL) and bytes. raw.p == NULL: NULL. Never fails but by out->bad. */
void mask_apply(struct mask_column *c, struct base_span raw, struct base_buf *out);

#endif
