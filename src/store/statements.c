#include "store/statements.h"

/* messages and recipients are keyed by the id, which rises with the time of acceptance: inserts go
 * to the end of the tree, and a scan is oldest first. Neither has a further index, as each would
 * cost every accepted message; filters scan in steps instead. Empty text is '', never NULL. `owner`
 * is the node that works on a recipient; 0 is the node whose database this is. */
const char *const schema_steps[SCHEMA_VERSION] = {
    "CREATE TABLE messages("
    " id BLOB NOT NULL PRIMARY KEY,"
    " segment INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, reverse_path TEXT NOT NULL, connector TEXT NOT NULL,"
    " envid TEXT NOT NULL, ret INTEGER NOT NULL, body INTEGER NOT NULL,"
    " smtputf8 INTEGER NOT NULL, has_8bit INTEGER NOT NULL, client_ip TEXT NOT NULL,"
    " helo TEXT NOT NULL, protocol TEXT NOT NULL, tls TEXT NOT NULL,"
    " header_message_id TEXT NOT NULL, subject TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE recipients("
    " message BLOB NOT NULL, number INTEGER NOT NULL,"
    " state INTEGER NOT NULL, domain TEXT NOT NULL, address TEXT NOT NULL,"
    " connector TEXT NOT NULL DEFAULT '', next_hop TEXT NOT NULL DEFAULT '',"
    " next_attempt_ms INTEGER NOT NULL, last_attempt_ms INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0, delay_notified INTEGER NOT NULL DEFAULT 0,"
    " notify INTEGER NOT NULL, orcpt TEXT NOT NULL, last_reply TEXT NOT NULL DEFAULT '',"
    " owner INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY(message, number)) WITHOUT ROWID;"
    "CREATE TABLE track("
    " number INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, event INTEGER NOT NULL,"
    " source INTEGER NOT NULL, message BLOB NOT NULL, header_message_id TEXT NOT NULL,"
    " sender TEXT NOT NULL, recipients TEXT NOT NULL, recipient_status TEXT NOT NULL,"
    " connector TEXT NOT NULL, client_ip TEXT NOT NULL, client_name TEXT NOT NULL,"
    " server_ip TEXT NOT NULL, server_name TEXT NOT NULL, tls TEXT NOT NULL,"
    " subject TEXT NOT NULL, reference TEXT NOT NULL, info TEXT NOT NULL,"
    " size INTEGER NOT NULL, recipient_count INTEGER NOT NULL);"
    "CREATE INDEX track_message ON track(message);"
    "CREATE TABLE events("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, id INTEGER NOT NULL,"
    " level INTEGER NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,"
    " consequence TEXT NOT NULL, remedy TEXT NOT NULL);"
    "CREATE TABLE revisions("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, author TEXT NOT NULL,"
    " comment TEXT NOT NULL, diff TEXT NOT NULL, text TEXT NOT NULL);",
    /* How far the journal was brought in here: what follows is in this segment behind this offset,
     * numbered from `sequence` on, in records of this epoch. */
    "CREATE TABLE journal("
    " one INTEGER PRIMARY KEY CHECK(one = 1), segment INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, sequence INTEGER NOT NULL);"
    "ALTER TABLE messages ADD COLUMN trailer INTEGER NOT NULL DEFAULT 0;",
};

#define MESSAGE_COLUMNS                                                                            \
    "id, segment, offset, size, trailer, received_ms, reverse_path, connector, envid, ret, body, " \
    "smtputf8, has_8bit, client_ip, helo, protocol, tls, header_message_id, subject"
#define RECIPIENT_COLUMNS                                                                          \
    "number, state, domain, address, connector, next_hop, next_attempt_ms, last_attempt_ms, "      \
    "attempts, delay_notified, notify, orcpt, last_reply"
#define TRACK_COLUMNS                                                                              \
    "time_ms, event, source, message, header_message_id, sender, recipients, recipient_status, "   \
    "connector, client_ip, client_name, server_ip, server_name, tls, subject, reference, info, "   \
    "size, recipient_count"
#define EVENT_COLUMNS "number, time_ms, id, level, name, subject, text, consequence, remedy"

const char *const statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_MESSAGE_INSERT] =
        "INSERT INTO messages(" MESSAGE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [STATEMENT_MESSAGE_GET] = "SELECT " MESSAGE_COLUMNS " FROM messages WHERE id = ?",
    [STATEMENT_MESSAGE_FILTER] =
        "SELECT received_ms, reverse_path, connector, size FROM messages WHERE id = ?",
    [STATEMENT_MESSAGE_CONTENT] =
        "SELECT segment, offset, size, trailer FROM messages WHERE id = ?",
    [STATEMENT_MESSAGE_DELETE] = "DELETE FROM messages WHERE id = ?",
    [STATEMENT_MESSAGE_CONTENTS] = "SELECT segment, offset, size, trailer FROM messages",
    [STATEMENT_RECIPIENT_INSERT] =
        "INSERT INTO recipients(message, number, state, domain, address, next_attempt_ms, notify, "
        "orcpt) VALUES(?,?,?,?,?,?,?,?)",
    [STATEMENT_RECIPIENT_OF_MESSAGE] =
        "SELECT " RECIPIENT_COLUMNS " FROM recipients WHERE message = ? ORDER BY number",
    [STATEMENT_RECIPIENT_LEFT] = "SELECT 1 FROM recipients WHERE message = ? LIMIT 1",
    [STATEMENT_RECIPIENT_DELETE] = "DELETE FROM recipients WHERE message = ? AND number = ?",
    [STATEMENT_RECIPIENT_LATER] =
        "UPDATE recipients SET attempts = ?, next_attempt_ms = ?, last_attempt_ms = ?, "
        "connector = ?, next_hop = ?, last_reply = ?, delay_notified = ? "
        "WHERE message = ? AND number = ?",
    [STATEMENT_RECIPIENT_NOTED] =
        "UPDATE recipients SET delay_notified = ? WHERE message = ? AND number = ?",
    [STATEMENT_RECIPIENT_STATE] =
        "UPDATE recipients SET state = ?, next_attempt_ms = ? WHERE message = ? AND number = ?",
    [STATEMENT_RECIPIENT_COUNT] = "SELECT count(*) FROM recipients",
    [STATEMENT_RECIPIENT_SCAN] =
        "SELECT message, number, state, domain, address, connector, next_hop, next_attempt_ms "
        "FROM recipients WHERE (message, number) > (?, ?) ORDER BY message, number",
    [STATEMENT_PENDING] =
        "SELECT m.id, m.received_ms, m.size, r.number, r.state, r.domain, r.next_attempt_ms, "
        "r.attempts FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message "
        "ORDER BY r.message, r.number",
    [STATEMENT_JOURNAL_GET] = "SELECT segment, offset, epoch, sequence FROM journal",
    [STATEMENT_JOURNAL_SET] =
        "REPLACE INTO journal(one, segment, offset, epoch, sequence) VALUES(1,?,?,?,?)",
    [STATEMENT_TRACK_INSERT] =
        "INSERT INTO track(" TRACK_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [STATEMENT_TRACK_ACTION] =
        "INSERT INTO track(" TRACK_COLUMNS ") SELECT ?, ?, ?, m.id, m.header_message_id, "
        "m.reverse_path, r.address, r.last_reply, r.connector, '', '', '', r.next_hop, '', "
        "m.subject, '', ?, m.size, 1 FROM messages AS m JOIN recipients AS r ON r.message = m.id "
        "WHERE m.id = ? AND r.number = ?",
    [STATEMENT_TRACK_BY_ID] = "SELECT number, " TRACK_COLUMNS
                              " FROM track WHERE message = ? AND number < ? ORDER BY number DESC",
    [STATEMENT_TRACK_SCAN] =
        "SELECT number, " TRACK_COLUMNS " FROM track WHERE number < ? ORDER BY number DESC",
    [STATEMENT_TRACK_OLDEST] =
        "SELECT number, time_ms FROM track WHERE number > ? ORDER BY number LIMIT ?",
    [STATEMENT_TRACK_DELETE] = "DELETE FROM track WHERE number > ? AND number <= ? AND time_ms < ?",
    [STATEMENT_EVENT_INSERT] =
        "INSERT INTO events(time_ms, id, level, name, subject, text, consequence, remedy) "
        "VALUES(?,?,?,?,?,?,?,?)",
    [STATEMENT_EVENT_TRIM] = "DELETE FROM events WHERE number <= ?",
    [STATEMENT_EVENT_AFTER] =
        "SELECT " EVENT_COLUMNS " FROM events WHERE number > ? AND level >= ? ORDER BY number",
    [STATEMENT_EVENT_NEWEST] =
        "SELECT " EVENT_COLUMNS " FROM events WHERE level >= ? ORDER BY number DESC",
    [STATEMENT_REVISION_INSERT] =
        "INSERT INTO revisions(time_ms, author, comment, diff, text) VALUES(?,?,?,?,?)",
    [STATEMENT_REVISION_LIST] = "SELECT number, time_ms, author, comment, diff, '' FROM revisions "
                                "ORDER BY number DESC LIMIT ?",
    [STATEMENT_REVISION_GET] =
        "SELECT number, time_ms, author, comment, diff, text FROM revisions WHERE number = ?",
    [STATEMENT_REVISION_NEWEST] = "SELECT number, time_ms, author, comment, diff, text "
                                  "FROM revisions ORDER BY number DESC LIMIT 1",
};
