#include "store/certificates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4096 };

struct load {
    struct certificate_set *set;
    size_t capacity, fault_capacity;
};

static void add_fault(struct load *load, const char *path, struct span text)
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
        arena_copy(&set->arena, span_of(path)), arena_copy(&set->arena, text)};
}

static bool is_known(const struct certificate_set *set, const struct certificate *c)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->thumbprint, c->thumbprint) == 0)
            return true;
    return false;
}

static void add_certificate(struct load *load, const char *path, struct certificate *c)
{
    struct certificate_set *set = load->set;
    if (is_known(set, c)) {
        certificate_free(c);
        return;
    }
    if (set->count == load->capacity) {
        size_t more = load->capacity ? load->capacity * 2 : 8;
        struct certificate **items = ARENA_ARRAY(&set->arena, struct certificate *, more);
        struct span *paths = ARENA_ARRAY(&set->arena, struct span, more);
        if (set->count) {
            memcpy(items, set->items, set->count * sizeof(struct certificate *));
            memcpy(paths, set->paths, set->count * sizeof(*paths));
        }
        set->items = items;
        set->paths = paths;
        load->capacity = more;
    }
    c->services = SERVICE_SMTP;
    set->paths[set->count] = arena_copy(&set->arena, span_of(path));
    set->items[set->count++] = c;
}

/* Adds the file's content to text, at most CERT_PEM_MAX octets. */
static enum err read_file(const char *path, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
    enum err err = OK;
    char piece[16384];
    ssize_t n;
    while (err == OK && (n = read(fd, piece, sizeof(piece))) != 0)
        err = n < 0 ? ERR_IO : buf_add(text, span_make(piece, (size_t)n));
    close(fd);
    return err;
}

/* The key beside a certificate that holds none: same name with .key, or privkey.pem in the same
 * folder. */
static void read_key_beside(const char *path, struct buf *text)
{
    struct span stem = span_head(span_of(path), span_rfind(span_of(path), '.'));
    struct span folder = span_head(span_of(path), span_rfind(span_of(path), '/'));
    char beside[4096];
    snprintf(beside, sizeof(beside), SPAN_FMT ".key", SPAN_ARG(stem));
    if (read_file(beside, text) == OK)
        return;
    snprintf(beside, sizeof(beside), SPAN_FMT "/privkey.pem", SPAN_ARG(folder));
    /* No key anywhere is found by the parser, which then says so. */
    enum err err = read_file(beside, text);
    (void)err;
}

static void load_file(struct load *load, const char *path)
{
    struct buf text = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(4096);
    enum err err = read_file(path, &text);
    if (err != OK) {
        add_fault(load, path, span_of(err_text(err)));
    } else {
        buf_add_char(&text, '\n');
        if (span_search(buf_span(&text), SPAN("PRIVATE KEY-----")) == text.n)
            read_key_beside(path, &text);
        struct certificate *c;
        if (certificate_parse_pem(buf_span(&text), SPAN_NONE, &c, &why) == OK)
            add_certificate(load, path, c);
        else
            add_fault(load, path, buf_span(&why));
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
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0) {
        if (errno != ENOENT)
            add_fault(load, folder, span_of(strerror(errno)));
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
}

struct certificate_set *certificates_load(const char *data_directory, struct span directory)
{
    struct certificate_set *set = calloc(1, sizeof(*set));
    if (!set)
        abort();
    atomic_init(&set->references, 1);
    struct load load = {.set = set};
    load_folder(&load, arena_printf(&set->arena, "%s/certificates", data_directory).p, 1);
    if (directory.n)
        load_folder(&load, arena_text(&set->arena, directory), 1);
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

static enum err write_durably(const char *path, struct span text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EACCES ? ERR_DENIED : ERR_IO;
    bool ok = true;
    while (ok && text.n) {
        ssize_t n = write(fd, text.p, text.n);
        ok = n > 0;
        text = ok ? span_skip(text, (size_t)n) : text;
    }
    ok = ok && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    return ok ? OK : ERR_IO;
}

enum err certificates_save(const char *data_directory, const char *name,
                           const struct certificate *certificate)
{
    struct buf text = BUF_INIT(CERT_PEM_MAX);
    char folder[3072], temporary[4096], path[4096];
    snprintf(folder, sizeof(folder), "%s/certificates", data_directory);
    snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
    snprintf(temporary, sizeof(temporary), "%s/.%s.new", folder, name);
    enum err err = certificate_write_pem(certificate, true, &text);
    if (err == OK && mkdir(folder, 0700) != 0 && errno != EEXIST)
        err = errno == EACCES ? ERR_DENIED : ERR_IO;
    if (err == OK)
        err = write_durably(temporary, buf_span(&text));
    if (err == OK && rename(temporary, path) != 0)
        err = ERR_IO;
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_done(&text);
    return err;
}
