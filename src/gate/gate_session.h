/* gate_session: one client connection and the backend connection behind it: its fields, its states, its end.
 *
 * States (gate_session_enter is the only writer of ->state):
 *
 *   FIRST --SSLRequest--> TLS --done--> FIRST          [gate_login.c]
 *   FIRST --CancelRequest--> CANCEL --> (end)          [gate_login.c, gate_cancel.c]
 *   FIRST --StartupMessage--> VERIFIER                 [gate_login.c; a certificate log-in goes from there to SERVER]
 *   VERIFIER --verifier or mock--> SASL_FIRST --client-first--> SASL_FINAL --client-final--> SERVER   [gate_login.c]
 *   SERVER --logged in there as the same role--> RELAY [gate_server.c]
 *   RELAY                                              [gate_relay.c pumps; gate_request.c, gate_answer.c follow]
 *   any --error, close, time--> DRAIN --all written--> DEAD   [gate_session.c]
 *
 * Buffers: `up` carries the client's bytes to the server, `down` the server's to the client; in RELAY both are scanned in place.
 * Offsets into `down` are absolute (bytes since RELAY began): down_base is that of down's first unread byte.
 * Invariants in RELAY:
 *   1 down_base <= release <= scan <= down_base + length, where release = min(first hold, open_at, scan)
 *   2 a byte of a row that touches a subject is below `release` only when the entry that covers it has its receipt
 *   3 holds[] ascends
 */
#ifndef GATE_SESSION_H
#define GATE_SESSION_H

#include "gate_control.h"
#include "gate_copy.h"
#include "gate_link.h"
#include "gate_plan.h"
#include "gate_registry.h"
#include "gate_row.h"
#include "gate_text.h"
#include "wire_frame.h"
#include "wire_scram.h"

struct gate_worker;

enum gate_end {
#define GATE_END(name, words, protocol) GATE_END_##name,
#include "gate_end.def"
#undef GATE_END
};
const char *gate_end_words(enum gate_end e);

enum gate_state {
	GATE_FIRST, GATE_TLS, GATE_VERIFIER, GATE_SASL_FIRST, GATE_SASL_FINAL, GATE_SERVER, GATE_RELAY, GATE_CANCEL, GATE_DRAIN, GATE_DEAD,
	GATE_STATE_COUNT
};
enum gate_server_state { GATE_SERVER_NONE, GATE_SERVER_CONNECT, GATE_SERVER_SSL, GATE_SERVER_TLS, GATE_SERVER_AUTH, GATE_SERVER_PARAMS };

/* ---- what is followed of the protocol ---- */

struct gate_statement { /* a prepared statement, protocol-level or by SQL PREPARE */
	unsigned refs;
	struct gate_text *text; /* shared */
	size_t k;               /* statement of the text */
	bool described;         /* describe is known (NULL = returns no rows) */
	struct gate_describe *describe; /* shared */
	uint16_t ntypes;
	uint32_t *types;        /* own: parameter types, declared or described; 0 = not told */
};
struct gate_portal { /* a protocol portal or an SQL cursor */
	struct gate_statement *statement; /* shared; NULL: of a statement that we do not know */
	uint8_t *bind;          /* own: the Bind payload, whole or its first GATE_BIND_KEEP bytes; NULL for cursors */
	size_t bind_n;
	bool bind_whole;
	struct base_span formats; /* own: result formats */
	uint16_t nformats;
	bool formats_known;
};

enum gate_pend_kind {
	GATE_PEND_QUERY, GATE_PEND_PARSE, GATE_PEND_BIND, GATE_PEND_DESCRIBE, GATE_PEND_EXECUTE, GATE_PEND_CLOSE, GATE_PEND_SYNC,
	GATE_PEND_FUNCTION, GATE_PEND_COPY_END
};
struct gate_pend { /* a request whose answer has not come */
	enum gate_pend_kind kind;
	uint8_t what;                     /* DESCRIBE, CLOSE: 'S' or 'P' */
	bool mine;                        /* sent by the gate: its answer is not for the client */
	bool ghost;                       /* SYNC sent where the server may have been reading CopyData: it may have ignored it */
	char *name;                       /* own: statement (PARSE, DESCRIBE S, CLOSE S, BIND) or portal; NULL = unnamed */
	char *portal;                     /* own: BIND: the portal; NULL = unnamed */
	struct gate_text *text;           /* shared: QUERY */
	struct gate_statement *statement; /* shared: PARSE: becomes `name` when confirmed */
	struct gate_portal *bound;        /* own: BIND: becomes `portal` when confirmed */
	uint32_t function;                /* FUNCTION: its OID */
	size_t weight;                    /* bytes kept for it */
};
struct gate_pends { struct gate_pend *ring; size_t cap, first, count, weight; }; /* cap: power of two; weight: sum over all */

/* A request that is longer than the buffer: its rest streams by. */
struct gate_big { struct gate_text *text; struct base_sha256 *sha; bool text_done; };

struct gate_answer { /* the answer that is coming in, when it touches a protected relation */
	bool begun;
	bool touched;
	bool copy;                  /* rows come as CopyData */
	bool copy_in;               /* rows go to the server: none may come */
	bool copy_known;
	bool plan_known;
	bool mid_row;               /* a row was begun and not ended */
	bool ended_part;            /* something of it is recorded already: parts > 0 */
	struct gate_world *world;   /* shared: plan, touch, marker and kinds are this world's, also when a reload comes in between */
	struct gate_text *text;     /* shared; NULL: unknown */
	size_t k;
	const struct gate_touch *touch; /* borrow: text's, or that of the prepared statement behind EXECUTE, FETCH */
	struct gate_text *behind;   /* shared: keeps touch alive */
	struct gate_plan plan;
	struct gate_row row;
	struct gate_copy copying;
	struct gate_tuples tuples;
	const struct mask_marker *marker; /* of the part's year */
	size_t nasked;              /* marks of what the request asked for */
	uint64_t asked[GATE_SUBJECT_COLUMNS];
	unsigned asked_kind[GATE_SUBJECT_COLUMNS];
	uint64_t seq;
	uint32_t parts;
	const char *why;            /* why subjects are unknown; static string or NULL */
	const struct policy_decision *masked; /* enforced: which columns go out masked; borrow */
	bool probe;                 /* enforced: it looks a person up by a protected column: hit or miss is recorded */
	bool lettered;              /* enforced: subjects are counted: each tuple has its letter */
	uint64_t last_hide;         /* enforced: what was hidden of the last row */
	const char *purpose, *case_number; /* enforced: as they were given; borrow: the portal's; NULL */
};

struct gate_track {
	struct gate_pends pends;
	size_t query_at;            /* statement of the QUERY at the head that is being answered */
	bool skipping;              /* the server skips to Sync */
	bool copy_in;               /* the server reads CopyData */
	bool flushed;               /* the queue is full, and the server was asked for its answers */
	bool half;                  /* extended-protocol requests since the last Sync: locks may be held */
	char status;                /* of the last ReadyForQuery */
	struct gate_statement *unnamed;   /* shared */
	struct gate_portal *unnamed_portal; /* own */
	struct base_map *statements;      /* name -> gate_statement */
	struct base_map *portals;         /* name -> gate_portal; empty at the end of a transaction */
	struct base_map *cursors;         /* SQL cursors; may outlive a transaction */
	struct gate_answer answer;
	uint64_t seq;
};

struct gate_strict;

struct gate_session {
	struct gate_worker *worker;
	struct gate_strict *strict; /* own; NULL: observed (gate_relay), else enforced (gate_strict) */
	struct gate_session *prev, *next;
	enum gate_state state;
	enum gate_end end;
	struct gate_world *world;  /* shared: of the moment of log-in (server address, limits) */
	struct gate_link client, server;
	struct base_loop_timer timer;
	char address[64];          /* "10.1.2.3:5555" or "local" */
	size_t address_host;       /* length of the host part: back-off key; 0 = local */
	bool local;
	bool direct_tls;
	bool reserved;             /* holds one of max_sessions */
	bool authenticated;        /* counted as a session, open entry written */

	/* log-in */
	uint32_t minor;            /* protocol 3.x of the client */
	char *user, *database, *application; /* own */
	struct base_buf params;    /* name NUL value NUL ... to forward */
	struct gate_ask *ask;      /* own while asked */
	struct wire_scram_server *scram;
	struct wire_scram_client *scram_up;
	struct wire_scram_verifier verifier;
	bool doomed;
	uint64_t resume_us;        /* VERIFIER: go on then (back-off, keeper being started); 0 = no */
	uint64_t keeper_wait_us;   /* VERIFIER: the keeper is waited for until then; 0 = not */
	bool certificate;          /* the client showed a certificate that our CA signed */
	bool has_key;              /* client_key holds something */
	uint8_t client_key[32];
	const char *auth;          /* how: "scram-sha-256", ... */
	char tls[16];
	enum gate_server_state server_state;
	size_t server_try;         /* address being tried */
	bool server_plus, server_proved; /* channel binding is used; its signature is right */
	struct base_buf sin;       /* server's bytes before RELAY */
	struct gate_backend_key backend;
	void *cancelling;          /* CANCEL: the request under way */
	uint32_t cancel_pid;       /* registered; 0 = none */

	/* relay */
	struct base_buf up, down;
	size_t up_scan;            /* bytes of up's unread data that may go to the server */
	bool up_stopped;           /* the scan waits for room in up */
	uint64_t up_left;          /* payload bytes of the current request still to stream past */
	struct gate_big big;
	uint64_t down_base, scan;  /* absolute */
	uint64_t down_left;        /* payload bytes of the current answer message still to come (streamed kinds) */
	uint8_t down_type;         /* its type */
	uint64_t down_at;          /* absolute: its first byte */
	uint64_t giant_from, giant_to; /* a row larger than the buffer: its bytes go out in pieces; to = UINT64_MAX while it lasts */
	uint64_t open_at;          /* first byte of the part that has no entry yet; UINT64_MAX = none */
	uint64_t *holds;           /* own: first byte of each part whose receipt is out */
	size_t nholds, cap_holds;
	uint64_t held_since_us;
	size_t outstanding;        /* entries that will call back */
	struct gate_track track;
	bool server_eof, client_eof, terminate_seen;
	bool down_grow;            /* the last read filled the buffer: a stream is coming, take the whole window */
	bool server_fatal;         /* the server has said why it goes */
	bool cancel_sent;          /* statement time-out */
	uint64_t active_us;        /* last time something moved */
	uint64_t busy_us;          /* since when a statement runs; 0 = idle */

	char id[17];               /* session id in the ledger */
	char sqlstate[6];
};

struct gate_session *gate_session_new(struct gate_worker *w, int fd, const char *address, size_t address_host, bool local);
void gate_session_enter(struct gate_session *s, enum gate_state state);
/* Ends the session: what is already released still goes out; then an ErrorResponse when sqlstate is given (FATAL). Idempotent. */
void gate_session_end(struct gate_session *s, enum gate_end why, const char *sqlstate, const char *hint, const char *fmt, ...) BASE_PRINTF(5, 6);
/* Called by the worker after a turn: frees sessions that are DEAD and owed nothing. */
bool gate_session_reapable(const struct gate_session *s);
void gate_session_free(struct gate_session **s);
/* Asks the loop for what the session can use now. */
void gate_session_events(struct gate_session *s);
/* The keeper's word on one entry of this session. */
void gate_session_receipt(void *owner);
void gate_session_failure(void *owner, int code, const char *text);
void gate_session_shutdown(struct gate_session *s, bool now); /* idle ones end; now: all end */
/* Writes what may go to the client; 0 or <0 (session ended). */
void gate_session_push(struct gate_session *s);
/* Is a write worth it now? The few bytes in front of a held row go with it: the receipt is on its way, and a write is dearer. */
bool gate_session_pushable(const struct gate_session *s);
/* What was appended to down may go: the gate's own messages outside RELAY. */
void gate_session_say(struct gate_session *s);
uint64_t gate_session_release(const struct gate_session *s);

#endif
