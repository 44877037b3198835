/* keeper_standing: which administrative entries stand: of each actor or employer the last suspend or resume, and every recovery code that was used since the
 * actor was enrolled. Derived from the ledger, kept in memory and in a file beside the head, and rebuilt from the ledger where the file is not there or
 * not right. docs/FORMATS.md "Standing entries" is the file.
 */
#ifndef KEEPER_STANDING_H
#define KEEPER_STANDING_H

#include "base_buf.h"
#include "base_fail.h"
#include "keeper_admin.h"

#define KEEPER_STANDING_MOST 16384u                    /* entries; past it nothing is kept: see keeper_standing_whole */
#define KEEPER_STANDING_BYTES (16u * 1024u * 1024u)    /* of them all */
#define KEEPER_STANDING_EVERY 262144u                  /* ledger entries after which the file is written although nothing in it changed */

struct keeper_standing_item {
	uint64_t index;            /* in the ledger */
	struct keeper_admin admin; /* its target borrows from text */
	struct base_span text;     /* own */
};
struct keeper_standing {
	char *path;        /* own: the file */
	uint64_t size;     /* ledger entries that are taken in */
	uint64_t written;  /* size as the file says */
	struct keeper_standing_item *item; /* own: in the ledger's order */
	size_t count, cap, bytes;
	bool over;         /* a limit was passed: the ledger itself must be read */
	bool changed;      /* since the file was written */
};

/* Reads the file and then the ledger's entries from there on (or all) up to `size`, and writes the file when that changed it. GH_E_* only when the ledger cannot be
 * read: a file that is wrong is a line in the log. */
BASE_CHECK int keeper_standing_open(struct keeper_standing *s, const char *path, const char *ledger, uint64_t size, struct base_fail *fail);
void keeper_standing_done(struct keeper_standing *s);
/* Takes in entries given as a bundle, which have just become durable as s->size and up. */
void keeper_standing_take(struct keeper_standing *s, struct base_span packed);
/* The same for `count` entries of which none is administrative. */
void keeper_standing_pass(struct keeper_standing *s, uint64_t count);
/* Writes the file when it is out of date enough (always: when at all). A failure is logged once and endangers nothing: the next start reads on in the ledger. */
void keeper_standing_save(struct keeper_standing *s, bool always);
/* The bytes of the file into an empty s; size: the ledger's entries. GH_E_PARSE: s may hold a part. */
BASE_CHECK int keeper_standing_decode(struct keeper_standing *s, struct base_span file, uint64_t size);

#endif
