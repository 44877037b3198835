/* cli_shape: what a value looks like: one recogniser a shape, and the tally over a sampled column. Pure. Input: values of somebody's database, any bytes. A recogniser
 * sees one value, keeps nothing of it and never fails; a tally keeps counts, years, country codes
 * and 1,024 bits of hashes, never a value.
 */
#ifndef CLI_SHAPE_H
#define CLI_SHAPE_H

#include "base_span.h"

enum cli_shape {
#define CLI_SHAPE(name, function, words, share) CLI_SHAPE_##name,
#include "cli_shape.def"
#undef CLI_SHAPE
	CLI_SHAPES
};
bool cli_shape_is(enum cli_shape shape, struct base_span value);
const char *cli_shape_words(enum cli_shape shape);     /* "e-mail addresses" */
unsigned cli_shape_share(enum cli_shape shape);        /* per cent from which the values alone decide */

/* Country calling code that a telephone number shows, by its prefix or by its form (Chinese, German and French mobiles); 0: it shows none. */
unsigned cli_shape_country(struct base_span value);
/* Year of a date in one of the usual forms (2026-11-22, with or without a time behind it, 20261122, 22.11.2026, 11/22/2026); 0: no date. */
unsigned cli_shape_year(struct base_span value);

#define CLI_TALLY_COUNTRIES 4u
struct cli_tally {
	unsigned values;            /* looked at: neither NULL nor empty */
	unsigned hits[CLI_SHAPES];
	unsigned year_first, year_last;
	uint64_t seen[16];          /* bits of a hash of each: how many differ */
	struct { unsigned code, n; } country[CLI_TALLY_COUNTRIES]; /* the first ones met; code 0: free */
};
void cli_tally_add(struct cli_tally *t, struct base_span value);
unsigned cli_tally_share(const struct cli_tally *t, enum cli_shape shape); /* per cent, rounded down; 0 without values */
unsigned cli_tally_distinct(const struct cli_tally *t);                    /* how many differ, in per cent, about; 0 without values */
unsigned cli_tally_country(const struct cli_tally *t);                     /* of most telephone numbers; 0: less than half of them show one */

#endif
