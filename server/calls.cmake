# Library `calls`: invitations, sans-IO (server/calls/calls.h).
consilium_library(calls calls/calls.c calls/notice.c calls/requests.c calls/ring.c LINK signaling PkgConfig::JANSSON)
