#include "present/finding_json.h"

#include "present/json.h"

static const char *level_of(enum finding_severity severity)
{
    static const char *const levels[] = {"info", "warning", "error"};
    return levels[severity];
}

json_t *finding_to_json(const struct finding *finding)
{
    json_t *value = json_object();
    present_set(value, "id", present_number(finding->event));
    present_set(value, "name", present_text(finding->name));
    present_set(value, "fault", present_text_or_null(finding->fault));
    present_set(value, "severity", json_string(finding_severity_name(finding->severity)));
    present_set(value, "level", json_string(level_of(finding->severity)));
    present_set(value, "subject", present_text(finding->subject));
    present_set(value, "text", present_text(finding->cause));
    present_set(value, "evidence", present_text_or_null(finding->evidence));
    present_set(value, "consequence", present_text_or_null(finding->consequence));
    present_set(value, "remedy", present_text_or_null(finding->remedy));
    present_set(value, "safe-fix", json_boolean(finding->safe_fix));
    return value;
}

json_t *findings_to_json(const struct findings *findings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < findings->count; i++)
        present_push(array, finding_to_json(&findings->items[i]));
    return array;
}

const char *findings_health(const struct findings *findings)
{
    enum finding_severity worst = FINDING_GREEN;
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].severity > worst)
            worst = findings->items[i].severity;
    return finding_severity_name(worst);
}
