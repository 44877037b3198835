/* cli_propose: from a catalogue and tallies of samples: whose the data is, which columns are personal, which tables are tickets. Pure: it reads the model and writes its
 * results into it. It proposes; a person decides.
 */
#ifndef CLI_PROPOSE_H
#define CLI_PROPOSE_H

#include "cli_kind.h"

#define CLI_NOWHERE SIZE_MAX

enum cli_grounds { CLI_GROUNDS_NONE, CLI_GROUNDS_NAME, CLI_GROUNDS_VALUES, CLI_GROUNDS_BOTH, CLI_GROUNDS_AGAINST }; /* AGAINST: the name says so, the values do not */

struct cli_column {
	/* from the catalogue; strings are borrowed */
	const char *name, *type, *comment; /* type: name of the base type; comment: "" when there is none */
	enum cli_family family;
	uint32_t type_oid;                 /* of the base type */
	size_t table;
	bool primary;                      /* the whole primary key */
	bool unique, not_null, readable;
	size_t refers;                     /* column that a foreign key names; CLI_NOWHERE: none */
	/* from the sample */
	struct cli_tally tally;
	unsigned roles;                    /* of the sampled values, so many are names of roles that may log in */
	/* results */
	enum cli_kind kind;
	enum cli_grounds grounds;
	bool by_comment;                   /* not its name but its comment says so */
	bool carries;                      /* its values are the subject's key, by foreign keys: it links */
	bool perhaps;                      /* the same, by its name alone */
};
struct cli_table {
	const char *schema, *name;
	size_t first, n;                   /* its columns */
	uint64_t pages; double rows;       /* rows: the server's estimate, below 0: never counted */
	bool partitioned, readable;
	unsigned sampled;                  /* rows; 0: none */
	char unsampled[200];               /* why not; empty: it was, or nothing was to be */
	/* results */
	int points;                        /* how much a row looks like a person; 0 and less: not at all */
	enum cli_role role;
	const char *called;                /* what a row is called; NULL: the name does not say */
	size_t key;                        /* column that a subject would have as its key; CLI_NOWHERE: none */
	unsigned referred;                 /* by so many tables' foreign keys */
	bool child;                        /* belongs to a likelier table */
};
struct cli_ticket { size_t table, number, subject, person, opener, team, opened, closed; bool sure; }; /* CLI_NOWHERE: not found; sure: it can stand as it is */
struct cli_model {
	struct cli_table *tables; size_t ntables;    /* own */
	struct cli_column *columns; size_t ncolumns; /* own; in the order of the tables */
	unsigned year;                               /* this one: birth lies before */
	/* results */
	size_t subject;                              /* CLI_NOWHERE: no table holds persons */
	struct cli_ticket ticket;                    /* table CLI_NOWHERE: there are none */
};
void cli_model_free(struct cli_model *m); /* frees what it holds, not itself */

/* Fills in all results. */
void cli_propose(struct cli_model *m);
/* What is said of a column behind '#': "telephone number by its name, and 98 % of 1000 sampled values look like telephone numbers". Nothing of any value. */
const char *cli_propose_evidence(const struct cli_column *c, char *dst, size_t size);
/* May this type be a key, an identifier, a link? */
bool cli_propose_markable(uint32_t type_oid, const char *type);
#define CLI_SUBJECT_POINTS 7 /* from here on a table is taken for one of persons */

#endif
