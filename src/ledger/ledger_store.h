/* ledger_store: the tile and bundle files of the log that is being written. Used by ledger_log only; readers and verifiers have
 * their own, independent way to the files.
 */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include "base_buf.h"
#include "base_fail.h"
#include "ledger_merkle.h"
#include "ledger_tile.h"

#define LEDGER_STORE_FILES 40u                      /* full files that may wait; with those of a checkpoint at most BASE_FILE_MANY */
#define LEDGER_STORE_WAIT (4u * 1024u * 1024u)      /* bytes of waiting bundles after which they are written */
#define LEDGER_STORE_MOST (LEDGER_LEVELS + 1u)      /* files that one entry can complete, or that a checkpoint adds */

/* A full bundle or tile on its way to its file. */
struct ledger_store_file {
	struct ledger_tile_name name;
	struct base_buf bundle;                        /* of a bundle */
	uint8_t tile[LEDGER_TILE_WIDTH * LEDGER_HASH_SIZE]; /* of a tile */
};

/* Full files wait until there are enough of them (or a checkpoint comes): written together they cost a fraction of the syncs.
 * Invariants: (1) bundle holds the last tree.size % 256 entries;
 *             (2) every full tile and bundle of the tree is durable or waits in file[];
 *             (3) no file that a published checkpoint covers completely is ever written again. */
struct ledger_store {
	int dirfd; /* borrow: the ledger's folder */
	unsigned mode;
	struct ledger_tree tree;
	struct base_buf bundle;
	struct ledger_store_file *file; /* own: LEDGER_STORE_FILES */
	size_t nfile, waiting;          /* how many wait, bytes of the bundles among them */
	uint64_t partial[LEDGER_LEVELS + 1]; /* 1 + index of the tile that has partial files, 0 = none; [LEVELS] = bundles */
};

void ledger_store_init(struct ledger_store *s, int dirfd, unsigned mode);
void ledger_store_done(struct ledger_store *s);
/* Takes the state of a log of this size from its files and checks it against the root: GH_E_VERIFY, GH_E_MISSING. */
BASE_CHECK int ledger_store_load(struct ledger_store *s, uint64_t size, const struct ledger_hash *root, struct base_fail *fail);
/* Root at a size not above the present one, from the files. */
BASE_CHECK int ledger_store_root_at(const struct ledger_store *s, uint64_t size, struct ledger_hash *root_r, struct base_fail *fail);
/* Adds one entry in memory; settle() must have succeeded since the last entry that completed a bundle. GH_E_NOMEM: not added. */
BASE_CHECK int ledger_store_add(struct ledger_store *s, struct base_span entry, struct base_fail *fail);
/* Writes the waiting files when there are many of them. May be repeated after a failure. */
BASE_CHECK int ledger_store_settle(struct ledger_store *s, struct base_fail *fail);
/* Writes all that waits, and the partial bundle and tiles of the present size. May be repeated. */
BASE_CHECK int ledger_store_partials(struct ledger_store *s, struct base_fail *fail);
/* Removes partial files of tiles that are full and covered by a checkpoint of `published` entries. */
BASE_CHECK int ledger_store_clean(struct ledger_store *s, uint64_t published, struct base_fail *fail);

#endif
