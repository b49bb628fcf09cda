# Finds what the engine stands on. tools/setup installs what is missing and names the prefix of libpqxx
# in CMAKE_PREFIX_PATH; nothing is downloaded from here.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq>=15)
pkg_check_modules(luajit REQUIRED IMPORTED_TARGET luajit>=2.1)
find_package(spdlog 1.10 REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)

set(MOONPOOL_CACHED_PREFIX "$ENV{XDG_CACHE_HOME}")
if(NOT MOONPOOL_CACHED_PREFIX)
  set(MOONPOOL_CACHED_PREFIX "$ENV{HOME}/.cache")
endif()
find_package(libpqxx 7.8...<9 CONFIG QUIET
             HINTS ${MOONPOOL_CACHED_PREFIX}/moonpool/libpqxx-7.10.0)
if(NOT libpqxx_FOUND)
  pkg_check_modules(libpqxx_pc IMPORTED_TARGET libpqxx>=7.8 libpqxx<9)
  if(NOT libpqxx_pc_FOUND)
    message(FATAL_ERROR "libpqxx 7.8 or newer (below 9) was not found. Run `make setup`: "
                        "it uses the system's where that is new enough and builds 7.10 otherwise.")
  endif()
  add_library(libpqxx::pqxx ALIAS PkgConfig::libpqxx_pc)
endif()
