/* reader: what the readers of one case share: where they add what they find, the listing they are
 * in, and the lines at hand. For this folder alone. */
#ifndef EXCHANGE_READER_H
#define EXCHANGE_READER_H

#include "base/map.h"
#include "exchange/case.h"
#include "exchange/source.h"

enum object_kind {
    OBJECT_UNKNOWN,
    OBJECT_CERTIFICATE,
    OBJECT_RECEIVE_CONNECTOR,
    OBJECT_SEND_CONNECTOR,
    OBJECT_SERVER,
    OBJECT_DOMAIN,
    OBJECT_EVENT,
    OBJECT_QUEUE,
    OBJECT_KINDS
};

/* What was typed in front of a print. */
struct command {
    enum object_kind kind; /* of what it lists; UNKNOWN: nothing that is known here */
    struct span cmdlet;    /* as typed; empty: none */
    struct span server, thumbprint, services;
    bool whole; /* no parameter and no filter that leaves objects out */
    bool transport_service;
    unsigned line;
};

/* The head of an event whose description is still to come. */
struct event_head {
    bool open;
    unsigned id;
    struct span source, level, computer;
    struct exchange_time when;
    unsigned line, last_line;
};

struct exchange_reader {
    struct exchange_case *c;
    struct source source; /* of the input at hand */
    struct command command;
    size_t listed[OBJECT_KINDS]; /* objects since the last command line */
    struct event_head head;
    size_t capacity[16];             /* of each array, by enum reader_array */
    struct exchange_session nobodys; /* what too many sessions are read into */
    struct map sessions;             /* session-id of a protocol log to its index + 1 */
    struct certificate **parsed;     /* all that must be freed */
    size_t parsed_count, parsed_capacity;
    enum object_kind last_object; /* of the part at hand; UNKNOWN: it lists no objects */
    bool full;                    /* some kind has reached EXCHANGE_OBJECTS_MAX */
    bool exported;                /* the objects at hand are of an export, not of a print */
    bool peer_certificate;        /* the rows at hand are of what the peer of the session showed */
    size_t no_text_before;        /* up to this line, running text was looked at and says nothing */
    unsigned unread_from, unread_to; /* lines that nothing recognised so far */
};

/* Each adds a zeroed one whose place is `line` of the input at hand. Never NULL: past
 * EXCHANGE_OBJECTS_MAX it is one that belongs to nobody, and `full` is set. The address is valid
 * until the next of its kind is added. */
struct exchange_certificate *reader_add_certificate(struct exchange_reader *r, unsigned line);
struct exchange_connector *reader_add_connector(struct exchange_reader *r, unsigned line);
struct exchange_server *reader_add_server(struct exchange_reader *r, unsigned line);
struct exchange_event *reader_add_event(struct exchange_reader *r, unsigned line);
struct exchange_session *reader_add_session(struct exchange_reader *r, unsigned line);
struct exchange_reply *reader_add_reply(struct exchange_reader *r, unsigned line);
struct exchange_error *reader_add_error(struct exchange_reader *r, unsigned line);
struct exchange_prompt *reader_add_prompt(struct exchange_reader *r, unsigned line);
struct exchange_domain *reader_add_domain(struct exchange_reader *r, unsigned line);
void reader_add_unread(struct exchange_reader *r, unsigned first, unsigned last,
                       struct span reason);

/* Takes the certificate over: it is freed with the case. */
void reader_keep(struct exchange_reader *r, struct certificate *certificate);

struct exchange_place reader_place(const struct exchange_reader *r, unsigned line);
/* A value that was printed at a line; text is trimmed and must live as long as the case. */
struct exchange_value reader_value(const struct exchange_reader *r, struct span text,
                                   unsigned line);

/* A recogniser of parts looks at the lines from `at` on: how many are its own, 0: none. */
typedef size_t reader_part(struct exchange_reader *r, size_t at);

#endif
