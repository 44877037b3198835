/* base_text: text for people and for transport: quoting of peer bytes, hex, base64 (RFC 4648, padded), edit distance. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base_buf.h"

/* Writes at most size-1 bytes and a NUL (size > 0): printable ASCII and valid UTF-8 as is, everything else as \xNN, "..." when
 * cut at about max_in input bytes or for want of room. UTF-8 that would disturb a line or a terminal (C1 controls, line and
 * paragraph separators, bidirectional formatting, byte order mark) counts as "everything else". Returns dst, so it can stand in
 * an argument list. Quotes are not added; a backslash is printable and stays, so the text is for people, not for parsing. */
const char *base_text_quote(char *dst, size_t size, struct base_span s, size_t max_in);
/* Bytes of the valid UTF-8 character at p (1..4; no surrogates, no overlong forms, <= U+10FFFF), 0 when there is none. left > 0. */
size_t base_text_utf8_length(const uint8_t *p, size_t left);
bool base_text_utf8(struct base_span s); /* all of it */

void base_text_hex(struct base_buf *b, struct base_span s); /* lower case */
BASE_CHECK int base_text_unhex(struct base_span s, uint8_t *dst, size_t n); /* exactly 2n digits, either case; GH_E_PARSE */
void base_text_base64(struct base_buf *b, struct base_span s);
/* Strict: padding required, no spaces, unused bits zero. Appends to b. GH_E_PARSE, or GH_E_LIMIT when b latches. */
BASE_CHECK int base_text_unbase64(struct base_span s, struct base_buf *b);

/* Nearest of the candidates within edit distance 2 (and less than the word's length; swapped neighbours count one), the
 * first of equals, or NULL: for "did you mean". */
const char *base_text_nearest(struct base_span word, const char *const *candidates, size_t count);

#endif
