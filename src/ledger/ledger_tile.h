/* ledger_tile: names of tile and bundle files, and the bundle encoding (C2SP tlog-tiles). Pure.
 *
 *   tile/<L>/<N>[.p/<W>]          hashes, L = 0..7 here (the format allows 63), W = 1..255, no ".p" = full (256)
 *   tile/entries/<N>[.p/<W>]      a bundle: each entry behind its length as big-endian u16
 *   N in groups of three digits, all but the last with an 'x' in front: 1234067 -> x001/x234/067
 */
#ifndef LEDGER_TILE_H
#define LEDGER_TILE_H

#include "base_buf.h"
#include "base_fail.h"

#define LEDGER_TILE_ENTRIES (-1)    /* level of a bundle */
#define LEDGER_TILE_PATH_MAX 64u    /* with NUL: "tile/entries/" + 7 groups + ".p/255" */
#define LEDGER_ENTRY_MAX 65535u

struct ledger_tile_name {
	int level;       /* LEDGER_TILE_ENTRIES or 0..63 */
	uint64_t index;
	unsigned width;  /* 1..256; 256 = full */
};
/* Writes the path; returns dst, so that it can stand in an argument list. width 1..256, asserted. */
const char *ledger_tile_path(struct ledger_tile_name name, char dst[LEDGER_TILE_PATH_MAX]);
/* The folder of the partial tiles of name.index: ".../067.p". */
const char *ledger_tile_partials(struct ledger_tile_name name, char dst[LEDGER_TILE_PATH_MAX]);
/* Strict inverse of ledger_tile_path: one text for each name. GH_E_PARSE. */
BASE_CHECK int ledger_tile_parse(struct base_span path, struct ledger_tile_name *name_r);

/* Appends one entry to a bundle; 1..65535 bytes, asserted. Latches b->bad like every base_buf_ call. */
void ledger_bundle_put(struct base_buf *b, struct base_span entry);
/* 1: one entry (borrowed from the bundle), 0: the bundle is used up, GH_E_PARSE: cut short or an empty entry. */
BASE_CHECK int ledger_bundle_next(struct base_cursor *c, struct base_span *entry_r);
/* The bytes of the first `count` entries: GH_E_PARSE when there are fewer. *extra_r: whether more bytes follow. */
BASE_CHECK int ledger_bundle_head(struct base_span bundle, size_t count, size_t *bytes_r, bool *extra_r);

#endif
