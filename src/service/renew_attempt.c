/* One attempt: key, request, account, order, and the result put in force by plan. uacme gets the
 * request alone; the key stays in this process until certificate and key are stored together. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cert/request.h"
#include "io/process.h"
#include "service/renew_private.h"
#include "service/rotate.h"
#include "store/certificates.h"

#define WAITING "%s/acme/waiting.pem"

enum {
    ACCOUNT_LIMIT_MS = 120000,
    ISSUE_LIMIT_MS = 1200000, /* a DNS hook may wait for its records to spread */
    OUTPUT_MAX = 2000,        /* of uacme's last words, for the event */
    ARGUMENTS_MAX = 32,
    KEY_MAX = 65536,
    EAB_MAX = 4096,
};

struct attempt {
    struct world *world;
    struct snapshot *snapshot;
    const struct acme_conf *conf;      /* of the snapshot */
    const struct certificate *current; /* of the snapshot, or NULL */
    struct arena arena;
    struct buf key, why;
    struct loop_timer *soon;
    struct process *process;
    struct challenge *challenge;
    struct span thumbprint, remedy;
    const char *account, *request, *issued, *waiting; /* files and folders */
    bool stopped, rotating;
    attempt_fn *fn;
    void *context;
};

/* ---- the end ---- */

static void forget(struct buf *secret)
{
    if (secret->p)
        explicit_bzero(secret->p, secret->cap);
    buf_done(secret);
}

static void attempt_free(struct attempt *a)
{
    loop_timer_free(a->soon);
    challenge_close(a->challenge);
    snapshot_release(a->snapshot);
    forget(&a->key);
    buf_done(&a->why);
    arena_done(&a->arena);
    free(a);
}

static void finish(struct attempt *a, enum err err)
{
    struct attempt_end end = {err, a->thumbprint, span_trim(buf_span(&a->why)), a->remedy};
    if (!a->stopped)
        a->fn(a->context, &end);
    attempt_free(a);
}

void attempt_stop(struct attempt *attempt)
{
    if (!attempt)
        return;
    attempt->stopped = true;
    process_stop(attempt->process);
    attempt->process = NULL;
    if (!attempt->rotating) /* else rotate still calls back */
        attempt_free(attempt);
}

/* ---- putting it in force ---- */

/* What the plan refuses is not asked of the authority again and again: it is kept, so that somebody
 * can import it, and the next attempt tries it first. */
static void keep_waiting(struct attempt *a, const struct buf *pem, const struct plan *plan)
{
    if (renew_file_write(a->waiting, 0600, buf_span(pem)) != OK)
        return;
    a->remedy = plan->remedy.n
                    ? arena_printf(&a->arena, SPAN_FMT "; or: sealpost cert import %s --force",
                                   SPAN_ARG(plan->remedy), a->waiting)
                    : arena_printf(&a->arena, "sealpost cert import %s --force", a->waiting);
}

static void on_rotated(void *context, enum err err, const struct plan *plan, struct span why)
{
    struct attempt *a = context;
    if (err == ERR_EXISTS)
        err = OK;
    if (err == ERR_REFUSED)
        keep_waiting(a, &a->key, plan);
    else
        unlink(a->waiting);
    if (err != OK)
        buf_addf(&a->why, "the new certificate is not put in force: " SPAN_FMT, SPAN_ARG(why));
    finish(a, err);
}

/* pem holds certificate, chain and key; a->key takes its place, as that is what has to be kept. */
static enum err put_in_force(struct attempt *a, struct buf *pem)
{
    struct certificate *c;
    enum err err = certificate_parse_pem(buf_span(pem), SPAN_NONE, &c, &a->why);
    if (err != OK) {
        forget(pem);
        return err;
    }
    forget(&a->key);
    a->key = *pem;
    a->thumbprint = arena_copy(&a->arena, span_of(c->thumbprint));
    struct rotate_change change = {
        .kind = ROTATE_ADD,
        .certificate = c,
        .meta = {.services = SERVICE_SMTP | (a->current ? a->current->services : 0),
                 .friendly_name = a->conf->names[0],
                 .source = SPAN("acme")},
        .author = SPAN("acme"),
    };
    a->rotating = true;
    rotate_change(a->world, &change, on_rotated, a);
    return OK;
}

static void take_issued(struct attempt *a)
{
    struct buf pem = BUF_INIT(CERT_PEM_MAX);
    enum err err = certificate_file_read(a->issued, &pem);
    if (err == OK)
        err = buf_add_char(&pem, '\n');
    if (err == OK)
        err = buf_add(&pem, buf_span(&a->key));
    if (err != OK) {
        buf_addf(&a->why, "%s cannot be read: %s", a->issued, err_text(err));
        forget(&pem);
    } else {
        err = put_in_force(a, &pem);
    }
    if (err != OK)
        finish(a, err);
}

/* ---- uacme ---- */

struct command {
    const char *argv[ARGUMENTS_MAX + 1];
    size_t count;
};

static void add(struct command *c, const char *argument)
{
    if (c->count < ARGUMENTS_MAX)
        c->argv[c->count++] = argument;
}

/* uacme knows the system's roots only (libcurl with GnuTLS reads no variable for them). For others
 * it is run where the named file stands in the place of the system's, which no other process sees.
 */
static void add_trust(struct command *c, const char *trust_file)
{
    static const char *const prefix[] = {
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "--",
        "sh",
        "-c",
        "mount --bind \"$0\" /etc/ssl/certs/ca-certificates.crt && exec \"$@\""};
    for (size_t i = 0; trust_file[0] && i < COUNT_OF(prefix); i++)
        add(c, prefix[i]);
    if (trust_file[0])
        add(c, trust_file);
}

static struct command uacme(struct attempt *a)
{
    struct command c = {.count = 0};
    add_trust(&c, arena_text(&a->arena, a->conf->trust_file));
    add(&c, "uacme");
    add(&c, "--confdir");
    add(&c, a->account);
    add(&c, "--acme-url");
    add(&c, arena_text(&a->arena, a->conf->directory));
    return c;
}

static enum err run(struct attempt *a, const struct command *command, int64_t limit_ms,
                    process_fn *fn)
{
    struct process_spec spec = {command->argv, limit_ms, OUTPUT_MAX};
    enum err err = process_start(a->world->main_loop, &spec, fn, a, &a->process);
    if (err != OK) {
        buf_addf(&a->why, "%s cannot be started: %s", command->argv[0], err_text(err));
        a->remedy = arena_printf(&a->arena, "apt install %s",
                                 a->conf->trust_file.n ? "uacme util-linux" : "uacme");
    }
    return err;
}

static void add_failure(struct attempt *a, const char *what, const struct process_end *end)
{
    if (end->timed_out)
        buf_addf(&a->why, "%s took too long", what);
    else if (end->status == 127 || end->status == 126)
        buf_addf(&a->why, "uacme cannot be started");
    else
        buf_addf(&a->why, "%s failed", what);
    struct span said = span_trim(end->output);
    if (said.n)
        buf_addf(&a->why, ": " SPAN_FMT, SPAN_ARG(said));
}

static void on_issued(void *context, const struct process_end *end)
{
    struct attempt *a = context;
    a->process = NULL;
    challenge_close(a->challenge);
    a->challenge = NULL;
    if (end->status == 0 && !end->timed_out) {
        take_issued(a);
        return;
    }
    add_failure(a, "the order", end);
    finish(a, end->timed_out ? ERR_TIMEOUT : ERR_IO);
}

static enum err issue(struct attempt *a)
{
    struct command c = uacme(a);
    add(&c, "--hook");
    add(&c, challenge_hook(a->challenge));
    add(&c, "issue");
    add(&c, a->request);
    return run(a, &c, ISSUE_LIMIT_MS, on_issued);
}

/* Stands beside the account once the authority has taken the binding: uacme makes the account's key
 * before it asks, so that the key alone proves nothing. */
static const char *bound_mark(struct attempt *a)
{
    return arena_printf(&a->arena, "%s/bound", a->account).p;
}

static enum err note_binding(struct attempt *a)
{
    return a->conf->eab_key_id.n == 0 ? OK : renew_file_write(bound_mark(a), 0600, SPAN_NONE);
}

/* An account that is there already is as good as a new one; asking each time heals one that the
 * authority has forgotten. */
static void on_account(void *context, const struct process_end *end)
{
    struct attempt *a = context;
    a->process = NULL;
    bool exists = span_search(end->output, SPAN("already exists")) < end->output.n;
    enum err err = OK;
    if (end->timed_out || (end->status != 0 && !exists)) {
        add_failure(a, "the account", end);
        err = end->timed_out ? ERR_TIMEOUT : ERR_IO;
    } else {
        err = note_binding(a);
    }
    if (err == OK)
        err = issue(a);
    if (err != OK)
        finish(a, err);
}

static bool is_read_by_others(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && (status.st_mode & 077);
}

/* The secret of the binding stands in uacme's arguments, as it has no other way to take it: so it
 * is given only until the authority has taken it, which ends what it is good for. */
static enum err add_binding(struct attempt *a, struct command *c)
{
    struct buf key = BUF_INIT(EAB_MAX);
    if (a->conf->eab_key_id.n == 0 || access(bound_mark(a), F_OK) == 0)
        return OK;
    const char *path = arena_text(&a->arena, a->conf->eab_key_file);
    enum err err = is_read_by_others(path) ? ERR_REFUSED : certificate_file_read(path, &key);
    if (err == ERR_REFUSED) {
        buf_addf(&a->why, "%s can be read by others, and holds a secret", path);
        a->remedy = arena_printf(&a->arena, "chmod 600 %s", path);
    } else if (err == OK) {
        struct span secret = span_trim(buf_span(&key));
        add(c, "--eab");
        add(c, arena_printf(&a->arena, SPAN_FMT ":" SPAN_FMT, SPAN_ARG(a->conf->eab_key_id),
                            SPAN_ARG(secret))
                   .p);
    } else {
        buf_addf(&a->why, "%s cannot be read: %s", path, err_text(err));
    }
    forget(&key);
    return err;
}

static enum err make_account(struct attempt *a)
{
    struct command c = uacme(a);
    add(&c, "--yes");
    enum err err = add_binding(a, &c);
    if (err != OK)
        return err;
    add(&c, "new");
    if (a->conf->contact.n)
        add(&c, arena_text(&a->arena, a->conf->contact));
    return run(a, &c, ACCOUNT_LIMIT_MS, on_account);
}

/* ---- key and request ---- */

static enum err make_key(struct attempt *a, EVP_PKEY **key)
{
    enum key_kind kind;
    if (a->conf->reuse_key && a->current && a->current->key && a->current->key_matches) {
        struct buf pem = BUF_INIT(KEY_MAX);
        enum err err = key_write_pem(a->current->key, &pem);
        if (err == OK)
            err = key_read_pem(buf_span(&pem), SPAN_NONE, key, &a->why);
        forget(&pem);
        return err;
    }
    enum err err = key_kind_parse(a->conf->key, &kind);
    return err == OK ? key_new(kind, key) : err;
}

static enum err make_request(struct attempt *a)
{
    EVP_PKEY *key = NULL;
    struct buf pem = BUF_INIT(REQUEST_MAX);
    enum err err = make_key(a, &key);
    if (err == OK)
        err = key_write_pem(key, &a->key);
    if (err == OK)
        err = request_new(key, a->conf->names, a->conf->name_count, &pem);
    if (err == OK)
        err = renew_file_write(a->request, 0600, buf_span(&pem));
    if (err != OK && a->why.n == 0)
        buf_addf(&a->why, "key and request cannot be made: %s", err_text(err));
    EVP_PKEY_free(key);
    buf_done(&pem);
    unlink(a->issued); /* uacme would find it good enough */
    return err;
}

/* ---- the beginning ---- */

static const char *in_folder(struct attempt *a, const char *name)
{
    return arena_printf(&a->arena, "%s/acme/%s", a->world->data_directory, name).p;
}

static enum err prepare(struct attempt *a)
{
    const char *folder = arena_printf(&a->arena, "%s/acme", a->world->data_directory).p;
    uint64_t of = renew_hash(renew_hash(0, a->conf->directory), a->conf->eab_key_id);
    a->account = arena_printf(&a->arena, "%s/account-%016llx", folder, (unsigned long long)of).p;
    a->request = in_folder(a, "request.pem");
    a->issued = in_folder(a, "request-cert.pem");
    a->waiting = arena_printf(&a->arena, WAITING, a->world->data_directory).p;
    enum err err = renew_folder(folder);
    if (err == OK)
        err = renew_folder(a->account);
    if (err != OK)
        buf_addf(&a->why, "%s cannot be written: %s", folder, err_text(err));
    return err;
}

/* Whether one that was refused before is still worth a try. */
static bool read_waiting(const char *path, const struct acme_conf *conf,
                         const struct certificate *current, struct buf *pem)
{
    struct buf why = BUF_INIT(1024);
    struct certificate *c;
    bool good = certificate_file_read(path, pem) == OK &&
                certificate_parse_pem(buf_span(pem), SPAN_NONE, &c, &why) == OK;
    if (good) {
        int64_t now = clock_now_ms(), half = c->not_before_ms / 2 + c->not_after_ms / 2;
        good =
            c->key_matches && now < half && (!current || c->not_after_ms > current->not_after_ms);
        for (size_t i = 0; i < conf->name_count; i++)
            good = good && renew_covers(c, conf->names[i]);
        certificate_free(c);
    }
    buf_done(&why);
    return good;
}

bool attempt_has_waiting(struct world *world, const struct acme_conf *conf,
                         const struct certificate *current)
{
    struct arena arena = ARENA_INIT;
    struct buf pem = BUF_INIT(CERT_PEM_MAX);
    const char *path = arena_printf(&arena, WAITING, world->data_directory).p;
    bool good = read_waiting(path, conf, current, &pem);
    forget(&pem);
    arena_done(&arena);
    return good;
}

/* Then nothing is ordered. */
static bool try_waiting(struct attempt *a)
{
    struct buf pem = BUF_INIT(CERT_PEM_MAX);
    bool good = read_waiting(a->waiting, a->conf, a->current, &pem);
    if (good && put_in_force(a, &pem) == OK)
        return true;
    if (!good)
        forget(&pem);
    return false;
}

static void begin(void *context)
{
    struct attempt *a = context;
    enum err err = prepare(a);
    if (err == OK && try_waiting(a))
        return;
    buf_reset(&a->why);
    if (err == OK)
        err = make_request(a);
    if (err == OK)
        err = challenge_open(a->world, a->conf, &a->challenge, &a->why);
    if (err == OK)
        err = make_account(a);
    if (err != OK)
        finish(a, err);
}

struct attempt *attempt_start(struct world *world, struct snapshot *snapshot,
                              const struct certificate *current, attempt_fn *fn, void *context)
{
    struct attempt *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    a->world = world;
    a->snapshot = snapshot_keep(snapshot);
    a->conf = &snapshot->document->certificates.acme;
    a->current = current;
    a->fn = fn;
    a->context = context;
    buf_init(&a->key, KEY_MAX);
    buf_init(&a->why, OUTPUT_MAX + 4096);
    a->soon = loop_timer_new(world->main_loop, begin, a);
    loop_timer_start(a->soon, 0); /* fn is never called before the caller knows the attempt */
    return a;
}
