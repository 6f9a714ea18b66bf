/* log: one structured line per decision, to standard error, as logfmt or JSON.
 *
 *   LOG(LOG_INFO, "accepted", LOG_T("connector", name), LOG_N("size", size));
 *
 * Only services and main log; floors below return what happened. A line is one write(2), so lines
 * of different threads never mix, unless the thread gathers them. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_SPAN, LOG_FIELD_NUMBER } kind;
    struct span text;
    int64_t number;
};

#define LOG_S(field, value)                                                                        \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_SPAN, .text = (value)})
#define LOG_T(field, value) LOG_S(field, span_of(value))
#define LOG_N(field, value)                                                                        \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_NUMBER, .number = (int64_t)(value)})

/* Process-wide; from any thread. */
void log_setup(enum log_level least, bool as_json);
bool log_wants(enum log_level level);
/* Fields with an empty span are left out; a value is cut to 4 KiB, a line ends after some 16 KiB.
 */
void log_write(enum log_level level, const char *what, const struct log_field *fields,
               size_t count);

/* From log_gather to log_release, the calling thread's lines are kept and written together, in
 * pieces of whole lines that a pipe takes as one (PIPE_BUF). An error is written at once, behind
 * what was kept. */
void log_gather(void);
void log_release(void);

#define LOG(level, what, ...)                                                                      \
    do {                                                                                           \
        if (log_wants(level)) {                                                                    \
            const struct log_field log_fields[] = {__VA_ARGS__};                                   \
            log_write((level), (what), log_fields, sizeof(log_fields) / sizeof(log_fields[0]));    \
        }                                                                                          \
    } while (0)

#endif
