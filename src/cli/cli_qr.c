/* cli_qr: see cli_qr.h. One character stands for two modules, one above the other, because characters are about twice as high as wide. The colours are explicit
 * (xterm's 16 and 231: pure black on pure white): with the terminal's own, a dark theme would show the negative, which many readers refuse.
 */
#include "cli_qr.h"

#include <qrencode.h>

#include "base_crypt.h"

#define QUIET 4 /* ISO/IEC 18004: the light border */

static bool
dark(const QRcode *qr, int x, int y)
{
	return x >= 0 && y >= 0 && x < qr->width && y < qr->width && (qr->data[y * qr->width + x] & 1);
}

bool
cli_qr_draw(const char *text, struct base_buf *out)
{
	QRcode *qr = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);

	if (!qr)
		return false;
	for (int y = -QUIET; y < qr->width + QUIET; y += 2) {
		base_buf_str(out, "\033[38;5;16;48;5;231m");
		for (int x = -QUIET; x < qr->width + QUIET; x++) {
			bool top = dark(qr, x, y), bottom = dark(qr, x, y + 1);
			base_buf_str(out, top && bottom ? "\xe2\x96\x88" : top ? "\xe2\x96\x80" : bottom ? "\xe2\x96\x84" : " ");
		}
		base_buf_str(out, "\033[0m\n");
	}
	base_secret_wipe(qr->data, (size_t)qr->width * (size_t)qr->width); /* the picture of a secret */
	QRcode_free(qr);
	return !out->bad;
}
