#include "proto/smtp_server_words.h"

#include <assert.h>
#include <stdio.h>

static const struct words {
    int code;
    const char *enhanced; /* RFC 3463; none with 354 (RFC 2034 section 4) */
    const char *text;
    bool is_error;
} table[SAY_COUNT] = {
    [SAY_OK] = {250, "2.0.0", "Ok", false},
    [SAY_SENDER_OK] = {250, "2.1.0", "Sender ok", false},
    [SAY_RECIPIENT_OK] = {250, "2.1.5", "Recipient ok", false},
    [SAY_START_INPUT] = {354, "", "Send the message, end it with <CRLF>.<CRLF>", false},
    [SAY_MESSAGE_OK] = {250, "2.6.0", "Message accepted", false},
    [SAY_CANNOT_VERIFY] = {252, "2.5.2", "Not verified; send mail to find out", false},
    [SAY_HELP] = {214, "2.0.0",
                  "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS\n"
                  "See RFC 5321",
                  false},
    [SAY_READY_FOR_TLS] = {220, "2.0.0", "Ready to start TLS", false},
    [SAY_TOO_MANY_RECIPIENTS] = {452, "4.5.3", "Too many recipients", false},
    [SAY_TOO_MANY_MESSAGES] = {452, "4.7.0", "Too many messages in this session", false},
    [SAY_BARE_LINE_END] = {500, "5.5.2", "Bare CR, bare LF or NUL; lines end with CRLF", true},
    [SAY_LINE_TOO_LONG] = {500, "5.5.2", "Line too long", true},
    [SAY_UNKNOWN_COMMAND] = {500, "5.5.1", "Unknown command", true},
    [SAY_NOT_IMPLEMENTED] = {502, "5.5.1", "Command not implemented", false},
    [SAY_BAD_ARGUMENT] = {501, "5.5.4", "Malformed argument", true},
    [SAY_BAD_DOMAIN] = {501, "5.5.4", "Needs one domain name or address literal", true},
    [SAY_BAD_SENDER] = {501, "5.1.7", "Malformed sender address", true},
    [SAY_BAD_RECIPIENT] = {501, "5.1.3", "Malformed recipient address", true},
    [SAY_BAD_PARAMETER] = {501, "5.5.4", "Malformed or repeated parameter", true},
    [SAY_UNKNOWN_PARAMETER] = {555, "5.5.4", "Unknown parameter", true},
    [SAY_BAD_CHUNK] = {501, "5.5.4", "Malformed BDAT, so the end of its chunk is unknown", true},
    [SAY_HELO_FIRST] = {503, "5.5.1", "Send EHLO or HELO first", true},
    [SAY_MAIL_FIRST] = {503, "5.5.1", "Send MAIL first", true},
    [SAY_RCPT_FIRST] = {554, "5.5.1", "No valid recipients", false},
    [SAY_NESTED_MAIL] = {503, "5.5.1", "Transaction in progress; RSET ends it", true},
    [SAY_CHUNKS_ARRIVE] = {503, "5.5.1", "Chunks are arriving; only BDAT goes on", true},
    [SAY_CHUNK_FAILED] = {503, "5.5.1", "A chunk was refused; send RSET", true},
    [SAY_BINARY_NEEDS_CHUNKS] = {503, "5.5.1", "BODY=BINARYMIME needs BDAT", true},
    [SAY_TLS_ACTIVE] = {503, "5.5.1", "TLS is already active", true},
    [SAY_NO_SERVICE] = {503, "5.5.1", "No mail service here; send QUIT", true},
    [SAY_TLS_REQUIRED] = {530, "5.7.0", "Send STARTTLS first", false},
    [SAY_NEEDS_SMTPUTF8] = {553, "5.6.7", "A non-ASCII address needs SMTPUTF8", false},
    [SAY_TOO_LARGE] = {552, "5.3.4", "Message exceeds the size limit", false},
    [SAY_BARE_CONTENT] = {550, "5.6.0",
                          "Bare CR or LF in the message; its lines must end with CRLF "
                          "(RFC 5321 section 2.3.8)",
                          false},
    [SAY_NUL_CONTENT] = {550, "5.6.0", "NUL in the message; send it with BDAT or encode it", false},
    [SAY_PLAINTEXT_BEHIND_STARTTLS] = {554, "5.5.1", "Clear text behind STARTTLS refused", false},
};

struct reply smtp_words_reply(enum smtp_words words)
{
    assert(words > SAY_NOTHING && words < SAY_COUNT);
    const struct words *w = &table[words];
    struct reply reply = {.code = w->code, .text = span_of(w->text)};
    snprintf(reply.enhanced, sizeof(reply.enhanced), "%s", w->enhanced);
    return reply;
}

bool smtp_words_count_as_error(enum smtp_words words)
{
    return table[words].is_error;
}
