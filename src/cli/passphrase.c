#include "cli/passphrase.h"

#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

void passphrase_done(struct buf *passphrase)
{
    if (passphrase->p)
        explicit_bzero(passphrase->p, passphrase->cap);
    buf_done(passphrase);
}

static void keep_first_line(struct buf *text)
{
    size_t n = span_find(buf_span(text), '\n');
    if (n && n < text->n && text->p[n - 1] == '\r')
        n--;
    text->n = n < text->n ? n : text->n;
}

enum err passphrase_read_file(struct command *c, struct buf *passphrase)
{
    struct span file = options_text(&c->options, "passphrase-file");
    if (!options_has(&c->options, "passphrase-file"))
        return OK;
    enum err err = command_read_file(c, file, PASSPHRASE_MAX, passphrase);
    if (err == OK)
        keep_first_line(passphrase);
    return err;
}

bool passphrase_can_ask(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The terminal gets its echo back whatever happens, but for a kill. */
enum err passphrase_ask(const char *prompt, struct buf *line)
{
    struct termios before, silent;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return ERR_NOT_FOUND;
    enum err err = ERR_IO;
    if (tcgetattr(fd, &before) == 0) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        silent.c_lflag |= ECHONL;
        char text[PASSPHRASE_MAX];
        ssize_t n = -1;
        if (write(fd, prompt, strlen(prompt)) > 0 && tcsetattr(fd, TCSAFLUSH, &silent) == 0)
            n = read(fd, text, sizeof(text));
        tcsetattr(fd, TCSAFLUSH, &before);
        if (n > 0) {
            err = buf_add(line, span_make(text, (size_t)n));
            keep_first_line(line);
        }
        explicit_bzero(text, sizeof(text));
    }
    close(fd);
    return err;
}

enum err passphrase_read(struct command *c, bool twice, struct buf *passphrase)
{
    if (options_has(&c->options, "passphrase-file"))
        return passphrase_read_file(c, passphrase);
    enum err err = passphrase_ask("Passphrase: ", passphrase);
    if (err != OK) {
        command_refusef(c, "name a file that holds it: --passphrase-file FILE",
                        "a passphrase is needed, and there is no terminal to ask for it");
        return err;
    }
    struct buf again = BUF_INIT(PASSPHRASE_MAX);
    if (twice && (passphrase_ask("Again: ", &again) != OK ||
                  !span_eq(buf_span(passphrase), buf_span(&again)))) {
        command_refusef(c, NULL, "the two passphrases differ");
        err = ERR_SYNTAX;
    }
    passphrase_done(&again);
    return err;
}
