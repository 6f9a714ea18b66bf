/* envelope: all that is known of a message besides its content. Spans point into the arena of
 * whoever made it; envelope_copy makes one that lives by itself. */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "base/arena.h"
#include "mail/ids.h"

enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };

/* NOTIFY of RFC 3461 section 4.1 as bits; 0: not given (which means failure, and delay as we like).
 */
enum notify {
    NOTIFY_NEVER = 1,
    NOTIFY_SUCCESS = 2,
    NOTIFY_FAILURE = 4,
    NOTIFY_DELAY = 8,
};

/* RET of RFC 3461 section 4.3. */
enum dsn_return { RET_UNSAID, RET_FULL, RET_HDRS };

struct recipient {
    struct span address; /* local-part@domain as given by the client */
    struct span domain;  /* its key (address_domain_key) */
    struct span orcpt;   /* "rfc822;text" as given, still xtext encoded; empty: not given */
    unsigned notify;     /* enum notify */
};

struct envelope {
    struct message_id id;
    struct span reverse_path; /* empty: the null path, so no DSN may ever be sent for it */
    struct span envid;        /* RFC 3461 section 4.4, still xtext encoded */
    enum dsn_return ret;
    enum body_type body;
    bool smtputf8;
    uint64_t size;         /* octets of content as stored, trace fields included */
    int64_t received_ms;   /* wall time of acceptance */
    struct span connector; /* receive connector that took it; "dsn" for our own notifications */
    struct span client_ip; /* text form, empty for our own */
    struct span helo;      /* as the client said it */
    struct span protocol;  /* "ESMTP", "ESMTPS", "SMTP", "UTF8SMTP", "UTF8SMTPS" (RFC 3848, 6531) */
    struct span tls;       /* "TLSv1.3 TLS_AES_256_GCM_SHA384", empty for clear text */
    struct span header_message_id; /* Message-ID of the header, without brackets; may be empty */
    struct span subject;           /* raw, cut to 256 octets; for tracking only */
    struct recipient *recipients;
    size_t recipient_count;
};

/* A deep copy into the arena. */
struct envelope envelope_copy(struct arena *arena, const struct envelope *envelope);

const char *body_type_name(enum body_type body); /* "7BIT", "8BITMIME", "BINARYMIME" */
/* "SUCCESS,FAILURE" as in the NOTIFY parameter; empty for 0. */
void notify_format(unsigned notify, char text[32]);

#endif
