# cmake -DROOT=lua -DOUT=file.cpp -P EmbedLua.cmake: every lua/**/*.lua as a byte array in one table.
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/*.lua)
list(SORT sources)
set(arrays "")
set(rows "")
set(n 0)
foreach(source IN LISTS sources)
  string(REGEX REPLACE "\\.lua$" "" module ${source})
  string(REGEX REPLACE "/init$" "" module ${module})
  string(REPLACE "/" "." module ${module})
  file(READ ${ROOT}/${source} bytes HEX)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kModule${n}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${module}\", \"lua/${source}\", kModule${n}, ${length}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "// Generated from lua/; do not edit.
#include \"script/embedded.hpp\"

namespace moonpool::script {
namespace {
${arrays}constexpr EmbeddedModule kModules[] = {
${rows}    {nullptr, nullptr, nullptr, 0},
};
}  // namespace

const EmbeddedModule* embedded_modules() { return kModules; }
}  // namespace moonpool::script
")
