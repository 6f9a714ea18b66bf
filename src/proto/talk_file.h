/* talk_file: reads a conversation (test/talk/README.md describes the format) into a list of steps.
 * For tests: what is malformed ends the program with file and line. */
#ifndef PROTO_TALK_FILE_H
#define PROTO_TALK_FILE_H

#include "base/arena.h"
#include "proto/smtp_server.h"

enum talk_kind {
    TALK_CLIENT, /* octets that the client sends; neighbours are sent together */
    TALK_REPLY,  /* S: */
    TALK_EVENT,  /* E: */
    TALK_ANSWER, /* A: */
    TALK_TLS,    /* T: */
    TALK_REFUSE,
    TALK_TERMINATE,
};

struct talk_step {
    enum talk_kind kind;
    unsigned line;
    struct span text;   /* octets or pattern */
    bool standard;      /* TALK_ANSWER: "ok" */
    struct reply reply; /* TALK_ANSWER, TALK_REFUSE, TALK_TERMINATE */
};

struct talk {
    const char *path;
    struct smtp_server_options options;
    bool one_write; /* what is written together must also arrive together */
    struct talk_step *steps;
    size_t count;
};

void talk_read(struct arena *arena, const char *path, struct talk *talk);
_Noreturn void talk_fail(const struct talk *talk, unsigned line, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
