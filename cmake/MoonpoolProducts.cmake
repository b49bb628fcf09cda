# The two products: build/libmoonpool.so for hosts and plain luajit, build/moonpool for people.

# Lua modules as C++ byte arrays: engine/script looks them up by module name.
file(GLOB_RECURSE MOONPOOL_LUA_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lua/*.lua)
set(embedded ${CMAKE_BINARY_DIR}/generated/embedded_lua.cpp)
add_custom_command(
  OUTPUT ${embedded}
  COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}/lua -DOUT=${embedded}
          -P ${PROJECT_SOURCE_DIR}/cmake/EmbedLua.cmake
  DEPENDS ${MOONPOOL_LUA_SOURCES} ${PROJECT_SOURCE_DIR}/cmake/EmbedLua.cmake
  COMMENT "Compiling the Lua modules into the library")
add_library(moonpool_embedded_lua OBJECT ${embedded})
target_include_directories(moonpool_embedded_lua PRIVATE ${PROJECT_SOURCE_DIR}/engine)

set(MOONPOOL_FLOORS base policy observe async wire pool dev cluster session api script)
list(TRANSFORM MOONPOOL_FLOORS PREPEND moonpool_ OUTPUT_VARIABLE MOONPOOL_FLOOR_TARGETS)
set(MOONPOOL_INNER_TARGETS ${MOONPOOL_FLOOR_TARGETS})
list(REMOVE_ITEM MOONPOOL_INNER_TARGETS moonpool_api moonpool_script)
# Nobody inside calls the C ABI, so out of an archive the linker would not take it.
add_library(moonpool_faces INTERFACE)
target_sources(moonpool_faces INTERFACE $<TARGET_OBJECTS:moonpool_embedded_lua> $<TARGET_OBJECTS:moonpool_api>
                                        $<TARGET_OBJECTS:moonpool_script>)
target_link_libraries(moonpool_faces INTERFACE ${MOONPOOL_INNER_TARGETS} PkgConfig::luajit
                                               $<TARGET_PROPERTY:moonpool_api,LINK_LIBRARIES>)

add_library(moonpool SHARED)
set_target_properties(moonpool PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
set_target_properties(moonpool PROPERTIES LINKER_LANGUAGE CXX)
target_include_directories(moonpool PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/engine/api/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(moonpool INTERFACE cxx_std_20)
add_library(moonpool::moonpool ALIAS moonpool)
target_link_libraries(moonpool PRIVATE moonpool_faces)
target_link_options(moonpool PRIVATE LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/moonpool.map)
set_target_properties(moonpool PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/moonpool.map)

# The executable: what repl/ holds but main, as an archive that tests can link too, and main over it.
find_package(CLI11 2.1 REQUIRED)
file(GLOB MOONPOOL_REPL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/repl/*.cpp)
list(REMOVE_ITEM MOONPOOL_REPL_SOURCES ${PROJECT_SOURCE_DIR}/repl/main.cpp)
if(MOONPOOL_READLINE)
  pkg_check_modules(readline REQUIRED IMPORTED_TARGET readline>=8)
else()
  list(REMOVE_ITEM MOONPOOL_REPL_SOURCES ${PROJECT_SOURCE_DIR}/repl/readline_editor.cpp)
endif()
add_library(moonpool_repl STATIC ${MOONPOOL_REPL_SOURCES})
moonpool_compile(moonpool_repl)
target_include_directories(moonpool_repl PUBLIC ${PROJECT_SOURCE_DIR}/repl ${PROJECT_SOURCE_DIR}/engine
                                                ${PROJECT_SOURCE_DIR}/engine/api/include)
target_compile_definitions(moonpool_repl PRIVATE MOONPOOL_VERSION="${PROJECT_VERSION}"
                                                 $<$<BOOL:${MOONPOOL_READLINE}>:MOONPOOL_READLINE>)
target_link_libraries(moonpool_repl PRIVATE moonpool_script ${MOONPOOL_INNER_TARGETS} CLI11::CLI11
                                            nlohmann_json::nlohmann_json)
if(MOONPOOL_READLINE)
  target_link_libraries(moonpool_repl PRIVATE PkgConfig::readline)
endif()

add_executable(moonpool_cli repl/main.cpp)
moonpool_compile(moonpool_cli)
set_target_properties(moonpool_cli PROPERTIES OUTPUT_NAME moonpool)
target_link_libraries(moonpool_cli PRIVATE moonpool_repl moonpool_faces)
# LuaJIT's FFI looks the C ABI up in the process itself; nothing else is shown there.
target_link_options(moonpool_cli PRIVATE "LINKER:--export-dynamic-symbol=mp_*")
