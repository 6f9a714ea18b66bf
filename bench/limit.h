/* limit: what the machine and OpenSSL allow: each the least program that does the work at all. */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

/* Each takes the arguments behind its name and returns the exit status. */
int limit_smtp(int argc, char **argv);
int limit_tls(int argc, char **argv);
int limit_fdatasync(int argc, char **argv);
int limit_handshake(int argc, char **argv);

#endif
