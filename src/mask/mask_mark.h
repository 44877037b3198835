/* mask_mark: keyed fingerprints of subjects' keys and identifiers (DESIGN.md "mark"). Pure but for nothing.
 * mark = SipHash-2-4(k(epoch, kind), normalised value), big-endian when written, never 0 (0 means absent).
 * k(epoch, kind) = first 16 bytes of HMAC-SHA-256(epoch key, "gatehouse mark v1\n" || kind): kinds are separated, and so are years.
 * Key file: text lines "<year> <64 hex digits>" (256-bit epoch key), '#' comments; mode 0600. Destroying a line is erasure.
 */
#ifndef MASK_MARK_H
#define MASK_MARK_H

#include "base_buf.h"
#include "base_crypt.h"
#include "base_fail.h"
#include "policy_map.h"

struct mask_keys; /* secret: wiped when freed; immutable, reference-counted */
BASE_CHECK int mask_keys_parse(struct base_span text, const char *file, struct mask_keys **keys_r, struct base_fail *fail);
void mask_keys_ref(struct mask_keys *k);
void mask_keys_unref(struct mask_keys **k);
bool mask_keys_has(const struct mask_keys *k, unsigned year);
size_t mask_keys_years(const struct mask_keys *k, unsigned *years, size_t max); /* ascending; returns the count */
void mask_keys_line(unsigned year, struct base_buf *out); /* a new line with a random key, for init and key add */

/* Keys of one epoch for the kinds of a map, ready to use; lives as long as its owner keeps it. */
struct mask_marker;
/* GH_E_MISSING when there is no key for the year (hint: gatehouse key add YEAR). */
BASE_CHECK int mask_marker_new(const struct mask_keys *k, unsigned year, const struct base_span *kinds, size_t nkinds, struct mask_marker **m_r, struct base_fail *fail);
void mask_marker_free(struct mask_marker **m); /* wipes */
unsigned mask_marker_epoch(const struct mask_marker *m);
/* value: normalised text. */
uint64_t mask_marker_mark(const struct mask_marker *m, unsigned kind, struct base_span normalised);

#endif
