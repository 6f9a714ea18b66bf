/* err: the one enumeration of ways in which the world can fail.
 *
 * A function that touches the world, or judges input, returns enum err; its outputs come last and
 * are untouched on failure. Our own mistakes are not errors: they assert. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum err {
    OK = 0,
    ERR_SYNTAX,      /* input does not follow its grammar */
    ERR_LIMIT,       /* a stated limit would be exceeded */
    ERR_RANGE,       /* a number or name is outside what is allowed */
    ERR_NOT_FOUND,   /* the thing asked for does not exist */
    ERR_EXISTS,      /* the thing to be made exists already */
    ERR_BUSY,        /* in use; try again later */
    ERR_DENIED,      /* permission is missing */
    ERR_IO,          /* a system call failed; errno was kept by whoever reports it */
    ERR_CORRUPT,     /* stored data does not match its checksum or form */
    ERR_FULL,        /* no space left, or a queue is full */
    ERR_TIMEOUT,     /* a deadline passed */
    ERR_CLOSED,      /* the peer or the owner has gone */
    ERR_UNSUPPORTED, /* well-formed, but not something this program does */
    ERR_REFUSED,     /* a rule of this program forbids it; a message says which */
    ERR_COUNT
};

/* A short lower-case phrase, for messages: "not found". Never NULL. */
const char *err_text(enum err err);

#endif
