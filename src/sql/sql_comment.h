/* sql_comment: what a program says of a statement in its comments, after sqlcommenter (google.github.io/sqlcommenter/spec): a comment of the form
 * key='url-encoded value',key2='...' (slash-star or double-hyphen form) anywhere in the text; values are claims. Pure. Input: hostile text.
 */
#ifndef SQL_COMMENT_H
#define SQL_COMMENT_H

#include "base_mem.h"

/* The value of `key` (letters, digits, '_'), decoded into arena; the last comment that has it counts. False: none has it, or it is malformed, longer than 255 bytes
 * decoded, not UTF-8, or holds control characters. A text that the scanner cannot read has no comments. Cheap when the text has none. */
bool sql_comment_value(struct base_span text, const char *key, struct base_arena *arena, struct base_span *value_r);

#endif
