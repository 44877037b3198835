/* event_entry: one ledger entry, its canonical JSON form, and back. Pure.
 * docs/FORMATS.md gives every field; event_fields.def is the one table behind encode, decode and print.
 * Canonical form: one line, UTF-8, no spaces outside strings, "v":1 first, then fields in table order, absent/empty fields left out,
 * control characters and '"' '\\' escaped as \uXXXX / \" / \\, numbers decimal, at most EVENT_ENTRY_MAX bytes.
 * Invalid UTF-8 in input text is replaced by U+FFFD byte by byte, so that an entry is always valid.
 */
#ifndef EVENT_ENTRY_H
#define EVENT_ENTRY_H

#include "base_buf.h"
#include "base_fail.h"

#define EVENT_ENTRY_MAX 65535u
#define EVENT_LIST_MAX 64u

enum event_kind {
	EVENT_START,   /* a role of gatehouse started */
	EVENT_STOP,
	EVENT_OPEN,    /* a person logged in */
	EVENT_CLOSE,   /* the session ended, with its reason */
	EVENT_DENY,    /* a log-in failed */
	EVENT_READ,    /* rows of a protected table left, or could have (rows may be 0) */
	EVENT_WRITE,   /* a protected table was written */
	EVENT_REFUSE,  /* a statement was refused */
	EVENT_POLICY,  /* a policy was loaded: hash and file */
	EVENT_PEOPLE,  /* a people file was loaded */
	EVENT_ALARM,   /* somebody who has left, or is suspended, tried; a rule that needs no statistics */
	EVENT_STEP,    /* a one-time password was given: right, wrong, replayed */
	EVENT_ASK,     /* an approval was asked for */
	EVENT_APPROVE, /* and given, by another person */
	EVENT_SUSPEND, /* an operator took an actor's or an employer's access away */
	EVENT_RESUME,  /* and gave it back */
	EVENT_ENROLL,  /* an operator gave an actor a one-time password secret, or took it away */
	EVENT_SETTLE,  /* an unexplained look-up of before: its ticket came, or never did */
	EVENT_KIND_COUNT
};
const char *event_kind_name(enum event_kind k);                 /* "start", ... */
BASE_CHECK int event_kind_parse(struct base_span s, enum event_kind *k_r);

enum event_subjects { EVENT_SUBJECTS_NONE, EVENT_SUBJECTS_KNOWN, EVENT_SUBJECTS_UNKNOWN };

struct event_list {
	size_t count; /* may pass EVENT_LIST_MAX: then only so many are in item, and encode writes "…" as the last, so that it shows */
	struct base_span item[EVENT_LIST_MAX];
};

/* All spans borrow. Empty span, zero number or empty list = absent, unless event_fields.def says the field is always there. */
struct event_entry {
	enum event_kind kind;
	uint64_t time_us;              /* "time": UTC microseconds since 1970, written as RFC 3339 text */
	struct base_span session;      /* "session": 16 hex digits, random per session */
	uint64_t seq;                  /* "seq": statement number in the session */
	uint32_t part;                 /* "part": 1, 2, ... of this answer */
	bool last;                     /* "last": this part ends the answer */
	struct base_span actor;        /* "actor": the person: role name as logged in, or as a token said */
	struct base_span login;        /* "login": role name that logged in, where it is not the actor: an application's */
	struct base_span name;         /* "name": of the person, from the people file */
	struct base_span employer;     /* "employer" */
	struct base_span province;     /* "province" */
	struct base_span team;         /* "team" */
	struct event_list groups;      /* "groups" */
	struct base_span application;  /* "application": application_name, a claim */
	struct base_span address;      /* "address": IP:port or "local" */
	struct base_span auth;         /* "auth": "scram-sha-256", "scram-sha-256-plus", "certificate" */
	struct base_span tls;          /* "tls": version */
	struct base_span database;     /* "database" */
	struct base_span statement;    /* "statement": SHA-256 of the exact text, 64 hex digits */
	struct base_span text;         /* "text": normalised, no literals, no comments */
	struct event_list tables;      /* "tables": schema.name of protected tables read or written */
	struct event_list columns;     /* "columns": schema.table.column of protected columns in the answer */
	struct event_list masked;      /* "masked": "schema.table.column last 4": those of columns that went out masked, and how */
	uint64_t rows;                 /* "rows": rows in this part; always there in read and write */
	enum event_subjects subjects;  /* "subjects": "known" | "unknown" */
	struct base_span via;          /* "via": "answer" | "request": where the subject was taken from */
	struct base_span probe;        /* "probe": "hit" | "miss" | "counted" (an aggregate's row) | "unanswered": a look-up by a protected column */
	struct base_span why;          /* "why": reason of unknown subjects, of close, deny, refuse; of start, stop: the role */
	struct base_span rule;         /* "rule": FILE:LINE of the rule that refused */
	uint32_t epoch;                /* "epoch": year of the mark key */
	struct event_list kinds;       /* "kinds": what each mark of a tuple is: "customer.key", "customer.phone", ... */
	struct base_span marks;        /* "marks": base64 of tuples; each tuple has 8 bytes (big-endian) for each kind; 0 = absent */
	struct base_span classes;      /* "classes": a letter for each tuple of marks, in their order: n, e, w, u: reason not asked, explained, weak, unexplained; a capital letter:
	                                  something of the person went out as it is, else all of it was masked. Only where subjects are counted */
	struct base_span purpose;      /* "purpose": as it was given: a claim */
	struct base_span case_number;  /* "case": as it was given, or in settle: the ticket's number */
	struct base_span budget;       /* "budget": what was used up: "40 customers per hour for each actor" */
	struct base_span target;       /* "target": suspend, resume, enroll: "actor NAME" or "employer NAME"; ask, approve: the request's id; settle: "SESSION SEQ" of the look-up */
	struct base_span operator;     /* "operator": who did it: approve: the person; suspend, resume, enroll: the operating system's user */
	uint64_t counter;              /* "counter": step: the time step of a right password, or the number of a recovery code, from 1 */
	uint64_t until_us;             /* "until": step, approve: how long it holds */
	struct base_span owner;        /* "owner": policy: as the policy says */
	struct base_span policy;       /* "policy": first 16 hex digits of SHA-256 of the policy in force */
	struct base_span people;       /* "people": the same of the people file */
	struct base_span file;         /* "file": policy/people entries: path */
	struct base_span sqlstate;     /* "sqlstate": the answer ended in this error */
	struct base_span node;         /* "node": name of this gate */
	struct base_span version;      /* "version": of gatehouse, in start */
};

/* Appends the canonical line (no newline), or nothing on failure. Texts and lists are cut (with "…" at their end) to their ceilings in
 * event_fields.def and to keep the whole within EVENT_ENTRY_MAX; kinds and marks are never cut: GH_E_LIMIT when they do not fit (see
 * event_entry_tuples_max) or out has no room. GH_E_PARSE when marks are not whole tuples of kinds. GH_E_NOMEM. */
BASE_CHECK int event_entry_encode(const struct event_entry *e, struct base_buf *out, struct base_fail *fail);
/* How many tuples of `kinds` marks fit in one entry whose other fields are as in e (conservative). */
size_t event_entry_tuples_max(const struct event_entry *e, size_t kinds);

/* Decoded form owns its strings. Strict: unknown field, wrong type, duplicate = GH_E_PARSE. The canonical re-encoding of a decoded
 * entry equals the input: checked, GH_E_VERIFY when not. */
struct event_decoded;
BASE_CHECK int event_decode(struct base_span line, struct event_decoded **d_r, struct base_fail *fail);
const struct event_entry *event_decoded_entry(const struct event_decoded *d); /* e->marks holds the raw bytes, not base64 */
void event_decoded_free(struct event_decoded **d);
/* In struct event_entry given to encode, marks are raw bytes too; base64 is only in the JSON. */

#endif
