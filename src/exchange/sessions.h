/* sessions: what was said on a wire: protocol logs of Exchange, dialogues typed into telnet, and
 * what openssl s_client prints. For this folder alone. */
#ifndef EXCHANGE_SESSIONS_H
#define EXCHANGE_SESSIONS_H

#include "exchange/reader.h"

/* Rows of SmtpSend and SmtpReceive logs, with or without their head; one session for each
 * session-id. */
reader_part protocol_log_part;
/* "220 ...", "ehlo", "250-STARTTLS" ... */
reader_part dialogue_part;
/* From "CONNECTED(" to the verdict, or an error that names the wrong version. */
reader_part s_client_part;

/* One line of a reply to EHLO: sets what it advertises. `last`: the reply ends here, so that what
 * did not stand in it is not offered. A second reply, inside TLS, takes nothing back. */
void session_read_ehlo(struct exchange_session *s, struct span words, bool last);
/* A 4xx or 5xx line may say what is wrong. */
void session_read_reply(struct exchange_reader *r, struct span line, size_t at);

#endif
