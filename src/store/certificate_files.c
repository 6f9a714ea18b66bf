#include "store/certificate_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"

static const struct {
    const char *name;
    enum cert_service service;
} services_by_name[] = {{"smtp", SERVICE_SMTP},
                        {"http", SERVICE_HTTP},
                        {"client", SERVICE_CLIENT},
                        {"edge", SERVICE_EDGE}};

enum err certificate_file_read(const char *path, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
    enum err err = OK;
    char piece[16384];
    ssize_t n;
    while (err == OK && (n = read(fd, piece, sizeof(piece))) != 0)
        err = n < 0 ? ERR_IO : buf_add(text, span_make(piece, (size_t)n));
    explicit_bzero(piece, sizeof(piece)); /* it may have been a private key */
    close(fd);
    return err;
}

static bool write_all(int fd, struct span text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n <= 0)
            return false;
        text = span_skip(text, (size_t)n);
    }
    return true;
}

static bool flush_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

enum err certificate_file_write(const char *folder, const char *name, struct span text)
{
    char temporary[4096], path[4096];
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return errno == EACCES ? ERR_DENIED : ERR_IO;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(temporary, sizeof(temporary), "%s/.%s.new", folder, name);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EACCES ? ERR_DENIED : errno == ENOSPC ? ERR_FULL : ERR_IO;
    bool ok = write_all(fd, text) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(temporary, path) == 0 && flush_folder(folder);
    if (!ok)
        unlink(temporary);
    return ok ? OK : ERR_IO;
}

enum err certificate_services_parse(struct span text, unsigned *services)
{
    unsigned found = 0;
    struct span word;
    while (span_cut(&text, ' ', &word)) {
        word = span_trim(word);
        unsigned one = 0;
        for (size_t i = 0; i < COUNT_OF(services_by_name); i++)
            if (span_ieq(word, span_of(services_by_name[i].name)))
                one = services_by_name[i].service;
        if (word.n && !one)
            return ERR_RANGE;
        found |= one;
    }
    *services = found;
    return OK;
}

void certificate_notes_read(struct arena *arena, struct span text, struct certificate_meta *meta)
{
    struct span line;
    uint64_t number;
    while (span_cut(&text, '\n', &line)) {
        size_t at = span_find(line, '=');
        struct span key = span_head(line, at), value = arena_copy(arena, span_skip(line, at + 1));
        if (span_eq(key, SPAN("services")) &&
            certificate_services_parse(value, &meta->services) != OK)
            meta->services =
                SERVICE_SMTP; /* a service of a newer version: what there is, stays in use */
        else if (span_eq(key, SPAN("friendly-name")))
            meta->friendly_name = value;
        else if (span_eq(key, SPAN("notes")))
            meta->notes = value;
        else if (span_eq(key, SPAN("source")))
            meta->source = value;
        else if (span_eq(key, SPAN("author")))
            meta->author = value;
        else if (span_eq(key, SPAN("added-ms")) && num_parse(value, INT64_MAX, &number) == OK)
            meta->added_ms = (int64_t)number;
    }
}

/* One line, whatever was typed. */
static void add_line(struct buf *out, const char *key, struct span value)
{
    if (value.n == 0)
        return;
    buf_addf(out, "%s=", key);
    for (size_t i = 0; i < value.n; i++)
        buf_add_char(out, (unsigned char)value.p[i] < 32 ? ' ' : value.p[i]);
    buf_add_char(out, '\n');
}

void certificate_notes_add(struct buf *out, const struct certificate_meta *meta)
{
    buf_add_text(out, "services=");
    for (size_t i = 0, n = 0; i < COUNT_OF(services_by_name); i++)
        if (meta->services & services_by_name[i].service)
            buf_addf(out, "%s%s", n++ ? " " : "", services_by_name[i].name);
    buf_add_char(out, '\n');
    add_line(out, "friendly-name", meta->friendly_name);
    add_line(out, "notes", meta->notes);
    add_line(out, "source", meta->source);
    add_line(out, "author", meta->author);
    buf_addf(out, "added-ms=%lld\n", (long long)meta->added_ms);
}
