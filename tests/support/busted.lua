-- busted, in whatever interpreter this file is given to. Its own launcher starts another Lua first.
require "busted.runner" { standalone = false }
