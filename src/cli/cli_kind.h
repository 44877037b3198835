/* cli_kind: what the name of a column or a table says about persons (cli_kind.def). Pure. Input: names of somebody's catalogue, any bytes. */
#ifndef CLI_KIND_H
#define CLI_KIND_H

#include "base_span.h"
#include "cli_shape.h"

enum cli_family { /* of types, as a set */
	CLI_FAMILY_TEXT = 1, CLI_FAMILY_NUMBER = 2, CLI_FAMILY_DATE = 4, CLI_FAMILY_BOOL = 8, CLI_FAMILY_INET = 16, CLI_FAMILY_JSON = 32, CLI_FAMILY_UUID = 64, CLI_FAMILY_OTHER = 128
};
/* Of pg_type.typname of the base type and its typcategory. */
enum cli_family cli_kind_family(const char *type, char category);

enum cli_kind {
#define CLI_KIND(name, words, rule, identifier, shape, families, points) CLI_KIND_##name,
#include "cli_kind.def"
	CLI_KINDS
};
struct cli_kind_row {
	const char *words, *rule, *identifier; /* static */
	enum cli_shape shape;                  /* CLI_SHAPES: none confirms it */
	unsigned families, points;
};
const struct cli_kind_row *cli_kind_row(enum cli_kind kind);

/* What a column of this name and type holds; *certain_r: the name is enough by itself. NONE: the name says nothing, or says that it is harmless. */
enum cli_kind cli_kind_of_column(struct base_span name, enum cli_family family, bool *certain_r);

enum cli_role { CLI_ROLE_NONE, CLI_ROLE_SUBJECT, CLI_ROLE_STAFF, CLI_ROLE_CASE };
/* What a table of this name holds; *name_r: static, what one row is called ("customer"), NULL with NONE. */
enum cli_role cli_kind_of_table(struct base_span name, const char **name_r);

/* A name without separators, digits behind words and case; at most `size` bytes. starts: bit i says that a word begins at byte i, of the first 64. Returns its length. */
#define CLI_PLAIN_MAX 64u
size_t cli_kind_plain(struct base_span name, char out[CLI_PLAIN_MAX], uint64_t *starts_r);
/* Is it one of the words between blanks, as a whole or at the border of a word? The length of the longest that is, else 0. */
size_t cli_kind_match(const char *plain, size_t n, uint64_t starts, const char *words, bool *tail_r);

#endif
