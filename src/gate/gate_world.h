/* gate_world: what the gate knows from files and from the catalogue, as one immutable, reference-counted snapshot:
 * policy bound to the catalogue, people, mark keys, TLS contexts, certificate map, address of the server.
 * A reload makes a new world; sessions go over to it at their next statement.
 */
#ifndef GATE_WORLD_H
#define GATE_WORLD_H

#include <netinet/in.h>
#include <regex.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base_zone.h"
#include "ident_otp.h"
#include "ident_token.h"
#include "mask_apply.h"
#include "mask_mark.h"
#include "policy_approved.h"
#include "policy_map.h"
#include "policy_only.h"
#include "policy_people.h"
#include "proc_conf.h"
#include "wire_tls.h"

struct gate_address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage storage;
	} u;
	socklen_t len;
};

struct gate_cert_rule {
	bool san;      /* else the CN */
	regex_t regex;
	char *role;    /* own; may hold \1 */
};

#define GATE_WORLD_YEARS 8u
#define GATE_WORLD_ADDRESSES 8u

struct gate_world {
	atomic_uint refs;
	uint64_t version;             /* counts up with each reload */
	struct proc_conf *conf;       /* own */
	struct policy_map *map;       /* shared */
	struct policy_people *people; /* shared; NULL = no people file */
	struct mask_marker *marker[GATE_WORLD_YEARS]; /* own: one for each year that has a key, ascending */
	size_t nmarkers;
	struct mask_secret *secret;   /* shared: behind `as hash` and `as token`; NULL = no file */
	struct ident_jwks **jwks;     /* own array, shared items: of each application of the policy, in its order */
	size_t njwks;
	uint64_t jwks_stamp;          /* of the key files as they were when read */
	struct policy_approved *approved; /* shared; NULL = none */
	struct ident_otp_file *otp;   /* shared; NULL = nobody is enrolled */
	struct base_zone **zones;     /* own: those that the policy names; [0] is the policy's own */
	size_t nzones;
	struct wire_tls_ctx *client_tls; /* towards clients; NULL = no TLS */
	struct wire_tls_ctx *server_tls; /* towards the server; NULL = no TLS */
	struct gate_cert_rule *cert_rules; /* own */
	size_t ncert_rules;
	struct gate_address address[GATE_WORLD_ADDRESSES]; /* of the server, tried in order */
	size_t naddresses;
	struct gate_world *files;     /* shared: the world that all but map is borrowed from; NULL = it is this one's own */
	char where[300];              /* "127.0.0.1:5432" or the socket's path, for messages */
};

/* Reads the files named in conf (taken over: freed with the world or on failure). Everything but map, which the control thread binds. */
BASE_CHECK int gate_world_load(struct proc_conf *conf, uint64_t version, struct gate_world **world_r, struct policy_file **policy_r, struct base_fail *fail);
/* Markers for the kinds of map; takes over the reference to map. */
BASE_CHECK int gate_world_bind(struct gate_world *w, struct policy_map *map, struct base_fail *fail);
/* Another world of the same files, for a map that was bound anew to the same policy; takes over the reference to map. Never NULL. */
struct gate_world *gate_world_again(struct gate_world *w, uint64_t version, struct policy_map *map);
void gate_world_ref(struct gate_world *w);
void gate_world_unref(struct gate_world **w);
/* Marker of the year of this time; NULL when there is no key for it. */
const struct mask_marker *gate_world_marker(const struct gate_world *w, uint64_t wall_us);
/* Local time for policy_only_check: ctx is the world. */
bool gate_world_local(void *world, struct base_span zone, uint64_t wall_us, struct policy_local *l_r);
/* Have the applications' key files been changed since they were read? */
bool gate_world_keys_changed(const struct gate_world *w);
/* May a client with this certificate be this role without a password? */
bool gate_world_cert_allows(const struct gate_world *w, const char *cn, const char *san, const char *role);

#endif
