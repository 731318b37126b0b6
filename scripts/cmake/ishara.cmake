# The build vocabulary of the house: one call for a module, one for its tests, one for a fuzz target.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own configuration files, which both Debian releases have
endif()
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(pugixml REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
find_path(TOMLPLUSPLUS_DIR toml++/toml.h REQUIRED)
find_path(DOCTEST_DIR doctest/doctest.h REQUIRED)

add_library(ishara_options INTERFACE)
target_compile_features(ishara_options INTERFACE cxx_std_20)
target_include_directories(ishara_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(ishara_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Coroutine frames make g++ warn about members and frames that it cannot follow.
  target_compile_options(ishara_options INTERFACE
    -Wno-maybe-uninitialized -fpch-preprocess -Wno-mismatched-new-delete)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    target_compile_options(ishara_options INTERFACE -Wno-dangling-reference)
  endif()
else()
  target_compile_options(ishara_options INTERFACE -Wthread-safety)
endif()
if(ISHARA_WERROR)
  target_compile_options(ishara_options INTERFACE -Werror)
endif()
if(ISHARA_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio stands fences around handlers, which this sanitizer does not see; its queues have mutexes.
  target_compile_options(ishara_options INTERFACE -Wno-tsan)
endif()
if(ISHARA_SANITIZE)
  target_compile_options(ishara_options INTERFACE -fsanitize=${ISHARA_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ishara_options INTERFACE -fsanitize=${ISHARA_SANITIZE})
endif()
if(ISHARA_FUZZ)
  # The check of function types cannot be assembled for the split parts of a coroutine (clang 14).
  target_compile_options(ishara_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                                                  -fno-sanitize=function)
  target_link_options(ishara_options INTERFACE -fsanitize=address,undefined)
endif()

# ishara_module(name SOURCES ... [LINKS ...]): the static library ishara_<name>.
function(ishara_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(ishara_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(ishara_${name} PUBLIC ishara_options ${ARG_LINKS})
endfunction()

# ishara_tests(module SOURCES ... [LINKS ...]): pure tests. They join the one executable ishara_tests;
# `ninja tests_<module>_only` builds just these, for a fast loop.
function(ishara_tests module)
  ishara_test_objects(pure ${module} ${ARGN})
endfunction()

# ishara_pgtests(module ...): the same for tests that need a real Postgres; they join ishara_pgtests.
function(ishara_pgtests module)
  ishara_test_objects(pg ${module} ${ARGN})
endfunction()

function(ishara_test_objects kind module)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  string(REPLACE pure "" infix ${kind})
  set(objects ${infix}tests_${module})
  add_library(${objects} OBJECT ${ARG_SOURCES})
  target_include_directories(${objects} SYSTEM PRIVATE ${DOCTEST_DIR})
  target_compile_definitions(${objects} PRIVATE ISHARA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${objects} PUBLIC ishara_options ${ARG_LINKS})
  set_property(GLOBAL APPEND PROPERTY ISHARA_${kind}_TESTS ${objects})
  add_executable(${objects}_only EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
  target_include_directories(${objects}_only SYSTEM PRIVATE ${DOCTEST_DIR})
  target_link_libraries(${objects}_only PRIVATE ${objects} ishara_crypto)
endfunction()

# ishara_fuzz(name SOURCE file [LINKS ...]): a libFuzzer target in the fuzz preset; in every other
# preset the same file replays tests/fuzz/corpus/<name>/ in ctest, so old crashes stay fixed.
function(ishara_fuzz name)
  cmake_parse_arguments(ARG "" "SOURCE" "LINKS" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SOURCE})
  target_link_libraries(fuzz_${name} PRIVATE ishara_options ${ARG_LINKS})
  if(ISHARA_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} -runs=0 ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/replay_main.cpp)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  endif()
endfunction()
