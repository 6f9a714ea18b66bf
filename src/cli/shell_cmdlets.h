/* shell_cmdlets: the table of cmdlets, and what they get: parameters bound as PowerShell binds
 * them (by name, by a unique beginning of a name, by place), and the pipeline. */
#ifndef CLI_SHELL_CMDLETS_H
#define CLI_SHELL_CMDLETS_H

#include "cli/shell.h"
#include "conf/schema.h"

enum {
    CMDLET_EACH = 1,    /* runs once for each item of its input */
    CMDLET_SERVER = 2,  /* takes -Server and -DomainController, which mean this server */
    CMDLET_CHANGES = 4, /* takes -WhatIf and -Confirm */
    CMDLET_ASKS = 8,    /* asks before it acts, as the Exchange cmdlet does */
    CMDLET_KEYS = 16,   /* the Exchange names of its schema's keys are parameters */
};

enum { CMDLET_ARGUMENTS_MAX = 64 };

struct cmdlet_call;
typedef bool cmdlet_fn(struct cmdlet_call *call);

struct cmdlet {
    const char *name;
    cmdlet_fn *run; /* false after a failure */
    unsigned flags;
    /* "Thumbprint@0 Services Force?": @ and the place where it may stand without its name, ? where
     * it is a switch */
    const char *parameters;
    const struct schema_map *schema; /* of the connectors it is about */
    const char *synopsis, *example;
};

extern const struct cmdlet cmdlets[];
extern const size_t cmdlet_count;

struct cmdlet_argument {
    struct span name; /* as the table has it */
    struct shell_value *value;
};

struct cmdlet_call {
    struct shell *s;
    const struct cmdlet *cmdlet;
    struct cmdlet_argument arguments[CMDLET_ARGUMENTS_MAX];
    size_t count;
    const struct shell_list *input; /* NULL: it stands first in its pipeline */
    struct shell_value *item;       /* CMDLET_EACH: the item of the input; else NULL */
    struct shell_list *out;
};

/* The cmdlet of a name or alias; NULL: there is none. */
const struct cmdlet *cmdlet_find(struct span name);
/* Binds and runs one command of a pipeline. False after a failure. */
bool cmdlet_run(struct shell *s, const struct powershell_node *node, const struct shell_list *input,
                struct shell_list *out);
/* Says that there is no such cmdlet, and what is nearest. */
bool cmdlet_unknown(struct shell *s, struct span name);
/* Calls visit for every parameter, the common ones too, until it returns false. */
typedef bool cmdlet_parameter_fn(void *context, struct span name, int place, bool is_switch);
void cmdlet_parameters(const struct cmdlet *cmdlet, cmdlet_parameter_fn *visit, void *context);

/* ---- for the cmdlets ---- */

/* NULL where it was not given. */
struct shell_value *cmdlet_get(const struct cmdlet_call *call, const char *name);
bool cmdlet_switch(const struct cmdlet_call *call, const char *name);
/* As text; empty where it was not given or is null. */
struct span cmdlet_text(const struct cmdlet_call *call, const char *name);
/* A whole number from 0 to max; `usual` where it was not given. False after a failure. */
bool cmdlet_number(const struct cmdlet_call *call, const char *name, double max, double usual,
                   double *number);
void cmdlet_put(const struct cmdlet_call *call, struct shell_value *value);
/* What is meant: the parameter, else the item's property of that name or its Identity, else the
 * item itself. Empty where nothing says it. */
struct span cmdlet_identity(const struct cmdlet_call *call, const char *name);

/* The name in "Server\\Name", or the whole where no server stands before it. False after a failure:
 * it names another server. */
bool cmdlet_local(struct shell *s, struct span identity, struct span *name);

/* Whether to act: settles -WhatIf, -Confirm and the question. */
enum cmdlet_go {
    CMDLET_NO,      /* answered so, or failed: see the shell's `failed` */
    CMDLET_DRY_RUN, /* -WhatIf */
    CMDLET_YES,
};
enum cmdlet_go cmdlet_go(const struct cmdlet_call *call, struct span target);

#endif
