/* json: the small parts of which every JSON answer is made. Members are set and pushed without
 * ceremony: a failure would be our mistake. */
#ifndef PRESENT_JSON_H
#define PRESENT_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/span.h"

/* From now on memory of JSON values is wiped as it is freed: bodies of requests hold passphrases
 * and private keys. Once, before there are any. */
void present_wipes(void);

/* Bytes that are not UTF-8 become U+FFFD: much of it was written by peers. */
json_t *present_text(struct span s);
/* As present_text; null where it is empty. */
json_t *present_text_or_null(struct span s);
json_t *present_texts(const struct span *items, size_t count);
json_t *present_time(int64_t ms); /* ISO 8601 in UTC; null for 0 */
json_t *present_number(uint64_t n);
void present_set(json_t *object, const char *key, json_t *value); /* takes the value over */
void present_push(json_t *array, json_t *value);

#endif
