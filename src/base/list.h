/* list: an intrusive, circular, doubly linked list. The node stands inside its object; an object
 * that is in no list has a node that points to itself or is zero. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_OBJECT(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
/* Walks forward; the object at hand may be removed, and break leaves the walk (the inner loop runs
 * once; where it was left early, item_held is still set and ends the outer one). */
#define LIST_EACH(item, head, type, member)                                                        \
    for (struct list *item##_node = (head)->next, *item##_next = item##_node->next,                \
                     *item##_held = NULL;                                                          \
         item##_node != (head) && !item##_held;                                                    \
         item##_node = item##_next, item##_next = item##_node->next)                               \
        for (type *item = (item##_held = item##_node, LIST_OBJECT(item##_node, type, member));     \
             item##_held; item##_held = NULL)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}
static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}
static inline bool list_is_linked(const struct list *node)
{
    return node->next && node->next != node;
}
static inline void list_insert_before(struct list *at, struct list *node)
{
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}
static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}
static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}
/* Harmless on an object that is in no list. */
static inline void list_remove(struct list *node)
{
    if (!node->next)
        return;
    node->next->prev = node->prev;
    node->prev->next = node->next;
    list_init(node);
}
/* The first node, taken out; NULL where the list is empty. */
static inline struct list *list_take(struct list *head)
{
    if (list_is_empty(head))
        return NULL;
    struct list *node = head->next;
    list_remove(node);
    return node;
}

#endif
