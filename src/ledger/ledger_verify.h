/* ledger_verify: recomputes a whole log from its entries and compares every file with the result. Trusts one thing: the key.
 * Entry bundles -> leaf hashes -> every tile of every level, byte for byte -> root -> signed checkpoint; then the folder is walked
 * for files that do not belong there. Hash tiles are never an input of the root (a forged entry with a forged tile is caught).
 */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include "base_fail.h"
#include "ledger_note.h"
#include "ledger_tile.h"

enum ledger_verify_kind {
	LEDGER_VERIFY_OK,
	LEDGER_VERIFY_CHECKPOINT, /* unreadable, or not signed by the key */
	LEDGER_VERIFY_MISSING,    /* a file is not there */
	LEDGER_VERIFY_WRONG,      /* a file differs from what it must be */
	LEDGER_VERIFY_REWRITTEN,  /* entries and the tiles above them agree but are not what was signed: a forgery, not an accident */
	LEDGER_VERIFY_SURPLUS,    /* a file that no log of this size has */
};

struct ledger_verify_report {
	uint64_t size;           /* of the checkpoint */
	struct ledger_hash root;
	uint64_t entries;        /* checked */
	uint64_t files;          /* bundles and tiles checked, older partial ones included */
	uint64_t ahead;          /* files beyond the checkpoint: the keeper is at work, or was stopped; not checked */
	uint64_t leftovers;      /* temporary files of an interrupted write; no part of the log */
	/* the first thing that is wrong; a text for people is in the fail */
	enum ledger_verify_kind kind;
	char file[LEDGER_TILE_PATH_MAX * 4];
	uint64_t offset;         /* first wrong byte of file; for an entry: its first byte */
	uint64_t first, last;    /* indices of the entries concerned */
};

/* progress may be NULL; called now and then with entries done and in all.
 * 0: everything holds. GH_E_VERIFY: report and fail say what does not. Others: could not be read. The report is always filled. */
BASE_CHECK int ledger_verify(const char *dir, const struct ledger_vkey *key, void (*progress)(void *ctx, uint64_t done, uint64_t total),
	void *ctx, struct ledger_verify_report *report_r, struct base_fail *fail);

#endif
