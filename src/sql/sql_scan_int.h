/* sql_scan_int: private to sql. */
#ifndef SQL_SCAN_INT_H
#define SQL_SCAN_INT_H

#include "base_fail.h"

/* GH_E_PARSE with libpg_query's message but for the part that quotes the statement: that may be a literal, and literals are not logged. */
int sql_scan_refused(struct base_fail *fail, const char *what, const char *message);

#endif
