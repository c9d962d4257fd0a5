/* server/room/names.c: the wire's words for the enums of room_listener.h and room_manager.h. */
#include "server/room/room_manager.h"

const char *room_kind_name(enum room_kind kind) {
  return kind == ROOM_AUDIO ? "audio" : "video";
}

const char *room_source_name(enum room_source source) {
  switch (source) {
    case ROOM_MICROPHONE:
      return "microphone";
    case ROOM_CAMERA:
      return "camera";
    case ROOM_SCREEN:
      return "screen";
    case ROOM_SCREEN_AUDIO:
      return "screenAudio";
  }
  return "unknown";
}

const char *room_priority_name(enum room_priority priority) {
  switch (priority) {
    case ROOM_PRIORITY_LOW:
      return "low";
    case ROOM_PRIORITY_NORMAL:
      return "normal";
    case ROOM_PRIORITY_HIGH:
      return "high";
  }
  return "unknown";
}

const char *room_error_name(int error) {
  static const char *const names[] = {"ok", "memory", "session", "argument", "full", "participant", "track", "room"};
  size_t index = (size_t)-error;
  return error <= 0 && index < sizeof names / sizeof *names ? names[index] : "unknown";
}
