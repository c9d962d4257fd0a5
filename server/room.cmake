# Library `room`: the room logic, sans-IO (server/room/README.md).
consilium_library(room room/audit.c room/chat.c room/codec_policy.c room/direct.c room/events.c room/layers.c room/media.c room/member.c room/names.c
  room/quality.c room/query.c room/ranking.c room/requests.c room/requests_media.c room/room_manager.c room/session.c room/settle.c
  room/slots.c room/slots_needed.c room/snapshot.c room/topology.c room/track.c
  room/waiting.c
  LINK signaling PkgConfig::JANSSON m)
