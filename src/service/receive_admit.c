/* receive_admit: whether a new connection is taken at all, before it costs anything. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/receive_limits.h"
#include "service/receive_session.h"

/* A refused connection gets one line, as far as the socket takes it at once, and no state. */
static void turn_away(int fd, const struct endpoint *peer, const char *line, const char *reason,
                      struct span connector)
{
    char text[ENDPOINT_TEXT];
    endpoint_format(peer, text);
    ssize_t sent = send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    close(fd);
    LOG(LOG_INFO, "connection-refused", LOG_T("peer", text), LOG_S("connector", connector),
        LOG_T("reason", reason), LOG_N("said", sent > 0));
}

/* Certificates come and go: without one the answer is temporary, so that no peer gives up its mail.
 */
static bool lacks_certificate(const struct connector_tls *tls)
{
    return tls->refuses || (tls->connector->tls == RECEIVE_TLS_IMPLICIT && !tls->context);
}

bool receive_admit(struct world *world, int fd, const struct endpoint *peer,
                   const struct receive_connector *connector, const struct connector_tls *tls)
{
    if (!connector || lacks_certificate(tls)) {
        COUNT(world, connections_refused_no_connector, 1);
        turn_away(fd, peer,
                  connector ? "421 4.7.0 No certificate is in place for TLS; try again later\r\n"
                            : "554 5.7.1 No receive connector takes connections from your "
                              "address\r\n",
                  connector ? "no-certificate" : "no-connector",
                  connector ? connector->name : SPAN_NONE);
        return false;
    }
    enum receive_limit limit =
        receive_limits_enter(world->limits, connector, &peer->ip, clock_now_ms());
    if (limit == RECEIVE_LIMIT_NONE)
        return true;
    COUNT(world, connections_refused_limit, limit != RECEIVE_LIMIT_RATE);
    COUNT(world, connections_refused_rate, limit == RECEIVE_LIMIT_RATE);
    turn_away(fd, peer,
              limit == RECEIVE_LIMIT_RATE
                  ? "421 4.7.0 Too many connections from your address lately; try again later\r\n"
                  : "421 4.3.2 Too many connections at present; try again later\r\n",
              receive_limit_text(limit), connector->name);
    return false;
}
