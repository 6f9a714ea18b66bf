#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/serve.h"

static const char document[] =
    "# A demonstration: mail for example.test goes into maildirs below this folder.\n"
    "hostname: sealpost.example\n"
    "accepted-domains: [example.test]\n"
    "receive-connectors:\n"
    "  internet:\n"
    "    bind: [\"127.0.0.1:2525\"]\n"
    "    tls: offered\n"
    "  submissions:\n"
    "    bind: [\"127.0.0.1:2465\"]\n"
    "    tls: implicit\n"
    "send-connectors:\n"
    "  mailboxes:\n"
    "    address-spaces: [example.test]\n"
    "    deliver-by: maildir\n"
    "    maildir: \"%s/mail/%%l\"\n";

enum err demo_prepare(const char *data, char **config, struct buf *why)
{
    struct buf path = BUF_INIT(4096), text = BUF_INIT(16384);
    char folder[4096];
    if ((mkdir(data, 0700) != 0 && errno != EEXIST) || !realpath(data, folder)) {
        buf_addf(why, "%s: %s", data, strerror(errno));
        return ERR_IO;
    }
    buf_addf(&path, "%s/sealpost.yaml", folder);
    buf_addf(&text, document, folder);
    enum err err = OK;
    int fd = open(buf_text(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 ? errno != EEXIST : write(fd, text.p, text.n) != (ssize_t)text.n)
        err = ERR_IO;
    if (err != OK)
        buf_addf(why, "%s: %s", buf_text(&path), strerror(errno));
    if (fd >= 0)
        close(fd);
    buf_done(&text);
    *config = buf_take(&path);
    return err;
}

void demo_print(void)
{
    printf(
        "\nTo send a message over STARTTLS, paste this into another terminal:\n\n"
        "  printf 'Subject: hello\\r\\n\\r\\nIt works.\\r\\n' | curl -sS --ssl-reqd --insecure "
        "--mail-from you@example.test --mail-rcpt hello@example.test -T - smtp://127.0.0.1:2525\n\n"
        "It arrives in mail/hello/new of the data folder. Ctrl-C stops the server.\n");
    fflush(stdout);
}
