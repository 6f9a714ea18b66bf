/* probe: connects to one SMTP server as a stranger would and notes down what it shows, as the text
 * that an administrator would paste: the EHLO reply, and behind STARTTLS what `openssl s_client
 * -starttls smtp -showcerts` prints. Blocks; for the command line alone. */
#ifndef IO_PROBE_H
#define IO_PROBE_H

#include "base/buf.h"

enum { PROBE_TIMEOUT_MS = 10000, PROBE_TEXT_MAX = 256 * 1024 };

/* `target` is "host", "host:port" or "[v6]:port"; port 25 where it has none. What was seen before a
 * failure stays in *text, and `why` says what failed: ERR_SYNTAX for a target that is none,
 * ERR_IO where nobody answers, the reply is no SMTP, or the handshake fails. A server that does
 * not offer STARTTLS is no failure. */
enum err probe_smtp(struct span target, struct buf *text, struct buf *why) MUST_USE;

#endif
