/* Files that scripts read and write. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/passphrase.h"
#include "cli/shell.h"

struct shell_value *shell_hold(struct shell *s, enum shell_kind kind, struct span bytes)
{
    struct shell_held *held = calloc(1, sizeof(*held));
    if (!held)
        abort();
    held->bytes = BUF_INIT(BUF_UNLIMITED);
    buf_add(&held->bytes, bytes);
    held->next = s->held;
    s->held = held;
    struct shell_value *value = ARENA_NEW(s->arena, struct shell_value);
    value->kind = kind;
    value->held = &held->bytes;
    return value;
}

struct shell_value *shell_read_bytes(struct shell *s, struct span path)
{
    struct buf bytes = BUF_INIT(BUF_UNLIMITED);
    struct shell_value *value = NULL;
    if (command_read_file(s->c, path, SHELL_FILE_MAX, &bytes) == OK)
        value = shell_hold(s, SHELL_BYTES, buf_span(&bytes));
    else
        shell_failed_with(s, CLI_REFUSED);
    passphrase_done(&bytes);
    return value;
}

bool shell_write(struct shell *s, struct span path, struct span bytes, bool append)
{
    const char *name = arena_text(s->arena, path);
    int fd =
        open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : O_TRUNC), 0600);
    if (fd < 0)
        return shell_fail(s, NULL, "%s cannot be written: %s", name, strerror(errno));
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        bytes = span_skip(bytes, (size_t)n);
    }
    if (close(fd) != 0 || bytes.n)
        return shell_fail(s, "free space on its disk", "%s cannot be written whole", name);
    return true;
}
