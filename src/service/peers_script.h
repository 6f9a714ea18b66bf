/* peers_script: SMTP servers for tests, on every address of 127.0.0.0/8 at one port. What the
 * address' second number is says how a peer behaves. */
#ifndef SERVICE_PEERS_SCRIPT_H
#define SERVICE_PEERS_SCRIPT_H

enum {
    PEERS_WELL = 1,   /* 127.1.x.x take every message */
    PEERS_SILENT = 2, /* 127.2.x.x accept connections and never say a word */
    PEERS_FEW = 3,    /* 127.3.x.x take two recipients at once and say so with LIMITS RCPTMAX */
    PEERS_STRICT = 4, /* 127.4.x.x take two as well, and refuse further ones with 452 */
    PEERS_KINDS
};

struct peers;
struct peers *peers_start(void);
/* Ends all connections. */
void peers_stop(struct peers *peers);
unsigned peers_port(const struct peers *peers);
/* Taken so far, by all; and how many connections a kind of peer got. From any thread. */
unsigned peers_messages(const struct peers *peers);
unsigned peers_connections(const struct peers *peers, int kind);

#endif
