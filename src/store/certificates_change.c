#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cert/request.h"
#include "store/certificate_files.h"

enum { FOLDER_MAX = 3072 };

static void own_folder(const char *data_directory, const char *below, char folder[FOLDER_MAX])
{
    snprintf(folder, FOLDER_MAX, "%s/certificates%s", data_directory, below);
}

static enum err write_notes(const char *folder, struct span stem,
                            const struct certificate_meta *meta)
{
    struct buf text = BUF_INIT(65536);
    char name[128];
    certificate_notes_add(&text, meta);
    snprintf(name, sizeof(name), SPAN_FMT ".notes", SPAN_ARG(stem));
    enum err err = certificate_file_write(folder, name, buf_span(&text));
    buf_done(&text);
    return err;
}

enum err certificates_add(const char *data_directory, const struct certificate *certificate,
                          const struct certificate_meta *meta)
{
    char folder[FOLDER_MAX], name[128];
    struct buf text = BUF_INIT(CERT_PEM_MAX);
    own_folder(data_directory, "", folder);
    snprintf(name, sizeof(name), "%s.pem", certificate->thumbprint);
    enum err err = certificate_write_pem(certificate, certificate->key != NULL, &text);
    /* The notes first: a certificate that is there counts as enabled for what they say. */
    if (err == OK)
        err = write_notes(folder, span_of(certificate->thumbprint), meta);
    if (err == OK)
        err = certificate_file_write(folder, name, buf_span(&text));
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_done(&text);
    return err;
}

enum err certificates_set_meta(const char *data_directory, struct span thumbprint,
                               const struct certificate_meta *meta)
{
    char folder[FOLDER_MAX];
    own_folder(data_directory, "", folder);
    return write_notes(folder, thumbprint, meta);
}

/* The file of a certificate is named by its thumbprint, unless somebody put it there by hand. */
static bool holds(const char *path, struct span thumbprint)
{
    struct buf text = BUF_INIT(CERT_PEM_MAX), why = BUF_INIT(1024);
    struct certificate *c;
    bool found = certificate_file_read(path, &text) == OK &&
                 certificate_parse_pem(buf_span(&text), SPAN_NONE, &c, &why) == OK;
    if (found) {
        found = span_ieq(span_of(c->thumbprint), thumbprint);
        certificate_free(c);
    }
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_done(&text);
    buf_done(&why);
    return found;
}

static enum err move_aside(const char *folder, const char *name)
{
    char from[4096], to[4096];
    snprintf(from, sizeof(from), "%s/%s", folder, name);
    snprintf(to, sizeof(to), "%s/removed/%s", folder, name);
    if (rename(from, to) == 0)
        return OK;
    return errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
}

enum err certificates_remove(const char *data_directory, struct span thumbprint)
{
    char folder[FOLDER_MAX], removed[FOLDER_MAX], path[4096], notes[128];
    own_folder(data_directory, "", folder);
    own_folder(data_directory, "/removed", removed);
    if (mkdir(removed, 0700) != 0 && errno != EEXIST)
        return errno == EACCES ? ERR_DENIED : ERR_IO;
    DIR *entries = opendir(folder);
    enum err err = ERR_NOT_FOUND;
    for (struct dirent *entry; entries && err == ERR_NOT_FOUND && (entry = readdir(entries));) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (span_iends(span_of(entry->d_name), SPAN(".pem")) && holds(path, thumbprint))
            err = move_aside(folder, entry->d_name);
    }
    if (entries)
        closedir(entries);
    snprintf(notes, sizeof(notes), SPAN_FMT ".notes", SPAN_ARG(thumbprint));
    if (err == OK) {
        enum err without = move_aside(folder, notes); /* one that was put there by hand has none */
        err = without == ERR_NOT_FOUND ? OK : without;
    }
    return err;
}

/* ---- requests ---- */

enum err certificates_add_request(const char *data_directory, EVP_PKEY *key,
                                  const struct certificate_request *request)
{
    char own[FOLDER_MAX], folder[FOLDER_MAX], name[128];
    struct buf text = BUF_INIT(65536);
    own_folder(data_directory, "", own);
    own_folder(data_directory, "/requests", folder);
    if (mkdir(own, 0700) != 0 && errno != EEXIST)
        return errno == EACCES ? ERR_DENIED : ERR_IO;
    struct certificate_meta meta = {.friendly_name = request->friendly_name,
                                    .notes = request->key_type,
                                    .source = SPAN("request"),
                                    .added_ms = request->made_ms};
    enum err err = key_write_pem(key, &text);
    snprintf(name, sizeof(name), SPAN_FMT ".key", SPAN_ARG(request->id));
    if (err == OK)
        err = certificate_file_write(folder, name, buf_span(&text));
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_done(&text);
    if (err == OK)
        err = write_notes(folder, request->id, &meta);
    snprintf(name, sizeof(name), SPAN_FMT ".csr", SPAN_ARG(request->id));
    if (err == OK)
        err = certificate_file_write(folder, name, request->pem);
    return err;
}

enum err certificates_request_key(const char *data_directory, struct span id, EVP_PKEY **key,
                                  struct buf *why)
{
    char folder[FOLDER_MAX], path[4096];
    struct buf text = BUF_INIT(65536);
    own_folder(data_directory, "/requests", folder);
    snprintf(path, sizeof(path), "%s/" SPAN_FMT ".key", folder, SPAN_ARG(id));
    enum err err = certificate_file_read(path, &text);
    if (err == OK)
        err = key_read_pem(buf_span(&text), SPAN_NONE, key, why);
    else
        buf_addf(why, "%s: %s", path, err_text(err));
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_done(&text);
    return err;
}

enum err certificates_remove_request(const char *data_directory, struct span id)
{
    static const char *const endings[] = {"csr", "notes", "key"};
    char folder[FOLDER_MAX], path[4096];
    enum err err = OK;
    own_folder(data_directory, "/requests", folder);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        snprintf(path, sizeof(path), "%s/" SPAN_FMT ".%s", folder, SPAN_ARG(id), endings[i]);
        if (remove(path) != 0 && i == 0)
            err = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    return err;
}
