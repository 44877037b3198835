/* gate_strict_int: what the files of the enforced session share. Each function lives in the file that the heading names. */
#ifndef GATE_STRICT_INT_H
#define GATE_STRICT_INT_H

#include "gate_case.h"
#include "gate_control.h"
#include "gate_strict.h"
#include "gate_unsure.h"
#include "gate_who.h"
#include "mask_apply.h"
#include "policy_decide.h"
#include "sql_command.h"
#include "wire_frame.h"

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
struct strict_save { char *name; struct strict_self *self, *session; }; /* a savepoint: own name; shared: what was in force there, and what COMMIT would have left */
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
	bool ends_transaction, chains; /* EXECUTE: COMMIT, ROLLBACK: its tag says what becomes of what SET said; AND CHAIN */
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
	char status;                   /* of the last ReadyForQuery, or of a command since then that ended the transaction */
	unsigned next_name;
	unsigned major;                /* version of the server, from its server_version */
	bool utf8;                     /* the database is in UTF-8 */
	struct gate_look *look;        /* borrow of the control thread while asked; NULL = none */
	size_t asked;                  /* bytes that were in `back` when it was asked for */
	size_t sure;                   /* first bytes of `back`: came before a look that found the reviewed functions' bodies unchanged */
	bool changed;                  /* a look found a change, or could not see */
	struct base_buf closing;       /* names (NUL-terminated) of statements to be closed on the server when the next batch begins */
};

/* ---- gate_strict.c ---- */
/* May the first `bytes` of `back`, an answer of a reviewed function, be looked into? Only when the catalogue was looked at after they had come, and no body had
 * been replaced; else a look is under way, or t->changed. */
BASE_CHECK bool strict_sure(struct gate_session *s, size_t bytes);

/* ---- gate_strict_owed.c: the queue, names and references ---- */
struct strict_owed *strict_owe(struct gate_session *s, enum strict_owed_kind kind); /* zeroed but for kind and limit; good until the next is owed */
struct strict_owed *strict_head(struct gate_strict *t);
struct strict_owed *strict_tail(struct gate_strict *t); /* what was owed last; there is one */
void strict_pop(struct gate_strict *t, struct gate_session *s);
/* Drops what is owed before the next SYNC, last first, taking names back. */
void strict_drop_batch(struct gate_session *s);
void strict_settle_says(struct gate_session *s); /* SAYs at the head go out */
struct strict_prepared *strict_prepared_find(struct gate_strict *t, struct base_span name);
struct strict_portal *strict_portal_find(struct gate_strict *t, struct base_span name);
/* It was decided under another policy or people file than is in force. */
bool strict_outdated(const struct gate_session *s, const struct strict_portal *p);
/* Name now means object (a reference is handed over; NULL: nothing); owed remembers what it meant. */
void strict_name_prepared(struct gate_session *s, struct strict_owed *owed, struct base_span name, struct strict_prepared *p);
void strict_name_portal(struct gate_session *s, struct strict_owed *owed, struct base_span name, struct strict_portal *p);
void strict_forget_portals(struct gate_session *s); /* the transaction has ended */
void strict_forget_prepared(struct gate_session *s);
void strict_prepared_unref(struct gate_session *s, struct strict_prepared **p);
void strict_portal_unref(struct gate_session *s, struct strict_portal **p);

/* ---- gate_strict_need.c: analysis, decision, cache ---- */
enum strict_need { NEED_READY, NEED_WAIT, NEED_FAILED }; /* FAILED: t->analysis.error says why; strict_fail_analysis tells the client */
bool strict_cached(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r); /* j_r borrowed */
enum strict_need strict_need(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r); /* j_r borrowed */
int strict_analysis_message(struct gate_session *s, uint8_t type, struct base_span payload); /* head is OWED_ANALYSIS */
void strict_analysis_error(struct gate_session *s, struct base_span payload);
void strict_analysis_drop(struct gate_session *s);
void strict_analysis_tree(struct gate_session *s, struct base_span detail);
void strict_new_world(struct gate_session *s); /* scope and judged of an older world go */
/* A tree came before BindComplete: the same, or decided anew. False: refused, error_r is the ErrorResponse (own bytes). */
BASE_CHECK bool strict_judge_again(struct gate_session *s, struct gate_judged *j, struct base_span detail, struct base_span *error_r);
bool strict_stale(const struct gate_session *s, const struct gate_judged *j); /* decided under another policy or for somebody else, or changed on the server */
void strict_spoil(struct gate_session *s, struct gate_judged *j); /* never bound again: its text is analysed anew; the caller holds a reference */

/* ---- gate_strict_self.c: what a session says of itself ---- */
bool strict_self_is(struct base_span name); /* a setting of the gate's own: gatehouse.* */
/* Does a text name the token or code without being the SET, RESET or SHOW of it (c; NULL: not read)? set_config(), a slip of the pen: it must not reach the server. */
bool strict_self_leaks(const struct sql_command *c, struct base_span text);
BASE_CHECK int strict_self_begin(struct gate_session *s, struct gate_who *who);
void strict_self_done(struct gate_session *s);
void strict_self_unref(struct strict_self **self);
/* Empty: done. Else the error (own bytes); soft_r: nothing of the transaction is lost by it. */
struct base_span strict_self_set(struct gate_session *s, struct base_span name, struct base_span value, bool local, bool *soft_r);
const char *strict_self_show(const struct gate_session *s, struct base_span name); /* NULL: not shown */
bool strict_self_options(struct gate_session *s, struct base_span options); /* of the start-up packet; false: something else is in them */
void strict_self_reset(struct gate_session *s);                 /* RESET ALL, DISCARD ALL */
void strict_self_ended(struct gate_session *s, bool committed); /* the transaction, explicit or not */
/* The server has made, gone back to or released a savepoint. */
void strict_self_point(struct gate_session *s, enum strict_point point, const char *name);
void strict_self_forget_server(struct gate_session *s);         /* what the server's settings say is not known any more */
void strict_self_world(struct gate_session *s, struct gate_world *w);
bool strict_self_told(const struct gate_session *s);            /* the server's settings speak of who asks */
void strict_self_tell_server(struct gate_session *s);
bool strict_self_turned_away(struct gate_session *s, const struct gate_who *who, char *why, size_t size); /* has left, or is suspended: an alarm is recorded */
struct base_span strict_self_host(const struct gate_session *s);

/* ---- gate_strict_admit.c ---- */
bool strict_only(struct gate_session *s, const struct gate_who *who, struct policy_where *rule_r, char *words, size_t size); /* `only` rules: may be here now */
struct base_span strict_admit(struct gate_session *s, struct strict_portal *p, bool *soft_r); /* empty: may run; else the error (own bytes) */
struct base_span strict_still(struct gate_session *s, const struct strict_portal *p, bool *soft_r); /* the same for a portal that is run, or read on */
const char *strict_case(const struct strict_portal *p);    /* as it was given, in the text or by SET; NULL */
const char *strict_purpose(const struct strict_portal *p);
bool strict_stepped_up(struct gate_session *s, uint64_t lasting_us);
struct base_span strict_step_error(const char *what, const struct policy_where *rule);

/* ---- gate_strict_charge.c ---- */
struct base_span strict_charge_lookup(struct gate_session *s, struct strict_portal *p); /* empty: taken; else the error */
bool strict_explained(struct gate_session *s, uint8_t type, struct base_span row); /* false: the case thread is asked, wait */
struct charged { struct base_span error; bool soft; uint64_t hide; /* occurrences whose columns go out hidden */ char letter; /* of the entry's classes; 0: not counted */ };
struct charged strict_charge_row(struct gate_session *s, struct strict_owed *o, struct base_span row, const uint64_t *tuple, bool lost);
void strict_charge_part(struct gate_session *s);    /* what was taken goes with the entry that was just made */
void strict_charge_receipt(struct gate_session *s); /* the first entry on its way is durable */
void strict_charge_failure(struct gate_session *s, bool unsure); /* or never will be; or nobody knows */
void strict_charge_lost(struct gate_session *s);    /* rows without an entry do not go out */
void strict_charge_done(struct gate_session *s);
void strict_verdicts_clear(struct gate_session *s);

/* ---- gate_strict_send.c: towards the server ---- */
bool strict_await(struct gate_session *s); /* true: what changes something must wait until all before it in the batch is answered */
void strict_send(struct gate_session *s, uint8_t type, struct base_span payload);
void strict_send_sync(struct gate_session *s);
void strict_send_parse(struct gate_session *s, const char *name, struct base_span text, const uint32_t *types, size_t ntypes);
void strict_send_target(struct gate_session *s, uint8_t type, uint8_t what, const char *name); /* Describe, Close */
void strict_send_execute(struct gate_session *s, const char *portal, uint32_t max);
void strict_flush(struct gate_session *s); /* unless a Flush or Sync is the last that was sent */

/* ---- gate_strict_refuse.c ---- */
void strict_say(struct gate_session *s, struct base_span bytes); /* owed to the client, in its turn; bytes are taken over */
/* The client's message fails: error in its turn, then what is left of the batch is skipped. simple: the batch is this Query alone. bytes are taken over. */
void strict_fail(struct gate_session *s, bool simple, struct base_span bytes);
void strict_fail_analysis(struct gate_session *s, bool simple);
/* error(): builds an ErrorResponse in memory of its own. */
struct base_span strict_error(const char *sqlstate, const char *hint, const char *fmt, ...) BASE_PRINTF(3, 4);
const char *strict_rule_file(const struct policy_where *rule); /* without its folder: where the gate keeps its files is not the client's business */
struct base_span strict_refusal(const struct policy_refusal *r);
void strict_refused(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule); /* the entry of a refusal */
/* The same, with the budget that was used up (NULL: none) and the person whom it is about (mark 0: nobody). */
void strict_refused_about(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule, const char *budget, uint64_t mark, unsigned kind);
/* Tells the client a refusal that it can mend: nothing is sent to the server, the transaction lives on. bytes are taken over. */
void strict_soft(struct gate_session *s, bool simple, struct base_span bytes);

/* ---- gate_strict_request.c ---- */
/* Binds judged to a portal of ours; params: the part of a Bind behind the two names up to the result formats, NULL = none. NULL: not admitted, which the client was
 * told (simple: as the answer to a Query). */
struct strict_portal *strict_bind(struct gate_session *s, struct gate_judged *j, const char *name, struct base_span params, struct base_span formats, uint16_t nformats, bool say, bool simple);
/* Executes: owes the answer. */
struct strict_owed *strict_execute(struct gate_session *s, struct strict_portal *p, uint64_t max);

/* ---- gate_strict_command.c ---- */
void strict_quietly(struct gate_session *s, struct base_span text); /* a text of the gate's own business: nothing of its answer is for the client */
/* A command that the gate carries out itself. simple: from a Query (the end of the batch is the caller's). */
enum strict_wait strict_command(struct gate_session *s, const struct sql_command *c, struct base_span text, bool simple);
bool strict_reset(struct gate_session *s, struct base_span text); /* carried out; false: it is no text of that kind */
/* RowDescription of a command, or false: it returns no rows. WAIT is not possible: what it stands for must be known (else no rows). */
bool strict_command_row(struct gate_session *s, const struct sql_command *c, struct base_buf *out);

/* ---- gate_strict_answer.c ---- */
void strict_protocol(struct gate_session *s, const char *what);
void strict_cut(struct gate_session *s, struct base_span error, bool soft); /* the answer is cut with this error; the rest of the batch is dropped. soft: the transaction lives on */

/* ---- gate_strict_rows.c ---- */
void strict_rows_head(struct gate_session *s, struct strict_owed *o); /* what goes in front of the first row */
void strict_row(struct gate_session *s, struct strict_owed *o, struct base_span payload);
void strict_rows_end(struct gate_session *s, struct strict_owed *o, uint8_t type, struct base_span payload); /* CommandComplete, PortalSuspended, EmptyQueryResponse */
void strict_rows_failed(struct gate_session *s, struct strict_owed *o, const char *sqlstate);
void strict_too_long(struct gate_session *s); /* a message of the server: the session ends */
void strict_rows_lost(struct gate_session *s); /* look-ups on their way whose answers nobody will get are recorded; no answer is under way */
void strict_rows_part(struct gate_session *s); /* the rows so far become an entry */
void strict_write_row_description(struct base_buf *out, const struct gate_judged *j, struct base_span formats, int nformats);

#endif
