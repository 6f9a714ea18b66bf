#include "main/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "io/clock_watch.h"
#include "service/admin.h"
#include "service/apply.h"
#include "service/deliver.h"
#include "service/dns_watch.h"
#include "service/listen.h"
#include "service/monitor.h"
#include "service/receive_limits.h"
#include "service/renew.h"
#include "service/rotate.h"
#include "service/sentinel.h"
#include "store/documents.h"

static enum err read_document(const struct serve_options *options, struct world *world,
                              struct buf *text, struct buf *why)
{
    uint64_t number;
    char *newest;
    if (!options->config) {
        enum err err = documents_newest(world->store, &number, &newest);
        if (err != OK) {
            buf_addf(why, "%s holds no document yet: start once with --config FILE", options->data);
            return err;
        }
        err = buf_add_text(text, newest);
        free(newest);
        return err;
    }
    FILE *file = fopen(options->config, "re");
    if (!file) {
        buf_addf(why, "%s: %s", options->config, strerror(errno));
        return ERR_NOT_FOUND;
    }
    char piece[16384];
    enum err err = OK;
    for (size_t n; err == OK && (n = fread(piece, 1, sizeof(piece), file)) > 0;)
        err = buf_add(text, span_make(piece, n));
    if (ferror(file) || err != OK)
        buf_addf(why, "%s: %s", options->config,
                 err != OK ? "the document is too large" : strerror(errno));
    err = ferror(file) ? ERR_IO : err;
    fclose(file);
    return err;
}

static struct span author(void)
{
    const struct passwd *user = getpwuid(geteuid());
    return span_of(user ? user->pw_name : "unknown");
}

/* ---- building the world, in order ---- */

static enum err apply_start(const struct serve_options *options, struct world *world,
                            struct buf *why)
{
    struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX);
    struct problems problems = {0};
    enum err err = read_document(options, world, &text, why);
    if (err == OK)
        err = apply_first(world, buf_span(&text), author(), &problems, why);
    for (size_t i = 0; i < problems.count; i++) {
        buf_add_char(why, '\n');
        problem_add_text(why, options->config ? options->config : "document", &problems.items[i]);
    }
    problems_done(&problems);
    buf_done(&text);
    return err;
}

static enum err build(const struct serve_options *options, struct world *world, struct buf *why)
{
    world->data_directory = options->data;
    world->started_ms = clock_now_ms();
    world->main_loop = loop_new();
    world->snapshots = snapshots_new();
    world->limits = receive_limits_new();
    world->listen = listen_new(world, options->threads);
    world->monitor = monitor_new(world);
    enum err err = store_open(options->data, &world->store, why);
    if (err == OK)
        err = apply_start(options, world, why);
    if (err == OK)
        err = deliver_new(world, &world->deliver, why);
    return err;
}

static void on_clock_set(void *context)
{
    struct world *world = context;
    LOG(LOG_INFO, "clock-set",
        LOG_T("consequence", "certificates are chosen and renewals planned anew"));
    monitor_clock_set(world->monitor);
}

static enum err start(const struct serve_options *options, struct world *world, struct buf *why)
{
    char socket[4096];
    snprintf(socket, sizeof(socket), "%s/admin.sock", options->data);
    enum err err = store_start(world->store);
    if (err == OK)
        err = deliver_start(world->deliver);
    if (err == OK)
        err = listen_start(world->listen);
    if (err != OK) {
        buf_add_text(why, "a thread could not be started");
        return err;
    }
    world->admin = admin_new(world, world->main_loop, socket, &err);
    if (!world->admin) {
        buf_addf(why, "%s: %s", socket, err_text(err));
        return err;
    }
    world->watch = watch_new(world);
    watch_snapshot_changed(world->watch);
    world->sentinel = sentinel_new(world);
    sentinel_snapshot_changed(world->sentinel);
    world->renew = renew_new(world);
    renew_snapshot_changed(world->renew);
    world->dns_watch = dns_watch_new(world);
    dns_watch_snapshot_changed(world->dns_watch);
    monitor_start(world->monitor);
    world->clock_watch = clock_watch_new(world->main_loop, on_clock_set, world);
    return OK;
}

/* In reverse: no new mail, no new deliveries, then what the store still has to write. */
static void end(struct world *world)
{
    listen_stop(world->listen);
    if (world->deliver)
        deliver_stop(world->deliver);
    renew_free(world->renew); /* answers who waits for it, over the admin API */
    if (world->admin)
        admin_free(world->admin);
    watch_free(world->watch);
    clock_watch_free(world->clock_watch);
    sentinel_free(world->sentinel);
    dns_watch_free(world->dns_watch);
    monitor_free(world->monitor);
    if (world->store)
        store_close(world->store);
    listen_free(world->listen);
    deliver_free(world->deliver);
    receive_limits_free(world->limits);
    snapshots_free(world->snapshots);
    loop_free(world->main_loop);
}

/* ---- running ---- */

static void on_stop(void *context)
{
    struct world *world = context;
    LOG(LOG_INFO, "stopping", LOG_N("queued", store_statistics(world->store).recipients));
    loop_stop(world->main_loop);
}

struct reload {
    struct world *world;
    const struct serve_options *options;
};

static void on_reloaded(void *context, const struct apply_result *result)
{
    const struct reload *reload = context;
    const struct problems *problems = result->problems;
    for (size_t i = 0; i < problems->count; i++)
        LOG(problems->items[i].warning ? LOG_WARNING : LOG_ERROR, "document-problem",
            LOG_T("file", reload->options->config ? reload->options->config : "document"),
            LOG_N("line", problems->items[i].line), LOG_S("path", problems->items[i].path),
            LOG_S("text", problems->items[i].text), LOG_S("remedy", problems->items[i].remedy));
    LOG(result->err == OK ? LOG_INFO : LOG_ERROR, "reloaded",
        LOG_T("result", err_text(result->err)), LOG_N("revision", result->revision),
        LOG_N("changed", result->diff.n > 0));
}

/* SIGHUP: the file (if there is one) and the certificates again. What is wrong, or what the plan
 * refuses, changes nothing: nobody is there to be asked, so an event says how to force it. */
static void on_reload(void *context)
{
    struct reload *reload = context;
    struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX), why = BUF_INIT(4096);
    if (reload->options->config && read_document(reload->options, reload->world, &text, &why) == OK)
        apply_document(reload->world,
                       &(struct apply_change){.yaml = buf_span(&text),
                                              .author = author(),
                                              .comment = SPAN("reload"),
                                              .file = span_of(reload->options->config)},
                       on_reloaded, reload);
    else if (reload->options->config)
        LOG(LOG_ERROR, "reload-failed", LOG_S("why", buf_span(&why)));
    /* Even where the document is wrong or unchanged: a renewed certificate must not wait for it. */
    apply_certificates(reload->world, on_reloaded, reload);
    buf_done(&text);
    buf_done(&why);
}

static void print_endpoint(void *context, const struct endpoint *endpoint)
{
    struct snapshot *s = context;
    char text[ENDPOINT_TEXT];
    endpoint_format(endpoint, text);
    printf("listening on %s\n", text);
    (void)s;
}

static void print_certificates(const struct snapshot *s)
{
    for (size_t i = 0; i < s->document->receive_connector_count; i++) {
        const struct connector_tls *tls = &s->receive_tls[i];
        struct buf names = BUF_INIT(1024);
        if (tls->selection.chosen)
            certificate_add_summary(&names, tls->selection.chosen);
        if (tls->connector->tls != RECEIVE_TLS_OFF)
            printf("receive connector " SPAN_FMT " presents %.8s %s%s" SPAN_FMT "\n",
                   SPAN_ARG(tls->connector->name),
                   tls->selection.chosen ? tls->selection.chosen->thumbprint : "nothing",
                   buf_text(&names), tls->fault.n ? ": " : "", SPAN_ARG(tls->fault));
        buf_done(&names);
    }
}

static void announce(const struct serve_options *options, struct world *world)
{
    struct snapshot *s = snapshot_current(world);
    printf("data folder %s\n", options->data);
    listen_each(world->listen, print_endpoint, s);
    print_certificates(s);
    if (options->demo)
        demo_print();
    LOG(LOG_INFO, "started", LOG_S("hostname", s->document->hostname),
        LOG_N("revision", s->revision), LOG_N("threads", options->threads),
        LOG_N("queued", store_statistics(world->store).recipients),
        LOG_N("ms", clock_now_ms() - world->started_ms));
    snapshot_release(s);
    fflush(stdout);
}

/* A change of certificates, a visit of the sentinel or an answer to the command is some 20 ms of
 * work at once; on processors that mail keeps busy it may take longer, so that no session does. On
 * Linux this is the calling thread's own; what it starts later inherits it, and is of its kind. */
static void give_way_to_mail(void)
{
    enum { NICER_BY = 5 }; /* a quarter of a processor that is wanted by others */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER_BY);
}

static int run(const struct serve_options *options)
{
    struct world *world = calloc(1, sizeof(*world));
    struct buf why = BUF_INIT(65536);
    if (!world)
        abort();
    struct reload reload = {world, options};
    enum err err = build(options, world, &why);
    if (err == OK)
        err = start(options, world, &why);
    if (err == OK)
        err = loop_on_signal(world->main_loop, SIGINT, on_stop, world);
    if (err == OK)
        err = loop_on_signal(world->main_loop, SIGTERM, on_stop, world);
    if (err == OK)
        err = loop_on_signal(world->main_loop, SIGHUP, on_reload, &reload);
    if (err == OK) {
        announce(options, world);
        give_way_to_mail();
        loop_run(world->main_loop);
    } else {
        fprintf(stderr, "sealpost: cannot start: %s\n", buf_text(&why));
    }
    buf_done(&why);
    end(world);
    free(world);
    return err == OK ? CLI_DONE : CLI_REFUSED;
}

/* As many descriptors as the system allows: each connection needs one. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int serve_main(int argc, char **argv)
{
    struct serve_options options;
    struct buf why = BUF_INIT(4096);
    char *demo_config = NULL;
    if (serve_options_parse(argc, argv, &options, &why) != OK) {
        fprintf(stderr, "sealpost: %s\nTry: sealpost serve --help\n", buf_text(&why));
        buf_done(&why);
        return CLI_USAGE;
    }
    if (options.help) {
        char program[] = "sealpost", verb[] = "help", topic[] = "serve";
        return cli_main(3, (char *[]){program, verb, topic, NULL});
    }
    signal(SIGPIPE, SIG_IGN);
    raise_limits();
    umask(077);
    if (options.demo && demo_prepare(options.data, &demo_config, &why) != OK) {
        fprintf(stderr, "sealpost: %s\n", buf_text(&why));
        buf_done(&why);
        return CLI_REFUSED;
    }
    if (options.demo && !options.config)
        options.config = demo_config;
    int code = run(&options);
    free(demo_config);
    buf_done(&why);
    return code;
}
