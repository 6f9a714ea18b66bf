/* conf: main.cf and master.cf of Postfix as values (postconf(5), master(5), version 3.7). Reads no
 * files and runs no commands. */
#ifndef POSTFIX_CONF_H
#define POSTFIX_CONF_H

#include "postfix/lines.h"

enum {
    POSTFIX_PARAMETERS_MAX = 5000,
    POSTFIX_SERVICES_MAX = 1000,
    POSTFIX_VALUE_MAX = 256 * 1024, /* bytes of one expanded value */
    POSTFIX_DEPTH_MAX = 20, /* parameters within parameters: Postfix stops a loop likewise */
};

struct postfix_parameter {
    struct span name, value; /* as written, continuation lines joined */
    unsigned line;
};

/* One line of master.cf. */
struct postfix_service {
    struct span name, type, command;
    struct postfix_parameter *overrides; /* -o name=value */
    size_t override_count;
    unsigned line;
};

struct postfix_conf {
    struct arena *arena;
    struct postfix_parameter *parameters; /* main.cf: the last of a name counts */
    size_t parameter_count;
    struct postfix_service *services;
    size_t service_count;
    struct span host;   /* what stands in for gethostname(); empty: unknown */
    struct span folder; /* config_directory, where main.cf does not set it */
};

/* ERR_SYNTAX or ERR_LIMIT with a sentence that names the line. */
enum err postfix_main_read(struct postfix_conf *conf, struct span text, struct buf *why) MUST_USE;
enum err postfix_master_read(struct postfix_conf *conf, struct span text, struct buf *why) MUST_USE;

/* As written in main.cf, the last one; NULL: it is not set there. */
const struct postfix_parameter *postfix_parameter(const struct postfix_conf *conf,
                                                  struct span name);
/* The value that counts for a service (NULL: for none), with what it names put in: -o, then
 * main.cf, then Postfix's default; empty where there is none of them. ERR_LIMIT: it names itself,
 * or grows too large. ERR_SYNTAX: braces do not match. ERR_UNSUPPORTED: an operator in ${...} that
 * is not known. */
enum err postfix_get(const struct postfix_conf *conf, const struct postfix_service *service,
                     struct span name, struct span *value) MUST_USE;
/* The same for a text. */
enum err postfix_expand(const struct postfix_conf *conf, const struct postfix_service *service,
                        struct span text, struct span *value) MUST_USE;
/* Postfix 3.7's default, unexpanded; NULL: empty, or not known here. */
const char *postfix_default(struct span name);
/* Whether another parameter of main.cf or an override names it: "$name". */
bool postfix_is_named(const struct postfix_conf *conf, struct span name);

/* "300s", "5m", "4h", "5d", "2w"; without a unit in `unit` ('s', 'h', 'd'). */
bool postfix_time(struct span text, char unit, uint64_t *ms);

#endif
