# Finds what the engine stands on. tools/setup installs what is missing and names the prefix of libpqxx
# in CMAKE_PREFIX_PATH; nothing is downloaded from here.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq>=15)
pkg_check_modules(luajit REQUIRED IMPORTED_TARGET luajit>=2.1)
find_package(spdlog 1.10 REQUIRED)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core>=1.0)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json 3.10 REQUIRED)

set(MOONPOOL_CACHED_PREFIX "$ENV{XDG_CACHE_HOME}")
if(NOT MOONPOOL_CACHED_PREFIX)
  set(MOONPOOL_CACHED_PREFIX "$ENV{HOME}/.cache")
endif()
# libpqxx's own version file calls no two majors compatible, so the range is judged here.
find_package(libpqxx CONFIG QUIET HINTS ${MOONPOOL_CACHED_PREFIX}/moonpool/libpqxx-7.10.0)
if(libpqxx_FOUND AND (libpqxx_VERSION VERSION_LESS 7.8 OR libpqxx_VERSION VERSION_GREATER_EQUAL 9))
  message(FATAL_ERROR "CMake found libpqxx ${libpqxx_VERSION} in ${libpqxx_DIR}; it must be 7.8 or newer and below 9. "
                      "Name a good one with -Dlibpqxx_DIR=FOLDER.")
endif()
if(NOT libpqxx_FOUND)
  pkg_check_modules(libpqxx_pc IMPORTED_TARGET libpqxx>=7.8 libpqxx<9)
  if(NOT libpqxx_pc_FOUND)
    message(FATAL_ERROR "libpqxx 7.8 or newer (below 9) was not found. Run `make setup`: "
                        "it uses the system's where that is new enough and builds 7.10 otherwise.")
  endif()
  add_library(libpqxx::pqxx ALIAS PkgConfig::libpqxx_pc)
endif()
