set(MOONPOOL_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                      -Woverloaded-virtual -Wold-style-cast)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in `"text" + std::string` (GCC bug 105651), and uninitialised members
  # in the alternatives of a std::variant that are not there.
  list(APPEND MOONPOOL_WARNINGS -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(MOONPOOL_WERROR)
  list(APPEND MOONPOOL_WARNINGS -Werror)
endif()

# What every target of ours is compiled with.
function(moonpool_compile target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${MOONPOOL_WARNINGS}>)
  if(MOONPOOL_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${MOONPOOL_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=undefined)
    target_link_options(${target} PUBLIC -fsanitize=${MOONPOOL_SANITIZE})
  endif()
endfunction()

# moonpool_floor(name [USES lower floors...] [THIRD_PARTY targets...])
# engine/<name> becomes the static library moonpool_<name>. It links only to the floors it names, so a call
# upwards does not link in the unit tests of that floor.
function(moonpool_floor name)
  cmake_parse_arguments(FLOOR "" "" "USES;THIRD_PARTY" ${ARGN})
  set(folder ${PROJECT_SOURCE_DIR}/engine/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  set(target moonpool_${name})
  if(NOT sources)
    add_library(${target} INTERFACE)
    return()
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/engine
                                              ${PROJECT_SOURCE_DIR}/engine/api/include)
  moonpool_compile(${target})
  list(TRANSFORM FLOOR_USES PREPEND moonpool_ OUTPUT_VARIABLE lower)
  target_link_libraries(${target} PUBLIC ${lower} Threads::Threads PRIVATE ${FLOOR_THIRD_PARTY})
endfunction()
