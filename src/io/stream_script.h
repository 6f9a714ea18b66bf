/* stream_script: two streams on one loop, connected over loopback, for the tests of streams. */
#ifndef IO_STREAM_SCRIPT_H
#define IO_STREAM_SCRIPT_H

#include "io/listener.h"
#include "io/stream.h"

enum { LARGE = 6 * 1024 * 1024 };

/* One end of the connection under test. What happens to it is written into `log`, a word each. */
struct side {
    struct stream *s;
    struct buf got, log, text;
    size_t to_send, sent; /* a pattern that is written whenever there is room */
    size_t stop_at;       /* the loop is stopped once this much was received */
    bool stops_at_end;
    size_t (*input)(struct side *side, struct span input); /* NULL: all is taken */
    void (*connected)(struct side *side);
    void (*writable)(struct side *side);
    void (*tls)(struct side *side);
};

extern struct loop *loop;
extern struct listener *listener; /* whoever connects to it becomes `server` */
extern struct side server, client;

/* Runs the loop until something stops it; a test that is stuck fails and says where. */
void run(void);
void run_for(int64_t ms);
void connect_client(void);
/* A plain blocking socket in place of the client, for peers that misbehave. */
int connect_raw(void);
void read_to_end(int fd, struct buf *out);
/* Around every test. */
int set_up(void **state);
int tear_down(void **state);
/* LARGE bytes each way at once, used in uneven parts. */
void exchange_large(void);
void pause_at_once(struct side *side);
/* For side.connected or side.tls: two million bytes, then the end. */
void close_behind_output(struct side *side);
/* Runs to the server's end: each line is answered after a while, and the server is paused until
 * then. */
void serve_lines(void);
/* For side.input; use_none leaves the size of the offer in side.sent. */
size_t use_none(struct side *side, struct span input);
size_t echo(struct side *side, struct span input);
struct stream_owner owner_of(struct side *side);
void assert_pattern(const struct side *side, size_t n);
void send_pattern(struct side *side);
char pattern(size_t at);
void stop_here(struct side *side);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
