/* smtp_server_words: all that the server says by itself, in one table. */
#ifndef PROTO_SMTP_SERVER_WORDS_H
#define PROTO_SMTP_SERVER_WORDS_H

#include "mail/reply.h"

enum smtp_words {
    SAY_NOTHING, /* from judges and parsers: nothing is wrong */
    SAY_OK,
    SAY_SENDER_OK,
    SAY_RECIPIENT_OK,
    SAY_START_INPUT,
    SAY_MESSAGE_OK,
    SAY_CANNOT_VERIFY,
    SAY_HELP,
    SAY_READY_FOR_TLS,
    SAY_TOO_MANY_RECIPIENTS,
    SAY_TOO_MANY_MESSAGES,
    SAY_BARE_LINE_END,
    SAY_LINE_TOO_LONG,
    SAY_UNKNOWN_COMMAND,
    SAY_NOT_IMPLEMENTED,
    SAY_BAD_ARGUMENT,
    SAY_BAD_DOMAIN,
    SAY_BAD_SENDER,
    SAY_BAD_RECIPIENT,
    SAY_BAD_PARAMETER,
    SAY_UNKNOWN_PARAMETER,
    SAY_BAD_CHUNK,
    SAY_HELO_FIRST,
    SAY_MAIL_FIRST,
    SAY_RCPT_FIRST,
    SAY_NESTED_MAIL,
    SAY_CHUNKS_ARRIVE,
    SAY_CHUNK_FAILED,
    SAY_BINARY_NEEDS_CHUNKS,
    SAY_TLS_ACTIVE,
    SAY_NO_SERVICE,
    SAY_TLS_REQUIRED,
    SAY_NEEDS_SMTPUTF8,
    SAY_TOO_LARGE,
    SAY_BARE_CONTENT,
    SAY_NUL_CONTENT,
    SAY_PLAINTEXT_BEHIND_STARTTLS,
    SAY_COUNT
};

struct reply smtp_words_reply(enum smtp_words words);
/* Whether the client broke the protocol, so that the reply counts towards max_protocol_errors. What
 * a correct client can run into (limits, policy) does not. */
bool smtp_words_count_as_error(enum smtp_words words);

#endif
