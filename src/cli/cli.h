/* cli: the sealpost command. Every verb but `serve` speaks to the daemon through its admin socket,
 * and those that can work without a daemon do. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1,     /* refused, or there are findings */
    CLI_USAGE = 2,       /* wrong usage */
    CLI_UNREACHABLE = 3, /* the daemon cannot be reached */
};

/* Runs one command line; returns what the process exits with. */
int cli_main(int argc, char **argv);

#endif
