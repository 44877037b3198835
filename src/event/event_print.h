/* event_print: one entry as one line for people. Pure; the zone is the process's (TZ).
 *
 *   2026-11-22 16:07:54 +0800  li.na (Li Na, North Star Mobile)  read  2 rows, 2 subjects  public.customers.name, .phone  | select ...
 *
 *   2026-11-22 16:07:54 +0800  gate gate1  suspend  suspended actor wang: left the company (by maria)
 *
 * Parts in this order, two spaces between them, absent ones left out: time; actor (through an application's log-in; name, employer) or the gate; kind; what was
 * done, to whom, why, by whom; rows and subjects; columns (the table is named once per run), or tables where no column is known; where from and how; file; why;
 * budget, case and purpose; the error; the statement's text behind a bar. Control characters and invalid UTF-8 come out as \xNN: the line is safe on a terminal.
 */
#ifndef EVENT_PRINT_H
#define EVENT_PRINT_H

#include "event_entry.h"

/* Appends the line without a newline; about text_max bytes of the statement's text (at most 1000; 0 = none). Latches out->bad. */
void event_print_line(const struct event_entry *e, size_t text_max, struct base_buf *out);
/* Distinct tuples of marks in the entry: how many subjects its rows named. 0 when it has none. */
size_t event_print_subjects(const struct event_entry *e);

#endif
