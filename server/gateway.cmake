# The gateway. openapi.yaml is compiled in, so that what is served is what was tested.
file(READ ${CMAKE_CURRENT_SOURCE_DIR}/gateway/openapi.yaml openapi HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," openapi "${openapi}")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/openapi_yaml.c.new
  "/* openapi.yaml as bytes. */\n#include \"server/gateway/internal.h\"\nconst char openapi_yaml[] = {${openapi}0};\n")
configure_file(${CMAKE_CURRENT_BINARY_DIR}/openapi_yaml.c.new ${CMAKE_CURRENT_BINARY_DIR}/openapi_yaml.c COPYONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS gateway/openapi.yaml)
consilium_library(gateway gateway/gateway.c gateway/clients.c gateway/workers.c gateway/queries.c gateway/http.c
  gateway/ice_servers.c gateway/metrics.c gateway/metrics_direct.c gateway/metrics_export.c gateway/session.c gateway/room_directory.c
  gateway/test_room.c
  gateway/used_tokens.c gateway/worker_link.c gateway/call_requests.c gateway/guest_links.c gateway/moving.c ${CMAKE_CURRENT_BINARY_DIR}/openapi_yaml.c
  LINK server_common calls signaling conf PkgConfig::UV PkgConfig::JANSSON OpenSSL::Crypto m)
set_source_files_properties(gateway/gateway.c PROPERTIES COMPILE_DEFINITIONS
  "CONSILIUM_SOURCE_WEB=\"${CMAKE_CURRENT_SOURCE_DIR}/web\"")
