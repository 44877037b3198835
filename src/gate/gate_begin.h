/* gate_begin: the moment an answer begins: which statement it answers, does it touch a protected relation, which columns say whose
 * the rows are, and whom the request asked for. All return 0, or -1 when the session was ended.
 */
#ifndef GATE_BEGIN_H
#define GATE_BEGIN_H
#include "gate_session.h"
BASE_CHECK int gate_begin_query(struct gate_session *s, const struct gate_pend *p, const struct gate_describe *d); /* simple protocol, RowDescription */
BASE_CHECK int gate_begin_silent(struct gate_session *s, const struct gate_pend *p); /* no RowDescription in front: Execute, or a command without rows */
BASE_CHECK int gate_begin_failed(struct gate_session *s, const struct gate_pend *p); /* an error came first: begins only what is known to touch */
BASE_CHECK int gate_begin_copy(struct gate_session *s, const struct gate_pend *p);   /* CopyOutResponse */
BASE_CHECK int gate_begin_function(struct gate_session *s, const struct gate_pend *p); /* FunctionCallResponse: records and ends it */
#endif
