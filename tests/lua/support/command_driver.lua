-- luajit command_driver.lua MODULE OPTIONS: runs a subcommand's module with options given as JSON.
os.exit(require(arg[1]).run(require("moonpool.core.json").decode(arg[2])))
