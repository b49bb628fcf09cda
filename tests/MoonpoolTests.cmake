# What tests/CMakeLists.txt sorts with.

# Sanitizers slow everything down, so the clocks are given more.
set(MOONPOOL_TEST_PATIENCE 1)
if(MOONPOOL_SANITIZE)
  set(MOONPOOL_TEST_PATIENCE 4)
endif()

set(MOONPOOL_TEST_ENVIRONMENT
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
    "MOONPOOL_BUILD_DIR=${CMAKE_BINARY_DIR}"
    "MOONPOOL_SOURCE_DIR=${PROJECT_SOURCE_DIR}")

# moonpool_test_objects(target sources...): compiled once, linked to many; no sources, nothing linked.
function(moonpool_test_objects target)
  if(NOT ARGN)
    add_library(${target} INTERFACE)
    return()
  endif()
  add_library(${target} OBJECT ${ARGN})
  moonpool_test_compile(${target})
endfunction()

# How test code is compiled: warned about as the engine is, barely optimised, with both trees as include roots.
function(moonpool_test_compile target)
  moonpool_compile(${target})
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-std=c11 -Wall -Wextra -Wpedantic>)
  target_compile_options(${target} PRIVATE -O1)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/engine
                                               ${PROJECT_SOURCE_DIR}/engine/api/include)
  target_link_libraries(${target} PRIVATE Catch2::Catch2 rapidcheck Threads::Threads)
endfunction()

# moonpool_add_test(name label timeout command...)
function(moonpool_add_test name label timeout)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  math(EXPR timeout "${timeout} * ${MOONPOOL_TEST_PATIENCE}")
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout}
                                          ENVIRONMENT "${MOONPOOL_TEST_ENVIRONMENT}")
endfunction()

# moonpool_sources_by_folder(out suffix root): every root/**/*<suffix>, and in <out>_folders the folders they lie in.
function(moonpool_sources_by_folder out suffix root)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/*${suffix})
  set(folders "")
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    list(APPEND folders ${folder})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  set(${out} ${sources} PARENT_SCOPE)
  set(${out}_folders ${folders} PARENT_SCOPE)
endfunction()

# moonpool_cpp_tests(suffix PREFIX prefix [SERVER] [HEAVY] TIMEOUT seconds): a binary and a test for each folder.
function(moonpool_cpp_tests suffix)
  cmake_parse_arguments(GROUP "SERVER;HEAVY" "PREFIX;TIMEOUT" "" ${ARGN})
  moonpool_sources_by_folder(sources ${suffix} ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(folder IN LISTS sources_folders)
    cmake_path(GET folder FILENAME name)
    set(target ${GROUP_PREFIX}_${name})
    set(mine ${sources})
    list(FILTER mine INCLUDE REGEX "^${folder}/[^/]*$")
    if(TARGET ${target})
      message(FATAL_ERROR "Two folders of tests are called ${name}; ${folder} must take another name.")
    endif()
    file(GLOB beside CONFIGURE_DEPENDS ${folder}/*.c)
    if(NOT GROUP_SERVER)
      set(beside "")
    endif()
    add_executable(${target} ${mine} ${beside})
    moonpool_test_compile(${target})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${target} PRIVATE moonpool_test_support)
    if(GROUP_SERVER)
      target_link_libraries(${target} PRIVATE
        moonpool_server_support ${MOONPOOL_FLOOR_TARGETS} libpqxx::pqxx PkgConfig::libpq PkgConfig::luajit)
      set(label pg)
    elseif(TARGET moonpool_${name})
      target_link_libraries(${target} PRIVATE moonpool_${name}
                                              $<TARGET_PROPERTY:moonpool_${name},LINK_LIBRARIES>)
      set(label unit)
      add_dependencies(moonpool_unit_tests ${target})
    else()
      message(FATAL_ERROR "${folder} mirrors no floor: there is no moonpool_${name} to link its tests to.")
    endif()
    if(GROUP_HEAVY)
      set(label heavy)
    endif()
    # A case that asserts nothing cannot fail, so it does.
    moonpool_add_test(${target} ${label} ${GROUP_TIMEOUT} ${target} --warn NoAssertions)
  endforeach()
endfunction()

# moonpool_host_tests(suffix TIMEOUT seconds): a binary and a test for each folder, linked to the shared library as
# a host program is, with MOONPOOL_PRIMARY and MOONPOOL_REPLICA set.
function(moonpool_host_tests suffix)
  cmake_parse_arguments(GROUP "" "TIMEOUT" "" ${ARGN})
  moonpool_sources_by_folder(sources ${suffix} ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(folder IN LISTS sources_folders)
    cmake_path(GET folder FILENAME name)
    set(mine ${sources})
    list(FILTER mine INCLUDE REGEX "^${folder}/[^/]*$")
    add_executable(hosttest_${name} ${mine})
    moonpool_test_compile(hosttest_${name})
    set_target_properties(hosttest_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(hosttest_${name} PRIVATE moonpool moonpool_test_support libpqxx::pqxx)
    moonpool_add_test(hosttest_${name} pg ${GROUP_TIMEOUT}
      ${CMAKE_BINARY_DIR}/moonpool dev run -- $<TARGET_FILE:hosttest_${name}> --warn NoAssertions)
  endforeach()
endfunction()

# Plain luajit loads the library at run time, so a sanitizer's own runtime must be there before it.
function(moonpool_lua_environment out)
  set(environment "${MOONPOOL_TEST_ENVIRONMENT}" "MOONPOOL_LIBRARY=${CMAKE_BINARY_DIR}/libmoonpool.so"
      "MOONPOOL_LUA=${PROJECT_SOURCE_DIR}/lua")
  if(MOONPOOL_SANITIZE)
    set(runtime asan)
    if(MOONPOOL_SANITIZE MATCHES thread)
      set(runtime tsan)
    endif()
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=lib${runtime}.so
                    OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE)
    # The runtime looks for the exceptions' functions when it starts, and luajit itself is C.
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.so.6
                    OUTPUT_VARIABLE exceptions OUTPUT_STRIP_TRAILING_WHITESPACE)
    # LuaJIT keeps pointers where the leak checker does not look.
    list(APPEND environment "MOONPOOL_PRELOAD=${library}:${exceptions}" "ASAN_OPTIONS=detect_leaks=0")
  endif()
  set(${out} "${environment}" PARENT_SCOPE)
endfunction()

# moonpool_lua_tests(suffix PREFIX prefix [SERVER] [HEAVY] TIMEOUT seconds): a test for each folder under tests/lua.
function(moonpool_lua_tests suffix)
  cmake_parse_arguments(GROUP "SERVER;HEAVY" "PREFIX;TIMEOUT" "" ${ARGN})
  set(root ${CMAKE_CURRENT_SOURCE_DIR}/lua)
  moonpool_sources_by_folder(sources ${suffix} ${root})
  moonpool_lua_environment(environment)
  string(REPLACE ".lua" "" pattern ${suffix})
  foreach(folder IN LISTS sources_folders)
    file(RELATIVE_PATH name ${root} ${folder})
    string(REPLACE "/" "_" name "${GROUP_PREFIX}_${name}")
    string(REGEX REPLACE "_$" "" name ${name})
    set(run ${CMAKE_CURRENT_SOURCE_DIR}/support/specs ${pattern} ${folder})
    set(label lua)
    if(GROUP_SERVER)
      set(run ${CMAKE_BINARY_DIR}/moonpool dev run -- ${run})
      set(label pg)
    endif()
    if(GROUP_HEAVY)
      set(label heavy)
    endif()
    moonpool_add_test(${name} ${label} ${GROUP_TIMEOUT} ${run})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}")
  endforeach()
endfunction()
