/* cli_table: see cli_table.h. Input: texts of any origin. */
#include "cli_table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"

#define CELL_MAX 400u

struct cli_table {
	struct libscols_table *table; /* own */
	size_t n;
};

struct cli_table *
cli_table_new(const struct cli_table_column *columns, size_t n)
{
	struct cli_table *t = base_mem_new(1, sizeof(*t));

	t->table = scols_new_table();
	if (!t->table)
		abort(); /* out of memory */
	t->n = n;
	scols_table_enable_maxout(t->table, 0);
	for (size_t i = 0; i < n; i++)
		if (!scols_table_new_column(t->table, columns[i].name, 0, (columns[i].right ? SCOLS_FL_RIGHT : 0) | (columns[i].wrap ? SCOLS_FL_WRAP : 0)))
			abort(); /* out of memory */
	return t;
}

void
cli_table_row(struct cli_table *t, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(t->table, NULL);
	char shown[4 * CELL_MAX + 8];

	if (!line)
		abort(); /* out of memory */
	for (size_t i = 0; i < t->n; i++)
		if (scols_line_set_data(line, i, base_text_quote(shown, sizeof(shown), base_span_str(cells[i] ? cells[i] : ""), CELL_MAX)) != 0)
			abort(); /* out of memory */
}

void
cli_table_free(struct cli_table **t)
{
	if (!*t)
		return;
	scols_unref_table((*t)->table);
	free(*t);
	*t = NULL;
}

bool
cli_table_print(struct cli_table **t)
{
	bool ok = fflush(stdout) == 0 && scols_print_table((*t)->table) == 0 && fflush(stdout) == 0;

	cli_table_free(t);
	return ok;
}
