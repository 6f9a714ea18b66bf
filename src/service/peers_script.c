#include "service/peers_script.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FEW = 2, INPUT_MAX = 8192, CONNECTIONS_MAX = 4096 };

struct peer {
    int file, kind;
    bool in_content;
    unsigned recipients;
    size_t n;
    char input[INPUT_MAX];
};

struct peers {
    int listener, epoll, wake[2];
    unsigned port;
    pthread_t thread;
    struct peer *all[CONNECTIONS_MAX]; /* by file */
    _Atomic unsigned messages, connections[PEERS_KINDS];
};

static void say(const struct peer *p, const char *text)
{
    ssize_t n = send(p->file, text, strlen(text), MSG_NOSIGNAL);
    (void)n; /* a client that went away shows when it is read from */
}

static void watch(const struct peers *peers, int file)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = file};
    int result = epoll_ctl(peers->epoll, EPOLL_CTL_ADD, file, &event);
    assert(result == 0);
}

static void accept_one(struct peers *peers)
{
    struct sockaddr_in local = {0};
    socklen_t n = sizeof(local);
    int file = accept4(peers->listener, NULL, NULL, SOCK_CLOEXEC);
    if (file < 0)
        return;
    assert(file < CONNECTIONS_MAX && getsockname(file, (struct sockaddr *)&local, &n) == 0);
    struct peer *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    p->file = file;
    p->kind = (int)(ntohl(local.sin_addr.s_addr) >> 16 & 255);
    assert(p->kind < PEERS_KINDS);
    atomic_fetch_add(&peers->connections[p->kind], 1);
    peers->all[file] = p;
    watch(peers, file);
    if (p->kind != PEERS_SILENT)
        say(p, "220 peer\r\n");
}

static void answer_rcpt(struct peer *p)
{
    bool few = p->kind == PEERS_FEW || p->kind == PEERS_STRICT;
    if (few && p->recipients == FEW) {
        say(p, "452 4.5.3 too many recipients\r\n");
        return;
    }
    p->recipients++;
    say(p, "250 2.1.5 ok\r\n");
}

static void answer(struct peers *peers, struct peer *p, const char *line)
{
    if (p->in_content) {
        if (strcmp(line, ".") != 0)
            return;
        p->in_content = false;
        atomic_fetch_add(&peers->messages, 1);
        say(p, "250 2.0.0 taken\r\n");
    } else if (strncmp(line, "EHLO", 4) == 0) {
        say(p, p->kind == PEERS_FEW ? "250-peer\r\n250-LIMITS RCPTMAX=2\r\n250 PIPELINING\r\n"
                                    : "250-peer\r\n250 PIPELINING\r\n");
    } else if (strncmp(line, "MAIL", 4) == 0) {
        p->recipients = 0;
        say(p, "250 2.1.0 ok\r\n");
    } else if (strncmp(line, "RCPT", 4) == 0) {
        answer_rcpt(p);
    } else if (strncmp(line, "DATA", 4) == 0) {
        p->in_content = p->recipients > 0;
        say(p, p->in_content ? "354 go on\r\n" : "503 5.5.1 no recipients\r\n");
    } else {
        say(p, strncmp(line, "QUIT", 4) == 0 ? "221 2.0.0 bye\r\n" : "250 2.0.0 ok\r\n");
    }
}

static void close_peer(struct peers *peers, struct peer *p)
{
    peers->all[p->file] = NULL;
    close(p->file);
    free(p);
}

static void read_peer(struct peers *peers, struct peer *p)
{
    ssize_t n = recv(p->file, p->input + p->n, sizeof(p->input) - p->n, 0);
    if (n <= 0) {
        close_peer(peers, p);
        return;
    }
    p->n += (size_t)n;
    char *from = p->input, *end;
    while ((end = memmem(from, p->n - (size_t)(from - p->input), "\r\n", 2))) {
        *end = '\0';
        answer(peers, p, from);
        from = end + 2;
    }
    p->n -= (size_t)(from - p->input);
    memmove(p->input, from, p->n);
    assert(p->n < sizeof(p->input));
}

static void *run(void *context)
{
    struct peers *peers = context;
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(peers->epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int file = events[i].data.fd;
            if (file == peers->wake[0])
                return NULL;
            if (file == peers->listener)
                accept_one(peers);
            else if (peers->all[file])
                read_peer(peers, peers->all[file]);
        }
    }
}

struct peers *peers_start(void)
{
    struct peers *peers = calloc(1, sizeof(*peers));
    if (!peers)
        abort();
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof(address);
    peers->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    peers->epoll = epoll_create1(EPOLL_CLOEXEC);
    bool is_up = peers->listener >= 0 && peers->epoll >= 0 && pipe(peers->wake) == 0 &&
                 bind(peers->listener, (struct sockaddr *)&address, n) == 0 &&
                 listen(peers->listener, 1000) == 0 &&
                 getsockname(peers->listener, (struct sockaddr *)&address, &n) == 0;
    assert(is_up);
    peers->port = ntohs(address.sin_port);
    watch(peers, peers->listener);
    watch(peers, peers->wake[0]);
    int error = pthread_create(&peers->thread, NULL, run, peers);
    assert(error == 0);
    return peers;
}

void peers_stop(struct peers *peers)
{
    close(peers->wake[1]); /* its end is what wakes the thread */
    pthread_join(peers->thread, NULL);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (peers->all[i])
            close_peer(peers, peers->all[i]);
    close(peers->wake[0]);
    close(peers->listener);
    close(peers->epoll);
    free(peers);
}

unsigned peers_port(const struct peers *peers)
{
    return peers->port;
}

unsigned peers_messages(const struct peers *peers)
{
    return atomic_load(&peers->messages);
}

unsigned peers_connections(const struct peers *peers, int kind)
{
    return atomic_load(&peers->connections[kind]);
}
