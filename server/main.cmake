# Command line, log and supervisor; the program itself is put together here once the other parts exist.
# What every process uses; worker and gateway link it too.
consilium_library(server_common log.c child.c version.c token_maker.c
  LINK signaling conf OpenSSL::Crypto PkgConfig::UV PkgConfig::LWS PkgConfig::JANSSON PkgConfig::CYAML)
consilium_library(supervisor options.c token_command.c supervisor/backoff.c supervisor/notify.c supervisor/process.c
  supervisor/runtime_directory.c supervisor/development.c supervisor/certificate.c supervisor/supervisor.c
  LINK server_common)
find_program(GIT git)
set(commit unknown)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${CMAKE_SOURCE_DIR} rev-parse --short HEAD OUTPUT_VARIABLE commit
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set_source_files_properties(version.c PROPERTIES COMPILE_DEFINITIONS
  "CONSILIUM_VERSION=\"${PROJECT_VERSION}\";CONSILIUM_COMMIT=\"${commit}\"")
