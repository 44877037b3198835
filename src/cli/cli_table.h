/* cli_table: a table on standard output (libsmartcols: right widths for Chinese). Every cell is quoted for a terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct cli_table_column { const char *name; bool right, wrap; };
struct cli_table;
struct cli_table *cli_table_new(const struct cli_table_column *columns, size_t n); /* never NULL: aborts without memory; columns must outlive it */
void cli_table_row(struct cli_table *t, const char *const *cells);                  /* as many as columns; copied; NULL is empty */
/* Prints what there is and frees it; false: standard output took it not. */
bool cli_table_print(struct cli_table **t);
void cli_table_free(struct cli_table **t);

#endif
