/* gate_strict: a session that is enforced. The gate ends the protocol on both sides (SQL-RULES 8.4): client text goes only into Parse messages of the
 * gate's own making, under the gate's own names; nothing of the client's bytes is relayed but parameter values; every message towards the client is
 * made here. One batch of the client's messages (up to Sync, or one Query) is answered before the next is begun.
 *
 *   client --in--> gate_strict_request --(gate_strict_need: analysed, decided)--> owed queue + messages in `up` --> server
 *   server --back--> gate_strict_answer: head of the owed queue says what must come --> gate_strict_rows: mark, mask, record --> `down` --> client
 *
 * A handler of a client's message that needs the server's word (a tree, a BindComplete) returns STRICT_WAIT; the message stays at the head of `in` and
 * the handler runs again from its beginning when the word has come. Handlers therefore change nothing before their last wait.
 */
#ifndef GATE_STRICT_H
#define GATE_STRICT_H

#include "gate_session.h"
#include "gate_budget.h"
#include "gate_case.h"
#include "gate_control.h"
#include "gate_unsure.h"
#include "gate_who.h"
#include "mask_apply.h"
#include "policy_decide.h"
#include "sql_command.h"

/* A statement that the server holds under a name of ours, analysed and decided upon. Shared by the cache, prepared statements and portals. */
struct gate_judged {
	unsigned refs;
	struct gate_judged *newer, *older; /* in the cache: least recently used last */
	uint8_t key[BASE_SHA256_SIZE]; /* of text and declared types */
	bool spoilt;               /* the server gave it another meaning, which was refused: it knows no second announcement, so never bind it again */
	bool cached;               /* in the cache; when the last reference goes, it is closed on the server */
	char name[16];             /* on the server */
	struct base_span text;     /* own: the client's exact text */
	uint32_t *declared; size_t ndeclared; /* own: parameter types that the client declared */
	uint32_t *params; size_t nparams; /* own: as the server described them */
	struct gate_world *world;  /* shared: under which it was decided */
	struct policy_scope *scope; /* shared */
	struct policy_decision *decision; /* own */
	uint8_t tree[BASE_SHA256_SIZE]; /* of the tree's text */
	bool approved;             /* its owner approved this text with this tree */
	uint8_t approved_tree[BASE_SHA256_SIZE]; /* tree_hash of what was sent, with the gate's keys */
	char *said_case, *said_purpose; /* own: in the text's comments; NULL */
	bool returns_rows;
	struct base_span row;      /* own: the server's RowDescription */
	uint16_t ncolumns;         /* as the client sees them */
	uint16_t nhidden;          /* keys that the gate added behind them */
	struct gate_plan plan;     /* formats are filled in per portal */
	struct gate_touch touch;   /* of the record */
	struct gate_text *about;   /* shared: hash and normalised text of the record; made with the first of them */
	struct mask_column **mask[2]; /* own: per column, NULL = clear; by format; made at first use */
};
void gate_judged_unref(struct gate_session *s, struct gate_judged **j);

struct strict_prepared { /* what the client calls a prepared statement */
	unsigned refs;
	struct base_span text;         /* own */
	uint32_t *types; size_t ntypes; /* own */
	struct sql_command *command;   /* own; NULL: an ordinary query */
	struct gate_judged *judged;    /* shared; NULL for commands */
};
/* What a session has said of itself: who asks, for what. Immutable: each SET makes a new one. */
struct strict_self {
	unsigned refs;
	struct gate_who *who;          /* shared */
	char *purpose, *case_number;   /* own; NULL = not said */
};
struct strict_save { char *name; struct strict_self *self, *session; }; /* a savepoint: own name; shared: what was in force there, and what COMMIT would have left */
struct strict_account { /* one of the accounts that a person's subjects are charged to */
	struct gate_account *account;  /* own reference of the budget's */
	enum policy_noun noun; enum policy_adjective adjective; size_t subject;
	struct gate_budget_limit *limit; size_t nlimits; /* own; rule: a strict_rule */
};
struct strict_rule { enum { RULE_BUDGET, RULE_STEP, RULE_ASK } kind; size_t index; }; /* in the scope's list of that kind */
struct strict_purse { /* all accounts of one person under one scope */
	struct gate_who *who;          /* shared: whose */
	struct strict_account *account; size_t naccounts;
	struct strict_rule *rule; size_t nrules;
};
struct strict_batch { /* of one entry */
	struct gate_unsure_taken *item; size_t n, cap; /* own; the accounts are kept by the purse or by kept */
	uint64_t seq, part, made_us; /* the entry's; once it is made */
};

struct strict_portal { /* what the client calls a portal or a cursor */
	unsigned refs;
	char name[16];                 /* on the server; "" is the client's unnamed one */
	struct strict_prepared *prepared; /* shared; NULL: an SQL cursor, or a simple query */
	struct gate_judged *judged;    /* shared; NULL: a command */
	struct base_span formats; uint16_t nformats; /* own: result formats of the visible columns, as the client gave them */
	bool confirmed;                /* BindComplete has come */
	bool ended;                    /* ran to its end */
	bool cut;                      /* its answer was cut: what is left of it on the server is not given out */
	uint64_t rows;                 /* given out so far */
	size_t nasked;                 /* marks of what its parameters and constants ask for */
	uint64_t asked[GATE_SUBJECT_COLUMNS];
	unsigned asked_kind[GATE_SUBJECT_COLUMNS];
	bool looks_up;                 /* one of them is a probe of the look-up exception */
	uint64_t probe_mark;           /* of the value that it probes, for the budget of look-ups */
	struct strict_self *self;      /* shared: who bound it, and for what; NULL: a command */
};

enum strict_owed_kind {
	OWED_SAY,      /* bytes for the client, in their turn */
	OWED_ANALYSIS, /* tree, ParseComplete, ParameterDescription, RowDescription or NoData */
	OWED_PARSE,    /* tree of a utility statement and ParseComplete of the gate's own text */
	OWED_BIND,     /* [tree] BindComplete */
	OWED_EXECUTE,  /* rows and their end */
	OWED_CLOSE,    /* CloseComplete, never for the client */
	OWED_FAIL,     /* the error of a text that cannot be parsed, sent to make the server's transaction fail as the client is told */
	OWED_SYNC      /* ReadyForQuery */
};
enum strict_form { STRICT_ROWS, STRICT_COPY, STRICT_MOVE };
struct strict_owed {
	enum strict_owed_kind kind;
	bool say;                      /* BIND: tell the client */
	bool describe;                 /* EXECUTE: RowDescription in front (simple protocol) */
	bool utility;                  /* EXECUTE: a statement of the gate's own: SHOW, EXPLAIN, BEGIN ... */
	bool quiet;                    /* EXECUTE: of the gate's own business: nothing of its answer is for the client */
	bool ends_transaction;         /* EXECUTE: COMMIT, ROLLBACK: its tag says what becomes of what SET said */
	enum strict_point { POINT_NONE, POINT_SAVE, POINT_BACK, POINT_RELEASE } point; char *point_name; /* EXECUTE: own: the savepoint that is made, returned to, released */
	struct base_span bytes;        /* own: SAY, FAIL: message for the client; EXECUTE: RowDescription of a utility, NULL text of a COPY */
	struct strict_portal *portal;  /* shared: BIND, EXECUTE */
	enum strict_form form;
	struct sql_copy copy;
	const char *tag; bool plain_tag; /* CommandComplete instead of the server's: "FETCH", "MOVE", "COPY", with the number of rows; or plain */
	uint64_t limit;                /* rows of the portal that may go out, in all its answers; then this one is cut with an error. UINT64_MAX = all */
	uint64_t rows;                 /* given out */
	bool begun, headed;            /* its record is begun; RowDescription or CopyOutResponse is out */
	/* what the client's message changed, to be taken back when an earlier one of the batch failed */
	enum { UNDO_NOTHING, UNDO_PREPARED, UNDO_PORTAL } undo;
	char *undo_name;               /* own */
	void *undo_old;                /* shared: what the name meant before; NULL = nothing */
};

enum strict_wait { STRICT_DONE, STRICT_WAIT };

struct strict_analysis { /* the one under way, or its result for the handler that asked */
	enum { ANALYSIS_NONE, ANALYSIS_RUNS, ANALYSIS_READY, ANALYSIS_FAILED } state;
	uint8_t key[BASE_SHA256_SIZE];
	struct gate_judged *judged;    /* own reference: being made, or ready */
	bool spliced;                  /* the text sent has key columns added */
	bool approved;                 /* the text, with the tree of the first analysis, is */
	struct tree *tree;             /* own: of the text sent */
	uint8_t tree_hash[BASE_SHA256_SIZE];
	unsigned ntrees;
	int step;                      /* 0 ParseComplete, 1 ParameterDescription, 2 RowDescription or NoData */
	struct base_span error;        /* own: FAILED: ErrorResponse for the client */
	bool server_failed;            /* FAILED: the server said so, and skips to Sync */
};

struct gate_strict {
	struct base_buf in;            /* of the client */
	struct base_buf back;          /* of the server */
	struct gate_world *world;      /* shared: that self and the judged were made under */
	struct strict_self *self;      /* shared: in force */
	struct strict_self *session, *start; /* shared: what COMMIT leaves in force (self may be SET LOCAL), what ROLLBACK returns to */
	struct strict_save *save; size_t nsave, cap_save; /* own: savepoints of the transaction, oldest first */
	struct gate_who *server_who;   /* shared: whom the server's gatehouse.* settings speak of; NULL: not known */
	bool server_who_unsure;        /* they were set within a transaction that is open */
	bool undone;                   /* the transaction was rolled back, or failed */
	struct strict_purse *purse;    /* own: of self's person; NULL: not made yet */
	struct strict_purse **kept; size_t nkept; /* own: of persons before, that something pending is charged to */
	struct strict_batch taken;     /* of rows that have no entry yet */
	struct strict_batch *waiting; size_t nwaiting, cap_waiting; /* own: of entries on their way, in order */
	struct base_map *verdicts;     /* own: key text -> class, of the answer that is coming in; NULL: not asked for */
	struct gate_case_ask *case_ask; /* borrow of the case thread while asked; NULL = none */
	bool case_failed; char case_why[300];
	uint64_t only_us;              /* when `only` was last looked at */
	struct base_map *prepared;     /* name -> strict_prepared; "" is the unnamed one */
	struct base_map *portals;      /* name -> strict_portal */
	struct gate_judged *newest, *oldest; size_t ncached; /* cache */
	struct base_map *judged;       /* key -> gate_judged, borrowed: the list owns */
	struct strict_owed *owed; size_t owed_cap, owed_first, owed_count; /* ring; cap a power of two */
	struct strict_analysis analysis;
	struct sql_command *command; char *command_text; uint8_t command_key[BASE_SHA256_SIZE]; /* own: of the Query or Parse that waits; spans are of the copy */
	bool skipping;                 /* an error was said: the client's messages up to Sync are dropped */
	bool soft;                     /* what is swallowed is no reason for the transaction to fail */
	bool swallow;                  /* the answer was cut: what the server still says up to ReadyForQuery is dropped */
	bool sync_sent;                /* of this batch */
	bool half;                     /* something of this batch is on its way to the server or was done there */
	bool began;                    /* a BEGIN is in this batch */
	unsigned ending;               /* commands on their way that end a transaction or return to a savepoint: until they are answered, nobody knows who asks, and for what */
	bool simple;                   /* the message that waits is a Query */
	bool simple_failed;            /* the server refused something of it; the error was said */
	bool flushed;                  /* a Flush is behind what was sent */
	bool small;                    /* `down` holds nothing but short words of the gate's own on this batch: they go with the server's answer */
	struct strict_portal *confirm; /* own reference: a write that waits for its BindComplete (simple protocol) */
	char status;                   /* of the last ReadyForQuery */
	unsigned next_name;
	unsigned major;                /* version of the server, from its server_version */
	bool utf8;                     /* the database is in UTF-8 */
	struct gate_look *look;        /* borrow of the control thread while asked; NULL = none */
	size_t asked;                  /* bytes that were in `back` when it was asked for */
	size_t sure;                   /* first bytes of `back`: came before a look that found the reviewed functions' bodies unchanged */
	bool changed;                  /* a look found a change, or could not see */
	struct base_buf closing;       /* names (NUL-terminated) of statements to be closed on the server when the next batch begins */
};

/* Is this person enforced in this world? Makes s->strict when so. At log-in, before the server is asked. */
BASE_CHECK int gate_strict_choose(struct gate_session *s);
/* A new world: a session that it would treat otherwise (observe, enforce) ends. */
void gate_strict_adopt(struct gate_session *s, struct gate_world *w);
/* Has this log-in left, or is it suspended? Then the session ends, with an alarm. Observed ones too. */
bool gate_strict_let_in(struct gate_session *s, struct gate_world *w);
/* Somebody was suspended: is it the person who asks here? */
void gate_strict_suspended(struct gate_session *s);
void gate_strict_parted(struct gate_session *s); /* an entry was made of rows */
/* The keeper's word on the first entry on its way. */
void gate_strict_receipt(struct gate_session *s);
void gate_strict_failure(struct gate_session *s, bool unsure); /* unsure: it went without a word, and may have it on record */
/* Parameters of the start-up packet towards the server, "name NUL value NUL" each. */
void gate_strict_startup(struct gate_session *s, struct base_buf *out);
bool gate_strict_is_utf8(struct base_span encoding); /* a name of it */
/* A ParameterStatus of the server during log-in. */
void gate_strict_status(struct gate_session *s, struct base_span name, struct base_span value);
void gate_strict_begin(struct gate_session *s);   /* RELAY begins; `back` may hold bytes already */
void gate_strict_ending(struct gate_session *s);  /* the session has ended; its `close` is not recorded yet */
void gate_strict_free(struct gate_session *s);
void gate_strict_on_client(struct gate_session *s); /* bytes came into in */
void gate_strict_on_server(struct gate_session *s); /* bytes came into back */
bool gate_strict_idle(const struct gate_session *s); /* between statements, in no transaction */
bool gate_strict_server_turn(const struct gate_session *s);
bool gate_strict_waits(const struct gate_session *s); /* what is in down is worth no write yet: the server's answer follows */
void gate_strict_released(struct gate_session *s); /* a receipt came: rows that arrived meanwhile become the next entry */
bool gate_strict_reads_client(const struct gate_session *s);
bool gate_strict_reads_server(const struct gate_session *s);

#endif
