#include "subcommands.hpp"

namespace moonpool::repl {
namespace {

constexpr ActionRow kMigrateActions[] = {
    {"status", "", "What is applied, pending, changed; exit code 10 when some are pending"},
    {"up", "", "Apply what is pending"},
    {"down", "", "Take the last migration back"},
    {"redo", "", "Take the last migration back and apply it again"},
    {"new", "NAME", "Write an empty migration"},
    {"plan", "", "What `up` would run; exit code 10 when there is something"},
    {"verify", "",
     "Compare the applied migrations with their files; exit code 11 when one differs"},
    {"baseline", "[VERSION]", "Take the database as it is for migrated"},
};

constexpr OptionRow kMigrateOptions[] = {
    {"--dir", "DIR", "Folder of the migrations (scripts/migrations)", ""},
    {"--to", "VERSION", "Stop at this version", "up down plan"},
    {"--steps", "N", "How many migrations", "up down redo plan"},
    {"--dry-run", "", "Show what would run, run nothing", "up down redo"},
    {"--accept", "", "Accept files that changed after they were applied", "up verify"},
    {"--out-of-order", "", "Apply files older than the last applied one", "up plan"},
    {"--allow", "KIND", "Let a destructive kind of step happen (drop_table, drop_column, ...)",
     "up down redo plan", true},
    {"--trusted", "", "Run the scripts outside the sandbox", "up down redo"},
    {"--timeout", "DURATION", "How long to wait for the migration lock (30s)", "up down redo"},
    {"--from", "TOOL", "Whose ledger to take over: rails, dbmate, ecto, golang-migrate",
     "baseline"},
    {"--sql", "", "Write a pair of SQL files instead of Lua", "new"},
};

constexpr OptionRow kStatusOptions[] = {
    {"--watch", "", "Look again every second until interrupted", ""},
};

constexpr OptionRow kDoctorOptions[] = {
    {"--dir", "DIR", "Folder of the migrations (scripts/migrations)", ""},
};

constexpr ActionRow kSchemaActions[] = {
    {"dump", "[SOURCE]", "The whole schema, in an order in which it can be made again"},
    {"diff", "A B",
     "What has to happen to A to make it B; exit code 11 when something has. A source is a DSN, a "
     "schema file (.lua), an SQL file or dump (- for stdin) or a snapshot"},
    {"check", "[SOURCE]",
     "Makes the schema again in scratch databases, from a script, a schema file and a snapshot, "
     "and "
     "compares; exit code 11 when it is not the same"},
    {"diagram", "[SOURCE]", "A picture of the tables, their keys and references"},
};

constexpr OptionRow kSchemaOptions[] = {
    {"--format", "FORMAT", "sql (default), lua (a schema file) or json (a snapshot)", "dump"},
    {"--format", "FORMAT", "dot (default), mermaid or svg", "diagram"},
    {"--output", "FILE", "Write to this file, replacing it whole", ""},
    {"--schema", "NAME", "Only what is in this schema", "", true},
    {"--exclude-schema", "NAME", "Nothing that is in this schema", "", true},
    {"--scratch", "DSN", "Server on which files are read, in a database made for it and dropped",
     ""},
    {"--strict", "", "What is in the database but cannot be told is an error", ""},
    {"--secrets", "", "With the passwords of user mappings and the DSNs of subscriptions",
     "dump diff"},
    {"--cluster", "", "With roles, memberships and tablespaces", "dump diff"},
    {"--no-owners", "", "Without owners", "dump diff"},
    {"--no-privileges", "", "Without privileges", "dump diff"},
    {"--no-comments", "", "Without comments", "dump diff"},
};

constexpr SubcommandRow kSubcommands[] = {
    {"status",
     "Nodes, roles, lag, pools, breakers; exit code 3 when nobody answers",
     {},
     kStatusOptions},
    {"doctor",
     "Looks at surroundings, servers and database, and says what to do; exit code 1 when something "
     "fails, 3 when nobody answers",
     {},
     kDoctorOptions},
    {"migrate", "Apply, take back and check migrations", kMigrateActions, kMigrateOptions},
    {"schema", "Write the schema out, compare schemas, check and draw them", kSchemaActions,
     kSchemaOptions},
};

}  // namespace

std::span<SubcommandRow const> subcommands() { return kSubcommands; }

}  // namespace moonpool::repl
