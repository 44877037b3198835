/* gate_judge: a short-lived second connection on which the server only analyses: it prints the rewritten tree of what is prepared there, and nothing
 * is ever run. For what must be known before a policy can be enforced: that the server prints trees as we know them (golden statements), and the trees of
 * trusted views and row conditions. Blocking (libpq); control thread and command line.
 */
#ifndef GATE_JUDGE_H
#define GATE_JUDGE_H

#include <libpq-fe.h>

#include "policy_map.h"
#include "proc_conf.h"
#include "tree_read.h"

struct gate_judge;

/* conf->control with the settings that make the server print trees. GH_E_IO; GH_E_UNSUPPORTED: a server whose trees nobody has a table for,
 * or whose encoding is not UTF8. */
BASE_CHECK int gate_judge_open(const struct proc_conf *conf, struct gate_judge **j_r, struct base_fail *fail);
void gate_judge_close(struct gate_judge **j);
unsigned gate_judge_major(const struct gate_judge *j);
/* Its connection, which may only read: for settings that an analysis depends on (search_path, role), and for the command line's tests of a policy. */
PGconn *gate_judge_conn(const struct gate_judge *j);
/* The tree of one statement: exactly one notice with exactly one query, else GH_E_VERIFY. GH_E_PARSE: the server's own error message. */
BASE_CHECK int gate_judge_tree(struct gate_judge *j, const char *sql, struct tree **tree_r, struct base_fail *fail);
/* GH_E_VERIFY with the name of the first golden statement whose tree is another one. */
BASE_CHECK int gate_judge_golden(struct gate_judge *j, struct base_fail *fail);
/* Asks what map must know and gives it the answers; all of them or the first failure, with file:line. */
BASE_CHECK int gate_judge_questions(struct gate_judge *j, struct policy_map *map, struct base_fail *fail);

#endif
