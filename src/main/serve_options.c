#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "main/serve.h"

enum { THREADS_MAX = 64 };

/* One for each processor that the process may run on, which a service manager or a container may
 * have limited. More would only take turns. */
static unsigned default_threads(void)
{
    cpu_set_t allowed;
    long n = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                  : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static const char *default_data(void)
{
    const char *data = getenv("SEALPOST_DATA");
    return data && *data ? data : "/var/lib/sealpost";
}

enum err serve_options_parse(int argc, char **argv, struct serve_options *options, struct buf *why)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},  {"data", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 't'}, {"demo", no_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    struct serve_options o = {.data = default_data(), .threads = default_threads()};
    uint64_t threads;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        switch (c) {
        case 'c': o.config = optarg; break;
        case 'd': o.data = optarg; break;
        case 'D': o.demo = true; break;
        case 'h': o.help = true; break;
        case 't':
            if (num_parse(span_of(optarg), THREADS_MAX, &threads) != OK || threads == 0) {
                buf_addf(why, "--threads wants a number from 1 to %d, not %s", THREADS_MAX, optarg);
                return ERR_SYNTAX;
            }
            o.threads = (unsigned)threads;
            break;
        default:
            buf_addf(why, c == ':' ? "%s wants a value" : "there is no option %s",
                     argv[optind - 1]);
            return ERR_SYNTAX;
        }
    }
    if (optind < argc) {
        buf_addf(why, "serve takes options only, not \"%s\"", argv[optind]);
        return ERR_SYNTAX;
    }
    *options = o;
    return OK;
}
