/* cli_init: `gatehouse init DIR`: its steps: answers, catalogue, samples, files. The folder's files are written last and all or none of them may be there before. */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include <libpq-fe.h>

#include "base_buf.h"
#include "base_map.h"
#include "cli_args.h"
#include "cli_propose.h"

#define CLI_INIT_ROWS 1000u    /* sampled of a table, at most */
#define CLI_INIT_TABLES 500u   /* sampled, at most */
#define CLI_INIT_TABLE_MS 3000u
#define CLI_INIT_ALL_US 60000000u
#define CLI_INIT_RESULTS 8u

struct cli_init {
	bool sample, ask;           /* ask: a person at a terminal answers what no option says */
	char *database, *control, *listen, *origin, *owner, *country; /* own; answers */
	PGconn *conn;               /* own */
	struct cli_model model;     /* own; its strings live in held */
	PGresult *held[CLI_INIT_RESULTS]; size_t nheld; /* own */
	PGresult *roles;            /* borrow from held: name; who may log in */
	struct base_map *role_set;  /* own: their names */
	unsigned views, foreign;    /* left out */
	size_t sampled;             /* tables */
	bool has_auth;              /* the database has gatehouse.get_auth */
	char dirname[4096], policy[128]; /* absolute; the file's name in it */
};

/* Answers from options, from the terminal, or the defaults (--yes); connects after the first. GH_E_MISSING: nobody can be asked. */
BASE_CHECK int cli_init_ask(struct cli_init *x, const struct cli_args *args, struct base_fail *fail);
/* Connects, read-only. */
BASE_CHECK int cli_init_connect(struct cli_init *x, const char *password, struct base_fail *fail); /* password: or NULL */
/* Tables, columns, keys, roles into the model. */
BASE_CHECK int cli_init_catalogue(struct cli_init *x, struct base_fail *fail);
/* Says what is sampled, then does it; what cannot be is noted in its table. Values are counted and forgotten. GH_E_IO: the connection is gone. */
BASE_CHECK int cli_init_sample(struct cli_init *x, struct base_fail *fail);
/* The texts of the files. */
void cli_init_policy(const struct cli_init *x, struct base_buf *out);
void cli_init_group(const struct cli_init *x, struct base_buf *out); /* its example group, every line a comment */
void cli_init_conf(const struct cli_init *x, struct base_buf *out);
void cli_init_people(const struct cli_init *x, struct base_buf *out);
/* Text with each '"' doubled. */
void cli_init_doubled(struct base_buf *out, const char *text);
/* A name as the policy's language wants it; a whole "schema.table". */
void cli_init_name(struct base_buf *out, const char *name);
void cli_init_table_name(struct base_buf *out, const struct cli_table *t);
const char *cli_init_subject_name(const struct cli_model *m);

/* `gatehouse init DIR`; returns the exit status. */
int cli_init_folder(const struct cli_args *args);

#endif
