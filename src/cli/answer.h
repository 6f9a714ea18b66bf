/* answer: reading the API's JSON without ceremony: what is absent or of another type is empty,
 * zero, false. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <jansson.h>
#include <stdint.h>

#include "base/span.h"

struct span answer_text(const json_t *object, const char *key);
int64_t answer_number(const json_t *object, const char *key);
bool answer_true(const json_t *object, const char *key);
/* A time in milliseconds; 0 where there is none. */
int64_t answer_time(const json_t *object, const char *key);
/* An array or object for walking; an empty one where it is absent. Borrowed. */
const json_t *answer_of(const json_t *object, const char *key);
size_t answer_count(const json_t *object, const char *key);

#endif
