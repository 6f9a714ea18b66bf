/* trace: the trace fields of RFC 5321 section 4.4, folded at 78 columns. */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/buf.h"
#include "mail/envelope.h"

struct trace {
    const struct envelope *envelope;
    struct span by;          /* the receive connector's fqdn */
    struct span client_name; /* verified reverse name, empty: unknown */
    int64_t now_ms;
};

/* "Received: from helo (name [ip])\r\n\tby fqdn (Sealpost) with ESMTPS (TLSv1.3 cipher) id
 * ...\r\n\tfor <one recipient>; date\r\n". "for" only where there is exactly one recipient. What
 * the client chose is made safe: it cannot end a comment or start a field. */
void trace_add_received(struct buf *out, const struct trace *trace);
/* "Return-Path: <...>\r\n", at final delivery only. */
void trace_add_return_path(struct buf *out, struct span reverse_path);

#endif
