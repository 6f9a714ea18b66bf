/* admin_script: a world with the API on a socket in a folder of its own, and a client: what the
 * tests of the API share. */
#ifndef SERVICE_ADMIN_SCRIPT_H
#define SERVICE_ADMIN_SCRIPT_H

#include <jansson.h>

#include "service/world.h"

/* The world between setup and teardown. */
extern struct world script_world;

/* For cmocka_run_group_tests. */
int script_setup(void **state);
int script_teardown(void **state);

int script_connect(void);
void script_send(int fd, const char *method, const char *target, const char *body);
/* Returns the status; *value is the JSON of the answer, for the caller to release. */
int script_ask(const char *method, const char *target, const char *body, json_t **value);
/* The answer must have this status; where it is an error, this code, and words for people. */
void script_expect(const char *method, const char *target, const char *body, int status,
                   const char *code);
/* The answer to a GET that must succeed. */
json_t *script_get(const char *target);

#endif
