#include "service/test_place.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "service/listen.h"
#include "service/receive_limits.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void must_say(enum err err, struct buf *why)
{
    if (err == OK)
        return;
    fprintf(stderr, "%s\n", buf_text(why));
    abort();
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(bind(fd, (struct sockaddr *)&address, n) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&address, &n) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

void place_open(struct place *place, bool listening)
{
    struct buf why = BUF_INIT(4096);
    *place = (struct place){.folder = "/tmp/sealpost-place-XXXXXX", .port = free_port()};
    MUST(mkdtemp(place->folder));
    log_setup(LOG_ERROR + 1, false);
    struct world *world = &place->world;
    world->data_directory = place->folder;
    MUST(store_open(place->folder, &world->store, &why) == OK);
    MUST(store_start(world->store) == OK);
    world->main_loop = loop_new();
    world->snapshots = snapshots_new();
    world->limits = receive_limits_new();
    if (listening) {
        world->listen = listen_new(world, 2);
        MUST(listen_start(world->listen) == OK);
    }
    buf_done(&why);
}

void place_close(struct place *place)
{
    struct world *world = &place->world;
    if (world->listen)
        listen_stop(world->listen);
    store_close(world->store);
    listen_free(world->listen);
    receive_limits_free(world->limits);
    snapshots_free(world->snapshots);
    loop_free(world->main_loop);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
    MUST(system(command) == 0); /* NOLINT(cert-env33-c): our own folder */
}

struct certificate *place_add(struct place *place, const struct recipe *recipe, X509 *extra,
                              unsigned services)
{
    struct made made = make_certificate(recipe);
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1024);
    struct certificate *c;
    add_certificate_pem(&pem, made.x);
    if (extra)
        add_certificate_pem(&pem, extra);
    add_key_pem(&pem, made.key, NULL);
    MUST(certificate_parse_pem(buf_span(&pem), SPAN_NONE, &c, &why) == OK);
    struct certificate_meta meta = {.services = services, .source = SPAN("test")};
    MUST(certificates_add(place->folder, c, &meta) == OK);
    made_done(&made);
    buf_done(&pem);
    buf_done(&why);
    return c;
}

struct snapshot *place_snapshot(struct place *place, const char *yaml)
{
    struct buf text = BUF_INIT(65536), why = BUF_INIT(65536);
    struct problems problems = {0};
    struct document *document;
    struct snapshot *snapshot;
    for (const char *p = yaml; *p; p++)
        if (*p == '@')
            buf_addf(&text, "\"127.0.0.1:%u\"", place->port);
        else
            buf_add_char(&text, *p);
    enum err err = document_parse(buf_span(&text), &problems, &document);
    for (size_t i = 0; err != OK && i < problems.count; i++)
        fprintf(stderr, SPAN_FMT "\n", SPAN_ARG(problems.items[i].text));
    MUST(err == OK);
    problems_done(&problems);
    struct certificate_set *set = certificates_load(place->folder, SPAN_NONE);
    must_say(snapshot_new(document, 1, set, &snapshot, &why), &why);
    certificate_set_release(set);
    buf_done(&text);
    buf_done(&why);
    return snapshot;
}

void place_publish(struct place *place, const char *yaml)
{
    struct buf why = BUF_INIT(4096);
    struct snapshot *s = place_snapshot(place, yaml);
    if (place->world.listen) {
        must_say(listen_open(place->world.listen, s->document, &why), &why);
        listen_settle(place->world.listen, s->document);
    }
    snapshot_publish(&place->world, s);
    buf_done(&why);
}
