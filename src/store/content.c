#include "store/content.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/checksum.h"
#include "store/database.h"
#include "store/inside.h"

enum {
    /* A large content is sent on its way to the disk as it comes, so that the flush in the end, for
     * which everybody waits, finds little left. */
    START_WRITING_EACH = 4 << 20,
    EXPECTED = 6000,          /* most messages that say nothing of their size */
    EXPECTED_MOST = 32 << 10, /* a client may say what it likes */
};

struct queue_writer *queue_writer_new(struct store *store)
{
    struct queue_writer *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->store = store;
    w->file = -1;
    buf_init(&w->buf, BUF_UNLIMITED); /* flushed at CONTENT_SMALL */
    return w;
}

void queue_writer_expect(struct queue_writer *w, uint64_t size)
{
    size_t room = size == 0 ? EXPECTED : size < EXPECTED_MOST ? size : EXPECTED_MOST;
    (void)buf_room(&w->buf, room);
}

uint64_t queue_writer_size(const struct queue_writer *w)
{
    return w->size;
}

void queue_writer_free(struct queue_writer *w)
{
    if (!w)
        return;
    if (w->file >= 0) {
        segments_remove_file(&w->store->segments, w->number);
        close(w->file);
    }
    buf_done(&w->buf);
    free(w);
}

static enum err write_at(int file, struct span bytes, uint64_t offset)
{
    while (bytes.n > 0) {
        ssize_t n = pwrite(file, bytes.p, bytes.n, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;
        bytes = span_skip(bytes, (size_t)n);
        offset += (uint64_t)n;
    }
    return OK;
}

static enum err write_out(struct queue_writer *w)
{
    enum err err = write_at(w->file, buf_span(&w->buf), RECORD_HEADER + w->written);
    if (err != OK)
        return err;
    w->written += w->buf.n;
    buf_reset(&w->buf);
    if (w->written - w->started >= START_WRITING_EACH) {
        /* Only a hint; a failure of the disk shows in the flush. */
        int result = sync_file_range(w->file, (off_t)w->started, (off_t)(w->written - w->started),
                                     SYNC_FILE_RANGE_WRITE);
        (void)result;
        w->started = w->written;
    }
    return OK;
}

static enum err make_room(struct queue_writer *w)
{
    if (reserve_is_spent(&w->store->reserve))
        return ERR_FULL;
    if (w->file < 0) {
        enum err err = segments_make_file(&w->store->segments, &w->number, &w->file);
        if (err != OK)
            return err;
    }
    return write_out(w);
}

enum err queue_writer_add(struct queue_writer *w, struct span bytes)
{
    while (w->err == OK && bytes.n > 0) {
        if (w->buf.n == CONTENT_SMALL)
            w->err = make_room(w);
        if (w->err != OK)
            break;
        struct span part = span_head(bytes, CONTENT_SMALL - w->buf.n);
        enum err added = buf_add(&w->buf, part);
        assert(added == OK);
        w->checksum = checksum_add(w->checksum, part);
        w->size += part.n;
        bytes = span_skip(bytes, part.n);
    }
    return w->err;
}

enum err queue_writer_finish(struct queue_writer *w, struct message_id id)
{
    unsigned char header[RECORD_HEADER];
    record_header_make(header, RECORD_CONTENT, w->checksum, w->size, id);
    enum err err = write_out(w);
    if (err == OK)
        err = write_at(w->file, span_make((const char *)header, sizeof(header)), 0);
    return err;
}

void queue_writer_sync(const struct queue_writer *w)
{
    if (fdatasync(w->file) != 0)
        store_fatal("flush of a large message", strerror(errno));
}
