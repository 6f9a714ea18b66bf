/* bench-limit: the limits that servers are compared with. */
#include "bench/limit.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: bench-limit smtp|tls|fdatasync|handshake [OPTION...]   (each has --help)\n"
    "  smtp       an SMTP server that does nothing but make messages durable, in groups\n"
    "  tls        an SMTP server that does nothing but STARTTLS\n"
    "  fdatasync  how long it takes to append 4 KiB and flush them\n"
    "  handshake  what a full TLS handshake costs a server in memory\n";

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } limits[] = {{"smtp", limit_smtp},
                  {"tls", limit_tls},
                  {"fdatasync", limit_fdatasync},
                  {"handshake", limit_handshake}};
    for (size_t i = 0; argc > 1 && i < sizeof(limits) / sizeof(*limits); i++)
        if (!strcmp(argv[1], limits[i].name))
            return limits[i].run(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "--help")) {
        fputs(usage, stdout);
        return 0;
    }
    fputs(usage, stderr);
    return 2;
}
