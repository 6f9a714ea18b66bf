/* receive_session: one SMTP session of the journey in, shared by receive.c (connection and
 * conversation) and receive_message.c (the transaction). Private to these two. */
#ifndef SERVICE_RECEIVE_SESSION_H
#define SERVICE_RECEIVE_SESSION_H

#include "base/list.h"
#include "io/stream.h"
#include "mail/header.h"
#include "proto/smtp_server.h"
#include "service/world.h"
#include "store/queue.h"

struct receive_home {
    struct world *world;
    struct loop *loop;
    struct list sessions;
    bool stopping;
    struct loop_timer *stop_timer;
    _Atomic bool empty; /* stopping, and the last session has gone */
};

/* A message on its way in; lives from MAIL to its answer. */
struct receive_message {
    struct arena arena;
    struct envelope envelope;
    size_t recipient_capacity;
    uint64_t declared; /* SIZE of MAIL; 0: none */
    struct queue_writer *content;
    struct header_scan header;
    struct reply refusal; /* decided while content was arriving; code 0: none */
    bool has_8bit;
    bool chunked;       /* BDAT: its line ends were not judged */
    bool bare_line_end; /* a CR or LF that stands alone, or a NUL octet */
    char last;          /* octet of the content so far */
};

enum receive_wait {
    RECEIVE_NOT_WAITING,
    RECEIVE_WAIT_TARPIT, /* an answer is held back */
    RECEIVE_WAIT_COMMIT, /* the store has the message */
    RECEIVE_WAIT_TLS,    /* handshake */
    RECEIVE_WAIT_CLOSE,  /* draining */
};

struct receive_session {
    struct list node;
    struct receive_home *home;
    struct snapshot *snapshot;
    const struct receive_connector *connector;
    struct stream *stream;
    struct smtp_server *machine;
    struct loop_timer *timer; /* idle and whole-session time, or the end of the tarpit */
    struct arena arena;       /* lives as long as the session */
    enum receive_wait wait;
    bool gone;         /* the peer has left while the store has the message */
    bool extended;     /* EHLO */
    bool start_tls;    /* 220 was written */
    struct reply held; /* the answer that the tarpit holds back */
    struct span helo, tls;
    char helo_text[ADDRESS_DOMAIN_MAX + 1]; /* helo; a peer may say EHLO as often as it likes */
    struct receive_message *message;
    int64_t began_ms, active_ms; /* monotonic */
    unsigned accepted;
};

/* Counts the connection and takes it; or says why not, closes it and is false. connector NULL: none
 * takes this address; tls then too. */
bool receive_admit(struct world *world, int fd, const struct endpoint *peer,
                   const struct receive_connector *connector, const struct connector_tls *tls);

/* A description of the peer for the log: "192.0.2.1:4711". */
void receive_peer_text(const struct receive_session *s, char text[ENDPOINT_TEXT]);

/* Each answers the machine now or, where it says so, later. */
void receive_message_mail(struct receive_session *s, const struct smtp_server_event *event);
void receive_message_rcpt(struct receive_session *s, const struct smtp_server_event *event);
void receive_message_data(struct receive_session *s, bool chunked);
void receive_message_content(struct receive_session *s, struct span content);
/* Later: by receive_answer_later, when the message is durable. */
void receive_message_end(struct receive_session *s);
void receive_message_drop(struct receive_session *s);

/* Answers a refusal after the connector's tarpit, others at once. */
void receive_refuse(struct receive_session *s, const struct reply *reply);
/* The store has answered: gives the reply and goes on, or frees a session whose peer has left. */
void receive_answer_later(struct receive_session *s, const struct reply *reply);

#endif
