/* server: the smallest SMTP server that answers correctly; what becomes of content is its user's.
 * One thread, one loop, no limits per client and no timeouts: it measures, it does not serve. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "base/list.h"
#include "bench/content.h"
#include "bench/loop.h"
#include "bench/stream.h"

struct server;

struct session {
    struct watch watch; /* first: what is freed */
    struct stream stream;
    struct server *server;
    struct buf held, out; /* bytes not yet understood; replies not yet sent */
    struct list all;      /* in server->all */
    struct list waiting;  /* with server->slow, or with the user between end and answer */
    uint64_t due;
    struct content content;
    bool reading_content, pending, delayed, handshaking, closing, ended;
    bool drained, hung_up; /* nothing to read until the next event; no more will be sent */
    void *message;         /* the user's, from begin to end */
};

/* Content is refused where begin is NULL. */
struct server_mail {
    void (*begin)(struct session *s);
    void (*content)(struct session *s, struct span piece);
    /* The user calls session_answer, here or later. */
    void (*end)(struct session *s);
    /* The session ends within a message. */
    void (*abandon)(struct session *s);
};

struct server {
    struct loop *loop;
    const char *name;
    SSL_CTX *tls; /* STARTTLS is offered where it is set */
    struct server_mail mail;
    uint64_t slow_ns; /* each reply is so late */
    bool silent;      /* accepts connections and says nothing */
    struct list slow; /* sessions with a late reply, first due first */
    struct list all, listeners;
    size_t open; /* sessions now */
    void *context;
};

void server_init(struct server *s, struct loop *loop, const char *name);
/* Closes what is open. */
void server_done(struct server *s);
void server_listen(struct server *s, const char *program, const char *address);
/* Sends replies that are due; returns the milliseconds to the next, or -1. From the loop's turn. */
int server_turn(struct server *s);

/* The reply to content, a line without CRLF. Whoever gives it later than in `end` calls
 * session_resume afterwards. */
void session_answer(struct session *s, const char *line);
void session_resume(struct session *s);

#endif
