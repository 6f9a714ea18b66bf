/* message: mail that proves itself. Each message has an id (a run and a number in it), and says the
 * length of its body and a checksum over it; the last line of the body repeats the id, so no two
 * bodies are alike. The sums are of 64 bits and find accidents, not forgeries. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/span.h"

/* The most messages of one run; also the bound of what a sink remembers of it. */
#define MESSAGE_NUMBERS 100000000U

struct checksum {
    uint64_t state, rest, length;
};

struct checksum checksum_begin(void);
void checksum_add(struct checksum *c, struct span bytes);
uint64_t checksum_end(const struct checksum *c);

enum { MESSAGE_TAIL = 48, MESSAGE_HEAD_LIMIT = 1536, MESSAGE_PARTS = 3 };

/* What all messages of a run have in common. */
struct message_template {
    struct buf head; /* the header, with room for what differs */
    struct buf body; /* as it goes over the wire, without the last line */
    struct checksum body_sum;
    size_t size;                         /* of a message as it is stored */
    size_t id_at, sum_at, message_id_at; /* in the head */
    char run[17];
};

/* The two pieces that differ between messages; the third is the template's body. */
struct message_pieces {
    char *head; /* owned: as many bytes as the template's head */
    char tail[MESSAGE_TAIL];
};

/* size is that of the stored message, as far as header and last line leave room. */
void message_template_init(struct message_template *t, size_t size, const char *sender,
                           const char *recipient);
void message_template_done(struct message_template *t);
/* Makes message `number` and says in which parts it is to be sent, final dot included. pieces->head
 * is allocated when it is NULL. */
void message_make(const struct message_template *t, uint32_t number, struct message_pieces *pieces,
                  struct iovec parts[MESSAGE_PARTS]);

/* Reads one message as it was before dot-stuffing, in any pieces. Zeroed is the beginning. */
struct message_check {
    struct checksum sum;
    uint64_t bytes;
    uint64_t said_length, said_sum;
    bool in_body, has_id, has_length, has_sum;
    char run[17];
    uint32_t number;
    uint16_t line_n;
    char line[96]; /* of the header; longer ones are cut */
};

void message_check_add(struct message_check *c, struct span content);
/* Whether the message is one of ours, and whole. with_sum false compares only lengths. */
bool message_check_is_whole(const struct message_check *c, bool with_sum);

#endif
