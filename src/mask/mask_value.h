/* mask_value: a wire value in text or binary format to canonical text, and the normalisations of identifiers. Pure. Input: hostile server.
 * Binary forms: PostgreSQL 15 send functions of int2, int4, int8, oid, text, varchar, bpchar, name, uuid, numeric; types by OID.
 */
#ifndef MASK_VALUE_H
#define MASK_VALUE_H

#include "base_buf.h"
#include "policy_file.h"

#define MASK_VALUE_MAX 1024u /* longer keys and identifiers are not marked: GH_E_LIMIT */

bool mask_value_supported(uint32_t type_oid);
/* format 0 text, 1 binary. Writes the canonical text to dst (size MASK_VALUE_MAX), length in n_r. bpchar: trailing blanks dropped (its
 * equality ignores them). Unknown type OIDs in text format are taken as they are (domains, citext); in binary GH_E_UNSUPPORTED. */
BASE_CHECK int mask_value_text(uint32_t type_oid, int format, struct base_span raw, uint8_t *dst, size_t *n_r);
/* In place; n_r may shrink or (phone) grow within MASK_VALUE_MAX. GH_E_PARSE when nothing is left (a phone without digits). */
BASE_CHECK int mask_value_normalise(enum policy_norm norm, struct base_span country, uint8_t *dst, size_t *n);

#endif
