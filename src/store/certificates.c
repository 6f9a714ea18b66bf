#include "store/certificates.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cert/chain.h"
#include "cert/request.h"
#include "store/certificate_files.h"

enum { FILES_MAX = 4096 };

struct load {
    struct certificate_set *set;
    size_t capacity, fault_capacity, request_capacity;
    struct span folder; /* the one at hand */
    bool managed;       /* it is the data folder's own */
};

static void add_fault(struct load *load, const char *path, struct span text, unsigned mode)
{
    struct certificate_set *set = load->set;
    if (set->fault_count == load->fault_capacity) {
        size_t more = load->fault_capacity ? load->fault_capacity * 2 : 8;
        struct certificate_file_fault *faults =
            ARENA_ARRAY(&set->arena, struct certificate_file_fault, more);
        if (set->fault_count)
            memcpy(faults, set->faults, set->fault_count * sizeof(*faults));
        set->faults = faults;
        load->fault_capacity = more;
    }
    set->faults[set->fault_count++] = (struct certificate_file_fault){
        arena_copy(&set->arena, span_of(path)), arena_copy(&set->arena, text), mode};
}

static bool is_known(const struct certificate_set *set, const struct certificate *c)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->thumbprint, c->thumbprint) == 0)
            return true;
    return false;
}

static void grow(struct load *load)
{
    struct certificate_set *set = load->set;
    size_t more = load->capacity ? load->capacity * 2 : 8;
    struct certificate **items = ARENA_ARRAY(&set->arena, struct certificate *, more);
    struct certificate_meta *meta = ARENA_ARRAY(&set->arena, struct certificate_meta, more);
    struct span *paths = ARENA_ARRAY(&set->arena, struct span, more);
    if (set->count) {
        memcpy((void *)items, (void *)set->items, set->count * sizeof(struct certificate *));
        memcpy(meta, set->meta, set->count * sizeof(*meta));
        memcpy(paths, set->paths, set->count * sizeof(*paths));
    }
    set->items = items;
    set->meta = meta;
    set->paths = paths;
    load->capacity = more;
}

/* THUMBPRINT.notes beside the data folder's own; other files are as they are found. */
static struct certificate_meta read_meta(struct load *load, const struct certificate *c)
{
    struct certificate_meta meta = {
        .services = SERVICE_SMTP, .source = SPAN("file"), .managed = load->managed};
    if (!load->managed)
        return meta;
    struct buf text = BUF_INIT(65536);
    struct span path = arena_printf(&load->set->arena, SPAN_FMT "/%s.notes", SPAN_ARG(load->folder),
                                    c->thumbprint);
    if (certificate_file_read(path.p, &text) == OK)
        certificate_notes_read(&load->set->arena, buf_span(&text), &meta);
    buf_done(&text);
    return meta;
}

static void add_certificate(struct load *load, const char *path, struct certificate *c)
{
    struct certificate_set *set = load->set;
    if (is_known(set, c)) {
        certificate_free(c);
        return;
    }
    if (set->count == load->capacity)
        grow(load);
    set->meta[set->count] = read_meta(load, c);
    c->services = set->meta[set->count].services;
    set->paths[set->count] = arena_copy(&set->arena, span_of(path));
    set->items[set->count++] = c;
}

/* A key that others can read is no secret; it is used all the same, and said. */
static void check_mode(struct load *load, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & 077))
        add_fault(load, path, SPAN("the private key in this file can be read by others"),
                  status.st_mode & 0777);
}

/* The key beside a certificate that holds none: same name with .key, or privkey.pem in the same
 * folder. */
static void read_key_beside(struct load *load, const char *path, struct buf *text)
{
    struct span stem = span_head(span_of(path), span_rfind(span_of(path), '.'));
    struct span folder = span_head(span_of(path), span_rfind(span_of(path), '/'));
    char beside[4096];
    snprintf(beside, sizeof(beside), SPAN_FMT ".key", SPAN_ARG(stem));
    if (certificate_file_read(beside, text) != OK) {
        snprintf(beside, sizeof(beside), SPAN_FMT "/privkey.pem", SPAN_ARG(folder));
        /* No key anywhere is found by the parser, which then says so. */
        if (certificate_file_read(beside, text) != OK)
            return;
    }
    check_mode(load, beside);
}

static void load_file(struct load *load, const char *path)
{
    struct buf text = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(4096);
    enum err err = certificate_file_read(path, &text);
    if (err != OK) {
        add_fault(load, path, span_of(err_text(err)), 0);
    } else {
        buf_add_char(&text, '\n');
        if (span_search(buf_span(&text), SPAN("PRIVATE KEY-----")) == text.n)
            read_key_beside(load, path, &text);
        else
            check_mode(load, path);
        struct certificate *c;
        if (certificate_parse_pem(buf_span(&text), SPAN_NONE, &c, &why) == OK)
            add_certificate(load, path, c);
        else
            add_fault(load, path, buf_span(&why), 0);
    }
    if (text.p)
        explicit_bzero(text.p, text.cap); /* it held a private key */
    buf_done(&text);
    buf_done(&why);
}

static bool is_certificate_name(const char *name)
{
    struct span s = span_of(name);
    return name[0] != '.' && (span_iends(s, SPAN(".pem")) || span_iends(s, SPAN(".crt"))) &&
           !span_ieq(s, SPAN("privkey.pem")) && !span_ieq(s, SPAN("chain.pem")) &&
           !span_ieq(s, SPAN("cert.pem"));
}

static void load_folder(struct load *load, const char *folder, int depth)
{
    struct dirent **entries;
    struct span outer = load->folder;
    load->folder = span_of(folder);
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0) {
        if (errno != ENOENT)
            add_fault(load, folder, span_of(strerror(errno)), 0);
        load->folder = outer;
        return;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat status;
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        bool usable = entries[i]->d_name[0] != '.' && length > 0 && (size_t)length < sizeof(path) &&
                      i < FILES_MAX && stat(path, &status) == 0;
        if (usable && S_ISDIR(status.st_mode) && depth > 0)
            load_folder(load, path, depth - 1);
        else if (usable && S_ISREG(status.st_mode) && is_certificate_name(entries[i]->d_name))
            load_file(load, path);
        free(entries[i]);
    }
    free(entries);
    load->folder = outer; /* those of the folder above go on after its subfolder */
}

/* A chain that was imported without its intermediate is completed from the others'. */
static void complete_chains(struct certificate_set *set)
{
    STACK_OF(X509) *known = sk_X509_new_null();
    if (!known)
        abort();
    for (size_t i = 0; i < set->count; i++)
        for (int j = 0; j < sk_X509_num(set->items[i]->chain); j++)
            sk_X509_push(known, sk_X509_value(set->items[i]->chain, j));
    for (size_t i = 0; i < set->count; i++)
        certificate_complete_chain(set->items[i], known);
    sk_X509_free(known);
}

static void add_request(struct load *load, const struct certificate_request *request)
{
    struct certificate_set *set = load->set;
    if (set->request_count == load->request_capacity) {
        size_t more = load->request_capacity ? load->request_capacity * 2 : 4;
        struct certificate_request *requests =
            ARENA_ARRAY(&set->arena, struct certificate_request, more);
        if (set->request_count)
            memcpy(requests, set->requests, set->request_count * sizeof(*requests));
        set->requests = requests;
        load->request_capacity = more;
    }
    set->requests[set->request_count++] = *request;
}

/* ID.csr; what is needed besides it stands in ID.notes. */
static void load_request(struct load *load, const char *folder, const char *name)
{
    struct arena *arena = &load->set->arena;
    struct certificate_request request = {
        .id = arena_copy(arena, span_head(span_of(name), strlen(name) - 4))};
    struct certificate_meta meta = {0};
    struct buf text = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(1024);
    char spki[65], path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    enum err err = certificate_file_read(path, &text);
    if (err == OK)
        err =
            request_parse(arena, buf_span(&text), &request.names, &request.name_count, spki, &why);
    if (err != OK) {
        add_fault(load, path, why.n ? buf_span(&why) : span_of(err_text(err)), 0);
    } else {
        request.pem = arena_copy(arena, buf_span(&text));
        request.spki = arena_copy(arena, span_of(spki));
        buf_reset(&text);
        snprintf(path, sizeof(path), "%s/" SPAN_FMT ".notes", folder, SPAN_ARG(request.id));
        if (certificate_file_read(path, &text) == OK)
            certificate_notes_read(arena, buf_span(&text), &meta);
        request.friendly_name = meta.friendly_name;
        request.key_type = meta.notes;
        request.made_ms = meta.added_ms;
        add_request(load, &request);
    }
    buf_done(&text);
    buf_done(&why);
}

static void load_requests(struct load *load, const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.' && span_iends(span_of(entries[i]->d_name), SPAN(".csr")))
            load_request(load, folder, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free((void *)entries);
}

static struct certificate_set *set_new(void)
{
    struct certificate_set *set = calloc(1, sizeof(*set));
    if (!set)
        abort();
    atomic_init(&set->references, 1);
    return set;
}

struct certificate_set *certificates_load(const char *data_directory, struct span directory)
{
    struct certificate_set *set = set_new();
    struct load load = {.set = set, .managed = true};
    struct span own = arena_printf(&set->arena, "%s/certificates", data_directory);
    load_folder(&load, own.p, 0);
    load_requests(&load, arena_printf(&set->arena, SPAN_FMT "/requests", SPAN_ARG(own)).p);
    load.managed = false;
    if (directory.n)
        load_folder(&load, arena_text(&set->arena, directory), 1);
    complete_chains(set);
    return set;
}

struct certificate_set *certificates_read_folder(struct span directory)
{
    struct certificate_set *set = set_new();
    struct load load = {.set = set};
    load_folder(&load, arena_text(&set->arena, directory), 1);
    return set;
}

/* The notes beside a copy say which file it was; it is as little managed as that. */
struct certificate_set *certificates_kept(const char *data_directory)
{
    struct certificate_set *set = set_new();
    struct load load = {.set = set, .managed = true};
    load_folder(&load, arena_printf(&set->arena, "%s" CERTIFICATES_KEPT, data_directory).p, 0);
    for (size_t i = 0; i < set->count; i++) {
        set->paths[i] = set->meta[i].notes;
        set->meta[i].notes = SPAN_NONE;
        set->meta[i].managed = false;
    }
    return set;
}

struct certificate_set *certificate_set_keep(struct certificate_set *set)
{
    atomic_fetch_add(&set->references, 1);
    return set;
}

void certificate_set_release(struct certificate_set *set)
{
    if (!set || atomic_fetch_sub(&set->references, 1) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        certificate_free(set->items[i]);
    arena_done(&set->arena);
    free(set);
}
