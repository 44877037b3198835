/* proc_msg: messages between gate and keeper, over a Unix stream socket in run_dir (keeper listens; mode 0600; SO_PEERCRED must be
 * our own user, or root: an operator's command). Pure encoding. Frame: u32 length of what follows, u8 type, body. All numbers big-endian.
 *
 *   gate -> keeper   ENTRY    u64 id, entry bytes (1..65535)      ids count up by one from 1 on each connection
 *   keeper -> gate   HELLO    u32 format (1), u64 tree size        once, first
 *                    RECEIPT  u64 upto                              every ENTRY with id <= upto is durable
 *                    FAILED   u64 upto, u8 code (1 disk full, 2 write error, 3 malformed entry), text:
 *                             entries after the last receipt and up to `upto` are NOT recorded (or not known to be)
 *   gate -> keeper   RECALL   u64 since (wall, microseconds)      once, instead of ENTRY: then this connection only answers
 *   keeper -> gate   RECALLED entry bytes                          standing administrative entries first, then all since then, in the ledger's order
 *                    RECALL_END u64 entries sent                   then the keeper closes
 *   keeper -> gate   NOTICE   entry bytes                          to every other connection: an administrative entry (suspend, resume, enroll) is durable;
 *                                                                  after HELLO also the suspend and resume that stand, so that a gate whose channel was down misses none
 * Receipts are in order. A broken frame ends the connection; the gate treats a lost connection as FAILED for all it has open.
 */
#ifndef PROC_MSG_H
#define PROC_MSG_H

#include "base_buf.h"
#include "base_fail.h"

#define PROC_MSG_FORMAT 1u
#define PROC_MSG_MAX (65535u + 9u)

enum proc_msg_type { PROC_MSG_ENTRY = 1, PROC_MSG_HELLO = 2, PROC_MSG_RECEIPT = 3, PROC_MSG_FAILED = 4,
	PROC_MSG_RECALL = 5, PROC_MSG_RECALLED = 6, PROC_MSG_RECALL_END = 7, PROC_MSG_NOTICE = 8 };
enum proc_msg_failure { PROC_MSG_DISK_FULL = 1, PROC_MSG_WRITE_ERROR = 2, PROC_MSG_MALFORMED = 3 };

struct proc_msg {
	enum proc_msg_type type;
	uint64_t id;            /* ENTRY id; RECEIPT/FAILED upto; HELLO tree size; RECALL since; RECALL_END count */
	uint32_t format;        /* HELLO */
	enum proc_msg_failure failure; /* FAILED */
	struct base_span body;  /* ENTRY, RECALLED, NOTICE bytes; FAILED text */
};
void proc_msg_entry(struct base_buf *b, uint64_t id, struct base_span entry);
void proc_msg_hello(struct base_buf *b, uint64_t tree_size);
void proc_msg_recall(struct base_buf *b, uint64_t since_us);
void proc_msg_recalled(struct base_buf *b, struct base_span entry);
void proc_msg_recall_end(struct base_buf *b, uint64_t count);
void proc_msg_notice(struct base_buf *b, struct base_span entry);
void proc_msg_receipt(struct base_buf *b, uint64_t upto);
void proc_msg_failed(struct base_buf *b, uint64_t upto, enum proc_msg_failure code, const char *text);
/* 1: one message, *used_r bytes; 0: more needed; GH_E_PARSE. from_gate: only ENTRY and RECALL are legal, else only the others. */
BASE_CHECK int proc_msg_next(struct base_span avail, bool from_gate, struct proc_msg *msg_r, size_t *used_r, struct base_fail *fail);

#endif
