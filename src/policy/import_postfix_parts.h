/* What the parts of the import from Postfix share. Private to policy/import_postfix*. */
#ifndef POLICY_IMPORT_POSTFIX_PARTS_H
#define POLICY_IMPORT_POSTFIX_PARTS_H

#include "policy/import_postfix.h"
#include "postfix/table.h"

struct postfix_import {
    struct import *im;
    struct postfix_conf conf;
    const struct import_postfix_wishes *wishes;
    struct span main_file, master_file; /* as shown */
    bool *noted;                        /* of each parameter of main.cf */
    unsigned files_read;
};

/* One item of a list, or one entry of a table, with its place. */
struct postfix_item {
    struct span text, value;
    struct import_place place;
};

struct postfix_items {
    struct postfix_item *items;
    size_t count, room;
};

/* The value that counts; empty where it cannot be worked out, which a note then says. */
struct span postfix_value(struct postfix_import *pi, const struct postfix_service *service,
                          const char *name);
bool postfix_is_set(const struct postfix_import *pi, const char *name);
/* "yes" (no: anything else) */
bool postfix_is_yes(struct postfix_import *pi, const struct postfix_service *service,
                    const char *name);

/* Notes about a parameter; nothing where main.cf does not set it. */
void parameter_became(struct postfix_import *pi, const char *name, const char *became,
                      const char *why);
void parameter_left(struct postfix_import *pi, const char *name, const char *why);
void item_note(struct postfix_import *pi, enum import_fate fate, const struct postfix_item *item,
               const char *what, struct span became, const char *why);

/* The items of a list parameter; files and tables in it are read, and their keys are the items. */
struct postfix_items postfix_list(struct postfix_import *pi, const struct postfix_service *service,
                                  const char *name);
/* The entries of all tables that a parameter names. */
struct postfix_items postfix_tables(struct postfix_import *pi, const char *name);

/* Domains, connectors, and at the end a note for each parameter that has none yet. */
void import_postfix_domains(struct postfix_import *pi);
void import_postfix_receive(struct postfix_import *pi);
void import_postfix_send(struct postfix_import *pi);
void import_postfix_rest(struct postfix_import *pi);

/* A row of numbers: which parameter sets which key; Postfix's default counts where it is known. */
struct postfix_number {
    const char *parameter, *key;
    char unit; /* of times; 0: a number or size */
    bool zero_is_unlimited;
};
void postfix_numbers(struct postfix_import *pi, const struct postfix_service *service,
                     const struct schema_map *keys, struct import_path at,
                     const struct postfix_number *numbers, size_t count);
/* Their notes, once. `section` is shown before the key: "receive-connectors.*". */
void postfix_numbers_note(struct postfix_import *pi, const char *section,
                          const struct postfix_number *numbers, size_t count);

/* The domains of each class (ADDRESS_CLASS_README), in the order in which they were accepted. */
enum postfix_class { POSTFIX_LOCAL, POSTFIX_VIRTUAL, POSTFIX_RELAY };
struct postfix_items postfix_class_domains(struct postfix_import *pi, enum postfix_class which);

#endif
