# What `cmake --install build` lays down: the executable, the library with its headers, find_package(moonpool),
# pkg-config, and the Lua modules where a LuaJIT of the same prefix looks for them.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/moonpool)
install(TARGETS moonpool_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS moonpool EXPORT moonpool
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/engine/api/include/moonpool DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lua/moonpool DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lua/5.1
        FILES_MATCHING PATTERN "*.lua")
install(EXPORT moonpool NAMESPACE moonpool:: DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/moonpool-config.cmake.in
  ${CMAKE_BINARY_DIR}/generated/moonpool-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break what was built against another.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/moonpool-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/moonpool-config.cmake
              ${CMAKE_BINARY_DIR}/generated/moonpool-config-version.cmake DESTINATION ${package_dir})

file(RELATIVE_PATH to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/moonpool.pc.in ${CMAKE_BINARY_DIR}/generated/moonpool.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/moonpool.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
