/* cli_qr: a QR code drawn in the terminal. */
#ifndef CLI_QR_H
#define CLI_QR_H

#include "base_buf.h"

/* Appends lines of half blocks, black on white by explicit colours, with the quiet zone of four modules that scanners need. False: text does not fit a code, or no
 * memory: then out holds what it held. */
BASE_CHECK bool cli_qr_draw(const char *text, struct base_buf *out);

#endif
