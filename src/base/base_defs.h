/* base_defs: compiler attributes and the error codes that functions return.
 *
 * Convention, all components: functions that can fail return int: 0 (or a count) ok, a negative GH_E_* on failure.
 * Parsers return 1 got one / 0 need more / <0 broken. Outputs end in _r, come last and are written on success only.
 */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <stddef.h>
#include <stdint.h>

#define BASE_CHECK __attribute__((warn_unused_result))
#define BASE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define BASE_COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum base_error {
	GH_OK = 0,
	GH_E_NOMEM = -1,   /* allocation refused */
	GH_E_LIMIT = -2,   /* a named ceiling was passed */
	GH_E_PARSE = -3,   /* malformed input */
	GH_E_IO = -4,      /* a system call failed; errno in the fail text */
	GH_E_FULL = -5,    /* disk full or quota (ENOSPC, EDQUOT) */
	GH_E_MISSING = -6, /* not there */
	GH_E_EXISTS = -7,  /* there already */
	GH_E_DENIED = -8,  /* not permitted: wrong owner, mode, password, key */
	GH_E_BUSY = -9,    /* somebody else holds it */
	GH_E_CLOSED = -10, /* the peer went away */
	GH_E_VERIFY = -11, /* a signature, hash or invariant does not hold */
	GH_E_UNSUPPORTED = -12,
	GH_E_TIMEOUT = -13,
};

#endif
