/* keeper_check: the shape of an entry.
 * Input: from a gate, which handles hostile bytes: hostile. Never parses JSON: a parser in the process that holds the key would be more
 * risk than it removes; readers decode strictly. Of the administrative kinds it knows where the name stands (keeper_admin).
 */
#include "keeper_check.h"

#include "base_text.h"
#include "keeper_admin.h"
#include "ledger_tile.h"

const char *
keeper_check_entry(struct base_span entry)
{
	struct keeper_admin admin;

	if (entry.n < 2 || entry.n > LEDGER_ENTRY_MAX)
		return "entry must have 2 to 65535 bytes";
	if (entry.p[0] != '{' || entry.p[entry.n - 1] != '}')
		return "entry is not one JSON object";
	for (size_t i = 0; i < entry.n; i++)
		if (entry.p[i] < 0x20)
			return "entry has a control character";
	if (!base_text_utf8(entry))
		return "entry is not valid UTF-8";
	if (keeper_admin_read(entry, &admin) < 0)
		return "administrative entry names nobody, or is too long";
	return NULL;
}
