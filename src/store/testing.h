/* testing: what the tests of this folder share. Calls here wait for their answer, whether the
 * store's thread runs or not; contents follow from a seed, so that they need not be kept. */
#ifndef STORE_TESTING_H
#define STORE_TESTING_H

#include "store/queue.h"
#include "store/segments.h"

/* A new empty folder under /tmp; and its removal with all in it. */
char *testing_folder(void);
void testing_remove(char *folder);
/* Counts the files in DIR/segments, and the blocks (of 512) that they take. */
size_t testing_segments(const char *folder, uint64_t *blocks);

/* Where the n-th record of a kind begins, in a shared segment that has it. */
uint64_t testing_record_offset(int file, enum record_kind kind, uint64_t n);

struct store *testing_open(const char *folder);

/* What most tests begin with, as cmocka's state: an empty store, whose thread runs or not. */
struct testing_fixture {
    char *folder;
    struct store *store;
};
int testing_set_up(void **state);
int testing_set_up_running(void **state);
int testing_tear_down(void **state);

/* A small generator of its own, so that runs repeat. */
uint64_t testing_random(uint64_t *state);
char *testing_content(uint64_t seed, size_t size);

struct testing_message {
    struct message_id id;
    uint64_t seed;
    size_t size, recipients;
    int64_t received_ms;
    const char *sender, *domain; /* NULL: of the seed */
    enum recipient_state state;
};
/* Fills one arrival; spans are in the commit's arena. The id is made where it is zero. */
void testing_arrive(struct store *store, struct queue_commit *commit,
                    struct testing_message *message);
/* Submits and waits; frees the commit. */
enum err testing_commit(struct store *store, struct queue_commit *commit);
enum err testing_accept(struct store *store, struct testing_message *message);
/* Makes one, which has to be taken. */
struct testing_message testing_accepted(struct testing_fixture *f, uint64_t seed, size_t size,
                                        size_t recipients);
enum err testing_update(struct store *store, struct queue_update update);

/* After what is gone has been counted as such. */
struct store_statistics testing_statistics(struct store *store);

/* Free with queued_message_free. With a loop, it runs here until the answer came; only so is the
 * cache of fresh messages asked. */
enum err testing_fetch(struct store *store, struct message_id id, struct queued_message **message);
enum err testing_fetch_on(struct loop *loop, struct store *store, struct message_id id,
                          struct queued_message **message);
/* Reads it in pieces and compares. */
bool testing_content_is(struct queued_message *message, uint64_t seed, size_t size);
/* Whether a message with this content is there. */
enum err testing_check(struct store *store, const struct testing_message *message);

struct testing_page {
    enum err err;
    struct queued_message *items[200];
    size_t count;
    bool has_more;
};
void testing_list(struct store *store, const struct queue_filter *filter, struct message_id after,
                  size_t limit, struct testing_page *page);
void testing_page_done(struct testing_page *page);

/* Returns how many recipients were acted on. */
size_t testing_act(struct store *store, enum queue_action action, const struct queue_filter *filter,
                   int64_t now_ms);

#endif
