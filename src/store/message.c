#include "store/message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/checksum.h"

enum { READ_AT_ONCE = 256 << 10 };

struct stored_message *stored_message_new(void)
{
    struct stored_message *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->references = 1;
    m->file = -1;
    return m;
}

void queued_message_keep(struct queued_message *message)
{
    struct stored_message *m = (struct stored_message *)message;
    unsigned before = atomic_fetch_add(&m->references, 1);
    assert(before > 0);
}

void queued_message_free(struct queued_message *message)
{
    struct stored_message *m = (struct stored_message *)message;
    if (!m || atomic_fetch_sub(&m->references, 1) > 1)
        return;
    if (m->file >= 0)
        close(m->file);
    free(m->content);
    arena_done(&m->arena);
    free(m);
}

ssize_t queued_message_read(struct queued_message *message, uint64_t offset, char *p, size_t n)
{
    struct stored_message *m = (struct stored_message *)message;
    if (offset >= m->place.size || n == 0)
        return 0;
    if (n > m->place.size - offset)
        n = m->place.size - offset;
    if (m->content) {
        memcpy(p, m->content + offset, n);
        return (ssize_t)n;
    }
    if (m->file < 0) {
        errno = EBADF;
        return -1;
    }
    ssize_t got = segments_read(m->file, m->place.offset + RECORD_HEADER + offset, p, n);
    if (got == 0) { /* it was checked and cannot end here */
        errno = EIO;
        return -1;
    }
    return got;
}

/* ---- checking ---- */

static enum err load_small(struct stored_message *m, int file)
{
    size_t length = RECORD_HEADER + m->place.size;
    char *record = malloc(length);
    if (!record)
        abort();
    ssize_t got = segments_read(file, m->place.offset, record, length);
    enum err err = got < 0 ? ERR_IO : (size_t)got < length ? ERR_CORRUPT : OK;
    if (err == OK) {
        struct span content = {record + RECORD_HEADER, m->place.size};
        if (!record_header_matches((unsigned char *)record, RECORD_CONTENT,
                                   checksum_add(0, content), m->place.size, m->message.envelope.id))
            err = ERR_CORRUPT;
    }
    if (err != OK) {
        free(record);
        return err;
    }
    memmove(record, record + RECORD_HEADER, m->place.size);
    m->content = record;
    return OK;
}

static enum err check_large(const struct stored_message *m, int file)
{
    unsigned char header[RECORD_HEADER];
    uint64_t at = m->place.offset;
    if (segments_read(file, at, (char *)header, sizeof(header)) != (ssize_t)sizeof(header))
        return ERR_CORRUPT;
    char *p = malloc(READ_AT_ONCE);
    if (!p)
        abort();
    uint32_t checksum = 0;
    enum err err = OK;
    at += RECORD_HEADER;
    for (uint64_t left = m->place.size; err == OK && left > 0;) {
        size_t n = left < READ_AT_ONCE ? left : READ_AT_ONCE;
        ssize_t got = segments_read(file, at, p, n);
        err = got < 0 ? ERR_IO : (size_t)got < n ? ERR_CORRUPT : OK;
        checksum = checksum_add(checksum, span_make(p, n));
        at += n;
        left -= n;
    }
    free(p);
    if (err == OK && !record_header_matches(header, RECORD_CONTENT, checksum, m->place.size,
                                            m->message.envelope.id))
        err = ERR_CORRUPT;
    return err;
}

enum err stored_message_load(struct stored_message *m, const struct segments *segments)
{
    int file = -1;
    enum err err = segments_open_file(segments, m->place.segment, &file);
    if (err != OK)
        return err;
    if (m->place.size <= CONTENT_SMALL) {
        err = load_small(m, file);
    } else {
        err = check_large(m, file);
        if (err == OK)
            m->file = file;
    }
    if (m->file != file)
        close(file);
    return err;
}
