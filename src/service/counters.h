/* counters: how often each thing happened since the start. Every close, deferral, refusal and TLS
 * choice has one. */
#ifndef SERVICE_COUNTERS_H
#define SERVICE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define COUNTERS(X)                                                                                \
    X(connections_accepted)                                                                        \
    X(connections_refused_no_connector)                                                            \
    X(connections_refused_limit)                                                                   \
    X(connections_refused_rate)                                                                    \
    X(connections_now)                                                                             \
    X(sessions_closed_quit)                                                                        \
    X(sessions_closed_by_peer)                                                                     \
    X(sessions_closed_errors)                                                                      \
    X(sessions_closed_timeout)                                                                     \
    X(sessions_closed_shutdown)                                                                    \
    X(sessions_closed_injection)                                                                   \
    X(tls_received)                                                                                \
    X(tls_received_resumed)                                                                        \
    X(tls_receive_failed)                                                                          \
    X(messages_accepted)                                                                           \
    X(bytes_accepted)                                                                              \
    X(messages_refused_pressure)                                                                   \
    X(messages_refused_size)                                                                       \
    X(messages_refused_header)                                                                     \
    X(messages_refused_loop)                                                                       \
    X(messages_refused_content)                                                                    \
    X(messages_refused_storage)                                                                    \
    X(recipients_refused_relay)                                                                    \
    X(recipients_refused_route)                                                                    \
    X(recipients_refused_address)                                                                  \
    X(recipients_delivered)                                                                        \
    X(recipients_relayed)                                                                          \
    X(recipients_deferred)                                                                         \
    X(recipients_failed)                                                                           \
    X(recipients_expired)                                                                          \
    X(dsn_sent)                                                                                    \
    X(dsn_dropped)                                                                                 \
    X(connections_out)                                                                             \
    X(connections_out_failed)                                                                      \
    X(tls_sent)                                                                                    \
    X(tls_send_failed)                                                                             \
    X(tls_sent_in_clear)                                                                           \
    X(tls_send_given_up)

struct counters {
#define COUNTER_FIELD(name) _Atomic uint64_t name;
    COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

/* COUNT(world, messages_accepted, 1) */
#define COUNT(world, name, by)                                                                     \
    atomic_fetch_add_explicit(&(world)->counters.name, (uint64_t)(by), memory_order_relaxed)

void counters_each(const struct counters *c,
                   void (*visit)(void *context, const char *name, uint64_t value), void *context);

#endif
