/* /v1/config: the document, its changes and its revisions. */
#include "base/num.h"
#include "present/selection_json.h"
#include "service/admin_changes.h"
#include "store/documents.h"

enum { REVISIONS_LISTED = 50, REVISIONS_LISTED_MAX = 1000 };

void admin_get_config(struct admin_call *call)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    json_t *value = json_object();
    present_set(value, "revision", present_number(s->revision));
    present_set(value, "text", present_text(s->document->text));
    present_set(value, "document", document_to_json(s->document));
    snapshot_release(s);
    admin_answer(call, 200, value);
}

/* ---- changes ---- */

static void answer_problems(struct admin_call *call, const struct problems *problems)
{
    json_t *value = json_object(), *error = json_object();
    struct span text =
        arena_printf(call->arena, "the document has %zu error%s; nothing was changed",
                     problems->errors, problems->errors == 1 ? "" : "s");
    present_set(error, "code", json_string("invalid-document"));
    present_set(error, "text", present_text(text));
    present_set(error, "remedy", json_string("correct what the problems name and send it again"));
    present_set(value, "error", error);
    present_set(value, "problems", admin_problems(problems));
    admin_answer(call, 422, value);
}

struct change {
    struct admin_call *call;
    bool dry_run;
};

static void answer_applied(const struct change *change, const struct apply_result *result)
{
    const struct plan *plan = result->plan;
    json_t *value = json_object();
    present_set(value, "revision", present_number(result->revision));
    present_set(value, "changed", json_boolean(result->diff.n > 0));
    present_set(value, "dry-run", json_boolean(change->dry_run));
    present_set(value, "forced", json_boolean(plan && plan->refused && !change->dry_run));
    present_set(value, "diff", present_text(result->diff));
    present_set(value, "problems", admin_problems(result->problems));
    present_set(value, "plan", plan ? plan_to_json(plan) : json_null());
    admin_answer(change->call, 200, value);
}

static void fail_changed_meanwhile(struct admin_call *call, uint64_t expected)
{
    struct snapshot *s = snapshot_current(call->admin->world);
    admin_failf(call, 409, "changed-meanwhile", "read the document again and repeat the change",
                "revision %llu is in force, not %llu", (unsigned long long)s->revision,
                (unsigned long long)expected);
    snapshot_release(s);
}

static void on_applied(void *context, const struct apply_result *result)
{
    const struct change *change = context;
    struct admin_call *call = change->call;
    admin_end_change(call->admin);
    if (result->err == OK)
        answer_applied(change, result);
    else if (result->problems->errors)
        answer_problems(call, result->problems);
    else if (result->err == ERR_REFUSED && result->plan)
        admin_refuse(call, result->plan);
    else if (result->err == ERR_EXISTS)
        admin_fail(call, 409, "changed-meanwhile", SPAN("another change came before this one"),
                   "read the document again and repeat the change");
    else
        admin_fail_err(call, result->err, "the document could not be applied");
}

bool admin_begin_change(struct admin_call *call)
{
    if (call->admin->changing) {
        admin_fail(call, 409, "busy", SPAN("another change is being applied"),
                   "try again in a moment");
        return false;
    }
    call->admin->changing = true;
    return true;
}

void admin_end_change(struct admin *admin)
{
    admin->changing = false;
}

void admin_change(struct admin_call *call, struct span yaml, struct span comment)
{
    struct admin *admin = call->admin;
    uint64_t expected = 0;
    if (!admin_query_number(call, "if-revision", INT64_MAX, &expected))
        return;
    struct snapshot *s = snapshot_current(admin->world);
    uint64_t revision = s->revision;
    snapshot_release(s);
    if (expected && expected != revision) {
        fail_changed_meanwhile(call, expected);
        return;
    }
    if (!admin_begin_change(call)) /* also for a dry run: it opens listeners for a moment */
        return;
    struct change *change = ARENA_NEW(call->arena, struct change);
    *change = (struct change){call, admin_query_switch(call, "dry-run")};
    apply_document(admin->world,
                   &(struct apply_change){
                       .yaml = yaml,
                       .author = http_request_author(call->request),
                       .comment = comment,
                       .if_revision = revision, /* a reload may wait before this one */
                       .dry_run = change->dry_run,
                       .force = admin_query_switch(call, "force"),
                   },
                   on_applied, change);
}

static bool body_is_document(struct admin_call *call)
{
    if (http_request_body(call->request).n)
        return true;
    admin_fail(call, 400, "bad-body", SPAN("the body is empty"), "send the document as YAML");
    return false;
}

void admin_put_config(struct admin_call *call)
{
    struct span comment = admin_query(call, "comment");
    if (body_is_document(call))
        admin_change(call, http_request_body(call->request), comment.n ? comment : SPAN("apply"));
}

void admin_diff_config(struct admin_call *call)
{
    if (!body_is_document(call))
        return;
    struct problems problems = {0};
    struct document *document = NULL;
    if (document_parse(http_request_body(call->request), &problems, &document) != OK) {
        answer_problems(call, &problems);
        problems_done(&problems);
        return;
    }
    struct snapshot *s = snapshot_current(call->admin->world);
    struct buf diff = BUF_INIT(BUF_UNLIMITED);
    document_add_diff(&diff, s->document, document);
    json_t *value = json_object();
    present_set(value, "revision", present_number(s->revision));
    present_set(value, "changed", json_boolean(diff.n > 0));
    present_set(value, "diff", present_text(buf_span(&diff)));
    present_set(value, "problems", admin_problems(&problems));
    buf_done(&diff);
    snapshot_release(s);
    document_free(document);
    problems_done(&problems);
    admin_answer(call, 200, value);
}

/* ---- revisions ---- */

static json_t *revision_value(const struct revision *revision, bool with_text)
{
    json_t *value = json_object();
    present_set(value, "revision", present_number(revision->number));
    present_set(value, "time", present_time(revision->time_ms));
    present_set(value, "author", present_text(revision->author));
    present_set(value, "comment", present_text(revision->comment));
    present_set(value, "diff", present_text(revision->diff));
    if (with_text)
        present_set(value, "text", present_text(revision->text));
    return value;
}

static void on_revisions(void *context, enum err err, const struct revision *revisions,
                         size_t count)
{
    struct admin_call *call = context;
    if (err != OK && err != ERR_NOT_FOUND) {
        admin_fail_err(call, err, "the revisions cannot be read");
        return;
    }
    json_t *value = json_object(), *array = json_array();
    for (size_t i = 0; err == OK && i < count; i++)
        present_push(array, revision_value(&revisions[i], false));
    present_set(value, "revisions", array);
    admin_answer(call, 200, value);
}

void admin_list_revisions(struct admin_call *call)
{
    uint64_t limit = REVISIONS_LISTED;
    if (admin_query_number(call, "limit", REVISIONS_LISTED_MAX, &limit))
        documents_list(call->admin->world->store, limit, call->admin->loop, on_revisions, call);
}

/* The number in the path; 0 is none, as for the store it means the newest. */
static bool revision_asked(struct admin_call *call, uint64_t *number)
{
    if (num_parse(call->parameters[0], INT64_MAX, number) == OK && *number > 0)
        return true;
    admin_failf(call, 404, "not-found", "list them with: sealpost config history",
                "there is no revision " SPAN_FMT, SPAN_ARG(call->parameters[0]));
    return false;
}

static bool revision_found(struct admin_call *call, enum err err, size_t count)
{
    if (err == OK && count == 1)
        return true;
    if (err == OK || err == ERR_NOT_FOUND)
        admin_failf(call, 404, "not-found", "list them with: sealpost config history",
                    "there is no revision " SPAN_FMT, SPAN_ARG(call->parameters[0]));
    else
        admin_fail_err(call, err, "the revision cannot be read");
    return false;
}

static void on_revision(void *context, enum err err, const struct revision *revisions, size_t count)
{
    struct admin_call *call = context;
    if (revision_found(call, err, count))
        admin_answer(call, 200, revision_value(&revisions[0], true));
}

void admin_get_revision(struct admin_call *call)
{
    uint64_t number;
    if (revision_asked(call, &number))
        documents_get(call->admin->world->store, number, call->admin->loop, on_revision, call);
}

static void on_revision_to_restore(void *context, enum err err, const struct revision *revisions,
                                   size_t count)
{
    struct admin_call *call = context;
    if (!revision_found(call, err, count))
        return;
    struct span comment =
        arena_printf(call->arena, "restore %llu", (unsigned long long)revisions[0].number);
    admin_change(call, revisions[0].text, comment);
}

void admin_restore_revision(struct admin_call *call)
{
    uint64_t number;
    if (revision_asked(call, &number))
        documents_get(call->admin->world->store, number, call->admin->loop, on_revision_to_restore,
                      call);
}
