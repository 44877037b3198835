/* gate_limit: every resource that a peer can make us use, and its ceiling. */
#ifndef GATE_LIMIT_H
#define GATE_LIMIT_H

#define GATE_READ_LEAST 4096u       /* bytes of room wanted before a read */
#define GATE_READ_FIRST 16384u      /* buffer of a session that does little; kept while idle */
#define GATE_UP_MAX 262144u         /* bytes of a client's requests buffered towards the server */
#define GATE_UP_OWN 32768u          /* room behind GATE_UP_MAX for requests of the gate's own */
#define GATE_PREFIX 131072u         /* of a request longer than this only so much is looked at; the rest streams */
#define GATE_LOGIN_MAX 65536u       /* bytes buffered of either peer before log-in is over */
#define GATE_PENDING_MAX 65536u     /* requests on the way; then the client is not read (the server answers within 8 KiB) */
#define GATE_PENDING_BYTES (64u << 20) /* kept of them (texts, names, parameters); then the same */
#define GATE_SAVEPOINTS 10000u      /* savepoints of one transaction */
#define GATE_NAMES_MAX 10000u       /* prepared statements, portals, cursors followed per session, each */
#define GATE_NAME_MAX 62u           /* bytes of a name that surely means one thing to the server (NAMEDATALEN - 2) */
#define GATE_BIND_KEEP 4096u        /* bytes of a Bind kept until it is confirmed */
#define GATE_TYPES_KEEP 1024u       /* parameter types kept of a statement: no more parameters fit what is kept of a Bind */
#define GATE_TEXTS 1024u            /* statement texts cached per worker */
#define GATE_SHAPES 4096u           /* normalised statements cached per worker */
#define GATE_COLUMNS_MAX 1664u      /* PostgreSQL's MaxTupleAttributeNumber */
#define GATE_SUBJECT_COLUMNS 16u    /* subject-bearing columns of one answer that are marked */
#define GATE_COPY_DESCRIPTION 262144u /* greatest RowDescription looked into */
#define GATE_KEEPER_OUT (8u << 20)  /* bytes of entries waiting for the keeper per worker; then servers are not read */
#define GATE_STACK (64u << 20)      /* worker stack: libpg_query recurses (SQL-RULES 5.1) */
#define GATE_BACKOFF_ENTRIES 20000u /* addresses and users remembered with failed log-ins */
#define GATE_VERIFIERS 20000u       /* cached verifiers */
#define GATE_ASKS_MAX 10000u        /* log-ins waiting for the control connection */
#define GATE_STRICT_MESSAGE (64u << 20) /* greatest message of an enforced session, from the client or to it: it is held whole */
#define GATE_STRICT_RAW (2 * GATE_STRICT_MESSAGE) /* greatest message of its server: what the masks take away must not tell how long it was */
#define GATE_JUDGED 200u            /* statements kept prepared on the server per enforced session */
#define GATE_OWED_MAX 4096u         /* answers owed within one batch; then the client is not read */

#endif
