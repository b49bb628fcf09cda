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
    {"verify", "", "Compare the applied migrations with their files; exit code 11 when one differs"},
    {"baseline", "[VERSION]", "Take the database as it is for migrated"},
};

constexpr OptionRow kMigrateOptions[] = {
    {"--dir", "DIR", "Folder of the migrations (scripts/migrations)", ""},
    {"--to", "VERSION", "Stop at this version", "up down plan"},
    {"--steps", "N", "How many migrations", "up down redo plan"},
    {"--dry-run", "", "Show what would run, run nothing", "up down redo"},
    {"--rehearse", "", "Run it on a throw-away copy first and report what was observed", "up plan"},
    {"--accept", "", "Accept files that changed after they were applied", "up verify"},
    {"--out-of-order", "", "Apply files older than the last applied one", "up plan"},
    {"--allow", "KIND", "Let a destructive kind of step happen (drop_table, drop_column, ...)",
     "up down redo plan", true},
    {"--trusted", "", "Run the scripts outside the sandbox", "up down redo"},
    {"--timeout", "DURATION", "How long to wait for the migration lock (30s)", "up down redo"},
    {"--from", "TOOL", "Whose ledger to take over: rails, dbmate, ecto, golang-migrate", "baseline"},
    {"--sql", "", "Write a pair of SQL files instead of Lua", "new"},
};

constexpr ActionRow kSchemaActions[] = {
    {"dump", "", "The database's schema as SQL"},
    {"diff", "FROM [TO]", "What differs between two schemas: a database, a dump, models"},
    {"plan", "[MODELS...]", "The statements that would make the database what the models say"},
    {"drift", "[MODELS...]", "Does the database differ from the models? exit code 11 when it does"},
    {"check", "[FILES...]", "Lint models and migrations"},
    {"diagram", "[MODELS...]", "Tables and their references as a drawing"},
    {"codegen", "[MODELS...]", "Types for other languages"},
};

constexpr OptionRow kSchemaOptions[] = {
    {"--models", "FILE", "Lua file that returns models", "", true},
    {"--schema", "NAME", "Only this schema of the database", "", true},
    {"--out", "FILE", "Write there instead of to stdout", "dump diff plan diagram codegen"},
    {"--format", "NAME", "diagram: mermaid, dot; codegen: lua, cpp, typescript; others: sql, text",
     ""},
    {"--allow", "KIND", "Let a destructive kind of step be planned", "diff plan", true},
    {"--rehearse", "", "Try the plan on a throw-away copy", "plan"},
};

constexpr OptionRow kStatusOptions[] = {
    {"--watch", "", "Again every second, until Ctrl-C", ""},
    {"--metrics", "", "As Prometheus reads it", ""},
};

constexpr OptionRow kDoctorOptions[] = {{"--verbose", "", "Tell what is well too", ""}};

constexpr SubcommandRow kSubcommands[] = {
    {"migrate", "Apply, take back and check migrations", kMigrateActions, kMigrateOptions},
    {"schema", "Read, compare and plan schemas", kSchemaActions, kSchemaOptions},
    {"status", "Nodes, roles, lag, pools, breakers", {}, kStatusOptions},
    {"doctor", "Look for what is wrong with this set-up", {}, kDoctorOptions},
};

}  // namespace

std::span<SubcommandRow const> subcommands() { return kSubcommands; }

}  // namespace moonpool::repl
