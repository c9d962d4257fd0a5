/* signaling/role.h: who a participant is, and which requests that allows. One table for server, SDK tests and PROTOCOL.md.
 *
 * The room decides what the table cannot know: whose track is muted, whether the room is locked.
 */
#ifndef SIGNALING_ROLE_H
#define SIGNALING_ROLE_H

#include <stdbool.h>

#include "signaling/message.h"

enum signaling_role {
  SIGNALING_ROLE_DOCTOR = 0,
  SIGNALING_ROLE_PATIENT,
  SIGNALING_ROLE_INTERPRETER,
  SIGNALING_ROLE_OBSERVER, /* hidden and sender-less */
  SIGNALING_ROLE_ADMIN,
  SIGNALING_ROLE_COUNT,
};

/* Rights that are not one request type. */
enum signaling_right {
  SIGNALING_RIGHT_MUTE_OTHERS = 0, /* `mute` on a microphone that is somebody else's; never unmute   */
  SIGNALING_RIGHT_JOIN_HIDDEN,     /* `join` with hidden:true; an observer is hidden whatever it says */
  SIGNALING_RIGHT_ENTER_LOCKED,    /* `join` a locked room                                            */
  SIGNALING_RIGHT_COUNT,
};

/* May `role` send `type` at all? False means the error `forbidden`. */
bool signaling_role_may(enum signaling_role role, enum signaling_type type);

bool signaling_role_has(enum signaling_role role, enum signaling_right right);

/* "doctor" and so on; never NULL. */
const char *signaling_role_name(enum signaling_role role);

/* Writes *out and returns 0, or -1 when `name` is no role (exact, lower case). */
int signaling_role_parse(const char *name, enum signaling_role *out);

#endif
