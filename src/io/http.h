/* http: an HTTP/1.1 server (libevent's evhttp): the admin API's on a Unix socket, and the one that
 * answers ACME's http-01 on TCP. */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "io/loop.h"

struct http_server;
struct http_request;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OTHER };

enum {
    HTTP_BODY_MAX = 8 * 1024 * 1024
}; /* the largest document or certificate upload that is read */

/* Every request is answered exactly once, now or later, with http_respond. */
typedef void http_fn(void *context, struct http_request *request);

/* Makes the socket with this mode; a stale socket file is replaced, a live one is ERR_BUSY. */
enum err http_server_new(struct loop *loop, const char *socket_path, mode_t mode, http_fn *fn,
                         void *context, struct http_server **server) MUST_USE;
/* For strangers: little is read and nobody waits long. ERR_BUSY: the endpoint is taken; ERR_DENIED:
 * a port below 1024 needs CAP_NET_BIND_SERVICE. */
enum err http_server_new_tcp(struct loop *loop, const struct endpoint *endpoint, http_fn *fn,
                             void *context, struct http_server **server) MUST_USE;
void http_server_free(struct http_server *server);

enum http_method http_request_method(const struct http_request *r);
struct span http_request_path(const struct http_request *r); /* decoded, without the query */
/* A query parameter, decoded; empty where it is absent. */
struct span http_request_query(struct http_request *r, const char *name);
struct span http_request_body(const struct http_request *r);
/* Freed after the response. */
struct arena *http_request_arena(struct http_request *r);
/* The peer's user name or "uid N" from SO_PEERCRED: who asks, for revisions and the log. Unix
 * sockets only. */
struct span http_request_author(struct http_request *r);
uid_t http_request_uid(const struct http_request *r);

void http_respond(struct http_request *r, int status, const char *content_type, struct span body);
/* A response in pieces (followed events, exports): begin, any number of pieces, end.
 * http_stream_piece returns false once the client has gone; then call http_stream_end at once. */
void http_stream_begin(struct http_request *r, int status, const char *content_type);
bool http_stream_piece(struct http_request *r, struct span piece);
void http_stream_end(struct http_request *r);

#endif
