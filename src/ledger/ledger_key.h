/* ledger_key: the signing key's file: one line, the signer string of ledger_note.h, mode 0600. */
#ifndef LEDGER_KEY_H
#define LEDGER_KEY_H

#include "base_fail.h"
#include "ledger_note.h"

/* GH_E_DENIED: others may read the file. origin: the name that the key must have, NULL = any. */
BASE_CHECK int ledger_key_load(const char *path, const char *origin, struct ledger_signer *s_r, struct base_fail *fail);
/* Draws a new key, writes it (GH_E_EXISTS: never overwrites one) and gives the public part; ledger_vkey_print makes it text. */
BASE_CHECK int ledger_key_create(const char *path, const char *origin, struct ledger_vkey *vkey_r, struct base_fail *fail);

#endif
