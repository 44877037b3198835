/* cli_live: what the commands need that ask the database: the files, the control connection, and the policy bound to the live catalogue. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <libpq-fe.h>

#include "cli_files.h"
#include "policy_scope.h"

struct gate_judge;

struct cli_live {
	struct proc_conf *conf;       /* own */
	struct policy_file *policy;   /* own */
	struct policy_people *people; /* shared; NULL: none configured */
	PGconn *conn;                 /* own; NULL before cli_live_connect */
	struct gate_judge *judge;     /* own; NULL before cli_live_judge */
	struct policy_map *map;       /* shared; NULL before cli_live_bind */
};
/* Everything in order; each needs the ones before it. cli_live_done accepts half-made ones. */
BASE_CHECK int cli_live_files(struct cli_live *l, const struct cli_args *args, const char *policy, struct base_fail *fail); /* policy: in place of the configured file, or NULL */
BASE_CHECK int cli_live_connect(struct cli_live *l, bool read_only, struct base_fail *fail);
BASE_CHECK int cli_live_judge(struct cli_live *l, struct base_fail *fail); /* checks the golden statements too */
/* Names, objects and, where there is a judge, questions: a map as the gate has it. */
BASE_CHECK int cli_live_bind(struct cli_live *l, struct base_fail *fail);
void cli_live_done(struct cli_live *l);
/* All four. */
BASE_CHECK int cli_live_open(struct cli_live *l, const struct cli_args *args, const char *policy, struct base_fail *fail);

/* SELECT with text parameters; exactly `columns` columns, else GH_E_IO with the server's message in one line. The caller clears r. */
BASE_CHECK int cli_live_query(PGconn *conn, const char *sql, int nparams, const char *const *params, int columns, PGresult **r, struct base_fail *fail);
void cli_live_server_fail(const PGconn *conn, struct base_fail *fail, const char *what); /* GH_E_IO, one line */
struct base_span cli_live_value(const PGresult *r, int row, int col); /* NULL is empty */
uint32_t cli_live_oid(const PGresult *r, int row, int col);

/* An array literal of these texts: {"a","b"}. */
void cli_live_array(struct base_buf *out, const struct base_span *item, size_t n);

/* One person who is enforced: its role and its scope; people in the order of the file's roles. */
struct cli_enforced { const struct policy_person *person; struct policy_scope *scope; /* shared */ };
struct cli_enforced_list { struct cli_enforced *item; size_t n; }; /* own */
BASE_CHECK int cli_live_enforced(const struct cli_live *l, struct cli_enforced_list *list_r, struct base_fail *fail);
void cli_enforced_done(struct cli_enforced_list *list);

#endif
