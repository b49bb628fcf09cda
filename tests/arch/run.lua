-- luajit tests/arch/run.lua [ROOT]: prints what does not stand, and fails if there is any.
package.path = (arg[0]:match "^(.*)/arch/[^/]*$" or ".") .. "/?.lua;" .. package.path
local found = require("arch.check").check(arg[1] or ".")
for _, line in ipairs(found) do
  print(line)
end
if #found > 0 then
  print(("%d place%s where the house does not stand."):format(#found, #found == 1 and "" or "s"))
  os.exit(1)
end
