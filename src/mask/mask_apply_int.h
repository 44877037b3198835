/* mask_apply_int: what the files mask_apply.c, mask_show.c, mask_year.c and mask_secret.c share. Private to mask. */
#ifndef MASK_APPLY_INT_H
#define MASK_APPLY_INT_H

#include "mask_apply.h"

enum { OID_BOOL = 16, OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_BPCHAR = 1042, OID_VARCHAR = 1043,
       OID_DATE = 1082, OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184 };

#define MASK_NULL UINT32_MAX /* Int32 -1 */

/* mask_secret.c: the key of one employer and kind; label separates HASH from TOKEN. */
BASE_CHECK int secret_key(const struct mask_secret *s, const char *label, struct base_span employer, struct base_span kind, uint8_t key_r[32]);

/* mask_show.c: the field of LAST and FIRST. false: not UTF-8, nothing appended. */
bool show_put(bool last, unsigned n, struct base_span text, struct base_buf *out);

/* mask_year.c: the field of YEAR. false: not of the type's form, or no year (infinity); nothing appended. */
bool year_put(uint32_t type_oid, int format, struct base_span raw, struct base_buf *out);
/* Days from 2000-01-01 to 1970-01-01 plus `days`: PostgreSQL's dates. */
#define YEAR_EPOCH_DAYS 10957

#endif
