/* Last known good: what a file held before it was found half written, also over a restart. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/certificate_files.h"

static bool has_thumbprint(const struct certificate_set *set, const struct certificate *c)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i]->thumbprint, c->thumbprint) == 0)
            return true;
    return false;
}

/* The file is still there, but what it holds now cannot be used. */
static bool is_broken(const struct certificate_set *set, struct span path)
{
    for (size_t i = 0; i < set->fault_count; i++)
        if (!set->faults[i].mode && span_eq(set->faults[i].path, path))
            return true;
    for (size_t i = 0; i < set->count; i++)
        if (!set->items[i]->key_matches && span_eq(set->paths[i], path))
            return true;
    return false;
}

/* A life of its own for a certificate of another set. NULL where it cannot be written and read. */
static struct certificate *duplicate(const struct certificate *c)
{
    struct buf pem = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(1024);
    struct certificate *copy = NULL;
    if (certificate_write_pem(c, true, &pem) != OK ||
        certificate_parse_pem(buf_span(&pem), SPAN_NONE, &copy, &why) != OK)
        copy = NULL;
    if (pem.p)
        explicit_bzero(pem.p, pem.cap);
    buf_done(&pem);
    buf_done(&why);
    return copy;
}

static void append(struct certificate_set *set, struct certificate *c,
                   const struct certificate_meta *meta, struct span path)
{
    struct arena *arena = &set->arena;
    size_t n = set->count;
    struct certificate **items = ARENA_ARRAY(arena, struct certificate *, n + 1);
    struct certificate_meta *metas = ARENA_ARRAY(arena, struct certificate_meta, n + 1);
    struct span *paths = ARENA_ARRAY(arena, struct span, n + 1);
    if (n) {
        memcpy((void *)items, (void *)set->items, n * sizeof(struct certificate *));
        memcpy(metas, set->meta, n * sizeof(*metas));
        memcpy(paths, set->paths, n * sizeof(*paths));
    }
    items[n] = c;
    metas[n] = *meta;
    metas[n].friendly_name = arena_copy(arena, meta->friendly_name);
    metas[n].notes = arena_copy(arena, meta->notes);
    metas[n].source = arena_copy(arena, meta->source);
    metas[n].author = arena_copy(arena, meta->author);
    paths[n] = arena_copy(arena, path);
    c->services = meta->services;
    set->items = items;
    set->meta = metas;
    set->paths = paths;
    set->count = n + 1;
}

size_t certificates_carry_over(struct certificate_set *set, const struct certificate_set *before)
{
    size_t first = set->count;
    for (size_t i = 0; i < before->count; i++) {
        const struct certificate *old = before->items[i];
        if (!old->key_matches || has_thumbprint(set, old) || !is_broken(set, before->paths[i]))
            continue;
        struct certificate *copy = duplicate(old);
        if (copy)
            append(set, copy, &before->meta[i], before->paths[i]);
    }
    return set->count - first;
}

/* ---- copies in the data folder ---- */

static bool is_worth_keeping(const struct certificate_set *set, size_t i)
{
    return !set->meta[i].managed && set->items[i]->key_matches;
}

static bool has_copy(const struct certificate_set *kept, const struct certificate *c,
                     struct span path)
{
    for (size_t i = 0; i < kept->count; i++)
        if (strcmp(kept->items[i]->thumbprint, c->thumbprint) == 0)
            return span_eq(kept->paths[i], path);
    return false;
}

static void add_copy(const char *folder, const struct certificate *c,
                     const struct certificate_meta *meta, struct span path)
{
    struct buf pem = BUF_INIT(CERT_PEM_MAX), notes = BUF_INIT(BUF_UNLIMITED);
    struct certificate_meta noted = *meta;
    char name[128];
    noted.notes = path;
    certificate_notes_add(&notes, &noted);
    snprintf(name, sizeof(name), "%s.notes", c->thumbprint);
    enum err err = certificate_write_pem(c, true, &pem);
    if (err == OK)
        err = certificate_file_write(folder, name, buf_span(&notes));
    snprintf(name, sizeof(name), "%s.pem", c->thumbprint);
    if (err == OK)
        err = certificate_file_write(folder, name, buf_span(&pem));
    (void)err; /* the next call makes it good */
    if (pem.p)
        explicit_bzero(pem.p, pem.cap);
    buf_done(&pem);
    buf_done(&notes);
}

/* certificate_file_write makes the last folder alone. */
static void make_parent(const char *data_directory)
{
    char path[3072];
    snprintf(path, sizeof(path), "%s/certificates", data_directory);
    (void)mkdir(path, 0700); /* where it fails, so does what comes next */
}

static bool is_wanted(const struct certificate_set *set, struct span file)
{
    for (size_t i = 0; i < set->count; i++)
        if (is_worth_keeping(set, i) && span_starts(file, span_of(set->items[i]->thumbprint)))
            return true;
    return false;
}

static void remove_others(const char *folder, const struct certificate_set *set)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, NULL);
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0 &&
            !is_wanted(set, span_of(entries[i]->d_name)))
            unlink(path);
        free(entries[i]);
    }
    if (n >= 0)
        free((void *)entries);
}

void certificates_keep(const char *data_directory, const struct certificate_set *set)
{
    struct certificate_set *kept = certificates_kept(data_directory);
    char folder[3072];
    snprintf(folder, sizeof(folder), "%s" CERTIFICATES_KEPT, data_directory);
    make_parent(data_directory);
    for (size_t i = 0; i < set->count; i++)
        if (is_worth_keeping(set, i) && !has_copy(kept, set->items[i], set->paths[i]))
            add_copy(folder, set->items[i], &set->meta[i], set->paths[i]);
    remove_others(folder, set);
    certificate_set_release(kept);
}
