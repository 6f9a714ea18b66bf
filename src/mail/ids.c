#include "mail/ids.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

/* RFC 9562 section 6.2, method 1: the 12 bits of rand_a count within a millisecond. The counter
 * starts below its middle so that a burst has room; where it overflows the time runs ahead of the
 * clock. */
enum { COUNTER_MAX = 0xFFF, COUNTER_START_MASK = 0x7FF };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_ms;
static unsigned counter;

static void next_moment(int64_t now_ms, unsigned random, uint64_t *ms, unsigned *count)
{
    uint64_t now = now_ms > 0 ? (uint64_t)now_ms : 0;
    pthread_mutex_lock(&lock);
    if (now > last_ms) {
        last_ms = now;
        counter = random & COUNTER_START_MASK;
    } else if (counter < COUNTER_MAX) {
        counter++;
    } else {
        last_ms++;
        counter = random & COUNTER_START_MASK;
    }
    *ms = last_ms;
    *count = counter;
    pthread_mutex_unlock(&lock);
}

enum { RANDOM_BYTES = 10, RANDOM_AT_ONCE = 25 };

/* The kernel is asked once for several ids; a thread's bytes are used once. */
static void take_random(uint8_t random[RANDOM_BYTES])
{
    static _Thread_local uint8_t pool[RANDOM_BYTES * RANDOM_AT_ONCE];
    static _Thread_local size_t left;
    if (left == 0) {
        /* Up to 256 octets come whole (getrandom(2)). */
        if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
            abort();
        left = RANDOM_AT_ONCE;
    }
    memcpy(random, pool + --left * RANDOM_BYTES, RANDOM_BYTES);
}

struct message_id message_id_new(int64_t now_ms)
{
    uint8_t random[RANDOM_BYTES];
    take_random(random);
    uint64_t ms;
    unsigned count;
    next_moment(now_ms, (unsigned)random[8] << 8 | random[9], &ms, &count);
    struct message_id id;
    for (int i = 0; i < 6; i++)
        id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | count >> 8); /* version 7 */
    id.b[7] = (uint8_t)count;
    memcpy(id.b + 8, random, 8);
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3F)); /* variant */
    return id;
}

static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void message_id_format(struct message_id id, char text[MESSAGE_ID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(id.b); i++) {
        if (dash_before(i))
            *text++ = '-';
        *text++ = digits[id.b[i] >> 4];
        *text++ = digits[id.b[i] & 15];
    }
    *text = '\0';
}

enum err message_id_parse(struct span text, struct message_id *id)
{
    struct message_id parsed;
    if (text.n != MESSAGE_ID_TEXT - 1)
        return ERR_SYNTAX;
    const char *p = text.p;
    for (size_t i = 0; i < sizeof(parsed.b); i++) {
        if (dash_before(i) && *p++ != '-')
            return ERR_SYNTAX;
        int high = text_hex(p[0]), low = text_hex(p[1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        parsed.b[i] = (uint8_t)(high << 4 | low);
        p += 2;
    }
    *id = parsed;
    return OK;
}
