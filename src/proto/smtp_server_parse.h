/* smtp_server_parse: what stands behind each verb, as pure functions beside their grammar. Results
 * borrow from the argument and are meaningful only where SAY_NOTHING was returned. */
#ifndef PROTO_SMTP_SERVER_PARSE_H
#define PROTO_SMTP_SERVER_PARSE_H

#include "proto/smtp_server.h"
#include "proto/smtp_server_words.h"

struct smtp_command {
    struct smtp_server_event event; /* what is asked of the caller, if the command asks */
    uint64_t chunk_size;
    bool chunk_last;
};

typedef enum smtp_words smtp_parse(struct span argument, struct smtp_command *command);

smtp_parse smtp_parse_ehlo, smtp_parse_helo, smtp_parse_mail, smtp_parse_rcpt, smtp_parse_bdat,
    smtp_parse_vrfy, smtp_parse_nothing, smtp_parse_anything;

#endif
