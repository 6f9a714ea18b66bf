#include "store/testing.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ---- */

char *testing_folder(void)
{
    char pattern[] = "/tmp/store-test-XXXXXX";
    char *made = mkdtemp(pattern);
    assert(made);
    return strdup(made);
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void testing_remove(char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

size_t testing_segments(const char *folder, uint64_t *blocks)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/segments", folder);
    DIR *d = opendir(path);
    assert(d);
    size_t count = 0;
    *blocks = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        struct stat about;
        if (e->d_name[0] == '.')
            continue;
        if (fstatat(dirfd(d), e->d_name, &about, 0) != 0)
            continue;
        count++;
        *blocks += (uint64_t)about.st_blocks;
    }
    closedir(d);
    return count;
}

uint64_t testing_record_offset(int file, enum record_kind kind, uint64_t n)
{
    unsigned char header[RECORD_HEADER];
    enum record_kind found = kind;
    uint64_t offset = 0, size = 0;
    for (;;) {
        ssize_t got = segments_read(file, offset, (char *)header, sizeof(header));
        assert(got == RECORD_HEADER);
        bool is_record = record_header_read(header, &found, &size);
        assert(is_record);
        if (found == kind && n-- == 0)
            return offset;
        offset += RECORD_HEADER + size;
    }
}

struct store *testing_open(const char *folder)
{
    struct buf why = BUF_INIT(4096);
    struct store *store = NULL;
    enum err err = store_open(folder, &store, &why);
    if (err != OK)
        fprintf(stderr, "store_open: %s: %s\n", err_text(err), buf_text(&why));
    assert(err == OK);
    buf_done(&why);
    return store;
}

/* ---- fixtures ---- */

int testing_set_up(void **state)
{
    struct testing_fixture *f = calloc(1, sizeof(*f));
    assert(f);
    f->folder = testing_folder();
    f->store = testing_open(f->folder);
    *state = f;
    return 0;
}

int testing_set_up_running(void **state)
{
    testing_set_up(state);
    return store_start(((struct testing_fixture *)*state)->store) == OK ? 0 : -1;
}

int testing_tear_down(void **state)
{
    struct testing_fixture *f = *state;
    store_close(f->store);
    testing_remove(f->folder);
    free(f);
    return 0;
}

/* ---- contents ---- */

uint64_t testing_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

char *testing_content(uint64_t seed, size_t size)
{
    char *p = malloc(size + 8);
    assert(p);
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = testing_random(&seed);
        memcpy(p + at, &word, 8);
    }
    return p;
}

static struct queue_writer *write_content(struct store *store, uint64_t seed, size_t size)
{
    struct queue_writer *w = queue_writer_new(store);
    char *p = testing_content(seed, size);
    uint64_t cuts = seed ^ size;
    for (size_t at = 0; at < size;) {
        size_t n = 1 + testing_random(&cuts) % 60000;
        if (n > size - at)
            n = size - at;
        if (queue_writer_add(w, span_make(p + at, n)) != OK) {
            queue_writer_free(w);
            w = NULL;
            break;
        }
        at += n;
    }
    free(p);
    return w;
}

struct store_statistics testing_statistics(struct store *store)
{
    struct queued_message *none = NULL;
    enum err err = testing_fetch(store, (struct message_id){{0xff}}, &none);
    assert(err == ERR_NOT_FOUND);
    return store_statistics(store);
}

bool testing_content_is(struct queued_message *message, uint64_t seed, size_t size)
{
    char *expected = testing_content(seed, size);
    char *p = malloc(70000);
    assert(p);
    uint64_t cuts = seed, at = 0;
    bool is_equal = message->envelope.size == size;
    for (ssize_t n = 1; is_equal && n > 0; at += (uint64_t)n) {
        n = queued_message_read(message, at, p, 1 + testing_random(&cuts) % 70000);
        is_equal = n >= 0 && at + (uint64_t)n <= size && memcmp(p, expected + at, (size_t)n) == 0;
    }
    free(p);
    free(expected);
    return is_equal && at == size;
}

/* ---- commits ---- */

static void add_recipients(struct arena *a, struct envelope *e, const struct testing_message *m)
{
    e->recipients = ARENA_ARRAY(a, struct recipient, m->recipients);
    e->recipient_count = m->recipients;
    for (size_t i = 0; i < m->recipients; i++) {
        struct span domain = m->domain
                                 ? span_of(m->domain)
                                 : arena_printf(a, "d%u.example", (unsigned)(m->seed + i) % 5);
        e->recipients[i] =
            (struct recipient){.address = arena_printf(a, "user%zu@" SPAN_FMT, i, SPAN_ARG(domain)),
                               .domain = domain,
                               .orcpt = SPAN("rfc822;original+40somewhere.example"),
                               .notify = NOTIFY_FAILURE | NOTIFY_DELAY};
    }
}

void testing_arrive(struct store *store, struct queue_commit *c, struct testing_message *m)
{
    struct arena *a = &c->arena;
    static const struct message_id none;
    if (message_id_eq(m->id, none))
        m->id = message_id_new(m->received_ms ? m->received_ms : 1);
    struct envelope e = {.id = m->id,
                         .reverse_path =
                             m->sender ? span_of(m->sender)
                                       : arena_printf(a, "s%u@from.example", (unsigned)m->seed % 7),
                         .envid = SPAN("envelope"),
                         .ret = RET_HDRS,
                         .body = BODY_8BITMIME,
                         .smtputf8 = true,
                         .received_ms = m->received_ms,
                         .connector = SPAN("internet"),
                         .client_ip = SPAN("192.0.2.1"),
                         .helo = SPAN("client.example"),
                         .protocol = SPAN("ESMTPS"),
                         .tls = SPAN("TLSv1.3 TLS_AES_256_GCM_SHA384"),
                         .header_message_id = SPAN("1@from.example"),
                         .subject = SPAN("h\xc3\xa9llo")};
    add_recipients(a, &e, m);
    c->arrivals = ARENA_NEW(a, struct queue_arrival);
    *c->arrivals = (struct queue_arrival){.envelope = e,
                                          .content = write_content(store, m->seed, m->size),
                                          .state = m->state,
                                          .content_has_8bit = true};
    c->arrival_count = 1;
}

struct waiter {
    sem_t sem;
    enum err err;
    void *result;
    size_t count;
};

static void wait_for(struct waiter *w)
{
    while (sem_wait(&w->sem) != 0)
        continue;
    sem_destroy(&w->sem);
}

static void committed(void *context, struct queue_commit *c, enum err err)
{
    struct waiter *w = context;
    w->err = err;
    queue_commit_free(c);
    sem_post(&w->sem);
}

enum err testing_commit(struct store *store, struct queue_commit *c)
{
    struct waiter w = {.err = OK};
    if (c->arrival_count == 1 && !c->arrivals->content) { /* the writer found no space */
        queue_commit_free(c);
        return ERR_FULL;
    }
    sem_init(&w.sem, 0, 0);
    c->done = committed;
    c->context = &w; /* cppcheck-suppress autoVariables ; it is waited for here */
    queue_submit(store, c);
    wait_for(&w);
    return w.err;
}

enum err testing_accept(struct store *store, struct testing_message *m)
{
    struct queue_commit *c = queue_commit_new();
    testing_arrive(store, c, m);
    return testing_commit(store, c);
}

struct testing_message testing_accepted(struct testing_fixture *f, uint64_t seed, size_t size,
                                        size_t recipients)
{
    struct testing_message m = {
        .seed = seed, .size = size, .recipients = recipients, .received_ms = 1000 + (int64_t)seed};
    enum err err = testing_accept(f->store, &m);
    assert(err == OK);
    return m;
}

enum err testing_update(struct store *store, struct queue_update update)
{
    struct queue_commit *c = queue_commit_new();
    c->updates = &update;
    c->update_count = 1;
    return testing_commit(store, c);
}

/* ---- reading ---- */

static void fetched(void *context, enum err err, struct queued_message *m)
{
    struct waiter *w = context;
    w->err = err;
    w->result = m;
    sem_post(&w->sem);
}

enum err testing_fetch(struct store *store, struct message_id id, struct queued_message **message)
{
    struct waiter w = {.err = OK};
    sem_init(&w.sem, 0, 0);
    queue_fetch(store, id, NULL, fetched, &w);
    wait_for(&w);
    if (w.err == OK)
        *message = w.result;
    return w.err;
}

struct loop_waiter {
    struct waiter waiter;
    struct loop *loop;
};

static void fetched_on(void *context, enum err err, struct queued_message *m)
{
    struct loop_waiter *w = context;
    w->waiter.err = err;
    w->waiter.result = m;
    loop_stop(w->loop);
}

enum err testing_fetch_on(struct loop *loop, struct store *store, struct message_id id,
                          struct queued_message **message)
{
    struct loop_waiter w = {.loop = loop};
    queue_fetch(store, id, loop, fetched_on, &w);
    loop_run(loop);
    if (w.waiter.err == OK)
        *message = w.waiter.result;
    return w.waiter.err;
}

enum err testing_check(struct store *store, const struct testing_message *m)
{
    struct queued_message *found = NULL;
    enum err err = testing_fetch(store, m->id, &found);
    if (err != OK)
        return err;
    if (!testing_content_is(found, m->seed, m->size))
        err = ERR_CORRUPT;
    queued_message_free(found);
    return err;
}

struct page_waiter {
    sem_t sem;
    struct testing_page *page;
};

static void listed(void *context, enum err err, struct queued_message *const *messages,
                   size_t count, bool more)
{
    struct page_waiter *w = context;
    assert(count <= COUNT_OF(w->page->items));
    for (size_t i = 0; i < count; i++) {
        queued_message_keep(messages[i]);
        w->page->items[i] = messages[i];
    }
    w->page->err = err;
    w->page->count = count;
    w->page->has_more = more;
    sem_post(&w->sem);
}

void testing_list(struct store *store, const struct queue_filter *filter, struct message_id after,
                  size_t limit, struct testing_page *page)
{
    struct page_waiter w = {.page = page};
    *page = (struct testing_page){.err = OK};
    sem_init(&w.sem, 0, 0);
    queue_list(store, filter, after, limit, NULL, listed, &w);
    while (sem_wait(&w.sem) != 0)
        continue;
    sem_destroy(&w.sem);
}

void testing_page_done(struct testing_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        queued_message_free(page->items[i]);
    page->count = 0;
}

static void acted(void *context, enum err err, const struct queue_acted *all, size_t count)
{
    (void)all;
    struct waiter *w = context;
    w->err = err;
    w->count = count;
    sem_post(&w->sem);
}

size_t testing_act(struct store *store, enum queue_action action, const struct queue_filter *filter,
                   int64_t now_ms)
{
    struct waiter w = {.err = OK};
    sem_init(&w.sem, 0, 0);
    queue_act(store, action, filter, now_ms, SPAN("tester"), NULL, acted, &w);
    wait_for(&w);
    assert(w.err == OK);
    return w.count;
}
